"""A guess written down as a commented experiment file."""

import json
from pathlib import Path

from features.errors import SourceError
from features.guessing.draft import Guess
from features.settings.experiment import MOST_REJECTS

_COLUMNS = {
    "customer_id": "who bought",
    "moment": "when",
    "amount": "what was paid for the line; negative: a return",
    "unit_price": "what was paid for one piece; times quantity (below 0: a return) the amount",
    "order_id": "lines with the same id are one order",
    "product_id": "what was bought",
    "category": "the kind of product",
    "brand": "the product's brand",
    "store": "the shop or branch where it was bought",
    "quantity": "pieces",
    "discount": 'the amount taken off; several columns are summed: ["a", "b"]',
    "channel": "where it was bought",
    "currency": "the currency of each line",
    "arrived": "when the row reached the warehouse, if later than it happened",
}

_REST = """\
# ---------------------------------------------------------------- more, where you have it
# A source is a CSV or Parquet file, a folder of Parquet, or a table or view of a database:
# url = "duckdb://shop.duckdb?table=orders"                     # sqlite:// likewise
# url = "postgres://user@host/shop?table=sales.orders"          # the password: PGPASSWORD

# A table looked up for each line, for instance products for their category:
# [[orders.join]]
# url = "products.csv"
# on = "product_id"                  # or { left = "sku", right = "id" }
# columns = ["category", "brand"]    # then usable in [orders.columns]
# encoding = "cp1250"                # of a CSV file that is not UTF-8; beside any other url too

# Anything else that customers did or met:
# [[events]]
# name = "newsletter"
# url = "opens.csv"
# kind = "open"                      # the same for all rows, or a column in [events.columns]
# [events.columns]
# customer_id = "customer"
# moment = "opened_at"
# arrived = "loaded_at"              # only where rows reach the warehouse late; for orders too

# Which kinds of events answer which, as a rate:
# [[responses]]
# name = "open rate"
# of = "open"
# per = "sent"

# What customers set out for, and what completes it ("order" or kinds of events; may be left out):
# [[goals]]
# name = "cart"
# kinds = ["cart_filled"]
# completed_by = "order"
# within_days = 3                    # later it counts as abandoned

# What is known of them; lens: demographic, geographic, psychographic or firmographic;
# kind: category, number, or ordered with order = ["low", "middle", "high"];
# region with levels = ["country", "state", "city"] for a column that holds "US/IL/Springfield";
# location with latitude = "lat" and longitude = "lon" for the distance to the nearest place:
# [[attributes]]
# name = "customers"
# url = "customers.csv"
# customer_id = "customer"
# [attributes.columns]
# country = { lens = "geographic", kind = "category" }
# [[places]]
# name = "shop"
# latitude = 52.52
# longitude = 13.405

# Customer ids that were merged later, in whatever source they stand:
# [aliases]
# url = "merged.csv"
# old = "old_id"
# new = "new_id"

# What one unit of another currency is worth in yours, by day, in place of constant rates; it
# needs the column of the currency in [orders.columns]. A line takes the latest rate before it:
# [rates]
# url = "rates.csv"
# [rates.columns]
# currency = "code"
# rate = "worth"
# valid_from = "day"                 # without it one row a currency

# Public holidays, by the country's code; without a choice, all:
# [calendar]
# country = "DE"
# subdivision = "BY"
# holidays = ["Christmas Day", "Easter Monday"]
# days_before = 7

# Other days on which people buy differently:
# [[occasions]]
# name = "Christmas"
# dates = ["2023-12-25", "2024-12-25"]
# days_before = 7

# How much is trained and tested; less is faster, and less sure:
# [model]
# seeds = 5                          # networks of the ensemble
# origins = 3                        # cut-offs that the report card is measured at
# segments = "auto"                  # or a number of them, 2 to 20
# tune = false                       # true: the boosters by Optuna (extra `tune`)

# The longer view: discounted value over so many months.
# [value]
# margin = 0.3                       # share of spend that is earned; default: all of it
# discount_rate = 0.1                # a year
# returns = 0.0                      # share that comes back beyond the returns in the data
# months = [12, 24]
"""


