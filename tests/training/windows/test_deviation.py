"""What came after a cut-off against what a model expected, and how sure that is."""

import numpy as np
import pandas as pd
import pytest

from training.rivals import recent_spend
from training.windows import deviation
from training.windows.deviation import Deviation

NOW = pd.Timestamp("2023-11-01")


def rows_of(ordered: int = 100, silent: int = 200) -> pd.DataFrame:
    """Snapshot rows of random customers; so many ordered afterwards, for 30."""
    rng = np.random.default_rng(8)
    n = ordered + silent
    T, x = rng.uniform(100, 300, n), rng.poisson(rng.gamma(2, 1.5, n)).astype(float)
    came = np.arange(n) < ordered
    return pd.DataFrame({
        "orders": x + 1, "frequency": x, "T_days": T,
        "recency_days": np.where(x > 0, T * rng.uniform(0, 0.8, n), T), "spend": 20.0 * (x + 1),
        "future_orders": came.astype(int), "future_spend": 30.0 * came, recent_spend(60): 10.0,
    })  # fmt: skip


def found_of(rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> Deviation | str:
    """Of 60 days after these rows."""
    monkeypatch.setattr(deviation, "customers_known", lambda *_: None)
    monkeypatch.setattr(deviation, "snapshot", lambda *_: rows)
    return deviation.by_mbg(None, NOW, 60)


def test_a_hundred_who_ordered_tell_a_deviation(monkeypatch: pytest.MonkeyPatch) -> None:
    found = found_of(rows_of(100), monkeypatch)
    assert isinstance(found, Deviation)
    assert found.over_recent == pytest.approx(100 * 30 / (300 * 10))
    assert found_of(rows_of(99), monkeypatch) == (
        "99 of 299 customers with an order before ordered in the 60 days from 2023-11-01, 100 "
        "needed"
    )


def test_a_deviation_is_of_customers_with_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of()
    nobody = rows.iloc[:1].assign(orders=0, spend=np.nan, future_spend=1e4)
    nobody[["frequency", "T_days", "recency_days"]] = np.nan
    assert found_of(pd.concat([rows, nobody]), monkeypatch) == found_of(rows, monkeypatch)


def test_neither_a_slip_nor_what_was_returned_makes_a_deviation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = rows_of()
    usual = found_of(rows, monkeypatch)
    assert isinstance(usual, Deviation)
    odd = rows.copy()
    odd.loc[0, "future_spend"], odd.loc[200, "spend"] = 1e9, -1e5
    found = found_of(odd, monkeypatch)
    assert isinstance(found, Deviation)
    assert found.spend[0] == pytest.approx(usual.spend[0], rel=0.02)


def test_where_nobody_had_spent_nothing_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of()
    assert "nobody spent in the 60 days" in found_of(rows.assign(spend=0.0), monkeypatch)
    assert "nobody spent in the 60 days" in found_of(rows.assign(future_spend=0.0), monkeypatch)
    of_late = found_of(rows.assign(**{recent_spend(60): 0.0}), monkeypatch)
    assert isinstance(of_late, Deviation)
    assert of_late.over_recent is None


def test_where_no_power_tells_the_silences_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deviation, "_power", lambda *_: None)
    assert found_of(rows_of(), monkeypatch) == (
        "another share came back in the 60 days from 2023-11-01 than the model could tell"
    )


def test_a_ratio_of_totals_knows_its_noise() -> None:
    ratio, noise = deviation._over(np.array([4.0, 0.0]), np.array([1.0, 1.0]))
    assert ratio == 2.0
    assert noise == pytest.approx((2**2 + 2**2) / 4**2)


def test_the_power_makes_the_expected_silences_the_realised_ones() -> None:
    ordered = np.repeat([1.0, 0.0], [75, 25])
    power, _ = deviation._power(ordered, np.full(100, 0.5))
    assert power == pytest.approx(2.0)  # .5 squared is .25
    noise = (75 * 0.25**2 + 25 * 0.75**2) / (100 * 0.25 * np.log(4)) ** 2
    assert deviation._power(ordered, np.full(100, 0.25)) == pytest.approx((1.0, noise))


def test_no_power_makes_an_unlikely_silence_likely() -> None:
    assert deviation._power(np.zeros(1_000), np.full(1_000, 1e-6)) is None
    assert deviation._power(np.repeat([0.0, 1.0], 500), np.full(1_000, 0.5)) == pytest.approx(
        (1.0, (1_000 * 0.25) / (1_000 * 0.5 * np.log(2)) ** 2)
    )
