"""Any history of three customers, with rows at the very edges of two cut-offs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

CUTS = (datetime(2024, 6, 1), datetime(2024, 4, 1, 15, 30))
T, EARLIER = CUTS
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
WHO = ("a", "b", "c")

EDGES = [T, T - SECOND, T + SECOND, T + DAY, EARLIER, EARLIER - SECOND]
EDGES += [T - days * DAY for days in (1, 7, 30, 84, 90, 365)]
MOMENTS = st.sampled_from(EDGES) | st.builds(
    lambda days, hours: T - timedelta(days=days, hours=hours),
    st.integers(-9, 420),
    st.integers(0, 23),
)
# Quarters, so that every order of adding them gives the same sum.
LINES = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(WHO),
        "moment": MOMENTS,
        "clock": st.sampled_from([0, 2, -5]),
        "amount": st.sampled_from([0.0, 5.0, 10.0, -5.0])
        | st.integers(-80, 400).map(lambda n: n / 4),
        "order_id": st.none() | st.sampled_from(["1", "2", "3"]),
        "category": st.sampled_from(["fruit", "wine", "bread", None]),
        "brand": st.sampled_from(["own", "other", None]),
        "quantity": st.none() | st.integers(0, 5).map(float),
        "discount": st.none() | st.integers(0, 40).map(lambda n: n / 4),
        "channel": st.sampled_from(["shop", "web", "kiosk", None]),
    }
)
EVENTS = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(WHO),
        "moment": MOMENTS,
        "kind": st.sampled_from(["mail", "return", "cart", "webinar"]),
        "channel": st.sampled_from(["app", "post", None]),
    }
)
VALUES = {
    "home": ["Bonn", "Köln", None],
    "age": ["young", "old", "ancient"],
    "score": ["1", "-2.5", "many", "nan", None],
    "sector": ["steel", "law"],
    "region": ["DE", "DE/BY", "DE / BY/München/Mitte", "DE//München", None],
    "position": ["52.5,13.4", "-90,180", "90.1,0", "0,181", "0", "north,east", None],
}
ATTRIBUTES = st.sampled_from(sorted(VALUES)).flatmap(
    lambda name: st.fixed_dictionaries(
        {
            "customer_id": st.sampled_from(WHO),
            "name": st.just(name),
            "value": st.sampled_from(VALUES[name]),
            "valid_from": st.none() | MOMENTS,
        }
    )
)
HISTORIES = st.tuples(
    st.lists(LINES, max_size=25), st.lists(EVENTS, max_size=12), st.lists(ATTRIBUTES, max_size=12)
)


@pytest.fixture(scope="session")
def cuts(shop: Any) -> tuple[datetime, ...]:
    """The two cut-offs, `shop.at` the first of them."""
    assert shop.at == T
    return CUTS


@pytest.fixture(scope="session")
def drawn(shop: Any) -> Callable[[st.DataObject], Any]:
    """Any history, drawn in a property of `data=st.data()`, as a log."""

    def log(data: st.DataObject) -> Any:
        lines, events, attributes = data.draw(HISTORIES, "history")
        orders = []
        for line in lines:
            more = {
                k: v
                for k, v in line.items()
                if k not in ("moment", "amount", "clock") and v is not None
            }
            who, local = more.pop("customer_id"), line["moment"] + timedelta(hours=line["clock"])
            orders.append(shop.line(line["moment"], line["amount"], who, local=local, **more))
        return shop.log(orders, events, attributes)

    return log
