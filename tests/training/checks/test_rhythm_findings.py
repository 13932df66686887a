"""What is said of when orders came: lost days, silences, the clock."""

import dataclasses
from collections.abc import Callable

import pandas as pd
import pytest

from features.health import Health
from features.rhythm import Gap
from features.settings.experiment import Experiment
from training.checks.finding import WARNING
from training.checks.findings import of_health

Having = Callable[..., Health]
DAY = pd.Timestamp("2024-01-01")


@pytest.mark.parametrize("counts", [(100,) * 24, (100,) * 6 + (50,) * 6 + (100,) * 12, (0,) * 24])
def test_machines_have_no_night(
    experiment: Experiment, counts: tuple[int, ...], having: Having
) -> None:
    assert of_health(having("hours", counts=counts), experiment) == []


def test_times_of_day_without_a_named_clock_are_a_warning(
    experiment: Experiment, having: Having, sound: Health
) -> None:
    unnamed = dataclasses.replace(experiment, time_zone="UTC", time_zone_named=False)
    (said,) = of_health(sound, unnamed)
    assert (said.weight, said.rule) == (WARNING, "The clock of orders and events must be named.")
    assert (
        said.remedy
        == 'write time_zone = "UTC", or the zone of the business, such as "Europe/Berlin"'
    )
    bare = having("hours", counts=(0,) * 24, bare=1.0)
    assert of_health(bare, unnamed) == []


def test_days_of_which_a_trickle_was_recorded_are_found_once(
    experiment: Experiment, having: Having
) -> None:
    """Of one outage a tenth is there, of the other nothing, which is not told as a gap again though
    it begins with a closed day.
    """
    daily = pd.Series(40.0, pd.date_range(DAY, periods=240))
    daily["2024-05-10":"2024-05-16"], daily["2024-07-01":"2024-07-05"] = 4.0, 0.0
    gap = Gap(pd.Timestamp("2024-06-30"), pd.Timestamp("2024-07-05"), 200.0)
    (found,) = of_health(having("series", daily=daily, gaps=(gap,)), experiment)
    assert found.weight == WARNING
    assert found.rule == (
        "orders: days on end with hardly any should be such that nobody could order."
    )
    assert found.seen == (
        "7 days from 2024-05-10 to 2024-05-16, when 252 more customers were to be expected; 1 more"
    )
    assert found.remedy == (
        "bring the missing rows; until then a training scales the level of a window that holds "
        "them up by what is missing, but a customer's own days since the last order count on"
    )


def test_hours_of_a_few_moments_with_a_clock_tell_no_night(
    experiment: Experiment, having: Having
) -> None:
    counts = (100,) * 6 + (1,) * 6 + (100,) * 12
    assert of_health(having("hours", counts=counts, bare=0.98), experiment) == []


@pytest.mark.parametrize("day", ["2024-05-10", "2024-05-16"])
def test_the_longest_of_lost_days_is_told_and_a_gap_at_its_edge_is_none(
    experiment: Experiment, day: str, having: Having
) -> None:
    daily = pd.Series(40.0, pd.date_range(DAY, periods=240))
    daily["2024-03-10":"2024-03-14"], daily["2024-05-10":"2024-05-16"] = 4.0, 4.0
    gap = Gap(pd.Timestamp(day), pd.Timestamp(day), 40.0)
    (found,) = of_health(having("series", daily=daily, gaps=(gap,)), experiment)
    assert found.seen.startswith("7 days from 2024-05-10 to 2024-05-16, when ")
    # Of events, which come and go, only days without any are told.
    assert of_health(having("series", name="mail", daily=daily), experiment) == []


def test_a_silence_at_the_end_is_found_where_the_log_is_said_to_go_on(
    experiment: Experiment, having: Having
) -> None:
    health = having("series", daily=pd.Series(40.0, pd.date_range(DAY, periods=100)))
    end = DAY + pd.Timedelta(days=100)
    assert of_health(health, experiment, end + pd.Timedelta(days=3)) == []
    (found,) = of_health(health, experiment, end + pd.Timedelta(days=6))
    assert found.seen.startswith(f"6 days from {end:%Y-%m-%d} to ")


def test_a_silence_of_years_means_wrong_moments(experiment: Experiment, having: Having) -> None:
    years = Gap(pd.Timestamp("1900-01-02"), pd.Timestamp("2022-12-31"), 1e5)
    (found,) = of_health(having("series", gaps=(years,)), experiment)
    assert found.remedy == (
        "look for wrong moments on the thinner side of it: slips, or placeholders"
    )
