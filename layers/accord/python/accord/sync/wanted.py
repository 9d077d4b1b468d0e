"""What an order wants of a document that a person cancelled in the back office. Pure.

Its own flow comes upon that, and so does the flow of what was changed there, whichever is first.
The latter asks, or settles it by rule; the former only leaves on the link what the order wants, so
that there is one item, and goes on once the document is valid again.
"""

from collections.abc import Mapping

from accord.model.documents import SalesOrder, State
from accord.ports.state import Link
from accord.sync.fingerprint import content

WANTED = "wanted"  # fact of a link: a fingerprint of what the order wants, and that in words


def left(order: SalesOrder) -> Mapping[str, str]:
    """The facts of the link of such an order."""
    paid = " and paid" if order.payment.paid_at is not None else ""
    words = f"{order.status}, {order.total}{paid}"
    return {"erp_state": State.VOIDED.value, WANTED: f"{content(order)} {words}"}


def wanted(link: Link) -> tuple[str, str]:
    """The fingerprint, and ``processing, 12.00 GBP and paid``; empty where nothing was left."""
    mark, _, words = link.facts.get(WANTED, "").partition(" ")
    return mark, words
