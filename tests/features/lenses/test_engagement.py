import pytest

from features.catalog import features as catalog
from features.lenses import engagement
from features.spec import FeatureSpec, Response


def test_every_feature_of_a_small_history_computed_by_hand(shop):
    event = shop.event
    events = [
        event("2024-03-02", "mail", channel="post"),  # 91 days ago
        event("2024-03-03", "mail", channel="app"),  # 90 days ago
        event("2024-05-22", "mail"),  # 10 days ago
        event("2024-05-12", "return", channel="app"),  # 20 days ago
        event("2024-05-30", "webinar", channel="web"),  # of a kind without features
        event("2024-06-01", "mail", channel="shop"),  # at as_of
    ]
    expected = {
        "events": 5,
        "events_recency": 2.0,
        "events_gap_last": 8.0,
        "events_trend": 12 / 7,  # (3 + 1) / (4 / 3 + 1)
        "event_channels": 3,
        "event_mail_count": 3,
        "event_mail_count_90d": 2,
        "event_mail_recency": 10.0,
        "event_mail_share": 0.6,
        "event_return_count": 1,
        "event_return_count_90d": 1,
        "event_return_recency": 20.0,
        "event_return_share": 0.2,
        "event_cart_count": 0,
        "event_cart_count_90d": 0,
        "event_cart_recency": None,
        "event_cart_share": 0.0,
        "channel_app_count_365d": 2,
        "channel_app_share": 0.4,
        "channel_app_recency": 20.0,
        "channel_post_count_365d": 1,
        "channel_post_share": 0.2,
        "channel_post_recency": 91.0,
        "response_returns_per_mail_ever": 1 / 3,
        "response_returns_per_mail_90d": 1 / 2,
    }
    found = shop.features(events=events)
    assert [f.name for f in engagement.features(shop.spec)] == list(expected)
    for name, value in expected.items():
        close = value if value is None else pytest.approx(value, rel=1e-12)
        assert (name, found[name]) == (name, close)
    assert (found["orders"], found["stage"]) == (0, "prospect")


def test_one_kind_of_event_leaves_the_others_unmet(shop):
    found = shop.features(events=[shop.event("2024-05-31 12:00", "mail")])
    assert (found["event_mail_recency"], found["event_mail_share"]) == (0.5, 1.0)
    assert (found["event_return_count"], found["event_return_share"]) == (0, 0.0)
    assert found["event_return_recency"] is None
    assert found["event_channels"] == 0


def test_events_through_a_channel_are_counted_for_a_year(shop):
    met = [shop.event(day, "mail", channel="app") for day in ("2023-06-01", "2023-06-02 00:00")]
    found = shop.features(events=met)  # 366 and 365 days ago
    assert (found["channel_app_count_365d"], found["event_mail_count"]) == (1, 2)


def test_the_last_gap_is_between_the_last_two_events_of_any_kind(shop):
    met = [shop.event(day, kind) for day, kind in
           [("2024-05-01", "mail"), ("2024-05-11", "return"), ("2024-05-31", "mail")]]  # fmt: skip
    for events, gap in ((met, 20.0), (met[:2], 10.0), (met[:1], None), ([*met, met[-1]], 0.0)):
        assert shop.features(events=events)["events_gap_last"] == gap


def test_a_gap_is_told_once_its_later_event_is_past(shop):
    events = [shop.event("2024-05-01", "mail"), shop.event("2024-05-21", "mail")]
    gaps = [shop.features(at=at, events=events)["events_gap_last"]
            for at in ("2024-05-21", "2024-05-22")]  # fmt: skip
    assert gaps == [None, 20.0]


def test_the_trend_is_above_one_for_who_wakes_up_and_below_for_who_falls_asleep(shop):
    late, early = (
        [shop.event(f"2024-{month}-{day}", "mail") for day in (10, 11, 12)]
        for month in ("05", "04")
    )
    assert shop.features(events=late)["events_trend"] == (3 + 1) / (3 / 3 + 1)
    assert shop.features(events=early)["events_trend"] == (0 + 1) / (3 / 3 + 1)
    assert shop.features()["events_trend"] is None


def test_a_channel_that_is_unknown_or_rare_counts_for_none(shop):
    events = [shop.event("2024-05-30", "mail"), shop.event("2024-05-31", "mail", channel="fax")]
    found = shop.features(events=events)
    assert (found["channel_app_share"], found["channel_post_share"]) == (0.0, 0.0)
    assert (found["channel_app_recency"], found["event_channels"]) == (None, 1)


@pytest.mark.parametrize(
    ("mails", "returns", "ever", "lately"),
    [
        ([], ["2024-05-30"], None, None),  # an answer to nothing that was seen
        (["2024-05-01"], [], 0.0, 0.0),
        (["2024-05-01"], ["2024-05-02", "2024-05-03"], 2.0, 2.0),  # two answers to one contact
        (["2024-01-01"], ["2024-05-02"], 1.0, None),
        (["2024-01-01", "2024-03-03"], ["2024-01-02"], 0.5, 0.0),  # 90 days ago, still counted
    ],
)
def test_a_response_is_answers_over_contacts_and_unknown_without_a_contact(
    shop, mails, returns, ever, lately
):
    events = [shop.event(day, "mail") for day in mails]
    events += [shop.event(day, "return") for day in returns]
    found = shop.features(events=events)
    named = "response_returns_per_mail"
    assert (found[f"{named}_ever"], found[f"{named}_90d"]) == (ever, lately)


def test_a_response_may_be_of_several_kinds(shop):
    spec = FeatureSpec(
        event_kinds=("open", "click", "sent", "post"),
        responses=(Response("any", ("open", "click"), ("sent", "post")),),
    )
    events = [shop.event("2024-05-01", kind) for kind in ("sent", "post", "sent", "open", "click")]
    (row,) = shop.rows(shop.log(events=events), shop.spine(("a", shop.at)), spec)
    assert row["response_any_ever"] == pytest.approx(2 / 3)


def test_an_event_of_an_unknown_kind_counts_among_all_events_and_for_nothing_else(shop):
    found, none = shop.features(events=[shop.event("2024-05-31", "webinar")]), shop.features()
    expected = {
        "events": 1,
        "events_recency": 1.0,
        "events_trend": 3 / 2,  # (1 + 1) / (1 / 3 + 1)
        "event_mail_share": 0.0,
        "event_return_share": 0.0,
        "event_cart_share": 0.0,
        "channel_app_share": 0.0,
        "channel_post_share": 0.0,
    }
    changed = {name: value for name, value in found.items() if value != none[name]}
    assert changed == pytest.approx(expected, rel=1e-12)


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


def test_an_event_that_arrives_late_changes_the_gap_from_then_on(shop):
    late = shop.event("2024-05-05", "mail", arrived=shop.at)
    log = shop.log(
        events=[shop.event("2024-05-01", "mail"), late, shop.event("2024-05-11", "mail")]
    )
    rows = shop.rows(log, shop.spine(("a", shop.at), ("a", "2024-06-02")))
    assert [row["events_gap_last"] for row in rows] == [10.0, 6.0]
