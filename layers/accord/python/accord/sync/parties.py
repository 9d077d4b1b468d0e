"""Who bought becomes one party of the back office: matched, else made under a claim."""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from accord.errors import (
    BusyError,
    DisagreementError,
    DuplicateError,
    PermanentError,
    StaleVersionError,
)
from accord.model.change import Ref
from accord.model.documents import Kind, PartyDocument, Record, SalesOrder
from accord.model.party import Address, Party, plain_vat_number
from accord.ports.erp import ErpAdapter
from accord.ports.state import Control, Link, Links, Seen, Step
from accord.rules.people import CustomerRules
from accord.sync.fingerprint import natural_key
from accord.sync.steps import Promise, Result, Writer, to_record, to_result

MADE = "made"  # fact of an account's link: its party was made for it by us, and of what
OF_ACCOUNT, OF_ORDER = "1", "order"
BESIDE = "beside"  # fact of an account's link: the account that its party was linked with before
GONE = "gone"  # fact of an account's link: since when it is no longer in the store
STORE_BASE = "store_base"  # facts of an account's link: what each side showed
ERP_BASE = "erp_base"
ERP_VERSION = "erp_version"
PENDING = "pending"  # a merge that is being written: its step, and marks of what goes where
INSTEAD = "instead_of"  # fact of a claim: the party that it led to, and that is gone
ADDRESS = "address:"  # head of a fact: where the address of this fingerprint is
_ADDRESSES_KEPT = 50  # on a link; an older one costs a look at the back office
_CODES_TRIED = 50  # of parties that the back office already had under our pattern's codes
_SHORTEST_VAT = 5  # letters and digits that can tell one company from all others


@dataclass(frozen=True, slots=True)
class Known:
    """The party of an order, and where its two addresses are."""

    ref: Ref
    billing: str
    shipping: str
    made: bool = False


