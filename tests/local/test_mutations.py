"""A simulation that finds nothing proves nothing: a bug is planted in each guarantee, and found.

Each bug is a patch of one port or one flow. It is found when any of its scenario's lives ends with
the difference that is to be expected, which the lives' own checks see; without a bug, all end well.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from accord.local.model_store import ModelStore
from accord.model.change import Ref
from accord.model.money import Money
from accord.model.shop import Hook
from accord.model.stock import Snapshot
from accord.ports.state import Link, Step
from accord.state.memory import MemoryLinks, MemorySteps
from accord.state.memory_levels import MemoryLevels
from accord.sync import demand, erp_changes, handing_on, orders, poll_store, refunds
from accord.sync.cursor import Reader, _Cursor
from accord.sync.poll_store import StorePoller
from accord.sync.refunds import Refunds
from accord.sync.sales import BackOffice
from accord.sync.steps import Writer
from accord.sync.wake import Waker
from accord.woo.webhook import Delivery, Message
from tests.local import small_lives as lives

Patch = pytest.MonkeyPatch
Scenario = Callable[[int], list[str]]


def nothing(*_: Any, **__: Any) -> None:
    """In the place of what is left out."""


# --- the bugs: the lease and the link -------------------------------------------


def lease_ignored(patch: Patch) -> None:
    """Everybody gets it, and nobody is told that another has it by now."""
    save = MemoryLinks.save

    def acquire(self: MemoryLinks, ref: Ref, *, key: str, owner: str, **kw: Any) -> Link:
        held = self._links.get(ref) or Link(ref=ref, key=key, version=0)
        until = kw["until"]
        link = replace(held, version=held.version + 1, owner=owner, leased_until=until)
        self._links[ref] = link
        return link

    def save_over(self: MemoryLinks, link: Link) -> Link:
        return save(self, replace(link, version=self._links[link.ref].version))

    patch.setattr(MemoryLinks, "acquire", acquire)
    patch.setattr(MemoryLinks, "_held", lambda self, link: self._links[link.ref])
    patch.setattr(MemoryLinks, "save", save_over)


def lease_leaked(patch: Patch) -> None:
    """That of a worker who was killed does not run out."""
    acquire = MemoryLinks.acquire

    def for_ever(self: MemoryLinks, ref: Ref, **kw: Any) -> Link | None:
        return acquire(self, ref, **{**kw, "until": kw["until"] + dt.timedelta(days=9)})

    patch.setattr(MemoryLinks, "acquire", for_ever)


def mark_lost(patch: Patch) -> None:
    """Whoever finds the lease taken goes away and leaves no word."""
    acquire = MemoryLinks.acquire

    def without_mark(self: MemoryLinks, ref: Ref, **kw: Any) -> Link | None:
        before = self._links.get(ref)
        link = acquire(self, ref, **kw)
        if link is None and before is not None:
            self._links[ref] = before
        return link

    patch.setattr(MemoryLinks, "acquire", without_mark)


def refund_linked_before_it_is_credited(patch: Patch) -> None:
    credit, done = Refunds._credit, Refunds._done

    def newest(self: Refunds, link: Link, *args: Any, **kw: Any) -> Link:
        held = self.links.get(link.ref)
        assert held is not None
        return done(self, replace(link, version=held.version), *args, **kw)

    def linked_first(self: Refunds, link: Link, order: Any, refund: Any, *more: Any) -> Any:
        newest(self, link, refund, credited=True)
        return credit(self, link, order, refund, *more)

    patch.setattr(Refunds, "_credit", linked_first)
    patch.setattr(Refunds, "_done", newest)


def own_credit_note_taken_for_another(patch: Patch) -> None:
    """Neither its key nor its link tells that it is an echo of ours."""
    progress = erp_changes.ErpChanges._by_hand

    def by_anybody(self: Any, found: Any) -> Any:
        keyless = tuple(replace(each, key=None) for each in found.invoices)
        return progress(self, replace(found, invoices=keyless))

    patch.setattr(refunds, "tie", nothing)
    patch.setattr(erp_changes.ErpChanges, "_by_hand", by_anybody)


# --- the bugs: steps --------------------------------------------------------------


def no_look_before_a_second_try(patch: Patch) -> None:
    patch.setattr(Writer, "_after_a_try", nothing)


def settle_ignored(patch: Patch) -> None:
    """An unanswered write that takes effect late is not waited for."""
    patch.setattr(Writer, "_wait", nothing)


def intent_not_stored(patch: Patch) -> None:
    def begin(self: MemorySteps, key: str, *, now: dt.datetime, intent: Mapping[str, Any]) -> Step:
        return self._steps.get(key) or Step(key=key, at=now, fresh=True, intent=intent)

    patch.setattr(MemorySteps, "begin", begin)


def note_repeated(patch: Patch) -> None:
    patch.setattr(ModelStore, "find_note", nothing)


def money_out_without_a_look(patch: Patch) -> None:
    payment = BackOffice.payment

    def money_in(self: BackOffice, key: str, amount: Money | None = None) -> Any:
        goes_out = amount is not None and amount.amount < 0
        return None if goes_out else payment(self, key, amount)

    patch.setattr(BackOffice, "payment", money_in)


def epoch_ignored(patch: Patch) -> None:
    """After a restore nobody looks before a create."""
    patch.setattr(orders, "recovering", lambda _: False)


# --- the bugs: messages, cursors and polls ------------------------------------------


def deduplicated_by_the_delivery(patch: Patch) -> None:
    """Which a store numbers alike for all that it sends within a second."""
    read = Delivery.read

    def by_second(self: Delivery, edge: Any, *, seen_at: dt.datetime) -> Any:
        found = read(self, edge, seen_at=seen_at)
        if not isinstance(found, Message):
            return found
        return replace(found, sending=str(int(seen_at.timestamp())))

    patch.setattr(Delivery, "read", by_second)


def message_dropped_after_the_commit(patch: Patch) -> None:
    """The order is saved, and its refunds are not queued."""
    patch.setattr(handing_on.HandingOn, "refunds", lambda *_: {})


def woken_and_lost(patch: Patch) -> None:
    patch.setattr(Waker, "_put", lambda self, parked: self.waiting.remove(parked))


def _early(patch: Patch, *whats: str) -> None:
    read = Reader.read

    def cursor_first(self: Reader[Any], take: Callable[[Any], None], **kw: Any) -> Any:
        if self.what not in whats:
            return read(self, take, **kw)
        pages: list[Any] = []
        done = read(self, pages.append, **kw)
        for page in pages:
            take(page)
        return done

    patch.setattr(Reader, "read", cursor_first)


def erp_cursor_moved_before_queueing(patch: Patch) -> None:
    _early(patch, "shipment")


def store_cursor_moved_before_queueing(patch: Patch) -> None:
    _early(patch, "order", "trashed order")


def cursor_set_to_now(patch: Patch) -> None:
    def moved(self: Reader[Any], *_: Any, **__: Any) -> _Cursor:
        return _Cursor(self.clock(), self.clock())

    patch.setattr(Reader, "_moved", moved)


def overlap_dropped(patch: Patch) -> None:
    page = Reader._page

    def without(self: Reader[Any], cursor: _Cursor) -> Any:
        return page(replace(self, overlap=dt.timedelta(0)), cursor)

    patch.setattr(Reader, "_page", without)


def filter_too_eager(patch: Patch) -> None:
    """An order that is linked counts as seen, whatever became of it since."""
    patch.setattr(poll_store, "is_seen", lambda link, _: link is not None)


def sweep_left_out(patch: Patch) -> None:
    """Only what moves a date is read: a refund that is taken back moves none."""
    patch.setattr(StorePoller, "_read_open", nothing)


def webhook_switched_on_again(patch: Patch) -> None:
    """The guard does not make one anew: the store still counts the failures before."""

    def create_hook(self: ModelStore, *, name: str, topic: str, url: str, secret: str) -> Hook:
        off = next((hook for hook in self.hooks() if (hook.name, hook.url) == (name, url)), None)
        if off is None:
            return create(self, name=name, topic=topic, url=url, secret=secret)
        self._request("PUT", f"webhooks/{off.id}", {"status": "active"})
        return replace(off, status="active")

    create = ModelStore.create_hook
    patch.setattr(ModelStore, "create_hook", create_hook)
    patch.setattr(ModelStore, "delete_hook", nothing)


# --- the bugs: stock and money ------------------------------------------------------


def older_snapshot_accepted(patch: Patch) -> None:
    observe = MemoryLevels.observe

    def forgetful(self: MemoryLevels, erp: str, snapshots: Sequence[Snapshot]) -> Any:
        for each in snapshots:
            held = self._items.get((erp, each.item))
            if held is not None and held.as_of is not None and held.as_of > each.as_of:
                earlier = each.as_of - dt.timedelta(seconds=1)
                self._items[erp, each.item] = replace(held, as_of=earlier)
        return observe(self, erp, snapshots)

    patch.setattr(MemoryLevels, "observe", forgetful)


def demand_closed_early(patch: Patch) -> None:
    """A quotation counts as a reservation."""
    patch.setattr(demand, "is_reserved", lambda *_: True)


def money_added_as_floats(patch: Patch) -> None:
    def add(self: Money, other: Money) -> Money:
        return Money(Decimal(float(self.amount) + float(other.amount)), self.currency)

    patch.setattr(Money, "__add__", add)


# --- the table ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bug:
    """What it breaks, the scenario whose lives show it, and what they show then (a pattern)."""

    plant: Callable[[Patch], None]
    breaks: str
    scenario: Scenario
    shows: str


_TWICE = r"sales stand|there \d+ times|came in \d+ times|has \d+ parties"
_NOT_IN_BOOKS = "no sale stands|not credited|not payments"
_OLDER = r"comes to|were bought|it is \S+, and"
BUGS = (
    Bug(lease_ignored, "a newer state stays", lives.overtaken, _OLDER),
    Bug(lease_leaked, "a killed worker's order goes on", lives.deaths, "queued yet|for busy"),
    Bug(mark_lost, "what comes while another works is kept", lives.crowd, _OLDER),
    Bug(refund_linked_before_it_is_credited, "refunds are paid", lives.deaths, _NOT_IN_BOOKS),
    Bug(own_credit_note_taken_for_another, "echoes are known", lives.cents, "asked: credit"),
    Bug(no_look_before_a_second_try, "a write is made once", lives.late_answers, _TWICE),
    Bug(settle_ignored, "a write is made once", lives.late_answers, _TWICE),
    Bug(intent_not_stored, "a write is made once", lives.late_answers, _TWICE),
    Bug(note_repeated, "the store is told once", lives.deaths, "note .* there 2 times"),
    Bug(money_out_without_a_look, "money goes out once", lives.late_refunds, r"paid back \d"),
    Bug(epoch_ignored, "a restore repeats nothing", lives.restore, "note .* there 2 times"),
    Bug(deduplicated_by_the_delivery, "each delivery counts", lives.rapid, _OLDER),
    Bug(message_dropped_after_the_commit, "what follows is queued", lives.deaths, _NOT_IN_BOOKS),
    Bug(woken_and_lost, "what waits goes on", lives.mishaps, f"{_NOT_IN_BOOKS}|{_OLDER}"),
    Bug(erp_cursor_moved_before_queueing, "news are told", lives.parcel_backlog, "shipped|says"),
    Bug(store_cursor_moved_before_queueing, "orders are found", lives.order_backlog, "no sale"),
    Bug(cursor_set_to_now, "orders are found", lives.order_backlog, "no sale stands"),
    Bug(overlap_dropped, "late news are told", lives.parcels, "shipped"),
    Bug(filter_too_eager, "edits no webhook told of are found", lives.silence, _OLDER),
    Bug(sweep_left_out, "what moves no date is found", lives.silence, "refunds that are not there"),
    Bug(webhook_switched_on_again, "a mended webhook lasts", lives.switched_off, _OLDER),
    Bug(older_snapshot_accepted, "the newest stock counts", lives.frozen, "are taken"),
    Bug(demand_closed_early, "what is sold is kept", lives.shelves, "orders wait for"),
    Bug(money_added_as_floats, "amounts are exact", lives.cents, "asked: paid"),
)
SEEDS: Mapping[Scenario, range] = {
    lives.cents: range(1, 9),
    lives.crowd: range(1, 13),
    lives.deaths: range(1, 9),
    lives.frozen: range(1, 11),
    lives.late_answers: range(1, 11),
    lives.late_refunds: range(1, 9),
    lives.mishaps: range(1, 13),
    lives.order_backlog: range(1, 11),
    lives.overtaken: range(1, 9),
    lives.parcel_backlog: range(1, 9),
    lives.parcels: range(1, 17),
    lives.rapid: range(1, 9),
    lives.restore: range(1, 4),
    lives.shelves: range(1, 11),
    lives.silence: range(1, 11),
    lives.switched_off: range(1, 9),
}


@pytest.mark.parametrize("scenario", SEEDS, ids=lambda each: each.__name__)
def test_without_a_bug_every_life_ends_well(scenario: Scenario) -> None:
    found = {seed: differences for seed in SEEDS[scenario] if (differences := scenario(seed))}

    assert found == {}


@pytest.mark.parametrize("bug", BUGS, ids=lambda each: each.plant.__name__)
def test_a_planted_bug_is_found(bug: Bug, monkeypatch: Patch) -> None:
    bug.plant(monkeypatch)

    found = (text for seed in SEEDS[bug.scenario] for text in bug.scenario(seed))
    assert any(re.search(bug.shows, text) for text in found)


def test_every_scenario_has_a_bug() -> None:
    assert {bug.scenario for bug in BUGS} == SEEDS.keys()
