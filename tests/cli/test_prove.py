"""`coterie prove` as a user meets it: what was compared, what leaked, and the exit status."""

import re
from collections.abc import Callable
from pathlib import Path

import ibis
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import coterie

TOWN = 'town = { lens = "geographic", kind = "category" }'
MAILS_AND_PLANS = """
[[events]]
name = "mails"
url = "mails.csv"
[events.columns]
customer_id = "customer"
moment = "date"
kind = "kind"
[[attributes]]
name = "plans"
url = "plans.csv"
customer_id = "customer"
valid_from = "since"
[attributes.columns]
plan = { lens = "firmographic", kind = "category" }
"""
COLUMNS = {"who": "customer", "when": "date", "paid": "amount", "people": TOWN}


@pytest.fixture
def file(tmp_path: Path, experiment_text: Callable[..., str]) -> Path:
    """Nine customers who buy every day of ten, and a town of each."""
    days = [f"c{who},2024-03-{day:02},{day}" for day in range(1, 11) for who in range(9)]
    (tmp_path / "orders.csv").write_text("\n".join(["customer,date,amount", *days]))
    towns = [f"c{who},Bonn" for who in range(9)]
    (tmp_path / "people.csv").write_text("\n".join(["customer,town", *towns]))
    (tmp_path / "shop.toml").write_text(experiment_text(**COLUMNS))
    return tmp_path / "shop.toml"


@pytest.fixture
def apart(file: Path, experiment_text: Callable[..., str]) -> Path:
    """The nine buy on every day of a year, have mails on three days of it, and a plan since the
    year before.
    """
    days = [f"{day:%Y-%m-%d}" for day in pd.date_range("2023-01-01", "2023-12-31")]
    lines = [f"c{who},{day},5" for day in days for who in range(9)]
    file.with_name("orders.csv").write_text("\n".join(["customer,date,amount", *lines]))
    mails = [f"c{who},2023-07-0{day},mail" for day in (1, 2, 3) for who in range(9)]
    file.with_name("mails.csv").write_text("\n".join(["customer,date,kind", *mails]))
    plans = [f"c{who},2022-06-01,gold" for who in range(9)]
    file.with_name("plans.csv").write_text("\n".join(["customer,since,plan", *plans]))
    file.write_text(experiment_text(who="customer", when="date", paid="amount") + MAILS_AND_PLANS)
    return file


def a_day_ahead(real: Callable[..., ibis.Table], **ahead_by: int) -> Callable[..., ibis.Table]:
    """A question to `features.asof` that a day of the future answers too, or as much as is said."""
    interval = ibis.interval(**(ahead_by or {"days": 1}))

    def leaky(table: ibis.Table, spine: ibis.Table) -> ibis.Table:
        ahead = real(table, spine.mutate(as_of=spine.as_of + interval))
        return ahead.mutate(as_of=ahead.as_of - interval)

    return leaky


def prove(file: Path, *words: object) -> Result:
    return CliRunner().invoke(coterie.main, ["prove", str(file), *map(str, words)])


@pytest.mark.slow
def test_it_prints_what_was_compared_and_what_is_taken_as_constant(file: Path) -> None:
    shown = prove(file, "--customers", 5, "--cutoffs", 2)
    assert shown.exit_code == 0, shown.output
    lines = [line.split() for line in shown.output.splitlines()]
    cutoffs = [line for line in lines if line[:1] and line[0].startswith("2024-03-")]
    assert len(cutoffs) == 2
    for day, hour, customers, before, hidden in cutoffs:
        # Each of the five ordered on every day before the cut-off and has a town.
        passed = int(day[-2:]) - 1
        assert (hour, customers) == ("00:00", "5")
        assert (int(before), int(hidden)) == (5 * (passed + 1), 5 * (10 - passed))
    assert ["journey", "3"] in lines
    assert ["geographic", "1"] in lines
    assert (
        "Undated (no valid_from), so taken as constant; the proof says nothing of them:"
        in shown.output
    )
    assert ["town", "9"] in lines
    assert "Compared by event time: no source says when a row arrived." in shown.output
    last = shown.output.splitlines()[-1]
    assert last.startswith("Proved: ")
    assert "features x 10 rows (customer, cut-off) = " in last
    assert last.endswith("values are the same whether the log goes on after the cut-off or not.")


