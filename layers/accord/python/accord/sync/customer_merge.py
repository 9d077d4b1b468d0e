"""The two sides of one customer, compared, written and remembered, under the customer's lease."""

import datetime as dt
import functools
import itertools
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from accord.errors import TransientError
from accord.model.change import Change, Ref
from accord.model.documents import Kind
from accord.model.party import Profile
from accord.ports.state import Link, Seen, Step
from accord.ports.store import Customer
from accord.sync import conflicts
from accord.sync.conflicts import FIELDS, Conflict, Merge, Shown, Side, Value, merge
from accord.sync.customer_ports import (
    CLAIMS,
    HELD,
    TROUBLE,
    WROTE,
    CustomerPorts,
    Turn,
    party_of,
)
from accord.sync.outcome import Conflicted, Merged, Outcome, Skipped
from accord.sync.parties import (
    ERP_BASE,
    ERP_VERSION,
    GONE,
    MADE,
    PENDING,
    STORE_BASE,
)
from accord.sync.resolve import CONFLICT, DECIDED, PING_PONG, decisions_of, described
from accord.sync.steps import Promise, Result

_SECOND = dt.timedelta(seconds=1)  # the grain of the store's times
_PAGES = 5  # of parties that changed since: more is a bulk change, whose order tells nothing
_PAGE = 100
_TO_AND_FRO = 6  # writes in turn, to one side and the other
_TO_AND_FRO_WITHIN = dt.timedelta(minutes=30)
_NEVER_MADE_UP = ("phone", "vat_number")
_ROUNDS = 3  # when somebody writes to the store while we do


