"""Whether the column that is named like an amount holds the price of one piece."""

from collections.abc import Mapping

from features.guessing.draft import Role
from features.guessing.hints import is_unit_price
from features.guessing.profile import Profile
from features.population import ALIKE_SHARE
from features.settings.experiment import Format


def settled(
    profile: Profile, roles: Mapping[str, Role], form: Format
) -> tuple[dict[str, Role], list[str]]:
    """The roles, of which amount has become unit_price where its name or its values say so and a
    column tells how many pieces there are; and what there is to say of it.
    """
    amount, quantity, product = (
        found.column if (found := roles.get(role)) else None
        for role in ("amount", "quantity", "product_id")
    )
    assert amount is not None, "guess() refuses a file without one"
    if quantity is None:
        alone = (
            f"{amount!r} looks like the price of one piece, and no column tells how many there "
            "are: name it as quantity, and this one as unit_price (?)."
        )
        return dict(roles), [alone] * is_unit_price(amount)
    flat = product is not None and (
        profile.same_for_all_pieces(amount, quantity, product, form) > ALIKE_SHARE
    )
    if not flat and not is_unit_price(amount):
        return dict(roles), []
    why = ": it is the same however many pieces of a product a line has" if flat else ""
    note = (
        f"{amount!r} looks like the price of one piece{why}. The amount of a line is it times "
        f"{quantity!r} (?)."
    )
    return {"unit_price" if r == "amount" else r: role for r, role in roles.items()}, [note]
