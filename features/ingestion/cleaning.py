"""SQL expressions that turn a raw column into a canonical value, or null where it cannot be used.

Each takes a reference (already quoted) and its DuckDB type. What text looks like is decided by the
experiment file and never by the values, so that one row is read alike alone and among others. The
session's time zone must be UTC.
"""

from dataclasses import dataclass

from features.settings.experiment import Format

#: Texts that programs write for "nothing is known".
NULLS = ("", "nan", "null", "na", "n/a", "<na>")
#: As an identifier this one too: a customer called None is a bug upstream.
NO_ID = (*NULLS, "none")

#: From here on a DOUBLE does not tell two neighbouring whole numbers apart.
_NO_WHOLE = "9007199254740992"

#: What a switch is written as.
SWITCHES = ("true", "false")

#: What is larger is no number that anybody meant, and its square may be none at all.
LARGEST = "1e15"

_FLOATS = ("FLOAT", "DOUBLE", "DECIMAL")
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
# A sign, digits with groups of three, and what follows the decimal comma.
_COMMA_NUMBER = r"^[-+]?(\d+|[1-9]\d{0,2}([. ']\d{3})+)(,\d+)?$"
_POINT_GROUPS = r"^[-+]?[1-9]\d{0,2}(,\d{3})+%s$"
# All white space of Unicode: the tabs and line ends among it, and what separates.
_AROUND = r"^[\s\v\x{85}\pZ]+|[\s\v\x{85}\pZ]+$"
#: Counts since 1970 as moments, and the fewest digits that they have in our time.
UNITS = {
    "unix_seconds": 9,
    "unix_milliseconds": 12,
    "unix_microseconds": 15,
    "unix_nanoseconds": 18,
}
_OFFSET = r"(?i):\d\d.*(Z|UTC|[+-]\d\d(:?\d\d)?)$"
# Zones as DuckDB does not cast them: apart, in small letters, after minutes without seconds.
_APART, _NO_SECONDS = r"(?i) *(Z|[+-]\d\d(:?\d\d)?)$", r"^([-\d]+[T ]\d+:\d+)(Z|[-+][:\d]+)$"


@dataclass(frozen=True)
class Field:
    """One canonical field: `sql` cleans the raw `column`, giving null where it cannot be used.

    `use`: "always", the row needs it; "if given", the row is rejected when something unusable is
    written there; "cell", that value alone is lost; "free", anything goes. `what` ends the sentence
    "... is not". `nothing` says in SQL of what else than a blank (`blank`) that nothing is written.
    """

    name: str
    column: str
    sql: str
    use: str
    what: str
    nothing: str = "false"


def quoted(name: str) -> str:
    """An identifier for SQL, whatever it contains.

    >>> print(quoted('a "b" c'))
    "a ""b"" c"
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A text for SQL, whatever it contains.

    >>> print(literal("it's"))
    'it''s'
    """
    return "'" + value.replace("'", "''") + "'"


def _among(reference: str, values: tuple[str, ...]) -> str:
    # The length is compared first because it is cheap, and the texts are short.
    longest = max(map(len, values))
    return f"(strlen({reference}) <= {longest} AND lower({reference}) IN ({_list(values)}))"


def _list(values: tuple[str, ...]) -> str:
    return ", ".join(map(literal, values))


def _trimmed(reference: str, dtype: str) -> str:
    """Any value as text; a whole number is written without a point, from whatever type."""
    if dtype == "VARCHAR":
        return f"trim({reference})"
    if dtype.startswith("DECIMAL"):
        whole = f"CAST(CAST({reference} AS HUGEINT) AS VARCHAR)"
        return (
            f"CASE WHEN {reference} = trunc({reference}) THEN {whole} "
            f"ELSE CAST({reference} AS VARCHAR) END"
        )
    if dtype.startswith(_FLOATS):
        number = f"CAST({reference} AS DOUBLE)"
        whole = f"isfinite({number}) AND {number} = trunc({number}) AND abs({number}) < {_NO_WHOLE}"
        return (
            f"CASE WHEN {whole} THEN CAST(CAST({number} AS BIGINT) AS VARCHAR) "
            f"ELSE CAST({reference} AS VARCHAR) END"
        )
    return f"CAST({reference} AS VARCHAR)"


