"""One renews for all, and no rotated token is ever lost."""

import datetime as dt
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import Random

import httpx
import pytest

from accord.errors import (
    AccordError,
    NoConsentError,
    RateLimitedError,
    TransientError,
    UnauthorizedError,
    UnavailableError,
)
from accord.local.hooked import KilledError
from accord.ports.tokens import Access
from tests.sync.consenting import ERP, OAUTH, SHOP, Provider

STEPS = (
    "before tokens.get",
    "after tokens.get",
    "before tokens.lease",
    "after tokens.lease",
    "before identity.renew",
    "after identity.renew",
    "before tokens.renew",
    "after tokens.renew",
)


@pytest.fixture
def provider() -> Provider:
    made = Provider()
    made.consent()
    return made


def test_before_anybody_consents_the_work_waits_for_a_person() -> None:
    with pytest.raises(NoConsentError, match="accord connect books") as raised:
        Provider().worker().access()

    assert (raised.value.cause, raised.value.owner) == ("unauthorized", "ops")
    assert raised.value.connection == ERP


def test_a_token_that_lasts_is_given_and_nobody_asked(provider: Provider) -> None:
    worker = provider.worker()
    looks: list[str] = []
    provider.hook = looks.append

    access = worker.access()
    assert worker.access() == access

    assert provider.is_let_in(access.token)
    assert access.tenant == SHOP.id
    assert looks == ["before tokens.get", "after tokens.get"]
    assert provider.fake.calls["renew"] == 0


def test_a_token_is_renewed_before_it_expires(provider: Provider) -> None:
    worker = provider.worker()
    first = worker.access()
    provider.later(minutes=28)

    second = worker.access()

    assert second.token != first.token
    assert provider.is_let_in(second.token)
    assert provider.stored().access == second.token
    assert (provider.stored().owner, provider.stored().tried_at) == ("", None)


def test_a_token_that_the_back_office_calls_expired_is_renewed(provider: Provider) -> None:
    worker = provider.worker()
    refused = worker.access()
    provider.later(minutes=5)
    provider.fake.expire()

    access = worker.renewed(refused)

    assert provider.is_let_in(access.token)
    assert provider.fake.calls["renew"] == 1


def test_whoever_is_refused_an_old_token_takes_the_one_that_is_there(provider: Provider) -> None:
    slow, quick = provider.worker(), provider.worker()
    refused = slow.access()
    provider.later(minutes=28)
    renewed = quick.access()

    assert slow.renewed(refused) == renewed
    assert provider.fake.calls["renew"] == 1


def test_a_new_token_that_is_refused_is_not_renewed_over_and_over(provider: Provider) -> None:
    """Its consent was withdrawn on the back office's side: a person must look."""
    worker = provider.worker()

    with pytest.raises(NoConsentError, match="withdrawn"):
        worker.renewed(worker.access())

    assert provider.fake.calls["renew"] == 0


def test_a_refresh_token_that_stays_the_same_is_kept(provider: Provider) -> None:
    """RFC 6749, 6: an answer need not hold a new one."""
    before = provider.stored().refresh
    answer = {"access_token": "at-x", "expires_in": 1800, "token_type": "bearer"}
    provider.fake.hook = lambda what: httpx.Response(200, json=answer)
    provider.later(minutes=29)

    assert provider.worker().access() == Access("at-x", SHOP.id)
    assert (provider.stored().refresh, provider.stored().spent) == (before, "")


# --- many at once -----------------------------------------------------------------


@pytest.mark.parametrize("expired", [False, True])
def test_fifty_workers_at_once_are_one_renewal(provider: Provider, expired: bool) -> None:
    provider.later(minutes=31 if expired else 28)
    old = provider.stored().access
    got: list[Access] = []
    failed: list[AccordError] = []
    slow = threading.Barrier(50)

    def take_long(_: str) -> None:
        time.sleep(0.2)

    provider.fake.hook = take_long

    def work() -> None:
        slow.wait()
        try:
            got.append(provider.worker(pause=lambda _: time.sleep(0.02)).access())
        except AccordError as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert len(got) == 50
    assert provider.fake.calls["renew"] == 1
    assert all(provider.is_let_in(access.token) for access in got) or not expired
    assert {access.token for access in got} <= {old, provider.stored().access}
    if expired:
        assert {access.token for access in got} == {provider.stored().access}
    provider.fake.hook = lambda _: None
    provider.later(minutes=28)
    assert provider.is_let_in(provider.worker().access().token)  # what is stored goes on


