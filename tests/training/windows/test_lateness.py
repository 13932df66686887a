"""Outcomes are waited for as long as orders take to arrive."""

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features import sources, spine
from features.errors import HistoryError
from features.settings import config
from features.snapshot import outcomes_of
from training import origins
from training.windows import splits
from training.windows.lateness import days_late
from training.windows.splits import Splits

START = pd.Timestamp("2023-01-01")
SHOP = """
[experiment]
name = "late"
currency = "EUR"
horizon_days = 30
[orders]
url = "orders.csv"
[orders.columns]
customer_id = "customer"
moment = "date"
amount = "amount"
arrived = "got"
"""


def log(*waited: float | None, loaded: int = 0) -> Any:
    """Orders six hours apart that arrived so many days later (None: nothing is said of it), and
    of so many a day before, loaded at once with the first of them.
    """
    moments = [START + pd.Timedelta(hours=6 * i) for i in range(len(waited))]
    arrived = [
        None if days is None else at + pd.Timedelta(days=days)
        for at, days in zip(moments, waited, strict=True)
    ]
    begun = [min(at for at in arrived if at is not None)] if loaded else []
    moments = [START - pd.Timedelta(days=i + 1) for i in range(loaded)] + moments
    table = pa.table({
        "moment": pa.array(moments, pa.timestamp("us")),
        "arrived": pa.array(begun * loaded + arrived, pa.timestamp("us")),
    })  # fmt: skip
    connection = ibis.duckdb.connect()
    connection.create_table("orders", table)
    return connection


def known_late(*waited: float | None, loaded: int = 0) -> int:
    return days_late(log(*waited, loaded=loaded))


@pytest.mark.parametrize(
    ("waited", "days"),
    [
        ([None] * 200, 0),
        ([0.01] * 200, 0),
        ([-1.0] * 200, 0),  # a date without a time of day
        ([1.2] * 200, 2),
        ([None] * 100 + [20.0] * 100, 20),
        ([0.01] * 100 + [None] * 100, 0),
        ([0.0] * 199 + [400.0], 0),  # one in two hundred is not waited for
        ([0.0] * 197 + [30.0] * 3, 30),
        ([0.0] * 190 + [14.5] * 10, 15),
    ],
    ids=[
        "unsaid",
        "minutes",
        "before",
        "daily",
        "half",
        "no longer said",
        "one",
        "three",
        "a twentieth",
    ],
)
def test_so_many_days_as_ninety_nine_in_a_hundred_need(
    waited: list[float | None], days: int
) -> None:
    assert known_late(*waited) == days


def test_what_was_loaded_when_the_log_began_is_not_late() -> None:
    assert known_late(*[0.01] * 100, loaded=900) == 0
    assert known_late(*[3.0] * 1_000, loaded=0) == 3
    assert known_late(*[20.0] * 4) == 0  # the last happened before the first arrived


@pytest.mark.parametrize(
    "waited",
    [[0.0] * 100 + [400.0] + [0.0] * 100, [0.0] * 100 + [None] * 101],
    ids=["one straggler", "no longer said"],
)
def test_a_log_of_which_nothing_is_late_is_known_until_its_last_order(
    waited: list[float | None],
) -> None:
    end = START + pd.Timedelta(days=50)
    assert splits.now_of(SimpleNamespace(connection=log(*waited), end=end)) == splits.now_after(end)  # type: ignore[arg-type]


def test_every_stage_waits_for_the_outcomes_of_the_one_before() -> None:
    made = splits.plan(START, START + pd.Timedelta(days=400), 30, late=20)
    assert made.rung == "full"
    assert made.test.known == made.now
    assert made.calibration.known == made.test.as_of
    assert made.train[-1].known == made.calibration.as_of
    assert made.final[-1] == made.test
    for origin in origins.earlier(made, 3):
        assert origin.calibration.known <= origin.test.as_of
        assert max(w.known for w in origin.train) <= origin.calibration.as_of


