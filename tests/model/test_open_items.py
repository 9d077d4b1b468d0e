"""What stands open on an account comes to nothing together, or stays."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from accord.model.open_items import OpenItem, settled


def document(id_: str, amount: str, foreign: str = "0") -> OpenItem:
    return OpenItem(id_, Decimal(amount), Decimal(foreign))


def money(id_: str, amount: str, foreign: str = "0") -> OpenItem:
    return OpenItem(id_, Decimal(amount), Decimal(foreign), is_money=True)


def ids(*items: OpenItem) -> list[str]:
    return ["".join(item.id for item in group) for group in settled(items)]


def test_an_invoice_goes_with_its_payment() -> None:
    assert ids(document("i", "10"), money("p", "-10")) == ["ip"]


def test_a_part_of_the_money_settles_nothing() -> None:
    assert ids(document("i", "10"), money("p", "-9.99")) == []


def test_money_settles_documents_before_money_settles_money() -> None:
    items = [document("i", "10"), document("c", "-10"), money("p", "-10"), money("o", "10")]

    assert ids(*items) == ["ip", "co"]


def test_an_invoice_that_nobody_paid_goes_with_its_credit_note() -> None:
    assert ids(document("i", "10"), document("c", "-10")) == ["ic"]


def test_one_payment_settles_two_invoices() -> None:
    assert ids(document("a", "4"), document("b", "6"), money("p", "-10")) == ["abp"]


def test_what_does_not_fit_keeps_nothing_else_open() -> None:
    items = [document("a", "4"), document("b", "6"), money("p", "-10"), document("c", "-3")]

    assert ids(*items) == ["abp"]


def test_both_currencies_must_agree() -> None:
    assert ids(document("i", "10", "12"), money("p", "-10.01", "-12")) == []
    assert ids(document("i", "10", "12"), money("p", "-10", "-12")) == ["ip"]


def test_of_equal_payments_the_first_is_taken() -> None:
    assert ids(document("i", "10"), money("p", "-10"), money("q", "-10")) == ["ip"]


def test_many_documents_are_settled_in_pairs() -> None:
    pairs = [(document(f"i{n}", str(n)), money(f"p{n}", str(-n))) for n in range(1, 51)]

    assert len(settled(item for pair in pairs for item in pair)) == 50


def test_many_documents_are_settled_by_one_payment() -> None:
    invoices = [document(f"i{n}", str(n)) for n in range(1, 31)]

    (group,) = settled([*invoices, money("p", "-465")])

    assert len(group) == 31


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), max_size=9))
def test_groups_come_to_zero_and_share_nothing(amounts: list[tuple[int, bool]]) -> None:
    items = [OpenItem(str(n), Decimal(a), is_money=m) for n, (a, m) in enumerate(amounts)]

    groups = settled(items)

    used = [item.id for group in groups for item in group]
    assert len(used) == len(set(used))
    assert not any(sum(item.amount for item in group) for group in groups)


@given(st.lists(st.integers(-5, 5), max_size=9))
def test_what_is_left_has_nothing_more_to_be_settled(amounts: list[int]) -> None:
    items = [document(str(n), str(amount)) for n, amount in enumerate(amounts)]
    used = {item.id for group in settled(items) for item in group}

    assert settled(item for item in items if item.id not in used) == []
