"""Regions by level, read from one column as a path and from a column a level."""

from collections.abc import Callable
from typing import Any

import pytest

HEAD = '[[attributes]]\nname = "people"\nurl = "people.csv"\ncustomer_id = "who"\n'
REGION = 'kind = "region", levels = {levels}, separator = "{separator}"'
ORDERS = (("who", "when", "paid"), ("a", "2024-05-31", 1))


def told(shop: Any) -> list[Any]:
    (found,) = shop.features([("a", "2024-06-01")])
    return [value for name, value in found.items() if name.startswith("attribute_")]


PARTS: dict[tuple[str, ...], tuple[str | None, ...]] = {
    ("DE", "Bayern", "Munich"): ("DE", "DE.Bayern", "DE.Bayern.Munich"),
    ("DE", "", "Munich"): ("DE", None, None),
    ("", "Bayern", "Munich"): (None, None, None),
    ("DE", " Bayern ", ""): ("DE", "DE.Bayern", None),
}


@pytest.mark.parametrize("separator", ["/", "|", ",", ";"])
@pytest.mark.slow
def test_a_region_is_the_same_as_a_path_and_as_a_column_a_level(
    small: Callable[..., Any], separator: str
) -> None:
    named = REGION.format(levels='["land", "state", "city"]', separator=separator)
    text = (
        f'{HEAD}[attributes.columns]\npath = {{ lens = "geographic", {named} }}\n'
        f'apart = {{ lens = "geographic", {named}, columns = ["l", "s", "c"] }}\n'
    )
    ids = [f"c{i}" for i in range(len(PARTS))]
    people = [
        ("who", "path", "l", "s", "c"),
        *((who, separator.join(parts), *parts) for who, parts in zip(ids, PARTS, strict=True)),
    ]
    orders = [ORDERS[0], *((who, "2024-05-31", 1) for who in ids)]
    shop = small(text, orders=orders, people=people)
    for found, levels in zip(
        shop.features([(who, "2024-06-01") for who in ids]), PARTS.values(), strict=True
    ):
        expected = [level and level.replace(".", separator) for level in levels]
        made = [value for name, value in found.items() if name.startswith("attribute_")]
        assert made == expected * 2


@pytest.mark.parametrize("other", [(), ("land",)], ids=["one level", "two levels"])
@pytest.mark.slow
def test_a_part_that_holds_the_separator_is_one_part_at_any_number_of_levels(
    small: Callable[..., Any], other: tuple[str, ...]
) -> None:
    names = [*other, "city"]
    listed = ", ".join(f'"{name}"' for name in names)
    named = REGION.format(levels=f"[{listed}]", separator="/")
    text = f'{HEAD}[attributes.columns]\nhome = {{ lens = "geographic", {named}, '
    text += f"columns = [{listed}] }}\n"
    people = [("who", *names), ("a", *("DE" for _ in other), "Frankfurt/Oder")]
    *_, city = told(small(text, orders=ORDERS, people=people))
    assert city == "/".join([*("DE" for _ in other), "Frankfurt Oder"])


@pytest.mark.slow
def test_a_part_of_a_path_that_says_nan_is_blank_as_in_a_column_of_its_own(
    small: Callable[..., Any],
) -> None:
    named = REGION.format(levels='["land", "state", "city"]', separator="/")
    text = f'{HEAD}[attributes.columns]\nhome = {{ lens = "geographic", {named} }}\n'
    people = [("who", "home"), ("a", "DE/nan/Ulm")]
    assert told(small(text, orders=ORDERS, people=people)) == ["DE", None, None]
    people = [("who", "home"), ("a", "DE/Nancy/NA")]
    assert told(small(text, orders=ORDERS, people=people)) == ["DE", "DE/Nancy", None]


@pytest.mark.parametrize(("band", "place"), [("0.5", 0.0), ("1.0", 1.0), ("1", 1.0), ("1.5", 2.0)])
def test_a_band_that_is_a_whole_number_with_a_point_is_found(
    small: Callable[..., Any], band: str, place: float
) -> None:
    text = (
        f"{HEAD}[attributes.columns]\n"
        'rating = { lens = "demographic", kind = "ordered", order = ["0.5", "1.0", "1.5"] }\n'
    )
    people = [("who", "rating"), ("a", band), ("b", "0.5")]
    assert told(small(text, orders=ORDERS, people=people)) == [place]
