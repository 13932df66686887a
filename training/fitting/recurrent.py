"""A recurrent network (PyTorch) that reads a customer's periods in order.

Tables of windows and means tell how much and how lately; the course of the periods tells rhythm,
pauses and returns besides (Valendin, Reutterer, Platzer & Kalcher 2022, "Customer base analysis
with recurrent neural networks"). Gated recurrent units (Cho et al. 2014) read them; what they
remember, beside a few figures of the whole history, gives a logit of no order and log spend.
"""

from __future__ import annotations

import dataclasses
import io
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.prediction.course import CHANNELS, KNOWN, LEAST_LOG, MOST_LOG, Course

TOLD_EVERY = 50


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the network is like and how it learns: `steps` of `batch` rows each, but no row more
    often than `most_passes`, and of many rows each `least_passes` times, up to `most_steps`.
    """

    hidden: int = 24
    head: int = 32
    dropout: float = 0.1
    batch: int = 256
    rate: float = 1e-2
    decay: float = 1e-3
    steps: int = 800
    most_steps: int = 1_200
    least_passes: int = 4
    most_passes: int = 40
    power: float = 1.3
    of_spend: float = 0.5
    seed: int = 7

    @property
    def most_rows(self) -> int:
        """How many rows are looked at, at most."""
        return self.most_steps * self.batch

    def steps_of(self, rows: int) -> int:
        """How many steps so many rows make.

        >>> [Settings().steps_of(rows) for rows in (400, 20_000, 100_000, 10_000_000)]
        [63, 800, 1200, 1200]
        """
        one = max(rows, 1) / self.batch
        most = min(one * self.most_passes, self.most_steps)
        return int(np.ceil(min(max(self.steps, one * self.least_passes), most)))


class Network(nn.Module):
    """Series (n, periods, channels) and known (n, figures) float32 -> (n, 2), logit of no order and
    log spend in units of its mean.
    """

    def __init__(self, s: Settings) -> None:
        super().__init__()
        self.reader = nn.GRU(CHANNELS, s.hidden, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(s.hidden + len(KNOWN), s.head), nn.ReLU(), nn.Dropout(s.dropout),
            nn.Linear(s.head, 2),
        )  # fmt: skip

    def forward(self, series: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        remembered = self.reader(series)[1][0]
        return self.head(torch.cat([remembered, known], dim=1))


@dataclasses.dataclass
class Fitted:
    """A trained network and how rows are told to it."""

    network: Network
    course: Course


def fit(
    course: Course,
    series: np.ndarray,
    known: np.ndarray,
    churned: np.ndarray,
    spend: np.ndarray,
    settings: Settings,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Fitted:
    """Train on the rows of `course.series` and `course.known`, with their outcomes.

    Parameters
    ----------
    series : (n, periods, channels) float32; known : (n, figures) float32
    churned : (n,) 0/1; spend : (n,) currency >= 0, outliers capped
    """
    torch.manual_seed(settings.seed)
    network, draw = Network(settings), torch.Generator().manual_seed(settings.seed)
    rows = [torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))
            for x in (series, known, churned, spend / course.spend)]  # fmt: skip
    steps = settings.steps_of(len(series))
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.rate, weight_decay=settings.decay
    )
    rates = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.rate, total_steps=steps)
    for step in range(steps):
        if step % TOLD_EVERY == 0:
            progress(step, steps)
        at = torch.randint(len(series), (settings.batch,), generator=draw)
        loss = _loss(network, [x[at] for x in rows], settings)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        rates.step()
    network.eval()
    return Fitted(network, course)


def _loss(network: Network, rows: list[torch.Tensor], s: Settings) -> torch.Tensor:
    """Cross-entropy of no order, and Tweedie's deviance of spend with a log link, without what no
    weight moves.
    """
    series, known, churned, spend = rows
    out = network(series, known)
    log = out[:, 1].clamp(LEAST_LOG, MOST_LOG)
    deviance = torch.exp((2 - s.power) * log) / (2 - s.power)
    deviance = deviance - spend * torch.exp((1 - s.power) * log) / (1 - s.power)
    left = functional.binary_cross_entropy_with_logits(out[:, 0], churned)
    return left + s.of_spend * deviance.mean()


def to_onnx(fitted: Fitted) -> bytes:
    """The network as an ONNX model: inputs `series` and `known`, output `out`."""
    inputs = (
        torch.zeros(2, fitted.course.periods, CHANNELS),
        torch.zeros(2, len(KNOWN)),
    )
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            fitted.network.eval(), inputs, out, dynamo=False, opset_version=17,
            input_names=["series", "known"], output_names=["out"],
            dynamic_axes={name: {0: "n"} for name in ("series", "known", "out")},
        )  # fmt: skip
    return out.getvalue()