def test_where_nothing_is_late_nothing_is_waited_for() -> None:
    now = START + pd.Timedelta(days=400)
    assert splits.plan(START, now, 30, late=0) == splits.plan(START, now, 30)
    assert splits.plan(START, now, 30).test.end == now


def test_a_short_history_leaves_room_for_the_waits() -> None:
    for late in (1, 5, 40):
        made = splits.plan(START, START + pd.Timedelta(days=110 + 3 * late), 30, late=late)
        assert (made.rung, made.window_days) == ("short windows", (110 - made.history_days) // 3)
        assert made.train[0].as_of >= START + pd.Timedelta(days=made.history_days)
        assert made.test.known == made.now
    with pytest.raises(HistoryError) as refused:
        splits.plan(START, START + pd.Timedelta(days=150), 30, late=40)
    assert refused.value.seen.endswith(", known 40 days late")


@pytest.fixture(scope="module")
def late_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 days of 300 customers, of whose orders a third arrives twenty days late."""
    rng = np.random.default_rng(7)
    count = 8_000
    orders = pd.DataFrame({
        "customer": rng.integers(0, 300, count),
        "date": START + pd.to_timedelta(rng.uniform(0, 400, count), unit="D").floor("s"),
        "amount": 10.0,
    })  # fmt: skip
    waits = np.where(rng.random(count) < 1 / 3, 20.0, 0.01)
    orders["got"] = orders.date + pd.to_timedelta(waits, unit="D")
    folder = tmp_path_factory.mktemp("late")
    orders.to_csv(folder / "orders.csv", index=False)
    (folder / "late.toml").write_text(SHOP)
    return folder / "late.toml"


def stages(plan: Splits) -> list[tuple[splits.Window, pd.Timestamp]]:
    """Each window with the moment at which its outcomes are learned from."""
    trained = [(w, plan.calibration.as_of) for w in plan.train]
    served = [(w, plan.now) for w in plan.final]
    return [*trained, (plan.calibration, plan.test.as_of), *served]


def test_a_log_of_which_all_is_late_is_known_until_its_last_arrival(
    late_shop: Path, tmp_path: Path
) -> None:
    """And may be asked for as of that day, though the last order is long past."""
    orders = pd.read_csv(late_shop.parent / "orders.csv", parse_dates=["date"])
    orders.assign(got=orders.date + pd.Timedelta(days=20)).to_csv(
        tmp_path / "orders.csv", index=False
    )
    (tmp_path / "late.toml").write_text(SHOP)
    experiment = config.load(tmp_path / "late.toml")
    read = sources.load(experiment)
    plan = splits.planned(experiment, read, None)
    assert plan.now - read.end > pd.Timedelta(days=19)
    assert plan.test.end <= read.end + pd.Timedelta(days=1)
    asked = pd.Timestamp("2024-01-16")
    then = sources.load(experiment, asked)
    assert asked - then.end > pd.Timedelta(days=19)
    assert splits.planned(experiment, then, asked).test.known == asked
    with pytest.raises(HistoryError, match="long after the last order"):
        splits.planned(experiment, then, asked + pd.Timedelta(days=20))


@pytest.mark.slow
def test_whatever_is_learned_from_was_known_then_but_for_one_in_a_hundred(late_shop: Path) -> None:
    experiment = config.load(late_shop)
    whole = sources.load(experiment)
    plan = splits.planned(
        experiment, sources.load(experiment, START + pd.Timedelta(days=380)), None
    )
    assert plan.test.days_late == 20
    for window, at in stages(plan):
        then = sources.load(experiment, at)
        rows = spine.customers_known(whole.connection, [window.as_of], 1_000)
        came, known = (
            int(outcomes_of(read.connection, rows, 30).future_orders.sum())
            for read in (whole, then)
        )
        assert known >= 0.99 * came > 0
    gaps = [b.as_of - a.as_of for a, b in itertools.pairwise([plan.calibration, plan.test])]
    assert gaps == [pd.Timedelta(days=50)]
