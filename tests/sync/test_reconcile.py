"""Both sides compared: every fault that is planted is named, and none is made up."""

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from accord.errors import BusyError, UnavailableError
from accord.local.world import World
from accord.model.change import Ref
from accord.model.money import Money
from accord.ports.state import Seen
from accord.sync.compare import tax_apart
from accord.sync.difference import REASONS
from accord.sync.report import Report
from accord.sync.turn import EPOCH, TRUSTED
from tests.conftest import order_json
from tests.sync.conftest import START
from tests.sync.placed import link_of, placed, reasons, telling

RICH = order_json("order_created_rich")
ORDER = Ref("uk", "order", "30")
HOUR = dt.timedelta(hours=1)
PAYMENTS = {"bacs": {"record": True, "account": "Bank"}, "*": {"record": False}}
MakeWorld = Callable[..., World]
Fault = Callable[[World, Ref], object]


def books(world: World, sale: Ref) -> Any:
    """The sale as the ledger keeps it, for whoever works past every rule."""
    return world.books._records.get("sales_order", sale.id)


def found(report: Report) -> list[tuple[str, str]]:
    return [(each.reason, each.ref) for each in report.differences]


def compared(world: World, **more: Any) -> Report:
    """What is found an hour later: nothing is on its way any more."""
    world.clock.now += HOUR
    report: Report = world.reconcile(**more)
    return report


@pytest.fixture
def sold(make_world: MakeWorld) -> tuple[World, Ref]:
    """An order that is posted, paid and confirmed."""
    world = make_world(telling(mappings={"payments": PAYMENTS}))
    return world, placed(world)


def test_where_both_sides_agree_nothing_is_found(sold: tuple[World, Ref]) -> None:
    world, _ = sold
    report = compared(world)

    assert (report.found, report.left, report.in_hand_count) == (0, 0, 0)
    assert report.compared["orders"] == report.compared["sales"] == 1
    ((day, each),) = report.days.items()
    assert day[1] == "GBP"
    assert each.agrees
    assert each.store.count == each.erp.count == 1
    assert each.store.gross == each.erp.gross == Decimal(RICH["total"])


# --- faults ---------------------------------------------------------------------------


def never_told(world: World, _: Ref) -> None:
    """Another order is placed, and nobody is told."""
    world.copies = lambda _: 0
    world.store.place({**RICH, "id": 31, "number": "31"})


def deleted_there(world: World, sale: Ref) -> None:
    del world.books._records._all["sales_order", sale.id]
    world.books._records._by_key.clear()


def deleted_here(world: World, _: Ref) -> None:
    world.store.delete("30")


def cancelled_unheard(world: World, _: Ref) -> None:
    world.copies = lambda _: 0
    world.store.set_status("30", "cancelled")


def made_twice(world: World, sale: Ref) -> None:
    document = dict(books(world, sale).document)
    made = world.books.call("create", {**document, "key": "uk-30-2"})["record"]
    world.books.call("advance", {"id": made["id"], "to": "confirmed"})


def changed_there(world: World, sale: Ref) -> None:
    entry = books(world, sale)
    gross = Decimal(entry.totals["gross"]) + 5
    net = Decimal(entry.totals["net"]) + 5
    entry.totals = {**entry.totals, "gross": str(gross), "net": str(net)}


def taxed_otherwise(world: World, sale: Ref) -> None:
    entry = books(world, sale)
    tax, net = Decimal(entry.totals["tax"]) - 1, Decimal(entry.totals["net"]) + 1
    entry.totals = {**entry.totals, "tax": str(tax), "net": str(net)}


def offered_again(world: World, sale: Ref) -> None:
    books(world, sale).state = "quotation"


def unpaid(world: World, sale: Ref) -> None:
    entry = books(world, sale)
    entry.parts = [part for part in entry.parts if part.kind != "payment"]


def paid_twice(world: World, sale: Ref) -> None:
    (payment,) = books(world, sale).of_kind("payment")
    records = world.books._records
    twin = records.new("payment", payment.key, payment.document, order=payment.order)
    twin.state, twin.totals, twin.number = payment.state, payment.totals, "PAY-2"
    records.keep(twin)


def refunded_unheard(world: World, _: Ref) -> None:
    world.copies = lambda _: 0
    world.store.refund("30", "5.00", reason="Broken")


