"""The state ports in memory: for tests, and for simulating a million orders.

Each holds one lock, so any number of threads may share it. Values are kept as they were given; what
was handed in is not to be changed afterwards.
"""

import datetime as dt
import hashlib
import json
import threading
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from accord.errors import BusyError, Owner, StaleVersionError
from accord.model.chain import Head, Page, heads_of, part_of
from accord.model.change import Ref
from accord.model.progress import Attachment
from accord.ports.audit import Pages, Sealed, Seals
from accord.ports.state import (
    Attention,
    Cause,
    Control,
    Documents,
    Entry,
    Item,
    Journal,
    Kept,
    Link,
    Links,
    Parked,
    Payloads,
    RulesStore,
    RulesVersion,
    Seen,
    Step,
    Steps,
    Waiting,
)
from accord.state.limits import fitting, new_token, opened
from accord.state.marks import has_pointer, is_covered, merged
from accord.state.pages import by_ref, in_order, paged

_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)  # the time of an intent that there was not


class MemoryLinks(Links):
    """Links by the store's ref, and the way back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: dict[Ref, Link] = {}
        self._pointers: dict[Ref, Ref] = {}

    def get(self, ref: Ref) -> Link | None:
        """See ``Links.get``."""
        return self._links.get(ref)

    def get_all(self, refs: Sequence[Ref]) -> Mapping[Ref, Link]:
        """See ``Links.get_all``."""
        found = {ref: self._links.get(ref) for ref in refs}
        return {ref: link for ref, link in found.items() if link is not None}

    def find(self, erp: Ref) -> Ref | None:
        """See ``Links.find``."""
        return self._pointers.get(erp)

    def acquire(
        self, ref: Ref, *, key: str, owner: str, now: dt.datetime, until: dt.datetime, seen: Seen
    ) -> Link | None:
        """See ``Links.acquire``. What a former holder left marked stays, unless it is ``seen``."""
        with self._lock:
            link = self._links.get(ref)
            if link is None:
                link = Link(ref=ref, key=key, version=1, owner=owner, leased_until=until)
                self._links[ref] = link
                return link
            held = link.leased_until is not None and link.leased_until > now
            if held and link.owner not in ("", owner):
                self._links[ref] = replace(link, dirty=merged(link.dirty, seen))
                return None
            link = replace(link, version=link.version + 1, owner=owner, leased_until=until)
            self._links[ref] = link
            return replace(link, dirty=None) if is_covered(link.dirty, (seen,)) else link

    def save(self, link: Link) -> Link:
        """See ``Links.save``. Raises also StaleVersionError: ``link`` is not as last returned."""
        with self._lock:
            stored = self._held(link)
            if stored.version != link.version:
                raise StaleVersionError(
                    f"{link.ref}: the link is at version {stored.version}, not {link.version}; "
                    "save what the last acquire, save or release returned"
                )
            saved = replace(
                stored,
                version=stored.version + 1,
                erp=link.erp,
                number=link.number,
                generation=link.generation,
                seen=link.seen,
                facts=link.facts,
                mends=link.mends,
            )
            self._links[link.ref] = saved
            if stored.erp != link.erp and has_pointer(link.ref):
                if stored.erp and self._pointers.get(stored.erp) == link.ref:
                    del self._pointers[stored.erp]
                if link.erp:
                    self._pointers[link.erp] = link.ref
            return replace(link, version=saved.version)

    def release(self, link: Link, *, handled: Sequence[Seen]) -> Link | None:
        """See ``Links.release``."""
        with self._lock:
            stored = self._held(link)
            done = is_covered(stored.dirty, handled)
            self._links[link.ref] = kept = replace(
                stored,
                version=stored.version + 1,
                dirty=None,
                owner="" if done else stored.owner,
                leased_until=None if done else stored.leased_until,
            )
            return None if done else kept

    def abandon(self, link: Link) -> None:
        """See ``Links.abandon``. The mark stays for the next holder."""
        with self._lock:
            stored = self._links.get(link.ref)
            if stored and stored.owner == link.owner:
                self._links[link.ref] = replace(
                    stored, version=stored.version + 1, owner="", leased_until=None
                )

    def _held(self, link: Link) -> Link:
        stored = self._links.get(link.ref)
        if stored is None or not link.owner or stored.owner != link.owner:
            raise BusyError(f"{link.ref}: the lease of {link.owner!r} has gone to another worker")
        return stored


class MemorySteps(Steps):
    """Steps by their key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: dict[str, Step] = {}

    def begin(self, key: str, *, now: dt.datetime, intent: Mapping[str, Any]) -> Step:
        """See ``Steps.begin``."""
        with self._lock:
            if step := self._steps.get(key):
                return replace(step, at=now) if step.at == _NEVER else step
            self._steps[key] = Step(key=key, at=now, fresh=False, intent=intent)
        return Step(key=key, at=now, fresh=True, intent=intent)

    def finish(self, key: str, result: Mapping[str, Any]) -> None:
        """See ``Steps.finish``. Without an intent the result is stored all the same."""
        with self._lock:
            step = self._steps.get(key)
            if step is None:
                step = Step(key=key, at=_NEVER, fresh=False)
            if step.result is None:
                self._steps[key] = replace(step, result=result)

    def looked(self, key: str, *, now: dt.datetime) -> None:
        """See ``Steps.looked``. Nothing to remember where there is no intent."""
        with self._lock:
            if step := self._steps.get(key):
                self._steps[key] = replace(step, looked_at=now)

    def withdraw(self, key: str) -> None:
        """See ``Steps.withdraw``."""
        with self._lock:
            step = self._steps.get(key)
            if step and step.result is None:
                del self._steps[key]


