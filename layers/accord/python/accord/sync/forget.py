"""One shopper's personal data, found in what Accord keeps and taken out of it.

What stays, and why: the ids of what is linked, with fingerprints of addresses, so that no second
party is ever made and the books still lead to the store; the hash of the e-mail address, marked, so
that a later change of the same shopper is put before a person and not taken over silently; the
journal, which holds none. Party and documents of the back office, and the account and orders of the
store, are theirs: Accord names them and leaves them.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from accord.model.change import Ref
from accord.ports.state import (
    Attention,
    Documents,
    Entry,
    Item,
    Journal,
    Kept,
    Link,
    Links,
    Mend,
    Parked,
    Payloads,
    Waiting,
)
from accord.ports.store import Store
from accord.sync import conflicts
from accord.sync.customer_ports import CLAIMS, PARTY_ARCHIVED
from accord.sync.fingerprint import content, natural_key, parts, to_fact
from accord.sync.in_hand import in_hand
from accord.sync.mends import impersonal
from accord.sync.parties import ADDRESS, BESIDE, ERP_BASE, GONE, STORE_BASE
from accord.sync.reading import order_of
from accord.sync.resolve import FORGOTTEN, emptied

_KEPT_FACTS = frozenset({BESIDE, GONE, PARTY_ARCHIVED, FORGOTTEN})
_REMOVED = "removed at the shopper's request"


@dataclass(frozen=True, slots=True)
class Shop:
    """One store and the back office that its customers are parties of."""

    store: Store
    erp_name: str


@dataclass(slots=True)
class Plan:
    """What is there of one shopper. Nothing of it is personal data itself, so it may be printed."""

    accounts: list[Link] = field(default_factory=list)
    claims: list[Link] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    waiting: list[Parked] = field(default_factory=list)
    documents: list[Kept] = field(default_factory=list)
    in_stores: list[Ref] = field(default_factory=list)
    mended: list[Link] = field(default_factory=list)  # orders with mends that may name the shopper

    @property
    def is_empty(self) -> bool:
        """Nothing of ours is to be changed."""
        ours = (
            self.accounts,
            self.claims,
            self.items,
            self.waiting,
            self.documents,
            self.mended,
        )
        return not any(ours)

    @property
    def parties(self) -> list[Ref]:
        """Who the shopper is in the back offices."""
        links = (*self.accounts, *self.claims)
        return sorted({link.erp for link in links if link.erp is not None})

    def removed(self) -> list[tuple[str, str]]:
        """Where, and what goes away there."""
        found = [
            (f"link {link.ref}", "what both sides last showed, and what waits to be written")
            for link in self.accounts
        ]
        found += [(f"attention {item.id}", "its message and its payload") for item in self.items]
        found += [
            (f"waiting {parked.change.ref}", "its change, which may carry a document")
            for parked in self.waiting
        ]
        found += [
            (f"mends of {link.ref}", "those of the address, the e-mail address and the like")
            for link in self.mended
        ]
        found += [
            (f"document {kept.object_name}", "the file and its link") for kept in self.documents
        ]
        return found

    def remains(self) -> list[tuple[str, str]]:
        """Where something stays, and why."""
        found = [
            (f"party {party}", "its documents are in the books, which the law has kept for years")
            for party in self.parties
        ]
        found += [
            (f"account {ref}", "it is the store's: erase it there (Tools, Erase personal data)")
            for ref in self.in_stores
        ]
        found += [
            (f"link {link.ref}", "ids and fingerprints, so that no second party is made")
            for link in self.accounts
        ]
        found += [
            (f"document of {link.ref}", "it keeps what was mended: correct it in the back office")
            for link in self.mended
            if link.erp is not None
        ]
        if self.claims:
            why = "marked, so that a later change is put before a person"
            found.append(("hash of the e-mail address", why))
        found.append(("documents of orders that were not named", "they lapse by themselves"))
        found.append(("attention items that are closed", "they lapse by themselves, within a year"))
        found.append(("backups and earlier versions", "they lapse by themselves, within 35 days"))
        return found


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

    def plan(self, email: str, *, orders: Sequence[Ref] = ()) -> Plan:
        """What is there of the shopper with that address. ``orders`` are theirs, in the stores.

        Raises: UnavailableError, UnauthorizedError: a store could not be asked for the account.
        """
        plan = Plan()
        accounts: dict[Ref, Link] = {}
        for shop in self.shops:
            key = natural_key("email", email)
            claim = self.links.get(Ref(shop.erp_name, "party_key", key))
            if claim is not None and claim not in plan.claims:
                plan.claims.append(claim)
            for link in self._accounts(claim, key, email):
                accounts[link.ref] = link
            there = shop.store.find_customer(email)
            if there is not None:
                ref = Ref(shop.store.name, "customer", str(there[0]["id"]))
                plan.in_stores.append(ref)
                if (known := self.links.get(ref)) is not None:
                    accounts[ref] = known
        plan.accounts = [accounts[ref] for ref in sorted(accounts)]
        subjects = [*accounts, *plan.parties, *orders]
        plan.items = list(self._items(email, {str(ref) for ref in subjects}))
        parked = (self.waiting.get(ref) for ref in (*accounts, *plan.parties))
        plan.waiting = [each for each in parked if each is not None]
        links = (self.links.get(order) for order in orders)
        plan.mended = [
            link for link in links if link is not None and impersonal(link.mends) != link.mends
        ]
        plan.documents = [kept for order in orders for kept in self.documents.of(str(order))]
        return plan

    def carry_out(self, plan: Plan, *, by: str) -> None:
        """Removes what ``plan`` names. ``by`` is who asks, and when.

        Raises: BusyError: one of the links is in work this moment; doing it again goes on.
        UnavailableError, UnauthorizedError: a store could not be asked for a mended order; as well.
        """
        now = self.clock()
        for link in (
            *plan.claims,
            *plan.accounts,
        ):  # the marker first: nothing comes back meanwhile
            self._strip(link.ref, now, by)
        for link in plan.mended:
            with in_hand(self.links, link.ref, by=by, now=now) as held:
                left = impersonal(held.mends)
                self.links.save(replace(held, mends=left, facts=self._facts(held, left)))
        for item in plan.items:
            emptied(item, self.payloads, now)
            self.attention.put(replace(item, message=_REMOVED, payload="", updated_at=now))
            self.attention.close(item.id, now=now, by=f"forget, {by}")
        for parked in plan.waiting:
            self.waiting.remove(parked)
        for kept in plan.documents:
            self.documents.revoke(kept.token)
        told = {"links": len(plan.accounts), "items": len(plan.items)}
        self.journal.append(
            [
                Entry(link.ref, now, "ended", "forgotten on request", "forget", told)
                for link in plan.accounts
            ]
        )

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

    def _accounts(self, claim: Link | None, key: str, email: str) -> Iterator[Link]:
        """The accounts with that address among those of its party, which others may share."""
        met: set[Ref] = set()
        at = self.links.find(claim.erp) if claim is not None and claim.erp is not None else None
        while at is not None and at not in met:
            met.add(at)
            link = self.links.get(at)
            if link is None:
                return
            if key in link.facts.get(CLAIMS, "").split(",") or _shows(link, email):
                yield link
            at = Ref.parse(link.facts[BESIDE]) if BESIDE in link.facts else None

    def _items(self, email: str, subjects: set[str]) -> Iterator[Item]:
        wanted = email.casefold()
        for item in self.attention.open():
            held = self.payloads.get(item.payload) if item.payload else None
            text = f"{item.message} {json.dumps(held, ensure_ascii=False)}".casefold()
            if item.subject in subjects or wanted in text:
                yield item

    def _strip(self, ref: Ref, now: dt.datetime, by: str) -> None:
        if self.links.get(ref) is None:
            return
        with in_hand(self.links, ref, by=by, now=now) as link:
            facts = {
                name: text
                for name, text in link.facts.items()
                if name in _KEPT_FACTS or name.startswith(ADDRESS)
            }
            facts.setdefault(FORGOTTEN, now.isoformat())
            self.links.save(replace(link, facts=facts, seen=None, mends=()))


def _shows(link: Link, email: str) -> bool:
    wanted = conflicts.mark("email", email)
    bases = (conflicts.from_json(link.facts.get(side)) for side in (STORE_BASE, ERP_BASE))
    return any(
        "email" in base and conflicts.mark("email", base["email"]) == wanted for base in bases
    )
