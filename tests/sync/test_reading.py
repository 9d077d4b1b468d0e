"""Whoever reads a store's document reads it under its mends: nothing that a person settled on
purpose is called a difference, written back or done twice."""

import ast
import copy
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import accord
from accord.local.world import World
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.model.money import Money
from accord.ports.state import Link, Mend
from accord.sync import mends
from accord.sync.backfill import OrderReader, Read
from accord.sync.mends import mended
from accord.sync.reading import customer_of, order_of, refunds_of
from accord.sync.refunds import marker
from accord.sync.report import Report
from tests.sync.acting import mend
from tests.sync.conftest import START, config
from tests.sync.placed import (
    ORDER,
    RICH,
    MakeWorld,
    link_of,
    placed,
    reasons,
    relinked,
    say,
    telling,
)
from tests.sync.shoppers import ADA, Shoppers
from tests.sync.test_adopt import adopt, number_of, sold

HERE = str(ORDER)
TEN = Money(Decimal("10.00"), "GBP")
BYRON = {"name": "A. Byron", "email": "ada@example.com", "vat_number": "", "addresses": []}
HOUR = dt.timedelta(hours=1)
PACKAGE = Path(accord.__file__).parent
READERS = {"order", "refunds", "customer"}
STAND_INS = ("local",)  # a store's own part, and what looks at it from outside
OFFER = {"name": "by invoice", "when": {"payment_method": ["on-account"]}, "make": "quotation"}


def compared(world: World, **more: Any) -> Report:
    world.clock.now += HOUR
    report: Report = world.reconcile(**more)
    return report


# --- the one place ---------------------------------------------------------------


def readings(path: Path) -> Iterator[str]:
    """Where a document is read of what is called a store."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        of = ast.unparse(node.func.value).partition("(")[0].rpartition(".")[2]
        if node.func.attr in READERS and of in {"store", "shop", "client"}:
            yield f"{path.relative_to(PACKAGE)}:{node.lineno}"


def test_a_stores_document_is_read_in_one_place() -> None:
    found = [
        where
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in STAND_INS
        for where in readings(path)
    ]

    assert [each.partition(":")[0] for each in found] == ["sync/reading.py"] * 3


def test_without_a_link_it_is_as_the_store_shows_it(world: World) -> None:
    order = order_of(world.store, RICH, None)

    assert order == world.store.order(RICH)
    assert refunds_of(world.store, order, None) == []


def test_what_is_read_is_under_the_mends_of_the_link(world: World) -> None:
    mend_ = Mend("po_number", "PO 7", "ada", START)
    link = Link(ORDER, "uk-30", 0, mends=(mend_,))
    id_ = world.store.add_customer(**ADA)
    document = world.store.customers[id_]
    plain = customer_of(world.store, document, None)
    phone = Mend("phone", "0300 1", "ada", START, was=mends.shown(plain.profile, "phone"))
    account = Link(plain.ref, "uk-p", 0, mends=(phone,))

    assert order_of(world.store, RICH, link) == mended(world.store.order(RICH), [mend_])
    assert customer_of(world.store, document, account).profile.phone == "0300 1"
    assert plain.profile.phone == "020 7946 1111"


# --- both sides compared ----------------------------------------------------------


def test_what_the_mend_made_of_an_order_is_no_difference(make_world: MakeWorld) -> None:
    """It is a quotation by the mended payment method, and would be confirmed by the store's."""
    world = make_world(telling(orders={"route": (OFFER,)}))
    world.store.place({**RICH, "status": "on-hold", "date_paid": None, "date_paid_gmt": None})
    world.drain()
    mend(world, HERE, payment_method="on-account")
    world.store.set_status("30", "processing")
    world.drain()
    assert [sale["state"] for sale in world.books.sales()] == ["quotation"]

    report = compared(world, repair=True)
    world.drain()

    assert (report.found, report.in_hand_count) == (0, 0)
    assert [sale["state"] for sale in world.books.sales()] == ["quotation"]


def test_an_order_that_was_sold_under_a_mended_sku_moves_that_ones_stock(
    make_world: MakeWorld,
) -> None:
    """Its stock is not called a difference in the moment that the order is on its way."""
    world = make_world(config(flows={"stock": "on"}))
    world.store.place(copy.deepcopy(RICH))
    world.drain()
    relinked(world, mends=(Mend("lines.8.sku", "BOOK-2", "ada", START),))
    assert not _stock_phase(world)._sold()  # it was sold long ago
    world.copies = lambda _: 0
    world.store.edit("30")

    assert {"BOOK-1", "BOOK-2"} <= _stock_phase(world)._sold()


