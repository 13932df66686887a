"""The predictive autoencoder (PyTorch): an ensemble of small networks trained side by side.

Each member sees corrupted rows (swap noise), reconstructs the clean ones, and carries linear
heads on its latent code: return within the horizon, and a zero-inflated lognormal (ZILN) of
spend (Wang, Liu & Miao 2019), beside root and log spend. The heads make the latent space one
that predicts; averaging members makes it hold still. All members are one batched computation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.fitting.calibration import intercept

HEADS = ("return", "mu", "log_sigma", "root_spend", "log_spend", "log_orders")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the network is like and how it learns: an epoch looks at `epoch_rows` rows at most,
    drawn anew each time.
    """

    members: int = 5
    latent: int = 8
    hidden: int = 96
    noise: float = 0.15
    epochs: int = 60
    patience: int = 8
    epoch_rows: int = 100_000
    batch: int = 512
    rate: float = 1e-3
    decay: float = 1e-3
    anchor: float = 0.0
    seed: int = 7


@dataclasses.dataclass(frozen=True)
class Targets:
    """Outcomes of training rows, float32 (n,): returned 0/1, spend >= 0, orders >= 0."""

    returned: np.ndarray
    spend: np.ndarray
    orders: np.ndarray


@dataclasses.dataclass(frozen=True)
class Layout:
    """How the columns of a design are grouped: `numbers` numeric ones first, then one block of
    one-hot columns a category. `group` (columns,) numbers what is corrupted together: a number
    with its unknown-flag, a category with all its columns.
    """

    numbers: int
    cardinalities: tuple[int, ...]
    group: tuple[int, ...]


class Batched(nn.Module):
    """A linear layer for every member: (members, n, in) -> (members, n, out)."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.matmul(x, self.weight) + self.bias


class Encoder(nn.Module):
    """Design rows (n, columns) float32 -> latent codes (n, members, latent).

    A category enters as its one-hot columns, so the first layer's weights are its embedding.
    Accepts rows corrupted for each member, (members, n, columns), too.
    """

    def __init__(self, columns: int, s: Settings) -> None:
        super().__init__()
        self.first = Batched(s.members, columns, s.hidden)
        self.second = Batched(s.members, s.hidden, s.hidden)
        self.last = Batched(s.members, s.hidden, s.latent)

    def forward(self, design: torch.Tensor) -> torch.Tensor:
        x = functional.silu(self.first(design))
        x = x + functional.silu(self.second(x))
        return self.last(x).permute(1, 0, 2)


class Autoencoder(nn.Module):
    """Encoder, decoder and linear heads of all members."""

    def __init__(self, layout: Layout, s: Settings) -> None:
        super().__init__()
        columns = layout.numbers + sum(layout.cardinalities)
        self.layout = layout
        self.encoder = Encoder(columns, s)
        self.expand = Batched(s.members, s.latent, s.hidden)
        self.rebuild = Batched(s.members, s.hidden, columns)
        self.heads = Batched(s.members, s.latent, len(HEADS))

    def reconstruction_loss(self, z: torch.Tensor, design: torch.Tensor) -> torch.Tensor:
        """Squared error of the numbers, cross-entropy of the categories (their mean)."""
        out = self.rebuild(functional.silu(self.expand(z.permute(1, 0, 2))))
        at = self.layout.numbers
        loss = functional.mse_loss(out[..., :at], design[:, :at].expand_as(out[..., :at]))
        for size in self.layout.cardinalities:
            chance = functional.log_softmax(out[..., at : at + size], dim=2)
            entropy = -(design[:, at : at + size] * chance).sum(dim=2).mean()
            loss = loss + entropy / len(self.layout.cardinalities)
            at += size
        return loss

    def head_outputs(self, z: torch.Tensor) -> torch.Tensor:
        """(n, members, latent) -> (members, n, heads)."""
        return self.heads(z.permute(1, 0, 2))

    def read(self, z: torch.Tensor) -> dict[str, torch.Tensor]:
        """What each head says, by its name: (members, n)."""
        out = self.head_outputs(z)
        return {name: out[..., i] for i, name in enumerate(HEADS)}

    @staticmethod
    def prediction_loss(
        head: dict[str, torch.Tensor], scaled: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        """Mean of the heads' losses, each of the order of 1 on standardised targets."""
        back = functional.binary_cross_entropy_with_logits(
            head["return"], scaled["returned"].expand_as(head["return"])
        )
        # ZILN, Wang et al. 2019, eq. 6: lognormal likelihood of the spend of those who return
        sigma = functional.softplus(head["log_sigma"]) + 0.05
        deviation = (scaled["log_positive"] - head["mu"]) / sigma
        spent = (scaled["returned"] * (0.5 * deviation**2 + sigma.log())).mean()
        losses = back + 0.5 * spent
        for name in ("root_spend", "log_spend", "log_orders"):
            losses = losses + functional.mse_loss(head[name], scaled[name].expand_as(head[name]))
        return losses


@dataclasses.dataclass(frozen=True)
class Scale:
    """Means and deviations of the spend and order targets in training."""

    root: tuple[float, float]
    log: tuple[float, float]
    orders: tuple[float, float]
    positive: tuple[float, float]

    @classmethod
    def of(cls, t: Targets) -> Scale:
        def moments(x: np.ndarray) -> tuple[float, float]:
            return (float(x.mean()), float(max(x.std(), 1e-3))) if len(x) else (0.0, 1.0)

        return cls(
            moments(np.sqrt(t.spend)),
            moments(np.log1p(t.spend)),
            moments(np.log1p(t.orders)),
            moments(np.log(t.spend[t.spend > 0])),
        )

    def scaled(self, t: Targets) -> dict[str, torch.Tensor]:
        positive = t.spend > 0
        logs = np.log(np.where(positive, t.spend, 1.0))
        values = {
            "returned": t.returned * positive,
            "root_spend": (np.sqrt(t.spend) - self.root[0]) / self.root[1],
            "log_spend": (np.log1p(t.spend) - self.log[0]) / self.log[1],
            "log_orders": (np.log1p(t.orders) - self.orders[0]) / self.orders[1],
            "log_positive": np.where(positive, (logs - self.positive[0]) / self.positive[1], 0.0),
        }
        return {k: torch.from_numpy(np.asarray(v, dtype=np.float32)) for k, v in values.items()}


