from features.ingestion import attribute_values
from features.spec import Attribute

PLACE = '\n[[places]]\nname = "shop"\nlatitude = 0\nlongitude = 0\n'
KEPT = "the rest of the row is kept"
SPOT = 'spot = { lens = "geographic", kind = "location", latitude = "lat", longitude = "lon" }'
HOME = (
    'home = { lens = "geographic", kind = "region", levels = ["country", "state", "city"], '
    'columns = ["land", "bundesland", "ort"] }'
)


def told(rows, sources):
    return [value for _, value in rows(sources, "attributes", "name", "value")]


def test_a_location_is_read_from_two_columns(loaded, rows, rejected):
    people = "who,lat,lon\na,52.52,13.405\nb,91,0\nc,0,\nd,-90,180\ne,0,-180.5\n"
    sources = loaded(people=SPOT + PLACE, files={"people.csv": people})
    assert told(rows, sources) == ["52.52,13.405", None, None, "-90.0,180.0", None]
    assert rejected(sources) == [
        ("people", 2, "lat", "91", f"is not a latitude from -90 to 90; {KEPT}"),
        ("people", 5, "lon", "-180.5", f"is not a longitude from -180 to 180; {KEPT}"),
    ]


def test_a_location_may_be_written_with_a_decimal_comma(loaded, rows):
    people = "who;lat;lon\na;52,52;-13,405\n"
    comma = ('"people.csv"', '"people.csv"\ndecimal = ","')
    sources = loaded(people=SPOT + PLACE, but=comma, files={"people.csv": people})
    assert told(rows, sources) == ["52.52,-13.405"]


def test_a_region_is_read_from_a_column_a_level_up_to_the_first_unknown(loaded, rows):
    people = (
        "who,land,bundesland,ort\na,DE,BY,München\nb,DE,,München\nc,,BY,München\n"
        "d,DE,BY,n/a\ne,DE,A/B, C\n"
    )
    sources = loaded(people=HOME, files={"people.csv": people})
    assert told(rows, sources) == ["DE/BY/München", "DE", None, "DE/BY", "DE/A B/C"]


def test_a_region_is_read_from_one_column_as_it_stands(loaded, rows):
    region = 'home = { lens = "geographic", kind = "region", levels = ["country", "state"] }'
    people = "who,home\na,DE / BY\nb, \nc,FR\n"
    sources = loaded(people=region, files={"people.csv": people})
    assert told(rows, sources) == ["DE / BY", None, "FR"]


def test_what_is_asked_of_each_kind():
    kinds = {
        "ordered": "one of low, high", "number": "a number", "category": "a text",
        "region": "a text", "location": "LATITUDE,LONGITUDE in decimal degrees",
    }  # fmt: skip
    for kind, asked in kinds.items():
        order = ("low", "high") if kind == "ordered" else ()
        columns = ("lat", "lon") if kind == "location" else ()
        attribute = Attribute("x", "geographic", kind, order, columns=columns)
        assert attribute_values.asked(attribute) == asked
