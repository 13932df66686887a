"""What null means: each feature is null when, and only when, the catalog says so."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from features import catalog
from features.spec import slugs

DAY = timedelta(days=1)


class Past:
    """What one customer's rows before `at` say, in plain Python: another way to the same null."""

    def __init__(self, log, who, at):
        mine = {name: [row for row in table.to_pylist() if row["customer_id"] == who]
                for name, table in vars(log.before(at)).items()}  # fmt: skip
        self.at, self.lines, self.events = at, mine["orders"], mine["events"]
        self.attributes = mine["attributes"]
        self.bought = sorted(
            (row for row in self.lines if row["amount"] >= 0), key=lambda row: row["moment"]
        )
        self.openings = {}
        for row in self.bought:
            amounts = [line["amount"] for line in self.piece(row)]
            if max(amounts) > 0 or min(amounts) >= 0:  # no return with a line of 0
                self.openings.setdefault(row["order_id"], row)

    def piece(self, row):
        """The lines of the same order at the same moment."""
        of = row["order_id"], row["moment"]
        return [line for line in self.lines if (line["order_id"], line["moment"]) == of]

    def clock(self, row):
        """That of a piece is the earliest of its lines'."""
        return min(line["local"] for line in self.piece(row))

    def days(self):
        """How often an order came on another local day than the one before."""
        rows = sorted(self.openings.values(), key=lambda row: (row["moment"], row["order_id"]))
        days = [self.clock(row).date() for row in rows]
        return sum(i == 0 or days[i] != days[i - 1] for i in range(len(days)))

    def paid(self):
        return sum(row["amount"] for row in self.bought)

    def paid_of_known(self, what):
        return sum(row["amount"] for row in self.bought if row[what] is not None)

    def paid_or_discounted(self, days=10_000):
        recent = [row for row in self.bought if self.at - row["moment"] <= days * DAY]
        return sum(row["amount"] + (row["discount"] or 0) for row in recent)

    def quantities(self):
        keys = {(row["order_id"], row["moment"]) for row in self.openings.values()}
        opened = [row for row in self.lines if (row["order_id"], row["moment"]) in keys]
        return [row for row in opened if row["quantity"] is not None]

    def of_kinds(self, *kinds):
        return [row for row in self.events if row["kind"] in kinds]

    def through(self, channel):
        return [row for row in self.events if row["channel"] == channel]

    def of_last_days(self, days, *kinds):
        return [r for r in self.of_kinds(*kinds) if self.at - r["moment"] <= days * DAY]

    def around(self, *occasions):
        spans = [
            (day - occasion.days_before * DAY, day + (occasion.days_after + 1) * DAY)
            for occasion in occasions
            for day in map(datetime.fromisoformat, occasion.dates)
        ]
        clocks = [self.clock(opening) for opening in self.openings.values()]
        return [local for local in clocks if any(a <= local < b for a, b in spans)]

    def value(self, attribute):
        """The latest that is known, by the greatest (moment, text)."""
        mine = [row for row in self.attributes if row["name"] == attribute.name]
        told = [(row["valid_from"] or datetime.min, row["value"]) for row in mine if row["value"]]
        value = max(told)[1] if told else None
        if attribute.kind == "ordered" and value not in attribute.order:
            return None
        return None if attribute.kind == "number" and value in ("many", "nan") else value

    def known(self, attribute, feature):
        value = self.value(attribute)
        if value is None or attribute.kind not in ("region", "location"):
            return value is not None
        if attribute.kind == "location":
            return value in ("52.5,13.4", "-90,180", "52.52,13.405", "0,0")
        depth = [feature.name.endswith(level) for level in attribute.levels].index(True)
        parts = value.split("/")[: depth + 1]
        return len(parts) > depth and all(parts)


#: The catalog's words -> whether they are true of a past; a feature is null if and only if.
MEANINGS = {
    "never": lambda past, f, row, spec: False,
    "no order yet": lambda past, f, row, spec: not past.openings,
    "fewer than two orders": lambda past, f, row, spec: len(past.openings) < 2,
    "fewer than two days with an order": lambda past, f, row, spec: past.days() < 2,
    "nothing paid": lambda past, f, row, spec: past.paid() == 0,
    **{f"nothing paid of a known {what}": (
        lambda past, f, row, spec, what=what: past.paid_of_known(what) == 0
    ) for what in ("category", "brand")},
    "nothing paid or discounted": lambda past, f, row, spec: past.paid_or_discounted() == 0,
    "nothing paid or discounted in the last 90 days": (
        lambda past, f, row, spec: past.paid_or_discounted(90) == 0
    ),
    "no order of known quantity": lambda past, f, row, spec: not past.quantities(),
    "no event yet": lambda past, f, row, spec: not past.events,
    "no such event yet": lambda past, f, row, spec: not past.of_kinds(
        *(kind for kind, slug in zip(spec.event_kinds, slugs(spec.event_kinds), strict=True)
          if f.name == f"event_{slug}_recency")
    ),
    "the stage is prospect, active or loyal": (
        lambda past, f, row, spec: row["stage"] in ("prospect", "active", "loyal")
    ),
    "fewer than two events": lambda past, f, row, spec: len(past.events) < 2,
    "no event through it yet": lambda past, f, row, spec: not past.through(
        f.name.removeprefix("channel_").removesuffix("_recency")
    ),
    "nothing to respond to yet": lambda past, f, row, spec: not past.of_kinds("mail"),
    "nothing to respond to in the last 90 days": (
        lambda past, f, row, spec: not past.of_last_days(90, "mail")
    ),
    "no such goal yet": lambda past, f, row, spec: not past.of_kinds(
        *next(goal.kinds for goal in spec.goals if f"{goal.name!r}" in f.definition)
    ),
    "never bought around an occasion": (
        lambda past, f, row, spec: not past.around(*spec.occasions)
    ),
    "never bought around this occasion": lambda past, f, row, spec: not past.around(
        next(o for o in spec.occasions if f"around {o.name} (" in f.definition)
    ),
    "unknown": lambda past, f, row, spec: not past.known(
        next(a for a in spec.attributes if f"{a.name!r}" in f.definition), f
    ),
}  # fmt: skip


def wrong(shop, log, *cuts):
    """The (feature, customer, cut-off) whose null is not what the catalog says."""
    made = catalog.features(shop.spec)
    assert {feature.null for feature in made} == set(MEANINGS), "a null without a meaning here"
    found = []
    for row in shop.rows(log, shop.spine_at(log, *cuts)):
        past = Past(log, row["customer_id"], row["as_of"])
        for f in made:
            if (row[f.name] is None) != MEANINGS[f.null](past, f, row, shop.spec):
                found.append((f.name, f.null, row[f.name], row["customer_id"], row["as_of"]))
    return found


@settings(max_examples=15)
@given(data=st.data())
def test_null_means_what_the_catalog_says(shop, drawn, cuts, data):
    assert wrong(shop, drawn(data), *cuts) == []


def test_null_means_what_the_catalog_says_of_many_customers(shop, many, cuts):
    assert wrong(shop, many, *cuts) == []


def test_an_empty_history_is_a_prospect_with_counts_of_zero_and_nothing_known(shop):
    (row,) = shop.rows(shop.log(), shop.spine(("nobody", shop.at)))
    found = {f.name: row[f.name] for f in catalog.features(shop.spec)}
    expected = {f.name: None if f.null != "never" else 0 for f in catalog.features(shop.spec)}
    assert found == {**expected, "stage": "prospect"}
