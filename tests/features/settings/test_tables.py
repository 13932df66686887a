"""The keys of an experiment file: which there are, which there must be, and what each may hold."""

import pytest

CORRECT = "correct the value"
MONTHS = "value.months must be a list of whole numbers from 1 to 120, none of them twice."
HORIZON = "experiment.horizon_days must be a whole number of at least 1."


@pytest.mark.parametrize(
    ("parts", "rule", "seen", "remedy"),
    [
        ({"columns": '[aliases]\nurl = "m.csv"\nold = "a"\nnwe = "b"'},
         "aliases.new is required.", "keys here: url, old, nwe",
         "nwe may be it misspelt; add new: a text"),
        ({"but": ("horizon_days", "horizon")},
         "experiment.horizon_days is required.", "keys here: name, currency, horizon",
         "horizon may be it misspelt; add horizon_days: a whole number"),
        ({"but": ('url = "orders.csv"', "")},
         "orders.url is required.", "keys here: columns", "add url: a text"),
        ({"people": 'age = { lens = "demographic", kind = "ordered" }'},
         "attributes[1].columns.age.order is required.", "keys here: lens, kind",
         "add order: a list of texts"),
        ({"head": "sed = 1"},
         "experiment.sed is not a known key.",
         "sed (known keys: name, currency, horizon_days, description, note, time_zone, "
         "interval_level, max_reject_share, min_history_days, seed, engine, memory, threads, "
         "rates)",
         "did you mean experiment.seed?"),
        ({"columns": 'custmer = "x"'},
         "orders.columns.custmer is not a known key.",
         "custmer (known keys: customer_id, moment, amount, unit_price, order_id, product_id, "
         "category, brand, store, quantity, channel, arrived, currency, discount)",
         "did you mean orders.columns.customer_id?"),
        ({"columns": "[modell]\nseeds = 1"},
         "modell is not a known key.",
         "modell (known keys: experiment, orders, events, attributes, aliases, rates, occasions, "
         "calendar, responses, goals, places, model, value)",
         "did you mean model?"),
        ({"columns": "[value]\ndiscount = 0.1"},
         "value.discount is not a known key.",
         "discount (known keys: margin, discount_rate, returns, months)",
         "did you mean value.discount_rate?"),
        ({"columns": "[events]\nname = 1"},
         "events must be a list of tables.", "{'name': 1}",
         "write [[events]] with two brackets on each side"),
        ({"form": 'leave_out = { sku = ["", 7] }'},
         "orders.leave_out.sku must be a list of texts, at least one and none twice.", "['', 7]",
         CORRECT),
        ({"form": 'leave_out = { sku = ["", ""] }'},
         "orders.leave_out.sku must be a list of texts, at least one and none twice.", "['', '']",
         CORRECT),
        ({"form": "leave_out = {}"},
         "orders.leave_out must name a column and its values.", "no key",
         'write for instance "Customer ID" = [""], or remove it'),
        ({"form": 'leave_out = ["sku"]'},
         "orders.leave_out must be a table.", "['sku']", "write a section [orders.leave_out]"),
        ({"horizon_days": 0}, HORIZON, "0", CORRECT),
        ({"horizon_days": '"30"'}, HORIZON, "'30'", CORRECT),
        ({"head": 'engine = "pandas"'},
         "experiment.engine must be one of 'duckdb', 'spark'.", "'pandas'", CORRECT),
        ({"currency": "Euro"},
         "experiment.currency must be a three-letter code such as USD.", "'Euro'", CORRECT),
        ({"head": "interval_level = 1.0"},
         "experiment.interval_level must be a number above 0 and below 1.", "1.0", CORRECT),
        ({"columns": "[model]\nsegments = 30"},
         "model.segments must be a whole number from 2 to 20.", "30", CORRECT),
        ({"columns": "[value]\nmargin = 1.2"},
         "value.margin must be a number at most 1 and above 0.", "1.2", CORRECT),
        ({"columns": "[value]\nmonths = [12, 12]"}, MONTHS, "[12, 12]", CORRECT),
        ({"columns": "[value]\nmonths = []"}, MONTHS, "[]", CORRECT),
        ({"people": 'age = { lens = "body", kind = "number" }'},
         "attributes[1].columns.age.lens must be one of demographic, geographic, psychographic, "
         "firmographic.",
         "'body'", CORRECT),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(complaint, parts, rule, seen, remedy):
    assert complaint(**parts) == f"{rule} Seen: {seen}. Remedy: {remedy}"
