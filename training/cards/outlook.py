"""What the report card says of the longer view: when the next order comes, and what comes after
the horizon, each beside naive rules of the same run.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from training import rivals
from training.cards.report_card import OURS, Section, compare
from training.measures import metrics, survival
from training.outliers import capped
from training.prediction.structure import Prior, known_of
from training.prediction.timing import Timing
from training.rivals import Rule

LONGER = "Longer view"
UNMEASURED = {"measured": float("nan")}
#: Days of the last spend that a naive rule may go on by.
WINDOWS = (30, 90, 180, 365)
MOST_DAYS = 20  # of the grid that curves are compared on
MOST_CUSTOMERS = 10_000  # that are compared: intervals of the concordance cost seconds for as many
TIMING = {"integrated Brier": survival.integrated_brier, "concordance": survival.concordance}
VALUE = {"norm. Gini": metrics.normalized_gini, "decile MAPE": metrics.decile_mape,
         "RMSE": metrics.rmse, "bias": metrics.total_bias}  # fmt: skip
REGULAR = (
    "These customers order more regularly than at random (what followed the first cut-off tells): "
    "MBG/CNBD-k has k steps of a Poisson process between two orders (Reutterer et al. 2021)."
)
REFUSED = (
    "Insufficient: MBG/NBD was refused on these histories, so that there is no {}, and its columns "
    "are empty (`coterie check` says why)."
)


def timing_section(
    calibration: pd.DataFrame,
    test: pd.DataFrame,
    prior: Prior | None,
    churn_probability: np.ndarray,
    window_days: int,
    level: float,
    seed: int,
) -> Section:
    """Curves of the next order against the naive rules, over the window (customers with an order,
    `test.days_to_order` nan for none in it); `prior` is the test cut-off's own.
    """
    if prior is None:
        return Section(
            "Next order", {OURS: UNMEASURED}, (), (REFUSED.format("moment of the next order"),)
        )
    days = np.linspace(0, window_days, min(window_days, MOST_DAYS) + 1)[1:]
    came = test.days_to_order.to_numpy(np.float64)
    timing = Timing(prior, known_of(test), churn_probability, window_days)
    curve = timing.survival(days)
    truth = survival.silent_until(came, days)
    others = rivals.timing_rules(calibration, test, days)
    ours = Rule(OURS, curve.sum(axis=1), curve)  # the days of silence to expect within the window
    notes = _kept(timing, came, window_days, level)
    if prior.rhythm is not None:
        notes = (*notes, REGULAR)
    if len(test) > MOST_CUSTOMERS:
        drawn = np.random.default_rng(seed).choice(len(test), MOST_CUSTOMERS, replace=False)
        truth, ours, *others = truth[drawn], *(_some(rule, drawn) for rule in (ours, *others))
        notes = (*notes, f"The table is of {MOST_CUSTOMERS:,} customers, drawn at random.")
    rows, made = compare(TIMING, truth, ours, others, seed)
    return Section("Next order", rows, made, notes)


def _some(rule: Rule, rows: np.ndarray) -> Rule:
    return Rule(rule.name, rule.score[rows], rule.prediction[rows])


def _kept(timing: Timing, came: np.ndarray, window_days: int, level: float) -> tuple[str, ...]:
    """What the interval and the median promised, and what came.

    Of those who came back within the window, fewer than `level` lie between low and high even
    where every curve is true: who came after the window is not among them. What a true curve
    would give is therefore said beside it.
    """
    low, median, high = timing.interval(level)
    back = 1.0 - timing.churn_probability
    tail = (1.0 - level) / 2.0
    inside = (came >= low) & ~(came > high)
    promised = np.maximum(np.minimum(back, 1.0 - tail) - tail, 0.0).sum() / back.sum()
    within = median <= window_days
    lines = [
        f"Of the {int((~np.isnan(came)).sum()):,} customers who ordered within {window_days} days, "
        f"{_share(inside[~np.isnan(came)])} did so in their {level:.0%} interval; {promised:.1%} "
        "would, were every curve true (who comes later than the window is not seen to)."
    ]
    if within.any():
        lines.append(
            f"Of the {int(within.sum()):,} whose median lies within it, "
            f"{_share(came[within] <= median[within])} had ordered by then (50% would)."
        )
    return (
        *lines,
        "Everybody is watched for the whole window, so the integrated Brier score needs no weights "
        "for censoring; the concordance is Harrell's. Beyond the window the curve is "
        f"{timing.prior.law}'s.",
    )


def value_section(
    followed: pd.DataFrame, days: int, prior: Prior | None, window_days: int,
    assumptions: tuple[str, ...], currency: str, seed: int,
) -> Section:  # fmt: skip
    """What continues the expected spend beyond the horizon, held against the longest time that
    anybody was watched.

    Parameters
    ----------
    followed : customers with an order, at an early cut-off: features, outcomes over `window_days`,
        and `followed_spend` over the `days` after it (currency)
    prior : the structural models of that cut-off, None where MBG/NBD was refused
    """
    if prior is None:
        return Section(LONGER, {OURS: UNMEASURED}, (), (REFUSED.format("longer view"),))
    truth, known = followed.followed_spend.to_numpy(np.float64), known_of(followed)
    known["spend"] = spent = capped(known["spend"])
    if days <= window_days or truth.sum() <= 0:
        why = (
            "The history is too short to follow anybody beyond the horizon: not checked."
            if days <= window_days
            else f"Nobody spent in the {days} days after the first cut-off: not checked."
        )
        return Section(LONGER, {OURS: UNMEASURED}, (), (why, *assumptions))
    alive = prior.p_alive(known)[:, None] * prior.orders_while_alive(known, [window_days, days])
    expected = alive[:, 1] * prior.order_value(known)
    age = np.maximum(followed["T_days"].to_numpy(np.float64), float(window_days))
    others = [Rule("total past spend, at its rate", spent, np.maximum(spent / age * days, 0.0))]
    # A window as long as the history is all past spend once more.
    windows = [seen for seen in WINDOWS if seen < followed["T_days"].max()]
    if windows:
        column = min(windows, key=lambda seen: abs(seen - days))
        recent = capped(followed[f"spend_{column}d"].to_numpy(np.float64))
        rate = recent / np.minimum(age, column)
        name = f"spend of the last {column} days, at its rate"
        others.append(Rule(name, recent, np.maximum(rate * days, 0.0)))
    rows, made = compare(VALUE, truth, Rule(OURS, expected, expected), others, seed)
    models = "MBG/NBD at the mean amount of an order" if prior.alike else "MBG/NBD and Gamma-Gamma"
    grown = truth.sum() / max(followed.future_spend.sum(), 1e-9)
    return Section(LONGER, rows, made, (
        f"{models} alone, fitted before {followed.as_of.iloc[0]:%Y-%m-%d}, over the "
        f"{days} days since ({len(truth):,} customers; undiscounted): realised {truth.sum():,.0f}, "
        f"expected {expected.sum():,.0f} {currency}.",
        f"From {window_days} to {days} days spend grew {grown:.2f} times; the orders of MBG/NBD, "
        f"which are what value goes on by, {alive[:, 1].sum() / alive[:, 0].sum():.2f} times; "
        f"constant rates {days / window_days:.2f} times.",
        *assumptions,
    ))  # fmt: skip


def _share(held: np.ndarray) -> str:
    return f"{np.mean(held):.1%}" if len(held) else "–"
