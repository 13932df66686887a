"""What a column is not taken for, though its name or its values would fit."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.guessing.draft import Guess, Question
from features.guessing.guess import guess
from features.guessing.hints import score, words
from features.guessing.template import render

Found = Callable[..., Guess]
DAYS = [date(2023, 1, 24) + timedelta(days=4 * i) for i in range(120)]


def who(i: int) -> str:
    return f"c{i % 23}"


def paid(i: int) -> str:
    return f"{i % 17 + 3}.25"


def day(i: int) -> str:
    return f"{DAYS[i]}"


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """What is guessed of a CSV of 120 rows, each column from `value(i)`, in EUR."""

    def run(**columns: Callable[[int], Any]) -> Guess:
        lines = [",".join(columns)]
        lines += [",".join(str(value(i)) for value in columns.values()) for i in range(120)]
        path = tmp_path / "sales.csv"
        path.write_text("\n".join(lines))
        return guess(path, lambda question: question.default or "EUR")

    return run


def columns(made: Guess) -> dict[str, str]:
    return {role: choice.column for role, choice in made.roles.items()}


THREE = {"customer": who, "date": day, "amount": paid}


@pytest.mark.parametrize(
    ("others", "role", "column"),
    [
        ({"customer": who, "paid": lambda i: day(i).replace("-", ""), "price": paid},
         "amount", "price"),
        ({"amount": paid, "customer_since": lambda i: day(i // 2), "email": who},
         "customer_id", "email"),
        ({"amount": paid, "member": lambda i: ["yes", "no"][i % 2], "email": who},
         "customer_id", "email"),
        ({"amount": paid, "customer": lambda i: f"Ann {i % 23}", "customer_id": who},
         "customer_id", "customer_id"),
        ({"amount": paid, "Menge": lambda i: i % 3 + 1, "x": who}, "customer_id", "x"),
    ],
    ids=["a date", "a date of a customer", "a switch", "a name", "a quantity"],
)  # fmt: skip
def test_the_column_that_is_meant_is_taken_and_nobody_is_asked(
    found: Found, others: dict[str, Callable[[int], Any]], role: str, column: str
) -> None:
    made = found(date=day, **others)
    assert made.roles[role].column == column
    assert made.roles[role].confidence != 0.5  # that of an answer


@pytest.mark.parametrize("price", ["revenue", "price"])
def test_a_price_with_its_currency_is_refused_whatever_other_number_there_is(
    tmp_path: Path, refused: Callable[[Path], str], price: str
) -> None:
    path = tmp_path / "sales.csv"
    rows = "".join(f"{who(i)},{day(i)},{paid(i)} EUR,{i}\n" for i in range(120))
    path.write_text(f"customer,date,{price},row\n{rows}")
    assert f"{price}: '10.25 EUR' is not a number" in refused(path)


def test_ids_with_digits_do_not_stand_for_an_amount_that_cannot_be_read(found: Found) -> None:
    made = found(x=paid, y=who, z=day)
    assert columns(made) == {"customer_id": "y", "moment": "z", "amount": "x"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("brand", lambda i: ""),
        ("order_shipped_at", day),
        ("order_fee", paid),
        ("quantity", lambda i: f"{i % 3 + 1} pcs"),
        ("category", lambda i: f"k{i}"),
        ("line_id", lambda i: i % 60),
    ],
    ids=["nothing in it", "a moment", "an amount", "no number", "another in each row", "repeated"],
)
def test_a_column_whose_values_speak_against_its_name_is_not_used(
    found: Found, name: str, value: Callable[[int], Any]
) -> None:
    made = found(**THREE, **{name: value})
    assert set(made.roles) == {"customer_id", "moment", "amount"}
    assert made.unused == (name,)


def test_a_price_of_one_piece_is_noted_where_no_column_tells_how_many(found: Found) -> None:
    made = found(customer=who, date=day, unit_price=paid)
    assert made.notes[0].startswith(
        "'unit_price' looks like the price of one piece, and no column tells how many there are"
    )
    assert made.roles["amount"].column == "unit_price"


@pytest.mark.parametrize("products", [20, 19])
@pytest.mark.parametrize("line", [True, False])
def test_a_price_of_one_piece_is_told_by_the_same_product_in_other_quantities(
    found: Found, line: bool, products: int
) -> None:
    """As in a wholesaler's Price beside its Quantity."""

    def pieces(i: int) -> int:
        return i // products % 3 * 4 + 1

    def price(i: int) -> str:
        return f"{(i % products + 2.5) * (pieces(i) if line else 1):.2f}"

    made = found(
        **{"Customer ID": who, "InvoiceDate": day, "Price": price, "Quantity": pieces},
        StockCode=lambda i: f"s{i % products}",
    )
    noted = [note for note in made.notes if "price of one piece" in note]
    assert noted == (not line and products == 20) * [
        "'Price' looks like the price of one piece: it is the same however many pieces of a "
        "product a line has. The amount of a line is it times 'Quantity' (?)."
    ]
    assert ("unit_price" in made.roles) == (not line and products == 20)


