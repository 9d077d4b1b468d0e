"""Every customer of a store beside the party that it is linked with, page by page.

Which fields differ is said, and not what they hold: a report is read by many, and kept for long.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from accord.errors import BadInputError
from accord.model.change import Ref
from accord.model.party import Profile
from accord.ports.shop import Shop
from accord.ports.state import Attention, Link, Links, Waiting
from accord.ports.store import Customer, Store
from accord.rules import config
from accord.sync.backfill import CustomerReader, Line
from accord.sync.conflicts import Shown, from_json, merge
from accord.sync.customer_ports import HELD, is_customer
from accord.sync.difference import Difference, InHand, Reason
from accord.sync.parties import BESIDE, ERP_BASE, GONE, STORE_BASE
from accord.sync.reading import customer_of
from accord.sync.reconcile_hand import LAG
from accord.sync.report import Report
from accord.sync.resolve import FORGOTTEN
from accord.sync.sales import BackOffice

_LEFT_ALONE: Final = {GONE: "the account is gone", FORGOTTEN: "forgotten on request"}


@dataclass(slots=True, kw_only=True)
class _Accounts(CustomerReader):
    """The accounts of each page, as they are read."""

    found: list[dict[str, Any]] = field(default_factory=list, init=False)

    def _take(self, document: dict[str, Any], digest: str, run: str) -> Line | None:  # noqa: ARG002
        self.found.append(document)
        return None


@dataclass(slots=True, kw_only=True)
class CustomerPhase:
    """See ``reconcile.Phase``."""

    name: str
    rules: config.Store
    store: Store
    shop: Shop
    back: BackOffice
    links: Links
    waiting: Waiting
    attention: Attention
    clock: Callable[[], dt.datetime]
    report: Report
    take: Callable[[Difference, None], None]
    ended: bool = field(default=False, init=False)
    _after: str = field(default="", init=False)
    _reader: _Accounts = field(init=False)

    def __post_init__(self) -> None:
        self._reader = _Accounts(
            name=self.name,
            rules=self.rules,
            store=self.store,
            shop=self.shop,
            links=self.links,
            queues=None,
            clock=self.clock,
        )

    def mark(self) -> dict[str, Any]:
        return {"after": self._after}

    def go_on(self, mark: Mapping[str, Any]) -> None:
        self._after = mark["after"]

    def step(self) -> None:
        """The next page of accounts, their links and their parties: one call each."""
        reader = self._reader
        reader.found.clear()
        calls = reader.calls
        read = reader.read(self._after, self.report.run)
        self.report.calls["store"] += reader.calls - calls
        if read is not None:
            self._after = read.after
        self.ended = read is None or read.is_last
        links = self.links.get_all([self._ref(each) for each in reader.found])
        people = list(self._people(reader.found, links))
        self.report.compared["customers"] += len(people)
        known = [links[each.ref] for each in people if each.ref in links]
        parties = [link.erp for link in known if link.erp is not None]
        profiles: Mapping[Ref, Profile] = {}
        if parties:
            profiles = self.back.adapter.profiles(list(dict.fromkeys(parties)))
            self.report.calls[self.back.name] += 1
        for each in people:
            self._compare(each, links.get(each.ref), profiles)

    def _people(
        self, documents: Sequence[dict[str, Any]], links: Mapping[Ref, Link]
    ) -> Iterator[Customer]:
        for document in documents:
            try:
                customer = customer_of(self.store, document, links.get(self._ref(document)))
            except BadInputError:  # its own webhook says so to a person
                continue
            if is_customer(customer, self.rules.customers):
                yield customer

    def _ref(self, document: dict[str, Any]) -> Ref:
        return Ref(self.name, "customer", str(document["id"]))

    def _compare(
        self, customer: Customer, link: Link | None, profiles: Mapping[Ref, Profile]
    ) -> None:
        for fact, why in _LEFT_ALONE.items():
            if link is not None and fact in link.facts:
                self.report.skipped[why] += 1
                return
        if link is None or link.erp is None:
            if self.rules.customers.create_in_erp:
                self._tell(customer, link, "party_missing", "has an account", "no party")
            else:
                self.report.skipped["no party by rule"] += 1
            return
        party = profiles.get(link.erp)
        if party is None:
            self._tell(customer, link, "party_missing", "has an account", f"{link.erp} is gone")
            return
        if BESIDE in link.facts or self.links.find(link.erp) != customer.ref:
            self.report.skipped["another account of the same party"] += 1
            return
        store = Shown(customer.profile, from_json(link.facts.get(STORE_BASE)))
        erp = Shown(party, from_json(link.facts.get(ERP_BASE)))
        due = merge(store, erp, {})
        fields = [*due.to_store, *due.to_erp, *(each.field for each in due.conflicts)]
        if fields:
            names = ", ".join(dict.fromkeys(each.replace("_", " ") for each in fields))
            # It is told of by the side that changed: the other is then what it says.
            changed = customer.ref if due.to_erp or due.conflicts else link.erp
            says = f"its own {names}", f"another {names}"
            self._tell(customer, link, "customer_differs", *says, changed=changed)

    def _tell(
        self,
        customer: Customer,
        link: Link | None,
        reason: Reason,
        store: str,
        erp: str,
        *,
        changed: Ref | None = None,
    ) -> None:
        subject = f"customer {customer.ref.id}"
        if why := self._in_hand(customer, link):
            self.report.add_in_hand(InHand("customers", subject, str(customer.ref), why))
            return
        what = "both sides are made alike, field by field"
        if reason == "party_missing":
            what = "the party is looked for, and made if there is none"
        self.take(
            Difference(
                kind="customers",
                reason=reason,
                subject=subject,
                ref=str(customer.ref),
                store=store,
                erp=erp,
                event="customer_changed",
                target=str(changed or customer.ref),
                aggregate=str(customer.ref) if changed not in {None, customer.ref} else "",
                repair=what,
            ),
            None,
        )

    def _in_hand(self, customer: Customer, link: Link | None) -> str:
        now = self.clock()
        if link is not None and link.leased_until and link.owner and link.leased_until > now:
            return "it is being worked on this moment"
        if now - customer.modified_at < LAG:
            return "it was changed a moment ago"
        if link is not None and HELD in link.facts:
            return "it goes to and fro, and is held until a person has looked at it"
        if parked := self.waiting.get(customer.ref):
            return f"it waits ({parked.cause}): {parked.message}"
        refs = [customer.ref, *([link.erp] if link is not None and link.erp is not None else [])]
        items = [item for ref in refs for item in self.attention.of(str(ref))]
        if items:
            reasons = ", ".join(dict.fromkeys(item.reason for item in items))
            return f"it is on the attention list ({reasons}), for {items[0].owner}"
        return ""
