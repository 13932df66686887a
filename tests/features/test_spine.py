"""Who there is at a moment, and the draw of some of them."""

import pandas as pd
import pytest

from features.spine import Draw, customers_known, draw, everyone

T = pd.Timestamp
JUNE, JULY = T("2024-06-01"), T("2024-07-01")
MAY, AUGUST = T("2024-05-01"), T("2024-08-01")


@pytest.fixture(scope="module")
def log(shop):
    line, event, attribute = shop.line, shop.event, shop.attribute
    return shop.log(
        [line("2024-05-22", 10), line("2024-06-01", 20), line("2024-06-11", 5),
         line("2024-06-21", 8, "b"), line("2024-08-01", 9, "late")],
        [event("2024-05-02", "mail", "met"), event("2024-06-01", "mail", "edge")],
        [attribute("home", "Bonn", who="only an attribute"), attribute("home", "Köln")],
    )  # fmt: skip


@pytest.fixture(scope="module")
def crowd(shop):
    """300 customers met in April, of whom 200 bought, one after another, in 200 days from May on;
    20 more of whom an attribute alone is known.
    """
    bought = [shop.line(MAY + pd.Timedelta(days=i), 10, f"c{i}") for i in range(200)]
    met = [shop.event("2024-04-15", "mail", f"c{i}") for i in range(300)]
    listed = [shop.attribute("home", "Bonn", who=f"listed {i}") for i in range(20)]
    return shop.log(bought, met, listed)


def rows(spine) -> list[tuple]:
    return [tuple(row.values()) for row in spine.to_pylist()]


def test_everyone_with_an_order_line_or_an_event_before_a_cut_off_is_known(log):
    spine = customers_known(log.connect(), [JULY, JUNE])
    assert rows(spine) == [
        ("a", JUNE),
        ("met", JUNE),
        ("a", JULY),
        ("b", JULY),
        ("edge", JULY),
        ("met", JULY),
    ]


def test_where_rows_arrive_late_a_customer_is_known_from_the_first_arrival_on(shop):
    line = shop.line
    backend = shop.log([
        line("2024-05-22", 10, arrived=T("2024-06-20")),
        line("2024-05-30", 10, arrived=T("2024-06-02")),
        line("2024-05-30", 10, "b", arrived=T("2024-05-01")),
        line("2024-06-30", 10, "c"),
    ], []).connect()  # fmt: skip
    known = customers_known(backend, [JUNE, T("2024-06-02"), T("2024-06-03"), JULY])
    assert rows(known) == [
        ("b", JUNE), ("b", T("2024-06-02")), ("a", T("2024-06-03")), ("b", T("2024-06-03")),
        ("a", JULY), ("b", JULY), ("c", JULY),
    ]  # fmt: skip


def test_whoever_an_attribute_is_known_of_is_scored_too(log):
    spine = everyone(log.connect(), JUNE)
    assert rows(spine) == [("a", JUNE), ("met", JUNE), ("only an attribute", JUNE)]


def test_where_nobody_has_to_be_left_out_all_are_taken(crowd):
    assert draw(crowd.connect(), [MAY, AUGUST], 300) is None
    assert draw(crowd.connect(), [AUGUST], 208) is None  # 92 have bought by then
    assert draw(crowd.connect(), [AUGUST], 207) is not None


def test_at_every_cut_off_so_many_who_bought_and_so_many_who_did_not_are_taken(crowd):
    connection, cutoffs = crowd.connect(), [MAY, JUNE, JULY, AUGUST]
    drawn = draw(connection, cutoffs, 40)
    known, taken = (customers_known(connection, cutoffs, d).to_pandas() for d in (None, drawn))
    bought = taken.customer_id.str[1:].astype(int) < (taken.as_of - MAY).dt.days
    assert len(known) == 4 * 300
    most = taken.groupby([bought, "as_of"]).size()
    assert most[False].max() == 40  # at the first cut-off, where all 300 are without
    assert most[True].max() == 40
    assert taken.merge(known).equals(taken)


def test_who_is_drawn_is_followed_from_cut_off_to_cut_off(crowd):
    connection, cutoffs = crowd.connect(), [JULY, AUGUST]
    drawn = draw(connection, cutoffs, 40)
    early, late = (
        set(customers_known(connection, [at], drawn)["customer_id"].to_pylist()) for at in cutoffs
    )
    assert {c for c in early if int(c[1:]) < 61} <= late  # who had bought in July


def test_the_future_changes_nobody_who_is_drawn(shop, crowd):
    drawn = draw(crowd.connect(), [JUNE, AUGUST], 40)
    past = shop.log(
        [shop.line(MAY + pd.Timedelta(days=i), 10, f"c{i}") for i in range(31)],
        [shop.event("2024-04-15", "mail", f"c{i}") for i in range(300)],
    )
    whole, truncated = (
        rows(customers_known(log.connect(), [JUNE], drawn)) for log in (crowd, past)
    )
    assert whole == truncated


def test_prospects_are_drawn_among_those_who_did_not_buy(crowd):
    connection = crowd.connect()
    drawn = draw(connection, [AUGUST], 40)
    taken = {customer for customer, _ in rows(everyone(connection, AUGUST, drawn))}
    assert {customer for customer, _ in rows(customers_known(connection, [AUGUST], drawn))} <= taken
    assert 0 < sum(customer.startswith("listed") for customer in taken) < 20


def test_the_draw_is_the_same_on_every_machine():
    """BLAKE2b of eight bytes: fixed by RFC 7693, so that no library's version moves anybody."""
    ids = pd.Series(["a", "c-17", "Zoë"])
    places = [0x2F42665B399EF840, 0x72623019D8C6AF35, 0x9A89EF9506B79F78]
    assert Draw(2**64 - 1, 0).takes(ids, [True, True, False]).tolist() == [True, True, False]
    assert [Draw(p, 0).takes(ids, [True] * 3)[i] for i, p in enumerate(places)] == [True] * 3
    assert not any(Draw(p - 1, 0).takes(ids, [True] * 3)[i] for i, p in enumerate(places))
