"""The structural prior: what serving computes in numpy equals the models that were fitted."""

import numpy as np
import pandas as pd
import pytest

from features.errors import FitError
from training.btyd import prior
from training.btyd.bg_nbd import MbgNbd
from training.btyd.gamma_gamma import GammaGamma
from training.prediction.structure import FEATURES, Prior

DAYS = 30
NAMES = [feature.name for feature in FEATURES]


def rows(seed: int, as_of: str, count: int = 600) -> pd.DataFrame:
    """Snapshot rows of MBG/NBD customers; the first has no order yet."""
    rng = np.random.default_rng(seed)
    T = rng.uniform(60, 300, count)
    x, last = np.zeros(count), np.zeros(count)
    for i in range(count):
        rate, lost = rng.gamma(1, 1 / 25), rng.beta(1, 4)
        at = 0.0
        while rng.random() >= lost:
            at += rng.exponential(1 / rate)
            if at > T[i]:
                break
            x[i], last[i] = x[i] + 1, at
    spend = (x + 1) * rng.gamma(6, 5 / rng.gamma(4, 1, count))
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(count)], "as_of": pd.Timestamp(as_of),
            "orders": (x + 1).astype(int), "frequency": x, "T_days": T,
            "recency_days": T - last, "spend": spend,
        }
    )  # fmt: skip
    frame.loc[0, ["frequency", "T_days", "recency_days", "spend"]] = np.nan
    frame.loc[0, "orders"] = 0
    return frame


