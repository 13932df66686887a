"""What `coterie explain` tells: who is asked about, their reasons as a table, and on the screen."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from features import spine
from features.errors import SourceError, closest
from features.snapshot import snapshot
from features.sources import Sources
from training import scoring
from training.explanation.reasons import MEASURES, reasons
from training.explanation.wording import Words
from training.fitting.fit import table
from training.prediction.bundle import Bundle
from training.prediction.value import names
from training.screen import Screen, Told, quiet
from training.whole import replacing

COLUMNS = (
    "customer_id", "as_of", "segment_id", "measure", "base", "predicted", "rank", "theme",
    "contribution", "feature", "value", "typical", "reason", "currency", "horizon_days",
    "model_version",
)  # fmt: skip
MOST_ON_SCREEN = 10
MOST_REASONS = 3


def choose(
    predicted: pd.DataFrame,
    bundle: Bundle,
    customers: Sequence[str] = (),
    segment: str | None = None,
    top: int | None = None,
) -> np.ndarray:
    """Places in `predicted` (one row a customer) of who is asked about, in the order asked for.

    The named customers; else those of `segment` (id or name), everyone where it is None, of whom
    the `top` with most to lose where it is given: risk of leaving times the value over the first
    of the months that are told, or the expected spend where no value is; who never came has none,
    and comes last. Raises SourceError for whom nobody knows.
    """
    if customers and (segment is not None or top is not None):
        raise SourceError(
            "Customers are named, or chosen by segment and by what there is to lose.",
            "--customer beside --segment or --top",
            "leave out one of them",
        )
    if customers:
        place = {identity: i for i, identity in enumerate(predicted["customer_id"])}
        # As `ingestion.cleaning.identifier` writes ids; some keyboards and file names do not.
        customers = [unicodedata.normalize("NFC", identity.strip()) for identity in customers]
        unknown = [identity for identity in customers if identity not in place]
        if unknown:
            raise SourceError(
                "A customer to explain is in the sources, known before the moment.",
                f"no {unknown[0]!r} among {len(place):,} customers",
                "check the id; `coterie score` lists them all",
            )
        return np.array([place[identity] for identity in dict.fromkeys(customers)])
    chosen = np.arange(len(predicted))
    if segment is not None:
        found = {word: s.id for s in bundle.segments for word in (s.name, s.id)}
        if segment not in found:
            near = closest(segment, found)
            raise SourceError(
                "A segment to explain is one of the champion's, by id or name.",
                f"{segment!r}",
                f"did you mean {near!r}?" if near else
                "one of " + ", ".join(s.id for s in bundle.segments),
            )  # fmt: skip
        chosen = chosen[(predicted["segment_id"] == found[segment]).to_numpy()]
    if top is not None:
        worth = predicted[_stake(predicted, bundle)].fillna(0.0).to_numpy()
        risk = predicted["churn_probability"].to_numpy()
        chosen = chosen[np.lexsort((-risk[chosen], -(risk * worth)[chosen]))[:top]]
    return chosen


def _stake(predicted: pd.DataFrame, bundle: Bundle) -> str:
    """The column of what there is to lose with a customer."""
    told = [name for name in names(bundle.terms)[:1] if predicted[name].notna().any()]
    return told[0] if told else "expected_spend"


def explained(
    bundle: Bundle, rows: pd.DataFrame, predicted: pd.DataFrame, told: Told = quiet
) -> pd.DataFrame:
    """One row a customer, measure and theme, with the columns `COLUMNS`, greatest effect first.

    Parameters
    ----------
    rows : feature rows (`features.snapshot`), at least one
    predicted : the bundle's predictions of the same rows

    Returns
    -------
    `base` (the typical customer's prediction) and all `contribution` of a customer and measure
    add up to `predicted`; probabilities of `churn_probability`, currency of `expected_spend`.
    `feature`, `value` and `typical` are of the theme's strongest feature, as they are read.
    """
    made = reasons(bundle, table(rows), told=told)
    words = Words.of(bundle.spec, bundle.manifest["currency"])
    columns = {name: rows[name].tolist() for name in made.features}
    found = []
    for i, (customer, as_of, segment) in enumerate(
        zip(predicted["customer_id"], predicted["as_of"], predicted["segment_id"], strict=True)
    ):
        for m, measure in enumerate(MEASURES):
            shares = made.contributions[m, :, i]
            for rank, t in enumerate(np.argsort(-np.abs(shares), kind="stable"), start=1):
                name = made.features[made.strongest[m, t, i]]
                value, usual, share = columns[name][i], bundle.typical[name], float(shares[t])
                found.append((
                    customer, as_of, segment, measure, made.base[m], made.predicted[m, i], rank,
                    made.themes[t], share, name, words.value(name, value),
                    words.value(name, usual),
                    f"{words.known(name, value, usual)}: {words.effect(measure, share)}",
                    words.currency, bundle.manifest["horizon_days"], bundle.manifest["version"],
                ))  # fmt: skip
    return pd.DataFrame(found, columns=list(COLUMNS))


def explain(
    bundle: Bundle,
    sources: Sources,
    as_of: pd.Timestamp,
    screen: Screen,
    customers: Sequence[str] = (),
    segment: str | None = None,
    top: int | None = None,
    out: Path | None = None,
) -> pd.DataFrame:
    """Explain the customers that `choose` finds at `as_of` (UTC): into the file `out`, or on the
    screen, which takes `MOST_ON_SCREEN`. Returns what `explained` does.
    """
    bundle.require_current()
    with screen.step(f"Predicting every customer at {as_of:%Y-%m-%d %H:%M} UTC") as told:
        predicted = scoring.score(bundle, sources, as_of, told)
    chosen = choose(predicted, bundle, customers, segment, top)
    if out is None and len(chosen) > MOST_ON_SCREEN:
        raise SourceError(
            f"More than {MOST_ON_SCREEN} customers are explained in a file.",
            f"{len(chosen):,} customers",
            "name one with --out, or choose fewer with --top",
        )
    if not len(chosen):
        screen.say("Nobody to explain.")
        return pd.DataFrame(columns=list(COLUMNS))
    if top is not None:
        stake = _stake(predicted, bundle)
        screen.say(f"{_customers(len(chosen))} with most to lose: risk of leaving times {stake}.")
    predicted = predicted.iloc[chosen].reset_index(drop=True)
    with screen.step(f"Explaining {_customers(len(chosen))}") as told:
        rows = snapshot(sources.connection, bundle.spec, spine.of(predicted)).set_index(
            "customer_id"
        )
        rows = rows.loc[predicted.customer_id].reset_index()
        made = explained(bundle, rows, predicted, told)
    if out is None:
        warned = dict(zip(predicted["customer_id"], predicted["warnings"], strict=True))
        show(made, warned, bundle, screen)
    else:
        write(made, out)
        screen.say(f"Reasons of {_customers(len(chosen))} in {out}")
    return made


def write(made: pd.DataFrame, out: Path) -> None:
    """As Parquet, CSV or JSON (a list of records), by the file's ending."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as staging:
        if out.suffix == ".csv":
            made.to_csv(staging, index=False)
        elif out.suffix == ".json":
            made.to_json(
                staging, orient="records", date_format="iso", indent=1, double_precision=15
            )
        else:
            made.to_parquet(staging, index=False)


def show(made: pd.DataFrame, warned: Mapping[str, str], bundle: Bundle, screen: Screen) -> None:
    """For each customer and measure, from the typical customer to this one: the reasons that raise
    and lower it most, and what all others do together. `warned`: what to be careful of, by
    customer, empty where there is nothing to say.
    """
    names = {s.id: s.name for s in bundle.segments}
    days = bundle.manifest["horizon_days"]
    titles = {
        "churn_probability": f"Risk of leaving within {days} days",
        "expected_spend": f"Expected spend within {days} days",
    }
    screen.say(
        "From a typical customer, with the median or commonest value of every feature, to this one:"
        " each reason names the strongest feature of its theme, and effects add up."
    )
    screen.say()
    for customer, of_customer in made.groupby("customer_id", sort=False):
        segment = of_customer["segment_id"].iloc[0]
        screen.say(f"{customer}: {segment} {names[segment]}", "bold underline")
        if warned[str(customer)]:
            screen.say(f"Careful: {warned[str(customer)]}", "yellow")
        for measure, told in of_customer.groupby("measure", sort=False):
            screen.table(titles[str(measure)], *_steps(told), left=(1,))


def _steps(told: pd.DataFrame) -> tuple[tuple[str, str], list[tuple[str, str]]]:
    """Header and lines of one customer and measure: from typical to here."""
    risk, first = told["measure"].iloc[0] == "churn_probability", told.iloc[0]
    unit, scale, digits = ("points", 100.0, 1) if risk else (str(first["currency"]), 1.0, 2)
    visible = told[(told["contribution"] * scale).abs() >= 0.5 * 10.0**-digits]
    shown = pd.concat([
        visible[visible["contribution"] > 0].head(MOST_REASONS),
        visible[visible["contribution"] < 0].head(MOST_REASONS),
    ])  # fmt: skip
    rest = told["contribution"].sum() - shown["contribution"].sum()
    lines = [
        (f"{first['base'] * scale:,.{digits}f}", "a typical customer"),
        *((f"{r['contribution'] * scale:+,.{digits}f}", str(r["reason"]).rpartition(": ")[0])
          for r in shown.to_dict("records")),
        (f"{rest * scale:+,.{digits}f}", "everything else"),
        (f"{first['predicted'] * scale:,.{digits}f}", "this customer"),
    ]  # fmt: skip
    return (unit, "reason"), lines


def _customers(count: int) -> str:
    return "1 customer" if count == 1 else f"{count:,} customers"
