import pandas as pd
import pytest

from features import outcomes

T = pd.Timestamp
COLUMNS = {"future_orders": "int64", "future_spend": "float64", "future_refunded": "float64",
           "days_to_order": "float64", "churned": "bool"}  # fmt: skip


@pytest.fixture
def after(shop):
    """Outcomes of (who, as_of) over 30 days, as rows (orders, spend, churned)."""

    def run(orders, *spine, days=30, only=("future_orders", "future_spend", "churned")):
        backend = shop.log(orders).connect()
        backend.create_table("spine", shop.spine(*spine))
        table = outcomes.expression(backend.table("orders"), backend.table("spine"), days)
        frame = backend.to_pandas(table.order_by("customer_id", "as_of"))
        assert list(frame) == ["customer_id", "as_of", *COLUMNS]
        assert frame.dtypes[list(COLUMNS)].astype(str).to_dict() == COLUMNS
        return [tuple(row) for row in frame[list(only)].itertuples(index=False)]

    return run


def test_the_horizon_counts_from_as_of_to_before_its_end(shop, after):
    line = shop.line
    rows = [
        line("2024-05-31 23:59:59", 1),
        line("2024-06-01", 10),
        line("2024-06-30 23:59:59", 100),
        line("2024-07-01", 1000),
    ]
    assert after(rows, ("a", shop.at)) == [(2, 110.0, False)]
    assert after(rows, ("a", shop.at), days=31) == [(3, 1110.0, False)]


def test_every_row_of_the_spine_has_its_outcome(shop, after):
    rows = [shop.line("2024-06-10", 5), shop.line("2024-06-10", 7, "c")]
    spine = [("a", "2024-05-01"), ("a", "2024-06-01"), ("b", "2024-06-01")]
    assert after(rows, *spine) == [(0, 0.0, True), (1, 5.0, False), (0, 0.0, True)]


def test_spend_is_net_of_returns(shop, after):
    rows = [shop.line("2024-06-02", 50, order_id="1"), shop.line("2024-06-09", -20, order_id="1"),
            shop.line("2024-06-12", 10, order_id="2")]  # fmt: skip
    assert after(rows, ("a", shop.at)) == [(2, 40.0, False)]


def test_spend_is_never_below_zero_and_a_return_is_no_sign_of_life(shop, after):
    rows = [shop.line("2024-05-20", 50, order_id="1"), shop.line("2024-06-02", -50, order_id="1")]
    assert after(rows, ("a", shop.at)) == [(0, 0.0, True)]


def test_what_is_returned_beyond_what_was_bought_is_told_apart(shop, after):
    rows = [shop.line("2024-05-20", 50, order_id="1"), shop.line("2024-06-02", -50, order_id="1"),
            shop.line("2024-06-09", 20), shop.line("2024-06-09", 20, "c")]  # fmt: skip
    spent = ["future_spend", "future_refunded"]
    assert after(rows, ("a", shop.at), ("c", shop.at), only=spent) == [(0.0, 30.0), (20.0, 0.0)]


def test_an_order_of_nothing_is_an_order(shop, after):
    assert after([shop.line("2024-06-02", 0)], ("a", shop.at)) == [(1, 0.0, False)]


def test_an_order_that_was_opened_before_as_of_is_not_ordered_again(shop, after):
    rows = [shop.line("2024-05-31", 5, order_id="1"), shop.line("2024-06-02", 7, order_id="1")]
    assert after(rows, ("a", shop.at)) == [(0, 7.0, True)]


def test_days_to_the_next_order_are_counted_from_as_of(shop, after):
    line = shop.line
    rows = [line("2024-05-31", 9), line("2024-06-03 12:00:00", 5), line("2024-06-20", 7),
            line("2024-06-01", 1, "c"), line("2024-07-01", 1, "d")]  # fmt: skip
    spine = [(who, shop.at) for who in ("a", "c", "d")]
    (one,), (other,), (none,) = after(rows, *spine, only=["days_to_order"])
    assert (one, other) == (2.5, 0.0)
    assert pd.isna(none)


def test_a_return_is_not_the_next_order(shop, after):
    rows = [shop.line("2024-06-02", -20, order_id="1"), shop.line("2024-06-04", 5, order_id="2")]
    assert after(rows, ("a", shop.at), only=["days_to_order"]) == [(3.0,)]
