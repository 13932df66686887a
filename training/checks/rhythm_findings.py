"""What is wrong with when things happen: silences, lost days, changes of level, the clock."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from features.rhythm import ORDERS, Gap, Hours, Series
from features.settings.experiment import Experiment
from training.checks.finding import HINT, WARNING, Finding
from training.windows.exposure import Exposure

LONG_GAP_DAYS = 3  # shorter ones are often holidays
WRONG_MOMENT_DAYS = 365  # no shop that goes on is silent for as long
BARE_SHARE = (0.02, 0.98)  # between the two, some moments have a time of day and some none
HOURS_LINES = 1_000
NIGHT_SHARE = 0.1  # half of what five hours have where all are alike: machines, not people
#: The hours at which a night's five quietest may begin; where they begin later or earlier, people
#: live by another clock.
NIGHT_BEGINS = (22, 23, 0, 1, 2, 3, 4)


def of_series(series: Series, until: pd.Timestamp | None = None) -> Iterator[Finding]:
    """Findings on the days of orders or of a kind of event; `until` as in `findings`."""
    lost = _lost(series, until) if series.name == ORDERS else ()
    if lost:
        longest = max(lost, key=lambda gap: gap.days)
        more = f"; {len(lost) - 1} more" if len(lost) > 1 else ""
        yield Finding(
            WARNING,
            f"{series.name}: days on end with hardly any should be such that nobody could order.",
            f"{_days(longest.days)} from {longest.first:%Y-%m-%d} to {longest.last:%Y-%m-%d}, when "
            f"{longest.missed:,.0f} more customers were to be expected{more}",
            "bring the missing rows; until then a training scales the level of a window that holds "
            "them up by what is missing, but a customer's own days since the last order count on",
        )  # fmt: skip
    if gaps := [gap for gap in series.gaps if not any(_meet(gap, one) for one in lost)]:
        longest = max(gaps, key=lambda gap: gap.days)
        more = f"; {len(gaps) - 1} more" if len(gaps) > 1 else ""
        seen = f"{_days(longest.days)} from {longest.first:%Y-%m-%d} to {longest.last:%Y-%m-%d}"
        remedy = "if it was a day like others, bring what is missing"
        if longest.days < WRONG_MOMENT_DAYS:
            seen += f", when {longest.missed:,.0f} customers were to be expected"
        else:
            remedy = "look for wrong moments on the thinner side of it: slips, or placeholders"
        yield Finding(
            WARNING if longest.days >= LONG_GAP_DAYS else HINT,
            f"{series.name}: a day without any should be one on which nobody could.",
            seen + more, remedy,
        )  # fmt: skip
    if series.shift:
        at = series.shift
        yield Finding(
            HINT, f"{series.name}: the level should change only where the business does.",
            f"from {at.at:%Y-%m-%d} on {at.after:,.0f} customer-days a week, {at.before:,.0f} "
            "before",
            "look for a missing part, another source, a campaign or a season",
        )  # fmt: skip


def of_hours(hours: Hours, experiment: Experiment) -> Iterator[Finding]:
    """Findings on the hours at which customers buy."""
    low, high = BARE_SHARE
    if sum(hours.counts) and not experiment.time_zone_named:
        yield Finding(
            WARNING, "The clock of orders and events must be named.",
            "times of day, and no time_zone in the experiment file: read by the clock of UTC",
            'write time_zone = "UTC", or the zone of the business, such as "Europe/Berlin"',
        )  # fmt: skip
    if low < hours.bare < high:
        yield Finding(
            HINT, "Moments should all have a time of day, or none.",
            f"{hours.bare:.1%} of the order lines stand at midnight sharp",
            "check whether two exports were put together",
        )  # fmt: skip
    if sum(hours.counts) < HOURS_LINES or hours.bare >= high or hours.night > NIGHT_SHARE:
        return
    if hours.quietest in NIGHT_BEGINS:
        return
    busiest = max(range(24), key=lambda hour: hours.counts[hour])
    yield Finding(
        HINT, "Customers are quiet at night.",
        f"the quietest five hours begin at {hours.quietest}:00, the busiest hour at {busiest}:00, "
        f"by the clock of {experiment.time_zone}",
        "check time_zone: weekdays, hours and occasions are read from that clock",
    )  # fmt: skip


def _lost(series: Series, until: pd.Timestamp | None) -> tuple[Gap, ...]:
    """The lost days of the log, up to the day before `until`."""
    last = series.daily.index[-1] if until is None else until.floor("D") - pd.Timedelta(days=1)
    days = pd.date_range(series.daily.index[0], max(last, series.daily.index[-1]))
    return Exposure(series.daily.reindex(days, fill_value=0.0)).everywhere()


def _meet(one: Gap, other: Gap) -> bool:
    return one.first <= other.last and other.first <= one.last


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"
