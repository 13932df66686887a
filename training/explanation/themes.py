"""What features tell of the same thing: the parties among which a prediction is shared out.

Windows of one quantity rise and fall together. Taken one by one, a customer who ordered twice in
the last seven days and never in the last thirty would have to be asked about; told together they
stay coherent, and a reason is not split into five.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from features.lenses import periods

#: The first that fits counts; `\\1` is the kind, channel or goal. A feature that none fits is its
#: own theme.
_PATTERNS = tuple(
    (re.compile(pattern), theme)
    for pattern, theme in (
        # Many orders and none for long are worse than few: apart, more orders would be a reason to
        # leave.
        (
            r"recency_days|recency_over_gap|silence|stage|days_in_stage|orders|frequency",
            "last order",
        ),
        (r"T_days", "first order"),
        (r"orders_.*|active_weeks_\d+", "orders"),
        (r"spend|spend_.*|units_\d+d", "spend"),
        (r"basket_.*|monetary_repeat", "basket"),
        (r"gap_.*", "rhythm"),
        (r"discount_.*", "discounts"),
        (r"returns|return_share", "returns"),
        (r"order_channel_share_.*", "order channels"),
        (r"categories|categories_.*|category_.*", "categories"),
        (r"brands|brand_.*", "brands"),
        (r"stores|store_.*", "stores"),
        (r"events|events_.*|event_channels", "events"),
        (r"event_(.+?)_(?:count|count_\d+d|recency|share)", r"event \1"),
        (r"channel_(.+)_(?:count_\d+d|share|recency)", r"channel \1"),
        (r"response_.*", "responses"),
        (r"goal_(.+?)_(?:count|count_\d+d|recency|open|abandoned)", r"goal \1"),
        (r"(?:weekend|(?:mon|tues|wednes|thurs|fri|satur|sun)day)_share", "weekdays"),
        (r"(?:night|morning|afternoon|evening)_share", "time of day"),
        (r"quarter_\d_share", "seasons"),
        (r"occasion_.*", "occasions"),
    )
)


_MORE = re.compile(
    r"(?:orders|spend|units|categories|brands|stores|events)(?:_\d+d)?|frequency|active_weeks_\d+"
)
_LESS = re.compile(r"recency_days|recency_over_gap|silence")


def theme(feature: str) -> str:
    """The theme of a feature, by its name.

    >>> [theme(name) for name in ("orders_30d", "event_add_to_cart_count_90d", "attribute_income")]
    ['orders', 'event add_to_cart', 'attribute_income']
    """
    for pattern, words in _PATTERNS:
        found = pattern.fullmatch(feature)
        if found:
            return found.expand(words)
    return feature


def themes(features: Iterable[str]) -> dict[str, list[str]]:
    """The features of each theme, both in the order in which they come first."""
    made: dict[str, list[str]] = {}
    for feature in features:
        made.setdefault(theme(feature), []).append(feature)
    return made


def direction(feature: str) -> int:
    """Which way more of it goes with coming again, to whoever reads of it alone: 1, or -1 against,
    or 0 for neither.

    >>> [direction(name) for name in ("orders_90d", "recency_days", "gap_mean")]
    [1, -1, 0]
    """
    return 1 if _MORE.fullmatch(feature) else -1 if _LESS.fullmatch(feature) else 0


def named(feature: str) -> bool:
    """Whether a reason may name it; of what is weighted by age, or one period of many, the windows
    tell in plain words.

    >>> named("orders_30d"), named("orders_decayed_14d")
    (True, False)
    """
    return "_decayed_" not in feature and feature not in periods.NAMES
