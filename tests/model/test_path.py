"""The autoencoder is in the path from features to answers, not beside it."""

from typing import Any

import numpy as np
import pytest

from training.cards import segment_card
from training.cards.report_card import OURS
from training.fitting import fit
from training.measures.metrics import roc_auc
from training.measures.separation import eta_squared
from training.prediction.bundle import Bundle, to_columns

pytestmark = pytest.mark.model


def figures(bundle: Bundle, run: Any) -> tuple[list[str], dict[str, float]]:
    """Segments of the test window's buyers, and figures of the report card made from them."""
    bought = run.test[run.test["orders"] > 0]
    made = bundle.predict(fit.table(bought))
    ids = made["segment_id"].to_pylist()
    codes = np.unique(ids, return_inverse=True)[1]
    spend = bought["future_spend"].to_numpy(float)
    gone = (bought["future_orders"] == 0).to_numpy(float)
    return ids, {
        "segments' η² of log spend": eta_squared(np.log1p(spend), codes),
        "churn AUC": roc_auc(gone, made["churn_probability"].to_numpy()),
        "spend": float(np.abs(made["expected_spend"].to_numpy() - spend).mean()),
    }


def shuffle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each customer gets another customer's latent code; everything else stays as it is."""
    honest = Bundle.latent

    def latent(self: Bundle, design: np.ndarray) -> np.ndarray:
        z = honest(self, design)
        return z[np.random.default_rng(7).permutation(len(z))]

    monkeypatch.setattr(Bundle, "latent", latent)


def test_with_latent_codes_permuted_segments_and_figures_change(
    small_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, right = figures(small_run.bundle, small_run)
    shuffle(monkeypatch)
    after, wrong = figures(small_run.bundle, small_run)
    moved = np.mean([a != b for a, b in zip(before, after, strict=True)])
    assert moved > 0.5
    assert wrong["segments' η² of log spend"] < 0.1 < right["segments' η² of log spend"]
    assert wrong["churn AUC"] < right["churn AUC"] - 0.005


def test_with_latent_codes_permuted_the_cards_section_of_segments_changes(
    small_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def section() -> dict[str, float]:
        then, now = (f[f["orders"] > 0] for f in (small_run.calibration, small_run.test))
        bundle = small_run.bundle
        frames = [to_columns(fit.table(f)) for f in (then, now)]
        labels = [bundle.segmentation.labels(bundle.raw(f).scores) for f in frames]
        first, second = (bundle.preprocessor.design(bundle.with_prior(f)) for f in frames)
        made = segment_card.segment_section(
            then, now, (labels[0], labels[1]), {}, (first, second), None, 7
        )
        return made.rows[OURS]

    right = section()
    shuffle(monkeypatch)
    wrong = section()
    assert wrong["churn AUC"] < right["churn AUC"] - 0.1
    assert wrong["gain 20 %"] < right["gain 20 %"] - 0.1


def test_a_dead_encoder_leaves_one_segment(small_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Bundle.latent
    monkeypatch.setattr(Bundle, "latent", lambda self, design: 0 * honest(self, design))
    assert len(set(figures(small_run.bundle, small_run)[0])) == 1
