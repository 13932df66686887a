"""The rivals of the models are told the truth, and nothing but the past."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features import sources
from features.settings import config
from features.settings.experiment import Experiment
from features.sources import Sources

AS_OF, DAYS = pd.Timestamp("2024-03-01"), 60
Script = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def shop(experiment_text: Callable[..., str]) -> Callable[[Path, pd.DataFrame, int], Experiment]:
    """The experiment of a frame of orders, written to a folder."""

    def written(folder: Path, orders: pd.DataFrame, days: int) -> Experiment:
        folder.mkdir()
        orders.to_csv(folder / "orders.csv", index=False)
        names = {"who": "customer", "when": "date", "paid": "amount"}
        (folder / "shop.toml").write_text(experiment_text(horizon_days=days, **names))
        return config.load(folder / "shop.toml")

    return written


@pytest.fixture(scope="module")
def seen(
    simulated_orders: pd.DataFrame, shop: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Experiment, Sources]:
    """The simulated shop, read until AS_OF. Shared: not to be changed."""
    made = shop(tmp_path_factory.mktemp("seen") / "shop", simulated_orders, DAYS)
    return made, sources.load(made, AS_OF)


@pytest.fixture(scope="module")
def past(seen: tuple[Experiment, Sources], script: Script) -> Any:
    """What rivals may see of it. Shared: not to be changed."""
    return script("model_rivals").past(seen[1], seen[0], AS_OF)


@pytest.fixture(scope="module")
def before(simulated_orders: pd.DataFrame) -> pd.DataFrame:
    """The orders before AS_OF, with moments."""
    dated = simulated_orders.assign(date=pd.to_datetime(simulated_orders["date"]))
    return dated[dated["date"] < AS_OF]


def said(script: Script, past: Any) -> dict[str, Any]:
    everyone: dict[str, Any] = script("model_rivals").naive(past)
    everyone["LightGBM"] = script("model_rivals").boosted(past)
    everyone["blend"] = script("model_blend").blended(past)
    everyone["blend with periods"] = script("model_blend").blended(past, periods=True)
    return everyone


@pytest.mark.slow
def test_no_rival_sees_what_happens_after_the_cut_off(
    simulated_orders: pd.DataFrame, shop: Any, past: Any, script: Script, tmp_path: Path
) -> None:
    later = simulated_orders["date"] >= f"{AS_OF:%Y-%m-%d}"
    other = simulated_orders[~later | (simulated_orders.index % 2 == 0)].copy()
    other.loc[later, "amount"] *= 50
    changed = shop(tmp_path / "shop", other, DAYS)
    whole = sources.load(changed)  # the log goes on, and otherwise
    with_future = script("model_rivals").past(whole, changed, AS_OF)
    honest, other_future = said(script, past), said(script, with_future)
    assert set(honest) == {
        "recency / recent spend", "total past spend", "RFM cells", "BG/NBD + Gamma-Gamma",
        "LightGBM", "blend", "blend with periods",
    }  # fmt: skip
    assert list(with_future.today.customer_id) == list(past.today.customer_id)
    for name, one in honest.items():
        for what in ("churn", "spend", "ranking"):
            mine, theirs = getattr(one, what), getattr(other_future[name], what)
            assert (mine is None) == (theirs is None)
            if mine is not None:
                assert theirs == pytest.approx(mine, rel=1e-9), (name, what)


def test_recent_spend_is_that_of_the_last_horizon(past: Any, before: pd.DataFrame) -> None:
    lately = before[before["date"] >= AS_OF - pd.Timedelta(days=DAYS)]
    spent = lately.groupby("customer")["amount"].sum()
    by_hand = spent.reindex(past.today.customer_id, fill_value=0.0).to_numpy()
    assert past.recent == pytest.approx(by_hand)
    assert set(past.today.customer_id) == set(before["customer"])


def test_total_past_spend_has_the_level_of_the_last_window(
    past: Any, before: pd.DataFrame, script: Script
) -> None:
    last = AS_OF - pd.Timedelta(days=DAYS)
    earlier = before[before["date"] < last]
    came = before[(before["date"] >= last) & before["customer"].isin(earlier["customer"])]
    level = came["amount"].sum() / earlier["amount"].sum()
    assert level < 1 / 3  # a horizon is short beside a history
    spent = before.groupby("customer")["amount"].sum().reindex(past.today.customer_id)
    said = script("model_rivals").naive(past)["total past spend"]
    assert said.churn is None
    assert said.spend == pytest.approx(level * spent.to_numpy())


def test_the_last_window_of_the_rivals_ends_at_the_cut_off(past: Any, before: pd.DataFrame) -> None:
    last = AS_OF - pd.Timedelta(days=DAYS)
    assert past.stack.as_of.max() == last
    assert past.window_days == DAYS
    assert set(past.last.customer_id) == set(before.loc[before["date"] < last, "customer"])
    came = before[before["date"] >= last].groupby("customer")["amount"].sum()
    known = past.last.set_index("customer_id").future_spend
    assert known.sum() == pytest.approx(came.reindex(known.index, fill_value=0.0).sum())


def test_where_the_history_is_short_a_third_of_it_is_stretched(
    seen: tuple[Experiment, Sources], before: pd.DataFrame, script: Script
) -> None:
    made, read = seen
    span = (AS_OF - before["date"].min()).days
    longer = dataclasses.replace(made, horizon_days=400)
    short = script("model_rivals").past(read, longer, AS_OF)
    assert short.window_days == span // 3
    assert short.ratio.source == "BG/NBD"
    assert short.ratio.spend > 1
    lately = before[before["date"] >= AS_OF - pd.Timedelta(days=span // 2)]
    spent = lately.groupby("customer")["amount"].sum()
    by_hand = spent.reindex(short.today.customer_id, fill_value=0.0).to_numpy()
    ratio = short.recent.sum() / by_hand.sum()  # of the half, not of the third
    assert short.recent == pytest.approx(by_hand * ratio)
    assert 1 < ratio < short.ratio.spend


@pytest.mark.parametrize(
    ("module", "rival"), [("model_blend", "blended"), ("model_rivals", "boosted")]
)
def test_a_learned_rival_ranks_better_than_a_coin_and_keeps_the_level(
    module: str, rival: str, past: Any, script: Script
) -> None:
    said = getattr(script(module), rival)(past)
    assert ((said.churn > 0) & (said.churn < 1)).all()
    assert (said.spend >= 0).all()
    silent = past.today.recency_days.to_numpy()
    assert np.corrcoef(said.churn, silent)[0, 1] > 0.5  # who is silent for long stays away
    assert 0.5 < said.spend.sum() / past.recent.sum() < 2


def test_a_learned_rival_goes_half_of_the_way_that_time_tells(past: Any, script: Script) -> None:
    def fitted(train: pd.DataFrame, others: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        early = len(train) < len(past.stack)  # a fit that says twice what is, where it is known
        spend = past.last.future_spend.mean() * (2.0 if early else 3.0)
        return [(np.linspace(-1, 1, len(f)), np.full(len(f), spend)) for f in others]

    said = script("model_rivals").corrected(fitted, past)
    mean = past.last.future_spend.mean()
    assert said.spend == pytest.approx(np.sqrt(3.0 * mean * mean))  # between 3 and, scaled, 1


def test_a_cell_is_the_mean_of_its_customers_and_ten_average_ones(script: Script) -> None:
    frame = pd.DataFrame({"recency_days": [1.0, 9.0], "orders": [1, 5], "spend": [2.0, 8.0]})
    outcomes = np.array([[0.0, 10.0], [1.0, 30.0]])
    cells = script("model_rivals").cell_means(frame, frame[::-1], outcomes)
    assert cells == pytest.approx(np.array([[6 / 11, 230 / 11], [5 / 11, 210 / 11]]))
