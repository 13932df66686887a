import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from features.ingestion.contract_rows import TENURE
from features.spec import Attribute
from training.contracts.contract_design import Design, learn

COLUMNS = (
    Attribute("paid", "contract", "number"),
    Attribute("size", "contract", "ordered", ("S", "M", "L")),
    Attribute("plan", "contract", "category"),
    Attribute("never", "contract", "category"),
)


def rows(times: int = 1) -> pd.DataFrame:
    """Four contracts, so many times."""
    four = pd.DataFrame({
        TENURE: [0.0, 0.5, 4.0, 8.0], "paid": [np.nan, 3.0, 8.0, 40.0],
        "size": pd.Series(["S", "L", None, "M"], dtype=object),
        "plan": pd.Series(["a", "a", "b", "b"], dtype=object),
        "never": pd.Series([None] * 4, dtype=object),
    })  # fmt: skip
    return pd.concat([four] * times, ignore_index=True)


def test_trees_see_numbers_ranks_amounts_per_tenure_and_values() -> None:
    # Under one unit of tenure an amount is told whole, with none at all it is unknown.
    n = np.nan
    expected = [
        [0, n, 0, n, 1, 0],
        [0.5, 3, 2, 3, 1, 0],
        [4, 8, n, 2, 0, 1],
        [8, 40, 1, 5, 0, 1],
    ]
    np.testing.assert_array_equal(learn(rows(5), COLUMNS).trees(rows()), expected)


def test_of_a_contract_that_has_not_run_yet_no_amount_per_tenure_is_known() -> None:
    assert np.isnan(learn(rows(5), COLUMNS).trees(rows().assign(paid=5.0))[0, 3])


def test_an_amount_below_nothing_has_its_logarithm_with_its_sign() -> None:
    inputs = pd.DataFrame({TENURE: np.arange(-20.0, 21.0)})
    terms = np.column_stack([np.ones(41), learn(inputs, ()).linear(inputs)])
    wanted = np.sign(inputs[TENURE]) * np.log1p(inputs[TENURE].abs())
    weights = np.linalg.lstsq(terms, wanted, rcond=None)[0]
    np.testing.assert_allclose(terms @ weights, wanted, atol=1e-9)


@pytest.mark.parametrize(
    ("counts", "common"),
    [([991, 5, 4], ("a",)), ([90, 10, 9], ("a", "b")), ([4_951, 25, 24], ("a", "b"))],
)
def test_a_value_of_fewer_than_ten_contracts_or_one_in_two_hundred_is_not_common(
    counts: list[int], common: tuple[str, ...]
) -> None:
    column = (Attribute("plan", "contract", "category"),)
    plans = np.repeat(["a", "b", "c"], counts)
    assert learn(pd.DataFrame({"plan": plans}), column).vocabulary == {"plan": common}


def test_a_first_model_sees_filled_numbers_flags_and_values() -> None:
    # Medians: tenure 2.25, paid 8, rank 1; flags of tenure, paid, rank and paid per tenure.
    expected = [
        [0, 8, 0, 0, 1, 0, 1, 1, 0],
        [0.5, 3, 2, 0, 0, 0, 0, 1, 0],
        [4, 8, 1, 0, 0, 1, 0, 0, 1],
        [8, 40, 1, 0, 0, 0, 0, 0, 1],
    ]
    np.testing.assert_array_equal(learn(rows(5), COLUMNS).plain(rows()), expected)


def test_linear_terms_are_standardised_and_none_says_what_another_says() -> None:
    terms = learn(rows(5), COLUMNS).linear(rows(5))
    np.testing.assert_allclose(terms.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(terms.std(axis=0), 1)
    # The flag of what is always known is gone, and the two flags of one row are one.
    assert len(np.unique(terms.round(9), axis=1).T) == terms.shape[1]


def test_a_line_bends_at_the_quantiles_of_the_training_rows() -> None:
    inputs = pd.DataFrame({TENURE: np.arange(7.0)})
    design = learn(inputs, ())
    assert design.knots == ((1.0, 2.0, 3.0, 4.0, 5.0),)
    # A jump of slope at 3 can be told exactly: some weights make |tenure - 3|.
    terms = np.column_stack([np.ones(7), design.linear(inputs)])
    wanted = np.abs(np.arange(7.0) - 3)
    weights = np.linalg.lstsq(terms, wanted, rcond=None)[0]
    np.testing.assert_allclose(terms @ weights, wanted, atol=1e-9)


def test_a_value_that_training_did_not_know_is_told_by_no_column() -> None:
    design = learn(rows(5), COLUMNS)
    later = rows().iloc[:1].assign(plan="z", size="unheard of")
    np.testing.assert_array_equal(design.trees(later)[0], [0, np.nan, np.nan, np.nan, 0, 0])


def test_an_unknown_value_has_a_column_where_training_had_some() -> None:
    column = (Attribute("plan", "contract", "category"),)
    inputs = pd.DataFrame({"plan": pd.Series(["a", "b", None, *["a"] * 9], dtype=object)})
    # b is a single one; a rule learned from it would hold for nobody else.
    assert learn(inputs, column).vocabulary == {"plan": ("a", None)}
    assert learn(inputs, column).trees(inputs)[:4].tolist() == [[1, 0], [0, 0], [0, 1], [1, 0]]


def test_a_design_survives_its_way_through_json() -> None:
    design = learn(rows(5), COLUMNS)
    assert Design.from_dict(json.loads(json.dumps(dataclasses.asdict(design)))) == design
