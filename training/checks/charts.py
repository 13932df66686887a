"""Small charts as HTML and SVG text: no script, no picture file, no library.

Shapes stretch to the width there is, words stand outside of them in HTML, so that both can be read
on a telephone. Every text is escaped; each chart says in words what it shows (`role="img"`).
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd

from features.rhythm import Gap

MOST_POINTS = 400


def days(daily: pd.Series, gaps: Sequence[Gap], what: str) -> str:
    """Customers a day (means of weeks where there are more than 400 days), silences shaded."""
    drawn = daily if len(daily) <= MOST_POINTS else daily.resample("7D").mean()
    step = max(len(drawn) // MOST_POINTS, 1)  # a history of decades
    drawn = drawn.iloc[::step]
    top = float(max(drawn.max(), 1.0))
    last = max(len(drawn) - 1, 1)
    points = " ".join(
        f"{100 * i / last:.2f},{40 - 38 * value / top:.2f}" for i, value in enumerate(drawn)
    )
    span = max(len(daily) - 1, 1)
    shades = "".join(
        f'<rect class="gap" x="{100 * ((gap.first - daily.index[0]).days - 0.5) / span:.2f}" y="0" '
        f'width="{max(100 * gap.days / span, 0.4):.2f}" height="40"/>'
        for gap in gaps
    )
    unit = "customers a day" if len(daily) <= MOST_POINTS else "customers a day, means of weeks"
    words = (
        f"{what}: {unit} from {daily.index[0]:%Y-%m-%d} to {daily.index[-1]:%Y-%m-%d}, at most "
        f"{top:,.0f}; {len(gaps)} silences"
    )
    shape = f'{shades}<polyline points="0,40 {points} 100,40"/>'
    return _figure(
        f"{what}: {unit}, at most {top:,.0f}", words, shape, 40,
        (f"{daily.index[0]:%Y-%m-%d}", f"{daily.index[-1]:%Y-%m-%d}"),
    )  # fmt: skip


def columns(counts: Sequence[int], title: str, words: str, ends: Sequence[str]) -> str:
    """Upright bars side by side. `ends` are written below: each under its bar where there are as
    many, with its count above where it has a name, else from the left edge to the right.
    """
    top = max([*counts, 1])
    width = 100 / max(len(counts), 1)
    shape = "".join(
        f'<rect class="bar" x="{i * width + 0.1 * width:.2f}" '
        f'y="{40 - 38 * n / top:.2f}" width="{0.8 * width:.2f}" height="{38 * n / top:.2f}"/>'
        for i, n in enumerate(counts)
    )
    made = _figure(title, words, shape, 40, ends)
    if len(ends) != len(counts):
        return made
    told = (short(n) if end else "" for n, end in zip(counts, ends, strict=True))
    above = "".join(f"<span>{count}</span>" for count in told)
    above = f'<div class="ends" aria-hidden="true">{above}</div>'
    return made.replace("<svg", f"{above}<svg").replace('"ends"', '"ends each"')


def short(n: int) -> str:
    """A count in four characters or so.

    >>> [short(n) for n in (0, 999, 1_234, 18_013, 999_999, 2_500_000)]
    ['0', '999', '1.2k', '18k', '1.0M', '2.5M']
    """
    for size, mark in ((1e6, "M"), (1e3, "k")):
        if n >= 0.9995 * size:
            return f"{n / size:.{int(n < 9.95 * size)}f}{mark}"
    return f"{n}"


def _figure(title: str, words: str, shape: str, height: int, ends: Sequence[str]) -> str:
    below = "".join(f"<span>{escape(end)}</span>" for end in ends)
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg role="img" '
        f'aria-label="{escape(words)}" viewBox="0 0 100 {height}" preserveAspectRatio="none">'
        f'{shape}</svg><div class="ends" aria-hidden="true">{below}</div></figure>'
    )


def bar(share: float, mark: str = "") -> str:
    """A bar lying in a cell of a table, `share` of its width (0 to 1); the figure stands beside."""
    width = 100 * float(np.clip(np.nan_to_num(share), 0.0, 1.0))
    return f'<span class="lying {escape(mark)}" style="width:{width:.1f}%"></span>'


def spans(
    rows: Sequence[tuple[str, Sequence[tuple[pd.Timestamp, pd.Timestamp]]]],
    start: pd.Timestamp,
    end: pd.Timestamp,
) -> str:
    """Windows of time along the history, a row a name."""
    whole = max((end - start) / pd.Timedelta(days=1), 1.0)

    def at(moment: pd.Timestamp) -> float:
        return 100 * ((moment - start) / pd.Timedelta(days=1)) / whole

    made = []
    for name, windows in rows:
        shape = "".join(
            f'<rect class="bar" x="{at(first):.2f}" y="1" width="{at(last) - at(first):.2f}" '
            'height="8"/>'
            for first, last in windows
        )
        words = f"{name}: " + ", ".join(f"{a:%Y-%m-%d} to {b:%Y-%m-%d}" for a, b in windows)
        made.append(
            _figure(name, words, shape, 10, ()).replace("<figure>", '<figure class="thin">')
        )
    ends = f"<span>{start:%Y-%m-%d}</span><span>{end:%Y-%m-%d}</span>"
    return "".join(made) + f'<div class="ends" aria-hidden="true">{ends}</div>'
