"""All measures of one load, and the rejects by reason."""

from collections.abc import Callable

import pandas as pd

from features.health import Reason, measure, reasons
from features.ingestion.staging import REJECT_COLUMNS
from features.settings.experiment import Experiment
from features.sources import Sources


def test_rejects_are_counted_by_reason_with_the_first_of_each() -> None:
    listed = [
        ("orders", 3, "paid", "much", "is not a number"),
        ("orders", 5, "who", None, "is empty"),
        ("orders", 8, "paid", "more", "is not a number"),
    ]
    assert reasons(pd.DataFrame(listed, columns=REJECT_COLUMNS)) == (
        Reason("orders", "paid", "is not a number", 2, 3, "much"),
        Reason("orders", "who", "is empty", 1, 5, None),
    )


def test_nothing_rejected_has_no_reason() -> None:
    assert reasons(pd.DataFrame(columns=REJECT_COLUMNS)) == ()


def test_a_load_is_measured_whole(
    loaded: Callable[..., Sources], parsed: Callable[..., Experiment]
) -> None:
    rows = "who,when,paid\na,2024-01-01,10\na,2024-01-03,-2\nb,2024-01-02,much\n"
    read = loaded(rows, head="max_reject_share = 0.5")
    health = measure(read, parsed())
    assert [i.rows_rejected for i in health.ingested] == [1]
    assert [(r.row, r.value) for r in health.reasons] == [(3, "much")]
    assert (health.start, health.end) == (read.start, read.end)
    assert (health.population.customers, health.amounts.lines) == (1, 2)
    (orders,) = health.series
    assert orders.daily.tolist() == [1, 0, 1]
    assert health.hours.bare == 1.0
    assert {c.name for c in health.columns if c.known} == {"amount"}
    assert health.dating == ()