@dataclass(frozen=True, slots=True)
class Sides:
    """What both sides show now."""

    account: Customer
    seen: Seen
    party: Profile
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging(CustomerPorts):
    """Three-way merge of one customer; see ``conflicts``."""

    def agree(self, link: Link, turn: Turn, sides: Sides) -> Outcome:
        """Both sides say the same, but for what a person must settle."""
        to_store: set[str] = set()
        to_erp: set[str] = set()
        for _ in range(_ROUNDS):
            store, erp = self._with_bases(link, sides)
            due = self.due(link, turn.change, store, erp, sides.account.modified_at)
            if due.to_store or due.to_erp:
                if self._goes_to_and_fro(link, turn, due):
                    return self._hold(link, turn, due, store, erp)
                link = self._intend(link, turn, due)
            read, sides = sides, self._write(link, turn, due, sides)
            disturbed = _differ(read.account.profile, sides.account.profile, due.to_store)
            link = self._remember(link, due, read, sides, disturbed=disturbed)
            to_store |= due.to_store.keys()
            to_erp |= due.to_erp.keys()
            if not disturbed:
                break
        self._claim(link, turn, sides)
        if due.conflicts:
            return self._ask(link, turn, due.conflicts, sides.account.modified_at)
        return Merged(_in_order(to_store), _in_order(to_erp))

    def due(
        self, link: Link, change: Change, store: Shown, erp: Shown, store_at: dt.datetime
    ) -> Merge:
        """What is due by the rules; the records' times are asked for only where they decide."""
        rules = self.rules.customers
        decide = functools.partial(
            merge,
            store,
            erp,
            {field: getattr(rules.fields, field) for field in FIELDS},
            decisions=decisions_of(link),
        )
        due = decide()
        if due.undated:
            assert link.erp is not None
            newer = self._newer(link.erp, store_at, change)
            due = decide(newer=newer, prefers=rules.prefers)
        if due.to_store.get("email") == "":  # an account cannot be without: it keeps its own
            kept = {field: value for field, value in due.to_store.items() if field != "email"}
            due = replace(due, to_store=kept)
        return due

    # --- read -----------------------------------------------------------------

    def _with_bases(self, link: Link, sides: Sides) -> tuple[Shown, Shown]:
        """Both sides with their bases, as if what broke off had ended well or not begun."""
        store = Shown(sides.account.profile, conflicts.from_json(link.facts.get(STORE_BASE)))
        erp = Shown(sides.party, conflicts.from_json(link.facts.get(ERP_BASE)))
        made = link.facts.get(MADE)
        if made and not store.base and not erp.base:
            # One was made of the other: where they differ, that is the maker's way of keeping it.
            base = _first_base(store, is_made=made == "store")
            base = {field: base[field] for field in base if not _was_filled_in(field, store, erp)}
            # It may have been made of an order that goes elsewhere, or a person wrote since then.
            if made != "store":
                base |= _told_otherwise(store, erp)
            store = Shown(store.profile, base)
            erp = Shown(erp.profile, _first_base(erp, is_made=made != "store"))
        if PENDING in link.facts:
            pending = json.loads(link.facts[PENDING])
            settle = self.store.settle  # the back office refuses a late write by its version
            to_erp = self._answer(f"{pending['step']}:erp").get("version") or None
            to_store = self._answer(f"{pending['step']}:store", settle).get("digest") or None
            erp, store = conflicts.resumed(
                erp, store, pending["erp"], is_answer=to_erp == sides.version
            )
            store, erp = conflicts.resumed(
                store, erp, pending["store"], is_answer=to_store == sides.seen.digest
            )
        return store, erp

    def _answer(self, step: str, settle: dt.timedelta = dt.timedelta(0)) -> Result:
        """What an earlier try's write was answered, empty where it was not.

        Raises: TransientError: it may still take effect.
        """
        found = self.steps.begin(step, now=self.clock(), intent={})
        if found.fresh:
            self.steps.withdraw(step)
            return {}
        left = (found.at + settle - self.clock()).total_seconds()
        if found.result is None and left > 0:
            raise TransientError(
                "an unanswered write may still take effect", retry_after=left, reason="settling"
            )
        return found.result or {}

    def _newer(self, party: Ref, store_at: dt.datetime, change: Change) -> Side | None:
        """The side that was written last, by the records' times; None when they do not tell."""
        if Kind.PARTY not in self.erp.capabilities.tells:
            at = change.modified_at if change.ref == party else None
            if at is None or store_at <= at < store_at + _SECOND:
                return None
            return "erp" if at > store_at else "store"
        since, after = store_at, ""
        for _ in range(_PAGES):
            page = self.erp.changes(Kind.PARTY, since, after=after, limit=_PAGE)
            hit = next((news for news in page if news.ref == party), None)
            if hit is not None:
                return "erp" if hit.at >= store_at + _SECOND else None
            if len(page) < _PAGE:
                return "store"  # the party did not change since
            since, after = page[-1].at, page[-1].ref.id
        return None

    # --- write ----------------------------------------------------------------

    def _intend(self, link: Link, turn: Turn, due: Merge) -> Link:
        """The link saying what is about to be written, so that a later try knows it again."""
        pending = {
            "step": f"{self.rules.key}-c{link.ref.id}:{turn.run.id}:{link.version}",
            "store": _marks(due.to_store),
            "erp": _marks(due.to_erp),
        }
        return self.saved(link, {PENDING: json.dumps(pending), WROTE: self._history(link, due)})

    def _write(self, link: Link, turn: Turn, due: Merge, sides: Sides) -> Sides:
        """Writes what is due; both sides as they answered."""
        assert link.erp is not None
        if due.to_erp:
            party, version = self._tell_erp(link, due.to_erp, sides.version)
            turn.story.tell("step", f"to {link.erp}: {', '.join(due.to_erp)}")
            sides = replace(sides, party=party, version=version)
        if due.to_store:
            account, seen = self._tell_store(link, due.to_store)
            turn.story.tell("step", f"to {link.ref}: {', '.join(due.to_store)}")
            sides = replace(sides, account=account, seen=seen)
        return sides

    def _tell_erp(
        self, link: Link, values: Mapping[str, Value], version: str
    ) -> tuple[Profile, str]:
        answers: list[tuple[Profile, str]] = []
        party = link.erp
        assert party is not None

        def do(_: Step) -> Result:
            changes = conflicts.to_profile(values)
            answers.append(self.erp.update_profile(party, changes, version=version))
            return {"version": answers[0][1]}

        self._once(link, "erp", values, do)
        return answers[0]

    def _tell_store(self, link: Link, values: Mapping[str, Value]) -> tuple[Customer, Seen]:
        answers: list[tuple[Customer, Seen]] = []

        def do(_: Step) -> Result:
            changes = conflicts.to_profile(values)
            answers.append(self.account(*self.store.put_customer(link.ref.id, changes), link))
            return {"digest": answers[0][1].digest}

        self._once(link, "store", values, do)
        return answers[0]

    def _once(
        self, link: Link, side: Side, values: Mapping[str, Value], do: Callable[[Step], Result]
    ) -> None:
        """Runs the step of the intent that ``_intend`` wrote; it is this run's own."""
        settle = self.store.settle if side == "store" else self.erp.capabilities.settle
        self.writer.once(
            f"{json.loads(link.facts[PENDING])['step']}:{side}",
            Promise("same_answer", settle),
            find=lambda _: None,
            do=do,
            intent={"fields": sorted(values)},
        )

    def _remember(
        self, link: Link, due: Merge, read: Sides, now: Sides, *, disturbed: bool
    ) -> Link:
        """The link with new bases: of what we wrote the answer, of all else what was merged.

        ``disturbed``: somebody wrote other fields of the account meanwhile; that is not seen yet.
        """
        asked = {each.field for each in due.conflicts}
        if CONFLICT in link.facts and not asked:
            self.asker.close([link.ref], only={CONFLICT})
        answered = {field: getattr(now.account.profile, field) for field in due.to_store}
        store = Shown(
            replace(read.account.profile, **answered),
            conflicts.from_json(link.facts.get(STORE_BASE)),
        )
        erp = Shown(now.party, conflicts.from_json(link.facts.get(ERP_BASE)))
        return self.saved(
            link,
            {
                STORE_BASE: conflicts.to_json(conflicts.rebased(store, except_=asked)),
                ERP_BASE: conflicts.to_json(conflicts.rebased(erp, except_=asked)),
                ERP_VERSION: now.version,
                CONFLICT: ",".join(sorted(asked)) or None,
                **dict.fromkeys((PENDING, TROUBLE, DECIDED, GONE, MADE)),
            },
            seen=None if disturbed else now.seen,
        )

    def _claim(self, link: Link, turn: Turn, sides: Sides) -> None:
        """A new e-mail address or VAT number leads to the party: the next order finds it."""
        assert link.erp is not None
        party = party_of(sides.account.profile, link.ref.id)
        party = replace(party, vat_number=party.vat_number or sides.party.vat_number or "")
        claims = ",".join(key.id for key in self.parties.keys_of(party))
        if claims != link.facts.get(CLAIMS, ""):
            self.parties.claim(party, link.erp, owner=turn.run.id, until=turn.run.lease_until)
            self.saved(link, {CLAIMS: claims})

    # --- a person's turn --------------------------------------------------------

    def _ask(
        self, link: Link, turn: Turn, asked: tuple[Conflict, ...], store_at: dt.datetime
    ) -> Outcome:
        assert link.erp is not None
        fields = tuple(each.field for each in asked)
        self.asker.ask(
            link.ref,
            CONFLICT,
            f"{link.ref} and {link.erp} were both changed: {', '.join(fields)}. See both values "
            "with `accord attention show --full`; `accord attention resolve` takes --take store, "
            "--take erp, or --take and the right value",
            payload=described(link.ref, link.erp, asked, written=_written(turn, store_at)),
            correlation_id=turn.change.correlation_id,
        )
        return Conflicted(fields)

    def _goes_to_and_fro(self, link: Link, turn: Turn, due: Merge) -> bool:
        """Writes go to one side and the other in turn, faster than people write."""
        if turn.by_person or DECIDED in link.facts:
            return False
        history = [entry.partition("@") for entry in self._history(link, due).split(",")]
        began = dt.datetime.fromisoformat(history[0][2])
        return (
            len(history) >= _TO_AND_FRO
            and self.clock() - began <= _TO_AND_FRO_WITHIN
            and all(a[0] != b[0] or a[0] == "both" for a, b in itertools.pairwise(history))
        )

    def _history(self, link: Link, due: Merge) -> str:
        """The last writes with this one: ``erp@2026-11-22T16:00:00+00:00,store@…``."""
        side = "both" if due.to_store and due.to_erp else "store" if due.to_store else "erp"
        before = link.facts.get(WROTE, "")
        entries = [*filter(None, before.split(",")), f"{side}@{self.clock().isoformat()}"]
        return ",".join(entries[-_TO_AND_FRO:])

    def _hold(self, link: Link, turn: Turn, due: Merge, store: Shown, erp: Shown) -> Outcome:
        assert link.erp is not None
        fields = _in_order({*due.to_store, *due.to_erp})
        disputed = [
            Conflict(
                field,
                store.value(field) or "",
                erp.value(field) or "",
                store.base.get(field, ""),
                erp.base.get(field, ""),
            )
            for field in fields
        ]
        minutes = _TO_AND_FRO_WITHIN.total_seconds() / 60
        self.asker.ask(
            link.ref,
            PING_PONG,
            f"{', '.join(fields)} of {link.ref} went to and fro {_TO_AND_FRO} times within "
            f"{minutes:.0f} minutes, so it is held: another program writes it too. Stop that one, "
            "then run `accord attention resolve` with --take store or --take erp",
            payload=described(link.ref, link.erp, disputed, written=_written(turn, None)),
            correlation_id=turn.change.correlation_id,
            owner="ops",
        )
        self.saved(link, {HELD: self.clock().isoformat()})
        return Skipped("it goes to and fro, and is held until a person has looked at it")


