"""What a store shows of an order, of its refunds or of an account, under the mends of its link.

The one place where a store's document is read: what a person settled holds for whoever looks, the
flows, the polls and the comparison alike. A test looks through the package for any other.
"""

from dataclasses import replace
from typing import Any

from accord.model.documents import Refund, SalesOrder
from accord.ports.state import Link
from accord.ports.store import Customer, Store
from accord.sync.mends import mended, mended_profile, mended_refund


def order_of(store: Store, document: dict[str, Any], link: Link | None) -> SalesOrder:
    """The order, as it is to be taken. None for ``link``: nobody has laid anything over it.

    Raises: BadInputError: the document is no order.
    """
    return mended(store.order(document), link.mends if link is not None else ())


def refunds_of(store: Store, order: SalesOrder, link: Link | None) -> list[Refund]:
    """The refunds of ``order``, oldest first. ``link`` is the order's, which bears their mends.

    Raises: BadInputError: one is none. UnavailableError, …: the store does not answer.
    """
    found = store.refunds(order)
    return [mended_refund(each, link.mends) for each in found] if link is not None else [*found]


def customer_of(store: Store, document: dict[str, Any], link: Link | None) -> Customer:
    """The account, as it is to be taken.

    Raises: BadInputError: the document is no account.
    """
    customer = store.customer(document)
    if link is None or not link.mends:
        return customer
    return replace(customer, profile=mended_profile(customer.profile, link.mends))
