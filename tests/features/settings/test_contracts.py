from pathlib import Path

import pytest

from features.errors import ConfigError
from features.settings import config, contracts
from features.settings.contracts import Profit
from features.spec import Attribute

ROOT = Path(__file__).resolve().parents[3]

UNDATED = """
[experiment]
name = "firm"
currency = "EUR"

[contracts]
url = "contracts.csv"
customer_id = "who"
ended = "left"
ended_values = ["yes"]

[contracts.columns]
fee = { kind = "number" }
"""
DATED = UNDATED.replace('"EUR"', '"EUR"\nhorizon_days = 90').replace(
    'ended = "left"\nended_values = ["yes"]', 'start = "from"\nended_on = "until"'
)


def read(text: str, tmp_path: Path) -> contracts.ContractExperiment:
    path = tmp_path / "firm.toml"
    path.write_text(text)
    return contracts.load(path)


def message(text: str, tmp_path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text, tmp_path)
    return str(caught.value)


def test_the_smallest_file_has_these_defaults(tmp_path: Path) -> None:
    experiment = read(UNDATED, tmp_path)
    assert (experiment.name, experiment.currency, experiment.horizon_days) == ("firm", "EUR", None)
    assert (experiment.seed, experiment.max_reject_share, experiment.time_zone) == (7, 0.01, "UTC")
    source = experiment.contracts
    assert (source.ended, source.ended_values, source.tenure) == ("left", ("yes",), None)
    assert source.columns == (Attribute("fee", "contract", "number"),)
    assert not source.dated
    assert experiment.profit == Profit(clv=200, incentive=10, contact=1, alpha=6, beta=14)


def test_a_dated_file_names_start_end_and_horizon(tmp_path: Path) -> None:
    experiment = read(DATED, tmp_path)
    source = experiment.contracts
    assert source.dated
    assert (source.start, source.ended_on, source.ended) == ("from", "until", None)
    assert experiment.horizon_days == 90


def test_profit_and_kinds_are_read(tmp_path: Path) -> None:
    text = UNDATED + (
        'size = { kind = "ordered", order = ["S", "L"] }\n'
        "[contracts.profit]\nclv = 80\nincentive = 5.5\ncontact = 0\nalpha = 2\nbeta = 3\n"
    )
    experiment = read(text, tmp_path)
    assert experiment.profit == Profit(80, 5.5, 0, 2, 3)
    assert experiment.contracts.columns[1] == Attribute("size", "contract", "ordered", ("S", "L"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('url = "c', 'urk = "c', "contracts.url is required."),
        ('ended = "left"', "", "Contracts have a label column (ended) or the day of their end "
         "(ended_on). Seen: neither. Remedy: name one of them: ended = \"COLUMN\" with "
         'ended_values, or ended_on = "COLUMN" with start'),
        ('ended = "left"', 'ended = "left"\nended_on = "until"', "Seen: both."),
        ('ended = "left"', 'ended = "left"\nstart = "from"', "contracts.start does not go with "
         "contracts.ended. Seen: start = 'from'. Remedy: name contracts.tenure instead"),
        ('currency = "EUR"', 'currency = "EUR"\nhorizon_days = 90', "experiment.horizon_days needs "
         "contracts with dates. Seen: horizon_days = 90 and no contracts.ended_on. Remedy: remove "
         "it, or name the columns contracts.start and contracts.ended_on"),
        ('currency = "EUR"', 'currency = "EUR"\nseed = 2000000001', "experiment.seed must be a "
         "whole number from 0 to 2000000000. Seen: 2000000001."),
        ("fee = {", "left = {", "contracts.columns must not hold the column of contracts.ended. "
         "Seen: 'left'. Remedy: remove contracts.columns.left"),
        ('fee = { kind = "number" }', "", "contracts.columns must say what is known of a contract. "
         'Seen: no column. Remedy: name some: fee = { kind = "number" }'),
        ('"number"', '"region"', "contracts.columns.fee.kind must be one of category, ordered, "
         "number."),
        ("[contracts.columns]", "[contracts.profit]\nclv = 10\n[contracts.columns]",
         "contracts.profit must leave something to win: clv above incentive and contact. Seen: clv "
         "10, incentive 10, contact 1. Remedy: correct the amounts"),
        ("[contracts.columns]", "[contracts.profit]\ncvl = 10\n[contracts.columns]",
         "contracts.profit.cvl is not a known key."),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in UNDATED
    assert expected in message(UNDATED.replace(old, new, 1), tmp_path)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('tenure = "months"', "contracts.tenure does not go with contracts.ended_on. Seen: tenure "
         "= 'months'. Remedy: name contracts.start instead"),
        ('ended_values = ["yes"]', "contracts.ended_values explains a label column. Seen: ended_on,"
         " which holds days. Remedy: remove ended_values"),
    ],
)  # fmt: skip
def test_dates_and_label_are_not_mixed(tmp_path: Path, line: str, expected: str) -> None:
    assert expected in message(DATED.replace("ended_on", f"{line}\nended_on", 1), tmp_path)


def test_contracts_with_dates_need_a_horizon(tmp_path: Path) -> None:
    text = DATED.replace("horizon_days = 90", "")
    assert message(text, tmp_path).startswith("experiment.horizon_days is required.")


def test_what_needs_orders_refuses_contracts_in_words(tmp_path: Path) -> None:
    path = tmp_path / "firm.toml"
    path.write_text(UNDATED)
    assert contracts.is_one(path)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert str(caught.value) == (
        "This needs an experiment with [orders]. Seen: firm.toml has [contracts]. Remedy: contracts"
        " are trained and reported by `coterie retrain`; for anything else name a file with "
        "[orders]"
    )


def test_the_example_is_read() -> None:
    experiment = contracts.load(ROOT / "mlflow" / "experiments" / "telecom_contracts.toml")
    assert experiment.profit == Profit()
    assert len(experiment.contracts.columns) == 18
    assert not contracts.is_one(ROOT / "mlflow" / "experiments" / "complete_journey.toml")
