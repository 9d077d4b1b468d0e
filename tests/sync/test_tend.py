"""The schedule that looks after tokens, and whom it asks."""

import datetime as dt

import httpx
import pytest

from accord.errors import NoConsentError, UnauthorizedError, UnavailableError
from accord.model.change import Change, Ref
from accord.ports.state import Cause, Parked
from accord.state.memory import MemoryAttention, MemoryWaiting
from accord.sync.remedies import REMEDIES
from accord.sync.tend import Tender
from tests.sync.consenting import ERP, Provider


class Tended:
    """A connection that is looked after, what waits, and what a person is asked."""

    def __init__(self) -> None:
        self.provider = Provider()
        self.waiting = MemoryWaiting()
        self.attention = MemoryAttention()
        self.turned_down: set[str] = set()

    def run(self, *names: str):
        return Tender(
            names=names or (ERP,),
            keeper=self._keeper,
            turned_down=self.turned_down.__contains__,
            waiting=self.waiting,
            attention=self.attention,
            clock=self.provider.clock,
        ).run()

    def asked(self) -> list[tuple[str, str, str]]:
        return [(item.subject, item.reason, item.owner) for item in self.attention.open()]

    def park(self) -> None:
        """An order met the same trouble."""
        now = self.provider.clock()
        change = Change(Ref("uk", "order", "30"), "order_created", now, "c1")
        self.waiting.park(Parked(change, ERP, UnauthorizedError.kind, "…", now, now))

    def _keeper(self, name: str):
        if name != ERP:
            raise UnavailableError(f"{name} is away")
        return self.provider.worker()


@pytest.fixture
def tended() -> Tended:
    made = Tended()
    made.provider.consent()
    return made


def refuse(tended: Tended) -> None:
    tended.provider.later(minutes=20)
    tended.provider.fake.hook = lambda _: httpx.Response(400, json={"error": "invalid_grant"})


def test_a_token_that_lasts_is_left_alone_and_nobody_asked(tended: Tended) -> None:
    (found,) = tended.run()

    assert (found.renewed, found.error) == (False, None)
    assert tended.asked() == []


def test_one_that_is_about_to_expire_is_renewed(tended: Tended) -> None:
    tended.provider.later(minutes=20)

    (found,) = tended.run()

    assert (found.renewed, found.error) == (True, None)


def test_a_lapsed_consent_is_one_item_with_its_remedy(tended: Tended) -> None:
    refuse(tended)

    for _ in range(3):
        (found,) = tended.run()
        assert isinstance(found.error, NoConsentError)

    assert tended.asked() == [(f"consent:{ERP}", "no_consent", "ops")]
    (item,) = tended.attention.open()
    assert "accord connect books" in item.message
    assert "accord connect" in REMEDIES[item.reason].do


def test_one_that_nobody_ever_allowed_is_asked_for_too() -> None:
    tended = Tended()

    tended.run()

    assert tended.asked() == [(f"consent:{ERP}", "no_consent", "ops")]


def test_the_item_closes_by_itself_once_it_is_allowed(tended: Tended) -> None:
    refuse(tended)
    tended.run()
    tended.provider.fake.hook = lambda _: None
    tended.provider.consent()

    tended.run()

    assert tended.asked() == []


def test_where_work_waits_for_the_same_there_is_one_item_and_not_two(tended: Tended) -> None:
    refuse(tended)
    tended.run()
    tended.park()  # whose own item the worker has opened

    tended.run()

    assert tended.asked() == []
    assert tended.waiting.count(Cause(ERP, "unauthorized")) == 1


def test_one_that_turns_good_tokens_down_is_told_in_each_run_until_it_lets_us_in(tended) -> None:
    """The organisation was disconnected there; the tokens go on being renewed."""
    tended.turned_down.add(ERP)

    for _ in range(5):
        (found,) = tended.run()
        assert isinstance(found.error, UnauthorizedError)
        assert (found.is_shut, found.error.reason) == (True, "unauthorized")
        tended.provider.later(minutes=5)

    assert tended.asked() == [(f"consent:{ERP}", "unauthorized", "ops")]
    (item,) = tended.attention.open()
    assert "accord connect books --again" in item.message

    tended.turned_down.clear()
    (found,) = tended.run()
    assert found.error is None
    assert tended.asked() == []


def test_while_work_waits_for_the_login_it_is_told_though_the_tokens_are_good(tended) -> None:
    """Its worker rang for nobody."""
    tended.park()

    (found,) = tended.run()

    assert found.is_shut
    assert tended.asked() == []  # the worker's own item is there


def test_a_provider_that_is_away_is_nobodys_to_mend(tended: Tended) -> None:
    tended.provider.later(minutes=20)
    tended.provider.fake.hook = lambda _: httpx.Response(503)

    (found,) = tended.run()

    assert isinstance(found.error, UnavailableError)
    assert tended.asked() == []


def test_an_item_stays_while_nobody_can_tell(tended: Tended) -> None:
    refuse(tended)
    tended.run()
    tended.provider.consent()
    tended.provider.later(minutes=20)
    tended.provider.fake.hook = lambda _: httpx.Response(503)

    tended.run()

    assert tended.asked() == [(f"consent:{ERP}", "no_consent", "ops")]


def test_an_item_stays_while_the_provider_asks_to_be_left_alone(tended: Tended) -> None:
    tended.provider.later(minutes=20)
    tended.provider.fake.client_secret = "another"
    tended.run()
    assert len(tended.asked()) == 1
    tended.provider.fake.hook = lambda _: httpx.Response(429, headers={"Retry-After": "600"})
    tended.provider.later(minutes=5)

    for _ in range(4):
        (found,) = tended.run()
        assert found.error is not None
        tended.provider.later(minutes=1)

    assert len(tended.asked()) == 1


def test_one_that_fails_keeps_no_other_waiting(tended: Tended) -> None:
    tended.provider.later(minutes=20)

    away, here = tended.run("away", ERP)

    assert isinstance(away.error, UnavailableError)
    assert here.renewed


def test_a_list_that_does_not_answer_is_told_after_the_tokens_were_renewed(tended: Tended) -> None:
    tended.provider.later(minutes=20)

    class Away(MemoryAttention):
        def of(self, subject: str):
            raise UnavailableError("the table is away")

    tended.attention = Away()

    (found,) = tended.run()

    assert found.renewed
    assert isinstance(found.error, UnavailableError)
    assert tended.provider.stored().renewed_at == tended.provider.clock()


def test_in_a_week_without_work_a_token_is_always_there(tended: Tended) -> None:
    for _ in range(7 * 24 * 12):
        tended.provider.later(minutes=5)
        (found,) = tended.run()
        assert found.error is None
        lasts = tended.provider.stored().expires_at - tended.provider.clock()
        assert lasts > dt.timedelta(minutes=7)
