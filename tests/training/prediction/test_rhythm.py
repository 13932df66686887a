"""The next order of regular customers: MBG/NBD's where k is 1, else the integral of the law."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import stats

from training.prediction.rhythm import Rhythm
from training.prediction.structure import Prior

AT_RANDOM = Prior(1.2, 30.0, 0.9, 3.0, 6.0, 4.0, 15.0, 30)
KNOWN = {
    "frequency": np.array([0.0, 3.0, 12.0, 40.0, np.nan]),
    "T_days": np.array([200.0, 90.0, 365.0, 400.0, np.nan]),
    "recency_days": np.array([200.0, 5.0, 100.0, 0.0, np.nan]),
    "spend": np.array([10.0, 40.0, 130.0, 410.0, np.nan]),
}


def test_of_one_step_it_is_mbg_nbd() -> None:
    one = Rhythm(1, AT_RANDOM.r, AT_RANDOM.alpha, AT_RANDOM.a, AT_RANDOM.b)
    for days in (1.0, 30.0, 365.0):
        assert one.p_order(KNOWN, days) == pytest.approx(
            AT_RANDOM.p_order(KNOWN, days), rel=1e-9, nan_ok=True
        )
    assert one.p_alive(KNOWN) == pytest.approx(AT_RANDOM.p_alive(KNOWN), rel=1e-9, nan_ok=True)
    for share in (0.001, 0.01, 0.4, 0.9):
        wanted = np.full(5, share)
        assert one.days_until(KNOWN, wanted) == pytest.approx(
            AT_RANDOM.days_until(KNOWN, wanted), rel=1e-6, nan_ok=True
        )


def test_it_is_the_integral_over_rate_and_loss() -> None:
    law, x, T, recency, days = Rhythm(3, 1.2, 30.0, 0.9, 3.0), 4.0, 120.0, 40.0, 25.0

    nodes, weights = np.polynomial.legendre.leggauss(200)  # over both, within 0 and 1
    nodes, weights = (nodes + 1) / 2, weights / 2
    lost, rate = nodes[:, None], nodes[None, :]
    believed = stats.gamma.pdf(rate, law.r, scale=1 / law.alpha)
    believed = believed * stats.beta.pdf(lost, law.a, law.b)
    gaps = rate ** (law.k * x) * np.exp(-rate * (T - recency)) * (1 - lost) ** x

    def density(ahead: float) -> float:
        """Of x gaps that end at t_x, then silence for `ahead` more: lost upon the last, or not."""
        silent = stats.gamma.sf(recency + ahead, law.k, scale=1 / rate)
        return float(weights @ (believed * gaps * (lost + (1 - lost) * silent)) @ weights)

    now, later = density(0.0), density(days)
    one = {"frequency": x, "T_days": T, "recency_days": recency}
    known = {name: np.array([value]) for name, value in one.items()}
    assert law.p_order(known, days) == pytest.approx([1 - later / now], rel=1e-4)


def test_days_are_the_inverse_of_probabilities() -> None:
    law = Rhythm(6, 2.0, 12.0, 0.5, 6.0)
    for share in (0.1, 0.5):
        days = law.days_until(KNOWN, np.full(5, share))[[1, 3]]
        some = {name: values[[1, 3]] for name, values in KNOWN.items()}
        assert law.p_order(some, days) == pytest.approx(share, rel=1e-6)
    assert np.isinf(law.days_until(KNOWN, np.full(5, 0.999999))[2])  # as good as lost
    assert np.isnan(law.days_until(KNOWN, np.full(5, 0.5))[4])  # no order yet


def test_odd_histories_give_probabilities() -> None:
    law = Rhythm(12, 2.0, 12.0, 0.5, 6.0)
    odd = {
        "frequency": np.array([0.0, 5_000.0, 3.0]),
        "T_days": np.array([0.0, 3_650.0, 100.0]),
        "recency_days": np.array([0.0, 3_000.0, 500.0]),  # the last lies before the first
    }
    said = law.p_order(odd, 30.0)
    assert ((said >= 0) & (said <= 1)).all()
    assert (law.p_alive(odd) > 0).all()
    assert np.isinf(law.days_until(odd, np.full(3, 0.5))[1])


def test_two_orders_of_one_day_are_one() -> None:
    law = Rhythm(3, 1.2, 30.0, 0.9, 3.0)
    twice, once = (
        {"frequency": np.zeros(1), "T_days": np.full(1, 90.0), "recency_days": np.full(1, since)}
        for since in (89.5, 90.0)
    )
    assert law.p_order(twice, 30.0) == law.p_order(once, 30.0)


def test_a_prior_with_a_rhythm_tells_the_next_order_by_it_and_survives_json() -> None:
    law = Rhythm(6, 2.0, 12.0, 0.5, 6.0)
    prior = dataclasses.replace(AT_RANDOM, rhythm=law)
    said = prior.columns(KNOWN)
    assert said["structural_return"] == pytest.approx(law.p_order(KNOWN, 30.0), nan_ok=True)
    plain = AT_RANDOM.columns(KNOWN)
    assert said["structural_orders"] == pytest.approx(plain["structural_orders"], nan_ok=True)
    assert Prior.from_dict(json.loads(json.dumps(dataclasses.asdict(prior)))) == prior
    assert Prior.from_dict(json.loads(json.dumps(dataclasses.asdict(AT_RANDOM)))) == AT_RANDOM
