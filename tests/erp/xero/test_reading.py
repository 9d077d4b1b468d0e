"""What Xero tells of orders, invoices and customers, and what it prints."""

import datetime as dt
from decimal import Decimal

import httpx
import pytest

from accord.erp.xero.adapter import Xero
from accord.errors import UnavailableError, UnsupportedError
from accord.local.xero import Desk, FakeXero
from accord.model.change import Ref
from accord.model.documents import Kind, State
from accord.model.progress import News, Progress
from tests.erp.xero.conftest import START, Clock
from tests.erp.xero.papers import credit, sale

ANCIENT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def ref(id_: str, kind: Kind = Kind.SALES_ORDER) -> Ref:
    return Ref("main", kind, id_)


def progress(erp: Xero, id_: str) -> Progress:
    found = erp.progress(ref(id_))
    assert found is not None
    return found


def states(erp: Xero, id_: str) -> list[tuple[str, str]]:
    return [(each.number, each.state) for each in progress(erp, id_).invoices]


# --- one order -------------------------------------------------------------------------------


def test_a_draft_is_a_quotation_of_which_nothing_came(erp: Xero, desk: Desk) -> None:
    found = progress(erp, sale(desk, "uk-1", status="DRAFT"))

    assert (found.order.state, found.order.key) == (State.QUOTATION, "uk-1")
    assert (found.shipped, found.shipments, found.invoices) == ("none", (), ())


def test_a_draft_takes_one_call_and_what_is_booked_two(
    xero: FakeXero, erp: Xero, desk: Desk
) -> None:
    draft, booked = sale(desk, "uk-1", status="DRAFT"), sale(desk, "uk-2")

    progress(erp, draft)
    assert xero.calls == {"GET Invoices": 1}

    xero.calls.clear()
    progress(erp, booked)
    assert xero.calls == {"GET Invoices": 1, "GET CreditNotes": 1}


@pytest.mark.parametrize(
    ("act", "state", "booked"),
    [("nothing", "posted", True), ("pay", "paid", True), ("void", "cancelled", False)],
)
def test_an_order_that_was_authorised_is_its_own_invoice(
    erp: Xero, desk: Desk, act: str, state: str, *, booked: bool
) -> None:
    id_ = sale(desk, "uk-1")
    if act != "nothing":
        getattr(desk, act)(id_)

    (invoice,) = progress(erp, id_).invoices

    assert (invoice.ref, invoice.kind) == (ref(id_, Kind.INVOICE), Kind.INVOICE)
    assert (invoice.number, invoice.state, invoice.is_booked) == ("uk-1", state, booked)
    assert (invoice.totals.net.amount, invoice.totals.tax.amount) == (Decimal(10), Decimal(2))
    assert invoice.issued_on == START.date()


def test_a_draft_that_was_deleted_was_never_an_invoice(erp: Xero, desk: Desk) -> None:
    id_ = sale(desk, "uk-1", status="DRAFT")
    desk.void(id_)

    found = progress(erp, id_)

    assert (found.order.state, found.invoices) == (State.VOIDED, ())


def test_credit_notes_that_refer_to_the_order_came_of_it(erp: Xero, desk: Desk) -> None:
    id_, other = sale(desk, "uk-1"), sale(desk, "uk-12")
    for number, of in (("uk-1-r7", "uk-1"), ("uk-1-r8", "uk-1"), ("uk-12-r7", "uk-12")):
        credit(desk, number, of)

    assert states(erp, id_) == [("uk-1", "posted"), ("uk-1-r7", "posted"), ("uk-1-r8", "posted")]
    assert states(erp, other) == [("uk-12", "posted"), ("uk-12-r7", "posted")]
    assert [each.key for each in progress(erp, id_).invoices] == [None, "uk-1-r7", "uk-1-r8"]


def test_what_a_person_set_against_the_order_came_of_it(erp: Xero, desk: Desk) -> None:
    id_ = sale(desk, "uk-1")
    note = desk.credit(id_)

    _, found = progress(erp, id_).invoices

    assert (found.ref, found.kind, found.key) == (
        ref(note, Kind.CREDIT_NOTE),
        Kind.CREDIT_NOTE,
        None,
    )
    assert (found.state, found.totals.gross.amount) == ("paid", Decimal(12))


def test_a_draft_of_a_credit_note_has_no_number_yet(erp: Xero, desk: Desk) -> None:
    id_ = sale(desk, "uk-1")
    credit(desk, "uk-1-r7", "uk-1", status="DRAFT")

    assert states(erp, id_) == [("uk-1", "posted"), ("", "draft")]


@pytest.mark.parametrize("id_", ["1", "uk-1", "9b5f4b63-2c3d-4f5a-9f57-0c7f0a4f7b11"])
def test_of_what_is_not_there_there_is_no_progress(erp: Xero, desk: Desk, id_: str) -> None:
    """Xero would look for anything that is no id as a number."""
    sale(desk, "uk-1")

    assert erp.progress(ref(id_)) is None


