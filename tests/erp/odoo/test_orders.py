"""Orders in Odoo beside what every back office promises: its states, its windows, its races."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from accord.erp.odoo.adapter import Odoo
from accord.errors import (
    DisagreementError,
    RejectedError,
    TransientError,
    UnavailableError,
    UnsupportedError,
)
from accord.local.odoo import Desk, FakeOdoo
from accord.local.odoo.faults import OdooError
from accord.model.change import Ref
from accord.model.documents import (
    CreditDocument,
    DocumentLine,
    Kind,
    PaymentDocument,
    Record,
    ReturnDocument,
    State,
)
from accord.model.money import Money
from tests.erp.odoo.conftest import START, Clock, connected, furnished
from tests.erp.odoo.test_masterdata import order


@pytest.fixture
def buyer(odoo: FakeOdoo) -> int:
    """The partner that orders are for."""
    return int(odoo.call("res.partner", "create", {"name": "Maria Jones", "customer_rank": 1}))


@pytest.fixture
def made(erp: Odoo, buyer: int) -> Record:
    return erp.create(order(), key="uk-1")


def row(odoo: FakeOdoo, record: Record, *fields: str) -> dict[str, Any]:
    (found,) = odoo.call("sale.order", "read", [int(record.ref.id)], list(fields))
    assert isinstance(found, dict)
    return found


def refusing(method: str, *, name: str = "odoo.exceptions.UserError", times: int = 1) -> Any:
    left = [method] * times

    def refuse(call: str) -> httpx.Response | None:
        if call in left:
            left.remove(call)
            raise OdooError(name, "it says why")
        return None

    return refuse


@pytest.mark.usefixtures("buyer")
def test_an_order_says_all_that_it_was_asked_to(odoo: FakeOdoo, erp: Odoo) -> None:
    text = DocumentLine("Engraving: M", Decimal(1), Money(Decimal(0), "GBP"))
    whole = order(
        lines=(*order().lines, text),
        po_number="PO-7",
        comment="Ring <b>twice</b>",
        carrier="Parcel Post",
        payment_terms="30 Days",
    )

    made = erp.create(whole, key="uk-1")

    fields = ("client_order_ref", "origin", "note", "carrier_id", "payment_term_id", "date_order")
    found = row(odoo, made, *fields)
    assert (found["client_order_ref"], found["origin"]) == ("uk-1", "1042")
    assert found["note"] == "PO number: PO-7<br><br>Ring &lt;b&gt;twice&lt;/b&gt;"
    assert (found["carrier_id"][1], found["payment_term_id"][1]) == ("Parcel Post", "30 Days")
    assert found["date_order"] == "2026-11-22 12:00:00"
    lines = odoo.call("sale.order.line", "search_read", [], ["name", "display_type", "product_id"])
    assert [(line["name"], line["display_type"]) for line in lines] == [
        ("A mug", False),
        ("Engraving: M", "line_note"),
    ]


@pytest.mark.usefixtures("buyer")
def test_an_order_in_another_currency_has_its_price_list(odoo: FakeOdoo, erp: Odoo) -> None:
    line = replace(order().lines[0], net=Money(Decimal(10), "EUR"), taxes=())
    made = erp.create(order(currency="EUR", lines=(line,)), key="uk-1")

    assert made.totals is not None
    assert str(made.totals.gross) == "10.00 EUR"
    assert row(odoo, made, "pricelist_id")["pricelist_id"][1] == "Public EUR"


@pytest.mark.usefixtures("buyer")
def test_an_order_without_tax_bears_none_though_its_item_would(odoo: FakeOdoo, erp: Odoo) -> None:
    (tax,) = odoo.call("account.tax", "search", [["name", "=", "VAT 20%"]])
    (mug,) = odoo.call("product.product", "search", [["default_code", "=", "MUG"]])
    odoo.call("product.product", "write", [mug], {"taxes_id": [[6, 0, [tax]]]})
    untaxed = replace(order().lines[0], taxes=())

    other = erp.create(order(lines=(untaxed,)), key="uk-2")

    assert other.totals is not None
    assert other.totals.tax.amount == 0


@pytest.mark.usefixtures("buyer")
def test_an_order_without_an_address_goes_to_the_partners_own(odoo: FakeOdoo, erp: Odoo) -> None:
    made = erp.create(order(billing_address="", shipping_address=""), key="uk-1")
    note = erp.create(replace(credit(made), billing_address=""), key="uk-1-r7")

    found = row(odoo, made, "partner_invoice_id", "partner_shipping_id")
    assert {each[1] for name, each in found.items() if name != "id"} == {"Maria Jones"}
    assert note.totals is not None


def test_what_an_order_no_longer_has_is_cleared(odoo: FakeOdoo, erp: Odoo) -> None:
    made = erp.create(order(carrier="Parcel Post", payment_terms="30 Days"), key="uk-77")
    fields = ["carrier_id", "payment_term_id"]
    (before,) = odoo.call("sale.order", "read", [int(made.ref.id)], fields)

    erp.amend(made, order())

    (after,) = odoo.call("sale.order", "read", [int(made.ref.id)], fields)
    assert (before["carrier_id"][1], before["payment_term_id"][1]) == ("Parcel Post", "30 Days")
    assert after["carrier_id"] is False
    assert after["payment_term_id"][1] == "30 Days"  # or the customer's own: nobody can tell


def test_an_order_that_a_person_sent_is_a_quotation_still(
    odoo: FakeOdoo, erp: Odoo, made: Record
) -> None:
    odoo.call("sale.order", "action_quotation_sent", [int(made.ref.id)])

    assert erp.advance(made, State.QUOTATION).state is State.QUOTATION
    assert erp.amend(made, order(comment="x")).state is State.QUOTATION
    assert erp.advance(made, State.CONFIRMED).state is State.CONFIRMED


def test_an_order_that_a_person_duplicated_is_not_ours(odoo: FakeOdoo, erp: Odoo) -> None:
    """Odoo copies the origin with it, and not the customer's reference."""
    partner = odoo.call("res.partner", "create", {"name": "Maria", "customer_rank": 1})
    made = erp.create(order(), key="uk-1")
    odoo.call("sale.order", "create", {"partner_id": partner, "origin": "1042"})

    assert [found.ref for found in erp.find(Kind.SALES_ORDER, "uk-1")] == [made.ref]


