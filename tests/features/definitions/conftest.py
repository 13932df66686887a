"""Random shops with every case that a definition speaks of, and what was known of whom.

Moments are integer microseconds since 1970 (UTC); ages and times between moments are integer
microseconds too. Nothing of Coterie makes what is drawn and worked out here.
"""

import csv
import random
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from features import catalog, discovery, sources
from features.schema import SPINE
from features.settings import config
from features.snapshot import snapshot

TEXT = (Path(__file__).parent / "shop.toml").read_text(encoding="utf-8")
SEED = 8  # as with one in eight or so, every case comes up that the tests ask for
HOUR, DAY = 3_600_000_000, 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def in_zone(moment: int, zone: tzinfo) -> datetime:
    return (EPOCH + timedelta(microseconds=moment)).astimezone(zone)


@dataclass(frozen=True)
class Setting:
    """How a shop differs from the others; cut-offs are UTC."""

    zone: str
    horizon_days: int
    cutoffs: tuple[str, ...]
    late: bool = False  # rows arrive after their moment
    hours: bool = True  # moments have an hour, else they are local days
    bare: bool = False  # customers, moments and amounts alone, and neither events nor attributes


# Cut-offs lie at changes of the clock, on a leap day, at local midnights and at odd moments.
SETTINGS = {
    "late": Setting(
        "Europe/Berlin", 28, ("2024-02-29T12:34:56.789012", "2024-03-31T01:00", "2024-10-27T00:30"),
        late=True,
    ),
    "days": Setting(
        "America/New_York", 30, ("2024-03-11T04:00", "2024-07-04T16:20:00.5", "2024-11-04T05:00"),
        hours=False,
    ),
    "prompt": Setting(
        "Australia/Lord_Howe", 2, ("2024-04-06T15:00", "2024-10-05T15:30", "2024-12-31T13:00"),
    ),
    "bare": Setting("Asia/Kathmandu", 28, ("2024-03-01T00:00", "2024-12-25T06:00"), bare=True),
}  # fmt: skip

CUSTOMERS = [f"c{i:02}" for i in range(100)]
#: Ids that were merged: one after the other, two into one, and one into itself.
ALIASES = {"c00": "c01", "c01": "c02", "c03": "c05", "c04": "c05", "c06": "new", "c07": "c07"}
#: The categories and channels that are large enough for features of their own, before the rest.
CATEGORIES = ("tea", "DRUG GM", "wine", "fruit", "meat", "fish", "nuts", "oil", "salt", "Käse")
CHANNELS = ("web", "shop", "app", "phone", "fax", "kiosk")
KINDS, EVENT_CHANNELS = ("mail", "visit", "cart", "trial", "sale", "call"), ("app", "post", "shop")
#: What the columns of an order line and of what is told of a customer may say; None: blank.
OPTIONAL = {
    "category": (None, *CATEGORIES), "channel": (None, *6 * CHANNELS, "telex"),
    "brand": (None, "own", "A&B", "zeta"), "store": (None, "S1", "S2"),
    "quantity": (None, 0.0, 0.5, 1.0, 3.0, -1.0), "discount": (None, None, 0.0, 1.0, 2.5),
}  # fmt: skip
TOLD = {
    "home": (None, "Bonn", "Köln"), "age": (None, "young", "middle", "old"),
    "latitude": (None, 52.52, 0.0, -90.0), "longitude": (None, 13.405, -78.5, 180.0, -180.0),
    "country": (None, "DE", "US"), "state": (None, "BY", "IL"), "city": (None, "Paris", "Ulm"),
    "score": (None, 1.0, -2.5, 0.0),
}  # fmt: skip
BOUGHT = (10.0, 19.5, 7.0, 0.25, 100.0)
#: Amounts of the lines of an order: bought, returned, at 0, returned with postage, and mixed.
BASKETS = (*6 * (BOUGHT,), (-10.0, -300.0), (0.0,), *2 * ((0.0, -5.0),), (10.0, 0.0, -3.0, -100.0))
#: Days before a cut-off at which a definition draws a border.
BORDERS = (0, 0, 0, 3, 3, 7, 10, 30, 30, 30, 84, 90, 90, 180, 365)
#: Days of occasions.
DATES = [date for occasion in tomllib.loads(TEXT)["occasions"] for date in occasion["dates"]]
#: Times by which an event precedes an order: about the days of the goals.
LEADS = (0, 0, HOUR, DAY, 3 * DAY, 3 * DAY - 1, 10 * DAY, 10 * DAY - 1, 12 * DAY)


