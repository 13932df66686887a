"""The rows of one run: features at every cut-off of its splits, with outcomes, and at now."""

from __future__ import annotations

import dataclasses

import pandas as pd

from features import spine
from features.engine import repeat_sums
from features.errors import HistoryError
from features.snapshot import outcomes_of, snapshot
from features.sources import Sources
from features.spec import FeatureSpec
from training import stability
from training.btyd import prior
from training.prediction.structure import Prior
from training.rivals import histories
from training.screen import Told
from training.windows import exposure, season, splits, stretch
from training.windows.exposure import Exposure
from training.windows.splits import Splits

LEAST_CUSTOMERS = 100
LEAST_SPENDERS = 10  # of whom a level can be told at all


@dataclasses.dataclass(frozen=True)
class Snapshots:
    """Feature rows: with outcomes at the cut-offs of the splits, without at now; `earlier` are
    those whose outcomes ended 28 days before now (None where the history does not reach). Each
    cut-off's rows carry its own structural prior's columns; `prior` is that of now (None where
    MBG/NBD was refused, and then no row has them). Rows with outcomes carry the exposure of their
    window (`windows.exposure`). `customers` are known now, of whom `now` holds those drawn.
    `years_ago` are those at the cut-offs of earlier years that tell a season (`windows.season`),
    where their own prior could be fitted.
    """

    past: pd.DataFrame
    now: pd.DataFrame
    earlier: pd.DataFrame | None
    prior: Prior | None
    customers: int
    years_ago: pd.DataFrame | None = None

    @property
    def drawn(self) -> bool:
        """Whether somebody who is known now was left out."""
        return len(self.now) < self.customers

    def at(self, windows: tuple[splits.Window, ...]) -> pd.DataFrame:
        """The rows of these windows."""
        return self.past[self.past.as_of.isin([w.as_of for w in windows])]


def gather(
    read: Sources, spec: FeatureSpec, plan: Splits, exposed: Exposure, most: int, told: Told
) -> Snapshots:
    """Everything a run needs, in as few passes over the history as possible; of at most `most`
    customers with an order, and as many without, at each cut-off (`features.spine`).
    """
    connection, window = read.connection, plan.window_days
    repeat_sums(connection)  # the same seed gives the same files
    later = pd.Timedelta(days=stability.DAYS)
    cutoffs = {w.as_of for w in (*plan.train, plan.calibration, plan.test, *plan.final)}
    shifted = {w.as_of - later for w in plan.final if w.as_of - later >= plan.train[0].as_of}
    ago = season.cutoffs(plan) - cutoffs
    told("cut-offs with outcomes", 0, 1)
    past = snapshot(
        connection, spec, spine.customers_known(connection, cutoffs | shifted | ago, most), window
    )
    only_ago = past.as_of.isin(ago - shifted)
    older, past = past[only_ago], past[~only_ago]
    told("customers now", 0, 1)
    now = snapshot(connection, spec, spine.everyone(connection, plan.now, most))
    customers = len(spine.everyone(connection, plan.now))
    told("structural priors", 0, 1)
    (past, now), latest = prior.augment([past, now], window)
    seen = {at: exposed.of(at, window) for at in past.as_of.unique()}
    past[exposure.COLUMN] = past.as_of.map(seen)
    earlier = past[past.as_of.isin(shifted)] if shifted else None
    again = past[past.as_of.isin(season.cutoffs(plan))]
    years_ago = pd.concat([again, prior.alike(older, window, latest)], ignore_index=True)
    return Snapshots(past[past.as_of.isin(cutoffs)], now, earlier, latest, customers, years_ago)


def buyers(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of customers with an order before their `as_of`."""
    return frame[frame.orders > 0]


def without_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of customers without an order before their `as_of`."""
    return frame[~(frame.orders > 0)]


def require_enough(shots: Snapshots, plan: Splits) -> None:
    """Refuse to learn from a handful of customers: nothing could be said of such a model."""
    for name, windows in (
        ("train", plan.train),
        ("calibration", (plan.calibration,)),
        ("test", (plan.test,)),
    ):
        count = buyers(shots.at(windows)).customer_id.nunique()
        if count < LEAST_CUSTOMERS:
            raise HistoryError(
                f"Every window needs at least {LEAST_CUSTOMERS} customers with an order before its "
                "cut-off.",
                f"{count} in the {name} window "
                f"({windows[0].as_of:%Y-%m-%d} to {windows[-1].end:%Y-%m-%d})",
                "bring more customers, or a shorter horizon_days so that the cut-offs come later; "
                "returns alone make no order",
            )
    earned = shots.at(plan.train)
    earned = earned[earned.future_spend > 0]
    if earned.customer_id.nunique() < LEAST_SPENDERS:
        raise HistoryError(
            f"At least {LEAST_SPENDERS} customers must spend after a training cut-off, or there is "
            "nothing to learn.",
            f"{earned.customer_id.nunique()}, who spent {earned.future_spend.sum():g} in all, in "
            f"{len(plan.train)} windows of {plan.window_days} days",
            "bring a longer history, or a longer horizon_days; check the amounts, and that "
            "customer_id is the customer's, not the order's",
        )
    for name, window in (("calibration", plan.calibration), ("test", plan.test)):
        rows = buyers(shots.at((window,)))
        spent = int((rows.future_spend > 0).sum())
        if spent < LEAST_SPENDERS:
            raise HistoryError(
                f"At least {LEAST_SPENDERS} customers must spend in the {name} window, or hardly "
                "anything could be said of anybody.",
                f"{spent} from {window.as_of:%Y-%m-%d} to {window.end:%Y-%m-%d}, of "
                f"{len(rows):,} customers with an order before",
                "look for a gap in the orders (`coterie check`) and set as_of to its beginning, or "
                "bring more customers or a longer horizon_days",
            )


def followed(
    read: Sources, plan: Splits, shots: Snapshots, most_days: float
) -> tuple[pd.DataFrame, int]:
    """Customers with an order at the first training cut-off, with `followed_spend`, what they spent
    in the days after it (currency, net of returns, >= 0), and those days: as many as outcomes are
    known of, at most `most_days`.
    """
    first = plan.train[0].as_of
    days = int(min((plan.test.end - first).days, most_days))
    rows = buyers(shots.at((plan.train[0],)))
    after = outcomes_of(read.connection, spine.of(rows), days).set_index("customer_id").future_spend
    return rows.assign(followed_spend=rows.customer_id.map(after)), days


def ratio(
    read: Sources, spec: FeatureSpec, plan: Splits, shots: Snapshots, most: int
) -> stretch.Stretch:
    """From the trained window to the horizon: by BG/NBD, which knows how customers age; where it
    is refused, as observed at the latest cut-off with a whole horizon; else at constant rates.
    """
    window, horizon = plan.window_days, plan.horizon_days
    if window == horizon:
        return stretch.Stretch()
    modelled = stretch.modelled(*histories(buyers(shots.now)), window, horizon)
    if modelled is not None:
        return modelled
    whole = plan.test.end - pd.Timedelta(days=horizon)
    then = spine.customers_known(read.connection, [whole], most)
    if (whole - plan.start).days < plan.history_days or len(then) < LEAST_CUSTOMERS:
        return stretch.constant(window, horizon)
    short, long = (snapshot(read.connection, spec, then, days) for days in (window, horizon))
    pairs = [
        (f.future_orders.to_numpy(float), f.future_spend.to_numpy(float)) for f in (short, long)
    ]
    exposed = exposure.measure(read.connection, plan.now)
    return stretch.observed(
        pairs[0], pairs[1], (exposed.of(whole, window), exposed.of(whole, horizon))
    )