def _stock_phase(world: World) -> Any:
    reader = world.reconciler()
    reader.begin(since=None, repair=False, by="test")
    place = replace(reader.place(), kind="stock")
    return reader._phase("stock", place, reader._fresh(place), world.clock() + HOUR)


def test_a_mended_field_of_a_customer_is_no_difference(make_world: MakeWorld) -> None:
    world = make_world(config(flows={"customers": "on"}))
    id_ = world.store.add_customer(**ADA)
    world.drain()
    account = Ref("uk", "customer", id_)
    _lay(world, account, phone="0300 1")
    say(world, account, "customer_changed", replay="ada")
    world.drain()
    link = world.links.get(account)
    assert link is not None
    assert link.erp is not None
    assert world.erp().profiles([link.erp])[link.erp].phone == "0300 1"

    report = compared(world, repair=True)

    assert report.compared["customers"] == 1
    assert [each for each in report.differences if each.kind == "customers"] == []


def test_a_difference_beside_what_was_mended_is_still_named(make_world: MakeWorld) -> None:
    world = make_world(config(flows={"customers": "on"}))
    id_ = world.store.add_customer(**ADA)
    world.drain()
    account = Ref("uk", "customer", id_)
    _lay(world, account, phone="0300 1")
    say(world, account, "customer_changed", replay="ada")
    world.drain()
    world.copies = lambda _: 0
    world.store.edit_customer(id_, billing={**ADA["billing"], "city": "Bath"})  # type: ignore[dict-item]

    report = compared(world)

    (found,) = [each for each in report.differences if each.kind == "customers"]
    assert (found.reason, found.store) == ("customer_differs", "its own billing")


def test_a_link_is_rebuilt_with_the_credit_note_that_a_mend_names(make_world: MakeWorld) -> None:
    world = make_world(telling())
    sale = placed(world)
    refund = _credited_by_hand(world, sale)
    mend_ = Mend(mends.of_refund(refund, "reason"), marker(_note(world)), "ada", START)
    world.forget()
    relinked(world, mends=(mend_,))
    before = len(world.books.sales()[0]["credit_notes"])

    report = compared(world, repair=True)
    world.drain()

    assert [each.reason for each in report.differences if each.repaired] == ["link_lost"]
    tied = world.links.get(refund)
    assert tied is not None
    assert tied.erp == _note(world)
    assert link_of(world).facts["refunds"] == refund.id
    assert len(world.books.sales()[0]["credit_notes"]) == before
    assert reasons(world) == []


def _credited_by_hand(world: World, sale: Ref) -> Ref:
    """A refund that nobody was told of, and the credit note that somebody booked for it."""
    world.copies = lambda _: 0
    id_ = world.store.refund("30", "10.00", reason="Broken")
    world.erp().post_invoice(sale)
    world.erp().credit(sale, TEN)
    return Ref("uk", "refund", id_)


def _note(world: World) -> Ref:
    sale = link_of(world).erp
    assert sale is not None
    progress = world.erp().progress(sale)
    assert progress is not None
    (note,) = [each for each in progress.invoices if each.kind is Kind.CREDIT_NOTE]
    return Ref(note.ref.system, Kind.CREDIT_NOTE.value, note.ref.id)


def _lay(world: World | Shoppers, account: Ref, **values: str) -> None:
    """Mends of an account, that nobody was told of."""
    profile = world.store.customer(world.store.customers[account.id]).profile
    laid = tuple(
        Mend(name, text, "ada", START, was=mends.shown(profile, name))
        for name, text in values.items()
    )
    relinked(world, account, mends=laid)


# --- the back office changed ---------------------------------------------------------


def test_money_that_a_mend_ties_to_a_credit_note_is_not_given_back_again(
    make_world: MakeWorld,
) -> None:
    world = make_world(telling(erp_changes={"credited": "apply"}))
    sale = placed(world)
    refund = _credited_by_hand(world, sale)
    note = _note(world)
    relinked(world, mends=(Mend(mends.of_refund(refund, "reason"), marker(note), "ada", START),))

    say(world, sale, "order_changed_in_erp")
    world.drain()

    assert [str(each["id"]) for each in world.store.orders["30"]["refunds"]] == [refund.id]
    tied = world.links.get(refund)
    assert tied is not None
    assert tied.erp == note
    assert reasons(world) == []


