"""An experiment file, section by section, and what its sections must not say together."""

import hashlib
from pathlib import Path

import pytest

from features.engine import connect
from features.errors import ConfigError
from features.settings.config import load, parse
from features.settings.experiment import (
    AliasesSource,
    EventsSource,
    Format,
    Join,
    ModelSettings,
    RatesSource,
    ValueSettings,
)
from features.spec import Attribute, Occasion

ROOT = Path(__file__).resolve().parents[3]


def test_the_smallest_file_has_these_defaults(tmp_path, experiment_text):
    path = tmp_path / "shop.toml"
    path.write_text(experiment_text())
    experiment = load(path)
    assert (experiment.name, experiment.currency, experiment.horizon_days) == ("shop", "EUR", 30)
    assert (experiment.description, experiment.note, experiment.time_zone) == ("", "", "UTC")
    assert not experiment.time_zone_named
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
    assert experiment.rate_table is None
    assert experiment.orders.discount == ()
    assert experiment.orders.format == Format(None, None, None)
    assert experiment.path == path
    assert experiment.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_left_out_is_told_without_the_customers_ids(parsed):
    assert parsed().left_out() == {}
    experiment = parsed(
        form='leave_out = { sku = ["POST", "M"], who = ["", "a test account"], shop = "x" }',
        columns=(
            '[[events]]\nname = "mail"\nurl = "m.csv"\nkind = "open"\n'
            'leave_out = { who = "robot" }\n[events.columns]\ncustomer_id = "who"\nmoment = "at"\n'
        ),
        people='age = { lens = "demographic", kind = "number" }\n[attributes.leave_out]\nage = ""',
    )
    assert experiment.orders.leave_out == (
        ("sku", ("POST", "M")), ("who", ("", "a test account")), ("shop", ("x",)),
    )  # fmt: skip
    assert experiment.left_out() == {
        "orders": {"sku": ["POST", "M"], "shop": ["x"]}, "people": {"age": [""]},
    }  # fmt: skip


def test_every_section_is_read(parsed):
    experiment = parsed(
        head="rates = { USD = 0.9 }",
        form='moment_format = "%d.%m.%Y"\ndelimiter = ";"\ndecimal = ","\nencoding = "cp1250"',
        columns="""
currency = "coin"
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
protected = ["age"]

[value]
margin = 0.3
discount_rate = 0
returns = 0.05
months = [36, 6]
""",
    )
    assert experiment.rates == {"USD": 0.9}
    assert experiment.orders.format == Format("%d.%m.%Y", ";", ",", "cp1250")
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
    assert experiment.model == ModelSettings(6, 5, 8, protected=("age",))
    assert experiment.value == ValueSettings(0.3, 0.0, 0.05, (6, 36))


def test_an_experiment_is_frozen(parsed):
    experiment = parsed()
    with pytest.raises(AttributeError):
        experiment.seed = 8


def test_a_table_of_rates_is_a_source_like_others(parsed):
    form = 'moment_format = "%d.%m.%Y"\ndelimiter = ";"\ndecimal = ","\n[rates.columns]'
    text = RATES.replace("[rates.columns]", form) + 'valid_from = "day"'
    experiment = parsed(columns='currency = "coin"' + text)
    assert experiment.rates == {}
    assert experiment.rate_table == RatesSource(
        "rates.csv", "code", "worth", "day", Format("%d.%m.%Y", ";", ","), "rates"
    )
    without = parsed(columns='currency = "coin"' + RATES).rate_table
    assert without == RatesSource("rates.csv", "code", "worth", None, Format())


EVENT = """
[[events]]
name = "mail"
url = "m.csv"
[events.columns]
customer_id = "a"
moment = "b"
"""
RATES = """
[rates]
url = "rates.csv"
[rates.columns]
currency = "code"
rate = "worth"
"""
AGE = 'age = { lens = "demographic", kind = "number" }'
PEOPLE = (
    '[[attributes]]\nname = "people"\nurl = "p.csv"\ncustomer_id = "a"\n'
    f"[attributes.columns]\n{AGE}"
)