@pytest.mark.usefixtures("buyer")
def test_an_order_that_was_made_and_not_read_is_there(odoo: FakeOdoo, erp: Odoo) -> None:
    odoo.hook = refusing("sale.order.read", name="psycopg2.OperationalError")

    made = erp.create(order(), key="uk-1")

    assert (made.state, made.totals) == (State.QUOTATION, None)
    assert erp.find(Kind.SALES_ORDER, "uk-1")[0].ref == made.ref


# --- confirmed ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["odoo.exceptions.ValidationError", "psycopg2.errors.SerializationFailure"]
)
def test_who_lost_the_race_to_confirm_has_confirmed(
    odoo: FakeOdoo, erp: Odoo, made: Record, name: str
) -> None:
    odoo.call("sale.order", "action_confirm", [int(made.ref.id)])
    odoo.hook = refusing("sale.order.action_confirm", name=name)

    assert erp.advance(made, State.CONFIRMED).state is State.CONFIRMED


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("odoo.exceptions.UserError", RejectedError),
        ("psycopg2.errors.SerializationFailure", TransientError),
    ],
)
def test_what_odoo_does_not_confirm_is_not_confirmed(
    odoo: FakeOdoo, erp: Odoo, made: Record, name: str, error: type[Exception]
) -> None:
    odoo.hook = refusing("sale.order.action_confirm", name=name)

    with pytest.raises(error):
        erp.advance(made, State.CONFIRMED)


def test_a_window_instead_of_a_confirmation_is_told_of(
    odoo: FakeOdoo, erp: Odoo, made: Record
) -> None:
    window = {"type": "ir.actions.act_window", "name": "Check the stock", "res_model": "x"}
    answer = httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": window})
    odoo.hook = lambda call: answer if call == "sale.order.action_confirm" else None

    with pytest.raises(RejectedError, match="Check the stock"):
        erp.advance(made, State.CONFIRMED)


def test_an_order_that_is_gone_is_not_confirmed(odoo: FakeOdoo, erp: Odoo, made: Record) -> None:
    odoo.call("sale.order", "unlink", [int(made.ref.id)])

    with pytest.raises(RejectedError, match="no longer"):
        erp.advance(made, State.CONFIRMED)


