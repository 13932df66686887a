from typing import Any

import numpy as np
import pandas as pd
import pytest

from training.cards import prediction_card, report_card
from training.cards.report_card import OURS, Comparison, ReportCard, Section, figure

DAYS = 30


def window(seed: int, rows: int = 600) -> pd.DataFrame:
    """Snapshot rows in which recency decides who returns and past spend how much is spent."""
    rng = np.random.default_rng(seed)
    T = rng.uniform(40, 300, rows)
    frequency = rng.poisson(4, rows).astype(float)
    recency = np.where(frequency > 0, T * rng.beta(1, 3, rows), T)
    level = rng.lognormal(3, 0.6, rows)
    returned = rng.random(rows) < 1 / (1 + np.exp(0.05 * (recency - 40)))
    orders = frequency + 1
    spend = orders * level
    future = returned * level * rng.gamma(5, 1 / 5, rows)
    return pd.DataFrame(
        {
            "recency_days": recency, "frequency": frequency, "T_days": T, "orders": orders,
            "spend": spend, "orders_30d": orders * (recency < 30), "orders_90d": orders,
            **{f"spend_{d}d": spend * (recency < d) for d in (30, 90, 180, 365)},
            "future_orders": returned.astype(int), "future_spend": future,
        }
    )  # fmt: skip


THEN, NOW = window(1), window(2)
GONE = (NOW["future_orders"] == 0).to_numpy(float)
SPENT = NOW["future_spend"].to_numpy(float)


def churn(probability: np.ndarray) -> Section:
    return prediction_card.churn_section(THEN, NOW, probability, DAYS, 7)


def spend(expected: np.ndarray) -> Section:
    return prediction_card.spend_section(THEN, NOW, {"expected_spend": expected}, DAYS, "EUR", 7)


def comparison(section: Section, measure: str, rival: str) -> Comparison:
    (one,) = [c for c in section.comparisons if (c.measure, c.rival) == (measure, rival)]
    return one


# --------------------------------------------------------------------------------------- who wins


def test_a_naive_rule_that_is_better_is_said_to_win() -> None:
    noise = np.random.default_rng(7).random(len(NOW))
    section = churn(noise)
    lost = comparison(section, "AUC", "recency")
    assert not lost.better
    assert lost.certain
    assert lost.high < 0
    card = ReportCard((), (section,))
    assert ("Churn", lost) in card.losses()
    assert f"- Churn: {lost.sentence()}" in card.markdown()
    assert lost.sentence().startswith(f"recency beats {OURS} on AUC by 0.")


def test_a_model_that_knows_the_outcome_loses_nowhere() -> None:
    sections = (churn(np.clip(GONE, 0.01, 0.99)), spend(SPENT))
    card = ReportCard((), sections)
    assert [c for _, c in card.losses() if c.measure != "ECE"] == []
    won = comparison(sections[0], "AUC", "recency")
    assert won.better
    assert won.certain
    assert won.low > 0


@pytest.mark.parametrize(
    ("measure", "sign"),
    [("AUC", 1), ("PR-AUC", 1), ("Brier", -1)],
)
def test_the_sign_of_a_difference_is_that_of_the_measure(measure: str, sign: int) -> None:
    good, bad = churn(np.clip(GONE, 0.1, 0.9)), churn(1 - np.clip(GONE, 0.1, 0.9))
    assert sign * comparison(good, measure, "recency").difference > 0
    assert comparison(good, measure, "recency").better
    assert sign * comparison(bad, measure, "recency").difference < 0
    assert not comparison(bad, measure, "recency").better


def test_a_difference_is_ours_less_theirs() -> None:
    section = churn(np.clip(GONE, 0.3, 0.7))
    for c in section.comparisons:
        gap = abs(section.rows[OURS][c.measure]) - abs(section.rows[c.rival][c.measure])
        assert c.difference == pytest.approx(gap, abs=1e-9), c


