"""Who is explained, the table of reasons, and how it looks on the screen."""

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from features.errors import SourceError
from features.settings.experiment import ValueSettings
from training.explanation import explaining
from training.fitting import fit
from training.prediction import value
from training.prediction.segments import Segment
from training.screen import Screen


@dataclasses.dataclass
class Named:
    """As much of a bundle as choosing and showing need."""

    segments: tuple[Segment, ...] = (Segment("S1", "Top", {}), Segment("S4", "Slipping", {}))
    manifest: dict[str, Any] = dataclasses.field(default_factory=lambda: {"horizon_days": 30})
    terms: ValueSettings = dataclasses.field(default_factory=lambda: value.settings(None))


BUNDLE: Any = Named()
PREDICTED = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d"],
        "segment_id": ["S1", "S4", "S4", "S1"],
        "churn_probability": [0.1, 0.5, 0.9, 0.3],
        "expected_spend": [9.0, 4.0, 1.0, 6.0],
        "value_12m": [90.0, 40.0, 20.0, np.nan],
    }
)


def chosen(**asked: Any) -> list[str]:
    return list(PREDICTED["customer_id"].iloc[explaining.choose(PREDICTED, BUNDLE, **asked)])


def test_the_named_are_explained_in_the_order_named_each_once() -> None:
    assert chosen(customers=("d", "b", "d")) == ["d", "b"]


def test_an_id_may_be_typed_with_its_accents_apart() -> None:
    predicted = PREDICTED.assign(customer_id=["a", "Zo\u00eb", "c", "d"])
    assert explaining.choose(predicted, BUNDLE, customers=(" Zoe\u0308 ",)).tolist() == [1]


def test_a_segment_is_named_by_id_or_name_and_top_are_those_with_most_to_lose() -> None:
    assert chosen() == ["a", "b", "c", "d"]
    assert chosen(segment="S4") == chosen(segment="Slipping") == ["b", "c"]
    # Risk times value: 9, 20 and 18; who never ordered has no value, and nothing to lose.
    assert chosen(top=3) == ["b", "c", "a"]
    assert chosen(segment="S1", top=1) == ["a"]
    assert chosen(segment="S1", top=9) == ["a", "d"]


def test_where_no_value_is_told_expected_spend_is_what_there_is_to_lose() -> None:
    untold = PREDICTED.assign(value_12m=np.nan)
    assert explaining.choose(untold, BUNDLE, top=2).tolist() == [1, 3]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"customers": ("a", "nobody")},
         ("A customer to explain is in the sources, known before the moment.",
          "no 'nobody' among 4 customers", "check the id; `coterie score` lists them all")),
        ({"customers": ("a",), "top": 2},
         ("Customers are named, or chosen by segment and by what there is to lose.",
          "--customer beside --segment or --top", "leave out one of them")),
        ({"segment": "Sliping"},
         ("A segment to explain is one of the champion's, by id or name.", "'Sliping'",
          "did you mean 'Slipping'?")),
        ({"segment": "zzzzzz"},
         ("A segment to explain is one of the champion's, by id or name.", "'zzzzzz'",
          "one of S1, S4")),
    ],
)  # fmt: skip
def test_who_cannot_be_meant_is_refused(asked: Any, told: tuple[str, str, str]) -> None:
    with pytest.raises(SourceError) as refused:
        explaining.choose(PREDICTED, BUNDLE, **asked)
    assert (refused.value.rule, refused.value.seen, refused.value.remedy) == told


def table(measure: str, base: float, predicted: float, shares: dict[str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"customer_id": "c", "segment_id": "S4", "measure": measure, "base": base,
             "predicted": predicted, "contribution": share, "currency": "EUR",
             "reason": f"{words}: raises or lowers it"}
            for words, share in shares.items()
        ]
    )  # fmt: skip


