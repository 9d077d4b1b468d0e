"""What Accord remembers. Each port has a DynamoDB and an in-memory implementation.

Every read is consistent and checks expiry itself; times are UTC, aware and the caller's.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from accord.errors import Owner
from accord.model.change import Change, Ref
from accord.model.keys import document_key
from accord.model.progress import Attachment

# --- links -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """Which state of a record was seen: its own modified time, and a digest of its bytes."""

    modified_at: dt.datetime | None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Mend:
    """What a person says that a field is, whatever the store says: ``lines.12.sku``, ``MUG-1``.

    ``by`` is who said so. ``was`` is a mark of what the store showed then, for a field that is
    mended only as long as the store goes on showing that; empty for all others.
    """

    path: str
    value: str = field(repr=False)  # may be an address
    by: str
    at: dt.datetime
    why: str = ""
    was: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Two refs that are one thing, and what is known of them.

    ``ref`` is the store's side (or, for a natural key, the key itself: system = the back office,
    kind = ``party_key``). ``key`` is the external key, fixed at the first claim. ``facts`` are
    small texts a flow keeps: the status last seen, the fingerprint of what was posted, address ids.
    ``mends`` lie over what the store shows of it, one for a field, oldest first. ``version`` grows
    with every write. Hold ``owner`` until ``leased_until`` to write.
    """

    ref: Ref
    key: str
    version: int
    erp: Ref | None = None
    number: str = ""
    generation: int = 1
    seen: Seen | None = None
    dirty: Seen | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    leased_until: dt.datetime | None = None
    mends: tuple[Mend, ...] = ()

    @property
    def document_key(self) -> str:
        """The external key of the document: a second one, after a voided one, has its own."""
        return document_key(self.key, self.generation)


class Links(Protocol):
    """ID mappings and leases. One lease excludes every other writer of the same thing."""

    def get(self, ref: Ref) -> Link | None:
        """The link of a store's ref or natural key."""
        ...

    def get_all(self, refs: Sequence[Ref]) -> Mapping[Ref, Link]:
        """Those of ``refs`` that have a link. One bulk read."""
        ...

    def find(self, erp: Ref) -> Ref | None:
        """The store's ref that is linked with the back office's."""
        ...

    def acquire(
        self, ref: Ref, *, key: str, owner: str, now: dt.datetime, until: dt.datetime, seen: Seen
    ) -> Link | None:
        """The link under our lease, made with ``key`` if there was none; its ``dirty`` is cleared.

        None when another owner's lease has not run out; the link is then marked dirty with ``seen``
        in the same breath. An owner may acquire again what it holds.
        """
        ...

    def save(self, link: Link) -> Link:
        """Stores erp, number, generation, seen, facts and mends; the pointer from erp with them,
        at once.

        Returns the link with its new version. Raises: BusyError: the lease is no longer
        ``link.owner``'s.
        """
        ...

    def release(self, link: Link, *, handled: Sequence[Seen]) -> Link | None:
        """None once the lease is given up. If the link became dirty with something newer than, or
        different from all of ``handled``: the link, still held, dirty cleared; go round once more.

        Raises: BusyError: the lease is no longer ``link.owner``'s.
        """
        ...

    def abandon(self, link: Link) -> None:
        """Gives up the lease whatever is dirty (after an error that is told elsewhere)."""
        ...


