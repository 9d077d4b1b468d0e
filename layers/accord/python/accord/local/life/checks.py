"""What must hold when all is healed. Each difference names its order or customer, and both sides.

A difference is one only if no person was told of it: every check names the attention items that
would say why.
"""

import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accord.local.life.accounts import customer_differences
from accord.local.life.gone import Gone
from accord.local.life.known import keys_of, order_ref, sales_of, standing
from accord.local.life.people import People
from accord.local.world import World
from accord.model.change import Ref
from accord.model.documents import Kind, Refund, SalesOrder, State
from accord.ports.state import Item, Link
from accord.rules.mapping import PaymentRule
from accord.rules.routing import route
from accord.sync.decide import CLOSED, goal_of
from accord.sync.fingerprint import content
from accord.sync.refunds import marker
from accord.sync.turn import DISMISSED, WAITS
from accord.sync.unanswered import MAKING

Json = dict[str, Any]

_TRACKING = "_wc_shipment_tracking_items"
_BOOKED = {"posted", "paid", "confirmed"}
_UNPAID = {"pending", "on-hold"}
_SIGN = re.compile(r"\[accord ([^\]]+)\]")
# Items that say that the sale could not become what the order is.
_STUCK = frozenset(
    {"changed_after_posting", "goods_left", "invoiced", "credited", "cancelled_in_erp"}
    | {"reopened_in_erp", "total_differs", "deleted_in_erp", "voided", "rejected"}
)
# Items that say that a credit note or a payment could not be booked.
_UNBOOKED = (
    "closed_period",
    "refunded_in_part",
    "refund_exceeds",
    "credit_exceeds",
    "credited_by_hand",
    "sale_deleted",
)


def differences(world: World, people: People, *, replayed: bool) -> list[str]:
    """Everything that is not as it must be and that nobody was told of.

    ``replayed``: every open item was sent through again, so what is still told must be so.
    """
    found = [*_service(world), *_orphans(world, people)]
    for id_ in people.orders:
        if id_ in people.gone:
            gone = Gone.of(world, people, id_)
            found += [f"order {id_}: {text}" for text in gone.differences()]
            if replayed:
                found += [f"order {id_}: {text}" for text in gone.untrue()]
            continue
        one = One.of(world, people, id_)
        found += [f"order {id_}: {text}" for text in one.differences()]
        if replayed:
            found += [f"order {id_}: {text}" for text in one.untrue()]
    found += [f"customer {text}" for text in customer_differences(world, people)]
    return found


def _service(world: World) -> Iterator[str]:
    if world.queue.next_at() is not None:
        yield "queue: something is queued yet"
    dead = [item for item in world.attention.open() if item.reason == "dead_letter"]
    for item in dead:
        yield f"dead letter: {item.subject}"
    told = {item.subject for item in world.attention.open()}
    for cause in world.waiting.causes():
        subject = f"waiting:{cause.connection}:{cause.cause}"
        if subject not in told:
            yield f"waiting: {subject} is not told"
        if cause.cause not in {WAITS, DISMISSED}:
            waits = ", ".join(str(each.change.ref) for each in world.waiting.of(cause))
            yield f"waiting: for {cause.cause}: {waits}"
        for parked in world.waiting.of(cause):
            # A refund waits until a quotation binds; what is seen there, for a person's decision.
            order = parked.change.aggregate
            asked = order is not None and world.attention.of(str(order))
            if cause.cause == WAITS and parked.change.ref.kind != "refund" and not asked:
                yield f"waiting: {parked.change.ref} for its order: {parked.message}"


def _orphans(world: World, people: People) -> Iterator[str]:
    """Sales of no order that somebody placed."""
    wanted = {key for id_ in people.orders for key in keys_of(world, id_)}
    for key in world.books.keys(Kind.SALES_ORDER):
        if key not in wanted:
            yield f"sale {key}: no order asked for it"


