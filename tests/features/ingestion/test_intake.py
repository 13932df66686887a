import pandas as pd
import pytest

T = pd.Timestamp


def test_duplicate_rows_are_counted_and_kept(loaded):
    sources = loaded("who,when,paid\n" + "a,2024-01-01,1\n" * 3 + "b,2024-01-01,1\n")
    account = sources.ingested[0]
    assert (account.rows_kept, account.duplicates, account.repeats) == (4, 2, 0)


def test_repeated_line_ids_are_dropped(loaded, rows):
    text = (
        "who,when,paid,id\na,2024-01-01,1,x\na,2024-01-01,2,x\na,2024-01-01,3,\na,2024-01-01,4,\n"
    )
    sources = loaded(text, form='line_id = "id"')
    assert rows(sources, "orders", "amount") == [(1.0,), (3.0,), (4.0,)]
    account = sources.ingested[0]
    assert (account.rows_read, account.rows_kept, account.repeats) == (4, 3, 1)


EVENTS = """
[[events]]
name = "mail"
url = "mail.csv"
{literal}
[events.columns]
customer_id = "who"
moment = "at"
{column}
"""


def test_events_have_a_literal_or_a_column_for_their_kind(loaded, rows, rejected):
    mail = "who,at,what,via\n1,2024-01-01,open,phone\nprospect,2024-01-05,,web\n"
    literal = EVENTS.format(literal='kind = "mail"\nchannel = "post"', column="")
    sources = loaded(columns=literal, files={"mail.csv": mail})
    assert rows(sources, "events", "customer_id", "moment", "kind", "channel") == [
        ("1", T("2024-01-01"), "mail", "post"),
        ("prospect", T("2024-01-05"), "mail", "post"),
    ]
    column = EVENTS.format(literal="", column='kind = "what"\nchannel = "via"')
    sources = loaded(columns=column, files={"mail.csv": mail}, head="max_reject_share = 0.5")
    assert rows(sources, "events", "kind", "channel") == [("open", "phone")]
    assert rejected(sources) == [("mail", 2, "what", None, "is empty")]


PEOPLE = """\
town = { lens = "geographic", kind = "category" }
age = { lens = "demographic", kind = "number" }
size = { lens = "firmographic", kind = "ordered", order = ["none", "small", "big"] }
"""
DATED = ('"people.csv"', '"people.csv"\nvalid_from = "since"')


def test_attributes_become_long(loaded, rows, rejected):
    people = "who,town,age,size\na,Rome,41.0,small\nb,NaN,old,huge\nc,N/A,,none\n"
    sources = loaded(people=PEOPLE, files={"people.csv": people})
    assert rows(sources, "attributes", "customer_id", "name", "value", "valid_from") == [
        ("a", "town", "Rome", None),
        ("b", "town", None, None),
        ("c", "town", None, None),
        ("a", "age", "41.0", None),
        ("b", "age", None, None),
        ("c", "age", None, None),
        ("a", "size", "small", None),
        ("b", "size", None, None),
        ("c", "size", "none", None),
    ]
    kept = "; the rest of the row is kept"
    assert rejected(sources) == [
        ("people", 2, "age", "old", f"is not a number{kept}"),
        ("people", 2, "size", "huge", f"is not one of none, small, big{kept}"),
    ]
    assert sources.ingested[1].rows_kept == 3


def test_a_later_row_of_one_customer_and_moment_replaces_the_earlier(loaded, rows):
    people = (
        "who,town,age,size,since\n"
        "a,Rome,1,,2024-01-01\na,Bari,1,,2024-01-01\na,Pisa,1,big,2024-06-01\na,Como,1,,\n"
    )
    sources = loaded(people=PEOPLE, but=DATED, files={"people.csv": people})
    found = rows(sources, "attributes", "name", "value", "valid_from")
    assert [row[1:] for row in found if row[0] == "town"] == [
        ("Bari", T("2024-01-01")),
        ("Pisa", T("2024-06-01")),
        ("Como", None),
    ]
    assert sources.ingested[1].repeats == 1
    assert sources.ingested[1].first == T("2024-01-01")


def test_nothing_at_or_after_as_of_is_kept(loaded, rows, rejected):
    orders = "who,when,paid\na,2024-01-01,1\na,2024-02-01,2\na,2024-03-01,3\n"
    mail = "who,at\na,2024-01-31 23:59:59\na,2024-02-01\n"
    people = "who,town,age,size,since\na,Rome,1,big,2024-02-01\na,Bari,1,big,\n"
    sources = loaded(
        orders,
        columns=EVENTS.format(literal='kind = "mail"', column=""),
        people=PEOPLE,
        but=DATED,
        files={"mail.csv": mail, "people.csv": people},
        as_of=T("2024-02-01 01:00", tz="Europe/Berlin"),
    )
    assert rows(sources, "orders", "amount") == [(1.0,)]
    assert rows(sources, "events", "moment") == [(T("2024-01-31 23:59:59"),)]
    assert {value for (value,) in rows(sources, "attributes", "value")} == {"Bari", "1.0", "big"}
    assert [(a.rows_read, a.rows_kept, a.later) for a in sources.ingested] == [
        (3, 1, 2),
        (2, 1, 1),
        (2, 1, 1),
    ]
    assert (sources.start, sources.end) == (T("2024-01-01"), T("2024-01-01"))
    assert rejected(sources) == []


