"""Order and refund JSON as WooCommerce 10.5 writes it, and its arithmetic.

Each line is rounded to the cent, half up, and so is its tax; totals are sums of rounded lines. A
coupon takes, per line, the cents rounded down; those left over go one each to the dearest lines.
The arithmetic is held against recorded orders, that of prices with tax is not: none was recorded
(WC_TAX_ROUNDING_MODE rounds tax half down there).
"""

import datetime as dt
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from accord.local.store.catalogue import Catalogue, CouponCode, Product, Rate, catalogue

Doc = dict[str, Any]

VERSION = "10.5.0"
CENT = Decimal("0.01")
STATUSES = (
    ("pending", "Pending payment"),
    ("processing", "Processing"),
    ("on-hold", "On hold"),
    ("completed", "Completed"),
    ("cancelled", "Cancelled"),
    ("refunded", "Refunded"),
    ("failed", "Failed"),
    ("checkout-draft", "Draft"),
)
SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$"}
_ADDRESS = (
    "first_name",
    "last_name",
    "company",
    "address_1",
    "address_2",
    "city",
    "state",
    "postcode",
    "country",
    "email",
    "phone",
)
_SUMS = (
    "discount_total",
    "discount_tax",
    "shipping_total",
    "shipping_tax",
    "cart_tax",
    "total",
    "total_tax",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing bought. ``meta`` are the shopper's choices beside the variation's own."""

    product: Product | None  # None: REST takes a line of a product that does not exist
    quantity: int
    meta: tuple[tuple[str, str], ...] = ()
    price: Decimal | None = None  # net, if not the product's
    total: Decimal | None = None  # net of the whole line, if not price times quantity


@dataclass(frozen=True, slots=True)
class Charge:
    """Shipping or a fee, net."""

    code: str
    title: str
    amount: Decimal
    instance_id: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of an order before its sums are."""

    id: int
    placed_at: dt.datetime
    status: str = "pending"
    currency: str = "GBP"
    customer_id: int = 0
    billing: dict[str, str] = field(default_factory=dict)
    shipping: dict[str, str] = field(default_factory=dict)
    payment: tuple[str, str] = ("", "")  # the gateway's id and title
    transaction_id: str = ""
    paid: bool = False
    lines: tuple[Line, ...] = ()
    charges: tuple[Charge, ...] = ()  # shipping
    fees: tuple[Charge, ...] = ()
    coupons: tuple[CouponCode, ...] = ()
    meta: tuple[tuple[str, Any], ...] = ()
    note: str = ""
    created_via: str = "rest-api"
    order_key: str = ""
    cart_hash: str = ""
    prices_include_tax: bool = False


def order_document(
    draft: Draft,
    *,
    home: str,
    ids: Iterator[int],
    shop: Catalogue | None = None,
    zone: dt.tzinfo = dt.UTC,
) -> Doc:
    """The order as the store's REST API answers it. ``ids`` number its lines and their meta."""
    shop = shop or catalogue()
    country = (draft.shipping or draft.billing).get("country", "")
    doc: Doc = {
        "id": draft.id,
        "parent_id": 0,
        "status": draft.status,
        "currency": draft.currency,
        "version": VERSION,
        "prices_include_tax": draft.prices_include_tax,
        "date_created": "",
        "date_modified": "",
        **dict.fromkeys(_SUMS, "0.00"),
        "customer_id": draft.customer_id,
        "order_key": draft.order_key or f"wc_order_{draft.id:013d}",
        "billing": {name: draft.billing.get(name, "") for name in _ADDRESS},
        "shipping": {name: draft.shipping.get(name, "") for name in _ADDRESS if name != "email"},
        "payment_method": draft.payment[0],
        "payment_method_title": draft.payment[1],
        "transaction_id": draft.transaction_id,
        "customer_ip_address": "",
        "customer_user_agent": "",
        "created_via": draft.created_via,
        "customer_note": draft.note,
        "date_completed": None,
        "date_paid": None,
        "cart_hash": draft.cart_hash,
        "number": str(draft.id),
        "meta_data": [{"id": next(ids), "key": key, "value": value} for key, value in draft.meta],
        "line_items": _items(draft, country, shop, ids),
        "tax_lines": [],
        "shipping_lines": [_shipping_line(it, country, shop, ids) for it in draft.charges],
        "fee_lines": [_fee_line(it, country, shop, ids) for it in draft.fees],
        "coupon_lines": [],
        "refunds": [],
        "payment_url": "",
        "is_editable": False,
        "needs_payment": False,
        "needs_processing": True,
        "date_created_gmt": "",
        "date_modified_gmt": "",
        "date_completed_gmt": None,
        "date_paid_gmt": None,
        "currency_symbol": SYMBOLS.get(draft.currency, draft.currency),
        "_links": order_links(home, draft.id, draft.customer_id),
    }
    doc["payment_url"] = (
        f"{home}/checkout/order-pay/{draft.id}/?pay_for_order=true&key={doc['order_key']}"
    )
    recalculate(doc, ids, shop)
    _add_coupons(doc, draft, ids)
    stamp(doc, "date_created", draft.placed_at, zone)
    stamp(doc, "date_modified", draft.placed_at, zone)
    if draft.paid:
        stamp(doc, "date_paid", draft.placed_at, zone)
    follow_status(doc, draft.placed_at, zone, shop)
    return doc


def recalculate(doc: Doc, ids: Iterator[int], shop: Catalogue | None = None) -> None:
    """The order's sums and tax lines, made anew from its lines."""
    shop = shop or catalogue()
    rates = {rate.id: rate for rate in shop.rates}
    _bound_fees(doc, shop)
    goods, shipping, fees = doc["line_items"], doc["shipping_lines"], doc["fee_lines"]
    discount = _sum(goods, "subtotal") - _sum(goods, "total")
    discount_tax = _sum(goods, "subtotal_tax") - _sum(goods, "total_tax")
    cart_tax = _sum(goods, "total_tax") + _sum(fees, "total_tax")
    shipping_tax = _sum(shipping, "total_tax")
    net = _sum(goods, "total") + _sum(fees, "total") + _sum(shipping, "total")
    doc.update(
        discount_total=text(discount),
        discount_tax=text(discount_tax),
        shipping_total=text(_sum(shipping, "total")),
        shipping_tax=text(shipping_tax),
        cart_tax=text(cart_tax),
        total=text(net + cart_tax + shipping_tax),
        total_tax=text(cart_tax + shipping_tax),
    )
    known = {line["rate_id"]: line["id"] for line in doc["tax_lines"]}
    doc["tax_lines"] = [
        tax_line(known.get(id_) or next(ids), rates[id_], goods_tax, shipping_tax_of)
        for id_, goods_tax, shipping_tax_of in per_rate([*goods, *fees], shipping)
        if id_ in rates
    ]


def _bound_fees(doc: Doc, shop: Catalogue) -> None:
    """No discount by a fee is of more than the rest comes to; where that is nothing, it stays.

    Source: WooCommerce 10.5, WC_Abstract_Order::calculate_totals.
    """
    rest = _sum(doc["line_items"], "total") + _sum(doc["shipping_lines"], "total")
    country = (doc["shipping"] or doc["billing"]).get("country", "")
    for fee in doc["fee_lines"]:
        if Decimal(fee["total"]) < -rest < 0:
            taxes = _charge_taxes(-rest, country, shop)
            fee.update(total=text(-rest), total_tax=text(_sum(taxes, "total")), taxes=taxes)
        rest += Decimal(fee["total"])


def tax_line(id_: int, rate: Rate, goods: Decimal, shipping: Decimal) -> Doc:
    """What one rate took of the whole order, or of a refund."""
    return {
        "id": id_,
        "rate_code": rate.code,
        "rate_id": rate.id,
        "label": rate.label,
        "compound": False,
        "tax_total": text(goods),
        "shipping_tax_total": text(shipping),
        "rate_percent": number(rate.percent),
        "meta_data": [],
    }


def per_rate(goods: list[Doc], shipping: list[Doc]) -> Iterator[tuple[int, Decimal, Decimal]]:
    """(rate's id, tax of goods and fees, tax of shipping), in order of first use."""
    found: dict[int, list[Decimal]] = {}
    for column, lines in enumerate((goods, shipping)):
        for line in lines:
            for tax in line["taxes"]:
                sums = found.setdefault(tax["id"], [Decimal(0), Decimal(0)])
                sums[column] += Decimal(tax["total"] or 0)
    for id_, (of_goods, of_shipping) in found.items():
        yield id_, of_goods, of_shipping


def follow_status(
    doc: Doc, at: dt.datetime, zone: dt.tzinfo, shop: Catalogue | None = None
) -> None:
    """What the status carries with it: dates paid and completed, and the flags.

    Paid is set on ``processing`` only if something is to be shipped, never on cash on delivery
    from the checkout: the status does not say that money came.
    """
    status = doc["status"]
    ships = _needs_processing(doc, shop or catalogue())
    cash = doc["payment_method"] == "cod" and doc["created_via"] != "rest-api"
    paid_status = status in ({"processing", "completed"} if ships else {"completed"})
    if paid_status and not cash and doc["date_paid"] is None:
        stamp(doc, "date_paid", at, zone)
    if status == "completed" and doc["date_completed"] is None:
        stamp(doc, "date_completed", at, zone)
    doc["needs_processing"] = ships
    doc["is_editable"] = status in {"pending", "on-hold", "auto-draft"}
    doc["needs_payment"] = (
        status in {"pending", "failed", "checkout-draft"} and Decimal(doc["total"]) > 0
    )


def _needs_processing(doc: Doc, shop: Catalogue) -> bool:
    """Whether anything is to be shipped. A product that does not exist is not."""
    for line in doc["line_items"]:
        product = shop.product(line["variation_id"] or line["product_id"])
        if not product.virtual if product else line["product_id"]:
            return True
    return False


def stamp(doc: Doc, name: str, at: dt.datetime, zone: dt.tzinfo) -> None:
    """Both spellings of one moment: the shop's zone, and ``…_gmt`` in UTC; neither with a mark."""
    for spelling, its in ((name, zone), (f"{name}_gmt", dt.UTC)):
        doc[spelling] = at.astimezone(its).replace(tzinfo=None).isoformat(timespec="seconds")


def order_links(home: str, id_: int, customer_id: int) -> Doc:
    """The order's ``_links``."""
    base = f"{home}/wp-json/wc/v3"
    allow = {"allow": ["GET", "POST", "PUT", "PATCH", "DELETE"]}
    links: Doc = {
        "self": [{"href": f"{base}/orders/{id_}", "targetHints": allow}],
        "collection": [{"href": f"{base}/orders"}],
        "email_templates": [
            {"embeddable": True, "href": f"{base}/orders/{id_}/actions/email_templates"}
        ],
    }
    if customer_id:
        links["customer"] = [{"href": f"{base}/customers/{customer_id}"}]
    return links


def text(amount: Decimal) -> str:
    """Money as the store writes it: two decimals, half up."""
    return f"{amount.quantize(CENT, ROUND_HALF_UP):f}"


def number(value: Decimal) -> int | float:
    """A JSON number as PHP writes it: no ``.0``."""
    return int(value) if value == value.to_integral_value() else float(value)


def line_meta(id_: int, key: str, value: str, shown: str = "", shown_value: str = "") -> Doc:
    """One custom field of a line. What is shown is HTML; what is stored is not."""
    escaped = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {
        "id": id_,
        "key": key,
        "value": value,
        "display_key": shown or key,
        "display_value": shown_value or escaped,
    }


def item_line(
    line: Line,
    *,
    id_: int,
    subtotal: Decimal,
    total: Decimal,
    rates: Iterable[Rate],
    ids: Iterator[int],
    include_tax: bool = False,
) -> Doc:
    """One entry of ``line_items``. ``subtotal`` and ``total`` are net, or gross if prices are."""
    product = line.product
    rates = tuple(rates)
    net, tax = _taxed(total, rates, include_tax=include_tax)
    net_before, tax_before = _taxed(subtotal, rates, include_tax=include_tax)
    options = product.options if product else ()
    return {
        "id": id_,
        "name": product.name if product else "",
        "product_id": (product.parent_id or product.id) if product else 0,
        "variation_id": product.id if product and product.parent_id else 0,
        "quantity": line.quantity,
        "tax_class": product.tax_class if product else "",
        "subtotal": text(net_before),
        "subtotal_tax": text(sum(tax_before, Decimal(0))),
        "total": text(net),
        "total_tax": text(sum(tax, Decimal(0))),
        "taxes": [
            {"id": rate.id, "total": text(after), "subtotal": text(before)}
            for rate, after, before in zip(rates, tax, tax_before, strict=True)
        ],
        "meta_data": [
            *(line_meta(next(ids), key, value, *shown) for key, value, *shown in options),
            *(line_meta(next(ids), key, value) for key, value in line.meta),
        ],
        "sku": product.sku if product else None,
        "global_unique_id": product.gtin if product else None,
        # A JSON number, and not rounded to the cent: 12.345
        "price": number((net / line.quantity).quantize(Decimal("0.000001")).normalize()),
        "image": {"id": "" if product and not product.parent_id else 0, "src": ""},
        "parent_name": product.parent_name if product else None,
    }


def _items(draft: Draft, country: str, shop: Catalogue, ids: Iterator[int]) -> list[Doc]:
    before = []
    for line in draft.lines:
        price = line.price if line.price is not None else line.product and line.product.price
        before.append(
            line.total if line.total is not None else (price or 0) * Decimal(line.quantity)
        )
    left = list(before)
    for coupon in draft.coupons:
        left = [it - off for it, off in zip(left, discounts(left, coupon), strict=True)]
    return [
        item_line(
            line,
            id_=next(ids),
            subtotal=subtotal,
            total=total,
            rates=shop.rates_for(country, line.product.tax_class if line.product else ""),
            ids=ids,
            include_tax=draft.prices_include_tax,
        )
        for line, subtotal, total in zip(draft.lines, before, left, strict=True)
    ]


def discounts(totals: list[Decimal], coupon: CouponCode) -> list[Decimal]:
    """What the coupon takes off each line, in whole cents."""
    cents = [total.quantize(CENT, ROUND_HALF_UP) for total in totals]
    whole = sum(cents, Decimal(0))
    if whole <= 0:
        return [Decimal(0)] * len(totals)
    share = (
        coupon.amount / 100 if coupon.kind == "percent" else min(coupon.amount / whole, Decimal(1))
    )
    off = [(total * share).quantize(CENT, ROUND_DOWN) for total in cents]
    due = (whole * share).quantize(CENT, ROUND_HALF_UP)
    dearest = sorted(range(len(cents)), key=lambda i: cents[i], reverse=True)
    for i in itertools.cycle(dearest):
        if sum(off, Decimal(0)) >= due:
            return off
        off[i] += CENT if off[i] < cents[i] else 0
    return off


def _taxed(
    amount: Decimal, rates: tuple[Rate, ...], *, include_tax: bool
) -> tuple[Decimal, list[Decimal]]:
    """(net, tax per rate). A net amount keeps its precision; a tax has whole cents."""
    if not include_tax:
        taxes = [(amount * it.percent / 100).quantize(CENT, ROUND_HALF_UP) for it in rates]
        return amount, taxes
    taxes = [
        (amount * it.percent / (100 + it.percent)).quantize(CENT, ROUND_HALF_DOWN) for it in rates
    ]
    return amount - sum(taxes, Decimal(0)), taxes


def _charge_taxes(amount: Decimal, country: str, shop: Catalogue) -> list[Doc]:
    _, taxes = _taxed(amount, shop.rates_for(country, ""), include_tax=False)
    rates = shop.rates_for(country, "")
    # "subtotal" of a shipping or fee tax is an empty text.
    return [
        {"id": rate.id, "total": text(tax), "subtotal": ""}
        for rate, tax in zip(rates, taxes, strict=True)
    ]


def _shipping_line(charge: Charge, country: str, shop: Catalogue, ids: Iterator[int]) -> Doc:
    taxes = _charge_taxes(charge.amount, country, shop)
    return {
        "id": next(ids),
        "method_title": charge.title,
        "method_id": charge.code,
        "instance_id": charge.instance_id,
        "total": text(charge.amount),
        "total_tax": text(_sum(taxes, "total")),
        "taxes": taxes,
        "tax_status": "taxable",
        "meta_data": [],
    }


def _fee_line(charge: Charge, country: str, shop: Catalogue, ids: Iterator[int]) -> Doc:
    taxes = _charge_taxes(charge.amount, country, shop)
    return {
        "id": next(ids),
        "name": charge.title,
        "tax_class": "",
        "tax_status": "taxable",
        "amount": "",
        "total": text(charge.amount),
        "total_tax": text(_sum(taxes, "total")),
        "taxes": taxes,
        "meta_data": [],
    }


def _add_coupons(doc: Doc, draft: Draft, ids: Iterator[int]) -> None:
    """Coupon lines, whose discounts add up to the order's: the last takes what is left."""
    left, left_tax = Decimal(doc["discount_total"]), Decimal(doc["discount_tax"])
    amounts = [line["subtotal"] for line in doc["line_items"]]
    totals = [Decimal(amount) for amount in amounts]
    for i, coupon in enumerate(draft.coupons):
        last = i == len(draft.coupons) - 1
        offs = discounts(totals, coupon)
        totals = [total - off for total, off in zip(totals, offs, strict=True)]
        off = left if last else min(sum(offs, Decimal(0)), left)
        share = (left_tax * off / left) if left else Decimal(0)
        off_tax = left_tax if last else share.quantize(CENT, ROUND_DOWN)
        left, left_tax = left - off, left_tax - off_tax
        info = f'[{coupon.id},"{coupon.code}","{coupon.kind}",{number(coupon.amount)}]'
        doc["coupon_lines"].append(
            {
                "id": next(ids),
                "code": coupon.code,
                "discount": text(off),
                "discount_tax": text(off_tax),
                "meta_data": [line_meta(next(ids), "coupon_info", info)],
                "discount_type": coupon.kind,
                "nominal_amount": number(coupon.amount),
                "free_shipping": False,
            }
        )


def _sum(lines: Iterable[Doc], name: str) -> Decimal:
    return sum((Decimal(line[name] or 0) for line in lines), Decimal(0))


def is_email(value: str) -> bool:
    """Whether WordPress would take it, roughly: something@host.tld."""
    return re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", value) is not None
