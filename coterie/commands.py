"""The commands, over features, training and serving.

Importing them does nothing; each loads what it needs.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coterie.arguments import (
    FILE,
    FOLDER,
    Moment,
    as_of_option,
    encoding_option,
    experiment_file,
    out_option,
    table,
)
from coterie.asking import asking
from coterie.group import Commands
from features.errors import SourceError

if TYPE_CHECKING:
    import pandas as pd

DEMO = "mlflow/experiments/complete_journey.toml"
LOOPBACK = "127.0.0.1"


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
@click.argument("file", type=click.Path(), callback=table)
@click.option(
    "--out", type=FILE, help="Where to write the experiment file  [default: NAME.toml here]"
)
@click.option(
    "--currency", help="ISO code of the amounts' currency, such as EUR; asked for if not given"
)
@click.option(
    "--horizon", type=int, help="Days ahead to predict  [default: suggested from the data]"
)
@encoding_option
@click.option("--force", is_flag=True, help="Overwrite an experiment file that exists")
def init(
    file: Path,
    out: Path | None,
    currency: str | None,
    horizon: int | None,
    encoding: str | None,
    force: bool,
) -> None:
    """Write a commented experiment file for FILE (CSV or Parquet, one row an order or order line).

    FILE may be a folder of Parquet. Columns are guessed from their names and values; what cannot be
    known is asked, or, where nobody can answer, taken at its default and said. A currency has no
    default.
    """
    from features.guessing import draft, guess, template

    target = template.destination(draft.named(file.absolute()), out, force)
    given = {"currency": currency, "horizon_days": None if horizon is None else str(horizon)}
    guessed = guess.guess(file, asking(given), encoding)
    template.write(guessed, target)
    for note in guessed.notes:
        click.echo(f"NOTE: {note}")
    click.echo(f"Wrote {target}. Read it, change what is wrong, then:")
    click.echo(f"  coterie check {target}      what comes in, and whether it suffices")
    click.echo(f"  coterie retrain {target}    trains, reports, registers")


@main.command()
@experiment_file
@as_of_option
@out_option("the page and the rejects (in a folder of the experiment's name)")
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
    from features.settings import config

    experiment = config.load(file)
    from training.screen import Screen

    screen = Screen()
    with screen.starting():
        import pandas as pd

        from training.checks import checking

    now = pd.Timestamp.now("UTC").tz_localize(None)
    if not checking.check(experiment, screen, as_of, out, now).trains:
        sys.exit(1)


@main.command()
@experiment_file
@as_of_option
@out_option("the report card, plots and scores (in a folder of the experiment's name)")
def retrain(file: Path, as_of: pd.Timestamp | None, out: Path) -> None:
    """Train on the experiment FILE, report against naive rules, register, promote, score.

    A champion of the same name is where the retrain starts: its segments keep their ids and names.
    One that was trained beyond --as-of is left alone, and stays the champion; files then go to a
    folder of that day.

    With [contracts] instead of [orders], FILE is about contractual churn: the chance that each
    contract ends, and which share of them a campaign should ask. That model is registered, but no
    service serves it.
    """
    from features.settings import config, contracts

    # Refused before seconds of imports.
    about_contracts = contracts.load(file) if contracts.is_one(file) else None
    experiment = None if about_contracts else config.load(file)
    from training.screen import Screen

    screen = Screen()
    with screen.starting():
        from training import champion, run, tracking
        from training.contracts import contract_run

    if about_contracts:
        contract_run.retrain(about_contracts, screen, as_of, out)
    elif experiment:
        made = run.retrain(experiment, screen, as_of, out)
        if made.promoted:
            made.bundle.save(champion.served())
    screen.say(f"MLflow store: {tracking.shown_uri()}")
    uses = [f"coterie score {file}", f"coterie explain {file} --top 3", "coterie serve"]
    screen.say("Next: " + "    ".join([*(() if about_contracts else uses), "coterie ui"]))


@main.command()
@experiment_file
@click.option(
    "--as-of", type=Moment(), help="Score at this moment (UTC)  [default: the end of the data]"
)
@click.option("--out", type=FILE, required=True, help="File to write: .parquet or .csv")
def score(file: Path, as_of: pd.Timestamp | None, out: Path) -> None:
    """Score every customer of the experiment FILE with its champion: one row a customer."""
    from features.settings import config

    if out.suffix not in (".parquet", ".csv"):
        raise SourceError("Scores are written as Parquet or CSV, by the file's ending.",
                          f"--out {out}", "end it with .parquet or .csv")  # fmt: skip
    experiment = config.load(file)
    from training.screen import Screen

    screen = Screen()
    with screen.starting():
        from training import champion, scoring

    asked = champion.question(experiment, as_of, screen, out.resolve().parent)
    with screen.step(f"Scoring every customer at {asked.moment:%Y-%m-%d %H:%M} UTC") as told:
        made = scoring.score(asked.bundle, asked.read, asked.moment, told)
        scoring.write(asked.bundle, made, out)
    screen.say(f"{len(made):,} customers in {out}")


@main.command()
@experiment_file
@click.option("--customer", "customers", multiple=True, help="Id of a customer; may be repeated")
@click.option("--segment", help="Customers whom the champion puts into this segment (id or name)")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    help="This many customers: those with most to lose, risk of leaving times value",
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
    The three with most to lose, on the screen:
      coterie explain orders.toml --top 3
    """
    from features.settings import config

    if out is not None and out.suffix not in (".parquet", ".csv", ".json"):
        raise SourceError("Reasons are written as Parquet, CSV or JSON, by the file's ending.",
                          f"--out {out}", "end it with .parquet, .csv or .json")  # fmt: skip
    experiment = config.load(file)
    from training.screen import Screen

    screen = Screen()
    with screen.starting():
        from training import champion
        from training.explanation import explaining

    folder = None if out is None else out.resolve().parent
    asked = champion.question(experiment, as_of, screen, folder)
    explaining.explain(asked.bundle, asked.read, asked.moment, screen, customers, segment, top, out)


