"""How the value of an attribute is read, by its kind: from a source's columns, or as it was sent.

Both end in the one text of `features.schema.ATTRIBUTES`: a category or a region as it stands, an
ordered value only where it is one of its bands, a number as digits, a location as
"LATITUDE,LONGITUDE" in decimal degrees. Null is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from features.ingestion.cleaning import NULLS, Field, literal, number, quoted, text
from features.spec import Attribute


@dataclass(frozen=True)
class _Part:
    """What one column gives to a value; a number is at most `limit` from 0, where there is one."""

    field: str
    what: str
    limit: int | None = None


def columns(attribute: Attribute) -> tuple[str, ...]:
    """The columns of a source that an attribute is read from."""
    return attribute.columns or (attribute.name,)


def fields(
    attribute: Attribute, types: Mapping[str, str], decimal: str | None = None
) -> list[Field]:
    """What `ingestion.staging.judge` cleans for it; `types` are the DuckDB types of the columns."""
    use = "free" if attribute.kind in ("category", "region") else "cell"
    made = []
    for part, column in zip(_parts(attribute), columns(attribute), strict=True):
        sql = _clean(attribute, part, quoted(column), types[column], decimal)
        if attribute.kind == "region" and not attribute.columns:
            sql = _cut(sql, attribute.separator)
        made.append(Field(part.field, column, sql, use, part.what))
    return made


def value(attribute: Attribute) -> str:
    """SQL for the canonical text, over what `fields` names."""
    parts = [quoted(part.field) for part in _parts(attribute)]
    if attribute.kind == "location":
        return _located(*parts)
    if attribute.kind == "region" and attribute.columns:
        return _path(parts, attribute.separator)
    return f"CAST({parts[0]} AS VARCHAR)"


def sent(attribute: Attribute) -> str:
    """SQL for the canonical text of the column `value`, a text as an application sent it."""
    parts = _parts(attribute)
    if attribute.kind != "location":
        made = _clean(attribute, parts[0], "value", "VARCHAR")
        if attribute.kind == "region":  # a single column's text is one part, whatever it holds
            alone = len(attribute.columns) == 1
            made = _path([made], attribute.separator) if alone else _cut(made, attribute.separator)
        return f"CAST({made} AS VARCHAR)"
    texts = [f"split_part(value, ',', {i})" for i in (1, 2)]
    pair = [_clean(attribute, p, t, "VARCHAR") for p, t in zip(parts, texts, strict=True)]
    return f"CASE WHEN len(string_split(value, ',')) = 2 THEN {_located(*pair)} END"


def asked(attribute: Attribute) -> str:
    """What a value has to be, in words that follow "is"."""
    if attribute.kind == "location":
        return "LATITUDE,LONGITUDE in decimal degrees"
    return _parts(attribute)[0].what


def _parts(attribute: Attribute) -> list[_Part]:
    # In hex: SQL takes no notice of case, and one name may be another's with a level behind it.
    name = f"value {attribute.name.encode().hex()}"
    if attribute.kind == "location":
        return [
            _Part(f"{name} latitude", "a latitude from -90 to 90", 90),
            _Part(f"{name} longitude", "a longitude from -180 to 180", 180),
        ]
    if attribute.kind == "region" and attribute.columns:
        return [_Part(f"{name} {depth}", "a text") for depth in range(len(attribute.levels))]
    whats = {"ordered": f"one of {', '.join(attribute.order)}", "number": "a number"}
    return [_Part(name, whats.get(attribute.kind, "a text"))]


def _clean(
    attribute: Attribute, part: _Part, reference: str, dtype: str, decimal: str | None = None
) -> str:
    if attribute.kind in ("number", "location"):
        sql = number(reference, dtype, decimal)
        return f"CASE WHEN abs({sql}) <= {part.limit} THEN {sql} END" if part.limit else sql
    sql = text(reference, dtype, keep=attribute.order)
    if attribute.kind == "ordered":
        read = {
            band: text(literal(band), "VARCHAR", keep=attribute.order) for band in attribute.order
        }
        bands = " ".join(f"WHEN {same} THEN {literal(band)}" for band, same in read.items())
        return f"CASE {sql} {bands} END"
    return sql


def _cut(path: str, separator: str) -> str:
    """A path up to its first part that stands for null."""
    apart = re.escape(separator)
    nulls = "|".join(re.escape(null) for null in NULLS if null and separator not in null)
    blank = f"(?is)(^|{apart}) *({nulls}) *({apart}.*)?$"
    return f"nullif(regexp_replace({path}, {literal(blank)}, ''), '')"


def _path(parts: list[str], separator: str) -> str:
    """One text of parts, coarse to fine, up to the first that is unknown."""
    made = [f"replace({part}, {literal(separator)}, ' ')" for part in parts]  # a part is one part
    for i in range(1, len(parts)):
        above = " AND ".join(f"{part} IS NOT NULL" for part in parts[:i])
        made[i] = f"CASE WHEN {above} THEN {made[i]} END"
    return f"nullif(concat_ws({literal(separator)}, {', '.join(made)}), '')"


def _located(latitude: str, longitude: str) -> str:
    return f"CAST({latitude} AS VARCHAR) || ',' || CAST({longitude} AS VARCHAR)"