# --- steps -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One outgoing write. ``fresh`` is True for whoever stored the intent just now.

    ``looked_at`` is when the other side was last searched in vain for its effect.
    """

    key: str
    at: dt.datetime
    fresh: bool
    result: Mapping[str, Any] | None = None
    looked_at: dt.datetime | None = None
    intent: Mapping[str, Any] = field(default_factory=dict)


class Steps(Protocol):
    """Idempotency records, ``{external key}:{step}:{n}``. Results are small JSON objects."""

    def begin(self, key: str, *, now: dt.datetime, intent: Mapping[str, Any]) -> Step:
        """Stores the intent and returns it fresh, or returns the step that was there."""
        ...

    def finish(self, key: str, result: Mapping[str, Any]) -> None:
        """Stores the result. The first one stays: finishing again changes nothing."""
        ...

    def looked(self, key: str, *, now: dt.datetime) -> None:
        """Remembers that the other side was searched in vain."""
        ...

    def withdraw(self, key: str) -> None:
        """Removes an intent that surely had no effect. A finished step stays."""
        ...


# --- waiting -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parked:
    """A change that cannot go on now: one per ref. ``placed_at`` orders them, oldest first.

    ``rules`` is the version of the rules under which it could not. ``since`` is when it was first
    parked for that cause, if it was tried in vain after that; else None.
    """

    change: Change
    connection: str
    cause: str
    message: str
    placed_at: dt.datetime
    parked_at: dt.datetime
    rules: str = ""
    since: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why changes wait: ``unauthorized`` at ``main``, ``item:MUG`` at ``main``."""

    connection: str
    cause: str


class Waiting(Protocol):
    """Parked changes, by connection and cause."""

    def park(self, parked: Parked) -> None:
        """Keeps it; what was parked for the same ref before, under any cause, is replaced."""
        ...

    def causes(self) -> Sequence[Cause]:
        """Every cause that something waits for."""
        ...

    def of(self, cause: Cause) -> Iterator[Parked]:
        """What waits for ``cause``, oldest order first."""
        ...

    def count(self, cause: Cause) -> int: ...

    def get(self, ref: Ref) -> Parked | None: ...

    def remove(self, parked: Parked) -> None:
        """Gone, unless it was parked again since (another ``parked_at``)."""
        ...


# --- attention ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """What a person must look at. At most 4 KB; ``payload`` names an object in the bucket.

    ``subject`` is a ref, or a cause that many share (then ``count`` says how many). ``event`` and
    ``aggregate`` are the change's that met the trouble: a replay is another one of it.
    """

    id: str
    subject: str
    reason: str
    owner: Owner
    message: str  # names the record and the remedy
    opened_at: dt.datetime
    updated_at: dt.datetime
    count: int = 1
    payload: str = ""
    correlation_id: str = ""
    closed_at: dt.datetime | None = None
    closed_by: str = ""
    event: str = ""
    aggregate: str = ""
    content: str = ""  # fingerprint of what it is about; empty: the message says all
    closed_why: str = ""
    dismissed: str = ""  # the trouble that a person closed it over
    acted: str = ""  # what a person did about it last, who and when

    @property
    def trouble(self) -> str:
        """Equal for the same trouble with the same content, another where either changed."""
        what = self.content or self.message
        return hashlib.sha256(f"{self.reason}\n{what}".encode(errors="replace")).hexdigest()[:16]


class Attention(Protocol):
    """The one list of what a person must look at."""

    def put(self, item: Item) -> Item:
        """Opens it; an open one with the same id is updated and keeps its ``opened_at`` and what
        was ``acted``.

        One that was dismissed over the very same ``trouble`` stays closed, and is returned so.
        """
        ...

    def get(self, id_: str) -> Item | None: ...

    def get_all(self, ids: Sequence[str]) -> Sequence[Item]:
        """Those of ``ids`` that are there, open or closed, in no order. Bulk reads."""
        ...

    def open(
        self,
        *,
        owner: Owner | None = None,
        about: str | tuple[str, ...] = "",
        limit: int | None = None,
    ) -> Sequence[Item]:
        """What is open, oldest first; of the oldest ``limit`` those that are meant.

        ``about``: what their subject begins with, or one of several.
        """
        ...

    def count_open(self) -> int:
        """How many are open, to the last."""
        ...

    def of(self, subject: str) -> Sequence[Item]:
        """What is open for one ref or cause."""
        ...

    def close(self, id_: str, *, now: dt.datetime, by: str) -> None:
        """Closes it; closing what is closed or was never there changes nothing."""
        ...

    def dismiss(self, id_: str, *, now: dt.datetime, by: str, why: str) -> bool:
        """Closes it, and its trouble does not open it again. False: it was not open."""
        ...

    def act(self, id_: str, acted: str) -> None:
        """Remembers on the item, open or closed, what a person did; nothing where there is none."""
        ...

    def redact(self, id_: str, message: str) -> None:
        """``message`` in place of the item's own, and no payload; it stays open, or closed, as it
        is. Nothing where there is none."""
        ...


class Payloads(Protocol):
    """What is too large for a table: what was sent and answered, oversize documents. JSON."""

    def put(self, name: str, payload: object) -> str:
        """The name under which ``get`` finds it. ``name`` has no leading slash."""
        ...

    def get(self, name: str) -> Any:
        """What was put, None when it is not there."""
        ...

    def names(self, folder: str) -> Sequence[str]:
        """Under which names something lies in the folder, sorted: ``attention``."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A printed document that whoever has ``token`` can fetch until ``expires_at``."""

    object_name: str
    token: str = field(repr=False)
    expires_at: dt.datetime


