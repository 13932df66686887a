"""Over how many days churn and spend are to be predicted: what a history has room for."""

from features.errors import SourceError

HORIZONS = (7, 14, 28, 30, 60, 90, 180, 365)


def suggest(span_days: float) -> int:
    """The largest usual horizon of which five fit into the history; at least 7 days.

    >>> suggest(365), suggest(546), suggest(20)
    (60, 90, 7)
    """
    return max((days for days in HORIZONS if 5 * days <= span_days), default=HORIZONS[0])


def question(span_days: float) -> str:
    """What is asked."""
    return f"Over how many days shall churn and spend be predicted? (history: {span_days:.0f} days)"


def doubts(suggested: int, span_days: float, gap_days: float | None) -> list[str]:
    """What speaks against it: the median days between repeat orders, and a short history."""
    made = []
    if gap_days is not None and gap_days > suggested:
        made.append(
            f"Half of the repeat orders come after {gap_days:.0f} days or more, and the history "
            f"allows for a horizon of {suggested} days only: most of those who stay away for "
            "the horizon come back."
        )
    if 5 * suggested > span_days:
        made.append(
            f"The history of {span_days:.0f} days is short for any horizon: models may be refused."
        )
    return made


def read(answer: str) -> int:
    """The days of an answer; SourceError where it is no number of them."""
    if not answer.isdecimal() or int(answer) < 1:
        raise SourceError(
            "A horizon is a whole number of days, at least 1.", repr(answer), "answer 30"
        )
    return int(answer)
