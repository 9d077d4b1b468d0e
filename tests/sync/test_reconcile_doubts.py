"""What a reconcile asks before it calls an order missing, lost or gone, and before it repairs it."""

import datetime as dt
from typing import Any

import pytest

from accord.errors import UnavailableError
from accord.local.world import World
from accord.model.change import Ref
from accord.sync.reconcile import Place, Reconciler
from accord.sync.reconcile_levels import LevelPhase
from accord.sync.report import Report
from accord.sync.sales import BackOffice
from accord.sync.turn import EPOCH, TRUSTED
from accord.sync.unanswered import MAKING
from tests.conftest import order_json
from tests.sync.placed import ORDER, MakeWorld, link_of, placed, relinked, telling

RICH = order_json("order_created_rich")
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
PAYMENTS = {"bacs": {"record": True, "account": "Bank"}, "*": {"record": False}}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    made: World = make_world(telling(mappings={"payments": PAYMENTS}))
    return made


def compared(world: World, **more: Any) -> Report:
    world.clock.now += HOUR
    report: Report = world.reconcile(**more)
    return report


def by_hand(world: World, sale: Ref, *, state: str = "confirmed") -> Ref:
    """A document like the order's, as a person made it, and the order's link with it."""
    document = dict(world.books._records.get("sales_order", sale.id).document)
    made = world.books.call("create", {**document, "key": "by hand"})["record"]
    world.books.call("advance", {"id": made["id"], "to": state})
    ref = Ref(sale.system, sale.kind, made["id"])
    relinked(world, erp=ref, number="BY-HAND")
    return ref


# --- links ------------------------------------------------------------------------------


def test_an_order_that_was_adopted_and_made_too_is_booked_twice_and_keeps_its_link(
    world: World,
) -> None:
    theirs = by_hand(world, placed(world))

    report = compared(world, repair=True)

    assert [each.reason for each in report.differences] == ["double_document"]
    assert " and " in report.differences[0].erp
    assert not report.repaired
    assert link_of(world).erp == theirs


def test_a_link_with_what_a_person_cancelled_is_not_taken_away(world: World) -> None:
    theirs = by_hand(world, placed(world))
    world.books._records.get("sales_order", theirs.id).state = "cancelled"

    report = compared(world, repair=True)

    assert [each.reason for each in report.differences] == ["link_lost"]
    assert "which nobody deleted" in report.differences[0].why
    assert link_of(world).erp == theirs


def test_a_link_with_what_is_gone_is_rebuilt(world: World) -> None:
    sale = placed(world)
    relinked(world, erp=Ref(sale.system, sale.kind, "999"))

    report = compared(world, repair=True)

    assert (report.found, report.relinked) == (1, 1)
    assert link_of(world).erp == sale


def test_an_order_in_a_back_office_that_no_route_names_is_counted_and_no_difference(
    world: World,
) -> None:
    sale = placed(world)
    del world.books._records._all["sales_order", sale.id]
    world.books._records._by_key.clear()
    relinked(world, erp=Ref("europe", sale.kind, sale.id))

    report = compared(world, repair=True)

    assert report.found == 0
    assert dict(report.skipped) == {"in a back office that no route names": 1}


def forgotten(world: World, *, trusted: bool = True) -> None:
    world.forget()
    held = world.control.get(EPOCH)
    value = TRUSTED if trusted else "restored"
    world.control.put(EPOCH, value, version=held[1] if held else None)


def test_a_link_that_changed_meanwhile_is_left_to_whoever_changed_it(world: World) -> None:
    sale = placed(world)
    forgotten(world)
    theirs = Ref(sale.system, sale.kind, "999")

    def adopted(at: str) -> None:
        if at == "before links.acquire" and world.links.get(ORDER) is None:
            relinked(world, erp=theirs)

    world.hook = adopted

    report = compared(world, repair=True)

    assert (report.found, report.relinked) == (1, 0)
    assert link_of(world).erp == theirs
    assert not link_of(world).owner


def test_a_link_whose_document_is_being_made_is_left_to_its_flow(world: World) -> None:
    placed(world)
    forgotten(world)
    begun = world.clock() - HOUR
    relinked(world, facts={MAKING: f"x {begun.isoformat()}"})

    report = compared(world, repair=True)

    assert report.relinked == 0
    assert link_of(world).erp is None
    assert world.queue.next_at() is not None  # its flow ends what it began


def test_what_was_known_beside_the_document_is_kept(world: World) -> None:
    placed(world)
    forgotten(world)
    relinked(world, facts={"note:paid": "7"})

    compared(world, repair=True)

    assert link_of(world).facts["note:paid"] == "7"
    assert link_of(world).facts["total"]


def test_a_repair_that_breaks_off_gives_up_the_lease_and_the_order_is_looked_at_again(
    world: World,
) -> None:
    placed(world)
    forgotten(world)

    def broken(at: str) -> None:
        if at == "before links.save":
            raise UnavailableError("the table does not answer")

    world.hook = broken
    with pytest.raises(UnavailableError):
        compared(world, repair=True)

    assert not link_of(world).owner
    assert world.queue.next_at() is not None


def test_a_repair_is_told_of_once_it_has_the_order_in_hand_so_that_no_worker_takes_it_first(
    world: World,
) -> None:
    placed(world)
    forgotten(world)
    queued: dict[str, bool] = {}

    def look(at: str) -> None:
        if at in {"before links.acquire", "before links.save"}:
            queued[at] = world.queue.next_at() is not None

    world.hook = look
    report = compared(world, repair=True)

    assert report.relinked == 1
    assert queued == {"before links.acquire": False, "before links.save": True}


# --- recovery -----------------------------------------------------------------------------


