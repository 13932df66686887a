"""What the card says of the next order and of the longer view, on customers whose law is known."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from training.cards import outlook
from training.cards.prediction_card import totals_section
from training.cards.report_card import OURS, ReportCard, Section
from training.prediction.structure import ALIKE, Prior, known_of

PRIOR = Prior(1.0, 25.0, 1.0, 4.0, 6.0, 4.0, 15.0, 30)
WINDOW, FOLLOWED = 30, 150


def world(seed: int, count: int = 1_500) -> pd.DataFrame:
    """Snapshot rows of MBG/NBD customers, with what they did afterwards; all of the prior's law."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        rate, lost, T = rng.gamma(1, 1 / 25), rng.beta(1, 4), rng.uniform(60, 300)
        days, at = [0.0], 0.0
        while rng.random() >= lost:
            at += rng.exponential(1 / rate)
            if at > T + FOLLOWED:
                break
            days.append(at)
        before = np.array([d for d in days if d <= T])
        after = np.array([d - T for d in days if d > T])
        level = 6 / rng.gamma(4, 1 / 15)
        spent = rng.gamma(6, level / 6, len(days))
        past, later = spent[: len(before)], spent[len(before) :]
        made.append({
            "as_of": pd.Timestamp("2024-01-01"), "frequency": len(before) - 1.0, "T_days": T,
            "recency_days": T - before[-1], "spend": past.sum(), "orders": len(before),
            "gap_mean": np.diff(before).mean() if len(before) > 1 else np.nan,
            **{f"spend_{d}d": past[before > T - d].sum() for d in (30, 90, 180, 365)},
            "future_orders": int((after <= WINDOW).sum()),
            "future_spend": later[after <= WINDOW].sum(),
            "days_to_order": after[0] if len(after) and after[0] <= WINDOW else np.nan,
            "followed_spend": later.sum(),
        })  # fmt: skip
    return pd.DataFrame(made)


THEN, NOW = world(1), world(2)
CHURN = 1 - PRIOR.p_order(known_of(NOW), WINDOW)


def timing(churn: np.ndarray = CHURN, prior: Prior | None = PRIOR) -> Section:
    return outlook.timing_section(THEN, NOW, prior, churn, WINDOW, 0.8, 7)


def share(sentence: str, place: int) -> float:
    """The figure before the given per cent sign."""
    return float(sentence.split("%")[place].rsplit(maxsplit=1)[-1]) / 100


@pytest.mark.slow
def test_true_curves_hold_what_they_promise() -> None:
    interval, median, _ = timing().notes
    held, promised = share(interval, 0), share(interval, 2)
    returned = NOW["days_to_order"].notna().sum()
    assert f"Of the {returned:,} customers who ordered within 30 days" in interval
    assert "did so in their 80% interval" in interval
    assert held == pytest.approx(promised, abs=0.06)
    assert share(median, 0) == pytest.approx(0.5, abs=0.08)


@pytest.mark.slow
def test_curves_that_promise_too_much_are_seen_to() -> None:
    _, median, _ = timing(CHURN**4).notes
    assert share(median, 0) < 0.4


def test_true_curves_beat_every_naive_rule() -> None:
    section = timing()
    assert list(section.rows) == [
        OURS, "everybody's curve (Kaplan-Meier)", "recency", "last order + own mean gap",
    ]  # fmt: skip
    assert all(c.better for c in section.comparisons)
    assert section.rows["everybody's curve (Kaplan-Meier)"]["concordance"] == 0.5
    certain = {c.rival for c in section.comparisons if c.measure == "concordance" and c.certain}
    assert certain == set(list(section.rows)[1:])


@pytest.mark.slow
def test_of_many_customers_some_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = timing()
    monkeypatch.setattr("training.cards.outlook.MOST_CUSTOMERS", 300)
    some = timing()
    assert some.notes == (*whole.notes, "The table is of 300 customers, drawn at random.")
    for measure, figure in some.rows[OURS].items():
        assert figure == pytest.approx(whole.rows[OURS][measure], abs=0.06)
    assert timing().rows == some.rows


@pytest.mark.slow
def test_a_curve_turned_round_loses() -> None:
    lost = {c.rival for _, c in ReportCard((), (timing(1 - CHURN),)).losses() if c.certain}
    assert "recency" in lost


