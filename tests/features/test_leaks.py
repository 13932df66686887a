"""The leak is seen: a day of the future, let into any lens, changes that lens's features."""

import importlib
import pkgutil
from datetime import datetime

import ibis
import pytest

import features
from features import asof, catalog, journey, purchases
from features.online import OnlineFeatures
from features.snapshot import tables

T = datetime(2024, 6, 1)

MODULES = {
    name: importlib.import_module(f"features.{name}")
    for _, name, _ in pkgutil.iter_modules(features.__path__)
}
LENSES = {
    name: module
    for name, module in MODULES.items()
    if hasattr(module, "features") and hasattr(module, "expression")
}
#: How often each lens asks `features.asof` for the past; the journey asks the purchase lens.
USES = {"purchases": 2, "engagement": 1, "intent": 1, "journey": 0, "occasions": 1,
        "attributes": 1}  # fmt: skip
#: What no row of the day let in can change: nobody buys for Christmas in June, and what was
#: abandoned by then is so for good.
UNMOVED = {
    "occasions": {"occasion_recency_christmas", "occasion_recency_easter"},
    "intent": {"goal_cart_abandoned", "goal_contact_abandoned"},
}


def test_every_lens_is_watched(shop, monkeypatch):
    assert set(LENSES) == set(USES)
    asked = dict.fromkeys(USES, 0)
    for name in MODULES:
        for function in ("known", "known_or_undated"):
            real = getattr(MODULES[name], function, None)
            if real is None or MODULES[name] is asof:
                continue

            def counted(table, spine, real=real, name=name):
                asked[name] += 1
                return real(table, spine)

            monkeypatch.setattr(MODULES[name], function, counted)
    OnlineFeatures(shop.spec)
    assert asked == USES
    assert {f.name for f in catalog.features(shop.spec)} == set().union(
        *(names_of(shop, name) for name in LENSES)
    )


def names_of(shop, lens):
    of = LENSES[lens].features
    return {f.name for f in (of() if lens == "journey" else of(shop.spec))}


@pytest.mark.parametrize(
    ("lens", "use"), [(lens, use) for lens in sorted(USES) for use in range(USES[lens])]
)
def test_a_day_of_the_future_let_into_a_lens_is_seen(shop, many, monkeypatch, inject, lens, use):
    inject(monkeypatch, LENSES[lens], use)
    red = shop.leaks(OnlineFeatures(shop.spec), many, T)
    varied = {name for name in names_of(shop, "purchases") if name.startswith("categories")}
    own = names_of(shop, lens)
    if lens == "purchases":  # asks for pieces (the stages are made of them), then for categories
        own = varied if use else (own - varied) | names_of(shop, "journey")
    assert red == own - UNMOVED.get(lens, set())


def test_a_day_of_the_future_let_into_the_journey_is_seen(shop, many, monkeypatch, inject):
    real = journey.expression

    def leaky(bought, spine):
        with pytest.MonkeyPatch.context() as patch:
            inject(patch, purchases, 0)
            later = purchases.expression(tables()["orders"], spine, shop.spec)
        return real(later, spine)

    monkeypatch.setattr(journey, "expression", leaky)
    assert shop.leaks(OnlineFeatures(shop.spec), many, T) == names_of(shop, "journey")


def test_a_piece_that_looks_at_the_next_one_is_seen(shop, many, monkeypatch):
    def ahead(orders, spec, real=purchases.pieces):
        table = real(orders, spec)
        order = ibis.window(group_by=["customer_id", "is_order"], order_by=["moment", "order_id"])
        return table.mutate(gap_days=table.gap_days.lead(1).over(order))

    monkeypatch.setattr(purchases, "pieces", ahead)
    red = shop.leaks(OnlineFeatures(shop.spec), many, T)
    assert red >= {"gap_mean", "gap_sd", "gap_max", "gap_last", "recency_over_gap", "silence"}
    assert red <= names_of(shop, "purchases") | names_of(shop, "journey")
