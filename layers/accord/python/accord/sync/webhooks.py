"""A store's webhooks, kept as the flows need them.

A store switches a webhook off after seven failures and tells nobody; somebody pauses one, deletes
it, or moves the shop. Switching it on again is not enough, since the failures before still count:
it is made anew, with the current secret, and only then is the old one deleted. What was changed
since they were last seen to be right is then read from the store.

Ours are those that go to our address, and those that bear our name. No other is touched.

One that belongs to a user who was deleted looks right, and sends errors in the place of orders. It
is known by the orders that nobody told of: then they are all made anew, once a day at the most.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from accord.errors import AccordError, StaleVersionError, UnauthorizedError
from accord.model.change import Ref
from accord.model.shop import Hook
from accord.ports.shop import Webhooks
from accord.ports.state import Attention, Control, Entry, Item, Journal
from accord.rules import config
from accord.rules.diagnosis import NEEDED, topics_of
from accord.sync.worker import item_id

_OVERLAP = dt.timedelta(minutes=10)  # before they were last right, for what was under way then
_LONGEST = dt.timedelta(days=7)  # that is read again: the poll reads on by itself all the while
_DEAF = 3  # orders that no webhook told of, in half an hour
_DEAF_FOR = dt.timedelta(minutes=45)
_LATE = dt.timedelta(minutes=15)  # that a webhook may be; an order found since then says nothing
_SETTLES = dt.timedelta(minutes=10)  # the poll finds what was missed before one was made
_ONCE = dt.timedelta(days=1)  # webhooks that look right are made anew no more often
_REASON = "webhooks_not_mended"
_TOPICS = tuple(topic for topics in NEEDED.values() for topic in topics)
_MOMENTS = ("right_at", "gap", "mended_at", "anew_at")


@dataclass(frozen=True, slots=True)
class Fix:
    """What is wrong with one topic: a webhook is to be made, or only some are too many."""

    topic: str
    why: str
    make: bool
    remove: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.topic}: {self.why}"


@dataclass(frozen=True, slots=True)
class Guarded:
    """One look: what was wrong, how many topics nobody told of, and whether it was mended, or the
    store refused it."""

    fixes: tuple[Fix, ...] = ()
    missing: int = 0
    mended: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class _Memory:
    """``made``: topic → [id of the webhook that we made, a digest of its secret].

    ``said`` is what was last said and not done. Moments: ``right_at``: all were right; ``gap``:
    since then orders must still be read again; ``mended_at``: one was made; ``anew_at``: those that
    looked right were made anew. ``doubted``: ids of those that look right and are being made anew;
    none once all are.
    """

    made: dict[str, tuple[str, str]] = field(default_factory=dict)
    right_at: dt.datetime | None = None
    gap: dt.datetime | None = None
    mended_at: dt.datetime | None = None
    anew_at: dt.datetime | None = None
    said: str = ""
    doubted: tuple[str, ...] = ()

    def to_json(self) -> str:
        held = {name: getattr(self, name) for name in _MOMENTS}
        moments = {name: at.isoformat() for name, at in held.items() if at is not None}
        said: dict[str, Any] = {"made": self.made, "said": self.said}
        if self.doubted:
            said["doubted"] = self.doubted
        return json.dumps({**said, **moments}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "_Memory":
        """What a later release adds is passed over."""
        held = json.loads(text)
        made = {topic: (str(id_), str(mark)) for topic, (id_, mark) in held["made"].items()}
        said, doubted = held.get("said", ""), tuple(held.get("doubted", ()))
        moments = {name: dt.datetime.fromisoformat(held[name]) for name in _MOMENTS if name in held}
        return cls(made, **moments, said=said, doubted=doubted)


def plan(
    hooks: Sequence[Hook],
    topics: Sequence[str],
    *,
    url: str,
    names: Mapping[str, str],
    stale: Callable[[Hook], str],
    known: Collection[str] = (),
) -> list[Fix]:
    """What is to be done so that each of ``topics`` is told of once, to ``url``.

    ``names``: topic → the name of our webhook for it. ``stale(hook)`` says why one that looks right
    is not, or nothing; ``known`` are the ids of those that surely bear the current secret. The
    hooks that are neither ours by address nor by name are left alone.
    """
    ours = ours_of(hooks, url, names.values())
    fixes = []
    for topic in topics:
        of_topic = [hook for hook in ours if hook.topic == topic]
        right = [hook for hook in of_topic if not _wrong(hook, url) and not stale(hook)]
        # Of two, the one whose secret is known; else the newer, which was made for a reason.
        right.sort(key=lambda hook: (hook.id in known, int(hook.id)), reverse=True)
        rest = tuple(hook.id for hook in of_topic if hook not in right[:1])
        if not right:
            first = next(iter(of_topic), None)
            why = "there is none" if first is None else _wrong(first, url) or stale(first)
            fixes.append(Fix(topic, why, make=True, remove=rest))
        elif rest:
            fixes.append(Fix(topic, f"{len(rest) + 1} tell of it", make=False, remove=rest))
    needless = {hook.topic for hook in ours} - set(topics)
    fixes += [
        Fix(
            topic,
            "no flow needs it",
            make=False,
            remove=tuple(hook.id for hook in ours if hook.topic == topic),
        )
        for topic in sorted(needless)
    ]
    return fixes


def ours_of(hooks: Sequence[Hook], url: str, names: Collection[str]) -> list[Hook]:
    """Those that go to ``url`` or bear one of ``names``, oldest first."""
    ours = [hook for hook in hooks if _same(hook.url, url) or hook.name in names]
    return sorted(ours, key=lambda hook: int(hook.id))


def _same(url: str, other: str) -> bool:
    return url.rstrip("/") == other.rstrip("/")


def _wrong(hook: Hook, url: str) -> str:
    if hook.status != "active":
        return f"webhook {hook.id} is {hook.status}"
    return "" if _same(hook.url, url) else f"webhook {hook.id} goes elsewhere"


def fingerprint(secret: str) -> str:
    """By which a secret is known that is not to be kept."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookGuard:
    """Looks after one store's webhooks.

    ``url`` is where they go. ``stage`` is in their names, so that two stages on one store leave
    each other alone. ``secret()`` is the one to sign with. ``reread(since)`` has the store read
    again; ``unheard(since, until)`` is how many orders were found then that no webhook told of, of
    the topic that is missed the most; 0 where each told of any other.
    """

    name: str
    rules: config.Store
    shop: Webhooks
    control: Control
    journal: Journal
    attention: Attention
    clock: Callable[[], dt.datetime]
    url: str
    stage: str
    secret: Callable[[], str]
    reread: Callable[[dt.datetime], object]
    unheard: Callable[[dt.datetime, dt.datetime], int]

    def run(self) -> Guarded:
        """Looks, and mends what is not right. Where no flow is on, it only says what it would do;
        what it may not mend is a person's.

        Raises: AccordError: the store does not answer, or turns our key down; the next run goes on.
        """
        topics = topics_of(self.rules)
        if not topics:
            return Guarded()
        memory, version = self._recall()
        secret, now = self.secret(), self.clock()
        deaf = self._is_deaf(memory, now)
        renews = deaf and (memory.anew_at is None or now - memory.anew_at >= _ONCE)
        fixes: list[Fix] = []
        try:
            hooks = self.shop.hooks()
            if renews:  # remembered before the first is made: whatever breaks off goes on
                memory = replace(memory, doubted=tuple(hook.id for hook in self._ours(hooks)))
            fixes = self._plan(hooks, topics, memory, secret)
            missing = sum(fix.make for fix in fixes)
            if fixes and not self._is_on():
                self._say_what(fixes, memory, version)
                return Guarded(tuple(fixes), missing)
            if missing:
                memory = replace(memory, gap=memory.gap or self._since(memory, now), mended_at=now)
            memory, version = self._mend(fixes, memory, version, secret)
        except UnauthorizedError as error:
            if not error.is_narrow:  # the key itself: no right that it lacks
                raise
            self._ask(error)
            return Guarded(tuple(fixes), sum(fix.make for fix in fixes), refused=True)
        # What was missed before the first look was not missed by what is there now.
        begun, renewed = memory.mended_at or now, bool(memory.doubted)
        if renewed:
            memory = replace(memory, anew_at=now, doubted=())
        self._read_gap(replace(memory, right_at=now, mended_at=begun), version)
        self._say(deaf=deaf and not renewed)
        return Guarded(tuple(fixes), missing, mended=bool(fixes))

    def renew(self) -> tuple[Fix, ...]:
        """Those of ours that do not surely bear the current secret are made anew; which.

        Raises: UnauthorizedError: the key, or its user, may not.
        """
        memory, version = self._recall()
        secret, hooks = self.secret(), self.shop.hooks()
        topics = list(dict.fromkeys(hook.topic for hook in self._ours(hooks)))
        fixes = tuple(self._plan(hooks, topics, memory, secret, surely=True))
        self._mend(fixes, memory, version, secret)
        return fixes

    def bear(self, secret: str) -> bool:
        """Whether all of ours were made with ``secret``. False where none is ours."""
        memory, _ = self._recall()
        marks, ours = dict(memory.made.values()), self._ours(self.shop.hooks())
        return bool(ours) and all(marks.get(hook.id) == fingerprint(secret) for hook in ours)

    def has_any(self) -> bool:
        """Whether one is ours."""
        return bool(self._ours(self.shop.hooks()))

    # --- mending --------------------------------------------------------------

    def _plan(
        self,
        hooks: Sequence[Hook],
        topics: Sequence[str],
        memory: _Memory,
        secret: str,
        *,
        surely: bool = False,
    ) -> list[Fix]:
        return plan(
            hooks,
            topics,
            url=self.url,
            names={topic: self._hook_name(topic) for topic in _TOPICS},
            stale=self._stale(memory, secret, surely=surely),
            known={id_ for id_, mark in memory.made.values() if mark == fingerprint(secret)},
        )

    def _ours(self, hooks: Sequence[Hook]) -> list[Hook]:
        names = {self._hook_name(topic) for topic in _TOPICS}
        return ours_of(hooks, self.url, names)

    def _stale(
        self, memory: _Memory, secret: str, *, surely: bool = False
    ) -> Callable[[Hook], str]:
        """Why a webhook that looks right is not, or nothing. ``surely``: nor is one whose secret
        nobody knows."""
        marks = dict(memory.made.values())

        def why(hook: Hook) -> str:
            mark = marks.get(hook.id)
            if mark is not None and mark != fingerprint(secret):
                return f"webhook {hook.id} bears an old secret"
            if mark is None and surely:
                return f"nobody knows the secret of webhook {hook.id}"
            if hook.id in memory.doubted:
                return f"webhook {hook.id} looks right, and orders come that it did not tell of"
            return ""

        return why

    def _mend(
        self, fixes: Sequence[Fix], memory: _Memory, version: int | None, secret: str
    ) -> tuple[_Memory, int | None]:
        if fixes:
            version = self._remember(memory, version)
        for fix in fixes:
            if fix.make:
                made = self.shop.create_hook(
                    name=self._hook_name(fix.topic), topic=fix.topic, url=self.url, secret=secret
                )
                known = {**memory.made, fix.topic: (made.id, fingerprint(secret))}
                memory = replace(memory, made=known)
                version = self._remember(memory, version)
            for id_ in fix.remove:
                self.shop.delete_hook(id_)
            self._tell([f"mended {fix}"])
        return memory, version

    def _hook_name(self, topic: str) -> str:
        return f"Accord {self.stage} {topic}"

    def _is_on(self) -> bool:
        flows = self.rules.flows
        return "on" in {getattr(flows, name) for name in type(flows).model_fields}

    # --- those that look right --------------------------------------------------

    def _is_deaf(self, memory: _Memory, now: dt.datetime) -> bool:
        """Orders come that the webhooks, which were right all the while, did not tell of. One that
        is late, or tells of some, is not deaf."""
        if self.rules.flows.orders != "on" or memory.mended_at is None or memory.gap is not None:
            return False
        since = max(now - _DEAF_FOR, memory.mended_at + _SETTLES)
        return self.unheard(since, now - _LATE) >= _DEAF

    # --- the gap ----------------------------------------------------------------

    def _since(self, memory: _Memory, now: dt.datetime) -> dt.datetime:
        """When they were last seen to be right, and a little before."""
        if memory.right_at is None:
            return now - _LONGEST
        return max(memory.right_at - _OVERLAP, now - _LONGEST)

    def _read_gap(self, memory: _Memory, version: int | None) -> None:
        if memory.gap is not None:
            try:
                self.reread(memory.gap)
            except StaleVersionError:  # the poll runs just now: the next look asks again
                self._remember(memory, version)
                return
            self._tell([f"what was changed since {memory.gap:%F %H:%M} UTC is read again"])
        self._remember(replace(memory, gap=None), version)

    # --- memory, and who is told --------------------------------------------------

    def _recall(self) -> tuple[_Memory, int | None]:
        held = self.control.get(f"webhooks:{self.name}")
        return (_Memory(), None) if held is None else (_Memory.from_json(held[0]), held[1])

    def _remember(self, memory: _Memory, version: int | None) -> int:
        return self.control.put(f"webhooks:{self.name}", memory.to_json(), version=version)

    def _say_what(self, fixes: Sequence[Fix], memory: _Memory, version: int | None) -> None:
        """Once, what would be done if a flow were on."""
        said = fingerprint("\n".join(map(str, fixes)))
        if said != memory.said:
            self._tell([f"would mend {fix}" for fix in fixes])
            self._remember(replace(memory, said=said), version)

    def _tell(self, texts: Sequence[str]) -> None:
        now = self.clock()
        ref = Ref(self.name, "webhooks", "all")
        said = f"guard-{now:%Y%m%d%H%M%S}"
        self.journal.append([Entry(ref, now, "step", text, said) for text in texts])

    def _ask(self, error: AccordError) -> None:
        self._open(
            f"{self.name}'s webhooks cannot be mended: {error}. Give the key's user the rights of "
            "an administrator or shop manager, and the key read and write; until then orders come "
            "some minutes late"
        )

    def _say(self, *, deaf: bool) -> None:
        """An item is open while, and only while, a person must act."""
        if deaf:
            self._open(
                f"{self.name}'s webhooks were made anew and still do not tell of all orders, which "
                "come some minutes late. Look whether the shop's cron runs, whether its host may "
                f"reach {self.url}, and what WooCommerce, Status, Logs says of deliveries"
            )
            return
        for item in self.attention.of(self._subject):
            self.attention.close(item.id, now=self.clock(), by="guard_webhooks: they are right")

    @property
    def _subject(self) -> str:
        return f"webhooks:{self.name}"

    def _open(self, message: str) -> None:
        now = self.clock()
        self.attention.put(
            Item(
                id=item_id(self._subject, _REASON),
                subject=self._subject,
                reason=_REASON,
                owner="ops",
                message=message,
                opened_at=now,
                updated_at=now,
            )
        )
