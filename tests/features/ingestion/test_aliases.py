"""Customer ids that were merged later: who a row belongs to, in every source."""

from datetime import datetime

import pytest

from features.errors import SourceError
from features.ingestion.aliases import survivors

ALIASES = '[aliases]\nurl = "merged.csv"\nold = "old"\nnew = "new"\n'
EVENTS = """
[[events]]
name = "mail"
url = "mail.csv"
kind = "mail"
[events.columns]
customer_id = "old"
moment = "at"
"""


def test_every_source_is_read_by_the_ids_of_today(loaded, rows, rejected):
    sources = loaded(
        "who,when,paid\n1.0,2024-01-01,1\n2,2024-01-02,2\n3,2024-01-03,3\n4,2024-01-04,4\n",
        columns=ALIASES + EVENTS,
        people='town = { lens = "geographic", kind = "category" }',
        files={
            "merged.csv": "old,new\n1,2\n2,3\n3,3\n1,2\n",
            "mail.csv": "old,at\n2,2024-01-05\n9,2024-01-06\n",
            "people.csv": "who,town\n3,Rome\n1,Bonn\n4,Pisa\n4,Como\n",
        },
    )
    assert rows(sources, "orders", "customer_id", "amount") == [
        ("3", 1.0), ("3", 2.0), ("3", 3.0), ("4", 4.0)
    ]  # fmt: skip
    assert rows(sources, "events", "customer_id") == [("3",), ("9",)]
    # 3's own row stands, though 1's comes later; of 4's two rows the later one.
    assert rows(sources, "attributes", "customer_id", "value") == [("3", "Rome"), ("4", "Como")]
    assert rejected(sources) == []
    accounts = [(a.source, a.rows_read, a.rows_kept, a.repeats, a.merged) for a in sources.ingested]
    assert accounts == [
        ("aliases", 4, 2, 2, 0),  # 3 that becomes itself and the second 1 are no more aliases
        ("orders", 4, 4, 0, 2),
        ("mail", 2, 2, 0, 1),
        ("people", 4, 2, 2, 0),  # 1's row was replaced
    ]
    assert (sources.start, sources.end) == (datetime(2024, 1, 1), datetime(2024, 1, 4))
    assert sources.connection.list_tables() == ["attributes", "events", "orders"]


def test_an_alias_has_no_moment_and_holds_before_any_as_of(loaded, rows):
    orders = "who,when,paid\na,2024-01-01,1\nb,2024-03-01,1\n"
    sources = loaded(orders, columns=ALIASES, files={"merged.csv": "old,new\na,b\n"},
                     as_of=datetime(2024, 2, 1))  # fmt: skip
    assert rows(sources, "orders", "customer_id") == [("b",)]


def test_an_alias_without_a_customer_is_rejected(loaded, rows, rejected):
    merged = "old,new\na,b\na,\nnull,b\n"
    sources = loaded(columns=ALIASES, files={"merged.csv": merged}, head="max_reject_share = 0.7")
    assert rows(sources, "orders", "customer_id") == [("b",), ("b",)]
    assert rejected(sources) == [
        ("aliases", 2, "new", None, "is empty"),
        ("aliases", 3, "old", "null", "is empty"),
    ]


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (
            [("a", "b"), ("a", "c")],
            "aliases: an id becomes one other id. Seen: 'a' becomes 'b' and 'c'. "
            "Remedy: keep the row that holds",
        ),
        (
            [("x", "a"), ("a", "b"), ("b", "c"), ("c", "a")],
            "aliases: ids must not become each other in a circle. "
            "Seen: 'a' -> 'b' -> 'c' -> 'a'. Remedy: remove the row that does not hold",
        ),
    ],
)
def test_aliases_that_contradict_each_other_are_refused(pairs, expected):
    with pytest.raises(SourceError) as refused:
        survivors(pairs)
    assert str(refused.value) == expected


def test_a_long_chain_is_followed_to_its_end_from_wherever_it_is_entered():
    chain = [(str(i), str(i + 1)) for i in range(5_000)]
    assert survivors(chain) == {str(i): "5000" for i in range(5_000)}
    assert survivors(reversed(chain)) == {str(i): "5000" for i in range(5_000)}