def test_an_id_that_each_line_has_of_its_own_is_the_lines(found: Found) -> None:
    made = found(**THREE, line_id=lambda i: i)
    assert made.roles["line_id"].column == "line_id"
    assert 'line_id = "line_id"  # a repeated one is dropped as delivered twice' in render(made)


def test_one_piece_a_line_is_no_rate_of_a_discount(found: Found) -> None:
    made = found(customer=who, date=day, amount=lambda i: i % 17 + 20, quantity=lambda i: 1)
    assert made.roles["quantity"].column == "quantity"
    assert not [note for note in made.notes if "rate" in note]


def test_a_column_of_currencies_without_a_code_tells_none(found: Found) -> None:
    made = found(**THREE, currency=lambda i: "€")
    assert (made.currency, made.currencies) == ("EUR", ("EUR",))


@pytest.mark.parametrize("start", [200_101, 1_700_000_000])
def test_customers_that_could_be_months_or_seconds_are_customers(found: Found, start: int) -> None:
    made = found(id=lambda i: start + i % 12, date=day, amount=paid)
    assert columns(made) == {"customer_id": "id", "moment": "date", "amount": "amount"}


def test_a_name_that_speaks_half_for_a_column_is_a_guess(found: Found) -> None:
    made = found(date=day, amount=paid, email=who)
    assert made.roles["customer_id"].confidence == pytest.approx(0.7)
    lines = render(made).splitlines()
    assert 'customer_id = "email"  # who bought (?)' in lines
    assert 'moment = "date"  # when' in lines


@pytest.mark.parametrize("best", [paid, lambda i: i % 17 + 3], ids=["fractions", "whole numbers"])
def test_an_amount_is_not_doubted_beside_another_of_its_kind(
    found: Found, best: Callable[[int], Any]
) -> None:
    made = found(customer=who, date=day, amount=best, price=best)
    assert (made.roles["amount"].column, made.roles["amount"].confidence) == ("amount", 1.0)


@pytest.mark.parametrize(
    "form",
    [
        "%m-%d-%Y", "%d-%m-%y", "%Y/%m/%d %I:%M %p", "%d %b %Y", "%d %B %Y", "%B %d, %Y",
        "%m/%d/%Y %I:%M:%S %p", "%Y%m%d%H%M%S", "%m/%Y", "%Y%m",
    ],
)  # fmt: skip
def test_a_format_of_moments_is_known(found: Found, form: str) -> None:
    made = found(customer=who, date=lambda i: f'"{DAYS[i]:{form}}"', amount=paid)
    assert made.form.moment_format == form


def test_a_few_moments_that_are_none_do_not_hide_the_format(found: Found) -> None:
    """One in 25; the format is sought with some values, of which one is such."""
    made = found(
        customer=who, date=lambda i: "open" if i % 25 == 10 else f"{DAYS[i]:%d.%m.%Y}", amount=paid
    )
    assert made.form.moment_format == "%d.%m.%Y"


def test_years_that_stand_first_are_not_taken_for_days_of_two_decades(found: Found) -> None:
    made = found(
        customer=who, date=lambda i: f"{DAYS[i]:%y-%m}-{i % 20 + 1:02}", amount=paid
    )  # fmt: skip
    assert made.form.moment_format == "%y-%m-%d"


def test_days_months_and_years_that_cannot_be_told_apart_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    days = [("10/11/12", "11/10/12", "unknown")[0 if i % 40 else 2] for i in range(119)]
    path.write_text("customer,date,amount\n" + "".join(f"c,{d},5\n" for d in [*days, "11/10/12"]))
    asked = []

    def ask(question: Question) -> str:
        asked.append(question)
        return "%y/%m/%d" if question.key == "moment_format" else question.default or "EUR"

    made = guess(path, ask)
    assert asked[0] == Question(
        "moment_format",
        "Is '11/10/12' in 'date' day first, month first or year first?",
        ("%d/%m/%y", "%m/%d/%y", "%y/%m/%d"),
        "%d/%m/%y",
    )
    assert made.form.moment_format == "%y/%m/%d"
    assert made.notes[0] == (
        "'date' does not tell whether its days, months or years stand first: '%y/%m/%d' was taken "
        "(?)."
    )


