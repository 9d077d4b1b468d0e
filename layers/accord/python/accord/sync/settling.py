"""What was paid, set against what was invoiced, at a back office that keeps open items."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from accord.errors import PermanentError, UnmappedError
from accord.model.documents import Kind, State
from accord.model.keys import payment_key, refund_key
from accord.ports.erp import ErpAdapter
from accord.ports.state import Link
from accord.sync.sales import money
from accord.sync.steps import Promise, Writer
from accord.sync.turn import Story


@dataclass(frozen=True, slots=True)
class Settling:
    """Of one order, in one run; whoever calls holds its lease.

    It is due whenever one of both sides grows: the flow of invoices calls it when something was
    booked, the flows of the order and its refunds when money moved after that. So it does not
    matter which came first, and an order whose money is not recorded is left alone.
    """

    adapter: ErpAdapter
    writer: Writer
    story: Story

    def settle(self, link: Link, booked: Collection[str], *, refund: str = "") -> None:
        """The order's recorded payments set against its ``booked`` invoices and credit notes (ids).

        ``refund``: one whose money went back just now and of which the link does not say so yet.
        What the back office refuses is told in the journal: nothing else waits for it.
        """
        can = self.adapter.capabilities
        if link.erp is None or not booked or not can.reconciles:
            return
        # Its money is of the invoice already, and what goes back of a credit note; only what was
        # given back before the rest was recorded is of neither.
        if can.is_invoice and money(link.facts.get("paid", "")) and "netted" not in link.facts:
            return
        order, name = link.erp, link.number or link.document_key
        given_back = dict.fromkeys([*link.facts.get("refunds", "").split(","), refund])
        keys = [
            payment_key(link.key),
            *(payment_key(refund_key(link.key, each)) for each in given_back if each),
        ]

        def do(_: object) -> dict[str, str]:
            asked = () if can.is_invoice else keys
            records = [record for key in asked for record in self.adapter.find(Kind.PAYMENT, key)]
            payments = [each.ref for each in records if each.state is State.CONFIRMED]
            self.adapter.reconcile(order, payments)
            return {"payments": ",".join(each.id for each in payments)}

        try:
            self.writer.once(
                f"{link.document_key}:settled:{_short(order.id, *sorted(booked), *keys)}",
                Promise("same_answer", can.settle),
                find=lambda _: None,
                do=do,
            )
        except (PermanentError, UnmappedError) as error:  # a locked period is a missing code there
            self.story.tell("step", f"payments are not set against {name}: {error.reason}")
        else:
            self.story.tell("step", f"payments of {name} set against its invoices, where they fit")


def _short(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