def test_while_one_renews_the_others_use_what_still_lasts(provider: Provider) -> None:
    old = provider.stored().access
    provider.later(minutes=28)
    meanwhile: list[Access] = []
    other = provider.worker()
    provider.hook = lambda step: (
        meanwhile.append(other.access())
        if step == "before identity.renew" and not meanwhile
        else None
    )

    access = provider.worker().access()

    assert meanwhile == [Access(old, SHOP.id)]
    assert access.token != old
    assert provider.fake.calls["renew"] == 1


def test_who_waits_too_long_for_another_comes_again(provider: Provider) -> None:
    provider.later(minutes=31)
    provider.hook = _killing("before identity.renew")
    with pytest.raises(KilledError):
        provider.worker().access()
    began = provider.clock()

    with pytest.raises(UnavailableError, match="no new one"):
        provider.worker().access()

    assert dt.timedelta(seconds=8) <= provider.clock() - began <= dt.timedelta(seconds=9)
    assert provider.fake.calls["renew"] == 0


# --- dying ------------------------------------------------------------------------


def _killing(step: str):
    """Kills the first worker that comes to ``step``."""
    killed: list[str] = []

    def hook(at: str) -> None:
        if at == step and not killed:
            killed.append(at)
            raise KilledError(at)

    return hook


@pytest.mark.parametrize("after_s", [41, 29 * 60], ids=["soon", "as late as the grace allows"])
@pytest.mark.parametrize("step", STEPS)
def test_who_dies_at_a_step_loses_no_token(provider: Provider, step: str, after_s: int) -> None:
    provider.later(minutes=31)
    provider.hook = _killing(step)
    with pytest.raises(KilledError):
        provider.worker().access()

    provider.later(seconds=after_s)
    access = provider.worker().access()

    assert provider.is_let_in(access.token)
    assert provider.stored().access == access.token
    for _ in range(3):  # and it goes on: what is stored is what the provider holds
        provider.later(minutes=29)
        assert provider.is_let_in(provider.worker().access().token)


@pytest.mark.parametrize("first", STEPS)
@pytest.mark.parametrize("second", STEPS)
def test_two_who_die_one_after_the_other_lose_no_token(provider, first: str, second: str) -> None:
    provider.later(minutes=31)
    for step in (first, second):
        provider.hook = _killing(step)
        try:
            provider.worker().access()
        except KilledError:
            provider.later(seconds=41)

    assert provider.is_let_in(provider.worker().access().token)


def test_every_step_of_a_renewal_is_among_those_at_which_one_dies(provider: Provider) -> None:
    provider.later(minutes=31)
    seen: list[str] = []
    provider.hook = seen.append

    provider.worker().access()

    assert tuple(seen) == STEPS


def test_new_tokens_are_stored_before_anybody_uses_them(provider: Provider) -> None:
    provider.later(minutes=31)
    old = provider.stored().access

    def refuse(step: str) -> None:
        if step == "before tokens.renew":
            raise UnavailableError("the table is away")

    provider.hook = refuse
    with pytest.raises(UnavailableError, match="the table is away"):
        provider.worker().access()
    assert provider.stored().access == old

    provider.hook = lambda _: None
    provider.later(seconds=41)
    assert provider.is_let_in(provider.worker().access().token)


def test_a_table_that_hiccups_when_the_tokens_came_is_asked_again(provider: Provider) -> None:
    provider.later(minutes=31)
    hiccups = iter([True, True, False])

    def refuse(step: str) -> None:
        if step == "before tokens.renew" and next(hiccups):
            raise UnavailableError("the table is away")

    provider.hook = refuse

    assert provider.is_let_in(provider.worker().access().token)
    assert provider.fake.calls["renew"] == 1


def test_an_answer_that_is_too_late_for_its_lease_changes_nothing(provider: Provider) -> None:
    """It made void what another worker had stored: the token before that is used again."""
    provider.later(minutes=31)
    slow, quick = provider.worker(), provider.worker()
    taken: list[Access] = []

    def overtake(step: str) -> None:
        if step == "after tokens.lease" and not taken:
            provider.hook = lambda _: None
            provider.later(seconds=41)
            taken.append(quick.access())

    provider.hook = overtake

    assert slow.access() == taken[0]  # its own answer, of the provider's latest pair, is dropped
    assert provider.fake.calls["renew"] == 2
    provider.later(minutes=28)
    assert provider.is_let_in(provider.worker().access().token)
    assert provider.stored().refused_at is None


# --- a provider that fails ----------------------------------------------------------