@pytest.mark.parametrize(
    ("parts", "rule", "seen", "remedy"),
    [
        ({"columns": '[aliases]\nurl = "m.csv"\nold = "a"\nnew = "b"',
          "people": AGE, "but": ('"people"', '"aliases"')},
         "Each source has a name of its own.", "'aliases' twice", "rename one of them"),
        ({"columns": PEOPLE, "people": AGE},
         "Each source has a name of its own.", "'people' twice", "rename one of them"),
        ({"head": 'time_zone = "Berlin"'},
         "experiment.time_zone must be a name of the IANA time zone database.", "'Berlin'",
         "write for instance UTC, Europe/Berlin or America/New_York"),
        ({"head": 'time_zone = "localtime"'},
         "experiment.time_zone must be a name of the IANA time zone database.", "'localtime'",
         "write for instance UTC, Europe/Berlin or America/New_York"),
        ({"form": 'moment_format = "%Q"'},
         "orders.moment_format must be a strptime format or unix_seconds, unix_milliseconds, "
         "unix_microseconds, unix_nanoseconds.", "'%Q'",
         'write for instance "%d.%m.%Y" or "%Y-%m-%d %H:%M:%S"'),
        ({"head": "rates = { dollar = 1 }"},
         "experiment.rates must name currencies.", "'dollar'", "write a code such as EUR"),
        ({"head": "rates = { USD = inf }"},
         "experiment.rates.USD must be a number at most 1e+12 and above 0.", "inf",
         "correct the value"),
        ({"head": "rates = { USD = 0 }"},
         "experiment.rates.USD must be a number at most 1e+12 and above 0.", "0",
         "correct the value"),
        ({"head": "rates = { USD = 0.9, SEK = 0.1 }"},
         "experiment.rates convert each line by its currency.",
         "a rate for USD, SEK, and no orders.columns.currency",
         "name the column of the currency, or remove rates"),
        ({"head": "rates = { EUR = 2, USD = 0.9 }", "columns": 'currency = "coin"'},
         "experiment.rates are the worth in EUR of one unit of another currency.", "EUR = 2",
         "remove EUR from rates, or correct experiment.currency"),
        ({"head": "rates = { USD = 0.9 }", "columns": 'currency = "coin"' + RATES},
         "Currencies have constant rates or a table of them, not both.",
         "experiment.rates and [rates]", "remove one of the two"),
        ({"columns": RATES},
         "[rates] convert each line by its currency.", "no orders.columns.currency",
         "name the column of the currency, or remove [rates]"),
        ({"columns": 'currency = "coin"' + RATES + 'since = "day"'},
         "rates.columns.since is not a known key.",
         "since (known keys: currency, rate, valid_from)", "remove it"),
        ({"columns": 'currency = "coin"' + RATES.replace("url", 'on = "coin"\nurl')},
         "rates.on is not a known key.",
         "on (known keys: columns, url, moment_format, delimiter, decimal, encoding)", "remove it"),
        ({"columns": 'currency = "coin"' + RATES.replace("rates.csv", "pg://a:b@c/d?table=e")},
         "rates.url must not hold a password, since the experiment file is stored with every run.",
         "pg://a:***@c/d?table=e",
         "leave it out and set PGPASSWORD or use ~/.pgpass (postgres), or write ${NAME}, an "
         "environment variable's, instead"),
        ({"columns": 'currency = "coin"' + RATES + EVENT.replace('"mail"', '"rates"')
          .replace("url", 'kind = "open"\nurl')},
         "Each source has a name of its own.", "'rates' twice", "rename one of them"),
        ({"columns": EVENT},
         "events[1].kind must say what kind of event a row is.", "neither kind nor columns.kind",
         'write kind = "visit", or name a column in columns.kind'),
        ({"columns": EVENT.replace("url", 'kind = "open"\nurl') + 'kind = "c"'},
         "events[1].kind is either the same for all rows or a column.",
         "kind = 'open' and columns.kind = 'c'", "remove one of the two"),
        ({"columns": PEOPLE.replace('"number"', '"category"') + '\n[model]\nprotected = ["agee"]'},
         "model.protected must name attributes of kind category or ordered.", "'agee'",
         "did you mean 'age'?"),
        ({"columns": PEOPLE + '\n[model]\nprotected = ["age"]'},
         "model.protected must name attributes of kind category or ordered.", "'age'",
         "describe it in [[attributes]]"),
        ({"text": "[experiment"},
         "An experiment file is valid TOML.",
         "shop.toml: Expected ']' at the end of a table declaration (at end of document)",
         "correct that line"),
        ({"text": "a = " + 5000 * "["},
         "An experiment file is valid TOML.",
         "shop.toml: hundreds of brackets within each other", "close them where they belong"),
        ({"head": f"seed = {10**23}"},
         "experiment.seed must be a whole number from 0 to 2000000000.", f"{10**23}",
         "correct the value"),
        ({"head": "threads = 100000"},
         "experiment.threads must be a whole number from 1 to 1024.", "100000",
         "correct the value"),
        ({"head": 'memory = "99999999999999999999TB"'},
         'experiment.memory must be a size such as "4GB".', "'99999999999999999999TB'",
         "correct the value"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(complaint, parts, rule, seen, remedy):
    assert complaint(**parts) == f"{rule} Seen: {seen}. Remedy: {remedy}"


def test_a_number_of_thousands_of_digits_is_refused(complaint):
    assert complaint(f"a = {5000 * '9'}").startswith(
        "An experiment file is valid TOML. Seen: shop.toml: Exceeds the limit (4300 digits)"
    )


@pytest.mark.parametrize(
    ("size", "told"),
    [("999999999 GiB", "953.6 PiB"), ("999999.5TiB", "976.5 PiB"), ("16000000KB", "14.9 GiB")],
)
def test_the_database_takes_the_largest_sizes_that_may_be_asked_for(parsed, size, told):
    database = connect(memory=parsed(head=f'memory = "{size}"').memory)
    limit = database.con.execute("SELECT current_setting('memory_limit')").fetchone()
    database.disconnect()
    assert limit == (told,)


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path, experiment_text):
    path = tmp_path / "shop.toml"
    path.write_text(experiment_text(url="o.csv"), encoding="utf-8-sig")
    plain = parse(experiment_text(url="o.csv"), path)
    assert load(path) == plain


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.toml")
    assert str(caught.value) == (
        f"The experiment file must exist. Seen: {tmp_path / 'none.toml'}. "
        "Remedy: check the path, or run `coterie init`"
    )


def test_the_demo_experiment_is_valid():
    experiment = load(ROOT / "mlflow" / "experiments" / "complete_journey.toml")
    assert experiment.note == "Simulated, based on real grocery shopping patterns."
    assert (experiment.currency, experiment.horizon_days, experiment.seed) == ("USD", 30, 7)
    assert experiment.orders.discount == ("retail_disc", "coupon_disc", "coupon_match_disc")
    assert [source.kind for source in experiment.events] == ["campaign", "redemption"]
    assert {c.lens for c in experiment.attributes[0].columns} == {"demographic"}


NO_JOIN = '[[orders.join]]\nurl = "p.csv"\non = "sku"\ncolumns = "make"\nencoding = "{}"'


@pytest.mark.parametrize("name", ["cp1250x", "hex", "rot13", "undefined", "idna", "ü", "a\\u0000b"])
def test_an_encoding_is_one_of_texts(complaint, name):
    rest = "Remedy: write for instance utf-8, cp1250 or iso-8859-2"
    said = complaint(form=f'encoding = "{name}"')
    assert said.startswith("orders.encoding must be the name of a text encoding. Seen: ")
    assert said.endswith(rest)
    joined = complaint(columns=NO_JOIN.format(name))
    assert joined.startswith("orders.join[1].encoding must be the name of a text encoding. Seen: ")
    merged = f'[aliases]\nurl = "m.csv"\nold = "a"\nnew = "b"\nencoding = "{name}"'
    assert complaint(columns=merged).startswith("aliases.encoding must be the name")
