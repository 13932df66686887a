from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import SourceError
from features.guessing.guess import guess
from features.guessing.template import render
from features.settings.experiment import Format


def columns(found):
    return {role: choice.column for role, choice in found.roles.items()}


def test_three_columns_are_enough(write, tmp_path, answers, loaded):
    path = write(["customer", "date", "amount"], lambda i, day: (i % 9, day, f"{i}.50"))
    found = guess(path, answers(currency="usd"))
    assert columns(found) == {"customer_id": "customer", "moment": "date", "amount": "amount"}
    assert all(role.confidence >= 0.95 for role in found.roles.values())
    assert (found.name, found.currency, found.horizon_days) == ("orders", "USD", 60)
    assert (found.rows, found.customers, found.span_days) == (81, 9, 400)
    assert found.median_gap_days == 45
    assert found.form == Format(None, ",", ".")
    assert found.notes == ()
    sources = loaded(found, tmp_path)
    assert sources.ingested[0].rows_kept == 81


def test_a_german_export(write, tmp_path, answers, loaded):
    header = ["Kundennr", "Bestelldatum", "Umsatz €", "Rechnungsnummer", "Warengruppe", "Größe"]
    path = write(
        header,
        lambda i, day: (f"K{i % 9}", f"{day:%d.%m.%Y}", f"1.0{i:02},5", i, "Käse", "XL"),
        mark=";",
        encoding="cp1252",
    )
    found = guess(path, answers(horizon_days="30"))
    assert columns(found) == {
        "customer_id": "Kundennr",
        "moment": "Bestelldatum",
        "amount": "Umsatz €",
        "order_id": "Rechnungsnummer",
        "category": "Warengruppe",
    }
    assert found.form == Format("%d.%m.%Y", ";", ",", "cp1252")
    assert 'encoding = "cp1252"  # correct it if letters look wrong\n' in render(found)
    assert found.unused == ("Größe",)
    assert (found.currency, found.horizon_days) == ("EUR", 30)
    amounts = loaded(found, tmp_path).connection.table("orders").amount.max().execute()
    assert amounts == 1080.5


def polish(i, day):
    return f"{'ŁŚŹŤ'[i % 4]}aska {i % 9}", f"{day:%Y-%m-%d}", f"{i}.5"


def test_whose_letters_look_wrong_in_windows_1252_can_say_what_it_is(
    write, tmp_path, answers, loaded
):
    path = write(
        ["customer", "date", "amount"],
        lambda i, day: (f"{'ŁÓŁŁ'[i % 4]}aska {i % 9}", f"{day:%Y-%m-%d}", f"{i}.5"),
        encoding="cp1250",
    )
    asked = []

    def ask(question):
        asked.append(question)
        return answers(encoding="cp1250")(question)

    found = guess(path, ask)
    assert asked[0].text == (
        "orders.csv is not UTF-8. Read as Windows-1252 it says '£aska'; if that is wrong, in which "
        "encoding is it? (cp1250, iso-8859-2, ...)"
    )
    assert found.form.encoding == "cp1250"
    who = loaded(found, tmp_path).connection.table("orders").customer_id.min().execute()
    assert who == "Óaska 0"
    with pytest.raises(SourceError) as caught:
        guess(path, answers(encoding="hex"))
    assert str(caught.value) == (
        "encoding must be the name of a text encoding. Seen: 'hex'. Remedy: answer for instance "
        "utf-8, cp1250 or iso-8859-2"
    )


def test_bytes_undefined_in_windows_1252_need_the_name_of_their_encoding(
    write, tmp_path, answers, loaded, refused
):
    path = write(["customer", "date", "amount"], polish, encoding="cp1250")
    assert refused(path) == (
        "The encoding of a source that is neither UTF-8 nor Windows-1252 must be named. "
        f"Seen: {path}, line 4: bytes 8F. "
        'Remedy: write for instance encoding = "cp1250" beside its url (for `coterie init`: '
        "--encoding cp1250), or save it as UTF-8"
    )
    found = guess(path, answers(), "cp1250")
    assert 'encoding = "cp1250"  # correct it if letters look wrong\n' in render(found)
    assert found.customers == 36
    loaded(found, tmp_path)


def test_nameless_columns_are_told_by_their_values(write, tmp_path, answers, loaded):
    path = write(["x", "y", "z"], lambda i, day: (f"{i}.25", i % 9, f"{day:%Y%m%d}"), mark="\t")
    found = guess(path, answers())
    assert columns(found) == {"customer_id": "y", "moment": "z", "amount": "x"}
    assert {role.confidence for role in found.roles.values()} == {0.6}
    assert 'amount = "x"  # what was paid for the line; negative: a return (?)' in render(found)
    loaded(found, tmp_path)


