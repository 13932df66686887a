"""How many customers, how often they buy, and what they pay."""

import math
from datetime import datetime, timedelta
from typing import Any

import pytest

from features.population import Population, amounts, population


def test_customers_are_counted_by_their_orders(shop: Any) -> None:
    lines = [
        shop.line("2024-01-01", 60, "loyal", order_id="1"),
        shop.line("2024-01-01", 20, "loyal", order_id="1"),
        shop.line("2024-02-01", 10, "loyal", order_id="2"),
        shop.line("2024-02-01 12:00", 5, "loyal", order_id="3"),
        shop.line("2024-01-05", 5, "once"),
        shop.line("2024-01-05 10:00", 3, "twice a day"),
        shop.line("2024-01-05 11:00", -1, "twice a day", order_id="back"),
        shop.line("2024-01-05 12:00", 3, "twice a day"),
        shop.line("2024-01-06", -9, "returns"),
        shop.line("2024-01-05", 5, "overdrawn"),
        shop.line("2024-01-06", -9, "overdrawn", order_id="all back"),
        shop.line("2024-01-06", 0, "overdrawn", order_id="all back"),
    ]
    events = [shop.event("2024-01-01", "mail", who) for who in ("loyal", "prospect")]
    told = [shop.attribute("home", "Bonn", who=who) for who in ("prospect", "another")]
    assert population(shop.log(lines, events, told).connect()) == Population(
        customers=5,
        buyers=4,
        one_time=2,  # a return with a line of nought is no order
        repeat=1,  # two orders on one day are no repeat order to those models
        returns_only=1,
        prospects=2,
        orders=7,
        histogram=((1, 2), (2, 1), (3, 1)),
        top_share=95 / 105,
        overdrawn=1,
        shared=0.2,  # without ids of orders the moment is one
        of_lines=1,
    )


def test_orders_whose_lines_all_have_one_amount_are_counted(shop: Any) -> None:
    def order(name: str, *paid: float, product: list[str] | None = None) -> list[dict[str, Any]]:
        products = product or [None] * len(paid)
        return [
            shop.line("2024-01-01", amount, "a", order_id=name, product_id=what)
            for amount, what in zip(paid, products, strict=True)
        ]

    lines = [
        *order("total", 60, 60, 60), *order("lines", 60, 20), *order("one", 60),
        *order("twice the same", 9, 9, product=["x", "x"]),
        *order("two at one price", 9, 9, product=["x", "y"]), *order("free", 0, 0),
    ]  # fmt: skip
    found = population(shop.log(lines).connect())
    assert (found.of_lines, found.alike, found.alike_amounts) == (3, 2, 2)


def test_an_order_id_that_several_customers_have_is_shared(shop: Any) -> None:
    lines = [
        shop.line("2024-01-01", 60, "a", order_id="completed"),
        shop.line("2024-01-02", 20, "a", order_id="completed"),
        shop.line("2024-01-03", 10, "b", order_id="completed"),
        shop.line("2024-01-04", 10, "b", order_id="7"),
    ]
    assert population(shop.log(lines).connect()).shared == pytest.approx(2 / 3)


def test_returns_alone_bring_no_spend(shop: Any) -> None:
    found = population(shop.log([shop.line("2024-01-01", -5)]).connect())
    assert (found.buyers, found.orders, found.histogram) == (0, 0, ())
    assert math.isnan(found.top_share)


def test_amounts_are_measured_and_sorted_into_classes(shop: Any) -> None:
    paid = [-4, 0, 0.5, 1, 1.99, 2, 40]
    lines = [shop.line(f"2024-01-0{i + 1}", amount) for i, amount in enumerate(paid)]
    found = amounts(shop.log(lines).connect())
    assert (found.lines, found.zero, found.negative) == (7, 1, 1)
    assert (found.low, found.median, found.high) == (-4.0, 1.0, 40.0)
    assert found.mean == pytest.approx(41.49 / 7)
    assert found.total == pytest.approx(45.49)
    # The 99th of 100 ways from the first to the seventh lies .94 between the sixth and the last.
    assert found.p99 == pytest.approx(2 + 0.94 * 38)
    assert found.histogram == ((0.5, 1), (1.0, 2), (2.0, 1), (5.0, 0), (10.0, 0), (20.0, 1))


