"""A store's refunds become canonical ones, to the cent, however odd the store let them be."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.errors import BadInputError
from accord.model.documents import Refund, SalesOrder
from accord.model.money import Money
from accord.woo.mapping import from_wire
from accord.woo.refunds import refund_from_wire, refunds_from_wire

RECORDINGS = Path(__file__).parents[1] / "local" / "store" / "recordings"


def recording(name: str) -> Any:
    return json.loads((RECORDINGS / f"{name}.json").read_text())["body"]


def sold(document: dict[str, Any]) -> SalesOrder:
    return from_wire(document, store="uk", vat_keys=(), po_keys=())


def gbp(text: str) -> Money:
    return Money(Decimal(text), "GBP")


def spoken(refund: Refund) -> Money:
    """What the refund says in all: lines, taxes and what no line says."""
    said = [line.net + line.tax for line in refund.lines]
    return Money.total(said, refund.total.currency) + refund.unassigned


RICH = sold(recording("order_rich_refunded"))  # order 30
SMALL = sold(recording("order_after_partial_refund"))  # order 61
BY_ID = {str(it["id"]): it for it in [*recording("refunds_all"), *recording("refunds_of_order")]}


def refund(id_: str, order: SalesOrder) -> Refund:
    return refund_from_wire(BY_ID[id_], order)


def with_line(kind: str, **fields: Any) -> dict[str, Any]:
    """Refund 63, which has no lines, with one of shipping or a fee."""
    line = {
        "id": 900,
        "total": "-4.95",
        "total_tax": "-0.99",
        "taxes": [{"id": 1, "total": "-0.99", "subtotal": ""}],
        "meta_data": [{"id": 1, "key": "_refunded_item_id", "value": "10"}],
        **fields,
    }
    return {**BY_ID["63"], "amount": "5.94", kind: [line]}


# --- as recorded ------------------------------------------------------------------


def test_a_line_is_the_order_s_own_with_signs_turned() -> None:
    (line,) = refund("65", SMALL).lines

    assert (line.id, line.kind, line.code) == ("369", "item", "WID-BLUE")
    assert (line.quantity, line.net, line.tax) == (Decimal(1), gbp("21.00"), gbp("4.20"))
    assert line.taxes[0].rate == SMALL.lines[0].taxes[0].rate


def test_a_refund_that_its_lines_explain_leaves_nothing_over() -> None:
    found = refund("65", SMALL)

    assert (found.total, found.unassigned) == (gbp("25.20"), gbp("0.00"))
    assert (str(found.ref), str(found.order)) == ("uk:refund:65", "uk:order:61")
    assert found.reason == "one back"
    assert found.refunded_at.isoformat() == "2026-11-22T15:09:36+00:00"


def test_an_amount_above_its_lines_leaves_the_rest_unassigned() -> None:
    found = refund("31", RICH)  # 23.99 with lines of 21.59

    assert (found.total, found.unassigned) == (gbp("23.99"), gbp("2.40"))


def test_more_pieces_than_were_sold_are_told_as_they_are() -> None:
    (line,) = refund("64", SMALL).lines  # 5 of 2, for 1.00 without tax

    assert (line.quantity, line.net, line.taxes) == (Decimal(5), gbp("1.00"), ())


def test_an_amount_without_lines_is_unassigned() -> None:
    found = refund("32", RICH)

    assert (found.lines, found.unassigned, found.reason) == ((), gbp("5.00"), "goodwill")


def test_an_amount_of_nothing_is_a_refund_of_nothing() -> None:
    found = refund("63", SMALL)

    assert (found.lines, found.total, found.unassigned) == ((), gbp("0"), gbp("0"))


def test_a_status_of_refunded_made_a_refund_without_lines() -> None:
    order = sold({**recording("order_guest"), "id": 36})

    found = refund("37", order)

    assert (found.lines, found.total, found.unassigned) == ((), gbp("31.14"), gbp("31.14"))


@pytest.mark.parametrize("id_", sorted(BY_ID))
def test_every_recorded_refund_adds_up(id_: str) -> None:
    found = refund(id_, SMALL if int(id_) > 60 else RICH)

    assert spoken(found) == found.total


def test_every_recorded_refund_of_an_order_is_there_oldest_first() -> None:
    found = refunds_from_wire(recording("refunds_of_order"), SMALL)

    assert [it.ref.id for it in found] == ["63", "64", "65"]  # all in one second: then by id


def test_ids_are_ordered_as_numbers() -> None:
    listed = [{**BY_ID["63"], "id": id_} for id_ in (1000, 99)]

    assert [it.ref.id for it in refunds_from_wire(listed, SMALL)] == ["99", "1000"]


def test_a_refund_that_two_pages_list_is_there_once() -> None:
    assert len(refunds_from_wire([BY_ID["63"], BY_ID["63"]], SMALL)) == 1


def test_every_refund_of_the_real_store_adds_up(shared: Path) -> None:
    listed = json.loads((shared / "woo/rest/refunds_all.json").read_text())["body"]
    listed += json.loads((shared / "woo/rest/refunds_of_order.json").read_text())["body"]
    listed.append(json.loads((shared / "woo/rest/refund_created.json").read_text())["body"])
    listed.append(json.loads((shared / "woo/rest/refund_single.json").read_text())["body"])

    found = [refund_from_wire(it, RICH if it["id"] < 60 else SMALL) for it in listed]

    assert [it for it in found if spoken(it) != it.total] == []


# --- what was not recorded ----------------------------------------------------------


def test_shipping_is_known_by_the_order_s_line() -> None:
    (line,) = refund_from_wire(with_line("shipping_lines"), RICH).lines

    assert (line.id, line.kind, line.code) == ("10", "shipping", "flat_rate:1")
    assert (line.quantity, line.net, line.tax) == (Decimal(1), gbp("4.95"), gbp("0.99"))


def test_a_fee_is_known_by_the_order_s_line() -> None:
    meta = [{"key": "_refunded_item_id", "value": 11}]  # a number, as a plugin may write it

    (line,) = refund_from_wire(with_line("fee_lines", meta_data=meta), RICH).lines

    assert (line.id, line.kind, line.code) == ("11", "fee", "Gift wrap")


def test_a_line_that_names_nothing_of_the_order_keeps_its_own_words() -> None:
    document = copy.deepcopy(BY_ID["65"])
    document["line_items"][0]["meta_data"] = []

    (line,) = refund_from_wire(document, SMALL).lines

    assert (line.id, line.kind, line.code) == ("", "item", "WID-BLUE")
    assert line.net == gbp("21.00")


def test_a_line_of_the_order_that_is_gone_is_still_named() -> None:
    document = copy.deepcopy(BY_ID["65"])
    document["line_items"][0]["meta_data"][0]["value"] = "7"

    (line,) = refund_from_wire(document, SMALL).lines

    assert line.id == "7"


def test_the_rate_is_the_one_that_was_charged_even_if_the_shop_changed_it() -> None:
    document = copy.deepcopy(BY_ID["65"])
    document["tax_lines"][0] |= {"rate_code": "", "rate_percent": None}

    (line,) = refund_from_wire(document, SMALL).lines

    assert line.taxes[0].rate.percent == 20


def test_a_rate_that_the_order_does_not_know_is_the_refund_s() -> None:
    order = sold({**recording("order_after_partial_refund"), "line_items": []})

    (line,) = refund_from_wire(BY_ID["65"], order).lines

    assert (line.taxes[0].rate.code, line.taxes[0].rate.percent) == ("GB-VAT 20%-1", 20)


def test_money_back_for_no_pieces_is_a_line() -> None:
    document = copy.deepcopy(BY_ID["65"])
    document["line_items"][0]["quantity"] = 0

    (line,) = refund_from_wire(document, SMALL).lines

    assert (line.quantity, line.net) == (Decimal(0), gbp("21.00"))


def test_a_line_that_takes_back_nothing_is_left_out() -> None:
    nothing = with_line("shipping_lines", total="0.00", total_tax="0.00", taxes=[])

    assert refund_from_wire(nothing, RICH).lines == ()


def test_lines_above_the_amount_leave_less_than_nothing() -> None:
    found = refund_from_wire({**BY_ID["65"], "amount": "20.00"}, SMALL)

    assert found.unassigned == gbp("-5.20")


@pytest.mark.parametrize("sent", [True, False])
def test_money_that_the_gateway_sent_is_told(sent: bool) -> None:
    found = refund_from_wire({**BY_ID["63"], "refunded_payment": sent}, SMALL)

    assert found.by_gateway is sent


def test_a_reason_is_read_without_its_markup() -> None:
    found = refund_from_wire({**BY_ID["63"], "reason": "A &amp; B [accord main:7]"}, SMALL)

    assert found.reason == "A & B [accord main:7]"


@pytest.mark.parametrize("field", ["amount", "date_created_gmt", "id"])
def test_a_refund_without_a_field_is_refused_by_its_name(field: str) -> None:
    document = {name: value for name, value in BY_ID["63"].items() if name != field}

    with pytest.raises(BadInputError, match=field):
        refund_from_wire(document, SMALL)


CENTS = st.integers(0, 100_000).map(lambda cents: Decimal(cents) / 100)


@given(amount=CENTS, nets=st.lists(CENTS, max_size=4), tax=CENTS)
def test_whatever_the_store_let_pass_is_told_to_the_cent(
    amount: Decimal, nets: list[Decimal], tax: Decimal
) -> None:
    line = BY_ID["65"]["line_items"][0]
    lines = [{**line, "total": f"-{net}", "total_tax": f"-{tax}"} for net in nets]

    found = refund_from_wire({**BY_ID["65"], "amount": str(amount), "line_items": lines}, SMALL)

    assert spoken(found) == found.total == Money(amount, "GBP")
