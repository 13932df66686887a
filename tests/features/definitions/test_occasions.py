"""The features of weekdays, hours and occasions by their written definitions (docs/features.md), in
plain Python.
"""

from collections import defaultdict
from datetime import date, timedelta

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PARTS_OF_DAY = ("night", "morning", "afternoon", "evening")


def test_every_feature_of_occasions_is_what_its_definition_says(random_shop):
    assert random_shop.differing("occasions", about_occasions) == {}


def test_the_features_of_occasions_are_all_worked_out(random_shop):
    worked_out = about_occasions(random_shop.shop.pasts[0])
    assert sorted(worked_out) == sorted(random_shop.names("occasions"))


def test_the_features_of_occasions_differ_between_customers(pasts):
    values = defaultdict(set)
    for past in pasts:
        for name, value in about_occasions(past).items():
            values[name].add(value)
    assert [name for name, found in values.items() if len(found - {None}) < 2] == []


def about_occasions(past):
    return clock(past) if past.shop.setting.bare else clock(past) | occasions(past)


def clock(past):
    """Shares of orders by their local time."""
    local = [order.local for order in past.orders]
    made = {"weekend_share": mean([at.weekday() >= 5 for at in local])}
    for number, name in enumerate(WEEKDAYS):
        made[f"{name}_share"] = mean([at.weekday() == number for at in local])
    for number, name in enumerate(PARTS_OF_DAY):
        made[f"{name}_share"] = mean([at.hour // 6 == number for at in local])
    for number in (1, 2, 3, 4):
        made[f"quarter_{number}_share"] = mean([(at.month + 2) // 3 == number for at in local])
    return made


def occasions(past):
    made, around_any = {}, []
    for occasion in past.shop.settings["occasions"]:
        name = occasion["name"].replace(" ", "_")
        orders, pieces = (around(occasion, them) for them in (past.orders, past.pieces))
        around_any += orders
        made[f"occasion_share_{name}"] = share(paid_in(pieces), paid_in(past.pieces))
        made[f"occasion_recency_{name}"] = past.days_since_last(orders)
    return made | {"occasion_recency": past.days_since_last(around_any)}


def around(occasion, pieces):
    """Those on the local days around one of its dates."""
    reach = range(-occasion["days_before"], occasion["days_after"] + 1)
    dates = [date.fromisoformat(text) for text in occasion["dates"]]
    days = {day + timedelta(number) for day in dates for number in reach}
    return [piece for piece in pieces if piece.local.date() in days]


def paid_in(pieces):
    return sum(piece.paid for piece in pieces)


def share(part, whole):
    return part / whole if whole else None


def mean(values):
    return sum(values) / len(values) if values else None
