"""Rows that the experiment file leaves out on purpose."""

import pandas as pd
import pyarrow as pa
import pytest

ORDERS = (
    "who,when,paid,sku\na,2024-01-01,1,POST\nb,2024-01-02,2, POST \nc,2024-01-03,3,post\n"
    ",2024-01-04,4,x\n n/a,2024-01-05,5,x\nd,someday,6,x\nPOST,2024-01-07,7,\n"
)


def out(**columns):
    listed = ", ".join(f"{name} = {list(values)}" for name, values in columns.items())
    return f"leave_out = {{ {listed} }}".replace("'", '"')


@pytest.mark.parametrize(
    ("named", "gone", "kept"),
    [
        ({"sku": ["POST"]}, 2, [3.0, 7.0]),  # as it is written, but for white space around it
        ({"sku": [" POST"]}, 2, [3.0, 7.0]),
        ({"who": [""]}, 2, [1.0, 2.0, 3.0, 7.0]),  # nothing there, in whatever words
        ({"sku": ["x", ""]}, 4, [1.0, 2.0, 3.0]),
        ({"sku": ["POST"], "who": ["c", ""]}, 5, [7.0]),
        ({"who": ["n/a"]}, 1, [1.0, 2.0, 3.0, 7.0]),
    ],
)
def test_rows_with_a_value_are_left_out(loaded, rows, named, gone, kept):
    sources = loaded(ORDERS, form=out(**named), head="max_reject_share = 0.9")
    assert [amount for (amount,) in rows(sources, "orders", "amount")] == kept
    (account,) = sources.ingested
    assert (account.rows_read, account.left_out, account.unmatched) == (7, gone, ())
    assert account.rows_rejected == 7 - gone - len(kept)
    assert account.repeats == 0


def test_what_is_left_keeps_its_row_and_is_judged_alone(loaded, rejected, refusal):
    """Of five rows one is unusable: more than the sixth part, which it is of all seven."""
    read = {"form": out(who=[""]), "head": "max_reject_share = 0.19"}
    assert refusal(loaded, ORDERS, **read).startswith(
        "orders: at most 19.00% of the rows may be unusable. Seen: 1 of 5 rows (20.00%): when is "
        "not a moment (1)."
    )
    sources = loaded(ORDERS, form=out(who=[""]), head="max_reject_share = 0.2")
    assert rejected(sources) == [("orders", 6, "when", "someday", "is not a moment")]


def test_rows_that_name_nobody_are_refused_with_the_way_to_leave_them_out(loaded, refusal):
    assert refusal(loaded, ORDERS) == (
        "orders: at most 1.00% of the rows may be unusable. Seen: 3 of 7 rows (42.86%): who is "
        "empty (2); when is not a moment (1). Remedy: correct the rows or the column names, leave "
        'those that name nobody out, if they are guests (the section leave_out: "who" = [""]), or '
        "raise experiment.max_reject_share"
    )
    unpaid = "who,when,paid\na,2024-01-01,\nb,2024-01-01,2\n"
    assert "leave" not in refusal(loaded, unpaid)
    merged = {"merged.csv": "old,new\n1,2\n3,\n"}
    aliases = '[aliases]\nurl = "merged.csv"\nold = "old"\nnew = "new"'
    assert "leave" not in refusal(loaded, columns=aliases, files=merged)


@pytest.mark.parametrize("nobody", ["", "  ", "None", "\t", "NaN", "\u00a0"])
def test_who_names_nobody_is_left_out_whatever_stands_there(loaded, nobody):
    """As in `cleaning.identifier`: what is rejected as no customer can be left out by name."""
    text = f'who,when,paid\n"{nobody}",2024-01-01,1\na,2024-01-01,2\n'
    (account,) = loaded(text, form=out(who=[""])).ingested
    assert (account.left_out, account.rows_kept, account.unmatched) == (1, 1, ())


def test_values_are_compared_as_ids_are(loaded):
    ids = ("\tT-1 ", "12.0", "cafe\u0301", "a")
    text = "who,when,paid\n" + "".join(f"{who},2024-01-01,1\n" for who in ids)
    (account,) = loaded(text, form=out(who=["T-1", "12", "caf\u00e9"])).ingested
    assert (account.left_out, account.rows_kept, account.unmatched) == (3, 1, ())


def test_ids_that_are_near_are_told_apart(loaded):
    ids = [928000000000001234 + i for i in range(4)]
    table = pa.table({"who": ids, "when": ["2024-01-01"] * 4, "paid": [1.0] * 4})
    (account,) = loaded(table, url="o.parquet", form=out(who=[str(ids[1])])).ingested
    assert (account.left_out, account.rows_kept, account.unmatched) == (1, 3, ())
    # an id that is none, as another stands for the same number, is a reject and not a guest's
    table = pa.table({"who": [1.0, None, 1e16], "when": ["2024-01-01"] * 3, "paid": [1.0] * 3})
    (account,) = loaded(table, url="o.parquet", form=out(who=[""]),
                        head="max_reject_share = 0.9").ingested  # fmt: skip
    assert (account.left_out, account.rows_rejected, account.rows_kept) == (1, 1, 1)


