"""How much is known of each column, without showing any single customer."""

from collections.abc import Callable
from typing import Any

import pytest

from features.coverage import Column, Dating, columns, dating
from features.settings.experiment import Experiment

PEOPLE = """\
home = { lens = "geographic", kind = "category" }
score = { lens = "psychographic", kind = "number" }
"""


@pytest.fixture(scope="module")
def experiment(parsed: Callable[..., Experiment]) -> Experiment:
    return parsed(people=PEOPLE)


def of(name: str, found: tuple[Column, ...]) -> Column:
    return next(column for column in found if column.name == name)


def test_known_distinct_and_range_of_numbers_are_counted(shop: Any, experiment: Experiment) -> None:
    lines = [
        shop.line("2024-01-01", 10, quantity=2.0),
        shop.line("2024-01-02", 30, quantity=None),
        shop.line("2024-01-03", 20, quantity=4.0),
        shop.line("2024-01-04", 20, quantity=None),
    ]
    found = columns(shop.log(lines).connect(), experiment)
    assert of("quantity", found) == Column("orders", "quantity", 4, 2, 2, (), 2.0, 3.0, 4.0)
    assert of("amount", found) == Column("orders", "amount", 4, 4, 3, (), 10.0, 20.0, 30.0)
    assert of("quantity", found).share == 0.5
    # No event came, so there is nothing to say of their columns.
    assert {column.table for column in found} == {"orders", "people"}


def test_a_value_is_named_from_ten_customers_on(shop: Any, experiment: Experiment) -> None:
    lines = [
        shop.line("2024-01-01", 1, f"c{i}", category="tea" if i < 10 else "coffee")
        for i in range(19)
    ]
    lines += [shop.line(f"2024-02-{day:02}", 1, "c18", category="coffee") for day in range(1, 20)]
    category = of("category", columns(shop.log(lines).connect(), experiment))
    # Coffee has more lines, 28, but nine customers.
    assert (category.distinct, category.top) == (2, (("tea", 10),))


def test_an_attribute_is_known_of_customers_with_orders(shop: Any, experiment: Experiment) -> None:
    lines = [shop.line("2024-01-01", 1, f"c{i}") for i in range(40)]
    told = [shop.attribute("home", "Bonn", who=f"c{i}") for i in range(30)]
    told += [shop.attribute("home", "Bonn", who="nobody"), shop.attribute("home", None, who="c39")]
    told += [shop.attribute("score", str(i), who=f"c{i}") for i in range(40)]
    found = columns(shop.log(lines, (), told).connect(), experiment)
    assert of("home", found) == Column("people", "home", 40, 30, 1, (("Bonn", 30),))
    # Of 0 to 39 the ten at either end are left out: the range shows no one's value.
    score = of("score", found)
    assert (score.low, score.median, score.high) == (10.0, 19.5, 29.0)


def test_the_range_of_few_customers_is_not_shown(shop: Any, experiment: Experiment) -> None:
    lines = [shop.line("2024-01-01", 1, f"c{i}") for i in range(29)]
    told = [shop.attribute("score", str(i), who=f"c{i}") for i in range(29)]
    score = of("score", columns(shop.log(lines, (), told).connect(), experiment))
    assert (score.known, score.low, score.median, score.high) == (29, None, None, None)


def test_how_an_attribute_is_dated(shop: Any) -> None:
    lines = [shop.line("2024-03-01", 1, who) for who in ("early", "late", "undated")]
    told = [
        shop.attribute("home", "Bonn", "2024-02-01", "early"),
        shop.attribute("home", "Ulm", "2024-04-01", "early"),
        shop.attribute("home", "Bonn", "2024-04-01", "late"),
        shop.attribute("home", "Bonn", None, "undated"),
        shop.attribute("home", "Bonn", "2024-04-01", "prospect"),
        shop.attribute("home", None, "2024-04-01", "unknown"),
    ]
    assert dating(shop.log(lines, (), told).connect()) == (
        Dating("home", customers=4, undated=1, late=1, without_orders=1),
    )
