"""The experiment file: a TOML file read into frozen values.

An unknown key, a missing key and a value of the wrong type are refused with the key's full name.
URLs stay as written; `ingestion.locations` resolves them relative to the file's folder.
"""

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from features.engine import ENGINES, takes
from features.errors import ConfigError, closest
from features.settings import named, source_sections
from features.settings.experiment import (
    MAX_SEED,
    MOST_REJECTS,
    MOST_WORTH,
    Experiment,
    ModelSettings,
    ValueSettings,
)
from features.settings.tables import Table

#: Of a study where `tune = true`.
TRIALS = 20


def load(path: Path) -> Experiment:
    """Read an experiment file; ConfigError says which key cannot be used, and why."""
    return parse(text_of(path)[0], Path(path))


def text_of(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of an experiment file and its content; ConfigError where it is no TOML file."""
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors write a mark
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise missing(path) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            "An experiment file is UTF-8 text.", f"{path}: {error.reason}", "save it as UTF-8"
        ) from error
    return text, _content(text, path)


def missing(path: Path) -> ConfigError:
    """What is said of an experiment file that is not there: which one beside it may be meant."""
    near = closest(path.stem, sorted(f.stem for f in path.parent.glob("*.toml")))
    return ConfigError(
        "The experiment file must exist.",
        str(path),
        f"did you mean {path.parent / f'{near}.toml'}?"
        if near
        else "check the path, or run `coterie init`",
    )


def _content(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(
            "An experiment file is valid TOML.",
            f"{path.name}: hundreds of brackets within each other",
            "close them where they belong",
        ) from error
    except ValueError as error:  # of TOML, or of a number of thousands of digits
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
        orders=source_sections.orders(top.table("orders")),
        description=head.text("description", ""),
        note=head.text("note", ""),
        time_zone=time_zone(head),
        time_zone_named=head.peek("time_zone") is not None,
        interval_level=head.number("interval_level", 0.8, above=0, below=1),
        max_reject_share=head.number("max_reject_share", MOST_REJECTS, low=0, high=1),
        min_history_days=head.integer("min_history_days", 0, low=0),
        seed=head.integer("seed", 7, low=0, high=MAX_SEED),
        engine=head.one_of("engine", ENGINES) or ENGINES[0],
        memory=_memory(head),
        threads=_threads(head),
        rates=_rates(head),
        events=tuple(source_sections.events(table) for table in top.tables("events")),
        attributes=tuple(source_sections.attributes(table) for table in top.tables("attributes")),
        aliases=source_sections.aliases(top),
        rate_table=source_sections.rates(top),
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
    _refuse_idle_rates(experiment)
    _refuse_unknown_groups(experiment)
    named.refuse_contradictions(experiment)
    return experiment


def _refuse_unknown_groups(experiment: Experiment) -> None:
    columns = [column for source in experiment.attributes for column in source.columns]
    able = [column.name for column in columns if column.kind in ("category", "ordered")]
    for name in experiment.model.protected:
        if name not in able:
            near = closest(name, able)
            raise ConfigError(
                "model.protected must name attributes of kind category or ordered.",
                repr(name),
                f"did you mean {near!r}?" if near else
                f"one of {', '.join(able)}" if able else "describe it in [[attributes]]",
            )  # fmt: skip


def time_zone(head: Table) -> str:
    """The key `time_zone`, an IANA name; UTC where there is none."""
    name = head.text("time_zone", "UTC")
    problem = ConfigError(
        f"{head.full('time_zone')} must be a name of the IANA time zone database.",
        repr(name),
        "write for instance UTC, Europe/Berlin or America/New_York",
    )
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise problem from error
    # What lies in the system's folder of zones beside them: localtime, posixrules, right/...
    if name != "UTC" and not takes("timezone($1, TIMESTAMP '2024-01-01')", name):
        raise problem
    return name


def _threads(head: Table) -> int | None:
    head.known("threads")
    return None if head.peek("threads") is None else head.integer("threads", low=1, high=1024)


def _memory(head: Table) -> str | None:
    head.known("memory")
    if head.peek("memory") is None:
        return None
    # Of more digits DuckDB says that it is no size.
    size = r"([0-9]{1,9}(\.[0-9]{1,9})? ?[KMG]|[0-9]{1,6}(\.[0-9]{1,9})? ?T)i?B"
    return head.matching("memory", size, 'a size such as "4GB"')


def _rates(head: Table) -> dict[str, float]:
    table = head.table("rates", {})
    for code in table:
        if not re.fullmatch(r"[A-Z]{3}", code):
            raise ConfigError(
                "experiment.rates must name currencies.", repr(code), "write a code such as EUR"
            )
    return {code: table.number(code, above=0, high=MOST_WORTH) for code in table}


def _refuse_idle_rates(experiment: Experiment) -> None:
    """Rates that nothing is converted by, or that would convert what needs no conversion."""
    own, rates = experiment.currency, experiment.rates
    if rates and experiment.rate_table is not None:
        raise ConfigError(
            "Currencies have constant rates or a table of them, not both.",
            "experiment.rates and [rates]",
            "remove one of the two",
        )
    if experiment.rate_table is not None and experiment.orders.currency is None:
        raise ConfigError(
            "[rates] convert each line by its currency.",
            "no orders.columns.currency",
            "name the column of the currency, or remove [rates]",
        )
    if rates and experiment.orders.currency is None:
        raise ConfigError(
            "experiment.rates convert each line by its currency.",
            f"a rate for {', '.join(rates)}, and no orders.columns.currency",
            "name the column of the currency, or remove rates",
        )
    if rates.get(own, 1.0) != 1.0:
        raise ConfigError(
            f"experiment.rates are the worth in {own} of one unit of another currency.",
            f"{own} = {rates[own]:g}",
            f"remove {own} from rates, or correct experiment.currency",
        )


def _model(table: Table) -> ModelSettings:
    segments: int | str = "auto"
    if table.peek("segments") not in (None, "auto"):
        segments = table.integer("segments", low=2, high=20)
    default = ModelSettings()
    model = ModelSettings(
        segments=segments,
        seeds=table.integer("seeds", default.seeds, low=1),
        latent=table.integer("latent", default.latent, low=1),
        tune=_trials(table),
        origins=table.integer("origins", default.origins, low=1, high=12),
        protected=table.texts("protected", default.protected),
        most_customers=table.integer("most_customers", default.most_customers, low=100),
    )
    table.known("segments")
    table.refuse_others()
    return model


def _trials(table: Table) -> int:
    """The key `tune`: true, false, or a number of trials."""
    table.known("tune")
    given = table.peek("tune")
    if given is None or isinstance(given, bool):
        return TRIALS if given else 0
    return table.integer("tune", low=1, high=1000)


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
    read_first = (experiment.aliases, experiment.rate_table)
    sources += [source.name for source in read_first if source is not None]
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
