"""The rest of an order's life in the ledger: what is its own, and what people do there."""

import datetime as dt
import itertools
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.erp.memory.adapter import Memory, memory_like
from accord.erp.memory.ledger import Ledger, Master
from accord.errors import (
    DisagreementError,
    RejectedError,
    UnavailableError,
    UnmappedError,
)
from accord.model.documents import (
    CreditDocument,
    Kind,
    PaymentDocument,
    Record,
    SalesDocument,
    State,
)
from accord.model.money import Money
from accord.model.party import Profile
from tests.erp.memory.made import START, Clock, line, maria, once, order

ONE = Decimal(1)


def gbp(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


def sold(erp: Memory, *lines: Any, key: str = "uk-1") -> Record:
    """A confirmed order, of three mugs at 36.00 with tax unless ``lines`` say otherwise."""
    three = replace(line("30.00", "6.00"), quantity=Decimal(3))
    return erp.advance(erp.create(order(erp, *(lines or (three,))), key=key), State.CONFIRMED)


def credit(erp: Memory, sale: Record, net: str = "10.00", tax: str = "2.00") -> CreditDocument:
    (party,) = erp.find(Kind.PARTY, "MARI01")
    return CreditDocument(
        number="1",
        order=sale.ref,
        party=party.ref,
        billing_address="",
        currency="GBP",
        issued_on=START.date(),
        lines=(line(net, tax),),
        total=gbp(net) + gbp(tax),
    )


def shipped(erp: Memory, sale: Record) -> str:
    found = erp.progress(sale.ref)
    assert found is not None
    return found.shipped


# --- confirmed, or not -----------------------------------------------------------


def on_hold(clock: Clock) -> Memory:
    return Memory(Memory.ledger(clock=clock, master=Master(on_hold={"MARI01"})).call)


def test_an_order_of_someone_on_credit_hold_is_not_confirmed(clock: Clock) -> None:
    erp = on_hold(clock)
    quoted = erp.advance(erp.create(order(erp), key="uk-1"), State.QUOTATION)

    with pytest.raises(DisagreementError) as caught:
        erp.advance(quoted, State.CONFIRMED)

    assert (caught.value.reason, caught.value.owner) == ("credit_hold", "finance")
    assert erp.get(quoted.ref) == quoted


def test_once_the_hold_is_lifted_it_is_confirmed(clock: Clock) -> None:
    held = {"MARI01"}
    erp = Memory(Memory.ledger(clock=clock, master=Master(on_hold=held)).call)
    made = erp.create(order(erp), key="uk-1")
    held.clear()

    assert erp.advance(made, State.CONFIRMED).state is State.CONFIRMED


def test_a_line_may_name_its_revenue_account(clock: Clock) -> None:
    erp = Memory(Memory.ledger(clock=clock, master=Master(accounts={"4000", "4100"})).call)

    made = erp.create(order(erp, replace(line(), revenue="4100")), key="uk-1")

    assert erp.capabilities.revenue
    assert made.state is State.DRAFT


def test_a_revenue_account_that_is_not_there_is_named(clock: Clock) -> None:
    erp = Memory(Memory.ledger(clock=clock, master=Master(accounts={"4000"})).call)

    with pytest.raises(UnmappedError) as caught:
        erp.create(order(erp, replace(line(), revenue="4100")), key="uk-1")

    assert caught.value.causes == ("account:4100",)


# --- shipped -----------------------------------------------------------------------


def test_more_than_was_ordered_is_not_shipped(erp: Memory) -> None:
    sale = sold(erp)
    erp.ship(sale.ref, {"MUG": Decimal(2)})

    with pytest.raises(RejectedError):
        erp.ship(sale.ref, {"MUG": Decimal(2)})

    assert shipped(erp, sale) == "part"


@pytest.mark.parametrize("items", [{}, {"MUG": Decimal(0)}, {"MUG": -ONE}, {"CUP": ONE}])
def test_what_cannot_leave_is_refused(erp: Memory, items: dict[str, Decimal]) -> None:
    sale = sold(erp)

    with pytest.raises(RejectedError):
        erp.ship(sale.ref, items)


def test_what_was_shipped_is_not_shipped_again(erp: Memory) -> None:
    sale = sold(erp)
    erp.ship(sale.ref)

    with pytest.raises(RejectedError):
        erp.ship(sale.ref)


@pytest.mark.parametrize("act", [Memory.ship, Memory.post_invoice, Memory.credit])
def test_nothing_comes_of_an_order_that_is_not_confirmed(erp: Memory, act: Any) -> None:
    quoted = erp.advance(erp.create(order(erp), key="uk-1"), State.QUOTATION)

    with pytest.raises(RejectedError, match="not confirmed"):
        act(erp, quoted.ref)


def test_one_item_on_two_lines_is_shipped_together(erp: Memory) -> None:
    sale = sold(erp, line(), line())

    erp.ship(sale.ref, {"MUG": Decimal(2)})

    assert shipped(erp, sale) == "all"


def test_a_service_is_never_shipped(erp: Memory) -> None:
    sale = sold(erp, line(), replace(line("4.99", "1.00"), item="SHIPPING"))

    shipment = erp.ship(sale.ref)

    found = erp.progress(sale.ref)
    assert found is not None
    assert [(each.ref, each.lines) for each in found.shipments] == [(shipment.ref, (("MUG", ONE),))]


def test_a_shipment_says_its_carrier(erp: Memory) -> None:
    sale = sold(erp)
    erp.ship(sale.ref, tracking="RM1", carrier="Royal Mail")

    found = erp.progress(sale.ref)

    assert found is not None
    assert (found.shipments[0].carrier, found.shipments[0].tracking) == ("Royal Mail", "RM1")


def test_a_shipment_whose_answer_was_lost_has_left(ledger: Ledger, erp: Memory) -> None:
    sale = sold(erp)
    ledger.faults = once("unanswered", on="ship")

    with pytest.raises(UnavailableError):
        erp.ship(sale.ref)

    assert shipped(erp, sale) == "all"


# --- invoiced ------------------------------------------------------------------------


def test_a_paid_invoice_is_paid(erp: Memory) -> None:
    sale = sold(erp)
    erp.post_invoice(sale.ref)
    erp.pay_invoice(sale.ref)

    found = erp.progress(sale.ref)

    assert found is not None
    assert [each.state for each in found.invoices] == ["paid"]


def test_an_invoice_is_not_paid_before_it_is_posted(erp: Memory) -> None:
    sale = sold(erp)

    with pytest.raises(RejectedError):
        erp.pay_invoice(sale.ref)


def test_posting_an_invoice_twice_is_posting_it_once(erp: Memory) -> None:
    sale = sold(erp)

    assert erp.post_invoice(sale.ref) == erp.post_invoice(sale.ref)


def test_an_invoice_shows_as_a_record_too(erp: Memory) -> None:
    posted = erp.post_invoice(sold(erp).ref)

    assert (posted.number, posted.state, erp.get(posted.ref)) == (
        "INV-000001",
        State.CONFIRMED,
        posted,
    )


def test_an_invoice_in_a_closed_month_is_not_posted(erp: Memory) -> None:
    sale = sold(erp)
    erp.close_period(START.date())

    with pytest.raises(UnmappedError) as caught:
        erp.post_invoice(sale.ref)

    assert caught.value.causes == ("period:2026-11",)


# --- credited ------------------------------------------------------------------------


def test_no_more_is_credited_than_was_sold(erp: Memory) -> None:
    sale = sold(erp)
    erp.create(credit(erp, sale, "20.00", "4.00"), key="uk-1-r1")

    with pytest.raises(RejectedError):
        erp.create(credit(erp, sale, "10.01", "2.00"), key="uk-1-r2")

    assert erp.find(Kind.CREDIT_NOTE, "uk-1-r2") == ()


def test_all_that_was_sold_can_be_credited(erp: Memory) -> None:
    sale = sold(erp)
    erp.create(credit(erp, sale, "20.00", "4.00"), key="uk-1-r1")

    made = erp.create(credit(erp, sale, "10.00", "2.00"), key="uk-1-r2")

    assert erp.advance(made, State.CONFIRMED).number == "CN-000001"


def test_an_order_that_is_not_confirmed_is_not_credited(erp: Memory) -> None:
    quoted = erp.advance(erp.create(order(erp), key="uk-1"), State.QUOTATION)

    with pytest.raises(RejectedError):
        erp.create(credit(erp, quoted), key="uk-1-r1")


def test_a_credit_note_in_another_currency_is_refused(erp: Memory) -> None:
    with pytest.raises(RejectedError):
        erp.create(replace(credit(erp, sold(erp)), currency="EUR"), key="uk-1-r1")


def test_a_credit_note_to_nowhere_is_refused(erp: Memory) -> None:
    with pytest.raises(RejectedError, match=r"no address 99\.1"):
        erp.create(replace(credit(erp, sold(erp)), billing_address="99.1"), key="uk-1-r1")


def test_a_credit_note_in_a_closed_month_is_refused(erp: Memory) -> None:
    document = credit(erp, sold(erp))
    erp.close_period(START.date())

    with pytest.raises(UnmappedError) as caught:
        erp.create(document, key="uk-1-r1")

    assert caught.value.causes == ("period:2026-11",)


def test_a_draft_whose_month_was_closed_meanwhile_is_not_booked(erp: Memory) -> None:
    made = erp.create(credit(erp, sold(erp)), key="uk-1-r1")
    erp.close_period(START.date())

    with pytest.raises(UnmappedError):
        erp.advance(made, State.CONFIRMED)


def test_a_quoted_credit_note_is_still_a_draft(erp: Memory) -> None:
    made = erp.create(credit(erp, sold(erp)), key="uk-1-r1")

    assert erp.advance(made, State.QUOTATION).state is State.DRAFT


def test_with_its_order_the_draft_of_a_credit_note_is_cancelled(erp: Memory) -> None:
    sale = sold(erp)
    made = erp.create(credit(erp, sale), key="uk-1-r1")
    erp.void(sale)

    with pytest.raises(RejectedError):
        erp.advance(made, State.CONFIRMED)


def test_an_order_with_a_booked_credit_note_is_not_cancelled(erp: Memory) -> None:
    sale = sold(erp)
    erp.advance(erp.create(credit(erp, sale), key="uk-1-r1"), State.CONFIRMED)

    with pytest.raises(DisagreementError) as caught:
        erp.void(sale)

    assert caught.value.reason == "invoiced"


@pytest.mark.parametrize(
    ("what", "gross", "tax"),
    [
        ({}, "36.00", "6.00"),
        ({"amount": gbp("6.00")}, "6.00", "1.00"),
        ({"items": {"MUG": ONE}}, "12.00", "2.00"),
    ],
)
def test_a_person_credits_the_rest_an_amount_or_items(
    erp: Memory, what: dict[str, Any], gross: str, tax: str
) -> None:
    note = erp.credit(sold(erp).ref, **what)

    assert note.totals is not None
    assert (note.key, note.totals.gross, note.totals.tax) == (None, gbp(gross), gbp(tax))


@pytest.mark.parametrize(
    "what", [{"amount": gbp("36.01")}, {"items": {"MUG": Decimal(4)}}, {"items": {}}]
)
def test_a_person_does_not_credit_more_than_there_is(erp: Memory, what: dict[str, Any]) -> None:
    sale = sold(erp)

    with pytest.raises(RejectedError):
        erp.credit(sale.ref, **what)


def test_of_what_was_credited_there_is_nothing_left(erp: Memory) -> None:
    sale = sold(erp)
    erp.credit(sale.ref)

    with pytest.raises(RejectedError):
        erp.credit(sale.ref)


# --- closed books ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "day"),
    [
        (dt.date(2026, 9, 30), dt.date(2026, 10, 1)),
        (dt.date(2026, 10, 1), dt.date(2026, 10, 1)),
        (dt.date(2026, 12, 24), dt.date(2027, 1, 1)),
        (dt.date(2027, 2, 1), None),
    ],
)
def test_the_next_open_day(clock: Clock, asked: dt.date, day: dt.date | None) -> None:
    master = Master(closed_until=dt.date(2026, 9, 30), open_until=dt.date(2027, 1, 31))
    erp = Memory(Memory.ledger(clock=clock, master=master).call)
    for month in (11, 12):
        erp.close_period(dt.date(2026, month, 15))

    assert erp.open_day(Kind.CREDIT_NOTE, asked) == day


