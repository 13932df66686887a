"""What is said of values whose rows were to be left out, and that no row has."""

from collections.abc import Callable

import pytest

from features.health import Health
from features.settings.experiment import Experiment
from training.checks.finding import WARNING
from training.checks.findings import of_health

Having = Callable[..., Health]


@pytest.mark.parametrize(
    ("unmatched", "seen", "example"),
    [
        ((("sku", "POSTT"), ("shop", "")), "in no row: 'POSTT' of 'sku'; '' of 'shop'", None),
        (tuple(("sku", n) for n in "abcdefg"),
         "in no row: 'a' of 'sku'; 'b' of 'sku'; 'c' of 'sku'; 'd' of 'sku'; 'e' of 'sku'; 2 more",
         None),
        # ids are for a terminal, not for a page
        ((("who", "alice@x.org"), ("sku", "POST"), ("who", "bob@x.org")),
         "in no row: 'POST' of 'sku'; 2 of 'who'", "alice@x.org"),
    ],
)  # fmt: skip
def test_a_value_that_no_row_has_is_a_warning(
    experiment: Experiment,
    having: Having,
    unmatched: tuple[tuple[str, str], ...],
    seen: str,
    example: str | None,
) -> None:
    (found,) = of_health(having("ingested", unmatched=unmatched, customer="who"), experiment)
    assert (found.weight, found.seen, found.example) == (WARNING, seen, example)
    assert found.rule == "orders: what is to be left out should be there."