def test_a_bias_is_better_the_nearer_to_zero_it_is() -> None:
    rival = abs(spend(SPENT).rows["total past spend"]["bias"])
    near, far = spend(SPENT * (1 - rival / 2)), spend(SPENT * (1 - 3 * rival - 0.5))
    assert comparison(near, "bias", "total past spend").better
    assert not comparison(far, "bias", "total past spend").better


def test_a_figure_is_marked_where_the_difference_is_beyond_chance() -> None:
    good, bad = churn(np.clip(GONE, 0.1, 0.9)), churn(np.random.default_rng(7).random(len(NOW)))
    for section, mark, way in ((good, "▲", True), (bad, "▼", False)):
        certain = [c for c in section.comparisons if c.certain and c.better is way]
        assert certain
        for c in certain:
            place = list(section.rows[c.rival]).index(c.measure)
            assert section.shown()[c.rival][place].endswith(f" {mark}")
    assert not any(mark in "".join(good.shown()[OURS]) for mark in "▲▼")
    page = ReportCard((), (good,)).markdown()
    assert page.index("Beside a rival's figure ▲") < page.index("| recency |")


def test_what_is_binned_has_no_interval() -> None:
    section = churn(np.full(len(NOW), 0.99))
    lost = comparison(section, "ECE", "RFM cells")
    assert np.isnan(lost.low)
    assert not lost.certain
    assert lost.sentence().endswith("(no interval: the measure is binned)")
    assert lost.mark == ""


def test_a_bias_has_an_interval() -> None:
    off = comparison(spend(SPENT * 3), "bias", "total past spend")
    assert off.low > 0
    assert off.certain
    assert "95 % interval of the difference +" in off.sentence()


def test_certain_losses_come_first() -> None:
    card = ReportCard((), (churn(np.random.default_rng(7).random(len(NOW))),))
    certain = [c.certain for _, c in card.losses()]
    assert certain == sorted(certain, reverse=True)
    assert True in certain


def test_the_same_seed_gives_the_same_card() -> None:
    assert str(churn(np.clip(GONE, 0.3, 0.7))) == str(churn(np.clip(GONE, 0.3, 0.7)))


# ------------------------------------------------------------------------------------- what is said


def test_every_rule_stands_beside_us_with_the_same_measures() -> None:
    for section in (churn(np.clip(GONE, 0.3, 0.7)), spend(SPENT)):
        assert next(iter(section.rows)) == OURS
        assert len(section.rows) >= 4
        assert len({tuple(row) for row in section.rows.values()}) == 1
        rivals, measures = len(section.rows) - 1, len(section.rows[OURS])
        assert len(section.comparisons) == rivals * measures


def test_a_rule_that_was_refused_is_named() -> None:
    once = NOW.assign(frequency=0.0)
    section = prediction_card.churn_section(THEN, once, GONE, DAYS, 7)
    assert "BG/NBD" not in section.rows
    said = (
        "BG/NBD needs at least 10 customers who ordered again (0 of 600 customers with a repeat "
        "order): it stands in no row."
    )
    assert section.notes[-1] == said
    ours = {"expected_spend": SPENT}
    assert prediction_card.spend_section(THEN, once, ours, DAYS, "EUR", 7).notes[-1] == said


def of_the_law() -> pd.DataFrame:
    """NOW with histories by the laws of BG/NBD (r 1, alpha 10 days, a 1, b 3) and Gamma-Gamma
    (p 6, q 4, gamma 15).
    """
    rng = np.random.default_rng(7)
    T = NOW["T_days"].to_numpy()
    x, last = np.zeros(len(T)), np.zeros(len(T))
    for i, end in enumerate(T):
        rate, lost, at = rng.gamma(1, 1 / 10), rng.beta(1, 3), 0.0
        while (at := at + rng.exponential(1 / rate)) < end:
            x[i], last[i] = x[i] + 1, at
            if rng.random() < lost:
                break
    spend = rng.gamma(6 * (x + 1)) / rng.gamma(4, 1 / 15, len(T))
    return NOW.assign(frequency=x, recency_days=T - last, orders=x + 1, spend=spend)


