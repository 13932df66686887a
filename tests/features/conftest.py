"""Tiny histories, written row by row for their features; experiment files; Spark."""

import importlib.util
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isclose
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.errors import ConfigError
from features.online import OnlineFeatures
from features.proof import differences
from features.schema import ATTRIBUTES, EVENTS, ORDERS, SPINE, order_id_of
from features.settings import config
from features.settings.experiment import Experiment
from features.spec import Attribute, FeatureSpec, Goal, Occasion, Place, Response

SEED = 7
AT = "2024-06-01"  # a Saturday

SPEC = FeatureSpec(
    present=("category", "brand", "quantity", "discount", "channel"),
    categories=("fruit", "wine"),
    order_channels=("shop", "web"),
    event_kinds=("mail", "return", "cart"),  # "return" is also the name of purchase features
    event_channels=("app", "post"),
    attributes=(
        Attribute("home", "geographic", "category"),
        Attribute("region", "geographic", "region", levels=("country", "state", "city")),
        Attribute("position", "geographic", "location", columns=("lat", "lon")),
        Attribute("age", "demographic", "ordered", ("young", "middle", "old")),
        Attribute("score", "psychographic", "number"),
        Attribute("sector", "firmographic", "category"),
    ),
    occasions=(
        Occasion("Christmas", ("2022-12-25", "2023-12-25"), days_before=7),
        Occasion("Easter", ("2024-03-31",), days_before=2, days_after=1),
        Occasion("Children's Day", (AT,), days_before=0),
    ),
    responses=(Response("returns per mail", ("return",), ("mail",)),),
    goals=(
        Goal("cart", ("cart",), ("order",), within_days=3),
        Goal("contact", ("mail", "return"), ("cart", "order"), within_days=10),
        Goal("visit", ("cart",)),
    ),
    places=(Place("Berlin", 52.52, 13.405), Place("Quito", 0.0, -78.5)),
    period_days=7,
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
        arrived = pc.field("arrived").is_null() | (pc.field("arrived") < at)
        return Log(
            self.orders.filter((pc.field("moment") < at) & arrived),
            self.events.filter((pc.field("moment") < at) & arrived),
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


@pytest.fixture(scope="session")
def same() -> Callable[[Any, Any], bool]:
    """Whether a feature's value is another one, within rounding."""

    def equal(value: Any, other: Any) -> bool:
        if value is None or other is None or isinstance(other, str | datetime):
            return bool(value == other)
        return isclose(value, other, rel_tol=1e-9, abs_tol=1e-9)

    return equal


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

    def spine_at(self, log: Log, *cuts: datetime) -> pa.Table:
        """Whoever bought, three who may have done anything or nothing, and nobody, at each cut."""
        who = sorted({*log.orders["customer_id"].to_pylist(), "a", "b", "c", "nobody"})
        return self.spine(*((customer, at) for at in cuts for customer in who))

    def leaks(self, compiled: OnlineFeatures, log: Log, *cuts: datetime) -> set[str]:
        """The features that differ between the whole log and the log as it was at the cut-off."""
        red = set()
        for at in cuts:
            spine, then = self.spine_at(log, at), log.before(at)
            whole, past = (
                compiled(some.orders, some.events, some.attributes, spine).to_pylist()
                for some in (log, then)
            )
            red |= self.differing(whole, past)
        return red


@pytest.fixture(scope="session")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="session")
def met_and_bought(shop: Shop) -> Log:
    """Orders around the first of June, two who were met only, one of whom an attribute is known."""
    line, event, attribute = shop.line, shop.event, shop.attribute
    return shop.log(
        [line("2024-05-22", 10), line("2024-06-01", 20), line("2024-06-11", 5),
         line("2024-06-21", 8, "b"), line("2024-08-01", 9, "late")],
        [event("2024-05-02", "mail", "met"), event("2024-06-01", "mail", "edge")],
        [attribute("home", "Bonn", who="only an attribute"), attribute("home", "Köln")],
    )  # fmt: skip


@pytest.fixture(scope="session")
def many(shop: Shop) -> Log:
    """A log of 24 customers, all busy on the day after `AT`, the last four for the first time."""
    rng = np.random.default_rng(SEED)

    def one_of(*values: Any) -> Any:
        return values[rng.integers(len(values))]

    told = {
        "home": ["Bonn", "Köln"],
        "age": ["young", "old"],
        "score": ["1", "-2.5"],
        "sector": ["steel", "law"],
        "region": ["DE/BY", "DE/BY/München", "FR"],
        "position": ["52.52,13.405", "0,0"],
    }
    orders: list[Any] = []
    events: list[Any] = []
    attributes: list[Any] = []
    for i in range(24):
        who = f"c{i:02}"
        days: Any = (
            [] if i >= 20 else [300] if i >= 16 else rng.integers(-20, 420, rng.integers(1, 40))
        )
        for late, day in [*((False, day) for day in days), (True, 0)]:
            when = shop.at + timedelta(minutes=int(rng.integers(1440))) - timedelta(days=int(day))
            line = {
                "order_id": f"{who}-{rng.integers(60)}",
                "local": when + timedelta(hours=2),
                "category": one_of("fruit", "cheese") if late else one_of("fruit", "wine", None),
                "brand": "new" if late else ("own", "other", None)[(i + int(day)) % 3],
                "quantity": float(rng.integers(1, 9)),
                "discount": rng.integers(40) / 4,
                "channel": one_of("shop", "web", None),
            }
            amount = rng.integers(-40, 400) / 4 if i < 12 else -5 if late and i < 16 else 10
            orders.append(shop.line(when, amount, who, **line))
            met = when + timedelta(minutes=1)
            kind = one_of("mail", "return", "cart")
            channel = one_of("kiosk", "app", "post") if late else one_of("app", "post", None)
            events.append(shop.event(met, kind, who, channel=channel))
            for name in told if late else [one_of(*told)]:
                attributes.append(shop.attribute(name, one_of(*told[name]), when, who))
    return shop.log(orders, events, attributes)


# ------------------------------------------------------------------------------ experiment files


@pytest.fixture(scope="session")
def parsed(experiment_text: Callable[..., str]) -> Callable[..., Experiment]:
    """What a text says, or the `experiment_text` of these parts."""

    def read(text: str | None = None, **parts: Any) -> Experiment:
        return config.parse(experiment_text(**parts) if text is None else text, Path("shop.toml"))

    return read


@pytest.fixture(scope="session")
def complaint(parsed: Callable[..., Experiment]) -> Callable[..., str]:
    """The words of the ConfigError that such a text has to raise."""

    def words(text: str | None = None, **parts: Any) -> str:
        with pytest.raises(ConfigError) as caught:
            parsed(text, **parts)
        return str(caught.value)

    return words


# ------------------------------------------------------------------------------------------ Spark


@pytest.fixture(scope="session")
def spark_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Two cores of this machine, and the session's own folder."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("no pyspark (make spark installs it)")
    if shutil.which("java") is None:
        pytest.skip("no java on the PATH (apt install default-jre-headless)")
    own = str(tmp_path_factory.mktemp("spark"))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JAVA_HOME", "SPARK_REMOTE", "SPARK_CONF_DIR", "COTERIE_SPARK_FOLDER"):
            patch.delenv(name, raising=False)
        patch.setenv("MASTER", "local[2]")
        patch.setenv("SPARK_DRIVER_MEMORY", "2g")
        patch.setenv("SPARK_LOCAL_DIRS", own)
        options = f"--conf spark.driver.extraJavaOptions=-Djava.io.tmpdir={own}"
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"{options} pyspark-shell")
        yield


@pytest.fixture
def local_spark(spark_settings: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Spark on two cores of this machine for the tests that are marked `spark`, else they skip.

    The tables of its connections are written below `tmp_path`.
    """
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
