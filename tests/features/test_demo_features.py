"""The demo's own data, whole: what holds for tiny tables holds for a year of a shop."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features import discovery, page, sources
from features.online import OnlineFeatures
from features.schema import ATTRIBUTES, EVENTS, ORDERS, SPINE
from features.settings import config
from features.snapshot import feature_table, snapshot
from features.spine import customers_known

# One process reads the demo's data for all of them.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demo features")]

SEED = 7
FILE = Path(__file__).parents[2] / "mlflow" / "experiments" / "complete_journey.toml"
PAGE = Path(__file__).parents[2] / "docs" / "features.md"
LEARNED, CUTS = pd.Timestamp("2017-07-01"), ("2017-08-16 12:00", "2017-11-22")
BATCH = 200
SCHEMAS = {"orders": ORDERS, "events": EVENTS, "attributes": ATTRIBUTES}


@pytest.fixture(scope="module")
def read():
    """The demo's sources; not to be changed."""
    return sources.load(config.load(FILE))


@pytest.fixture(scope="module")
def demo(read):
    """The demo's tables in one connection; not to be changed."""
    experiment = config.load(FILE)
    spec = discovery.learned(read, experiment, LEARNED)
    assert spec.categories
    assert spec.event_kinds == ("campaign", "redemption")
    return read.connection, spec, OnlineFeatures(spec)


def rows_of(connection, ids, before=None):
    """The rows of these customers, as Arrow tables; those written by `before` where it is given."""
    connection.con.register("wanted", pa.table({"customer_id": pa.array(ids, pa.string())}))
    given = []
    for name, schema in SCHEMAS.items():
        when = "valid_from" if name == "attributes" else "moment"
        cut = "" if before is None else f"WHERE coalesce({when} < TIMESTAMP '{before}', true)"
        found = connection.con.sql(
            f"SELECT t.* FROM {name} t SEMI JOIN wanted USING (customer_id) {cut}"
        )
        given.append(found.to_arrow_table().cast(schema))
    connection.con.unregister("wanted")
    return given


def spine_of(ids, at):
    return pa.table({"customer_id": ids, "as_of": [pd.Timestamp(at)] * len(ids)}, SPINE)


def assert_equal(one, other):
    """Integers, texts and nulls exactly, floats within 1e-9 relative."""
    assert list(one) == list(other)
    pd.testing.assert_frame_equal(one, other, rtol=1e-9, atol=0)
    whole = one.select_dtypes("int64").columns
    pd.testing.assert_frame_equal(one[whole], other[whole], check_exact=True)


@pytest.mark.parametrize("at", CUTS)
def test_the_future_changes_no_feature_of_the_demo(demo, at):
    connection, _, online = demo
    known = customers_known(connection, [pd.Timestamp(at)])["customer_id"].to_pylist()
    ids = sorted(np.random.default_rng(SEED).choice(known, 200, replace=False).tolist())
    whole, past = rows_of(connection, ids), rows_of(connection, ids, before=at)
    assert len(past[0]) < len(whole[0])
    spine = spine_of(ids, at)
    assert_equal(online(*whole, spine).to_pandas(), online(*past, spine).to_pandas())


def test_serving_equals_training_for_every_customer_of_the_demo(demo):
    connection, spec, online = demo
    everyone = connection.con.sql(
        "SELECT DISTINCT customer_id FROM orders UNION SELECT customer_id FROM events "
        "UNION SELECT customer_id FROM attributes ORDER BY customer_id"
    )
    ids = [*(who for (who,) in everyone.fetchall()), "nobody"]
    assert len(ids) > 2_400
    at = CUTS[-1]
    training = snapshot(connection, spec, spine_of(ids, at))
    assert set(training.stage) > {"prospect", "lapsed", "loyal"}
    assert list(training) == list(feature_table(spec).columns)
    answers = []
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        answers.append(online(*rows_of(connection, some), spine_of(some, at)).to_pandas())
    serving = pd.concat(answers, ignore_index=True).sort_values("customer_id", ignore_index=True)
    assert_equal(serving, training.sort_values("customer_id", ignore_index=True))


def test_the_page_of_features_is_current(read):
    experiment = config.load(FILE)
    shown = page.render(discovery.everything(read, experiment), experiment.name)
    assert PAGE.read_text(encoding="utf-8") == shown, "a feature changed: run `make docs`"
