"""Journey lens: the stage of a customer's life, by stated rules relative to the own rhythm.

The *limit* of a customer is how long a silence is still usual: mean time between the own
orders plus two standard deviations; with fewer than four orders, 60 days. Where the longest of
these times was a pause, over 30 days and over five times the mean of the others, it would make
itself usual: then three times the mean of the others, which is as much where times are as uneven as
chance makes them. At least 14 days in any case. *The mean of the others* is the time from the first
order to the last, less the one in question, over the number of days with an order less two: second
receipts of a day would make every rhythm a pause. Unknown below three days with an order.

| stage | rule, the first that holds |
|---|---|
| prospect | no order yet |
| lapsed | silent for more than three limits |
| at_risk | silent for more than one limit |
| new | first order at most 30 days ago |
| returned | silent before the last day with an order for over 30 days, and over three times the \
mean of the others |
| loyal | at least 6 orders, and in 8 of the last 12 weeks or evenly: the longest time between \
orders is at most three times the mean of the others, or 14 days |
| active | everyone else |
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.feature import Feature

LENS = "journey"
STAGES = ("prospect", "new", "active", "loyal", "returned", "at_risk", "lapsed")
NAMES = frozenset(("stage", "silence", "days_in_stage"))
#: The features of the purchase lens that the rules ask.
INPUTS = frozenset((
    "recency_days", "T_days", "orders", "frequency", "gap_mean", "gap_sd", "gap_last", "gap_max",
    "active_weeks_12",
))  # fmt: skip
NEW_DAYS = 30
RETURNED_DAYS, RETURNED_TIMES = 30.0, 3.0
#: Times that are equal by the clock may differ by so much as numbers of days.
ROUNDING_DAYS = 1e-9
PAUSE_DAYS, PAUSE_TIMES = 30.0, 5.0
UNEVEN_TIMES = 3.0
FEW_ORDERS_LIMIT_DAYS = 60.0
LEAST_LIMIT_DAYS = 14.0


def features() -> list[Feature]:
    """The catalog of this lens."""
    return [
        Feature("stage", LENS, "category", "category", "never",
                "Stage of the customer's life, by rules relative to the own rhythm."),
        Feature("silence", LENS, "ratio", "number", "no order yet",
                "Days since the last order over the customer's own limit of a usual silence."),
        Feature("days_in_stage", LENS, "days", "number", "the stage is prospect, active or loyal",
                "Days since the stage was entered (new: with the first order; returned: with the "
                "last; at_risk: after one limit of silence; lapsed: after three)."),
    ]  # fmt: skip


def values(t: ir.Table) -> dict[str, ir.Value]:
    """This lens's features from a table with the purchase lens's, by name."""
    span, days = t.T_days - t.recency_days, t.frequency - 1
    days = (days > 0).ifelse(days, None)
    others, before = ((span - gap) / days for gap in (t.gap_max, t.gap_last))
    paused = _over(t.gap_max, PAUSE_DAYS) & _over(t.gap_max, PAUSE_TIMES * others)
    rhythm = paused.fill_null(False).ifelse(UNEVEN_TIMES * others, t.gap_mean + 2.0 * t.gap_sd)
    own = ibis.greatest(rhythm, LEAST_LIMIT_DAYS)
    usual = (t.orders >= 4).ifelse(own, FEW_ORDERS_LIMIT_DAYS)
    silence = t.recency_days / usual
    returned = _over(t.gap_last, RETURNED_DAYS) & _over(t.gap_last, RETURNED_TIMES * before)
    even = ~_over(t.gap_max, ibis.greatest(UNEVEN_TIMES * others, LEAST_LIMIT_DAYS))
    loyal = (t.orders >= 6) & ((t.active_weeks_12 >= 8) | even)
    prospect = t.orders.fill_null(0) == 0
    lapsed, at_risk, new = silence > 3.0, silence > 1.0, t.T_days <= NEW_DAYS
    stage = ibis.cases(
        (prospect, "prospect"),
        (lapsed, "lapsed"),
        (at_risk, "at_risk"),
        (new, "new"),
        (returned.fill_null(False), "returned"),
        (loyal.fill_null(False), "loyal"),
        else_="active",
    )
    days = ibis.cases(
        (prospect, ibis.null("float64")),
        (lapsed, t.recency_days - 3.0 * usual),
        (at_risk, t.recency_days - usual),
        (new, t.T_days),
        (returned.fill_null(False), t.recency_days),
        else_=ibis.null("float64"),
    )
    return {"stage": stage, "silence": silence, "days_in_stage": days}


def _over(days: ir.Value, limit: ir.Value | float) -> ir.BooleanValue:
    return days > limit + ROUNDING_DAYS
