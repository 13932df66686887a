"""What the champion was trained with and these data do not have, and the other way round."""

from __future__ import annotations

import ibis

from features.sources import Sources
from features.spec import FeatureSpec

#: Of all events so many are of a kind before it is told that the champion does not know it.
LEAST_SHARE = 0.05


def told(spec: FeatureSpec, read: Sources) -> list[str]:
    """A sentence for each source of which something is wanting, and for kinds of event that no
    feature counts by themselves.
    """
    connection, made = read.connection, []
    orders = connection.table("orders")
    if spec.present:
        some = {name: orders[name].notnull().any() for name in spec.present}
        (found,) = connection.to_pyarrow(orders.aggregate(**some)).to_pylist()
        made += _wanting("columns of the orders", [n for n in spec.present if not found[n]])
    kinds = _counted(connection, "events", "kind")
    if spec.event_kinds and not kinds:
        made.append(
            "The champion was trained with events, and none came: it takes every customer for one "
            "who met nothing. Bring them, or retrain."
        )
    total = sum(kinds.values())
    strange = [
        f"{kind!r} ({count / total:.0%} of all)"
        for kind, count in kinds.items()
        if spec.event_kinds and kind not in spec.event_kinds and count >= LEAST_SHARE * total
    ]
    if strange:
        made.append(
            f"Events of the kind {', '.join(strange)} are not known to the champion: counted among "
            "all alone. Retrain to have it learn from them."
        )
    named = _counted(connection, "attributes", "name")
    return made + _wanting("attributes", [a.name for a in spec.attributes if a.name not in named])


def _counted(connection: ibis.BaseBackend, name: str, column: str) -> dict[str, int]:
    """How often each value of a column of text occurs, the commonest first."""
    table = connection.table(name)
    table = table.filter(table["value"].notnull()) if name == "attributes" else table
    counts = table.group_by(column).aggregate(n=table.count())
    rows = connection.to_pyarrow(counts).to_pylist()
    return {row[column]: row["n"] for row in sorted(rows, key=lambda r: (-r["n"], r[column]))}


def _wanting(of: str, names: list[str]) -> list[str]:
    if not names:
        return []
    return [
        f"The champion was trained with these {of}, of which nothing came: {', '.join(names)}. It "
        "takes them for unknown, and what it says may be far off: bring them, or retrain."
    ]
