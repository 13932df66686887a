"""Exports in which the first name that fits is wrong, and what is doubtful is said to be."""

import dataclasses
import random
from datetime import datetime, timedelta

import pytest

from features.errors import SourceError
from features.guessing.guess import guess
from features.guessing.template import render
from features.settings import config
from features.sources import load


@pytest.fixture
def export(tmp_path):
    """A CSV of 120 rows, each column from `value(i, day)`, and what is guessed of it."""

    def run(answers=None, mark=",", **columns):
        start = datetime(2023, 1, 24)
        lines = [mark.join(columns)]
        for i in range(120):
            day = start + timedelta(days=4 * i)
            lines.append(mark.join(f"{value(i, day)}" for value in columns.values()))
        path = tmp_path / "export.csv"
        path.write_text("\n".join(lines))
        found = guess(path, answers or (lambda q: {"currency": "EUR"}.get(q.key, q.default)))
        found = dataclasses.replace(
            found, notes=tuple(note for note in found.notes if not note.startswith("Half of"))
        )
        return {role: choice.column for role, choice in found.roles.items()}, found

    return run


def day(i, at):
    return f"{at:%Y-%m-%d}"


def who(i, at):
    return f"c{i % 23}"


def paid(i, at):
    return f"{i % 17 + 3}.25"


def few(i, at):
    return i % 3 + 1


@pytest.mark.parametrize(
    ("columns", "role", "column"),
    [
        ({"total_quantity": few, "price": paid}, "amount", "price"),
        ({"summe_menge": few, "preis": paid}, "amount", "preis"),
        ({"sales_id": lambda i, at: 9000 + i, "net": paid}, "amount", "net"),
        ({"Cena": paid, "Wartość": paid}, "amount", "Wartość"),
        ({"freight_value": paid, "price": paid}, "amount", "price"),
        ({"amount": paid, "user_agent": who, "visitor": who}, "customer_id", "visitor"),
        ({"amount": paid, "is_new_customer": few, "email": who}, "customer_id", "email"),
        (
            {"amount": paid, "Customer Group": lambda i, at: "all", "Customer Email": who},
            "customer_id", "Customer Email",
        ),
        (
            {"amount": paid, "Customer Note": lambda i, at: "", "Billing Email": who},
            "customer_id", "Billing Email",
        ),
        (
            {"amount": paid, "customer_category": few, "customer_email": who},
            "customer_id", "customer_email",
        ),
        ({"amount": paid, "order_item_id": few, "product_id": who}, "product_id", "product_id"),
    ],
)  # fmt: skip
def test_what_a_name_rules_out_is_not_taken(export, columns, role, column):
    columns = {"customer": who, **columns} if role != "customer_id" else columns
    roles, _ = export(date=day, **columns)
    assert roles[role] == column


@pytest.mark.parametrize(
    "columns",
    [{"Accepts Marketing": lambda i, at: ["yes", "no"][i % 2]}, {"discount_pct": few}],
)
def test_a_name_that_speaks_of_something_else_fills_no_optional_role(export, columns):
    roles, found = export(date=day, customer=who, amount=paid, **columns)
    assert set(roles) == {"customer_id", "moment", "amount"}
    assert found.unused == tuple(columns)


def test_an_amount_of_whole_numbers_beside_one_with_fractions_is_doubted(export):
    roles, found = export(date=day, customer=who, amount=few, price=paid)
    assert (roles["amount"], found.roles["amount"].confidence) == ("amount", 0.5)
    (line,) = [line for line in render(found).splitlines() if line.startswith("amount = ")]
    assert line.endswith(" (?)")


def test_no_other_number_stands_in_for_an_amount_that_is_no_number(export):
    with pytest.raises(SourceError, match=r"revenue: '10\.25 EUR' is not a number"):
        export(date=day, customer=who, revenue=lambda i, at: f"{paid(i, at)} EUR", row=few)


@pytest.mark.parametrize("form", ["%y-%m-%d", "%y.%m.%d", "%y/%m/%d"])
def test_two_digits_of_a_year_may_stand_first(export, form):
    _, found = export(date=lambda i, at: f"{at:{form}}", customer=who, amount=paid)
    assert (found.form.moment_format, round(found.span_days)) == (form, 476)