def test_a_moment_that_can_be_read_in_several_ways_is_noted(found: Found) -> None:
    made = found(customer=who, date=lambda i: ["10.11.12", "11.10.12"][i % 2], amount=paid)
    assert made.notes[0] == (
        "'date' can be read in several ways, for instance as '%y.%m.%d': '%d.%m.%y' was taken (?)."
    )


@pytest.mark.parametrize(
    "name",
    ["payment_type", "card_brand", "ship_class", "Customer Group", "user_type", "delivery_type"],
)
def test_what_sorts_payments_parcels_or_customers_sorts_no_products(
    found: Found, name: str
) -> None:
    assert set(columns(found(**THREE, **{name: lambda i: "AB"[i % 2]}))) == {
        "customer_id", "moment", "amount",
    }  # fmt: skip


def test_a_customer_who_returns_returned_nothing(found: Found) -> None:
    made = found(**THREE, kind=lambda i: ["new", "returning"][i % 2])
    assert not [note for note in made.notes if "leave out" in note]


def test_a_parquet_files_timestamps_are_moments(tmp_path: Path) -> None:
    table = pa.table({
        "customer": [who(i) for i in range(120)], "amount": [1.5] * 120,
        "at": pa.array(DAYS).cast(pa.timestamp("us")),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "sales.parquet")
    made = guess(tmp_path / "sales.parquet", lambda question: question.default or "EUR")
    assert (columns(made)["moment"], made.form.moment_format) == ("at", None)


@pytest.mark.parametrize(("alike", "noted"), [(0.5, False), (0.75, False), (0.85, True)])
def test_an_amount_is_a_total_where_it_is_that_of_four_in_five_orders(
    found: Found, alike: float, noted: bool
) -> None:
    made = found(
        customer=lambda i: who(i // 3), date=lambda i: day(i // 3), order_id=lambda i: i // 3,
        amount=lambda i: i // 3 + 1.25 if i // 3 < 40 * alike else i + 1.25,
    )  # fmt: skip
    assert any("is the same on all lines" in note for note in made.notes) == noted


@pytest.mark.parametrize("together", [True, False])
def test_a_total_is_that_of_one_customers_order(found: Found, together: bool) -> None:
    """Numbers that begin anew with each customer: number 1 of everybody is no order."""
    made = found(
        customer=lambda i: f"c{i // 2 % 6}", date=lambda i: day(i // 2 * 2),
        order_number=lambda i: i // 12 + 1,
        amount=lambda i: (i // 2 if together else i) + 1.25,
    )  # fmt: skip
    assert columns(made)["order_id"] == "order_number"
    assert any("is the same on all lines" in note for note in made.notes) == together


def test_days_between_orders_are_those_of_days_with_an_order(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    days = ["2024-01-01,5", "2024-01-01,6", "2024-01-11,0", "2024-01-31,5"]
    path.write_text("customer,date,amount_eur\n" + "".join(f"1,{day}\n" for day in days))
    assert guess(path).median_gap_days == 15


def test_a_word_is_told_by_its_letters_without_accents_and_by_four_of_them() -> None:
    assert words("Catégorie") == ["categorie"]
    assert score("category", "Catégorie") > 0
    assert score("moment", "orderdate") > 0
    assert score("product_id", "U.P.C.") > 0
    assert score("order_id", "bonus") == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("order_quantity", lambda i: i % 5 + 1),
        ("order_priority", lambda i: "ABCD"[i % 4]),
        ("order_code", lambda i: f"o{i % 46}"),  # each twice beside one customer, half a year apart
        ("order_rebate", lambda i: (4.95, 9, 0)[i % 3]),
    ],
)
def test_what_has_lines_of_several_days_is_no_order(
    found: Found, name: str, value: Callable[[int], Any]
) -> None:
    assert "order_id" not in columns(found(**THREE, **{name: value}))


def test_the_invoice_is_the_order_whatever_else_is_named_after_it(found: Found) -> None:
    made = found(**THREE, order_priority=lambda i: "ABCD"[i % 4], invoice=lambda i: 1000 + i)
    assert columns(made)["order_id"] == "invoice"


@pytest.mark.parametrize("name", ["order_id", "invoice"])
def test_whole_numbers_with_a_point_are_ids_of_orders(found: Found, name: str) -> None:
    made = found(**THREE, **{name: lambda i: f"{1000 + i}.0"})
    assert columns(made)["order_id"] == name


def test_numbers_that_begin_anew_with_each_customer_are_ids_of_orders(found: Found) -> None:
    made = found(
        customer=lambda i: who(i // 3), date=lambda i: day(i // 3 * 3), amount=paid,
        order_number=lambda i: i // 3 // 23 + 1,
    )  # fmt: skip
    assert columns(made)["order_id"] == "order_number"
