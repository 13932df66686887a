import subprocess
import sys

import pytest

from features.errors import ConfigError
from features.settings import calendar
from features.settings.experiment import Calendar
from features.spec import Occasion

# Ten federal holidays by 5 U.S.C. § 6103 before 2021, when Juneteenth became the eleventh.
FEDERAL = (
    "New Year's Day", "Martin Luther King Jr. Day", "Washington's Birthday", "Memorial Day",
    "Independence Day", "Labor Day", "Columbus Day", "Veterans Day", "Thanksgiving Day",
    "Christmas Day",
)  # fmt: skip


def test_chosen_holidays_have_their_own_days_from_the_year_before_the_data_to_two_after():
    named = Calendar("US", holidays=("Thanksgiving Day", "Independence Day"), days_before=3)
    assert calendar.occasions(named, 2017, 2017) == (
        # The fourth Thursday of November.
        Occasion(
            "Thanksgiving Day",
            ("2016-11-24", "2017-11-23", "2018-11-22", "2019-11-28"),
            days_before=3,
        ),
        Occasion("Independence Day", tuple(f"{y}-07-04" for y in range(2016, 2020)), days_before=3),
    )


def test_a_holiday_is_its_own_day_and_not_the_free_one():
    # The 4th of July 2020 was a Saturday, Friday the free day; in 2021 a Sunday before a Monday.
    (fourth,) = calendar.occasions(Calendar("US", holidays=("Independence Day",)), 2020, 2020)
    assert fourth.dates == tuple(f"{year}-07-04" for year in (2019, 2020, 2021, 2022))


def test_without_a_choice_there_are_all_that_come_round_in_most_of_the_years():
    early = calendar.occasions(Calendar("US"), 2014, 2016)
    assert tuple(occasion.name for occasion in early) == FEDERAL
    late = [occasion.name for occasion in calendar.occasions(Calendar("US"), 2022, 2024)]
    assert "Juneteenth National Independence Day" in late
    # The Platinum Jubilee (2022) and a coronation (2023) came once.
    kingdom = [occasion.name for occasion in calendar.occasions(Calendar("GB"), 2022, 2023)]
    assert kingdom == ["New Year's Day", "Good Friday", "May Day", "Spring Bank Holiday",
                       "Christmas Day", "Boxing Day"]  # fmt: skip


def test_a_subdivision_has_its_own_days():
    bavarian = {o.name for o in calendar.occasions(Calendar("DE", "BY"), 2024, 2024)}
    german = {o.name for o in calendar.occasions(Calendar("DE"), 2024, 2024)}
    assert bavarian - german == {"Epiphany", "Corpus Christi", "All Saints' Day"}


def test_a_holiday_of_several_days_and_of_the_moon_is_one_occasion():
    (feast,) = calendar.occasions(Calendar("TR", holidays=("Eid al-Fitr",)), 2024, 2024)
    assert feast.dates[3:6] == ("2024-04-10", "2024-04-11", "2024-04-12")
    assert {day[:4] for day in feast.dates} == {"2023", "2024", "2025", "2026"}


def test_a_chosen_holiday_that_is_younger_than_the_data_is_refused():
    named = Calendar("US", holidays=("Juneteenth National Independence Day",))
    with pytest.raises(ConfigError) as refused:
        calendar.occasions(named, 2010, 2012)
    assert str(refused.value) == (
        "A holiday in calendar.holidays falls in the years of the data or soon after. "
        "Seen: 'Juneteenth National Independence Day' on no day from 2009 to 2014 in US. "
        "Remedy: remove it"
    )


def test_serving_does_not_load_the_library_of_holidays():
    loaded = "import sys, serving.assign; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0
