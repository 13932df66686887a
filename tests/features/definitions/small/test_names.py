"""Kinds, channels, categories and attributes whose names look alike once they are columns, and
those beyond the number that has columns of its own.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

EVENTS = """
[[events]]
name = "met"
url = "met.csv"
[events.columns]
customer_id = "who"
moment = "when"
kind = "kind"
channel = "channel"
"""
ATTRIBUTES = """
[[attributes]]
name = "people"
url = "people.csv"
customer_id = "who"
[attributes.columns]
"""
#: Names that differ, and are one name in small letters with `_`, and names of other features.
ALIKE = ("Add to cart", "add_to_cart", "ADD-TO-CART", "add to cart 2", "Käse", "KÄSE", "käse!")
#: Names that are hard to write, and what is to be left of them.
HARD = {'say "hi"': "say_hi", "it's\na $1": "it_s_a_1", "日本語": "日本語", "🙂": "x", "—": "x_2"}
AT = ("a", "2024-06-01")


@pytest.mark.parametrize("names", [ALIKE, tuple(HARD)], ids=["alike", "hard"])
@pytest.mark.slow
def test_names_that_look_alike_or_are_hard_to_write_count_each_for_itself(
    small: Callable[..., Any], names: tuple[str, ...]
) -> None:
    # The later in the list, the dearer and the more often: each has values of its own.
    numbers = range(1, len(names) + 1)
    orders = [("a", f"2024-05-{n:02}", n, name) for n, name in zip(numbers, names, strict=True)]
    met = [("a", "2024-05-01", name, f"c{n}") for n, name in zip(numbers, names, strict=True)
           for _ in range(n)]  # fmt: skip
    shop = small(
        'category = "category"\n' + EVENTS,
        orders=[("who", "when", "paid", "category"), *orders],
        met=[("who", "when", "kind", "channel"), *met],
    )
    spec = shop.spec
    (found,) = shop.features([AT])
    total = sum(numbers)
    shares = [value for name, value in found.items() if name.startswith("category_share_")]
    assert set(spec.categories) == set(spec.event_kinds) == set(names)
    assert shares == [(names.index(name) + 1) / total for name in spec.categories]
    counts = [v for k, v in found.items() if k.startswith("event_") and k.endswith("_count")]
    assert counts == [names.index(kind) + 1 for kind in spec.event_kinds]


def test_of_a_name_its_letters_and_digits_are_left_in_the_column(small: Callable[..., Any]) -> None:
    # All as often: they stand in the order of their names.
    met = [("a", "2024-05-01", name, "") for name in HARD]
    shop = small(
        EVENTS,
        orders=[("who", "when", "paid"), ("a", "2024-05-31", 1)],
        met=[("who", "when", "kind", "channel"), *met],
    )
    (found,) = shop.features([AT])
    made = [k[6:-6] for k in found if k.startswith("event_") and k.endswith("_count")]
    assert Counter(made) == Counter(HARD.values())


def test_attributes_may_be_called_like_anything_else(small: Callable[..., Any]) -> None:
    names = ("orders", "as_of", "row", "value", "problem", "stage", "Home", "home-", "x" * 300)
    text = "".join(f'"{name}" = {{ lens = "demographic", kind = "category" }}\n' for name in names)
    shop = small(
        ATTRIBUTES + text,
        orders=[("who", "when", "paid"), ("a", "2024-05-31", 1)],
        people=[("who", *names), ("a", *(f"v{i}" for i in range(len(names))))],
    )
    (found,) = shop.features([AT])
    told = {name: value for name, value in found.items() if name.startswith("attribute_")}
    made = ("orders", "as_of", "row", "value", "problem", "stage", "home", "home_2", "x" * 300)
    assert told == {f"attribute_{name}": f"v{i}" for i, name in enumerate(made)}
    assert (found["orders"], found["stage"]) == (1, "new")


def test_a_thirteenth_kind_has_no_column_and_counts_among_all(small: Callable[..., Any]) -> None:
    kinds = [f"k{i:02}" for i in range(13)]
    met = [("a", f"2024-05-{i + 1:02}", kind, "") for i, kind in enumerate(kinds)]
    later = [("a", "2024-06-02", "later", "")] * 20
    shop = small(
        EVENTS,
        orders=[("who", "when", "paid"), ("a", "2024-06-03", 1)],
        met=[("who", "when", "kind", "channel"), *met, *later],
    )
    spec = shop.learned("2024-06-01")
    (found,) = shop.features([AT], spec)
    # All as often, so by name; what comes later is not looked at.
    assert spec.event_kinds == tuple(kinds[:12])
    assert (found["events"], found["events_recency"]) == (13, 19.0)
    shares = [found[f"event_{kind}_share"] for kind in kinds[:12]]
    assert shares == pytest.approx([1 / 13] * 12)
    assert "event_k12_count" not in found


def test_an_eleventh_category_and_a_seventh_channel_count_among_all(
    small: Callable[..., Any],
) -> None:
    categories = [f"c{i:02}" for i in range(11)]
    orders = [("a", "2024-05-01", 20 - i, name, name) for i, name in enumerate(categories)]
    met = [("a", "2024-05-02", "mail", f"w{i}") for i in range(7) for _ in range(9 - i)]
    shop = small(
        'category = "category"\nchannel = "channel"\n' + EVENTS,
        orders=[("who", "when", "paid", "category", "channel"), *orders],
        met=[("who", "when", "kind", "channel"), *met, ("a", "2024-04-30", "mail", "w0")],
    )
    spec = shop.learned("2024-06-01")
    (found,) = shop.features([AT], spec)
    assert spec.categories == tuple(categories[:10])
    assert spec.order_channels == tuple(categories[:6])
    assert spec.event_channels == tuple(f"w{i}" for i in range(6))
    assert (found["categories"], found["event_channels"]) == (11, 7)
    paid = sum(row[2] for row in orders)
    assert found["category_share_c09"] == pytest.approx(11 / paid)
    assert found["channel_w5_share"] == pytest.approx(4 / 43)


@pytest.mark.parametrize(
    ("columns", "header", "row", "expected"),
    [
        # A level of a region beside an attribute of that name.
        ('home = { lens = "geographic", kind = "region", levels = ["land", "city"], '
         'columns = ["l", "c"] }\n"home city" = { lens = "geographic", kind = "category" }\n',
         ("l", "c", "home city"), ("DE", "Ulm", "Rome"), ("DE", "DE/Ulm", "Rome")),
        # A part of a location beside an attribute of that name.
        ('spot = { lens = "geographic", kind = "location", latitude = "y", longitude = "x" }\n'
         '"spot latitude" = { lens = "demographic", kind = "number" }\n',
         ("y", "x", "spot latitude"), (0, 0, 7), (0.0, 7.0)),
        # Two locations whose names differ in their capital letters.
        ('ship = { lens = "geographic", kind = "location", latitude = "y", longitude = "x" }\n'
         'Ship = { lens = "geographic", kind = "location", latitude = "v", longitude = "u" }\n',
         ("y", "x", "v", "u"), (0, 0, 0, 180), (0.0, 20015.114)),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_an_attribute_is_read_from_its_own_column_whatever_it_is_called(
    small: Callable[..., Any],
    columns: str,
    header: tuple[str, ...],
    row: tuple[Any, ...],
    expected: tuple[Any, ...],
) -> None:
    places = '[[places]]\nname = "null"\nlatitude = 0\nlongitude = 0\n'
    shop = small(
        (places if "location" in columns else "") + ATTRIBUTES + columns,
        orders=[("who", "when", "paid"), ("a", "2024-05-31", 1)],
        people=[("who", *header), ("a", *row)],
    )
    (found,) = shop.features([AT])
    told = [value for name, value in found.items() if name.startswith("attribute_")]
    assert told == [pytest.approx(v, abs=1e-3) if isinstance(v, float) else v for v in expected]
