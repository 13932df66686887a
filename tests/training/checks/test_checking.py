"""A check from files to its verdict, its page and its file of rejects."""

import dataclasses
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from training.checks import check_page
from training.checks.checked import Checked
from training.checks.finding import BLOCKER, WARNING, Finding

EVENTS = """\
[[events]]
name = "met"
url = "met.csv"
[events.columns]
customer_id = "customer"
moment = "date"
kind = "kind"
"""
NAMED = f"""\
{EVENTS}
[[goals]]
name = "cart"
kinds = "cart"
[[responses]]
name = "carts"
of = "cart"
per = "mail"
[[attributes]]
name = "spots"
url = "spots.csv"
customer_id = "customer"
[attributes.columns]
spot = {{ lens = "geographic", kind = "location", latitude = "lat", longitude = "lon" }}
[[places]]
name = "shop"
latitude = 50.0
longitude = 10.0
[calendar]
country = "US"
"""

Run = Callable[..., tuple[Checked, str]]


class Page(HTMLParser):
    """The tags of a page, the words between them, and what each picture says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.slow
def test_an_attribute_that_holds_the_outcome_is_told_as_a_leak(checked: Run) -> None:
    # As an export of today has it: closed is who did not order in the last 60 days.
    made, shown = checked(
        status=lambda last: (last < "2024-10-31").map({True: "closed", False: "x"})
    )
    (leak,) = [f for f in made.findings if f.seen.startswith("attribute_status: ")]
    # It is the outcome itself and has no date, so a training is refused.
    assert leak.weight == BLOCKER
    assert not made.trains
    assert leak.rule.startswith("An attribute without a date must not know who leaves: ")
    assert "its value alone predicts churn with AUC " in leak.seen
    assert leak.remedy == "date its values (valid_from), or leave the column out"
    assert leak.seen in shown
    assert not any("attribute__script" in f.seen for f in made.findings)


@pytest.mark.slow
def test_what_the_file_names_is_checked_as_a_training_sees_it(
    checked: Run, simulated_orders: pd.DataFrame, tmp_path: Path
) -> None:
    who = simulated_orders["customer"].unique()
    spots = pd.DataFrame({"customer": who, "lat": 50.0, "lon": np.linspace(6.0, 12.0, len(who))})
    spots.to_csv(tmp_path / "spots.csv", index=False)
    met = simulated_orders.iloc[::5].assign(kind=["cart", "mail"] * (len(simulated_orders) // 10))
    met.to_csv(tmp_path / "met.csv", index=False)
    made, _ = checked(more=NAMED)
    assert made.search is not None
    seen = {power.feature for power in made.search.powers["churn"]}
    assert {
        "attribute_spot_distance", "goal_cart_count", "response_carts_ever",
        "occasion_recency_christmas_day",
    } <= seen  # fmt: skip


@pytest.mark.slow
def test_currencies_that_nobody_named_are_a_warning(checked: Run) -> None:
    coins = ["USD", "JPY"]
    made, _ = checked(lambda t: t.assign(coin=[coins[i % 3 == 0] for i in range(len(t))]))
    rule = "All amounts must be in EUR, or the column of their currency be named."
    (warned,) = [f for f in made.findings if f.rule == rule]
    assert warned == Finding(
        WARNING, rule, "coin holds USD, JPY",
        'where the amounts are in these currencies, name it: orders.columns.currency = "coin", '
        "and their rates in experiment.rates or a table of them in [rates]",
    )  # fmt: skip
    assert made.trains


@pytest.mark.slow
def test_a_rate_that_is_upside_down_is_a_warning(checked: Run, tmp_path: Path) -> None:
    (tmp_path / "fx.csv").write_text("code,eur,day\nPLN,40,2020-01-01\n")
    made, _ = checked(
        lambda t: t.assign(coin=np.where(np.arange(len(t)) % 3, "EUR", "PLN")),
        columns='currency = "coin"',
        more='[rates]\nurl = "fx.csv"\n'
        '[rates.columns]\ncurrency = "code"\nrate = "eur"\nvalid_from = "day"\n',
    )
    (warned,) = [f for f in made.findings if "upside down" in f.remedy]
    assert warned.weight == WARNING
    assert "the median line in PLN is worth " in warned.seen
    assert made.health.ingested[0].source == "rates"


@pytest.mark.slow
def test_a_goal_of_a_kind_that_never_occurs_stops_a_training(
    checked: Run, simulated_orders: pd.DataFrame, tmp_path: Path
) -> None:
    simulated_orders.assign(kind="cart").to_csv(tmp_path / "met.csv", index=False)
    made, _ = checked(more=EVENTS + '[[goals]]\nname = "cart"\nkinds = "kart"\n')
    (stop,) = [f for f in made.findings if f.weight == BLOCKER]
    assert stop == Finding(
        BLOCKER, "A response or a goal names kinds of events that occur.",
        "'kart' (kinds: cart)", "did you mean 'cart'?",
    )  # fmt: skip
    assert made.search is None
    assert made.answers
    assert stop.seen in Page((tmp_path / "out" / "shop" / "check.html").read_text()).words


def test_honest_data_is_ready_and_the_windows_are_those_of_a_training(checked: Run) -> None:
    from training.windows import splits

    made, shown = checked()
    assert made.trains
    assert made.search is not None
    assert made.search.suspects == ()
    read = made.health
    assert made.plan == splits.plan(read.start, splits.now_after(read.end), 60)
    assert made.health.population.buyers == 500
    # 500 customers, of whom fewer than half spend in 60 days: three bands of sixty.
    assert [f.seen[:46] for f in made.findings if f.weight == WARNING] == [
        "limited for CLV intervals: 3 bands of value fr"
    ]
    assert made.verdict == "Ready to train, with 1 warning."
    assert shown.splitlines()[-1] == made.verdict


@pytest.mark.slow
def test_an_encoding_that_was_assumed_is_a_warning_with_a_word_that_no_page_shows(
    checked: Run, tmp_path: Path
) -> None:
    def states(last: pd.Series) -> pd.Series:
        return pd.Series(np.where(np.arange(len(last)) % 2, "müßig", "rege"), index=last.index)

    rule = "The encoding of a source that is not UTF-8 should be named."
    assert rule not in checked(status=states)[1]
    made, shown = checked(status=states, encoding="cp1252")
    assert [f.seen for f in made.findings if f.rule == rule] == ["people.csv, read as Windows-1252"]
    assert "Seen:   people.csv, read as Windows-1252, for instance 'müßig'" in shown
    page = Page((tmp_path / "out" / "shop" / "check.html").read_text(encoding="utf-8"))
    assert "people.csv, read as Windows-1252." in page.words
    assert "for instance 'müßig'" not in page.words


@pytest.mark.slow
def test_an_order_id_taken_for_a_line_id_stops_a_training(checked: Run) -> None:
    made, _ = checked(
        lambda table: table.assign(order=np.arange(len(table)) // 3), form='line_id = "order"'
    )
    assert not made.trains
    assert made.verdict.startswith(
        "Cannot train: orders: at most 50% of the lines may repeat the line_id of another. Seen: "
    )
    (orders, _) = made.health.ingested
    assert made.health.amounts.lines == orders.rows_kept == -(-orders.rows_read // 3)


@pytest.mark.slow
def test_data_of_which_too_much_is_unusable_is_measured_all_the_same(
    checked: Run, tmp_path: Path
) -> None:
    def half(table: pd.DataFrame) -> pd.DataFrame:
        table["amount"] = table["amount"].astype(str)
        table.loc[table.index[::2], "amount"] = "much"
        return table

    made, shown = checked(half)
    assert not made.trains
    assert made.verdict.startswith(
        "Cannot train: orders: at most 1.00% of the rows may be unusable. Seen: "
    )
    assert made.rejects == tmp_path / "out" / "shop" / "rejects.csv"
    rejects = pd.read_csv(made.rejects)
    (orders, _) = made.health.ingested
    assert len(rejects) == orders.rows_rejected == -(-orders.rows_read // 2)
    assert made.health.amounts.lines == orders.rows_read // 2
    assert made.answers
    assert "much" in shown
    # The value is the customer's own: it is in the file and on the terminal, not on the page.
    assert "much" not in Page((tmp_path / "out" / "shop" / "check.html").read_text()).words
    made, _ = checked()
    assert made.rejects is None
    assert not (tmp_path / "out" / "shop" / "rejects.csv").exists()


@pytest.mark.slow
def test_what_a_training_would_refuse_is_the_verdict(checked: Run) -> None:
    made, _ = checked(lambda table: table.drop_duplicates("customer"))
    assert made.verdict == (
        "Cannot train: At least 10 customers must spend after a training cut-off, or there is "
        "nothing to learn. Seen: 0, who spent 0 in all, in "
        f"{len(made.plan.train) if made.plan else 0} windows of 60 days."
    )
    some, _ = checked(lambda table: table[table["customer"] <= "C0090"])
    assert some.verdict.startswith("Cannot train: Every window needs at least 100 customers")
    day, _ = checked(lambda table: table.assign(date="2024-01-01"))
    assert day.verdict.startswith("Cannot train: The horizon must be shorter than the history")
    assert (day.plan, day.answers, day.search) == (None, (), None)


@pytest.mark.parametrize("sign", [-1.0, 0.0])
@pytest.mark.slow
def test_returns_alone_and_amounts_of_nothing_cannot_train(checked: Run, sign: float) -> None:
    made, _ = checked(lambda table: table.assign(amount=sign * table["amount"]))
    assert not made.trains
    assert any("check" in f.remedy and "amount" in f.remedy for f in made.findings)


@pytest.mark.slow
def test_the_page_loads_nothing_runs_nothing_and_names_no_customer(
    checked: Run, tmp_path: Path
) -> None:
    made, _ = checked(lambda table: table[~table["date"].between("2023-09-01", "2023-09-20")])
    text = (tmp_path / "out" / "shop" / "check.html").read_text()
    page = Page(text)
    assert not {"script", "img", "link", "iframe", "i", "bscript"} & set(page.tags)
    assert not re.search(r"https?://|url\(|\bon\w+=|C0\d\d\d", text)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    # What the user wrote is shown as it is written.
    assert "A shop & its <b>customers</b>." in page.words
    assert "people: <script>alert(1)</script>" in page.words
    assert "<i>Bonn</i> (250); <i>Ulm</i> (250)" in page.words
    assert made.verdict in page.words
    for finding in made.findings:
        assert finding.rule in page.words
    assert any("20 days from 2023-09-01 to 2023-09-20" in f.seen for f in made.findings)
    # Every drawing says what it shows, every table has headings.
    drawings = page.tags.count("svg")
    assert drawings >= 6
    assert sum(name == "aria-label" and bool(value) for name, value in page.attributes) == drawings
    assert page.tags.count("thead") == page.tags.count("table") > 4


@pytest.mark.slow
def test_a_page_of_nothing_wrong_says_so(checked: Run) -> None:
    made, _ = checked()
    text = check_page.render(dataclasses.replace(made, findings=(), search=None, plan=None))
    assert "Nothing to complain of." in text
    assert "Ready to train." in text
