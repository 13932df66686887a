"""Columns of contracts that know too much: what is perhaps written because a contract ends.

Each column alone, its values and whether they are known, ranks contracts that taught it nothing
(`measures.ranking`): those of the test cut-off by those of the cut-offs before, or, without dates,
those of a fold by the others. How long a contract has run is no such column, and sets the mark.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.errors import SourceError
from features.ingestion.contract_rows import TENURE, Contracts, Standing
from training.checks.suspects import CERTAIN, MARGIN
from training.contracts import contract_evaluation
from training.contracts.contract_evaluation import FOLDS
from training.fitting.calibration import LEAST_OF_EACH
from training.measures import ranking
from training.measures.bootstrap import paired_bootstrap
from training.measures.metrics import roc_auc
from training.windows.splits import Splits

#: An AUC above which a column alone is asked about. Honest columns seldom have it: it is near that
#: of a whole model of contracts. A value that is written for six in ten of those who left has it.
STRONG = 0.80
#: As rare as all contracts of a value may end by chance.
RARE = 1e-6
MOST_CONTRACTS = 20_000
#: Each is sorted anew, fold by fold.
RESAMPLES = 100
Pair = tuple[Standing, Standing]


@dataclasses.dataclass(frozen=True)
class Power:
    """How well a column alone tells which contracts end, as AUC.

    `presence` is the same by whether its value is known alone; nan where it always or never is.
    """

    column: str
    value: float
    presence: float

    @property
    def by_presence(self) -> bool:
        """Whether it is enough to know that there is a value."""
        return self.presence > self.value - 0.01


@dataclasses.dataclass(frozen=True)
class Suspect:
    """A column that knows too much, and the sentence that says so with its figures.

    `certain`: it knows what nobody can know, the outcome all but itself, which tenure surely does
    not tell.
    """

    column: str
    sentence: str
    certain: bool = False


@dataclasses.dataclass(frozen=True)
class Search:
    """What was found: the columns (and the tenure) from strong to weak, and the suspects.

    `skipped` says why nothing could be judged.
    """

    powers: tuple[Power, ...]
    suspects: tuple[Suspect, ...]
    skipped: str = ""

    def cautions(self) -> tuple[str, ...]:
        """Sentences for the head of a report card."""
        made = [
            f"Perhaps written because a contract ends (a leak): {suspect.sentence}. Find out when "
            "it is written."
            for suspect in self.suspects
        ]
        if self.skipped:
            made.append(f"No column was held alone against the ends: {self.skipped}.")
        return tuple(made)

    def strongest(self, count: int = 3) -> str:
        """The strongest columns with the AUC that each has alone."""
        return ", ".join(f"{_called(p.column)} {p.value:.3f}" for p in self.powers[:count])


def refusal(found: Search) -> SourceError | None:
    """Why no model is trained on these contracts: a column of them is the outcome itself."""
    certain = [suspect for suspect in found.suspects if suspect.certain]
    if not certain:
        return None
    left_out = ", ".join(f"contracts.columns.{suspect.column}" for suspect in certain)
    return SourceError(
        "A column of a contract must not know that it ends: it was written afterwards, and a model "
        "of it is worth nothing for contracts of today.",
        "; ".join(suspect.sentence for suspect in certain),
        "find out when it is written; bring its values as they were on a day before the end, or "
        f"leave it out: remove {left_out}",
    )


def search(contracts: Contracts, plan: Splits | None, seed: int) -> Search:
    """Hold every column alone against the ends (see above); `plan` is None without dates.

    At most `MOST_CONTRACTS`, drawn by `seed`, teach and are judged. Raises FitError where contracts
    without dates cannot be drawn into folds.
    """
    judging = _judging(contracts, plan)
    pairs = _pairs(contracts, plan, judging, seed)
    skipped = _too_little(pairs)
    if skipped:
        return Search((), (), skipped)
    truth = np.concatenate([now.ended for _, now in pairs])
    whose = np.concatenate([now.customer_id.astype(str) for _, now in pairs])
    texts = {a.name for a in contracts.columns if a.kind != "number"}
    judged = [_power(str(name), pairs, truth, texts) for name in pairs[0][1].inputs]
    judged.sort(key=lambda pair: (-pair[0].value, pair[0].column))
    chance = Power("chance", 0.5, np.nan), np.zeros((len(truth), 2))
    mark = next((pair for pair in judged if pair[0].column == TENURE), chance)
    suspects = []
    for power, score in judged:
        if power.column == TENURE:
            # Of dated contracts it is worked out, and cannot be written afterwards.
            found = None if contracts.dated else _of_tenure(power)
        else:
            found = _strong(power, score, mark, truth, whose, seed) or _pure(power, judging, texts)
        if found is not None:
            suspects.append(found)
    return Search(tuple(power for power, _ in judged), tuple(suspects))


def _judging(contracts: Contracts, plan: Splits | None) -> Standing:
    """The contracts that columns are judged by: of the test cut-off, or without dates all."""
    if plan is None:
        return contracts.everything()
    return contract_evaluation.stacked(contracts, (plan.test,))


def _pairs(contracts: Contracts, plan: Splits | None, judging: Standing, seed: int) -> list[Pair]:
    """Contracts that teach, and others that are judged by them."""
    if plan is not None:
        then = contract_evaluation.stacked(contracts, (*plan.train, plan.calibration))
        return [(_drawn(then, seed), _drawn(judging, seed))]
    rows = _drawn(judging, seed)
    if _too_little([(rows, rows)]):
        return [(rows, rows)]
    # Equal contracts may be in two folds: where columns are few, all that leak are equal.
    _, customer = np.unique(rows.customer_id.astype(str), return_inverse=True)
    folds = contract_evaluation.folds(rows.ended, customer, FOLDS, seed)
    return [(rows.taken(train), rows.taken(test)) for train, test in folds]


def _drawn(rows: Standing, seed: int) -> Standing:
    """At most `MOST_CONTRACTS`: of the rarer outcome all, up to half. How many there are of either
    changes no AUC.
    """
    if len(rows.ended) <= MOST_CONTRACTS:
        return rows
    generator = np.random.default_rng(seed)
    rare, common = sorted((np.flatnonzero(rows.ended == of) for of in (0, 1)), key=len)
    some = generator.permutation(rare)[: MOST_CONTRACTS // 2]
    others = generator.permutation(common)[: MOST_CONTRACTS - len(some)]
    return rows.taken(np.sort(np.concatenate([some, others])))


def _too_little(pairs: list[Pair]) -> str:
    """Why nothing can be judged, or nothing."""
    for place, what in enumerate(("learned from", "judged")):
        ended = np.concatenate([pair[place].ended for pair in pairs])
        ones = int(ended.sum())
        if min(ones, len(ended) - ones) < LEAST_OF_EACH:
            return (
                f"{ones:,} ended and {len(ended) - ones:,} did not of those {what}, "
                f"{LEAST_OF_EACH} of each needed"
            )
    return ""


def _power(
    column: str, pairs: list[Pair], truth: np.ndarray, texts: set[str]
) -> tuple[Power, np.ndarray]:
    """The power of a column, and its best ranking as `_auc` takes it."""
    ways: list[list[np.ndarray]] = [[], [], []]
    for then, now in pairs:
        columns = then.inputs[column], now.inputs[column]
        made = ranking.by_value(*columns, then.ended, roc_auc, column in texts)
        presence = ranking.by_presence(*columns, then.ended)
        for way, score in zip(ways, (made[0], made[-1], presence), strict=True):
            way.append(score)
    fold = np.repeat(np.arange(len(pairs)), [len(now.ended) for _, now in pairs])
    ranked = [np.column_stack([np.concatenate(way), fold]) for way in ways]
    aucs = [_auc(truth, score) for score in ranked]
    best = int(np.argmax(aucs))
    known = np.concatenate([now.inputs[column].notna().to_numpy() for _, now in pairs])
    always = known.all() or not known.any()
    return Power(column, aucs[best], np.nan if always else aucs[2]), ranked[best]


def _auc(truth: npt.ArrayLike, ranked: npt.ArrayLike) -> float:
    """The mean AUC over folds; `ranked` is (n, 2), the score and the fold. Scores of two folds were
    learned on different rows and are not compared: where one holds more ends, the other learned
    of more.
    """
    outcome, (score, fold) = np.asarray(truth), np.asarray(ranked).T
    return float(
        np.nanmean([roc_auc(outcome[fold == i], score[fold == i]) for i in np.unique(fold)])
    )


def _strong(
    power: Power, score: np.ndarray, mark: tuple[Power, np.ndarray], truth: np.ndarray,
    whose: np.ndarray, seed: int,
) -> Suspect | None:  # fmt: skip
    """The suspect that a column is by its AUC; `whose` (n,) are the customers' ids."""
    if power.value <= STRONG:
        return None
    held, rival = mark
    difference = paired_bootstrap(_auc, truth, score, rival, RESAMPLES, seed, groups=whose)
    # Where a few customers have most of the contracts there is no interval: the gap decides.
    sure = difference.value > MARGIN and not difference.low <= 0
    if not sure and power.value <= CERTAIN:
        return None
    what = "whether it is known" if power.by_presence else "its value"
    apart = f"difference {difference.value:+.3f}"
    if np.isfinite(difference.low):
        apart += f", 95 % interval {difference.low:+.3f} to {difference.high:+.3f}"
    said = (
        f"{power.column}: {what} alone tells which contracts end with AUC {power.value:.3f}; "
        f"{_called(held.column)} has {held.value:.3f} ({apart})"
    )
    return Suspect(power.column, said, sure and power.value > CERTAIN)