def test_thousands_of_values_are_as_good_as_one(loaded):
    named = [f"t{i}" for i in range(5_000)]
    (account,) = loaded(ORDERS, form=out(who=[*named, "a"]), head="max_reject_share = 0.9").ingested
    assert account.left_out == 1
    assert account.unmatched == tuple(("who", value) for value in named)
    (account,) = loaded(ORDERS, form='leave_out = { who = "a\\u0000" }',
                        head="max_reject_share = 0.9").ingested  # fmt: skip
    assert account.unmatched == (("who", "a\0"),)


def test_equal_rows_are_counted_of_what_is_left(loaded):
    text = "who,when,paid\na,2024-01-01,1\na,2024-01-01,1\nt,2024-01-01,1\nt,2024-01-01,1\n"
    (account,) = loaded(text, form=out(who=["t"])).ingested
    assert (account.duplicates, account.left_out, account.rows_kept) == (1, 2, 2)


@pytest.mark.parametrize(
    ("dtype", "value", "named"),
    [
        (pa.int64(), 17, "17"), (pa.float64(), 17.0, "17"), (pa.string(), "17", "17"),
        (pa.bool_(), True, "true"), (pa.date32(), 17, "1970-01-18"), (pa.float64(), 1.5, "1.5"),
        (pa.dictionary(pa.int8(), pa.string()), "17", "17"), (pa.decimal128(9, 2), 17, "17"),
        (pa.decimal128(9, 2), 0, "0.00"), (pa.float64(), -0.0, "0"),
        (pa.uint64(), 2**63, str(2**63)), (pa.float32(), 19.99, "19.99"), (pa.int64(), 17, "17.0"),
    ],
)  # fmt: skip
def test_a_value_is_written_as_text_whatever_its_type(loaded, table_of, dtype, value, named):
    mine = table_of("a", mark=None).set_column(3, "mark", pa.array([None], dtype))
    other = table_of("b").append_column("mark", pa.array([value], dtype))
    table = pa.concat_tables([mine, other], promote_options="permissive")
    (account,) = loaded(table, url="o.parquet", form=out(mark=[named])).ingested
    assert (account.left_out, account.rows_kept, account.unmatched) == (1, 1, ())
    (account,) = loaded(table, url="o.parquet", form=out(mark=["", "18"])).ingested
    assert (account.left_out, account.rows_kept, account.unmatched) == (1, 1, (("mark", "18"),))


def test_a_joined_column_leaves_out_too(loaded, rows):
    join = '[[orders.join]]\nurl = "kinds.csv"\non = "sku"\ncolumns = ["kind"]'
    text = "who,when,paid,sku\na,2024-01-01,1,x\na,2024-01-02,2,y\na,2024-01-03,3,z\n"
    files = {"kinds.csv": "sku,kind\nx,fee\ny,goods\n"}
    for named, kept in ((["fee"], [2.0, 3.0]), ([""], [1.0, 2.0])):
        sources = loaded(text, form=out(kind=named), columns=join, files=files)
        assert [amount for (amount,) in rows(sources, "orders", "amount")] == kept


def test_events_and_attributes_leave_out_rows_of_their_own(loaded, rows):
    section = (
        '[[events]]\nname = "mail"\nurl = "mail.csv"\nkind = "open"\n'
        'leave_out = { robot = "yes" }\n[events.columns]\ncustomer_id = "who"\nmoment = "at"\n'
        '[[attributes]]\nname = "people"\nurl = "people.csv"\ncustomer_id = "who"\n'
        'leave_out = { who = "b" }\n[attributes.columns]\n'
        'home = { lens = "geographic", kind = "category" }\n'
    )
    files = {
        "mail.csv": "who,at,robot\na,2024-01-01,yes\na,2024-01-02,no\n",
        "people.csv": "who,home\na,x\nb,y\n",
    }
    sources = loaded(columns=section, files=files)
    assert rows(sources, "events", "moment") == [(pd.Timestamp("2024-01-02"),)]
    assert rows(sources, "attributes", "customer_id", "value") == [("a", "x")]
    assert [account.left_out for account in sources.ingested] == [0, 1, 1]


def test_a_value_that_no_row_has_is_named(loaded):
    (account,) = loaded(ORDERS, form=out(sku=["POST", "Post"], who=["zz"]),
                        head="max_reject_share = 0.9").ingested  # fmt: skip
    assert account.unmatched == (("sku", "Post"), ("who", "zz"))


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"skuu": ["x"]}, "orders: column 'skuu' must exist in orders.csv. Seen: the columns who, "
                          "when, paid, sku. Remedy: did you mean 'sku'?"),
        ({"paid": [*"1234567"]}, "orders: leave_out must leave a row. Seen: all 7 rows of "
                                 "orders.csv left out. Remedy: name fewer values"),
    ],
)  # fmt: skip
def test_what_cannot_be_left_out_is_refused(loaded, refusal, named, words):
    assert refusal(loaded, ORDERS, form=out(**named)) == words
