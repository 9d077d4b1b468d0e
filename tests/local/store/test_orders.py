"""Made-up orders: consistent, various, repeatable."""

import datetime as dt
import itertools
import json
import random
from decimal import Decimal
from typing import Any

import pytest

from accord.local.store.catalogue import catalogue
from accord.local.store.documents import CENT, discounts, recalculate
from accord.local.store.orders import make_order
from tests.local.store.conftest import recording

AT = dt.datetime(2026, 11, 22, 15, 0, tzinfo=dt.UTC)
LINES = ("line_items", "shipping_lines", "fee_lines")


def orders(count: int = 400, **kwargs: Any) -> list[dict[str, Any]]:
    rng = random.Random(7)
    return [make_order(number, rng=rng, at=AT, **kwargs) for number in range(1, count + 1)]


def amount(lines: list[dict[str, Any]], name: str) -> Decimal:
    return sum((Decimal(it[name]) for it in lines), Decimal(0))


@pytest.mark.parametrize("prices_include_tax", [False, True])
def test_the_lines_and_their_tax_are_the_total(prices_include_tax: bool) -> None:
    for it in orders(prices_include_tax=prices_include_tax):
        lines = [line for kind in LINES for line in it[kind]]
        assert amount(lines, "total") + amount(lines, "total_tax") == Decimal(it["total"])


def test_the_tax_lines_are_the_tax() -> None:
    for it in orders():
        taxes = amount(it["tax_lines"], "tax_total") + amount(it["tax_lines"], "shipping_tax_total")
        assert taxes == Decimal(it["total_tax"])


def test_the_taxes_of_a_line_are_its_tax() -> None:
    for it in orders():
        for line in [line for kind in LINES for line in it[kind]]:
            assert amount(line["taxes"], "total") == Decimal(line["total_tax"])


def test_what_coupons_took_is_what_the_lines_lack() -> None:
    for it in orders():
        lines = it["line_items"]
        off = amount(lines, "subtotal") - amount(lines, "total")
        assert off == Decimal(it["discount_total"]) == amount(it["coupon_lines"], "discount")
        assert amount(it["coupon_lines"], "discount_tax") == Decimal(it["discount_tax"])


def test_an_order_has_the_fields_of_a_recorded_one_in_their_order() -> None:
    told = json.loads(recording("delivery_order_created_rich")["body"])
    rich = next(
        it for it in orders() if it["customer_id"] and it["fee_lines"] and it["coupon_lines"]
    )

    assert list(rich) == list(told)
    for kind in (*LINES, "tax_lines", "coupon_lines"):
        assert list(rich[kind][0]) == list(told[kind][0])


def test_the_same_seed_makes_the_same_orders() -> None:
    assert orders(20) == orders(20)


def test_no_two_lines_share_an_id() -> None:
    ids = [line["id"] for it in orders() for kind in LINES for line in it[kind]]

    assert len(ids) == len(set(ids))


def test_all_that_is_promised_occurs() -> None:
    made = orders(1000)
    assert {len(it["line_items"]) for it in made} == {1, 2, 3, 4, 5, 6}
    assert {rate["rate_percent"] for it in made for rate in it["tax_lines"]} == {20, 5, 0, 19}
    assert any(Decimal(fee["total"]) < 0 for it in made for fee in it["fee_lines"])
    assert any(it["coupon_lines"] for it in made)
    assert any(line["variation_id"] for it in made for line in it["line_items"])
    assert any(not it["billing"]["last_name"].isascii() for it in made)
    customers = [it["customer_id"] for it in made if it["customer_id"]]
    assert len(set(customers)) < len(customers) < len(made)


@pytest.mark.parametrize(
    ("fee", "goods", "left"),
    [("-1.00", "1.50", "-1.00"), ("-2.00", "1.50", "-1.50"), ("-2.00", "0.00", "-2.00")],
)
def test_a_fee_takes_off_no_more_than_there_is(fee: str, goods: str, left: str) -> None:
    """As WooCommerce's own totals do; what is left of an order without goods is below zero."""
    it = next(it for it in orders() if it["fee_lines"] and it["billing"]["country"] == "GB")
    it["shipping_lines"] = []
    it["line_items"] = [{**it["line_items"][0], "total": goods, "total_tax": "0.00", "taxes": []}]
    it["fee_lines"] = [{**it["fee_lines"][0], "total": fee, "total_tax": "0.00", "taxes": []}]

    recalculate(it, itertools.count(1))

    assert it["fee_lines"][0]["total"] == left
    net = Decimal(it["total"]) - Decimal(it["total_tax"])
    assert net == Decimal(goods) + Decimal(left)


def test_a_customer_who_comes_back_is_the_same_person() -> None:
    seen: dict[int, str] = {}
    for it in orders(1000):
        if it["customer_id"]:
            email = it["billing"]["email"]
            assert seen.setdefault(it["customer_id"], email) == email


def test_only_the_catalogue_is_sold() -> None:
    sold = {line["sku"] for it in orders() for line in it["line_items"]}

    assert sold <= set(catalogue().skus)


def test_the_recorded_skus_are_in_the_catalogue() -> None:
    told = json.loads(recording("delivery_order_created_rich")["body"])

    assert {it["sku"] for it in told["line_items"]} <= set(catalogue().skus)


def test_an_order_can_be_as_long_as_needed() -> None:
    assert len(make_order(1, rng=random.Random(1), at=AT, lines=300)["line_items"]) == 300


@pytest.mark.parametrize("code", ["save10", "five-off"])
def test_a_coupon_takes_whole_cents_and_never_more_than_a_line(code: str) -> None:
    coupon = catalogue().coupon(code)
    assert coupon
    rng = random.Random(3)
    for _ in range(300):
        totals = [Decimal(rng.randrange(1, 5000)) / 100 for _ in range(rng.randrange(1, 7))]

        off = discounts(totals, coupon)

        due = min(coupon.amount, sum(totals)) if code == "five-off" else sum(totals) / 10
        assert abs(sum(off) - due) <= CENT / 2
        assert all(0 <= taken <= total for taken, total in zip(off, totals, strict=True))
