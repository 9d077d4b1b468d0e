"""A note is on the order once; a shopper's e-mail goes out at most once."""

import datetime as dt
from random import Random

import pytest

from accord.errors import RejectedError, TransientError, UnavailableError
from accord.local.model_store import ModelStore
from accord.local.store.orders import make_order
from accord.local.world import Clock
from accord.state.memory import MemorySteps
from accord.sync.notes import Notes, fill
from accord.sync.steps import Writer
from tests.sync.conftest import START


class Shop(ModelStore):
    """Whose next answers to ``add_note`` can be lost, before or after the note is there."""

    lost: str = ""

    def add_note(self, order_id: str, text: str, *, to_customer: bool = False) -> str:
        how, self.lost = self.lost, ""
        if how == "before":
            raise UnavailableError("no answer", connection="uk")
        if how == "refused":
            raise RejectedError("the order is gone")
        note = super().add_note(order_id, text, to_customer=to_customer)
        if how == "after":
            raise UnavailableError("no answer", connection="uk")
        return note


class Desk:
    def __init__(self, *, prod: bool = True, recovering: bool = False) -> None:
        self.clock = Clock(START)
        self.shop = Shop("uk", self.clock)
        self.shop.orders["30"] = make_order(30, rng=Random(3), at=START)
        self.steps = MemorySteps()
        self.notes = Notes(self.shop, Writer(self.steps, self.clock, lambda: recovering), prod=prod)

    def tell(self, *, to_customer: bool = False) -> str:
        return self.notes.tell(
            "30", "uk-30:x", "Parcel TR1 left", to_customer=to_customer, marker="TR1"
        )

    def tell_again(self, *, to_customer: bool = False) -> str:
        self.clock.now += dt.timedelta(minutes=2)
        return self.tell(to_customer=to_customer)


def test_a_private_note_carries_its_marker() -> None:
    desk = Desk()
    desk.tell()
    assert desk.shop.notes["30"] == ["Parcel TR1 left [accord uk-30:x]"]


def test_a_note_is_told_once() -> None:
    desk = Desk()
    assert desk.tell() == desk.tell_again()
    assert len(desk.shop.notes["30"]) == 1


def test_a_shopper_reads_no_marker() -> None:
    desk = Desk()
    desk.tell(to_customer=True)
    assert desk.shop.to_customer["30"] == ["Parcel TR1 left"]


def test_a_stage_that_is_not_prod_writes_to_no_shopper() -> None:
    desk = Desk(prod=False)
    desk.tell(to_customer=True)
    assert desk.shop.to_customer["30"] == []
    assert desk.shop.notes["30"] == ["Parcel TR1 left [accord uk-30:x]"]


@pytest.mark.parametrize("to_customer", [False, True])
def test_an_unanswered_note_is_not_looked_for_before_it_settled(to_customer: bool) -> None:
    desk = Desk()
    desk.shop.lost = "after"
    with pytest.raises(UnavailableError):
        desk.tell(to_customer=to_customer)
    with pytest.raises(TransientError):
        desk.tell(to_customer=to_customer)


@pytest.mark.parametrize("to_customer", [False, True])
def test_a_note_whose_answer_was_lost_is_found(to_customer: bool) -> None:
    desk = Desk()
    desk.shop.lost = "after"
    with pytest.raises(UnavailableError):
        desk.tell(to_customer=to_customer)

    assert desk.tell_again(to_customer=to_customer) == "0"
    assert len(desk.shop.notes["30"]) == 1


def test_a_private_note_that_never_arrived_is_written_again() -> None:
    desk = Desk()
    desk.shop.lost = "before"
    with pytest.raises(UnavailableError):
        desk.tell()

    assert desk.tell_again() == "0"
    assert len(desk.shop.notes["30"]) == 1


def test_a_shopper_is_never_written_to_on_doubt() -> None:
    desk = Desk()
    desk.shop.lost = "before"
    with pytest.raises(UnavailableError):
        desk.tell(to_customer=True)

    assert desk.tell_again(to_customer=True) == ""
    assert desk.tell_again(to_customer=True) == ""
    assert desk.shop.to_customer["30"] == []


def test_a_shopper_is_written_to_after_a_refusal() -> None:
    desk = Desk()
    desk.shop.lost = "refused"
    with pytest.raises(RejectedError):
        desk.tell(to_customer=True)

    assert desk.tell(to_customer=True) == "0"


def test_after_a_restore_a_shoppers_note_is_looked_for_first() -> None:
    desk = Desk(recovering=True)
    desk.shop.add_note("30", "Parcel TR1 left", to_customer=True)
    assert desk.tell(to_customer=True) == "0"
    assert len(desk.shop.to_customer["30"]) == 1


TEXT = "Shipped on {date}[ with {carrier}][, number {tracking}]"


def test_a_template_is_filled_in() -> None:
    said = fill(TEXT, date="2026-11-22", carrier="DHL", tracking="{T}")
    assert said == "Shipped on 2026-11-22 with DHL, number {T}"


def test_a_bracketed_part_goes_with_its_empty_field() -> None:
    assert fill(TEXT, date="2026-11-22", carrier="", tracking="T") == (
        "Shipped on 2026-11-22, number T"
    )


def test_an_empty_field_elsewhere_is_a_dash() -> None:
    assert fill("{number} by {carrier}", number="S1", carrier="") == "S1 by –"


def test_brackets_of_the_merchants_own_stay() -> None:
    assert fill("[Depot] {number}", number="S1") == "[Depot] S1"
