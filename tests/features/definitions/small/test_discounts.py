"""Discounts of several columns, and the signs of amounts, quantities and discounts."""

from collections.abc import Callable
from typing import Any

import pytest

TEXT = """\
order_id = "order"
quantity = "pieces"
discount = ["shelf", "coupon", "card"]
"""
HEADER = ("who", "when", "order", "paid", "pieces", "shelf", "coupon", "card")
#: By line: the order, the amount, the pieces, and the discounts as they are written.
LINES = (
    ("o1", 10, 2, 1, "", ""),  # what is blank took nothing off
    ("o1", 5, 3, -1.5, "", 0.5),  # taken off, whatever the sign
    ("o2", -10, -2, 9, 1, ""),  # a return: its discount is not counted, its pieces go back
    ("o2", -4, 1, "", "", ""),  # whatever the sign
    ("o3", 8, "", "", "", ""),  # nothing known of pieces and discount
    ("o4", 0, 1, 0, 2, 0),  # given away by coupon
)


def test_discounts_add_up_over_their_columns_and_returned_lines_have_none(
    small: Callable[..., Any],
) -> None:
    rows = [("a", f"2024-05-{20 + int(line[0][1])}", *line) for line in LINES]
    future = [("a", "2024-06-01", "o5", 100, 7, 50, 50, 50)]
    shop = small(TEXT, orders=[HEADER, *rows, *future])
    (found,) = shop.features([("a", "2024-06-01")])
    taken_off, paid = 1 + 2 + 2, 10 + 5 + 8
    assert found["discount_30d"] == taken_off
    assert found["discount_share"] == pytest.approx(taken_off / (paid + taken_off))
    assert found["units_30d"] == 2 + 3 - 2 - 1 + 1
    assert found["basket_units"] == pytest.approx((5 + 1) / 2)  # of o1 and o4
    assert (found["orders"], found["returns"], found["spend"]) == (3, 1, paid - 14)
    assert found["return_share"] == pytest.approx(14 / paid)
