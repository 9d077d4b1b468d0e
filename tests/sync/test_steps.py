"""One outgoing write: when it is done, when it is looked for, when it is left for later."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from accord.errors import (
    AccordError,
    DisagreementError,
    DuplicateError,
    RejectedError,
    TransientError,
    UnauthorizedError,
    UnavailableError,
)
from accord.model.change import Ref
from accord.model.documents import Record, State, Totals
from accord.model.money import Money
from accord.ports.erp import Duplicates
from accord.state.memory import MemorySteps
from accord.sync.steps import Promise, Writer, adopt, to_record, to_result

START = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
SETTLE = dt.timedelta(seconds=30)
Result = Mapping[str, Any]


class Far:
    """The other side: what it holds, and what it was asked."""

    def __init__(self) -> None:
        self.now = START
        self.steps = MemorySteps()
        self.held: list[Result] = []
        self.asked: list[str] = []
        self.error: AccordError | None = None
        self.effect = True  # of a write that fails

    def find(self, _: object) -> Result | None:
        self.asked.append("find")
        return self.held[0] if self.held else None

    def do(self, _: object) -> Result:
        self.asked.append("do")
        error, self.error = self.error, None
        if error is None or self.effect:
            self.held.append({"n": len(self.held)})
        if error is not None:
            raise error
        return self.held[-1]

    def once(
        self,
        duplicates: Duplicates = "possible",
        *,
        recovering: bool = False,
        lag: float = 0,
        find_unasked: bool = True,
    ) -> Result:
        writer = Writer(self.steps, lambda: self.now, lambda: recovering)
        promise = Promise(duplicates, SETTLE, dt.timedelta(seconds=lag))
        return writer.once("k", promise, find=self.find, do=self.do, find_unasked=find_unasked)


@pytest.fixture
def far() -> Far:
    return Far()


def test_a_result_that_is_stored_is_the_answer(far: Far) -> None:
    assert far.once() == far.once()
    assert far.asked == ["find", "do"]


@pytest.mark.parametrize(
    ("duplicates", "asked"),
    [("refused", ["do"]), ("same_answer", ["do"]), ("possible", ["find", "do"])],
)
def test_a_first_write_looks_before_only_where_two_may_come_of_it(
    far: Far, duplicates: Duplicates, asked: list[str]
) -> None:
    far.once(duplicates)

    assert far.asked == asked


def test_what_nobody_else_makes_is_not_looked_for_at_first(far: Far) -> None:
    far.once(find_unasked=False)

    assert far.asked == ["do"]


@pytest.mark.parametrize("duplicates", ["refused", "same_answer", "possible"])
def test_while_our_records_may_be_younger_everything_is_looked_for(
    far: Far, duplicates: Duplicates
) -> None:
    far.held.append({"n": "theirs"})

    assert far.once(duplicates, recovering=True, find_unasked=False) == {"n": "theirs"}


@pytest.mark.parametrize("duplicates", ["refused", "same_answer", "possible"])
def test_an_unanswered_write_that_took_effect_is_found(far: Far, duplicates: Duplicates) -> None:
    far.error = UnavailableError("no answer")
    with pytest.raises(UnavailableError):
        far.once(duplicates)
    far.now += SETTLE

    assert far.once(duplicates) == {"n": 0}
    assert len(far.held) == 1


def test_an_unanswered_write_is_left_alone_while_it_may_take_effect(far: Far) -> None:
    far.error = UnavailableError("no answer")
    with pytest.raises(UnavailableError):
        far.once()
    far.now += SETTLE / 2
    with pytest.raises(TransientError) as caught:
        far.once()

    assert caught.value.retry_after == SETTLE.total_seconds() / 2
    assert far.asked == ["find", "do"]


def test_one_that_surely_came_to_nothing_is_written_again(far: Far) -> None:
    far.error, far.effect = UnavailableError("no answer"), False
    with pytest.raises(UnavailableError):
        far.once()
    far.now += SETTLE
    far.once()

    assert len(far.held) == 1
    assert far.asked == ["find", "do", "find", "find", "do"]


def test_where_a_search_lags_it_is_made_twice_before_writing_again(far: Far) -> None:
    far.error, far.effect = UnavailableError("no answer"), False
    with pytest.raises(UnavailableError):
        far.once(lag=40)
    far.now += SETTLE
    with pytest.raises(TransientError):
        far.once(lag=40)
    far.now += dt.timedelta(seconds=40)
    far.once(lag=40)

    assert len(far.held) == 1


@pytest.mark.parametrize(
    "error",
    [
        RejectedError("no"),
        UnauthorizedError("no", connection="main"),
        UnavailableError("no", sent=False),
    ],
)
def test_what_surely_had_no_effect_is_free_to_be_tried_at_once(
    far: Far, error: AccordError
) -> None:
    far.error, far.effect = error, False
    with pytest.raises(type(error)):
        far.once()

    far.once()
    assert len(far.held) == 1


def test_a_duplicate_is_the_one_that_is_there(far: Far) -> None:
    far.error = DuplicateError("it is there")

    assert far.once("refused") == {"n": 0}


def test_a_duplicate_that_cannot_be_found_is_no_result(far: Far) -> None:
    far.error, far.effect = DuplicateError("someone else's"), False

    with pytest.raises(DuplicateError):
        far.once("refused")


# --- records -----------------------------------------------------------------


def record(**fields: Any) -> Record:
    net, tax, gross = (Money(Decimal(text), "GBP") for text in ("10.00", "2.00", "12.00"))
    made = Record(
        ref=Ref("main", "sales_order", "7"),
        number="SO-7",
        state=State.QUOTATION,
        totals=Totals(net, tax, gross),
        version="3",
        addresses=(("print", "1"),),
    )
    return replace(made, **fields)


def test_a_record_comes_back_as_it_was_kept() -> None:
    assert to_record(to_result(record())) == record()


def test_nothing_found_is_nothing_to_adopt() -> None:
    assert adopt((), what="order uk-1") is None


def test_one_of_the_right_total_is_ours() -> None:
    assert adopt((record(),), what="order uk-1", total=Money(Decimal(12), "GBP")) == record()


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ((record(), record()), "double_document"),
        ((record(state=State.VOIDED),), "voided"),
    ],
)
def test_what_a_person_must_settle_is_not_adopted(found: tuple[Record, ...], reason: str) -> None:
    with pytest.raises(DisagreementError) as caught:
        adopt(found, what="order uk-1")

    assert caught.value.reason == reason


@pytest.mark.parametrize("total", [Money(Decimal("12.01"), "GBP"), Money(Decimal(12), "EUR")])
def test_another_total_or_currency_is_not_adopted(total: Money) -> None:
    with pytest.raises(DisagreementError, match=r"12\.00 GBP in the back office"):
        adopt((record(),), what="order uk-1", total=total)
