"""The link of an order and a document that are there already, as flows leave one behind. Pure.

What the document says counts as written, and what the store was told of a finished order as told.
"""

from collections.abc import Mapping

from accord.errors import DisagreementError
from accord.model.documents import Kind, Record, SalesOrder, State
from accord.model.money import Money
from accord.model.progress import Progress
from accord.sync.decide import CLOSED
from accord.sync.fingerprint import content, parts, to_fact
from accord.sync.fulfilment import Known as Shipped
from accord.sync.fulfilment import print_of
from accord.sync.invoices import Known as Invoiced
from accord.sync.returns import Known as Returned

_DONE = CLOSED | {"completed"}  # the store was told of shipments and invoices, or need not be


def finished(
    order: SalesOrder,
    record: Record,
    progress: Progress,
    erp: str,
    *,
    money: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The facts of the link of ``order`` with ``record``, of which ``progress`` is.

    ``money`` are the facts about what was paid, given back and credited, where they are known; else
    what was invoiced and credited is gone by.

    Raises: DisagreementError: the books do not hold what the store gave back.
    """
    voided = record.state is State.VOIDED
    facts = {
        "state": record.state.value,
        "done": (State.DRAFT if voided else record.state).value,
        "erp": erp,
        "content": content(order),
        "parts": to_fact(parts(order)),
        "total": str(order.total),
        "status": order.status,
        **(_money(order, progress, erp) if money is None else money),
    }
    if order.status == "refunded" and not voided:
        facts["keeps"] = "adopted"
    booked = [each for each in progress.invoices if each.is_booked]
    facts["erp_invoices"] = ",".join(sorted(each.ref.id for each in booked))
    if order.status in _DONE:
        numbers = [each.number for each in booked if each.kind is Kind.INVOICE]
        known = Invoiced(tuple(each.ref.id for each in booked), ", ".join(numbers))
        facts["invoices"] = known.to_fact()
        done = [each for each in progress.shipments if each.state == "done"]
        told = {each.ref.id: (print_of(each), "") for each in done}
        complete = progress.shipped == "all" and bool(done)
        facts["shipments"] = Shipped(told, complete).to_fact()
    restocked = {
        line.id: (line.restocked, line.restocked * 0) for line in order.lines if line.restocked
    }
    if restocked:
        facts["returned"] = Returned(0, restocked).to_fact()
    return {name: text for name, text in facts.items() if text}


def _money(order: SalesOrder, progress: Progress, erp: str) -> dict[str, str]:
    """What was paid and given back. Raises: DisagreementError: the books say otherwise."""
    none = Money.zero(order.currency)
    credits_ = [
        each.totals.gross
        for each in progress.invoices
        if each.kind is Kind.CREDIT_NOTE and each.is_booked
    ]
    if any(each.currency != order.currency for each in credits_):
        raise DisagreementError("its credit notes are in another currency")
    credited, refunded = Money.total(credits_, order.currency), order.refunded or none
    if progress.order.state is not State.VOIDED and credited != refunded:
        raise DisagreementError(
            f"{refunded} was refunded in the store and {credited} credited in "
            f"{erp}; book what lacks, then run this again"
        )
    facts = {}
    if order.refund_ids:
        facts["refunds"] = ",".join(order.refund_ids)
        facts["back"] = str(refunded)
    if credited:
        facts["credited"] = "1"
    if order.payment.paid_at is not None:
        invoices = [each for each in progress.invoices if each.kind is Kind.INVOICE]
        is_booked = bool(invoices) and all(each.state == "paid" for each in invoices)
        # "-": the money is none that we recorded, so we record none that goes back either.
        facts["paid"] = str(order.total) if is_booked else "-"
    return facts
