"""The leak is seen: a day of the future, let into any lens, changes that lens's features."""

import importlib
import pkgutil
from datetime import datetime

import ibis
import pytest

import features
from features import asof, catalog, pieces
from features.lenses import periods
from features.online import OnlineFeatures

T = datetime(2024, 6, 1)

MODULES = {
    name.rpartition(".")[2]: importlib.import_module(name)
    for _, name, folder in pkgutil.walk_packages(features.__path__, "features.")
    if not folder and name != "features.spark"  # an engine, which needs a package of an extra
}
LENSES = {
    name: module
    for name, module in MODULES.items()
    if hasattr(module, "features") and module is not catalog
}
#: How often a module asks `features.asof` for the past, and the lenses that are made of the answer.
USES = {
    "pieces": (1, ("purchases", "periods", "occasions", "journey")),
    "varieties": (1, ("varieties",)),
    "engagement": (1, ("engagement",)),
    "intent": (1, ("intent",)),
    "attributes": (1, ("attributes",)),
}
#: What no row of the day let in can change: nobody buys for Christmas in June, what was abandoned
#: by then is so for good, and what comes later falls in the latest period.
UNMOVED = {
    "occasion_recency_christmas", "occasion_recency_easter", "goal_cart_abandoned",
    "goal_contact_abandoned", *periods.ORDERS[1:], *periods.SPEND[1:],
}  # fmt: skip


def test_every_lens_is_watched(shop, monkeypatch):
    assert set(LENSES) == {lens for _, lenses in USES.values() for lens in lenses}
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
    assert asked == {name: uses for name, (uses, _) in USES.items()}
    assert {f.name for f in catalog.features(shop.spec)} == names_of(shop, *LENSES)


def names_of(shop, *lenses):
    made = {lens: LENSES[lens].features for lens in lenses}
    return {
        f.name for lens, of in made.items() for f in (of() if lens == "journey" else of(shop.spec))
    }


@pytest.mark.parametrize(
    ("module", "use"), [(name, use) for name in sorted(USES) for use in range(USES[name][0])]
)
def test_a_day_of_the_future_let_into_a_lens_is_seen(shop, many, monkeypatch, inject, module, use):
    inject(monkeypatch, MODULES[module], use)
    red = shop.leaks(OnlineFeatures(shop.spec), many, T)
    assert red == names_of(shop, *USES[module][1]) - UNMOVED


def test_a_piece_that_looks_at_the_next_one_is_seen(shop, many, monkeypatch):
    def ahead(orders, spec, real=pieces.pieces):
        table = real(orders, spec)
        order = ibis.window(group_by=["customer_id", "is_order"], order_by=["moment", "order_id"])
        return table.mutate(gap_days=table.gap_days.lead(1).over(order))

    monkeypatch.setattr(pieces, "pieces", ahead)
    red = shop.leaks(OnlineFeatures(shop.spec), many, T)
    assert red >= {"gap_mean", "gap_sd", "gap_max", "recency_over_gap", "silence"}
    assert red <= names_of(shop, "purchases", "journey")
