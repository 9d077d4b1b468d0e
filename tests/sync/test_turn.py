"""A flow beside the order's own takes its turn under the order's lease."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest

from accord.errors import BusyError, PermanentError, UnavailableError, WaitingError
from accord.local.world import Clock, ModelQueue
from accord.model.change import Change, Ref
from accord.ports.state import Link, Seen
from accord.state.memory import MemoryControl, MemoryJournal, MemoryLinks
from accord.sync.outcome import Outcome, Told
from accord.sync.turn import (
    EPOCH,
    TRUSTED,
    Asides,
    Invocation,
    Story,
    recovering,
    waits_for_flow,
)
from tests.sync.conftest import START

ORDER = Ref("uk", "order", "30")
CHANGE = Change(Ref("main", "shipment", "3"), "order_fulfilled", START, "c", aggregate=ORDER)
RUN = Invocation("run", START + dt.timedelta(minutes=1))
LATER = Seen(START + dt.timedelta(seconds=1), "later")


class Desk:
    def __init__(self, *, linked: bool = True) -> None:
        self.clock = Clock(START)
        self.links, self.journal = MemoryLinks(), MemoryJournal()
        self.queue = ModelQueue(self.clock)
        self.asides = Asides(self.links, self.journal, self.queue, self.clock)
        if linked:
            self.links.abandon(self.hold("first"))

    def hold(self, owner: str) -> Link:
        until = self.clock() + dt.timedelta(minutes=1)
        link = self.links.acquire(
            ORDER, key="uk-30", owner=owner, now=self.clock(), until=until, seen=Seen(None)
        )
        assert link is not None
        return link

    def mark(self) -> None:
        """The store tells of the order while it is held."""
        until = self.clock() + dt.timedelta(minutes=1)
        assert (
            self.links.acquire(
                ORDER, key="uk-30", owner="other", now=self.clock(), until=until, seen=LATER
            )
            is None
        )

    def queued(self) -> list[tuple[Ref, str]]:
        found = []
        while (received := self.queue.receive()) is not None:
            group, change, _ = received
            found.append((change.ref, change.event))
            self.queue.done(group)
        return found

    def story(self) -> list[tuple[str, str]]:
        return [(entry.mark, entry.text) for entry in self.journal.of(ORDER)]


def tell(link: Link, story: Story) -> tuple[Outcome, Link]:
    return Told("it shipped"), link


def failing(error: Exception) -> Callable[[Link, Story], tuple[Outcome, Link]]:
    def work(link: Link, story: Story) -> tuple[Outcome, Link]:
        raise error

    return work


def test_what_it_came_to_settles_an_earlier_trouble() -> None:
    done = Desk().asides.take(CHANGE, RUN, tell)
    assert done.outcome == Told("it shipped")
    assert done.settles


def test_it_works_on_the_orders_link_while_holding_it() -> None:
    desk = Desk()

    def work(link: Link, story: Story) -> tuple[Outcome, Link]:
        assert (link.ref, link.owner) == (ORDER, "run")
        return tell(link, story)

    desk.asides.take(CHANGE, RUN, work)


def test_the_story_is_the_orders() -> None:
    desk = Desk()
    desk.asides.take(CHANGE, RUN, tell)
    assert desk.story() == [("begun", "order_fulfilled"), ("ended", "told the store: it shipped")]


def test_the_lease_is_given_back() -> None:
    desk = Desk()
    desk.asides.take(CHANGE, RUN, tell)
    assert desk.hold("next").owner == "next"


@pytest.mark.parametrize("error", [PermanentError("no"), UnavailableError("503")])
def test_the_lease_is_given_back_after_a_failure(error: Exception) -> None:
    desk = Desk()
    with pytest.raises(type(error)):
        desk.asides.take(CHANGE, RUN, failing(error))
    assert desk.hold("next").owner == "next"


def test_the_lease_is_given_back_where_the_journal_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()

    def down(_: object) -> None:
        raise UnavailableError("503")

    monkeypatch.setattr(desk.journal, "append", down)
    with pytest.raises(UnavailableError):
        desk.asides.take(CHANGE, RUN, marking(desk))
    assert desk.queued() == [(ORDER, "order_updated")]
    assert desk.hold("next").owner == "next"


def test_a_failure_is_in_the_story() -> None:
    desk = Desk()
    with pytest.raises(PermanentError):
        desk.asides.take(CHANGE, RUN, failing(PermanentError("no", owner="finance")))
    assert desk.story()[-1] == ("ended", "failed: for finance")


def test_an_order_that_is_not_linked_is_tried_again() -> None:
    with pytest.raises(BusyError):
        Desk(linked=False).asides.take(CHANGE, RUN, tell)


def test_an_order_in_another_workers_hand_is_tried_again() -> None:
    desk = Desk()
    desk.hold("other")
    with pytest.raises(BusyError):
        desk.asides.take(CHANGE, RUN, tell)


def test_an_undisturbed_turn_queues_nothing() -> None:
    desk = Desk()
    desk.asides.take(CHANGE, RUN, tell)
    assert desk.queued() == []


def marking(desk: Desk) -> Callable[[Link, Story], tuple[Outcome, Link]]:
    def work(link: Link, story: Story) -> tuple[Outcome, Link]:
        desk.mark()
        return tell(link, story)

    return work


def test_what_the_store_told_meanwhile_is_queued_for_the_order() -> None:
    desk = Desk()
    desk.asides.take(CHANGE, RUN, marking(desk))
    assert desk.queued() == [(ORDER, "order_updated")]
    assert desk.hold("next").owner == "next"


def test_what_the_store_told_during_a_failing_turn_is_queued_too() -> None:
    desk = Desk()

    def work(link: Link, story: Story) -> tuple[Outcome, Link]:
        desk.mark()
        raise UnavailableError("503")

    with pytest.raises(UnavailableError):
        desk.asides.take(CHANGE, RUN, work)
    assert desk.queued() == [(ORDER, "order_updated")]


def test_a_further_try_owes_the_order_a_look() -> None:
    """The try before may have taken the mark off, and died."""
    desk = Desk()
    desk.asides.take(CHANGE, replace(RUN, attempt=2), tell)
    assert desk.queued() == [(ORDER, "order_updated")]


def test_a_killed_workers_lease_is_free_when_it_runs_out() -> None:
    desk = Desk()
    assert desk.asides.links.get(ORDER) is not None
    desk.hold("killed")
    desk.clock.now += dt.timedelta(minutes=2)
    run = Invocation("run", desk.clock() + dt.timedelta(minutes=1), attempt=2)
    assert desk.asides.take(CHANGE, run, tell).settles


def test_a_lease_outlasts_its_invocation() -> None:
    assert RUN.lease_until > RUN.deadline


@pytest.mark.parametrize("flow", ["off", "shadow"])
def test_what_is_replayed_waits_for_its_flow(flow: str) -> None:
    asked = replace(CHANGE, replay="olivia")
    with pytest.raises(WaitingError) as caught:
        waits_for_flow(flow, asked, store="uk", name="fulfilment")  # type: ignore[arg-type]
    assert caught.value.cause == "flow:fulfilment"


@pytest.mark.parametrize("flow", ["off", "shadow", "on"])
def test_what_is_told_for_the_first_time_waits_for_no_flow(flow: str) -> None:
    waits_for_flow(flow, CHANGE, store="uk", name="fulfilment")  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "found"), [(None, True), ("restored", True), (TRUSTED, False)])
def test_records_are_trusted_only_when_that_is_said(value: str | None, found: bool) -> None:
    control = MemoryControl()
    if value is not None:
        control.put(EPOCH, value, version=None)
    assert recovering(control) is found
