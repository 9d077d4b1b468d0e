"""An order's whole life between the store and Odoo: changed, cancelled, shipped, invoiced, refunded."""

from decimal import Decimal
from typing import Any

import pytest

from accord.model.change import Ref
from tests.conftest import order_json
from tests.erp.odoo.world import OdooWorld
from tests.sync.conftest import paying

RICH = order_json("order_created_rich")
ON_HOLD = order_json("order_created_on_hold_variation")
SKUS = sorted(
    {line["sku"] for each in (RICH, ON_HOLD) for line in each["line_items"] if line["sku"]}
)


@pytest.fixture
def world() -> OdooWorld:
    return OdooWorld(paying(), SKUS)


def place(world: OdooWorld, order: dict[str, Any] = RICH) -> str:
    id_ = world.store.place(order)
    world.drain()
    return id_


def states(world: OdooWorld) -> list[tuple[str, str]]:
    return [(each["client_order_ref"], each["state"]) for each in world.orders()]


def erp_id(world: OdooWorld, id_: str) -> int:
    link = world.links.get(Ref("uk", "order", id_))
    assert link is not None
    assert link.erp is not None
    return int(link.erp.id)


def reasons(world: OdooWorld) -> list[str]:
    return [item.reason for item in world.attention.open()]


def money(world: OdooWorld) -> list[float]:
    return [
        each["amount"] if each["payment_type"] == "inbound" else -each["amount"]
        for each in world.payments()
    ]


def notes(world: OdooWorld) -> list[dict[str, Any]]:
    domain = [["move_type", "=", "out_refund"]]
    fields = ["ref", "state", "payment_state", "amount_total"]
    found: list[dict[str, Any]] = world.odoo.call("account.move", "search_read", domain, fields)
    return found


def test_an_order_on_hold_is_a_quotation_that_is_amended_and_then_confirmed(
    world: OdooWorld,
) -> None:
    id_ = place(world, ON_HOLD)
    assert [state for _, state in states(world)] == ["draft"]

    line = str(world.store.orders[id_]["line_items"][0]["id"])
    for total in ("25.00", "20.00", "25.00"):
        world.store.edit_line(id_, line, total=total)
        world.drain()
        (only,) = world.orders()
        assert f"{only['amount_total']:.2f}" == world.store.orders[id_]["total"]

    world.store.set_status(id_, "processing", paid=True)
    world.drain()
    assert [state for _, state in states(world)] == ["sale"]
    assert reasons(world) == []


def test_an_edited_order_is_made_anew_while_nothing_left(world: OdooWorld) -> None:
    id_ = place(world, {**RICH, "payment_method": "cod"})
    line = str(world.store.orders[id_]["line_items"][0]["id"])
    world.store.edit_line(id_, line, total="1.00")
    world.drain()

    assert states(world) == [("uk-30", "cancel"), ("uk-30-2", "sale")]
    assert f"{world.orders()[1]['amount_total']:.2f}" == world.store.orders[id_]["total"]
    assert reasons(world) == []


def test_an_order_that_is_cancelled_and_reopened_has_another_document(world: OdooWorld) -> None:
    id_ = place(world, {**RICH, "payment_method": "cod"})
    for status in ("cancelled", "processing"):
        world.store.set_status(id_, status)
        world.drain()

    assert states(world) == [("uk-30", "cancel"), ("uk-30-2", "sale")]


def test_a_cancelled_order_whose_goods_left_is_the_warehouses(world: OdooWorld) -> None:
    id_ = place(world)
    world.desk.ship(erp_id(world, id_))
    world.store.set_status(id_, "cancelled")
    world.drain()

    assert "goods_left" in reasons(world)
    assert [state for _, state in states(world)] == ["sale"]


def test_what_left_is_told_to_the_store_with_its_tracking_number(world: OdooWorld) -> None:
    id_ = place(world)
    world.desk.ship(erp_id(world, id_), {"WID-BLUE": Decimal(1)}, tracking="RM1GB")
    world.drain()
    world.desk.ship(erp_id(world, id_), tracking="RM2GB")
    world.drain()

    told = " ".join(world.store.notes[id_])
    assert "RM1GB" in told
    assert "RM2GB" in told
    assert reasons(world) == []


def test_a_posted_invoice_is_told_and_paid_with_the_money_that_came(world: OdooWorld) -> None:
    id_ = place(world)
    invoice = world.desk.post_invoice(erp_id(world, id_))
    world.drain()

    (held,) = world.odoo.call("account.move", "read", [invoice], ["name", "payment_state"])
    assert held["payment_state"] == "paid"
    assert any(held["name"] in note for note in world.store.notes[id_])
    assert reasons(world) == []


def test_a_refund_is_a_credit_note_to_the_cent_and_money_out(world: OdooWorld) -> None:
    id_ = place(world)
    world.desk.post_invoice(erp_id(world, id_))
    world.drain()
    line = str(world.store.orders[id_]["line_items"][0]["id"])
    refund = world.store.refund(id_, lines={line: 1})
    world.drain()

    amount = float(world.store.shop.refunds[int(id_)][0]["amount"])
    assert notes(world) == [
        {
            "id": notes(world)[0]["id"],
            "ref": f"uk-30-r{refund}",
            "state": "posted",
            "payment_state": "paid",
            "amount_total": amount,
        }
    ]
    assert money(world) == [213.02, -amount]
    assert reasons(world) == []


def test_an_amount_without_lines_is_credited_once_each_time(world: OdooWorld) -> None:
    id_ = place(world)
    for amount in ("10.00", "3.33"):
        world.store.refund(id_, amount)
        world.drain()

    assert [note["amount_total"] for note in notes(world)] == [10.0, 3.33]
    assert money(world) == [213.02, -10.0, -3.33]
    assert reasons(world) == []


def test_an_order_that_a_person_cancels_in_odoo_is_asked_about(world: OdooWorld) -> None:
    id_ = place(world)
    world.desk.cancel(erp_id(world, id_))
    world.drain()

    assert reasons(world) != []
    assert world.store.orders[id_]["status"] == "processing"
