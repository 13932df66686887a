"""Which features are told together."""

from features import catalog
from features.spec import Attribute, FeatureSpec, Goal
from training.explanation.themes import named, theme, themes

SPEC = FeatureSpec(
    present=("category", "quantity", "discount"),
    categories=("monday",),
    order_channels=("web",),
    event_kinds=("cart", "cart count"),
    event_channels=("mail",),
    attributes=(Attribute("birthday share", "demographic", "number"),),
    goals=(Goal("trial", ("cart",), ("order",), 7),),
)


def test_windows_of_one_thing_are_told_together() -> None:
    told = themes(feature.name for feature in catalog.features(SPEC))
    assert {*told["last order"]} == {
        "recency_days", "recency_over_gap", "stage", "silence", "days_in_stage", "orders",
        "frequency",
    }  # fmt: skip
    assert {"orders_7d", "orders_365d", "orders_trend"} < {*told["orders"]}
    assert {"spend", "spend_30d", "units_30d", "spend_decayed_14d"} < {*told["spend"]}
    assert told["rhythm"] == ["gap_mean", "gap_sd", "gap_max", "gap_last", "gap_last_over_mean"]
    assert "category_share_monday" in told["categories"]
    assert len(told["weekdays"]) == 8


def test_kinds_channels_goals_and_attributes_are_told_apart() -> None:
    told = themes(feature.name for feature in catalog.features(SPEC))
    for name in ("cart", "cart_count"):
        assert told[f"event {name}"] == [
            f"event_{name}_count", f"event_{name}_count_90d", f"event_{name}_recency",
            f"event_{name}_share",
        ]  # fmt: skip
    assert told["channel mail"] == [
        "channel_mail_count_365d", "channel_mail_share", "channel_mail_recency",
    ]  # fmt: skip
    assert {"goal_trial_count", "goal_trial_open", "goal_trial_abandoned"} < {*told["goal trial"]}
    assert told["attribute_birthday_share"] == ["attribute_birthday_share"]


def test_every_feature_is_told_once_whatever_comes_new() -> None:
    names = [*(feature.name for feature in catalog.features(SPEC)), "moon_phase"]
    assert sorted(name for told in themes(names).values() for name in told) == sorted(names)
    assert theme("moon_phase") == "moon_phase"


def test_every_theme_has_a_feature_that_a_reason_may_name() -> None:
    told = themes(feature.name for feature in catalog.features(SPEC))
    assert all(any(named(name) for name in members) for members in told.values())
