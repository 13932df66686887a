import pytest

from features.errors import SourceError
from features.guessing import horizon as horizons
from features.guessing.guess import guess


@pytest.mark.parametrize(
    ("days", "horizon"), [(10, 7), (35, 7), (70, 14), (140, 28), (300, 60), (450, 90), (9999, 365)]
)
def test_five_horizons_fit_into_the_history(days, horizon):
    assert horizons.suggest(days) == horizon


def test_a_history_of_less_than_five_horizons_is_doubted():
    (short,) = horizons.doubts(7, 34.0, 7.0)
    assert short == "The history of 34 days is short for any horizon: models may be refused."
    assert horizons.doubts(7, 35.0, 7.0) == []  # half of the repeat orders come within it


def test_a_horizon_of_no_days_is_refused():
    assert horizons.read("1") == 1
    with pytest.raises(SourceError, match="at least 1"):
        horizons.read("0")
    with pytest.raises(SourceError):
        horizons.read("²")


def test_a_short_or_sparse_history_is_noted(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("customer,date,amount_eur\n1,2024-01-01,5\n1,2024-01-21,6\n2,2024-01-03,6\n")
    assert guess(path).notes == (
        "Half of the repeat orders come after 20 days or more, and the history allows for a "
        "horizon of 7 days only: most of those who stay away for the horizon come back.",
        "The history of 20 days is short for any horizon: models may be refused.",
    )
