"""Whether history and horizon suffice, model by model, each answer with its figures.

Where training itself has a floor, it is that floor, imported. Where it has none, the least that a
figure can be trusted from is stated here, with its reason.
"""

from __future__ import annotations

import dataclasses

import pandas as pd

from training import stability
from training.btyd import prior
from training.btyd.structural import LEAST_REPEAT_BUYERS
from training.fitting import calibration, conformal
from training.fitting.prospects import LEAST_FIRST_ORDERS
from training.snapshots import LEAST_CUSTOMERS, LEAST_SPENDERS, buyers, without_order
from training.windows import deviation, splits
from training.windows.splits import YEAR, Splits, Window

READY, LIMITED, INSUFFICIENT = "ready", "limited", "insufficient"

#: A segment holds 4 % of the customers or more (`clustering.LEAST_SHARE`); of 500, those are 20.
SEGMENT_CUSTOMERS = 500
#: Of each outcome, to measure an AUC by: at .75 its standard error is then .035 (Hanley & McNeil
#: 1982), so that a rule which is .07 worse can be told from a good one.
OUTCOMES_TO_MEASURE = 100
#: Of customers who spent: the coefficient of variation of spend is above 1, so the mean of 100 is
#: known to a tenth at best.
SPENDERS_TO_LEARN = 100
INTERVAL_SPENDERS = conformal.LEAST_A_BAND * conformal.MOST_BANDS

_MORE = "bring more customers or a longer history"
_WITHOUT = (
    "the learned models go without this input, and are drawn towards means of RFM cells where "
    "events are few; the columns of the next order, survival and value stay empty"
)


@dataclasses.dataclass(frozen=True)
class Readiness:
    """One model's answer: `status` is ready, limited or insufficient; `seen` are its figures,
    `remedy` is empty where nothing is to be mended.
    """

    model: str
    status: str
    seen: str
    remedy: str = ""

    def sentence(self) -> str:
        """The answer in words.

        >>> Readiness("CLV intervals", INSUFFICIENT, "12 customers, 60 needed").sentence()
        'insufficient for CLV intervals: 12 customers, 60 needed'
        """
        return f"{self.status} for {self.model}: {self.seen}"


#: Concern what a run can say of itself, not whether its models hold.
SAID_ONLY = ("seasonality", "measuring stability")


def wanting(answers: tuple[Readiness, ...]) -> list[Readiness]:
    """The answers for models that are not ready to hold, the insufficient first."""
    short = [a for a in answers if a.status != READY and a.model not in SAID_ONLY]
    return sorted(short, key=lambda a: a.status == LIMITED)


def judge(plan: Splits, past: pd.DataFrame) -> tuple[Readiness, ...]:
    """Every model's answer.

    Parameters
    ----------
    plan : the run's windows
    past : snapshot rows at its training, calibration and test cut-offs, with outcomes; of the
        features, those of the history alone are needed (`FeatureSpec()`)
    """
    train = _at(past, *plan.train)
    calibrate, test = _at(past, plan.calibration), _at(past, plan.test)
    return (
        _horizon(plan),
        _segments(_at(past, plan.train[-1])),
        _churn(train, test),
        _calibration(calibrate),
        _value(train, calibrate),
        _intervals(calibrate),
        *_first_orders(without_order(past[past.as_of == plan.calibration.as_of])),
        _structural(plan, past),
        _seasonality(plan, calibrate),
        _stability(plan),
    )


def _at(past: pd.DataFrame, *windows: Window) -> pd.DataFrame:
    return buyers(past[past.as_of.isin([w.as_of for w in windows])])


def _horizon(plan: Splits) -> Readiness:
    model = f"a horizon of {plan.horizon_days} days"
    if plan.window_days == plan.horizon_days:
        seen = f"training, calibration and test windows of {plan.window_days} days each"
        return Readiness(model, READY, seen)
    history = (plan.now - plan.train[0].as_of).days + plan.history_days
    return Readiness(
        model, LIMITED,
        f"a history of {history} days has room for windows of {plan.window_days} days; what is "
        "predicted over them is stretched to the horizon",
        f"bring a history of {3 * plan.horizon_days + plan.history_days} days, or set "
        f"horizon_days to {plan.window_days}",
    )  # fmt: skip


