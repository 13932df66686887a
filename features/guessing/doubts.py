"""What is doubtful of the rows that a first experiment file would count as orders, as notes."""

from collections.abc import Collection, Mapping

from features.guessing.draft import Role
from features.guessing.hints import in_hundredths
from features.guessing.profile import Profile
from features.population import ALIKE_SHARE
from features.settings.experiment import Format


def of_rows(
    profile: Profile, columns: Collection[str], roles: Mapping[str, Role], form: Format
) -> list[str]:
    """Notes on an amount that is another than the line's, and on rows that were no orders."""
    return [
        *_of_hundredths(roles),
        *_of_undone(profile, [c for c in columns if c != roles["customer_id"].column]),
        *_of_total(profile, roles, form),
    ]


def _of_hundredths(roles: Mapping[str, Role]) -> list[str]:
    role = "amount" if "amount" in roles else "unit_price"
    column = roles[role].column
    if not in_hundredths(column):
        return []
    what = "amount" if role == "amount" else "price"
    return [
        f"{column!r} looks like hundredths of the currency, and is read as it stands: add a "
        f"column with the {what} in whole units, and name it here (?)."
    ]


def _of_undone(profile: Profile, columns: Collection[str]) -> list[str]:
    """A word that says that nothing was bought: such rows count like all others."""
    return [
        f"{column!r} says {word!r} of some rows, and all rows count as orders: leave out those "
        "that were none, and write returns as negative amounts (?)."
        for column in columns
        if (word := profile.undone(column))
    ]


def _of_total(profile: Profile, roles: Mapping[str, Role], form: Format) -> list[str]:
    """An order's total that stands on each of its lines counts as often."""
    if not {"amount", "order_id"} <= roles.keys():
        return []
    amount, order, customer = (roles[r].column for r in ("amount", "order_id", "customer_id"))
    if profile.same_for_all_lines(amount, order, customer, form) <= ALIKE_SHARE:
        return []
    return [
        f"{amount!r} is the same on all lines of most orders: if it is the order's total, it "
        "would count once a line. Name the column with the line's amount (?)."
    ]
