"""What no single change can tell: how long things wait, and whose turn it is.

Read each minute, so every read has a bound. What lies beyond it is younger than what was read, or
is more of the same.
"""

import datetime as dt
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from accord.errors import Owner
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.ports.levels import LevelKind, Levels
from accord.ports.state import Attention, Cause, Control, Item, Links, Waiting
from accord.rules.config import Config
from accord.sync.concerns import stores_of, waiter
from accord.sync.worker import cause_subject

_READ = 1000  # parked changes of one cause, oldest order first
_OPEN = 2000  # attention items, the oldest; those beyond are counted, not read
_LOOKED_UP = 40  # links in all: whether what waits is in the books already
_DIRTY = 100  # levels of one store and kind
_SOLD: tuple[LevelKind, ...] = ("stock", "price")


@dataclass(slots=True)
class StoreBacklog:
    """Of one store. Ages are zero where nothing waits; ``unposted`` is by kind, order or refund.

    ``levels`` is the age of the oldest level that was not sent, by kind.
    """

    waiting: int = 0
    unposted: dict[str, dt.timedelta] = field(default_factory=dict)
    attention: Counter[Owner] = field(default_factory=Counter)
    levels: dict[str, dt.timedelta] = field(default_factory=dict)
    is_busy: bool = False


@dataclass(frozen=True, slots=True)
class Backlog:
    """``polled`` says of each poll that ever ran how long ago one last ended."""

    stores: Mapping[str, StoreBacklog]
    polled: Mapping[str, dt.timedelta]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogReader:
    """Reads state and nothing else: neither a store nor a back office is asked."""

    config: Config
    waiting: Waiting
    attention: Attention
    links: Links
    levels: Levels
    control: Control
    clock: Callable[[], dt.datetime]

    def read(self) -> Backlog:
        """Raises: AccordError: a table does not answer."""
        stores = {name: StoreBacklog() for name in self.config.stores}
        unposted: defaultdict[tuple[str, str], list[tuple[dt.datetime, Ref]]] = defaultdict(list)
        waits = {
            cause_subject(cause): self._add_waiting(cause, stores, unposted)
            for cause in self.waiting.causes()
        }
        self._add_items(stores, unposted, waits)
        self._add_ages(stores, unposted)
        now = self.clock()
        for name, table in self.config.stores.items():
            zone = ZoneInfo(self.config.erps[table.erp].time_zone)
            stores[name].is_busy = self.config.alarms.is_busy(now.astimezone(zone))
            flows = {"stock": table.flows.stock, "price": table.flows.prices}
            for kind in _SOLD:
                if flows[kind] == "on":
                    stores[name].levels[kind] = self._oldest_level(name, kind)
        return Backlog(stores, dict(self._polls()))

    def _add_waiting(
        self,
        cause: Cause,
        stores: Mapping[str, StoreBacklog],
        unposted: Mapping[tuple[str, str], list[tuple[dt.datetime, Ref]]],
    ) -> Collection[str]:
        """Whose changes wait for it. Very many: as if all were spread over the stores as the
        first."""
        found: Counter[str] = Counter()
        for parked in itertools.islice(self.waiting.of(cause), _READ):
            store = waiter(parked)
            if store in stores:
                found[store] += 1
                if parked.change.ref.kind in ("order", "refund"):
                    ref = parked.change.ref
                    unposted[store, ref.kind].append((parked.change.seen_at, ref))
        total = found.total()
        scale = self.waiting.count(cause) / total if total >= _READ else 1
        for store, count in found.items():
            stores[store].waiting += round(count * scale)
        return frozenset(found)

    def _add_items(
        self,
        stores: Mapping[str, StoreBacklog],
        unposted: Mapping[tuple[str, str], list[tuple[dt.datetime, Ref]]],
        waits: Mapping[str, Collection[str]],
    ) -> None:
        """Very many: as if all were spread over stores and owners as the oldest are."""
        read = self.attention.open(limit=_OPEN)
        for item in read:
            self._add_item(item, stores, unposted, waits.get(item.subject, ()))
        if len(read) < _OPEN:
            return
        scale = self.attention.count_open() / len(read)
        for backlog in stores.values():
            for owner, count in backlog.attention.items():
                backlog.attention[owner] = round(count * scale)

    def _add_item(
        self,
        item: Item,
        stores: Mapping[str, StoreBacklog],
        unposted: Mapping[tuple[str, str], list[tuple[dt.datetime, Ref]]],
        waits: Collection[str],
    ) -> None:
        for store in stores_of(item, self.config, waits):
            stores[store].attention[item.owner] += 1
        ref = _ref(item.subject)
        if ref is not None and ref.system in stores and ref.kind in ("order", "refund"):
            unposted[ref.system, ref.kind].append((item.opened_at, ref))

    def _add_ages(
        self,
        stores: Mapping[str, StoreBacklog],
        unposted: Mapping[tuple[str, str], list[tuple[dt.datetime, Ref]]],
    ) -> None:
        now, looked_up = self.clock(), 0
        for name, backlog in stores.items():
            for kind in ("order", "refund"):
                age = dt.timedelta(0)
                for since, ref in sorted(unposted.get((name, kind), [])):
                    looked_up += 1
                    # Beyond the bound it is taken for one that is not there: late rather than lost.
                    if looked_up > _LOOKED_UP or not self._is_posted(ref):
                        age = now - since
                        break
                backlog.unposted[kind] = age

    def _is_posted(self, ref: Ref) -> bool:
        """A refund has no document to look for: what waits of it was not booked."""
        link = self.links.get(ref) if ref.kind == "order" else None
        return link is not None and link.erp is not None

    def _oldest_level(self, store: str, kind: LevelKind) -> dt.timedelta:
        since = [
            level.as_of
            for level in self.levels.dirty(store, kind, limit=_DIRTY)
            if level.as_of is not None
        ]
        return self.clock() - min(since) if since else dt.timedelta(0)

    def _polls(self) -> Iterator[tuple[str, dt.timedelta]]:
        leases = {
            f"{erp}:{kind.value}": f"lease:cursor:{erp}:{kind.value}"
            for erp in self.config.erps
            for kind in Kind
        } | {store: f"lease:poll:{store}" for store in self.config.stores}
        for poll, lease in leases.items():
            held = self.control.get(lease)
            if held is not None:
                ended = dt.datetime.fromisoformat(json.loads(held[0])["until"])
                # One that runs now holds it for a while yet.
                yield poll, max(self.clock() - ended, dt.timedelta(0))


def _ref(subject: str) -> Ref | None:
    try:
        return Ref.parse(subject)
    except ValueError:
        return None