# --- the first day --------------------------------------------------------------------


def test_an_order_that_was_mended_before_it_is_adopted_stays_as_it_was_adopted(
    make_world: MakeWorld,
) -> None:
    world = sold(make_world)
    relinked(world, mends=(Mend("lines.8.sku", "BOOK-2", "ada", START),))
    before = copy.deepcopy(world.books.sales())

    (answer,) = adopt(world, ("order", "30", "", number_of(world)))
    world.store.edit("30")
    world.drain()

    assert answer.what == "linked"
    assert [(each["key"], each["state"]) for each in world.books.sales()] == [
        (each["key"], each["state"]) for each in before
    ]
    assert world.attention.open() == []


def test_an_order_that_is_mended_while_it_is_adopted_is_left_for_another_time(
    make_world: MakeWorld,
) -> None:
    world = sold(make_world)

    def meanwhile(at: str) -> None:
        if at == "before links.acquire" and world.links.get(ORDER) is None:
            relinked(world, mends=(Mend("lines.8.sku", "BOOK-2", "ada", START),))

    (answer,) = adopt(world, ("order", "30", "", number_of(world)), hook=meanwhile)

    assert (answer.what, answer.why) == ("not", "it was mended just now; run this again")
    link = link_of(world)
    assert (link.erp, link.owner) == (None, "")


def test_an_account_is_adopted_by_its_mended_address(make_world: MakeWorld) -> None:
    world = make_world()
    made = world.books.call("create", {"kind": "party", "key": "BYRON", **BYRON})["record"]
    id_ = world.store.add_customer(**{**ADA, "email": "ada@exmaple.com"})
    account = Ref("uk", "customer", id_)
    _lay(world, account, email="ada@example.com")

    (answer,) = adopt(world, ("customer", id_, "", ""))

    assert (answer.what, answer.why) == ("linked", "")
    link = world.links.get(account)
    assert link is not None
    assert link.erp == Ref("main", "party", made["id"])


def _backfilled(world: World) -> Read:
    reader = OrderReader(
        name="uk",
        rules=world.rules,
        store=world.store,
        shop=world.store,
        links=world.links,
        queues=world.queue,
        clock=world.clock,
    )
    reader.begin("")
    read = reader.read("", "run-1")
    assert read is not None
    return read


def test_a_backfill_passes_over_what_was_mended_and_posts_the_rest_under_its_mends(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    placed(world)
    mend(world, HERE, lines__8__sku="BOOK-2")
    world.copies = lambda _: 0
    world.store.place({**copy.deepcopy(RICH), "id": 31, "number": "31"})
    relinked(world, Ref("uk", "order", "31"), mends=(Mend("po_number", "PO 7", "ada", START),))

    lines = _backfilled(world).lines
    world.drain()

    assert [str(each) for each in lines] == ["+ order 31 new, processing, 213.02 GBP"]
    new = next(each for each in world.books.sales() if each["key"] == "uk-31")
    assert new["po_number"] == "PO 7"


def test_an_order_that_cannot_be_read_holds_no_other_up(make_world: MakeWorld) -> None:
    world = make_world(copies=lambda _: 0)
    world.store.place({**copy.deepcopy(RICH), "total": "a lot"})
    world.store.place({**copy.deepcopy(RICH), "id": 31, "number": "31"})

    read = _backfilled(world)

    assert [(each.sign, each.subject) for each in read.lines] == [
        ("!", "order 30"),
        ("+", "order 31"),
    ]
    assert read.queued == 1


# --- accounts -------------------------------------------------------------------------


def test_a_party_is_linked_with_the_account_as_it_was_mended() -> None:
    shoppers = Shoppers()
    shoppers.deaf = True
    id_ = shoppers.store.add_customer(**ADA)
    _lay(shoppers, Ref("uk", "customer", id_), phone="0300 1")
    shoppers.books.call("create", {"kind": "party", "key": "BYRON", **BYRON})
    shoppers.settle()

    assert shoppers.profile().phone == "0300 1"
    assert shoppers.account(id_).phone == "020 7946 1111"