# --- what changed ----------------------------------------------------------------------------


def told(erp: Xero, kind: Kind, since: dt.datetime = ANCIENT) -> list[News]:
    return list(erp.changes(kind, since))


def test_an_order_is_told_with_what_a_poll_compares(erp: Xero, desk: Desk) -> None:
    id_ = sale(desk, "uk-1")

    (news,) = told(erp, Kind.SALES_ORDER)

    assert (news.ref, news.order, news.state) == (ref(id_), ref(id_), State.CONFIRMED)
    assert news.gross is not None
    assert str(news.gross) == "12.00 GBP"
    assert news.version == progress(erp, id_).order.version


@pytest.mark.parametrize("act", ["pay", "void", "credit"])
def test_what_people_do_with_an_order_gives_it_another_version(
    erp: Xero, desk: Desk, clock: Clock, act: str
) -> None:
    id_ = sale(desk, "uk-1")
    (before,) = told(erp, Kind.SALES_ORDER)
    clock.moment()
    getattr(desk, act)(id_)

    (after,) = told(erp, Kind.SALES_ORDER)

    assert after.version != before.version
    assert after.at > before.at


def test_drafts_are_no_news_of_invoices(erp: Xero, desk: Desk) -> None:
    draft = sale(desk, "uk-1", status="DRAFT")
    desk.void(draft)
    sale(desk, "uk-2", status="DRAFT")
    id_ = sale(desk, "uk-3")
    credit(desk, "uk-3-r7", "uk-3", status="DRAFT")

    assert [(news.ref, news.order) for news in told(erp, Kind.INVOICE)] == [
        (ref(id_, Kind.INVOICE), ref(id_))
    ]


def test_a_voided_invoice_is_told(erp: Xero, desk: Desk) -> None:
    desk.void(sale(desk, "uk-1"))

    assert [news.state for news in told(erp, Kind.INVOICE)] == ["cancelled"]


def test_a_credit_note_is_told_with_the_order_that_it_refers_to(
    xero: FakeXero, erp: Xero, desk: Desk
) -> None:
    id_ = sale(desk, "uk-1")
    note = credit(desk, "uk-1-r7", "uk-1")

    _, news = told(erp, Kind.INVOICE)

    assert (news.ref, news.order, news.state) == (ref(note, Kind.INVOICE), ref(id_), "posted")
    assert xero.calls == {"GET Invoices": 2, "GET CreditNotes": 1}


def test_a_credit_note_is_told_with_the_invoice_that_it_is_set_against(
    xero: FakeXero, erp: Xero, desk: Desk
) -> None:
    id_ = sale(desk, "uk-1")
    note = desk.credit(id_)

    by_ref = {news.ref.id: news for news in told(erp, Kind.INVOICE)}

    assert by_ref[note].order == ref(id_)
    assert xero.calls == {"GET Invoices": 1, "GET CreditNotes": 1}


def test_a_credit_note_of_nobodys_order_is_told_without_one(erp: Xero, desk: Desk) -> None:
    credit(desk, "CN-1", "as agreed on the phone")

    assert [news.order for news in told(erp, Kind.INVOICE)] == [None]


def test_who_only_sells_to_us_is_no_customer(xero: FakeXero, erp: Xero, desk: Desk) -> None:
    ours, theirs = desk.add_contact("Maria Jones"), desk.add_contact("Clay & Co")
    xero.books.alter("Contacts", theirs, IsSupplier=True)

    assert [news.ref.id for news in told(erp, Kind.PARTY)] == [ours]


@pytest.mark.parametrize("act", ["archive", "merge"])
def test_a_customer_who_was_archived_or_merged_is_told(
    erp: Xero, desk: Desk, clock: Clock, act: str
) -> None:
    one, other = desk.add_contact("Maria Jones"), desk.add_contact("M. Jones")
    since = clock.moment()
    if act == "archive":
        desk.archive_contact(one)
    else:
        desk.merge_contact(one, into=other)

    assert ref(one, Kind.PARTY) in [news.ref for news in told(erp, Kind.PARTY, since)]


@pytest.mark.parametrize("kind", [Kind.SHIPMENT, Kind.RECIPE, Kind.STOCK])
def test_of_what_xero_does_not_know_nothing_is_told(erp: Xero, kind: Kind) -> None:
    assert kind not in erp.capabilities.tells
    with pytest.raises(UnsupportedError, match=kind.value):
        erp.changes(kind, ANCIENT)


def test_a_poll_takes_one_call_for_each_list(xero: FakeXero, erp: Xero, desk: Desk) -> None:
    sale(desk, "uk-1")
    spent = {}
    for kind in (Kind.SALES_ORDER, Kind.INVOICE, Kind.PARTY, Kind.ITEM, Kind.PRICE):
        xero.calls.clear()
        told(erp, kind)
        spent[kind] = sum(xero.calls.values())

    assert spent == {
        Kind.SALES_ORDER: 1,
        Kind.INVOICE: 2,
        Kind.PARTY: 1,
        Kind.ITEM: 1,
        Kind.PRICE: 1,
    }