def test_a_row_is_known_from_when_it_arrived(loaded, rows, rejected):
    orders = (
        "who,when,paid,got\na,2024-01-01,1,\na,2024-01-02,2,2024-01-31\n"
        "a,2024-01-03,3,2024-02-01\na,2024-02-05,4,2024-01-01\na,2024-01-04,5,soon\n"
    )
    mail = "who,at,got\na,2024-01-31,2024-02-02\na,2024-01-31,2024-01-31 12:00\n"
    settings = {
        "columns": 'arrived = "got"'
        + EVENTS.format(literal='kind = "mail"', column='arrived = "got"'),
        "head": "max_reject_share = 0.5",
        "files": {"mail.csv": mail},
    }
    sources = loaded(orders, **settings)
    assert rows(sources, "orders", "amount", "arrived") == [
        (1.0, None), (2.0, T("2024-01-31")), (3.0, T("2024-02-01")), (4.0, T("2024-01-01"))
    ]  # fmt: skip
    # What cannot be read is no "at its moment": that would let the row be known too early.
    assert rejected(sources) == [("orders", 5, "got", "soon", "is not a moment")]
    cut = loaded(orders, **settings, as_of=T("2024-02-01"))
    assert rows(cut, "orders", "amount") == [(1.0,), (2.0,)]
    assert rows(cut, "events", "arrived") == [(T("2024-01-31 12:00"),)]
    assert [(a.rows_read, a.rows_kept, a.rows_rejected, a.later) for a in cut.ingested] == [
        (5, 2, 1, 2),
        (2, 1, 0, 1),
    ]


def test_what_lies_after_today_is_read_only_where_a_later_moment_is_asked_for(
    loaded, rows, refusal
):
    orders = "who,when,paid\na,2024-01-01,1\na,2150-01-01,2\n"
    assert rows(loaded(orders), "orders", "amount") == [(1.0,)]
    assert loaded(orders).ingested[0].later == 1
    assert rows(loaded(orders, as_of=T("2151-01-01")), "orders", "amount") == [(1.0,), (2.0,)]
    said = refusal(loaded, "who,when,paid\na,2150-01-01,2\n")
    assert said.startswith("orders: at least one must have happened by today. Seen: today until 2")
    assert ", first order 2150-01-01 00:00:00. Remedy: correct the moments" in said


def test_an_as_of_before_anything_arrived_is_refused(loaded, refusal):
    orders = "who,when,paid,got\na,2024-01-01,1,2024-03-01\n"
    assert refusal(loaded, orders, columns='arrived = "got"', as_of=T("2024-02-01")) == (
        "as_of must be later than the first order. "
        "Seen: as_of 2024-02-01 00:00:00, first order 2024-03-01 00:00:00. "
        "Remedy: choose a later as_of"
    )


@pytest.mark.parametrize("as_of", ["2024-01-03", "2024-01-06", "2024-02-01", None])
def test_of_repeated_line_ids_the_one_known_first_is_kept_whatever_the_as_of(loaded, rows, as_of):
    # The second was known first, the third happened first but arrived last.
    orders = (
        "who,when,paid,got,id\na,2024-01-05,1,,x\na,2024-01-02,2,,x\na,2024-01-01,3,2024-01-09,x\n"
        "b,2024-01-01,7,,y\nb,2024-01-01,8,,z\n"
    )
    settings = {"form": 'line_id = "id"', "columns": 'arrived = "got"'}
    sources = loaded(orders, **settings, as_of=as_of and T(as_of))
    assert rows(sources, "orders", "amount") == [(2.0,), (7.0,), (8.0,)]


LINES = "who,when,paid,id\na,2024-01-01,1,x\nb,2024-01-02,2,x\n"


def test_more_than_half_of_the_lines_repeated_is_a_line_id_that_names_no_line(loaded, refusal):
    assert loaded(LINES, form='line_id = "id"').ingested[0].repeats == 1
    more = LINES + "c,2024-01-03,3,x\nd,soon,4,x\n"
    settings = {"form": 'line_id = "id"', "head": "max_reject_share = 0.3"}
    assert refusal(loaded, more, **settings) == (
        "orders: at most 50% of the lines may repeat the line_id of another. "
        "Seen: 2 of 3 lines by 'id' (66.7%). "
        "Remedy: name as line_id the column whose value differs from line to line, or leave it "
        "out; if these lines are delivered more than once, raise experiment.max_reject_share"
    )
    settings["head"] = "max_reject_share = 0.7"
    assert loaded(more, **settings).ingested[0].rows_kept == 1


def test_events_whose_line_ids_mostly_repeat_are_refused_too(loaded, refusal):
    columns = EVENTS.format(literal='kind = "mail"\nline_id = "id"', column="")
    mail = "who,at,id\na,2024-01-01,x\na,2024-01-02,x\na,2024-01-03,x\n"
    assert refusal(loaded, columns=columns, files={"mail.csv": mail}).startswith(
        "mail: at most 50% of the lines may repeat the line_id of another. Seen: 2 of 3 lines"
    )