def _answer(response: httpx.Response):
    return lambda _: response


def _late(_: str) -> httpx.Response:
    raise httpx.ReadTimeout("late")


NONSENSE = [
    httpx.Response(200, text="<html>We are down for maintenance</html>"),
    httpx.Response(200, json=[]),
    httpx.Response(200, json={"access_token": "at"}),
    httpx.Response(200, json={"access_token": "", "expires_in": 1800, "token_type": "Bearer"}),
    httpx.Response(200, json={"access_token": "at", "expires_in": "x", "token_type": "Bearer"}),
    httpx.Response(200, json={"access_token": "at", "expires_in": True, "token_type": "Bearer"}),
    httpx.Response(200, json={"access_token": "at", "expires_in": 1800, "token_type": "mac"}),
    httpx.Response(
        200,
        json={"access_token": "a", "refresh_token": 7, "expires_in": 9, "token_type": "Bearer"},
    ),
    httpx.Response(400, text="Bad Request"),
    httpx.Response(400, json={"error": {"code": 7}}),
    httpx.Response(401, text="<html>proxy</html>"),
    httpx.Response(302, headers={"location": "https://elsewhere.example"}),
]
AWAY = [httpx.Response(503), httpx.Response(500, text="oops"), httpx.Response(408)]


@pytest.mark.parametrize("answer", [*AWAY, *NONSENSE])
def test_a_provider_that_is_away_or_talks_nonsense_is_asked_again(provider, answer) -> None:
    provider.later(minutes=31)
    provider.fake.hook = _answer(answer)

    with pytest.raises(UnavailableError) as raised:
        provider.worker().access()

    assert raised.value.connection == ERP
    assert provider.stored().refused_at is None
    provider.fake.hook = lambda _: None
    provider.later(seconds=6)
    assert provider.is_let_in(provider.worker().access().token)


@pytest.mark.parametrize("answer", [*AWAY, *NONSENSE])
def test_a_provider_that_fails_stops_nobody_whose_token_lasts(provider, answer) -> None:
    old = provider.stored().access
    provider.later(minutes=28)
    provider.fake.hook = _answer(answer)

    assert provider.worker().access().token == old


def test_an_answer_after_our_time_out_is_not_lost(provider: Provider) -> None:
    """It was rotated there, and we do not know to what."""
    provider.later(minutes=31)
    provider.fake.after = _late
    with pytest.raises(UnavailableError, match="in time"):
        provider.worker().access()
    assert provider.fake.calls["renew"] == 1

    provider.fake.after = lambda _: None
    provider.later(seconds=6)

    assert provider.is_let_in(provider.worker().access().token)


def test_answers_that_are_lost_over_and_over_within_the_grace_lose_nothing(provider) -> None:
    provider.later(minutes=31)
    provider.fake.after = _late
    for _ in range(20):
        with pytest.raises(UnavailableError):
            provider.worker().access()
        provider.later(seconds=80)

    provider.fake.after = lambda _: None

    assert provider.is_let_in(provider.worker().access().token)


def test_a_provider_that_says_too_many_is_left_alone_as_long_as_it_asks(provider) -> None:
    provider.later(minutes=31)
    provider.fake.hook = _answer(httpx.Response(429, headers={"Retry-After": "45"}))
    with pytest.raises(RateLimitedError) as first:
        provider.worker().access()

    provider.later(seconds=15)
    with pytest.raises(UnavailableError) as second:
        provider.worker().access()

    assert first.value.retry_after == 45
    assert second.value.retry_after == 30
    assert provider.fake.calls["renew"] == 1
    provider.fake.hook = lambda _: None
    provider.later(seconds=30)
    assert provider.is_let_in(provider.worker().access().token)


def test_after_a_failure_the_others_do_not_all_ask_at_once(provider: Provider) -> None:
    provider.later(minutes=31)
    provider.fake.hook = _answer(httpx.Response(503))

    for _ in range(10):
        with pytest.raises(UnavailableError):
            provider.worker().access()

    assert provider.fake.calls["renew"] == 1


def test_an_app_that_is_refused_is_told_apart_from_a_consent(provider: Provider) -> None:
    provider.later(minutes=31)
    provider.fake.client_secret = "another by now"

    with pytest.raises(UnauthorizedError, match="client_id and client_secret") as raised:
        provider.worker().access()

    assert not isinstance(raised.value, NoConsentError)
    assert "invalid_client" in str(raised.value)
    assert provider.stored().refused_at is None
    provider.fake.client_secret = "local-client-secret"
    provider.later(seconds=6)
    assert provider.is_let_in(provider.worker().access().token)


