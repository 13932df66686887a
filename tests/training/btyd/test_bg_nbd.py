from types import SimpleNamespace

import numpy as np
import pytest

from features.errors import FitError
from training.btyd.bg_nbd import BgNbd, MbgNbd


def test_bg_nbd_as_published(cdnow: SimpleNamespace) -> None:
    model = BgNbd.fit(cdnow.x, cdnow.t_x, cdnow.T)  # Fader, Hardie, Lee 2005, table 2
    assert [model.r, model.alpha, model.a, model.b] == pytest.approx(
        [0.243, 4.414, 0.793, 2.426], rel=0.01
    )
    assert model.log_likelihood == pytest.approx(-9582.4, abs=0.1)
    assert model.customers == 2357


def test_mbg_nbd_as_measured_elsewhere(cdnow: SimpleNamespace) -> None:
    model = MbgNbd.fit(cdnow.x, cdnow.t_x, cdnow.T)
    assert [model.r, model.alpha, model.a, model.b] == pytest.approx(
        [0.525, 6.183, 0.891, 1.614], rel=0.01
    )
    assert model.log_likelihood == pytest.approx(-9582.14, abs=0.1)


def test_one_time_buyers_are_alive_and_yet_silent(cdnow: SimpleNamespace) -> None:
    model = BgNbd.fit(cdnow.x, cdnow.t_x, cdnow.T)
    assert model.p_alive(0, 0, 39) == 1
    assert model.probability_of_order(39, 0, 0, 39) < 0.4


def test_twins_are_refused() -> None:
    with pytest.raises(FitError, match="r towards infinity"):
        BgNbd.fit(np.full(100, 3), np.full(100, 20), np.full(100, 30))