def value(prior: Prior | None = PRIOR, days: int = FOLLOWED) -> Section:
    said = ("Assumed.",)
    return outlook.value_section(NOW, days, prior, WINDOW, said, "EUR", 7)


def test_the_longer_view_is_held_against_what_came() -> None:
    section = value()
    assert list(section.rows) == [
        OURS, "total past spend, at its rate", "spend of the last 180 days, at its rate",
    ]  # fmt: skip
    assert abs(section.rows[OURS]["bias"]) < 0.15  # its law is theirs
    assert section.rows["total past spend, at its rate"]["bias"] > 0.5  # who is lost buys no more
    total = NOW["followed_spend"].sum()
    assert (
        f"over the 150 days since (1,500 customers; undiscounted): realised {total:,.0f}"
        in (section.notes[0])
    )
    grown = total / NOW["future_spend"].sum()
    assert f"From 30 to 150 days spend grew {grown:.2f} times" in section.notes[1]
    assert section.notes[1].endswith("constant rates 5.00 times.")
    assert section.notes[-1] == "Assumed."


@pytest.mark.parametrize(
    ("history", "windows"), [(95.0, ["spend of the last 90 days, at its rate"]), (25.0, [])]
)
def test_a_window_as_long_as_the_history_is_no_rule_of_its_own(
    history: float, windows: list[str]
) -> None:
    young = NOW.assign(T_days=NOW["T_days"].clip(upper=history))
    young["recency_days"] = young["recency_days"].clip(upper=young["T_days"])
    section = outlook.value_section(young, FOLLOWED, PRIOR, WINDOW, (), "EUR", 7)
    assert list(section.rows) == [OURS, "total past spend, at its rate", *windows]


def test_where_the_structural_models_were_refused_both_say_so() -> None:
    for section, what in ((timing(prior=None), "moment of the next order"),
                          (value(prior=None), "longer view")):  # fmt: skip
        assert section.notes[0] == (
            f"Insufficient: MBG/NBD was refused on these histories, so that there is no {what}, "
            "and its columns are empty (`coterie check` says why)."
        )
        assert section.comparisons == ()
        assert "| **Coterie** | – |" in ReportCard((), (section,)).markdown()


def test_the_longer_view_names_the_models_that_it_is_by() -> None:
    alike = dataclasses.replace(PRIOR, p=1.0, q=1.0 + ALIKE, gamma=20 * ALIKE)
    assert value().notes[0].startswith("MBG/NBD and Gamma-Gamma alone, fitted before ")
    assert value(alike).notes[0].startswith("MBG/NBD at the mean amount of an order alone, fitted ")


def test_a_history_that_ends_with_the_horizon_checks_no_longer_view() -> None:
    assert value(days=WINDOW).notes == (
        "The history is too short to follow anybody beyond the horizon: not checked.", "Assumed.",
    )  # fmt: skip


@pytest.mark.parametrize("refunded", [0.0, 15.0])
def test_sums_are_reconciled_in_currency(refunded: float) -> None:
    test = pd.DataFrame({
        "future_spend": [10.0, 0.0, 30.0], "future_orders": [1, 0, 2],
        "future_refunded": [0.0, refunded, 0.0],
    })  # fmt: skip
    predicted = {
        "expected_spend": np.array([20.0, 5.0, 25.0]),
        "expected_orders": np.array([1.0, 0.5, 1.5]),
        "churn_probability": np.array([0.5, 0.75, 0.25]),
    }
    section = totals_section(test, predicted, 30, "EUR")
    assert section.rows == {
        "spend, EUR": {"realised": 40.0, "expected": 50.0, "off by": 0.25},
        "orders": {"realised": 3.0, "expected": 3.0, "off by": 0.0},
        "customers with an order": {"realised": 2.0, "expected": 1.5, "off by": -0.25},
    }
    assert section.notes[0].startswith(
        "Sums over the 3 customers with an order before the cut-off, in 30 days;"
    )
    told = [note for note in section.notes if "EUR 15 in all" in note and "EUR 25 of" in note]
    assert section.notes[1:] == tuple(told)
    assert bool(told) == (refunded > 0)