def test_a_payment_after_the_last_period_is_refused(clock: Clock) -> None:
    master = Master(open_until=dt.date(2026, 10, 31))
    erp = Memory(Memory.ledger(clock=clock, master=master).call)
    sale = sold(erp)
    money = PaymentDocument(sale.ref, sale.ref, gbp("36"), START.date(), "Bank", "ch_1")

    with pytest.raises(UnmappedError):
        erp.create(money, key="uk-1-p")


# --- told late ---------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "told"), [(4, 0), (5, 1)])
def test_what_searches_do_not_show_yet_is_not_told(clock: Clock, seconds: float, told: int) -> None:
    kind = memory_like("refused", search_lag=dt.timedelta(seconds=5))
    erp = kind(kind.ledger(clock=clock).call)
    erp.create(maria(), key="MARI01")

    clock.pass_(seconds)

    assert len(erp.changes(Kind.PARTY, START - dt.timedelta(1))) == told


def test_some_changes_are_told_late_with_their_true_time(clock: Clock) -> None:
    kind = memory_like("refused", news_lag=dt.timedelta(seconds=90))
    erp = kind(kind.ledger(clock=clock).call)
    for n in range(6):
        clock.pass_(1)
        erp.create(maria(), key=f"MARI{n}")
    since = START
    at_first = [news.at for news in erp.changes(Kind.PARTY, since)]

    clock.pass_(90)

    in_the_end = [news.at for news in erp.changes(Kind.PARTY, since)]
    assert (len(at_first), len(in_the_end)) == (4, 6)
    assert sorted(in_the_end) == in_the_end
    assert min(set(in_the_end) - set(at_first)) < max(at_first)


