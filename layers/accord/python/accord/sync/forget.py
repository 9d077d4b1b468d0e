"""One shopper's personal data, found in what Accord keeps and taken out of it.

What stays, and why: the ids of what is linked, with fingerprints of addresses, so that no second
party is ever made and the books still lead to the store; the hash of the e-mail address, marked, so
that a later change of the same shopper is put before a person and not taken over silently; the
journal, which holds none. Party and documents of the back office, and the account and orders of the
store, are theirs: Accord names them and leaves them.

Which orders are the shopper's only the stores know: they are asked, by the e-mail address and by
the account. What they show under neither any more has to be named.
"""

import datetime as dt
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from accord.errors import NotNowError, TransientError
from accord.model.change import Change, Ref
from accord.ports.state import (
    Attention,
    Documents,
    Entry,
    Item,
    Journal,
    Link,
    Links,
    Mend,
    Parked,
    Payloads,
    Waiting,
)
from accord.ports.store import ListedOrder, Store
from accord.sync import conflicts
from accord.sync.customer_ports import CLAIMS, PARTY_ARCHIVED
from accord.sync.fingerprint import content, natural_key, parts, to_fact
from accord.sync.forget_plan import REMOVED, REPLAY, Plan, stays_open
from accord.sync.in_hand import in_hand
from accord.sync.mends import impersonal
from accord.sync.parties import ADDRESS, BESIDE, ERP_BASE, GONE, STORE_BASE
from accord.sync.reading import order_of
from accord.sync.remedies import REMEDIES
from accord.sync.resolve import FORGOTTEN, emptied
from accord.sync.worker import item_id

_KEPT_FACTS = frozenset({BESIDE, GONE, PARTY_ARCHIVED, FORGOTTEN})
_MOST_PAGES = 50  # of one question to a store, of a hundred orders each
_BATCH = 100  # orders that a store is asked for by their ids
_EMPTY = "removed_at"  # what stands in a payload that was emptied


@dataclass(frozen=True, slots=True)
class Shop:
    """One store and the back office that its customers are parties of."""

    store: Store
    erp_name: str


@dataclass(slots=True)
class _Found:
    """The shopper's orders, and the refunds of them that the stores show."""

    orders: dict[Ref, ListedOrder | None] = field(default_factory=dict)
    refunds: set[Ref] = field(default_factory=set)

    def add(self, order: ListedOrder) -> None:
        self.orders[order.ref] = order
        for refund in order.document.get("refunds") or ():
            self.refunds.add(Ref(order.ref.system, "refund", str(refund["id"])))


