import dataclasses

import numpy as np
import pytest
import torch

from features.feature import Feature
from training.fitting import autoencoder, scaling
from training.fitting.autoencoder import (
    Fitted,
    Layout,
    Rows,
    Settings,
    Targets,
    at_their_level,
    fit,
)
from training.measures.metrics import roc_auc

COLUMNS, ROWS = 8, 1_200
LAYOUT = Layout(COLUMNS - 3, (3,), (0, 1, 2, 3, 4, 5, 5, 5))
QUICK = Settings(members=2, latent=4, hidden=24, epochs=12, batch=128, rate=5e-3, seed=7)


def world(seed: int, rows: int = ROWS, noise: bool = False, level: float = 0.0) -> Rows:
    """Five numbers and a category. The first number decides who returns, the second how much is
    spent; as `noise` neither decides anything. `level` is the logit of who returns on average.
    """
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 5))
    shop = np.eye(3)[rng.integers(0, 3, rows)]
    cause = rng.normal(size=(rows, 2)) if noise else numbers
    returned = rng.random(rows) < 1 / (1 + np.exp(-2 * cause[:, 0] - level))
    spend = returned * np.exp(3 + 0.8 * cause[:, 1] + 0.2 * rng.normal(size=rows))
    orders = returned * (1 + rng.poisson(1, rows))
    targets = Targets(*(v.astype(np.float32) for v in (returned, spend, orders)))
    return np.hstack([numbers, shop]).astype(np.float32), targets


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    """Trained on a planted signal. Shared: not to be changed."""
    return fit(world(1), None, LAYOUT, QUICK)


def heads(model: Fitted, design: np.ndarray) -> dict[str, np.ndarray]:
    """Every head's output, averaged over the members, (n,) each."""
    with torch.no_grad():
        out = model.network.head_outputs(torch.from_numpy(model.codes(design))).mean(dim=0)
    return {name: out[:, i].numpy() for i, name in enumerate(autoencoder.HEADS)}


def moved(before: Fitted, after: Fitted, design: np.ndarray) -> float:
    a, b = heads(before, design), heads(after, design)
    return float(np.mean([((a[name] - b[name]) ** 2).mean() for name in a]))


# ---------------------------------------------------------------------------------- what it learns


def test_the_heads_predict_what_a_constant_cannot(fitted: Fitted) -> None:
    design, truth = world(2)
    out, scaled = heads(fitted, design), fitted.scale.scaled(truth)
    assert roc_auc(truth.returned, out["return"]) > 0.8
    for name in ("root_spend", "log_spend", "log_orders"):
        wanted = scaled[name].numpy()
        assert ((out[name] - wanted) ** 2).mean() < 0.8 * wanted.var(), name
    spent = truth.spend > 0
    amount = scaled["log_positive"].numpy()[spent]
    assert ((out["mu"][spent] - amount) ** 2).mean() < 0.5 * amount.var()


def test_it_reconstructs_better_than_the_mean(fitted: Fitted) -> None:
    design = torch.from_numpy(world(2)[0])
    with torch.no_grad():
        loss = fitted.network.reconstruction_loss(fitted.network.encoder(design), design).item()
    by_the_mean = 1.0 + np.log(3)  # squared error of unit-variance numbers, entropy of three shops
    assert loss < 0.8 * by_the_mean


def test_a_code_for_every_row_and_member(fitted: Fitted) -> None:
    assert fitted.codes(world(2)[0][:5]).shape == (5, QUICK.members, QUICK.latent)


def test_members_are_not_copies_of_each_other(fitted: Fitted) -> None:
    codes = fitted.codes(world(2)[0])
    assert not np.allclose(codes[:, 0], codes[:, 1], atol=0.1)


# ---------------------------------------------------------------------------------- same and other


