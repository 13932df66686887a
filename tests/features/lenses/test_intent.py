from datetime import datetime

import pytest

from features.lenses import intent
from features.spec import FeatureSpec, Goal

CART = FeatureSpec(event_kinds=("cart",), goals=(Goal("cart", ("cart",), ("order",), 3),))


def left(shop, *, at=None, spec=CART, **rows):
    """Open and abandoned carts of customer "a"."""
    (row,) = shop.rows(shop.log(**rows), shop.spine(("a", at or shop.at)), spec)
    return row["goal_cart_open"], row["goal_cart_abandoned"]


def test_every_feature_of_a_small_history_computed_by_hand(shop):
    event, line = shop.event, shop.line
    events = [
        event("2024-02-01", "cart"),  # 121 days ago, completed on the third day
        event("2024-05-02", "mail"),  # 30 days ago
        event("2024-05-20", "cart"),  # 12 days ago: abandoned
        event("2024-05-28", "return"),  # 4 days ago, followed by a cart
        event("2024-05-30", "cart"),  # 2 days ago
        event("2024-05-31", "webinar"),  # of no goal
        event("2024-06-01", "cart"),  # at as_of
    ]
    orders = [line("2024-02-03 23:00", 5), line("2024-06-01", 9)]
    expected = {
        "goal_cart_count": 3,
        "goal_cart_count_90d": 2,
        "goal_cart_recency": 2.0,
        "goal_cart_open": 1,
        "goal_cart_abandoned": 1,
        "goal_contact_count": 2,
        "goal_contact_count_90d": 2,
        "goal_contact_recency": 4.0,
        "goal_contact_open": 0,
        "goal_contact_abandoned": 1,  # the mail: the next cart came 18 days after it
        "goal_visit_count": 3,
        "goal_visit_count_90d": 2,
        "goal_visit_recency": 2.0,
    }
    found = shop.features(events=events, orders=orders)
    assert [f.name for f in intent.features(shop.spec)] == list(expected)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("bought", "open_and_abandoned"),
    [
        ("2024-05-09 23:59:59", (0, 1)),  # before it was filled
        ("2024-05-10", (0, 0)),  # in a log of whole days, of the same day
        ("2024-05-12 23:59:59", (0, 0)),
        ("2024-05-13", (0, 1)),  # three days later to the second is too late
    ],
)
def test_a_cart_is_completed_by_an_order_from_its_moment_to_before_its_days_are_over(
    shop, bought, open_and_abandoned
):
    events, orders = [shop.event("2024-05-10", "cart")], [shop.line(bought, 0)]
    assert left(shop, events=events, orders=orders) == open_and_abandoned


@pytest.mark.parametrize(
    ("at", "open_and_abandoned"),
    [
        ("2024-05-10", (0, 0)),  # not yet filled
        ("2024-05-10 00:00:01", (1, 0)),
        ("2024-05-12", (1, 0)),  # the order of this very moment is not known yet
        ("2024-05-12 00:00:01", (0, 0)),
        ("2024-06-01", (0, 0)),
    ],
)
def test_a_cart_is_open_until_its_order_is_known(shop, at, open_and_abandoned):
    events, orders = [shop.event("2024-05-10", "cart")], [shop.line("2024-05-12", 5)]
    assert left(shop, at=at, events=events, orders=orders) == open_and_abandoned


@pytest.mark.parametrize(
    ("at", "open_and_abandoned"),
    [("2024-05-12 23:59:59", (1, 0)), ("2024-05-13", (0, 1)), ("2024-06-01", (0, 1))],
)
def test_a_cart_is_abandoned_when_its_days_are_over_and_for_good(shop, at, open_and_abandoned):
    events, orders = [shop.event("2024-05-10", "cart")], [shop.line("2024-05-20", 5)]
    assert left(shop, at=at, events=events, orders=orders) == open_and_abandoned


def test_one_order_completes_all_carts_before_it(shop):
    events = [shop.event(f"2024-05-{day}", "cart") for day in (10, 11, 12)]
    orders = [shop.line("2024-05-12 12:00", 5)]
    assert left(shop, events=events, orders=orders) == (0, 0)
    assert left(shop, events=events, orders=[*orders, shop.line("2024-05-11", 1)]) == (0, 0)


def test_neither_a_return_nor_the_order_of_another_completes_a_cart(shop):
    events = [shop.event("2024-05-10", "cart")]
    orders = [shop.line("2024-05-11", -5), shop.line("2024-05-11", 5, "b")]
    assert left(shop, events=events, orders=orders) == (0, 1)


def test_a_goal_may_be_completed_by_a_kind_of_event_alone(shop):
    spec = FeatureSpec(event_kinds=("cart", "paid"), goals=(Goal("cart", ("cart",), ("paid",), 3),))
    events = [shop.event("2024-05-10", "cart"), shop.event("2024-05-20", "cart"),
              shop.event("2024-05-21", "paid")]  # fmt: skip
    orders = [shop.line("2024-05-11", 5)]
    assert left(shop, spec=spec, events=events, orders=orders) == (0, 1)


def test_an_event_of_the_kind_order_is_no_order(shop):
    events = [shop.event("2024-05-10", "cart"), shop.event("2024-05-11", "order")]
    assert left(shop, events=events) == (0, 1)


def test_orders_alone_reach_no_goal(shop):
    found = shop.features(orders=[shop.line("2024-05-01", 5)])
    made = intent.features(shop.spec)
    assert [found[f.name] for f in made] == [0 if f.null == "never" else None for f in made]


def test_a_goal_says_what_completes_it_and_when():
    made = {f.name: f.definition for f in intent.features(CART)}
    assert made["goal_cart_open"] == (
        "Times that the goal 'cart' was set, less than 3 days ago, and not completed yet by a "
        "purchase."
    )
    assert made["goal_cart_abandoned"] == (
        "Times that the goal 'cart' was set, 3 days ago or longer, and not followed within 3 days "
        "by a purchase."
    )


def test_without_goals_the_lens_is_empty():
    assert intent.features(FeatureSpec()) == []
    assert intent.expression(None, None, None, FeatureSpec()) is None


def test_a_return_with_a_line_of_nought_completes_no_goal(shop):
    events = [shop.event("2024-05-10", "cart")]
    back = [shop.line("2024-05-11", amount, order_id="back") for amount in (-20, 0)]
    assert left(shop, events=events, orders=back) == (0, 1)
    assert left(shop, events=events, orders=[*back, shop.line("2024-05-11", 5)]) == (0, 0)
    exchanged = [*back, shop.line("2024-05-11", 25, order_id="back")]
    assert left(shop, events=events, orders=exchanged) == (0, 0)
    # what arrives late was no part of what was known by then
    late = shop.line("2024-05-11", 25, order_id="back", arrived=datetime(2024, 7, 1))
    assert left(shop, events=events, orders=[*back, late]) == (0, 1)


def test_what_is_added_to_an_order_completes_a_goal_and_postage_of_a_return_does_not(shop):
    events = [shop.event("2024-05-10", "cart")]

    def abandoned(first, later):
        rows = [("2024-05-01", first), ("2024-05-11", later)]
        orders = [shop.line(when, amount, order_id="o") for when, amount in rows]
        return shop.features(orders=orders, events=events)["goal_cart_abandoned"]

    assert abandoned(10, 5) == 0
    assert abandoned(10, 0) == 0
    assert abandoned(-10, 5) == 0
    assert abandoned(-10, 0) == 1
    assert abandoned(10, -5) == 1