@pytest.mark.slow
def test_it_says_by_which_times_it_compared_and_that_merged_ids_are_taken_as_known(
    file: Path, experiment_text: Callable[..., str]
) -> None:
    orders = file.with_name("orders.csv")
    header, *lines = orders.read_text().splitlines()
    # Half an hour late, and so known on the day itself.
    late = [f"{line},{line.split(',')[1]} 00:30" for line in lines[:9]]
    plain = [f"{line}," for line in lines[9:]]
    orders.write_text("\n".join([f"{header},loaded", *late, *plain]))
    (file.with_name("merged.csv")).write_text("old,new\nc8,c0\n")
    text = experiment_text(**COLUMNS, columns='arrived = "loaded"')
    file.write_text(f'{text}[aliases]\nurl = "merged.csv"\nold = "old"\nnew = "new"\n')
    shown = prove(file, "--cutoffs", 1)
    assert shown.exit_code == 0, shown.output
    # All of the log lies before and after the cut-off: customers c0 to c7, c8's lines are c0's.
    assert " x 8 rows (customer, cut-off) = " in shown.output
    assert (
        "Compared by event time and by time of arrival, which 9 rows have."
        in shown.output.splitlines()
    )
    assert shown.output.splitlines()[-1] == (
        "Merged ids say who a customer is: they are taken as known at every cut-off."
    )