# --- cancelled ------------------------------------------------------------------------


@pytest.mark.parametrize("version", [16, 17, 18, 19])
def test_a_locked_order_is_unlocked_and_cancelled(version: int) -> None:
    odoo = furnished(Clock(), version)
    odoo.call("res.company", "write", [1], {"lock_confirmed": True})
    odoo.call("res.partner", "create", {"name": "Maria Jones"})
    erp = connected(odoo)
    sold = erp.advance(erp.create(order(), key="uk-1"), State.CONFIRMED)

    assert erp.get(sold.ref) is not None
    assert erp.void(sold).state is State.VOIDED


def test_what_odoo_does_not_cancel_stands(odoo: FakeOdoo, erp: Odoo, made: Record) -> None:
    odoo.hook = refusing("sale.order.action_cancel")

    with pytest.raises(RejectedError, match="it says why"):
        erp.void(made)


def test_an_order_that_says_it_was_cancelled_and_was_not_is_a_persons(
    odoo: FakeOdoo, erp: Odoo, made: Record
) -> None:
    answer = httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": True})
    odoo.hook = lambda call: answer if call == "sale.order.action_cancel" else None

    with pytest.raises(DisagreementError) as caught:
        erp.void(made)

    assert caught.value.reason == "not_voided"


def test_a_draft_of_an_invoice_is_cancelled_with_its_order(
    odoo: FakeOdoo, erp: Odoo, made: Record
) -> None:
    sold = erp.advance(made, State.CONFIRMED)
    values = {"advance_payment_method": "delivered", "sale_order_ids": [[6, 0, [1]]]}
    wizard = odoo.call("sale.advance.payment.inv", "create", values)
    odoo.call("sale.advance.payment.inv", "create_invoices", [wizard])

    erp.void(sold)

    progress = erp.progress(sold.ref)
    assert progress is not None
    assert [each.state for each in progress.invoices] == ["cancelled"]


def test_only_orders_are_cancelled(erp: Odoo) -> None:
    with pytest.raises(UnsupportedError, match="only orders"):
        erp.void(Record(Ref("main", Kind.PAYMENT, "1"), ""))


def test_a_return_of_goods_is_not_kept(erp: Odoo) -> None:
    back = ReturnDocument(
        number="1",
        order=Ref("main", Kind.SALES_ORDER, "1"),
        party=Ref("main", Kind.PARTY, "1"),
        billing_address="1",
        shipping_address="1",
        currency="GBP",
        returned_on=START.date(),
        lines=(("MUG", Decimal(1)),),
    )

    assert not erp.capabilities.can(Kind.RETURN)
    with pytest.raises(UnsupportedError):
        erp.create(back, key="uk-1-b1")
    with pytest.raises(UnsupportedError):
        erp.find(Kind.RETURN, "uk-1-b1")


# --- money ------------------------------------------------------------------------------


def credit(sold: Record) -> CreditDocument:
    return CreditDocument(
        number="7",
        order=sold.ref,
        party=Ref("main", Kind.PARTY, "1"),
        billing_address="1",
        currency="GBP",
        issued_on=START.date(),
        lines=order().lines,
        total=Money(Decimal(12), "GBP"),
    )


def payment(sold: Record) -> PaymentDocument:
    return PaymentDocument(
        order=sold.ref,
        party=Ref("main", Kind.PARTY, "1"),
        amount=Money(Decimal(12), "GBP"),
        received_on=START.date(),
        account="Web payments",
        reference="ch_1",
    )


def test_a_credit_note_takes_back_the_invoice_and_is_not_invoiced_anew(
    odoo: FakeOdoo, erp: Odoo, made: Record, desk: Desk
) -> None:
    sold = erp.advance(made, State.CONFIRMED)
    invoice = desk.post_invoice(int(sold.ref.id))

    note = erp.advance(erp.create(credit(sold), key="uk-1-r7"), State.CONFIRMED)

    (held,) = odoo.call("account.move", "read", [int(note.ref.id)], ["reversed_entry_id", "ref"])
    assert (held["reversed_entry_id"][0], held["ref"]) == (invoice, "uk-1-r7")
    assert row(odoo, sold, "invoice_status")["invoice_status"] == "invoiced"