@dataclass(frozen=True, slots=True)
class Forget:
    """Finds and removes. Doing it twice is the same as once, and finishes what broke off."""

    shops: Sequence[Shop]
    links: Links
    attention: Attention
    payloads: Payloads
    waiting: Waiting
    documents: Documents
    journal: Journal
    clock: Callable[[], dt.datetime]
    progress: Callable[[str], object] = lambda _: None

    # --- what is there ----------------------------------------------------------

    def plan(self, email: str, *, orders: Sequence[Ref] = ()) -> Plan:
        """What is there of the shopper with that address. ``orders`` are theirs, in the stores,
        beside those that the stores show.

        A store that does not answer is named in the plan, which then lacks its orders.
        """
        plan, found = Plan(), _Found(orders=dict.fromkeys(orders))
        key = natural_key("email", email)
        plan.keys = list(dict.fromkeys(Ref(shop.erp_name, "party_key", key) for shop in self.shops))
        accounts: dict[Ref, Link] = {}
        claims = [claim for ref in plan.keys if (claim := self.links.get(ref)) is not None]
        for claim in claims:
            accounts |= {link.ref: link for link in self._accounts(claim, key, email)}
        for shop in self.shops:
            try:
                self._ask(shop.store, email, plan, found, accounts)
            except (TransientError, NotNowError) as error:
                plan.unread[shop.store.name] = str(error)
        plan.claims = [claim for claim in claims if not _is_bare(claim)]
        plan.accounts = [accounts[ref] for ref in sorted(accounts) if not _is_bare(accounts[ref])]
        plan.marked = [link for link in (*claims, *accounts.values()) if _is_bare(link)]
        plan.orders = sorted(found.orders)
        self._of_orders(plan, found, orders)
        self._of_records(plan, found, accounts, email)
        return plan

    def _ask(
        self, store: Store, email: str, plan: Plan, found: _Found, accounts: dict[Ref, Link]
    ) -> None:
        """What ``store`` shows of the shopper: the account, and the orders."""
        there = store.find_customer(email)
        if there is not None:
            ref = Ref(store.name, "customer", str(there[0]["id"]))
            plan.in_stores.append(ref)
            if (known := self.links.get(ref)) is not None:
                accounts[ref] = known
        named = [ref.id for ref in found.orders if ref.system == store.name]
        for at in range(0, len(named), _BATCH):
            for order in store.orders_in(named[at : at + _BATCH]):
                found.add(order)
        mine = {ref for ref in (*accounts, *plan.in_stores) if ref.system == store.name}
        questions = [{"email": email}, *({"customer": ref.id} for ref in sorted(mine))]
        for question in questions:
            for order in self._listed(store, question, plan):
                billed = (order.document.get("billing") or {}).get("email") or email
                if order.ref not in found.orders and billed.casefold() != email.strip().casefold():
                    plan.elsewhere += 1
                found.add(order)
        if there is None and not any(ref.system == store.name for ref in found.orders):
            plan.blank.append(store.name)

    def _listed(
        self, store: Store, question: Mapping[str, str], plan: Plan
    ) -> Iterator[ListedOrder]:
        for trashed in (False, True):
            for page in range(1, _MOST_PAGES + 1):
                answer = store.orders_by(**question, page=page, trashed=trashed)
                yield from answer.orders
                self.progress(
                    f"{store.name}: page {page} of the orders by {', '.join(question)}"
                    f"{', in the trash' if trashed else ''}: {len(answer.orders)} are the shopper's"
                )
                if answer.is_last:
                    break
            else:
                plan.unread[store.name] = f"it lists more than {_MOST_PAGES} pages of orders"

    def _of_orders(self, plan: Plan, found: _Found, named: Sequence[Ref]) -> None:
        """Adds mends and kept documents of the orders."""
        links = self.links.get_all(plan.orders)
        for ref in plan.orders:
            link = links.get(ref)
            if link is not None and impersonal(link.mends) != link.mends:
                waits = ref.system in plan.unread and "content" in link.facts
                (plan.held if waits else plan.mended).append(link)
            kept = self.documents.of(str(ref))
            plan.documents += kept
            if ref in named and link is None and not kept and found.orders[ref] is None:
                plan.unknown.append(ref)

    def _of_records(self, plan: Plan, found: _Found, accounts: Collection[Ref], email: str) -> None:
        """Adds what is waiting, the items and the payloads about anything of the shopper's."""
        refs = {*accounts, *plan.in_stores, *plan.parties, *found.orders, *found.refunds}
        linked = self.links.get_all(sorted({*found.orders, *found.refunds}))
        refs |= {link.erp for link in linked.values() if link.erp is not None}
        plan.waiting = [
            parked
            for ref in sorted(refs)
            if (parked := self.waiting.get(ref)) is not None
            and (ref.kind in {"customer", "party"} or parked.change.document is not None)
        ]
        subjects = {str(ref) for ref in refs}
        self.progress(f"attention: {len(subjects)} records are looked for")
        plan.items = list(self._items(email, subjects))
        ids = {
            item_id(subject, reason): None for subject in sorted(subjects) for reason in REMEDIES
        }
        plan.closed = sorted(
            (item for item in self.attention.get_all(list(ids)) if _has_words(item)),
            key=lambda item: (item.opened_at, item.id),
        )
        held = {item.payload for item in (*plan.items, *plan.closed)}
        plan.payloads = [name for name in self._payloads(email, subjects, ids) if name not in held]

    def _items(self, email: str, subjects: set[str]) -> Iterator[Item]:
        wanted = email.strip().casefold()
        for item in self.attention.open():
            if item.message.startswith(REMOVED) or _is_ours(item):
                continue
            is_theirs = item.subject in subjects or item.aggregate in subjects
            if is_theirs or wanted in self._text(item):
                yield item

    def _payloads(self, email: str, subjects: set[str], ids: Collection[str]) -> Iterator[str]:
        """Payloads that hold something: of these items, and dead letters about the shopper."""
        for name in self.payloads.names("attention"):
            id_ = name.removeprefix("attention/").removesuffix(".json")
            if id_ in ids and _EMPTY not in (self.payloads.get(name) or {_EMPTY: ""}):
                yield name
        for name in self.payloads.names("dead-letters"):
            letter = self.payloads.get(name)
            if isinstance(letter, Mapping) and _EMPTY not in letter:
                is_named = (
                    email.strip().casefold() in json.dumps(letter, ensure_ascii=False).casefold()
                )
                if is_named or subjects & _about(letter.get("message")):
                    yield name

    def _text(self, item: Item) -> str:
        held = self.payloads.get(item.payload) if item.payload else None
        return f"{item.message} {json.dumps(held, ensure_ascii=False)}".casefold()

    def _accounts(self, claim: Link, key: str, email: str) -> Iterator[Link]:
        """The accounts with that address among those of its party, which others may share."""
        met: set[Ref] = set()
        at = self.links.find(claim.erp) if claim.erp is not None else None
        while at is not None and at not in met:
            met.add(at)
            link = self.links.get(at)
            if link is None:
                return
            if key in link.facts.get(CLAIMS, "").split(",") or _shows(link, email):
                yield link
            at = Ref.parse(link.facts[BESIDE]) if BESIDE in link.facts else None

    # --- taken out ---------------------------------------------------------------

    def carry_out(self, plan: Plan, *, by: str, why: str = "") -> None:
        """Removes what ``plan`` names. ``by`` is who asks; the journal keeps it, and ``why``.

        It is journalled first: what cannot be told is not done.

        Raises: BusyError: one of the links is in work this moment; doing it again goes on.
        UnavailableError, UnauthorizedError: a store could not be asked for a mended order; as well.
        """
        now = self.clock()
        self._tell(plan, now, by, why)
        for link in (
            *plan.claims,
            *plan.accounts,
        ):  # the marker first: nothing comes back meanwhile
            self._strip(link.ref, now, by)
        for link in plan.mended:
            with in_hand(self.links, link.ref, by=by, now=now) as held:
                left = impersonal(held.mends)
                self.links.save(replace(held, mends=left, facts=self._facts(held, left)))
        for item in (*plan.items, *plan.closed):
            emptied(item, self.payloads, now)
            goes_on = item.closed_at is None and stays_open(item)
            self.attention.redact(item.id, REPLAY if goes_on else REMOVED)
            if not goes_on:
                self.attention.close(item.id, now=now, by=f"forget, {by}")
        for name in plan.payloads:
            self.payloads.put(name, {_EMPTY: now.isoformat()})
        for parked in plan.waiting:
            self._unload(parked)
        for kept in plan.documents:
            self.documents.revoke(kept.token)

    def _tell(self, plan: Plan, now: dt.datetime, by: str, why: str) -> None:
        told: dict[str, Any] = {"by": by, **({"why": why} if why else {})}
        counts = {
            "links": len(plan.accounts) + len(plan.claims),
            "mends": len(plan.mended),
            "items": len(plan.items) + len(plan.closed),
            "documents": len(plan.documents),
        }
        self.journal.append(
            [
                Entry(
                    ref,
                    now,
                    "step",
                    "forgotten on request",
                    f"forget-{now:%Y%m%dT%H%M%S}",
                    {**told, **counts} if ref.kind == "party_key" else told,
                )
                for ref in plan.touched()
            ]
        )

    def _unload(self, parked: Parked) -> None:
        """A customer's change goes; an order's stays without its document: it must be booked."""
        if parked.change.ref.kind in {"customer", "party"}:
            self.waiting.remove(parked)
        elif self.waiting.get(parked.change.ref) == parked:
            self.waiting.park(replace(parked, change=parked.change.without_document()))

    def _facts(self, link: Link, kept: Sequence[Mend]) -> Mapping[str, str]:
        """What the link knows of its order, as the order is once only ``kept`` is laid over it.

        Else its next pass would find it changed, and cancel and remake a document that stands. An
        order that was changed before is left to that pass.
        """
        facts = link.facts
        store = next(
            (shop.store for shop in self.shops if shop.store.name == link.ref.system), None
        )
        answer = store.get_order(link.ref.id) if store and "content" in facts else None
        if store is None or answer is None:
            return facts
        if content(order_of(store, answer[0], link)) != facts["content"]:
            return facts
        left = order_of(store, answer[0], replace(link, mends=tuple(kept)))
        known = {"content": content(left), "parts": to_fact(parts(left))}
        return {**facts, **{name: known[name] for name in known.keys() & facts.keys()}}

    def _strip(self, ref: Ref, now: dt.datetime, by: str) -> None:
        if self.links.get(ref) is None:
            return
        with in_hand(self.links, ref, by=by, now=now) as link:
            facts = {name: text for name, text in link.facts.items() if _is_kept(name)}
            facts.setdefault(FORGOTTEN, now.isoformat())
            self.links.save(replace(link, facts=facts, seen=None, mends=()))


def _is_kept(fact: str) -> bool:
    return fact in _KEPT_FACTS or fact.startswith(ADDRESS)


def _is_bare(link: Link) -> bool:
    """Whether it was forgotten, and nothing came back since."""
    facts = link.facts
    return FORGOTTEN in facts and all(map(_is_kept, facts)) and link.seen is None and not link.mends


def _is_ours(item: Item) -> bool:
    """Whether it says only that one who was forgotten is there again."""
    return item.reason == FORGOTTEN and not item.payload


def _has_words(item: Item) -> bool:
    """Whether a closed one still holds what it said."""
    if item.closed_at is None or _is_ours(item):
        return False
    return bool(item.payload) or not item.message.startswith(REMOVED)


def _about(message: object) -> set[str]:
    """The records that a dead letter names, where it can be read."""
    try:
        change = Change.from_json(str(message))
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()
    return {str(ref) for ref in (change.ref, change.aggregate) if ref is not None}


def _shows(link: Link, email: str) -> bool:
    wanted = conflicts.mark("email", email)
    bases = (conflicts.from_json(link.facts.get(side)) for side in (STORE_BASE, ERP_BASE))
    return any(
        "email" in base and conflicts.mark("email", base["email"]) == wanted for base in bases
    )
