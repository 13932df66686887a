"""What is said of the data: rule, value seen, remedy, and how heavily it weighs."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.health import Health, Reason
from features.ingestion.intake import tomorrow
from features.rhythm import Gap, Shift
from features.settings import config
from features.settings.experiment import AliasesSource, Experiment, RatesSource
from training.checks.finding import HINT, WARNING, Finding
from training.checks.findings import of_health

Having = Callable[..., Health]
DAY = pd.Timestamp("2024-01-01")


def test_of_sound_data_nothing_is_said(experiment: Experiment, sound: Health) -> None:
    assert of_health(sound, experiment) == []


def test_an_order_id_that_is_no_orders_is_a_warning(experiment: Experiment, having: Having) -> None:
    shared = having("population", shared=0.998)
    named = dataclasses.replace(
        experiment, orders=dataclasses.replace(experiment.orders, order_id="Order Status")
    )
    (said,) = of_health(shared, named)
    assert (said.weight, said.rule) == (WARNING, "An order's id should be one customer's.")
    assert said.seen == "99.8% of the orders have an id that orders of other customers have too"
    # Without a column the moment is the id, which customers of one day may share.
    unnamed = dataclasses.replace(
        experiment, orders=dataclasses.replace(experiment.orders, order_id=None)
    )
    assert of_health(shared, unnamed) == []


@pytest.mark.parametrize(
    ("part", "change", "weight", "seen"),
    [
        ("ingested", {"rows_rejected": 10}, HINT, "10 of 10,000 rows rejected (0.10%): "),
        ("ingested", {"rows_rejected": 11}, WARNING, "11 of 10,000 rows rejected (0.11%): "),
        ("ingested", {"left_out": 5_000, "rows_rejected": 5}, HINT,
         "5 of 5,000 rows rejected (0.10%): "),
        ("ingested", {"left_out": 5_000, "duplicates": 51}, WARNING,
         "51 of 5,000 rows (1.02%) equal an earlier one in every column"),
        ("ingested", {"repeats": 7}, HINT, "7 of 10,000 rows dropped: their line_id had come"),
        ("ingested", {"repeats": 100}, HINT,
         "100 of 10,000 rows dropped: their line_id had come"),
        ("ingested", {"repeats": 101}, WARNING,
         "101 of 10,000 rows dropped: their line_id had come"),
        ("ingested", {"duplicates": 100}, HINT,
         "100 of 10,000 rows (1.00%) equal an earlier one in every column"),
        ("ingested", {"duplicates": 101}, WARNING,
         "101 of 10,000 rows (1.01%) equal an earlier one in every column"),
        ("series", {"gaps": (Gap(DAY, DAY, 30.0),)}, HINT,
         "1 day from 2024-01-01 to 2024-01-01, when 30 customers were to be expected"),
        ("series", {"gaps": (Gap(DAY, DAY + pd.Timedelta(days=2), 90.0), Gap(DAY, DAY, 30.0))},
         WARNING, "3 days from 2024-01-01 to 2024-01-03, when 90 customers were to be expected; "
                  "1 more"),
        ("series", {"gaps": (Gap(DAY, DAY + pd.Timedelta(days=1), 60.0),)}, HINT,
         "2 days from 2024-01-01 to 2024-01-02, when 60 customers were to be expected"),
        ("series", {"gaps": (Gap(DAY, DAY + pd.Timedelta(days=364), 9e4),)}, WARNING,
         "365 days from 2024-01-01 to 2024-12-30"),
        ("series", {"gaps": (Gap(DAY, DAY + pd.Timedelta(days=363), 9e4),)}, WARNING,
         "364 days from 2024-01-01 to 2024-12-29, when 90,000 customers were to be expected"),
        ("series", {"shift": Shift(DAY, 70.0, 28.0)}, HINT,
         "from 2024-01-01 on 28 customer-days a week, 70 before"),
        ("hours", {"counts": (100,) * 6 + (1,) * 6 + (100,) * 12}, HINT,
         "the quietest five hours begin at 6:00, the busiest hour at 0:00, by the clock of "
         "Europe/Berlin"),
        ("hours", {"counts": (1,) * 2 + (100,) * 19 + (1,) * 3}, HINT,
         "the quietest five hours begin at 21:00, the busiest hour at 2:00, by the clock of "
         "Europe/Berlin"),
        ("hours", {"bare": 0.3}, HINT, "30.0% of the order lines stand at midnight sharp"),
        ("population", {"one_time": 701, "repeat": 299}, HINT,
         "701 of 1,000 customers (70.1%) have one order"),
        ("population", {"one_time": 1_000, "repeat": 0}, WARNING,
         "1,000 of 1,000 customers (100.0%) have one order"),
        ("population", {"of_lines": 100, "alike": 81, "alike_amounts": 20}, WARNING,
         "of 100 orders with several lines 81 (81.0%) have the same amount on each"),
        ("population", {"returns_only": 51}, HINT, "51 of 1,000 customers have returns alone"),
        ("population", {"overdrawn": 51}, HINT,
         "more came back than was paid from 51 of 1,000 customers with an order"),
        ("population", {"prospects": 1_001}, HINT,
         "1,001 customers of events and attributes without an order, 1,000 with one"),
        ("population", {"top_share": 0.6}, HINT,
         "the best 1 % of the customers brought 60.0% of all spend"),
        ("amounts", {"negative": 5_001}, WARNING,
         "5,001 of 10,000 order lines (50.0%) below 0, 0 of them of customers who had bought "
         "nothing yet"),
        ("amounts", {"negative": 3_001, "early": 1_501}, WARNING,
         "3,001 of 10,000 order lines (30.0%) below 0, 1,501 of them of customers who had bought "
         "nothing yet"),
        ("amounts", {"zero": 2_001}, HINT, "2,001 of 10,000 order lines (20.0%) of 0"),
        ("amounts", {"low": 8.0, "high": 8.0}, HINT, "8.00 EUR in every order line"),
        ("amounts", {"backward": 11}, WARNING,
         "11 of 10,000 order lines (0.1%) have a quantity below 0 and an amount above 0"),
        ("amounts", {"high": 1e9, "total": 1.25e9}, WARNING,
         "the largest amount is 1,000,000,000.00 EUR, 80.0% of all spend; 99 % of the lines are "
         "below 60.00"),
        ("amounts", {"high": 999_999.99, "total": 13_544_018.0, "far": 12, "far_customers": 3,
                     "far_total": 11_999_999.88}, WARNING,
         "12 lines of 3 customers above 1,200.00 EUR, up to 999,999.99, 88.6% of all spend; 99 % "
         "of the lines are below 60.00"),
        ("amounts", {"high": 1_250.0, "total": 125_000.0, "far": 1, "far_customers": 1,
                     "far_total": 1_250.0}, HINT,
         "1 line of 1 customer above 1,200.00 EUR, up to 1,250.00, 1.0% of all spend; 99 % of the "
         "lines are below 60.00"),
        ("columns", {"known": 0, "distinct": 0}, WARNING, "0 of 10,000 (0.0%) rows"),
        ("columns", {"known": 499}, HINT, "499 of 10,000 (5.0%) rows"),
        ("columns", {"distinct": 1}, HINT, "one value in all 9,000 known"),
        ("columns", {"table": "people", "name": "home", "rows": 900, "known": 800,
                     "distinct": 401}, HINT, "401 values of 800 customers"),
        ("dating", {"undated": 900}, HINT, "home (of 900 customers)"),
        ("dating", {"without_orders": 900}, WARNING,
         "home: none of its 900 customers has an order"),
        ("dating", {"late": 451}, HINT, "home: of 900 customers with orders, the first value of "
                                        "451 is valid only after their first order"),
        ("dating", {"without_orders": 500, "late": 201}, HINT,
         "home: of 400 customers with orders, the first value of 201 is valid only after their "
         "first order"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_once_with_its_figures(
    experiment: Experiment,
    part: str,
    change: dict[str, Any],
    weight: str,
    seen: str,
    having: Having,
) -> None:
    (found,) = of_health(having(part, **change), experiment)
    assert found.weight == weight
    assert found.seen.startswith(seen) if seen.endswith(": ") else found.seen == seen
    assert found.rule.endswith(".")
    assert found.remedy
    assert not found.remedy.endswith(".")


ONE_LINE = {"lines": 1, "zero": 0, "negative": 0, "low": 8.0, "high": 8.0, "total": 8.0}


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("population", {"prospects": 1_000}),  # as many as have an order
        ("population", {"buyers": 99, "one_time": 50, "top_share": 0.6}),  # the best is one
        ("population", {"of_lines": 100, "alike": 81, "alike_amounts": 19}),  # a few prices
        ("amounts", ONE_LINE),
        ("amounts", {"total": 0.0}),
        ("columns", {"rows": 1, "known": 1, "distinct": 1}),
        ("columns", {"name": "amount", "distinct": 1}),  # told of the amounts
        ("columns", {"name": "brand", "known": 0, "distinct": 0}),  # that no column was named for
        ("columns", {"table": "people", "name": "home", "rows": 18, "known": 18, "distinct": 18}),
    ],
)
def test_what_has_a_reason_is_not_told(
    experiment: Experiment, part: str, change: dict[str, Any], having: Having
) -> None:
    assert of_health(having(part, **change), experiment) == []


def test_a_number_may_differ_from_customer_to_customer(
    experiment_text: Callable[..., str], having: Having
) -> None:
    people = 'home = { lens = "geographic", kind = "number" }'
    read = config.parse(experiment_text(head='time_zone = "UTC"', people=people), Path("shop.toml"))
    of_all = {"table": "people", "name": "home", "rows": 900, "known": 900, "distinct": 900}
    assert of_health(having("columns", **of_all), read) == []


def test_a_price_of_one_piece_taken_for_an_amount_is_a_warning(
    experiment_text: Callable[..., str], having: Having
) -> None:
    text = experiment_text(paid="UnitPrice", columns='quantity = "n"', head='time_zone = "UTC"')
    priced = config.parse(text, Path("shop.toml"))
    assert of_health(having("amounts", several=500), priced) == []
    (found,) = of_health(having("amounts", several=501), priced)
    assert (found.weight, found.seen) == (
        WARNING,
        "amount = 'UnitPrice', and 501 of 10,000 order lines (5.0%) have a quantity other than 1",
    )


@pytest.mark.parametrize(
    ("named", "counted", "words"),
    [("amount", "flat", "cost no more"),
     ("unit_price", "steep", "cost more a piece the more there are")],
)  # fmt: skip
def test_prices_and_amounts_taken_for_each_other_are_told_by_products_in_several_quantities(
    experiment_text: Callable[..., str], having: Having, named: str, counted: str, words: str
) -> None:
    but = ('amount = "paid"', f'{named} = "Price"\nquantity = "n"')
    read = config.parse(experiment_text(but=but, head='time_zone = "UTC"'), Path("shop.toml"))

    def seen(priced: int, odd: int, several: int) -> list[str]:
        change = {"flat": 20, "steep": 20} if odd == 20 else {counted: odd}
        found = of_health(having("amounts", several=several, priced=priced, **change), read)
        return [finding.seen for finding in found]

    assert seen(20, 17, 600) == [
        f"{named} = 'Price', and 600 of 10,000 order lines (6.0%) have a quantity other than 1; of "
        f"20 products bought in several quantities 17 {words}"
    ]
    assert len(seen(20, 20, 600)) == 1  # each has the one that it can be
    assert seen(20, 16, 600) == seen(19, 19, 600) == seen(20, 20, 500) == []


def test_a_return_without_its_sign_has_the_remedy_of_what_is_named(
    experiment_text: Callable[..., str], having: Having
) -> None:
    but = ('amount = "paid"', 'unit_price = "Price"\nquantity = "n"')
    read = config.parse(experiment_text(but=but, head='time_zone = "UTC"'), Path("shop.toml"))
    (found,) = of_health(having("amounts", backward=11), read)
    assert found.remedy == "give their prices no sign"


def test_a_rate_taken_for_an_amount_is_a_hint(
    experiment_text: Callable[..., str], having: Having
) -> None:
    named = config.parse(
        experiment_text(head='time_zone = "UTC"', columns='discount = "off"'), Path("shop.toml")
    )

    def said(low: float, high: float) -> list[Finding]:
        return of_health(having("columns", name="discount", low=low, high=high), named)

    assert said(0.0, 0.8) == [
        Finding(
            HINT, "orders: discount should be the amount taken off, not a share of the price.",
            "from 0 to 0.8, where 1 % of the lines are above 60.00 EUR",
            "if it is a rate, name a column with the amount taken off, or leave it out",
        )
    ]  # fmt: skip
    assert said(0.0, 0.0) == said(0.0, 1.5) == []


def test_rejects_are_told_by_reason_and_lost_cells_apart(
    experiment: Experiment, having: Having
) -> None:
    health = having("ingested", rows_rejected=12)
    kept = "is not a number; the rest of the row is kept"
    reasons = (
        Reason("orders", "paid", "is not a number", 12, 3, "much"),
        Reason("orders", "pieces", kept, 4, 9, "few"),
    )
    rows, cells = of_health(dataclasses.replace(health, reasons=reasons), experiment)
    assert rows == Finding(
        WARNING, "orders: every row should be usable.",
        "12 of 10,000 rows rejected (0.12%): paid is not a number (12)",
        "look at rejects.csv, and correct the export or the columns named",
    )  # fmt: skip
    assert (cells.weight, cells.seen) == (HINT, "pieces is not a number (4)")


def test_many_returns_of_what_was_bought_before_are_no_wrong_signs(
    experiment: Experiment, having: Having
) -> None:
    assert of_health(having("amounts", negative=5_000, early=2_500), experiment) == []
    assert of_health(having("amounts", negative=3_000, early=3_000), experiment) == []


def test_of_an_encoding_that_was_assumed_a_word_is_shown(
    experiment: Experiment, having: Having
) -> None:
    assumed = (("orders.csv", "Müller"),)
    (found,) = of_health(having("ingested", assumed=assumed), experiment)
    assert found == Finding(
        WARNING, "The encoding of a source that is not UTF-8 should be named.",
        "orders.csv, read as Windows-1252",
        'if this is right, write encoding = "cp1252" beside its url, else what it was written in, '
        'such as encoding = "cp1250"',
        "Müller",
    )  # fmt: skip
    assert found.told() == "orders.csv, read as Windows-1252, for instance 'Müller'"


def test_a_line_id_that_starts_anew_in_each_order_is_told_from_a_row_delivered_twice(
    experiment: Experiment, having: Having
) -> None:
    (few,) = of_health(having("ingested", repeats=7), experiment)
    assert few.remedy == "check the export for repeats"
    (most,) = of_health(having("ingested", rows_kept=3, repeats=9_997), experiment)
    assert most == Finding(
        WARNING, "orders: a row should be delivered once.",
        "9,997 of 10,000 rows dropped: their line_id had come",
        "line_id must be unique over the whole source, not within an order: leave it out, or name "
        "a column that is; if it is, check the export for repeats",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "how"),
    [
        ("people", "replaced by a later row"),
        ("aliases", "dropped: they had been said, or merge an id with itself"),
        ("rates", "dropped: they had been said"),
    ],
)
def test_repeats_of_what_has_no_line_id_are_a_hint(
    experiment: Experiment, source: str, how: str, having: Having
) -> None:
    tables = {
        "aliases": AliasesSource("a.csv", "old", "new"),
        "rate_table": RatesSource("r.csv", "code", "worth"),
    }
    merged = dataclasses.replace(experiment, **tables)
    health = having("ingested", source=source, repeats=9_997, duplicates=9_997)
    (found,) = of_health(health, merged)
    assert found == Finding(
        HINT, f"{source}: a row should be delivered once.", f"9,997 of 10,000 rows {how}",
        "check the export for repeats",
    )  # fmt: skip


def test_rows_after_today_are_told_unless_a_moment_was_asked_for(
    experiment: Experiment, having: Having
) -> None:
    (found,) = of_health(having("ingested", later=3), experiment)
    assert (found.weight, found.rule) == (
        WARNING, "orders: nothing can have happened later than today.",
    )  # fmt: skip
    assert found.seen == f"3 of 10,000 rows from {tomorrow():%Y-%m-%d} (UTC) on"
    assert of_health(having("ingested", later=3), experiment, DAY) == []
    (mail,) = of_health(having("ingested", source="mail", later=3), experiment)
    assert mail.weight == HINT


def test_an_outlier_among_few_lines_is_seen_though_it_makes_the_percentile(
    experiment: Experiment, having: Having
) -> None:
    lines = np.array([10.0] * 20 + [1e6])
    health = having(
        "amounts", lines=21, zero=0, negative=0, low=10.0, high=1e6,
        p99=float(np.quantile(lines, 0.99)), total=float(lines.sum()),
    )  # fmt: skip
    (found,) = of_health(health, experiment)
    assert found.rule == (
        "Models learn from spend capped at 20 times the 99th percentile, and where it is above "
        "1,000 times, at the largest of the others."
    )