def test_its_overlap_is_as_long_as_it_is_late() -> None:
    lag = dt.timedelta(minutes=9)

    assert memory_like("refused", search_lag=lag, news_lag=lag).capabilities.overlap == 2 * lag


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["make", "edit", "wait", "poll"]), st.integers(0, 5)),
        max_size=40,
    ),
    limit=st.integers(1, 4),
)
def test_whoever_reads_back_by_the_overlap_misses_nothing(
    steps: list[tuple[str, int]], limit: int
) -> None:
    clock = Clock()
    kind = memory_like("refused", news_lag=dt.timedelta(seconds=60))
    erp = kind(kind.ledger(clock=clock).call)
    seen: set[tuple[str, str]] = set()
    cursor = START

    def poll() -> dt.datetime:
        since, after, last = cursor - kind.capabilities.overlap, "", cursor
        while page := erp.changes(Kind.PARTY, since, after=after, limit=limit):
            seen.update((news.ref.id, news.version) for news in page)
            assert (since, after) != (page[-1].at, page[-1].ref.id)
            since, after = page[-1].at, page[-1].ref.id
            last = max(last, since)
        return last

    codes: list[str] = []
    for serial, (step, n) in enumerate(steps):
        if step == "make":
            codes.append(erp.create(maria(), key=f"P{serial}").number)
        elif step == "edit" and codes:
            erp.edit_party(codes[n % len(codes)], phone=str(serial))
        elif step == "wait":
            clock.pass_(n * 10)
        else:
            cursor = poll()
    clock.pass_(60)
    poll()

    there = [erp.find(Kind.PARTY, code)[0] for code in codes]
    assert {(record.ref.id, record.version) for record in there} <= seen


