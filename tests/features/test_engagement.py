import pytest

from features import engagement
from features.catalog import features as catalog
from features.spec import FeatureSpec


def test_every_feature_of_a_small_history_computed_by_hand(shop):
    event = shop.event
    events = [
        event("2024-03-02", "mail", channel="post"),  # 91 days ago
        event("2024-03-03", "mail", channel="app"),  # 90 days ago
        event("2024-05-22", "mail"),  # 10 days ago
        event("2024-05-12", "return", channel="app"),  # 20 days ago
        event("2024-05-30", "webinar", channel="web"),  # a kind the spec does not know
        event("2024-06-01", "mail", channel="shop"),  # at as_of
    ]
    expected = {
        "events": 4,
        "events_recency": 10.0,
        "event_channels": 2,
        "event_mail_count": 3,
        "event_mail_count_90d": 2,
        "event_mail_recency": 10.0,
        "event_mail_share": 0.75,
        "event_return_count": 1,
        "event_return_count_90d": 1,
        "event_return_recency": 20.0,
        "event_return_share": 0.25,
    }
    found = shop.features(events=events)
    assert [f.name for f in engagement.features(shop.spec)] == list(expected)
    assert {name: found[name] for name in expected} == expected
    assert (found["orders"], found["stage"]) == (0, "prospect")


def test_one_kind_of_event_leaves_the_others_unmet(shop):
    found = shop.features(events=[shop.event("2024-05-31 12:00", "mail")])
    assert (found["event_mail_recency"], found["event_mail_share"]) == (0.5, 1.0)
    assert (found["event_return_count"], found["event_return_share"]) == (0, 0.0)
    assert found["event_return_recency"] is None
    assert found["event_channels"] == 0


def test_an_event_of_an_unknown_kind_is_as_good_as_none(shop):
    assert shop.features(events=[shop.event("2024-05-31", "webinar")]) == shop.features()


@pytest.mark.parametrize("kind", ["return", "discount", "events", "weekend", "night", "occasion"])
def test_no_kind_of_event_takes_the_name_of_another_feature(shop, kind):
    spec = FeatureSpec(
        present=shop.spec.present, event_kinds=(kind,), occasions=shop.spec.occasions
    )
    names = [feature.name for feature in catalog(spec)]
    assert len(names) == len(set(names))


def test_without_kinds_of_event_the_lens_is_empty():
    assert engagement.features(FeatureSpec()) == []
    assert engagement.expression(None, None, FeatureSpec()) is None