class Row(SimpleNamespace):
    gives_back = property(lambda r: r.amount < 0 or (r.amount == 0 and (r.quantity or 0) < 0))


class Draw:
    """Draws the rows of one shop, as they are written; None is blank."""

    def __init__(self, setting: Setting, seed: int) -> None:
        self.setting, self.zone = setting, ZoneInfo(setting.zone)
        self.rng = random.Random(seed)
        self.cutoffs = [micros(datetime.fromisoformat(f"{at}Z")) for at in setting.cutoffs]
        self.period = max(1, round(setting.horizon_days / 4))

    def one_of(self, *values: Any) -> Any:
        return self.rng.choice(values)

    def placed(self, moment: int) -> int:
        """The moment itself, or the midnight that its local day begins with."""
        if self.setting.hours:
            return moment
        return micros(datetime.combine(in_zone(moment, self.zone), time(), self.zone))

    def border(self) -> int:
        """A moment at, right before or shortly after a border of a window or a period."""
        days = self.one_of(*BORDERS, self.period * self.rng.randint(1, 24))
        return self.one_of(*self.cutoffs) - days * DAY + self.one_of(0, 0, 0, 1, -1, -1, HOUR // 4)

    def moment(self, earlier: list[int]) -> int:
        """Of an order or event after `earlier` ones of the customer."""
        somewhen = self.cutoffs[0] + self.rng.randint(-400 * DAY, 300 * DAY)
        around = datetime.fromisoformat(self.one_of(*DATES)) + timedelta(self.rng.randint(-3, 2))
        day, hour = self.one_of(in_zone(somewhen, self.zone), around), self.one_of(0, 6, 12, 18)
        on_the_hour = micros(datetime.combine(day, time(hour), self.zone)) - self.one_of(0, 1)
        choices = [somewhen, on_the_hour, self.border(), self.border()]
        if earlier:
            choices += [self.one_of(*earlier), max(earlier) + self.one_of(1, 7, 30, 100) * DAY]
        return self.placed(self.one_of(*choices))

    def moments(self, *numbers: int) -> list[int]:
        made: list[int] = []
        for _ in range(self.one_of(*numbers)):
            made.append(self.moment(made))
        return made

    def rhythm(self) -> list[int]:
        """Of orders at even times or nearly so, some after a pause, the last before a cut-off."""
        gap, since = self.one_of(DAY // 4, 2 * DAY, 7 * DAY, 20 * DAY), self.one_of(1, 4)
        uneven, pause = self.one_of(0, gap // 3), self.one_of(0, 2, 4, 12) * gap
        last = self.one_of(*self.cutoffs) - self.one_of(2, 5, 14, 42) * DAY
        last -= self.one_of(0, self.rng.randrange(DAY))
        gaps = (i * gap + (pause if i >= since else 0) for i in range(self.one_of(4, 8, 12)))
        return [self.placed(last - back - self.rng.randint(0, uneven)) for back in gaps]

    def arrived(self, moment: int) -> int | None:
        late = (None, None, moment, moment - 2 * DAY, moment + 10 * DAY, self.border())
        return self.one_of(*late) if self.setting.late else None

    def lines(self, who: str) -> list[Row]:
        """Of a rhythm, or of orders with an id of their own, that of another order, or none."""
        if self.one_of(True, False):
            rhythm = enumerate(self.rhythm())
            return [self.line(who, at, self.one_of(*BOUGHT), f"{who}-{i}") for i, at in rhythm]
        made: list[Row] = []
        for i, moment in enumerate(self.moments(0, 1, 3, 6, 12)):
            earlier = self.one_of(*(line.order for line in made), None)
            order = self.one_of(*6 * (f"{who}-{i}",), earlier, f"o{i}", None)
            amounts = self.one_of(*BASKETS)
            for _ in range(self.one_of(1, 1, 2, 3)):
                at = moment + self.one_of(*8 * (0,), HOUR, DAY, 20 * DAY, -DAY)
                made.append(self.line(who, self.placed(at), self.one_of(*amounts), order))
        return made

    def line(self, who: str, moment: int, amount: float, order: str | None) -> Row:
        optional = {name: self.one_of(*values) for name, values in OPTIONAL.items()}
        optional |= {"order": order, "arrived": self.arrived(moment)}
        if amount == 0.25:
            optional["category"] = "saffron"  # bought often, and little in all
        if self.setting.bare:
            optional = dict.fromkeys(optional)
        return Row(customer=who, moment=moment, amount=amount, **optional)

    def events(self, who: str, lines: list[Row]) -> list[Row]:
        """Half of them before an order, where there is one."""
        made = []
        for moment in self.moments(0, 1, 6, 12, 24):
            leads = [self.one_of(*lines).moment - self.one_of(*LEADS)] if lines else []
            row = Row(customer=who, moment=self.placed(self.one_of(moment, *leads)))
            row.kind, row.channel = self.one_of(*KINDS, "cart"), self.one_of(None, *EVENT_CHANNELS)
            row.arrived = self.arrived(row.moment)
            made.append(row)
        return made

    def told(self, who: str) -> list[Row]:
        """What is known of a customer since some moments or, once, without one."""
        moments = [*self.moments(0, 1, 3), *self.one_of((), (None,))]
        return [
            Row(customer=who, since=since, **{k: self.one_of(*v) for k, v in TOLD.items()})
            for since in dict.fromkeys(moments)
        ]


class Shop:
    """The rows of a shop, by the ids that its customers have today."""

    categories, channels, kinds, event_channels = CATEGORIES, CHANNELS, KINDS, EVENT_CHANNELS

    def __init__(self, setting: Setting, seed: int) -> None:
        draw = Draw(setting, seed)
        self.setting, self.zone = setting, draw.zone
        self.lines, self.events, self.told = (defaultdict(list) for _ in range(3))
        for customer in CUSTOMERS:
            who = customer
            while ALIASES.get(who, who) != who:
                who = ALIASES[who]
            lines = draw.lines(customer)
            self.lines[who] += lines
            self.events[who] += draw.events(customer, lines)
            moments = [row.since for row in self.told[who]]
            self.told[who] += [row for row in draw.told(customer) if row.since not in moments]
        text = TEXT.replace('"UTC"', f'"{setting.zone}"')
        text = text.replace("horizon_days = 28", f"horizon_days = {setting.horizon_days}")
        self.text = text.partition("[[events]]")[0] if setting.bare else text
        self.settings = tomllib.loads(self.text)
        everyone = sorted([*CUSTOMERS, "new", "nobody"])
        self.pasts = [Past(self, who, as_of) for who in everyone for as_of in draw.cutoffs]

    def write(self, folder: Path) -> Path:
        """Its files below `folder`; the path of the experiment file."""
        tables = {"aliases": [Row(old=old, new=new) for old, new in ALIASES.items()]}
        for name in ("lines", "events", "told"):
            tables[name] = [row for rows in getattr(self, name).values() for row in rows]
        for name, rows in tables.items():
            with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
                writer = csv.writer(stream)
                writer.writerow(vars(rows[0]))
                writer.writerows([self._text(*cell) for cell in vars(row).items()] for row in rows)
        (folder / "shop.toml").write_text(self.text, encoding="utf-8")
        return folder / "shop.toml"

    def _text(self, column: str, value: Any) -> Any:
        """Of a moment its local day, or itself in one of two zones."""
        if value is None or column not in ("moment", "arrived", "since"):
            return value
        if not self.setting.hours:
            return in_zone(value, self.zone).date().isoformat()
        return in_zone(value, self.zone if value % 2 else UTC).isoformat()


class Past:
    """What was known of a customer at `as_of`.

    `pieces` are the lines of one order at one moment, `purchases` those that buy something,
    `orders` the first purchase of each order; all by their moments and ids.
    """

    def __init__(self, shop: Shop, who: str, as_of: int) -> None:
        self.shop, self.who, self.as_of = shop, who, as_of
        self.lines = [row for row in shop.lines[who] if self._happened(row)]
        self.events = [row for row in shop.events[who] if self._happened(row)]
        self.told = [row for row in shop.told[who] if row.since is None or row.since < as_of]
        self.pieces = self._pieces()
        self.purchases, self.orders = [], []
        returned = set()
        for piece in self.pieces:
            if piece.gave_back:
                returned.add(piece.order_id)
            if piece.paid or piece.order_id not in returned:
                if piece.order_id not in [order.order_id for order in self.orders]:
                    self.orders.append(piece)
                self.purchases.append(piece)

    def _happened(self, row: Row) -> bool:
        """Strictly before `as_of`, when it had arrived as well."""
        return max(row.moment, row.arrived or row.moment) < self.as_of

    def _pieces(self) -> list[Row]:
        together = defaultdict(list)
        for line in self.lines:
            unnamed = in_zone(line.moment, UTC).replace(tzinfo=None).isoformat()
            together[line.moment, line.order or unnamed].append(line)
        pieces = []
        for (moment, order_id), lines in sorted(together.items()):
            piece = Row(order_id=order_id, moment=moment, lines=lines)
            piece.local = in_zone(moment, self.shop.zone)
            piece.spend = sum(line.amount for line in lines)
            piece.paid = sum(line.amount for line in lines if line.amount > 0)
            piece.returned = -sum(line.amount for line in lines if line.amount < 0)
            piece.gave_back = any(line.gives_back for line in lines)
            pieces.append(piece)
        return pieces

    def age(self, row: Row) -> int:
        return self.as_of - row.moment

    def last(self, days: int, rows: Iterable[Row]) -> list[Row]:
        """Those of the last days, the border included."""
        return [row for row in rows if self.age(row) <= days * DAY]

    def days_since_last(self, rows: Iterable[Row]) -> float | None:
        return min((self.age(row) / DAY for row in rows), default=None)


class Compared:
    """A shop beside what Coterie makes of its files."""

    def __init__(self, shop: Shop, folder: Path, same: Callable[[Any, Any], bool]) -> None:
        self.shop, self._same = shop, same
        experiment = config.load(shop.write(folder))
        self._read = sources.load(experiment)
        assert self._read.rejects.empty
        self._spec = discovery.everything(self._read, experiment)

    def names(self, group: str) -> list[str]:
        """The features of the catalog that are "orders", "occasions" or "others", by their lens."""
        groups = {"behavioural": "orders", "journey": "orders", "occasion": "occasions"}
        made = catalog.features(self._spec)
        return [feature.name for feature in made if groups.get(feature.lens, "others") == group]

    def differing(self, group: str, worked_out: Callable[..., Any]) -> dict[str, Any]:
        """By feature the first (customer, as_of, Coterie's value, ours) that are not the same."""
        names, pasts = self.names(group), self.shop.pasts
        moments = pa.array([past.as_of for past in pasts], pa.timestamp("us"))
        spine = pa.table([[past.who for past in pasts], moments], SPINE)
        made = snapshot(self._read.connection, self._spec, spine, columns=names)
        made = made.astype(object).where(made.notna(), None)
        found: dict[str, Any] = {}
        for past, row in zip(pasts, made.to_dict("records"), strict=True):
            ours = worked_out(past)
            for name in names:
                if not self._same(row[name], ours[name]):
                    found.setdefault(name, (past.who, str(row["as_of"]), row[name], ours[name]))
        return found


@pytest.fixture(scope="session")
def shops() -> dict[str, Shop]:
    """By the names of their settings."""
    seeds = enumerate(SETTINGS.items(), SEED)
    return {name: Shop(setting, seed) for seed, (name, setting) in seeds}


@pytest.fixture(scope="session")
def pasts(shops: dict[str, Shop]) -> list[Past]:
    """Of everyone at every cut-off of every shop."""
    return [past for shop in shops.values() for past in shop.pasts]


@pytest.fixture(scope="session", params=SETTINGS)
def random_shop(
    request: Any, shops: dict[str, Shop], same: Callable[[Any, Any], bool], tmp_path_factory: Any
) -> Compared:
    return Compared(shops[request.param], tmp_path_factory.mktemp("shop"), same)