def test_money_of_an_item_is_booked_where_its_invoice_is_and_counts_no_piece(
    odoo: FakeOdoo, erp: Odoo, made: Record, desk: Desk
) -> None:
    sold = erp.advance(made, State.CONFIRMED)
    desk.post_invoice(int(sold.ref.id))
    (line,) = order().lines
    back = replace(credit(sold), lines=(replace(line, quantity=Decimal(0)),))

    note = erp.create(back, key="uk-1-r7")

    of_invoice, of_note = odoo.call(
        "account.move.line",
        "search_read",
        [["display_type", "=", "product"]],
        ["product_id", "account_id", "tax_ids", "price_unit"],
    )
    assert of_note["product_id"] is False
    assert of_note["account_id"] == of_invoice["account_id"] != False  # noqa: E712
    assert of_note["tax_ids"] == of_invoice["tax_ids"]
    assert note.totals is not None
    assert str(note.totals.gross) == "12.00 GBP"


def test_money_of_an_item_that_is_in_no_invoice_is_a_piece_of_it(
    odoo: FakeOdoo, erp: Odoo, made: Record
) -> None:
    """Only Odoo knows its account then."""
    (line,) = order().lines
    back = replace(credit(made), lines=(replace(line, quantity=Decimal(0)),))

    erp.create(back, key="uk-1-r7")

    (held,) = odoo.call("account.move.line", "search_read", [], ["product_id", "quantity"])
    assert (held["product_id"][0] > 0, held["quantity"]) == (True, 1)


def test_a_text_of_an_order_is_taken_back_as_a_text(
    odoo: FakeOdoo, erp: Odoo, made: Record
) -> None:
    text = DocumentLine("Engraving: M", Decimal(1), Money(Decimal(0), "GBP"))
    note = erp.create(replace(credit(made), lines=(*order().lines, text)), key="uk-1-r7")

    assert note.totals is not None
    assert str(note.totals.gross) == "12.00 GBP"
    lines = odoo.call("account.move.line", "search_read", [], ["name", "display_type"])
    assert [each["display_type"] for each in lines] == ["product", "line_note"]


@pytest.mark.parametrize("kind", [Kind.CREDIT_NOTE, Kind.PAYMENT])
def test_a_document_that_is_gone_is_not_booked(erp: Odoo, made: Record, kind: Kind) -> None:
    gone = Record(Ref("main", kind, "999999"), "")

    assert made
    assert erp.get(gone.ref) is None
    with pytest.raises(RejectedError):
        erp.advance(gone, State.CONFIRMED)


def test_every_kind_that_is_kept_can_be_got(erp: Odoo, made: Record) -> None:
    paid = erp.create(payment(made), key="uk-1:payment")
    item = erp.find_items(["MUG"])["MUG"]

    for ref in (made.ref, paid.ref, Ref("main", Kind.ITEM, item), Ref("main", Kind.PARTY, "1")):
        found = erp.get(ref)
        assert found is not None
        assert found.ref == ref
    assert erp.get(Ref("main", Kind.SALES_ORDER, "x")) is None
    with pytest.raises(UnsupportedError):
        erp.get(Ref("main", Kind.SHIPMENT, "1"))


def test_of_an_order_that_is_not_there_nothing_is_set_off(odoo: FakeOdoo, erp: Odoo) -> None:
    for id_ in ("x", "999999"):
        erp.reconcile(Ref("main", Kind.SALES_ORDER, id_), [])

    assert odoo.calls["account.move.line.search_read"] == 0


def test_an_order_that_is_gone_is_not_credited(odoo: FakeOdoo, erp: Odoo, made: Record) -> None:
    odoo.call("sale.order", "unlink", [int(made.ref.id)])

    with pytest.raises(RejectedError, match="no longer"):
        erp.create(credit(made), key="uk-1-r7")


@pytest.mark.parametrize("call", ["account.move.action_post", "account.move.search_read"])
def test_a_credit_note_that_is_not_booked_stays_a_draft(
    odoo: FakeOdoo, erp: Odoo, made: Record, call: str
) -> None:
    draft = erp.create(credit(erp.advance(made, State.CONFIRMED)), key="uk-1-r7")
    name = "odoo.exceptions.UserError" if call.endswith("post") else "psycopg2.OperationalError"
    odoo.hook = refusing(call, name=name)

    with pytest.raises((RejectedError, UnavailableError)):
        erp.advance(draft, State.CONFIRMED)