@dataclass(frozen=True, slots=True)
class Parties:
    """Finds or makes the party of an order, once for all who order at the same time."""

    store: str
    store_key: str
    erp_name: str
    erp: ErpAdapter
    links: Links
    control: Control
    writer: Writer
    rules: CustomerRules
    home: bool = True  # the store's own back office, whose parties its customers are linked with

    def of(
        self, order: SalesOrder, *, owner: str, until: dt.datetime, doubted: bool = False
    ) -> Known:
        """The order's party with both its addresses.

        ``doubted``: the order met trouble, so what is remembered of its party is asked anew.

        Raises:
            BusyError: another worker is making this very party; it takes moments.
            PermanentError: nobody to book it on, or two parties answer to one natural key.
        """
        party = order.party
        if party.code:
            return self._fixed(party.code, order, "is mended", "party")
        if party.is_nobody:
            return self._fixed(self.rules.nobody, order, "does not say who bought", "nobody")
        if party.customer_id is None and self.rules.guests is not None:
            return self._fixed(self.rules.guests, order, "is a guest's", "guests")
        keys = self._keys(party)
        if not keys:
            return self._fixed(self.rules.nobody, order, "has no e-mail address", "nobody")
        wanted = (party.billing, party.shipping)
        if doubted:
            self._correct(keys, owner=owner, until=until)
        link = self.links.get(keys[0])
        if link is not None and link.erp is not None:
            known = _complete(link, wanted)
            if known is not None:
                return known
        known = self._claimed(party, keys, wanted, owner=owner, until=until, made_of=OF_ORDER)
        assert known is not None  # it was made if there was none
        return known

    def of_account(
        self, party: Party, *, owner: str, until: dt.datetime, make: bool
    ) -> Known | None:
        """The party of an account of the store, linked with it; None if there is none to ``make``.

        Raises: as ``of``; PermanentError also where nothing tells who has the account.
        """
        keys = self._keys(party)
        if party.is_nobody or not keys:
            raise PermanentError(
                f"account {party.customer_id} of {self.store} has neither an e-mail address nor "
                "another key of `match`; complete it in the store, then replay",
                reason="nobody",
                owner="commerce",
            )
        wanted = (party.billing, party.shipping)
        return self._claimed(party, keys, wanted, owner=owner, until=until, make=make)

    def claim(self, party: Party, ref: Ref, *, owner: str, until: dt.datetime) -> None:
        """Makes the natural keys of ``party`` lead to ``ref``, so that its orders find it.

        Raises:
            BusyError: another worker holds one of them.
            DisagreementError: one leads to another party already.
        """
        with self.hold(self.keys_of(party), owner=owner, until=until) as held:
            self.lead(held.values(), ref)

    def lead(self, claims: Iterable[Link], ref: Ref) -> None:
        """Makes ``claims``, which are held, lead to ``ref``.

        Raises: DisagreementError: one leads to another party already.
        """
        for claim in claims:
            if claim.erp is None:
                self.links.save(replace(claim, erp=ref))
            elif claim.erp != ref and self.now(claim.erp) == ref:
                self.links.save(moved(claim, ref))
            elif claim.erp != ref:
                raise DisagreementError(
                    f"{ref} has an e-mail address or VAT number that {claim.erp} is known by; "
                    "merge the two in the back office, or correct one, then replay",
                    reason="double_party",
                    owner="commerce",
                )

    def now(self, party: Ref) -> Ref | None:
        """The party itself, the one that it was merged into, or None when it is gone."""
        record = self.erp.get(party)
        return None if record is None else record.ref

    def _correct(self, keys: Sequence[Ref], *, owner: str, until: dt.datetime) -> None:
        """What leads to a party that was merged into another, or is gone, no longer does."""
        with self.hold(keys, owner=owner, until=until) as held:
            now = {link.erp: self.now(link.erp) for link in held.values() if link.erp is not None}
            for key, link in held.items():
                if link.erp is not None and now[link.erp] != link.erp:
                    held[key] = self.links.save(moved(link, now[link.erp]))

    @contextmanager
    def hold(
        self, keys: Sequence[Ref], *, owner: str, until: dt.datetime
    ) -> Iterator[dict[Ref, Link]]:
        """The links of ``keys`` under our lease for a while; what is saved goes into the dict.

        Raises: BusyError: another worker holds one of them.
        """
        held: dict[Ref, Link] = {}
        try:
            for key in sorted(keys):  # one order for all, so that two never hold half each
                held[key] = self._acquire(key, owner=owner, until=until)
            yield held
        finally:
            for link in held.values():
                self.links.abandon(link)

    def keys_of(self, party: Party) -> list[Ref]:
        """The natural keys of ``party`` by the rules, in their order."""
        return [
            Ref(self.erp_name, "party_key", natural_key(by, value))
            for by, value in self._values(party)
        ]

    def _keys(self, party: Party) -> list[Ref]:
        """What the party may be known by, surest first: the store's account, then natural keys."""
        keys = []
        if party.customer_id is not None:
            account = party.customer_id
            keys.append(
                Ref(self.store, "customer", account)
                if self.home
                else Ref(self.erp_name, "account_key", f"{self.store}:{account}")
            )
        return keys + self.keys_of(party)

    def _acquire(self, key: Ref, *, owner: str, until: dt.datetime) -> Link:
        link = self.links.acquire(
            key,
            key=f"{self.store_key}-p",
            owner=owner,
            now=self.writer.clock(),
            until=until,
            seen=Seen(None),
        )
        if link is None:
            raise BusyError(f"the party of {key} is being made")
        return link

    def _values(self, party: Party) -> list[tuple[Literal["email", "vat_number"], str]]:
        """The natural keys that the rules match by and the party has, in the rules' order."""
        vat_number = party.vat_number if tells_company(party.vat_number) else ""
        values = {"email": party.email, "vat_number": vat_number}
        return [(by, values[by]) for by in self.rules.match if values[by]]

    def _claimed(
        self,
        party: Party,
        keys: Sequence[Ref],
        wanted: tuple[Address, Address],
        *,
        owner: str,
        until: dt.datetime,
        make: bool = True,
        made_of: str = OF_ACCOUNT,
    ) -> Known | None:
        """With every key of the party leased, so that nobody else makes it meanwhile.

        An order links its account with nobody else's party, whatever address it was placed with:
        the order alone goes there, as a guest's would.
        """
        with self.hold(keys, owner=owner, until=until) as held:
            linked = next((held[key] for key in keys if held[key].erp is not None), None)
            made = False
            if linked is not None and linked.erp is not None:
                ref, addresses = linked.erp, dict(_addresses(linked))
            else:
                # The natural key that most orders of the shopper share: a party half made for one
                # of them is found by the next, whatever else that one knows.
                claim = next((key for key in keys if key.kind == "party_key"), keys[0])
                record, made = self._match(party), False
                if record is None and not make:
                    return None
                if record is None:
                    step = f"{self.erp_name}:party:{claim}"
                    if before := held[claim].facts.get(INSTEAD):
                        step = f"{step}:{before}"
                    record, made = self._make(party, step), True
                ref, addresses = record.ref, dict(record.addresses)
            for address in filter(None, wanted):
                id_ = addresses.pop(address.fingerprint, None)  # the used ones go last, and stay
                addresses[address.fingerprint] = id_ or self.erp.add_address(ref, address)
            kept = list(addresses.items())[-_ADDRESSES_KEPT:]
            where = {f"{ADDRESS}{print_}": id_ for print_, id_ in kept}
            account = keys[0]
            by_order = made_of == OF_ORDER and held[account].erp is None
            strange = by_order and self._is_anothers(account, ref)
            for key in keys:
                link = held[key]
                if link.erp is not None and key != keys[0]:
                    continue
                if key == account and strange:
                    continue
                facts = {
                    name: text for name, text in link.facts.items() if not name.startswith(ADDRESS)
                }
                if key.kind == "customer" and link.erp != ref:
                    facts |= self.beside(key, ref)
                    if made:
                        facts[MADE] = made_of
                held[key] = self.links.save(replace(link, erp=ref, facts={**facts, **where}))
            known = _complete(replace(held[keys[0]], erp=ref, facts=where), wanted)
            assert known is not None  # every wanted address was just added
            return replace(known, made=made)

    def _is_anothers(self, account: Ref, party: Ref) -> bool:
        """Whether ``party`` is linked with another account of this store, which still is there."""
        if account.kind != "customer":
            return False
        found = self.links.find(party)
        met: set[Ref] = set()
        while found is not None and found not in met:
            met.add(found)
            link = self.links.get(found)
            if link is None:
                return False
            is_there = link.erp == party and GONE not in link.facts
            if is_there and found != account and found.system == account.system:
                return True
            found = Ref.parse(link.facts[BESIDE]) if BESIDE in link.facts else None
        return False

    def beside(self, account: Ref, party: Ref) -> dict[str, str]:
        """A fact: the account that the party was linked with before, in this store or another."""
        other = self.links.find(party)
        return {} if other is None or other == account else {BESIDE: str(other)}

    def _match(self, party: Party) -> Record | None:
        for by, _ in self._values(party):
            hits = self.erp.match(party, by)
            if len(hits) > 1:
                numbers = ", ".join(hit.number for hit in hits)
                raise DisagreementError(
                    f"{len(hits)} parties have the same {by.replace('_', ' ')} ({numbers}); merge "
                    "them in the back office, then replay",
                    reason="double_party",
                    owner="commerce",
                )
            if hits:
                return hits[0]
        return None

    def _make(self, party: Party, step: str) -> Record:
        promise = Promise(
            self.erp.capabilities.duplicates[Kind.PARTY],
            self.erp.capabilities.settle,
            self.erp.capabilities.search_lag,
        )

        def find(step: Step) -> Result | None:
            hits = self.erp.find(Kind.PARTY, step.intent["code"])
            if hits and not step.fresh and not self._values(party):
                # Nothing to know it by, but the code was ours, and the other side took it.
                return to_result(hits[0])
            ours = next((hit for hit in hits if self._is(hit, party)), None)
            return to_result(ours) if ours else None

        def do(step: Step) -> Result:
            return to_result(self.erp.create(PartyDocument(party), key=step.intent["code"]))

        for _ in range(_CODES_TRIED):
            intent = {"code": self._next_code(party)}
            try:
                made = self.writer.once(step, promise, find=find, do=do, intent=intent)
                return to_record(made)
            except DuplicateError:  # someone else's party has this code: the next one
                self.writer.steps.withdraw(step)
        raise PermanentError(
            f"no free account code by the pattern {self.rules.code!r} after {_CODES_TRIED} tries; "
            f"widen code in [stores.{self.store}.customers], then replay",
            reason="no_account_code",
        )

    def _is(self, record: Record, party: Party) -> bool:
        """Whether a party found by our code is this shopper, and no stranger of the same code."""
        if party.email and record.emails:
            return party.email.casefold() in {email.casefold() for email in record.emails}
        return any(
            hit.ref == record.ref
            for by, _ in self._values(party)
            for hit in self.erp.match(party, by)
        )

    def _next_code(self, party: Party) -> str:
        """An account code that we never gave: a counter per prefix, moved by conditional write."""
        first = account_code(self.rules.code, party, store=self.store_key, n=0)
        name = f"code:{self.erp_name}:{first}"
        for _ in range(_CODES_TRIED):
            held = self.control.get(name)
            n = int(held[0]) + 1 if held else 1
            try:
                self.control.put(name, str(n), version=held[1] if held else None)
            except StaleVersionError:
                continue  # another took this number
            return account_code(self.rules.code, party, store=self.store_key, n=n)
        raise BusyError(f"too many parties at once want a code like {first}")

    def _fixed(self, code: str | None, order: SalesOrder, what: str, rule: str) -> Known:
        """The party that the rules name, with this order's addresses: goods go to the shopper.

        They are not kept on a link, which would grow with every guest.
        """
        table = f"[stores.{self.store}.customers]"
        if code is None:
            raise PermanentError(
                f"order {order.number} {what}; name an account for such orders: {rule} in {table}, "
                "then replay",
                reason="nobody",
                owner="commerce",
            )
        hits = self.erp.find(Kind.PARTY, code)
        if not hits:
            change = "mend the order's party" if order.party.code else f"change {rule} in {table}"
            raise PermanentError(
                f"the back office has no party with the code {code!r}; make it there, or {change}, "
                "then replay",
                reason="no_such_party",
            )
        record = hits[0]
        home = next((id_ for _, id_ in record.addresses), None)
        ids = []
        for address in (order.party.billing, order.party.shipping):
            if not address and home is None:
                home = self.erp.add_address(record.ref, Address(name=order.party.display_name))
            ids.append(self.erp.add_address(record.ref, address) if address else home or "")
        return Known(record.ref, ids[0], ids[1])


