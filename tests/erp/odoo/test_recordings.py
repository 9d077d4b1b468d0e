"""The stand-in answers each recorded request of a real Odoo in the same shape: it cannot drift.

The recordings are replayed in the order in which they can follow each other; what stood in the real
database at the time is made before, under the same ids.
"""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from accord.local.odoo import FakeOdoo
from accord.local.odoo.orm import Row
from tests.erp.odoo.shapes import differences

FOLDER = Path(__file__).parent / "recordings"
NOW = dt.datetime(2026, 11, 22, 15, 27, 10, tzinfo=dt.UTC)

Before = Callable[["Past"], None]


class Past:
    """The recorded server at some moment."""

    def __init__(self) -> None:
        self.odoo = FakeOdoo(
            version=17, clock=lambda: NOW, key="<api-key>", administrator="<admin>"
        )
        self._furnish()

    def put(self, model: str, id_: int, **values: Any) -> int:
        """A record under that id."""
        self.next(model, id_)
        return int(self.odoo.call(model, "create", values))

    def next(self, model: str, id_: int) -> None:
        """The id of the record that is made next."""
        self.odoo.database.counters[model] = id_ - 1

    def call(self, model: str, method: str, *args: Any, **named: Any) -> Any:
        return self.odoo.call(model, method, *args, **named)

    def _furnish(self) -> None:
        self.put("uom.uom", 1, name="Units")
        self.put("res.country", 233, name="United States", code="US")
        self.put("res.country.state", 13, name="California", code="CA", country_id=233)
        self.put("res.currency", 1, name="USD", rounding=0.01, rate=1)
        self.put("res.company", 1, name="My Company", currency_id=1)
        self.put("product.pricelist", 1, name="Default", currency_id=1)
        self.put("account.account", 1, name="Receivable", account_type="asset_receivable")
        self.put("account.account", 2, name="Product Sales", account_type="income")
        self.put("account.journal", 1, name="Customer Invoices", code="INV", type="sale")
        self.put("account.journal", 6, name="Bank", code="BNK1", type="bank")
        for id_, percent in ((1, 15), (3, 20), (4, 5)):
            self.put("account.tax", id_, name=f"{percent}%", amount=percent)
        self.put("product.category", 5, name="Home")
        self.put("product.category", 6, name="Kitchen", parent_id=5)
        for id_, code, location in ((1, "WH", 8), (2, "EAST", 20)):
            self.put("stock.location", location, complete_name=f"{code}/Stock", usage="internal")
            self.put("stock.warehouse", id_, name=code, code=code, lot_stock_id=location)
        self._products()

    def _products(self) -> None:
        self.put("product.attribute", 1, name="Size")
        for id_, size in ((1, "S"), (2, "M"), (3, "L")):
            self.put("product.template.attribute.value", id_, name=size, attribute_id=1)
        plain = (
            (2, 2, "MUG-01", "product", 3),
            (3, 3, "PLATE-01", "product", 3),
            (4, 4, "BOOK-01", "product", 4),
            (5, 5, "WRAP", "service", 3),
            (6, 6, "SHIP", "service", 3),
            (10, 8, "KIT-01", "product", 3),
            (11, 9, "HAMPER", "product", 3),
        )
        for product, template, code, kind, tax in plain:
            self.next("product.template", template)
            values = {"default_code": code, "name": code, "detailed_type": kind, "list_price": 10}
            taxes = [[6, 0, [tax]]]
            self.put("product.product", product, **values, categ_id=6, taxes_id=taxes)
        self.next("product.product", 7)
        values = {"name": "T-shirt", "detailed_type": "product", "taxes_id": [[6, 0, [3]]]}
        self.put("product.template", 7, **values, categ_id=5)
        for product, size in ((8, 2), (9, 3)):
            of_size = [[6, 0, [size]]]
            self.put(
                "product.product",
                product,
                default_code=f"TEE-{size}",
                product_tmpl_id=7,
                product_template_attribute_value_ids=of_size,
            )
        first = {"default_code": "TEE-1", "product_template_attribute_value_ids": [[6, 0, [1]]]}
        self.call("product.product", "write", [7], first)
        parts = ([[0, 0, {"product_id": 2}], [0, 0, {"product_id": 3, "product_qty": 2}]],)
        self.put("mrp.bom", 1, type="phantom", product_tmpl_id=8, bom_line_ids=parts[0])
        self.put("mrp.bom", 2, product_tmpl_id=9, bom_line_ids=[[0, 0, {"product_id": 4}]])
        for product, warehouse, location in ((2, 1, 8), (3, 1, 8), (4, 1, 8), (2, 2, 20)):
            values = {"product_id": product, "warehouse_id": warehouse, "location_id": location}
            self.call("stock.quant", "create", {**values, "quantity": 50})
        of_mug = {"applied_on": "0_product_variant", "product_id": 2, "min_quantity": 10}
        self.put("product.pricelist.item", 1, pricelist_id=1, compute_price="percentage", **of_mug)

    # --- what had been done before ------------------------------------------------

    def order(self, id_: int, *products: int, confirmed: bool = False) -> None:
        lines = [[0, 0, {"product_id": product, "product_uom_qty": 2}] for product in products]
        ref = f"WOO-{id_}"
        self.put("sale.order", id_, partner_id=8, client_order_ref=ref, order_line=lines)
        if confirmed:
            self.call("sale.order", "action_confirm", [id_])

    def invoice(self, id_: int, order: int) -> None:
        """Of the order, posted."""
        values = {"advance_payment_method": "delivered", "sale_order_ids": [[6, 0, [order]]]}
        wizard = self.call("sale.advance.payment.inv", "create", values)
        self.next("account.move", id_)
        self.call("sale.advance.payment.inv", "create_invoices", [wizard])
        self.call("account.move", "action_post", [id_])

    def refund(self, id_: int, invoice: int) -> None:
        """All of the invoice taken back, a draft."""
        context = {"active_model": "account.move", "active_ids": [invoice]}
        values = {"reason": "x", "journal_id": 1}
        wizard = self.call("account.move.reversal", "create", values, context=context)
        self.next("account.move", id_)
        self.call("account.move.reversal", "refund_moves", [wizard], context=context)


