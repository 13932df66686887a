import gzip
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import config
from features.errors import SourceError
from features.experiment import Format
from features.guess import Question, guess, render, suggest_horizon
from features.hints import score
from features.sources import load

DAYS = [date(2023, 1, 1) + timedelta(days=5 * i) for i in range(81)]  # 400 days


@pytest.fixture
def write(tmp_path):
    """A file with a header and one row for each of 81 days, from `row(i, day)`."""

    def run(header, row, name="orders.csv", mark=",", encoding="utf-8"):
        lines = [mark.join(header)]
        lines += [mark.join(map(str, row(i, day))) for i, day in enumerate(DAYS)]
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    return run


def columns(found):
    return {role: choice.column for role, choice in found.roles.items()}


def never(question):
    raise AssertionError(f"asked {question.key}")


def answers(**given):
    """Answer these questions, the currency with EUR; the others take their default."""
    return lambda question: ({"currency": "EUR"} | given).get(question.key, question.default)


def loaded(found, folder):
    """The rendered file is a valid experiment, and its source loads without rejects."""
    sources = load(config.parse(render(found, folder), folder / "orders.toml"))
    assert len(sources.rejects) == 0
    return sources


def test_three_columns_are_enough(write, tmp_path):
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


def test_a_german_export(write, tmp_path):
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
    assert found.form == Format("%d.%m.%Y", ";", ",")
    assert found.unused == ("Größe",)
    assert (found.currency, found.horizon_days) == ("EUR", 30)
    amounts = loaded(found, tmp_path).connection.table("orders").amount.max().execute()
    assert amounts == 1080.5


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("%Y-%m-%d", None),
        ("%Y-%m-%d %H:%M:%S", None),
        ("%Y-%m-%dT%H:%M:%SZ", None),
        ("%d/%m/%Y", "%d/%m/%Y"),
        ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M"),
        ("%d.%m.%y", "%d.%m.%y"),
        ("%Y%m%d", "%Y%m%d"),
        ("%Y-%m", "%Y-%m"),
        ("%d-%b-%Y", "%d-%b-%Y"),
        ("%s", "unix_seconds"),
    ],
)
def test_the_format_of_moments_is_found(write, tmp_path, written, form):
    path = write(["client", "date", "total_eur"], lambda i, day: (i % 9, f"{day:{written}}", i))
    found = guess(path)
    assert found.form.moment_format == form
    assert found.currency == "EUR"
    loaded(found, tmp_path)


