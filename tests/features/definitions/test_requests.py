"""A customer's own rows as an application sends them, in any order, those of the future among them,
have the features that the log has at that moment.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from features import discovery, sources
from features.online import OnlineFeatures
from features.schema import SPINE
from features.settings import config
from features.snapshot import snapshot
from serving import history
from serving.intake import Intake

OPTIONAL = ("category", "brand", "store", "quantity", "discount", "channel")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SEED = 7


class Request:
    """Writes customers of a random shop as requests."""

    def __init__(self, shop: Any) -> None:
        self.shop, self.rng = shop, random.Random(SEED)

    def customer(self, who: str) -> dict[str, Any]:
        orders = [self._line(row) for row in self.shop.lines[who]]
        events = [
            {"moment": self._text(row.moment), "kind": row.kind, "channel": row.channel,
             "arrived": self._text(row.arrived)}
            for row in self.shop.events[who]
        ]  # fmt: skip
        attributes = [told for row in self.shop.told[who] for told in self._told(row)]
        for rows in (orders, events, attributes):
            self.rng.shuffle(rows)
        sent = {"orders": orders, "events": events, "attributes": attributes}
        return {"customer_id": who, **{part: rows for part, rows in sent.items() if rows}}

    def _line(self, row: Any) -> dict[str, Any]:
        line = {name: getattr(row, name) for name in OPTIONAL} | {"order_id": row.order}
        line["arrived"] = self._text(row.arrived)
        line = {name: value for name, value in line.items() if value is not None}
        return {"moment": self._text(row.moment), "amount": row.amount, **line}

    def _told(self, row: Any) -> list[dict[str, Any]]:
        path = [row.country, row.state, row.city, None]
        pair = row.latitude, row.longitude
        values = {"home": row.home, "age": row.age, "score": row.score}
        values["region"] = "/".join(path[: path.index(None)])
        values["spot"] = None if None in pair else "{},{}".format(*pair)
        since = {} if row.since is None else {"valid_from": self._text(row.since)}
        return [{"name": name, "value": value, **since} for name, value in values.items()]

    def _text(self, micros: int | None) -> str | None:
        """A moment in UTC, in the shop's zone, or as its wall clock where that is no other one."""
        if micros is None:
            return None
        moment = EPOCH + timedelta(microseconds=micros)
        local = moment.astimezone(self.shop.zone)
        wall = local.replace(tzinfo=None)
        texts = [moment.isoformat(), local.isoformat()]
        # Of a wall clock that occurs twice the second is meant.
        if wall.replace(tzinfo=self.shop.zone, fold=1).astimezone(UTC) == moment:
            texts.append(wall.isoformat())
        return self.rng.choice(texts)


@pytest.mark.parametrize("setting", ["late", "prompt"])
@pytest.mark.slow
def test_a_request_has_the_features_of_the_log(
    shops: dict[str, Any], same: Callable[[Any, Any], bool], tmp_path: Path, setting: str
) -> None:
    shop = shops[setting]
    experiment = config.load(shop.write(tmp_path))
    read = sources.load(experiment)
    spec = discovery.everything(read, experiment)
    compiled, intake = OnlineFeatures(spec), Intake(spec, experiment.time_zone)
    who = sorted({past.who for past in shop.pasts})
    request = Request(shop)
    for cutoff in sorted({past.as_of for past in shop.pasts}):
        as_of = (EPOCH + timedelta(microseconds=cutoff)).replace(tzinfo=None)
        spine = pa.table({"customer_id": who, "as_of": [as_of] * len(who)}, SPINE)
        made = snapshot(read.connection, spec, spine)
        made = made.astype(object).where(made.notna(), None)
        taken = intake({name: history.read(request.customer(name)) for name in who}, as_of)
        sent = compiled(taken.orders, taken.events, taken.attributes, taken.spine).to_pylist()
        for row, own in zip(made.to_dict("records"), sent, strict=True):
            differing = {
                name: (row[name], own[name]) for name in own if not same(row[name], own[name])
            }
            assert (row["customer_id"], differing) == (own["customer_id"], {})
