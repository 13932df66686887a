"""The leakage law as `features.proof` applies it to a log: green on ours, red on any leak."""

from datetime import datetime, timedelta

import pandas as pd
import pytest

from features import catalog, pieces
from features.cutoffs import add_cutoffs, choose_cutoffs, order_days
from features.errors import HistoryError
from features.lenses import attributes, engagement, intent, varieties
from features.proof import Cutoff, Difference, Proof, Rows, differences, prove
from features.sources import Sources
from features.spec import FeatureSpec

T = pd.Timestamp("2024-06-01")
MAY = pd.Timestamp("2024-05-01")


@pytest.fixture(scope="module")
def log(shop):
    """Three customers of a rhythm, each with a row of every kind at noon on the day after T."""
    lines, events, known = [], [], []
    for i, who in enumerate(("ann", "bob", "cleo")):
        for days in (70 + i, 44, 30, 20 - i, 9):
            when = (T - timedelta(days=days)).to_pydatetime()
            lines.append(shop.line(when, 10 + i, who, category="wine", channel="shop",
                                   quantity=1.0, discount=2.0))  # fmt: skip
            events.append(shop.event(when, "mail", who, channel="post"))
        noon = datetime(2024, 6, 1, 12)
        lines.append(shop.line(noon, 90, who, category="fruit", channel="web", quantity=7.0))
        events.append(shop.event(noon, "return", who, channel="app"))
        known.append(shop.attribute("home", "Bonn", who=who))
        known.append(shop.attribute("age", "old", noon, who))
    return shop.log(lines, events, known)


def proved(shop, log, *cutoffs, **more):
    backend = log.connect()
    moments = log.orders["moment"].to_pandas()
    read = Sources(backend, pd.DataFrame(), (), moments.min(), moments.max())
    return prove(read, shop.spec, cutoffs or (T,), **more)


def test_the_law_holds_and_says_what_was_compared(shop, log):
    proof = proved(shop, log, MAY, T)
    assert proof.holds
    assert proof.differences == ()
    # ann's, bob's and cleo's 5 lines and 5 events before T, 2 each before May; one value undated.
    known = {"attributes": Rows(3, 3, undated=3)}
    assert proof.cutoffs == (
        Cutoff(MAY, 3, {"orders": Rows(6, 12), "events": Rows(6, 12), **known}),
        Cutoff(T, 3, {"orders": Rows(15, 3), "events": Rows(15, 3), **known}),
    )
    assert [cutoff.rows for cutoff in proof.cutoffs] == [Rows(15, 27, 3), Rows(33, 9, 3)]
    assert sum(proof.lenses.values()) == len(catalog.features(shop.spec))
    assert proof.lenses["journey"] == 3
    assert proof.rows == 6
    assert proof.undated == {"home": 3}


@pytest.mark.parametrize(
    ("module", "use", "feature", "whole", "past"),
    [
        (pieces, 0, "orders", 6, 5),
        (varieties, 0, "categories", 2, 1),
        (engagement, 0, "event_return_count", 1, 0),
        (intent, 0, "goal_contact_count", 6, 5),
        (pieces, 0, "afternoon_share", 1 / 6, 0.0),
        (attributes, 0, "attribute_age", 2.0, None),
    ],
)
@pytest.mark.slow
def test_a_day_of_the_future_let_into_a_lens_is_named(
    shop, log, monkeypatch, inject, module, use, feature, whole, past
):
    inject(monkeypatch, module, use)
    proof = proved(shop, log)
    assert not proof.holds
    found = [d for d in proof.differences if d.feature == feature]
    assert [(d.customer_id, d.as_of) for d in found] == [("ann", T), ("bob", T), ("cleo", T)]
    assert found[0].whole == (pytest.approx(whole) if isinstance(whole, float) else whole)
    assert found[0].past == past
    lens = {f.name: f.lens for f in catalog.features(shop.spec)}
    red = {lens[d.feature] for d in proof.differences}
    of_pieces = {"behavioural", "occasion", "journey"}
    assert red == (of_pieces if module is pieces else {lens[feature]})


@pytest.mark.slow
def test_what_had_not_arrived_is_taken_away_too(shop):
    day = timedelta(days=1)
    lines = [
        shop.line(T - 3 * day, 5, "ann"),
        shop.line(T - 2 * day, 5, "ann", arrived=T - day),
        shop.line(T - 2 * day, 5, "ann", arrived=T),
        shop.line(T + day, 5, "ann", arrived=T - day),
    ]
    events = [shop.event(T - day, "mail", "bob", arrived=T + day)]
    log = shop.log(lines, events)
    backend = log.connect()
    read = Sources(backend, pd.DataFrame(), (), T - 3 * day, T + day)
    proof = prove(read, FeatureSpec(), (T,))
    (cutoff,) = proof.cutoffs
    assert cutoff.tables == {
        "orders": Rows(2, 2), "events": Rows(0, 1), "attributes": Rows(0, 0)
    }  # fmt: skip
    assert proof.arrived == 4
    assert proved(shop, shop.log([shop.line(T, 5)])).arrived == 0


