"""The front door: one command line over features, training and serving.

Importing it does nothing; each command loads what it needs. What the user got wrong is told as
rule, value seen and remedy with exit status 2, never as a traceback.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from features.errors import CoterieError, SourceError

if TYPE_CHECKING:
    import pandas as pd

    from features.experiment import Experiment
    from features.guess import Question
    from training.bundle import Bundle
    from training.screen import Screen

DEMO = "mlflow/experiments/complete_journey.toml"
LOOPBACK = "127.0.0.1"
FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


class Commands(click.Group):
    """Tells a CoterieError in words and ends with status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CoterieError as problem:
            click.secho(problem.rule, err=True, fg="red", bold=True)
            click.echo(f"  Seen:   {problem.seen}", err=True)
            click.echo(f"  Remedy: {problem.remedy}", err=True)
            sys.exit(2)


class Moment(click.ParamType):
    """A moment as ISO text; without a zone it is UTC."""

    name = "moment"

    def convert(self, value: Any, param: Any, ctx: Any) -> pd.Timestamp:
        import pandas as pd

        try:
            moment = pd.Timestamp(value)
            return moment.tz_convert("UTC").tz_localize(None) if moment.tz else moment
        except (ValueError, TypeError):
            self.fail(
                f"{value!r} is not a moment like 2024-05-09 or 2024-05-09T17:00:00+02:00",
                param,
                ctx,
            )


