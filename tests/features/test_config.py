import hashlib
import json
from pathlib import Path

import pytest

from features.config import load, parse
from features.errors import ConfigError
from features.experiment import (
    AliasesSource,
    Attribute,
    EventsSource,
    Format,
    Join,
    ModelSettings,
    Occasion,
    Place,
    ValueSettings,
)

ROOT = Path(__file__).resolve().parents[2]

SMALL = """
[experiment]
name = "shop"
currency = "EUR"
horizon_days = 30

[orders]
url = "orders.csv"

[orders.columns]
customer_id = "who"
moment = "when"
amount = "paid"
"""


def read(text):
    return parse(text, Path("shop.toml"))


def message(text):
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


def test_the_smallest_file_has_these_defaults(tmp_path):
    path = tmp_path / "shop.toml"
    path.write_text(SMALL)
    experiment = load(path)
    assert (experiment.name, experiment.currency, experiment.horizon_days) == ("shop", "EUR", 30)
    assert (experiment.description, experiment.note, experiment.time_zone) == ("", "", "UTC")
    assert (experiment.interval_level, experiment.max_reject_share) == (0.8, 0.01)
    assert (experiment.min_history_days, experiment.seed, experiment.rates) == (0, 7, {})
    assert (experiment.events, experiment.attributes, experiment.occasions) == ((), (), ())
    assert experiment.engine == "duckdb"
    assert (experiment.responses, experiment.goals, experiment.places) == ((), (), ())
    assert experiment.calendar is None
    assert experiment.model == ModelSettings(segments="auto", seeds=5, latent=8)
    assert experiment.value == ValueSettings(1.0, 0.1, 0.0, (12, 24))
    assert experiment.orders.url == "orders.csv"
    assert experiment.orders.order_id is None
    assert experiment.aliases is None
    assert experiment.orders.discount == ()
    assert experiment.orders.format == Format(None, None, None)
    assert experiment.path == path
    assert experiment.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_section_is_read():
    experiment = read(
        SMALL.replace("horizon_days = 30", "horizon_days = 30\nrates = { USD = 0.9 }").replace(
            'url = "orders.csv"',
            'url = "orders.csv"\nmoment_format = "%d.%m.%Y"\ndelimiter = ";"\ndecimal = ","',
        )
        + """
discount = ["coupon", "rebate"]
brand = "make"
store = "branch"
arrived = "loaded"

[[orders.join]]
url = "products.csv"
on = { left = "sku", right = "id" }
columns = ["make"]

[[events]]
name = "mail"
url = "mail.csv"
kind = "open"
[events.columns]
customer_id = "who"
moment = "when"
channel = "list"
arrived = "loaded"

[aliases]
url = "merged.csv"
delimiter = "|"
old = "was"
new = "became"

[[attributes]]
name = "people"
url = "people.csv"
customer_id = "who"
valid_from = "since"
[attributes.columns]
age = { lens = "demographic", kind = "ordered", order = ["young", "old"] }

[[occasions]]
name = "Christmas"
dates = [2024-12-25, "2023-12-25"]

[model]
segments = 6

[value]
margin = 0.3
discount_rate = 0
returns = 0.05
months = [36, 6]
"""
    )
    assert experiment.rates == {"USD": 0.9}
    assert experiment.orders.format == Format("%d.%m.%Y", ";", ",")
    assert experiment.orders.discount == ("coupon", "rebate")
    assert experiment.orders.joins == (Join("products.csv", "sku", "id", ("make",)),)
    assert experiment.events == (
        EventsSource(
            "mail", "mail.csv", "who", "when", kind="open", channel_column="list", arrived="loaded"
        ),
    )
    assert (experiment.orders.store, experiment.orders.arrived) == ("branch", "loaded")
    assert experiment.aliases == AliasesSource(
        "merged.csv", "was", "became", Format(delimiter="|"), "aliases"
    )
    (people,) = experiment.attributes
    assert people.valid_from == "since"
    assert people.columns == (Attribute("age", "demographic", "ordered", ("young", "old")),)
    assert experiment.occasions == (Occasion("Christmas", ("2023-12-25", "2024-12-25"), 7, 0),)
    assert experiment.model == ModelSettings(6, 5, 8)
    assert experiment.value == ValueSettings(0.3, 0.0, 0.05, (6, 36))
    assert json.loads(json.dumps(experiment.to_dict()))["orders"]["discount"] == [
        "coupon",
        "rebate",
    ]


def test_an_experiment_is_frozen():
    with pytest.raises(AttributeError):
        read(SMALL).seed = 8


