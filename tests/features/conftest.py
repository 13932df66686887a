"""Tiny histories written row by row, and their features through one compiled expression."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.online import OnlineFeatures
from features.proof import differences
from features.schema import ATTRIBUTES, EVENTS, ORDERS, SPINE, order_id_of
from features.spec import Attribute, FeatureSpec, Occasion

AT = "2024-06-01"  # a Saturday

SPEC = FeatureSpec(
    present=("category", "quantity", "discount", "channel"),
    categories=("fruit", "wine"),
    order_channels=("shop", "web"),
    event_kinds=("mail", "return"),  # "return" is also the name of purchase features
    event_channels=("app", "post"),
    attributes=(
        Attribute("home", "geographic", "category"),
        Attribute("age", "demographic", "ordered", ("young", "middle", "old")),
        Attribute("score", "psychographic", "number"),
        Attribute("sector", "firmographic", "category"),
    ),
    occasions=(
        Occasion("Christmas", ("2022-12-25", "2023-12-25"), days_before=7),
        Occasion("Easter", ("2024-03-31",), days_before=2, days_after=1),
        Occasion("Children's Day", (AT,), days_before=0),
    ),
)


def moment(text: str | datetime) -> datetime:
    return text if isinstance(text, datetime) else datetime.fromisoformat(text)


@dataclass(frozen=True)
class Log:
    """The three source tables of a few customers."""

    orders: pa.Table
    events: pa.Table
    attributes: pa.Table

    def before(self, at: datetime) -> "Log":
        """What had been written by `at`; the undated is taken as written ever since."""
        dated = ~pc.field("valid_from").is_null()
        return Log(
            self.orders.filter(pc.field("moment") < at),
            self.events.filter(pc.field("moment") < at),
            self.attributes.filter(~dated | (pc.field("valid_from") < at)),
        )

    def map(self, change: Callable[[pa.Table], pa.Table]) -> "Log":
        return Log(*(change(table) for table in vars(self).values()))

    def connect(self) -> Any:
        """An Ibis backend that holds them."""
        backend = ibis.duckdb.connect()
        backend.con.execute("SET threads = 1")
        for name, table in vars(self).items():
            backend.create_table(name, table)
        return backend


class Shop:
    """Writes rows, makes tables of them, and asks for their features by `SPEC`.

    Customer "a", a local clock equal to UTC, and one order a moment, unless said otherwise.
    """

    spec = SPEC
    at = moment(AT)

    def __init__(self) -> None:
        self._compiled: dict[FeatureSpec, OnlineFeatures] = {}

    def line(self, when: Any, amount: float, who: str = "a", **more: Any) -> dict[str, Any]:
        row = {"customer_id": who, "moment": moment(when), "amount": float(amount), **more}
        row["local"] = moment(row.get("local", when))
        row.setdefault("order_id", order_id_of(row["moment"]))
        return row

    def event(self, when: Any, kind: str, who: str = "a", **more: Any) -> dict[str, Any]:
        return {"customer_id": who, "moment": moment(when), "kind": kind, **more}

    def attribute(
        self, name: str, value: str | None, since: Any = None, who: str = "a"
    ) -> dict[str, Any]:
        valid_from = None if since is None else moment(since)
        return {"customer_id": who, "name": name, "value": value, "valid_from": valid_from}

    def log(
        self,
        orders: Iterable[Mapping[str, Any]] = (),
        events: Iterable[Mapping[str, Any]] = (),
        attributes: Iterable[Mapping[str, Any]] = (),
    ) -> Log:
        return Log(
            pa.Table.from_pylist([*orders], ORDERS),
            pa.Table.from_pylist([*events], EVENTS),
            pa.Table.from_pylist([*attributes], ATTRIBUTES),
        )

    def spine(self, *rows: tuple[str, Any]) -> pa.Table:
        named = [{"customer_id": who, "as_of": moment(at)} for who, at in rows]
        return pa.Table.from_pylist(named, SPINE)

    def compiled(self, spec: FeatureSpec = SPEC) -> OnlineFeatures:
        """Compiling takes a second: once a spec and session."""
        if spec not in self._compiled:
            self._compiled[spec] = OnlineFeatures(spec)
        return self._compiled[spec]

    def rows(self, log: Log, spine: pa.Table, spec: FeatureSpec = SPEC) -> list[dict[str, Any]]:
        """The features of the spine's rows, in its order."""
        table = self.compiled(spec)(log.orders, log.events, log.attributes, spine)
        return table.to_pylist()

    def features(self, *, at: Any = AT, who: str = "a", **rows: Any) -> dict[str, Any]:
        """All features of one customer at one moment."""
        (row,) = self.rows(self.log(**rows), self.spine((who, at)))
        return row

    def differing(self, rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> set[str]:
        """The columns that are not equal: integers, texts and nulls exactly, floats within 1e-9.

        Within 1e-9 of a unit too, since sums that cancel leave a rest of the floats' rounding.
        """
        return {difference.feature for difference in differences(rows, others)}


@pytest.fixture(scope="session")
def shop() -> Shop:
    return Shop()


def one_day_late(real: Callable[..., Any]) -> Callable[..., Any]:
    """`features.asof`'s function with a spine a day ahead: a day of the future comes in."""

    def leaky(table: Any, spine: Any) -> Any:
        ahead = spine.mutate(as_of=spine.as_of + ibis.interval(days=1))
        seen = real(table, ahead)
        back = {"as_of": seen.as_of - ibis.interval(days=1)}
        return seen.mutate(
            **back, **({"age_days": seen.age_days - 1.0} if "age_days" in seen else {})
        )

    return leaky


@pytest.fixture(scope="session")
def inject() -> Callable[[pytest.MonkeyPatch, ModuleType, int], None]:
    """Lets a lens's `use`-th question to `features.asof` (from 0) see a day of the future."""

    def injected(monkeypatch: pytest.MonkeyPatch, module: ModuleType, use: int) -> None:
        asked = []
        for function in ("known", "known_or_undated"):
            real = getattr(module, function, None)
            if real is not None:

                def sometimes(table: Any, spine: Any, real: Any = real) -> Any:
                    asked.append(real)
                    return (one_day_late(real) if len(asked) == use + 1 else real)(table, spine)

                monkeypatch.setattr(module, function, sometimes)

    return injected