def _segments(last: pd.DataFrame) -> Readiness:
    count = last.customer_id.nunique()
    seen = f"{count:,} customers with an order at the last training cut-off"
    if count >= SEGMENT_CUSTOMERS:
        return Readiness("segments", READY, seen)
    status = LIMITED if count >= LEAST_CUSTOMERS else INSUFFICIENT
    needed = SEGMENT_CUSTOMERS if status == LIMITED else LEAST_CUSTOMERS
    why = "needed for 20 in a segment of 4 %" if status == LIMITED else "needed"
    return Readiness("segments", status, f"{seen}, {needed} {why}", _MORE)


def _outcomes(frame: pd.DataFrame) -> tuple[int, int]:
    """Rows that left (no order in the window) and that stayed."""
    left = int((frame.future_orders == 0).sum())
    return left, len(frame) - left


def _churn(train: pd.DataFrame, test: pd.DataFrame) -> Readiness:
    least = calibration.LEAST_OF_EACH
    (left, stayed), (gone, there) = _outcomes(train), _outcomes(test)
    seen = f"{gone:,} left and {there:,} stayed in the test window"
    if min(left, stayed, gone, there) < least:
        if min(left, stayed) < least:
            seen = f"{left:,} left and {stayed:,} stayed in the training windows"
        return Readiness(
            "churn", INSUFFICIENT, f"{seen}, {least} of each needed",
            "choose a horizon_days over which some stay and some leave",
        )  # fmt: skip
    if min(gone, there) < OUTCOMES_TO_MEASURE:
        seen += f", {OUTCOMES_TO_MEASURE} of each to measure an AUC within .07"
        return Readiness("churn", LIMITED, seen, _MORE)
    return Readiness("churn", READY, seen)


def _calibration(window: pd.DataFrame) -> Readiness:
    left, stayed = _outcomes(window)
    least = calibration.LEAST_OF_EACH
    seen = f"{left:,} left and {stayed:,} stayed in the calibration window"
    if min(left, stayed) >= least:
        return Readiness("calibration", READY, seen)
    if min(left, stayed) > 0:
        seen += f", {least} of each needed: only the base rate is calibrated"
        return Readiness("calibration", LIMITED, seen, _MORE)
    return Readiness("calibration", INSUFFICIENT, f"{seen}, {least} of each needed", _MORE)


def _value(train: pd.DataFrame, calibrate: pd.DataFrame) -> Readiness:
    spent = train[train.future_spend > 0].customer_id.nunique()
    later = calibrate[calibrate.future_spend > 0].customer_id.nunique()
    seen = f"{spent:,} customers spent in the training windows, {later:,} in the calibration window"
    if min(spent, later) >= SPENDERS_TO_LEARN:
        return Readiness("CLV", READY, seen)
    status = INSUFFICIENT if min(spent, later) < LEAST_SPENDERS else LIMITED
    seen += f", {SPENDERS_TO_LEARN} in each to know a mean within a tenth"
    return Readiness("CLV", status, seen, _MORE)


