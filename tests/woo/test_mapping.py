"""A store's JSON becomes a canonical order, and nothing of it is lost."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.errors import BadInputError
from accord.model.documents import SalesOrder
from accord.model.money import Money
from accord.woo.mapping import from_wire
from tests.conftest import order_json


def mapped(document: dict[str, Any]) -> SalesOrder:
    return from_wire(document, store="uk", vat_keys=["_billing_vat_number"], po_keys=["po_number"])


def gbp(text: str) -> Money:
    return Money(Decimal(text), "GBP")


RICH = order_json("order_created_rich")


def test_the_rich_order_adds_up() -> None:
    order = mapped(RICH)

    assert (order.net, order.tax, order.rounding) == (gbp("191.24"), gbp("21.78"), gbp("0.00"))
    assert order.net + order.tax == order.total == gbp("213.02")


def test_lines_shipping_and_fees_are_there_in_order() -> None:
    kinds = [(line.kind, line.code) for line in mapped(RICH).lines]

    assert kinds == [
        ("item", "WID-BLUE"),
        ("item", "SEAT-1"),
        ("item", "BOOK-1"),
        ("item", "TEE-S-R"),
        ("shipping", "flat_rate:1"),
        ("fee", "Gift wrap"),
    ]


def test_taxes_are_per_line_and_rate_zero_too() -> None:
    taxes = {
        line.code: [(f"{tax.rate.percent}", str(tax.amount)) for tax in line.taxes]
        for line in mapped(RICH).lines
    }

    assert taxes["SEAT-1"] == [("5", "4.00 GBP")]
    assert taxes["BOOK-1"] == [("0", "0.00 GBP")]


def test_the_line_total_counts_and_not_price_times_quantity() -> None:
    book = next(line for line in mapped(RICH).lines if line.code == "BOOK-1")

    assert book.net == gbp("22.23")  # its price says 11.115
    assert book.discount == gbp("2.46")


def test_vat_and_purchase_order_numbers_come_from_the_named_fields() -> None:
    order = mapped(RICH)

    assert (order.party.vat_number, order.po_number) == ("GB987654321", "PO-2026/77")


def test_what_the_shopper_chose_is_kept_in_plain_text() -> None:
    widget, *_, shirt = (line for line in mapped(RICH).lines if line.kind == "item")

    assert widget.options == (("Engraving", "A & B"),)
    assert shirt.options == ()  # its name says "S, Red" already


def test_a_variation_is_sold_by_its_own_sku_and_name() -> None:
    item = next(line for line in mapped(order_json("order_created_on_hold_variation")).lines)

    assert (item.kind, item.code, item.description) == ("item", "TEE-S-G", "T-Shirt - S, Green")


def test_a_bundle_and_what_is_in_it_are_ordinary_lines() -> None:
    """A plugin sells the bundle at its price, and its parts at nothing, or the other way round."""
    document = copy.deepcopy(RICH)
    part = copy.deepcopy(document["line_items"][0])
    part |= {"id": 9001, "sku": "PART-1", "quantity": 2, "bundled_by": "9000"}
    part |= dict.fromkeys(("subtotal", "subtotal_tax", "total", "total_tax"), "0.00")
    part["taxes"] = [{"id": 1, "total": "0", "subtotal": "0"}]
    document["line_items"].append(part)

    order = mapped(document)

    found = next(line for line in order.lines if line.code == "PART-1")
    assert (found.kind, found.quantity, found.net) == ("item", Decimal(2), gbp("0.00"))
    assert (order.total, order.rounding) == (gbp("213.02"), gbp("0.00"))


def test_a_store_whose_prices_include_tax_adds_up_just_so() -> None:
    """Its line totals are net all the same; only what the shop shows is gross."""
    document = {**copy.deepcopy(RICH), "prices_include_tax": True}
    document["line_items"][0]["price"] = 12345  # is never multiplied

    order = mapped(document)

    assert order.prices_include_tax
    assert order.net + order.tax == order.total == gbp("213.02")


@pytest.mark.parametrize(
    ("currency", "net", "tax", "total"),
    [("JPY", "5000", "500", "5500"), ("KWD", "5.125", "0.256", "5.381")],
)
def test_a_currency_keeps_its_own_digits(currency: str, net: str, tax: str, total: str) -> None:
    document = copy.deepcopy(RICH)
    line = {**document["line_items"][0], "subtotal": net, "total": net, "total_tax": tax}
    line["taxes"] = [{"id": 1, "total": tax, "subtotal": tax}]
    document |= {"currency": currency, "total": total, "line_items": [line]}
    document |= {"shipping_lines": [], "fee_lines": [], "coupon_lines": []}

    order = mapped(document)

    assert (order.total, order.rounding) == (Money(Decimal(total), currency), Money.zero(currency))
    assert order.lines[0].taxes[0].amount == Money(Decimal(tax), currency)


def test_markup_in_an_option_is_taken_out() -> None:
    document = copy.deepcopy(RICH)
    document["line_items"][0]["meta_data"] = [
        {"key": "file", "value": "x", "display_key": "File", "display_value": '<a href="#">A</a>'},
        {"key": "parts", "value": {"a": [1]}, "display_key": "Parts", "display_value": {"a": [1]}},
    ]

    assert mapped(document).lines[0].options == (("File", "A"), ("Parts", '{"a":[1]}'))


def test_paid_is_the_stores_word_and_not_the_status() -> None:
    cash = mapped(order_json("order_created_checkout_placed"))

    assert cash.status == "processing"
    assert cash.payment.paid_at is None


def test_coupons_note_and_payment_are_kept() -> None:
    order = mapped(RICH)

    assert [(each.code, str(each.discount)) for each in order.coupons] == [("save10", "20.37 GBP")]
    assert order.customer_note == "Leave with neighbour – thanks ☺"
    assert (order.payment.method, order.payment.title) == ("bacs", "Direct bank transfer")


def test_refunds_are_known_by_id_and_sum() -> None:
    order = mapped(order_json("order_updated_partial_refund_lines"))

    assert order.refund_ids
    assert order.refunded == gbp("23.99")
    assert order.total == gbp("213.02")


def test_a_guest_without_anything_is_nobody() -> None:
    assert mapped(order_json("order_created_status_trash")).party.is_nobody


def test_a_negative_fee_and_a_missing_tax_list_still_add_up() -> None:
    document = copy.deepcopy(RICH)
    document["fee_lines"][0] |= {"total": "-3.00", "total_tax": "-0.60", "taxes": []}
    document["total"] = "205.82"

    order = mapped(document)

    assert order.rounding == gbp("0.00")
    assert order.lines[-1].taxes[0].rate.id == ""  # named by no rate: it waits for a mapping


def test_what_no_line_holds_shows_as_rounding() -> None:
    gift_card = {**RICH, "total": "193.02"}

    assert mapped(gift_card).rounding == gbp("-20.00")


def test_two_rates_that_round_apart_give_the_lines_own_tax() -> None:
    document = copy.deepcopy(RICH)
    document["line_items"][0] |= {
        "total_tax": "10.80",
        "taxes": [{"id": 1, "total": "10.79", "subtotal": ""}, {"id": 2, "total": "0.00"}],
    }

    assert mapped(document).lines[0].tax == gbp("10.80")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"total": 213.02}, "total"),
        ({"total": "a lot"}, "total"),
        ({"currency": None}, "currency"),
        ({"date_created_gmt": "yesterday"}, "date_created_gmt"),
        ({"line_items": [{"id": 1, "quantity": 1}]}, "line_items.0.total"),
    ],
)
def test_what_cannot_be_read_names_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInputError, match=f"order 30 of uk: {field}"):
        mapped({**RICH, **change})


def restocked(value: Any) -> Decimal:
    first, *others = RICH["line_items"]
    meta = {"id": 9, "key": "_restock_refunded_items", "value": value}
    line = {**first, "meta_data": [*first["meta_data"], meta]}
    return mapped({**RICH, "line_items": [line, *others]}).lines[0].restocked


def test_pieces_in_stock_again_are_counted() -> None:
    assert restocked("3") == 3


def test_of_an_order_without_refunds_nothing_is_in_stock_again() -> None:
    assert {line.restocked for line in mapped(RICH).lines} == {Decimal(0)}


@pytest.mark.parametrize("value", ["", "many", None, "NaN", "-1", []])
def test_what_cannot_be_counted_is_not_in_stock_again(value: Any) -> None:
    assert restocked(value) == 0


def test_the_recorded_refund_says_what_is_in_stock_again(shared: Path) -> None:
    path = shared / "woo" / "captures" / "order_updated_partial_refund_lines.json"
    order = mapped(json.loads(json.loads(path.read_text())["body"]))

    assert {line.id: line.restocked for line in order.lines if line.restocked} == {"6": 1}


def test_every_recorded_order_adds_up(shared: Path) -> None:
    for path in sorted((shared / "woo" / "captures").glob("order_*.json")):
        document = json.loads(json.loads(path.read_text())["body"])
        if "line_items" in document:
            assert not mapped(document).rounding, path.name


AMOUNT = st.decimals(-9999, 99999, places=2, allow_nan=False)


@given(
    lines=st.lists(st.tuples(AMOUNT, AMOUNT, st.integers(1, 999)), max_size=8),
    shipping=st.lists(st.tuples(AMOUNT, AMOUNT), max_size=2),
    fees=st.lists(st.tuples(AMOUNT, AMOUNT), max_size=3),
    off=st.decimals(-3, 3, places=2),
    split=st.decimals(0, 1, places=2),
)
def test_lines_and_rounding_are_the_total_and_nothing_is_missing(
    lines: list[tuple[Decimal, Decimal, int]],
    shipping: list[tuple[Decimal, Decimal]],
    fees: list[tuple[Decimal, Decimal]],
    off: Decimal,
    split: Decimal,
) -> None:
    ids = iter(range(1, 99))

    def line(net: Decimal, tax: Decimal, **more: Any) -> dict[str, Any]:
        part = (tax * split).quantize(Decimal("0.01"))
        taxes = [{"id": 1, "total": str(part)}, {"id": 2, "total": str(tax - part)}]
        return {"id": next(ids), "total": str(net), "total_tax": str(tax), "taxes": taxes, **more}

    document = {
        **RICH,
        "line_items": [
            line(net, tax, name="x", sku="X", quantity=n, subtotal=str(net))
            for net, tax, n in lines
        ],
        "shipping_lines": [line(net, tax, method_id="flat") for net, tax in shipping],
        "fee_lines": [line(net, tax, name="Fee") for net, tax in fees],
    }
    parts = [*((net, tax) for net, tax, _ in lines), *shipping, *fees]
    document["total"] = str(sum((net + tax for net, tax in parts), Decimal(0)) + off)

    order = mapped(document)

    assert order.rounding.amount == off
    assert order.net + order.tax + order.rounding == order.total
    assert [line.net.amount for line in order.lines] == [net for net, _ in parts]
    assert [line.tax.amount for line in order.lines] == [tax for _, tax in parts]


def test_a_tax_that_is_no_amount_is_bad_input() -> None:
    document = order_json("order_created_rich")
    document["line_items"][0]["taxes"][0]["total"] = "n/a"

    with pytest.raises(BadInputError, match=r"line_items\.0\.taxes\.0\.total"):
        from_wire(document, store="uk", vat_keys=[], po_keys=[])


# --- gift cards ---------------------------------------------------------------------

CARD = {"id": 6, "code": "ABCD-EFGH-IJKL-MNOP", "amount": "20.00"}


def test_what_a_gift_card_paid_is_a_line_below_zero() -> None:
    order = mapped({**RICH, "total": "193.02", "gift_cards": [CARD]})

    line = order.lines[-1]
    assert (line.kind, line.code, line.net, line.taxes) == (
        "gift_card",
        "gift_card",
        gbp("-20.00"),
        (),
    )
    assert order.rounding == gbp("0.00")


def test_a_gift_card_s_code_is_told_to_nobody() -> None:
    order = mapped({**RICH, "total": "193.02", "gift_cards": [CARD]})

    assert order.lines[-1].description == "Gift card ending in MNOP"
    assert "ABCD" not in repr(order)


@pytest.mark.parametrize("code", ["", "ABC", None, "SHORT-1"])
def test_of_a_short_code_nothing_is_shown(code: str | None) -> None:
    order = mapped({**RICH, "gift_cards": [{**CARD, "code": code}]})

    assert order.lines[-1].description == "Gift card"


def test_two_gift_cards_are_two_lines_with_ids_of_their_own() -> None:
    order = mapped({**RICH, "gift_cards": [CARD, {"amount": "1.00"}]})

    assert [line.id for line in order.lines[-2:]] == ["gift_card-6", "gift_card-2"]


def test_an_order_without_gift_cards_has_no_such_line() -> None:
    assert mapped({**RICH, "gift_cards": []}) == mapped(RICH)
