"""Both sides side by side: what differs, why, whose turn it is, and what would mend it.

Orders with their money and refunds, customers, products, stock and prices, streamed in bounded
memory, in slices of a minute. A run's place is a value of ``control`` per store,
``reconcile:{store}``, and what it has found so far a draft beside the reports; both are saved
together, the place last. One run at a time, under a lease.
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from random import Random
from typing import Any, Protocol

from accord.errors import BusyError, PermanentError
from accord.ports.levels import Levels
from accord.ports.queues import Queues
from accord.ports.reports import Reports
from accord.ports.shop import Shop
from accord.ports.state import Attention, Control, Links, Waiting
from accord.ports.store import Store
from accord.rules import config
from accord.sync.compare import RELINK
from accord.sync.difference import KINDS, Difference, Kind
from accord.sync.lease import lease
from accord.sync.pair import Pair
from accord.sync.reconcile_customers import CustomerPhase
from accord.sync.reconcile_levels import LevelPhase, ProductPhase
from accord.sync.reconcile_orders import OrderPhase
from accord.sync.reconcile_page import page_of
from accord.sync.reconcile_repair import Repairer
from accord.sync.report import Report
from accord.sync.sales import BackOffice
from accord.sync.turn import EPOCH, TRUSTED, recovering

ROOM = dt.timedelta(seconds=5)  # for what was begun; then the rest is another slice's
_SAVED_EVERY = 25  # steps: what is lost when a slice breaks off
_SUNDAY = 7
_LATE = dt.timedelta(hours=26)  # since the last run began: a night, and two hours more
_UNENDED = dt.timedelta(hours=34)  # since one ended: a night, the longest run, and some hours
_FOR_EVER = 400  # slices of one run; one that takes more goes round in circles
Told = Callable[[Kind, Report], object]


class Phase(Protocol):
    """One kind of thing that is gone through, page by page."""

    @property
    def ended(self) -> bool: ...

    def step(self) -> None:
        """The next page, and what comes of it."""
        ...

    def mark(self) -> dict[str, Any]:
        """Where to go on, as JSON."""
        ...

    def go_on(self, mark: Mapping[str, Any]) -> None:
        """From where ``mark`` says."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """How far a run has come. ``run`` names it; ``since`` is a moment as text.

    ``nth`` is the draft that belongs to it, ``token`` what that draft must bear, ``slices`` how
    many it has taken. ``ended`` is empty while it runs or was broken off. ``epoch`` is the version
    of EPOCH when it began, 0 where there was none. ``last_ended`` is when a run before it ended,
    or the first one began if none did; ``reported`` the day of the newest report.
    """

    run: str = ""
    begun: str = ""
    since: str = ""
    by: str = ""
    repair: bool = False
    kind: Kind = "orders"
    mark: Mapping[str, Any] = field(default_factory=dict)
    nth: int = 0
    token: str = ""
    slices: int = 0
    ended: str = ""
    epoch: int = 0
    last_ended: str = ""
    reported: str = ""

    @property
    def is_open(self) -> bool:
        return bool(self.run) and not self.ended


@dataclass(frozen=True, slots=True)
class Sliced:
    """What one slice came to. ``ended``: the run is over, and its page is kept as ``page``."""

    report: Report
    ended: bool
    page: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Of one store. ``backs``: its own back office first, then those that its routes name."""

    name: str
    stores: Mapping[str, config.Store]
    stage: str
    backs: Sequence[BackOffice]
    store: Store
    shop: Shop
    links: Links
    waiting: Waiting
    attention: Attention
    levels: Callable[[], Levels]
    control: Control
    queues: Queues
    reports: Reports
    clock: Callable[[], dt.datetime]
    random: Random

    # --- a run ------------------------------------------------------------------

    def begin(self, *, since: dt.datetime | None, repair: bool, by: str) -> Place:
        """A new run, from ``since`` or from when the store went live; ``go_on`` works on it.

        Raises: BusyError: a run is under way this moment. One that was broken off is given up.
        """
        with self._lease(self.clock() + ROOM) as ours:
            if not ours:
                raise BusyError(
                    f"{self.name} is being reconciled this moment; try again when that has ended"
                )
            held = self._held()
            last = _place(held[0]) if held else Place()
            start = self.rules.orders.start_at
            place = Place(
                run=f"{self.clock():%Y%m%d%H%M%S}-{self.random.getrandbits(24):06x}",
                begun=self.clock().isoformat(),
                since=max(start, since or start).astimezone(dt.UTC).isoformat(),
                by=by,
                repair=repair,
                epoch=self._epoch,
                last_ended=last.ended or last.last_ended or last.begun,
                reported=last.reported,
            )
            self._save(place, held[1] if held else None)
            return place

    def begin_nightly(self) -> Place:
        """The night's run, as [stores.NAME.reconcile] has it. Raises: BusyError, as ``begin``."""
        now, rules = self.clock(), self.rules.reconcile
        whole = self.backs[0].day(now).isoweekday() == _SUNDAY
        since = None if whole else now - dt.timedelta(days=rules.days)
        return self.begin(since=since, repair=rules.repair, by="the night")

    def place(self) -> Place:
        """Where the last run stands."""
        held = self._held()
        return _place(held[0]) if held else Place()

    @property
    def is_late(self) -> bool:
        """Last night's run did not begin, or runs do not come to their end."""
        place, now = self.place(), self.clock()
        if not place.begun:
            return False
        ended = place.ended or place.last_ended or place.begun
        return (
            now - dt.datetime.fromisoformat(place.begun) > _LATE
            or now - dt.datetime.fromisoformat(ended) > _UNENDED
        )

    def go_on(
        self, *, until: dt.datetime, told: Told = lambda *_: None, run: str = ""
    ) -> Sliced | None:
        """The open run's next slice, to its end or until ``until`` is near.

        None where no run is open, ``run`` is no longer the one, or another worker has it in hand.

        Raises: AccordError: a side does not answer; the next slice begins where the last was saved.
        """
        if not self.place().is_open:
            return None
        with self._lease(until) as ours:
            held = self._held()
            if not ours or held is None:
                return None
            place = _place(held[0])
            if not place.is_open or run not in {"", place.run}:
                return None
            return self._slice(place, held[1], until, told)

    def _slice(self, place: Place, version: int, until: dt.datetime, told: Told) -> Sliced:
        kept = self.reports.draft(self.name, place.nth) if place.nth else None
        if kept is not None and kept.get("token", "") != place.token:
            kept = None  # a worker whose lease had run out wrote over it
        if kept is None:  # nothing is saved yet, or what was is gone: from the beginning
            place = replace(place, kind="orders", mark={})
        report = Report.from_json(kept) if kept is not None else self._fresh(place)
        if place.slices >= _FOR_EVER:
            self._save(replace(place, run=""), version)  # it is over, and has not ended
            raise PermanentError(
                f"reconciling {self.name} did not end in {_FOR_EVER} slices; begin it anew with a "
                "later --since, and tell support if it stays so",
                reason="restless",
            )
        # Counted before anything is done: one that is killed each time ends all the same.
        place, steps = replace(place, slices=place.slices + 1), 0
        version = self._save(place, version)
        left = list(report.kinds)
        while left and place.kind in left and left[0] != place.kind:
            left.pop(0)
        for nth, kind in enumerate(left):
            place = replace(place, kind=kind)
            phase = self._phase(kind, place, report, until)
            if place.mark:
                phase.go_on(place.mark)
            while not phase.ended:
                phase.step()
                steps += 1
                told(kind, report)
                is_late = self.clock() + ROOM >= until
                if phase.ended or not (is_late or steps % _SAVED_EVERY == 0):
                    continue
                place, version = self._keep(replace(place, mark=phase.mark()), report, version)
                if is_late:
                    return Sliced(report, ended=False)
            place = replace(place, mark={})
            if nth + 1 < len(left) and self.clock() + ROOM >= until:
                self._keep(replace(place, kind=left[nth + 1]), report, version)
                return Sliced(report, ended=False)
        return Sliced(report, ended=True, page=self._end(place, report, version))

    def _end(self, place: Place, report: Report, version: int) -> str:
        report.ended = self.clock()
        report.recovery = self._recovery(report, place.epoch)
        on = self.backs[0].day(report.begun)
        page = self.reports.put(self.name, on, report.to_json(), page_of(report))
        ended = report.ended.isoformat()
        self._save(replace(place, mark={}, ended=ended, reported=on.isoformat()), version)
        return page

    # --- what is compared ---------------------------------------------------------

    @property
    def rules(self) -> config.Store:
        return self.stores[self.name]

    def _fresh(self, place: Place) -> Report:
        since = dt.datetime.fromisoformat(place.since)
        flows = {kind: self._flow(kind) for kind in KINDS}
        return Report(
            store=self.name,
            erps=tuple(each.name for each in self.backs),
            stage=self.stage,
            run=place.run,
            begun=dt.datetime.fromisoformat(place.begun),
            since=self.backs[0].day(since),
            by=place.by,
            full=since <= self.rules.orders.start_at,
            repair=place.repair,
            kinds=tuple(kind for kind in KINDS if flows[kind] != "off"),
            shadow=tuple(kind for kind in KINDS if flows[kind] == "shadow"),
        )

    def _flow(self, kind: Kind) -> str:
        """Whether the kind is kept alike at all."""
        flows, rules = self.rules.flows, self.rules
        match kind:
            case "orders":
                return flows.orders
            case "customers":
                return flows.customers
            case "items":
                return flows.products if rules.catalogue.owner == "erp" else "off"
            case "stock":
                return flows.stock
            case "prices":
                return flows.prices if rules.prices.currency else "off"
            case "products":
                sold = (flows.orders, flows.stock, flows.prices, flows.products)
                return "on" if "on" in sold else "shadow" if "shadow" in sold else "off"

    def _phase(self, kind: Kind, place: Place, report: Report, until: dt.datetime) -> Phase:
        repairs = place.repair and kind not in report.shadow
        if kind == "stock" and recovering(self.control):
            repairs = False  # what orders claim may be forgotten: the store would sell too much
        common: dict[str, Any] = {"name": self.name, "rules": self.rules, "report": report}
        vain = self._repaired_before(place) if repairs else frozenset()

        def take(difference: Difference, pair: Pair | None) -> None:
            if report.knows(difference):
                return
            if repairs and not difference.repaired:
                done = self._repairer(place).repair(difference, pair)
                difference = replace(difference, repaired=done)
                report.relinked += done and difference.event == RELINK
            if difference.repaired and difference.identity in vain:
                why = "the last run sent the same for it, and it differs still"
                difference = replace(difference, repaired=False, why=why)
            report.add(difference)

        match kind:
            case "orders":
                return OrderPhase(
                    **common,
                    take=take,
                    store=self.store,
                    backs=self.backs,
                    links=self.links,
                    waiting=self.waiting,
                    attention=self.attention,
                    clock=self.clock,
                    since=dt.datetime.fromisoformat(place.since),
                    recovering=lambda: recovering(self.control),
                    is_late=lambda: self.clock() + ROOM >= until,
                )
            case "customers":
                return CustomerPhase(
                    **common,
                    take=take,
                    store=self.store,
                    shop=self.shop,
                    back=self.backs[0],
                    links=self.links,
                    waiting=self.waiting,
                    attention=self.attention,
                    clock=self.clock,
                )
            case "products":
                return ProductPhase(
                    **common, take=take, back=self.backs[0], store=self.store, shop=self.shop
                )
            case _:
                return LevelPhase(
                    **common,
                    take=take,
                    what=kind,
                    stores=self.stores,
                    back=self.backs[0],
                    store=self.store,
                    links=self.links,
                    levels=self.levels(),
                    attention=self.attention,
                    queues=self.queues if repairs else None,
                    clock=self.clock,
                )

    def _repairer(self, place: Place) -> Repairer:
        return Repairer(
            name=self.name,
            rules=self.rules,
            store=self.store,
            backs=self.backs,
            links=self.links,
            queues=self.queues,
            clock=self.clock,
            run=place.run,
        )

    # --- recovery -------------------------------------------------------------------

    def _recovery(self, report: Report, begun: int) -> str:
        """What is said of it; ended once every store's links are known to be whole.

        ``begun`` is the version of EPOCH when the run began: what it read before the tables were
        restored says nothing of them.
        """
        if not recovering(self.control):
            return ""
        on = [name for name, store in self.stores.items() if store.flows.orders == "on"]
        whole = report.full and "orders" in report.kinds and "orders" not in report.shadow
        of_orders = [each for each in report.differences if each.kind == "orders"]
        relinked = sum(each.repaired and each.event == RELINK for each in of_orders)
        told = report.found <= len(report.differences) and not report.unlinked
        if not whole or not told or len(of_orders) != relinked:
            return (
                "Every create looks first, since the tables were restored. That ends when a whole "
                "run with --repair has found nothing else than links to rebuild"
            )
        held = self.control.get(EPOCH)
        epoch = str(held[1]) if held is not None else ""
        if (held[1] if held is not None else 0) != begun:
            return (
                "Every create looks first. The tables were restored while this run went on, so it "
                "ends nothing; run it again with --repair"
            )
        if not report.repair:
            return f"The links of {self.name} are whole; run it with --repair to end recovery"
        mark = self.control.get(f"reconciled:{self.name}")
        self.control.put(f"reconciled:{self.name}", epoch, version=mark[1] if mark else None)
        lacks = [
            name
            for name in on
            if (one := self.control.get(f"reconciled:{name}")) is None or one[0] != epoch
        ]
        if lacks:
            return f"The links of {self.name} are whole; recovery ends after {', '.join(lacks)}"
        self.control.put(EPOCH, TRUSTED, version=held[1] if held else None)
        return "The links of every store are whole, and our tables are trusted again"

    @property
    def _epoch(self) -> int:
        held = self.control.get(EPOCH)
        return held[1] if held is not None else 0

    def _repaired_before(self, place: Place) -> frozenset[tuple[str, str, str, str]]:
        """What the newest report calls repaired."""
        day = dt.date.fromisoformat(place.reported) if place.reported else None
        kept = self.reports.get(self.name, day) if day is not None else None
        if kept is None or kept["run"] == place.run:
            return frozenset()
        last = Report.from_json(kept).differences
        return frozenset(each.identity for each in last if each.repaired)

    # --- memory ---------------------------------------------------------------------

    def _keep(self, place: Place, report: Report, version: int) -> tuple[Place, int]:
        place = replace(place, nth=place.nth + 1, token=f"{self.random.getrandbits(64):016x}")
        draft = {**report.to_json(), "token": place.token}
        self.reports.put_draft(self.name, place.nth, draft)
        return place, self._save(place, version)

    def _save(self, place: Place, version: int | None) -> int:
        text = json.dumps(asdict(place), separators=(",", ":"))
        return self.control.put(f"reconcile:{self.name}", text, version=version)

    def _held(self) -> tuple[str, int] | None:
        return self.control.get(f"reconcile:{self.name}")

    def _lease(self, until: dt.datetime) -> Any:
        return lease(
            self.control,
            f"lease:reconcile:{self.name}",
            owner=f"{self.random.getrandbits(64):016x}",
            until=until + ROOM,
            clock=self.clock,
        )


def _place(text: str) -> Place:
    """What a later release adds is passed over."""
    held = json.loads(text)
    return Place(**{each.name: held[each.name] for each in fields(Place) if each.name in held})