def credit_undone(world: World, sale: Ref) -> None:
    world.store.refund("30", "5.00", reason="Broken")
    world.drain()
    (note,) = books(world, sale).of_kind("credit_note")
    note.state = "cancelled"


def credited_less(world: World, sale: Ref) -> None:
    world.store.refund("30", "5.00", reason="Broken")
    world.drain()
    (note,) = books(world, sale).of_kind("credit_note")
    note.totals = {**note.totals, "gross": "4.00"}


def credited_by_hand(world: World, sale: Ref) -> None:
    world.erp().post_invoice(sale)
    world.erp().credit(sale)


def forgotten(world: World, _: Ref) -> None:
    epoch = world.control.get(EPOCH)
    world.forget()
    world.control.put(EPOCH, epoch[0] if epoch else TRUSTED, version=1)


def unreadable(world: World, _: Ref) -> None:
    world.copies = lambda _: 0
    world.store.orders["30"]["total"] = "a lot"


@pytest.mark.parametrize(
    ("rounding_max", "currency", "apart"),
    [("0.05", "GBP", "0.05"), ("0", "GBP", "0"), ("0.05", "JPY", "1"), ("0.05", "KWD", "0.05")],
)
def test_taxes_are_compared_by_what_their_currency_has(
    rounding_max: str, currency: str, apart: str
) -> None:
    """Books that count hundredths of a yen split its total otherwise."""
    unit = Money.zero(currency).unit

    assert tax_apart(Decimal(rounding_max), unit) == Decimal(apart)


