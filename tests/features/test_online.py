import pandas as pd
import pyarrow as pa
import pytest

from features import catalog
from features.schema import ATTRIBUTES, EVENTS, ORDERS
from features.snapshot import feature_table, snapshot


@pytest.fixture(scope="module")
def log(shop):
    line, event, attribute = shop.line, shop.event, shop.attribute
    return shop.log(
        [
            line("2023-12-24 18:30", 40, "regular", category="wine", quantity=2.0, discount=4.0),
            line("2024-03-30 09:15", 20, "regular", category="fruit", channel="shop"),
            line("2024-03-30 09:15", 5, "regular", category="bread", channel="shop"),
            line("2024-05-04 23:59", 15.5, "regular", channel="web", local="2024-05-05 01:59"),
            line("2024-05-09 11:00", -5.5, "regular", channel="web"),
            line("2024-05-30 11:00", 0, "regular"),
            line("2024-05-30 11:00", 1, "once", channel="web", discount=0.5),
            line("2024-04-30 11:00", -1, "returns"),
            line("2024-06-30 11:00", 1, "future"),
        ],
        [
            event("2024-05-30", "mail", "regular", channel="post"),
            event("2024-04-30", "return", "regular"),
            event("2024-04-30", "mail", "met", channel="app"),
            event("2024-06-30", "mail", "future"),
        ],
        [
            attribute("home", "Bonn", who="regular"),
            attribute("age", "old", "2024-01-01", who="regular"),
            attribute("score", "1.5", who="described"),
            attribute("home", "Köln", "2024-07-01", who="future"),
        ],
    )


WHO = ("regular", "once", "returns", "met", "described", "future", "nobody")


def test_online_equals_the_snapshot_for_every_kind_of_customer(shop, log):
    spine = shop.spine(*((who, at) for at in ("2024-06-01", "2024-05-30 11:00") for who in WHO))
    offline = snapshot(log.connect(), shop.spec, spine)
    online = shop.compiled()(log.orders, log.events, log.attributes, spine)
    assert online.schema.equals(feature_table(shop.spec).schema().to_pyarrow())
    online = online.to_pandas().sort_values(["customer_id", "as_of"], ignore_index=True)
    pd.testing.assert_frame_equal(online, offline, rtol=1e-9, atol=0)


def test_prospects_have_no_order_and_what_is_known_of_them(shop, log):
    spine = shop.spine(*((who, shop.at) for who in ("returns", "met", "described", "nobody")))
    rows = shop.rows(log, spine)
    assert {row["stage"] for row in rows} == {"prospect"}
    assert [row["orders"] for row in rows] == [0, 0, 0, 0]
    assert [row["spend"] for row in rows] == [-1.0, 0.0, 0.0, 0.0]
    assert [row["event_mail_count"] for row in rows] == [0, 1, 0, 0]
    assert [row["attribute_score"] for row in rows] == [None, None, 1.5, None]


def test_answers_stand_in_the_order_of_the_questions(shop, log):
    asked = [(who, at) for who in reversed(WHO) for at in ("2024-06-01", "2024-01-01")]
    rows = shop.rows(log, shop.spine(*asked))
    assert [(row["customer_id"], f"{row['as_of']:%Y-%m-%d}") for row in rows] == asked


def test_a_customers_features_are_the_same_alone_and_among_others(shop, log):
    together = shop.rows(log, shop.spine(*((who, shop.at) for who in WHO)))
    alone = [shop.rows(log, shop.spine((who, shop.at)))[0] for who in WHO]
    assert shop.differing(together, alone) == set()


def test_no_rows_at_all_are_an_answer_too(shop):
    empty = [pa.Table.from_pylist([], schema) for schema in (ORDERS, EVENTS, ATTRIBUTES)]
    nobody = shop.compiled()(*empty, shop.spine())
    assert nobody.num_rows == 0
    assert nobody.column_names[2:] == [f.name for f in catalog.features(shop.spec)]


def test_a_request_sees_nothing_of_the_one_before(shop, log):
    shop.rows(log, shop.spine(("regular", shop.at)))
    (row,) = shop.rows(shop.log(), shop.spine(("regular", shop.at)))
    assert (row["orders"], row["events"], row["attribute_home"]) == (0, 0, None)