@pytest.mark.slow
def test_what_is_undated_throughout_is_neither_proved_nor_unproved(shop, log):
    proof = proved(shop, log)
    others = [f.name for f in attributes.features(shop.spec) if f.name != "attribute_home"]
    # Of the ages none is known before T.
    assert proof.unproved == {"attributes": tuple(others)}
    assert proof.proved == len(catalog.features(shop.spec)) - 1 - len(others)
    assert proof.undated == {"home": 3}


# -------------------------------------------------------------------------------- the sample


@pytest.mark.slow
def test_half_of_a_sample_are_those_who_come_soonest_after_the_cut_off(shop):
    lines = [shop.line("2024-05-01", 5, f"c{i}") for i in range(40)]
    lines += [shop.line(T + timedelta(days=i), 5, f"c{i}") for i in range(40)]
    late = shop.event(T, "mail", "only later")
    log = shop.log(lines, [late])
    backend = log.connect()
    read = Sources(backend, pd.DataFrame(), (), MAY, T)
    proof = prove(read, FeatureSpec(), (T,), customers=4)
    assert proof.holds
    drawn = backend.table("spine").to_pyarrow()["customer_id"].to_pylist()
    assert {"c0", "only later"} <= set(drawn)
    assert len(set(drawn)) == 4
    again = prove(read, FeatureSpec(), (T,), customers=4)
    assert backend.table("spine").to_pyarrow()["customer_id"].to_pylist() == drawn
    assert again == proof


def test_what_comes_daily_does_not_crowd_out_what_comes_seldom(shop):
    lines = [shop.line(at, 5, f"c{i}") for i in range(40) for at in (MAY, T)]
    events = [shop.event(T + timedelta(days=9 + i), "mail", f"c{i}") for i in (7, 8, 9)]
    known = [shop.attribute("age", "old", T + timedelta(days=99), "c3")]
    backend = shop.log(lines, events, known).connect()
    prove(Sources(backend, pd.DataFrame(), (), MAY, T), FeatureSpec(), (T,), customers=8)
    drawn = backend.table("spine").to_pyarrow()["customer_id"].to_pylist()
    assert {"c7", "c3"} <= set(drawn)


def test_the_sources_are_left_as_they_were(shop, log):
    backend = log.connect()
    prove(Sources(backend, pd.DataFrame(), (), MAY, T), FeatureSpec(), (T,))
    for name, table in vars(log).items():
        assert backend.table(name).to_pyarrow().equals(table.cast(table.schema))


# ------------------------------------------------------------------------------ the cut-offs


