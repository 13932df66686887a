"""Attributes that say where, and the places that they are measured from."""

import pytest

from features.spec import Attribute, Place

PLACED = """
home = { lens = "geographic", kind = "region", levels = ["country", "city"], separator = ">" }
office = { lens = "firmographic", kind = "region", levels = ["a", "b"], columns = ["land", "ort"] }
spot = { lens = "geographic", kind = "location", latitude = "lat", longitude = "lon" }
[[places]]
name = "shop"
latitude = 52.52
longitude = 13.405
"""


def test_regions_and_locations_name_their_columns(parsed):
    experiment = parsed(people=PLACED)
    assert experiment.attributes[0].columns == (
        Attribute("home", "geographic", "region", levels=("country", "city"), separator=">"),
        Attribute("office", "firmographic", "region", levels=("a", "b"), columns=("land", "ort")),
        Attribute("spot", "geographic", "location", columns=("lat", "lon")),
    )
    assert experiment.places == (Place("shop", 52.52, 13.405),)


@pytest.mark.parametrize(
    ("old", "new", "rule", "seen", "remedy"),
    [
        ('columns = ["land", "ort"]', 'columns = ["land"]',
         "attributes[1].columns.office.columns must be a column for each level, coarse to fine.",
         "1 columns and 2 levels",
         "name as many columns, or none and hold the whole path in one column"),
        ('">"', '"--"',
         "attributes[1].columns.home.separator must be one of '/', '|', '>', ',', ';', ':'.",
         "'--'", "correct the value"),
        (', longitude = "lon"', "",
         "attributes[1].columns.spot.longitude is required.", "keys here: lens, kind, latitude",
         "add longitude: a text"),
        ("52.52", "152.52",
         "places[1].latitude must be a number at least -90 and at most 90.", "152.52",
         "correct the value"),
        (PLACED[PLACED.index("[[places]]"):], "",
         "A location is told by its distance to the nearest of [[places]].",
         "attribute 'spot' and no place", "add [[places]] with name, latitude and longitude"),
        ('kind = "location", latitude = "lat", longitude = "lon"', 'kind = "category"',
         "[[places]] are what attributes of kind location are measured from.",
         "'shop' and no such attribute",
         'add an attribute with kind = "location", or remove [[places]]'),
    ],
)  # fmt: skip
def test_regions_and_locations_that_cannot_be_meant_are_refused(
    complaint, old, new, rule, seen, remedy
):
    assert complaint(people=PLACED, but=(old, new)) == f"{rule} Seen: {seen}. Remedy: {remedy}"