def test_returns_follow_what_was_bought_and_wrong_signs_do_not(shop: Any) -> None:
    lines = [
        shop.line("2024-01-01", 5, "returns"),
        shop.line("2024-01-01", -1, "returns"),  # at once
        shop.line("2024-01-02", -4, "returns"),
        shop.line("2024-01-01", -4, "turned"),
        shop.line("2024-01-02", -4, "turned"),
        shop.line("2024-01-01", -2, "returns first"),
        shop.line("2024-01-02", 0, "returns first"),
        shop.line("2024-01-03", -2, "returns first"),
        shop.line("2024-01-04", 9, "returns first"),
        shop.line("2024-01-05", -9, "returns first"),
    ]
    found = amounts(shop.log(lines).connect())
    assert (found.negative, found.early) == (7, 4)


def test_quantities_are_held_against_the_signs_of_the_amounts(shop: Any) -> None:
    rows = [(5, -1), (5, 3), (-5, -1), (-5, 1), (5, None), (0, -1)]
    lines = [
        shop.line(f"2024-01-0{i + 1}", amount, quantity=quantity)
        for i, (amount, quantity) in enumerate(rows)
    ]
    found = amounts(shop.log(lines).connect())
    assert (found.backward, found.several) == (1, 4)
    without = amounts(shop.log([shop.line("2024-01-01", 5)]).connect())
    assert (without.backward, without.several) == (0, 0)


def test_products_whose_amount_does_not_grow_with_the_pieces_are_counted(shop: Any) -> None:
    rows = [
        ("of a piece", 1, 5), ("of a piece", 1, 5), ("of a piece", 9, 5), ("of a piece", 3, 90),
        ("dearer by the dozen", 1, 5), ("dearer by the dozen", 12, 5.5),
        ("of a line", 2, 10), ("of a line", 4, 20), ("rebate", 1, 5), ("rebate", 10, 30),
        ("too alike", 2, 5), ("too alike", 3, 5), ("once", 7, 5),
        ("returned", 1, 5), ("returned", -4, 5), ("returned", 4, -5), (None, 1, 5), (None, 9, 5),
    ]  # fmt: skip
    lines = [
        shop.line("2024-01-01", amount, product_id=product, quantity=pieces)
        for product, pieces, amount in rows
    ]
    found = amounts(shop.log(lines).connect())
    assert (found.priced, found.flat, found.steep) == (4, 2, 0)
    nothing = amounts(shop.log([shop.line("2024-01-01", 5)]).connect())
    assert (nothing.priced, nothing.flat, nothing.steep) == (0, 0, 0)


def test_products_whose_amount_grows_with_the_square_of_the_pieces_are_counted(shop: Any) -> None:
    rows = [("squared", 1, 5), ("squared", 3, 45), ("of a line", 1, 5), ("of a line", 3, 15)]
    lines = [
        shop.line("2024-01-01", amount, product_id=product, quantity=pieces)
        for product, pieces, amount in rows
    ]
    found = amounts(shop.log(lines).connect())
    assert (found.priced, found.flat, found.steep) == (2, 0, 1)


def test_lines_far_above_all_others_are_counted_with_their_customers(shop: Any) -> None:
    first = datetime(2024, 1, 1)
    usual = [shop.line(first + timedelta(hours=i), 10, f"c{i}") for i in range(997)]
    far = [shop.line(first, paid, who) for who, paid in (("x", 900), ("x", 300), ("y", 200))]
    found = amounts(shop.log(usual + far).connect())
    assert (found.p99, found.far, found.far_customers, found.far_total) == (10.0, 2, 1, 1_200.0)
    assert found.high == 900.0


def test_where_next_to_nothing_is_paid_no_line_is_far_above_the_others(shop: Any) -> None:
    lines = [shop.line(datetime(2024, 1, 1) + timedelta(hours=i), 0) for i in range(200)]
    found = amounts(shop.log([*lines, shop.line("2024-01-01", 5)]).connect())
    assert (found.p99, found.far, found.far_customers, found.far_total) == (0.0, 0, 0, 0.0)
