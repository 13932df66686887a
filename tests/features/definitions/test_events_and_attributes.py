"""The features of events, goals and attributes by their written definitions (docs/features.md, the
catalog's sentences), in plain Python.

Moments, ages and times between them are integer microseconds. A function gives features of a
customer's past by name, in their own units; None where a definition has no value.
"""

from collections import defaultdict
from math import asin, cos, radians, sin, sqrt
from operator import attrgetter

DAY = 86_400_000_000
EARTH_KM = 6371.0088  # mean radius


def test_every_feature_of_events_and_attributes_is_what_its_definition_says(random_shop):
    assert random_shop.differing("others", about_others) == {}


def test_the_features_of_events_and_attributes_are_all_worked_out(random_shop):
    worked_out = about_others(random_shop.shop.pasts[0])
    assert sorted(worked_out) == sorted(random_shop.names("others"))


def test_the_features_of_events_and_attributes_differ_between_customers(pasts):
    values = defaultdict(set)
    for past in pasts:
        for name, value in about_others(past).items():
            values[name].add(value)
    assert [name for name, found in values.items() if len(found - {None}) < 2] == []


def about_others(past):
    if past.shop.setting.bare:
        return {}
    made = of_all_events(past) | attributes(past)
    for kind in past.shop.kinds:
        made |= of_kind(past, kind)
    for channel in past.shop.event_channels:
        made |= of_channel(past, channel)
    for response in past.shop.settings["responses"]:
        made |= of_response(past, response)
    for goal in past.shop.settings["goals"]:
        made |= of_goal(past, goal)
    return made


# ---------------------------------------------------------------------------------------- events


def of_all_events(past):
    events, moments = past.events, sorted(event.moment for event in past.events)
    month, quarter = (len(past.last(days, events)) for days in (30, 90))
    return {
        "events": len(events),
        "events_recency": past.days_since_last(events),
        "events_gap_last": (moments[-1] - moments[-2]) / DAY if len(events) > 1 else None,
        "events_trend": (month + 1) / (quarter / 3 + 1) if events else None,
        "event_channels": len({event.channel for event in events} - {None}),
    }


def of_kind(past, kind):
    events = [event for event in past.events if event.kind == kind]
    return {
        f"event_{kind}_count": len(events),
        f"event_{kind}_count_90d": len(past.last(90, events)),
        f"event_{kind}_recency": past.days_since_last(events),
        f"event_{kind}_share": share(len(events), len(past.events)),
    }


def of_channel(past, channel):
    events = [event for event in past.events if event.channel == channel]
    return {
        f"channel_{channel}_count_365d": len(past.last(365, events)),
        f"channel_{channel}_share": share(len(events), len(past.events)),
        f"channel_{channel}_recency": past.days_since_last(events),
    }


def of_response(past, response):
    def rate(events):
        answers = sum(event.kind in response["of"] for event in events)
        return share(answers, sum(event.kind in response["per"] for event in events))

    name = f"response_{slug(response['name'])}"
    return {f"{name}_ever": rate(past.events), f"{name}_90d": rate(past.last(90, past.events))}


# ----------------------------------------------------------------------------------------- goals


def of_goal(past, goal):
    name = f"goal_{slug(goal['name'])}"
    made = [event for event in past.events if event.kind in goal["kinds"]]
    features = {
        f"{name}_count": len(made),
        f"{name}_count_90d": len(past.last(90, made)),
        f"{name}_recency": past.days_since_last(made),
    }
    if "completed_by" not in goal:
        return features
    time = goal["within_days"] * DAY
    completing = [event for event in past.events if event.kind in goal["completed_by"]]
    if "order" in goal["completed_by"]:
        completing += past.purchases
    left = [
        event
        for event in made
        if not any(0 <= row.moment - event.moment < time for row in completing)
    ]
    return features | {
        f"{name}_open": sum(past.age(event) < time for event in left),
        f"{name}_abandoned": sum(past.age(event) >= time for event in left),
    }


# ------------------------------------------------------------------------------------ attributes


def attributes(past):
    (source,) = past.shop.settings["attributes"]
    columns = source["columns"]
    made = {f"attribute_{name}": latest(past, attrgetter(name)) for name in ("home", "score")}
    age, spot = latest(past, attrgetter("age")), latest(past, place)
    made["attribute_age"] = None if age is None else columns["age"]["order"].index(age)
    places = [(each["latitude"], each["longitude"]) for each in past.shop.settings["places"]]
    nearest = None if spot is None else min(kilometres(spot, each) for each in places)
    made["attribute_spot_distance"] = nearest
    path = latest(past, region) or []
    for depth, level in enumerate(columns["region"]["levels"], start=1):
        known = "/".join(path[:depth]) if len(path) >= depth else None
        made[f"attribute_region_{level}"] = known
    return made


def latest(past, read):
    """The latest value known; an undated one gives way to any with a date."""
    known = [row for row in past.told if read(row) is not None]
    return read(max(known, key=lambda row: row.since or 0)) if known else None


def place(row):
    """Latitude and longitude, where both are known."""
    pair = row.latitude, row.longitude
    return None if None in pair else pair


def region(row):
    """Country, state and city up to the first that is unknown; None without a country."""
    path = [row.country, row.state, row.city, None]
    return path[: path.index(None)] or None


def kilometres(place, other):
    """Great-circle distance by the haversine formula; places are in degrees."""
    (north, east), (other_north, other_east) = (map(radians, each) for each in (place, other))
    across = cos(north) * cos(other_north) * sin((other_east - east) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(sin((other_north - north) / 2) ** 2 + across))


# ------------------------------------------------------------------------------------ arithmetic


def slug(name):
    return name.replace(" ", "_")


def share(part, whole):
    return part / whole if whole else None
