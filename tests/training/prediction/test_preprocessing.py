import dataclasses
import json

import numpy as np
import pytest

from features.feature import Feature
from training.fitting import scaling
from training.prediction.preprocessing import CLIP, Preprocessor

NAN = float("nan")


def feature(name: str, dtype: str = "number", unit: str = "days", window: int = 0) -> Feature:
    return Feature(name, "behavioural", unit, dtype, "never", f"{name}.", window)


def small() -> Preprocessor:
    """`spend` in logs, `share` as it is (sometimes null), `shop` a category."""
    return Preprocessor(
        numeric=("spend", "share"),
        logged=(True, False),
        mean=(np.log1p(10.0), 0.5),
        scale=(2.0, 0.25),
        flagged=("share",),
        vocabulary={"shop": ("north", "south")},
    )


def columns(**values: list[object]) -> dict[str, np.ndarray]:
    return {k: np.array(v, dtype=object if k == "shop" else float) for k, v in values.items()}


def test_numbers_are_logged_standardised_and_flagged() -> None:
    known = columns(spend=[10, 0, -10], share=[0.75, NAN, 0.5], shop=["north", None, "east"])
    expected = [
        [0.0, 1.0, 0.0],
        [-np.log(11) / 2, 0.0, 1.0],  # null is the mean, and flagged
        [-2 * np.log(11) / 2, 0.0, 0.0],  # a negative amount mirrors its positive
    ]
    assert small().numbers(known) == pytest.approx(np.array(expected), abs=1e-6)
    assert small().numbers(known).dtype == np.float32


def test_null_and_unseen_categories_have_codes_of_their_own() -> None:
    known = columns(spend=[1, 1, 1], share=[0, 0, 0], shop=["south", None, "east"])
    assert small().codes(known)[:, 0].tolist() == [3, 0, 1]
    assert small().design(known)[:, 3:].tolist() == [[0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]]
    assert small().design_names[3:] == [
        "shop = unknown", "shop = other", "shop = north", "shop = south",
    ]  # fmt: skip


def test_groups_tie_a_flag_to_its_number_and_a_category_together() -> None:
    assert small().groups == [0, 1, 1, 2, 2, 2, 2]
    assert len(small().groups) == len(small().design_names)


def test_what_lies_far_outside_is_clipped_and_told() -> None:
    known = columns(spend=[1e9, 10], share=[0.5, 9.0], shop=["north", "north"])
    assert np.abs(small().numbers(known)).max() == CLIP
    assert small().outside(known).tolist() == [[True, False], [False, True]]
    within = columns(spend=[10], share=[NAN], shop=[None])
    assert small().outside(within).tolist() == [[False, False]]


@pytest.mark.parametrize("odd", [NAN, float("inf"), -float("inf"), 1e300, -1e300, 0.0])
def test_no_input_gives_anything_but_finite_numbers(odd: float) -> None:
    known = columns(spend=[odd], share=[odd], shop=["never seen"])
    assert np.isfinite(small().design(known)).all()


def test_fitting_gives_mean_zero_and_deviation_one() -> None:
    rng = np.random.default_rng(7)
    known = {"spend": rng.lognormal(3, 1, 500), "share": rng.random(500)}
    made = scaling.fit(
        known, [feature("spend", unit="currency"), feature("share", unit="share")], 0
    )
    assert made.logged == (True, False)
    numbers = made._standardised(known)
    assert numbers.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert numbers.std(axis=0) == pytest.approx([1, 1])


def test_columns_that_say_nothing_are_left_out() -> None:
    known = {
        "same": np.full(9, 3.0),
        "null": np.full(9, NAN),
        "long": np.arange(9.0),
        "fine": np.array([*range(8), NAN]),
    }
    wanted = [feature("same"), feature("null"), feature("long", window=365), feature("fine")]
    made = scaling.fit(known, wanted, history_days=90)
    assert made.inputs == ["fine", "fine is unknown"]


@pytest.mark.parametrize("lens", ["occasion", "engagement"])
def test_long_windows_are_kept_where_training_sees_them_grow_and_what_is_seldom_is_not(
    lens: str,
) -> None:
    known = {"long": np.arange(9.0), "yearly": np.arange(9.0)}
    yearly = dataclasses.replace(feature("yearly", window=365), lens=lens)
    wanted = [feature("long", window=180), yearly]
    assert scaling.fit(known, wanted, 90, several=True).inputs == ["long"]
    assert scaling.fit(known, wanted, 400, several=False).inputs == ["long", "yearly"]


def test_rare_categories_share_the_code_of_the_unseen() -> None:
    values = np.array(["a"] * 600 + ["b"] * 599 + ["rare"] + [None] * 10, dtype=object)
    made = scaling.fit({"shop": values}, [feature("shop", "category")], 0)
    assert made.vocabulary == {"shop": ("a", "b")}


def test_a_preprocessor_survives_json() -> None:
    written = json.loads(json.dumps(small().to_dict()))
    assert Preprocessor.from_dict(written) == small()


@pytest.mark.parametrize(
    ("fresh", "fits"),
    [
        ({}, True),
        ({"numeric": ("spend", "share", "age"), "logged": (True, False, True),
          "mean": (2.4, 0.5, 1.0), "scale": (2.0, 0.25, 1.0)}, False),
        ({"scale": (2.0, 5.0)}, False),  # clips none of the 101
        ({"vocabulary": {"shop": ("east", "north", "south")}}, False),
    ],
    ids=["the same", "a number more", "clipped", "a new category"],
)  # fmt: skip
def test_an_earlier_preprocessor_fits_while_it_hides_little(fresh: dict, fits: bool) -> None:
    rows = 1_000
    values = columns(
        spend=[10.0] * rows, age=[1.0] * rows,
        share=[3.0] * 101 + [0.5] * (rows - 101), shop=["east"] * 51 + ["north"] * (rows - 51),
    )  # fmt: skip
    earlier, later = small(), dataclasses.replace(small(), **fresh)
    assert scaling.still_fits(earlier, later, values) is fits


def test_an_earlier_preprocessor_may_hide_a_little_more() -> None:
    """A tenth of the rows clipped and a twentieth of another category, no more."""
    rows = 1_000
    values = columns(
        spend=[10.0] * rows, share=[3.0] * 100 + [0.5] * (rows - 100),
        shop=["east"] * 50 + ["north"] * (rows - 50),
    )  # fmt: skip
    wide = dataclasses.replace(
        small(), scale=(2.0, 5.0), vocabulary={"shop": ("east", "north", "south")}
    )
    assert scaling.still_fits(small(), wide, values)
    fewer = dataclasses.replace(
        small(), numeric=("spend",), logged=(True,), mean=(2.4,), scale=(2.0,), flagged=()
    )
    assert scaling.still_fits(small(), fewer, values)  # takes in one number more than is needed


@pytest.mark.parametrize(("own", "fits"), [(19, True), (18, False)])
def test_one_number_in_twenty_may_have_come_to_vary_since(own: int, fits: bool) -> None:
    names = tuple(f"n{i}" for i in range(own + 1))

    def of(numeric: tuple[str, ...]) -> Preprocessor:
        each = len(numeric)
        return Preprocessor(numeric, (False,) * each, (0.0,) * each, (1.0,) * each, (), {})

    values = {name: np.zeros(10) for name in names}
    assert scaling.still_fits(of(names[:-1]), of(names), values) is fits