def _partner(past: Past) -> None:
    past.next("res.partner", 8)


def _other_partner(past: Past) -> None:
    past.put("res.partner", 10, name="Dup", email="jane@example.com")


def _many_orders(past: Past) -> None:
    past.next("sale.order", 61)


def _sixth_order(past: Past) -> None:
    past.order(6, 2, confirmed=True)


def _fifth_order(past: Past) -> None:
    past.next("stock.picking", 3)
    past.order(5, 2, 4, 6, confirmed=True)
    (move, *_) = past.call("stock.move", "search", [["picking_id", "=", 3]])
    past.call("stock.move", "write", [move], {"quantity": 1})


def _nothing_left(past: Past) -> None:
    values = {"advance_payment_method": "delivered", "sale_order_ids": [[6, 0, [1]]]}
    past.put("sale.advance.payment.inv", 56, **values)


def _second_invoice(past: Past) -> None:
    past.invoice(5, 5)
    past.next("account.payment.register", 2)
    context = {"active_model": "account.move", "active_ids": [5]}
    past.call("account.payment.register", "create", {"journal_id": 6}, context=context)
    past.odoo.database.user_has_email = False


def _with_email(past: Past) -> None:
    past.odoo.database.user_has_email = True


def _a_refund(past: Past) -> None:
    past.refund(3, 1)


def _second_refund(past: Past) -> None:
    past.next("account.move.reversal", 2)


def _its_lines(past: Past) -> None:
    past.next("account.move", 8)
    past.next("account.move.line", 30)


def _second_return(past: Past) -> None:
    past.next("stock.return.picking", 2)


def _third_order(past: Past) -> None:
    past.order(3, 4, 2)


