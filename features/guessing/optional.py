"""The columns that a source may have beside customer, moment and amount."""

from collections.abc import Collection, Mapping

from features.guessing.draft import Role
from features.guessing.hints import score
from features.guessing.profile import Profile
from features.settings.experiment import Format

#: In the order in which they choose: a column has one role.
OPTIONAL = (
    "order_id", "currency", "product_id", "category", "brand", "quantity", "store", "discount",
    "channel", "line_id",
)  # fmt: skip
#: Different ids of orders for each line, in the sample: a basket has a hundred lines at most.
LEAST_ORDERS = 0.01
#: Share of the orders with several lines whose lines may stand on several days: returns, and parts
#: delivered later, of those by a priority or a country nearly all.
MOST_OVER_DAYS = 0.5
#: A name that speaks less for an optional role speaks for something else.
LEAST = 0.45


def rates(
    profile: Profile, free: Mapping[str, tuple[str, ...]], amount: str, form: Format
) -> dict[str, str]:
    """The columns named as a discount that hold a share of the price, each with a note."""
    found = {}
    for column, marks in free.items():
        if not marks or column == amount or not score("discount", column):
            continue
        rate = profile.rate(column, marks[0], amount, form)
        if rate is not None:
            found[column] = (
                f"{column!r} lies from {rate[0]:g} to {rate[1]:g}, where amounts are far "
                "larger: it looks like a rate, not like the amount taken off, and is left out. "
                "Add a column with the amount taken off, and name it as discount (?)."
            )
    return found


def roles(
    profile: Profile,
    free: Mapping[str, tuple[str, ...]],
    required: Mapping[str, Role],
    left_out: Collection[str],
    form: Format,
) -> dict[str, Role]:
    """Each optional role whose name a column bears and whose values do not speak against it.

    `free` maps the columns that are no moments to the decimal marks with which they are numbers,
    none where they are not; `required` are the roles that are taken, `left_out` those of `rates`.
    """
    found: dict[str, Role] = {}
    for role in OPTIONAL:
        used = {taken.column for taken in (*required.values(), *found.values())} | {*left_out}
        fitting = [
            c
            for c, marks in free.items()
            if c not in used and score(role, c) > LEAST and _fits(profile, role, c, marks)
        ]
        if role == "order_id":  # an order is of one day
            who, when = (required[name].column for name in ("customer_id", "moment"))
            fitting = [
                c for c in fitting if profile.over_days(c, who, when, form) <= MOST_OVER_DAYS
            ]
        if fitting:
            best = max(fitting, key=lambda column: score(role, column))
            found[role] = Role(best, min(score(role, best), 1.0))
    return found


def _fits(profile: Profile, role: str, column: str, marks: tuple[str, ...]) -> bool:
    """Whether the values of `column` alone may be the `role`'s."""
    if role in ("quantity", "discount"):
        return bool(marks)
    if role == "line_id":
        return profile.distinct(column) == 1
    if marks and profile.fractions(column, marks[0]):
        return False
    if role == "order_id":  # a status or a payment method is none, whatever its name
        return profile.distinct(column) >= LEAST_ORDERS
    return role in ("currency", "product_id") or profile.distinct(column) < 0.5
