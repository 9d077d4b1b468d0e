"""What an earlier pass began at the back office, and broke off before it said what came of it.

Looked up there before anything is decided that rests on it. Whoever calls holds the order's lease.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

from accord.errors import TransientError
from accord.model.documents import Kind, State
from accord.model.keys import payment_key
from accord.ports.state import Link, Links
from accord.sync.decide import UNBOOKED
from accord.sync.received import received
from accord.sync.sales import BackOffice
from accord.sync.steps import adopt
from accord.sync.turn import WRITING

MAKING = "making"  # fact of a link: what a document is being made of, and since when
BEFORE = "before"  # fact: the cancelled document, as long as what replaces it is not made
PAYING = "paying"  # fact: how much is being recorded as received, and since when
VOID, AMEND, AMENDED = "void", "amend", "amended"  # how the fact ``WRITING`` begins


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Of one order's document at ``back``."""

    back: BackOffice
    links: Links
    clock: Callable[[], dt.datetime]

    def made(self, link: Link) -> Link:
        """The link with the document that an earlier pass made, and broke off before it said so.

        What the order has become since is then compared with what the document was made of.
        """
        key = link.document_key
        found = adopt(self.back.adapter.find(Kind.SALES_ORDER, key), what=f"order {key}")
        if found is None:
            return link
        facts = {
            **link.facts,
            "state": found.state.value,
            "content": link.facts[MAKING].partition(" ")[0],
        }
        facts.pop(BEFORE, None)
        return self.links.save(replace(link, erp=found.ref, number=found.number, facts=facts))

    def let_settle(self, link: Link) -> None:
        """Nothing is due, unless a create that was not answered takes effect yet.

        Raises: TransientError: it still may; look again then.
        """
        at = made_at(link)
        if link.erp is None and at is not None:
            left = (at + self.back.adapter.capabilities.settle - self.clock()).total_seconds()
            if left > 0:
                raise TransientError(
                    f"{link.document_key} may still appear in the back office",
                    retry_after=left,
                    reason="settling",
                )

    def as_it_stands(self, link: Link) -> Link:
        """The link with the state that the document has there, after a write without an answer, or
        when a person may have changed it.

        Raises: TransientError: the write may still take effect; look again then.
        """
        assert link.erp is not None
        begun, _, at = link.facts.get(WRITING, "").partition(" ")
        record = self.back.adapter.get(link.erp)
        state = record.state if record is not None else State.VOIDED
        if begun == VOID and state is not State.VOIDED:
            what = f"the cancelling of {link.number or link.document_key}"
            check_settled(self.back, at, what, now=self.clock())
        facts = {name: text for name, text in link.facts.items() if name != WRITING}
        facts["state"] = state.value
        if state is State.VOIDED:
            facts["done"] = State.DRAFT.value
        elif begun == AMEND:
            facts["content"] = ""  # nobody knows: it is said anew
        return self.links.save(replace(link, facts=facts))

    def paid(self, link: Link) -> Link:
        """The link that says whether the money was recorded that an earlier pass began to.

        Raises: TransientError: it may still be; look again then.
        """
        amount, _, at = link.facts[PAYING].rpartition(" ")
        found = self.back.payment(payment_key(link.key))
        if found is None:
            check_settled(self.back, at, f"a payment of {amount}", now=self.clock())
        facts = {name: text for name, text in link.facts.items() if name != PAYING}
        if found is not None:
            facts["paid"] = amount
        else:
            facts.pop("netted", None)
        return self.links.save(replace(link, facts=facts))

    def came(self, link: Link) -> Link:
        """As ``paid``, for an order that nobody records the money of any more: what the shopper
        paid is remembered all the same.

        Raises: as ``paid``.
        """
        amount = link.facts[PAYING].rpartition(" ")[0]
        came = received(replace(link, facts={**link.facts, "paid": amount}))
        link = self.paid(link)
        if link.facts.get("paid") or UNBOOKED in link.facts or came is None:
            return link
        return self.links.save(replace(link, facts={**link.facts, UNBOOKED: str(came)}))


def made_at(link: Link) -> dt.datetime | None:
    """Since when a document is being made; None where that ended, or never began."""
    making = link.facts.get(MAKING)
    return dt.datetime.fromisoformat(making.partition(" ")[2]) if making is not None else None


def check_settled(back: BackOffice, at: str, what: str, *, now: dt.datetime) -> None:
    """Of a write that was begun ``at``, and of which nothing is seen there.

    Raises: TransientError: it may still take effect; look again then.
    """
    can = back.adapter.capabilities
    until = dt.datetime.fromisoformat(at) + can.settle + can.search_lag
    left = (until - now).total_seconds()
    if left > 0:
        raise TransientError(
            f"{what} may still take effect in the back office",
            retry_after=left,
            reason="settling",
        )
