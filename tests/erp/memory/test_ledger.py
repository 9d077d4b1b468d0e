"""What the ledger can be told to be: slow to show, of other habits, unlucky."""

import datetime as dt
import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from accord.erp.memory.adapter import Memory, memory_like
from accord.erp.memory.faults import KINDS, Fault, FaultKind, seeded
from accord.erp.memory.ledger import Ledger, Master, Rounding
from accord.errors import (
    AccordError,
    DuplicateError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from accord.model.change import Ref
from accord.model.documents import Kind, PaymentDocument, State
from accord.model.money import Money
from accord.model.party import Address
from tests.erp.memory.made import START, Clock, line, maria, once, order

# --- faults ----------------------------------------------------------------------


def test_a_lost_create_made_nothing(ledger: Ledger, erp: Memory) -> None:
    document = order(erp)
    ledger.faults = once("lost", on="create")

    with pytest.raises(UnavailableError):
        erp.create(document, key="uk-1")

    assert erp.find(Kind.SALES_ORDER, "uk-1") == ()


@pytest.mark.parametrize(("kind", "sent"), [("unreached", False), ("lost", True), ("late", True)])
def test_whether_it_was_sent_is_only_denied_for_sure(
    ledger: Ledger, erp: Memory, kind: FaultKind, sent: bool
) -> None:
    document = order(erp)
    ledger.faults = once(kind, on="create")

    with pytest.raises(UnavailableError) as caught:
        erp.create(document, key="uk-1")

    assert caught.value.sent is sent


def test_an_unanswered_create_took_effect(ledger: Ledger, erp: Memory) -> None:
    document = order(erp)
    ledger.faults = once("unanswered", on="create")

    with pytest.raises(UnavailableError):
        erp.create(document, key="uk-1")

    assert len(erp.find(Kind.SALES_ORDER, "uk-1")) == 1


def test_an_unanswered_refusal_is_still_a_refusal(ledger: Ledger, erp: Memory) -> None:
    erp.create(order(erp), key="uk-1")
    ledger.faults = once("unanswered", on="create")

    with pytest.raises(DuplicateError):
        erp.create(order(erp), key="uk-1")


@pytest.mark.parametrize(("seconds", "found"), [(19.9, 0), (20, 1)])
def test_a_late_create_takes_effect_when_its_time_comes(
    ledger: Ledger, erp: Memory, clock: Clock, seconds: float, found: int
) -> None:
    document = order(erp)
    ledger.faults = once("late", on="create", seconds=20)
    with pytest.raises(UnavailableError):
        erp.create(document, key="uk-1")

    clock.pass_(seconds)

    assert len(erp.find(Kind.SALES_ORDER, "uk-1")) == found


@pytest.mark.parametrize(("duplicates", "documents"), [("refused", 1), ("possible", 2)])
def test_a_late_create_meets_the_one_that_was_made_meanwhile(
    clock: Clock, duplicates: Any, documents: int
) -> None:
    kind = memory_like(duplicates)
    ledger = kind.ledger(clock=clock)
    erp = kind(ledger.call)
    document = order(erp)
    ledger.faults = once("late", on="create", seconds=20)
    with pytest.raises(UnavailableError):
        erp.create(document, key="uk-1")
    erp.create(document, key="uk-1")

    clock.pass_(30)

    assert len(erp.find(Kind.SALES_ORDER, "uk-1")) == documents


def test_late_effects_keep_their_order(ledger: Ledger, erp: Memory, clock: Clock) -> None:
    document = order(erp)
    faults = [Fault("late", dt.timedelta(seconds=20)), Fault("late", dt.timedelta(seconds=10))]
    ledger.faults = lambda operation: faults.pop() if operation == "create" and faults else None
    for key in ("uk-1", "uk-2"):  # popped from the end: the first is due after 10 s
        with pytest.raises(UnavailableError):
            erp.create(document, key=key)

    clock.pass_(60)

    assert [sale["key"] for sale in (erp.ping(), ledger.sales())[1]] == ["uk-1", "uk-2"]


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("refused", RejectedError),
        ("rate_limited", RateLimitedError),
        ("unauthorized", UnauthorizedError),
    ],
)
def test_a_refusal_is_the_error_that_says_what_to_do(
    ledger: Ledger, erp: Memory, kind: FaultKind, raised: type[AccordError]
) -> None:
    ledger.faults = once(kind, on="ping")

    with pytest.raises(raised):
        erp.ping()


