import pandas as pd

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
