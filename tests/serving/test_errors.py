from features.errors import BundleError, ConfigError, CoterieError, RequestError
from serving import errors


def test_each_error_has_its_status() -> None:
    said = ("A rule.", "this", "do that")
    assert errors.status_of(RequestError(*said)) == 400
    assert errors.status_of(BundleError(*said)) == 503
    assert errors.status_of(ConfigError(*said)) == 500
    assert errors.status_of(CoterieError(*said)) == 500


def test_an_error_is_its_type_and_three_sentences() -> None:
    assert errors.as_dict(BundleError("A rule.", "this", "do that")) == {
        "type": "BundleError",
        "rule": "A rule.",
        "seen": "this",
        "remedy": "do that",
    }


def test_what_was_sent_is_shown_short_and_as_ascii_where_it_must() -> None:
    assert errors.shown("x" * 500) == "'" + "x" * 77 + "...'"
    assert errors.shown("\ud800") == "'\\ud800'"
    assert errors.shown({}) == "an empty object"
    assert errors.shown(1.5) == "1.5"
    assert errors.shown({f"{i}" + "x" * 500: i for i in range(500)}).count("x") < 100


def test_a_key_like_none_that_is_known_is_to_be_removed() -> None:
    assert errors.misspelt("zzzzzz", "zzzzzz", ["amount"]).remedy == "remove it"
    elsewhere = errors.of_status(404, "GET", "/zzzzzz", "", {"/assign": "POST"})
    assert elsewhere.remedy == "ask one of these"


def test_what_is_late_and_what_is_not_ready_are_told_apart() -> None:
    late, down = (errors.of_status(s, "POST", "/assign", "", {}) for s in (504, 503))
    assert (late.rule, late.remedy) == (
        "An answer takes only so long.", "send fewer customers or order lines at once"
    )  # fmt: skip
    assert (down.rule, down.remedy) == (
        "The service must be ready to answer.", "ask again in a while"
    )  # fmt: skip


def test_what_went_wrong_inside_is_not_told() -> None:
    error = errors.of_status(500, "POST", "/assign", "SELECT secret", {"/assign": "POST"})
    assert "secret" not in str(error)
    assert type(error) is CoterieError