FAULTS: dict[str, tuple[Fault, list[str]]] = {
    "an order that nobody was told of": (never_told, ["missing_in_erp"]),
    "a sale that was deleted": (deleted_there, ["missing_in_erp"]),
    "an order that was deleted": (deleted_here, ["orphan"]),
    "an order that was cancelled, unheard": (cancelled_unheard, ["status_differs"]),
    "a sale that was made twice": (made_twice, ["double_document"]),
    "a sale that was changed": (changed_there, ["total_differs"]),
    "a sale with other tax": (taxed_otherwise, ["tax_differs"]),
    "a sale that is a quotation again": (offered_again, ["status_differs"]),
    "a payment that is gone": (unpaid, ["payment_differs"]),
    "a payment that was made twice": (paid_twice, ["double_document"]),
    "a refund that nobody was told of": (refunded_unheard, ["refund_not_credited"]),
    "a credit note that was undone": (credit_undone, ["refund_not_credited"]),
    "a credit note of less": (credited_less, ["refund_differs"]),
    "a credit note by hand": (credited_by_hand, ["credit_without_refund"]),
    "tables that forgot it": (forgotten, ["link_lost"]),
    "an order that cannot be read": (unreadable, ["unreadable"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_and_nothing_else(sold: tuple[World, Ref], fault: str) -> None:
    world, sale = sold
    plant, expected = FAULTS[fault]
    plant(world, sale)

    report = compared(world)

    assert [each.reason for each in report.differences] == expected
    for each in report.differences:
        assert each.kind == "orders"
        assert each.store
        assert each.erp
        assert each.repair or REASONS[each.reason].remedy
        assert bool(each.repair) is each.can_be_repaired
    assert not report.repaired
    assert world.queue.next_at() is None  # it was only looked


REPAIRED: dict[str, list[tuple[str, str]]] = {  # and what a person is asked all the same
    "an order that nobody was told of": [],
    "an order that was cancelled, unheard": [("paid_and_cancelled", "finance")],
    "a refund that nobody was told of": [],
    "tables that forgot it": [],
}


@pytest.mark.parametrize("fault", REPAIRED)
def test_what_an_ordinary_change_mends_is_mended(sold: tuple[World, Ref], fault: str) -> None:
    world, sale = sold
    plant, _ = FAULTS[fault]
    plant(world, sale)

    first = compared(world, repair=True)
    world.drain()
    again = compared(world)

    assert first.found == first.repaired > 0
    assert (first.left, again.found) == (0, 0)
    assert reasons(world) == REPAIRED[fault]


def cancelled_and_deleted_there(make_world: MakeWorld) -> World:
    """A sale of an order that is cancelled on both sides, by rules that import closed orders."""
    world = make_world(telling(orders={"import_closed": "both"}))
    sale = placed(world)
    world.store.set_status("30", "cancelled")
    world.drain()
    world.erp().delete(sale)
    return world


def test_a_cancelled_sale_that_is_deleted_is_missing_nowhere(make_world: MakeWorld) -> None:
    assert compared(cancelled_and_deleted_there(make_world)).found == 0


def test_of_an_order_that_is_sold_again_the_sale_that_is_missing_is_made(
    make_world: MakeWorld,
) -> None:
    world = cancelled_and_deleted_there(make_world)
    world.copies = lambda _: 0
    world.store.set_status("30", "processing")

    report = compared(world, repair=True)
    world.drain()

    assert found(report) == [("missing_in_erp", "uk:order:30")]
    assert [sale["state"] for sale in world.books.sales()] == ["confirmed"]


ASKED = {
    "a sale that was deleted": ("deleted_in_erp", "commerce"),
    "an order that was deleted": ("deleted_after_posting", "commerce"),
    "a sale that was changed": ("shortened_in_erp", "commerce"),
    "a credit note by hand": ("credited_in_erp", "finance"),
}


@pytest.mark.parametrize("fault", ASKED)
def test_what_only_a_person_can_mend_is_asked_of_them_and_then_in_hand(
    sold: tuple[World, Ref], fault: str
) -> None:
    world, sale = sold
    plant, _ = FAULTS[fault]
    plant(world, sale)

    compared(world, repair=True)
    world.drain()
    again = compared(world)

    assert reasons(world) == [ASKED[fault]]
    assert again.found == 0
    assert [each.ref for each in again.in_hand] == ["uk:order:30"]
    assert ASKED[fault][0] in again.in_hand[0].why


def test_what_a_person_let_be_is_not_called_a_difference_every_night(
    sold: tuple[World, Ref],
) -> None:
    world, sale = sold
    changed_there(world, sale)
    compared(world, repair=True)
    world.drain()
    (item,) = world.attention.open()
    world.attention.dismiss(item.id, now=world.clock(), by="olivia", why="agreed by phone")

    report = compared(world)

    assert report.found == 0
    assert "olivia let it be (shortened_in_erp): agreed by phone" in report.in_hand[0].why


# --- what is not a difference ------------------------------------------------------------


def test_an_order_of_a_moment_ago_is_left_alone(make_world: MakeWorld) -> None:
    world = make_world(telling(), copies=lambda _: 0)
    world.store.place(RICH)
    world.store.edit("30")

    assert world.reconcile().found == 0
    assert compared(world).found == 1


def test_an_order_that_is_being_worked_on_is_in_hand(sold: tuple[World, Ref]) -> None:
    world, sale = sold
    changed_there(world, sale)
    world.clock.now += HOUR
    until = world.clock() + HOUR
    held = world.links.acquire(
        ORDER, key="uk-30", owner="other", now=world.clock(), until=until, seen=Seen(None)
    )
    assert held is not None

    report = world.reconcile()

    assert (report.found, report.in_hand_count) == (0, 1)


def test_an_order_from_before_the_start_is_not_compared(make_world: MakeWorld) -> None:
    later = (START + dt.timedelta(days=1)).isoformat()
    world = make_world(telling(orders={"start_at": dt.datetime.fromisoformat(later)}))
    world.store.place(RICH)
    world.drain()

    assert compared(world, since=START - dt.timedelta(days=900)).compared["orders"] == 0


def test_a_status_that_is_not_imported_is_counted_and_no_difference(
    make_world: MakeWorld,
) -> None:
    world = make_world(telling())
    world.store.place({**RICH, "status": "pending", "date_paid_gmt": None, "date_paid": None})
    world.drain()

    report = compared(world)

    assert report.found == 0
    assert dict(report.skipped) == {"status 'pending' is not imported": 1}


def test_a_document_that_was_made_anew_is_one_order(make_world: MakeWorld) -> None:
    world = make_world(telling(mappings={"payments": PAYMENTS}))
    placed(world)
    world.store.edit_line("30", str(RICH["line_items"][0]["id"]), total="9.00")
    world.drain()
    assert link_of(world).generation == 2

    report = compared(world)

    assert (report.found, report.in_hand_count) == (0, 1)  # paid_differs is with a person
    (day,) = report.days.values()
    assert day.agrees
    assert day.erp.count == 1


def test_a_cancelled_pair_is_no_difference(make_world: MakeWorld) -> None:
    world = make_world(telling())
    unpaid_order = {**RICH, "status": "on-hold", "payment_method": "bacs"}
    world.store.place({**unpaid_order, "date_paid_gmt": None, "date_paid": None})
    world.drain()
    world.store.set_status("30", "cancelled")
    world.drain()

    report = compared(world)

    assert report.found == 0
    assert not report.days


def test_a_flow_in_shadow_is_compared_and_mends_nothing(make_world: MakeWorld) -> None:
    world = make_world(telling(flows={"orders": "shadow"}))
    world.store.place(RICH)
    world.drain()

    report = compared(world, repair=True)

    assert (report.found, report.skipped["shadow"]) == (0, 1)
    assert "orders" in report.shadow
    assert world.queue.next_at() is None


def test_a_flow_that_is_off_is_not_compared(make_world: MakeWorld) -> None:
    world = make_world(telling(flows={"orders": "off"}))
    world.store.place(RICH)

    assert "orders" not in compared(world).kinds


# --- slices ---------------------------------------------------------------------------------


def test_a_run_in_the_smallest_slices_finds_the_same(sold: tuple[World, Ref]) -> None:
    world, sale = sold
    never_told(world, sale)
    changed_there(world, sale)
    whole = compared(world)

    sliced = world.reconcile(slice_=dt.timedelta(0))

    assert sorted(found(sliced)) == sorted(found(whole))
    assert sliced.compared == whole.compared
    assert {key: day.to_json() for key, day in days(sliced).items()} == days_of(whole)


def days(report: Report) -> dict[tuple[str, str], Any]:
    return {key: day.store for key, day in report.days.items()}


def days_of(report: Report) -> dict[tuple[str, str], Any]:
    return {key: day.store.to_json() for key, day in report.days.items()}


def test_a_side_that_does_not_answer_breaks_the_slice_off_and_the_next_goes_on(
    sold: tuple[World, Ref],
) -> None:
    world, sale = sold
    changed_there(world, sale)
    world.clock.now += HOUR
    off = [True]
    world.down = lambda _: off[0]

    with pytest.raises(UnavailableError):
        world.reconcile()
    off[0] = False

    assert found(world.reconcile()) == [("total_differs", "uk:order:30")]


def test_two_runs_do_not_go_on_at_once(sold: tuple[World, Ref]) -> None:
    world, _ = sold
    until = (world.clock() + HOUR).isoformat()
    taken = json.dumps({"owner": "another", "until": until})
    world.control.put("lease:reconcile:uk", taken, version=None)

    with pytest.raises(BusyError, match="being reconciled this moment"):
        world.reconcile()


def test_the_newest_report_of_a_day_is_kept_with_its_page(sold: tuple[World, Ref]) -> None:
    world, sale = sold
    compared(world)
    changed_there(world, sale)
    report = compared(world)

    kept = world.reports.get("uk", report.begun.date())
    assert kept is not None
    assert kept["run"] == report.run
    assert Report.from_json(kept).differences == report.differences
    (page,) = world.reports.pages.values()
    assert "comes to" in page


# --- recovery -------------------------------------------------------------------------------


def test_recovery_ends_when_every_link_is_rebuilt(make_world: MakeWorld) -> None:
    world = make_world(telling(), trusted=False)
    placed(world)
    world.forget()

    looked = compared(world)
    repaired = compared(world, repair=True)

    assert "nothing else than links" not in repaired.recovery
    assert looked.recovery
    assert "trusted again" in repaired.recovery
    held = world.control.get(EPOCH)
    assert held is not None
    assert held[0] == TRUSTED


def test_recovery_goes_on_while_anything_else_differs(make_world: MakeWorld) -> None:
    world = make_world(telling(), trusted=False)
    sale = placed(world)
    world.forget()
    changed_there(world, sale)

    report = compared(world, repair=True)

    assert "Every create looks first" in report.recovery
    held = world.control.get(EPOCH)
    assert held is None or held[0] != TRUSTED
