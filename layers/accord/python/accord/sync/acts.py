"""What a person does about an attention item or an order: replay, mend, dismiss.

Each act is told to the journal of the order and remembered on the item, with who did it and why.
What follows from it is an ordinary change; success closes the item by itself.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from accord.errors import BadInputError
from accord.model.change import Change, Ref
from accord.model.documents import SalesOrder
from accord.model.party import Profile
from accord.ports.queues import Queues
from accord.ports.state import Attention, Entry, Item, Journal, Link, Links, Mend
from accord.sync import mends
from accord.sync.in_hand import in_hand

_EVENTS = {  # what an item of an older release was about, by its ref's kind
    "customer": "customer_changed",
    "party": "customer_changed",
    "refund": "refund_issued",
}
_MENDED = frozenset({"order", "refund", "customer"})
# What a mend may say in the journal. All others may be personal data.
_TOLD = ("lines.", "party", "payment_")


@dataclass(frozen=True, slots=True)
class Target:
    """What an act is about: ``ref``, a part of ``aggregate`` or whole, and the item that says so.

    ``event`` is the change that a replay sends.
    """

    ref: Ref
    event: str
    aggregate: Ref | None = None
    item: Item | None = None

    @classmethod
    def of(cls, item: Item) -> Self:
        """What ``item`` is about.

        Raises: BadInputError: of many that wait, or of nothing that can be sent.
        """
        if item.subject.startswith("waiting:"):
            raise BadInputError(
                f"{item.id}: many wait for {item.subject.partition(':')[2]}; they go on by "
                "themselves once its cause is mended, and then it closes"
            )
        if item.subject.startswith("message:"):
            raise BadInputError(
                f"{item.id}: the message could not be read, so it cannot be sent again; look at it "
                f"with `accord attention show {item.id}`, then dismiss it"
            )
        if item.subject.count(":") < 2:
            raise BadInputError(
                f"{item.id}: it is about {item.subject}, no record that can be sent again; it "
                "closes by itself once what it says is mended"
            )
        ref = Ref.parse(item.subject)
        aggregate = Ref.parse(item.aggregate) if item.aggregate else None
        return cls(ref, item.event or _EVENTS.get(ref.kind, "order_updated"), aggregate, item)

    @classmethod
    def named(cls, text: str) -> Self:
        """An order or a customer by its ref, ``uk:order:30``. Raises: BadInputError: it is none."""
        parts = text.split(":")
        if len(parts) != 3 or parts[1] not in {"order", "customer"} or not all(parts):
            raise BadInputError(
                f"{text!r} names nothing; give an item's id, or an order or customer such as "
                "uk:order:30"
            )
        ref = Ref(*parts)
        return cls(ref, _EVENTS.get(ref.kind, "order_updated"))

    @property
    def story(self) -> Ref:
        """Whose journal and link it belongs to."""
        return self.aggregate or self.ref


@dataclass(frozen=True, slots=True)
class Acts:
    """``order`` and ``profile`` read the store; ``key`` is the external key of a new link.

    They are asked only where something is mended.
    """

    attention: Attention
    links: Links
    queues: Queues
    journal: Journal
    clock: Callable[[], dt.datetime]
    order: Callable[[Ref], SalesOrder | None]
    profile: Callable[[Ref], Profile | None]
    key: Callable[[Ref], str]

    # --- replay, dismiss --------------------------------------------------------

    def replay(self, target: Target, *, by: str, why: str = "") -> None:
        """Sends it through again, to be read from its system."""
        self._tell(target, "replayed", by, why)
        self._send(target, by)

    def dismiss(self, item: Item, *, by: str, why: str) -> bool:
        """Closes it until its content changes. False: it was closed meanwhile.

        Raises: BadInputError: something waits, and would be forgotten with it.
        """
        if item.subject.startswith("waiting:"):
            Target.of(item)  # says why not
        if not self.attention.dismiss(item.id, now=self.clock(), by=by, why=why):
            return False
        try:
            target = Target.of(item)
            self._tell(target, f"dismissed {item.reason}", by, why)
            if target.ref.kind == "order":  # what it claimed for that ends
                self._send(target, by, is_replay=False)
        except BadInputError:  # it is about no record that has a story
            self.attention.act(item.id, self._acted("dismissed", by, why))
        return True

    def resolved(self, target: Target, fields: Sequence[str], *, by: str, why: str = "") -> None:
        """Tells that it was settled whose value of ``fields`` holds."""
        self._tell(target, f"resolved {', '.join(fields)}", by, why)

    # --- mend -------------------------------------------------------------------

    def check(self, target: Target, values: Mapping[str, str]) -> list[Mend]:
        """The mends that ``values`` would lay over the target; nobody has made them yet.

        Raises: BadInputError: a field, a value or a line that is not there; the message names what
            is.
        """
        kind = target.ref.kind
        if kind == "refund" and target.aggregate is None:
            raise BadInputError(f"{target.ref}: nothing says of which order it is; mend the order")
        found = [
            Mend(name, mends.checked(kind, name, text), "", self.clock())
            for name, text in values.items()
        ]
        if kind == "customer":
            profile = self.profile(target.ref)
            if profile is None:
                raise BadInputError(f"{target.ref} is not in the store any more")
            return [replace(each, was=mends.shown(profile, each.path)) for each in found]
        order = self.order(target.story)
        if order is None:
            raise BadInputError(f"{target.story} is not in the store any more")
        for each in found:
            mends.check_fits(order, each.path)
        if kind == "refund":
            return [replace(each, path=mends.of_refund(target.ref, each.path)) for each in found]
        return found

    def mend(
        self,
        target: Target,
        laid: Sequence[Mend] = (),
        *,
        lifted: Sequence[str] = (),
        by: str,
        why: str,
    ) -> Link:
        """The target's link with ``laid`` over it and the fields ``lifted`` taken back; replayed.

        Raises: BadInputError: a field is not mended. BusyError: it is in work this moment.
        """
        now = self.clock()
        key = self.key(target.story)
        with in_hand(self.links, target.story, by=by, now=now, key=key) as held:
            found = held.mends
            for name in lifted:
                found = mends.lifted(found, name)
            for each in laid:
                found = mends.laid(found, replace(each, by=by, at=now, why=why))
            link = self.links.save(replace(held, mends=found))
        said = [f"{each.path}{_value(each)}" for each in laid]
        said += [f"{name} as in the store again" for name in lifted]
        self._tell(target, f"mended {', '.join(said)}", by, why)
        self._send(target, by)
        return link

    # --- told -------------------------------------------------------------------

    def _send(self, target: Target, by: str, *, is_replay: bool = True) -> None:
        now = self.clock()
        who = f"{by} {now.isoformat()}"
        name = target.item.id if target.item is not None else str(target.ref)
        change = Change(
            ref=target.ref,
            event=target.event,
            seen_at=now,
            correlation_id=f"replay-{name}" if is_replay else f"dismissal-{name}",
            replay=who if is_replay else "",
            aggregate=target.aggregate,
        )
        self.queues.put(change, sending=f"replay:{name}:{who}")

    def _tell(self, target: Target, what: str, by: str, why: str) -> None:
        item = target.item
        details = {"by": by, **({"why": why} if why else {}), **({"item": item.id} if item else {})}
        entry = Entry(
            target.story,
            self.clock(),
            "step",
            what,
            f"act-{item.id if item else 'by-ref'}",
            details,
        )
        self.journal.append([entry])
        if item is not None:
            self.attention.act(item.id, self._acted(what, by, why))

    def _acted(self, what: str, by: str, why: str) -> str:
        text = f"{what} by {by} at {self.clock():%F %H:%M} UTC"
        return (f"{text}: {why}" if why else text)[:300]


def is_mendable(target: Target) -> bool:
    """Whether there is a link to lay a mend on, and fields of it."""
    return target.ref.kind in _MENDED


def _value(mend: Mend) -> str:
    return f" to {mend.value}" if mend.path.startswith(_TOLD) else ""
