"""The experiment file: a TOML file read into frozen values.

An unknown key, a missing key and a value of the wrong type are refused with the key's full name.
URLs stay as written; `features.locations` resolves them relative to the file's folder.
"""

import hashlib
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from features import named
from features.engine import ENGINES
from features.errors import ConfigError
from features.experiment import (
    KINDS,
    LENSES,
    AliasesSource,
    Attribute,
    AttributesSource,
    Calendar,
    EventsSource,
    Experiment,
    Format,
    Goal,
    Join,
    ModelSettings,
    Occasion,
    OrdersSource,
    Place,
    Response,
    ValueSettings,
)
from features.locations import without_secret
from features.tables import Table

__all__ = [
    "KINDS",
    "LENSES",
    "AliasesSource",
    "Attribute",
    "AttributesSource",
    "Calendar",
    "EventsSource",
    "Experiment",
    "Format",
    "Goal",
    "Join",
    "ModelSettings",
    "Occasion",
    "OrdersSource",
    "Place",
    "Response",
    "ValueSettings",
    "format_of",
    "load",
    "parse",
    "text_of",
    "time_zone",
    "url_of",
]

#: What may stand between the parts of a region.
SEPARATORS = ("/", "|", ">", ",", ";", ":")


def load(path: Path) -> Experiment:
    """Read an experiment file; ConfigError says which key cannot be used, and why."""
    return parse(text_of(path)[0], Path(path))