def test_a_return_is_no_repeat_order(tmp_path, answers):
    path = tmp_path / "orders.csv"
    rows = ["2024-01-01,5", "2024-01-08,-5", "2024-01-31,6", "2024-02-02,-6", "2024-03-01,0"]
    path.write_text("customer,date,amount\n" + "".join(f"1,{row}\n" for row in rows))
    found = guess(path, answers())
    assert found.median_gap_days == 30
    assert "# half of the repeat orders come within 30 days" in render(found)


def test_currencies_of_a_column_are_named(write, answers):
    header = ["customer", "date", "amount", "currency"]
    path = write(header, lambda i, day: (i % 9, day, i, "GBP" if i % 3 else "SEK"))
    found = guess(path, answers())
    assert (found.currency, found.currencies) == ("GBP", ("GBP", "SEK"))
    assert "# rates = { SEK = 1.0 }" in render(found)


def test_the_address_is_absolute_outside_the_folder(write, tmp_path, answers):
    path = write(["customer", "date", "amount"], lambda i, day: (i % 9, day, i))
    found = guess(path, answers())
    assert f'url = "{path.as_posix()}"' in render(found)
    assert f'url = "{path.as_posix()}"' in render(found, tmp_path / "elsewhere")
    assert 'url = "orders.csv"' in render(found, tmp_path)


def test_a_slip_of_a_date_makes_no_history(tmp_path, answers):
    days = [f"{date(2023, 1, 1) + timedelta(days=i)}" for i in range(300)]
    path = tmp_path / "orders.csv"
    rows = [f"{i % 9},{day},5" for i, day in enumerate([*days, "1900-01-01"])]
    path.write_text("\n".join(["customer,date,amount", *rows]))
    found = guess(path, answers())
    assert (found.rows, found.span_days, found.horizon_days) == (301, 299, 30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "customer,amount\n1,5\n",
            "One column must hold a moment. Seen: none among customer, amount. "
            "Remedy: add it to the file, or write the experiment file by hand",
        ),
        (
            "customer,date,note\n1,2024-01-01,x\n",
            "One column must hold an amount. Seen: none among customer, date, note. "
            "Remedy: add it to the file, or write the experiment file by hand",
        ),
        (
            "customer,date,paid_at,amount\n1,2024-01-01,2024-01-01,7\n1,2024-01-02,2024-01-01,$10.50\n",
            "One column must hold an amount. Seen: amount: '$10.50' is not a number. "
            "Remedy: write all of them in one way, without a currency sign, such as 10.50",
        ),
        (
            "customer,date,amount\n1,2024-01-01,\n",
            "One column must hold an amount. Seen: amount: no value at all. "
            "Remedy: fill it in the export",
        ),
        (
            "customer,date,amount\n1,31.12.2023,5\n1,last May,6\n",
            "One column must hold a moment. Seen: date: 'last May' is not a moment. "
            "Remedy: write all moments in one format, such as 2024-12-31",
        ),
        (
            "date,amount\n2024-01-01,1\n",
            "One column must hold a customer. Seen: none among date, amount. "
            "Remedy: add it to the file, or write the experiment file by hand",
        ),
        (
            "customer,date,amount\n",
            "A source has a header and rows. Seen: orders.csv has a header and no rows. "
            "Remedy: check the export that wrote it",
        ),
    ],
)
def test_a_file_that_cannot_be_orders_is_refused(tmp_path, text, expected, refused):
    path = tmp_path / "orders.csv"
    path.write_text(text)
    assert refused(path) == expected


UNNEST = "bring the field of it that is meant as a column of its own, or as a view's"


@pytest.mark.parametrize(
    ("columns", "seen"),
    [
        ({"amount": pa.array([{"gross": 1.5}])}, "an amount. Seen: amount is struct(gross double)"),
        (
            {
                "order": pa.array(
                    [{"cart": "x", "total_of_all_lines": 1.5, "total_of_returns": 1.5}]
                )
            },
            "an amount. Seen: none among customer, date, order, which is "
            "struct(cart varchar, total_of_all_lines double, total_of_...",
        ),
        ({"amount": pa.array([[1.5]])}, "an amount. Seen: amount is double[]"),
    ],
)
def test_a_column_of_several_values_is_told_as_such(tmp_path, refused, columns, seen):
    path = tmp_path / "orders.parquet"
    pq.write_table(pa.table({"customer": ["a"], "date": ["2024-01-01"], **columns}), path)
    assert refused(path) == f"One column must hold {seen}. Remedy: {UNNEST}"


