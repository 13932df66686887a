"""Who the customers are, in numbers: how many, how often they buy, and what the amounts are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.pieces import back, bought

#: Orders a customer are counted in these classes, each from its number up to the next.
CLASSES = (1, 2, 3, 4, 6, 11, 21, 51)
#: Of lines of more than so much a discount in money would now and then be above 1.
LARGE = 10.0
#: Lines above so many times the 99th percentile are far from all others.
FAR = 20.0
#: Of so many orders with several lines, or products bought in several quantities, such a share says
#: that what is taken for the amount of a line is something else.
LEAST_ALIKE, ALIKE_SHARE = 20, 0.8
LEAST_COIN = 0.005  # sums that should be 0 are off by less
#: Amounts above 0 are counted in these classes: 1, 2 and 5 times the powers of ten.
STEPS = tuple(step * 10.0**power for power in range(-2, 7) for step in (1, 2, 5))


@dataclass(frozen=True)
class Population:
    """Customers with an order line, and those known otherwise.

    An order bought something: a return alone is none. buyers: customers with an order. one_time: of
    them, with one. repeat: with orders on two days or more (what models of repeat orders learn
    from). returns_only: customers with order lines and no order. prospects: known by an event or an
    attribute alone. histogram: (least orders of the class, buyers), without empty classes.
    top_share: of all spend above 0, what the best hundredth of the buyers (one at least) brought;
    nan where nobody brought anything. overdrawn: buyers to whom more was returned than they paid.
    shared: of all orders and returns, the part whose order id another customer's have too.
    of_lines: orders with several lines, of different products where these are known; alike: of them
    those whose lines all have the same amount, which makes alike_amounts different ones.
    """

    customers: int
    buyers: int
    one_time: int
    repeat: int
    returns_only: int
    prospects: int
    orders: int
    histogram: tuple[tuple[int, int], ...]
    top_share: float
    overdrawn: int = 0
    shared: float = 0.0
    of_lines: int = 0
    alike: int = 0
    alike_amounts: int = 0


@dataclass(frozen=True)
class Amounts:
    """The amounts of the order lines, in the experiment's currency.

    zero, negative: lines; exact_repeats: lines equal to another in every canonical column.
    low, median, mean, p99, high: of all lines. total: of the lines above 0. backward: lines with a
    quantity below 0 and an amount above 0. several: lines of a quantity other than 1. early:
    lines below 0 of customers without a line above 0 until then. far, far_customers, far_total:
    lines above `FAR` times p99, whose they are, and their sum. priced: products of which one line
    has twice as many pieces as another, or more; flat: of them those whose amount does not grow
    with the pieces, as the price of one does not; steep: those whose amount grows with their
    square, as the line's does that is multiplied once more.
    histogram: (least amount of the class, lines) above 0, from the first class to the last.
    """

    lines: int
    zero: int
    negative: int
    low: float
    median: float
    mean: float
    p99: float
    high: float
    total: float
    histogram: tuple[tuple[float, int], ...]
    backward: int = 0
    several: int = 0
    priced: int = 0
    flat: int = 0
    steep: int = 0
    far: int = 0
    far_customers: int = 0
    far_total: float = 0.0
    early: int = 0


def population(connection: Any) -> Population:
    """Count the customers of the sources."""
    orders, events, attributes = (connection.table(t) for t in ("orders", "events", "attributes"))
    each = orders.group_by("customer_id", "order_id").aggregate(
        amount=orders.amount.sum(),
        bought=bought(orders),
        day=orders.local.min(where=~back(orders)).date(),
        least=orders.amount.min(),
        most=orders.amount.max(),
        several=(orders.count() > 1)
        & (orders.product_id.min() != orders.product_id.max()).fill_null(orders.count() > 1),
    )
    several_lines = each.filter(each.several & (each.most > 0))
    same = several_lines.least == several_lines.most
    (lines,) = several_lines.aggregate(
        of_lines=several_lines.count(),
        alike=same.sum().fill_null(0),
        alike_amounts=several_lines.most.nunique(where=same),
    ).to_pyarrow().to_pylist()  # fmt: skip
    ids = each.group_by("order_id").aggregate(times=each.count())
    several = ids.aggregate(every=ids.times.sum(), of=ids.times.sum(where=ids.times > 1))
    (told,) = several.to_pyarrow().to_pylist()
    who = each.group_by("customer_id").aggregate(
        orders=each.bought.sum(),
        days=each.day.nunique(where=each.bought),
        spend=each.amount.sum(),
    )
    found = who.select("orders", "days", "spend").to_pyarrow()
    count, days, spend = (found[name].to_numpy() for name in ("orders", "days", "spend"))
    known = events.select("customer_id").union(attributes.select("customer_id")).distinct()
    prospects = known.anti_join(orders, "customer_id").count().to_pyarrow().as_py()
    buys = count > 0
    place = np.searchsorted(CLASSES, count[buys], side="right") - 1
    of_class = np.bincount(place, minlength=len(CLASSES))
    return Population(
        customers=len(count),
        buyers=int(buys.sum()),
        one_time=int((count == 1).sum()),
        repeat=int((days >= 2).sum()),
        returns_only=int((~buys).sum()),
        prospects=int(prospects),
        orders=int(count.sum()),
        histogram=tuple((c, int(n)) for c, n in zip(CLASSES, of_class, strict=True) if n),
        top_share=_top_share(spend[buys]),
        overdrawn=int((spend[buys] < -LEAST_COIN).sum()),
        shared=(told["of"] or 0) / told["every"] if told["every"] else 0.0,
        **lines,
    )


def _top_share(spend: np.ndarray) -> float:
    """What the best hundredth brought of all that is above 0.

    >>> _top_share(np.array([60.0, 30.0, 10.0, -5.0]))
    0.6
    """
    positive = np.sort(np.maximum(spend, 0.0))[::-1]
    if positive.sum() <= 0:
        return float("nan")
    return float(positive[: int(np.ceil(len(positive) / 100))].sum() / positive.sum())


def is_rate(low: float | None, high: float | None, p99: float | None) -> bool:
    """Whether a discount from `low` to `high` is a share of the price, not the amount taken off:
    all of it lies from 0 to 1, and one amount in a hundred is above 10 (`p99`, of all lines).

    >>> is_rate(0.0, 0.8, 2_480.0), is_rate(0.0, 25.0, 2_480.0), is_rate(0.0, 0.8, 4.5)
    (True, False, False)
    """
    if low is None or high is None or p99 is None:
        return False
    return low >= 0.0 and 0.0 < high <= 1.0 and p99 > LARGE


def amounts(connection: Any) -> Amounts:
    """Measure the amounts of the order lines."""
    orders = connection.table("orders")
    amount = orders.amount
    asked = orders.aggregate(
        lines=orders.count(),
        zero=(amount == 0).sum(),
        negative=(amount < 0).sum(),
        low=amount.min(),
        median=amount.median(),
        mean=amount.mean(),
        p99=amount.quantile(0.99),
        high=amount.max(),
        total=amount.sum(where=amount > 0).fill_null(0.0),
        backward=((orders.quantity < 0) & (amount > 0)).sum().fill_null(0),
        several=(orders.quantity != 1).sum().fill_null(0),
    )
    found = asked.to_pyarrow().to_pylist()[0]
    cap = FAR * found["p99"] if found["p99"] > 0 else math.inf
    beyond = orders.filter(amount > cap)
    found |= beyond.aggregate(
        far=beyond.count(),
        far_customers=beyond.customer_id.nunique(),
        far_total=beyond.amount.sum().fill_null(0.0),
    ).to_pyarrow().to_pylist()[0]  # fmt: skip
    step = sum((amount >= edge).cast("int64") for edge in STEPS[1:])
    classed = orders.select(step=step, above=amount > 0)
    counted = classed.group_by("step", "above").aggregate(n=classed.count())
    by_step = {row["step"]: row["n"] for row in counted.to_pyarrow().to_pylist() if row["above"]}
    filled = range(min(by_step), max(by_step) + 1) if by_step else range(0)
    histogram = tuple((STEPS[i], by_step.get(i, 0)) for i in filled)
    paid = orders.filter(amount > 0).group_by("customer_id").aggregate(first=orders.moment.min())
    back = orders.filter(amount < 0).left_join(paid, "customer_id")
    early = back.filter(back.first.isnull() | (back.first > back.moment)).count()
    found["early"] = int(early.to_pyarrow().as_py())
    return Amounts(histogram=histogram, **found, **_prices(orders))


def _prices(orders: Any) -> dict[str, int]:
    """`priced`, `flat` and `steep` of `Amounts`: the median amount at a product's most pieces is
    nearer to that at its fewest, or to that times the square of the pieces, than to as many times
    as much.
    """
    lines = orders.filter(orders.product_id.notnull(), orders.quantity > 0, orders.amount > 0)
    sold = lines.group_by("product_id", "quantity").aggregate(amount=lines.amount.median())
    each = sold.group_by("product_id").aggregate(
        pieces=sold.quantity.max() / sold.quantity.min(),
        amounts=sold.amount.argmax(sold.quantity) / sold.amount.argmin(sold.quantity),
    )
    each = each.filter(each.pieces >= 2)
    flat, steep = each.amounts < each.pieces.sqrt(), each.amounts > each.pieces**1.5
    (found,) = each.aggregate(
        priced=each.count(), flat=flat.sum().fill_null(0), steep=steep.sum().fill_null(0)
    ).to_pyarrow().to_pylist()  # fmt: skip
    return {name: int(count) for name, count in found.items()}
