"""What is said where data lack what the champion was trained with."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from features import sources
from features.settings import config
from features.sources import Sources
from features.spec import Attribute, FeatureSpec
from training import unseen

SPEC = FeatureSpec(
    present=("category", "quantity"),
    event_kinds=("open",),
    attributes=(Attribute("city", "geographic", "category"),),
)

EVENTS = """
[[events]]
name = "visits"
url = "events.csv"
[events.columns]
customer_id = "who"
moment = "when"
kind = "what"
"""


def read(folder: Path, text: str) -> Sources:
    orders = pd.DataFrame({"who": ["a", "b"], "when": "2024-01-01", "paid": 5.0, "kind": "tea"})
    orders.to_csv(folder / "orders.csv", index=False)
    (folder / "shop.toml").write_text(text)
    return sources.load(config.load(folder / "shop.toml"))


def test_a_bare_shop_lacks_what_it_lacks(
    tmp_path: Path, experiment_text: Callable[..., str]
) -> None:
    bare = read(tmp_path, experiment_text())
    assert unseen.told(SPEC, bare) == [
        "The champion was trained with these columns of the orders, of which nothing came: "
        "category, quantity. It takes them for unknown, and what it says may be far off: bring "
        "them, or retrain.",
        "The champion was trained with events, and none came: it takes every customer for one who "
        "met nothing. Bring them, or retrain.",
        "The champion was trained with these attributes, of which nothing came: city. It takes "
        "them for unknown, and what it says may be far off: bring them, or retrain.",
    ]
    assert unseen.told(FeatureSpec(), bare) == []


def test_what_is_there_is_not_told_and_strange_kinds_are(
    tmp_path: Path, experiment_text: Callable[..., str]
) -> None:
    kinds = ["open"] * 70 + ["hologram"] * 26 + ["fax"] * 4
    events = pd.DataFrame({"who": "a", "when": "2024-01-01", "what": kinds})
    events.to_csv(tmp_path / "events.csv", index=False)
    pd.DataFrame({"who": ["a"], "city": ["Bonn"]}).to_csv(tmp_path / "people.csv", index=False)
    people = 'city = { lens = "geographic", kind = "category" }'
    text = experiment_text(columns='category = "kind"', people=people) + EVENTS
    said = unseen.told(SPEC, read(tmp_path, text))
    assert said[0].startswith("The champion was trained with these columns of the orders, of which")
    assert "nothing came: quantity. It" in said[0]
    assert said[1:] == [
        "Events of the kind 'hologram' (26% of all) are not known to the champion: counted among "
        "all alone. Retrain to have it learn from them."
    ]
