"""Order lines whose amount is the price of one piece times the quantity."""

import pytest

from features.errors import ConfigError, SourceError

PRICED = ('amount = "paid"', 'unit_price = "paid"\nquantity = "n"')


def test_the_amount_is_the_price_times_the_pieces(loaded, rows):
    text = "who,when,n,paid\na,2024-01-01,3,2.5\na,2024-01-02,-1,2.5\nb,2024-01-03,0,9\n"
    sources = loaded(text, but=PRICED)
    assert rows(sources, "orders", "customer_id", "amount", "quantity") == [
        ("a", 7.5, 3.0),
        ("a", -2.5, -1.0),
        ("b", 0.0, 0.0),
    ]


def test_a_line_has_the_amount_that_it_has_when_it_is_written_out(loaded, rows):
    """Decimal commas, currencies and discounts are as beside an amount."""
    parts = {
        "form": 'decimal = ","',
        "head": "rates = { USD = 0.5 }",
        "columns": 'currency = "coin"\ndiscount = "off"',
    }
    priced = "who;when;n;paid;coin;off\na;2024-01-01;4;2,5;usd;3\nb;2024-01-01;1.000;2;EUR;\n"
    written = "who;when;n;paid;coin;off\na;2024-01-01;4;10;usd;3\nb;2024-01-01;1.000;2.000;EUR;\n"
    made = rows(loaded(priced, but=PRICED, **parts), "orders", "amount", "quantity", "discount")
    assert made == [(5.0, 4.0, 1.5), (2000.0, 1000.0, None)]
    parts["columns"] += '\nquantity = "n"'
    assert made == rows(loaded(written, **parts), "orders", "amount", "quantity", "discount")


def test_a_line_without_a_usable_price_or_quantity_is_rejected(loaded, rows, rejected):
    text = (
        "who,when,n,paid\na,2024-01-01,2,5\na,2024-01-02,,5\na,2024-01-03,few,5\n"
        "a,2024-01-04,2,\na,2024-01-05,2,much\na,2024-01-06,1e10,1e10\n"
    )
    sources = loaded(text, but=PRICED, head="max_reject_share = 0.9")
    assert rows(sources, "orders", "amount") == [(10.0,)]
    assert rejected(sources) == [
        ("orders", 2, "n", None, "is empty"),
        ("orders", 3, "n", "few", "is not a number"),
        ("orders", 4, "paid", None, "is empty"),
        ("orders", 5, "paid", "much", "is not a number"),
        ("orders", 6, "paid", "1e10", "is not a price that times 'n' is an amount"),
    ]


def test_a_quantity_that_is_none_throughout_is_refused(loaded):
    with pytest.raises(SourceError) as caught:
        loaded("who,when,n,paid\na,2024-01-01,few,5\n", but=PRICED)
    assert str(caught.value).startswith("orders: column 'n' must hold a number somewhere. Seen: ")


@pytest.mark.parametrize(
    ("columns", "seen"),
    [
        ('amount = "paid"\nunit_price = "price"', "orders.columns.amount = 'paid' and unit_price"),
        ('unit_price = "price"', "unit_price = 'price' and no quantity"),
        ('quantity = "n"', "keys here: customer_id, moment, quantity"),
    ],
    ids=["both", "no quantity", "neither"],
)
def test_a_price_stands_in_place_of_an_amount_beside_a_quantity(loaded, columns, seen):
    with pytest.raises(ConfigError) as caught:
        loaded(but=('amount = "paid"', columns))
    assert f"Seen: {seen}" in str(caught.value)