REPLAYED: tuple[tuple[str, Before | None], ...] = (
    ("01_version", None),
    ("02_authenticate_api_key", None),
    ("02_authenticate_bad", None),
    ("02_error_bad_key_call", None),
    ("02_error_unknown_db", None),
    ("10_partner_create", _partner),
    ("10_partner_search_by_email", None),
    ("11_partner_write", None),
    ("12_partner_poll_changes", _other_partner),
    ("13_external_id_create", None),
    ("13_external_id_create_admin", None),
    ("13_error_external_id_duplicate", None),
    ("13_load_upsert", None),
    ("13_load_upsert_again", None),
    ("20_products_read", None),
    ("20_taxes", None),
    ("20_warehouses", None),
    ("31_sale_create", None),
    ("31_sale_read_draft", None),
    ("35_sale_duplicate_client_order_ref_is_accepted", None),
    ("35_sale_search_by_reference", None),
    ("36_sale_unlink_draft", None),
    ("37_sale_bulk_create", _many_orders),
    ("32_sale_quotation_sent", None),
    ("33_sale_confirm", None),
    ("33_error_sale_confirm_repeat", None),
    ("33_sale_read_confirmed", None),
    ("38_sale_cancel_returns_wizard", _sixth_order),
    ("38_sale_cancel_with_context", None),
    ("90_sale_cancel_confirmed", None),
    ("40_moves_read", None),
    ("40_picking_read", None),
    ("41_picking_assign", None),
    ("60_stock_open_reservation", None),
    ("44_picking_write_tracking", None),
    ("45_picking_validate", None),
    ("45_picking_read_done", None),
    ("45_picking_validate_partial_returns_wizard", _fifth_order),
    ("45_picking_validate_partial", None),
    ("47_pickings_of_order", None),
    ("50_invoice_wizard_create", None),
    ("50_invoice_wizard_run", None),
    ("50_invoice_read_draft", None),
    ("50_error_nothing_to_invoice", _nothing_left),
    ("50_error_private_method", None),
    ("51_invoice_post", None),
    ("51_error_invoice_post_repeat", None),
    ("51_invoice_read_posted", None),
    ("46_sale_read_after_delivery", None),
    ("52_error_user_without_email", _second_invoice),
    ("52_payment_register_create", _with_email),
    ("52_payment_register_run", None),
    ("53_invoice_read_paid", None),
    ("54_credit_note_read_draft", _a_refund),
    ("54_reversal_create", _second_refund),
    ("54_reversal_run", _its_lines),
    ("54_credit_note_lines", None),
    ("55_credit_note_trim", None),
    ("55_credit_note_post", None),
    ("55_credit_note_read_posted", None),
    ("56_credit_note_create_direct", None),
    ("57_return_wizard_create", _second_return),
    ("57_return_wizard_run", None),
    ("60_stock_by_product_east", None),
    ("60_stock_by_product_wh", None),
    ("61_stock_quants_grouped", None),
    ("62_error_pricelist_private_method", None),
    ("62_pricelist_items", None),
    ("62_pricelist_probe_order_lines", _third_order),
    ("63_bom_lines_read", None),
    ("63_bom_read", None),
    ("64_templates_read", None),
    ("90_error_access", None),
    ("90_error_missing_record", None),
    ("90_error_required_field", None),
    ("90_error_unknown_field", None),
    ("90_error_unknown_model", None),
    ("90_error_unlink_posted", None),
)


def recording(name: str) -> Row:
    found: Row = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def answered(past: Past, body: Row) -> httpx.Response:
    return past.odoo(httpx.Request("POST", "https://erp.example/jsonrpc", json=body))


@pytest.fixture(scope="module")
def answers() -> dict[str, httpx.Response]:
    """What the stand-in answered to each, in their order."""
    past = Past()
    found = {}
    for name, before in REPLAYED:
        if before is not None:
            before(past)
        found[name] = answered(past, recording(name)["request"])
    return found


def test_every_recording_is_replayed() -> None:
    assert {name for name, _ in REPLAYED} == {path.stem for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize("name", [name for name, _ in REPLAYED])
def test_the_answer_has_the_shape_of_the_real_one(
    answers: dict[str, httpx.Response], name: str
) -> None:
    real, ours = recording(name), answers[name]

    assert ours.status_code == real["status"]
    assert list(differences(real["response"], ours.json(), "")) == []


@pytest.mark.parametrize("name", [name for name, _ in REPLAYED if "error" in name])
def test_an_error_is_of_the_same_class(answers: dict[str, httpx.Response], name: str) -> None:
    real, ours = recording(name)["response"], answers[name].json()

    if "error" in real:
        assert ours["error"]["data"]["name"] == real["error"]["data"]["name"]
        assert ours["error"]["code"] == real["error"]["code"]
