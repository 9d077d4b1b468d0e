"""The order in the back office's words: nothing of it is missing, nothing is made up."""

import datetime as dt
import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.errors import PermanentError, UnmappedError
from accord.local.store.orders import make_order
from accord.model.documents import DocumentLine, SalesOrder, Totals
from accord.model.money import Money
from accord.rules.accounts import check_complete, describe, document_lines, rounding_line
from accord.rules.mapping import Mappings
from accord.woo.mapping import from_wire
from tests.conftest import order_json

AT = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
ALL: dict[str, Any] = {
    "no_sku": {"item": "MISC"},
    "taxes": {"20": "VAT 20%", "5": "VAT 5%", "0": "VAT 0%", "19": "VAT 19%"},
    "shipping": {"*": {"item": "SHIPPING"}},
    "fees": {"*": {"item": "FEE"}},
    "payments": {"*": {"record": False}, "": {"record": False}},
    "rounding": {"item": "ROUNDING"},
}
RICH = order_json("order_created_rich")


def mappings(**other: Any) -> Mappings:
    return Mappings.model_validate({**ALL, **other})


def order(document: dict[str, Any] = RICH) -> SalesOrder:
    return from_wire(document, store="uk", vat_keys=[], po_keys=[])


def lines_of(sold: SalesOrder, rules: Mappings | None = None) -> tuple[DocumentLine, ...]:
    return document_lines(sold, rules or mappings(), store="uk", erp="main")[0]


def sums(lines: tuple[DocumentLine, ...], currency: str) -> Totals:
    """What a back office computes that keeps the store's own taxes."""
    net = Money.total((line.net for line in lines), currency)
    tax = Money.total((tax.amount for line in lines for tax in line.taxes), currency)
    return Totals(net, tax, net + tax)


orders = st.integers(0, 2**32).map(
    lambda seed: order(make_order(1, rng=random.Random(seed), at=AT, status="processing"))
)


@given(sold=orders)
def test_every_line_stands_in_the_document_once(sold: SalesOrder) -> None:
    lines = lines_of(sold)

    check_complete(sold, lines)
    assert [line.source for line in lines] == [line.id for line in sold.lines]


def costing_more(sold: SalesOrder, off: Decimal) -> SalesOrder:
    """``sold``, charged ``off`` more than its lines come to."""
    gross = sums(lines_of(sold), sold.currency).gross
    return replace(sold, total=Money(gross.amount + off, sold.currency))


@given(sold=orders, off=st.decimals("-0.05", "0.05", places=2))
def test_within_the_bound_the_lines_come_to_the_orders_total(
    sold: SalesOrder, off: Decimal
) -> None:
    sold = costing_more(sold, off)
    lines = lines_of(sold)
    cents = rounding_line(sold, sums(lines, sold.currency), mappings(), store="uk")

    whole = (*lines, cents) if cents else lines
    assert sums(whole, sold.currency).gross == sold.total
    assert (cents is None) is (off == 0)


@given(sold=orders, off=st.decimals("0.06", "999", places=2), sign=st.sampled_from([1, -1]))
def test_a_cent_beyond_the_bound_is_finances(sold: SalesOrder, off: Decimal, sign: int) -> None:
    sold = costing_more(sold, off * sign)
    with pytest.raises(PermanentError) as caught:
        rounding_line(sold, sums(lines_of(sold), sold.currency), mappings(), store="uk")

    assert (caught.value.reason, caught.value.owner) == ("total_differs", "finance")


@given(sold=orders, at=st.integers(0, 10**6))
def test_a_document_that_lacks_a_line_is_never_written(sold: SalesOrder, at: int) -> None:
    lines = list(lines_of(sold))
    del lines[at % len(lines)]

    with pytest.raises(PermanentError, match="not in the document"):
        check_complete(sold, lines)


@pytest.mark.parametrize("field", ["net", "quantity", "taxes"])
def test_a_line_that_is_not_what_was_sold_is_never_written(field: str) -> None:
    sold = order()
    first, *rest = lines_of(sold)
    wrong: Any = {"net": -first.net, "quantity": Decimal(99), "taxes": ()}[field]

    with pytest.raises(PermanentError, match="not what the store sold"):
        check_complete(sold, (replace(first, **{field: wrong}), *rest))


def test_all_that_no_rule_names_is_named_at_once() -> None:
    none = mappings(items_same_code=False, taxes={}, shipping={}, fees={}, payments={})
    sold = order()
    with pytest.raises(UnmappedError) as caught:
        lines_of(sold, none)

    kinds = {cause.partition(":")[0] for cause in caught.value.causes}
    assert kinds == {"item", "tax", "shipping", "fee", "payment"}
    skus = {f"item:{line.code}" for line in sold.lines if line.kind == "item"}
    assert skus <= set(caught.value.causes)
    assert len(set(caught.value.causes)) == len(caught.value.causes)


def test_the_message_says_where_a_missing_rule_belongs() -> None:
    with pytest.raises(UnmappedError, match=r"\[stores\.uk\.mappings\.taxes\]"):
        lines_of(order(), mappings(taxes={}))


def test_a_line_without_sku_asks_a_person_when_no_rule_takes_it() -> None:
    document = {**RICH, "line_items": [{**RICH["line_items"][0], "sku": None}]}

    with pytest.raises(PermanentError) as caught:
        lines_of(order(document), mappings(no_sku="attention"))
    assert (caught.value.reason, caught.value.owner) == ("no_sku", "commerce")


def test_the_most_particular_name_of_a_tax_holds() -> None:
    rate = order().lines[0].taxes[0].rate
    by_id = {f"id:{rate.id}": "by id", rate.code: "by code"}

    assert lines_of(order(), mappings(taxes={**ALL["taxes"], **by_id}))[0].taxes[0].code == "by id"


def test_a_zones_own_shipping_method_comes_before_any_other() -> None:
    (line,) = (each for each in order().lines if each.kind == "shipping")
    method = line.code.partition(":")[0]
    table = {"*": {"item": "ANY"}, method: {"item": "METHOD"}}
    own = {**table, line.code: {"item": "OWN", "carrier": "Van"}}

    def booked(shipping: dict[str, Any]) -> set[str | None]:
        return {each.item for each in lines_of(order(), mappings(shipping=shipping))}

    assert "METHOD" in booked(table)
    assert "OWN" in booked(own)


def test_the_carrier_is_the_shipping_methods() -> None:
    shipping = {"*": {"item": "SHIPPING", "carrier": "Van"}}

    assert document_lines(order(), mappings(shipping=shipping), store="uk", erp="main")[2] == "Van"


def test_options_are_kept_in_the_description() -> None:
    line = replace(order().lines[0], options=(("Engraving", "For Ann"), ("Size", "L")))

    assert describe(line).endswith("(Engraving: For Ann; Size: L)")


def test_without_a_target_no_cent_is_rounded_away() -> None:
    sold = order({**RICH, "total": "213.03"})
    predicted = sums(lines_of(sold), "GBP")

    with pytest.raises(PermanentError, match="no rounding target"):
        rounding_line(sold, predicted, mappings(rounding=None), store="uk")