# --- what is printed -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.INVOICE, Kind.CREDIT_NOTE])
def test_a_booked_document_is_printed_under_its_number(
    xero: FakeXero, erp: Xero, desk: Desk, kind: Kind
) -> None:
    id_ = sale(desk, "uk-1")
    if kind is Kind.CREDIT_NOTE:
        id_ = credit(desk, "uk-1-r7", "uk-1")

    printed = erp.document(ref(id_, kind))

    assert printed is not None
    name = "uk-1.pdf" if kind is Kind.INVOICE else "uk-1-r7.pdf"
    assert (printed.name, printed.content_type) == (name, "application/pdf")
    assert printed.data.startswith(b"%PDF")
    assert sum(xero.calls.values()) == 2


def test_a_draft_is_not_handed_out(erp: Xero, desk: Desk) -> None:
    assert erp.document(ref(sale(desk, "uk-1", status="DRAFT"), Kind.INVOICE)) is None


@pytest.mark.parametrize("kind", [Kind.SHIPMENT, Kind.SALES_ORDER])
def test_xero_prints_neither_deliveries_nor_orders(erp: Xero, desk: Desk, kind: Kind) -> None:
    assert erp.document(ref(sale(desk, "uk-1"), kind)) is None


def test_a_page_of_words_is_no_document(xero: FakeXero, erp: Xero, desk: Desk) -> None:
    id_ = sale(desk, "uk-1")

    def instead(call: str) -> httpx.Response | None:
        html = httpx.Response(200, html="<p>down</p>", extensions={"planned": b""})
        return html if call == "GET pdf" else None

    xero.hook = instead

    with pytest.raises(UnavailableError, match="no PDF"):
        erp.document(ref(id_, Kind.INVOICE))


# --- days that are open ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "year", "first"),
    [
        (None, None, dt.date(2026, 5, 9)),
        (dt.date(2026, 5, 31), None, dt.date(2026, 6, 1)),
        (None, dt.date(2026, 5, 31), dt.date(2026, 6, 1)),
        (dt.date(2026, 5, 31), dt.date(2026, 3, 31), dt.date(2026, 6, 1)),
        (dt.date(2026, 5, 8), dt.date(2026, 3, 31), dt.date(2026, 5, 9)),
        (dt.date(2026, 5, 9), None, dt.date(2026, 5, 10)),
    ],
)
@pytest.mark.parametrize("kind", [Kind.SALES_ORDER, Kind.PAYMENT, Kind.CREDIT_NOTE])
def test_the_first_open_day_is_behind_every_lock(
    erp: Xero,
    desk: Desk,
    kind: Kind,
    period: dt.date | None,
    year: dt.date | None,
    first: dt.date,
) -> None:
    desk.lock_until(period)
    desk.lock_until(year, end_of_year=True)

    assert erp.open_day(kind, dt.date(2026, 5, 9)) == first


# --- credit that is left -----------------------------------------------------------------------


def test_credit_is_set_against_what_is_owed(xero: FakeXero, erp: Xero, desk: Desk) -> None:
    id_ = sale(desk, "uk-1")
    credit(desk, "uk-1-r7", "uk-1", amount="5.00")

    erp.reconcile(ref(id_), ())

    assert states(erp, id_) == [("uk-1", "posted"), ("uk-1-r7", "paid")]
    (row,) = desk.rows("Invoices")
    assert row["AmountDue"] == Decimal("6.00")


def test_setting_credit_off_twice_is_setting_it_off_once(
    xero: FakeXero, erp: Xero, desk: Desk
) -> None:
    id_ = sale(desk, "uk-1")
    credit(desk, "uk-1-r7", "uk-1", amount="5.00")
    erp.reconcile(ref(id_), ())

    erp.reconcile(ref(id_), ())

    assert xero.calls["PUT Allocations"] == 1


def test_of_what_is_paid_nothing_is_set_off_and_it_takes_one_call(
    xero: FakeXero, erp: Xero, desk: Desk
) -> None:
    id_ = sale(desk, "uk-1")
    desk.pay(id_)
    credit(desk, "uk-1-r7", "uk-1")

    erp.reconcile(ref(id_), ())

    assert states(erp, id_)[1] == ("uk-1-r7", "posted")
    assert xero.calls["PUT Allocations"] == 0


@pytest.mark.parametrize("status", ["DRAFT", "VOIDED"])
def test_nothing_is_set_off_of_what_is_not_booked(
    xero: FakeXero, erp: Xero, desk: Desk, status: str
) -> None:
    id_ = sale(desk, "uk-1", status="DRAFT" if status == "DRAFT" else "AUTHORISED")
    if status == "VOIDED":
        desk.void(id_)

    erp.reconcile(ref(id_), ())

    assert xero.calls == {"GET Invoices": 1}
