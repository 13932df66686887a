"""The features of orders by their written definitions (docs/features.md), in plain Python.

Moments, ages and times between them are integer microseconds. A function gives features of a
customer's past by name, in their own units; None where a definition has no value.
"""

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise
from math import exp, sqrt

DAY = 86_400_000_000


def test_every_feature_of_orders_is_what_its_definition_says(random_shop):
    assert random_shop.differing("orders", about_orders) == {}


def test_the_features_of_orders_are_all_worked_out(random_shop):
    worked_out = about_orders(random_shop.shop.pasts[0])
    assert sorted(worked_out) == sorted(random_shop.names("orders"))


def test_the_features_of_orders_differ_between_customers(pasts):
    values = defaultdict(set)
    for past in pasts:
        for name, value in about_orders(past).items():
            values[name].add(value)
    assert [name for name, found in values.items() if len(found - {None}) < 2] == []


def test_every_stage_and_limit_occurs(pasts):
    stages = {"prospect", "new", "active", "loyal", "returned", "at_risk", "lapsed"}
    assert {stage_of(past)[0] for past in pasts} == stages
    own = [past for past in pasts if len(past.orders) >= 4]
    assert len({(has_paused(past), limit_of(past) == 14 * DAY) for past in own}) == 4


def test_every_border_of_a_stage_occurs(pasts):
    times = Counter()
    for past in pasts:
        if len(days_with_an_order(past)) > 2:
            times.update({case: int(holds) for case, holds in borders_of_stages(past).items()})
    assert [case for case, number in times.items() if number == 0] == []


def borders_of_stages(past):
    silent, limit = past.age(past.orders[-1]), limit_of(past)
    longest, last = max(gaps_of(past)), gap_last(past)
    others, others_than_last = (mean_of_the_others(past, gap) for gap in (longest, last))
    weeks, stage = rhythm(past)["active_weeks_12"], stage_of(past)[0]
    loyal = stage == "loyal"
    return {
        "silent for one limit": silent == limit,
        "silent for three limits": silent == 3 * limit,
        "the longest time is five times the others": longest == 5 * others > 30 * DAY,
        "the last time is three times the others": last == 3 * others_than_last > 30 * DAY,
        "not returned for a longer time before the last": stage in ("active", "loyal")
        and last > 30 * DAY
        and 3 * others < last < 3 * others_than_last,
        "loyal in 8 weeks alone": loyal and weeks == 8 and longest > max(14 * DAY, 3 * others),
        "loyal by three times the others": loyal and weeks < 8 and longest == 3 * others,
        "loyal by 14 days": loyal and weeks < 8 and 3 * others < longest <= 14 * DAY,
    }


def about_orders(past):
    made = so_far(past) | windows(past) | decayed(past) | periods(past) | rhythm(past)
    made |= trends(past) | returns(past) | journey(past)
    if not past.shop.setting.bare:
        made |= baskets(past) | channels(past) | categories(past)
        for what, several in (("category", "categories"), ("brand", "brands"), ("store", "stores")):
            made |= varieties(past, what, several)
    return made


# ----------------------------------------------------------------------------- counts and spend


def so_far(past):
    orders, amounts = past.orders, [order.spend for order in past.orders]
    return {
        "recency_days": past.days_since_last(orders),
        "T_days": past.age(orders[0]) / DAY if orders else None,
        "orders": len(orders),
        "frequency": max(0, len(days_with_an_order(past)) - 1),
        "spend": total(past.pieces, "spend"),
        "monetary_repeat": mean(amounts[1:]),
        "basket_value": mean(amounts),
        "basket_value_sd": deviation(amounts),
        "basket_lines": mean([len(order.lines) for order in orders]),
    }


def windows(past):
    made = {}
    for days in (7, 30, 90, 180, 365):
        lines = past.last(days, past.lines)
        made[f"orders_{days}d"] = len(past.last(days, past.orders))
        made[f"spend_{days}d"] = sum(line.amount for line in lines)
        if not past.shop.setting.bare:
            made[f"units_{days}d"] = units(lines) or 0
            made[f"discount_{days}d"] = discount(lines)
    return made


