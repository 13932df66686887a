import pandas as pd
import pytest

from features.spec import (
    MAX_CATEGORIES,
    MAX_CHANNELS,
    MAX_KINDS,
    FeatureSpec,
    learn_spec,
)

BEFORE = pd.Timestamp("2024-03-01")


def learn(log, before=BEFORE):
    backend = log.connect()
    return learn_spec(backend.table("orders"), backend.table("events"), (), (), before)


def test_what_a_spec_learns_computed_by_hand(shop):
    line, event = shop.line, shop.event
    log = shop.log(
        [
            line("2024-01-01", 5, category="wine", channel="web"),
            line("2024-01-02", -7, category="wine", channel="web"),  # a return is size, too
            line("2024-01-03", 9, category="fruit", channel="shop"),
            line("2024-01-04", 9, category="bread", channel="web"),
            line("2024-01-05", 100),  # no category
        ],
        [
            event("2024-01-01", "mail", channel="post"),
            event("2024-01-02", "visit"),
            event("2024-01-03", "visit"),
        ],
    )
    assert learn(log) == FeatureSpec(
        present=("category", "channel"),
        categories=("wine", "bread", "fruit"),  # 12, then 9 and 9 by name
        order_channels=("web", "shop"),
        event_kinds=("visit", "mail"),
        event_channels=("post",),
    )


def test_a_spec_ignores_what_is_at_or_after_its_moment(shop):
    line, event = shop.line, shop.event
    early = [[line("2024-02-29 23:59:59", 5, category="wine")], [event("2024-02-01", "mail")]]
    later = [
        [
            line("2024-03-01", 900, category="fruit", channel="web", quantity=1.0),
            line("2024-04-01", 900, category="bread", discount=1.0),
        ],
        [event("2024-03-01", "visit", channel="app"), event("2024-04-01", "chat")],
    ]
    both = [a + b for a, b in zip(early, later, strict=True)]
    assert learn(shop.log(*both)) == learn(shop.log(*early))
    assert learn(shop.log(*early)) == FeatureSpec(
        present=("category",), categories=("wine",), event_kinds=("mail",)
    )
    assert learn(shop.log(*both), BEFORE + pd.Timedelta(1, "us")).categories == ("fruit", "wine")


def test_only_the_largest_make_columns(shop):
    names = [f"n{i:02}" for i in range(20)]
    log = shop.log(
        [shop.line("2024-01-01", 100 - i, category=n, channel=n) for i, n in enumerate(names)],
        [shop.event("2024-01-01", n, channel=n) for n in names],
    )
    spec = learn(log)
    assert spec.categories == tuple(names[:MAX_CATEGORIES])
    assert spec.order_channels == spec.event_channels == tuple(names[:MAX_CHANNELS])
    assert spec.event_kinds == tuple(names[:MAX_KINDS])


def test_nothing_early_gives_the_smallest_spec(shop):
    assert learn(shop.log()) == FeatureSpec()


@pytest.mark.parametrize("made", [FeatureSpec(), "full"])
def test_a_spec_survives_being_written_down(shop, made):
    spec = shop.spec if made == "full" else made
    assert FeatureSpec.from_dict(spec.to_dict()) == spec