def _written(turn: Turn, store_at: dt.datetime | None) -> dict[str, dt.datetime | None]:
    return {"store": store_at, "erp": None if turn.from_store else turn.change.modified_at}


def _first_base(side: Shown, *, is_made: bool) -> dict[str, str]:
    """What a side shows that was just made of the other, or was made of. What the maker left empty
    is still to be filled."""
    base = conflicts.rebased(side)
    return {field: text for field, text in base.items() if not is_made or side.value(field)}


def _was_filled_in(field: str, store: Shown, erp: Shown) -> bool:
    """A person filled it in since the party was made: nothing makes up these by itself."""
    return field in _NEVER_MADE_UP and not store.value(field) and bool(erp.value(field))


def _told_otherwise(store: Shown, erp: Shown) -> dict[str, str]:
    """What the party holds where the account contradicts it: as bases, the account is the newer."""
    return {
        field: conflicts.kept(field, theirs)
        for field in FIELDS
        if (ours := store.value(field))
        and (theirs := erp.value(field))
        and not conflicts.alike(ours, theirs)
    }


def _marks(values: Mapping[str, Value]) -> dict[str, str]:
    return {field: conflicts.mark(field, value) for field, value in values.items()}


def _differ(before: Profile, after: Profile, written: Collection[str]) -> bool:
    """Whether fields changed that we did not write."""
    after_ = Shown(after, conflicts.rebased(Shown(before, {})))
    return any(field not in written for field in after_.changed)


def _in_order(fields: Collection[str]) -> tuple[str, ...]:
    return tuple(field for field in FIELDS if field in fields)
