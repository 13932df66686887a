"""What a training would answer or refuse becomes a finding."""

from features.errors import HistoryError
from training.checks.finding import BLOCKER, HINT, WARNING, Finding
from training.checks.findings import of_readiness
from training.checks.readiness import INSUFFICIENT, LIMITED, READY, Readiness


def test_models_that_are_not_ready_warn_and_what_a_report_lacks_hints() -> None:
    found = of_readiness((
        Readiness("churn", READY, "200 left and 400 stayed in the test window"),
        Readiness("CLV intervals", INSUFFICIENT, "12 customers spent, 60 needed", "bring more"),
        Readiness("seasonality", LIMITED, "outcomes of 300 days", "bring more"),
    ))  # fmt: skip
    assert found == [
        Finding(
            WARNING, "There should be enough to learn from: CLV intervals.",
            "insufficient for CLV intervals: 12 customers spent, 60 needed", "bring more",
        ),
        Finding(
            HINT, "There should be enough to learn from: seasonality.",
            "limited for seasonality: outcomes of 300 days", "bring more",
        ),
    ]  # fmt: skip


def test_a_refusal_is_a_blocker() -> None:
    refused = HistoryError("A rule.", "a value", "a remedy")
    assert Finding.of(refused) == Finding(BLOCKER, "A rule.", "a value", "a remedy")
