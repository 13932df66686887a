import pandas as pd
import pytest

from features.discovery import MAX_CATEGORIES, MAX_CHANNELS, MAX_KINDS, learn_spec
from features.errors import SourceError
from features.spec import FeatureSpec, Goal, Place, Response

BEFORE = pd.Timestamp("2024-03-01")


def learn(log, before=BEFORE, **named):
    backend = log.connect()
    return learn_spec(backend.table("orders"), backend.table("events"), (), (), before, **named)


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


def test_kinds_that_a_goal_or_a_response_names_stay_however_rare_or_late(shop):
    common = [shop.event("2024-01-01", f"n{i:02}") for i in range(MAX_KINDS) for _ in (1, 2)]
    rare = [shop.event("2024-01-01", "trial"), shop.event("2024-05-01", "late")]
    named = {
        "goals": [Goal("cart", ("late",), ("order", "n00"), 3)],
        "responses": [Response("r", ("trial",), ("n01",))],
        "places": [Place("shop", 1.0, 2.0)],
    }
    spec = learn(shop.log(events=[*common, *rare]), **named)
    assert spec.event_kinds == (*(f"n{i:02}" for i in range(MAX_KINDS)), "trial", "late")
    assert {key: list(getattr(spec, key)) for key in named} == named


@pytest.mark.parametrize(
    ("goal", "seen", "remedy"),
    [
        (Goal("t", ("trail",)), "'trail' (kinds: mail, trial)", "did you mean 'trial'?"),
        (
            Goal("t", ("trial",), ("xyz",), 3),
            "'xyz' (kinds: mail, trial)",
            "correct the name, or remove it",
        ),
    ],
)
def test_a_goal_of_a_kind_that_never_occurs_is_refused(shop, goal, seen, remedy):
    log = shop.log(events=[shop.event("2024-01-01", "mail"), shop.event("2024-05-01", "trial")])
    with pytest.raises(SourceError) as refused:
        learn(log, goals=[goal])
    assert str(refused.value) == (
        f"A response or a goal names kinds of events that occur. Seen: {seen}. Remedy: {remedy}"
    )


def test_nothing_early_gives_the_smallest_spec(shop):
    assert learn(shop.log()) == FeatureSpec()
