"""What the report card says of the intervals of spend: how many outcomes lay outside, and what the
intervals are worth beside plain split conformal, for all customers and by fifth of value.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.cards.report_card import RESAMPLES, Comparison, Section
from training.measures import metrics
from training.measures.bootstrap import paired_bootstrap

TITLE = "Intervals of spend"
RIVAL = "plain split conformal"
FIFTHS = ("lowest fifth", "second fifth", "third fifth", "fourth fifth", "highest fifth")

CHANCE = 2.5  # six shares are looked at


def plain_width(expected: np.ndarray, spend: np.ndarray, level: float) -> float:
    """Half the width of plain split conformal (Lei et al. 2018, algorithm 2), in currency: of the
    absolute residuals of a window, both (n,), the one of rank ceil((n + 1) level), at most the
    last.

    >>> plain_width(np.array([10.0, 10.0, 10.0, 10.0]), np.array([9.0, 12.0, 6.0, 18.0]), 0.6)
    4.0
    """
    residual = np.sort(np.abs(spend - expected))
    return float(residual[min(int(np.ceil((len(residual) + 1) * level)), len(residual)) - 1])


def interval_section(
    learned: tuple[np.ndarray, np.ndarray],
    truth: np.ndarray,
    predicted: dict[str, np.ndarray],
    level: float,
    currency: str,
    seed: int,
) -> Section:
    """Our intervals against plain ones of the same calibration window.

    Parameters
    ----------
    learned : expected and realised spend of the calibration window, both (m,)
    truth, predicted : realised spend of the test window (n,) with its `expected_spend`,
        `expected_spend_low` and `expected_spend_high`
    """
    expected = predicted["expected_spend"]
    width = plain_width(*learned, level)
    ours = np.column_stack([predicted["expected_spend_low"], predicted["expected_spend_high"]])
    plain = np.column_stack([np.maximum(expected - width, 0.0), expected + width])
    scored, plainly = (
        metrics.interval_scores(truth, ends[:, 0], ends[:, 1], level) for ends in (ours, plain)
    )
    fifths = np.array_split(np.argsort(expected, kind="stable"), len(FIFTHS))
    groups = {"all customers": np.arange(len(truth)), **dict(zip(FIFTHS, fifths, strict=True))}
    rows, made = {}, []
    for name, group in groups.items():
        if not len(group):  # fewer than five customers
            continue
        actual, mine, theirs = truth[group], scored[group], plainly[group]
        d = paired_bootstrap(_mean, actual, mine, theirs, RESAMPLES, seed)
        rows[name] = {
            "outside": 1.0 - metrics.coverage(actual, *ours[group].T),
            "plain: outside": 1.0 - metrics.coverage(actual, *plain[group].T),
            "score": float(mine.mean()),
            "plain: score": float(theirs.mean()),
        }
        made.append(Comparison(
            f"interval score ({name})", RIVAL, *d, better=bool(d.value <= 0),
            certain=bool(d.excludes_zero),
        ))  # fmt: skip
    times = f"{2 / (1 - level):.3g}"
    notes = [
        f"The {level:.0%} interval may leave {1 - level:.0%} of the outcomes outside; it left "
        f"{rows['all customers']['outside']:.1%}. The score ({currency}, Gneiting & Raftery 2007; "
        f"lower is better) is its width and {times} times what an outcome lies outside by, so "
        f"that padding costs too. Plain: expected spend ± {width:,.2f} {currency} for everybody, "
        "from the same calibration window. Fifths are of expected spend.",
        *_quiet(truth, groups),
        *_beyond_chance(truth, expected, rows, groups, level),
    ]
    return Section(TITLE, rows, tuple(made), tuple(notes))


def _mean(_: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    return float(np.asarray(scores, dtype=np.float64).mean())


def _quiet(truth: np.ndarray, groups: dict[str, np.ndarray]) -> tuple[str, ...]:
    quiet = [
        name for name in FIFTHS if len(groups[name]) and (truth[groups[name]] == 0).mean() > 0.5
    ]
    if not quiet:
        return ()
    return (
        f"Most spent nothing in the {_listed(quiet)}: an interval from 0 holds more than its share "
        "there by nature, and the score alone decides.",
    )


def _beyond_chance(
    truth: np.ndarray,
    expected: np.ndarray,
    rows: dict[str, dict[str, float]],
    groups: dict[str, np.ndarray],
    level: float,
) -> tuple[str, ...]:
    """Where more lay outside than `CHANCE` standard errors of both windows' draws explain."""
    far = []
    for name, row in rows.items():
        error = np.sqrt(2 * level * (1 - level) / len(groups[name]))
        if row["outside"] - (1 - level) > CHANCE * error:
            far.append(name)
    if not far:
        return ()
    told = [
        f"{name} ({rows[name]['outside']:.1%}; predicted "
        f"{expected[groups[name]].sum():,.0f}, realised {truth[groups[name]].sum():,.0f})"
        for name in far
    ]
    return (
        f"More than chance explains lay outside in: {_listed(told)}. The test window was not like "
        "the calibration window, be it by season or by age, and the next one need not be either.",
    )


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