def columns(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    return {n: frame[n].to_numpy(float) for n in ("frequency", "recency_days", "T_days", "spend")}


def test_it_gives_what_the_fitted_models_give() -> None:
    frame = rows(1, "2024-01-01")
    fitted = prior.fit(frame, DAYS)
    assert fitted is not None
    known = frame.iloc[1:]
    made = fitted.columns(columns(known))
    x, T = known["frequency"].to_numpy(), known["T_days"].to_numpy()
    t_x = np.where(x > 0, T - known["recency_days"], 0)
    model = MbgNbd(fitted.r, fitted.alpha, fitted.a, fitted.b)
    assert made["structural_return"] == pytest.approx(
        model.probability_of_order(DAYS, x, t_x, T), abs=1e-12
    )
    upper = model.p_alive(x, t_x, T) * (fitted.r + x) * DAYS / (fitted.alpha + T)
    assert made["structural_orders"] == pytest.approx(upper)
    assert (made["structural_orders"] >= model.expected_orders(DAYS, x, t_x, T)).all()
    amounts = GammaGamma(fitted.p, fitted.q, fitted.gamma)
    mean = amounts.expected_value(x + 1, (known["spend"] / (x + 1)).to_numpy())
    assert made["structural_spend"] == pytest.approx(upper * mean)


def test_who_has_not_ordered_has_none() -> None:
    frame = rows(1, "2024-01-01")
    fitted = prior.fit(frame, DAYS)
    assert fitted is not None
    made = fitted.columns(columns(frame))
    for name in NAMES:
        assert np.flatnonzero(np.isnan(made[name])).tolist() == [0]


@pytest.mark.parametrize("spend", [-50.0, 0.0, 1e12])
def test_odd_histories_give_finite_columns(spend: float) -> None:
    fitted = Prior(0.5, 20.0, 0.8, 2.0, 6.0, 4.0, 15.0, DAYS)
    odd = {
        "frequency": np.array([0.0, 5_000.0, 3.0]),
        "recency_days": np.array([0.0, 3_000.0, 500.0]),
        "T_days": np.array([0.0, 3_650.0, 100.0]),  # the last lies before the first
        "spend": np.full(3, spend),
    }
    made = fitted.columns(odd)
    for name in NAMES:
        assert np.isfinite(made[name]).all(), name
        assert (made[name] >= 0).all(), name
    assert (made["structural_return"] <= 1).all()


def test_each_cutoff_has_a_fit_of_its_own() -> None:
    then, now = rows(1, "2024-01-01"), rows(2, "2024-02-01", 400)
    both = pd.concat([now, then]).reset_index(drop=True)
    (made, today), latest = prior.augment([both, now], DAYS)
    assert latest == prior.fit(now, DAYS)
    earlier = prior.fit(then, DAYS)
    assert earlier is not None
    assert latest is not None
    for frame, fitted in ((then, earlier), (now, latest)):
        part = made[made["as_of"] == frame["as_of"].iloc[0]]
        for name, values in fitted.columns(columns(frame)).items():
            assert part[name].to_numpy() == pytest.approx(values, nan_ok=True)
    assert list(made.columns) == [*both.columns, *NAMES]
    assert today["structural_return"].to_numpy()[1:] == pytest.approx(
        made["structural_return"].to_numpy()[1:400]
    )


def test_a_later_cutoff_does_not_change_an_earlier_one() -> None:
    then, now = rows(1, "2024-01-01"), rows(2, "2024-02-01")
    (alone,), _ = prior.augment([then], DAYS)
    (with_later, _), _ = prior.augment([then, now], DAYS)
    pd.testing.assert_frame_equal(alone, with_later)


def test_where_one_fit_is_refused_no_row_has_the_columns() -> None:
    then, now = rows(1, "2024-01-01"), rows(2, "2024-02-01")
    once = then.assign(frequency=0.0)  # nobody ordered twice: nothing determines the model
    frames, latest = prior.augment([once, now], DAYS)
    assert latest is None
    assert all(set(NAMES).isdisjoint(f.columns) for f in frames)
    assert prior.fit(once, DAYS) is None


def test_where_nobody_seems_to_leave_a_weak_prior_stands_in() -> None:
    rng = np.random.default_rng(7)
    T = rng.uniform(100, 200, 150)
    x = rng.poisson(T * rng.gamma(4, 1 / 40, 150)).astype(float) + 5
    frame = pd.DataFrame({
        "orders": x + 1, "frequency": x, "T_days": T, "recency_days": rng.uniform(0, 5, 150),
        "spend": (x + 1) * rng.gamma(20, 1, 150),
    })  # fmt: skip
    with pytest.raises(FitError, match="it still grows with"):
        prior.fitted(frame, DAYS)
    made = prior.fit(frame, DAYS)
    assert made is not None
    known = made.columns(columns(frame))
    assert (known["structural_return"] > 0.5).all()  # of whom some ordered 5 days ago
    # All is forgotten but the rate: orders a day times the days.
    assert known["structural_orders"].sum() == pytest.approx((x / T).sum() * DAYS, rel=0.1)


def test_a_weak_prior_says_next_to_nothing_of_many_customers() -> None:
    frame = rows(3, "2024-01-01", 4_000)
    alone, weak = prior.fitted(frame, DAYS), prior.fitted(frame, DAYS, weak=True)
    for name, values in alone.columns(columns(frame)).items():
        other = weak.columns(columns(frame))[name]
        assert np.nansum(other) == pytest.approx(np.nansum(values), rel=0.01), name
        assert np.nanmax(np.abs(other - values) / (np.nanmean(values))) < 0.1, name


def orders_alone(frame: pd.DataFrame) -> tuple[float, ...]:
    """r, alpha, a and b of MBG/NBD by its own likelihood."""
    known = frame.iloc[1:]
    x, T = known["frequency"].to_numpy(), known["T_days"].to_numpy()
    model = MbgNbd.fit(x, np.where(x > 0, T - known["recency_days"], 0), T)
    return model.r, model.alpha, model.a, model.b


def test_a_constant_amount_is_everybodys_and_the_orders_keep_their_model() -> None:
    frame = rows(3, "2024-01-01")
    frame["spend"] = (frame["frequency"] + 1) * 12.5
    made = prior.fit(frame, DAYS)
    assert made is not None
    assert made.alike
    assert made.order_value(columns(frame))[1:] == pytest.approx(np.full(599, 12.5))
    assert (made.r, made.alpha, made.a, made.b) == orders_alone(frame)


def test_days_of_one_ticket_or_two_bring_the_mean_of_all() -> None:
    frame = rows(3, "2024-01-01", 4_000)  # of whom one in ten once bought two on a day
    twice = np.random.default_rng(3).random(4_000) < 0.1
    frame["spend"] = 12.5 * (frame["frequency"] + 1 + twice)
    for weak in (False, True):
        with pytest.raises(FitError, match=r"Gamma-Gamma .* it still grows with q"):
            prior.fitted(frame, DAYS, weak)
    made = prior.fit(frame, DAYS)
    assert made is not None
    mean = 12.5 * (1 + twice[1:].sum() / (frame["frequency"] + 1).sum())
    assert made.order_value(columns(frame))[1:] == pytest.approx(np.full(3_999, mean), rel=1e-4)
    assert (made.r, made.alpha, made.a, made.b) == orders_alone(frame)


def test_orders_that_cost_nothing_are_counted_all_the_same() -> None:
    frame = rows(3, "2024-01-01").assign(spend=0.0)
    made = prior.fit(frame, DAYS)
    assert made is not None
    known = made.columns(columns(frame))
    assert known["structural_spend"][1:].tolist() == [0.0] * 599
    assert (known["structural_return"][1:] > 0).all()


def test_where_the_last_cutoff_has_no_law_of_amounts_each_has_its_mean() -> None:
    then, now = rows(1, "2024-01-01"), rows(2, "2024-02-01")
    now["spend"] = (now["frequency"] + 1) * 12.5
    (before, after), latest = prior.augment([then, now], DAYS)
    assert latest is not None
    mean = then["spend"].sum() / (then["frequency"].iloc[1:] + 1).sum()
    for frame, amount in ((before, mean), (after, 12.5)):
        brings = (frame["structural_spend"] / frame["structural_orders"]).to_numpy()[1:]
        assert brings == pytest.approx(np.full(599, amount), rel=2e-3)


def test_an_early_cutoff_without_a_law_of_amounts_leaves_the_later_ones_theirs() -> None:
    then, now = rows(1, "2024-01-01"), rows(2, "2024-02-01")
    then["spend"] = (then["frequency"] + 1) * 12.5
    (before, _), latest = prior.augment([then, now], DAYS)
    assert latest == prior.fitted(now, DAYS)
    brings = (before["structural_spend"] / before["structural_orders"]).to_numpy()[1:]
    assert brings == pytest.approx(np.full(599, 12.5))


def test_neither_a_slip_nor_a_return_is_a_mean_amount() -> None:
    frame = rows(3, "2024-01-01")
    odd = frame.copy()
    odd.loc[1, "spend"], odd.loc[2, "spend"] = 1e9, -1e6
    usual, made = (
        prior.fitted(some, DAYS, alike=True).order_value(columns(frame))[1] for some in (frame, odd)
    )
    assert made == pytest.approx(usual, rel=0.05)


def test_nobody_who_ordered_gives_no_prior() -> None:
    assert prior.fit(rows(1, "2024-01-01").iloc[:1], DAYS) is None


def test_a_prior_survives_being_written_down() -> None:
    fitted = Prior(0.5, 20.0, 0.8, 2.0, 6.0, 4.0, 15.0, DAYS)
    assert Prior.from_dict(vars(fitted)) == fitted
    assert Prior.from_dict(None) is None