# --- a consent that has lapsed --------------------------------------------------------


def test_a_consent_that_lapsed_is_said_once_and_asked_for_no_more(provider: Provider) -> None:
    provider.later(minutes=31)
    provider.fake.withdraw()

    for _ in range(5):
        with pytest.raises(NoConsentError, match="accord connect books") as raised:
            provider.worker().access()

    assert raised.value.cause == "unauthorized"
    assert provider.fake.calls["renew"] == 1
    assert provider.stored().refused_at is not None


def test_after_the_grace_a_lost_answer_takes_a_person(provider: Provider) -> None:
    provider.later(minutes=31)
    provider.fake.after = _late
    with pytest.raises(UnavailableError):
        provider.worker().access()
    provider.fake.after = lambda _: None
    provider.later(minutes=31)

    with pytest.raises(NoConsentError):
        provider.worker().access()


def test_sixty_days_without_use_take_a_person(provider: Provider) -> None:
    provider.later(days=61)

    with pytest.raises(NoConsentError):
        provider.worker().access()


def test_a_lapsed_consent_stops_nobody_whose_token_lasts(provider: Provider) -> None:
    old = provider.stored().access
    provider.later(minutes=28)
    provider.fake.hook = _answer(httpx.Response(400, json={"error": "invalid_grant"}))

    assert provider.worker().access().token == old
    assert provider.worker().access().token == old
    assert provider.fake.calls["renew"] == 1


def test_a_new_consent_is_used_at_once_where_there_was_none(provider: Provider) -> None:
    provider.later(minutes=31)
    provider.fake.withdraw()
    worker = provider.worker()
    with pytest.raises(NoConsentError):
        worker.access()

    provider.consent()

    assert provider.is_let_in(worker.access().token)
    assert provider.is_let_in(provider.worker().access().token)


def test_without_a_grace_an_old_token_is_not_shown_again(provider: Provider) -> None:
    """Some providers take that for theft, and withdraw the consent."""
    oauth = replace(OAUTH, grace=dt.timedelta())
    provider.later(minutes=28)
    provider.worker(oauth=oauth).access()
    provider.later(minutes=31)
    provider.fake.hook = _answer(httpx.Response(400, json={"error": "invalid_grant"}))

    with pytest.raises(NoConsentError):
        provider.worker(oauth=oauth).access()

    assert provider.fake.calls["renew"] == 2


# --- the schedule -----------------------------------------------------------------------


def test_the_schedule_renews_before_any_worker_has_to(provider: Provider) -> None:
    worker = provider.worker()
    provider.later(minutes=17)
    assert not worker.tend()
    provider.later(minutes=2)

    assert worker.tend()

    assert provider.stored().renewed_at == provider.clock()


def test_kept_by_the_schedule_alone_a_consent_outlives_its_sixty_days(provider: Provider) -> None:
    worker = provider.worker()
    for _ in range(24 * 70):
        provider.later(hours=1)
        assert worker.tend()

    assert provider.is_let_in(provider.worker().access().token)


@pytest.mark.parametrize("step", STEPS[4:7])
def test_the_schedule_ends_what_a_worker_began_while_the_grace_lasts(provider, step: str) -> None:
    """Nobody else may need a token for hours, and then it would be too late."""
    provider.later(minutes=5)
    refused = provider.worker()
    access = refused.access()
    provider.hook = _killing(step)
    with pytest.raises(KilledError):
        refused.renewed(access)

    provider.later(seconds=20)
    assert not provider.worker().tend()  # its lease runs
    provider.later(minutes=5)
    assert provider.worker().tend()

    provider.later(minutes=29)
    assert provider.is_let_in(provider.worker().access().token)


def test_the_schedule_says_so_when_the_provider_does_not_answer(provider: Provider) -> None:
    provider.later(minutes=20)
    provider.fake.hook = _answer(httpx.Response(503))

    with pytest.raises(TransientError):
        provider.worker().tend()

    assert provider.is_let_in(provider.worker().access().token)


def test_the_schedule_tells_of_a_lapsed_consent_while_its_token_still_lasts(provider) -> None:
    provider.later(minutes=20)
    provider.fake.hook = _answer(httpx.Response(400, json={"error": "invalid_grant"}))

    for _ in range(2):
        with pytest.raises(NoConsentError):
            provider.worker().tend()

    assert provider.fake.calls["renew"] == 1


