"""What a column's name says about its role, in the languages that exports come in."""

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class _Hints:
    """Words for a role; those that make it likelier, those that speak for something else, those
    that do so unless one that makes it likelier stands beside them, and those that all but rule it
    out.
    """

    words: str
    better: str = ""
    worse: str = ""
    alone: str = ""
    never: str = ""


_NUMBERED = "id no nr number nummer num code key"

#: A word of four letters or more also counts at either end of a compound (Kundennummer).
_HINTS = {
    "moment": _Hints(
        "date datum fecha data dato jour day time timestamp datetime moment zeit when created "
        "ordered purchased dt ts horodatage pvm paiva",
        "order purchase invoice transaction bestell rechnung kauf compra achat sale",
        "birth geburt ship shipped delivery delivered update updated modified",
    ),
    "amount": _Hints(
        "amount value sales revenue total price spend spent betrag umsatz summe sum preis importe "
        "importo montant valor bedrag belopp prix precio prezzo paid payment turnover net gross "
        "monto kwota summa cena wartosc",
        "total gesamt amount betrag umsatz montant importe sales revenue line",
        "unit each einzel unitaire unitario tax vat mwst discount rabatt quantity cost shipping "
        "list addon extra surcharge fee tip",
        "price preis prix precio prezzo cena",
        "quantity qty menge anzahl ilosc items count orders units pieces installments freight "
        "lifetime id",
    ),
    "customer_id": _Hints(
        "customer cust client cliente klant kunde kunden kund asiakas klient user member "
        "household account buyer shopper subscriber guest donor person contact email visitor uid",
        _NUMBERED,
        "name city country age segment type email",
        never="note group category agent ip manager is new lifetime count",
    ),
    "currency": _Hints("currency waehrung wahrung moneda devise valuta ccy"),
    "order_id": _Hints(
        "order invoice basket transaction receipt bestellung bestell rechnung pedido factura "
        "commande facture ordine auftrag beleg bon ticket trx checkout",
        _NUMBERED,
        "line status type quantity qty menge total value price fee shipping country priority",
    ),
    "product_id": _Hints(
        "product sku item article artikel producto produit prodotto produkt stockcode upc ean asin",
        _NUMBERED + " sku",
        "name description category group type",
        never="order",
    ),
    "category": _Hints(
        "category department kategorie categoria categorie warengruppe group class type",
        never="payment pay card ship shipping delivery customer member user account device source",
    ),
    "brand": _Hints(
        "brand marke marca marque merk", never="marketing market card credit payment device"
    ),
    "store": _Hints(
        "store filiale tienda magasin negozio winkel butik outlet branch",
        _NUMBERED,
        "type size format credit",
    ),
    "quantity": _Hints(
        "quantity qty menge anzahl cantidad quantite quantita units pieces stuck aantal ilosc"
    ),
    "discount": _Hints(
        "discount disc rabatt descuento remise sconto korting", never="pct percent prozent code"
    ),
    "channel": _Hints("channel kanal canal canale medium device"),
    "line_id": _Hints("lineid rowid lineno"),
}
#: The roles that a name can speak for.
ROLES = tuple(_HINTS)
_CURRENCIES = (
    "USD", "EUR", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "CAD", "AUD",
    "NZD", "JPY", "CNY", "INR", "HKD", "SGD", "ZAR", "BRL", "MXN",
)  # fmt: skip
_SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "zł": "PLN"}
#: What stands before the sign $ where it is no US dollar.
_DOLLARS = {
    "A": "AUD", "AU": "AUD", "C": "CAD", "CA": "CAD", "NZ": "NZD", "HK": "HKD", "S": "SGD",
    "R": "BRL", "MX": "MXN",
}  # fmt: skip


def words(name: str) -> list[str]:
    """A column's name as small words without accents.

    >>> words("InvoiceDate"), words("Quantité (pcs)"), words("customer_ID"), words("Rabatt %")
    (['invoice', 'date'], ['quantite', 'pcs'], ['customer', 'id'], ['rabatt', 'percent'])
    """
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("%", " percent "))
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark))
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z]|ID\b)", " ", plain).lower())


def score(role: str, name: str) -> float:
    """How much a name speaks for a role: 0 for nothing, about 1 for a plain word.

    >>> score("customer_id", "Kundennummer") > score("customer_id", "Kundenname") > 0
    True
    >>> score("amount", "UnitPrice") < score("amount", "price") < score("amount", "Total Price")
    True
    >>> score("amount", "total_quantity") < score("amount", "price")
    True
    """
    hints = _HINTS[role]
    found = words(name)
    whole = "".join(found)

    def hit(listed: str) -> bool:
        hints = listed.split()
        long = tuple(hint for hint in hints if len(hint) >= 4)
        ends = any(word.startswith(long) or word.endswith(long) for word in [*found, whole])
        return ends or any(hint in found for hint in hints)

    if not hit(hints.words) and whole not in hints.words.split():
        return 0.0
    value = 1.0 if any(word in hints.words.split() for word in [*found, whole]) else 0.8
    better = hit(hints.better)
    alone = hit(hints.alone) and not better
    return value + 0.1 * better - 0.3 * (hit(hints.worse) + alone) - 0.6 * hit(hints.never)


def is_unit_price(name: str) -> bool:
    """Whether a name speaks of the price of one piece.

    >>> is_unit_price("Einzelpreis"), is_unit_price("unit_price"), is_unit_price("price")
    (True, True, False)
    >>> is_unit_price("PRICEEACH"), is_unit_price("price, each"), is_unit_price("amount_reached")
    (True, True, False)
    """
    found = words(name)
    compounds = ("unitprice", "einzelpreis", "unitaire", "unitario", "priceeach")
    return "each" in found or any(compound in "".join(found) for compound in compounds)


def in_hundredths(name: str) -> bool:
    """Whether a name speaks of amounts in the hundredth part of a currency.

    >>> in_hundredths("amount_cents"), in_hundredths("percent paid")
    (True, False)
    """
    return bool({"cent", "cents", "pence", "centimes"} & set(words(name)))


def currency_in(name: str) -> str | None:
    """The currency that a column's name tells.

    >>> currency_in("umsatz_eur"), currency_in("Total (€)"), currency_in("amount") is None
    ('EUR', 'EUR', True)
    >>> currency_in("Total (CAD $)"), currency_in("price in A$"), currency_in("amount_$")
    ('CAD', 'AUD', 'USD')
    """
    code = next((word.upper() for word in words(name) if word.upper() in _CURRENCIES), None)
    if code is None:
        code = next((code for sign, code in _SIGNS.items() if sign in name), None)
    if code is None and (dollar := re.search(r"([A-Za-z]*)\$", name)):
        code = _DOLLARS.get(dollar[1].upper(), "USD")
    return code
