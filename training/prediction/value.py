"""The longer view: what a customer is worth over months, beyond the trained horizon.

    value = margin (1 - returns) E / Y(h) * integral from 0 to M of e^(-delta t) dY(t),

with E the served expected spend within the horizon h and Y(t) the order days that MBG/NBD expects
within t days of a customer who is alive: the served estimate, continued by the structural model's
shape, discounted continuously at delta = ln(1 + discount_rate) a year. Fader, Hardie, Lee (2005),
"RFM and CLV: Using Iso-Value Curves for Customer Base Analysis", eq. 5, call the sum of discounted
orders without an end DERT. Where E holds a season's factor s, what goes on is E u / s, with u the
mean level of a year over that of the days calibrated on (`windows.season`), and the rest of E
falls into the horizon, on average in its middle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from features.settings.experiment import ValueSettings
from training.prediction.structure import Prior

DAYS_PER_YEAR = 365.25
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


def settings(plain: Mapping[str, Any] | None) -> ValueSettings:
    """The settings that a manifest holds as plain values; the default ones where it has none."""
    return (
        ValueSettings(**{**plain, "months": tuple(plain["months"])}) if plain else ValueSettings()
    )


def names(terms: ValueSettings) -> tuple[str, ...]:
    """The columns.

    >>> names(ValueSettings())
    ('value_12m', 'value_24m')
    """
    return tuple(f"value_{months}m" for months in terms.months)


def days(months: float) -> float:
    """Months of a mean year, in days."""
    return months * DAYS_PER_YEAR / 12


def assumptions(terms: ValueSettings, currency: str, horizon_days: int) -> tuple[str, ...]:
    """What value takes for granted, in sentences."""
    returned = (
        f"{terms.returns:.0%} of it taken back beyond the returns in the data"
        if terms.returns
        else "net of the returns in the data"
    )
    looked = " and ".join(str(months) for months in terms.months)
    return (
        f"Value over {looked} months is {terms.margin:.0%} of spend, {returned}, discounted at "
        f"{terms.discount_rate:.1%} a year, in today's {currency}.",
        f"Its first {horizon_days} days are the model's expected spend; beyond them order days go "
        "on as MBG/NBD expects of the customer, who may be lost upon each.",
        "What an order brings stays as it is within the horizon: no trend of prices, nothing that "
        "changes habits. Where the history tells the season ahead, what follows is of the mean "
        "level of a year; else of the level of the horizon.",
    )


def discounted(
    terms: ValueSettings,
    prior: Prior,
    known: Mapping[str, np.ndarray],
    expected_spend: np.ndarray,
    horizon_days: float,
    season: float = 1.0,
    year: float = 1.0,
) -> dict[str, np.ndarray]:
    """The columns `names`, each (n,) in currency and >= 0; nan where there is no order yet.

    Parameters
    ----------
    known : feature columns, `Prior.columns` says which
    expected_spend : (n,) currency, served, within `horizon_days`
    season : the factor of the horizon's season that `expected_spend` holds
    year : the mean level of a year over that of the days that `expected_spend` was calibrated on
    """
    delta = np.log1p(terms.discount_rate) / DAYS_PER_YEAR
    ends = [days(months) for months in terms.months]
    inside = [end * (1 + _NODES) / 2 for end in ends]
    orders = prior.orders_while_alive(known, [horizon_days, *ends, *np.concatenate(inside)])
    inner = terms.margin * (1 - terms.returns) * expected_spend
    usual_share = year / season
    earned, extra = inner * usual_share / orders[:, 0], inner * (1 - usual_share)
    made = {}
    for i, (name, end) in enumerate(zip(names(terms), ends, strict=True)):
        # by parts: e^(-delta M) Y(M) + delta * integral of e^(-delta t) Y(t) dt, which is smooth
        first = 1 + len(ends) + i * len(_NODES)
        curve = orders[:, first : first + len(_NODES)]
        later = curve @ (np.exp(-delta * inside[i]) * _WEIGHTS) * end / 2
        usual = earned * (np.exp(-delta * end) * orders[:, 1 + i] + delta * later)
        watched = min(end, horizon_days)
        share = np.minimum(orders[:, 1 + i] / orders[:, 0], 1.0)
        made[name] = usual + extra * share * np.exp(-delta * watched / 2)
    return made
