"""A shop most of whose known customers never ordered: what is said of them, and of the others."""

import io
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from features import sources
from features.settings import config
from training import learning
from training.learning import Learned
from training.screen import Screen

pytestmark = [pytest.mark.model, pytest.mark.slow]

VISITORS = 1_500
AS_OF = pd.Timestamp("2024-02-15")  # new customers come until the middle of May
EVENTS = """
[[events]]
name = "web"
url = "events.csv"
[events.columns]
customer_id = "who"
moment = "when"
kind = "what"
[model]
segments = 3
seeds = 1
origins = 1
"""


@pytest.fixture(scope="module")
def learned(
    simulated_orders: pd.DataFrame,
    experiment_text: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Learned:
    """Visits of buyers in the months before their first order, and of visitors who never order.
    Shared: not to be changed.
    """
    rng = np.random.default_rng(7)
    first = simulated_orders.groupby("customer").date.min()
    ahead = np.repeat(pd.to_datetime(first).to_numpy(), 6)
    buyers = pd.DataFrame({
        "who": np.repeat(first.index.to_numpy(), 6),
        "when": ahead - pd.to_timedelta(rng.integers(1, 120, len(ahead)), unit="D"),
    })  # fmt: skip
    others = pd.DataFrame({
        "who": [f"V{i % VISITORS:04d}" for i in range(2 * VISITORS)],
        "when": pd.Timestamp("2023-01-01")
        + pd.to_timedelta(rng.integers(0, 500, 2 * VISITORS), unit="D"),
    })  # fmt: skip
    folder = tmp_path_factory.mktemp("visitors")
    lines = simulated_orders.set_axis(["who", "when", "paid"], axis=1)
    lines.to_csv(folder / "orders.csv", index=False)
    pd.concat([buyers, others]).assign(what="visit").to_csv(folder / "events.csv", index=False)
    (folder / "shop.toml").write_text(
        experiment_text(horizon_days=90, head='time_zone = "UTC"') + EVENTS
    )
    experiment = config.load(folder / "shop.toml")
    screen = Screen(Console(file=io.StringIO()))
    read = sources.load(experiment, AS_OF)
    return learning.learn(experiment, read, screen, AS_OF, None, steadiness=False)


def test_their_first_orders_are_measured(learned: Learned) -> None:
    section = next(s for s in learned.card.sections if s.title == "First orders")
    test = learned.shots.at((learned.plan.test,))
    waiting = test[test.orders == 0]
    assert len(waiting) > 1_000
    assert section.notes[0].startswith(
        f"{len(waiting):,} customers without an order before the cut-off, of whom "
        f"{(waiting.future_orders > 0).sum():,} ordered in 90 days; "
    )
    assert section.rows["Coterie"]["AUC"] > 0.7
    assert abs(section.rows["Coterie"]["bias"]) < 0.35


def test_all_else_is_of_customers_with_an_order(learned: Learned) -> None:
    test = learned.shots.at((learned.plan.test,))
    bought = test[test.orders > 0]
    assert len(learned.evaluated.test) == len(bought)
    totals = next(s for s in learned.card.sections if s.title == "Summed over all customers")
    assert totals.rows["orders"]["realised"] == bought.future_orders.sum()
    assert abs(totals.rows["customers with an order"]["off by"]) < 0.2


def test_what_is_served_has_a_level_for_each(learned: Learned) -> None:
    calibrated, now = learned.served.bundle.calibrated, learned.shots.now
    assert calibrated.of_prospects[0] != calibrated.ordered[0]
    chance = 1 - learned.served.predicted["churn_probability"].to_numpy()
    waiting = (now.orders == 0).to_numpy()
    test = learned.shots.at((learned.plan.test,))
    for group, then in ((waiting, test[test.orders == 0]), (~waiting, test[test.orders > 0])):
        share = (then.future_orders > 0).mean()
        assert 0.6 * share < chance[group].mean() < 1.6 * share
    assert chance[waiting].mean() < chance[~waiting].mean() / 4