def test_days_and_months_are_told_by_what_fits_more_values(export):
    """Most orders on the first of a month, which is a day of January to the other format."""

    def first(i, at):
        return f"{at.month}/{1 if i % 30 else 28}/{at.year}"

    _, found = export(date=first, customer=who, amount=paid)
    assert (found.form.moment_format, found.notes) == ("%m/%d/%Y", ())
    _, found = export(date=lambda i, at: f"{at:%m}/01/{at:%Y}", customer=who, amount=paid)
    assert found.notes[0] == (
        "'date' does not tell whether its days or its months stand first: '%d/%m/%Y' was taken (?)."
    )


@pytest.mark.parametrize(("mark", "taken"), [(";", ","), ("|", ".")])
def test_what_the_decimal_mark_is_taken_for_is_noted(export, mark, taken):
    """1.234 is a thousand where a file is cut at semicolons, as where a comma is the mark."""
    _, found = export(
        mark=mark, date=day, customer=who, amount=lambda i, at: ["1.234", "12.345", "999"][i % 3]
    )
    assert found.form.decimal == taken
    assert found.notes == (
        f"'amount' does not tell whether its decimal mark is . or ,: {taken!r} was taken (?).",
    )


@pytest.mark.parametrize(
    ("unit", "written"), [("unix_seconds", "{:.6f}"), ("unix_seconds", "{:.0f}")]
)
def test_a_fraction_of_a_second_is_no_digit_of_the_count(export, unit, written):
    _, found = export(
        created=lambda i, at: written.format(at.timestamp()), customer=who, amount=paid
    )
    assert (found.form.moment_format, round(found.span_days)) == (unit, 476)


def test_a_spreadsheets_count_of_days_is_no_count_of_seconds(export):
    with pytest.raises(SourceError, match=r"created: '449.* is not a moment"):
        export(created=lambda i, at: f"{44928 + i}.5763", customer=who, amount=paid)


def test_hundredths_and_rows_that_were_no_orders_are_noted(export):
    _, found = export(
        date=day, customer=who, amount_cents=few,
        order_status=lambda i, at: "cancelled" if i % 20 == 7 else "paid",
    )  # fmt: skip
    assert [note.split(" ")[:3] for note in found.notes] == [
        ["'amount_cents'", "looks", "like"], ["'order_status'", "says", "'cancelled'"],
    ]  # fmt: skip


def test_a_total_that_stands_on_every_line_is_noted(export):
    order = {
        "order_id": lambda i, at: f"o{i // 3}",
        "date": lambda i, at: day(i, at - timedelta(days=4 * (i % 3))),
        "customer": lambda i, at: f"c{i // 3 % 23}",
    }  # fmt: skip
    random.seed(7)
    totals = [random.randint(100, 9999) / 100 for _ in range(40)]
    _, found = export(**order, order_total=lambda i, at: totals[i // 3])
    assert found.notes == (
        "'order_total' is the same on all lines of most orders: if it is the order's total, it "
        "would count once a line. Name the column with the line's amount (?).",
    )
    _, found = export(**order, order_total=lambda i, at: random.randint(100, 9999) / 100)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("every", "count", "told"), [(5, 24, True), (119, 2, True), (120, 1, False)]
)
def test_rows_that_name_no_customer_are_told_and_how_to_leave_them_out(
    export, tmp_path, every, count, told
):
    """Guests: rows 0, `every`, twice that and so on. The user says whether they may be left out."""

    def guest(i, at):
        return ("", "None", "nan")[i % 3] if i % every == 0 else who(i, at)

    _, found = export(customer=guest, date=day, amount=paid)
    noted = [note for note in found.notes if "names nobody" in note]
    assert [f"in {count} of 120 rows, which stops a run" in note for note in noted] == (
        [True] if told else []
    )
    text = render(found, tmp_path)
    followed = text.replace("# [orders.leave_out]\n# ", "[orders.leave_out]\n")
    assert followed != text
    assert all("remove the # from both lines of [orders.leave_out]" in note for note in noted)
    sources = load(config.parse(followed, tmp_path / "orders.toml"))
    assert [(i.left_out, i.rows_rejected, i.rows_kept) for i in sources.ingested] == [
        (count, 0, 120 - count)
    ]