def both_notes(rows: pd.DataFrame) -> tuple[tuple[str, ...], Section]:
    churned = prediction_card.churn_section(THEN, rows, GONE, DAYS, 7)
    assert "BG/NBD" in churned.rows
    spent = prediction_card.spend_section(THEN, rows, {"expected_spend": SPENT}, DAYS, "EUR", 7)
    return churned.notes, spent


def test_equal_amounts_are_told_apart_from_orders_without_a_model() -> None:
    of_churn, section = both_notes(of_the_law().assign(spend=lambda rows: rows["orders"] * 12.5))
    assert len(of_churn) == 1  # of how many there are
    assert list(section.rows)[-1] == "BG/NBD at the mean amount of an order"
    assert section.notes[-1] == (
        "Gamma-Gamma needs amounts that differ from customer to customer (every customer spends "
        "12.5 an order): the row is BG/NBD at the mean amount of an order."
    )


def test_where_no_rule_was_refused_nothing_is_said_of_it() -> None:
    of_churn, section = both_notes(of_the_law())
    assert list(section.rows)[-1] == "BG/NBD + Gamma-Gamma"
    assert not [note for note in (*of_churn, *section.notes) if "Gamma" in note or "NBD" in note]


@pytest.mark.parametrize(("orders", "words"), [(0, "left"), (1, "came back")])
def test_a_test_window_with_one_outcome_ranks_nothing(orders: int, words: str) -> None:
    same = NOW.assign(future_orders=orders)
    section = prediction_card.churn_section(THEN, same, np.full(len(NOW), 0.5), DAYS, 7)
    assert section.notes == (f"Every customer of the test {words}: nothing to rank.",)
    assert section.comparisons == ()


def test_a_test_window_in_which_nobody_spent_is_said_to_be_one() -> None:
    nothing = NOW.assign(future_spend=0.0)
    section = prediction_card.spend_section(THEN, nothing, {}, DAYS, "EUR", 7)
    assert section.notes == ("Nobody spent in the test window.",)
    assert ReportCard((), (section,)).metrics() == {}
    assert "–" in ReportCard((), (section,)).markdown()


def test_what_could_not_be_told_is_a_caution() -> None:
    assert churn(np.clip(GONE, 0.1, 0.9)).cautions == spend(SPENT).cautions == ()
    (said,) = churn(np.full(len(NOW), 0.256)).cautions
    assert said == (
        "Churn is told no better than by chance: AUC 0.500 (95 % interval 0.500 to 0.500), where "
        "chance alone gives 0.5. Everybody was given the same probability, 25.6%."
    )
    (said,) = spend(np.full(len(NOW), 20.0)).cautions
    assert said.startswith("Spend is told no better than by chance: norm. Gini ")
    assert said.endswith("where chance alone gives 0.")


# -------------------------------------------------------------------------------- how it is written


def card() -> ReportCard:
    rows = {OURS: {"AUC": 0.9, "bias": -0.0123}, "a rule": {"AUC": 0.95, "bias": float("nan")}}
    lost = Comparison("AUC", "a rule", -0.05, -0.08, -0.02, better=False, certain=True)
    noisy = Comparison("AUC", "another", -0.01, -0.03, 0.02, better=False, certain=False)
    won = Comparison("bias", "a rule", -0.2, -0.3, -0.1, better=True, certain=True)
    return ReportCard(("Of a test.",), (Section("Churn", rows, (noisy, lost, won), ("A note.",)),))


