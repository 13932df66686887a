import copy

import pytest

from features.errors import (
    BundleError,
    ConfigError,
    CoterieError,
    HistoryError,
    RequestError,
    SourceError,
    closest,
)

LEAVES = [ConfigError, SourceError, HistoryError, BundleError, RequestError]


@pytest.mark.parametrize("kind", LEAVES)
def test_an_error_reads_as_rule_value_seen_and_remedy(kind):
    error = kind("A horizon is at least one day.", "0", "set it to 30")
    assert isinstance(error, CoterieError)
    assert str(error) == "A horizon is at least one day. Seen: 0. Remedy: set it to 30"
    assert (error.rule, error.seen, error.remedy) == (
        "A horizon is at least one day.",
        "0",
        "set it to 30",
    )


@pytest.mark.parametrize("kind", LEAVES)
def test_an_error_can_be_taken_apart_and_rebuilt(kind):
    error = copy.copy(kind("Rule.", "seen", "remedy"))  # as pickling between processes does
    assert type(error) is kind
    assert str(error) == "Rule. Seen: seen. Remedy: remedy"


def test_closest_prefers_the_first_of_equals_and_ignores_case():
    assert closest("AMOUNT", ["amount", "Amount"]) == "amount"
    assert closest("xyz", ["amount"]) is None
    assert closest("anything", []) is None


@pytest.mark.parametrize("word", ["encoding", "margin", "when"])
def test_what_is_not_really_near_is_not_closest(word):
    assert closest(word, ["join", "origins", "owner"]) is None


def test_two_letters_swapped_in_a_short_word_are_near():
    assert closest("nwe", ["old", "new"]) == "new"
