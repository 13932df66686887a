"""Which column is the amount, and which what was taken off it."""

import pytest

from features.errors import SourceError
from features.guessing.guess import guess
from features.guessing.template import render


def columns(found):
    return {role: choice.column for role, choice in found.roles.items()}


def test_two_amounts_are_asked_for(write, answers):
    path = write(["user", "day", "revenue", "amount"], lambda i, day: (i % 9, day, i, i))
    asked = []

    def ask(question):
        asked.append(question.key)
        return answers(amount="amount")(question)

    assert guess(path, ask).roles["amount"].column == "amount"
    assert asked == ["amount", "currency", "horizon_days"]
    with pytest.raises(SourceError) as caught:
        guess(path, answers(amount="profit"))
    assert str(caught.value) == (
        "amount must be one of the choices. Seen: 'profit'. Remedy: answer one of revenue, amount"
    )


def test_the_price_of_one_piece_is_the_unit_price(write, answers):
    header = ["CustomerID", "InvoiceDate", "InvoiceNo", "StockCode", "Quantity", "UnitPrice"]
    found = guess(
        write(header, lambda i, day: (f"{i % 9}.0", day, i, f"S{i}", 2, f"{i}.5")), answers()
    )
    assert columns(found) == {
        "customer_id": "CustomerID",
        "moment": "InvoiceDate",
        "unit_price": "UnitPrice",
        "order_id": "InvoiceNo",
        "product_id": "StockCode",
        "quantity": "Quantity",
    }
    assert found.notes == (
        "'UnitPrice' looks like the price of one piece. The amount of a line is it times "
        "'Quantity' (?).",
    )
    written = render(found)
    assert f"# NOTE: {found.notes[0]}" in written
    assert '\nunit_price = "UnitPrice"  # what was paid for one piece; times quantity ' in written
    assert "\namount" not in written


def test_pieces_that_came_back_are_no_order(write, answers):
    """A return tells nothing of how long customers wait before they buy again."""
    header = ["customer", "date", "unit_price", "quantity"]
    rows = {pieces: lambda i, day, n=pieces: (1, day, 5, n if i % 2 else 1) for pieces in (1, -1)}
    bought, back = (guess(write(header, rows[n]), answers()) for n in (1, -1))
    assert (bought.median_gap_days, back.median_gap_days) == (5.0, 10.0)


def test_a_rate_is_no_discount(write, answers):
    header = ["customer", "date", "amount", "Discount"]
    found = guess(write(header, lambda i, day: (i % 9, day, i, i % 5 / 5)), answers())
    assert "discount" not in found.roles
    assert found.unused == ("Discount",)
    assert found.notes == (
        "'Discount' lies from 0 to 0.8, where amounts are far larger: it looks like a rate, not "
        "like the amount taken off, and is left out. Add a column with the amount taken off, and "
        "name it as discount (?).",
    )
    assert f"# NOTE: {found.notes[0]}" in render(found)


@pytest.mark.parametrize(
    ("off", "paid"),
    [(lambda i: i % 5 / 2, 1), (lambda i: i % 5 / 5, 0.1), (lambda i: -(i % 5) / 5, 1)],
    ids=["above 1", "of small amounts", "below 0"],
)
def test_an_amount_taken_off_is_a_discount(write, answers, off, paid):
    header = ["customer", "date", "amount", "Discount"]
    found = guess(write(header, lambda i, day: (i % 9, day, i * paid, off(i))), answers())
    assert found.roles["discount"].column == "Discount"
    assert found.notes == ()


def test_the_amount_taken_off_wins_over_the_rate(write, answers):
    header = ["customer", "date", "amount", "discount", "discount_eur"]
    found = guess(write(header, lambda i, day: (i % 9, day, i, i % 5 / 5, i / 5)), answers())
    assert found.roles["discount"].column == "discount_eur"


def test_the_total_wins_over_the_price_of_one_piece(write, answers):
    header = ["customer", "date", "unit_price", "quantity", "total"]
    found = guess(write(header, lambda i, day: (i % 9, day, f"{i}.5", 2, f"{2 * i}.0")), answers())
    assert found.roles["amount"].column == "total"
    assert "price of one piece" not in " ".join(found.notes)
