from datetime import datetime

import pandas as pd

from features.asof import KEYS, known
from features.pieces import pieces
from features.spec import FeatureSpec


def test_pieces_look_back_only(shop):
    rows = [
        shop.line("2024-05-01 10:00", 10, order_id="1"),
        shop.line("2024-05-01 10:00", -4, order_id="1"),
        shop.line("2024-05-02 10:00", -6, order_id="1"),
        shop.line("2024-05-04 10:00", 0, order_id="2"),
    ]
    backend = shop.log(rows).connect()
    frame = backend.to_pandas(pieces(backend.table("orders"), FeatureSpec()).order_by("moment"))
    expected = pd.DataFrame(
        {
            "order_id": ["1", "1", "2"],
            "amount": [6.0, -6.0, 0.0],
            "paid": [10.0, 0.0, 0.0],
            "returned": [4.0, 6.0, 0.0],
            "lines": [2, 1, 1],
            "is_order": [True, False, True],
            "gap_days": [None, None, 3.0],
            "new_day": [True, False, True],
        }
    )
    pd.testing.assert_frame_equal(frame[list(expected)], expected)


def test_a_cancellation_at_price_0_is_a_return_and_no_order(shop):
    rows = [
        shop.line("2024-05-01 10:00", 0, order_id="free", quantity=1),
        shop.line("2024-05-02 10:00", 0, order_id="undone", quantity=-1),
        shop.line("2024-05-03 10:00", 0, order_id="untold"),
        shop.line("2024-05-04 10:00", 0, order_id="both", quantity=-1),
        shop.line("2024-05-04 10:00", 5, order_id="both", quantity=1),
        shop.line("2024-05-05 10:00", 0, order_id="undone", quantity=1),  # postage of the return
        shop.line("2024-05-06 10:00", 7, order_id="undone", quantity=1),
    ]
    backend = shop.log(rows).connect()
    spine = backend.create_table("asked", shop.spine(("a", datetime(2024, 6, 1))))
    orders, spec = backend.table("orders"), FeatureSpec(present=("quantity",))
    for table in (pieces(orders, spec), pieces(known(orders, spine), spec, KEYS)):
        frame = backend.to_pandas(table.order_by("moment"))
        assert frame.is_order.tolist() == [True, False, True, True, False, True]
        assert frame.gave_back.tolist() == [False, True, False, True, False, False]
        assert frame.returned.tolist() == [0.0] * 6
        assert frame.units.fillna(99).tolist() == [1, -1, 99, 0, 1, 1]


def test_an_order_of_several_moments_opens_at_the_first_that_bought(shop):
    rows = [
        shop.line("2024-05-01 10:00", -4, order_id="1"),
        shop.line("2024-05-02 10:00", 10, order_id="whole"),
        shop.line("2024-05-02 10:00", -3, order_id="whole"),
        shop.line("2024-05-03 10:00", 20, order_id="1"),
        shop.line("2024-05-06 10:00", 30, order_id="1"),
    ]
    backend = shop.log(rows).connect()
    spine = backend.create_table("asked", shop.spine(("a", datetime(2024, 6, 1))))
    orders = backend.table("orders")
    ways = pieces(orders, FeatureSpec()), pieces(known(orders, spine), FeatureSpec(), KEYS)
    expected = pd.DataFrame(
        {
            "order_id": ["1", "whole", "1", "1"],
            "amount": [-4.0, 7.0, 20.0, 30.0],
            "is_order": [False, True, True, False],
            "gap_days": [None, None, 1.0, None],
        }
    )
    for table in ways:
        frame = backend.to_pandas(table.order_by("moment"))
        pd.testing.assert_frame_equal(frame[list(expected)], expected)
