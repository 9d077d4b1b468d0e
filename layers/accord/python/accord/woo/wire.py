"""What WooCommerce writes of orders, refunds, customers and products: the fields that we read.

Source: WooCommerce REST API v3 docs, "Orders", "Refunds", "Customers", "Products"; observed on
10.5.0. Amounts are text with the store's decimals; a tax total may be an empty text, which means
none.
"""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _amount(value: object) -> object:
    """Text becomes an exact amount; a JSON number would already have lost its cents."""
    if isinstance(value, float):
        raise ValueError("must be text, not a JSON number")
    return "0" if value in ("", None) else value


# Half of a character: JSON can say it, and no table, hash or back office takes it.
_HALF = re.compile("[\ud800-\udfff]")


def _whole(value: object) -> object:
    """An order with half a character in a name is an order all the same."""
    if isinstance(value, str) and not value.isascii():
        return _HALF.sub("\ufffd", value)
    return value


def _text(value: object) -> object:
    return "" if value is None or value is False else _whole(value)


def _maybe_amount(value: object) -> object:
    return None if value in ("", None) else _amount(value)


Amount = Annotated[Decimal, BeforeValidator(_amount)]
MaybeAmount = Annotated[Decimal | None, BeforeValidator(_maybe_amount)]
Text = Annotated[str, BeforeValidator(_text)]
Word = Annotated[str, BeforeValidator(_whole)]
Anything = Annotated[Any, BeforeValidator(_whole)]


class Wire(BaseModel):
    """Keeps what is named, lets the rest pass."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


class Meta(Wire):
    key: Text = ""
    value: Anything = None
    display_key: Anything = None
    display_value: Anything = None


class LineTax(Wire):
    id: int | Word
    total: MaybeAmount = None


class Line(Wire):
    id: int
    total: Amount
    total_tax: Amount = Decimal(0)
    taxes: tuple[LineTax, ...] = ()
    meta_data: tuple[Meta, ...] = ()


class Item(Line):
    name: Text = ""
    product_id: int = 0
    variation_id: int = 0
    quantity: Decimal
    subtotal: Amount
    sku: Text = ""


class Shipping(Line):
    method_title: Text = ""
    method_id: Text = ""
    instance_id: Text = ""


class Fee(Line):
    name: Text = ""


class TaxLine(Wire):
    rate_id: int | Word
    rate_code: Text = ""
    label: Text = ""
    compound: bool = False
    rate_percent: Decimal | None = None


class CouponLine(Wire):
    code: Text = ""
    discount: Amount = Decimal(0)


class Postal(Wire):
    first_name: Text = ""
    last_name: Text = ""
    company: Text = ""
    address_1: Text = ""
    address_2: Text = ""
    city: Text = ""
    state: Text = ""
    postcode: Text = ""
    country: Text = ""
    email: Text = ""
    phone: Text = ""


class GiftCard(Wire):
    """What the gift-cards plugin adds to an order: a part of the total that a card paid.

    Source: WooCommerce Gift Cards, REST documentation; none was observed.
    """

    id: int | Word = ""
    code: Text = ""
    amount: Amount


class RefundTotal(Wire):
    """A refund as its order names it."""

    id: int
    total: Amount


class Order(Wire):
    id: int
    number: Text = ""
    status: Word
    currency: Word
    prices_include_tax: bool = False
    date_created_gmt: dt.datetime
    date_modified_gmt: dt.datetime
    date_paid_gmt: dt.datetime | None = None
    total: Amount
    customer_id: int = 0
    billing: Postal = Postal()
    shipping: Postal = Postal()
    payment_method: Text = ""
    payment_method_title: Text = ""
    transaction_id: Text = ""
    customer_note: Text = ""
    meta_data: tuple[Meta, ...] = ()
    line_items: tuple[Item, ...] = ()
    tax_lines: tuple[TaxLine, ...] = ()
    shipping_lines: tuple[Shipping, ...] = ()
    fee_lines: tuple[Fee, ...] = ()
    coupon_lines: tuple[CouponLine, ...] = ()
    refunds: tuple[RefundTotal, ...] = ()
    gift_cards: tuple[GiftCard, ...] = ()


class Refund(Wire):
    """A refund as an object of its own. Its lines are below zero, its amount is not."""

    id: int
    date_created_gmt: dt.datetime
    amount: Amount
    reason: Text = ""
    refunded_payment: bool = False
    line_items: tuple[Item, ...] = ()
    tax_lines: tuple[TaxLine, ...] = ()
    shipping_lines: tuple[Shipping, ...] = ()
    fee_lines: tuple[Fee, ...] = ()


class Customer(Wire):
    """A user of the shop, who need not be a customer: ``role`` says."""

    id: int
    date_created_gmt: dt.datetime | None = None
    date_modified_gmt: dt.datetime | None = None  # none until the account is first changed
    email: Text = ""
    first_name: Text = ""
    last_name: Text = ""
    role: Text = ""
    billing: Postal = Postal()
    shipping: Postal = Postal()
    meta_data: tuple[Meta, ...] = ()


# A product is one of a hundred in an answer, and plugins write what they like into it: what cannot
# be read says nothing, and the others are read all the same.


def _or_none(form: Callable[[str], object]) -> BeforeValidator:
    def read(value: object) -> object:
        if value is None or isinstance(value, bool):
            return None
        try:
            return form(str(value))
        except (ValueError, InvalidOperation):
            return None

    return BeforeValidator(read)


def _finite(text: str) -> Decimal | None:
    number = Decimal(text)
    return number if number.is_finite() else None


def _entries(value: object) -> object:
    """PHP writes a list with a gap as an object."""
    listed = list(value.values()) if isinstance(value, dict) else value
    return [it for it in listed if isinstance(it, dict)] if isinstance(listed, list) else ()


class Attribute(Wire):
    """``option`` is a variation's; a product has ``options``, of which it is not one."""

    name: Text = ""
    option: Text = ""


class Product(Wire):
    """A product; a variation too, whether it was read as one or among the products.

    ``manage_stock`` is ``parent`` for a variation whose parent counts the stock of all.
    """

    id: int
    type: Text = ""
    status: Text = ""
    sku: Text = ""
    name: Text = ""
    description: Text = ""
    parent_id: Annotated[int | None, _or_none(int)] = None
    date_modified_gmt: Annotated[dt.datetime | None, _or_none(dt.datetime.fromisoformat)] = None
    regular_price: Text = ""
    sale_price: Text = ""
    tax_class: Text = ""
    virtual: Any = False
    manage_stock: Any = False
    stock_quantity: Annotated[Decimal | None, _or_none(_finite)] = None
    backorders: Text = "no"
    weight: Text = ""
    global_unique_id: Text = ""
    attributes: Annotated[tuple[Attribute, ...], BeforeValidator(_entries)] = ()
    meta_data: Annotated[tuple[Meta, ...], BeforeValidator(_entries)] = ()