class MemoryWaiting(Waiting):
    """Parked changes by ref, and per cause in the order of their placing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parked: dict[Ref, Parked] = {}
        self._by_cause: dict[Cause, list[tuple[dt.datetime, str, Ref]]] = {}

    def park(self, parked: Parked) -> None:
        """See ``Waiting.park``."""
        with self._lock:
            if old := self._parked.get(parked.change.ref):
                self._drop(old)
            self._parked[parked.change.ref] = parked
            cause = Cause(parked.connection, parked.cause)
            insort(self._by_cause.setdefault(cause, []), _place(parked))

    def causes(self) -> Sequence[Cause]:
        """See ``Waiting.causes``."""
        with self._lock:
            return sorted(self._by_cause, key=lambda cause: (cause.connection, cause.cause))

    def of(self, cause: Cause) -> Iterator[Parked]:
        """See ``Waiting.of``. As it was when the first was asked for."""
        with self._lock:
            found = [self._parked[ref] for _, _, ref in self._by_cause.get(cause, ())]
        yield from found

    def count(self, cause: Cause) -> int:
        """See ``Waiting.count``."""
        return len(self._by_cause.get(cause, ()))

    def get(self, ref: Ref) -> Parked | None:
        """See ``Waiting.get``."""
        return self._parked.get(ref)

    def remove(self, parked: Parked) -> None:
        """See ``Waiting.remove``."""
        with self._lock:
            now = self._parked.get(parked.change.ref)
            if now and _identity(now) == _identity(parked):
                self._drop(now)

    def _drop(self, parked: Parked) -> None:
        del self._parked[parked.change.ref]
        cause = Cause(parked.connection, parked.cause)
        places = self._by_cause[cause]
        del places[bisect_left(places, _place(parked))]
        if not places:
            del self._by_cause[cause]


def _place(parked: Parked) -> tuple[dt.datetime, str, Ref]:
    return parked.placed_at, str(parked.change.ref), parked.change.ref


def _identity(parked: Parked) -> tuple[object, ...]:
    return parked.parked_at, parked.placed_at, parked.connection, parked.cause


class MemoryAttention(Attention):
    """Items by id; those that are open also by subject. ``heard`` is told of each that opens."""

    def __init__(self, *, heard: Callable[[Item], None] = lambda _: None) -> None:
        self._heard = heard
        self._lock = threading.Lock()
        self._items: dict[str, Item] = {}
        self._open: dict[str, Item] = {}
        self._by_subject: defaultdict[str, set[str]] = defaultdict(set)

    def put(self, item: Item) -> Item:
        """See ``Attention.put``. A message that is too long for 4 KB is cut."""
        item = opened(item)
        with self._lock:
            if old := self._open.get(item.id):
                item = replace(item, opened_at=old.opened_at, subject=old.subject, acted=old.acted)
            elif (closed := self._items.get(item.id)) and closed.dismissed == item.trouble:
                return closed
            self._items[item.id] = self._open[item.id] = item
            self._by_subject[item.subject].add(item.id)
        if old is None:
            self._heard(item)
        return item

    def get(self, id_: str) -> Item | None:
        """See ``Attention.get``."""
        return self._items.get(id_)

    def get_all(self, ids: Sequence[str]) -> Sequence[Item]:
        """See ``Attention.get_all``."""
        return [self._items[id_] for id_ in dict.fromkeys(ids) if id_ in self._items]

    def open(
        self,
        *,
        owner: Owner | None = None,
        about: str | tuple[str, ...] = "",
        limit: int | None = None,
    ) -> Sequence[Item]:
        """See ``Attention.open``."""
        with self._lock:
            found = sorted(self._open.values(), key=lambda item: (item.opened_at, item.id))
        return [
            item
            for item in found[:limit]
            if owner in (None, item.owner) and item.subject.startswith(about)
        ]

    def count_open(self) -> int:
        """See ``Attention.count_open``."""
        with self._lock:
            return len(self._open)

    def of(self, subject: str) -> Sequence[Item]:
        """See ``Attention.of``."""
        with self._lock:
            found = [self._open[id_] for id_ in self._by_subject.get(subject, ())]
        return sorted(found, key=lambda item: (item.opened_at, item.id))

    def close(self, id_: str, *, now: dt.datetime, by: str) -> None:
        """See ``Attention.close``."""
        self._close(id_, now, by)

    def dismiss(self, id_: str, *, now: dt.datetime, by: str, why: str) -> bool:
        """See ``Attention.dismiss``."""
        return self._close(id_, now, by, why, dismissed=True)

    def act(self, id_: str, acted: str) -> None:
        """See ``Attention.act``."""
        with self._lock:
            for items in (self._items, self._open):
                if item := items.get(id_):
                    items[id_] = replace(item, acted=acted)

    def redact(self, id_: str, message: str) -> None:
        """See ``Attention.redact``."""
        with self._lock:
            for items in (self._items, self._open):
                if item := items.get(id_):
                    items[id_] = replace(item, message=message, payload="")

    def _close(
        self, id_: str, now: dt.datetime, by: str, why: str = "", *, dismissed: bool = False
    ) -> bool:
        with self._lock:
            item = self._open.pop(id_, None)
            if item is None:
                return False
            self._items[id_] = replace(
                item,
                closed_at=now,
                closed_by=by,
                closed_why=why,
                dismissed=item.trouble if dismissed else "",
            )
            left = self._by_subject[item.subject]
            left.discard(id_)
            if not left:
                del self._by_subject[item.subject]
        return True


class MemoryPayloads(Payloads):
    """JSON texts by name."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def put(self, name: str, payload: object) -> str:
        """See ``Payloads.put``."""
        self._texts[name] = json.dumps(payload, default=str)
        return name

    def get(self, name: str) -> Any:
        """See ``Payloads.get``."""
        text = self._texts.get(name)
        return None if text is None else json.loads(text)

    def names(self, folder: str) -> Sequence[str]:
        """See ``Payloads.names``."""
        return sorted(name for name in self._texts if name.startswith(f"{folder}/"))


