"""What every part of the customer flow works with: the ports, one change's turn, a link's facts."""

import datetime as dt
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from accord.errors import PermanentError
from accord.model.change import Change, Ref
from accord.model.party import Address, Party, Profile
from accord.ports.erp import ErpAdapter
from accord.ports.queues import Queues
from accord.ports.state import Attention, Control, Journal, Link, Links, Payloads, Seen, Steps
from accord.ports.store import Customer, Store
from accord.rules import config
from accord.rules.people import CustomerRules
from accord.sync.fingerprint import natural_key
from accord.sync.parties import BESIDE, GONE, STORE_BASE, Parties
from accord.sync.reading import customer_of
from accord.sync.resolve import FORGOTTEN, Asker
from accord.sync.steps import Writer
from accord.sync.turn import Invocation, Story, recovering
from accord.sync.worker import WAKE

_FRESH = dt.timedelta(minutes=5)  # a body that was told longer ago is read anew

# Facts of an account's link, beside those of ``parties`` and ``resolve``.
WROTE = "wrote"  # the last writes: to which side, when
HELD = "held"  # since when nothing is written: something else writes it too
TROUBLE = "trouble"
CLAIMS = "claims"  # the natural keys that lead to the party
PARTY_ARCHIVED = "archived"  # by us, because of that


@dataclass(slots=True)
class Turn:
    """One change's turn at one customer."""

    customer: Ref
    change: Change
    run: Invocation
    story: Story
    account: tuple[Customer, Seen] | None = None  # once it was read

    @property
    def by_person(self) -> bool:
        """A person sent it again: what we held back for them goes on."""
        return bool(self.change.replay) and self.change.replay != WAKE

    @property
    def from_store(self) -> bool:
        return self.change.ref.kind == "customer"

    @property
    def is_repeated(self) -> bool:
        """It was asked for, or an earlier try may have ended half way: it is never an echo."""
        return bool(self.change.replay) or self.run.attempt > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerPorts:
    """One store's customers and the parties of its back office."""

    name: str
    rules: config.Store
    erp_name: str
    erp: ErpAdapter
    store: Store
    links: Links
    steps: Steps
    control: Control
    payloads: Payloads
    attention: Attention
    journal: Journal
    queues: Queues
    clock: Callable[[], dt.datetime]

    @classmethod
    def of(cls, ports: "CustomerPorts") -> Self:
        """The same ports for another part of the flow."""
        return cls(**{field.name: getattr(ports, field.name) for field in fields(CustomerPorts)})

    @property
    def asker(self) -> Asker:
        return Asker(self.attention, self.payloads, self.clock)

    @property
    def writer(self) -> Writer:
        return Writer(self.steps, self.clock, functools.cache(lambda: recovering(self.control)))

    @property
    def parties(self) -> Parties:
        return Parties(
            store=self.name,
            store_key=self.rules.key,
            erp_name=self.erp_name,
            erp=self.erp,
            links=self.links,
            control=self.control,
            writer=self.writer,
            rules=self.rules.customers,
        )

    def saved(
        self, link: Link, facts: Mapping[str, str | None], *, seen: Seen | None = None
    ) -> Link:
        """The link with ``facts`` changed; None removes one."""
        merged = {**link.facts, **facts}
        kept = {name: text for name, text in merged.items() if text is not None}
        return self.links.save(replace(link, facts=kept, seen=seen or link.seen))

    def read_account(self, link: Link | None, turn: Turn) -> tuple[Customer, Seen] | None:
        """The account as it stands: what was carried if that is surely the newest, else read."""
        change = turn.change
        carried = change.document if turn.from_store else None
        seen = link.seen if link is not None else None
        newer = seen is None or (
            change.modified_at is not None
            and seen.modified_at is not None
            and change.modified_at > seen.modified_at
        )
        if carried is not None and newer and self.clock() - change.seen_at <= _FRESH:
            customer = customer_of(self.store, carried, link)
            return customer, Seen(change.modified_at, change.digest)
        answer = self.store.get_customer(turn.customer.id)
        return None if answer is None else self.account(*answer, link)

    def account(
        self, document: dict[str, Any], digest: str, link: Link | None
    ) -> tuple[Customer, Seen]:
        """A customer as the store answered, under the mends of ``link``."""
        customer = customer_of(self.store, document, link)
        return customer, Seen(customer.modified_at, digest)

    def read_party(self, link: Link) -> tuple[Profile, str]:
        """The link's party and its version. Raises: PermanentError: it is gone."""
        assert link.erp is not None
        found = self.erp.profile(link.erp)
        if found is None:
            raise PermanentError(
                f"{link.erp} is not there any more, and {link.ref} is linked with it; make it "
                "anew in the back office under the same number, or dismiss this",
                reason="party_gone",
                owner="commerce",
            )
        return found

    def beside(self, customer: Ref, party: Ref) -> Iterator[Link]:
        """The links of the party's other accounts, in this store and others, the newest first."""
        met: set[Ref] = set()
        at = self.links.find(party)
        while at is not None and at not in met:
            met.add(at)
            link = self.links.get(at)
            if link is None:
                return
            if at != customer and link.erp == party:
                yield link
            at = Ref.parse(link.facts[BESIDE]) if BESIDE in link.facts else None

    def elder(self, link: Link, account: Customer, turn: Turn) -> Ref | None:
        """The account of this store that the party was linked with first, if it is another's.

        Two accounts of one store are two people (of one company, say): only one of them is kept
        alike with the party, or each would write over the other. Who comes after an account that
        is gone is the same person if the e-mail address is, or if a person says so.
        """
        key = natural_key("email", account.profile.email or "")
        first: Ref | None = None
        met = {link.ref}
        at = link.facts.get(BESIDE)
        while at is not None and (ref := Ref.parse(at)) not in met:
            met.add(ref)
            other = self.links.get(ref)
            if other is None:
                break
            is_same = bool({GONE, FORGOTTEN} & other.facts.keys()) and (
                turn.by_person
                or STORE_BASE in link.facts
                or key in other.facts.get(CLAIMS, "").split(",")
            )
            if ref.system == self.name and other.erp == link.erp and not is_same:
                first = ref
            at = other.facts.get(BESIDE)
        return first


def is_customer(customer: Customer, rules: CustomerRules) -> bool:
    """Whether the user's role is one that is followed."""
    return customer.role in rules.roles


def party_of(profile: Profile, account: str | None) -> Party:
    """Who has that profile, as a party is matched and made."""
    billing = profile.billing or Address()
    return Party(
        name=profile.name or "",
        company=profile.company or "",
        email=profile.email or "",
        phone=profile.phone or "",
        vat_number=profile.vat_number or "",
        customer_id=account,
        billing=billing,
        shipping=profile.shipping or billing,
    )