def decayed(past):
    made = {}
    for days in (14, 45):
        weights = [exp(-past.age(order) / DAY / days) for order in past.orders]
        amounts = [piece.spend * exp(-past.age(piece) / DAY / days) for piece in past.pieces]
        made |= {f"orders_decayed_{days}d": sum(weights), f"spend_decayed_{days}d": sum(amounts)}
    return made


def periods(past):
    """A period is a quarter of the horizon, in whole days."""
    length = max(1, round(past.shop.setting.horizon_days / 4)) * DAY
    orders = [ago(past, order, length) for order in past.orders]
    spend = [(ago(past, piece, length), piece.spend) for piece in past.pieces]
    made = {}
    for number in range(1, 25):
        made[f"orders_period_{number}"] = orders.count(number)
        made[f"spend_period_{number}"] = sum(paid for period, paid in spend if period == number)
    return made


def ago(past, row, length):
    """In which period of this length a row lies, 1 the latest; a border belongs to the later."""
    return -(-past.age(row) // length)


def returns(past):
    paid, returned = total(past.pieces, "paid"), total(past.pieces, "returned")
    return {
        "returns": sum(piece.gave_back for piece in past.pieces),
        "return_share": min(1.0, returned / paid) if paid else None,
    }


def baskets(past):
    known = [units(order.lines) for order in past.orders]
    return {
        "basket_units": mean([number for number in known if number is not None]),
        "discount_share": discount_share(past.lines),
        "discount_share_90d": discount_share(past.last(90, past.lines)),
    }


def units(lines):
    """A line below 0 gives its quantity back, whatever that quantity's sign; None: none known."""
    known = [line for line in lines if line.quantity is not None]
    signed = [-abs(line.quantity) if line.amount < 0 else line.quantity for line in known]
    return sum(signed) if signed else None


def discount(lines):
    return sum(line.discount or 0 for line in lines if not line.gives_back)


def discount_share(lines):
    paid = sum(line.amount for line in lines if line.amount > 0)
    return share(discount(lines), paid + discount(lines))


def channels(past):
    through = [{line.channel for line in order.lines} for order in past.orders]
    return {
        f"order_channel_share_{channel}": mean([channel in each for each in through])
        for channel in past.shop.channels
    }


# ------------------------------------------------------------------------------ rhythm and trend


def rhythm(past):
    gaps, days = gaps_of(past), days_with_an_order(past)
    at_least_a_day = max(DAY, mean(gaps)) if gaps else None
    last = gap_last(past)
    weeks = {ago(past, order, 7 * DAY) for order in past.orders}
    return {
        "active_weeks_12": sum(week <= 12 for week in weeks),
        "gap_mean": in_days(mean(gaps)),
        "gap_sd": in_days(deviation(gaps)),
        "gap_max": in_days(max(gaps, default=None)),
        "gap_last": in_days(last),
        "gap_last_over_mean": last / at_least_a_day if len(days) > 1 else None,
        "recency_over_gap": past.age(past.orders[-1]) / at_least_a_day if gaps else None,
    }


def gaps_of(past):
    moments = [order.moment for order in past.orders]
    return [later - earlier for earlier, later in pairwise(moments)]


def days_with_an_order(past):
    """Local ones, in the order of time."""
    return sorted({order.local.date() for order in past.orders})


def gap_last(past):
    """From the order before the last day with one to the first of that day."""
    days = days_with_an_order(past)
    if len(days) < 2:
        return None
    moments = [(order.moment, order.local.date()) for order in past.orders]
    first = min(moment for moment, day in moments if day == days[-1])
    return first - max(moment for moment, day in moments if day != days[-1])


def trends(past):
    """A mean order that is not above 0 counts as next to nothing."""
    if not past.orders:
        return {"orders_trend": None, "spend_trend": None}
    orders = [len(past.last(days, past.orders)) for days in (30, 90)]
    spend = [max(0, total(past.last(days, past.pieces), "spend")) for days in (30, 90)]
    basket = max(1e-9, mean([order.spend for order in past.orders]))
    return {
        "orders_trend": (orders[0] + 1) / (orders[1] / 3 + 1),
        "spend_trend": (spend[0] + basket) / (spend[1] / 3 + basket),
    }


# ---------------------------------------------------------------------------------- the journey


def journey(past):
    stage, since = stage_of(past)
    silence = past.age(past.orders[-1]) / limit_of(past) if past.orders else None
    return {"stage": stage, "silence": silence, "days_in_stage": in_days(since)}


def stage_of(past):
    """The stage, and the time since it was entered, where it has one."""
    orders, gaps, last = past.orders, gaps_of(past), gap_last(past)
    if not orders:
        return "prospect", None
    silent, age, limit = past.age(orders[-1]), past.age(orders[0]), limit_of(past)
    if silent > 3 * limit:
        return "lapsed", silent - 3 * limit
    if silent > limit:
        return "at_risk", silent - limit
    if age <= 30 * DAY:
        return "new", age
    others = mean_of_the_others(past, last)
    if others is not None and last > 30 * DAY and last > 3 * others:
        return "returned", silent
    others = mean_of_the_others(past, max(gaps, default=0))
    active_weeks = rhythm(past)["active_weeks_12"]
    evenly = bool(gaps) and max(gaps) <= max(14 * DAY, 3 * (others or 0))
    if len(orders) >= 6 and (active_weeks >= 8 or evenly):
        return "loyal", None
    return "active", None


def limit_of(past):
    """How long a silence is still usual."""
    if len(past.orders) < 4:
        return 60 * DAY
    gaps = gaps_of(past)
    if has_paused(past):
        return max(14 * DAY, 3 * mean_of_the_others(past, max(gaps)))
    return max(14 * DAY, mean(gaps) + 2 * deviation(gaps))


def has_paused(past):
    longest = max(gaps_of(past))
    others = mean_of_the_others(past, longest)
    return others is not None and longest > 30 * DAY and longest > 5 * others


def mean_of_the_others(past, gap):
    """Exact, since times are compared with it; None: unknown."""
    days = len(days_with_an_order(past))
    if days < 3:
        return None
    return Fraction(past.orders[-1].moment - past.orders[0].moment - gap, days - 2)


# ---------------------------------------------------------------------- categories, brands, stores


def varieties(past, what, several):
    paid = paid_by(past, what)
    whole = sum(paid.values())
    return {
        several: len(paid),
        f"{what}_loyalty": share(max(paid.values(), default=0), whole),
        f"{what}_diversity": share(whole**2, sum(part**2 for part in paid.values())),
    }


def categories(past):
    whole = total(past.pieces, "paid")
    paid = paid_by(past, "category")
    made = {
        f"category_share_{slug(category)}": share(paid.get(category, 0), whole)
        for category in past.shop.categories
    }
    recent = bought(past.last(90, past.lines), "category")
    earlier = bought([line for line in past.lines if past.age(line) > 90 * DAY], "category")
    made["categories_90d"] = len(recent)
    made["categories_new_90d"] = len(recent - earlier)
    return made


def bought(lines, what):
    """What is known of lines that are no returns."""
    return {getattr(line, what) for line in lines if not line.gives_back} - {None}


def paid_by(past, what):
    """By each of what was bought, also for nothing."""
    return {
        value: sum(max(0, line.amount) for line in past.lines if getattr(line, what) == value)
        for value in bought(past.lines, what)
    }


# -------------------------------------------------------------------------------------- arithmetic


def slug(name):
    return name.lower().replace(" ", "_")


def in_days(time):
    return None if time is None else float(time / DAY)


def total(pieces, what):
    return sum(getattr(piece, what) for piece in pieces)


def share(part, whole):
    return part / whole if whole else None


def mean(values):
    return sum(values) / len(values) if values else None


def deviation(values):
    """Of a population."""
    return sqrt(mean([(value - mean(values)) ** 2 for value in values])) if values else None
