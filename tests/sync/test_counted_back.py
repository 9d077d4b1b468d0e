"""Which refunded pieces a credit note counts back: as many as the store put back, each once."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from accord.model.change import Ref
from accord.model.documents import (
    DocumentLine,
    LineKind,
    OrderLine,
    PaymentInfo,
    Refund,
    SalesOrder,
)
from accord.model.money import Money
from accord.model.party import Address, Party
from accord.ports.state import Link
from accord.sync.counted_back import counted_back, counting_back, returned

NOW = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
ORDER = Ref("uk", "order", "30")
LINE = "5"
NOTHING = Money.zero("GBP")
NOWHERE = Address()
PARTY = Party("Grace", "", "", "", "", None, NOWHERE, NOWHERE)


def line(quantity: int, *, restocked: int = 0, kind: LineKind = "item") -> OrderLine:
    return OrderLine(
        LINE, kind, "MUG", "A mug", Decimal(quantity), NOTHING, restocked=Decimal(restocked)
    )


def order(restocked: int, kind: LineKind = "item") -> SalesOrder:
    return SalesOrder(
        ref=ORDER,
        number="30",
        status="processing",
        currency="GBP",
        placed_at=NOW,
        modified_at=NOW,
        party=PARTY,
        lines=(line(9, restocked=restocked, kind=kind),),
        total=NOTHING,
        rounding=NOTHING,
        payment=PaymentInfo("cod", "Cash"),
    )


def refund(id_: str, pieces: int) -> Refund:
    ref = Ref("uk", "refund", id_)
    return Refund(ref, ORDER, NOW, NOTHING, (line(pieces),), NOTHING)


def fixed(
    link: Link, each: Refund, restocked: int, every: Sequence[Refund], booked: Sequence[str] = ()
) -> Link:
    facts = counting_back(link, order(restocked), each, every, credited=booked)
    return replace(link, facts=facts)


def pieces(link: Link, each: Refund) -> int:
    found = counted_back(link, each)
    assert found is not None
    return int(found.get(LINE, 0))


LINK = Link(ORDER, "uk-30", 1)


def test_nothing_is_fixed_before_it_is() -> None:
    assert counted_back(LINK, refund("1", 2)) is None


def test_no_more_than_the_refund_takes_and_no_more_than_was_put_back() -> None:
    one = refund("1", 2)

    assert [pieces(fixed(LINK, one, n, [one]), one) for n in (0, 1, 2, 5)] == [0, 1, 2, 2]


def test_that_it_counts_none_is_fixed_too() -> None:
    one = refund("1", 2)

    assert counted_back(fixed(LINK, one, 0, [one]), one) == {}


def test_a_refund_of_which_nothing_is_known_counts_as_seen_to_once_it_is_booked() -> None:
    one, two = refund("1", 2), refund("2", 2)

    assert pieces(fixed(LINK, two, 2, [one, two], booked=["1"]), two) == 0
    assert pieces(fixed(LINK, two, 2, [one, two]), two) == 2


def test_a_refund_that_is_gone_gives_up_what_it_was_to_count() -> None:
    one, two = refund("1", 2), refund("2", 2)
    link = fixed(LINK, one, 2, [one, two])

    assert pieces(fixed(link, two, 2, [two]), two) == 2
    assert pieces(fixed(link, two, 2, [two], booked=["1"]), two) == 0


def test_shipping_is_no_piece() -> None:
    one = refund("1", 1)
    facts = counting_back(LINK, order(1, kind="shipping"), one, [one], credited=())

    assert pieces(replace(LINK, facts=facts), one) == 0


def test_other_facts_stay() -> None:
    one = refund("1", 1)
    link = replace(LINK, facts={"status": "processing"})

    assert fixed(link, one, 1, [one]).facts["status"] == "processing"


def test_lines_say_what_they_bring_back() -> None:
    mug = DocumentLine("A mug", Decimal(3), NOTHING, item="MUG", source=LINE)
    cents = DocumentLine("Rounding", Decimal(1), NOTHING, account="4000")

    found = returned([mug, cents], {LINE: Decimal(2)})

    assert [each.returned for each in found] == [2, 0]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=6),
    st.data(),
)
def test_all_that_was_put_back_is_counted_once_whenever_it_is_seen(
    refunds: list[tuple[int, bool]], data: st.DataObject
) -> None:
    """Credit notes are written in any order, each at a time when the store had put back what it
    puts back for that refund at least."""
    every = [refund(str(n), count) for n, (count, _) in enumerate(refunds)]
    back = [count if restocks else 0 for count, restocks in refunds]
    turns = data.draw(st.permutations(range(len(every))))
    link, booked = LINK, list[str]()
    seen = set[int]()
    for n in turns:
        seen |= {n} | set(data.draw(st.sets(st.sampled_from(range(len(every))))))
        link = fixed(link, every[n], sum(back[each] for each in seen), every, booked)
        booked.append(str(n))

    assert sum(pieces(link, each) for each in every) == sum(back)
    assert all(pieces(link, each) <= count for each, (count, _) in zip(every, refunds, strict=True))
