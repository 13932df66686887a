"""Text files in other encodings than UTF-8."""

import codecs
import gc
import gzip
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.ingestion import encoding

POLISH = "who,when,paid\nŹA,2024-01-01,10\nŤA,2024-01-02,2.5\n"
WHO = [("ŹA",), ("ŤA",)]
UNNAMED = "The encoding of a source that is neither UTF-8 nor Windows-1252 must be named. Seen: "
REMEDY = (
    'Remedy: write for instance encoding = "cp1250" beside its url (for `coterie init`: --encoding '
    "cp1250), or save it as UTF-8"
)
NAMED = "A source holds only what is defined in the encoding that is named for it. Seen: "
SAVE = "Remedy: name the encoding that it was written in, or save it as UTF-8"
SOURCES = """
[[orders.join]]
url = "goods.csv"
on = "sku"
columns = ["sort"]
encoding = "cp1250"
[[events]]
name = "mail"
url = "mail.csv"
kind = "mail"
encoding = "cp1251"
[events.columns]
customer_id = "who"
moment = "at"
[aliases]
url = "merged.csv"
old = "was"
new = "is"
encoding = "iso-8859-15"
"""


@pytest.fixture(autouse=True)
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of temporary copies, of which none is left after a test."""
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    gc.collect()  # an error that was caught may hold what it went through
    assert list(folder.glob("*.csv")) == []


@pytest.mark.parametrize(
    "name", ["cp1250", "Windows-1250", "iso-8859-2", "utf-8", "utf-8-sig", "utf-16", "utf-16-be"]
)
def test_a_file_is_read_in_the_encoding_that_is_named(loaded, rows, name):
    sources = loaded(POLISH.encode(name), form=f'encoding = "{name}"')
    assert rows(sources, "orders", "customer_id") == WHO
    assert sources.ingested[0].assumed == ()


def test_signs_of_several_bytes_may_be_cut_anywhere(loaded, rows, monkeypatch):
    text = "who,when,paid\n" + "".join(f"東京{i},2024-01-01,1\n" for i in range(50))
    for size in (1, 7, 64):
        monkeypatch.setattr(encoding, "_BLOCK", size)
        for name in ("shift_jis", "gb18030", "utf-16-le", "iso2022_jp"):
            coded = [codecs.encode(line, name) for line in text.splitlines(keepends=True)]
            found = loaded(b"".join(coded), form=f'encoding = "{name}"\ndelimiter = ","')
            assert rows(found, "orders", "customer_id") == [(f"東京{i}",) for i in range(50)]


def test_a_zipped_file_may_have_any_encoding(loaded, rows):
    zipped = gzip.compress(POLISH.encode("cp1250"))
    sources = loaded(zipped, url="o.csv.gz", form='encoding = "cp1250"')
    assert rows(sources, "orders", "customer_id") == WHO


def test_every_csv_source_has_an_encoding_of_its_own(loaded, rows):
    sources = loaded(
        "who;when;paid;sku\nŤ;2024-01-01;1;ź\n".encode("iso-8859-2"),
        form='encoding = "iso-8859-2"',
        columns='category = "sort"' + SOURCES,
        people='town = { lens = "geographic", kind = "category" }',
        but=('url = "people.csv"', 'url = "people.csv"\nencoding = "cp1253"'),
        files={
            "goods.csv": "sku,sort\nź,Kość\n".encode("cp1250"),
            "mail.csv": "who,at\nЖ,2024-01-01\n".encode("cp1251"),
            "merged.csv": "was,is\nŠ,€\n".encode("iso-8859-15"),
            "people.csv": "who,town\nΩ,Αθήνα\n".encode("cp1253"),
        },
    )
    assert rows(sources, "orders", "customer_id", "category") == [("Ť", "Kość")]
    assert rows(sources, "events", "customer_id") == [("Ж",)]
    assert rows(sources, "attributes", "customer_id", "value") == [("Ω", "Αθήνα")]


@pytest.mark.slow
def test_ids_in_bytes_that_windows_1252_lacks_are_not_merged_but_refused(loaded, refusal):
    assert refusal(loaded, POLISH.encode("cp1250")) == (
        f"{UNNAMED}orders.csv, line 2: bytes 8F. {REMEDY}"
    )
    good = b"who,when,paid\n" + b"a,2024-01-01,1\n" * 200_000
    for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D):
        assert refusal(loaded, good + bytes([byte])) == (
            f"{UNNAMED}orders.csv, line 200002: bytes {byte:02X}. {REMEDY}"
        )


@pytest.mark.parametrize(
    ("name", "text", "seen"),
    [
        (
            "utf-8",
            "who,when,paid\na,2024-01-01,1\nŹ,".encode("cp1250"),
            "line 3: bytes 8F in utf-8",
        ),
        ("shift_jis", b"who,when,paid\n\x83", "line 2: bytes 83 in shift_jis"),
        ("utf-16", b"who,when,paid\n", "line 1: UTF-16 stream does not start with BOM in utf-16"),
        ("iso2022_jp", b"w,when,paid\n\x1b$B\xff", "line 2: bytes FF in iso2022_jp"),
        ("ascii", "who,when,paid\r\nä".encode(), "line 2: bytes C3 in ascii"),
    ],
)
def test_bytes_undefined_in_the_encoding_that_is_named_are_refused(
    loaded, refusal, name, text, seen
):
    assert (
        refusal(loaded, text, form=f'encoding = "{name}"') == f"{NAMED}orders.csv, {seen}. {SAVE}"
    )


def test_a_file_that_ends_in_a_sign_of_windows_1252_is_no_utf_8(loaded, rows):
    sources = loaded(b"when,paid,who\n2024-01-01,1,\xdc")
    assert rows(sources, "orders", "customer_id") == [("Ü",)]


def test_where_windows_1252_is_assumed_a_word_shows_it(loaded):
    text = "who,when,paid,town\na,2024-01-01,1,Bad Gmünd\nb,2024-01-01,1,Köln\n".encode("cp1252")
    assert loaded(text).ingested[0].assumed == (("orders.csv", "Gmünd"),)
    assert loaded(text, form='encoding = "cp1252"').ingested[0].assumed == ()
    assert loaded(text.decode("cp1252")).ingested[0].assumed == ()
    long = b"who,when,paid\n" + b"a" * 3_000 + b"\xfc" * 3_000 + b",2024-01-01,1\n"
    ((_, word),) = loaded(long).ingested[0].assumed
    assert word == "a" * 20 + "ü" * 20


def test_a_joined_file_of_assumed_encoding_is_told_too(loaded):
    join = '\n[[orders.join]]\nurl = "p.csv"\non = "sku"\ncolumns = ["kind"]'
    orders = "who,when,paid,sku\na,2024-01-01,1,x\n"
    sources = loaded(orders, columns=join, files={"p.csv": "sku,kind\nx,Käse\n".encode("cp1252")})
    assert sources.ingested[0].assumed == (("p.csv", "Käse"),)


def test_only_a_csv_file_has_an_encoding(loaded, refusal, table_of):
    assert refusal(loaded, table_of("a"), url="o.parquet", form='encoding = "cp1250"') == (
        "Only a CSV file has an encoding that can be named. "
        "Seen: o.parquet with encoding = 'cp1250'. Remedy: remove encoding"
    )


def test_a_file_that_is_refused_for_its_header_leaves_no_copy(loaded, refusal):
    assert "must exist" in refusal(loaded, POLISH.encode("cp1250").replace(b"who", b"\xb3"),
                                   form='encoding = "cp1250"')  # fmt: skip
    assert "is empty" in refusal(loaded, b"\n\n", form='encoding = "cp1250"')


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "o.csv"
    path.write_bytes(b"\xfc,1\n" * 6_000_000)
    tracemalloc.start()
    try:
        made = encoding.decoded(path, "o.csv", None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12e6
    assert made.path.stat().st_size == 5 * 6_000_000
    made.path.unlink()