def test_a_run_of_the_schedule_tries_twice_more(provider: Provider) -> None:
    provider.later(minutes=20)
    answers = iter([httpx.Response(503), httpx.Response(503), None])
    provider.fake.hook = lambda _: next(answers)

    assert provider.worker().tend()

    assert provider.fake.calls["renew"] == 3


def test_a_run_of_the_schedule_waits_for_no_provider_that_asks_for_long(provider) -> None:
    provider.later(minutes=20)
    began = provider.clock()
    provider.fake.hook = _answer(httpx.Response(429, headers={"Retry-After": "60"}))

    with pytest.raises(RateLimitedError):
        provider.worker().tend()

    assert (provider.fake.calls["renew"], provider.clock()) == (1, began)


def test_every_run_of_the_schedule_tries_though_the_provider_asks_for_longer(provider) -> None:
    provider.later(minutes=20)
    provider.fake.hook = _answer(httpx.Response(503, headers={"Retry-After": "600"}))

    for run in range(1, 5):
        with pytest.raises(UnavailableError):
            provider.worker().tend()
        assert provider.fake.calls["renew"] == run
        provider.later(minutes=5)


def test_a_run_of_the_schedule_that_may_not_try_yet_says_so(provider: Provider) -> None:
    provider.later(minutes=20)
    provider.fake.hook = _answer(httpx.Response(429, headers={"Retry-After": "200"}))
    with pytest.raises(RateLimitedError):
        provider.worker().tend()
    provider.later(seconds=50)

    with pytest.raises(UnavailableError) as raised:
        provider.worker().tend()

    assert (raised.value.retry_after, provider.fake.calls["renew"]) == (150, 1)


def test_behind_an_unfinished_attempt_the_schedule_looks_once_more(provider: Provider) -> None:
    """Its request may have been on its way, and have made void what was stored meanwhile."""
    provider.later(minutes=31)
    provider.hook = _killing("before identity.renew")
    with pytest.raises(KilledError):
        provider.worker().access()
    provider.later(seconds=41)
    void = provider.stored().refresh
    provider.worker().access()
    provider.fake.answer(  # the dead one's request arrives
        "POST",
        "/connect/token",
        "",
        {"authorization": f"Basic {b64encode(b'local-client:local-client-secret').decode()}"},
        f"grant_type=refresh_token&refresh_token={void}".encode(),
    )

    provider.later(minutes=5)
    assert provider.worker().tend()
    assert provider.stored().tried_at is None

    provider.later(minutes=29)
    assert provider.is_let_in(provider.worker().access().token)


# --- everything at once -------------------------------------------------------------------


# Of 360 that were tried, those that lose a token without the grace for the spent one, or without
# the mark of an unfinished attempt, and some others.
@pytest.mark.parametrize("seed", [0, 1, 2, 11, 14, 20, 21, 35, 44, 51])
def test_whatever_goes_wrong_for_hours_no_token_is_lost(seed: int) -> None:
    """Workers that die, overtake each other and lose answers, and a schedule that looks after it.

    Twenty minutes of every half hour: who fails for all of the grace has lost.
    """
    random, provider = Random(seed), Provider()
    provider.consent()
    overtaken = False
    minute = 0

    def trouble(step: str) -> None:
        nonlocal overtaken
        if minute % 30 >= 20:
            return
        if random.random() < 0.04:
            raise KilledError(step)
        if random.random() < 0.03 and not overtaken:
            overtaken = True
            provider.later(seconds=random.uniform(0, 90))
            _try(lambda: provider.worker().access())
            overtaken = False

    def answer(_: str) -> httpx.Response | None:
        if minute % 30 >= 20:
            return None
        if random.random() < 0.2:
            raise httpx.ReadTimeout("late")
        return httpx.Response(503) if random.random() < 0.1 else None

    provider.hook, provider.fake.hook, provider.fake.after = trouble, answer, answer
    seen = set()
    for minute in range(12 * 60):
        provider.later(seconds=60)
        worker = provider.worker()
        if minute % 5 == 0:
            _try(worker.tend)
        if random.random() < 0.3:
            _try(lambda: seen.add(provider.worker().access().token))

    provider.hook, provider.fake.hook, provider.fake.after = (lambda _: None,) * 3
    provider.later(minutes=3)
    assert provider.is_let_in(provider.worker().access().token)
    assert provider.stored().refused_at is None
    assert len(seen) > 12  # it was renewed all the time


def _try(work: Callable[[], object]) -> None:
    """A worker's luck: it may die, or be told to come again; a consent never lapses."""
    with suppress(KilledError, TransientError):
        work()
