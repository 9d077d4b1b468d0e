"""Goods that are credited, and goods that are not there: Xero counts pieces by its documents."""

import datetime as dt
from decimal import Decimal
from typing import Any

import httpx
import pytest

from accord.local.hooked import KilledError
from accord.model.documents import State
from tests.erp.xero.shop import Shop
from tests.journeys.test_by_hand_and_on_hold import change


@pytest.fixture
def shop() -> Shop:
    """What its store puts back to stock, credit notes count back."""
    return Shop(returns="restocked")


def both(shop: Shop, sku: str = "MUG") -> tuple[int | None, Decimal]:
    """What the store shows, and what Xero has."""
    return shop.shown(sku), shop.on_hand(sku)


def notes(shop: Shop) -> list[list[tuple[float, str | None]]]:
    """Quantity and item of each amount of each credit note."""
    return [
        [
            (line["Quantity"], line.get("ItemCode"))
            for line in row["LineItems"]
            if line.get("Quantity") is not None
        ]
        for row in shop.desk.rows("CreditNotes")
    ]


def asked(shop: Shop) -> list[tuple[str, str]]:
    return [(item.reason, item.owner) for item in shop.world.attention.open()]


# --- refunds --------------------------------------------------------------------------------


def test_pieces_that_are_not_back_are_not_offered_again(shop: Shop) -> None:
    order = shop.sell(MUG=3)

    shop.refund(order, 2, restock=False)
    shop.minutes(40)

    assert notes(shop) == [[(2, None)]]
    assert both(shop) == (17, 17)
    assert asked(shop) == []


def test_pieces_that_are_back_are_counted_once(shop: Shop) -> None:
    order = shop.sell(MUG=3)

    shop.refund(order, 2)
    shop.minutes(40)

    assert notes(shop) == [[(2, "MUG")]]
    assert both(shop) == (19, 19)
    assert asked(shop) == []


def test_without_the_rule_a_credit_note_moves_no_goods() -> None:
    """The warehouse counts in what is back, and the store shows what the warehouse counted."""
    shop = Shop()
    order = shop.sell(MUG=3)

    shop.refund(order, 2)
    shop.minutes(40)
    assert notes(shop) == [[(2, None)]]
    assert both(shop) == (17, 17)

    shop.desk.receive("MUG", 2)
    shop.minutes(3)
    assert both(shop) == (19, 19)


def test_money_back_for_no_piece_brings_none(shop: Shop) -> None:
    order = shop.sell(MUG=3)
    taken = {"id": int(shop.line(order, "MUG")), "quantity": 0, "refund_total": 5}
    shop.world.store.shop.refund(
        int(order), {"amount": "5.00", "api_refund": False, "line_items": [taken]}
    )
    shop.minutes(40)

    assert notes(shop) == [[(1, None)]]
    assert both(shop) == (17, 17)


@pytest.mark.parametrize("first", [True, False])
def test_of_two_refunds_of_a_line_only_the_one_that_put_back_counts(
    shop: Shop, *, first: bool
) -> None:
    order = shop.sell(MUG=4)

    shop.refund(order, 2, restock=first)
    shop.refund(order, 1, restock=not first)
    shop.minutes(40)

    back = 2 if first else 1
    assert notes(shop) == [[(2, "MUG" if first else None)], [(1, None if first else "MUG")]]
    assert both(shop) == (16 + back, 16 + back)


def test_refunds_that_are_credited_together_count_as_many_as_were_put_back(shop: Shop) -> None:
    """The store does not say which of them put them back."""
    order = shop.sell(MUG=6)
    line = shop.line(order, "MUG")
    shop.world.store.refund(order, lines={line: 3}, restock=False)
    shop.world.store.refund(order, lines={line: 2}, restock=True)
    shop.minutes(40)

    counted = [count for note in notes(shop) for count, item in note if item]
    assert (len(notes(shop)), sum(counted)) == (2, 2)
    assert both(shop) == (16, 16)


def test_a_whole_refund_by_lines_brings_all_back(shop: Shop) -> None:
    order = shop.sell(MUG=3, CUP=2)
    store = shop.world.store
    store.refund(order, lines={shop.line(order, "MUG"): 3, shop.line(order, "CUP"): 2})
    shop.minutes(40)

    assert store.orders[order]["status"] == "refunded"
    assert notes(shop) == [[(3, "MUG"), (2, "CUP")]]
    assert (both(shop), both(shop, "CUP")) == ((20, 20), (20, 20))


def test_a_whole_refund_of_goods_that_stay_away_is_no_cancellation(shop: Shop) -> None:
    """An invoice that is voided gives all its goods back, whether or not they are back."""
    order = shop.sell(MUG=3)
    shop.refund(order, 3, restock=False)
    shop.minutes(40)

    assert shop.world.store.orders[order]["status"] == "refunded"
    assert [sold.state for sold in shop.world.sold()] == [State.CONFIRMED]
    assert notes(shop) == [[(3, None)]]
    assert (both(shop), asked(shop)) == ((17, 17), [])