@dataclass(frozen=True, slots=True)
class One:
    """One order on both sides."""

    world: World
    people: People
    id: str
    document: Json
    order: SalesOrder
    link: Link | None
    sales: list[Json]
    items: dict[str, list[Item]]  # by reason
    refunds: tuple[Refund, ...]

    @classmethod
    def of(cls, world: World, people: People, id_: str) -> "One":
        document = world.store.orders[id_]
        order, ref = world.store.order(document), order_ref(world, id_)
        sales = sales_of(world, id_)
        own = {str(ref), *(f"{world.rules.erp}:sales_order:{each['id']}" for each in sales)}
        items: dict[str, list[Item]] = {}
        for item in world.attention.open():
            if item.subject in own or item.aggregate == str(ref):
                items.setdefault(item.reason, []).append(item)
        return cls(
            world,
            people,
            id_,
            document,
            order,
            world.links.get(ref),
            sales,
            items,
            tuple(world.store.refunds(order)),
        )

    # --- for the checks -------------------------------------------------------

    @property
    def sale(self) -> Json | None:
        return standing(self.sales)

    @property
    def key(self) -> str:
        return f"{self.world.rules.key}-{self.id}"

    @property
    def rule(self) -> PaymentRule:
        payments = self.world.rules.mappings.payments
        return payments.get(self.order.payment.method) or payments["*"]

    @property
    def by_hand(self) -> list[Json]:
        """Credit notes that a person booked in the back office."""
        return [note for note in self.notes if not note["key"]]

    @property
    def notes(self) -> list[Json]:
        """Booked credit notes of all its sales."""
        return [
            note for sale in self.sales for note in sale["credit_notes"] if note["state"] in _BOOKED
        ]

    @property
    def payments(self) -> list[Json]:
        return [each for sale in self.sales for each in sale["payments"]]

    def told(self, *reasons: str) -> bool:
        """Whether an open item says so."""
        return any(reason in self.items for reason in (*reasons, *_STUCK))

    def waits(self, refund: Refund) -> bool:
        return self.world.waiting.get(refund.ref) is not None

    # --- the checks -----------------------------------------------------------

    def differences(self) -> Iterator[str]:
        """What is not alike, and nobody was told."""
        yield from self._sale()
        yield from self._money()
        yield from self._refunds()
        yield from self._twice()
        yield from self._shipped()
        yield from self._invoiced()
        yield from self._noted()
        yield from self._back()

    def _sale(self) -> Iterator[str]:
        stands = [sale for sale in self.sales if sale["state"] != "voided"]
        if len(stands) > 1:
            yield f"{len(stands)} sales stand: {_numbers(stands)}"
        make = route(self.order, self.world.rules).make
        closed = self.order.status in CLOSED or make == "cancel"
        sale = self.sale
        if (
            not closed
            and make is not None
            and sale is None
            and not self._is_as_left
            and not self.told()
        ):
            yield f"it is {self.order.status}, and no sale stands"
        if sale is None:
            return
        if closed and self.order.status != "refunded" and not self.told():
            yield f"it is {self.order.status}, and {sale['number']} stands ({sale['state']})"
        gross = (sale["totals"] or {}).get("gross")
        if closed:
            return
        if gross is not None and Decimal(gross) != self.order.total.amount:
            if not self.told("shortened_in_erp", "paid_differs"):
                yield f"comes to {self.order.total}, {sale['number']} to {gross}"
        elif _goods(sale) != _bought(self.order) and not self.told():
            yield f"{_bought(self.order)} were bought, {_goods(sale)} are sold"
        if make == "sales_order" and sale["state"] != "confirmed" and not self.told():
            yield f"it is {self.order.status}, and {sale['number']} is a {sale['state']}"

    @property
    def _is_as_left(self) -> bool:
        """Its sale was deleted by hand, and nothing happened since: reconcile finds that."""
        then = self.people.left_without_sale.get(self.id)
        return then == (self.document["status"], self.document["total"])

    def _money(self) -> Iterator[str]:
        received = [Decimal(each["amount"]) for each in self.payments]
        came = [amount for amount in received if amount > 0]
        balance = sum(received, Decimal(0))
        if len(came) > 1:
            yield f"money came in {len(came)} times: {came}"
        if not self.rule.record:
            if received:
                yield f"payments of a method that is not recorded: {received}"
            return
        sale, paid_at = self.sale, self.order.payment.paid_at
        total = self.order.total.amount
        if sale is None:
            waits = any(self.waits(refund) for refund in self.refunds)
            if (
                balance
                and not waits
                and not self.told(
                    "paid_and_cancelled", "paid_back_too_much", "refund_deleted", *_UNBOOKED
                )
            ):
                yield f"no sale stands, and {balance} of what was received was not paid back"
            return
        # A discount alone, of which all else was removed: nobody pays less than nothing.
        if sale["state"] != "confirmed" or total <= 0 or self.told(*_UNBOOKED):
            return
        if paid_at is None or self.told("refund_deleted", *_UNBOOKED):
            return
        if not came and total > sum((each.total.amount for each in self.refunds), Decimal(0)):
            if self.people.paid.get(self.id) == 0 and self.told("paid_differs"):
                return  # it was free when it was paid
            yield f"it was paid, and no payment is recorded for {sale['number']}"
            return
        if any(self.waits(refund) for refund in self.refunds):
            return
        invoiced = sum((Decimal(each["totals"]["gross"]) for each in sale["invoices"]), Decimal(0))
        ours = sum(
            (Decimal(note["totals"]["gross"]) for note in self.notes if note["key"]), Decimal(0)
        )
        off = invoiced - ours - balance
        if off not in self._netted() and not self.told("paid_differs", *_UNBOOKED):
            yield (
                f"invoices of {invoiced} less credit notes of {ours} are not payments of "
                f"{sum(came)} less {sum(came) - balance} paid back"
            )

    def _netted(self) -> set[Decimal]:
        """What may have been credited by hand before money was recorded: that much less of it is.
        Nothing; or the first of those notes, or the first two."""
        facts = self.link.facts if self.link is not None else {}
        notes = self.by_hand if "netted" in facts or facts.get("paid") == "-" else []
        gross = (Decimal(note["totals"]["gross"]) for note in notes)
        return {Decimal(0), *itertools.accumulate(gross)}

    def _refunds(self) -> Iterator[str]:
        keys = Counter(note["key"] for note in self.notes if note["key"])
        for refund in self.refunds:
            if not refund.total or "[accord " in refund.reason:
                continue
            key = f"{self.key}-r{refund.ref.id}"
            done = [note for note in self.notes if note["key"] == key]
            told = self.waits(refund) or self.told(*_UNBOOKED)
            if self.sale is None:
                continue  # nothing to credit; the money has a check of its own
            if not done and not told:
                yield f"refund {refund.ref.id} of {refund.total} is not credited"
            for note in done:
                if Decimal(note["totals"]["gross"]) != refund.total.amount:
                    gross = note["totals"]["gross"]
                    yield f"refund {refund.ref.id} of {refund.total} is credited with {gross}"
            back = [each for each in self.payments if each["key"] == f"{key}:payment"]
            if len(back) > 1:
                yield f"refund {refund.ref.id} was paid back {len(back)} times"
        for key, count in keys.items():
            if count > 1:
                yield f"credit note {key} is there {count} times"
        there = {f"{self.key}-r{refund.ref.id}" for refund in self.refunds}
        gone = keys.keys() - there
        if gone and not self.told("refund_deleted", *_UNBOOKED):
            yield f"credit notes {sorted(gone)} are of refunds that are not there"

    def _twice(self) -> Iterator[str]:
        yield from _double("payment", (each["key"] for each in self.payments))
        notes = self.world.store.notes.get(self.id, [])
        yield from _double("note", (sign for note in notes for sign in _SIGN.findall(note)))
        signs = (sign for refund in self.refunds for sign in _SIGN.findall(refund.reason))
        yield from _double("refund for", signs)
        yield from _double("tracking entry", (each["tracking_id"] for each in self._tracking()))

    def _tracking(self) -> list[Json]:
        return [
            entry
            for meta in self.document["meta_data"]
            if meta["key"] == _TRACKING
            for entry in meta["value"]
        ]

    def _shipped(self) -> Iterator[str]:
        sale, told = self.sale, self.told("shipment_withdrawn")
        if sale is None or sale["state"] != "confirmed" or self.order.status == "trash":
            return
        gone = [each for each in sale["shipments"] if each["state"] == "done"]
        there = sorted(each["tracking_number"] for each in self._tracking())
        should = sorted(each["tracking"] for each in gone if each["tracking"])
        if there != should and not told:
            yield f"shipped with {should}, the store shows {there}"
        opened = any(each["state"] == "open" for each in sale["shipments"])
        wanted = self.world.rules.fulfilment.shipped
        if not gone or opened or wanted is None or told:
            return
        status = self.order.status
        if status in CLOSED or status in {wanted, "completed"}:
            return
        if status in _UNPAID and self.order.payment.paid_at is None:
            return
        if not self._chosen_since(sale):
            yield f"all of {sale['number']} is shipped, and it is {status}"

    def _chosen_since(self, sale: Json) -> bool:
        """Whether a person chose the order's status after all was shipped."""
        last = max(
            at
            for at, who, what in self.people.said
            if who == self.id and f"of {sale['number']} shipped" in what
        )
        return self.people.status_set_at[self.id] >= last

    def _invoiced(self) -> Iterator[str]:
        booked = [
            each["number"]
            for sale in self.sales
            if sale["state"] != "voided"
            for each in sale["invoices"]
            if each["state"] in _BOOKED
        ]
        field = self.world.rules.invoices.number_field
        held = [m["value"] for m in self.document["meta_data"] if m["key"] == field]
        shown = ", ".join(booked)
        if (held[0] if held else "") != shown or len(held) > 1:
            yield f"invoices {shown or 'none'} are booked, the store shows {held}"

    def _noted(self) -> Iterator[str]:
        """What the store's team was told in the order's notes."""
        if self.sale is None or self.told(*_UNBOOKED):
            return
        signs = [sign for note in self.world.store.notes[self.id] for sign in _SIGN.findall(note)]
        said = {sign.partition(":")[2] for sign in signs}
        wanted = [
            f"{each['kind']}:{each['id']}"
            for each in (*self.sale["invoices"], *self.sale["credit_notes"])
            if each["state"] in _BOOKED
        ]
        done = [each for each in self.sale["shipments"] if each["state"] == "done"]
        wanted += [f"shipment:{each['id']}" for each in done]
        if self.sale["state"] == "confirmed" and self._is_by_us():
            wanted.append("note:confirmed")
        for name in wanted:
            if not any(each == name or each.startswith(f"{name}:") for each in said):
                yield f"no note says {name} of {self.sale['number']}"

    def _is_by_us(self) -> bool:
        """A clerk did not bring it further than the store wants it."""
        routed = route(self.order, self.world.rules)
        number = self.sale["number"] if self.sale is not None else ""
        by_hand = (self.id, f"{number} confirmed by hand")
        return goal_of(routed, self.order) is State.CONFIRMED or all(
            (who, what) != by_hand for _, who, what in self.people.said
        )

    def _back(self) -> Iterator[str]:
        """What a person did in the back office."""
        reasons = [each.reason for each in self.refunds]
        for note in self.by_hand:
            sign = marker(Ref(self.world.rules.erp, "credit_note", note["id"]))
            known = [reason for reason in reasons if sign in reason]
            if len(known) != 1 and not self.told("credited_in_erp", "refund_deleted", *_UNBOOKED):
                yield f"{note['number']} was booked by hand, and {len(known)} refunds say so"
        if self.link is None or self.link.erp is None:
            return
        held = next((each for each in self.sales if each["id"] == self.link.erp.id), None)
        state = self.link.facts.get("state")
        if held is not None and held["state"] != state and not self.told():
            yield f"{held['number']} is {held['state']}, and is remembered as {state}"

    # --- what is told and is not so ---------------------------------------------

    def untrue(self) -> Iterator[str]:
        """Items that say what is not so, though they were looked at just now."""
        so = self.so()
        untrue = {reason for reason in self.items if not so.get(reason, True)}
        if untrue != self.items.keys():
            return  # an order's first trouble hides the others; once it is over they are looked at
        for reason, items in self.items.items():
            if reason in untrue:
                yield f"the item {reason} says what is not so: {items[0].message}"

    def so(self) -> dict[str, bool]:
        """Reason of an item → whether it is so: both sides were asked. Not every reason is here."""
        sale, order = self.sale, self.order
        closed = order.status in CLOSED or route(order, self.world.rules).make == "cancel"
        done = sale is not None and any(each["state"] == "done" for each in sale["shipments"])
        booked = sale is not None and any(
            each["state"] in _BOOKED for each in (*sale["invoices"], *sale["credit_notes"])
        )
        paid = sum((Decimal(each["amount"]) for each in self.payments), Decimal(0))
        came = sum((max(Decimal(each["amount"]), Decimal(0)) for each in self.payments), Decimal(0))
        same = self.link is not None and self.link.facts.get("content") == content(order)
        notes = [note for each in self.sales for note in each["credit_notes"]]  # drafts as well
        gone = {note["key"] for note in notes if note["key"] and note["state"] != "cancelled"} - {
            f"{self.key}-r{refund.ref.id}" for refund in self.refunds
        }
        given = {each["key"] for each in self.payments if Decimal(each["amount"]) < 0} - {
            f"{self.key}-r{refund.ref.id}:payment" for refund in self.refunds
        }
        signs = {sign for each in self.refunds for sign in _SIGN.findall(each.reason)}
        erp = self.world.rules.erp
        loose = [note for note in self.by_hand if f"{erp}:credit_note:{note['id']}" not in signs]
        state = self.link.facts.get("state") if self.link is not None else None
        held = self.link.erp if self.link is not None else None
        lost = held is not None and held.id not in {each["id"] for each in self.sales}
        if held is None and self.link is not None:  # its pass broke off before it could say so
            lost = MAKING in self.link.facts and sale is None
        return {
            "goods_left": closed and done,
            "invoiced": closed and booked,
            "credited": closed and bool(self.notes),
            "changed_after_posting": sale is not None and not closed and not same,
            "paid_and_cancelled": sale is None and (paid > 0 or self._is_unbooked()),
            "paid_differs": came != order.total.amount,
            "refund_deleted": bool(gone or given) or self._deleted(),
            "refunded_unshipped": order.status == "refunded" and sale is not None,
            "cancelled_in_erp": (lost or any(each["state"] == "voided" for each in self.sales))
            and not (closed and state == State.VOIDED.value),
            "deleted_in_erp": lost and not (closed and state == State.VOIDED.value),
            "sale_deleted": lost and bool(self.refunds),
            "credited_in_erp": bool(loose),
            "credit_exceeds": bool(loose),
            "shipment_withdrawn": False,
            "waiting": False,
        }

    def _is_unbooked(self) -> bool:
        """Money came to the store, none is in the books, and not all of it went back."""
        given = sum((each.total.amount for each in self.refunds), Decimal(0))
        is_ours = self.rule.record and self.order.payment.paid_at is not None
        came = max(self.people.paid.get(self.id, Decimal(0)), self.order.total.amount)
        return is_ours and not self.payments and given < came

    def _deleted(self) -> bool:
        handled = (self.link.facts.get("refunds", "") if self.link else "").split(",")
        return any(id_ and id_ not in self.order.refund_ids for id_ in handled)


# --- small -------------------------------------------------------------------


def _double(what: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{what} {name} is there {count} times"


def _numbers(sales: Collection[Json]) -> str:
    return ", ".join(f"{each['number']} ({each['key']})" for each in sales)


def _goods(sale: Json) -> Counter[str]:
    """Item → quantity of the lines that name one that is shipped."""
    return _positive(
        (line["item"], line["quantity"])
        for line in sale["lines"]
        if line["source"] and line["item"] not in {None, "SHIPPING", "FEE", "ROUNDING", "MISC"}
    )


def _bought(order: SalesOrder) -> Counter[str]:
    return _positive((line.code, line.quantity) for line in order.lines if line.kind == "item")


def _positive(pairs: Iterable[tuple[str, Any]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for code, count in pairs:
        found[code] += int(Decimal(count))
    return found
