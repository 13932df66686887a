"""Stray quotation marks in CSV files: a text that they open swallows the rows after it.

DuckDB sets what it read until the end of the file aside as one line, or takes what lies between two
stray marks for one value; either way rows would be gone without a word.
"""

import re
from collections.abc import Iterable, Sequence

from features.errors import SourceError
from features.ingestion.cleaning import literal, quoted

SWALLOWED = "#swallowed"
# So many lines in one text that all look like rows are rows.
_ROWS = 10
_SHOWN = 40


def swallows(reference: str, delimiter: str, width: int) -> str:
    """SQL: whether each whole line in a text has `width` fields, as rows have, and they are many.

    Of its first and its last line a text may have a part only.
    """
    lines = f"string_split({reference}, chr(10))[2:-2]"
    fields = f"len(string_split(line, {literal(delimiter)}))"
    other = f"len(list_filter({lines}, lambda line: {fields} <> {width}))"
    return f"(len({lines}) >= {_ROWS} AND {other} = 0)"


def swallowed(columns: Sequence[str], delimiter: str) -> str:
    """SQL: how a row's first text that swallows others begins; null in nearly all rows."""
    cases = (
        # Nested, so that the costly condition is asked of texts with line ends alone.
        f"CASE WHEN contains({c}, chr(10)) THEN CASE WHEN "
        f"{swallows(c, delimiter, len(columns))} THEN left({c}, {_SHOWN}) END END"
        for c in map(quoted, columns)
    )
    return f"coalesce({', '.join(cases)}, NULL)"


def first_open(lines: Iterable[str], delimiter: str) -> tuple[int, str] | None:
    """(line from 0, text) of the first line that opens a text which then runs over a whole row, or
    to the end; None where none does. The first line is the header.

    >>> first_open(['a,b', '"two', 'lines",1', '5" disc,2', '"x,3', 'y,4', 'z",5'], ",")
    (4, '"x,3')
    >>> first_open(['a,b', '"two', 'lines",1'], ",") is None
    True
    """
    opens = re.compile(rf'(^|{re.escape(delimiter)})"')
    marks, start = 0, None
    for i, line in enumerate(lines):
        odd = line.count('"') % 2 == 1
        if i == 0:
            marks = line.count(delimiter)
        elif start is None:
            start = (i, line) if odd and opens.search(line) else None
        elif odd:
            start = None
        elif line.count(delimiter) == marks:
            break
    return start


def stray(url: str, row: int, text: str) -> SourceError:
    """The error of a text that swallows rows; `row` counts from 1 after the header."""
    return SourceError(
        "A text in quotation marks must end in the row in which it begins.",
        f"{url}: one in row {row} goes on through the rows after it, and begins {text[:_SHOWN]!r}",
        'remove the stray quotation mark, or write it twice ("") where it belongs to the text',
    )