def test_a_rate_limit_says_when_to_come_back(ledger: Ledger, erp: Memory) -> None:
    ledger.faults = once("rate_limited", on="ping", seconds=7)

    with pytest.raises(RateLimitedError) as caught:
        erp.ping()

    assert caught.value.retry_after == 7


def test_one_seed_gives_the_same_faults_again() -> None:
    def plan() -> list[Fault | None]:
        faults = seeded(random.Random(5), share=0.3)
        return [faults("create") for _ in range(200)]

    assert plan() == plan()


def test_about_the_share_of_the_calls_fails() -> None:
    faults = seeded(random.Random(5), share=0.1)

    met = Counter(fault.kind for _ in range(5000) if (fault := faults("create")))

    assert 400 < met.total() < 600
    assert set(met) == set(KINDS)


def test_what_may_not_fail_does_not() -> None:
    faults = seeded(random.Random(5), share=1, operations={"create"})

    assert [faults("find"), faults("create") is None] == [None, False]


# --- seen late ---------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "found"), [(4, 0), (5, 1)])
def test_a_new_record_is_not_found_at_once(clock: Clock, seconds: float, found: int) -> None:
    kind = memory_like("possible", search_lag=dt.timedelta(seconds=5))
    erp = kind(kind.ledger(clock=clock).call)
    erp.create(maria(), key="MARI01")

    clock.pass_(seconds)

    assert len(erp.find(Kind.PARTY, "MARI01")) == found
    assert len(erp.match(maria().party, "email")) == found


def test_a_new_record_can_be_got_at_once(clock: Clock) -> None:
    kind = memory_like("possible", search_lag=dt.timedelta(seconds=5))
    erp = kind(kind.ledger(clock=clock).call)

    made = erp.create(maria(), key="MARI01")

    assert erp.get(made.ref) is not None


def test_its_habits_are_declared() -> None:
    habits = memory_like(
        "same_answer", settle=dt.timedelta(seconds=9), search_lag=dt.timedelta(1), key_length=20
    ).capabilities

    assert set(habits.duplicates.values()) == {"same_answer"}
    assert (habits.settle.total_seconds(), habits.search_lag.days, habits.key_length) == (9, 1, 20)


def test_kinds_may_differ_in_their_habits(clock: Clock) -> None:
    kind = memory_like({Kind.PARTY: "refused", Kind.SALES_ORDER: "possible"})
    erp = kind(kind.ledger(clock=clock).call)
    for _ in range(2):
        erp.create(order(erp), key="uk-1")

    with pytest.raises(DuplicateError):
        erp.create(maria(), key="MARI01")


def test_a_kind_that_is_not_held_is_refused(clock: Clock) -> None:
    kind = memory_like({Kind.PARTY: "refused"})
    erp = kind(kind.ledger(clock=clock).call)

    with pytest.raises(RejectedError):
        erp.create(order(erp), key="uk-1")


# --- its books -----------------------------------------------------------------------


def test_numbers_follow_each_other(erp: Memory) -> None:
    quoted = [erp.advance(erp.create(order(erp), key=f"uk-{n}"), State.QUOTATION) for n in (1, 2)]

    assert [record.number for record in quoted] == ["SO-000001", "SO-000002"]


@pytest.mark.parametrize(("rounding", "tax"), [("line", "0.21"), ("document", "0.18")])
def test_tax_is_rounded_where_it_is_told(clock: Clock, rounding: Rounding, tax: str) -> None:
    master = Master(taxes={"VAT 20%": Decimal(20)})
    erp = Memory(Memory.ledger(clock=clock, rounding=rounding, master=master).call)

    totals = erp.preview(order(erp, *[line("0.13", "0.03")] * 7))

    assert totals.tax.amount == Decimal(tax)


def test_a_tax_of_no_known_rate_is_kept_as_it_was_charged(erp: Memory) -> None:
    assert erp.preview(order(erp, line("10.00", "1.23"))).tax.amount == Decimal("1.23")


def test_yen_have_no_cents(clock: Clock) -> None:
    master = Master(taxes={"VAT 20%": Decimal(10)})
    erp = Memory(Memory.ledger(clock=clock, master=master).call)

    totals = erp.preview(order(erp, line("1005", "0", "JPY"), currency="JPY"))

    assert str(totals.tax) == "101 JPY"