def text_of(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of an experiment file and its content; ConfigError where it is no TOML file."""
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise ConfigError(
            "The experiment file must exist.", str(path), "check the path, or run `coterie init`"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            "An experiment file is UTF-8 text.", f"{path}: {error.reason}", "save it as UTF-8"
        ) from error
    return text, _content(text, path)


def _content(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            "An experiment file is valid TOML.", f"{path.name}: {error}", "correct that line"
        ) from error


def parse(text: str, path: Path) -> Experiment:
    """Read an experiment from its text; `path` is the file that it stands, or will stand, in."""
    top = Table(_content(text, path), "")
    if "contracts" in top:
        raise ConfigError(
            "This needs an experiment with [orders].",
            f"{path.name} has [contracts]",
            "contracts are trained and reported by `coterie retrain`; for anything else name a "
            "file with [orders]",
        )
    head = top.table("experiment")
    experiment = Experiment(
        name=head.slug("name"),
        currency=head.matching("currency", r"[A-Z]{3}", "a three-letter code such as USD"),
        horizon_days=head.integer("horizon_days", low=1),
        orders=_orders(top.table("orders")),
        description=head.text("description", ""),
        note=head.text("note", ""),
        time_zone=time_zone(head),
        interval_level=head.number("interval_level", 0.8, above=0, below=1),
        max_reject_share=head.number("max_reject_share", 0.01, low=0, high=1),
        min_history_days=head.integer("min_history_days", 0, low=0),
        seed=head.integer("seed", 7, low=0),
        engine=head.one_of("engine", ENGINES) or ENGINES[0],
        memory=_memory(head),
        threads=_threads(head),
        rates=_rates(head),
        events=tuple(_events(table) for table in top.tables("events")),
        attributes=tuple(_attributes(table) for table in top.tables("attributes")),
        aliases=_aliases(top),
        occasions=tuple(named.occasion(table) for table in top.tables("occasions")),
        calendar=named.holidays(top.section("calendar")),
        responses=tuple(named.response(table) for table in top.tables("responses")),
        goals=tuple(named.goal(table) for table in top.tables("goals")),
        places=tuple(named.place(table) for table in top.tables("places")),
        model=_model(top.table("model", {})),
        path=path,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        value=_value(top.table("value", {})),
    )
    head.refuse_others()
    top.refuse_others()
    _refuse_repeats(experiment)
    named.refuse_contradictions(experiment)
    return experiment


def time_zone(head: Table) -> str:
    """The key `time_zone`, an IANA name; UTC where there is none."""
    name = head.text("time_zone", "UTC")
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(
            f"{head.full('time_zone')} must be a name of the IANA time zone database.",
            repr(name),
            "write for instance UTC, Europe/Berlin or America/New_York",
        ) from error
    return name


def _threads(head: Table) -> int | None:
    head.known("threads")
    return None if head.peek("threads") is None else head.integer("threads", low=1)


def _memory(head: Table) -> str | None:
    head.known("memory")
    if head.peek("memory") is None:
        return None
    return head.matching("memory", r"[0-9]+(\.[0-9]+)? ?[KMGT]i?B", 'a size such as "4GB"')


def _rates(head: Table) -> dict[str, float]:
    table = head.table("rates", {})
    for code in table:
        if not re.fullmatch(r"[A-Z]{3}", code):
            raise ConfigError(
                "experiment.rates must name currencies.", repr(code), "write a code such as EUR"
            )
    return {code: table.number(code, above=0) for code in table}


def url_of(table: Table) -> str:
    """The key `url`, which holds no password."""
    return without_secret(table.full("url"), table.text("url"))


def format_of(table: Table) -> Format:
    """How the text of a source is written."""
    return Format(
        moment_format=table.optional("moment_format"),
        delimiter=table.one_of("delimiter", (",", ";", "\t", "|")),
        decimal=table.one_of("decimal", (".", ",")),
    )


def _joins(table: Table) -> tuple[Join, ...]:
    joins = []
    for join in table.tables("join"):
        if isinstance(join.peek("on"), dict):
            pair = join.table("on")
            left, right = pair.text("left"), pair.text("right")
            pair.refuse_others()
        else:
            left = right = join.text("on")
        joins.append(Join(url_of(join), left, right, join.texts("columns")))
        join.refuse_others()
    return tuple(joins)


def _orders(table: Table) -> OrdersSource:
    columns = table.table("columns")
    source = OrdersSource(
        url=url_of(table),
        customer_id=columns.text("customer_id"),
        moment=columns.text("moment"),
        amount=columns.text("amount"),
        order_id=columns.optional("order_id"),
        product_id=columns.optional("product_id"),
        category=columns.optional("category"),
        brand=columns.optional("brand"),
        store=columns.optional("store"),
        quantity=columns.optional("quantity"),
        channel=columns.optional("channel"),
        arrived=columns.optional("arrived"),
        currency=columns.optional("currency"),
        discount=columns.texts("discount", ()),
        line_id=table.optional("line_id"),
        joins=_joins(table),
        format=format_of(table),
    )
    columns.refuse_others()
    table.refuse_others()
    return source


def _events(table: Table) -> EventsSource:
    columns = table.table("columns")
    source = EventsSource(
        name=table.slug("name"),
        url=url_of(table),
        customer_id=columns.text("customer_id"),
        moment=columns.text("moment"),
        kind=table.optional("kind"),
        kind_column=columns.optional("kind"),
        channel=table.optional("channel"),
        channel_column=columns.optional("channel"),
        arrived=columns.optional("arrived"),
        line_id=table.optional("line_id"),
        joins=_joins(table),
        format=format_of(table),
    )
    columns.refuse_others()
    table.refuse_others()
    for key in ("kind", "channel"):
        literal, column = getattr(source, key), getattr(source, f"{key}_column")
        if literal is not None and column is not None:
            raise ConfigError(
                f"{table.full(key)} is either the same for all rows or a column.",
                f"{key} = {literal!r} and columns.{key} = {column!r}",
                "remove one of the two",
            )
    if source.kind is None and source.kind_column is None:
        raise ConfigError(
            f"{table.full('kind')} must say what kind of event a row is.",
            "neither kind nor columns.kind",
            'write kind = "visit", or name a column in columns.kind',
        )
    return source


def _attributes(table: Table) -> AttributesSource:
    columns = table.table("columns")
    source = AttributesSource(
        name=table.slug("name"),
        url=url_of(table),
        customer_id=table.text("customer_id"),
        valid_from=table.optional("valid_from"),
        columns=tuple(_attribute(columns.table(name), name) for name in columns),
        format=format_of(table),
    )
    table.refuse_others()
    return source


def _attribute(table: Table, name: str) -> Attribute:
    lens, kind = table.choice("lens", LENSES), table.choice("kind", KINDS)
    attribute = Attribute(name, lens, kind)
    if kind == "ordered":
        attribute = replace(attribute, order=table.texts("order"))
    elif kind == "region":
        separator = table.one_of("separator", SEPARATORS) or attribute.separator
        levels, columns = table.texts("levels"), table.texts("columns", ())
        if columns and len(columns) != len(levels):
            raise ConfigError(
                f"{table.full('columns')} must be a column for each level, coarse to fine.",
                f"{len(columns)} columns and {len(levels)} levels",
                "name as many columns, or none and hold the whole path in one column",
            )
        attribute = replace(attribute, levels=levels, separator=separator, columns=columns)
    elif kind == "location":
        attribute = replace(attribute, columns=(table.text("latitude"), table.text("longitude")))
    table.refuse_others()
    return attribute


def _aliases(top: Table) -> AliasesSource | None:
    top.known("aliases")
    if "aliases" not in top:
        return None
    table = top.table("aliases")
    source = AliasesSource(
        url=url_of(table),
        old=table.text("old"),
        new=table.text("new"),
        format=Format(delimiter=table.one_of("delimiter", (",", ";", "\t", "|"))),
    )
    table.refuse_others()
    return source


def _model(table: Table) -> ModelSettings:
    segments: int | str = "auto"
    if table.peek("segments") not in (None, "auto"):
        segments = table.integer("segments", low=2, high=20)
    model = ModelSettings(
        segments=segments,
        seeds=table.integer("seeds", 5, low=1),
        latent=table.integer("latent", 8, low=1),
    )
    table.known("segments")
    table.refuse_others()
    return model


def _value(table: Table) -> ValueSettings:
    default = ValueSettings()
    value = ValueSettings(
        margin=table.number("margin", default.margin, above=0, high=1),
        discount_rate=table.number("discount_rate", default.discount_rate, low=0, high=10),
        returns=table.number("returns", default.returns, low=0, below=1),
        months=table.integers("months", default.months, low=1, high=120),
    )
    table.refuse_others()
    return value


def _refuse_repeats(experiment: Experiment) -> None:
    """Names are what rejects, features and plots refer to: none may stand for two things."""
    sources = ["orders", *(source.name for source in experiment.events)]
    sources += ["aliases"] if experiment.aliases else []
    sources += [source.name for source in experiment.attributes]
    columns = [c.name for source in experiment.attributes for c in source.columns]
    for what, names in (
        ("source", sources),
        ("attribute", columns),
        ("occasion", [occasion.name for occasion in experiment.occasions]),
        ("response", [response.name for response in experiment.responses]),
        ("goal", [goal.name for goal in experiment.goals]),
        ("place", [place.name for place in experiment.places]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(
                f"Each {what} has a name of its own.", f"{twice[0]!r} twice", "rename one of them"
            )
