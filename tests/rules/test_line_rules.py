"""Tax and revenue rules by class, destination and VAT number; gift cards and refunded amounts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.errors import UnmappedError
from accord.model.documents import DocumentLine, OrderLine, SalesOrder
from accord.model.money import Money
from accord.rules.accounts import check_complete, document_lines, map_order
from accord.rules.mapping import Mappings
from tests.rules.made import REDUCED, VAT, line, order, orders, party

ALL: dict[str, Any] = {
    "classes": {"books": ["BOOK*"], "gifts": ["GIFT-*"]},
    "taxes": {"20": "VAT 20%", "5": "VAT 5%"},
    "shipping": {"*": {"item": "SHIPPING"}},
    "fees": {"*": {"item": "FEE"}},
    "payments": {"*": {"record": False}},
}
TAXED = line(taxes=[(VAT, "2.00")])
BOOK = line(code="BOOK-1", taxes=[(REDUCED, "0.50")])
ABROAD = {"country": ["EU"], "vat_number": True, "rate": ["none"]}
REVERSE = {"when": ABROAD, "code": "Reverse charge"}
BUSINESS = party("DE", vat_number="DE123")


def mappings(**other: Any) -> Mappings:
    return Mappings.model_validate({**ALL, **other})


def only(sold: SalesOrder | OrderLine, **other: Any) -> DocumentLine:
    """The one line that it becomes."""
    whole = sold if isinstance(sold, SalesOrder) else order(sold)
    (found,) = document_lines(whole, mappings(**other), store="uk", erp="main")[0]
    return found


def codes(sold: SalesOrder | OrderLine, *rules: dict[str, Any], **other: Any) -> list[str]:
    return [tax.code for tax in only(sold, tax_rules=rules, **other).taxes]


def rule(code: str, **when: Any) -> dict[str, Any]:
    return {"when": when, "code": code}


def revenue(account: str, **when: Any) -> dict[str, Any]:
    return {"when": when, "account": account}


# --- taxes ------------------------------------------------------------------


def test_a_tax_rule_comes_before_the_table() -> None:
    assert codes(TAXED, rule("UK standard")) == ["UK standard"]


def test_where_no_tax_rule_fits_the_table_holds() -> None:
    assert codes(TAXED, rule("DE", country=["DE"])) == ["VAT 20%"]


def test_the_first_tax_rule_that_fits_wins() -> None:
    rules = [rule("FR", country=["FR"]), rule("books", item_class=["books"]), rule("any")]

    assert codes(BOOK, *rules) == ["books"]


@pytest.mark.parametrize("name", ["20", "id:1", "GB-VAT-1"])
def test_a_tax_rule_names_a_rate_as_the_table_does(name: str) -> None:
    assert codes(TAXED, rule("named", rate=[name])) == ["named"]


def test_a_tax_rule_spares_the_table_a_line() -> None:
    assert codes(TAXED, rule("named", rate=["20"]), taxes={}) == ["named"]


@pytest.mark.parametrize(("number", "code"), [("DE123", "business"), ("", "private")])
def test_a_tax_rule_may_ask_for_a_vat_number(number: str, code: str) -> None:
    sold = order(TAXED, buyer=party(vat_number=number))

    rules = [rule("business", vat_number=True), rule("private", vat_number=False)]
    assert codes(sold, *rules) == [code]


def test_a_line_without_tax_stays_without() -> None:
    assert codes(line()) == []


def test_a_line_without_tax_is_coded_where_a_rule_says_none() -> None:
    assert codes(order(line(), buyer=BUSINESS), REVERSE) == ["Reverse charge"]


def test_such_a_code_carries_no_money() -> None:
    taxes = only(order(line(), buyer=BUSINESS), tax_rules=[REVERSE]).taxes

    assert taxes[0].amount == Money.zero("EUR")


def test_a_rule_that_does_not_say_none_leaves_a_line_without_tax_alone() -> None:
    assert codes(line(), rule("VAT 20%")) == []


def test_a_rule_that_says_none_leaves_a_taxed_line_alone() -> None:
    assert codes(order(TAXED, buyer=BUSINESS), REVERSE) == ["VAT 20%"]


@pytest.mark.parametrize("buyer", [party("DE"), party("CH", vat_number="CH1")])
def test_a_reverse_charge_is_for_businesses_in_the_union(buyer: Any) -> None:
    assert codes(order(line(), buyer=buyer), REVERSE) == []


def test_shipping_is_coded_as_goods_are() -> None:
    sold = order(line(kind="shipping", code="flat_rate"), buyer=BUSINESS)

    assert codes(sold, REVERSE) == ["Reverse charge"]


def test_each_tax_of_a_line_has_its_own_rule() -> None:
    both = line(taxes=[(VAT, "2.00"), (REDUCED, "0.50")])

    assert codes(both, rule("half", rate=["5"])) == ["VAT 20%", "half"]


# --- revenue ----------------------------------------------------------------


def test_an_items_revenue_is_its_own_where_no_rule_fits() -> None:
    assert only(line(), revenue=[revenue("4100", country=["DE"])]).revenue is None


def test_the_first_revenue_rule_that_fits_wins() -> None:
    rules = [revenue("4100", country=["DE"]), revenue("4200", item_class=["books"])]

    assert only(order(BOOK, buyer=party("DE")), revenue=rules).revenue == "4100"


@pytest.mark.parametrize(
    "other", [line(kind="shipping", code="x"), line(kind="fee", code="x")], ids=["shipping", "fee"]
)
def test_only_goods_have_a_revenue_account(other: OrderLine) -> None:
    assert only(other, revenue=[revenue("4100")]).revenue is None


def test_a_line_on_an_account_stays_on_it() -> None:
    found = only(line(), items={"MUG": {"account": "4300"}}, revenue=[revenue("4100")])

    assert (found.account, found.revenue) == ("4300", None)


def test_revenue_may_follow_the_rate() -> None:
    rules = [revenue("4000", rate=["none"]), revenue("4100", rate=["20"])]

    assert [only(each, revenue=rules).revenue for each in (line(), TAXED)] == ["4000", "4100"]


# --- gift cards and refunded amounts ----------------------------------------


CARD = line("9", "gift_card", code="ABCD", net="-5.00")
AMOUNT = line("refund", "refund", code="", net="5.00")


def test_a_gift_card_is_a_liability() -> None:
    assert only(CARD, gift_cards={"account": "2300"}).account == "2300"


def test_a_gift_card_is_never_taxed() -> None:
    sold = order(CARD, buyer=BUSINESS)

    assert codes(sold, REVERSE, gift_cards={"account": "2300"}) == []


def test_a_refunded_amount_goes_where_the_rule_says() -> None:
    assert only(AMOUNT, refund_amount={"item": "MISC"}).item == "MISC"


@pytest.mark.parametrize(
    ("unmapped", "cause"), [(CARD, "gift_card"), (AMOUNT, "refund_amount")], ids=["card", "amount"]
)
def test_what_has_no_rule_waits_for_one(unmapped: OrderLine, cause: str) -> None:
    with pytest.raises(UnmappedError) as caught:
        only(unmapped)

    assert caught.value.causes == (cause,)


@pytest.mark.parametrize(("unmapped", "key"), [(CARD, "gift_cards"), (AMOUNT, "refund_amount")])
def test_the_message_says_which_key_to_set(unmapped: OrderLine, key: str) -> None:
    with pytest.raises(UnmappedError, match=rf"set {key} in \[stores\.uk\.mappings\]"):
        only(unmapped)


# --- which rule it was ------------------------------------------------------


def test_each_line_tells_which_rules_made_it() -> None:
    rules = mappings(tax_rules=[rule("FR", country=["FR"]), REVERSE], revenue=[revenue("4100")])
    sold = order(line(code="BOOK-1"), line("2", "fee", code="x"), TAXED, buyer=BUSINESS)

    told = [
        (each.item_class, each.target_by, each.taxes_by, each.revenue_by)
        for each in map_order(sold, rules, store="uk").lines
    ]
    assert told == [
        ("books", "items_same_code", ("tax rule 2",), "revenue rule 1"),
        ("", 'fees."*"', ("tax rule 2",), ""),
        ("", "items_same_code", ('taxes."20"',), "revenue rule 1"),
    ]


# --- whatever the rules -----------------------------------------------------

whens = st.fixed_dictionaries(
    {},
    optional={
        "item_class": st.lists(st.sampled_from(["books", "gifts"]), min_size=1, max_size=2),
        "country": st.lists(st.sampled_from(["GB", "DE", "EU"]), min_size=1, max_size=2),
        "rate": st.lists(st.sampled_from(["none", "20", "5", "id:3"]), min_size=1, max_size=3),
        "vat_number": st.booleans(),
    },
)
EVERY_RATE = {"20": "A", "5": "B", "9.975": "C", "id:": "D"}


@given(sold=orders(), rules=st.lists(whens, max_size=5))
def test_whatever_the_rules_no_line_and_no_money_is_lost(
    sold: SalesOrder, rules: list[dict[str, Any]]
) -> None:
    said = mappings(
        taxes=EVERY_RATE,
        tax_rules=[rule(str(n), **when) for n, when in enumerate(rules)],
        revenue=[revenue(str(n), **when) for n, when in enumerate(rules)],
    )
    lines = document_lines(sold, said, store="uk", erp="main")[0]

    check_complete(sold, lines)
    assert [each.source for each in lines] == [each.id for each in sold.lines]
    assert [each.net for each in lines] == [each.net for each in sold.lines]


@given(sold=orders(), rules=st.lists(whens, min_size=1, max_size=5))
def test_a_rule_behind_one_that_fits_changes_nothing(
    sold: SalesOrder, rules: list[dict[str, Any]]
) -> None:
    first = [revenue("all"), *(revenue(str(n), **when) for n, when in enumerate(rules))]
    said = mappings(taxes=EVERY_RATE, revenue=first)

    found = document_lines(sold, said, store="uk", erp="main")[0]
    assert {each.revenue for each in found} <= {"all", None}
