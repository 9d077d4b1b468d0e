"""The money of an order recorded as received: once, and as much as its document takes."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

from accord.errors import PaidByHandError
from accord.model.change import Ref
from accord.model.documents import Kind, PaymentDocument, Record, SalesOrder, State
from accord.model.keys import payment_key
from accord.ports.state import Link, Links
from accord.rules.mapping import PaymentRule
from accord.sync.fingerprint import content
from accord.sync.invoices import Known as Invoiced
from accord.sync.received import given_back, received, recordable
from accord.sync.sales import Sales
from accord.sync.settling import Settling
from accord.sync.turn import Story
from accord.sync.unanswered import PAYING


@dataclass(frozen=True, slots=True)
class Receipts:
    """Of one order, in one run. Whoever calls holds the order's lease."""

    sales: Sales
    links: Links
    clock: Callable[[], dt.datetime]
    story: Story
    insists: bool  # a person replays what was asked: it was dealt with

    def record(
        self,
        link: Link,
        order: SalesOrder,
        record: Record,
        party: Ref,
        rule: PaymentRule,
    ) -> tuple[Link, str]:
        """What the link says of the money: the amount that is recorded, zero for what was free,
        "-" for none of ours; empty as long as there is none, or the document does not take it yet.

        What was given back before is no more received. The amount is on the link before it is in
        the books, so that a pass that breaks off leaves no money that nobody knows of.
        """
        paid = link.facts.get("paid", "")
        if paid or order.payment.paid_at is None:
            return link, paid
        before, amount = given_back(link, order), recordable(link, order)
        if not (rule.record and rule.account):
            return link, "-"
        if amount.amount <= 0:  # no money moves; what was free is known to be, should it be changed
            return link, "-" if order.total or received(link) else str(order.total)
        if self.sales.back.adapter.capabilities.is_invoice and record.state is not State.CONFIRMED:
            return link, ""  # nobody owes what is not booked
        what = f"the payment of order {order.number}"
        day, true_day = self.sales.day_for(Kind.PAYMENT, order.payment.paid_at, what)
        document = PaymentDocument(
            order=record.ref,
            party=party,
            amount=amount,
            received_on=day,
            account=rule.account,
            reference=f"{order.payment.transaction_id or order.number}{true_day}",
        )
        if PAYING not in link.facts:
            facts = {
                **link.facts,
                "state": record.state.value,
                "content": content(order),
                "party": str(party),
                PAYING: f"{amount} {self.clock().isoformat()}",
                **({"netted": str(before)} if before else {}),
            }
            link = self.links.save(replace(link, erp=record.ref, number=record.number, facts=facts))
        try:
            self.sales.pay(document, key=payment_key(link.key))
        except PaidByHandError as error:
            if not (error.is_all or (self.insists and error.is_settled)):
                raise
            self.story.tell("step", f"payment of {amount} was booked by hand")
            facts = {name: text for name, text in link.facts.items() if name != "netted"}
            return replace(link, facts=facts), "-"
        self.story.tell("step", f"payment of {amount} on {rule.account}")
        if booked := Invoiced.of(link).ids:  # it was invoiced before it was paid
            Settling(self.sales.back.adapter, self.sales.writer, self.story).settle(link, booked)
        return link, str(amount)
