"""A spec with a calendar, a year later."""

from dataclasses import replace

import pytest

from features import catalog
from features.settings import calendar
from features.settings.experiment import Calendar
from features.spec import FeatureSpec, continued


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
