"""What a measure takes in: arrays of one row a customer, checked.

Each function gives its arguments as float64, shape ``(n,)``, and raises ValueError with what it saw
for unequal lengths, no rows, nan or infinity, and what an outcome, a probability, an amount or an
interval cannot be.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def floats(values: npt.ArrayLike) -> Floats:
    """The values as float64, shape ``(n,)``; ValueError for no rows, more axes, nan or infinity."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or numbers.size == 0:
        raise ValueError(f"A measure takes rows of shape (n,), n >= 1. Seen: {numbers.shape}.")
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise ValueError(f"A measure takes finite numbers. Seen: {numbers[row]} in row {row}.")
    return numbers


def same_length(first: npt.NDArray[Any], *others: npt.NDArray[Any]) -> None:
    """ValueError unless all arrays have the same shape."""
    shapes = [first.shape, *(other.shape for other in others)]
    if len(set(shapes)) > 1:
        raise ValueError(f"Every argument has one row a customer. Seen shapes: {shapes}.")
    if first.ndim != 1 or first.size == 0:
        raise ValueError(f"A measure takes rows of shape (n,), n >= 1. Seen: {first.shape}.")


def paired(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Two of them, of equal length."""
    one, two = floats(first), floats(second)
    same_length(one, two)
    return one, two


def outcomes(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> tuple[Floats, Floats]:
    """What came, 0 or 1, and any score."""
    outcome, score = paired(truth, prediction)
    strange = outcome[(outcome != 0) & (outcome != 1)]
    if strange.size:
        raise ValueError(f"An outcome is 0 or 1. Seen: {strange[0]}.")
    return outcome, score


def probabilities(truth: npt.ArrayLike, prediction: npt.ArrayLike) -> tuple[Floats, Floats]:
    """What came, 0 or 1, and the probability that was said."""
    outcome, probability = outcomes(truth, prediction)
    strange = probability[(probability < 0) | (probability > 1)]
    if strange.size:
        raise ValueError(f"A probability lies between 0 and 1. Seen: {strange[0]}.")
    return outcome, probability


def amounts(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Floats, Floats]:
    """What came, not below 0, and any score."""
    spent, score = paired(actual, predicted)
    if spent.min() < 0:
        raise ValueError(f"What a customer brought is not below 0. Seen: {spent.min()}.")
    return spent, score


def interval(
    actual: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """What came, low and high; ValueError where low is above high."""
    value, bottom, top = floats(actual), floats(low), floats(high)
    same_length(value, bottom, top)
    if (bottom > top).any():
        row = int(np.flatnonzero(bottom > top)[0])
        raise ValueError(f"Low is not above high. Seen: [{bottom[row]}, {top[row]}] in row {row}.")
    return value, bottom, top
