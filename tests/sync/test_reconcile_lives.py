"""After whole lives, with everything going wrong on the way, a reconcile makes nothing up."""

import datetime as dt

import pytest

from accord.local.life.play import Life
from accord.model.change import Ref
from accord.sync.turn import EPOCH, TRUSTED
from tests.sync.conftest import config

SEEDS = range(1, 5)


def lived(seed: int, *, rough: bool) -> Life:
    """A life that has healed, an hour ago: nothing is on its way any more."""
    life = Life.drawn(seed, config(), rough=rough)
    report = life.play(4, customers=2, acts=5)
    assert report.differences == []
    life.world.clock.now += dt.timedelta(hours=1)
    return life


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_found_that_is_not_with_a_person_already(seed: int) -> None:
    world = lived(seed, rough=True).world

    report = world.reconcile()

    assert [str(each) for each in report.differences if each.kind != "products"] == []
    # The lives' back office has no item for a service, and takes any code on a document.
    assert [each.subject for each in report.differences] == ["SKU SVC-1"]
    if not report.in_hand:
        assert all(day.agrees for day in report.days.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_tables_that_were_lost_are_made_anew_and_no_document_with_them(seed: int) -> None:
    life = lived(seed, rough=False)
    world = life.world
    before = {sale["key"]: sale["state"] for sale in world.books.sales()}
    world.trusted = False
    world.forget()

    report = world.reconcile(repair=True)
    of_orders = {
        each.reason
        for each in report.differences
        if each.kind == "orders" and Ref.parse(each.ref).id not in life.people.gone
    }
    world.drain(dt.timedelta(hours=2))

    assert {sale["key"]: sale["state"] for sale in world.books.sales()} == before
    assert of_orders <= {"link_lost", "total_differs", "status_differs", "payment_differs"} | {
        *("credit_without_refund", "refund_not_credited", "refund_differs")
    }
    for each in report.differences:
        if each.reason == "link_lost" and each.repaired:
            link = world.links.get(Ref.parse(each.ref))
            assert link is not None
            assert str(link.erp) == each.target
    trusted = world.control.get(EPOCH)
    if of_orders <= {"link_lost"} and all(
        each.repaired for each in report.differences if each.kind == "orders"
    ):
        assert trusted is not None
        assert trusted[0] == TRUSTED
    else:
        assert trusted is None or trusted[0] != TRUSTED


def test_what_was_changed_unheard_is_sent_anew() -> None:
    """Stock and a customer, which no webhook and no poll told of."""
    life = lived(1, rough=False)
    world = life.world
    stock = world.rules.stock.model_copy(update={"corrections": "overwrite"})
    uk = world.rules.model_copy(update={"stock": stock})
    world.config = world.config.model_copy(update={"stores": {"uk": uk}})
    customer = life.people.customers[0]
    world.store.on_change = None
    shown = world.store.stock_of("MUG-1")
    assert shown is not None
    world.store.set_stock("MUG-1", shown + 7)
    world.store.edit_customer(customer, last_name="Newname")
    world.clock.now += dt.timedelta(hours=1)

    first = world.reconcile(repair=True)
    world.drain()
    world.clock.now += dt.timedelta(hours=1)
    again = world.reconcile()

    repaired = {each.reason for each in first.differences if each.repaired}
    assert repaired == {"stock_differs", "customer_differs"}
    assert [each.reason for each in again.differences] == ["item_missing"]
    assert world.store.stock_of("MUG-1") == shown
    for each in first.differences:  # a report is read by many
        assert "Newname" not in str(each.to_json())
