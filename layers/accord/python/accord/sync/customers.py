"""A customer's account in the store and their party in the back office say the same.

Read the side that changed, compare with what it showed before, and only then read the other; merge,
write what is due to each, remember what each answered. A lost delivery costs time, not truth: the
store cannot be asked which customers changed, so such a change is found at the customer's next
change or by a backfill, which both read the account as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from accord.errors import AccordError, BusyError, PermanentError
from accord.model.change import Change, Ref
from accord.ports.state import Link, Seen, Step
from accord.sync import conflicts
from accord.sync.conflicts import Shown
from accord.sync.customer_match import Matching
from accord.sync.customer_merge import Merging, Sides
from accord.sync.customer_ports import (
    HELD,
    PARTY_ARCHIVED,
    TROUBLE,
    WROTE,
    CustomerPorts,
    Turn,
    is_customer,
)
from accord.sync.outcome import Archived, Done, Merged, Outcome, Shadowed, Skipped
from accord.sync.parties import ERP_BASE, ERP_VERSION, GONE, PENDING, STORE_BASE
from accord.sync.resolve import ASKED, CONFLICT, DECIDED, FORGOTTEN, PING_PONG
from accord.sync.steps import Promise, Result
from accord.sync.turn import Invocation, Story, waits_for_flow

_UNSETTLED = (PENDING, TROUBLE, CONFLICT, DECIDED, GONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Customers(CustomerPorts):
    """The flow of one store's customers and the parties of its back office, both ways."""

    def post(self, change: Change, run: Invocation) -> Done:
        """Everything that is due for the change's customer, in one pass.

        ``change.ref`` is the account (``uk:customer:2``) or the party (``main:party:7``), then with
        the account as its aggregate, or without where the party is linked with none.

        Raises: AccordError: what could not go on; the lease is given up, nothing is lost.
        """
        flow = self.rules.flows.customers
        waits_for_flow(flow, change, store=self.name, name="customers")
        if flow == "off":
            return Done(Skipped("the flow is off"))
        customer = self._customer_of(change)
        if customer is not None and customer != change.ref:
            change = replace(change, aggregate=customer)
        story = Story(self.journal, self.clock, change)
        try:
            if flow == "shadow":
                outcome = self._shadow(customer, change, run, story)
                story.tell("ended", str(outcome))
                return Done(outcome)
            return self._post(customer, change, run, story)
        except AccordError as error:
            whose = f"for {error.owner}" if isinstance(error, PermanentError) else "not now"
            story.tell("ended", f"{error.reason}: {whose}")
            raise
        finally:
            story.flush()

    def _customer_of(self, change: Change) -> Ref | None:
        """The account that a change is about, None where the party is linked with none of ours."""
        if change.ref.kind == "customer":
            return change.ref
        linked = change.aggregate or self.links.find(change.ref)
        ours = linked is not None and (linked.system, linked.kind) == (self.name, "customer")
        return linked if ours else None

    def _post(self, customer: Ref | None, change: Change, run: Invocation, story: Story) -> Done:
        matching = Matching.of(self)
        skipped: Skipped | None = None
        if customer is None:
            met = matching.link_party(change, run, story)
            if isinstance(met, Turn):
                return self._hold(met)
            skipped = met
        else:
            turn = Turn(customer, change, run, story)
            if not turn.from_store:
                self._forward(turn)
            link = self.links.get(customer)
            if link is None or link.erp is None:
                skipped = matching.link_account(turn)
            if skipped is None:
                return self._hold(turn)
        story.tell("ended", str(skipped))
        settles = bool(change.replay) or run.attempt > 1
        if settles:
            self.asker.renew(customer or change.ref)
        return Done(skipped, settles=settles)

    def _hold(self, turn: Turn) -> Done:
        """The turn under the customer's lease."""
        link = self.links.acquire(
            turn.customer,
            key=f"{self.rules.key}-p",
            owner=turn.run.id,
            now=self.clock(),
            until=turn.run.lease_until,
            seen=Seen(turn.change.modified_at, turn.change.digest),
        )
        if link is None:
            # An order of the customer has it, who leaves no word for us: it comes again.
            raise BusyError(f"{turn.customer} is held by another worker")
        settles = turn.is_repeated or TROUBLE in link.facts
        try:
            turn.story.tell("begun", turn.change.event, attempt=turn.run.attempt)
            outcome = self._take(link, turn)
            turn.story.tell("ended", str(outcome))
            turn.story.flush()  # before the lease goes: what dies after it is never told again
            if settles:
                self._settle(turn.customer, link.erp)
        except PermanentError:
            self._remember_trouble(turn)
            raise
        finally:
            self.links.abandon(link)  # whoever was kept out meanwhile comes again by itself
        return Done(outcome, settles=settles)

    def _take(self, link: Link, turn: Turn) -> Outcome:
        if not Matching.of(self).is_followed(turn, link.facts.get(FORGOTTEN)):
            return Skipped("it was forgotten on request")
        if HELD in link.facts and not (turn.by_person or DECIDED in link.facts):
            return Skipped("it goes to and fro, and is held until a person has looked at it")
        if {HELD, FORGOTTEN} & link.facts.keys():
            self.asker.close([turn.customer], only={PING_PONG, FORGOTTEN})
            link = self.saved(link, {HELD: None, WROTE: None, FORGOTTEN: None})
        if not turn.from_store and link.erp != turn.change.ref:
            return Skipped(f"{turn.customer} is linked with {link.erp}")
        return self._from_store(link, turn) if turn.from_store else self._from_erp(link, turn)

    # --- the side that changed, then the other ------------------------------------

    def _from_store(self, link: Link, turn: Turn) -> Outcome:
        quiet = _is_quiet(link, turn)
        if quiet and turn.account is None and _is_old(link, turn.change):
            return Skipped("seen before")
        account = turn.account or self.read_account(link, turn)
        if account is None:
            return self._deleted(link)
        customer, seen = account
        if not is_customer(customer, self.rules.customers):
            return Skipped(f"a user of the role {customer.role!r} is no customer")
        store = Shown(customer.profile, conflicts.from_json(link.facts.get(STORE_BASE)))
        if quiet and not store.changed:
            self.saved(link, {}, seen=seen)
            return Skipped("nothing changed that both sides keep")
        assert link.erp is not None
        if PARTY_ARCHIVED in link.facts:  # the very account is back
            Matching.of(self).tell_archived(link.ref, link.erp)
            link = self.saved(link, {PARTY_ARCHIVED: None})
        if elder := self.elder(link, customer, turn):
            self.saved(link, {TROUBLE: None}, seen=seen)
            return Skipped(f"{link.erp} is kept alike with {elder}")
        return Merging.of(self).agree(link, turn, Sides(*account, *self.read_party(link)))

    def _from_erp(self, link: Link, turn: Turn) -> Outcome:
        quiet = _is_quiet(link, turn)
        if GONE in link.facts:
            return Skipped("its account is gone from the store")
        version = turn.change.digest
        if quiet and version and version == link.facts.get(ERP_VERSION):
            return Skipped("seen before")
        party = self.read_party(link)
        erp = Shown(party[0], conflicts.from_json(link.facts.get(ERP_BASE)))
        if quiet and not erp.changed:
            self.saved(link, {ERP_VERSION: party[1]})
            return Skipped("nothing changed that both sides keep")
        account = turn.account or self.read_account(link, turn)
        if account is None:
            return self._deleted(link)
        if not is_customer(account[0], self.rules.customers):
            return Skipped(f"a user of the role {account[0].role!r} is no customer")
        if elder := self.elder(link, account[0], turn):
            self.saved(link, {TROUBLE: None}, seen=account[1])
            return Skipped(f"{link.erp} is kept alike with {elder}")
        return Merging.of(self).agree(link, turn, Sides(*account, *party))

    # --- several accounts, and one that is gone -----------------------------------

    def _forward(self, turn: Turn) -> None:
        """The party's other accounts are told too: who tells of a party names only the newest."""
        party = turn.change.ref
        if self.links.find(party) != turn.customer:
            return
        for link in self.beside(turn.customer, party):
            if GONE not in link.facts:
                told = turn.change.digest or turn.change.correlation_id
                again = replace(turn.change, aggregate=link.ref)
                self.queues.put(again, sending=f"beside:{party}:{link.ref}:{told}")

    def _deleted(self, link: Link) -> Outcome:
        """The account is gone: its party is archived, if no other account is linked with it."""
        party = link.erp
        assert party is not None
        others = any(GONE not in each.facts for each in self.beside(link.ref, party))
        if not others:

            def do(_: Step) -> Result:
                self.erp.archive(party)
                return {}

            self.writer.once(
                f"{self.rules.key}-c{link.ref.id}:archive",
                Promise("same_answer", self.erp.capabilities.settle),
                find=lambda _: None,
                do=do,
            )
        # What both sides showed is of no use any more, and is personal data.
        over = (STORE_BASE, ERP_BASE, ERP_VERSION, PENDING, TROUBLE, CONFLICT, DECIDED)
        facts: Mapping[str, str | None] = {
            **dict.fromkeys(over),
            GONE: link.facts.get(GONE) or self.clock().isoformat(),
            PARTY_ARCHIVED: None if others else "1",
        }
        self.asker.close([link.ref])
        self.saved(link, facts)
        return Skipped("its account is gone, its party has another") if others else Archived(party)

    # --- trouble, shadow ----------------------------------------------------------

    def _settle(self, customer: Ref, party: Ref | None) -> None:
        """An earlier trouble is over on both sides; what still stands is said to."""
        for subject in filter(None, (customer, party)):
            items = self.attention.of(str(subject))
            over = {item.reason for item in items} - ASKED
            if over:
                self.asker.close([subject], only=over)
        self.asker.renew(customer)

    def _remember_trouble(self, turn: Turn) -> None:
        """So that whatever succeeds next closes the items."""
        link = self.links.get(turn.customer)
        if link is not None and link.owner == turn.run.id:
            self.saved(link, {TROUBLE: "1"})

    def _shadow(
        self, customer: Ref | None, change: Change, run: Invocation, story: Story
    ) -> Outcome:
        """Reads, merges and compares; writes to the journal and nowhere else."""
        link = self.links.get(customer) if customer is not None else None
        if customer is None or link is None or link.erp is None:
            return Shadowed("would look for the other side and link the two")
        turn = Turn(customer, change, run, story)
        account = self.read_account(link, turn)
        if account is None:
            return Shadowed(f"would archive {link.erp}")
        if elder := self.elder(link, account[0], turn):
            return Shadowed(f"nothing: {link.erp} is kept alike with {elder}")
        store = Shown(account[0].profile, conflicts.from_json(link.facts.get(STORE_BASE)))
        erp = Shown(self.read_party(link)[0], conflicts.from_json(link.facts.get(ERP_BASE)))
        due = Merging.of(self).due(link, change, store, erp, account[0].modified_at)
        plan = str(Merged(tuple(due.to_store), tuple(due.to_erp)))
        asked = ", ".join(each.field for each in due.conflicts)
        return Shadowed(f"{plan}; would ask about {asked}" if asked else plan)


def _is_quiet(link: Link, turn: Turn) -> bool:
    """Both bases are there and nothing is unsettled: only a change asks for more."""
    known = STORE_BASE in link.facts and ERP_BASE in link.facts
    return known and not turn.is_repeated and not any(each in link.facts for each in _UNSETTLED)


def _is_old(link: Link, change: Change) -> bool:
    """The state that was handled, or an older one: our own write, or a late delivery."""
    seen = link.seen
    if seen is None or seen.modified_at is None or change.modified_at is None:
        return False
    same = bool(change.digest) and seen == Seen(change.modified_at, change.digest)
    return same or change.modified_at < seen.modified_at
