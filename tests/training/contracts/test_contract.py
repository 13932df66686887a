import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from features.errors import BundleError, FitError
from features.ingestion.contract_rows import TENURE
from features.spec import Attribute
from training.contracts import contract
from training.contracts.contract import Blend, ContractModel
from training.prediction.blend import logit

SEED = 7
COLUMNS = (Attribute("fee", "contract", "number"), Attribute("plan", "contract", "category"))


def drawn(n: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Contracts, whether each ended, and the true chance of it."""
    generator = np.random.default_rng(SEED)
    inputs = pd.DataFrame({
        TENURE: generator.integers(0, 60, n).astype(float), "fee": generator.uniform(5, 50, n),
        "plan": generator.choice(np.array(["month", "year"], dtype=object), n),
    })  # fmt: skip
    true = 1 / (1 + np.exp(0.5 + inputs[TENURE] / 15 - 2.0 * (inputs["plan"] == "month")))
    return inputs, (generator.random(n) < true).astype(float), true.to_numpy()


@pytest.fixture(scope="module")
def model() -> ContractModel:
    inputs, ended, _ = drawn(3_000)
    parts = contract.fit_parts(inputs[:2_000], ended[:2_000], COLUMNS, SEED)
    blend = contract.fit_blend(parts.logits(inputs[2_000:]), ended[2_000:])
    return ContractModel(parts, blend, {"name": "firm"})


def test_the_chance_is_found_that_contracts_were_drawn_with(model: ContractModel) -> None:
    inputs, _, true = drawn(3_000)
    found = model.probability(inputs)
    assert np.abs(found - true).mean() < 0.03
    assert np.corrcoef(found, true)[0, 1] > 0.98


@pytest.mark.parametrize("better", [0, 1], ids=["the trees", "the linear model"])
def test_the_part_that_tells_more_counts_more(better: int) -> None:
    generator = np.random.default_rng(SEED)
    truth = generator.normal(size=5_000)
    ended = (generator.random(5_000) < 1 / (1 + np.exp(-truth))).astype(float)
    logits = np.stack([truth + generator.normal(size=5_000) * noise for noise in (0.1, 3.0)])
    blend = contract.fit_blend(logits if better == 0 else logits[::-1], ended)
    assert abs(blend.share - better) > 0.95
    assert blend.intercept == pytest.approx(0, abs=0.1)
    assert blend.slope == pytest.approx(1, abs=0.1)


def test_few_rows_leave_the_parts_nearly_their_halves() -> None:
    generator = np.random.default_rng(SEED)
    shares = []
    for _ in range(40):
        truth = generator.normal(size=60)
        ended = (generator.random(60) < 1 / (1 + np.exp(-truth))).astype(float)
        logits = truth + generator.normal(size=(2, 60))
        shares.append(contract.fit_blend(logits, ended).share)
    assert 0.2 < min(shares) < max(shares) < 0.8
    assert contract.fit_blend(logits, np.repeat([1.0, 0.0], [9, 51])).share == 0.5
    assert contract.fit_blend(logits, np.repeat([1.0, 0.0], [10, 50])).share != 0.5


def test_the_share_is_the_likeliest_under_its_prior() -> None:
    """Against a search over shares, for each of which intercept and slope are the likeliest."""
    generator = np.random.default_rng(SEED)
    truth = generator.normal(size=400)
    ended = (generator.random(400) < 1 / (1 + np.exp(-truth))).astype(float)
    logits = np.stack([truth + generator.normal(size=400) * noise for noise in (0.4, 1.2)])

    def surprise(share: float) -> float:
        mixed = (share * logits[0] + (1 - share) * logits[1])[:, None]
        said = LogisticRegression(C=1e6).fit(mixed, ended).predict_proba(mixed)[:, 1]
        return float(
            -np.log(np.where(ended == 1, said, 1 - said)).sum()
            + 0.5 * logit(np.array([share]))[0] ** 2
        )

    tried = np.linspace(0.02, 0.98, 97)
    best = tried[np.argmin([surprise(share) for share in tried])]
    assert contract.fit_blend(logits, ended).share == pytest.approx(best, abs=0.01)


def test_both_parts_count_the_same_unless_told() -> None:
    logits = np.stack([logit(np.array([0.2, 0.9])), logit(np.array([0.2, 0.5]))])
    # The odds are the geometric mean: of 9 and 1, 3.
    assert Blend().probability(logits) == pytest.approx([0.2, 0.75])
    assert Blend(np.log(2), 1).probability(logits) == pytest.approx([1 / 3, 6 / 7])
    assert Blend(share=1.0).probability(logits) == pytest.approx([0.2, 0.9])
    assert Blend(share=0.0).probability(logits) == pytest.approx([0.2, 0.5])


def test_a_model_is_the_same_after_saving_and_loading(model: ContractModel, tmp_path: Path) -> None:
    inputs, _, _ = drawn(200)
    inputs.loc[0, ["fee", TENURE]] = np.nan
    loaded = ContractModel.load(model.save(tmp_path / "model"))
    assert loaded.manifest == {"name": "firm"}
    np.testing.assert_allclose(loaded.probability(inputs), model.probability(inputs), rtol=1e-12)
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == [
        "booster.txt", "manifest.json",
    ]  # fmt: skip


def test_a_model_with_other_trees_than_were_written_is_refused(
    model: ContractModel, tmp_path: Path
) -> None:
    folder = model.save(tmp_path / "model")
    text = (folder / "booster.txt").read_text()
    (folder / "booster.txt").write_text(text.replace("num_leaves=4", "num_leaves=3", 1))
    with pytest.raises(BundleError) as caught:
        ContractModel.load(folder)
    assert str(caught.value) == (
        "Every file of a bundle must have the digest that the manifest names. Seen: booster.txt "
        "was changed. Remedy: train it again: coterie retrain FILE"
    )
    (folder / "booster.txt").unlink()
    with pytest.raises(BundleError, match=r"must be there\. Seen: no booster\.txt"):
        ContractModel.load(folder)


def test_a_model_with_another_blend_than_was_written_is_refused(
    model: ContractModel, tmp_path: Path
) -> None:
    folder = model.save(tmp_path / "model")
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"slope"', '"intercept"', 1))
    with pytest.raises(BundleError, match=r"manifest\.json was changed"):
        ContractModel.load(folder)


def test_a_model_holds_no_customers_row(model: ContractModel, tmp_path: Path) -> None:
    folder = model.save(tmp_path / "model")
    content = json.loads((folder / "manifest.json").read_text())
    inputs, _, _ = drawn(3_000)
    text = "".join(p.read_text() for p in folder.iterdir())
    assert content["design"]["numbers"] == [TENURE, "fee"]
    # The fees are drawn to 16 digits; knots and medians are of two rows at most a quantile.
    found = [fee for fee in inputs["fee"] if repr(fee) in text]
    assert len(found) <= 10


def test_too_few_of_one_outcome_are_refused() -> None:
    inputs, _, _ = drawn(100)
    ended = np.repeat([1.0, 0.0], [24, 76])
    with pytest.raises(FitError) as caught:
        contract.fit_parts(inputs, ended, COLUMNS, SEED)
    assert str(caught.value) == (
        "A model of contracts needs 25 that ended and 25 that did not, in every part of the data "
        "that trains it. Seen: 24 ended of 100 in one of them. Remedy: bring more contracts, or a "
        "longer horizon where they have dates; undated contracts that are alike in every "
        "column stand in one part: name columns that tell them apart"
    )


@pytest.mark.parametrize("of", [0.0, 1.0])
def test_twenty_five_of_either_outcome_are_enough_and_one_less_is_not(of: float) -> None:
    contract.require_enough(np.repeat([of, 1 - of], [25, 75]))
    with pytest.raises(FitError, match="needs 25 that ended and 25 that did not"):
        contract.require_enough(np.repeat([of, 1 - of], [24, 76]))


def test_another_seed_draws_other_trees() -> None:
    inputs, ended, _ = drawn(500)
    first, again, other = (
        contract.fit_parts(inputs, ended, COLUMNS, seed).logits(inputs)[0]
        for seed in (SEED, SEED, SEED + 1)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_contracts_that_are_all_the_same_are_refused() -> None:
    inputs = pd.DataFrame({"fee": np.ones(100)})
    with pytest.raises(FitError) as caught:
        contract.fit_parts(inputs, np.repeat([1.0, 0.0], 50), COLUMNS[:1], SEED)
    assert str(caught.value) == (
        "Some column of the contracts must vary. Seen: none of 1 does. Remedy: name columns that "
        "tell the contracts apart in [contracts.columns]"
    )