def test_the_days_of_orders_are_told_once_each_and_in_order_of_time(shop):
    moments = ("2024-01-03 23:59:59", "2024-01-01", "2024-01-03 00:00", "2024-01-01 12:30")
    backend = shop.log([shop.line(at, 5) for at in moments], [shop.event(T, "mail")]).connect()
    assert order_days(backend) == (pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-03"))


def test_cut_offs_are_spread_over_the_history_one_in_each_part():
    start = pd.Timestamp("2024-01-01")
    days = pd.date_range(start, "2024-04-10")
    for seed in range(20):
        chosen = choose_cutoffs(days, 4, seed)
        assert [(c - start).days for c in chosen] == [
            pytest.approx(25 * part + 13, abs=12.5) for part in range(4)
        ]
    assert choose_cutoffs(days, 4, 1) == choose_cutoffs(days, 4, 1)
    assert len({choose_cutoffs(days, 4, seed) for seed in range(20)}) > 10


@pytest.mark.parametrize("slip", ["1900-01-01", "2199-12-31"])
def test_a_slip_far_from_all_others_does_not_draw_the_cut_offs_to_it(slip):
    year = pd.date_range("2023-01-01", "2023-12-31")
    days = sorted([*year, pd.Timestamp(slip)])
    for seed in range(20):
        chosen = choose_cutoffs(days, 4, seed)
        # 365 days to choose from, in parts of 92, 91, 91 and 91; of the last one may be the slip.
        assert [(c - year[0]).days for c in chosen[:3]] == [
            pytest.approx(46 + 91 * part, abs=46.5) for part in range(3)
        ]


def test_a_short_history_has_as_many_cut_offs_as_days_after_the_first():
    days = tuple(pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"]))
    assert choose_cutoffs(days, 4) == days[1:]


@pytest.fixture
def thin(shop):
    """A year of orders; events of a fortnight in March, attributes of two days before it."""
    lines = [shop.line(T + timedelta(days=i), 5, f"c{i % 9}") for i in range(365)]
    events = [shop.event(T + timedelta(days=280 + i, hours=9), "mail", f"c{i}") for i in range(14)]
    since = (T - timedelta(days=40), T - timedelta(days=30, hours=-8))
    known = [shop.attribute("age", "old", since[i % 2], f"c{i}") for i in range(9)]
    known.append(shop.attribute("home", "Bonn", who="c1"))
    return lines, events, known


def test_a_table_that_no_cut_off_divides_has_one_of_its_own(shop, thin):
    backend = shop.log(*thin).connect()
    chosen = choose_cutoffs(order_days(backend), 4)
    may, march = T - timedelta(days=30), T + timedelta(days=287)
    assert add_cutoffs(backend, chosen) == (may, *sorted([*chosen, march]))
    assert add_cutoffs(backend, (may, march)) == (may, march)
    # The first day has nothing before it, the day after the last nothing at it or after.
    first, after = T + timedelta(days=280), T + timedelta(days=294)
    assert add_cutoffs(backend, (may, first, after)) == (may, first, march, after)


def test_a_slip_divides_no_table(shop, thin):
    lines, events, _ = thin
    slip = pd.Timestamp("2199-12-31")
    backend = shop.log(lines, [*events, *events, shop.event(slip, "mail")]).connect()
    half, march = T + timedelta(days=90), T + timedelta(days=287)
    assert add_cutoffs(backend, (half, slip)) == (half, march, slip)


def test_a_table_of_one_day_and_one_without_dates_have_no_cut_off(shop, thin):
    lines, events, _ = thin
    known = [shop.attribute("home", "Bonn"), shop.attribute("age", "old", T)]
    half = T + timedelta(days=100)
    for rows in (known, known[:1], ()):
        backend = shop.log(lines, events[:1], rows).connect()
        assert add_cutoffs(backend, (half,)) == (half,)


def test_rows_divide_by_when_they_arrived(shop, thin):
    lines, events, _ = thin
    late = [{**event, "arrived": event["moment"] + timedelta(days=30)} for event in events]
    backend = shop.log(lines, late).connect()
    half = T + timedelta(days=100)
    assert add_cutoffs(backend, (half,)) == (half, T + timedelta(days=317))


def test_a_history_of_one_day_is_refused():
    with pytest.raises(HistoryError) as refused:
        choose_cutoffs([pd.Timestamp("2024-01-01")])
    assert str(refused.value) == (
        "A proof needs a cut-off with orders before it and after it. Seen: orders on 2024-01-01 "
        "alone (UTC). Remedy: bring orders of two days or more, or choose a later as_of"
    )


def test_a_cut_off_with_hardly_a_row_on_one_side_is_thin():
    # One dated row for ten customers is enough; what has no date counts for neither side.
    assert [Cutoff(T, 30, {"orders": Rows(known, hidden, undated)}).thin
            for known, hidden, undated in
            ((3, 3, 0), (2, 90, 0), (90, 2, 0), (32, 90, 30), (33, 90, 30))
            ] == [False, True, True, True, False]  # fmt: skip


def having(*tables, differences=()):
    """A proof of `orders` and `events`, at one cut-off of 30 customers for each pair of rows."""
    made_of = {"orders": ("orders", "goal"), "events": ("goal", "mails"), "attributes": ()}
    named = ("orders", "events", "attributes")
    cutoffs = [Cutoff(T, 30, dict(zip(named, (*rows, Rows(0, 0)), strict=True))) for rows in tables]
    return Proof(tuple(cutoffs), {"behavioural": 3}, made_of, {}, differences)


def test_a_proof_of_thin_cut_offs_alone_holds_and_proves_nothing():
    thin, thick = (Rows(1, 45), Rows(1, 45)), (Rows(60, 30), Rows(60, 30))
    assert [having(*tables).proves for tables in ((thin,), (thin, thick), (thick,))] == [
        False, True, True
    ]  # fmt: skip
    assert having(thin).holds
    assert not having(thick, differences=(Difference("orders", "ann", T, 2, 1),)).proves


def test_features_of_a_table_that_no_cut_off_divides_are_not_proved():
    thick = Rows(60, 30)
    for events in (Rows(90, 0), Rows(0, 90), Rows(0, 0), Rows(90, 5, undated=90)):
        proof = having((thick, events))
        assert proof.unproved == {"events": ("goal", "mails")}
        # What is made of both tables is proved where both are divided.
        assert (proof.proved, proof.proves) == (1, True)
    assert having((Rows(0, 60), thick)).unproved == {"orders": ("orders", "goal")}
    # One cut-off that divides it is enough, unless it is thin.
    assert having((thick, Rows(90, 0)), (thick, Rows(9, 1))).unproved == {}
    thin = having((thick, Rows(90, 0)), (Rows(90, 0), Rows(9, 1)))
    assert (thin.unproved, thin.proved) == ({"events": ("goal", "mails")}, 1)


# ---------------------------------------------------------------------------- the comparison


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1e6, 1e6 + 1e-4, True),
        (1e6, 1e6 + 1e-2, False),
        (0.0, 1e-12, True),  # what is left of 0.3 - 0.2 - 0.1
        (0.0, 1e-6, False),
        (None, 0.0, False),
        (None, None, True),
        (10**12, 10**12 + 1, False),
        (1, 1.0, False),
        ("new", "active", False),
        ("new", None, False),
    ],
)
def test_floats_are_equal_within_a_tolerance_and_all_else_exactly(one, other, equal):
    key = {"customer_id": "a", "as_of": T}
    found = list(differences([{**key, "x": one}], [{**key, "x": other}]))
    assert found == ([] if equal else [Difference("x", "a", T, one, other)])
