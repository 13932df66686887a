"""What one retrain does, seen in the small run."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features import sources
from features.errors import HistoryError
from training import scoring, snapshots
from training.prediction.bundle import FILES
from training.prediction.sealed import MANIFEST
from training.snapshots import Snapshots
from training.windows import splits


def cutoffs(run: Any, name: str) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    plain = run.bundle.manifest["splits"][name]
    windows = plain if isinstance(plain, list) else [plain]
    return [(pd.Timestamp(w["as_of"]), pd.Timestamp(w["end"])) for w in windows]


def test_no_window_of_the_run_reaches_into_a_later_one(small_run: Any) -> None:
    train, test = cutoffs(small_run, "train"), cutoffs(small_run, "test")[0]
    calibration = cutoffs(small_run, "calibration")[0]
    assert max(end for _, end in train) <= calibration[0]
    assert calibration[1] <= test[0]
    assert test[1] <= small_run.now
    assert max(end for _, end in cutoffs(small_run, "final")) <= small_run.now


def test_the_run_leaves_its_files(small_run: Any) -> None:
    assert {f.name for f in small_run.folder.iterdir()} == {*FILES, MANIFEST}
    assert {f.name for f in small_run.out.iterdir()} >= {
        "bundle", "plots", "report_card.md", "customers.parquet",
    }  # fmt: skip
    assert not (small_run.out / "rejects.csv").exists()  # nothing was rejected
    for picture in (small_run.out / "plots").iterdir():
        assert picture.read_bytes().startswith(b"\x89PNG"), picture.name


def test_every_customer_has_one_row_with_the_columns_of_a_score(small_run: Any) -> None:
    assert list(small_run.scores.columns) == list(scoring.columns(small_run.bundle))
    assert small_run.scores["customer_id"].is_unique
    assert len(small_run.scores) == len(small_run.rows) == 400
    assert (small_run.scores["as_of"] == small_run.now).all()
    assert set(small_run.scores["model_version"]) == {small_run.bundle.manifest["version"]}
    empty = small_run.scores.drop(columns="warnings").isna().any()
    assert set(empty.index[empty]) <= {"next_order_low", "next_order_median", "next_order_high"}


def test_what_the_run_handed_out_is_what_its_saved_bundle_predicts(small_run: Any) -> None:
    from training.fitting.fit import table

    again = scoring.scores(small_run.bundle, small_run.bundle.predict(table(small_run.rows)))
    theirs = small_run.scores
    for column in ("churn_probability", "membership"):
        assert again[column].to_numpy() == pytest.approx(theirs[column].to_numpy(), abs=1e-6)
    for column in ("expected_orders", "expected_spend", "expected_spend_high"):
        assert again[column].to_numpy() == pytest.approx(theirs[column].to_numpy(), rel=1e-5)
    assert (again["segment_id"] == theirs["segment_id"]).mean() > 0.99


@pytest.mark.slow
def test_customers_scored_a_part_at_a_time_are_scored_as_at_once(
    small_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "A_PART", 150)
    told: list[tuple[str, int, int]] = []
    read = sources.load(small_run.experiment)
    made = scoring.score(
        small_run.bundle, read, small_run.now, lambda *progress: told.append(progress)
    )
    assert told == [("customers", done, 400) for done in (0, 150, 300)]
    expected = small_run.scores
    pd.testing.assert_frame_equal(made, expected, rtol=1e-5, atol=1e-6)


def test_the_card_says_which_model_its_figures_are_of(small_run: Any) -> None:
    page = (small_run.out / "report_card.md").read_text()
    assert "Figures are of the evaluated model" in page
    assert (
        "another season, and nothing corrects for it, since the history (from 2017-01-01)" in page
    )
    assert "Simulated, based on real grocery shopping patterns." in page
    assert "horizon 30 days, rung 'full'" in page
    titles = [s["title"] for s in small_run.card["sections"]]
    assert titles == [
        "Churn", "Spend", "Intervals of spend", "Summed over all customers", "Next order",
        "Segments", "By group of age", "Rolling origins", "Longer view", "Retrained 28 days later",
    ]  # fmt: skip


def test_the_card_says_what_value_takes_for_granted(small_run: Any) -> None:
    said = small_run.bundle.manifest["value_assumptions"]
    assert said[0] == (
        "Value over 12 and 24 months is 100% of spend, net of the returns in the data, discounted "
        "at 10.0% a year, in today's USD."
    )
    page = (small_run.out / "report_card.md").read_text()
    assert all(sentence in page for sentence in said)
    assert small_run.bundle.manifest["value"] == {
        "margin": 1.0, "discount_rate": 0.1, "returns": 0.0, "months": [12, 24],
    }  # fmt: skip
    meant = scoring.columns(small_run.bundle)
    assert all(sentence in meant["value_12m"] for sentence in said)


def test_every_column_of_the_file_says_what_it_means(small_run: Any) -> None:
    schema = pq.read_schema(small_run.out / "customers.parquet")
    for name, meaning in scoring.columns(small_run.bundle).items():
        assert schema.field(name).metadata[b"description"].decode() == meaning
        assert meaning


def test_the_longer_view_followed_customers_as_long_as_the_history_lasts(small_run: Any) -> None:
    (section,) = [s for s in small_run.card["sections"] if s["title"] == "Longer view"]
    days = (small_run.now - cutoffs(small_run, "train")[0][0]).days
    assert days > 200
    assert f"over the {days} days since" in section["notes"][0]
    assert abs(section["rows"]["Coterie"]["bias"]) < 0.2


def test_the_screen_shows_windows_card_and_segments(small_run: Any) -> None:
    for words in (
        "1. Reading the sources", "Windows by time (rung: full)", "Report card",
        "Where a naive rule wins", "is the champion", "Segments (predicted over 30 days, USD)",
    ):  # fmt: skip
        assert words in small_run.log, words
    assert all(s.name in small_run.log for s in small_run.bundle.segments)


def test_the_manifest_says_what_this_version_is(small_run: Any) -> None:
    manifest = small_run.bundle.manifest
    wanted = {
        "name": "small", "currency": "USD", "horizon_days": 30, "window_days": 30, "seed": 7,
        "interval_level": 0.8, "time_zone": "UTC", "started_from": None, "format": 5,
    }  # fmt: skip
    assert {k: manifest[k] for k in wanted} == wanted
    assert manifest["trained_until"] == small_run.now.isoformat()
    assert {"torch", "lightgbm", "onnxruntime"} <= set(manifest["libraries"])


def test_what_to_see_was_learned_before_the_first_cutoff(small_run: Any) -> None:
    assert small_run.bundle.spec.event_kinds == ("campaign", "redemption")
    assert "GROCERY" in small_run.bundle.spec.categories


def test_portraits_add_up_to_all_customers(small_run: Any) -> None:
    portraits = [s.portrait for s in small_run.bundle.segments]
    assert sum(p["customers"] for p in portraits) == 400
    assert sum(p["share"] for p in portraits) == pytest.approx(1.0)
    counted = small_run.scores["segment_id"].value_counts()
    assert {s.id: s.portrait["customers"] for s in small_run.bundle.segments} == dict(counted)
    means = small_run.scores.groupby("segment_id")["expected_spend"].mean()
    for segment in small_run.bundle.segments:
        assert segment.portrait["expected_spend"] == pytest.approx(means[segment.id], rel=1e-5)


def test_ids_count_from_one_and_names_are_never_twice(small_run: Any) -> None:
    segments = small_run.bundle.segments
    assert [s.id for s in segments] == [f"S{i + 1}" for i in range(len(segments))]
    assert small_run.bundle.next_segment == len(segments) + 1
    assert len({s.name for s in segments}) == len(segments)


# ------------------------------------------------------------------------------ too little to learn


def test_a_handful_of_customers_is_refused() -> None:
    start = pd.Timestamp("2023-01-01")
    plan = splits.plan(start, start + pd.Timedelta(days=365), 30)
    cuts = [w.as_of for w in (*plan.train, plan.calibration, plan.test)]
    past = pd.DataFrame(
        [(f"C{i}", at, 1) for at in cuts for i in range(99 if at == cuts[-1] else 150)],
        columns=["customer_id", "as_of", "orders"],
    )
    shots = Snapshots(past, past.head(1), None, None, 1)
    with pytest.raises(HistoryError) as refusal:
        snapshots.require_enough(shots, plan)
    assert str(refusal.value) == (
        "Every window needs at least 100 customers with an order before its cut-off. Seen: 99 in "
        "the test window (2023-12-02 to 2024-01-01). Remedy: bring more customers, or a shorter "
        "horizon_days so that the cut-offs come later; returns alone make no order"
    )


def test_customers_without_an_order_do_not_count_as_customers() -> None:
    start = pd.Timestamp("2023-01-01")
    plan = splits.plan(start, start + pd.Timedelta(days=365), 30)
    cuts = [w.as_of for w in (*plan.train, plan.calibration, plan.test)]
    past = pd.DataFrame(
        [(f"C{i}", at, int(i < 50)) for at in cuts for i in range(500)],
        columns=["customer_id", "as_of", "orders"],
    )
    with pytest.raises(HistoryError, match=r"50 in the train window"):
        snapshots.require_enough(Snapshots(past, past.head(1), None, None, 1), plan)


def test_rows_of_the_run_never_stand_outside_its_windows(small_run: Any) -> None:
    for name in ("train", "calibration", "test"):
        frame = getattr(small_run, name)
        assert set(frame["as_of"]) == {at for at, _ in cutoffs(small_run, name)}
        assert np.isfinite(frame["future_spend"]).all()
