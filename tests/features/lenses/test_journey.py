from datetime import datetime, timedelta
from statistics import fmean, pstdev

import ibis
import pytest

from features.lenses import journey
from features.lenses.journey import STAGES

#: (orders, recency, T, gap_mean, gap_sd, gap_last, gap_max, weeks) -> (stage, silence, days in it)
#: Where there is a ninth figure it is the frequency; else each order has a day of its own.
BOUNDARIES = [
    # nothing but returns, or nothing at all
    ((0, None, None, None, None, None, None, 0), ("prospect", None, None)),
    # one order; the limit of few orders is 60 days
    ((1, 30.0, 30.0, None, None, None, None, 1), ("new", 0.5, 30.0)),
    ((1, 30.5, 30.5, None, None, None, None, 1), ("active", 30.5 / 60, None)),
    ((1, 60.0, 60.0, None, None, None, None, 1), ("active", 1.0, None)),
    ((1, 60.5, 60.5, None, None, None, None, 1), ("at_risk", 60.5 / 60, 0.5)),
    ((1, 180.0, 180.0, None, None, None, None, 0), ("at_risk", 3.0, 120.0)),
    ((1, 181.0, 181.0, None, None, None, None, 0), ("lapsed", 181 / 60, 1.0)),
    # three orders are few: their own rhythm does not count yet
    ((3, 45.0, 65.0, 10.0, 0.0, 10.0, 10.0, 2), ("active", 0.75, None)),
    # four orders: mean gap + 2 sd = 12, at least 14 days
    ((4, 14.0, 44.0, 10.0, 1.0, 10.0, 12.0, 3), ("active", 1.0, None)),
    ((4, 15.0, 45.0, 10.0, 1.0, 10.0, 12.0, 3), ("at_risk", 15 / 14, 1.0)),
    ((4, 42.0, 72.0, 10.0, 1.0, 10.0, 12.0, 3), ("at_risk", 3.0, 28.0)),
    ((4, 43.0, 73.0, 10.0, 1.0, 10.0, 12.0, 3), ("lapsed", 43 / 14, 1.0)),
    # four orders: mean gap + 2 sd = 30
    ((4, 30.0, 90.0, 20.0, 5.0, 20.0, 25.0, 3), ("active", 1.0, None)),
    ((4, 31.0, 91.0, 20.0, 5.0, 20.0, 25.0, 3), ("at_risk", 31 / 30, 1.0)),
    # returned: gaps of 10 and 31; of 9 and 30; of 11 and 33, which is not more than three times
    ((3, 5.0, 46.0, 20.5, 10.5, 31.0, 31.0, 3), ("returned", 5 / 60, 5.0)),
    ((3, 5.0, 44.0, 19.5, 10.5, 30.0, 30.0, 3), ("active", 5 / 60, None)),
    ((3, 5.0, 49.0, 22.0, 11.0, 33.0, 33.0, 3), ("active", 5 / 60, None)),
    ((2, 5.0, 105.0, 100.0, 0.0, 100.0, 100.0, 1), ("active", 5 / 60, None)),  # nothing before
    # loyal: six orders, and eight weeks or evenly: of five times with a mean of 7, the longest of
    # 15 is three times the others' 5; at least 14 days are even
    ((6, 7.0, 42.0, 7.0, 3.5, 10.0, 16.0, 8), ("loyal", 0.5, None)),
    ((6, 7.0, 42.0, 7.0, 3.5, 10.0, 16.0, 7), ("active", 0.5, None)),
    ((6, 7.0, 42.0, 7.0, 3.5, 10.0, 15.0, 7), ("loyal", 0.5, None)),
    ((5, 7.0, 35.0, 7.0, 3.5, 10.0, 15.0, 8), ("active", 0.5, None)),
    ((6, 7.0, 37.0, 6.0, 4.0, 1.0, 14.0, 3), ("loyal", 0.5, None)),
    # a pause of 570 days after times of 10, 10, 10 and before one of 5: 3 x 8.75 days are usual
    ((6, 26.0, 631.0, 121.0, 224.5, 5.0, 570.0, 1), ("active", 26 / 26.25, None)),
    ((6, 27.0, 632.0, 121.0, 224.5, 5.0, 570.0, 1), ("at_risk", 27 / 26.25, 0.75)),
    ((6, 79.0, 684.0, 121.0, 224.5, 5.0, 570.0, 0), ("lapsed", 79 / 26.25, 0.25)),
    # 50 days are five times the mean of the others, 10, and so no pause yet; 51 are one
    ((5, 54.0, 134.0, 20.0, 17.5, 10.0, 50.0, 2), ("active", 54 / 55, None)),
    ((5, 54.0, 135.0, 20.25, 17.5, 10.0, 51.0, 2), ("at_risk", 54 / 30, 24.0)),
    # 28 days after times of 2 are no pause, which is over 30
    ((5, 20.0, 54.0, 8.5, 11.25, 28.0, 28.0, 2), ("active", 20 / 31, None)),
    # 60 days after times of 100, 1, 1 and 1: three times the mean of all others are 77
    ((6, 10.0, 173.0, 32.6, 40.7, 60.0, 100.0, 3), ("active", 10 / 47.25, None)),
    # three receipts on each of four days, 60 days apart: a rhythm of 60 days and no pause
    ((12, 31.0, 211.0, 180 / 11, 26.7, 60.0, 60.0, 4, 3), ("loyal", 31 / (180 / 11 + 53.4), None)),
    # two receipts on each of two days: there is no other time to tell a pause by
    ((4, 49.0, 109.0, 20.0, 28.3, 60.0, 60.0, 2, 1), ("active", 49 / 76.6, None)),
    ((4, 5.0, 157.0, 152 / 3, 71.7, 152.0, 152.0, 2, 1), ("active", 5 / (152 / 3 + 143.4), None)),
    # the first rule that holds: at risk before new, new before loyal
    ((4, 15.0, 25.0, 3.0, 0.0, 3.0, 3.0, 2), ("at_risk", 15 / 14, 1.0)),
    ((6, 7.0, 30.0, 4.6, 1.0, 4.6, 6.0, 5), ("new", 0.5, 30.0)),
]
COLUMNS = {
    "orders": "int64", "recency_days": "float64", "T_days": "float64", "gap_mean": "float64",
    "gap_sd": "float64", "gap_last": "float64", "gap_max": "float64", "active_weeks_12": "int64",
    "frequency": "int64",
}  # fmt: skip
AS_OF = "2024-06-01"


