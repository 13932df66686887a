from dataclasses import replace

import pytest

from features import catalog
from features.settings import calendar
from features.settings.experiment import Calendar
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


# TR and ID: a feast by the moon changes its place among the holidays.
@pytest.mark.parametrize("country", ["DE", "US", "TR", "ID"])
def test_a_spec_goes_on_with_the_same_columns_in_a_year_of_more_dates(country: str) -> None:
    old, new = (
        FeatureSpec(occasions=calendar.occasions(Calendar(country), 2022, last))
        for last in (2024, 2025)
    )
    assert {o.name for o in old.occasions} == {o.name for o in new.occasions}
    went_on = continued(old, new)
    assert catalog.entries(went_on) == catalog.entries(old)
    dates = {occasion.name: occasion.dates for occasion in new.occasions}
    assert [o.dates for o in went_on.occasions] == [dates[o.name] for o in old.occasions]


def test_a_holiday_of_other_days_around_begins_a_spec_anew() -> None:
    old, new = (
        FeatureSpec(occasions=calendar.occasions(Calendar("DE", days_before=n), 2022, 2024))
        for n in (7, 3)
    )
    assert continued(old, new) == new
    fewer = replace(old, occasions=old.occasions[1:])
    assert continued(old, fewer) == fewer
