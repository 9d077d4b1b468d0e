"""Orders by the thousand: consistent, various, and the same for the same seed."""

import datetime as dt
import itertools
import random
from decimal import Decimal
from typing import Any

from accord.local.store.catalogue import Catalogue, CouponCode, Method, Product, catalogue
from accord.local.store.documents import Charge, Draft, Line, order_document

__all__ = ["Catalogue", "CouponCode", "Method", "Product", "catalogue", "make_order"]

# First name, last name, company, street, city, postcode, country. All invented.
_PEOPLE = (
    ("Grace", "Hopper", "Cobol & Sons", "7 Compiler Street", "Leeds", "LS1 4AP", "GB"),
    ("Ada", "Byron", "Engine Ltd", "12 Analytical Row", "London", "SW1A 1AA", "GB"),
    ("Karl", "Grün", "", "Straße 5", "Köln", "50667", "DE"),
    ("Zoë", "O’Neill", "", "3 St. John’s Wood", "Bristol", "BS1 5TR", "GB"),
    ("Siân", "Llewellyn", "Môr Cyf", "Heol y Bont 9", "Caerdydd", "CF10 1EP", "GB"),
    ("Łukasz", "Żółć", "", "14 Mill Lane", "Hull", "HU1 2AA", "GB"),
    ("Joan", "Clarke", "", "Hut 8", "Bletchley", "MK3 6EB", "GB"),
    ("José", "Muñoz", "Peñas S.L.", "1 Quay Side", "Newcastle", "NE1 3DE", "GB"),
    ("Anh", "Nguyễn", "", "22 High Street", "Oxford", "OX1 4AW", "GB"),
    ("Björn", "Ångström", "", "Lindenallee 77", "Berlin", "10117", "DE"),
    ("Amélie", "Dubois", "", "8 Market Place", "York", "YO1 7HH", "GB"),
    ("李", "娜", "", "5 Chapel Walk", "Manchester", "M2 1HN", "GB"),
)
_STATUSES = ("processing", "completed", "on-hold")
_ENGRAVINGS = ("A & B", "Für Oma", "<3", "“Yes”")


def make_order(
    number: int,
    *,
    rng: random.Random,
    at: dt.datetime,
    home: str = "https://store.example",
    status: str | None = None,
    lines: int | None = None,
    customers: int = 200,
    currency: str = "GBP",
    prices_include_tax: bool = False,
) -> dict[str, Any]:
    """One order's JSON, as REST answers it and webhooks carry it; its id and number are ``number``.

    1 to 6 lines (or ``lines``), products and variations at 20, 5, 0 and 19 % tax; some with a
    coupon, a fee (a negative one too), a changed price, an engraving, a VAT or purchase-order
    number. A third are guests; the others are ``customers`` people who come back.

    Args:
        number: Above 0. Ids of lines and fields are made from it, so no two orders share one.
        at: When it was placed; its whole seconds are used.
    """
    shop = catalogue()
    who = rng.randrange(customers)
    guest = rng.random() < 1 / 3
    billing = _address(who, guest=guest, rng=rng)
    status = status or rng.choices(_STATUSES, (8, 2, 2))[0]
    payment = rng.choice(shop.payments)
    count = lines if lines is not None else rng.choices(range(1, 7), (35, 25, 16, 12, 7, 5))[0]
    bought = tuple(_line(rng, shop) for _ in range(count))
    worth = sum((it.product.price * it.quantity for it in bought if it.product), Decimal(0))
    draft = Draft(
        id=number,
        placed_at=at.replace(microsecond=0),
        status=status,
        currency=currency,
        customer_id=0 if guest else 1000 + who,
        billing=billing,
        shipping={name: text for name, text in billing.items() if name != "email"},
        payment=(payment.id, payment.title),
        transaction_id=f"TX-{number:06d}" if payment.id == "bacs" and status != "on-hold" else "",
        lines=bought,
        charges=_shipping(rng, shop, worth),
        fees=_fees(rng, shop),
        coupons=(rng.choice(shop.coupons),) if rng.random() < 0.2 else (),
        meta=_meta(rng, who, number, has_company=bool(billing["company"])),
        note="Leave with neighbour – thanks ☺" if rng.random() < 0.1 else "",
        created_via="rest-api" if rng.random() < 0.5 else "store-api",
        order_key=f"wc_order_{rng.getrandbits(64):016x}"[:22],
        prices_include_tax=prices_include_tax,
    )
    return order_document(draft, home=home, ids=itertools.count(number * 1000 + 1))


def _address(who: int, *, guest: bool, rng: random.Random) -> dict[str, str]:
    """Person number ``who``: the same name, address and e-mail whenever they come back."""
    first, last, company, street, city, postcode, country = _PEOPLE[who % len(_PEOPLE)]
    again = who // len(_PEOPLE)
    tag = f"guest{rng.randrange(10**6)}" if guest and rng.random() < 0.5 else f"shopper{who}"
    return {
        "first_name": first,
        "last_name": f"{last} {again}" if again else last,
        "company": f"{company} {again}".strip() if company and again else company,
        "address_1": street,
        "address_2": f"Flat {again}" if again else "",
        "city": city,
        "state": "",
        "postcode": postcode,
        "country": country,
        "email": f"{tag}@example.com",
        "phone": f"+44 113 496 {who % 10000:04d}",
    }


def _line(rng: random.Random, shop: Catalogue) -> Line:
    product = rng.choice(shop.products)
    return Line(
        product,
        rng.choices((1, 2, 3, 5, 12), (60, 20, 10, 7, 3))[0],
        meta=(("Engraving", rng.choice(_ENGRAVINGS)),) if rng.random() < 0.08 else (),
        # A sale or a plugin: the price of the day is not the catalogue's.
        price=(product.price * Decimal(rng.randrange(80, 99)) / 100)
        if rng.random() < 0.2
        else None,
    )


def _shipping(rng: random.Random, shop: Catalogue, worth: Decimal) -> tuple[Charge, ...]:
    if rng.random() < 0.05:  # collected, or nothing to ship
        return ()
    flat, free = shop.shipping
    method = free if worth > 250 else flat
    return (Charge(method.id, method.title, method.cost, method.instance_id),)


def _fees(rng: random.Random, shop: Catalogue) -> tuple[Charge, ...]:
    wrap, loyalty = shop.fees
    fees = []
    if rng.random() < 0.15:
        fees.append(Charge("", wrap, Decimal("3.00")))
    if rng.random() < 0.05:
        fees.append(Charge("", loyalty, Decimal(rng.randrange(-199, -9)) / 100))
    return tuple(fees)


def _meta(
    rng: random.Random, who: int, number: int, *, has_company: bool
) -> tuple[tuple[str, Any], ...]:
    meta: list[tuple[str, Any]] = []
    if has_company:
        meta.append(("_billing_vat_number", f"GB{900000000 + who}"))
        if rng.random() < 0.4:
            meta.append(("po_number", f"PO-2026/{number}"))
    if rng.random() < 0.05:
        meta.append(("structured", {"a": 1, "b": ["x", None, True]}))
    return tuple(meta)