as_of_option = click.option(
    "--as-of",
    type=Moment(),
    help="See nothing at or after this moment (UTC)  [default: all there is]",
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(importlib.metadata.version("coterie"), prog_name="coterie")
def main() -> None:
    """Predictive customer segmentation: the segment each customer belongs to and will behave
    like, how likely each is to leave, and what each is worth.

    \b
    Your own data, in four commands:
      coterie init orders.csv        writes orders.toml, a commented experiment file
      coterie check orders.toml      tells what is wrong with the data, before any training
      coterie retrain orders.toml    trains, reports, registers
      coterie serve                  answers over HTTP on this machine
    """


@main.command()
@click.argument("file", type=FILE)
@click.option(
    "--out", type=FILE, help="Where to write the experiment file  [default: NAME.toml here]"
)
@click.option(
    "--currency", help="ISO code of the amounts' currency, such as EUR; asked for if not given"
)
@click.option(
    "--horizon", type=int, help="Days ahead to predict  [default: suggested from the data]"
)
@click.option("--force", is_flag=True, help="Overwrite an experiment file that exists")
def init(
    file: Path, out: Path | None, currency: str | None, horizon: int | None, force: bool
) -> None:
    """Write a commented experiment file for FILE (CSV or Parquet, one row an order or order line).

    Columns are guessed from their names and values; what cannot be known is asked, or, where
    nobody can answer, taken at its default and said. A currency has no default.
    """
    from features import guess

    given = {"currency": currency, "horizon_days": None if horizon is None else str(horizon)}

    def ask(question: Question) -> str:
        answer = given.get(question.key)
        if answer:
            return answer
        if not sys.stdin.isatty():
            if not question.default:
                return ""
            click.echo(f"{question.text}  Nobody to ask here: taking {question.default!r}.")
            return question.default
        kind = click.Choice(question.choices) if question.choices else str
        return str(click.prompt(question.text, default=question.default or None, type=kind))

    found = guess.guess(file, ask)
    target = out or Path(f"{found.name}.toml")
    if target.suffix != ".toml":
        raise SourceError(
            "An experiment file is TOML.", f"--out {target}", "end its name with .toml"
        )
    if target.exists() and not force:
        raise SourceError(
            "An experiment file is not overwritten unasked.",
            f"{target} exists",
            "give another name with --out, or overwrite it with --force",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(guess.render(found, target.resolve().parent))
    click.echo(f"Wrote {target}. Read it, change what is wrong, then:\n  coterie retrain {target}")


@main.command()
@click.argument("file", type=FILE)
@as_of_option
@click.option(
    "--out",
    type=FOLDER,
    default=Path("out"),
    show_default=True,
    help="Folder for the page and the rejects (in a folder of the experiment's name)",
)
def check(file: Path, as_of: pd.Timestamp | None, out: Path) -> None:
    """Check the data of the experiment FILE: can it train a model, and what is wrong with it?

    \b
    Told on the terminal, and with plots in OUT/NAME/check.html:
      what came in, and what was rejected and why (OUT/NAME/rejects.csv, row by row);
      how much is known of each column; silences, sudden changes, moments in the future;
      customers, one-time buyers, amounts, outliers;
      whether history and horizon suffice, model by model, and which windows will be used;
      what predicts the outcome too well to have been known beforehand (potential leaks).

    Nothing is trained. The last line is the verdict; the exit status is 1 where a training would
    be refused, 0 otherwise.
    """
    from features import config

    experiment = config.load(_experiment_file(file))
    import pandas as pd

    from training import checking
    from training.screen import Screen

    now = pd.Timestamp.now("UTC").tz_localize(None)
    if not checking.check(experiment, Screen(), as_of, out, now).trains:
        sys.exit(1)


@main.command()
@click.argument("file", type=FILE)
@as_of_option
@click.option(
    "--out",
    type=FOLDER,
    default=Path("out"),
    show_default=True,
    help="Folder for the report card, plots and scores (in a folder of the experiment's name)",
)
def retrain(file: Path, as_of: pd.Timestamp | None, out: Path) -> None:
    """Train on the experiment FILE, report against naive rules, register, promote, score.

    A champion of the same name is where the retrain starts: its segments keep their ids and names.

    With [contracts] instead of [orders], FILE is about contractual churn: the chance that each
    contract ends, and which share of them a campaign should ask. That model is registered, but no
    service serves it.
    """
    from features import config, contracts

    if contracts.is_one(_experiment_file(file)):
        _retrain_contracts(file, as_of, out)
        return
    experiment = config.load(file)  # refused before seconds of imports
    from training import run, tracking
    from training.screen import Screen

    screen = Screen()
    made = run.retrain(experiment, screen, as_of, out)
    made.bundle.save(_served())
    screen.say(f"MLflow store: {tracking.store_uri()}")
    screen.say("Next: coterie serve    coterie ui")


@main.command()
@click.argument("file", type=FILE)
@click.option(
    "--as-of", type=Moment(), help="Score at this moment (UTC)  [default: the end of the data]"
)
@click.option("--out", type=FILE, required=True, help="File to write: .parquet or .csv")
def score(file: Path, as_of: pd.Timestamp | None, out: Path) -> None:
    """Score every customer of the experiment FILE with its champion: one row a customer."""
    from features import config

    if out.suffix not in (".parquet", ".csv"):
        raise SourceError("Scores are written as Parquet or CSV, by the file's ending.",
                          f"--out {out}", "end it with .parquet or .csv")  # fmt: skip
    experiment = config.load(_experiment_file(file))
    from training import run, scoring, splits
    from training.screen import Screen

    bundle, screen = _champion(experiment.name), Screen()
    _same_question(bundle, experiment, file, screen)
    read = run.load(experiment, as_of, screen, out.resolve().parent)
    moment = as_of if as_of is not None else splits.now_after(read.end)
    with screen.step(f"Scoring every customer at {moment:%Y-%m-%d %H:%M} UTC"):
        made = scoring.score(bundle, read, moment)
        out.parent.mkdir(parents=True, exist_ok=True)
        scoring.write(bundle, made, out)
    screen.say(f"{len(made):,} customers in {out}")


@main.command()
@click.argument("file", type=FILE)
@click.option("--customer", "customers", multiple=True, help="Id of a customer; may be repeated")
@click.option("--segment", help="Customers whom the champion puts into this segment (id or name)")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    help="This many customers, those most likely to leave",
)
@click.option(
    "--as-of", type=Moment(), help="Explain at this moment (UTC)  [default: the end of the data]"
)
@click.option(
    "--out", type=FILE, help="File to write: .parquet, .csv or .json  [default: the screen]"
)
def explain(
    file: Path,
    customers: tuple[str, ...],
    segment: str | None,
    top: int | None,
    as_of: pd.Timestamp | None,
    out: Path | None,
) -> None:
    """Explain the predictions of the experiment FILE's champion, customer by customer.

    For each customer, what raises and what lowers the risk of leaving and the expected spend,
    against a typical customer, in words and numbers. The effects add up to what `score` gives.
    With --out and no choice of customers everyone is explained, all reasons of each.

    \b
    Three who are likely to leave, on the screen:
      coterie explain orders.toml --top 3
    """
    from features import config

    if out is not None and out.suffix not in (".parquet", ".csv", ".json"):
        raise SourceError("Reasons are written as Parquet, CSV or JSON, by the file's ending.",
                          f"--out {out}", "end it with .parquet, .csv or .json")  # fmt: skip
    experiment = config.load(_experiment_file(file))
    from features import sources
    from training import explaining, run, splits
    from training.screen import Screen

    bundle, screen = _champion(experiment.name), Screen()
    _same_question(bundle, experiment, file, screen)
    if out is not None:
        read = run.load(experiment, as_of, screen, out.resolve().parent)
    else:
        with screen.step("Reading the sources"):
            read = sources.load(experiment, as_of)
    moment = as_of if as_of is not None else splits.now_after(read.end)
    explaining.explain(bundle, read, moment, screen, customers, segment, top, out)


@main.command()
@click.argument("file", type=FILE)
@as_of_option
@click.option(
    "--customers",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="Customers compared at each cut-off",
)
@click.option(
    "--cutoffs",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Cut-offs, spread over the history",
)
def prove(file: Path, as_of: pd.Timestamp | None, customers: int, cutoffs: int) -> None:
    """Prove on the data of the experiment FILE that no feature sees the future.

    Features at a cut-off from the whole log must equal those from the log truncated there. Where
    one differs it is shown with customer, cut-off and both values, and the exit status is 1.
    """
    from features import config

    experiment = config.load(_experiment_file(file))
    from training import proving
    from training.screen import Screen

    if not proving.prove(experiment, Screen(), as_of, customers, cutoffs).holds:
        sys.exit(1)


@main.command()
@click.argument("name", required=False)
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on")
@click.option("--port", default=3000, show_default=True, help="Port to listen on")
@click.option(
    "--bundle",
    type=FOLDER,
    help="Serve this bundle folder instead of a champion",
)
def serve(name: str | None, host: str, port: int, bundle: Path | None) -> None:
    """Serve the champion of the experiment NAME over HTTP (the one trained last, if not named)."""
    from serving import process

    if bundle is not None:
        process.serve_forever(bundle, host, port)
        return
    champion = _champion(name)
    click.echo(f"Serving {champion.manifest['name']} {champion.manifest['version']}")
    with tempfile.TemporaryDirectory(prefix="coterie-") as folder:
        process.serve_forever(champion.save(Path(folder) / "bundle"), host, port)


@main.command()
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on")
@click.option("--port", default=5000, show_default=True, help="Port to listen on")
def ui(host: str, port: int) -> None:
    """Open the MLflow UI on this project's store: runs, report cards, plots, models."""
    from training import tracking

    click.echo(
        f"Store: {tracking.store_uri()}\nOpen http://{host}:{port} in a browser; Ctrl-C ends it."
    )
    tracking.serve_ui(host, port)


@main.command()
@click.option(
    "--out",
    type=FOLDER,
    default=Path("out"),
    show_default=True,
    help="Folder for the report card, plots and scores",
)
def demo(out: Path) -> None:
    """The whole line on the demo data: train, report, register, score, serve, ask."""
    from features import config, sources
    from serving import process
    from serving.question import question
    from training import run, tracking
    from training.screen import Screen

    screen = Screen()
    experiment = config.load(_experiment_file(tracking.home() / DEMO))
    screen.say(f"{experiment.name}: {experiment.description} {experiment.note}")
    made = run.retrain(experiment, screen, None, out)
    folder = made.bundle.save(_served())
    row = made.scores.sort_values("expected_spend").iloc[len(made.scores) // 2]
    with screen.step("Serving over HTTP and asking for one customer's own raw history"):
        asked = question(sources.load(experiment).connection, [row.customer_id], made.now)
        with process.running(folder, None) as service:
            answer = service.ask("/assign", asked)
    customer = asked["customers"][0]
    parts = {"orders": "order lines", "events": "events", "attributes": "attributes"}
    sent = ", ".join(f"{len(customer[part])} {words}" for part, words in parts.items())
    screen.say(f"POST {service.url}/assign, with {sent}, of which the first of each:")
    first = {"customer_id": customer["customer_id"], **{p: customer[p][:1] for p in parts}}
    screen.say(json.dumps({"as_of": asked["as_of"], "customers": [first]}, indent=2))
    screen.say("Answer:")
    screen.say(json.dumps(answer, indent=2))
    screen.say()
    screen.say("Next:", "bold")
    activate = "" if "VIRTUAL_ENV" in os.environ else "  (in .venv/bin)"
    screen.say(f"  coterie serve           answers at http://{LOOPBACK}:3000{activate}")
    screen.say(f"  coterie ui              the runs of {tracking.store_uri()} in a browser")
    screen.say("  coterie retrain FILE    on your own data; `coterie init orders.csv` writes FILE")


def _retrain_contracts(file: Path, as_of: pd.Timestamp | None, out: Path) -> None:
    from features import contracts

    experiment = contracts.load(file)  # refused before seconds of imports
    from training import contract_run, tracking
    from training.screen import Screen

    screen = Screen()
    contract_run.retrain(experiment, screen, as_of, out)
    screen.say(f"MLflow store: {tracking.store_uri()}")
    screen.say("Next: coterie ui")


def _experiment_file(file: Path) -> Path:
    if file.suffix.lower() != ".toml":
        raise SourceError(
            "An experiment file is TOML.", f"{file}", f"write one with: coterie init {file}"
        )
    return file


def _champion(name: str | None) -> Bundle:
    from training import tracking

    names = [name] if name else tracking.registered()
    bundle = tracking.champion(names[0]) if names else None
    if bundle is None:
        raise SourceError(
            "There must be a champion to work with.",
            f"none{f' of {name!r}' if name else ''} in {tracking.store_uri()}",
            "train one: coterie retrain FILE, or coterie demo",
        )
    return bundle


def _same_question(bundle: Bundle, experiment: Experiment, file: Path, screen: Screen) -> None:
    """Refuses data of another kind than the champion's; says where its horizon is another."""
    for key in ("currency", "time_zone"):
        trained, asked = bundle.manifest[key], getattr(experiment, key)
        if trained != asked:
            raise SourceError(
                f"A model scores data of the {key} that it was trained with.",
                f"{key} {asked!r} in {file}, {trained!r} in the champion",
                "correct the experiment file, or retrain",
            )
    if bundle.manifest["horizon_days"] != experiment.horizon_days:
        screen.say(
            f"The champion predicts {bundle.manifest['horizon_days']} days ahead, not the "
            f"{experiment.horizon_days} of {file}: retrain to change that."
        )


def _served() -> Path:
    """Where the service and `bentoml build` look for the champion's bundle."""
    from training import tracking

    given = os.environ.get("COTERIE_BUNDLE")
    return Path(given) if given else tracking.home() / "serving" / "champion"


if __name__ == "__main__":
    main()