def blank(reference: str, dtype: str) -> str:
    """Whether nothing is written there: null, NaN, empty, or a text that stands for null."""
    if dtype == "VARCHAR":
        return f"({reference} IS NULL OR {_among(_trimmed(reference, dtype), NULLS)})"
    if dtype in ("FLOAT", "DOUBLE"):
        return f"({reference} IS NULL OR isnan({reference}))"
    return f"({reference} IS NULL)"


def never(reference: str) -> str:
    """Whether a moment stands for "never", as exports write it: some day of the year 9999."""
    return f"regexp_matches(CAST({reference} AS VARCHAR), '\\b9999\\b|^9999[0-9]{{4}}$')"


def text(
    reference: str, dtype: str, keep: tuple[str, ...] = (), nulls: tuple[str, ...] = NULLS
) -> str:
    """A text; null where blank, unless the text is one of `keep`. "1.0" is read as "1", and "True"
    as "true", which is how a column of switches comes as text from whatever type.
    """
    value = _trimmed(reference, dtype)
    if dtype in ("FLOAT", "DOUBLE"):
        return f"CASE WHEN isnan({reference}) THEN NULL ELSE {value} END"
    if dtype != "VARCHAR":
        return value
    kept = {word.lower() for word in keep}
    written = _written(value, tuple(null for null in nulls if null not in kept))
    return f"CASE WHEN {_among(value, SWITCHES)} THEN lower({value}) ELSE {written} END"


def _written(value: str, lost: tuple[str, ...]) -> str:
    return (
        f"CASE WHEN {_among(value, lost)} THEN NULL WHEN suffix({value}, '.0') "
        f"THEN {_whole(value)} ELSE {value} END"
    )


def has_fractions(dtype: str) -> bool:
    """Whether a column's type is of numbers that need not be whole."""
    return dtype.startswith(_FLOATS)


def as_written(reference: str, dtype: str) -> str:
    """Any value as it is written, as `identifier` reads it, but null only where it is null."""
    if dtype != "VARCHAR":
        return f"CAST({reference} AS VARCHAR)"
    return _whole(_bare(reference))


def _bare(reference: str) -> str:
    """A text without white space around it, an accent one sign with its letter."""
    return f"nfc_normalize(regexp_replace({reference}, {literal(_AROUND)}, '', 'g'))"


def _whole(value: str) -> str:
    """A text, "1.0" as "1"."""
    return f"regexp_replace({value}, '^(-?[0-9]+)\\.0$', '\\1')"


def currency(reference: str, dtype: str) -> str:
    """A currency's code: a text in capital letters, null where blank."""
    return f"upper({text(reference, dtype)})"


def identifier(reference: str, dtype: str) -> str:
    """An identifier as text: 1, 1.0, "1" and "1.0" are all "1".

    So are ids that look alike: no white space around them, and an accent is one sign with its
    letter (NFC). `serving.schemas.Identifier` reads ids in the same way. Null where two ids would
    be one, as large whole numbers of type DOUBLE are.
    """
    if dtype in ("FLOAT", "DOUBLE"):
        read = text(reference, dtype)
        return f"CASE WHEN abs({reference}) < {_NO_WHOLE} THEN {read} END"
    if dtype != "VARCHAR":
        return text(reference, dtype, nulls=NO_ID)
    return _written(_bare(reference), NO_ID)


def number(reference: str, dtype: str, decimal: str | None = None) -> str:
    """A DOUBLE of at most LARGEST. Text may group thousands where that cannot be mistaken.

    With `decimal` None, "1,234.5" is a number and "1,234" is not: it could be either.
    """
    if dtype.startswith((*_FLOATS, *_INTEGERS, "U")) and dtype != "UUID":
        value = f"CAST({reference} AS DOUBLE)"
    elif dtype != "VARCHAR":
        return "CAST(NULL AS DOUBLE)"
    elif decimal == ",":
        bare = f"replace(regexp_replace(trim({reference}), '[. '']', '', 'g'), ',', '.')"
        value = (
            f"CASE WHEN regexp_matches(trim({reference}), {literal(_COMMA_NUMBER)}) "
            f"THEN try_cast({bare} AS DOUBLE) END"
        )
    else:
        groups = _POINT_GROUPS % (r"(\.\d+)?" if decimal == "." else r"\.\d+")
        value = (
            f"coalesce(try_cast({reference} AS DOUBLE), "
            f"CASE WHEN regexp_matches(trim({reference}), {literal(groups)}) "
            f"THEN try_cast(replace({reference}, ',', '') AS DOUBLE) END)"
        )
    return f"CASE WHEN abs({value}) <= {LARGEST} THEN {value} END"