def test_an_order_that_is_set_to_refunded_brings_nothing_back(shop: Shop) -> None:
    """So does the store: it makes a refund without lines, and puts nothing back."""
    order = shop.sell(MUG=3)
    shop.world.store.set_status(order, "refunded")
    shop.minutes(40)

    assert notes(shop) == [[(3, None)]]
    assert both(shop) == (17, 17)


def test_a_cancelled_order_gives_all_back_once(shop: Shop) -> None:
    """Its invoice is voided, and that is what gives them back."""
    order = shop.sell(MUG=3)
    shop.world.store.set_status(order, "cancelled")
    shop.minutes(40)

    assert [sold.state for sold in shop.world.sold()] == [State.VOIDED]
    assert notes(shop) == []
    assert both(shop) == (20, 20)


def test_what_a_person_voided_has_given_its_goods_back_already(shop: Shop) -> None:
    order = shop.sell(MUG=3)
    shop.desk.void(shop.world.ref(order).id)
    shop.refund(order, 3)
    shop.minutes(40)

    assert [sold.state for sold in shop.world.sold()] == [State.VOIDED]
    assert notes(shop) == []
    assert both(shop) == (20, 20)


def test_a_refund_that_is_deleted_for_good_is_a_persons_and_moves_nothing(shop: Shop) -> None:
    order = shop.sell(MUG=3)
    refund = shop.refund(order, 2)
    shop.world.store.delete_refund(order, refund)
    shop.world.store.set_status(order, "completed")
    shop.minutes(40)

    assert asked(shop) == [("refund_deleted", "finance")]
    assert shop.on_hand("MUG") == 19


@pytest.mark.parametrize("call", ["PUT CreditNotes", "POST CreditNotes"])
@pytest.mark.parametrize("moment", ["hook", "after"])
def test_killed_at_its_credit_note_it_counts_once(shop: Shop, call: str, moment: str) -> None:
    """Though more was put back before it is tried again."""
    order = shop.sell(MUG=6)
    line, xero = shop.line(order, "MUG"), shop.world.xero

    def kill(asked: str) -> httpx.Response | None:
        if asked == call:
            setattr(xero, moment, lambda _: None)
            shop.world.store.refund(order, lines={line: 2}, restock=True)
            raise KilledError(asked)
        return None

    setattr(xero, moment, kill)
    shop.refund(order, 3, restock=False)
    shop.minutes(40)

    counted = [count for note in notes(shop) for count, item in note if item]
    assert (len(notes(shop)), sum(counted)) == (2, 2)
    assert both(shop) == (16, 16)


def put_back(shop: Shop, order: str, count: int) -> None:
    """So many pieces of its mugs are in stock again, as its store says; a slow gateway says so
    late."""
    (line,) = (
        line
        for line in shop.world.store.shop.orders[int(order)]["line_items"]
        if line["sku"] == "MUG"
    )
    kept = [each for each in line["meta_data"] if each["key"] != "_restock_refunded_items"]
    told = {"id": 99, "key": "_restock_refunded_items", "value": str(count)}
    line["meta_data"] = [*kept, told]


@pytest.mark.parametrize(
    ("call", "status"), [("GET CreditNotes", 503), ("GET Invoices", 503), ("PUT CreditNotes", 429)]
)
def test_what_is_put_back_before_anything_could_be_written_counts(
    shop: Shop, call: str, status: int
) -> None:
    """What a credit note counts back is fixed when it is written, not when it first could not."""
    order = shop.sell(MUG=3)
    away = httpx.Response(status, headers={"Retry-After": "20"})
    shop.world.xero.hook = lambda asked: away if asked.startswith(call) else None
    shop.world.store.refund(order, lines={shop.line(order, "MUG"): 2}, restock=False)
    shop.minutes(5)
    assert notes(shop) == []

    put_back(shop, order, 2)
    shop.world.xero.hook = lambda _: None
    shop.minutes(120)

    assert notes(shop) == [[(2, "MUG")]]
    assert (shop.on_hand("MUG"), asked(shop)) == (19, [])


def test_what_was_credited_before_the_rule_is_not_counted_after_it() -> None:
    shop = Shop()
    order = shop.sell(MUG=6)
    shop.refund(order, 2)  # the warehouse books these by itself
    shop.world.config = shop.configured(returns="restocked")
    shop.refund(order, 1, restock=False)
    shop.refund(order, 1, restock=True)
    shop.minutes(40)

    assert notes(shop) == [[(2, None)], [(1, None)], [(1, "MUG")]]
    assert shop.on_hand("MUG") == 15


def test_the_night_finds_nothing_to_say_of_what_came_back(shop: Shop) -> None:
    order = shop.sell(MUG=5)
    shop.refund(order, 2)
    shop.refund(order, 1, restock=False)
    shop.minutes(60)

    report = shop.world.reconcile()

    assert [each for each in report.differences if each.kind == "stock"] == []
    assert both(shop) == (17, 17)


# --- goods that are not there -----------------------------------------------------------------


def waiting(shop: Shop) -> list[str]:
    return [cause.cause for cause in shop.world.waiting.causes()]


def states(shop: Shop) -> list[State]:
    return [sold.state for sold in shop.world.sold()]