@dataclasses.dataclass
class Fitted:
    """A trained network, its target scale, and what happened: losses per epoch, epochs kept."""

    network: Autoencoder
    scale: Scale
    epochs: int
    history: list[dict[str, float]]

    def codes(self, design: np.ndarray) -> np.ndarray:
        """Latent codes (n, members, latent) float32."""
        self.network.eval()
        with torch.no_grad():
            z: np.ndarray = self.network.encoder(torch.from_numpy(design)).numpy()
        return z


Rows = tuple[np.ndarray, Targets]


def fit(
    train: Rows,
    later: Rows | None,
    layout: Layout,
    settings: Settings,
    start: Fitted | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Fitted:
    """Train on `train`; with `later` rows, stop when their prediction loss, at their own level, no
    longer falls.

    Parameters
    ----------
    train, later : (design (n, columns) float32, Targets); `later` stands at a later cut-off than
        every training row. Without it all `settings.epochs` run.
    start : a fitted network to begin from (the champion's); with `settings.anchor` > 0 the
        heads' outputs are held near the ones it gives, which keeps segments still over retrains
    """
    torch.manual_seed(settings.seed)
    design, targets = torch.from_numpy(train[0]), train[1]
    scale = start.scale if start else Scale.of(targets)
    scaled = scale.scaled(targets)
    network = Autoencoder(layout, settings)
    groups = torch.tensor(layout.group)
    if start:
        network.load_state_dict(start.network.state_dict())
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.rate, weight_decay=settings.decay
    )
    draw = torch.Generator().manual_seed(settings.seed)
    check = None
    if later is not None:
        check = (torch.from_numpy(later[0]), scale.scaled(later[1]))
    best, best_epoch, best_state = float("inf"), 0, None
    history: list[dict[str, float]] = []
    n = len(design)
    for epoch in range(1, settings.epochs + 1):
        network.train()
        totals = np.zeros(2)
        looked_at = torch.randperm(n, generator=draw)[: settings.epoch_rows]
        for at in looked_at.split(settings.batch):
            noisy = _swap(design, groups, at, settings, draw)
            z = network.encoder(noisy)
            rebuilt = network.reconstruction_loss(z, design[at])
            predicted = network.prediction_loss(
                network.read(z), {k: v[at] for k, v in scaled.items()}
            )
            loss = rebuilt + predicted
            if start and settings.anchor > 0:
                with torch.no_grad():
                    before = start.network.head_outputs(start.network.encoder(noisy))
                moved = functional.mse_loss(network.head_outputs(z), before)
                loss = loss + settings.anchor * moved
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            totals += np.array([rebuilt.item(), predicted.item()]) * len(at) / len(looked_at)
        record = {"reconstruction": totals[0], "prediction": totals[1]}
        if check is not None:
            network.eval()
            with torch.no_grad():
                said = at_their_level(network.read(network.encoder(check[0])), check[1])
                record["later"] = network.prediction_loss(said, check[1]).item()
            if record["later"] < best - 1e-4:
                best, best_epoch = record["later"], epoch
                best_state = {k: v.clone() for k, v in network.state_dict().items()}
        history.append(record)
        progress(epoch, settings.epochs)
        if check is not None and epoch - best_epoch >= settings.patience:
            break
    if best_state is not None:
        network.load_state_dict(best_state)
    network.eval()
    return Fitted(network, scale, best_epoch if check is not None else settings.epochs, history)


def at_their_level(
    head: dict[str, torch.Tensor], scaled: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """What the heads say of rows, each moved by the constant that serves their outcomes best:
    `fitting.calibration` sets the level anew, and one that drifts between cut-offs would stop
    learning while the order of the customers is still becoming better.
    """
    weight = scaled["returned"] / (functional.softplus(head["log_sigma"]) + 0.05) ** 2
    off = (weight * (scaled["log_positive"] - head["mu"])).sum(dim=1, keepdim=True)
    moved = {"mu": head["mu"] + off / weight.sum(dim=1, keepdim=True).clamp(min=1e-9)}
    for name in ("root_spend", "log_spend", "log_orders"):
        moved[name] = head[name] + (scaled[name] - head[name]).mean(dim=1, keepdim=True)
    back, share = head["return"], scaled["returned"].mean().item()
    first = [[intercept(logits, 1.0, share)] for logits in back.numpy().astype(np.float64)]
    return {**head, **moved, "return": back + torch.tensor(first, dtype=back.dtype)}


def _swap(
    design: torch.Tensor, groups: torch.Tensor, at: torch.Tensor, s: Settings, draw: torch.Generator
) -> torch.Tensor:
    """Swap noise, (members, rows, columns): each group of columns is replaced, with probability
    `noise`, by that of another row of the batch.
    """
    size = (s.members, len(at))
    donors = at[torch.randint(len(at), size, generator=draw)]
    swapped = torch.rand(*size, int(groups.max()) + 1, generator=draw) < s.noise
    return torch.where(swapped[..., groups], design[donors], design[at].expand(s.members, -1, -1))