def test_an_order_without_lines_comes_to_nothing(erp: Memory) -> None:
    document = order(erp, lines=())

    assert not erp.preview(document).gross


@pytest.mark.parametrize("key", ["", "k" * 65])
def test_a_key_that_does_not_fit_is_refused(erp: Memory, key: str) -> None:
    with pytest.raises(RejectedError, match="64 characters"):
        erp.create(order(erp), key=key)


@pytest.mark.parametrize(
    "changes", [{"party": Ref("main", "party", "99")}, {"shipping_address": "99.1"}]
)
def test_an_order_of_nobody_or_to_nowhere_is_refused(erp: Memory, changes: Any) -> None:
    with pytest.raises(RejectedError):
        erp.create(order(erp, **changes), key="uk-1")


def test_a_voided_order_does_not_go_on(erp: Memory) -> None:
    voided = erp.void(erp.create(order(erp), key="uk-1"))

    with pytest.raises(RejectedError):
        erp.advance(voided, State.CONFIRMED)


def test_voiding_twice_is_voiding_once(erp: Memory) -> None:
    voided = erp.void(erp.create(order(erp), key="uk-1"))

    assert erp.void(voided) == voided


@pytest.mark.parametrize("currency", ["GBP", "EUR"])
def test_money_for_a_voided_order_or_in_another_currency_is_refused(
    erp: Memory, currency: str
) -> None:
    sale = erp.create(order(erp), key="uk-1")
    if currency == "GBP":
        erp.void(sale)
    money = Money(Decimal(12), currency)
    payment = PaymentDocument(sale.ref, sale.ref, money, START.date(), "Web payments", "ch_1")

    with pytest.raises(RejectedError):
        erp.create(payment, key="uk-1-p")


def test_an_address_of_nobody_is_refused(erp: Memory) -> None:
    with pytest.raises(RejectedError):
        erp.add_address(Ref("main", "party", "99"), Address(street="x"))


def test_an_unknown_operation_is_refused(ledger: Ledger) -> None:
    assert ledger.call("destroy", {})["error"]["code"] == "rejected"


def test_vat_numbers_are_compared_without_their_spacing(erp: Memory) -> None:
    made = erp.create(maria(vat_number="GB 123.456"), key="MARI01")

    (found,) = erp.match(maria(vat_number="gb123456").party, "vat_number")

    assert found.ref == made.ref


def test_no_more_than_three_matches_are_shown(erp: Memory) -> None:
    for n in range(5):
        erp.create(maria(), key=f"MARI{n}")

    assert len(erp.match(maria().party, "email")) == 3


def test_sales_are_read_back_with_lines_and_payments(ledger: Ledger, erp: Memory) -> None:
    sale = erp.advance(erp.create(order(erp), key="uk-1"), State.CONFIRMED)
    money = Money(Decimal(12), "GBP")
    erp.create(
        PaymentDocument(sale.ref, sale.ref, money, START.date(), "Web payments", "ch_1"),
        key="uk-1-p",
    )

    (read,) = ledger.sales()

    assert (read["key"], read["number"], read["state"]) == ("uk-1", "SO-000001", "confirmed")
    assert read["totals"]["gross"] == "12.00"
    assert [each["net"] for each in read["lines"]] == ["10.00"]
    assert [each["amount"] for each in read["payments"]] == ["12"]


def test_calls_are_counted(ledger: Ledger, erp: Memory) -> None:
    erp.ping()
    erp.ping()

    assert ledger.calls == {"ping": 2}


def test_all_that_is_said_is_plain_json(ledger: Ledger) -> None:
    def through_text(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        asked = json.loads(json.dumps(arguments))
        answer: dict[str, Any] = json.loads(json.dumps(ledger.call(operation, asked)))
        return answer

    erp = Memory(through_text)

    sale = erp.advance(erp.create(order(erp), key="uk-1"), State.CONFIRMED)

    assert erp.find(Kind.SALES_ORDER, "uk-1") == (sale,)


def test_many_threads_with_one_key_make_one_order(ledger: Ledger, erp: Memory) -> None:
    document = order(erp)

    def create(_: int) -> bool:
        try:
            erp.create(document, key="uk-1")
        except DuplicateError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(create, range(200)))

    assert (made.count(True), len(ledger.sales())) == (1, 1)
