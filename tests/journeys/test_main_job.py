"""A delivery becomes one order in the books with its money, whatever happens, in each back office."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from accord.local.hooked import KilledError
from accord.local.offices.office import Office
from accord.model.documents import State
from tests.journeys.conftest import BACK_OFFICES, RELEASES, NewOffice, at_home, fresh

TOTAL = Decimal("213.02")
WRITTEN = ("after erp.create", "after erp.advance")


def arrived(office: Office) -> dict[str, Any]:
    """A paid order of a new shopper, wherever it has come to."""
    order = at_home(office, fresh())
    office.deliver(order)
    office.drain()
    return order


def assert_once(office: Office, order: dict[str, Any]) -> None:
    (sold,) = office.sold()
    assert (sold.key, sold.state, sold.gross) == (f"uk-{order['id']}", State.CONFIRMED, TOTAL)
    assert office.money() == [TOTAL]
    assert office.parties() == 1
    notes = office.store.notes[str(order["id"])]
    assert len([note for note in notes if note.startswith("Sales order ")]) == 1
    assert len(notes) == len(set(notes)) <= 2  # a second one where it is invoiced at once
    assert office.attention.open() == []
    assert office.waiting.causes() == []


@pytest.mark.parametrize("back_office", [*BACK_OFFICES, *RELEASES], indirect=True)
def test_a_delivery_becomes_a_confirmed_order_with_its_payment(office: Office) -> None:
    assert_once(office, arrived(office))


def test_what_is_told_again_is_there_once(office: Office) -> None:
    order = arrived(office)

    for topic in ("order.created", "order.updated"):
        office.deliver(order, topic)
    office.drain()

    assert_once(office, order)


@pytest.mark.parametrize(
    "back_office", [each for each in BACK_OFFICES if each.values != ("memory",)], indirect=True
)
def test_killed_at_any_moment_it_is_done_once(new_office: NewOffice) -> None:
    """After a call is before the next one: between two of them nothing leaves the worker.

    On a real server only after its own writes; ``test_crash_on_tryton`` has the other moments.
    On the in-memory ledger it is in ``tests/sync/test_exactly_once``, for each habit of duplicates.
    """
    office = new_office()
    moments: list[str] = []
    office.hook = moments.append
    arrived(office)
    assert {"before erp.create", "after erp.create", "after erp.advance"} <= set(moments)

    for fatal, moment in enumerate(moments):
        if (fatal and moment.startswith("before ")) or (office.is_real and moment not in WRITTEN):
            continue
        here = new_office()
        passed = iter(range(len(moments) + 1))

        def kill(called: str, fatal: int = fatal, passed: Any = passed) -> None:
            if next(passed, None) == fatal:
                raise KilledError(called)

        here.hook = kill
        order = arrived(here)
        here.hook = lambda _: None
        assert_once(here, order)


@pytest.mark.parametrize("done", [False, True], ids=["not done", "done"])
def test_an_answer_that_is_lost_is_asked_for_again(new_office: NewOffice, *, done: bool) -> None:
    for write in new_office().writes:
        here = new_office()
        here.wire.lose(write, done=done)

        order = arrived(here)

        assert here.wire.is_spent, f"{write} was never asked for"
        assert_once(here, order)


def test_what_arrives_late_changes_nothing(new_office: NewOffice) -> None:
    """A request that nobody waits for any more takes effect after its repetition did."""
    for write in new_office().keyed:
        here = new_office()
        here.wire.keep(write)
        order = arrived(here)
        assert_once(here, order)
        before = here.sold()

        answers = here.wire.arrive()

        assert [answer.status_code for answer in answers] == [httpx.codes.OK]
        assert_once(here, order)
        assert here.sold() == before


def test_a_back_office_that_is_away_is_waited_for(office: Office) -> None:
    office.wire.be_away(5)

    order = arrived(office)

    assert office.wire.is_spent
    assert_once(office, order)