def test_changes_of_payments_are_not_told(erp: Memory) -> None:
    with pytest.raises(RejectedError):
        erp.changes(Kind.PAYMENT, START)


# --- who buys ------------------------------------------------------------------------------


def test_price_group_and_terms_are_kept(erp: Memory) -> None:
    made = erp.create(maria(), key="MARI01")
    groups = Profile(price_group="Wholesale", payment_terms="30 days")

    after, _ = erp.update_profile(made.ref, groups, version=made.version)

    assert (after.price_group, after.payment_terms) == ("Wholesale", "30 days")


def test_a_price_group_that_is_not_there_is_named(clock: Clock) -> None:
    erp = Memory(Memory.ledger(clock=clock, master=Master(price_groups={"Retail"})).call)
    made = erp.create(maria(), key="MARI01")

    with pytest.raises(UnmappedError) as caught:
        erp.update_profile(made.ref, Profile(price_group="Wholesale"), version=made.version)

    assert caught.value.causes == ("price_group:Wholesale",)


def test_writing_what_is_there_makes_no_new_version(erp: Memory) -> None:
    made = erp.create(maria(), key="MARI01")

    _, version = erp.update_profile(made.ref, Profile(name="Maria Jones"), version=made.version)

    assert version == made.version


def test_an_address_that_a_profile_gets_is_the_partys(erp: Memory) -> None:
    made = erp.create(maria(), key="MARI01")
    away = replace(maria().party.billing, street="2 Low Street")

    erp.update_profile(made.ref, Profile(shipping=away), version=made.version)

    found = erp.get(made.ref)
    assert found is not None
    assert away.fingerprint in dict(found.addresses)


def test_nobody_can_be_edited(erp: Memory) -> None:
    with pytest.raises(RejectedError):
        erp.edit_party("NOBODY", name="X")