def _of_tenure(power: Power) -> Suspect | None:
    """Undated contracts may be of a fixed term, so that a tenure which tells all is no refusal."""
    if power.value <= CERTAIN:
        return None
    said = f"the tenure alone tells which contracts end with AUC {power.value:.3f}"
    return Suspect(power.column, said)


def _pure(power: Power, judging: Standing, texts: set[str]) -> Suspect | None:
    """The suspect that a column is by one value (or by being known, or not) of which all ended:
    what is written for few of those who left has no great AUC.
    """
    rows = pd.DataFrame(
        {
            "value": judging.inputs[power.column].to_numpy(),
            "customer": judging.customer_id,
            "ended": judging.ended,
        }
    )
    share = judging.ended.mean()
    rows["known"] = np.where(rows.value.notna(), "known", "unknown")
    for key in ("known", "value") if power.column in texts else ("known",):
        groups = rows.groupby(key).agg(
            all_ended=("ended", "min"),
            contracts=("ended", "size"),
            customers=("customer", "nunique"),
        )
        rare = groups[(groups.all_ended == 1) & (share**groups.customers < RARE)]
        if len(rare):
            most = rare.contracts.idxmax()
            said = (
                f"{power.column}: all {rare.contracts[most]:,} contracts where it is "
                f"{most if key == 'known' else repr(most)} end, of all contracts "
                f"{share:.1%} do"
            )
            return Suspect(power.column, said)
    return None


def _called(column: str) -> str:
    return "tenure" if column == TENURE else column
