"""The sections of an experiment file that say where data is, and what its columns are."""

from dataclasses import replace

from features.engine import takes
from features.errors import ConfigError, closest
from features.ingestion import encoding
from features.ingestion.cleaning import UNITS
from features.ingestion.locations import without_secret
from features.settings.experiment import (
    KINDS,
    LENSES,
    AliasesSource,
    AttributesSource,
    EventsSource,
    Format,
    Join,
    LeaveOut,
    OrdersSource,
    RatesSource,
)
from features.settings.tables import Table
from features.spec import Attribute

#: What may stand between the parts of a region.
SEPARATORS = ("/", "|", ">", ",", ";", ":")


def url_of(table: Table) -> str:
    """The key `url`, which holds no password."""
    return without_secret(table.full("url"), table.text("url"))


def format_of(table: Table) -> Format:
    """How the text of a source is written."""
    return Format(
        moment_format=_moment_format(table),
        delimiter=table.one_of("delimiter", (",", ";", "\t", "|")),
        decimal=table.one_of("decimal", (".", ",")),
        encoding=_encoding(table),
    )


def leave_out_of(table: Table) -> LeaveOut:
    """The section `leave_out`: columns, and the values whose rows are left out."""
    named = table.section("leave_out")
    if named is None:
        return ()
    if not list(named):
        raise ConfigError(
            f"{table.full('leave_out')} must name a column and its values.",
            "no key",
            'write for instance "Customer ID" = [""], or remove it',
        )
    return tuple((column, named.texts(column, blank=True)) for column in named)


def _encoding(table: Table) -> str | None:
    named = table.optional("encoding")
    if named is None or encoding.known(named):
        return named
    raise ConfigError(
        f"{table.full('encoding')} must be the name of a text encoding.",
        repr(named),
        f"write for instance {encoding.NAMES}",
    )


def _moment_format(table: Table) -> str | None:
    written = table.optional("moment_format")
    if written is None or written in UNITS or takes("try_strptime('', $1)", written):
        return written
    raise ConfigError(
        f"{table.full('moment_format')} must be a strptime format or {', '.join(UNITS)}.",
        repr(written),
        'write for instance "%d.%m.%Y" or "%Y-%m-%d %H:%M:%S"',
    )


def _joins(table: Table) -> tuple[Join, ...]:
    joins = []
    for join in table.tables("join"):
        if isinstance(join.peek("on"), dict):
            pair = join.table("on")
            left, right = pair.text("left"), pair.text("right")
            pair.refuse_others()
        else:
            left = right = join.text("on")
        joins.append(Join(url_of(join), left, right, join.texts("columns"), _encoding(join)))
        join.refuse_others()
    return tuple(joins)


def orders(table: Table) -> OrdersSource:
    """The section [orders]."""
    columns = table.table("columns")
    source = OrdersSource(
        url=url_of(table),
        customer_id=columns.text("customer_id"),
        moment=columns.text("moment"),
        amount=_amount(columns),
        unit_price=columns.optional("unit_price"),
        order_id=columns.optional("order_id"),
        product_id=columns.optional("product_id"),
        category=columns.optional("category"),
        brand=columns.optional("brand"),
        store=columns.optional("store"),
        quantity=columns.optional("quantity"),
        channel=columns.optional("channel"),
        arrived=columns.optional("arrived"),
        currency=columns.optional("currency"),
        discount=columns.texts("discount", ()),
        line_id=table.optional("line_id"),
        joins=_joins(table),
        leave_out=leave_out_of(table),
        format=format_of(table),
    )
    columns.refuse_others()
    table.refuse_others()
    return source