def test_an_order_of_goods_that_are_not_there_waits_for_them(shop: Shop) -> None:
    shop.desk.count("MUG", 1)  # a moment ago: the store still shows 20
    shop.sell(MUG=3)
    shop.minutes(30)

    assert waiting(shop) == ["stock:MUG"]
    assert asked(shop) == [("waiting", "warehouse")]
    (item,) = shop.world.attention.open()
    assert "3 of MUG, and 1 on hand" in item.message
    assert (states(shop), shop.on_hand("MUG")) == ([State.QUOTATION], 1)
    assert shop.shown("MUG") == 0  # the one that is there is claimed


def test_it_goes_on_by_itself_when_they_come_in(shop: Shop) -> None:
    shop.desk.count("MUG", 1)
    shop.sell(MUG=3)
    shop.minutes(120)

    shop.desk.receive("MUG", 10)
    shop.minutes(5)

    assert (states(shop), shop.on_hand("MUG"), shop.shown("MUG")) == ([State.CONFIRMED], 8, 8)
    assert (waiting(shop), asked(shop)) == ([], [])


def test_orders_that_wait_for_goods_hardly_cost_a_call_until_some_come(shop: Shop) -> None:
    """A day of Xero's has 5,000 of them, or 1,000."""
    shop.desk.count("MUG", 0)
    for name in "ABCDE":
        shop.world.store.sell({"MUG": 2}, billing={"email": f"{name}@example.com"})
    shop.minutes(30)
    shop.world.wire.calls.clear()

    shop.minutes(13 * 60)

    calls = shop.world.wire.calls
    assert states(shop) == [State.QUOTATION] * 5
    assert calls["POST Invoices"] == 5
    assert calls["GET Invoices"] <= 2 * 5

    shop.desk.receive("MUG", 4)
    shop.minutes(5)
    assert sorted(states(shop)) == [State.CONFIRMED] * 2 + [State.QUOTATION] * 3


def test_it_goes_on_though_xero_repeats_its_refusal(shop: Shop) -> None:
    """Nobody says whether an Idempotency-Key keeps refusals too, or for how long."""
    shop.world.xero.retention = dt.timedelta(days=7)
    shop.world.xero.keeps_refusals = True
    shop.desk.count("MUG", 1)
    shop.sell(MUG=3)
    shop.minutes(120)
    assert waiting(shop) == ["stock:MUG"]

    shop.desk.receive("MUG", 10)
    shop.minutes(5)

    assert (states(shop), shop.on_hand("MUG")) == ([State.CONFIRMED], 8)
    assert (waiting(shop), asked(shop)) == ([], [])


def test_the_larger_order_holds_no_smaller_one_back(shop: Shop) -> None:
    shop.desk.count("MUG", 0)
    shop.world.store.sell({"MUG": 9}, billing={"email": "a@example.com", "last_name": "A"})
    shop.world.store.sell({"MUG": 2}, billing={"email": "b@example.com", "last_name": "B"})
    shop.minutes(30)
    assert states(shop) == [State.QUOTATION] * 2

    shop.desk.receive("MUG", 2)
    shop.minutes(5)

    assert states(shop) == [State.QUOTATION, State.CONFIRMED]
    assert waiting(shop) == ["stock:MUG"]


def test_an_order_that_waits_for_goods_can_be_cancelled(shop: Shop) -> None:
    shop.desk.count("MUG", 1)
    order = shop.sell(MUG=3)
    shop.world.store.set_status(order, "cancelled")
    shop.minutes(120)

    assert states(shop) == [State.VOIDED]
    assert (waiting(shop), asked(shop), shop.on_hand("MUG")) == ([], [], 1)


@pytest.mark.parametrize("is_edited", [False, True])
def test_one_that_waits_for_goods_and_is_deleted_by_hand_is_cancelled_by_rule(
    shop: Shop, *, is_edited: bool
) -> None:
    change(shop.world, "flows", erp_changes="on")
    change(shop.world, "erp_changes", cancelled="apply")
    shop.desk.count("MUG", 1)
    order = shop.sell(MUG=5)
    if is_edited:
        shop.world.store.edit_line(order, shop.line(order, "MUG"), quantity=4, total="40.00")
        shop.minutes(20)
    assert (states(shop), waiting(shop)) == ([State.QUOTATION], ["stock:MUG"])

    shop.desk.void(shop.world.ref(order).id)
    shop.minutes(60)

    assert shop.world.store.orders[order]["status"] == "cancelled"
    assert states(shop) == [State.VOIDED]
    shop.world.drain()
    assert (waiting(shop), asked(shop)) == ([], [])


def test_what_is_refused_for_another_reason_is_a_persons(shop: Shop) -> None:
    body: dict[str, Any] = {"Elements": [{"ValidationErrors": [{"Message": "Not today"}]}]}
    refused = httpx.Response(400, json=body)
    shop.world.xero.hook = lambda call: refused if call == "POST Invoices" else None
    shop.sell(MUG=3)

    assert [reason for reason, _ in asked(shop)] == ["rejected"]
    assert waiting(shop) == []
