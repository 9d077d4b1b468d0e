"""What is on both sides already is linked, so that Accord goes on with it. Nothing is made.

Each row of a list names a thing of the store, of the back office, or both; the side that is not
named is looked for. A link is written as the flows leave it behind a finished order: what the
document says and what the store was told counts as done, and whatever happens to either side from
then on is an ordinary change. What does not agree to the cent is not linked, and the row says why.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from accord.errors import BusyError, DisagreementError
from accord.model.change import Change, Ref
from accord.model.documents import Kind, Record, SalesOrder
from accord.model.keys import order_key
from accord.ports.levels import Levels
from accord.ports.queues import Queues
from accord.ports.shop import Shop
from accord.ports.state import Control, Link, Links, Seen, Steps
from accord.ports.store import Store
from accord.rules import config
from accord.sync.adopt_orders import Orders
from accord.sync.adopt_products import Products
from accord.sync.adopt_rows import PAGE, Answer, NotLinkedError, Pair, Row
from accord.sync.customer_ports import is_customer, party_of
from accord.sync.finished import finished
from accord.sync.parties import Parties
from accord.sync.reading import customer_of, order_of
from accord.sync.sales import BackOffice
from accord.sync.steps import Writer
from accord.sync.unanswered import MAKING

_LEASE = dt.timedelta(minutes=2)


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
        for begin in range(0, len(rows), PAGE):
            page = rows[begin : begin + PAGE]
            orders = Orders.read(
                [row for row in page if row.thing == "order"],
                name=self.name,
                back=self.back,
                store=self.store,
                shop=self.shop,
                tie=self._tie_order,
            )
            products = Products.read(
                [row for row in page if row.thing == "product"],
                name=self.name,
                rules=self.rules,
                back=self.back,
                store=self.store,
                levels=self.levels,
                dry=self.dry,
            )
            for row in page:
                match row.thing:
                    case "order":
                        yield self._answer(row, orders.pair)
                    case "product":
                        yield self._answer(row, products.pair)
                    case _:
                        yield self._answer(row, self._customer)

    def _answer(self, row: Row, find: Callable[[Row], Pair]) -> Answer:
        try:
            if not (row.store_id or row.number or row.erp_number):
                raise NotLinkedError("the row names neither side")
            pair = find(row)
        except NotLinkedError as why:
            return Answer(row, "not", why=str(why))
        try:
            fresh = pair.link()
        except (NotLinkedError, BusyError, DisagreementError) as why:
            return Answer(row, "not", pair.store, pair.erp, str(why))
        return Answer(row, "linked" if fresh else "already", pair.store, pair.erp)

    # --- customers ----------------------------------------------------------------

    def _customer(self, row: Row) -> Pair:
        erp = self.back.adapter
        record: Record | None = None
        if row.erp_number:
            record = next(iter(erp.find(Kind.PARTY, row.erp_number)), None)
            if record is None:
                raise NotLinkedError(f"{self.back.name} has no party {row.erp_number!r}")
        email = row.number
        if record is not None and not (row.store_id or email):
            profile = erp.profile(record.ref)
            email = (profile[0].email if profile is not None else None) or ""
            if not email:
                raise NotLinkedError(f"party {row.erp_number!r} has no e-mail address to go by")
        found = (
            self.store.get_customer(row.store_id)
            if row.store_id
            else self.store.find_customer(email)
        )
        if found is None:
            raise NotLinkedError(f"{self.name} has no account {row.store_id or email}")
        account = Ref(self.name, "customer", str(found[0]["id"]))
        customer = customer_of(self.store, found[0], self.links.get(account))
        if not is_customer(customer, self.rules.customers):
            raise NotLinkedError(f"a user of the role {customer.role!r} is no customer")
        party = party_of(customer.profile, customer.ref.id)
        if record is None:
            hits = erp.match(party, "email") if party.email else ()
            if len(hits) != 1:
                raise NotLinkedError(
                    f"{len(hits) or 'no'} parties of {self.back.name} have its e-mail address; "
                    "name one in erp_number"
                )
            record = hits[0]
        ref = record.ref
        return Pair(
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
            raise NotLinkedError(f"it is linked with {known.erp} already")
        if self.dry:
            for key in keys:
                claim = self.links.get(key)
                if claim is not None and claim.erp not in {None, party}:
                    raise NotLinkedError(f"its e-mail address or VAT number leads to {claim.erp}")
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

    def _tie_order(self, document: dict[str, Any], digest: str, record: Record) -> bool:
        """Links the two as a finished order's; False where they are linked already."""
        link = self.links.get(Ref(self.name, "order", str(document["id"])))
        order = order_of(self.store, document, link)
        if link is not None and link.erp == record.ref:
            return False
        if link is not None and (link.erp is not None or MAKING in link.facts):
            raise NotLinkedError(f"it is linked with {link.erp or 'a document in the making'}")
        holder = self.links.find(record.ref)
        if holder is not None and holder != order.ref:
            raise NotLinkedError(f"{record.number} is linked with {holder} already")
        progress = self.back.adapter.progress(record.ref)
        if progress is None:
            raise NotLinkedError(f"{record.number} is gone from {self.back.name}")
        facts = finished(order, record, progress, self.back.name)
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
            raise NotLinkedError("it is in hand just now; run this again in a minute")
        if held.erp is not None:  # somebody made it between the look and the lease
            self.links.abandon(held)
            raise NotLinkedError(f"it is linked with {held.erp} by now")
        if held.mends != (link.mends if link is not None else ()):
            self.links.abandon(held)
            raise NotLinkedError("it was mended just now; run this again")
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
