"""What Odoo holds under our codes, and what is asked of it when it does not."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from accord.erp.odoo.adapter import Odoo
from accord.errors import RejectedError, UnmappedError, UnsupportedError
from accord.local.odoo import FakeOdoo
from accord.local.odoo.faults import OdooError
from accord.model.change import Ref
from accord.model.documents import DocumentLine, Kind, LineTax, PaymentDocument, SalesDocument
from accord.model.money import Money
from tests.erp.odoo.conftest import connected

TEN = Money(Decimal(10), "GBP")


def order(**changes: Any) -> SalesDocument:
    """An order of one mug; ``lines`` and others replace its parts."""
    line = DocumentLine(
        "A mug", Decimal(1), TEN, "MUG", taxes=(LineTax("VAT 20%", Money(Decimal(2), "GBP")),)
    )
    whole = SalesDocument(
        number="1042",
        party=Ref("main", Kind.PARTY, "1"),
        billing_address="1",
        shipping_address="1",
        currency="GBP",
        placed_on=dt.date(2026, 11, 22),
        lines=(line,),
        total=Money(Decimal(12), "GBP"),
    )
    return replace(whole, **changes)


def payment(odoo: FakeOdoo, journal: str) -> PaymentDocument:
    partner = odoo.call("res.partner", "create", {"name": "Maria"})
    return PaymentDocument(
        order=Ref("main", Kind.SALES_ORDER, "1"),
        party=Ref("main", Kind.PARTY, str(partner)),
        amount=TEN,
        received_on=dt.date(2026, 11, 22),
        account=journal,
        reference="ch_1",
    )


def causes(erp: Odoo, document: SalesDocument) -> tuple[str, ...]:
    with pytest.raises(UnmappedError) as caught:
        erp.preview(document)
    return caught.value.causes


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"currency": "XTS"}, "currency:XTS"),
        ({"carrier": "No such"}, "carrier:No such"),
        ({"payment_terms": "No such"}, "terms:No such"),
    ],
)
def test_what_is_not_there_is_named(erp: Odoo, changes: dict[str, Any], cause: str) -> None:
    assert causes(erp, order(**changes)) == (cause,)


def test_a_currency_without_a_price_list_cannot_be_sold_in(odoo: FakeOdoo, erp: Odoo) -> None:
    odoo.call("res.currency", "create", {"name": "CHF", "rounding": 0.05, "rate": 1})

    assert causes(erp, order(currency="CHF")) == ("currency:CHF",)


def test_the_companys_own_currency_needs_no_price_list(odoo: FakeOdoo, erp: Odoo) -> None:
    lists = odoo.call("product.pricelist", "search", [])
    odoo.call("product.pricelist", "unlink", lists)

    assert erp.preview(order()).gross == Money(Decimal(12), "GBP")


def test_a_tax_that_prices_hold_is_refused_with_the_reason(odoo: FakeOdoo, erp: Odoo) -> None:
    (tax,) = odoo.call("account.tax", "search", [["name", "=", "VAT 20%"]])
    odoo.call("account.tax", "write", [tax], {"price_include": True})

    with pytest.raises(UnsupportedError, match="VAT 20% is included in the price"):
        erp.preview(order())


def test_a_tax_that_is_computed_otherwise_is_refused(odoo: FakeOdoo, erp: Odoo) -> None:
    (tax,) = odoo.call("account.tax", "search", [["name", "=", "VAT 20%"]])
    odoo.call("account.tax", "write", [tax], {"amount_type": "division"})

    with pytest.raises(UnsupportedError, match="VAT 20% is division"):
        erp.preview(order())


def test_a_group_of_taxes_is_its_parts(odoo: FakeOdoo, erp: Odoo) -> None:
    parts = odoo.call("account.tax", "search", [["name", "in", ["VAT 20%", "VAT 5%"]]])
    values = {"name": "Both", "amount_type": "group", "children_tax_ids": [[6, 0, parts]]}
    odoo.call("account.tax", "create", values)
    line = replace(order().lines[0], taxes=(LineTax("Both", TEN),))

    assert erp.preview(order(lines=(line,))).tax.amount == Decimal("2.50")


def test_without_the_delivery_apps_a_carrier_is_refused(odoo: FakeOdoo, erp: Odoo) -> None:
    fields = odoo.database.models["sale.order"].fields
    odoo.database.models["sale.order"].fields = {
        name: of for name, of in fields.items() if name != "carrier_id"
    }

    with pytest.raises(UnsupportedError, match="install Odoo's app for them, or map no carrier"):
        erp.preview(order(carrier="Parcel Post"))


def test_two_taxes_of_one_name_are_neither(odoo: FakeOdoo, erp: Odoo) -> None:
    odoo.call("account.tax", "create", {"name": "VAT 20%", "amount": 20})

    assert causes(erp, order()) == ("tax:VAT 20%",)


def test_of_two_journals_of_one_name_neither_is_taken(odoo: FakeOdoo, erp: Odoo) -> None:
    for code in ("ST1", "ST2"):
        odoo.call("account.journal", "create", {"name": "Stripe", "code": code, "type": "bank"})
    paid = payment(odoo, "Stripe")

    with pytest.raises(UnmappedError, match="journals ST1 and ST2 bear that name") as caught:
        erp.create(paid, key="uk-1-p")

    assert caught.value.causes == ("account:Stripe",)


def test_a_journals_code_comes_before_anothers_name(odoo: FakeOdoo, erp: Odoo) -> None:
    odoo.call("account.journal", "create", {"name": "STR", "code": "OLD", "type": "bank"})
    meant = odoo.call("account.journal", "create", {"name": "Card", "code": "STR", "type": "bank"})

    made = erp.create(payment(odoo, "STR"), key="uk-1-p")

    (row,) = odoo.call("account.payment", "read", [int(made.ref.id)], ["journal_id"])
    assert row["journal_id"][0] == meant


def test_a_tax_that_others_do_not_raise_stays_on_the_bare_price(odoo: FakeOdoo, erp: Odoo) -> None:
    eco = {"name": "Eco", "amount": 10, "sequence": 1, "include_base_amount": True}
    bare = {"name": "Bare", "amount": 5, "sequence": 2, "is_base_affected": False}
    for values in (eco, bare):
        odoo.call("account.tax", "create", values)
    line = replace(order().lines[0], taxes=(LineTax("Eco", TEN), LineTax("Bare", TEN)))

    assert erp.preview(order(lines=(line,))).tax.amount == Decimal("1.50")


def test_an_account_without_its_service_item_is_named(erp: Odoo) -> None:
    text = DocumentLine("Fee", Decimal(1), TEN, account="4711")

    assert causes(erp, order(lines=(text,))) == ("account:4711",)


def test_a_text_without_an_amount_needs_nothing(erp: Odoo) -> None:
    note = DocumentLine("Engraving: M", Decimal(1), Money(Decimal(0), "GBP"))

    assert erp.preview(order(lines=(*order().lines, note))).gross.amount == Decimal(12)


def test_prices_are_as_precise_as_the_database_keeps_them(odoo: FakeOdoo, erp: Odoo) -> None:
    (precision,) = odoo.call("decimal.precision", "search", [])
    odoo.call("decimal.precision", "write", [precision], {"digits": 2})
    third = replace(order().lines[0], quantity=Decimal(3), taxes=())

    assert erp.preview(order(lines=(third,))).net.amount == Decimal("9.99")


def test_a_precision_that_is_not_said_is_two(odoo: FakeOdoo, erp: Odoo) -> None:
    price = odoo.database.models["sale.order.line"].fields["price_unit"]
    odoo.database.models["sale.order.line"].fields = {
        **odoo.database.models["sale.order.line"].fields,
        "price_unit": replace(price, digits=None),
    }
    third = replace(order().lines[0], quantity=Decimal(3), taxes=())

    assert erp.preview(order(lines=(third,))).net.amount == Decimal("9.99")


def test_a_quantity_that_would_be_rounded_waits_until_odoo_keeps_it(
    odoo: FakeOdoo, erp: Odoo
) -> None:
    eighth = order(lines=(replace(order().lines[0], quantity=Decimal("0.125")),))
    assert causes(erp, eighth) == ("precision:3",)

    odoo.call("decimal.precision", "create", {"name": "Product Unit of Measure", "digits": 3})

    assert erp.preview(eighth).net.amount == 10


def test_of_two_companies_one_must_be_named(odoo: FakeOdoo) -> None:
    odoo.call("res.company", "create", {"name": "Another", "currency_id": 1})

    assert causes(connected(odoo), order()) == ("company",)
    assert connected(odoo, company="My Company").preview(order()).gross.amount == 12
    assert causes(connected(odoo, company="No such"), order()) == ("company:No such",)


def test_a_warehouse_that_is_not_there_is_named(odoo: FakeOdoo) -> None:
    assert causes(connected(odoo, warehouse="NORTH"), order()) == ("warehouse:NORTH",)


def test_a_code_that_is_added_is_found_without_a_restart(odoo: FakeOdoo, erp: Odoo) -> None:
    line = replace(order().lines[0], item="CUP")
    assert causes(erp, order(lines=(line,))) == ("item:CUP",)

    odoo.call("product.product", "create", {"name": "Cup", "default_code": "CUP"})

    assert erp.preview(order(lines=(line,))).gross.amount == 12


def test_what_was_found_is_asked_for_anew_after_a_refusal(odoo: FakeOdoo, erp: Odoo) -> None:
    erp.preview(order())
    asked = odoo.calls["product.product.search_read"]

    def refuse(call: str) -> httpx.Response | None:
        if call == "sale.order.load":
            raise OdooError("odoo.exceptions.UserError", "no")
        return None

    odoo.hook = refuse
    with pytest.raises(RejectedError):
        erp.create(order(), key="uk-1")
    erp.preview(order())

    assert odoo.calls["product.product.search_read"] == asked + 1


def test_a_release_that_is_none_of_ours_is_refused(odoo: FakeOdoo, erp: Odoo) -> None:
    fields = odoo.database.models["sale.order.line"].fields
    odoo.database.models["sale.order.line"].fields = {
        name: of for name, of in fields.items() if name != "tax_id"
    }

    with pytest.raises(UnsupportedError, match="no tax_ids or tax_id; releases from 16 to 19 do"):
        erp.create(order(), key="uk-1")
