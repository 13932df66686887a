import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.guessing.draft import Question
from features.guessing.guess import guess
from features.guessing.template import render
from features.settings.experiment import Format


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
def test_the_format_of_moments_is_found(write, tmp_path, written, form, loaded):
    path = write(["client", "date", "total_eur"], lambda i, day: (i % 9, f"{day:{written}}", i))
    found = guess(path)
    assert found.form.moment_format == form
    assert found.currency == "EUR"
    loaded(found, tmp_path)


def test_days_and_months_that_cannot_be_told_apart_are_asked_for(tmp_path, answers):
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


def test_a_parquet_file_needs_no_form(tmp_path, order_days, answers, loaded):
    table = pa.table(
        {"household": [i % 9 for i in range(81)], "day": order_days, "sales_value": [1.5] * 81}
    )
    pq.write_table(table, tmp_path / "My Orders.parquet")
    found = guess(tmp_path / "My Orders.parquet", answers())
    assert (found.name, found.form) == ("my_orders", Format())
    assert 'url = "My Orders.parquet"' in render(found, tmp_path)
    loaded(found, tmp_path)


TEXT = "customer,date,amount\n" + "".join(
    f"{i % 9},2023-01-{i % 28 + 1:02},{i}.5\n" for i in range(81)
)
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
def test_a_broken_zip_is_unreadable(tmp_path, content, seen, refused):
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(content)
    assert refused(path) == (
        f"A source must be readable. Seen: {path}: {seen}. Remedy: check the export that wrote it"
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [TEXT, TEXT.replace("customer", "Käufer")])
def test_utf_16_without_its_mark_is_refused(tmp_path, encoding, text, refused):
    path = tmp_path / "orders.csv"
    path.write_bytes(text.encode(encoding))
    assert refused(path) == (
        "The text of a source is in UTF-8, Windows-1252, or UTF-16 with its mark, unless its "
        f"encoding is named. Seen: NUL characters in the header of {path}. "
        'Remedy: save it as UTF-8, or write for instance encoding = "utf-16-le"'
    )