def test_the_same_seed_gives_the_same_weights() -> None:
    quick = dataclasses.replace(QUICK, epochs=2)
    one, two = (fit(world(1), None, LAYOUT, quick).network.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    third = fit(world(1), None, LAYOUT, dataclasses.replace(quick, seed=8)).network.state_dict()
    assert not torch.equal(one["encoder.first.weight"], third["encoder.first.weight"])


def test_numbers_drawn_elsewhere_do_not_matter() -> None:
    quick = dataclasses.replace(QUICK, epochs=1)
    one = fit(world(1), None, LAYOUT, quick).network.state_dict()
    torch.manual_seed(99)
    np.random.seed(99)
    two = fit(world(1), None, LAYOUT, quick).network.state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_training_changes_no_input() -> None:
    rows = world(1)
    before = rows[0].copy(), rows[1].spend.copy()
    fit(rows, rows, LAYOUT, dataclasses.replace(QUICK, epochs=1))
    assert np.array_equal(rows[0], before[0])
    assert np.array_equal(rows[1].spend, before[1])


# ---------------------------------------------------------------------------------- early stopping


def later_loss(model: Fitted, rows: Rows) -> float:
    scaled = model.scale.scaled(rows[1])
    with torch.no_grad():
        said = model.network.read(model.network.encoder(torch.from_numpy(rows[0])))
        return model.network.prediction_loss(at_their_level(said, scaled), scaled).item()


def test_early_stopping_keeps_the_best_epoch_of_the_later_cutoff() -> None:
    hasty = dataclasses.replace(QUICK, epochs=60, patience=4, rate=2e-2, decay=0.0)
    later = world(4)
    made = fit(world(3, 200, noise=True), later, LAYOUT, hasty)
    losses = [h["later"] for h in made.history]
    assert made.epochs < len(losses) < 60
    assert len(losses) - made.epochs == hasty.patience
    assert losses[made.epochs - 1] == pytest.approx(min(losses), abs=1e-3)
    assert later_loss(made, later) == pytest.approx(losses[made.epochs - 1], abs=1e-5)


def drifted(seed: int) -> Rows:
    """`world` where one in five returns, not four."""
    return world(seed, level=-2.0)


def test_another_level_later_does_not_stop_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = dataclasses.replace(QUICK, epochs=60, patience=8, rate=1e-3)
    ours = fit(world(1, level=3.0), drifted(4), LAYOUT, slow)
    monkeypatch.setattr(autoencoder, "at_their_level", lambda head, scaled: head)
    by_level = fit(world(1, level=3.0), drifted(4), LAYOUT, slow)
    assert by_level.epochs < 5 < 20 < ours.epochs
    design, truth = drifted(5)
    ranked = [roc_auc(truth.returned, heads(one, design)["return"]) for one in (ours, by_level)]
    assert ranked[0] > 0.8 > 0.6 > ranked[1]


def test_the_level_of_what_is_said_does_not_matter(fitted: Fitted) -> None:
    design, truth = drifted(4)
    scaled = fitted.scale.scaled(truth)
    with torch.no_grad():
        said = fitted.network.read(fitted.network.encoder(torch.from_numpy(design)))
    off = {name: 3.0 * (i - 2) for i, name in enumerate(said) if name != "log_sigma"}
    other = {name: head + off.get(name, 0.0) for name, head in said.items()}
    one, two = (at_their_level(head, scaled) for head in (said, other))
    for name in said:
        assert torch.allclose(one[name], two[name], atol=1e-4), name
    assert torch.sigmoid(one["return"]).mean(dim=1).numpy() == pytest.approx(
        scaled["returned"].mean().item(), abs=1e-5
    )
    best = fitted.network.prediction_loss(one, scaled).item()
    for name in off:
        for step in (-0.05, 0.05):
            moved_on = {**one, name: one[name] + step}
            assert fitted.network.prediction_loss(moved_on, scaled).item() > best, name


@pytest.mark.parametrize("everybody", [0.0, 1.0])
def test_where_all_came_to_the_same_a_level_is_finite(fitted: Fitted, everybody: float) -> None:
    design = world(4)[0]
    same = np.full(len(design), everybody, dtype=np.float32)
    scaled = fitted.scale.scaled(Targets(same, same * 20, same))
    with torch.no_grad():
        said = fitted.network.read(fitted.network.encoder(torch.from_numpy(design)))
    made = at_their_level(said, scaled)
    assert all(torch.isfinite(head).all() for head in made.values())
    assert np.isfinite(fitted.network.prediction_loss(made, scaled).item())


def test_of_many_rows_an_epoch_looks_at_some_and_the_next_at_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[set[int]] = []
    swap = autoencoder._swap

    def watched(design, groups, at, *rest):
        seen.append(set(at.tolist()))
        return swap(design, groups, at, *rest)

    monkeypatch.setattr(autoencoder, "_swap", watched)
    made = fit(world(1), None, LAYOUT, dataclasses.replace(QUICK, epochs=3, epoch_rows=200))
    assert [len(rows) for rows in seen] == [128, 72] * 3
    first, second, third = (a | b for a, b in zip(seen[::2], seen[1::2], strict=True))
    assert [len(epoch) for epoch in (first, second, third)] == [200] * 3
    assert len(first | second | third) > 450  # of 1,200
    usual = fit(world(1), None, LAYOUT, dataclasses.replace(QUICK, epochs=1))
    ratio = made.history[0]["reconstruction"] / usual.history[0]["reconstruction"]
    assert 0.8 < ratio < 2.0  # a mean over the rows that were looked at


def test_without_a_later_cutoff_every_epoch_runs(fitted: Fitted) -> None:
    assert fitted.epochs == len(fitted.history) == QUICK.epochs
    assert set(fitted.history[0]) == {"reconstruction", "prediction"}


def test_progress_is_told_after_each_epoch() -> None:
    told: list[tuple[int, int]] = []
    quick = dataclasses.replace(QUICK, epochs=3)
    fit(world(1, 200), None, LAYOUT, quick, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


# -------------------------------------------------------------------------------------- swap noise


def swapped(noise: float) -> np.ndarray:
    """(members, rows, columns): which row of the batch each value now comes from."""
    rows = 400
    source = torch.arange(rows, dtype=torch.float32)[:, None].expand(rows, COLUMNS).contiguous()
    groups = torch.tensor(LAYOUT.group)
    settings = dataclasses.replace(QUICK, noise=noise)
    draw = torch.Generator().manual_seed(7)
    made: np.ndarray = autoencoder._swap(source, groups, torch.arange(rows), settings, draw).numpy()
    return made


def test_swap_noise_swaps_whole_groups() -> None:
    origin = swapped(0.5)
    assert (origin[..., 5:] == origin[..., [5]]).all()  # the category's three columns
    assert (origin[..., 0] != origin[..., 1]).any()  # two numbers, each on its own


def test_swap_noise_replaces_the_share_that_it_says() -> None:
    origin = swapped(0.3)
    other = origin != np.arange(400)[None, :, None]
    assert other.mean() == pytest.approx(0.3, abs=0.03)
    assert not np.array_equal(origin[0], origin[1])  # each member sees its own noise
    assert (swapped(0.0) == np.arange(400)[None, :, None]).all()


# -------------------------------------------------------------------------------------- warm start


def test_an_anchored_warm_start_moves_less(fitted: Fitted) -> None:
    other = world(5, noise=True)  # a world in which all that was learned is wrong
    quick = dataclasses.replace(QUICK, epochs=4)
    free = fit(other, None, LAYOUT, quick, start=fitted)
    held = fit(other, None, LAYOUT, dataclasses.replace(quick, anchor=20.0), start=fitted)
    assert moved(fitted, held, other[0]) < 0.3 * moved(fitted, free, other[0])
    assert held.scale == free.scale == fitted.scale


def test_a_warm_start_leaves_its_start_alone(fitted: Fitted) -> None:
    before = {k: v.clone() for k, v in fitted.network.state_dict().items()}
    anchored = dataclasses.replace(QUICK, epochs=2, anchor=5.0)
    fit(world(5), None, LAYOUT, anchored, start=fitted)
    assert all(torch.equal(v, before[k]) for k, v in fitted.network.state_dict().items())


def test_a_warm_start_begins_where_its_start_ended(fitted: Fitted) -> None:
    cold = fit(world(1), None, LAYOUT, dataclasses.replace(QUICK, epochs=1))
    warm = fit(world(1), None, LAYOUT, dataclasses.replace(QUICK, epochs=1), start=fitted)
    assert warm.history[0]["prediction"] < 0.9 * cold.history[0]["prediction"]


# ---------------------------------------------------------------------------------------- odd rows


def test_nulls_and_unseen_categories_give_finite_outputs() -> None:
    rng = np.random.default_rng(7)
    known = {
        "age": np.where(rng.random(300) < 0.3, np.nan, rng.normal(40, 9, 300)),
        "shop": np.array([None, "north", "south"], dtype=object)[rng.integers(0, 3, 300)],
    }
    features = [
        Feature("age", "demographic", "days", "number", "unknown", "Age."),
        Feature("shop", "geographic", "category", "category", "unknown", "Shop."),
    ]
    scaled = scaling.fit(known, features, 0)
    layout = Layout(len(scaled.inputs), tuple(scaled.cardinalities), tuple(scaled.groups))
    model = fit((scaled.design(known), world(1, 300)[1]), None, layout, QUICK)
    odd = {
        "age": np.array([np.nan, np.inf, -np.inf, 1e30, 0.0]),
        "shop": np.array([None, "never seen", "north", None, ""], dtype=object),
    }
    design = scaled.design(odd)
    assert np.isfinite(model.codes(design)).all()
    assert all(np.isfinite(v).all() for v in heads(model, design).values())


@pytest.mark.parametrize("returned", [0.0, 1.0])
def test_a_world_with_one_outcome_only_is_learned_without_a_nan(returned: float) -> None:
    design, _ = world(1, 200)
    same = np.full(200, returned, dtype=np.float32)
    model = fit((design, Targets(same, 20 * same, same)), None, LAYOUT, QUICK)
    assert all(np.isfinite(v).all() for v in heads(model, design).values())
