"""What an experiment file names beside its sources: occasions, responses, goals and places."""

from features.errors import ConfigError, closest
from features.settings import calendar
from features.settings.experiment import Calendar, Experiment
from features.settings.tables import Table
from features.spec import ORDER, Goal, Occasion, Place, Response


def occasion(table: Table) -> Occasion:
    """An entry of [[occasions]]."""
    made = Occasion(table.text("name"), table.dates("dates"), *_widths(table))
    table.refuse_others()
    return made


def holidays(table: Table | None) -> Calendar | None:
    """The section [calendar], where there is one."""
    if table is None:
        return None
    made = Calendar(
        table.text("country"),
        table.optional("subdivision"),
        table.texts("holidays", ()),
        *_widths(table),
    )
    table.refuse_others()
    calendar.check(made)
    return made


def _widths(table: Table) -> tuple[int, int]:
    return (
        table.integer("days_before", 7, low=0, high=366),
        table.integer("days_after", 0, low=0, high=366),
    )


def response(table: Table) -> Response:
    """An entry of [[responses]]."""
    made = Response(table.text("name"), table.texts("of"), table.texts("per"))
    table.refuse_others()
    return made


def goal(table: Table) -> Goal:
    """An entry of [[goals]]."""
    name, kinds = table.text("name"), table.texts("kinds")
    completed_by = table.texts("completed_by", ())
    days = table.integer("within_days", low=1, high=366) if completed_by else 0
    if not completed_by and table.peek("within_days") is not None:
        raise ConfigError(
            f"{table.full('within_days')} is how long {table.full('completed_by')} may take.",
            "within_days without completed_by",
            f'add completed_by = "{ORDER}" or a kind of event, or remove within_days',
        )
    both = [kind for kind in completed_by if kind in kinds]
    if both:
        raise ConfigError(
            f"{table.full('completed_by')} is something else than the goal itself.",
            f"{both[0]!r} in kinds and in completed_by",
            "remove it from one of the two",
        )
    table.refuse_others()
    return Goal(name, kinds, completed_by, days)


def place(table: Table) -> Place:
    """An entry of [[places]]."""
    made = Place(
        table.text("name"),
        table.number("latitude", low=-90, high=90),
        table.number("longitude", low=-180, high=180),
    )
    table.refuse_others()
    return made


def refuse_contradictions(experiment: Experiment) -> None:
    """ConfigError where what is named here does not fit the rest of the file."""
    _refuse_clash(experiment)
    _refuse_unknown_kinds(experiment)
    attributes = [column for source in experiment.attributes for column in source.columns]
    located = [a.name for a in attributes if a.kind == "location"]
    if located and not experiment.places:
        raise ConfigError(
            "A location is told by its distance to the nearest of [[places]].",
            f"attribute {located[0]!r} and no place",
            "add [[places]] with name, latitude and longitude",
        )
    if experiment.places and not located:
        raise ConfigError(
            "[[places]] are what attributes of kind location are measured from.",
            f"{experiment.places[0].name!r} and no such attribute",
            'add an attribute with kind = "location", or remove [[places]]',
        )


def _refuse_clash(experiment: Experiment) -> None:
    if experiment.calendar is None:
        return
    public = {name.casefold() for name in calendar.check(experiment.calendar)}
    for own in experiment.occasions:
        if own.name.casefold() in public:
            raise ConfigError(
                "Each occasion has a name of its own.",
                f"{own.name!r} in [[occasions]] and among the holidays of [calendar]",
                "rename it, or choose others in calendar.holidays",
            )


def _refuse_unknown_kinds(experiment: Experiment) -> None:
    """Kinds that stand in a column of the events are known only when they are read."""
    kinds = [source.kind for source in experiment.events]
    literal = [kind for kind in kinds if kind is not None]
    if len(literal) < len(kinds):
        return
    named = [("responses", r.name, k) for r in experiment.responses for k in (*r.of, *r.per)]
    named += [("goals", goal.name, kind) for goal in experiment.goals for kind in goal.events]
    for section, name, kind in named:
        if kind not in literal:
            near = closest(kind, literal)
            raise ConfigError(
                f"[[{section}]] must name kinds of events.",
                f"{kind!r} in {name!r} (kinds: {', '.join(literal) or 'no events'})",
                f"did you mean {near!r}?" if near else "correct it, or add its [[events]]",
            )
