from dataclasses import replace

import pytest

from features import catalog
from features.spec import FeatureSpec, Goal, Occasion, Place, continued


@pytest.mark.parametrize("made", [FeatureSpec(), "full"])
def test_a_spec_survives_being_written_down(shop, made):
    spec = shop.spec if made == "full" else made
    assert FeatureSpec.from_dict(spec.to_dict()) == spec


def test_a_spec_is_continued_with_the_dates_of_a_later_calendar(shop):
    learned = replace(
        shop.spec,
        categories=shop.spec.categories[::-1],
        event_kinds=shop.spec.event_kinds[::-1],
        occasions=tuple(replace(o, dates=(*o.dates, "2025-01-01")) for o in shop.spec.occasions),
    )
    went_on = continued(shop.spec, learned)
    assert went_on == replace(shop.spec, occasions=learned.occasions)
    assert catalog.entries(went_on) == catalog.entries(shop.spec)


def test_another_horizon_changes_the_periods_and_nothing_else(shop):
    learned = replace(shop.spec, period_days=23)
    assert continued(shop.spec, learned) == learned
    assert catalog.tabular(learned) == catalog.tabular(shop.spec)
    assert catalog.entries(learned) != catalog.entries(shop.spec)


@pytest.mark.parametrize(
    "change",
    [
        {"present": ("category",)},
        {"attributes": ()},
        {"responses": ()},
        {"goals": (Goal("cart", ("cart",), ("order",), 4),)},
        {"places": (Place("Berlin", 52.5, 13.4),)},
        {"event_kinds": ("mail",)},
        {"occasions": (Occasion("Easter", ("2024-03-31",), days_before=3),)},
    ],
)
def test_a_spec_of_other_sources_is_begun_anew(shop, change):
    learned = replace(shop.spec, **change)
    assert continued(shop.spec, learned) == learned