class MemoryDocuments(Documents):
    """Documents by their names, which are found by the hash of a token."""

    def __init__(self, *, token: Callable[[], str] = new_token) -> None:
        self._lock = threading.Lock()
        self._token = token
        self._kept: dict[str, tuple[Kept, Attachment]] = {}
        self._names: dict[str, str] = {}

    def put(self, object_name: str, attachment: Attachment, *, now: dt.datetime, days: int) -> str:
        """See ``Documents.put``."""
        fitting(object_name, attachment)
        with self._lock:
            first = self._kept.get(object_name)
            if first is not None and first[0].expires_at > now:
                return first[0].token
            kept = Kept(object_name, self._token(), now + dt.timedelta(days=days))
            self._kept[object_name] = kept, attachment
            self._names[_hashed(kept.token)] = object_name
            return kept.token

    def get(self, token: str, *, now: dt.datetime) -> Attachment | None:
        """See ``Documents.get``."""
        found = self._kept.get(self._names.get(_hashed(token), ""))
        if found is None or found[0].token != token or found[0].expires_at <= now:
            return None
        return found[1]

    def revoke(self, token: str) -> bool:
        """See ``Documents.revoke``."""
        with self._lock:
            name = self._names.get(_hashed(token))
            if name is None:
                return False
            if name in self._kept and self._kept[name][0].token == token:
                del self._kept[name]
            return True

    def of(self, folder: str) -> Sequence[Kept]:
        """See ``Documents.of``."""
        with self._lock:
            found = sorted(self._kept.items())
        return [
            kept for name, (kept, _) in found if name == folder or name.startswith(f"{folder}/")
        ]


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