def test_a_payment_that_was_made_and_not_posted_is_posted_later(
    odoo: FakeOdoo, erp: Odoo, made: Record
) -> None:
    odoo.hook = refusing("account.payment.action_post")
    with pytest.raises(RejectedError):
        erp.create(payment(made), key="uk-1:payment")

    (draft,) = erp.find(Kind.PAYMENT, "uk-1:payment")
    booked = erp.advance(draft, State.CONFIRMED)

    assert (draft.state, booked.state) == (State.DRAFT, State.CONFIRMED)


def test_a_payment_that_someone_posted_meanwhile_is_posted(
    odoo: FakeOdoo, erp: Odoo, made: Record
) -> None:
    booked = erp.create(payment(made), key="uk-1:payment")
    draft = replace(booked, state=State.DRAFT)

    assert erp.advance(draft, State.CONFIRMED).state is State.CONFIRMED
    assert odoo.calls["account.payment.create"] == 1


@pytest.mark.parametrize("lock", ["fiscalyear_lock_date", "tax_lock_date", "period_lock_date"])
def test_every_lock_of_the_company_holds(odoo: FakeOdoo, erp: Odoo, lock: str) -> None:
    odoo.call("res.company", "write", [1], {lock: START.date().isoformat()})

    opened = erp.open_day(Kind.CREDIT_NOTE, START.date())

    assert opened is not None
    assert (opened - START.date()).days == 1
    assert erp.open_day(Kind.SALES_ORDER, START.date()) == START.date()


def test_what_someone_set_off_meanwhile_is_set_off(
    odoo: FakeOdoo, erp: Odoo, made: Record, desk: Desk
) -> None:
    sold = erp.advance(made, State.CONFIRMED)
    paid = erp.create(payment(sold), key="uk-1:payment")
    desk.post_invoice(int(sold.ref.id))

    def meanwhile(call: str) -> httpx.Response | None:
        if call == "account.move.line.reconcile":
            odoo.hook = lambda _: None
            rows = odoo.database.tables["account.move.line"].values()
            odoo.database.transaction(
                lambda: [each.update(amount_residual=Decimal(0)) for each in rows]
            )
        return None

    odoo.hook = meanwhile
    erp.reconcile(sold.ref, [paid.ref])

    progress = erp.progress(sold.ref)
    assert progress is not None
    assert [each.state for each in progress.invoices] == ["paid"]


def test_what_odoo_does_not_set_off_is_told_of(
    odoo: FakeOdoo, erp: Odoo, made: Record, desk: Desk
) -> None:
    sold = erp.advance(made, State.CONFIRMED)
    paid = erp.create(payment(sold), key="uk-1:payment")
    desk.post_invoice(int(sold.ref.id))
    odoo.hook = refusing("account.move.line.reconcile")

    with pytest.raises(RejectedError, match="it says why"):
        erp.reconcile(sold.ref, [paid.ref])


def test_what_is_made_belongs_to_the_company_that_was_named(odoo: FakeOdoo) -> None:
    """Its user's own is another one."""
    odoo.call("res.company", "write", [1], {"name": "Another"})
    second = odoo.call("res.company", "create", {"name": "Mine", "currency_id": 1})
    for model in ("account.tax", "account.journal", "stock.warehouse"):
        ids = odoo.call(model, "search", [])
        odoo.call(model, "write", ids, {"company_id": second})
    odoo.call("res.partner", "create", {"name": "Maria Jones"})
    erp = connected(odoo, company="Mine")

    sold = erp.advance(erp.create(order(), key="uk-1"), State.CONFIRMED)
    note = erp.create(credit(sold), key="uk-1-r7")
    paid = erp.create(payment(sold), key="uk-1:payment")

    made = (("sale.order", sold), ("account.move", note), ("account.payment", paid))
    for model, record in made:
        (held,) = odoo.call(model, "read", [int(record.ref.id)], ["company_id"])
        assert held["company_id"] == [second, "Mine"]
