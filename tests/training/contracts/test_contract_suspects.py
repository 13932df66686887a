"""Columns of contracts that know too much are found and named, honest ones are left alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.ingestion import contract_rows
from features.ingestion.contract_rows import TENURE, Contracts
from features.settings import contracts as files
from features.spec import Attribute
from training.contracts import contract_suspects
from training.contracts.contract_suspects import Search, refusal, search
from training.windows import splits
from training.windows.splits import Splits

SEED = 7
ROWS = 1_200
T = pd.Timestamp


def generator() -> np.random.Generator:
    return np.random.default_rng(SEED)


def contracts(
    ended: np.ndarray, tenure: np.ndarray | None = None, **columns: np.ndarray
) -> Contracts:
    """Undated contracts; a column of texts is a category, any other a number."""
    row = np.arange(len(ended))
    rows = pd.DataFrame({"(row)": row + 1, "(customer_id)": row.astype(str), "(ended)": ended})
    if tenure is not None:
        rows[TENURE] = tenure
    kinds = []
    for name, values in columns.items():
        rows[name] = values
        kind = "category" if values.dtype == object else "number"
        kinds.append(Attribute(name, "contract", kind))
    return Contracts(rows, tuple(kinds), False, pd.DataFrame(), (), None)


def ends() -> np.ndarray:
    return np.random.default_rng(1).random(ROWS) < 0.25


def written(ended: np.ndarray, share: float, value: object = "price") -> np.ndarray:
    """Filled for this share of those that ended, and for no other."""
    count = round(share * ended.sum())
    made = np.full(len(ended), None, dtype=object)
    made[np.flatnonzero(ended)[:count]] = value
    return made


def named(found: Search) -> list[str]:
    return [suspect.column for suspect in found.suspects]


@pytest.mark.slow
def test_a_column_that_is_filled_only_for_those_who_left_is_refused_by_name() -> None:
    ended = ends()
    fee = generator().uniform(5, 50, ROWS)
    tenure = generator().permutation(np.arange(ROWS) / 10.0)
    found = search(contracts(ended, tenure, fee=fee, reason=written(ended, 1.0)), None, SEED)
    assert named(found) == ["reason"]
    assert found.powers[0].value == found.powers[0].presence == 1.0
    told = next(power.value for power in found.powers if power.column == TENURE)
    error = refusal(found)
    assert error is not None
    assert error.rule == (
        "A column of a contract must not know that it ends: it was written afterwards, and a model "
        "of it is worth nothing for contracts of today."
    )
    assert error.seen.startswith(
        "reason: whether it is known alone tells which contracts end with AUC 1.000; tenure has "
        f"{told:.3f} (difference {1 - told:+.3f}, 95 % interval "
    )
    assert error.remedy == (
        "find out when it is written; bring its values as they were on a day before the end, or "
        "leave it out: remove contracts.columns.reason"
    )


def test_a_perfect_leak_is_refused_where_a_few_customers_have_most_of_the_contracts() -> None:
    """Nothing can be drawn then, so that there is no interval; the gap is enough."""
    ended = ends()
    read = contracts(ended, reason=written(ended, 1.0), fee=generator().random(ROWS))
    read = replace(read, rows=read.rows.assign(**{"(customer_id)": np.arange(ROWS) % 12}))
    error = refusal(search(read, None, SEED))
    assert error is not None
    assert "reason" in error.seen
    assert "nan" not in error.seen


@pytest.mark.slow
def test_every_column_that_is_the_outcome_is_named_at_once() -> None:
    ended = ends()
    state = np.where(ended, "closed", "open").astype(object)
    paid_back = np.where(ended, generator().uniform(1, 9, ROWS), 0.0)
    error = refusal(search(contracts(ended, state=state, paid_back=paid_back), None, SEED))
    assert error is not None
    assert (
        "paid_back: its value alone tells which contracts end with AUC 1.000; chance has 0.500"
        in (error.seen)
    )
    assert "; state: its value alone" in error.seen
    assert error.remedy.endswith("remove contracts.columns.paid_back, contracts.columns.state")


@pytest.mark.slow
def test_a_column_written_for_seven_in_ten_of_those_who_left_is_a_caution() -> None:
    ended = ends()
    found = search(contracts(ended, reason=written(ended, 0.7)), None, SEED)
    assert refusal(found) is None
    # Seven in ten of who left are told apart, the others are tied with all who stayed.
    assert found.powers[0].value == pytest.approx(0.85, abs=0.01)
    assert found.cautions()[0].startswith(
        "Perhaps written because a contract ends (a leak): reason: whether it is known alone tells "
        f"which contracts end with AUC {found.powers[0].value:.3f}; chance has 0.500 (difference "
    )
    assert found.cautions()[0].endswith("). Find out when it is written.")


def test_a_value_of_which_every_contract_ends_is_a_caution_though_its_auc_is_small() -> None:
    ended = ends()
    state = np.where(written(ended, 0.2) == "price", "notice given", "open").astype(object)
    found = search(contracts(ended, reason=written(ended, 0.2), state=state), None, SEED)
    assert refusal(found) is None
    count = round(0.2 * ended.sum())
    assert {suspect.sentence for suspect in found.suspects} == {
        f"reason: all {count} contracts where it is known end, of all contracts "
        f"{ended.mean():.1%} do",
        f"state: all {count} contracts where it is 'notice given' end, of all contracts "
        f"{ended.mean():.1%} do",
    }


def test_honest_columns_and_ids_are_not_suspected() -> None:
    draw = generator()
    plan = draw.choice(["month", "year"], ROWS).astype(object)
    ended = draw.random(ROWS) < np.where(plan == "month", 0.45, 0.05)
    number = draw.permutation([f"c-{i:05}" for i in range(ROWS)]).astype(object)
    unknown = np.where(draw.random(ROWS) < 0.3, np.nan, draw.uniform(5, 50, ROWS))
    found = search(contracts(ended, plan=plan, number=number, fee=unknown), None, SEED)
    assert found.powers[0].column == "plan"
    assert 0.70 < found.powers[0].value < 0.80
    assert found.suspects == ()
    assert found.cautions() == ()


@pytest.mark.slow
def test_a_tenure_that_tells_all_is_asked_about_and_what_it_tells_too_is_not_refused() -> None:
    # A fixed term: whoever has run for a year leaves, and the day of renewal says the same.
    tenure = generator().integers(1, 13, ROWS).astype(float)
    ended = tenure == 12
    found = search(contracts(ended, tenure, months_left=12 - tenure), None, SEED)
    assert refusal(found) is None
    assert found.cautions()[0] == (
        "Perhaps written because a contract ends (a leak): the tenure alone tells which contracts "
        "end with AUC 1.000. Find out when it is written."
    )


def dated() -> tuple[Contracts, Splits]:
    """Three years of contracts, some with a reason, and windows of 90 days until the end."""
    draw = generator()
    start = draw.integers(0, 1_000, ROWS)
    days = start + 1 + draw.exponential(500, ROWS).astype(int)
    origin = T("2020-01-01")
    day = origin + pd.to_timedelta(start, "D")
    end = pd.Series(origin + pd.to_timedelta(days, "D")).where(days < 1_080)
    rows = pd.DataFrame({
        "(row)": np.arange(ROWS) + 1, "(customer_id)": np.arange(ROWS).astype(str),
        "(start)": day, "(ended_on)": end,
        "reason": np.where(end.notna(), "moved", None),
    })  # fmt: skip
    columns = (Attribute("reason", "contract", "category"),)
    plan = splits.plan(origin, origin + pd.Timedelta(days=1_080), 90, 0)
    return Contracts(rows, columns, True, pd.DataFrame(), (), None), plan


def test_of_dated_contracts_what_is_written_afterwards_is_found_out_of_time() -> None:
    found = search(*dated(), SEED)
    error = refusal(found)
    assert error is not None
    assert (
        "reason: whether it is known alone tells which contracts end with AUC 1.000" in error.seen
    )
    assert "; tenure has 0." in error.seen


def test_a_dated_tenure_that_tells_all_was_not_written_afterwards() -> None:
    """A fixed term of a year: how long a contract has run is worked out from its start."""
    read, plan = dated()
    rows = read.rows.assign(
        reason="known", **{"(ended_on)": read.rows["(start)"] + pd.Timedelta(days=365)}
    )
    rows["(ended_on)"] = rows["(ended_on)"].where(rows["(ended_on)"] < plan.now)
    found = search(replace(read, rows=rows), plan, SEED)
    assert found.powers[0].column == TENURE
    assert found.powers[0].value > 0.99
    assert found.suspects == ()


@pytest.mark.parametrize("times", [1, 5])
@pytest.mark.slow
def test_rows_of_one_customer_make_no_column_surer(times: int) -> None:
    # .872 against .689 among sixty customers is no proof; drawn by rows, five of each would be.
    draw = np.random.default_rng(3)
    ended = np.arange(60) % 2 == 0
    score, tenure = draw.normal(0, 1, (2, 60)) + np.array([[1.5], [0.9]]) * ended
    once = contracts(ended, tenure - tenure.min(), score=score)
    rows = once.rows.loc[np.repeat(np.arange(60), times)].reset_index(drop=True)
    found = search(replace(once, rows=rows), None, SEED)
    assert (found.powers[0].column, found.powers[0].value) == ("score", pytest.approx(0.872, 1e-3))
    assert found.suspects == ()


def test_where_too_few_ended_nothing_is_judged_and_the_card_says_so() -> None:
    ended = np.arange(ROWS) < 9
    found = search(contracts(ended, reason=written(ended, 1.0)), None, SEED)
    assert found.powers == ()
    assert found.cautions() == (
        "No column was held alone against the ends: 9 ended and 1,191 did not of those learned "
        "from, 10 of each needed.",
    )


@pytest.mark.slow
def test_few_ends_among_many_contracts_are_all_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract_suspects, "MOST_CONTRACTS", 120)
    ended = np.arange(ROWS) % 40 == 0  # 30 of 1,200; of 120 drawn evenly it would be three
    plan = np.where(ended, "left", "stays").astype(object)
    plan[1:300:2] = "left"  # and 150 of those who stay
    found = search(contracts(ended, reason=written(ended, 1.0), plan=plan), None, SEED)
    error = refusal(found)
    assert error is not None
    assert error.seen.startswith("reason: whether it is known alone tells which contracts end with")
    # Of the drawn who stay hardly any has that plan, but of all many: it is not said to be pure.
    assert not any(s.column == "plan" and "all " in s.sentence for s in found.suspects)


@pytest.mark.slow
def test_public_telecom_contracts_are_not_suspected(bench_contracts: Any, tmp_path: Path) -> None:
    experiment = files.load(bench_contracts.EXPERIMENT)
    source = replace(experiment.contracts, url=str(bench_contracts.write(tmp_path / "all.parquet")))
    found = search(contract_rows.load(replace(experiment, contracts=source)), None, SEED)
    assert found.powers[0].value == pytest.approx(0.74, abs=0.005)
    assert found.suspects == ()