def _amount(columns: Table) -> str | None:
    """The column of the line's amount; None where it is a price of one piece times a quantity."""
    price, amount = columns.peek("unit_price"), columns.peek("amount")
    if price is None and amount is None and closest("amount", columns) is None:
        raise ConfigError(
            f"{columns.full('amount')}, or unit_price, says what was paid.",
            f"keys here: {', '.join(columns) or 'none'}",
            "name the column of what was paid for a line as amount, or that of the price of one "
            "piece as unit_price",
        )
    if price is None:
        return columns.text("amount")
    if amount is not None:
        raise ConfigError(
            "A line's amount is a column, or the price of one piece times the quantity.",
            f"{columns.full('amount')} = {amount!r} and unit_price = {price!r}",
            "remove unit_price, unless amount is not what was paid for the whole line",
        )
    if columns.peek("quantity") is None:
        raise ConfigError(
            f"{columns.full('unit_price')} is multiplied by the quantity of each line.",
            f"unit_price = {price!r} and no quantity",
            "name the column of the quantity, or the column of the line's amount as amount",
        )
    return columns.optional("amount")


def events(table: Table) -> EventsSource:
    """An entry of [[events]]."""
    columns = table.table("columns")
    source = EventsSource(
        name=table.slug("name"),
        url=url_of(table),
        customer_id=columns.text("customer_id"),
        moment=columns.text("moment"),
        kind=table.optional("kind"),
        kind_column=columns.optional("kind"),
        channel=table.optional("channel"),
        channel_column=columns.optional("channel"),
        arrived=columns.optional("arrived"),
        line_id=table.optional("line_id"),
        joins=_joins(table),
        leave_out=leave_out_of(table),
        format=format_of(table),
    )
    columns.refuse_others()
    table.refuse_others()
    for key in ("kind", "channel"):
        literal, column = getattr(source, key), getattr(source, f"{key}_column")
        if literal is not None and column is not None:
            raise ConfigError(
                f"{table.full(key)} is either the same for all rows or a column.",
                f"{key} = {literal!r} and columns.{key} = {column!r}",
                "remove one of the two",
            )
    if source.kind is None and source.kind_column is None:
        raise ConfigError(
            f"{table.full('kind')} must say what kind of event a row is.",
            "neither kind nor columns.kind",
            'write kind = "visit", or name a column in columns.kind',
        )
    return source


def attributes(table: Table) -> AttributesSource:
    """An entry of [[attributes]]."""
    columns = table.table("columns")
    source = AttributesSource(
        name=table.slug("name"),
        url=url_of(table),
        customer_id=table.text("customer_id"),
        valid_from=table.optional("valid_from"),
        columns=tuple(_attribute(columns.table(name), name) for name in columns),
        leave_out=leave_out_of(table),
        format=format_of(table),
    )
    table.refuse_others()
    return source


def _attribute(table: Table, name: str) -> Attribute:
    lens, kind = table.choice("lens", LENSES), table.choice("kind", KINDS)
    attribute = Attribute(name, lens, kind)
    if kind == "ordered":
        attribute = replace(attribute, order=table.texts("order"))
    elif kind == "region":
        separator = table.one_of("separator", SEPARATORS) or attribute.separator
        levels, columns = table.texts("levels"), table.texts("columns", ())
        if columns and len(columns) != len(levels):
            raise ConfigError(
                f"{table.full('columns')} must be a column for each level, coarse to fine.",
                f"{len(columns)} columns and {len(levels)} levels",
                "name as many columns, or none and hold the whole path in one column",
            )
        attribute = replace(attribute, levels=levels, separator=separator, columns=columns)
    elif kind == "location":
        attribute = replace(attribute, columns=(table.text("latitude"), table.text("longitude")))
    table.refuse_others()
    return attribute


def aliases(top: Table) -> AliasesSource | None:
    """The section [aliases], where there is one."""
    table = top.section("aliases")
    if table is None:
        return None
    source = AliasesSource(
        url=url_of(table),
        old=table.text("old"),
        new=table.text("new"),
        format=Format(
            delimiter=table.one_of("delimiter", (",", ";", "\t", "|")), encoding=_encoding(table)
        ),
    )
    table.refuse_others()
    return source


def rates(top: Table) -> RatesSource | None:
    """The section [rates], where there is one."""
    table = top.section("rates")
    if table is None:
        return None
    columns = table.table("columns")
    source = RatesSource(
        url=url_of(table),
        currency=columns.text("currency"),
        rate=columns.text("rate"),
        valid_from=columns.optional("valid_from"),
        format=format_of(table),
    )
    columns.refuse_others()
    table.refuse_others()
    return source