def test_days_and_months_that_cannot_be_told_apart_are_asked_for(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("customer,date,amount\n1,01/02/2024,5\n2,03/04/2024,6\n")
    asked = []

    def ask(question):
        asked.append(question)
        if question.key == "moment_format":
            return question.choices[-1]
        return answers()(question)

    assert guess(path, ask).form.moment_format == "%m/%d/%Y"
    assert asked[0] == Question(
        "moment_format",
        "Is '03/04/2024' in 'date' day first or month first?",
        ("%d/%m/%Y", "%m/%d/%Y"),
        "%d/%m/%Y",
    )


def test_nameless_columns_are_told_by_their_values(write, tmp_path):
    path = write(["x", "y", "z"], lambda i, day: (f"{i}.25", i % 9, f"{day:%Y%m%d}"), mark="\t")
    found = guess(path, answers())
    assert columns(found) == {"customer_id": "y", "moment": "z", "amount": "x"}
    assert {role.confidence for role in found.roles.values()} == {0.6}
    assert 'amount = "x"  # what was paid for the line; negative: a return (?)' in render(found)
    loaded(found, tmp_path)


def test_two_amounts_are_asked_for(write):
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


def test_the_price_of_one_piece_is_no_amount(write):
    header = ["CustomerID", "InvoiceDate", "InvoiceNo", "StockCode", "Quantity", "UnitPrice"]
    found = guess(
        write(header, lambda i, day: (f"{i % 9}.0", day, i, f"S{i}", 2, f"{i}.5")), answers()
    )
    assert columns(found) == {
        "customer_id": "CustomerID",
        "moment": "InvoiceDate",
        "amount": "UnitPrice",
        "order_id": "InvoiceNo",
        "product_id": "StockCode",
        "quantity": "Quantity",
    }
    assert found.notes == (
        "'UnitPrice' looks like the price of one piece. Price times 'Quantity' is not computed: "
        "add a column with the amount of the line, and name it here.",
    )
    assert f"# NOTE: {found.notes[0]}" in render(found)


def test_the_total_wins_over_the_price_of_one_piece(write):
    header = ["customer", "date", "unit_price", "quantity", "total"]
    found = guess(write(header, lambda i, day: (i % 9, day, f"{i}.5", 2, f"{2 * i}.0")), answers())
    assert found.roles["amount"].column == "total"
    assert "price of one piece" not in " ".join(found.notes)


def test_currencies_of_a_column_are_named(write):
    header = ["customer", "date", "amount", "currency"]
    path = write(header, lambda i, day: (i % 9, day, i, "GBP" if i % 3 else "SEK"))
    found = guess(path, answers())
    assert (found.currency, found.currencies) == ("GBP", ("GBP", "SEK"))
    assert "# rates = { SEK = 1.0 }" in render(found)


def test_a_parquet_file_needs_no_form(tmp_path):
    table = pa.table(
        {"household": [i % 9 for i in range(81)], "day": DAYS, "sales_value": [1.5] * 81}
    )
    pq.write_table(table, tmp_path / "My Orders.parquet")
    found = guess(tmp_path / "My Orders.parquet", answers())
    assert (found.name, found.form) == ("my_orders", Format())
    assert 'url = "My Orders.parquet"' in render(found, tmp_path)
    loaded(found, tmp_path)


def test_the_address_is_absolute_outside_the_folder(write, tmp_path):
    path = write(["customer", "date", "amount"], lambda i, day: (i % 9, day, i))
    found = guess(path, answers())
    assert f'url = "{path.as_posix()}"' in render(found)
    assert f'url = "{path.as_posix()}"' in render(found, tmp_path / "elsewhere")
    assert 'url = "orders.csv"' in render(found, tmp_path)


@pytest.mark.parametrize(
    ("days", "horizon"), [(10, 7), (35, 7), (70, 14), (140, 28), (300, 60), (450, 90), (9999, 365)]
)
def test_five_horizons_fit_into_the_history(days, horizon):
    assert suggest_horizon(days) == horizon


def test_a_short_or_sparse_history_is_noted(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("customer,date,amount_eur\n1,2024-01-01,5\n1,2024-01-21,6\n2,2024-01-03,6\n")
    assert guess(path).notes == (
        "Half of the repeat orders come after 20 days or more, and the history allows for a "
        "horizon of 7 days only: most of those who stay away for the horizon come back.",
        "The history of 20 days is short for any horizon: models may be refused.",
    )


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
            "Remedy: remove the currency sign, so that plain numbers such as 10.50 remain",
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
def test_a_file_that_cannot_be_orders_is_refused(tmp_path, text, expected):
    path = tmp_path / "orders.csv"
    path.write_text(text)
    with pytest.raises(SourceError) as caught:
        guess(path, never)
    assert str(caught.value) == expected


TEXT = "customer,date,amount\n" + "".join(f"{i % 9},{day},{i}.5\n" for i, day in enumerate(DAYS))
ZIPPED = gzip.compress(TEXT.encode(), mtime=0)


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (TEXT.encode(), "Not a gzipped file (b'cu')"),
        (
            ZIPPED[:-20],
            "Compressed file ended before the end-of-stream marker was reached",
        ),
        (
            ZIPPED[:10] + b"\xff" * 20,
            "Error -3 while decompressing data: invalid block type",
        ),
    ],
)
def test_a_broken_zip_is_unreadable(tmp_path, content, seen):
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        guess(path, never)
    assert str(caught.value) == (
        f"A source must be readable. Seen: {path}: {seen}. Remedy: check the export that wrote it"
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [TEXT, TEXT.replace("customer", "Käufer")])
def test_utf_16_without_its_mark_is_refused(tmp_path, encoding, text):
    path = tmp_path / "orders.csv"
    path.write_bytes(text.encode(encoding))
    with pytest.raises(SourceError) as caught:
        guess(path, never)
    assert str(caught.value) == (
        "The text of a source is in UTF-8, Windows-1252, or UTF-16 with its mark. "
        f"Seen: NUL characters in the header of {path}. Remedy: save it as UTF-8"
    )


@pytest.mark.parametrize("name", ["Marke", "Automarke", "merk", "brand_name"])
def test_a_brand_is_told_by_its_name(name):
    assert score("brand", name) >= 0.8


def test_a_store_is_told_by_its_name(write, tmp_path):
    header = ["customer", "date", "amount_eur", "Filiale", "store_credit"]
    found = guess(write(header, lambda i, day: (i % 9, day, i, f"F{i % 3}", i % 2)), answers())
    assert found.roles["store"].column == "Filiale"
    assert found.unused == ("store_credit",)
    assert 'store = "Filiale"  # the shop or branch where it was bought' in render(found)


def test_a_word_inside_another_tells_nothing(write):
    assert score("brand", "Bemerkung") == 0
    header = ["customer", "date", "amount", "Bemerkung"]
    found = guess(
        write(header, lambda i, day: (i % 9, day, i, "gift" if i % 3 else "none yet")), answers()
    )
    assert "brand" not in found.roles
    assert found.unused == ("Bemerkung",)


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
def test_an_answer_that_is_none_is_refused(write, given, expected):
    path = write(["customer", "date", "amount"], lambda i, day: (i % 9, day, i))
    with pytest.raises(SourceError) as caught:
        guess(path, answers(**given))
    assert str(caught.value) == expected