def times(one: str, other: str) -> str:
    """Two DOUBLEs multiplied: a DOUBLE of at most LARGEST."""
    return f"CASE WHEN abs({one} * {other}) <= {LARGEST} THEN {one} * {other} END"


def moment(reference: str, dtype: str, form: Format, zone: str) -> str:
    """A naive TIMESTAMP in UTC. A moment without a zone of its own is wall clock in `zone`.

    A wall clock that occurs twice (autumn) is its second occurrence, one that never occurs
    (spring) is later by what the clock was put forward. Years before 1900 and after 2199 are no
    moments: exports write 0001-01-01 and 9999-12-31 for "unknown" and "never".
    """
    fmt = form.moment_format
    if dtype.endswith("WITH TIME ZONE"):
        value = f"({reference} AT TIME ZONE 'UTC')"
    elif dtype == "DATE" or dtype.startswith("TIMESTAMP"):
        value = _to_utc(f"CAST({reference} AS TIMESTAMP)", zone)
    elif fmt in ("unix_seconds", "unix_milliseconds"):
        micros = 1_000_000 if fmt == "unix_seconds" else 1_000
        count = f"try_cast({_trimmed(reference, dtype)} AS DOUBLE)"
        value = f"make_timestamp(try_cast({count} * {micros} AS BIGINT))"
    elif fmt in ("unix_microseconds", "unix_nanoseconds"):
        # Whole numbers: the digits of a DOUBLE do not reach so far.
        nanos = 1 if fmt == "unix_microseconds" else 1_000
        value = f"make_timestamp(try_cast({_trimmed(reference, dtype)} AS BIGINT) // {nanos})"
    elif fmt is not None:
        parsed = f"try_strptime({_trimmed(reference, dtype)}, {literal(fmt)})"
        zoned = "%z" in fmt.lower()
        value = f"({parsed} AT TIME ZONE 'UTC')" if zoned else _to_utc(parsed, zone)
    elif dtype == "VARCHAR":
        trimmed = f"trim({reference})"
        naive = _to_utc(f"try_cast({trimmed} AS TIMESTAMP)", zone)
        # Of a text that ends in UTC only the Z of it; the cast is asked first, being cheap.
        tight = f"upper(regexp_replace({trimmed}, ' *(?i:UTC)$', 'Z'))"
        tight = f"regexp_replace({tight}, {literal(_APART)}, '\\1')"
        tight = f"regexp_replace({tight}, {literal(_NO_SECONDS)}, '\\1:00\\2')"
        either = f"coalesce(try_cast({trimmed} AS TIMESTAMPTZ), try_cast({tight} AS TIMESTAMPTZ))"
        aware = f"({either} AT TIME ZONE 'UTC')"
        # A cast to TIMESTAMP would drop the offset without a word.
        has_offset = f"regexp_matches({trimmed}, {literal(_OFFSET)})"
        value = f"CASE WHEN {has_offset} THEN {aware} ELSE {naive} END"
    else:
        return "CAST(NULL AS TIMESTAMP)"
    return f"CASE WHEN year({value}) BETWEEN 1900 AND 2199 THEN {value} END"


def _to_utc(wall_clock: str, zone: str) -> str:
    if zone == "UTC":
        return wall_clock
    return f"(timezone({literal(zone)}, {wall_clock}) AT TIME ZONE 'UTC')"


def local(utc: str, zone: str) -> str:
    """Naive UTC as naive wall clock in `zone`."""
    if zone == "UTC":
        return utc
    return f"(({utc} AT TIME ZONE 'UTC') AT TIME ZONE {literal(zone)})"
