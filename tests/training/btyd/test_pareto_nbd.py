from types import SimpleNamespace

import numpy as np
import pytest
from scipy import integrate

from training.btyd.pareto_nbd import ParetoNbd, _integrals


def test_pareto_nbd_as_published(cdnow: SimpleNamespace) -> None:
    model = ParetoNbd.fit(cdnow.x, cdnow.t_x, cdnow.T)  # Fader, Hardie, Lee 2005, table 2
    assert [model.r, model.alpha, model.s, model.beta] == pytest.approx(
        [0.553, 10.578, 0.606, 11.669], rel=0.01
    )
    assert model.log_likelihood == pytest.approx(-9595.0, abs=0.1)
    # reference page of pnbd.PAlive in the R package BTYD, from its own fit to these customers
    assert model.p_alive(0, 0, 39) == pytest.approx(0.2941633, abs=5e-4)


def decay(t: float, alpha: float, beta: float, p: float, q: float, start: float) -> float:
    """What is integrated, 1 at its start."""
    return ((alpha + start) / (alpha + t)) ** p * ((beta + start) / (beta + t)) ** q


def test_the_integral_agrees_with_adaptive_quadrature() -> None:
    generator = np.random.default_rng(0)
    for _ in range(100):
        alpha, beta, p, q = np.exp(generator.uniform(-4, 4, 4))
        start, length = np.exp(generator.uniform(-3, 4, 2))

        powers = alpha, beta, p, q, start

        points = start + length * np.array([1e-4, 1e-2, 0.1])
        area, _ = integrate.quad(
            decay, start, start + length, args=powers, points=points, epsrel=1e-11
        )
        expected = np.log(area) - p * np.log(alpha + start) - q * np.log(beta + start)
        columns = [np.array([value]) for value in (p, q, start, start + length)]
        found = _integrals(columns[0], columns[1], alpha, beta, columns[2], columns[3])
        assert found.log[0] == pytest.approx(expected, abs=1e-7)