def test_the_status_of_an_order_is_not_its_id(tmp_path, answers):
    path = tmp_path / "sales.csv"
    rows = [f"c{i % 90},2024-01-{1 + i % 28:02},{i},{'Cancelled' if i % 3 else 'Completed'}"
            for i in range(300)]  # fmt: skip
    path.write_text("\n".join(["Customer ID,Purchase Date,Total Price,Order Status", *rows]))
    found = guess(path, answers(currency="EUR"))
    assert set(found.roles) == {"customer_id", "moment", "amount"}


@pytest.mark.parametrize(
    ("named", "amount"),
    [
        ("Add-on Total,Total Price", "Total Price"),
        ("Einzelpreis,Gesamtpreis", "Gesamtpreis"),
        ("price,line_total", "line_total"),
        ("list_price,price", "price"),
        ("total_tax,total", "total"),
    ],
)
def test_what_was_paid_in_all_is_the_amount(tmp_path, answers, named, amount):
    path = tmp_path / "sales.csv"
    rows = [f"c{i % 90},2024-01-{1 + i % 28:02},{i % 7}.5,{i % 11}.25" for i in range(300)]
    path.write_text("\n".join([f"Customer ID,Purchase Date,{named}", *rows]))
    assert guess(path, answers(currency="EUR")).roles["amount"].column == amount


def test_a_column_of_several_values_is_not_used(tmp_path, answers):
    path = tmp_path / "orders.parquet"
    row = {"date": "2024-01-01", "amount": 1.5, "client": {"id": 1}, "brand": ["x"], "who": "a"}
    pq.write_table(pa.Table.from_pylist([row]), path)
    found = guess(path, answers())
    assert columns(found) == {"customer_id": "who", "moment": "date", "amount": "amount"}
    assert found.unused == ("client", "brand")


@pytest.mark.parametrize(
    ("row", "seen"),
    [
        ("c17,2023-10-19,12.50", "'2023-10-19' stands there for a column of moments"),
        ("c17,19.10.2023 10:30,12.50", "'19.10.2023 10:30' stands there for a column of moments"),
    ],
)
def test_a_file_without_names_of_columns_is_refused(tmp_path, refused, row, seen):
    path = tmp_path / "orders.csv"
    moment = row.split(",")[1].replace("date", "2024-01-01")
    path.write_text(row + "\n" + "".join(f"c{i},{moment},{i}.5\n" for i in range(20)))
    assert refused(path) == (
        f"The first line of a source names its columns. Seen: {seen}, as a row of it would. "
        "Remedy: write a line with the columns' names above the rows, such as customer,date,amount"
    )


def test_a_number_as_the_name_of_a_column_is_a_name(write, answers):
    path = write(["customer", "date", "2024"], lambda i, day: (i % 9, day, i + 0.5))
    assert columns(guess(path, answers()))["amount"] == "2024"


def test_a_year_as_the_name_of_an_unused_column_is_a_name(write, answers):
    path = write(["customer", "date", "amount", "2023"], lambda i, day: (i % 9, day, i, i))
    assert guess(path, answers()).unused == ("2023",)


def test_a_folder_of_parquet_is_described_like_a_file(tmp_path, answers, loaded):
    for year in (2023, 2024):
        folder = tmp_path / "My orders" / f"year={year}"
        folder.mkdir(parents=True)
        row = {"customer": "a", "date": f"{year}-01-01", "amount": 1.5}
        pq.write_table(pa.Table.from_pylist([row]), folder / "1.parquet")
    found = guess(tmp_path / "My orders", answers())
    assert (found.name, found.rows, found.unused) == ("my_orders", 2, ("year",))
    assert 'url = "My orders"' in render(found, tmp_path)
    assert loaded(found, tmp_path).ingested[0].rows_kept == 2


def test_a_currency_that_nobody_tells_is_not_made_up(write):
    path = write(["customer", "date", "amount"], lambda i, day: (i % 9, day, i))
    with pytest.raises(SourceError) as caught:
        guess(path)
    assert str(caught.value) == (
        "The currency of the amounts must be known. Seen: nothing in orders.csv tells it. "
        "Remedy: give it, for instance: coterie init FILE --currency EUR"
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"currency": "euros"},
            "A currency is a three-letter code. Seen: 'EUROS'. "
            "Remedy: answer for instance USD or EUR",
        ),
        (
            {"horizon_days": "a month"},
            "A horizon is a whole number of days, at least 1. Seen: 'a month'. Remedy: answer 30",
        ),
    ],
)
def test_an_answer_that_is_none_is_refused(write, given, expected, answers):
    path = write(["customer", "date", "amount"], lambda i, day: (i % 9, day, i))
    with pytest.raises(SourceError) as caught:
        guess(path, answers(**given))
    assert str(caught.value) == expected
