"""An account and a party that are not linked yet: which of them are one customer."""

from dataclasses import dataclass, replace

from accord.errors import DisagreementError
from accord.model.change import Change, Ref
from accord.model.party import Profile
from accord.ports.state import Link, Step
from accord.sync.customer_ports import PARTY_ARCHIVED, CustomerPorts, Turn, is_customer, party_of
from accord.sync.outcome import Skipped
from accord.sync.parties import ADDRESS, MADE, moved
from accord.sync.resolve import ARCHIVED, FORGOTTEN
from accord.sync.steps import Promise, Result
from accord.sync.turn import Invocation, Story

_FORGOTTEN = Skipped("it was forgotten on request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching(CustomerPorts):
    """By the link, then the natural keys, which are claimed before anything is made."""

    def link_account(self, turn: Turn) -> Skipped | None:
        """Links the account with its party, found or made; None, or why there is none."""
        rules = self.rules.customers
        known = self.links.get(turn.customer)
        if known is not None and not self.is_followed(turn, known.facts.get(FORGOTTEN)):
            return _FORGOTTEN
        turn.account = self.read_account(known, turn)
        if turn.account is None:
            return Skipped("it is gone from the store")
        customer, _ = turn.account
        if not is_customer(customer, rules):
            return Skipped(f"a user of the role {customer.role!r} is no customer")
        party = party_of(customer.profile, customer.ref.id)
        if not self._may_claim(turn, self.parties.keys_of(party)):
            return _FORGOTTEN
        found = self.parties.of_account(
            party, owner=turn.run.id, until=turn.run.lease_until, make=rules.create_in_erp
        )
        if found is None:
            return Skipped("it has no party; create_in_erp leaves that to its first order")
        turn.story.tell("step", f"{'made' if found.made else 'matched'} {found.ref}")
        if any(PARTY_ARCHIVED in link.facts for link in self.beside(turn.customer, found.ref)):
            self.tell_archived(turn.customer, found.ref)
        return None

    def link_party(self, change: Change, run: Invocation, story: Story) -> Turn | Skipped:
        """Links a party with the account of its e-mail address, or a new one; the turn of both."""
        rules = self.rules.customers
        found = self.erp.profile(change.ref)
        if found is None:
            return Skipped("it is not there any more")
        profile = found[0]
        if not profile.email:
            return Skipped("a party without an e-mail address has no account")
        there = self.store.find_customer(profile.email)
        if there is None and not rules.create_in_store:
            return Skipped("it has no account in the store")
        account = None
        if there is not None:
            ref = Ref(self.name, "customer", str(there[0]["id"]))
            account = self.account(*there, self.links.get(ref))
        if account is not None and not is_customer(account[0], rules):
            return Skipped("the user of its e-mail address is no customer")
        parties = self.parties
        keys = parties.keys_of(party_of(profile, None))
        if not keys:
            return Skipped("it has none of the keys of `match`")
        hits = self.erp.match(party_of(profile, None), "email")
        if change.ref not in {hit.ref for hit in hits}:
            return Skipped("it is archived, or one of many with its e-mail address")
        if not self._may_claim(Turn(change.ref, change, run, story), keys):
            return _FORGOTTEN
        with parties.hold(keys, owner=run.id, until=run.lease_until) as claims:
            if account is None and any(
                _is_of_orders(claim, change.ref) for claim in claims.values()
            ):
                return Skipped("it was made for orders, and who ordered has no account")
            parties.lead(claims.values(), change.ref)
            customer = account[0].ref if account else self._make_account(change.ref, profile)
            self._tie(customer, change.ref, run, made=account is None)
        story.tell("step", f"{change.ref} is {customer}")
        return Turn(customer, replace(change, aggregate=customer), run, story, account)

    def is_followed(self, turn: Turn, forgotten: str | None) -> bool:
        """Whether nobody asked to forget it, or a person said since that it is followed again."""
        if forgotten is None or turn.by_person:
            return True
        self.asker.ask(
            turn.customer,
            FORGOTTEN,
            f"{turn.customer} was forgotten on request on {forgotten[:10]} and was changed or made "
            "anew since; nothing was taken over. Replay this to follow it again, or delete it",
            correlation_id=turn.change.correlation_id,
        )
        return False

    def tell_archived(self, customer: Ref, party: Ref) -> None:
        """A party that we archived is in use again, and only a person can make it active."""
        self.asker.ask(
            customer,
            ARCHIVED,
            f"{party} was archived when its account was deleted, and {customer} is the same "
            "customer's; make the party active again, then replay this",
        )

    def _may_claim(self, turn: Turn, keys: list[Ref]) -> bool:
        """False when one of ``keys`` was forgotten, and a person was asked."""
        for key in keys:
            claim = self.links.get(key)
            forgotten = None if claim is None else claim.facts.get(FORGOTTEN)
            if not self.is_followed(turn, forgotten):
                return False
            if forgotten is not None:
                with self.parties.hold(
                    [key], owner=turn.run.id, until=turn.run.lease_until
                ) as held:
                    self.saved(held[key], {FORGOTTEN: None})
        return True

    def _make_account(self, party: Ref, profile: Profile) -> Ref:
        """A new account; the store keeps an e-mail address only once, so it is made once."""

        def find(_: Step) -> Result | None:
            there = self.store.find_customer(profile.email or "")
            return None if there is None else {"id": str(there[0]["id"])}

        def do(_: Step) -> Result:
            return {"id": str(self.store.create_customer(profile)[0]["id"])}

        step = f"{self.rules.key}-{party.kind}-{party.id}:account"
        made = self.writer.once(step, Promise("refused", self.store.settle), find=find, do=do)
        return Ref(self.name, "customer", str(made["id"]))

    def _tie(self, customer: Ref, party: Ref, run: Invocation, *, made: bool) -> None:
        with self.parties.hold([customer], owner=run.id, until=run.lease_until) as held:
            link = held[customer]
            before = link.erp or party
            if before != party and self.parties.now(before) == party:
                link = moved(link, party)
            if link.erp is not None and link.erp != party:
                raise DisagreementError(
                    f"{customer} has the e-mail address of {party} and is linked with {link.erp}; "
                    "merge the two parties in the back office, or correct one, then replay",
                    reason="double_party",
                    owner="commerce",
                )
            facts: dict[str, str | None] = {**self.parties.beside(customer, party)}
            if made:
                facts[MADE] = "store"
            self.saved(replace(link, erp=party), facts)


def _is_of_orders(claim: Link, party: Ref) -> bool:
    """Whether orders led the claim there: only they leave addresses on it."""
    return claim.erp == party and any(name.startswith(ADDRESS) for name in claim.facts)
