"""What the stand-in sells: the products, taxes and methods of the store that was recorded.

Sharing ids and SKUs with the recordings means that one table of mappings serves both.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache


@dataclass(frozen=True, slots=True)
class Product:
    """One simple product or variation. ``price`` is net, and may have three decimals.

    ``options`` are (key, value, shown key, shown value) of a variation; ``parent_id`` is 0 for a
    simple product.
    """

    id: int
    sku: str
    name: str
    price: Decimal
    tax_class: str = ""  # empty is the standard class
    parent_id: int = 0
    parent_name: str | None = None
    options: tuple[tuple[str, str, str, str], ...] = ()
    gtin: str = ""
    virtual: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """One tax rate. ``percent`` is 20 for 20 %."""

    id: int
    code: str
    label: str
    percent: Decimal
    tax_class: str
    country: str


@dataclass(frozen=True, slots=True)
class Method:
    """A way to ship or to pay. ``cost`` is net, of shipping only."""

    id: str
    title: str
    cost: Decimal = Decimal(0)
    instance_id: str = ""


@dataclass(frozen=True, slots=True)
class CouponCode:
    """``percent`` off each line, or ``fixed_cart``: so much off the whole basket, net."""

    id: int
    code: str
    kind: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that an order can name."""

    products: tuple[Product, ...]
    rates: tuple[Rate, ...]
    shipping: tuple[Method, ...]
    payments: tuple[Method, ...]
    coupons: tuple[CouponCode, ...]
    fees: tuple[str, ...]
    base_country: str  # taxed here when an order has no address
    attributes: tuple[tuple[int, str], ...] = ()  # the global ones: (id, name)

    @property
    def skus(self) -> tuple[str, ...]:
        return tuple(product.sku for product in self.products)

    def product(self, id_: int) -> Product | None:
        """The product or variation with this id."""
        return next((product for product in self.products if product.id == id_), None)

    def by_sku(self, sku: str) -> Product | None:
        """The product or variation with this SKU, letter case ignored."""
        return next((it for it in self.products if it.sku.lower() == sku.lower()), None)

    def coupon(self, code: str) -> CouponCode | None:
        """The coupon with this code, letter case ignored."""
        return next((it for it in self.coupons if it.code == code.lower()), None)

    def rates_for(self, country: str, tax_class: str) -> tuple[Rate, ...]:
        """The rates of one line: one, or none where the country has none."""
        country = country or self.base_country
        return tuple(
            rate for rate in self.rates if (rate.country, rate.tax_class) == (country, tax_class)
        )


def _shirt(id_: int, size: str, colour: str, sku: str) -> Product:
    return Product(
        id_,
        sku,
        f"T-Shirt - {size}, {colour}",
        Decimal("15.00"),
        parent_id=17,
        parent_name="T-Shirt",
        options=(("size", size, "Size", size), ("pa_colour", colour.lower(), "Colour", colour)),
    )


def _poster(id_: int, finish: str) -> Product:
    return Product(
        id_,
        f"POSTER-{finish}",
        f"Poster - {finish}",
        Decimal("9.00"),
        parent_id=24,
        parent_name="Poster",
        options=(("finish", finish, "Finish", finish),),
    )


@cache
def catalogue() -> Catalogue:
    """The recorded store's: VAT 20/5/0 % in GB, 19 % in DE, no tax elsewhere; prices are net."""
    return Catalogue(
        products=(
            Product(10, "WID-BLUE", "Blue Widget", Decimal("19.99"), gtin="4006381333931"),
            Product(11, "MUG-1", "Café “Größe” Mug – ½ price", Decimal("5.25")),
            Product(12, "SEAT-1", "Child Car Seat", Decimal("89.00"), "reduced-rate"),
            Product(13, "BOOK-1", "Printed Book", Decimal("12.345"), "zero-rate"),
            Product(14, "BACK-1", "Backorder Item", Decimal("30.00")),
            Product(15, "OOS-1", "Sold Out Item", Decimal("30.00")),
            Product(16, "SVC-1", "Service Plan", Decimal("49.00"), virtual=True),
            _shirt(18, "S", "Red", "TEE-S-R"),
            _shirt(19, "S", "Green", "TEE-S-G"),
            _shirt(20, "M", "Red", "TEE-M-R"),
            _shirt(21, "M", "Green", "TEE-M-G"),
            _shirt(22, "L", "Red", "TEE-L-R"),
            _poster(25, "Matt"),
            _poster(26, "Gloss"),
        ),
        rates=(
            Rate(1, "GB-VAT 20%-1", "VAT 20%", Decimal(20), "", "GB"),
            Rate(2, "GB-VAT 5%-1", "VAT 5%", Decimal(5), "reduced-rate", "GB"),
            Rate(3, "GB-VAT 0%-1", "VAT 0%", Decimal(0), "zero-rate", "GB"),
            Rate(4, "DE-MWST 19%-1", "MwSt 19%", Decimal(19), "", "DE"),
        ),
        shipping=(
            Method("flat_rate", "Flat rate", Decimal("4.95"), "1"),
            Method("free_shipping", "Free shipping", Decimal(0), "2"),
        ),
        payments=(
            Method("bacs", "Direct bank transfer"),
            Method("cheque", "Cheque payments"),
            Method("cod", "Cash on delivery"),
        ),
        coupons=(
            CouponCode(27, "save10", "percent", Decimal(10)),
            CouponCode(28, "five-off", "fixed_cart", Decimal("7.01")),
        ),
        fees=("Gift wrap", "Loyalty discount"),
        base_country="GB",
        attributes=((1, "Colour"),),
    )