@main.command()
@experiment_file
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
    help="Cut-offs, spread over the days of orders; one more each for orders, events and "
    "attributes with a valid_from, where none of these would show a leak in them",
)
def prove(file: Path, as_of: pd.Timestamp | None, customers: int, cutoffs: int) -> None:
    """Prove on the data of the experiment FILE that no feature sees the future.

    Features at a cut-off from the whole log must equal those from the log truncated there. Where
    one differs it is shown with customer, cut-off and both values, and the exit status is 1.

    Features made of orders, events or attributes that have no row before a cut-off or none after
    it are named as not proved, and not counted. Where nothing is proved, since hardly a row lies
    before or after any cut-off, the exit status is 1 too.
    """
    from features.settings import config

    experiment = config.load(file)
    from training.screen import Screen

    screen = Screen()
    with screen.starting():
        from training.checks import proving

    if not proving.prove(experiment, screen, as_of, customers, cutoffs).proves:
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
    from training import champion

    found = champion.named(name)
    click.echo(f"Serving {found.manifest['name']} {found.manifest['version']}")
    with tempfile.TemporaryDirectory(prefix="coterie-") as folder:
        process.serve_forever(found.save(Path(folder) / "bundle"), host, port)


@main.command()
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on")
@click.option("--port", default=5000, show_default=True, help="Port to listen on")
def ui(host: str, port: int) -> None:
    """Open the MLflow UI on this project's store: runs, report cards, plots, models."""
    from training import tracking

    click.echo(
        f"Store: {tracking.shown_uri()}\nOpen http://{host}:{port} in a browser; Ctrl-C ends it."
    )
    tracking.serve_ui(host, port)


@main.command()
@out_option("the report card, plots and scores")
def demo(out: Path) -> None:
    """The whole line on the demo data: train, report, register, score, serve, ask."""
    from training.screen import Screen

    screen = Screen()
    with screen.starting():
        from features import sources
        from features.settings import config
        from serving import process
        from serving.question import question
        from training import champion, display, run, tracking

    experiment = config.load(tracking.home() / DEMO)
    screen.say(f"{experiment.name}: {experiment.description} {experiment.note}")
    made = run.retrain(experiment, screen, None, out)
    folder = made.bundle.save(champion.served())
    row = made.scores.sort_values("expected_spend").iloc[len(made.scores) // 2]
    with screen.step("Serving over HTTP and asking for one customer's own raw history"):
        asked = question(sources.load(experiment).connection, [row.customer_id], made.now)
        with process.running(folder, None) as service:
            answer = service.ask("/assign", asked)
    display.show_answer(f"{service.url}/assign", asked, answer, screen)
    screen.say()
    screen.say("Next:", "bold")
    activate = "" if "VIRTUAL_ENV" in os.environ else "  (in .venv/bin)"
    screen.say(f"  coterie serve              answers at http://{LOOPBACK}:3000{activate}")
    screen.say(f"  coterie ui                 the runs of {tracking.shown_uri()} in a browser")
    screen.say("  coterie init orders.csv    begins with your own data, and says what comes next")
