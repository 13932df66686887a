import re

from features.guessing.template import _REST
from features.settings.experiment import AliasesSource, ModelSettings, RatesSource
from features.spec import Goal, Response

OPENED = '[[events]]\nname = "{0}"\nurl = "x.csv"\nkind = "{0}"\n'
COLUMNS = '[events.columns]\ncustomer_id = "a"\nmoment = "b"\n'
SPOT = 'spot = { lens = "geographic", kind = "location", latitude = "lat", longitude = "lon" }\n'


def test_what_the_template_shows_can_be_used_once_the_comment_signs_are_gone(parsed):
    rest = re.sub(r"^# url = .*://.*$", "", _REST, flags=re.MULTILINE)  # other ways to say a url
    shown = re.findall(r"^# (\[.*|\w+ = .*)$", rest, re.MULTILINE)
    text = "\n".join(shown).replace("[[places]]", SPOT + "[[places]]")
    kinds = "".join(OPENED.format(kind) + COLUMNS for kind in ("sent", "cart_filled"))
    made = parsed(columns=f'currency = "coin"\n{text}\n{kinds}')
    assert [source.name for source in made.events] == ["newsletter", "sent", "cart_filled"]
    assert made.events[0].arrived == "loaded_at"
    assert made.aliases == AliasesSource("merged.csv", "old_id", "new_id")
    assert made.rate_table == RatesSource("rates.csv", "code", "worth", "day")
    assert made.responses == (Response("open rate", ("open",), ("sent",)),)
    assert made.goals == (Goal("cart", ("cart_filled",), ("order",), 3),)
    assert [place.name for place in made.places] == ["shop"]
    assert made.calendar is not None
    assert made.calendar.holidays == ("Christmas Day", "Easter Monday")
    assert [occasion.name for occasion in made.occasions] == ["Christmas"]
    assert made.orders.joins[0].columns == ("category", "brand")
    assert made.orders.joins[0].encoding == "cp1250"
    assert made.model == ModelSettings()  # what it shows is what holds without
