"""Whether a rule's conditions hold for an order or for one of its lines. Pure.

All that a rule names must hold; a list holds if one of its values does. What does not hold is said
without personal data, since it is journalled.
"""

import functools
import re
from collections.abc import Mapping, Sequence

from accord.model.documents import OrderLine, SalesOrder
from accord.model.party import Party
from accord.rules.countries import countries
from accord.rules.mapping import LineWhen
from accord.rules.ordering import OrderWhen
from accord.rules.selling import ItemWhen

NO_TAX = "none"
"""How a rule names the rate of a line without tax."""

Classes = Mapping[str, Sequence[str]]


def destination(order: SalesOrder) -> str:
    """The country the goods go to, ISO 3166-1; the billing country where nothing is shipped."""
    return (order.party.shipping.country or order.party.billing.country).upper()


def item_class(line: OrderLine, classes: Classes) -> str | None:
    """The first of ``classes`` that has a pattern for the line's SKU; None for other lines."""
    return class_of(line.code, classes) if line.kind == "item" else None


def class_of(sku: str, classes: Classes) -> str | None:
    """The first of ``classes`` that has a pattern for ``sku``."""
    return next(
        (name for name, globs in classes.items() if any(_fits(glob, sku) for glob in globs)), None
    )


def item_fits(when: ItemWhen, sku: str, classes: Classes) -> bool:
    """Whether all that ``when`` names holds for what is sold as ``sku``."""
    if when.sku and not any(_fits(glob, sku) for glob in when.sku):
        return False
    return not when.item_class or class_of(sku, classes) in when.item_class


def order_misfit(when: OrderWhen, order: SalesOrder, classes: Classes) -> str | None:
    """The first condition that does not hold for ``order``, in words; None when all do."""
    country = destination(order)
    total = order.total.amount
    if when.status and order.status not in when.status:
        return _not_among("status", order.status, when.status)
    if when.payment_method and order.payment.method not in when.payment_method:
        return _not_among("payment method", order.payment.method, when.payment_method)
    if when.country and country not in countries(when.country):
        return _not_among("country", country, when.country)
    if when.currency and order.currency not in when.currency:
        return _not_among("currency", order.currency, when.currency)
    if when.item_class and not _classes_of(order, classes) & set(when.item_class):
        return f"no line is of the class {_either(when.item_class)}"
    if when.customer and not any(_is_customer(who, order.party) for who in when.customer):
        return "the customer is not among those it names"
    if when.vat_number is not None and when.vat_number != bool(order.party.vat_number):
        return _vat(when.vat_number)
    if when.total_from is not None and total < when.total_from:
        return f"the total, {order.total}, is below {when.total_from}"
    if when.total_below is not None and total >= when.total_below:
        return f"the total, {order.total}, is not below {when.total_below}"
    return None


def line_misfit(
    when: LineWhen, line: OrderLine, order: SalesOrder, classes: Classes, rates: Sequence[str]
) -> str | None:
    """The first condition that does not hold for ``line``, in words; None when all do.

    ``rates`` are the names that a rule may have for the tax in question, `none` without tax.
    """
    country = destination(order)
    if when.item_class and (found := item_class(line, classes)) not in when.item_class:
        return _not_among("class", found or "", when.item_class)
    if when.country and country not in countries(when.country):
        return _not_among("country", country, when.country)
    if when.rate and not set(when.rate) & set(rates):
        return _not_among("rate", next(filter(None, reversed(rates)), ""), when.rate)
    if when.vat_number is not None and when.vat_number != bool(order.party.vat_number):
        return _vat(when.vat_number)
    return None


def _classes_of(order: SalesOrder, classes: Classes) -> set[str | None]:
    return {item_class(line, classes) for line in order.lines}


def _is_customer(who: str, party: Party) -> bool:
    """Whether ``who`` (an id, an e-mail address, `@domain` or `guest`) is the shopper."""
    email = party.email.casefold()
    if who.startswith("@"):
        return email.endswith(who.casefold())
    if "@" in who:
        return email == who.casefold()
    return party.customer_id is None if who == "guest" else party.customer_id == who


def _fits(glob: str, code: str) -> bool:
    return _compiled(glob).fullmatch(code) is not None


@functools.lru_cache(maxsize=1024)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, glob.split("*"))), re.DOTALL)


def _not_among(what: str, found: str, wanted: Sequence[str]) -> str:
    return f"the {what} is {found or 'not given'}, not {_either(wanted)}"


def _either(names: Sequence[str]) -> str:
    return " or ".join(name or '""' for name in names)


def _vat(wanted: bool) -> str:
    return f"the buyer gave {'no' if wanted else 'a'} VAT number"
