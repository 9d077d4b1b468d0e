"""What a person does in Odoo: stocks up, ships, invoices, takes money, credits, cancels.

For demos and tests; ``furnish`` fills a new database first.
"""

import base64
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Protocol

from accord.errors import RejectedError
from accord.local.odoo.orm import Row

_UNASKED: Final = {"disable_cancel_warning": True}
_COUNTRIES: Final = {
    "GB": "United Kingdom",
    "US": "United States",
    "DE": "Germany",
    "FR": "France",
    "CA": "Canada",
    "JP": "Japan",
}
_STATES: Final = (("US", "CA", "California"), ("US", "NY", "New York"), ("CA", "QC", "Quebec"))


class Caller(Protocol):
    """Calls a model's method: the stand-in itself, or what speaks to one at an address."""

    def call(self, model: str, method: str, *args: Any, **named: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Furniture:
    """What a new database holds: codes of items and services, tax names and their percentages."""

    currency: str = "GBP"
    currencies: Sequence[str] = ("EUR", "JPY")
    taxes: Mapping[str, Decimal] = field(default_factory=dict)
    items: Sequence[str] = ()
    services: Sequence[str] = ()
    journals: Mapping[str, str] = field(default_factory=dict)  # name → code
    terms: Sequence[str] = ()
    carriers: Sequence[str] = ()
    warehouses: Sequence[str] = ("MAIN", "EAST")
    price_lists: Sequence[str] = ()


class Desk:
    """One person at an Odoo. An order is named by its id, an item by its code."""

    def __init__(self, odoo: Caller) -> None:
        self._call: Callable[..., Any] = odoo.call

    # --- a new database ----------------------------------------------------------

    def furnish(self, furniture: Furniture) -> None:
        """A company, and what it needs to trade."""
        make = self._make
        make("uom.uom", name="Units")
        for code, name in _COUNTRIES.items():
            make("res.country", name=name, code=code)
        for country, code, name in _STATES:
            make(
                "res.country.state",
                name=name,
                code=code,
                country_id=self._id("res.country", "code", country),
            )
        codes = dict.fromkeys((furniture.currency, *furniture.currencies))
        for rate, code in enumerate(codes, start=1):
            make("res.currency", name=code, rounding=1 if code == "JPY" else 0.01, rate=rate)
        own = self._id("res.currency", "name", furniture.currency)
        make("res.company", name="My Company", currency_id=own)
        make("decimal.precision", name="Product Price", digits=4)
        for code in codes:
            currency = self._id("res.currency", "name", code)
            make("product.pricelist", name=f"Public {code}", currency_id=currency)
        for name in furniture.price_lists:
            make("product.pricelist", name=name, currency_id=own)
        make("account.account", name="Receivable", code="1100", account_type="asset_receivable")
        make("account.account", name="Sales", code="4000", account_type="income")
        for name, code in {"Customer invoices": "INV", **furniture.journals}.items():
            make("account.journal", name=name, code=code, type="bank" if code != "INV" else "sale")
        for name in furniture.terms:
            make("account.payment.term", name=name)
        for name in furniture.carriers:
            make("delivery.carrier", name=name)
        for code in furniture.warehouses:
            self.add_warehouse(code)
        for name, percent in furniture.taxes.items():
            make("account.tax", name=name, amount=float(percent))
        make("product.category", name="Home")
        self.add_items(furniture.items)
        for code in furniture.services:
            self._product(code, "service", Decimal(0))

    def add_warehouse(self, code: str) -> None:
        location = self._make("stock.location", complete_name=f"{code}/Stock", usage="internal")
        self._make("stock.warehouse", name=f"Warehouse {code}", code=code, lot_stock_id=location)

    # --- items and stock ---------------------------------------------------------

    def add_items(self, codes: Iterable[str], *, price: Decimal | int = 0) -> None:
        """New goods that are kept in stock."""
        for code in codes:
            self._product(code, "product", Decimal(price))

    def _product(self, code: str, kind: str, price: Decimal) -> None:
        values: Row = {"name": f"Item {code}", "default_code": code, "list_price": float(price)}
        if "is_storable" in self._call("product.product", "fields_get", attributes=["type"]):
            values |= {
                "type": "service" if kind == "service" else "consu",
                "is_storable": kind == "product",
            }
        else:
            values["detailed_type"] = kind
        self._make("product.product", **values)

    def edit_item(self, code: str, **fields: object) -> None:
        """Writes fields of the template, by Odoo's own names."""
        (row,) = self._rows("product.product", [["default_code", "=", code]], ["product_tmpl_id"])
        self._call("product.template", "write", [row["product_tmpl_id"][0]], fields)

    def archive_item(self, code: str) -> None:
        self._call("product.product", "write", [self.item(code)], {"active": False})

    def item(self, code: str) -> int:
        return self._id("product.product", "default_code", code)

    def receive(self, code: str, quantity: Decimal | int | str, warehouse: str = "MAIN") -> None:
        """So many come in."""
        quant = self._quant(code, warehouse)
        self._count(quant, Decimal(str(quant["quantity"])) + Decimal(quantity))

    def count(self, code: str, quantity: Decimal | int | str, warehouse: str = "MAIN") -> None:
        """So many are there, whatever the books said."""
        self._count(self._quant(code, warehouse), Decimal(quantity))

    def _count(self, quant: Row, quantity: Decimal) -> None:
        self._call("stock.quant", "write", [quant["id"]], {"quantity": float(quantity)})

    def _quant(self, code: str, warehouse: str) -> Row:
        (place,) = self._rows("stock.warehouse", [["code", "=", warehouse]], ["lot_stock_id"])
        product, location = self.item(code), place["lot_stock_id"][0]
        domain = [["product_id", "=", product], ["location_id", "=", location]]
        found = self._rows("stock.quant", domain, ["quantity"])
        if not found:
            self._make(
                "stock.quant", product_id=product, location_id=location, warehouse_id=place["id"]
            )
            found = self._rows("stock.quant", domain, ["quantity"])
        return found[0]

    def set_price(self, code: str, price: Decimal, *, price_list: str = "") -> None:
        if not price_list:
            self.edit_item(code, list_price=float(price))
            return
        self._make(
            "product.pricelist.item",
            pricelist_id=self._id("product.pricelist", "name", price_list),
            applied_on="0_product_variant",
            product_id=self.item(code),
            compute_price="fixed",
            fixed_price=float(price),
        )

    def make_recipe(
        self, code: str, parts: Mapping[str, Decimal], *, kit: bool, output: Decimal = Decimal(1)
    ) -> None:
        (row,) = self._rows("product.product", [["default_code", "=", code]], ["product_tmpl_id"])
        lines = [
            [0, 0, {"product_id": self.item(part), "product_qty": float(quantity)}]
            for part, quantity in parts.items()
        ]
        self._make(
            "mrp.bom",
            type="phantom" if kit else "normal",
            product_tmpl_id=row["product_tmpl_id"][0],
            product_qty=float(output),
            bom_line_ids=lines,
        )

    # --- goods ---------------------------------------------------------------------

    def ship(
        self,
        order: int,
        items: Mapping[str, Decimal] | None = None,
        *,
        tracking: str = "",
    ) -> None:
        """All that is open of the order leaves, or ``items`` of it; what lacks is brought in."""
        domain = [
            ["sale_id", "=", order],
            ["picking_type_code", "=", "outgoing"],
            ["state", "not in", ["done", "cancel"]],
        ]
        pickings = self._rows("stock.picking", domain, ["name"])
        if not pickings:
            raise RejectedError(f"order {order} has nothing left to ship")
        picking = pickings[0]["id"]
        fields = self._call("stock.move", "fields_get", attributes=["type"])
        done = "quantity" if "quantity" in fields else "quantity_done"
        moves = self._rows(
            "stock.move", [["picking_id", "=", picking]], ["product_id", "product_uom_qty"]
        )
        left = dict(items or {})
        for move in moves:
            (product,) = self._call(
                "product.product", "read", [move["product_id"][0]], ["default_code"]
            )
            code, whole = product["default_code"], Decimal(str(move["product_uom_qty"]))
            taken = whole if items is None else min(whole, left.get(code, Decimal(0)))
            left[code] = left.get(code, Decimal(0)) - taken
            self._call("stock.move", "write", [move["id"]], {done: float(taken)})
        if tracking:
            self._call("stock.picking", "write", [picking], {"carrier_tracking_ref": tracking})
        context = {"skip_backorder": True, "skip_sms": True}
        self._call("stock.picking", "button_validate", [picking], context=context)

    # --- books ---------------------------------------------------------------------

    def post_invoice(self, order: int) -> int:
        """The order's invoice, made and booked."""
        values = {"advance_payment_method": "delivered", "sale_order_ids": [[6, 0, [order]]]}
        wizard = self._make("sale.advance.payment.inv", **values)
        window = self._call("sale.advance.payment.inv", "create_invoices", [wizard])
        self._call("account.move", "action_post", [window["res_id"]])
        return int(window["res_id"])

    def pay_invoice(self, invoice: int, journal: str) -> None:
        context = {"active_model": "account.move", "active_ids": [invoice]}
        journal_id = self._id("account.journal", "name", journal)
        values = {"journal_id": journal_id, "communication": "Paid at the desk"}
        wizard = self._call("account.payment.register", "create", values, context=context)
        self._call("account.payment.register", "action_create_payments", [wizard], context=context)

    def credit(self, order: int) -> int:
        """All of the order's invoice taken back, and booked."""
        (row,) = self._call("sale.order", "read", [order], ["invoice_ids"])
        context = {"active_model": "account.move", "active_ids": row["invoice_ids"][:1]}
        values = {
            "reason": "At the desk",
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "journal_id": self._id("account.journal", "type", "sale"),
        }
        wizard = self._call("account.move.reversal", "create", values, context=context)
        window = self._call("account.move.reversal", "refund_moves", [wizard], context=context)
        self._call("account.move", "action_post", [window["res_id"]])
        return int(window["res_id"])

    def print(self, model: str, id_: int) -> None:
        """Its PDF is kept with it, as when it is sent or printed."""
        data = base64.b64encode(b"%PDF-1.4 printed").decode()
        (row,) = self._call(model, "read", [id_], ["name"])
        field = "invoice_pdf_report_file"
        has_field = field in self._call(model, "fields_get", attributes=["type"])
        self._make(
            "ir.attachment",
            name=f"{row['name'].replace('/', '_')}.pdf",
            res_model=model,
            res_id=id_,
            res_field=field if has_field else False,
            mimetype="application/pdf",
            datas=data,
        )

    def lock_until(self, day: dt.date) -> None:
        """Nothing is booked on that day or before."""
        (company,) = self._rows("res.company", [], ["name"])
        values = {"fiscalyear_lock_date": day.isoformat()}
        self._call("res.company", "write", [company["id"]], values)

    # --- orders and customers --------------------------------------------------------

    def cancel(self, order: int) -> None:
        self._call("sale.order", "action_cancel", [order], context=_UNASKED)

    def edit_partner(self, id_: int, **fields: object) -> None:
        self._call("res.partner", "write", [id_], fields)

    # --- calling ---------------------------------------------------------------------

    def _make(self, model: str, **values: Any) -> int:
        return int(self._call(model, "create", values))

    def _rows(self, model: str, domain: list[Any], fields: list[str]) -> list[Row]:
        rows: list[Row] = self._call(model, "search_read", domain, fields)
        return rows

    def _id(self, model: str, field: str, value: str) -> int:
        rows = self._rows(model, [[field, "=", value]], [field])
        if not rows:
            raise RejectedError(f"Odoo has no {model} whose {field} is {value}")
        return int(rows[0]["id"])
