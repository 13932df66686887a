"""Who there is at a moment, and the draw of some of them."""

import pandas as pd
import pytest

from features.spine import customers_known, everyone

T = pd.Timestamp
JUNE, JULY = T("2024-06-01"), T("2024-07-01")
MAY, AUGUST = T("2024-05-01"), T("2024-08-01")


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


def test_everyone_with_an_order_line_or_an_event_before_a_cut_off_is_known(met_and_bought):
    spine = customers_known(met_and_bought.connect(), [JULY, JUNE])
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


def test_whoever_an_attribute_is_known_of_is_scored_too(met_and_bought):
    spine = everyone(met_and_bought.connect(), JUNE)
    assert rows(spine) == [("a", JUNE), ("met", JUNE), ("only an attribute", JUNE)]


def drawn(log, at, most) -> set[str]:
    return {customer for customer, _ in rows(customers_known(log.connect(), [at], most))}


def bought_before(at) -> set[str]:
    return {f"c{i}" for i in range((at - MAY).days)}


def test_where_nobody_has_to_be_left_out_all_are_taken(crowd):
    assert len(drawn(crowd, AUGUST, 208)) == 300  # 92 of them have bought by then
    assert len(drawn(crowd, AUGUST, 207)) == 299


def test_at_every_cut_off_so_many_who_bought_and_so_many_who_did_not_are_drawn(crowd):
    for at in (MAY, T("2024-05-21"), JUNE, JULY, AUGUST):
        taken, buyers = drawn(crowd, at, 40), bought_before(at)
        assert len(taken & buyers) == min(len(buyers), 40), at
        assert len(taken - buyers) == 40, at
    several = rows(customers_known(crowd.connect(), [JULY, AUGUST], 40))
    assert {c for c, at in several if at == AUGUST} == drawn(crowd, AUGUST, 40)


def test_who_is_drawn_had_been_drawn_since_the_first_order(crowd):
    buyers = bought_before(JULY)
    assert drawn(crowd, AUGUST, 40) & buyers <= drawn(crowd, JULY, 40) & buyers


def test_the_future_changes_nobody_who_is_drawn(shop, crowd):
    """Neither what a customer does later, nor who comes later."""
    past = shop.log(
        [shop.line(MAY + pd.Timedelta(days=i), 10, f"c{i}") for i in range(31)],
        [shop.event("2024-04-15", "mail", f"c{i}") for i in range(300)],
    )
    more = shop.log(
        [shop.line(MAY + pd.Timedelta(days=i), 10, f"c{i}") for i in range(31)]
        + [shop.line(JULY, 10, f"late {i}") for i in range(500)],
        [shop.event("2024-04-15", "mail", f"c{i}") for i in range(300)],
    )
    assert drawn(past, JUNE, 20) == drawn(crowd, JUNE, 20) == drawn(more, JUNE, 20)


def test_prospects_are_drawn_among_those_who_did_not_buy(crowd, shop):
    taken = {customer for customer, _ in rows(everyone(crowd.connect(), AUGUST, 40))}
    buyers = bought_before(AUGUST)
    assert taken & buyers == drawn(crowd, AUGUST, 40) & buyers
    assert len(taken - buyers) == 40
    assert 0 < sum(customer.startswith("listed") for customer in taken) < 20
    listed = shop.log(
        [shop.line(MAY, 10)], [], [shop.attribute("home", "Bonn", who=f"p{i}") for i in range(90)]
    )
    assert len(everyone(listed.connect(), AUGUST, 40)) == 41


def test_of_events_or_attributes_alone_some_are_drawn_too(shop):
    met = shop.log([], [shop.event("2024-04-15", "mail", f"c{i}") for i in range(90)])
    assert len(drawn(met, AUGUST, 40)) == 40
    assert rows(everyone(shop.log([], []).connect(), AUGUST, 40)) == []


def test_the_draw_is_the_same_on_every_machine(shop):
    """BLAKE2b of eight bytes: fixed by RFC 7693, so that no library's version moves anybody. The
    places of these are 0x2f42665b399ef840, 0x72623019d8c6af35 and 0x9a89ef9506b79f78.
    """
    log = shop.log([shop.line(MAY, 10, who) for who in ("Zoë", "a", "c-17")], [])
    assert [drawn(log, JUNE, most) for most in (1, 2)] == [{"a"}, {"a", "c-17"}]
