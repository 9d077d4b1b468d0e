"""What the poll of a store has told of its orders, and which of them are open.

The poll reads the newest orders again and again, and the open ones now and then. An order's state
that was queued once need not be queued again while its message is on its way; one that is settled
leaves the list when it is no longer met.

A value of ``control`` per store, ``poll:{store}:orders``, and one of its products, written by the
run that holds the lease.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from accord.model.change import Change
from accord.ports.state import Control, Link, Seen
from accord.sync.cursor import AHEAD

GRACE = dt.timedelta(minutes=2)
"""A webhook may still come for what is younger: the store sends once a minute."""
OVERLAP = dt.timedelta(minutes=3)
"""A record may appear that much later than the time it bears: a checkout that takes long."""
MOST_OPEN = 5_000  # 40 bytes each, of the 400 KB that a value may have; beyond, the oldest go
_MOST_UNHEARD = 200
_A_MINUTE = 3  # of them: a busy store's last hour is remembered too
_FOUND_AFTER = 15 * 60  # seconds: an order is found here some minutes after its own time
POLLED = "poll-"
"""What the correlation id of a change begins with that a poll told of."""
_OURS = (POLLED, "backfill-")  # whoever looked for what no webhook told
HEARD: Mapping["Topic", str] = {"created": "heard_created", "updated": "heard_updated"}
"""Of an order's webhooks: topic → the fact of a link."""
Topic = Literal["created", "updated"]
_CYCLE = dt.timedelta(minutes=30)  # the open orders are gone through no more often than that


class _Held(TypedDict):
    """``orders``: id → [mark, told (seconds since 1970), 1 while it is open].

    The open ones are gone through from the id ``next`` to ``last``, since ``began``. ``unheard``:
    the last times at which an order was found that no webhook had told of. ``heard``: when the
    latest order was placed that one had told of, 0 for none. ``topics``: the same two of each
    topic; ``unheard`` and ``heard`` of both together are what the release before this one reads.
    """

    next: int
    last: int
    began: int
    orders: dict[str, tuple[str, int, int]]
    unheard: list[int]
    heard: int
    topics: dict[str, "_Topic"]


class _Topic(TypedDict):
    unheard: list[int]
    heard: int


def is_seen(link: Link | None, seen: Seen) -> bool:
    """Whether the link says that this state, or a later one, was handled."""
    known = link.seen if link is not None else None
    if known is None or known.modified_at is None or seen.modified_at is None:
        return False
    if seen.modified_at == known.modified_at:
        return not known.digest or seen.digest == known.digest
    return seen.modified_at < known.modified_at


def is_ripe(at: dt.datetime, now: dt.datetime) -> bool:
    """Old enough, or so far ahead of our clock that it would not be for long."""
    return not now - GRACE < at <= now + AHEAD


