"""Somebody consents anew, for other books or another app, while workers hold what was before."""

import datetime as dt
from dataclasses import replace

import pytest

from accord.errors import NoConsentError, UnauthorizedError, UnavailableError
from accord.ports.tokens import Access
from accord.sync.tokens import Keeper
from tests.sync.consenting import ERP, OTHER, SHOP, Provider


@pytest.fixture
def provider() -> Provider:
    made = Provider()
    made.consent()
    return made


def test_a_new_consent_is_used_within_a_minute_by_all_though_the_old_token_lasts(provider) -> None:
    """It may be for other books."""
    worker = provider.worker()
    assert worker.access().tenant == SHOP.id

    provider.consent(OTHER)
    assert provider.worker().access().tenant == OTHER.id
    provider.later(seconds=45)

    assert worker.access() == Access(provider.stored().access, OTHER.id)
    assert provider.fake.calls["renew"] == 0


def test_who_is_refused_finds_a_new_consent_at_once_and_renews_nothing(provider) -> None:
    worker = provider.worker()
    refused = worker.access()
    assert worker.another(refused) is None

    provider.fake.withdraw()
    provider.consent()
    found = worker.another(refused)

    assert found is not None
    assert provider.is_let_in(found.token)
    assert worker.access() == found
    assert provider.fake.calls["renew"] == 0


def test_a_table_that_does_not_answer_stops_nobody_whose_token_lasts(provider: Provider) -> None:
    worker = provider.worker()
    known = worker.access()

    def away(step: str) -> None:
        if step == "before tokens.get":
            raise UnavailableError("the table is away")

    provider.hook = away
    provider.later(minutes=20)
    assert worker.access() == known
    provider.later(minutes=8)

    with pytest.raises(UnavailableError, match="the table is away"):
        worker.access()


# --- another app --------------------------------------------------------------------------

ANOTHER = {"client_id": "another-app", "client_secret": "hush"}


def test_another_app_does_not_renew_what_it_was_not_given(provider: Provider) -> None:
    """The provider would call the consent lapsed, and that would be remembered."""
    provider.later(minutes=31)

    for attempt in (provider.worker(secret=ANOTHER).access, provider.worker(secret=ANOTHER).tend):
        with pytest.raises(UnauthorizedError, match="accord connect books") as raised:
            attempt()
        assert not isinstance(raised.value, NoConsentError)
        assert "local-client" in str(raised.value)
        assert "hush" not in str(raised.value)

    assert provider.fake.calls["renew"] == 0
    assert provider.stored().refused_at is None
    assert provider.is_let_in(provider.worker().access().token)  # the former one is put back


def test_the_schedule_tells_of_another_app_while_workers_use_what_lasts(provider) -> None:
    assert provider.is_let_in(provider.worker(secret=ANOTHER).access().token)
    provider.later(minutes=28)
    assert provider.is_let_in(provider.worker(secret=ANOTHER).access().token)

    with pytest.raises(UnauthorizedError, match="client_id"):
        provider.worker(secret=ANOTHER).tend()


@pytest.mark.parametrize("ours", ["used", "waiting"])
def test_while_an_app_waits_for_its_consent_the_tokens_say_which_renews_them(
    provider: Provider, ours: str
) -> None:
    """Whoever put it there may be gone before it is allowed, or before it is the one app."""
    good = {"client_id": "local-client", "client_secret": "local-client-secret"}
    secret, pending = (good, ANOTHER) if ours == "used" else (ANOTHER, good)
    provider.later(minutes=31)

    for renew in (Keeper.tend, Keeper.access):
        provider.later(minutes=31)
        assert renew(provider.worker(secret=secret, pending=pending))
    assert provider.is_let_in(provider.stored().access)
    assert provider.stored().client_id == "local-client"


@pytest.mark.parametrize("good_first", [True, False])
def test_of_an_app_whose_secret_is_renewed_the_one_that_is_good_is_used(
    provider: Provider, good_first: bool
) -> None:
    good = {"client_id": "local-client", "client_secret": "local-client-secret"}
    bad = {**good, "client_secret": "not any more"}
    provider.later(minutes=31)

    secret, pending = (good, bad) if good_first else (bad, good)

    assert provider.is_let_in(provider.worker(secret=secret, pending=pending).access().token)


def test_a_refused_token_is_not_shown_again_with_another_secret(provider: Provider) -> None:
    good = {"client_id": "local-client", "client_secret": "local-client-secret"}
    provider.fake.withdraw()
    provider.later(minutes=31)

    with pytest.raises(NoConsentError):
        provider.worker(secret=good, pending={**good, "client_secret": "new"}).access()
    assert provider.fake.calls["renew"] == 1


def test_tokens_of_which_the_app_is_not_known_are_renewed_and_it_is_remembered(provider) -> None:
    provider.tokens.keep(ERP, replace(provider.stored(), client_id=""))
    provider.later(minutes=31)

    assert provider.is_let_in(provider.worker().access().token)
    assert provider.stored().client_id == "local-client"


# --- whether the app and the consent are good -----------------------------------------------


def test_a_proof_renews_what_lasts_and_keeps_it(provider: Provider) -> None:
    before = provider.stored()

    proved = provider.worker().proved()

    assert proved == provider.stored()
    assert (proved.consented_at, proved.version) == (before.consented_at, before.version + 1)
    assert provider.is_let_in(proved.access)
    assert provider.fake.calls["renew"] == 1


def test_a_proof_finds_a_secret_that_is_not_good_and_the_consent_stays_good(provider) -> None:
    wrong = {"client_id": "local-client", "client_secret": "a typo"}

    with pytest.raises(UnauthorizedError) as raised:
        provider.worker(secret=wrong).proved()

    assert not isinstance(raised.value, NoConsentError)
    assert "a typo" not in str(raised.value)
    assert provider.stored().refused_at is None
    provider.later(minutes=1)
    assert provider.is_let_in(provider.worker().proved().access)


def test_a_proof_finds_that_a_consent_was_withdrawn(provider: Provider) -> None:
    provider.fake.withdraw()

    for _ in range(2):
        with pytest.raises(NoConsentError):
            provider.worker().proved()
    assert provider.fake.calls["renew"] == 1  # it is remembered


def test_a_proof_waits_for_who_renews_just_now_and_not_for_ever(provider: Provider) -> None:
    found, now = provider.stored(), provider.clock()
    provider.tokens.lease(
        ERP, version=found.version, owner="w", now=now, until=now + dt.timedelta(seconds=5)
    )
    assert provider.worker().proved().version == found.version + 1

    found, now = provider.stored(), provider.clock()
    provider.tokens.lease(
        ERP, version=found.version, owner="w", now=now, until=now + dt.timedelta(seconds=40)
    )
    with pytest.raises(UnavailableError):
        provider.worker().proved()