class MemoryJournal(Journal, Pages):
    """Entries by ref, as they were appended. They become pages when somebody asks for those: of
    the million orders of a simulation nobody does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: defaultdict[Ref, list[Sequence[Entry]]] = defaultdict(list)
        self._chains: dict[str, tuple[int, list[Page]]] = {}  # how many appends are in, and how

    def append(self, entries: Sequence[Entry]) -> None:
        """See ``Journal.append``."""
        with self._lock:
            for ref, of_ref in by_ref(entries).items():
                self._told[ref].append(of_ref)

    def of(self, ref: Ref) -> Sequence[Entry]:
        """See ``Journal.of``."""
        with self._lock:
            found = list(self._told.get(ref, ()))
        return in_order(found)

    def pages(self, ref: str) -> Sequence[Page]:
        """See ``Pages.pages``."""
        with self._lock:
            return tuple(self._chain(ref))

    def _chain(self, ref: str) -> list[Page]:
        appended = self._told.get(Ref.parse(ref), [])
        done, pages = self._chains.get(ref, (0, []))
        for entries in appended[done:]:
            pages += paged(entries[0].ref, pages[-1] if pages else None, entries)
        self._chains[ref] = len(appended), pages
        return pages

    def before_chain(self, ref: str) -> Sequence[dt.datetime]:  # noqa: ARG002
        """See ``Pages.before_chain``. There never was another kind here."""
        return ()

    def heads(self, day: dt.date, part: str) -> Iterator[Head]:
        """See ``Pages.heads``."""
        for ref in self.refs():
            if part_of(ref) == part and (head := self.head(day, ref)):
                yield head

    def head(self, day: dt.date, ref: str) -> Head | None:
        """See ``Pages.head``."""
        return heads_of(self.pages(ref)).get(day)

    def refs(self) -> Iterator[str]:
        """See ``Pages.refs``."""
        with self._lock:
            found = [str(ref) for ref in self._told]
        yield from found


class MemoryControl(Control):
    """Values and their versions by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, tuple[str, int]] = {}

    def get(self, name: str) -> tuple[str, int] | None:
        """See ``Control.get``."""
        return self._values.get(name)

    def put(self, name: str, value: str, *, version: int | None) -> int:
        """See ``Control.put``."""
        with self._lock:
            stored = self._values.get(name)
            if (stored[1] if stored else None) != version:
                raise StaleVersionError(f"{name} is no longer at version {version}; read it again")
            new = (version or 0) + 1
            self._values[name] = (value, new)
            return new


class MemoryRulesStore(RulesStore):
    """Contents by version."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._versions: dict[int, RulesVersion] = {}

    def latest(self) -> tuple[int, Mapping[str, Any]] | None:
        """See ``RulesStore.latest``."""
        with self._lock:
            newest = max(self._versions, default=None)
            return None if newest is None else (newest, self._versions[newest].content)

    def push(
        self, content: Mapping[str, Any], *, version: int, now: dt.datetime, by: str, why: str
    ) -> None:
        """See ``RulesStore.push``."""
        with self._lock:
            if version in self._versions:
                raise StaleVersionError(
                    f"version {version} of the rules exists already; read it and push the next"
                )
            self._versions[version] = RulesVersion(version, content, now, by, why)

    def versions(self) -> Sequence[RulesVersion]:
        """See ``RulesStore.versions``."""
        with self._lock:
            return [self._versions[number] for number in sorted(self._versions)]


class MemorySeals(Seals):
    """Texts by name, every version of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._versions: dict[str, list[str]] = {}

    def put(self, name: str, text: str) -> str:
        """See ``Seals.put``."""
        with self._lock:
            return self._versions.setdefault(name, [text])[-1]

    def get(self, name: str) -> str | None:
        """See ``Seals.get``."""
        versions = self._versions.get(name)
        return versions[-1] if versions else None

    def names(self, folder: str, *, after: str) -> Sequence[str]:
        """See ``Seals.names``."""
        with self._lock:
            return sorted(n for n in self._versions if n.startswith(folder) and n > after)[:1000]

    def first(self, name: str) -> Sealed | None:
        """See ``Seals.first``."""
        versions = self._versions.get(name)
        return Sealed(versions[0], touched=len(versions) > 1) if versions else None
