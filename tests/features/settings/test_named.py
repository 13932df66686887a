import pytest

from features.settings.experiment import Calendar
from features.spec import Goal, Occasion, Response


def events(name, kind='kind = "{name}"', column=""):
    return f"""
[[events]]
name = "{name}"
url = "{name}.csv"
{kind.format(name=name)}
[events.columns]
customer_id = "who"
moment = "when"
{column}
"""


MET = events("sent") + events("open") + events("trial") + events("cart")
FROM_COLUMN = events("log", "", 'kind = "what"')


def test_responses_name_what_answers_what(parsed):
    experiment = parsed(
        columns=MET
        + """
[[responses]]
name = "open rate"
of = "open"
per = ["sent", "cart"]
"""
    )
    assert experiment.responses == (Response("open rate", ("open",), ("sent", "cart")),)


def test_goals_name_their_kinds_and_what_completes_them(parsed):
    experiment = parsed(
        columns=MET
        + """
[[goals]]
name = "trial"
kinds = ["trial", "open"]

[[goals]]
name = "cart"
kinds = "cart"
completed_by = ["order", "trial"]
within_days = 3
"""
    )
    assert experiment.goals == (
        Goal("trial", ("trial", "open")),
        Goal("cart", ("cart",), ("order", "trial"), 3),
    )


def test_kinds_that_stand_in_a_column_are_known_only_when_read(parsed):
    text = '[[goals]]\nname = "trial"\nkinds = "trail"'
    assert parsed(columns=FROM_COLUMN + text).goals == (Goal("trial", ("trail",)),)


def test_a_calendar_is_read(parsed):
    text = '[calendar]\ncountry = "DE"\nsubdivision = "BY"\nholidays = ["Epiphany"]\n'
    assert parsed(columns=text + "days_after = 1").calendar == Calendar(
        "DE", "BY", ("Epiphany",), 7, 1
    )
    assert parsed(columns='[calendar]\ncountry = "DE"').calendar == Calendar("DE", None, (), 7, 0)


def test_own_days_stand_beside_the_holidays(parsed):
    text = '[calendar]\ncountry = "US"\nholidays = ["Labor Day"]\n'
    own = '[[occasions]]\nname = "Christmas Day"\ndates = ["2024-12-25"]'
    assert parsed(columns=text + own).occasions == (Occasion("Christmas Day", ("2024-12-25",)),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            MET + '[[responses]]\nname = "open rate"\nof = "opne"\nper = "sent"',
            "[[responses]] must name kinds of events. Seen: 'opne' in 'open rate' (kinds: sent, "
            "open, trial, cart). Remedy: did you mean 'open'?",
        ),
        (
            '[[goals]]\nname = "trial"\nkinds = "trial"',
            "[[goals]] must name kinds of events. Seen: 'trial' in 'trial' (kinds: no events). "
            "Remedy: correct it, or add its [[events]]",
        ),
        (
            MET + '[[goals]]\nname = "c"\nkinds = "cart"\ncompleted_by = "ordr"\nwithin_days = 3',
            "[[goals]] must name kinds of events. Seen: 'ordr' in 'c' (kinds: sent, open, trial, "
            "cart). Remedy: correct it, or add its [[events]]",
        ),
        (
            MET + '[[goals]]\nname = "c"\nkinds = "cart"\ncompleted_by = "order"',
            "goals[1].within_days is required. Seen: keys here: name, kinds, completed_by. "
            "Remedy: add within_days: a whole number",
        ),
        (
            MET + '[[goals]]\nname = "c"\nkinds = "cart"\nwithin_days = 3',
            "goals[1].within_days is how long goals[1].completed_by may take. Seen: within_days "
            'without completed_by. Remedy: add completed_by = "order" or a kind of event, or '
            "remove within_days",
        ),
        (
            MET + '[[goals]]\nname = "c"\nkinds = "cart"\ncompleted_by = "cart"\nwithin_days = 3',
            "goals[1].completed_by is something else than the goal itself. Seen: 'cart' in kinds "
            "and in completed_by. Remedy: remove it from one of the two",
        ),
        (
            MET + '[[goals]]\nname = "c"\nkinds = "cart"\n' * 2,
            "Each goal has a name of its own. Seen: 'c' twice. Remedy: rename one of them",
        ),
        (
            '[calendar]\ncountry = "Germany"',
            "calendar.country must be a country whose holidays are known. Seen: 'Germany'. "
            "Remedy: did you mean DE?",
        ),
        (
            '[calendar]\ncountry = "Untied States"',
            "calendar.country must be a country whose holidays are known. Seen: 'Untied States'. "
            "Remedy: did you mean US?",
        ),
        (
            '[calendar]\ncountry = "42"',
            "calendar.country must be a country whose holidays are known. Seen: '42'. "
            "Remedy: write its code of two letters (ISO 3166-1), such as DE",
        ),
        (
            '[calendar]\ncountry = "GB"\nsubdivision = "SCO"',
            "calendar.subdivision must be a part of GB by its code. Seen: 'SCO' (known: ENG, NIR, "
            "SCT, WLS). Remedy: did you mean SCT?",
        ),
        (
            '[calendar]\ncountry = "AL"\nsubdivision = "X"',
            "calendar.subdivision must be a part of AL by its code. Seen: 'X' (known: none). "
            "Remedy: remove it",
        ),
        (
            '[calendar]\ncountry = "US"\nholidays = ["Thanksgiving"]',
            "calendar.holidays must be public holidays of US. Seen: 'Thanksgiving'. "
            "Remedy: did you mean 'Thanksgiving Day'?",
        ),
        (
            '[[occasions]]\nname = "christmas day"\ndates = ["2024-12-25"]\n'
            + '[calendar]\ncountry = "US"',
            "Each occasion has a name of its own. Seen: 'christmas day' in [[occasions]] and "
            "among the holidays of [calendar]. Remedy: rename it, or choose others in "
            "calendar.holidays",
        ),
        (
            '[calendar]\ncountry = "US"\ndays_before = 400',
            "calendar.days_before must be a whole number from 0 to 366. Seen: 400. "
            "Remedy: correct the value",
        ),
        (
            '[[occasions]]\nname = "Easter"\ndates = ["16.4.2017"]',
            'occasions[1].dates must be a list of days such as ["2024-12-25"]. '
            "Seen: ['16.4.2017']. Remedy: correct the value",
        ),
        *[
            (
                f'[[occasions]]\nname = "Easter"\ndates = ["2017-04-16"]\n{key} = 999999999999',
                f"occasions[1].{key} must be a whole number from 0 to 366. "
                "Seen: 999999999999. Remedy: correct the value",
            )
            for key in ("days_before", "days_after")
        ],
    ],
)
def test_what_cannot_be_meant_is_refused(complaint, text, expected):
    assert complaint(columns=text) == expected