EVENT = """
[[events]]
name = "mail"
url = "m.csv"
[events.columns]
customer_id = "a"
moment = "b"
"""
PEOPLE = (
    '\n[[attributes]]\nname = "people"\nurl = "p.csv"\ncustomer_id = "a"\n[attributes.columns]\n'
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            SMALL + '[aliases]\nurl = "m.csv"\nold = "a"\nnwe = "b"',
            "aliases.new is required. Seen: keys here: url, old, nwe. "
            "Remedy: nwe may be it misspelt; add new: a text",
        ),
        (
            SMALL + '[aliases]\nurl = "m.csv"\nold = "a"\nnew = "b"\n[[attributes]]\n'
            'name = "aliases"\nurl = "p.csv"\ncustomer_id = "a"\n[attributes.columns]\n',
            "Each source has a name of its own. Seen: 'aliases' twice. Remedy: rename one of them",
        ),
        (
            SMALL.replace("horizon_days", "horizon"),
            "experiment.horizon_days is required. Seen: keys here: name, currency, horizon. "
            "Remedy: horizon may be it misspelt; add horizon_days: a whole number",
        ),
        (
            SMALL.replace("horizon_days = 30", "horizon_days = 30\nsed = 1"),
            "experiment.sed is not a known key. Seen: sed (known keys: name, currency, "
            "horizon_days, description, note, time_zone, interval_level, max_reject_share, "
            "min_history_days, seed, engine, memory, threads, rates). "
            "Remedy: did you mean experiment.seed?",
        ),
        (
            SMALL + 'custmer = "x"',
            "orders.columns.custmer is not a known key. Seen: custmer (known keys: customer_id, "
            "moment, amount, order_id, product_id, category, brand, store, quantity, channel, "
            "arrived, currency, discount). Remedy: did you mean orders.columns.customer_id?",
        ),
        (
            SMALL + "[modell]\nseeds = 1",
            "modell is not a known key. Seen: modell (known keys: experiment, orders, events, "
            "attributes, aliases, occasions, calendar, responses, goals, places, model, value). "
            "Remedy: did you mean model?",
        ),
        (
            SMALL.replace("= 30", "= 0"),
            "experiment.horizon_days must be a whole number of at least 1. Seen: 0. "
            "Remedy: correct the value",
        ),
        (
            SMALL.replace("= 30", '= "30"'),
            "experiment.horizon_days must be a whole number of at least 1. Seen: '30'. "
            "Remedy: correct the value",
        ),
        (
            SMALL.replace("= 30", '= 30\nengine = "pandas"'),
            "experiment.engine must be one of 'duckdb', 'spark'. Seen: 'pandas'. "
            "Remedy: correct the value",
        ),
        (
            SMALL.replace("EUR", "Euro"),
            "experiment.currency must be a three-letter code such as USD. Seen: 'Euro'. "
            "Remedy: correct the value",
        ),
        (
            SMALL.replace("= 30", '= 30\ntime_zone = "Berlin"'),
            "experiment.time_zone must be a name of the IANA time zone database. Seen: 'Berlin'. "
            "Remedy: write for instance UTC, Europe/Berlin or America/New_York",
        ),
        (
            SMALL.replace("= 30", "= 30\ninterval_level = 1.0"),
            "experiment.interval_level must be a number above 0 and below 1. Seen: 1.0. "
            "Remedy: correct the value",
        ),
        (
            SMALL.replace("= 30", "= 30\nrates = { dollar = 1 }"),
            "experiment.rates must name currencies. Seen: 'dollar'. "
            "Remedy: write a code such as EUR",
        ),
        (
            SMALL + "[model]\nsegments = 30",
            "model.segments must be a whole number from 2 to 20. Seen: 30. "
            "Remedy: correct the value",
        ),
        (
            SMALL + "[value]\nmargin = 1.2",
            "value.margin must be a number at most 1 and above 0. Seen: 1.2. "
            "Remedy: correct the value",
        ),
        (
            SMALL + "[value]\nmonths = [12, 12]",
            "value.months must be a list of whole numbers from 1 to 120, none of them twice. "
            "Seen: [12, 12]. Remedy: correct the value",
        ),
        (
            SMALL + "[value]\nmonths = []",
            "value.months must be a list of whole numbers from 1 to 120, none of them twice. "
            "Seen: []. Remedy: correct the value",
        ),
        (
            SMALL + "[value]\ndiscount = 0.1",
            "value.discount is not a known key. Seen: discount (known keys: margin, "
            "discount_rate, returns, months). Remedy: did you mean value.discount_rate?",
        ),
        (
            SMALL + EVENT,
            "events[1].kind must say what kind of event a row is. "
            "Seen: neither kind nor columns.kind. "
            'Remedy: write kind = "visit", or name a column in columns.kind',
        ),
        (
            SMALL + EVENT.replace("url", 'kind = "open"\nurl') + 'kind = "c"',
            "events[1].kind is either the same for all rows or a column. "
            "Seen: kind = 'open' and columns.kind = 'c'. Remedy: remove one of the two",
        ),
        (
            SMALL + PEOPLE + 'age = { lens = "body", kind = "number" }',
            "attributes[1].columns.age.lens must be one of demographic, geographic, "
            "psychographic, firmographic. Seen: 'body'. Remedy: correct the value",
        ),
        (
            SMALL + PEOPLE + 'age = { lens = "demographic", kind = "ordered" }',
            "attributes[1].columns.age.order is required. Seen: keys here: lens, kind. "
            "Remedy: add order: a list of texts",
        ),
        (
            SMALL + (PEOPLE + 'age = { lens = "demographic", kind = "number" }') * 2,
            "Each source has a name of its own. Seen: 'people' twice. Remedy: rename one of them",
        ),
        (
            SMALL + '[[occasions]]\nname = "Easter"\ndates = ["16.4.2017"]',
            'occasions[1].dates must be a list of days such as ["2024-12-25"]. '
            "Seen: ['16.4.2017']. Remedy: correct the value",
        ),
        *[
            (
                SMALL
                + f'[[occasions]]\nname = "Easter"\ndates = ["2017-04-16"]\n{key} = 999999999999',
                f"occasions[1].{key} must be a whole number from 0 to 366. "
                "Seen: 999999999999. Remedy: correct the value",
            )
            for key in ("days_before", "days_after")
        ],
        (
            SMALL + "[events]\nname = 1",
            "events must be a list of tables. Seen: {'name': 1}. "
            "Remedy: write [[events]] with two brackets on each side",
        ),
        (
            SMALL.replace('url = "orders.csv"', ""),
            "orders.url is required. Seen: keys here: columns. Remedy: add url: a text",
        ),
        (
            "[experiment",
            "An experiment file is valid TOML. Seen: shop.toml: Expected ']' at the end of a "
            "table declaration (at end of document). Remedy: correct that line",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(text, expected):
    assert message(text) == expected


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.toml")
    assert str(caught.value) == (
        f"The experiment file must exist. Seen: {tmp_path / 'none.toml'}. "
        "Remedy: check the path, or run `coterie init`"
    )


PLACED = """
home = { lens = "geographic", kind = "region", levels = ["country", "city"], separator = ">" }
office = { lens = "firmographic", kind = "region", levels = ["a", "b"], columns = ["land", "ort"] }
spot = { lens = "geographic", kind = "location", latitude = "lat", longitude = "lon" }
[[places]]
name = "shop"
latitude = 52.52
longitude = 13.405
"""


def test_regions_and_locations_name_their_columns():
    experiment = read(SMALL + PEOPLE + PLACED)
    assert experiment.attributes[0].columns == (
        Attribute("home", "geographic", "region", levels=("country", "city"), separator=">"),
        Attribute("office", "firmographic", "region", levels=("a", "b"), columns=("land", "ort")),
        Attribute("spot", "geographic", "location", columns=("lat", "lon")),
    )
    assert experiment.places == (Place("shop", 52.52, 13.405),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            PLACED.replace('columns = ["land", "ort"]', 'columns = ["land"]'),
            "attributes[1].columns.office.columns must be a column for each level, coarse to fine. "
            "Seen: 1 columns and 2 levels. Remedy: name as many columns, or none and hold the "
            "whole path in one column",
        ),
        (
            PLACED.replace('">"', '"--"'),
            "attributes[1].columns.home.separator must be one of '/', '|', '>', ',', ';', ':'. "
            "Seen: '--'. Remedy: correct the value",
        ),
        (
            PLACED.replace(', longitude = "lon"', ""),
            "attributes[1].columns.spot.longitude is required. Seen: keys here: lens, kind, "
            "latitude. Remedy: add longitude: a text",
        ),
        (
            PLACED.replace("52.52", "152.52"),
            "places[1].latitude must be a number at least -90 and at most 90. Seen: 152.52. "
            "Remedy: correct the value",
        ),
        (
            PLACED[: PLACED.index("[[places]]")],
            "A location is told by its distance to the nearest of [[places]]. "
            "Seen: attribute 'spot' and no place. "
            "Remedy: add [[places]] with name, latitude and longitude",
        ),
        (
            PLACED.replace("kind = \"location\", latitude = \"lat\", longitude = \"lon\"",
                           "kind = \"category\""),
            "[[places]] are what attributes of kind location are measured from. "
            "Seen: 'shop' and no such attribute. "
            'Remedy: add an attribute with kind = "location", or remove [[places]]',
        ),
    ],
)  # fmt: skip
def test_regions_and_locations_that_cannot_be_meant_are_refused(text, expected):
    assert message(SMALL + PEOPLE + text) == expected


def test_the_demo_experiment_is_valid():
    experiment = load(ROOT / "mlflow" / "experiments" / "complete_journey.toml")
    assert experiment.note == "Simulated, based on real grocery shopping patterns."
    assert (experiment.currency, experiment.horizon_days, experiment.seed) == ("USD", 30, 7)
    assert experiment.orders.discount == ("retail_disc", "coupon_disc", "coupon_match_disc")
    assert [source.kind for source in experiment.events] == ["campaign", "redemption"]
    assert {c.lens for c in experiment.attributes[0].columns} == {"demographic"}
