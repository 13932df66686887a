"""The source tables in their canonical form, whatever the files of a user look like.

Moments are naive timestamps in UTC with microseconds. `local` is the same moment as wall clock in
the experiment's time zone: hours, weekdays and months are read from it, differences never.
Null always means *unknown*, never zero. A field without "null means" is never null.

A row is known at `as_of` if its moment lies before it and, where it `arrived` at a moment of its
own, that one does too.
"""

from datetime import datetime

import pyarrow as pa

MOMENT = pa.timestamp("us")


def _required(name: str, dtype: pa.DataType) -> pa.Field:
    return pa.field(name, dtype, nullable=False)


#: What was bought; a row is an order line.
ORDERS = pa.schema(
    [
        _required("customer_id", pa.string()),
        _required("moment", MOMENT),  # UTC
        _required("local", MOMENT),  # wall clock in the experiment's time zone
        _required("amount", pa.float64()),  # of the currency; negative: a return; 0 is genuine
        _required("order_id", pa.string()),  # groups lines of one customer; see order_id_of
        pa.field("product_id", pa.string()),  # null means unknown, as in the fields below
        pa.field("category", pa.string()),
        pa.field("brand", pa.string()),
        pa.field("store", pa.string()),
        pa.field("quantity", pa.float64()),  # pieces; of a return, given back, whatever the sign
        pa.field("discount", pa.float64()),  # amount taken off, >= 0, experiment's currency
        pa.field("channel", pa.string()),
        pa.field("arrived", MOMENT),  # UTC; when it reached the warehouse; null means at its moment
    ]
)

#: Anything else that a customer did or met; a row is one event.
EVENTS = pa.schema(
    [
        _required("customer_id", pa.string()),
        _required("moment", MOMENT),  # UTC
        _required("kind", pa.string()),
        pa.field("channel", pa.string()),  # null means unknown
        pa.field("arrived", MOMENT),  # as in an order line
    ]
)

#: What is known of a customer, long: a row is one value of one attribute.
ATTRIBUTES = pa.schema(
    [
        _required("customer_id", pa.string()),
        _required("name", pa.string()),
        pa.field("value", pa.string()),  # null means unknown
        pa.field("valid_from", MOMENT),  # UTC; null means undated: taken as always valid
    ]
)

#: The source tables, by name.
SCHEMAS = {"orders": ORDERS, "events": EVENTS, "attributes": ATTRIBUTES}

#: The (customer, moment) pairs that features are computed for.
SPINE = pa.schema([_required("customer_id", pa.string()), _required("as_of", MOMENT)])


def order_id_of(moment: datetime) -> str:
    """The order id of a line whose source names none: its moment (naive UTC) as ISO text.

    So lines of one customer at one moment are one order.

    >>> order_id_of(datetime(2024, 5, 9, 17, 30))
    '2024-05-09T17:30:00'
    """
    return moment.isoformat()
