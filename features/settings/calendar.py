"""The public holidays of a country, by the library `holidays`, as occasions with fixed dates.

The dates are looked up when a spec is learned and stay in it, for some years more than the data
has: the serving process reads them there, and never imports this file or the library.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import lru_cache

import holidays

from features.errors import ConfigError, closest
from features.settings.experiment import Calendar
from features.spec import Occasion

#: Years after the last order whose holidays a model still knows.
YEARS_AHEAD = 2
#: The years in which a holiday's name is looked for when the experiment file is read.
KNOWN_YEARS = range(2000, 2036)


def check(calendar: Calendar) -> tuple[str, ...]:
    """The names of all its country's holidays; ConfigError for what the library does not know."""
    parts = holidays.list_supported_countries()
    if calendar.country not in parts:
        raise ConfigError(
            "calendar.country must be a country whose holidays are known.",
            repr(calendar.country),
            _near_country(calendar.country),
        )
    subdivision = calendar.subdivision
    if subdivision is not None and subdivision not in parts[calendar.country]:
        near = closest(subdivision, parts[calendar.country])
        known = ", ".join(parts[calendar.country])
        raise ConfigError(
            f"calendar.subdivision must be a part of {calendar.country} by its code.",
            f"{subdivision!r} (known: {known or 'none'})",
            f"did you mean {near}?" if near else "remove it" if not known else "write a known one",
        )
    known_names = _dates(calendar.country, subdivision, KNOWN_YEARS)
    for name in calendar.holidays:
        if name not in known_names:
            near = closest(name, known_names)
            raise ConfigError(
                f"calendar.holidays must be public holidays of {_where(calendar)}.",
                repr(name),
                f"did you mean {near!r}?" if near else f"choose from {', '.join(known_names)}",
            )
    return calendar.holidays or tuple(known_names)


def occasions(
    calendar: Calendar, first: int, last: int, usual: tuple[int, int] | None = None
) -> tuple[Occasion, ...]:
    """Its holidays for the years of the data, `first` to `last`, one before and YEARS_AHEAD more.

    Where none is chosen by name: those that fall in at least half of the years around `usual`, the
    first and last that more than stray rows are of (None: all), in the order of the year.
    ConfigError where one that is chosen falls in none.
    """
    years = range(first - 1, last + YEARS_AHEAD + 1)
    dates = _dates(calendar.country, calendar.subdivision, years)
    begin, end = usual or (first, last)
    judged = {str(year) for year in range(begin - 1, end + YEARS_AHEAD + 1)}
    told = len({day[:4] for days in dates.values() for day in days} & judged)
    often = [n for n, days in dates.items() if 2 * len({d[:4] for d in days} & judged) >= told]
    for name in calendar.holidays:
        if name not in dates:
            raise ConfigError(
                "A holiday in calendar.holidays falls in the years of the data or soon after.",
                f"{name!r} on no day from {years[0]} to {years[-1]} in {_where(calendar)}",
                "remove it",
            )
    return tuple(
        Occasion(name, dates[name], calendar.days_before, calendar.days_after)
        for name in calendar.holidays or often
    )


@lru_cache(maxsize=8)
def _dates(
    country: str, subdivision: str | None, years: Iterable[int]
) -> dict[str, tuple[str, ...]]:
    """Name -> its days (ISO) in these years, names in the order of the year.

    English names where the library has them. The holiday's own day counts, not the free day
    that stands in for a weekend. What is estimated (a sighting of the moon) is taken as it is.
    """
    entity = holidays.country_holidays(country)
    language = "en_US" if "en_US" in entity.supported_languages else entity.default_language
    with warnings.catch_warnings():
        # Of some countries it knows some years only; the others have none of their holidays.
        warnings.simplefilter("ignore", UserWarning)
        found = holidays.country_holidays(
            country, subdiv=subdivision, years=years, observed=False, language=language
        )
    days: dict[str, list[str]] = {}
    for day in sorted(found, key=lambda day: (day.month, day.day)):
        for name in found.get_list(day):
            days.setdefault(name.removesuffix(" (estimated)"), []).append(day.isoformat())
    return {name: tuple(sorted(of)) for name, of in days.items()}


def _where(calendar: Calendar) -> str:
    return " ".join(filter(None, (calendar.country, calendar.subdivision)))


def _near_country(country: str) -> str:
    """What to write instead: a name, such as Germany, has a code."""
    codes = {names[0]: names[1] for names in holidays.registry.COUNTRIES.values()}
    known = [*codes, *codes.values()]
    near = closest(country.replace(" ", ""), known)
    hint = "write its code of two letters (ISO 3166-1), such as DE"
    return f"did you mean {codes.get(near, near)}?" if near else hint