def test_the_screen_leads_from_a_typical_customer_to_this_one() -> None:
    risk = {
        "Orders: 0 (typical: 8)": 0.41, "No order for 64 days (typical: 6)": 0.2134,
        "Third": 0.05, "Fourth": 0.03, "Loyal": -0.02, "Hardly": -0.0004,
    }  # fmt: skip
    spend = {"Orders: 0 (typical: 8)": -1086.5}
    made = pd.concat([
        table("churn_probability", 0.06, 0.06 + sum(risk.values()), risk),
        table("expected_spend", 1106.4, 19.9, spend),
    ])  # fmt: skip
    out = io.StringIO()
    careful = {"c": "outside the training range: spend; a mean above its interval"}
    explaining.show(made, careful, BUNDLE, Screen(Console(file=out, width=160)))
    lines = [line.strip() for line in out.getvalue().splitlines() if line.strip()]
    assert lines[1:] == [
        "c: S4 Slipping",
        "Careful: outside the training range: spend; a mean above its interval",
        "Risk of leaving within 30 days",
        "points  reason",
        "6.0  a typical customer",
        "+41.0  Orders: 0 (typical: 8)",
        "+21.3  No order for 64 days (typical: 6)",
        "+5.0  Third",
        "-2.0  Loyal",
        "+3.0  everything else",
        "74.3  this customer",
        "Expected spend within 30 days",
        "EUR  reason",
        "1,106.40  a typical customer",
        "-1,086.50  Orders: 0 (typical: 8)",
        "+0.00  everything else",
        "19.90  this customer",
    ]


@pytest.fixture(scope="module")
def made(small_run: Any) -> pd.DataFrame:
    """The reasons of five customers. Shared: not to be changed."""
    rows = small_run.rows.head(5).reset_index(drop=True)
    predicted = small_run.bundle.predict(fit.table(rows)).to_pandas()
    return explaining.explained(small_run.bundle, rows, predicted)


@pytest.mark.model
def test_the_table_adds_up_to_the_scores_and_comes_greatest_first(
    made: pd.DataFrame, small_run: Any
) -> None:
    assert tuple(made.columns) == explaining.COLUMNS
    scores = small_run.scores.set_index("customer_id")
    for (customer, measure), told in made.groupby(["customer_id", "measure"]):
        total = told["base"].iloc[0] + told["contribution"].sum()
        assert total == pytest.approx(told["predicted"].iloc[0], rel=1e-9)
        assert total == pytest.approx(scores.loc[customer, measure], rel=1e-5)
        assert told["contribution"].abs().is_monotonic_decreasing
        assert list(told["rank"]) == list(range(1, len(told) + 1))
        assert told["theme"].is_unique


@pytest.mark.model
def test_a_reason_says_the_value_of_its_customer(made: pd.DataFrame, small_run: Any) -> None:
    rows = small_run.rows.set_index("customer_id")
    told = made[made["feature"] == "orders_90d"]
    for row in told.to_dict("records"):
        here = f"{rows.loc[row['customer_id'], 'orders_90d']:,}"
        usual = f"{small_run.bundle.typical['orders_90d']:,.0f}"
        assert (row["value"], row["typical"]) == (here, usual)
        assert row["reason"].startswith(
            f"Orders in the last 90 days: {here} (typical: {usual}): "
            + ("raises" if row["contribution"] >= 0 else "lowers")
        )
    recency = made[made["reason"].str.startswith("No order for ")]
    assert len(told) + len(recency) > 0


@pytest.mark.model
@pytest.mark.parametrize("ending", [".csv", ".parquet", ".json"])
def test_a_file_holds_the_whole_table(made: pd.DataFrame, tmp_path: Path, ending: str) -> None:
    file = tmp_path / "deep" / f"reasons{ending}"
    explaining.write(made, file)
    if ending == ".json":
        again = pd.DataFrame(json.loads(file.read_text()))
    else:
        again = pd.read_csv(file) if ending == ".csv" else pd.read_parquet(file)
    assert list(again.columns) == list(made.columns)
    assert list(again["reason"]) == list(made["reason"])
    assert np.allclose(again["contribution"], made["contribution"], rtol=1e-12, atol=1e-14)
    assert (pd.to_datetime(again["as_of"]).dt.tz_localize(None) == made["as_of"]).all()
