"""What is on both sides already is linked, so that Accord goes on with it. Nothing is made.

Each row of a list names a thing of the store, of the back office, or both; the side that is not
named is looked for. A link is written as the flows leave it behind a finished order: what the
document says and what the store was told counts as done, and whatever happens to either side from
then on is an ordinary change. What does not agree to the cent is not linked, and the row says why.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from accord.errors import AccordError, BusyError, DisagreementError, UnsupportedError
from accord.model.change import Change, Ref
from accord.model.documents import Kind, Record, SalesOrder, State
from accord.model.keys import order_key
from accord.model.money import Money
from accord.model.progress import Progress
from accord.ports.levels import Levels, Place
from accord.ports.numbers import Numbered, Numbers
from accord.ports.queues import Queues
from accord.ports.shop import Shop
from accord.ports.state import Control, Link, Links, Seen, Steps
from accord.ports.store import Store
from accord.rules import config
from accord.rules.skus import item_of
from accord.sync.customer_ports import is_customer, party_of
from accord.sync.decide import CLOSED
from accord.sync.fingerprint import content, parts, to_fact
from accord.sync.follow import MAKING
from accord.sync.fulfilment import Known as Shipped
from accord.sync.fulfilment import print_of
from accord.sync.invoices import Known as Invoiced
from accord.sync.parties import Parties
from accord.sync.returns import Known as Returned
from accord.sync.sales import BackOffice
from accord.sync.steps import Writer

Thing = Literal["order", "customer", "product"]
THINGS: tuple[Thing, ...] = ("order", "customer", "product")
_PAGE = 100
_LEASE = dt.timedelta(minutes=2)
_DONE = CLOSED | {"completed"}  # the store was told of shipments and invoices, or need not be


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list. ``number`` is an order's number, a customer's e-mail address or a
    product's SKU; ``erp_number`` the order's number, the account code or the item code there."""

    line: int
    thing: Thing
    store_id: str = ""
    number: str = ""
    erp_number: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a row. ``why`` says what is to be done where it was not linked."""

    row: Row
    what: Literal["linked", "already", "not"]
    store: str = ""
    erp: str = ""
    why: str = ""


class _NotLinkedError(Exception):
    """Why a row is not linked; it never leaves this module."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """What a row names, found. ``store`` and ``erp`` are for people."""

    row: Row
    store: str
    erp: str
    link: Callable[[], bool]  # False where it was so already


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """Of one store and its back office. With ``dry`` nothing is written anywhere."""

    name: str
    rules: config.Store
    back: BackOffice
    store: Store
    shop: Shop
    links: Links
    levels: Levels
    steps: Steps
    control: Control
    queues: Queues
    clock: Callable[[], dt.datetime]
    run: str  # names the holder of leases
    dry: bool = False

    def adopt(self, rows: Sequence[Row]) -> Iterator[Answer]:
        """Row by row, what became of it. Orders and products are looked for in bulk."""
        for begin in range(0, len(rows), _PAGE):
            page = rows[begin : begin + _PAGE]
            orders = _Orders.read(self, [row for row in page if row.thing == "order"])
            products = _Products.read(self, [row for row in page if row.thing == "product"])
            for row in page:
                match row.thing:
                    case "order":
                        yield self._answer(row, orders.pair)
                    case "product":
                        yield self._answer(row, products.pair)
                    case _:
                        yield self._answer(row, self._customer)

    def _answer(self, row: Row, find: Callable[[Row], _Pair]) -> Answer:
        try:
            if not (row.store_id or row.number or row.erp_number):
                raise _NotLinkedError("the row names neither side")
            pair = find(row)
        except _NotLinkedError as why:
            return Answer(row, "not", why=str(why))
        try:
            fresh = pair.link()
        except (_NotLinkedError, BusyError, DisagreementError) as why:
            return Answer(row, "not", pair.store, pair.erp, str(why))
        return Answer(row, "linked" if fresh else "already", pair.store, pair.erp)

    # --- customers ----------------------------------------------------------------

    def _customer(self, row: Row) -> _Pair:
        erp = self.back.adapter
        record: Record | None = None
        if row.erp_number:
            record = next(iter(erp.find(Kind.PARTY, row.erp_number)), None)
            if record is None:
                raise _NotLinkedError(f"{self.back.name} has no party {row.erp_number!r}")
        email = row.number
        if record is not None and not (row.store_id or email):
            profile = erp.profile(record.ref)
            email = (profile[0].email if profile is not None else None) or ""
            if not email:
                raise _NotLinkedError(f"party {row.erp_number!r} has no e-mail address to go by")
        found = (
            self.store.get_customer(row.store_id)
            if row.store_id
            else self.store.find_customer(email)
        )
        if found is None:
            raise _NotLinkedError(f"{self.name} has no account {row.store_id or email}")
        customer = self.store.customer(found[0])
        if not is_customer(customer, self.rules.customers):
            raise _NotLinkedError(f"a user of the role {customer.role!r} is no customer")
        party = party_of(customer.profile, customer.ref.id)
        if record is None:
            hits = erp.match(party, "email") if party.email else ()
            if len(hits) != 1:
                raise _NotLinkedError(
                    f"{len(hits) or 'no'} parties of {self.back.name} have its e-mail address; "
                    "name one in erp_number"
                )
            record = hits[0]
        ref = record.ref
        return _Pair(
            row,
            str(customer.ref),
            f"{record.number} ({ref})",
            lambda: self._tie(customer.ref, ref, self._parties.keys_of(party)),
        )

    def _tie(self, customer: Ref, party: Ref, keys: Sequence[Ref]) -> bool:
        known = self.links.get(customer)
        if known is not None and known.erp == party:
            return False
        if known is not None and known.erp is not None:
            raise _NotLinkedError(f"it is linked with {known.erp} already")
        if self.dry:
            for key in keys:
                claim = self.links.get(key)
                if claim is not None and claim.erp not in {None, party}:
                    raise _NotLinkedError(f"its e-mail address or VAT number leads to {claim.erp}")
            return True
        parties, until = self._parties, self.clock() + _LEASE
        with parties.hold([customer, *keys], owner=self.run, until=until) as held:
            parties.lead([held[key] for key in keys], party)
            link = held[customer]
            facts = {**link.facts, **parties.beside(customer, party)}
            held[customer] = self.links.save(replace(link, erp=party, facts=facts))
        return True

    @property
    def _parties(self) -> Parties:
        return Parties(
            store=self.name,
            store_key=self.rules.key,
            erp_name=self.back.name,
            erp=self.back.adapter,
            links=self.links,
            control=self.control,
            writer=Writer(self.steps, self.clock, lambda: True),
            rules=self.rules.customers,
        )

    # --- orders ---------------------------------------------------------------------

    def tie_order(self, order: SalesOrder, digest: str, record: Record) -> bool:
        """Links the two as a finished order's; False where they are linked already."""
        link = self.links.get(order.ref)
        if link is not None and link.erp == record.ref:
            return False
        if link is not None and (link.erp is not None or MAKING in link.facts):
            raise _NotLinkedError(f"it is linked with {link.erp or 'a document in the making'}")
        holder = self.links.find(record.ref)
        if holder is not None and holder != order.ref:
            raise _NotLinkedError(f"{record.number} is linked with {holder} already")
        facts = self._facts(order, record)
        if self.dry:
            return True
        seen = Seen(order.modified_at, digest)
        held = self.links.acquire(
            order.ref,
            key=order_key(self.rules.key, order.ref.id),
            owner=self.run,
            now=self.clock(),
            until=self.clock() + _LEASE,
            seen=seen,
        )
        if held is None:
            raise _NotLinkedError("it is in hand just now; run this again in a minute")
        if held.erp is not None:  # somebody made it between the look and the lease
            self.links.abandon(held)
            raise _NotLinkedError(f"it is linked with {held.erp} by now")
        kept = {**held.facts, **facts}
        held = self.links.save(
            replace(held, erp=record.ref, number=record.number, seen=seen, facts=kept)
        )
        again = self.links.release(held, handled=[seen])
        if again is not None:  # it changed meanwhile, and only the holder was told
            self._queue(again, order)
        return True

    def _queue(self, held: Link, order: SalesOrder) -> None:
        self.links.abandon(held)
        change = Change(order.ref, "order_updated", self.clock(), f"adopt-{self.run}")
        self.queues.put(change, sending=f"adopt:{self.run}:{order.ref}:{held.version}")

    def _facts(self, order: SalesOrder, record: Record) -> dict[str, str]:
        """What the link of the finished order would say."""
        progress = self.back.adapter.progress(record.ref)
        if progress is None:
            raise _NotLinkedError(f"{record.number} is gone from {self.back.name}")
        voided = record.state is State.VOIDED
        facts = {
            "state": record.state.value,
            "done": (State.DRAFT if voided else record.state).value,
            "erp": self.back.name,
            "content": content(order),
            "parts": to_fact(parts(order)),
            "total": str(order.total),
            "status": order.status,
            **self._money(order, progress),
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

    def _money(self, order: SalesOrder, progress: Progress) -> dict[str, str]:
        """What was paid and given back. Raises: _NotLinkedError: the books say otherwise."""
        none = Money.zero(order.currency)
        credits_ = [
            each.totals.gross
            for each in progress.invoices
            if each.kind is Kind.CREDIT_NOTE and each.is_booked
        ]
        if any(each.currency != order.currency for each in credits_):
            raise _NotLinkedError("its credit notes are in another currency")
        credited, refunded = Money.total(credits_, order.currency), order.refunded or none
        if progress.order.state is not State.VOIDED and credited != refunded:
            raise _NotLinkedError(
                f"{refunded} was refunded in the store and {credited} credited in "
                f"{self.back.name}; book what lacks, then run this again"
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


@dataclass(frozen=True, slots=True)
class _Orders:
    """The orders and documents that a page of rows names, read in bulk."""

    of: Adoption
    by_id: Mapping[str, tuple[dict[str, Any], str]]
    documents: Sequence[Numbered]

    @classmethod
    def read(cls, of: Adoption, rows: Sequence[Row]) -> "_Orders":
        if not rows:
            return cls(of, {}, ())
        numbers = {row.erp_number or row.number for row in rows} - {""}
        documents = list(_numbered(of.back, sorted(numbers)))
        guessed = [row.store_id or row.number for row in rows]
        guessed += [
            each.reference
            for each in documents
            if any(row.erp_number == each.record.number for row in rows)
        ]
        ids = [each for each in dict.fromkeys(guessed) if each.isascii() and each.isdigit()]
        found: dict[str, tuple[dict[str, Any], str]] = {}
        for begin in range(0, len(ids), _PAGE):
            entries = of.shop.orders_of(ids[begin : begin + _PAGE])
            found |= {str(document["id"]): (document, digest) for document, digest in entries}
        # Rows that name a store's id alone: by the numbers that those orders have.
        late = {
            str(found[row.store_id][0].get("number"))
            for row in rows
            if row.store_id in found and not row.erp_number
        } - numbers
        documents += _numbered(of.back, sorted(late))
        return cls(of, found, documents)

    def pair(self, row: Row) -> _Pair:
        """Raises: _NotLinkedError: they are not there, or do not agree."""
        document, reference = None, ""
        if row.erp_number:
            document = self._document(row.erp_number)
            reference = document.reference
        order, digest = self._order(row, row.number or reference)
        if document is None:
            document = self._like(order)
        elif not (row.store_id or row.number):
            self._check_day(order, document)
        record = document.record
        _check(order, record, self.of.back.name)
        return _Pair(
            row,
            f"{order.ref} ({order.number})",
            f"{record.number} ({record.ref})",
            lambda: self.of.tie_order(order, digest, record),
        )

    def _document(self, number: str) -> Numbered:
        found = [each for each in self.documents if each.record.number == number]
        if len(found) != 1:
            raise _NotLinkedError(
                f"{self.of.back.name} has {len(found) or 'no'} sales orders {number!r}"
            )
        return found[0]

    def _order(self, row: Row, number: str) -> tuple[SalesOrder, str]:
        entry = self.by_id.get(row.store_id) if row.store_id else None
        if not row.store_id:
            guess = self.by_id.get(number)
            if guess is not None and str(guess[0].get("number")) == number:
                entry = guess
            elif number:
                hits = self.of.shop.orders_by_number(number)
                entry = hits[0] if len(hits) == 1 else None
        if entry is None:
            name = row.store_id or number or "that its reference would name"
            raise _NotLinkedError(f"{self.of.name} has no order {name}")
        try:
            order = self.of.store.order(entry[0])
        except AccordError as error:
            raise _NotLinkedError(str(error)) from error
        if row.number and order.number != row.number:
            raise _NotLinkedError(f"order {row.store_id} has the number {order.number}")
        return order, entry[1]

    def _like(self, order: SalesOrder) -> Numbered:
        """The document that bears the order's number, with its total, of its day."""
        named = [
            each for each in self.documents if order.number in {each.reference, each.record.number}
        ]
        if not named:
            raise _NotLinkedError(
                f"no sales order of {self.of.back.name} bears the number {order.number}; name one "
                "in erp_number"
            )
        same = [each for each in named if _gross(each.record) == order.total] or named
        if len(same) > 1:
            same = [each for each in same if self._same_day(order, each)] or same
        if len(same) > 1:
            numbers = ", ".join(each.record.number for each in same)
            raise _NotLinkedError(f"{numbers} all bear its number; name one in erp_number")
        self._check_day(order, same[0])
        return same[0]

    def _same_day(self, order: SalesOrder, document: Numbered) -> bool:
        return document.placed_on in {None, self.of.back.day(order.placed_at)}

    def _check_day(self, order: SalesOrder, document: Numbered) -> None:
        if not self._same_day(order, document):
            raise _NotLinkedError(
                f"{document.record.number} is of {document.placed_on}, the order of "
                f"{self.of.back.day(order.placed_at)}; name both sides if they are one"
            )


def _numbered(back: BackOffice, numbers: Sequence[str]) -> Iterator[Numbered]:
    adapter = back.adapter
    if not isinstance(adapter, Numbers):
        raise UnsupportedError(f"{back.name} cannot be searched by number, so orders stay unlinked")
    for begin in range(0, len(numbers), _PAGE):
        yield from adapter.numbered(Kind.SALES_ORDER, numbers[begin : begin + _PAGE])


def _gross(record: Record) -> Money | None:
    return record.totals.gross if record.totals is not None else None


def _check(order: SalesOrder, record: Record, erp: str) -> None:
    """Raises: _NotLinkedError: they are not one, or the flows would change one of them at once."""
    gross = _gross(record)
    if gross != order.total:
        raise _NotLinkedError(f"{record.number} comes to {gross}, the order to {order.total}")
    if record.state is State.DRAFT:
        raise _NotLinkedError(f"{record.number} is a draft in {erp}; offer or confirm it first")
    closed = order.status in CLOSED
    if record.state is State.VOIDED and not closed:
        raise _NotLinkedError(
            f"{record.number} is cancelled in {erp}, and the order is {order.status}"
        )
    if closed and order.status != "refunded" and record.state is not State.VOIDED:
        raise _NotLinkedError(
            f"the order is {order.status}, and {record.number} stands in {erp}; cancel it there"
        )


@dataclass(frozen=True, slots=True)
class _Products:
    """The products and items that a page of rows names, read in bulk."""

    of: Adoption
    places: Mapping[str, Place]  # by SKU
    skus: Mapping[str, str]  # the store's id → SKU
    items: Mapping[str, str]  # item code → id

    @classmethod
    def read(cls, of: Adoption, rows: Sequence[Row]) -> "_Products":
        if not rows:
            return cls(of, {}, {}, {})
        ids = [row.store_id for row in rows if row.store_id]
        skus = [row.number or row.erp_number for row in rows if not row.store_id]
        found = list(of.store.products_of(ids)) if ids else []
        for id_ in {*ids} - {each.ref.id for each in found}:  # a variation is found only alone
            alone = of.store.get_product(id_) if id_.isascii() and id_.isdigit() else None
            found += [of.store.product(alone[0])] if alone else []
        found += of.store.products_by_sku(skus).values() if skus else []
        codes = {each.sku: item_of(each.sku, of.rules.mappings) for each in found}
        wanted = {code for code in codes.values() if code} | {row.erp_number for row in rows}
        return cls(
            of,
            {each.sku: Place(each.ref.id, each.parent) for each in found if each.sku},
            {each.ref.id: each.sku for each in found},
            of.back.adapter.find_items(sorted(wanted - {""})),
        )

    def pair(self, row: Row) -> _Pair:
        """Raises: _NotLinkedError: one is not there, or the mappings say otherwise."""
        of = self.of
        sku = self.skus.get(row.store_id, "") if row.store_id else row.number or row.erp_number
        if row.number and row.store_id and sku != row.number:
            raise _NotLinkedError(f"product {row.store_id} has the SKU {sku!r}")
        place = self.places.get(sku)
        if place is None:
            raise _NotLinkedError(
                f"{of.name} has no product {row.store_id or repr(sku)} with a SKU"
            )
        item = item_of(sku, of.rules.mappings)
        if row.erp_number and item != row.erp_number:
            raise _NotLinkedError(
                f"by the rules {sku!r} is item {item!r}; add "
                f"{sku!r} = {{ item = {row.erp_number!r} }} to [stores.{of.name}.mappings.items]"
            )
        if item is None or item not in self.items:
            raise _NotLinkedError(f"{of.back.name} has no one item {item or sku!r}")
        return _Pair(
            row, f"{of.name}:product:{place.product} ({sku})", item, lambda: self._put(sku)
        )

    def _put(self, sku: str) -> bool:
        known = self.of.levels.levels(self.of.name, "product", [sku]).get(sku)
        if known is not None and known.place == self.places[sku]:
            return False
        if not self.of.dry:
            self.of.levels.put_places(self.of.name, {sku: self.places[sku]})
        return True
