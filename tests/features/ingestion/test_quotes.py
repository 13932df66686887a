"""Stray quotation marks: none may take rows away without a word."""

import pytest

COUNT = 30_000  # more than DuckDB looks at before it reads
REMEDY = (
    'Remedy: remove the stray quotation mark, or write it twice ("") where it belongs to the text'
)


def _orders(changed=None, count=COUNT):
    """Orders one a line; `changed` gives other lines, by their row."""
    lines = {row: f"c{row},2024-01-01,10" for row in range(1, count + 1)} | (changed or {})
    return "who,when,paid\n" + "".join(f"{line}\n" for line in lines.values())


def _seen(row, begins):
    return (
        "A text in quotation marks must end in the row in which it begins. Seen: orders.csv: one "
        f"in row {row} goes on through the rows after it, and begins {begins!r}. {REMEDY}"
    )


@pytest.mark.parametrize(
    ("text", "row", "begins"),
    [
        # Nothing closes it: the rest of the file would be one malformed line.
        (
            _orders({20_000: '"c20000,2024-01-01,10'}),
            20_000,
            '"c20000,2024-01-01,10\nc20001,2024-01-01,',
        ),
        (
            _orders({20_000: 'c20000,"2024-01-01,10'}),
            20_000,
            'c20000,"2024-01-01,10\nc20001,2024-01-01,',
        ),
        # The next stray mark ends it in the middle of a field.
        (
            _orders({20_000: '"c,2024-01-01,10', 25_000: '"d,2024-01-01,10'}),
            20_000,
            '"c,2024-01-01,10\nc20001,2024-01-01,10\nc2',
        ),
        # It ends where a field may: one line with fields too few.
        (
            _orders({20_000: '"c,2024-01-01,10', 20_100: 'd,2024-01-01,10"'}),
            20_000,
            '"c,2024-01-01,10\nc20001,2024-01-01,10\nc2',
        ),
        # The same with as many fields as there should be: no malformed line at all.
        (
            _orders({20_000: 'c,2024-01-01,"10', 20_100: '10"'}),
            20_000,
            "10\nc20001,2024-01-01,10\nc20002,2024-01-0",
        ),
        # In the head of the file.
        (
            _orders({20: '"c20,2024-01-01,10'}, 100),
            20,
            '"c20,2024-01-01,10\nc21,2024-01-01,10\nc22,20'[:40],
        ),
        # Two in the head: DuckDB has to be told the columns.
        (
            _orders({20: '"c,2024-01-01,10', 15_000: '"d,2024-01-01,10'}),
            20,
            '"c,2024-01-01,10\nc21,2024-01-01,10\nc22,2024-01-01,10'[:40],
        ),
        # The ends of lines differ.
        (
            _orders({1: "c1,2024-01-01,10\r", 20_000: '"c20000,2024-01-01,10'}),
            20_000,
            '"c20000,2024-01-01,10\nc20001,2024-01-01,',
        ),
    ],
    ids=["first", "later field", "two", "pair", "silent pair", "head", "two in the head", "mixed"],
)
def test_a_quotation_mark_that_swallows_rows_stops_the_run(loaded, refusal, text, row, begins):
    assert refusal(loaded, text, head="max_reject_share = 0.5") == _seen(row, begins)


@pytest.mark.parametrize(
    "bad", [(5, 6), (5, 7), (5, 9), (1, 2), (2, 28), (1, 2, 3, 4), (1, 30), (29, 30), (7,)]
)
def test_rows_with_marks_inside_texts_are_set_aside_and_no_other(loaded, rows, rejected, bad):
    lines = {i: f'{i},"plate",2024-01-{i:02},{i}.5' for i in range(1, 31)}
    lines |= {i: f'{i},"12" pan",2024-01-{i:02},{i}.5' for i in bad}
    sources = loaded(
        "who,what,when,paid\n" + "\n".join(lines.values()), head="max_reject_share = 0.5"
    )
    kept = [(f"{i}", i + 0.5) for i in lines if i not in bad]
    assert rows(sources, "orders", "customer_id", "amount") == kept
    assert [(row, value) for _, row, _, value, _ in rejected(sources)] == [
        (i, lines[i]) for i in bad
    ]


@pytest.mark.parametrize(
    ("first", "end"), [('1,"The "Big" box",2024-01-01,10', "\n"), ("1,x,2024-01-01,10", "\r\n")]
)
def test_rows_with_too_many_fields_are_set_aside_whatever_the_head_is_like(
    loaded, rows, rejected, first, end
):
    text = f"who,what,when,paid\n{first}{end}2,x,2024-01-02,1,999.50\n3,y,2024-01-03,30\n"
    sources = loaded(text, head="max_reject_share = 0.9")
    kept = [("1", 10.0), ("3", 30.0)]
    assert rows(sources, "orders", "customer_id", "amount") == kept[end == "\n" :]
    assert rejected(sources)[-1][3] == "2,x,2024-01-02,1,999.50"


def test_a_quotation_mark_in_a_joined_file_stops_the_run_too(loaded, refusal):
    products = "sku,kind\n" + "".join(f"{i},fruit\n" for i in range(1, COUNT))
    joined = '\n[[orders.join]]\nurl = "p.csv"\non = "sku"\ncolumns = ["kind"]'
    text = "25000,fruit\n25001,fruit\n25002,fruit\n25003,fruit"
    for other, begins in (("29000,fruit", f'"{text}'), ('29000",fruit', text)):
        changed = products.replace("\n25000,", '\n"25000,').replace("\n29000,fruit", f"\n{other}")
        found = refusal(
            loaded,
            "who,when,paid,sku\na,2024-01-01,1,1\n",
            columns='category = "kind"' + joined,
            files={"p.csv": changed},
        )
        assert found == _seen(25_000, begins[:40]).replace("orders.csv", "p.csv")


def test_texts_of_several_lines_and_marks_in_their_midst_are_no_stray_marks(loaded, rows, rejected):
    note = "\n".join(["Dear all,", "yes, please, do", "", *["thanks, a lot, bye"] * 12, "Ann"])
    sources = loaded(
        "who,when,paid,note\n"
        'a,2024-01-01,1,"two\nlines"\n'
        f'b,2024-01-02,2,"{note}"\n'
        'c,2024-01-03,3,5" disc\n'
        'd,2024-01-04,4,"say ""so"""\n'
        'e,2024-01-05,5,"two\nlines",more\n',
        head="max_reject_share = 0.5",
    )
    assert rows(sources, "orders", "customer_id") == [("a",), ("b",), ("c",), ("d",)]
    assert rejected(sources) == [
        (
            "orders",
            5,
            "(whole row)",
            'e,2024-01-05,5,"two\nlines",more',
            "the number of fields is wrong",
        )
    ]