def test_while_recovering_what_bears_the_number_is_not_posted_again(world: World) -> None:
    sale = placed(world)
    forgotten(world, trusted=False)
    entry = world.books._records.get("sales_order", sale.id)
    entry.key = "by hand"  # somebody's own, adopted before the tables were restored
    world.books._records._by_key.clear()

    report = compared(world, repair=True)

    (difference,) = report.differences
    assert (difference.reason, difference.event) == ("missing_in_erp", "")
    assert "accord adopt" in difference.why
    assert world.queue.next_at() is None
    assert "Every create looks first" in report.recovery


def test_while_recovering_what_nobody_has_is_posted(world: World) -> None:
    forgotten(world, trusted=False)
    world.copies = lambda _: 0
    world.store.place(RICH)

    report = compared(world, repair=True)

    assert [each.repaired for each in report.differences] == [True]


def begun(world: World, *, repair: bool = False) -> Reconciler:
    reconciler = world.reconciler()
    reconciler.begin(since=None, repair=repair, by="the night")
    return reconciler


def test_a_run_that_began_before_the_restore_ends_no_recovery(world: World) -> None:
    placed(world)
    world.clock.now += HOUR
    forgotten(world, trusted=False)
    reconciler = begun(world, repair=True)
    held = world.control.get(EPOCH)
    assert held is not None
    world.control.put(EPOCH, "restored again", version=held[1])

    sliced = reconciler.go_on(until=world.clock() + HOUR)

    assert sliced is not None
    assert sliced.ended
    now = world.control.get(EPOCH)
    assert now is not None
    assert now[0] == "restored again"


# --- orders that are not listed --------------------------------------------------------------


def test_an_order_that_no_list_shows_is_no_orphan(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed(world)
    document = dict(world.store.orders["30"])
    world.store.delete("30")
    world.drain()
    for item in world.attention.open():
        world.attention.close(item.id, now=world.clock(), by="test")
    monkeypatch.setattr(type(world.store), "get_order", lambda *_: (document, "digest"))

    report = compared(world, repair=True)

    assert [each.reason for each in report.differences] == ["unreadable"]
    assert document["status"] in report.differences[0].store


def test_an_order_that_cannot_be_read_does_not_stop_the_stock(world: World) -> None:
    world.copies = lambda _: 0
    for id_ in (31, 32):
        world.store.place({**RICH, "id": id_, "number": str(id_)})
        world.store.edit(str(id_))
    world.store.orders["31"]["total"] = "a lot"
    report = begun_report(world)
    phase = LevelPhase(
        name="uk",
        what="stock",
        rules=world.rules,
        stores=world.config.stores,
        back=BackOffice("main", world.erp(), dt.UTC),
        store=world.store,
        links=world.links,
        levels=world.levels,
        attention=world.attention,
        queues=None,
        clock=world.clock,
        report=report,
        take=lambda *_: None,
    )

    assert {line["sku"] for line in RICH["line_items"] if line["sku"]} <= phase._sold()


def begun_report(world: World) -> Report:
    now = world.clock()
    return Report(store="uk", erps=("main",), run="1", begun=now, since=now.date(), by="test")


# --- slices and nights -------------------------------------------------------------------------


def test_a_draft_of_a_worker_whose_lease_had_run_out_is_not_taken(world: World) -> None:
    sale = placed(world)
    entry = world.books._records.get("sales_order", sale.id)
    entry.state = "quotation"
    world.clock.now += HOUR
    reconciler = begun(world)
    first = reconciler.go_on(until=world.clock())
    assert first is not None
    place = reconciler.place()
    stale = {**first.report.to_json(), "token": "another's", "skipped": {"stale": 1}}
    world.reports.put_draft("uk", place.nth, stale)

    sliced = reconciler.go_on(until=world.clock() + HOUR)

    assert sliced is not None
    assert sliced.ended
    assert "stale" not in sliced.report.skipped
    assert [each.reason for each in sliced.report.differences] == ["status_differs"]


def test_a_slice_counts_though_nothing_of_it_is_saved(world: World) -> None:
    placed(world)
    world.clock.now += HOUR
    reconciler = begun(world)
    world.down = lambda _: True

    with pytest.raises(UnavailableError):
        reconciler.go_on(until=world.clock() + HOUR)

    assert reconciler.place().slices == 1


def test_what_differs_is_left_to_the_next_slice_when_the_time_is_up(world: World) -> None:
    world.copies = lambda _: 0
    for id_ in (31, 32, 33):
        world.store.place({**RICH, "id": id_, "number": str(id_)})
    world.clock.now += HOUR
    reconciler = begun(world, repair=True)

    seen = []
    while (sliced := reconciler.go_on(until=world.clock())) is not None:
        seen.append(sliced.report.found)
        refs = sorted(each.ref for each in sliced.report.differences)

    assert [each for each in dict.fromkeys(seen) if each] == [1, 2, 3]
    assert refs == [f"uk:order:{id_}" for id_ in (31, 32, 33)]


def test_nights_whose_runs_begin_and_never_end_are_late(world: World) -> None:
    world.reconcile()
    reconciler = world.reconciler()
    assert not reconciler.is_late

    for _ in range(2):
        world.clock.now += DAY
        reconciler.begin(since=None, repair=False, by="the night")

    assert reconciler.is_late
    assert reconciler.place().last_ended


def test_a_place_that_was_saved_before_is_read() -> None:
    assert Place(run="1", begun="", since="", by="", nth=3).token == ""


def test_a_repair_that_never_takes_is_not_called_one_again(world: World) -> None:
    world.copies = lambda _: 0
    world.store.place(RICH)

    first = compared(world, repair=True)
    again = compared(world, repair=True)  # the change was handled by nobody

    assert (first.found, first.left) == (1, 0)
    assert (again.found, again.left) == (1, 1)
    assert "differs still" in again.differences[0].why