def test_the_card_as_a_page() -> None:
    assert card().markdown() == (
        f"# Report card\n\nOf a test.  \n{report_card.LEGEND}  \n\n"
        "## Churn\n\n| | AUC | bias |\n|---|---|---|\n"
        "| **Coterie** | 0.900 | -1.2% |\n| a rule | 0.950 ▼ | – ▲ |\n\nA note.  \n\n"
        "## Where a naive rule wins\n\n"
        "- Churn: a rule beats Coterie on AUC by 0.0500 (95 % interval of the difference "
        "+0.0200 to +0.0800)\n"
        "- Churn: another beats Coterie on AUC by 0.0100 (95 % interval of the difference "
        "-0.0200 to +0.0300, within noise)\n"
    )


def test_a_card_without_losses_says_so() -> None:
    assert ReportCard((), ()).markdown().endswith("wins\n\nNowhere in this run.\n")


def test_metrics_have_flat_names_and_no_gaps() -> None:
    assert card().metrics() == {
        "churn/coterie/auc": 0.9, "churn/coterie/bias": -0.0123, "churn/a_rule/auc": 0.95,
    }  # fmt: skip
    named = Section("Segments", {"k-means on log-RFM": {"η² log spend": 0.5, "gain 10 %": 0.2}})
    assert ReportCard((), (named,)).metrics() == {
        "segments/k-means_on_log-rfm/eta2_log_spend": 0.5,
        "segments/k-means_on_log-rfm/gain_10_pct": 0.2,
    }


def test_a_card_is_plain_values() -> None:
    plain: dict[str, Any] = card().to_dict()
    assert plain["sections"][0]["rows"]["a rule"]["AUC"] == 0.95
    assert plain["sections"][0]["comparisons"][1]["rival"] == "a rule"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1234.56, "1,234.6"), (-100.0, "-100"), (12_703.0, "12,703"),
        (0.5, "0.500"), (12.3456, "12.346"),
        (0.0123, "0.0123"), (0.0, "0.0000"), (float("nan"), "–"), (None, "–"), (np.inf, "–"),
    ],
)  # fmt: skip
def test_a_figure_is_shown_with_the_digits_that_matter(value: float | None, shown: str) -> None:
    assert figure(value) == shown


def test_an_undefined_figure_wins_nothing_and_is_not_drawn() -> None:
    from training.cards import plots

    undefined = Comparison("churn AUC", "PCA", float("nan"), np.nan, np.nan, False, False)
    rows = {OURS: {"AUC": float("nan")}, "recency": {"AUC": 0.5}}
    card = ReportCard((), (Section("Churn", rows, (undefined,)),))
    assert card.losses() == []
    assert plots.rivals(card).get_axes() == []


def test_a_figure_below_nothing_is_drawn_whole() -> None:
    from training.cards import plots

    rows = {OURS: {"norm. Gini": -0.4}, "recent spend": {"norm. Gini": -0.1}}
    (axes,) = plots.rivals(ReportCard((), (Section("Spend", rows, ()),))).get_axes()
    left, right = axes.get_xlim()
    assert left < -0.4
    assert right > 0


def test_the_segment_map_is_in_the_units_that_people_use() -> None:
    from training.cards import plots

    churn, spend = np.array([0.1, 0.9, 1.0]), np.array([800.0, 3.0, 0.0])
    drawn = plots.segment_map(
        churn, spend, np.array([0, 1, 1]), ["High", "Low"], [1, 4], "30 days", "EUR"
    )
    (axes,) = drawn.get_axes()
    drawn.draw_without_rendering()
    high, low = axes.collections
    assert high.get_offsets().tolist() == [[0.1, 800.0]]
    assert low.get_offsets().tolist() == [[0.9, 3.0], [1.0, 0.0]]
    ticks = [tick.get_text() for tick in axes.get_yticklabels()]
    assert ticks == ["0", "1", "2", "5", "10", "20", "50", "100", "200", "500"]
    assert axes.get_title() == "Segment map: 3 of 5 customers"
    nothing = plots.segment_map(churn, 0 * spend, np.zeros(3, int), ["One"], [3], "30 days", "EUR")
    nothing.draw_without_rendering()  # nobody is expected to spend
