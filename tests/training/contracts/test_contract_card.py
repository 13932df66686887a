from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.ingestion.contract_rows import Contracts
from features.settings import contracts
from features.settings.contracts import Profit
from training.cards.plots import profit as profit_plot
from training.cards.report_card import OURS
from training.contracts.contract_card import by_fold, heading, notes, section, target
from training.contracts.contract_evaluation import BASE_RATE, LOGISTIC, HeldOut
from training.contracts.contract_suspects import Power, Search, Suspect
from training.measures import metrics
from training.measures.bootstrap import paired_bootstrap, repeated_bootstrap

SEED = 7
TRUTH = np.tile([1.0, 0, 0, 0], 50)
FILE = """
[experiment]
name = "firm"
currency = "EUR"

[contracts]
url = "contracts.csv"
customer_id = "who"
ended = "left"
ended_values = ["yes"]

[contracts.columns]
plan = { kind = "category" }
"""


def held_out() -> HeldOut:
    """Ours ranks perfectly in the first repeat and not at all in the second."""
    perfect = np.where(TRUTH == 1, 0.9, 0.1)
    half = np.full(200, 0.25)
    backwards = np.where(TRUTH == 1, 0.1, 0.3)
    predictions = {
        OURS: np.stack([perfect, half]),
        BASE_RATE: np.stack([half, half]),
        LOGISTIC: np.stack([backwards, backwards]),
    }
    fold = np.tile(np.arange(200) // 100, (2, 1))
    return HeldOut(TRUTH, predictions, fold, np.arange(200).astype(str).astype(object))


def test_a_figure_is_the_mean_over_the_repeats() -> None:
    rows = section(held_out(), Profit(), "EUR", SEED).rows
    assert rows[OURS]["AUC"] == pytest.approx((1 + 0.5) / 2)
    assert rows[BASE_RATE]["AUC"] == 0.5
    # .01 where it ranks; .75 x .0625 + .25 x .5625 where it says a quarter of all.
    assert rows[OURS]["Brier"] == pytest.approx((0.01 + 0.1875) / 2)
    # Perfect: a quarter is asked, .25 x 56 = 14.
    nobody_knows = rows[BASE_RATE]["EMPC"]
    assert rows[OURS]["EMPC"] == pytest.approx((14 + nobody_knows) / 2, abs=1e-6)
    assert list(rows[OURS]) == ["AUC", "PR-AUC", "Brier", "ECE", "EMPC", "share to target"]


def test_every_rival_is_compared_on_every_measure_and_the_winner_said() -> None:
    made = section(held_out(), Profit(), "EUR", SEED).comparisons
    assert {(c.rival, c.measure) for c in made} == {
        (rival, measure)
        for rival in (BASE_RATE, LOGISTIC)
        for measure in ("AUC", "PR-AUC", "Brier", "ECE", "EMPC")
    }
    by = {(c.rival, c.measure): c for c in made}
    assert by[BASE_RATE, "AUC"].difference == pytest.approx(0.25)
    assert by[BASE_RATE, "AUC"].certain
    assert by[LOGISTIC, "Brier"].better
    assert not by[BASE_RATE, "ECE"].better  # the base rate is calibrated by construction
    assert np.isnan(by[BASE_RATE, "ECE"].low)
    assert by[LOGISTIC, "EMPC"].low > 0


def test_who_is_as_good_as_a_rival_is_not_beaten() -> None:
    tested = held_out()
    tested.predictions[LOGISTIC] = tested.predictions[OURS]
    made = section(tested, Profit(), "EUR", SEED).comparisons
    assert all(c.better and not c.certain for c in made if c.rival == LOGISTIC)


def test_the_profit_is_told_with_its_assumptions() -> None:
    said = notes(held_out(), Profit(), "EUR")
    best = target(held_out(), OURS, Profit())
    assert said[0] == "200 contracts, 25.0% of them ended."
    # The mean of both repeats is .575 for who ended and .175 for the others: all above 11 / 67, so
    # that the share decides, 50 who ended (56 each) and then others (11 lost on each).
    count = round(200 * best.eta)
    assert 50 < count < 200
    earned = (50 * 56 - (count - 50) * 11) / 200
    assert said[1] == (
        f"Asking {count / 200:.1%} of them (those of the {best.eta:.1%} of greatest risk whose "
        "probability is above 16.4%, from which on asking pays) would have earned "
        f"{earned:.2f} EUR per contract, asked or not, where a customer who stays is worth 200, "
        "the offer costs 10, asking 1, and 30% of the would-be churners take it."
    )
    assert said[2] == (
        f"EMPC ({best.empc:.2f} EUR) and the share to target are no campaign's: how many would-be "
        "churners take the offer is not known before (Beta(6, 14)), and EMPC is the mean of the "
        "profits of the best cut-off for each such share. It compares rankings."
    )
    assert said[3] == (
        "AUC by fold: 0.7500 ± 0.2500 (standard deviation over 4 folds). Intervals are of the "
        "contracts drawn, not of models trained anew."
    )
    assert by_fold(held_out(), OURS, metrics.roc_auc).tolist() == [1, 1, 0.5, 0.5]


def test_the_head_warns_third_and_names_the_strongest_columns_of_a_model_that_knows_too_much(
    tmp_path: Path,
) -> None:
    path = tmp_path / "firm.toml"
    path.write_text(FILE)
    experiment = contracts.load(path)
    names = [column.name for column in experiment.contracts.columns]
    rows = pd.DataFrame(
        {"(row)": [1], "(customer_id)": ["a"], "(ended)": [True], **dict.fromkeys(names, 1.0)}
    )
    read = Contracts(rows, experiment.contracts.columns, False, pd.DataFrame(), (), None)
    powers = (Power("plan", 0.79, 0.6), Power("(tenure)", 0.7, np.nan), Power("fee", 0.6, np.nan))
    found = Search(powers, (Suspect("plan", "plan: said"),))
    usual = heading(experiment, read, held_out(), None, Search(powers, ()))
    # Ours ranks perfectly in one repeat of two: an AUC of .75 asks nothing.
    assert len(usual) == 3
    tested = held_out()
    tested.predictions[OURS][1] = tested.predictions[OURS][0]
    said = heading(experiment, read, tested, None, found)
    assert said == (
        *usual[:2],
        "Perhaps written because a contract ends (a leak): plan: said. Find out when it is "
        "written.",
        "An AUC of 1.000 is more than contracts usually give away: look for a column that is "
        "written when a contract ends. The strongest columns, each alone: plan 0.790, tenure "
        "0.700, fee 0.600.",
        usual[2],
    )


@pytest.mark.parametrize(("missed", "asked"), [(3, True), (4, False)])
def test_an_auc_above_those_of_honest_tables_is_a_question(
    missed: int, asked: bool, tmp_path: Path
) -> None:
    """Of the fifty that ended so many rank last: an AUC of .94, or of .92."""
    (tmp_path / "firm.toml").write_text(FILE)
    experiment = contracts.load(tmp_path / "firm.toml")
    columns = experiment.contracts.columns
    rows = pd.DataFrame({"(row)": [1], "(customer_id)": ["a"], "(ended)": [True], "plan": ["x"]})
    read = Contracts(rows, columns, False, pd.DataFrame(), (), None)
    tested = held_out()
    tested.predictions[OURS][:] = np.where(TRUTH == 1, 0.9, 0.5)
    tested.predictions[OURS][:, np.flatnonzero(TRUTH)[:missed]] = 0.1
    said = heading(experiment, read, tested, None, Search((), ()))
    assert any("is more than contracts usually give away" in line for line in said) == asked


def test_one_repeat_has_the_paired_interval_and_equal_repeats_add_no_certainty() -> None:
    generator = np.random.default_rng(SEED)
    ours, rival = generator.random(200) + 0.3 * TRUTH, generator.random(200)
    once = paired_bootstrap(metrics.roc_auc, TRUTH, ours, rival)
    assert repeated_bootstrap(metrics.roc_auc, TRUTH, ours, rival) == pytest.approx(once)
    thrice = repeated_bootstrap(metrics.roc_auc, TRUTH, [ours] * 3, [rival] * 3)
    assert thrice == pytest.approx(once)


def test_contracts_of_one_customer_count_as_one_in_every_interval() -> None:
    generator = np.random.default_rng(SEED)
    once = held_out()
    once.predictions[OURS] = 0.9 * generator.random((2, 200)) + 0.1 * TRUTH
    once.predictions[LOGISTIC] = generator.random((2, 200))
    five = HeldOut(
        np.repeat(TRUTH, 5),
        {name: np.repeat(p, 5, axis=1) for name, p in once.predictions.items()},
        np.repeat(once.fold, 5, axis=1),
        np.repeat(once.customer_id, 5),
    )
    made = (section(tested, Profit(), "EUR", SEED) for tested in (once, five))
    usual, repeated = ({(c.rival, c.measure): c for c in each.comparisons} for each in made)
    for which in usual:
        wanted, found = usual[which], repeated[which]
        assert [found.low, found.high] == pytest.approx([wanted.low, wanted.high], nan_ok=True)
        assert found.certain == wanted.certain
    assert not any("customers" in note for note in notes(once, Profit(), "EUR"))
    said = notes(five, Profit(), "EUR")
    assert said[3] == (
        "The contracts are of 200 customers; for the intervals customers are drawn, each with all "
        "of theirs."
    )
    assert said[4].endswith("Intervals are of the customers drawn, not of models trained anew.")


def test_a_fold_is_measured_alone() -> None:
    """Ours ranks perfectly in the first fold and backwards in the second."""
    tested = held_out()
    right = np.arange(200) < 100
    tested.predictions[OURS][:] = np.where(right, TRUTH, 1 - TRUTH)
    assert by_fold(tested, OURS, metrics.roc_auc).tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(("count", "said"), [(5, "count as different ones"), (4, "in one fold.")])
def test_contracts_of_few_kinds_are_said_to_be_no_copies(
    count: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "firm.toml").write_text(FILE)
    experiment = contracts.load(tmp_path / "firm.toml")
    who = [str(i) for i in range(count)]
    rows = pd.DataFrame({"(row)": range(count), "(customer_id)": who, "(ended)": True, "plan": "x"})
    read = Contracts(rows, experiment.contracts.columns, False, pd.DataFrame(), (), None)
    lines = heading(experiment, read, held_out(), None, Search((), ()))
    assert said in lines[2].removesuffix(" The calibration is learned within the training folds.")
    assert ("not as copies" in lines[2]) == (count == 5)


def test_the_plot_of_profit_marks_the_share_worth_asking(tmp_path: Path) -> None:
    scores = {name: predicted[0] for name, predicted in held_out().predictions.items()}
    figure = profit_plot(TRUTH, scores, TRUTH == 1, Profit(), "EUR")
    axes = figure.axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [*scores, "worth asking: 25.0% (14.00 EUR)"]
    assert axes.get_ylabel() == "expected profit per contract, EUR"
    figure.savefig(tmp_path / "profit.png")
    assert (tmp_path / "profit.png").stat().st_size > 10_000
