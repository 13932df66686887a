"""Ten data sets that nobody would wish for: each ends in a sensible model or in a clear refusal."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from features.errors import HistoryError, SourceError
from features.settings import config
from training import run
from training.run import Retrained
from training.screen import Screen

SEED = 7
FIRST_DAY = pd.Timestamp("2023-01-01")
OUTLIER = 1e9
PEOPLE = 'plan = { lens = "demographic", kind = "category" }'
MODEL = "[model]\nsegments = 3\nseeds = 1\n"
Shop = Callable[..., Retrained]


def orders(customers: int = 200, days: int = 240, arrive: int = 60) -> pd.DataFrame:
    """Order lines (who, day, paid): customers arrive within `arrive` days, buy at rates and of
    amounts of their own, and leave one day.
    """
    rng = np.random.default_rng(SEED)
    rows = []
    for customer in range(customers):
        day = rng.uniform(0, arrive)
        last = min(days, day + rng.exponential(300))
        gap, level = rng.gamma(2, 10), rng.lognormal(3.3, 0.6)
        while day < last:
            rows.append((f"C{customer:03}", int(day), round(level * rng.lognormal(0, 0.4), 2)))
            day += rng.exponential(gap)
    return pd.DataFrame(rows, columns=["who", "day", "paid"])


@pytest.fixture(scope="module", autouse=True)
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One store for all of these shops, since to make one takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("hostile")
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        yield


@pytest.fixture
def retrained(tmp_path: Path, experiment_text: Callable[..., str]) -> Shop:
    """A shop of these order lines, retrained; `plan` is an attribute (who -> value)."""

    def made(
        lines: pd.DataFrame, horizon_days: int = 30, plan: "pd.Series[str] | None" = None
    ) -> Retrained:
        when = FIRST_DAY + pd.to_timedelta(lines.day, unit="D")
        lines.assign(when=when.dt.strftime("%Y-%m-%d"))[["who", "when", "paid"]].to_csv(
            tmp_path / "orders.csv", index=False
        )
        if plan is not None:
            plan.rename("plan").rename_axis("who").to_csv(tmp_path / "people.csv")
        text = experiment_text(
            name=tmp_path.name, horizon_days=horizon_days, people="" if plan is None else PEOPLE
        )
        file = tmp_path / "shop.toml"
        file.write_text(text + MODEL)
        with (tmp_path / "log.txt").open("w") as log:
            screen = Screen(Console(file=log, width=160))
            return run.retrain(config.load(file), screen, None, tmp_path / "out")

    return made


@pytest.fixture(scope="module")
def ordinary() -> pd.DataFrame:
    """The shop that most of these are made from. Shared: not to be changed."""
    return orders()


def refused(retrained: Shop, *of: object, **how: object) -> str:
    with pytest.raises((HistoryError, SourceError)) as refusal:
        retrained(*of, **how)
    return str(refusal.value)


def sensible(made: Retrained, off_by: float = 0.25) -> pd.DataFrame:
    """The scores by customer, after what must hold of any model."""
    scores = made.scores.set_index("customer_id")
    for column in ("churn_probability", "expected_orders", "expected_spend"):
        assert np.isfinite(scores[column]).all()
        assert (scores[column] >= 0).all()
        assert scores[column].nunique() > len(scores) / 4, f"{column} is nearly constant"
    assert (scores.churn_probability <= 1).all()
    assert (scores.expected_orders >= 1 - scores.churn_probability - 1e-9).all()
    assert (scores.expected_spend_low <= scores.expected_spend_high).all()
    totals = next(s for s in made.card.sections if s.title == "Summed over all customers")
    assert abs(totals.rows["orders"]["off by"]) < off_by
    assert abs(totals.rows["customers with an order"]["off by"]) < off_by
    return scores


# --------------------------------------------------------------------------- a clear refusal


@pytest.mark.slow
def test_where_all_buy_once_nobody_came_back_to_learn_from(
    retrained: Shop, ordinary: pd.DataFrame
) -> None:
    firsts = ordinary.groupby("who", as_index=False).first()
    spread = np.random.default_rng(SEED).integers(0, 240, len(firsts))
    both = pd.concat([firsts.assign(day=0), firsts.assign(who="X" + firsts.who, day=spread)])
    assert refused(retrained, both) == (
        "At least 10 customers must spend after a training cut-off, or there is nothing to learn. "
        "Seen: 0, who spent 0 in all, in 9 windows of 30 days. Remedy: bring a longer history, or "
        "a longer horizon_days; "
        "check the amounts, and that customer_id is the customer's, not the order's"
    )


@pytest.mark.slow
def test_one_customer_is_no_customers(retrained: Shop) -> None:
    one = pd.DataFrame({"who": "C1", "day": np.arange(0, 240, 5), "paid": 10.0})
    assert refused(retrained, one).startswith(
        "Every window needs at least 100 customers with an order before its cut-off. Seen: 1 in "
        "the train window ("
    )


@pytest.mark.slow
def test_returns_alone_make_no_order(retrained: Shop, ordinary: pd.DataFrame) -> None:
    said = refused(retrained, ordinary.assign(paid=-ordinary.paid))
    assert said.startswith("Every window needs at least 100 customers with an order")
    assert " Seen: 0 in the train window (" in said
    assert said.endswith("; returns alone make no order")


def test_a_horizon_beyond_the_data_is_refused(retrained: Shop, ordinary: pd.DataFrame) -> None:
    assert refused(retrained, ordinary, horizon_days=300) == (
        "The horizon must be shorter than the history. Seen: a horizon of 300 days and "
        "a history of 240 days (2023-01-01 to 2023-08-29). Remedy: set horizon_days to 48 or "
        "less, or bring a longer history"
    )


@pytest.mark.slow
def test_where_all_have_left_nothing_is_learned(retrained: Shop, ordinary: pd.DataFrame) -> None:
    one_more = pd.DataFrame({"who": ["X"], "day": [239], "paid": [5.0]})
    before = ordinary[ordinary.day < 90]  # the first training cut-off stands at day 90
    assert refused(retrained, pd.concat([before, one_more])).startswith(
        "At least 10 customers must spend after a training cut-off, or there is nothing to learn. "
        "Seen: 0, who spent 0 in all, in "
    )


@pytest.mark.slow
def test_a_silent_window_is_a_gap_and_not_everybodys_leaving(
    retrained: Shop, ordinary: pd.DataFrame
) -> None:
    silent = ordinary[(ordinary.day < 180) | (ordinary.day >= 210)]
    active = ordinary[ordinary.day < 180].who.nunique()
    assert refused(retrained, silent) == (
        "At least 10 customers must spend in the calibration window, or hardly anything could be "
        f"said of anybody. Seen: 0 from 2023-06-30 to 2023-07-30, of {active} customers with an "
        "order before. Remedy: look for a gap in the orders (`coterie check`) and set as_of to its "
        "beginning, or bring more customers or a longer horizon_days"
    )


@pytest.mark.slow
def test_an_attribute_that_knows_who_leaves_is_refused(
    retrained: Shop, ordinary: pd.DataFrame
) -> None:
    who = pd.Index(ordinary.who.unique())
    stayed = who.isin(ordinary[ordinary.day >= 210].who)  # the test window, as an export has it
    plan = pd.Series(np.where(stayed, "active", "cancelled"), index=who)
    said = refused(retrained, ordinary, plan=plan)
    assert said.startswith(
        "An attribute without a date must not know who leaves: it was written afterwards, and a "
        "model of it is worth nothing for customers of today. Seen: attribute_plan: its value "
        "alone predicts churn with AUC 1.000; the best of all behaviour, "
    )
    assert said.endswith(" Remedy: date its values (valid_from), or leave the column out")


# -------------------------------------------------------------------------- a sensible model


@pytest.mark.slow
def test_a_constant_amount_is_no_law_and_yet_a_model(
    retrained: Shop, ordinary: pd.DataFrame
) -> None:
    made = retrained(ordinary.assign(paid=10.0))
    scores = sensible(made)
    # Ten a line, and seldom two lines a day: what is spent is ten times what is ordered.
    worth = scores.expected_spend.sum() / scores.expected_orders.sum()
    assert worth == pytest.approx(10.0, rel=0.25)


@pytest.mark.slow
def test_a_history_for_a_single_cut_off_is_enough(retrained: Shop) -> None:
    made = retrained(orders(days=35, arrive=5), horizon_days=9)
    assert len(made.bundle.manifest["splits"]["train"]) == 1
    sensible(made, off_by=0.35)  # nine days of 200 customers, each window older than the one before


@pytest.mark.slow
@pytest.mark.parametrize("first", [115, 190, 220], ids=["trained", "calibrated", "last"])
def test_an_outlier_of_a_billion_moves_nobody_else_far(
    retrained: Shop, ordinary: pd.DataFrame, first: int
) -> None:
    rows = ordinary.index[ordinary.day.between(first, first + 10)]  # an outcome; then a history
    with_it = ordinary.copy()
    with_it.loc[rows[0], "paid"] = OUTLIER
    whose = ordinary.who[rows[0]]
    made = retrained(with_it)
    scores = sensible(made)
    others = scores.drop(index=whose)
    window = {115: "training windows", 190: "calibration window", 220: "test window"}[first]
    (told,) = (line for line in made.card.heading if f"spends in the {window}, " in line)
    assert "% of all of it, up to 1,000,000," in told
    for section in made.card.sections:  # no rule is drowned in what is capped for ours
        if section.title == "Spend" and first != 220:
            assert all(abs(row["bias"]) < 1 for row in section.rows.values())
    recent = ordinary[(ordinary.day >= 210) & (ordinary.who != whose)].paid.sum()
    assert others.expected_spend.sum() == pytest.approx(recent, rel=0.35)
    assert others.expected_spend.max() < 3 * ordinary.groupby("who").paid.sum().max()
    assert scores.expected_spend[whose] < OUTLIER / 1e4


@pytest.mark.slow
def test_an_outlier_in_a_short_history_moves_neither_spend_nor_orders(retrained: Shop) -> None:
    plain = orders(days=35, arrive=5)
    with_it = plain.copy()
    row = plain.index[plain.day == 29][0]
    with_it.loc[row, "paid"] = OUTLIER
    totals = []
    for lines in (plain, with_it):
        scores = retrained(lines, horizon_days=9).scores.set_index("customer_id")
        others = scores.drop(index=plain.who[row])
        totals.append(others[["expected_orders", "expected_spend"]].sum())
    assert totals[1].to_numpy() == pytest.approx(totals[0].to_numpy(), rel=0.15)


@pytest.mark.slow
def test_who_returned_more_than_was_bought_is_expected_to_spend_no_less_than_nothing(
    retrained: Shop, ordinary: pd.DataFrame
) -> None:
    every_fourth = ordinary.who.unique()[::4]
    bought = ordinary[ordinary.who.isin(every_fourth)].groupby("who", as_index=False)
    back = bought.agg(day=("day", "first"), paid=("paid", "sum"))
    back = back.assign(day=back.day + 1, paid=-2 * back.paid)
    lines = pd.concat([ordinary, back])
    assert (lines.groupby("who").paid.sum()[every_fourth] < 0).all()
    scores = sensible(retrained(lines)).loc[every_fourth]
    assert (scores.expected_spend_low >= 0).all()
    assert (scores[["value_12m", "value_24m"]] >= 0).all(axis=None)