@dataclass(slots=True)
class Told:
    """The orders of one store that are open, or were met by the last runs; or its ``what``."""

    store: str
    control: Control
    what: str = "orders"
    _held: _Held = field(init=False)
    _version: int | None = None
    _text: str = ""
    _met: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        found = self.control.get(self.name)
        self._held = _Held(next=1, last=0, began=0, orders={}, unheard=[], heard=0, topics={})
        if found is not None:
            self._text, self._version = found
            self._held = json.loads(self._text)
            self._held.setdefault("heard", 0)  # earlier releases kept none
            self._held.setdefault("topics", {})

    @property
    def name(self) -> str:
        """Of the value in ``control``."""
        return f"poll:{self.store}:{self.what}"

    def told_at(self, id_: str, state: str) -> dt.datetime | None:
        """When the order was told of in that state; None if it was not."""
        mark, at, _ = self._held["orders"].get(id_, ("", 0, 0))
        return dt.datetime.fromtimestamp(at, dt.UTC) if at and mark == _mark(state) else None

    def met(self, id_: str, state: str, *, is_open: bool, told_at: dt.datetime | None) -> None:
        """The order was read in that state; ``told_at``: when it was queued, None if it was not."""
        at = int(told_at.timestamp()) if told_at is not None else 0
        self._held["orders"][id_] = (_mark(state), at, int(is_open))
        self._met.add(id_)

    def found(self, at: dt.datetime, topic: Topic = "created") -> None:
        """An order was found that no webhook of ``topic`` had told of. A few of a minute are
        remembered."""
        held = self._topic(topic)
        held["unheard"] = _with(held["unheard"], at)
        self._held["unheard"] = _with(self._held["unheard"], at)

    def has_met(self, id_: str) -> bool:
        """Whether the order is known from an earlier reading."""
        return id_ in self._held["orders"]

    def heard(self, placed_at: dt.datetime) -> None:
        """An order of then was handled before it was first read here."""
        self._held["heard"] = max(self._held["heard"], int(placed_at.timestamp()))

    def heard_by(self, facts: Mapping[str, str], placed_at: dt.datetime) -> None:
        """What an order's link says of the webhooks that told of it; see ``heard_facts``."""
        for topic, fact in HEARD.items():
            if text := facts.get(fact):
                at = placed_at if topic == "created" else dt.datetime.fromisoformat(text)
                held = self._topic(topic)
                held["heard"] = max(held["heard"], int(at.timestamp()))

    def unheard(self, since: dt.datetime, until: dt.datetime) -> int:
        """How many orders that no webhook told of were found between the two, as far as it is
        remembered: of the topic that is missed the most. None of a topic that told of any order
        since the first of them."""
        return max(
            (_missed(topic, since, until) for topic in self._held["topics"].values()), default=0
        )

    def _topic(self, topic: Topic) -> _Topic:
        return self._held["topics"].setdefault(topic, _Topic(unheard=[], heard=0))

    def drop(self, id_: str) -> None:
        """It is not there any more."""
        self._held["orders"].pop(id_, None)

    def open_slice(self, size: int, now: dt.datetime) -> list[str]:
        """The next of the open orders by id, at most ``size``; none while it is not yet time."""
        held = self._held
        opened = sorted(int(id_) for id_, (_, _, is_open) in held["orders"].items() if is_open)
        left = [id_ for id_ in opened if held["next"] <= id_ <= held["last"]]
        if not left and opened and now.timestamp() - held["began"] >= _CYCLE.total_seconds():
            held["began"], held["last"], left = int(now.timestamp()), opened[-1], opened
        taken = left[:size]
        held["next"] = taken[-1] + 1 if taken else held["last"] + 1
        return [str(id_) for id_ in taken]

    def save(self, *, forget: bool = False) -> None:
        """Remembers it. ``forget``: those that are not open and were not met by this run."""
        orders = self._held["orders"]
        if forget:
            orders = {id_: it for id_, it in orders.items() if it[2] or id_ in self._met}
        if len(orders) > MOST_OPEN:
            last = sorted(orders, key=lambda id_: (orders[id_][2], int(id_)))[-MOST_OPEN:]
            orders = {id_: orders[id_] for id_ in last}
        self._held["orders"] = orders
        text = json.dumps(self._held, separators=(",", ":"))
        if text != self._text:
            self._version = self.control.put(self.name, text, version=self._version)
            self._text = text


def heard_facts(change: Change) -> dict[str, str]:
    """What a link keeps of the webhook that ``change`` is of; nothing where it is of none.

    ``heard_created`` and ``heard_updated``: the time of the state that it told of.
    """
    if change.replay or change.correlation_id.startswith(_OURS) or change.modified_at is None:
        return {}
    at = change.modified_at.isoformat()
    return {fact: at for topic, fact in HEARD.items() if change.event == f"order_{topic}"}


def _with(times: Sequence[int], at: dt.datetime) -> list[int]:
    second = int(at.timestamp())
    if sum(second - each < 60 for each in times) >= _A_MINUTE:
        return list(times)
    return [*times, second][-_MOST_UNHEARD:]


def _missed(topic: _Topic, since: dt.datetime, until: dt.datetime) -> int:
    found = [at for at in topic["unheard"] if since.timestamp() <= at <= until.timestamp()]
    return 0 if not found or topic["heard"] >= min(found) - _FOUND_AFTER else len(found)


def _mark(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()[:10]
