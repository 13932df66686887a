"""The random shops have the cases in which a definition could be misread: without them, that they
agree with it would say little.
"""

from collections import Counter
from datetime import UTC, time

MICROSECOND, DAY = 1, 86_400_000_000


def test_the_shops_have_every_case(pasts):
    times = Counter()
    for past in pasts:
        cases = of_windows(past) | of_clocks(past) | of_orders(past) | of_lines(past)
        cases |= of_arrivals(past) | of_goals(past) | of_attributes(past)
        times.update({case: int(holds) for case, holds in cases.items()})
    assert [case for case, number in times.items() if number == 0] == []


def of_windows(past):
    orders, events = ({past.age(row) for row in rows} for rows in (past.orders, past.events))
    returned = {past.age(piece) for piece in past.pieces if piece.returned}
    period = max(1, round(past.shop.setting.horizon_days / 4)) * DAY
    ages = {f"an order of exactly {n} days": n * DAY in orders for n in (7, 30, 84, 90, 180, 365)}
    return ages | {
        "an order of a microsecond": MICROSECOND in orders,
        "an order of a microsecond more than 90 days": 90 * DAY + MICROSECOND in orders,
        "an order on the border of two periods": any(
            age % period == 0 and age < 24 * period for age in orders
        ),
        "a first order of exactly 30 days": max(orders, default=0) == 30 * DAY,
        "a return of exactly 90 days": 90 * DAY in returned,
        "an event of exactly 90 days": 90 * DAY in events,
    }


def of_clocks(past):
    clocks = [order.local for order in past.orders]
    hours = {clock.time() for clock in clocks}
    return {
        "an order at midnight": time(0) in hours,
        "an order at six": time(6) in hours,
        "an order right before six": time(5, 59, 59, 999999) in hours,
        "an order on another day than in UTC": any(
            c.date() != c.astimezone(UTC).date() for c in clocks
        ),
        "an order on a leap day": (2, 29) in {(clock.month, clock.day) for clock in clocks},
        "orders in summer and in winter time": len({clock.utcoffset() for clock in clocks}) > 1,
        "an order in the second of two equal hours": any(clock.fold for clock in clocks),
        "orders without hours": not past.shop.setting.hours and len(clocks) > 1,
        "two orders at one moment": len(set(clocks)) < len(clocks),
        "two orders on one day": len({clock.date() for clock in clocks}) < len(set(clocks)),
    }


def of_orders(past):
    pieces, later = past.pieces, [piece for piece in past.purchases if piece not in past.orders]
    opening = {piece.order_id: piece for piece in reversed(pieces)}
    spend = [order.spend for order in past.orders]
    for_nothing = [piece for piece in pieces if not piece.paid and not piece.returned]
    return {
        "several moments of an order": len(opening) < len(pieces),
        "a later purchase of an order": bool(later),
        "a return before the purchase": any(opening[o.order_id].returned for o in past.orders),
        "a return without a purchase": bool(pieces) and not past.orders,
        "paid and returned at one moment": any(piece.paid and piece.returned for piece in pieces),
        "more returned than paid in an order": min(spend, default=0) < 0,
        "a cancellation at price 0 alone": any(
            piece.gave_back and not piece.returned and not piece.paid for piece in pieces
        ),
        "an order for nothing": any(order in for_nothing for order in past.orders),
        "postage on a day after its return": any(p not in past.purchases for p in for_nothing),
        "orders and nothing paid in all": bool(past.orders)
        and not any(piece.paid for piece in pieces),
    }


def of_lines(past):
    lines = past.lines
    returns = [line for line in lines if line.amount < 0]
    others = {
        line.order
        for who, theirs in past.shop.lines.items()
        for line in theirs
        if who != past.who and line.order
    }
    return {
        "a line at 0 beside a return": any(
            piece.returned and 0 in [line.amount for line in piece.lines] for piece in past.pieces
        ),
        "an order id of two customers": any(line.order in others for line in lines),
        "lines with an order id and without": len({line.order is None for line in lines}) > 1,
        "a returned quantity with a sign": any((line.quantity or 0) < 0 for line in returns),
        "a returned quantity without": any((line.quantity or 0) > 0 for line in returns),
        "a discount on a return": any(line.discount for line in returns),
        "an order of unknown quantity": any(
            all(line.quantity is None for line in order.lines) for order in past.orders
        ),
        "a category that is too small for a share": "saffron" in {line.category for line in lines},
        "an unknown category": any(line.category is None for line in lines),
    }


def of_arrivals(past):
    every = past.shop.lines[past.who]
    happened = [line for line in every if line.moment < past.as_of]
    return {
        "a line at the cut-off": past.as_of in [line.moment for line in every],
        "a line that has not arrived": len(happened) > len(past.lines),
        "a line that arrives at the cut-off": past.as_of in [line.arrived for line in happened],
        "a line that arrived before it happened": any(
            line.arrived and line.arrived < line.moment for line in past.lines
        ),
        "an event that has not arrived": len(past.events)
        < sum(event.moment < past.as_of for event in past.shop.events[past.who]),
        "rows of a merged customer": len({line.customer for line in past.lines}) > 2,
    }


def of_goals(past):
    carts = [event for event in past.events if event.kind == "cart"]
    leads = {order.moment - cart.moment for order in past.orders for cart in carts}
    left = [
        cart
        for cart in carts
        if not any(0 <= bought.moment - cart.moment < 3 * DAY for bought in past.purchases)
    ]
    postage = [p.moment for p in past.pieces if p not in past.purchases and not p.returned]
    return {
        "a cart at the moment of an order": 0 in leads,
        "a cart exactly 3 days before an order": 3 * DAY in leads,
        "a cart less than 3 days before an order": 3 * DAY - MICROSECOND in leads,
        "a cart of exactly 3 days, left": 3 * DAY in [past.age(cart) for cart in left],
        "postage of a return after a cart, left": any(
            0 <= moment - cart.moment < 3 * DAY for moment in postage for cart in left
        ),
    }


def of_attributes(past):
    told = sorted(past.told, key=lambda row: row.since or 0)
    every = [row.since for row in past.shop.told[past.who]]
    return {
        "a value from the cut-off on": past.as_of in every,
        "a value without a date and one with": len(told) > 1 and told[0].since is None,
        "a blank after a value": len(told) > 1 and told[-1].home is None and bool(told[-2].home),
        "a city of an unknown state": any(row.city and not row.state for row in told),
        "a latitude alone": any(row.latitude and row.longitude is None for row in told),
    }