class Documents(Protocol):
    """Printed documents that are fetched by an address nobody can guess, for a while.

    An ``object_name`` is a path without a slash at its head: what it is a document of, and which,
    ``uk:order:30/main:invoice:7``.
    """

    def put(self, object_name: str, attachment: Attachment, *, now: dt.datetime, days: int) -> str:
        """The token by which ``get`` finds it for that many ``days``.

        While one is kept under the name, its file, token and last day stay: doing it twice is the
        same as once. After it has lapsed or was revoked, it is another token.

        Raises: PermanentError: larger than ``LARGEST_DOCUMENT``.
        """
        ...

    def get(self, token: str, *, now: dt.datetime) -> Attachment | None:
        """The file; None when the token is unknown, has lapsed or was revoked."""
        ...

    def revoke(self, token: str) -> bool:
        """The file is removed and the token opens nothing more. False: there was no such token.

        Again is success, and finishes what broke off.
        """
        ...

    def of(self, folder: str) -> Sequence[Kept]:
        """What is kept under that name or below it: ``uk:order:30`` has all of that order's."""
        ...


LARGEST_DOCUMENT = 4_500_000
"""Bytes. Encoded for the answer they are 6 MB, the most that a function can answer with."""


# --- journal, control, rules -------------------------------------------------

Mark = Literal["begun", "step", "ended"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a ref's story: ids, codes, hashes, amounts; no personal data."""

    ref: Ref
    at: dt.datetime
    mark: Mark
    text: str
    correlation_id: str
    details: Mapping[str, Any] = field(default_factory=dict)


class Journal(Protocol):
    """Every change, begun and ended, with its steps. Append-only."""

    def append(self, entries: Sequence[Entry]) -> None:
        """Adds them in order. Entries of one call and one ref keep their order when read."""
        ...

    def of(self, ref: Ref) -> Sequence[Entry]:
        """The ref's story, oldest first."""
        ...


class Control(Protocol):
    """Small shared values: the epoch, cursors, breakers."""

    def get(self, name: str) -> tuple[str, int] | None:
        """The value and its version."""
        ...

    def put(self, name: str, value: str, *, version: int | None) -> int:
        """The new version. ``version`` is the one read, None to create.

        Raises: StaleVersionError: someone wrote since.
        """
        ...


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """One version of mappings and rules: ``content`` as ``rules.load.overlay`` takes it."""

    number: int
    content: Mapping[str, Any]
    at: dt.datetime
    by: str
    why: str


class RulesStore(Protocol):
    """Mappings and rules, versioned. The newest is what holds."""

    def latest(self) -> tuple[int, Mapping[str, Any]] | None:
        """The newest version's number and content, None when only the file holds."""
        ...

    def push(
        self, content: Mapping[str, Any], *, version: int, now: dt.datetime, by: str, why: str
    ) -> None:
        """Stores version ``version``. Raises: StaleVersionError: it exists already."""
        ...

    def versions(self) -> Sequence[RulesVersion]:
        """All of them, the oldest first."""
        ...
