"""The recurrent network reads order, says it as ONNX does, and is the same for the same seed."""

import numpy as np
import onnxruntime
import pytest
import torch

from training.fitting import recurrent
from training.fitting.recurrent import Fitted, Settings
from training.measures.metrics import roc_auc
from training.prediction.course import CHANNELS, KNOWN, Course

PERIODS, ROWS = 8, 1_500
COURSE = Course(PERIODS, 7, 10.0, (0.0,) * len(KNOWN), (1.0,) * len(KNOWN), 25.0)
SETTINGS = Settings(steps=250)


def world(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Customers with an order in four of eight periods. Who ordered in two periods running comes
    back and spends 50, the others leave: sums, means and the latest period tell nothing.
    """
    rng = np.random.default_rng(seed)
    orders = np.argsort(rng.random((ROWS, PERIODS)), axis=1) < PERIODS // 2
    orders[:, -1] = rng.random(ROWS) < 0.5
    back = (orders[:, :-1] & orders[:, 1:]).sum(axis=1) >= 2
    series = np.zeros((ROWS, PERIODS, CHANNELS), dtype=np.float32)
    series[..., 0], series[..., 2], series[..., 3] = orders * np.log(2.0), orders, 1.0
    known = np.zeros((ROWS, len(KNOWN)), dtype=np.float32)
    return series, known, (~back).astype(np.float32), np.where(back, 50.0, 0.0)


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    torch.set_num_threads(1)
    return recurrent.fit(COURSE, *world(1), SETTINGS)


def said(fitted: Fitted, series: np.ndarray, known: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        out: np.ndarray = fitted.network(torch.from_numpy(series), torch.from_numpy(known)).numpy()
    return out


def test_it_learns_what_only_the_order_of_the_periods_tells(fitted: Fitted) -> None:
    series, known, churned, spend = world(2)
    logits, worth = COURSE.estimates(said(fitted, series, known))
    assert roc_auc(churned.astype(float), logits) > 0.95
    sums = series.sum(axis=1)[:, 0].astype(float)
    assert roc_auc(churned.astype(float), -sums) < 0.85
    assert worth.mean() == pytest.approx(spend.mean(), rel=0.15)


def test_onnx_says_the_same_whatever_the_number_of_rows(fitted: Fitted) -> None:
    session = onnxruntime.InferenceSession(recurrent.to_onnx(fitted))
    series, known, _, _ = world(3)
    for rows in (1, 7, ROWS):
        (out,) = session.run(["out"], {"series": series[:rows], "known": known[:rows]})
        assert out == pytest.approx(said(fitted, series[:rows], known[:rows]), abs=1e-5)


def test_the_same_seed_makes_the_same_file() -> None:
    one, again, other = (
        recurrent.to_onnx(recurrent.fit(COURSE, *world(1), Settings(steps=10, seed=seed)))
        for seed in (7, 7, 8)
    )
    assert one == again
    assert one != other


def test_it_tells_how_far_it_is() -> None:
    heard: list[tuple[int, int]] = []
    recurrent.fit(COURSE, *world(1), Settings(steps=60), lambda done, of: heard.append((done, of)))
    assert heard == [(0, 60), (50, 60)]


def test_nobody_left_and_nobody_spent_is_learned_without_a_fault() -> None:
    series, known, _, _ = world(4)
    nothing = np.zeros(ROWS)
    course = Course(PERIODS, 7, 10.0, (0.0,) * 5, (1.0,) * 5, 1e-9)
    made = recurrent.fit(course, series, known, nothing, nothing, Settings(steps=20))
    logits, worth = course.estimates(said(made, series, known))
    assert np.isfinite(logits).all()
    assert (worth < 1e-6).all()