def _intervals(window: pd.DataFrame) -> Readiness:
    spent = int((window.future_spend > 0).sum())
    least = conformal.LEAST_A_BAND
    if spent < least:
        return Readiness(
            "CLV intervals", INSUFFICIENT,
            f"{spent:,} customers spent in the calibration window, {least} needed", _MORE,
        )  # fmt: skip
    bands = min(spent // least, conformal.MOST_BANDS)
    word = "band" if bands == 1 else "bands"
    seen = f"{bands} {word} of value from {spent:,} who spent in the calibration window"
    if spent >= INTERVAL_SPENDERS:
        return Readiness("CLV intervals", READY, seen)
    seen += f", {INTERVAL_SPENDERS} needed for all {conformal.MOST_BANDS}"
    return Readiness("CLV intervals", LIMITED, seen, _MORE)


def _first_orders(window: pd.DataFrame) -> tuple[Readiness, ...]:
    """Of customers without an order at the calibration cut-off; nothing where they are few."""
    if len(window) < LEAST_CUSTOMERS:
        return ()
    spent, least = int((window.future_spend > 0).sum()), LEAST_FIRST_ORDERS
    seen = f"{spent:,} of {len(window):,} without an order spent in the calibration window"
    if spent >= least:
        return (Readiness("first orders", READY, seen),)
    return (
        Readiness(
            "first orders", LIMITED,
            f"{seen}, {least} needed: those without an order have the calibration of the others, "
            "at a level of their own",
            "bring a longer history, or a longer horizon_days",
        ),
    )  # fmt: skip


def _structural(plan: Splits, past: pd.DataFrame) -> Readiness:
    first = _at(past, plan.train[0])
    again = int((first.frequency > 0).sum())
    seen = f"{again:,} repeat buyers at the first training cut-off"
    if again < LEAST_REPEAT_BUYERS:
        return Readiness(
            "structural models", INSUFFICIENT,
            f"{seen}, {LEAST_REPEAT_BUYERS} needed; {_WITHOUT}", _MORE,
        )  # fmt: skip
    ways = [
        (window, *prior.tried(_at(past, window), plan.window_days))
        for window in (plan.train[0], plan.test)
    ]
    window, found, refused = max(ways, key=lambda way: len(way[2]))
    if not refused:
        return Readiness("structural models", READY, f"{seen}, and the likelihood has a maximum")
    alone = found is not None and found.alike
    why = refused[1] if alone else refused[-1]  # of the second way, under a weak prior
    said = f"{why.rule.rstrip('.')}, but at {window.as_of:%Y-%m-%d}: {why.seen}"
    if found is None:
        return Readiness("structural models", INSUFFICIENT, f"{said}; {_WITHOUT}", why.remedy)
    if alone:
        return Readiness(
            "structural models", LIMITED,
            f"{said}; MBG/NBD stands alone, each order taken to bring the mean of all",
            "if orders do not all cost the same, see which column is named as what was paid",
        )  # fmt: skip
    return Readiness(
        "structural models", LIMITED, f"{said}; a weak prior of the parameters stands in",
        why.remedy,
    )  # fmt: skip


def _seasonality(plan: Splits, calibrate: pd.DataFrame) -> Readiness:
    window, year = plan.window_days, YEAR.days
    if _every_season(plan):
        return Readiness("seasonality", READY, f"windows of {window} days hold every season")
    if plan.horizon_days >= year:
        missing = splits.days_more(plan, _every_season)
        return Readiness(
            "seasonality", LIMITED,
            f"a horizon of {plan.horizon_days} days holds every season, windows of {window} days "
            "hold some more than others: no season is corrected for",
            f"bring {missing} days more, from before, or set horizon_days below {year}",
        )  # fmt: skip
    seen = f"a history from {plan.start:%Y-%m-%d}"
    needed = f"the season ahead, and the one calibrated on, a year before {plan.now:%Y-%m-%d}"
    if _a_year_earlier(plan):
        known = int((calibrate["T_days"] >= year).sum())
        if known < deviation.LEAST_CUSTOMERS:
            return Readiness(
                "seasonality", LIMITED,
                f"{known} customers had ordered a year before the calibration's cut-off, "
                f"{deviation.LEAST_CUSTOMERS} needed to tell a season: none is corrected for",
                _MORE,
            )  # fmt: skip
        return Readiness("seasonality", READY, f"{seen} holds {needed}")
    return Readiness(
        "seasonality", LIMITED, f"{seen} does not hold {needed}: no season is corrected for",
        f"bring {splits.days_more(plan, _a_year_earlier)} days more, from before",
    )  # fmt: skip


def _every_season(plan: Splits) -> bool:
    return plan.window_days >= YEAR.days


def _a_year_earlier(plan: Splits) -> bool:
    return plan.start <= plan.seasons_since


def _stability(plan: Splits) -> Readiness:
    shift = pd.Timedelta(days=stability.DAYS)
    earlier = [w.as_of for w in plan.final if w.as_of - shift >= plan.train[0].as_of]
    if earlier:
        seen = f"{len(earlier)} cut-offs {stability.DAYS} days earlier to retrain from"
        return Readiness("measuring stability", READY, seen)
    return Readiness(
        "measuring stability", INSUFFICIENT,
        f"no cut-off lies {stability.DAYS} days after the first training cut-off",
        "bring a longer history",
    )  # fmt: skip
