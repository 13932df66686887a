"""What is doubtful of the rows that a first experiment file would count as orders, as notes."""

from collections.abc import Collection, Mapping

from features.guessing.draft import Role
from features.guessing.hints import in_hundredths, is_unit_price
from features.guessing.profile import Profile
from features.settings.experiment import Format

SAME_PRICES = 0.8  # of the products bought in several quantities: a price of one piece
SAME_TOTALS = 0.8  # of the orders with several lines: an amount of the order, not of the line


def of_rows(
    profile: Profile, columns: Collection[str], roles: Mapping[str, Role], form: Format
) -> list[str]:
    """Notes on an amount that is another than the line's, and on rows that were no orders."""
    amount = roles["amount"].column
    return [
        *_of_price(profile, amount, roles, form),
        *_of_undone(profile, [c for c in columns if c != roles["customer_id"].column]),
        *_of_total(profile, amount, roles, form),
    ]


def _of_price(profile: Profile, amount: str, roles: Mapping[str, Role], form: Format) -> list[str]:
    made = []
    quantity, product = roles.get("quantity"), roles.get("product_id")
    flat = quantity is not None and product is not None and (
        profile.same_for_all_pieces(amount, quantity.column, product.column, form) > SAME_PRICES
    )  # fmt: skip
    if flat or is_unit_price(amount):
        why = ": it is the same however many pieces of a product a line has" if flat else ""
        times = repr(quantity.column) if quantity else "'a quantity'"
        made.append(
            f"{amount!r} looks like the price of one piece{why}. Price times {times} is not "
            "computed: add a column with the amount of the line, and name it here."
        )
    if in_hundredths(amount):
        made.append(
            f"{amount!r} looks like hundredths of the currency, and is read as it stands: add a "
            "column with the amount in whole units, and name it here (?)."
        )
    return made


def _of_undone(profile: Profile, columns: Collection[str]) -> list[str]:
    """A word that says that nothing was bought: such rows count like all others."""
    return [
        f"{column!r} says {word!r} of some rows, and all rows count as orders: leave out those "
        "that were none, and write returns as negative amounts (?)."
        for column in columns
        if (word := profile.undone(column))
    ]


def _of_total(profile: Profile, amount: str, roles: Mapping[str, Role], form: Format) -> list[str]:
    """An order's total that stands on each of its lines counts as often."""
    order = roles.get("order_id")
    customer = roles["customer_id"].column
    if not order or (
        profile.same_for_all_lines(amount, order.column, customer, form) <= SAME_TOTALS
    ):
        return []
    return [
        f"{amount!r} is the same on all lines of most orders: if it is the order's total, it "
        "would count once a line. Name the column with the line's amount (?)."
    ]