def tells_company(vat_number: str) -> bool:
    """Whether it can be a VAT number at all: ``n/a`` or ``0`` would make one party of all who
    typed that."""
    plain = plain_vat_number(vat_number)
    return len(plain) >= _SHORTEST_VAT and len({char for char in plain if char.isdigit()}) > 1


def moved(link: Link, party: Ref | None) -> Link:
    """``link`` to another party, without what it knew of the one before."""
    of_party = {STORE_BASE, ERP_BASE, ERP_VERSION, PENDING}
    facts = {
        name: text
        for name, text in link.facts.items()
        if name not in of_party and not name.startswith(ADDRESS)
    }
    if party is None and link.erp is not None:
        facts[INSTEAD] = link.erp.id  # its making is remembered, and must not be believed
    return replace(link, erp=party, facts=facts)


def _addresses(link: Link) -> Mapping[str, str]:
    return {
        name.removeprefix(ADDRESS): id_
        for name, id_ in link.facts.items()
        if name.startswith(ADDRESS)
    }


def _complete(link: Link, wanted: tuple[Address, Address]) -> Known | None:
    """The party, if all wanted addresses are known; a missing address is any it has."""
    addresses = _addresses(link)
    some = next(iter(addresses.values()), "")
    ids = [addresses.get(each.fingerprint) if each else some for each in wanted]
    if link.erp is None or ids[0] is None or ids[1] is None:
        return None
    return Known(link.erp, ids[0], ids[1])


def account_code(pattern: str, party: Party, *, store: str, n: int) -> str:
    """The ``n``-th code by ``pattern`` for ``party``; 0 leaves the number out.

    ``{name:4}`` is the first four letters or digits of the name in capitals, accents removed,
    filled up with X; ``{n:02}`` the number; ``{store}`` the store's key.
    """
    plain = unicodedata.normalize("NFKD", party.display_name).encode("ascii", "ignore").decode()
    letters = re.sub(r"[^A-Za-z0-9]", "", plain).upper()

    def fill(found: re.Match[str]) -> str:
        name, spec = found[1], found[2] or ""
        if name == "store":
            return store.upper()
        if name == "name":
            width = int(spec or 4)
            return letters[:width].ljust(width, "X")
        return format(n, spec) if n else ""

    return re.sub(r"\{(name|n|store)(?::(\w+))?\}", fill, pattern)