@pytest.fixture(scope="module")
def stages():
    """The journey of a customer for each boundary, and of one without any purchase row."""
    keys = ibis.schema({"customer_id": "string", "as_of": "timestamp(6)"})
    ids = [f"c{i}" for i in range(len(BOUNDARIES) + 1)]
    bought = [
        (ids[i], AS_OF, *given[:8], given[8] if len(given) > 8 else max(given[0] - 1, 0))
        for i, (given, _) in enumerate(BOUNDARIES)
    ]
    purchases = ibis.memtable(bought, schema=ibis.schema({**keys, **COLUMNS}))
    spine = ibis.memtable([(who, AS_OF) for who in ids], schema=keys)
    wide = spine.left_join(purchases, ["customer_id", "as_of"])
    rows = wide.select("customer_id", **journey.values(wide)).to_pyarrow().to_pylist()
    names = ("stage", "silence", "days_in_stage")
    return {row["customer_id"]: tuple(row[name] for name in names) for row in rows}


@pytest.mark.parametrize("i", range(len(BOUNDARIES)), ids=lambda i: f"{i}-{BOUNDARIES[i][1][0]}")
def test_each_stage_begins_at_its_boundary(stages, i):
    stage, silence, days = BOUNDARIES[i][1]
    assert stages[f"c{i}"] == (stage, pytest.approx(silence), pytest.approx(days))


def test_a_customer_without_any_row_is_a_prospect(stages):
    assert stages[f"c{len(BOUNDARIES)}"] == ("prospect", None, None)


def test_every_stage_has_a_boundary_above():
    assert {stage for _, (stage, _, _) in BOUNDARIES} == set(STAGES)


def test_a_purchase_moves_a_lapsed_customer_on(shop):
    rows = [shop.line(f"2023-0{month}-01", 1) for month in (1, 2, 3, 4)]
    assert shop.features(orders=rows)["stage"] == "lapsed"
    found = shop.features(orders=[*rows, shop.line("2024-05-30", 1)])
    assert (found["stage"], found["days_in_stage"]) == ("returned", 2.0)


def silences(*days, last=1.0, hour="00:00:00"):
    """Moments of orders, so many days apart, the last so many days before `AS_OF`."""
    at = datetime.fromisoformat(f"2024-05-31 {hour}") - timedelta(days=last - 1)
    moments = [at]
    for gap in reversed(days):
        moments.append(moments[-1] - timedelta(days=gap))
    return moments


@pytest.mark.parametrize("hour", ["00:00:00", "01:00:01", "07:13:21", "23:59:59"])
def test_a_silence_of_just_the_days_of_a_rule_is_not_over_them_at_any_hour(shop, hour):
    for gaps, stage in (((6, 7, 30), "active"), ((6, 7, 31), "returned")):
        rows = [shop.line(moment, 1) for moment in silences(*gaps, last=20, hour=hour)]
        assert shop.features(orders=rows)["stage"] == stage


@pytest.mark.parametrize("others", range(19, 24))
def test_the_longest_time_of_just_three_times_the_others_is_even(shop, others):
    rows = [shop.line(at, 1) for at in silences(*[30] * (others - 5), 90, *[30] * 5)]
    assert shop.features(orders=rows)["stage"] == "loyal"


@pytest.mark.parametrize("others", range(23, 28))
def test_the_longest_time_of_just_five_times_the_others_is_no_pause(shop, others):
    gaps = [*[7] * (others - 10), 35, *[7] * 10]
    rows = [shop.line(at, 1) for at in silences(*gaps, last=10)]
    usual = fmean(gaps) + 2 * pstdev(gaps)
    assert shop.features(orders=rows)["silence"] == pytest.approx(10 / usual)
