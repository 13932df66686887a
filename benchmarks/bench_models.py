"""Churn and value out of time on public data: ours beside the naive rules and a strong blend.

    python benchmarks/bench_models.py --out docs/benchmarks/models.md
    python benchmarks/bench_models.py --quick --data cj30 cdnow181
    python benchmarks/bench_models.py --file my-shop.toml

At each cut-off everything is learned from what lies before it, ours by the product's own path
(`training.learning.learn`), and measured on what happened in the horizon after it, of all customers
with an order before it. Nothing is kept between runs. `--workers 2` takes two cut-offs at a time.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import pandas as pd
from public_data import DATA_SETS, DataSet, experiment, happened, own

from features.errors import CoterieError

CONTRACTS = "contracts"


@dataclasses.dataclass(frozen=True)
class Cut:
    """What was measured at one cut-off of one data set; `data` is its key, or "own"."""

    data: str
    title: str
    as_of: str
    customers: int
    churned: float
    features: int
    window_days: tuple[int, int]
    rows: dict
    held: object
    seconds: dict[str, float]


def measure(data: str, about: DataSet, as_of: str, folder: Path) -> Cut:
    """Ours and every rival at one cut-off."""
    import model_blend
    import model_figures
    import model_rivals
    from rich.console import Console

    from features import catalog, sources
    from training import learning
    from training.screen import Screen

    moment = pd.Timestamp(as_of)
    shop, clock = experiment(about, folder / f"{data}-{as_of}"), _Clock()
    read = sources.load(shop, moment)
    learned = learning.learn(shop, read, Screen(Console(file=io.StringIO())), moment, None, False)
    said, interval = _ours(learned)
    clock.lap("Coterie")
    past = model_rivals.past(read, shop, moment, learned)
    same = past.today.customer_id.to_numpy() == said.index.to_numpy()
    if len(said) != len(past.today) or not same.all():
        raise AssertionError("ours and the rivals must speak of the same customers")
    rivals = model_rivals.naive(past)
    clock.lap("naive rules")
    rivals["LightGBM, 10 RFM features"] = model_rivals.boosted(past)
    clock.lap("LightGBM")
    rivals["blend"] = model_blend.blended(past)
    clock.lap("blend")
    rivals["blend with periods"] = model_blend.blended(past, periods=True)
    clock.lap("blend with periods")
    after = happened(sources.load(shop), past.today, about.horizon_days)
    expected = said.expected_spend.to_numpy()
    ours = model_rivals.Said(said.churn_probability.to_numpy(), expected)
    tested, level = learned.evaluated.test, shop.interval_level
    plain = model_figures.split_conformal(
        expected, tested.expected_spend.to_numpy(), tested.future_spend.to_numpy(), level,
        learned.ratio.spend,
    )  # fmt: skip
    made = Cut(
        data, about.title, as_of, len(after), float((after.future_orders == 0).mean()),
        len(catalog.features(past.spec)), (learned.plan.window_days, past.window_days),
        model_figures.figures(after, {model_figures.OURS: ours, **rivals}, shop.seed),
        model_figures.held(after.future_spend.to_numpy(float), expected, interval, plain, level),
        clock.laps,
    )  # fmt: skip
    clock.lap("bootstrap")
    return made


def _ours(learned) -> tuple[pd.DataFrame, tuple[np.ndarray, np.ndarray]]:
    """What the served model says of today's customers with an order, and its intervals."""
    from training.snapshots import buyers

    said = learned.served.predicted.to_pandas().set_index("customer_id")
    said = said.loc[buyers(learned.shots.now).customer_id]
    return said, (said.expected_spend_low.to_numpy(), said.expected_spend_high.to_numpy())


class _Clock:
    """Seconds between laps."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, what: str) -> None:
        now = time.perf_counter()
        self.laps[what], self._last = now - self._last, now


def contracts(folder: Path, repeats: int):
    """The section of the contracts' card, by folds (`bench_contracts`)."""
    import bench_contracts

    from training.contracts import contract_card

    shop, tested = bench_contracts.measure(folder, repeats)
    return contract_card.section(tested, shop.profit, shop.currency, shop.seed)


def main() -> None:
    """The command line."""
    import model_page

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choices = [*DATA_SETS, CONTRACTS]
    parser.add_argument("--data", nargs="+", choices=choices, default=choices, help="which of them")
    parser.add_argument("--quick", action="store_true", help="one cut-off a data set")
    parser.add_argument("--workers", type=int, default=1, help="cut-offs at a time, a process each")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    parser.add_argument("--file", type=Path, help="an experiment file of your own instead of them")
    parser.add_argument(
        "--as-of", nargs="+", type=day, metavar="DAY",
        help="its cut-offs; without it the last three, half a horizon apart, that it is over for",
    )  # fmt: skip
    given = parser.parse_args()
    if given.file and given.data != choices:
        parser.error("--data names public data sets: leave it out beside --file")
    if given.as_of and not given.file:
        parser.error("--as-of goes with --file: public data has cut-offs of its own")
    about = {data: DATA_SETS[data] for data in given.data if data != CONTRACTS}
    if given.file:
        try:
            shop = own(given.file)
        except CoterieError as refused:
            parser.error(str(refused))
        late = [as_of for as_of in given.as_of or () if as_of > shop.cutoffs[0]]
        if late:
            parser.error(
                f"the horizon after {late[0]} is not over: take {shop.cutoffs[0]} or earlier"
            )
        about = {"own": dataclasses.replace(shop, cutoffs=tuple(given.as_of or shop.cutoffs))}
    asked = [
        (data, shop, as_of)
        for data, shop in about.items()
        for as_of in shop.cutoffs[: 1 if given.quick else None]
    ]  # fmt: skip
    begun, found = time.perf_counter(), {}
    with tempfile.TemporaryDirectory(prefix="coterie-bench-") as made:
        folder = Path(made)
        # a fresh process a cut-off gives its memory back
        spawned = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(given.workers, spawned, max_tasks_per_child=1) as pool:
            running = {pool.submit(measure, *one, folder): one for one in asked}
            for done in as_completed(running):
                try:
                    cut = found[running[done]] = done.result()
                except CoterieError as refused:  # too short a history: said, and the others go on
                    _, shop, as_of = running[done]
                    print(f"{shop.title}, {as_of}: {refused}", flush=True)
                    continue
                print(f"[{time.perf_counter() - begun:6.0f} s] {model_page.line(cut)}", flush=True)
        ended = None
        if CONTRACTS in given.data and not given.file:
            ended = contracts(folder, 1 if given.quick else 3)
            print(f"[{time.perf_counter() - begun:6.0f} s] telecom contracts", flush=True)
    if not found and ended is None:
        raise SystemExit("no cut-off could be measured")
    text = model_page.page(
        [found[one] for one in asked if one in found], ended, time.perf_counter() - begun
    )
    print(text)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(text)


def day(text: str) -> str:
    """A day as it is written, raising ValueError where it is none."""
    return f"{pd.Timestamp(text):%Y-%m-%d}"


if __name__ == "__main__":
    main()