def test_a_leak_is_shown_with_customer_and_both_values_and_ends_with_one(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from features import pieces

    monkeypatch.setattr(pieces, "known", a_day_ahead(pieces.known))
    shown = prove(file, "--as-of", "2024-03-03", "--cutoffs", 1)
    assert shown.exit_code == 1, shown.output
    # Nothing later than Saturday the 2nd is read, so that day is the cut-off and what leaks.
    assert " x 9 rows (customer, cut-off) = " in shown.output
    told = r"\d+ \(of \d+ features\) change with what happens at the cut-off or after\."
    assert re.search(told, shown.output)
    (row,) = [line.split() for line in shown.output.splitlines() if line.startswith("weekend")]
    assert row == ["weekend_share", "occasion", "9", "c0", "2024-03-02", "00:00", "0.5", "0"]
    assert shown.output.splitlines()[-1] == (
        "Do not trust a model that uses these features; the fault is in their lens."
    )


@pytest.mark.parametrize("ahead", [{"microseconds": 1}, {"minutes": 1}])
@pytest.mark.slow
def test_a_leak_of_less_than_a_day_is_seen_where_orders_have_times_of_day(
    file: Path, monkeypatch: pytest.MonkeyPatch, ahead: dict[str, int]
) -> None:
    from features import pieces

    orders = file.with_name("orders.csv")
    header, *lines = orders.read_text().splitlines()
    timed = [f"{who},{day} 10:30:00,{paid}" for who, day, paid in (x.split(",") for x in lines)]
    orders.write_text("\n".join([header, *timed]))
    assert prove(file).exit_code == 0
    monkeypatch.setattr(pieces, "known", a_day_ahead(pieces.known, **ahead))
    shown = prove(file)
    assert shown.exit_code == 1, shown.output
    assert " change with what happens at the cut-off or after." in shown.output


@pytest.mark.slow
def test_a_leak_is_seen_in_a_table_that_is_short_beside_the_orders(
    apart: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from features.lenses import engagement

    monkeypatch.setattr(engagement, "known", a_day_ahead(engagement.known))
    shown = prove(apart, "--cutoffs", 2)
    assert shown.exit_code == 1, shown.output
    (row,) = [line.split() for line in shown.output.splitlines() if line.startswith("events ")]
    # Of the three days of mails the second divides them as evenly as the third, and comes first.
    assert row[1] == "engagement"
    assert row[4] == "2023-07-02"


@pytest.mark.slow
def test_what_no_cut_off_divides_is_named_and_not_counted(apart: Path) -> None:
    shown = prove(apart, "--cutoffs", 2)
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert (
        "Not proved: 1 feature made of attributes with a valid_from, since no cut-off has "
        "attributes with a valid_from both before it and at it or after: attribute_plan. To prove "
        "them, bring attributes with a valid_from of two days or more; where there are, compare "
        "more customers (--customers)."
    ) in lines
    compared = sum(int(words[-1]) for words in map(str.split, lines) if words[:1] and
                   words[0] in ("behavioural", "engagement", "journey", "occasion"))  # fmt: skip
    # Two cut-offs of nine customers, and the mails' own.
    assert lines[-1].startswith(f"Proved: {compared} features x 27 rows (customer, cut-off) = ")


@pytest.mark.slow
def test_a_leak_is_seen_in_attributes_from_before_the_first_order(
    apart: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from features.lenses import attributes

    plans = [f"c{who},2022-06-0{who % 2 + 1},gold" for who in range(9)]
    apart.with_name("plans.csv").write_text("\n".join(["customer,since,plan", *plans]))
    held = prove(apart)
    assert held.exit_code == 0, held.output
    assert "Not proved" not in held.output
    leaky = a_day_ahead(attributes.known_or_undated)
    monkeypatch.setattr(attributes, "known_or_undated", leaky)
    shown = prove(apart)
    assert shown.exit_code == 1, shown.output
    (row,) = [line.split() for line in shown.output.splitlines() if line.startswith("attribute_")]
    # The four who have their plan from the 2nd on.
    assert row == ["attribute_plan", "firmographic", "4", "c1", "2022-06-02", "00:00", "gold",
                   "null"]  # fmt: skip


@pytest.mark.slow
def test_one_slip_does_not_empty_the_proof(file: Path) -> None:
    orders = file.with_name("orders.csv")
    orders.write_text(orders.read_text() + "\nc1,1900-01-01,5\nc2,2199-12-31,5\n")
    shown = prove(file, "--cutoffs", 2)
    assert shown.exit_code == 0, shown.output
    cutoffs = [line for line in shown.output.splitlines() if " 00:00 " in line]
    # Of the eleven days after the first, ten are in March 2024.
    assert [line[:8] for line in cutoffs] == ["2024-03-", "2024-03-"]
    assert "proves little" not in shown.output


@pytest.mark.slow
def test_where_hardly_a_row_lies_before_any_cut_off_nothing_is_proved(file: Path) -> None:
    lines = ["c0,2024-03-01,5", *(f"c{who},2024-03-02,5" for who in range(30))]
    file.with_name("orders.csv").write_text("\n".join(["customer,date,amount", *lines]))
    shown = prove(file)
    assert shown.exit_code == 1, shown.output
    assert shown.output.splitlines()[-2] == (
        "Hardly a row lies before, or hardly one at or after, 2024-03-02 00:00: that proves "
        "little. Look for wrong moments (coterie check), or compare more cut-offs (--cutoffs)."
    )
    last = shown.output.splitlines()[-1]
    assert last.startswith("Nothing proved: ")
    assert last.endswith("are the same, but there is hardly anything to compare.")


def test_what_cannot_be_proved_is_refused_in_words(file: Path) -> None:
    shown = prove(file, "--as-of", "2024-03-02")
    assert shown.exit_code == 2
    assert "A proof needs a cut-off with orders before it and after it." in shown.stderr
    refused = prove(file.with_name("orders.csv"))
    assert refused.exit_code == 2
    assert "An experiment file is TOML." in refused.stderr