def test_a_field_that_parties_lack_is_refused(ledger: Ledger, erp: Memory) -> None:
    erp.create(maria(), key="MARI01")

    answer = ledger.call("edit_party", {"code": "MARI01", "changes": {"shoe_size": "39"}})

    assert answer["error"]["code"] == "rejected"


# --- all of it -------------------------------------------------------------------------------


def test_a_printed_page_names_its_document(erp: Memory) -> None:
    posted = erp.post_invoice(sold(erp).ref)

    printed = erp.document(posted.ref)

    assert printed is not None
    assert (printed.name, printed.content_type) == ("INV-000001.pdf", "application/pdf")
    assert printed.data.startswith(b"%PDF-")
    assert b"Invoice INV-000001 of order SO-000001" in printed.data


def test_sales_are_read_back_with_all_that_came_of_them(ledger: Ledger, erp: Memory) -> None:
    sale = sold(erp)
    erp.ship(sale.ref, {"MUG": ONE}, tracking="RM1")
    erp.post_invoice(sale.ref)
    erp.advance(erp.create(credit(erp, sale), key="uk-1-r1"), State.CONFIRMED)

    (read,) = ledger.sales()

    assert [(each["state"], each["items"]) for each in read["shipments"]] == [
        ("done", {"MUG": "1"}),
        ("open", {"MUG": "2"}),
    ]
    assert [each["totals"]["gross"] for each in read["invoices"]] == ["36.00"]
    assert [(each["key"], each["totals"]["gross"]) for each in read["credit_notes"]] == [
        ("uk-1-r1", "12.00")
    ]


_ACTS = st.one_of(
    st.tuples(st.just("ship"), st.sampled_from(["MUG", "CUP"]), st.integers(1, 4)),
    st.tuples(st.just("credit"), st.integers(1, 4000), st.integers(0, 800)),
    st.tuples(st.just("by hand"), st.integers(1, 4000), st.just(0)),
    st.tuples(st.sampled_from(["invoice", "book", "cancel"]), st.just(0), st.just(0)),
)


@settings(max_examples=150, deadline=None)
@given(acts=st.lists(_ACTS, max_size=15))
def test_whatever_is_done_no_more_leaves_or_is_credited_than_was_sold(
    acts: list[tuple[str, Any, int]],
) -> None:
    ledger = Memory.ledger(clock=lambda: START)
    erp = Memory(ledger.call)
    mugs = replace(line("30.00", "6.00"), quantity=Decimal(3))
    cups = replace(line("5.55", "1.11"), item="CUP", quantity=Decimal(2))
    sale = sold(erp, mugs, cups)
    ordered = {"MUG": 3, "CUP": 2}
    left = dict(ordered)
    keys = (f"uk-1-r{n}" for n in itertools.count(1))

    def act(what: str, one: Any, two: int) -> None:
        match what:
            case "ship":
                erp.ship(sale.ref, {one: Decimal(two)})
                left[one] -= two
            case "credit":
                net, tax = (str(Decimal(cents).scaleb(-2)) for cents in (one, two))
                erp.create(credit(erp, sale, net, tax), key=next(keys))
            case "by hand":
                erp.credit(sale.ref, Money(Decimal(one).scaleb(-2), "GBP"))
            case "invoice":
                erp.post_invoice(sale.ref)
            case "book":
                for n in range(1, 4):
                    for note in erp.find(Kind.CREDIT_NOTE, f"uk-1-r{n}"):
                        erp.advance(note, State.CONFIRMED)
            case "cancel":
                erp.cancel(sale.ref)

    for each in acts:
        try:
            act(*each)
        except (RejectedError, DisagreementError):
            continue

    found = erp.progress(sale.ref)
    assert found is not None
    notes = [e for e in found.invoices if e.kind is Kind.CREDIT_NOTE and e.state != "cancelled"]
    assert sum(note.totals.gross.amount for note in notes) <= Decimal("42.66")
    assert found.shipped == ("none" if left == ordered else "part" if any(left.values()) else "all")
    assert min(left.values()) >= 0


def test_amending_is_a_document_like_any(erp: Memory) -> None:
    made = erp.create(order(erp), key="uk-1")
    stranger = replace(order(erp), shipping_address="99.1")

    with pytest.raises(RejectedError):
        erp.amend(made, stranger)


def test_amending_with_what_is_there_makes_no_new_version(erp: Memory) -> None:
    document: SalesDocument = order(erp)
    made = erp.create(document, key="uk-1")

    assert erp.amend(made, document).version == made.version
