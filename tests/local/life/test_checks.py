"""A check that cannot fail checks nothing: each kind of difference is made by hand, and seen."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from accord.erp.memory.entries import Entry
from accord.local.life import Life
from accord.local.life.checks import differences
from accord.local.life.known import order_ref
from accord.local.place import REPO, toml_of
from accord.rules.config import Config

RULES = Config.model_validate(toml_of(REPO / "accord.toml"))


@pytest.fixture
def life() -> Life:
    """One paid order of a customer, shipped, invoiced, refunded in part, and all told."""
    life = Life.drawn(1, RULES, rough=False)
    people, world = life.people, life.world
    people.register()
    order: dict[str, Any] = {}
    while (order.get("payment_method"), order.get("status")) != ("bacs", "processing"):
        if order:  # nobody has heard of it yet
            del world.store.orders[people.orders.pop()]
        order = world.store.orders[people.place()]
    id_ = str(order["id"])
    life.pass_(dt.timedelta(minutes=5))
    link = world.links.get(order_ref(world, id_))
    assert link is not None
    assert link.erp is not None
    world.erp().ship(link.erp, tracking="TRACK1", carrier="Parcel Co")
    people.said.append((world.clock(), id_, f"all of {link.number} shipped"))
    world.erp().post_invoice(link.erp)
    world.store.refund(id_, "1.00")
    life.heal()
    assert differences(world, people, replayed=True) == []
    return life


def document(life: Life) -> dict[str, Any]:
    (id_,) = life.people.orders
    return life.world.store.orders[id_]


def entry(life: Life, kind: str) -> Entry:
    """The ledger's own record of that kind, the order's."""
    key = f"uk-{life.people.orders[0]}"
    ledger: Any = life.world.books
    found = [
        each
        for each in ledger._records
        if each.kind == kind
        and (each.key == key or (each.order is not None and each.order.key == key))
    ]
    held: Entry = found[0]
    return held


def another_total(life: Life) -> None:
    entry(life, "sales_order").totals = {**entry(life, "sales_order").totals, "gross": "0.01"}


def another_item(life: Life) -> None:
    lines = entry(life, "sales_order").document["lines"]
    lines[0]["quantity"] = "77"


def a_second_sale(life: Life) -> None:
    there = entry(life, "sales_order")
    ledger: Any = life.world.books
    again = ledger._records.new("sales_order", there.key, there.document)
    again.state, again.totals = "confirmed", there.totals
    ledger._records.keep(again)


def no_payment(life: Life) -> None:
    order = entry(life, "sales_order")
    order.parts.remove(entry(life, "payment"))


def a_payment_twice(life: Life) -> None:
    entry(life, "sales_order").parts.append(entry(life, "payment"))


def no_credit_note(life: Life) -> None:
    entry(life, "credit_note").state = "cancelled"


def another_credit_note(life: Life) -> None:
    note = entry(life, "credit_note")
    note.totals = {**(note.totals or {}), "gross": "0.99"}


def a_note_twice(life: Life) -> None:
    notes = life.world.store.notes[life.people.orders[0]]
    notes.append(notes[0])


def a_note_less(life: Life) -> None:
    notes = life.world.store.notes[life.people.orders[0]]
    notes[:] = [note for note in notes if ":shipment:" not in note]


def no_tracking(life: Life) -> None:
    _without(life, "_wc_shipment_tracking_items")


def no_invoice_number(life: Life) -> None:
    _without(life, "_accord_invoice")


def _without(life: Life, key: str) -> None:
    meta = document(life)["meta_data"]
    meta[:] = [each for each in meta if each["key"] != key]


def not_completed(life: Life) -> None:
    document(life)["status"] = "processing"


def a_person_credits(life: Life) -> None:
    entry(life, "credit_note").key = ""


def another_phone(life: Life) -> None:
    (id_,) = life.people.customers
    life.world.store.customers[id_]["billing"]["phone"] = "1"


@pytest.mark.parametrize(
    "tampered",
    [
        another_total,
        another_item,
        a_second_sale,
        no_payment,
        a_payment_twice,
        no_credit_note,
        another_credit_note,
        a_note_twice,
        a_note_less,
        no_tracking,
        no_invoice_number,
        not_completed,
        a_person_credits,
        another_phone,
    ],
)
def test_what_nobody_was_told_of_is_seen(life: Life, tampered: Callable[[Life], None]) -> None:
    tampered(life)

    assert differences(life.world, life.people, replayed=False) != []