def render(guess: "Guess", folder: Path | None = None) -> str:
    """The experiment file's text; `folder` is where it will stand (default: absolute address).

    The address is relative where the source lies in that folder.
    """
    url = guess.path.as_posix()
    if folder is not None and guess.path.is_relative_to(folder.absolute()):
        url = guess.path.relative_to(folder.absolute()).as_posix()
    lines = [
        f"# Drafted by `coterie init` from {guess.path.name}: {guess.rows:,} rows, "
        f"{guess.customers:,} customers, {guess.span_days:.0f} days.",
        "# Read it through: what stands behind a # is a comment, what is marked (?) is a guess.",
        *(f"# NOTE: {note}" for note in guess.notes),
        "",
        "[experiment]",
        f"name = {_toml(guess.name)}",
        'description = ""',
        f"currency = {_toml(guess.currency)}",
    ]
    others = [code for code in guess.currencies if code != guess.currency]
    if others:
        rates = ", ".join(f"{code} = 1.0" for code in others)
        lines += [
            f"# NOTE: worth of one unit in {guess.currency}; put the true rates, remove the #,",
            "# or name a table of rates by day: [rates], below.",
            f"# rates = {{ {rates} }}",
        ]
    lines += [
        "# Churn, orders and spend are counted over this many days after each cut-off.",
        f"horizon_days = {guess.horizon_days}{_gap(guess)}",
        "# The zone of moments that carry none, and of the business: for instance Europe/Berlin.",
        'time_zone = "UTC"',
        "# The run stops when more than this share of the rows cannot be used.",
        f"max_reject_share = {MOST_REJECTS:g}",
        "",
        "[orders]",
        f"url = {_toml(url)}",
    ]
    roles, form = dict(guess.roles), guess.form
    if "line_id" in roles:
        line_id = _toml(roles.pop("line_id").column)
        lines.append(f"line_id = {line_id}  # a repeated one is dropped as delivered twice")
    if form.moment_format is not None:
        lines.append(f"moment_format = {_toml(form.moment_format)}")
    if form.delimiter is not None:
        lines.append(f"delimiter = {_toml(form.delimiter)}")
    if form.decimal is not None:
        lines.append(f"decimal = {_toml(form.decimal)}")
    if form.encoding is not None:
        lines.append(f"encoding = {_toml(form.encoding)}  # correct it if letters look wrong")
    lines += ["", "[orders.columns]"]
    for role, meaning in _COLUMNS.items():
        if role in roles:
            doubt = " (?)" if roles[role].confidence < 0.75 else ""
            lines.append(f"{role} = {_toml(roles[role].column)}  # {meaning}{doubt}")
    if guess.unused:
        lines.append(f"# not used: {', '.join(map(_toml, guess.unused))}")
    others = [role for role in _COLUMNS if role not in {*roles, "amount", "unit_price"}]
    lines.append(f"# also possible: {', '.join(others)}")
    lines += [
        "",
        '# Rows to leave out on purpose, by what stands in a column: "" where nothing does. Other',
        '# values in the same way: sku = ["POSTAGE", "TEST"]',
        "# [orders.leave_out]",
        f'# {_toml(guess.roles["customer_id"].column)} = [""]  # what names nobody',
    ]
    return "\n".join([*lines, "", _REST])


def _gap(guess: "Guess") -> str:
    if guess.median_gap_days is None:
        return ""
    return f"  # half of the repeat orders come within {guess.median_gap_days:.0f} days"


def _toml(value: str) -> str:
    # JSON's escapes are a subset of TOML's, the delete character apart.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def destination(name: str, out: Path | None = None, force: bool = False) -> Path:
    """Where the experiment file of that name goes: `out`, or NAME.toml here.

    Raises SourceError where it has another ending, or exists and is not to be overwritten.
    """
    file = out or Path(f"{name}.toml")
    if file.suffix != ".toml":
        raise SourceError("An experiment file is TOML.", f"--out {file}", "end its name with .toml")
    if file.exists() and not force:
        raise SourceError(
            "An experiment file is not overwritten unasked.",
            f"{file} exists",
            "give another name with --out, or overwrite it with --force",
        )
    return file


def write(guess: "Guess", file: Path) -> None:
    """Write the experiment file, and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(render(guess, file.resolve().parent), encoding="utf-8")
