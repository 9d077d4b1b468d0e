"""OAuth tokens, who may renew them, and what is remembered of a consent that is asked for."""

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from accord.errors import StaleVersionError
from accord.local.hooked import KilledError
from accord.ports.tokens import Consents, Tenant, Tokens, TokenSet
from accord.state.dynamo import Table
from accord.state.memory_tokens import MemoryConsents, MemoryTokens
from accord.state.tokens import DynamoConsents, DynamoTokens
from tests.state.conftest import NOW
from tests.sync.consenting import Provider

ERP = "books"


@pytest.fixture
def tokens(either) -> Tokens:
    return either(MemoryTokens, DynamoTokens)


@pytest.fixture
def consents(either) -> Consents:
    return either(MemoryConsents, DynamoConsents)


@pytest.fixture
def given() -> Callable[..., TokenSet]:
    """What a consent gave."""

    def make(**but) -> TokenSet:
        made = TokenSet(
            access="at-1",
            refresh="rt-1",
            expires_at=NOW + dt.timedelta(minutes=30),
            scopes=("accounting.contacts", "offline_access"),
            tenant=Tenant("t-1", "Demo Shop"),
            consented_at=NOW,
            renewed_at=NOW,
            client_id="app-1",
            app_mark="a-mark",
        )
        return replace(made, **but)

    return make


def test_nothing_is_kept_before_anybody_consents(tokens: Tokens) -> None:
    assert tokens.get(ERP) is None


def test_what_is_kept_is_read_whole(tokens: Tokens, given) -> None:
    kept = tokens.keep(ERP, given())

    assert kept == replace(given(), version=1)
    assert tokens.get(ERP) == kept
    assert tokens.get("other") is None


def test_a_new_consent_replaces_the_old_one_and_frees_the_lease(tokens, given, later) -> None:
    tokens.keep(ERP, given())
    tokens.lease(ERP, version=1, owner="a", now=NOW, until=later(seconds=40))
    tokens.release(ERP, owner="a", until=later(seconds=5), refused_at=NOW)

    kept = tokens.keep(ERP, given(access="at-9", refresh="rt-9"))

    assert kept == replace(given(access="at-9", refresh="rt-9"), version=2)
    assert tokens.get(ERP) == kept


def test_one_lease_excludes_all_others_until_it_runs_out(tokens: Tokens, given, later) -> None:
    tokens.keep(ERP, given())

    ours = tokens.lease(ERP, version=1, owner="a", now=NOW, until=later(seconds=40))
    theirs = tokens.lease(ERP, version=1, owner="b", now=later(seconds=39), until=later(seconds=79))
    afterwards = tokens.lease(
        ERP, version=1, owner="b", now=later(seconds=40), until=later(seconds=80)
    )

    assert ours is not None
    assert (ours.owner, ours.tried_at) == ("a", NOW)
    assert theirs is None
    assert afterwards is not None
    assert afterwards.owner == "b"


def test_a_version_that_was_renewed_meanwhile_is_not_leased(tokens: Tokens, given, later) -> None:
    tokens.keep(ERP, given())
    tokens.keep(ERP, given(access="at-2"))

    assert tokens.lease(ERP, version=1, owner="a", now=NOW, until=later(seconds=40)) is None


def test_what_nobody_consented_to_is_not_leased(tokens: Tokens, later) -> None:
    assert tokens.lease(ERP, version=1, owner="a", now=NOW, until=later(seconds=40)) is None


def test_new_tokens_are_stored_and_the_lease_given_up_in_one(tokens: Tokens, given, later) -> None:
    tokens.keep(ERP, given())
    leased = tokens.lease(ERP, version=1, owner="a", now=NOW, until=later(seconds=40))
    assert leased is not None

    new = replace(leased, access="at-2", refresh="rt-2", spent="rt-1", tried_at=None)
    kept = tokens.renew(ERP, new)

    assert kept == given(access="at-2", refresh="rt-2", spent="rt-1", version=2)
    assert tokens.get(ERP) == kept
    again = tokens.lease(ERP, version=2, owner="b", now=NOW, until=later(seconds=40))
    assert again is not None


def test_that_another_may_still_be_at_it_is_kept_with_new_tokens(tokens, given, later) -> None:
    tokens.keep(ERP, given())
    leased = tokens.lease(ERP, version=1, owner="a", now=NOW, until=later(seconds=40))
    assert leased is not None

    tokens.renew(ERP, replace(leased, access="at-2", tried_at=later(seconds=-60)))

    found = tokens.get(ERP)
    assert found is not None
    assert (found.access, found.tried_at, found.owner) == ("at-2", later(seconds=-60), "")
    assert tokens.keep(ERP, given(tried_at=NOW)).tried_at is None


def test_who_lost_the_lease_stores_nothing(tokens: Tokens, given, later) -> None:
    tokens.keep(ERP, given())
    slow = tokens.lease(ERP, version=1, owner="a", now=NOW, until=later(seconds=40))
    tokens.lease(ERP, version=1, owner="b", now=later(seconds=41), until=later(seconds=81))
    assert slow is not None

    with pytest.raises(StaleVersionError):
        tokens.renew(ERP, replace(slow, access="at-a"))

    found = tokens.get(ERP)
    assert found is not None
    assert (found.access, found.owner) == ("at-1", "b")


def test_who_was_overtaken_by_a_new_consent_stores_nothing(tokens: Tokens, given, later) -> None:
    tokens.keep(ERP, given())
    slow = tokens.lease(ERP, version=1, owner="a", now=NOW, until=later(seconds=40))
    tokens.keep(ERP, given(access="at-9"))
    assert slow is not None

    with pytest.raises(StaleVersionError):
        tokens.renew(ERP, replace(slow, access="at-a"))

    found = tokens.get(ERP)
    assert found is not None
    assert found.access == "at-9"


def test_storing_without_a_lease_is_refused(tokens: Tokens, given) -> None:
    kept = tokens.keep(ERP, given())

    with pytest.raises(StaleVersionError):
        tokens.renew(ERP, replace(kept, access="at-2"))


def test_what_is_forgotten_is_gone_and_is_not_stored_by_who_renews_it_now(
    tokens: Tokens, given, later
) -> None:
    kept = tokens.keep(ERP, given())
    leased = tokens.lease(ERP, version=kept.version, owner="w1", now=NOW, until=later(seconds=40))
    assert leased is not None

    assert tokens.forget(ERP, consented_at=NOW)

    assert tokens.get(ERP) is None
    with pytest.raises(StaleVersionError):
        tokens.renew(ERP, replace(leased, access="at-2"))
    assert not tokens.release(ERP, owner="w1", until=NOW, refused_at=NOW)
    assert tokens.lease(ERP, version=1, owner="w2", now=NOW, until=later(seconds=40)) is None
    assert tokens.get(ERP) is None
    assert not tokens.forget(ERP, consented_at=NOW)


def test_tokens_of_another_consent_than_the_one_meant_are_not_forgotten(tokens, given) -> None:
    kept = tokens.keep(ERP, given())

    assert not tokens.forget(ERP, consented_at=NOW - dt.timedelta(seconds=1))
    assert tokens.get(ERP) == kept


def test_after_a_failure_nobody_tries_before_it_may_be_of_use(tokens, given, later) -> None:
    tokens.keep(ERP, given())
    tokens.lease(ERP, version=1, owner="a", now=NOW, until=later(seconds=40))

    assert tokens.release(ERP, owner="a", until=later(seconds=60))

    found = tokens.get(ERP)
    assert found is not None
    assert (found.owner, found.tried_at, found.refused_at) == ("", NOW, None)
    soon = tokens.lease(ERP, version=1, owner="b", now=later(seconds=59), until=later(seconds=99))
    then = tokens.lease(ERP, version=1, owner="b", now=later(seconds=60), until=later(seconds=99))
    assert soon is None
    assert then is not None


def test_a_refusal_is_remembered_by_its_owner_alone(tokens: Tokens, given, later) -> None:
    tokens.keep(ERP, given())
    tokens.lease(ERP, version=1, owner="a", now=NOW, until=later(seconds=40))

    assert not tokens.release(ERP, owner="b", until=NOW, refused_at=NOW)
    assert tokens.release(ERP, owner="a", until=NOW, refused_at=NOW)
    assert not tokens.release(ERP, owner="a", until=NOW, refused_at=NOW)

    found = tokens.get(ERP)
    assert found is not None
    assert found.refused_at == NOW


def test_of_many_at_once_one_gets_the_lease(tokens: Tokens, given, later) -> None:
    tokens.keep(ERP, given())
    got: list[TokenSet | None] = []

    def try_it(name: str) -> None:
        got.append(tokens.lease(ERP, version=1, owner=name, now=NOW, until=later(seconds=40)))

    threads = [threading.Thread(target=try_it, args=(f"w{n}",)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(got) == 20
    assert len([each for each in got if each is not None]) == 1


def test_no_token_is_in_any_repr(tokens: Tokens, given, later) -> None:
    tokens.keep(ERP, given(spent="rt-0"))
    leased = tokens.lease(ERP, version=1, owner="a", now=NOW, until=later(seconds=40))

    assert not [each for each in ("at-1", "rt-1", "rt-0") if each in repr(leased)]


def test_the_table_never_sweeps_a_set_that_outlives_its_access_token(dynamodb, table, given):
    name = table()
    DynamoTokens(dynamodb, name).keep(ERP, given())

    item = Table(dynamodb, name).get(f"erp:{ERP}", "set")

    assert item is not None
    assert "expires_at" not in item


def test_a_write_whose_answer_was_lost_is_known_again(dynamodb, table, given, later) -> None:
    """The client sends it once more, and its condition no longer holds."""
    tokens = DynamoTokens(dynamodb, table())
    tokens.keep(ERP, given())
    leased = tokens.lease(ERP, version=1, owner="a", now=NOW, until=later(seconds=40))
    assert leased is not None
    first = tokens.renew(ERP, replace(leased, access="at-2"))

    assert tokens.renew(ERP, replace(leased, access="at-2")) == first


def test_a_set_that_was_kept_before_apps_were_remembered_is_read(dynamodb, table, given) -> None:
    name = table()
    tokens = DynamoTokens(dynamodb, name)
    tokens.keep(ERP, given())
    dynamodb.update_item(
        TableName=name,
        Key={"pk": {"S": f"erp:{ERP}"}, "sk": {"S": "set"}},
        UpdateExpression="REMOVE client_id",
    )

    assert tokens.get(ERP) == given(client_id="", version=1)


# --- the keeper over it -----------------------------------------------------------


@pytest.fixture
def provider(tokens: Tokens) -> Provider:
    """A provider whose tokens are kept there, and have expired."""
    made = Provider(tokens=tokens)
    made.consent()
    made.later(minutes=31)
    return made


def test_fifty_workers_at_once_are_one_renewal(provider: Provider) -> None:
    got: list[str] = []
    provider.fake.hook = lambda _: time.sleep(0.1)
    together = threading.Barrier(50)

    def work() -> None:
        together.wait()
        got.append(provider.worker(pause=lambda _: time.sleep(0.05)).access().token)

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == [provider.stored().access] * 50
    assert provider.fake.calls["renew"] == 1
    assert provider.is_let_in(got[0])


@pytest.mark.parametrize(
    "step",
    [
        *("after tokens.lease", "before identity.renew", "after identity.renew"),
        *("before tokens.renew", "after tokens.renew"),
    ],
)
def test_who_dies_at_a_step_loses_no_token(provider: Provider, step: str) -> None:
    def die(at: str) -> None:
        if at == step:
            raise KilledError(at)

    provider.hook = die
    with pytest.raises(KilledError):
        provider.worker().access()
    provider.hook = lambda _: None
    provider.later(seconds=41)

    for _ in range(2):
        assert provider.is_let_in(provider.worker().access().token)
        provider.later(minutes=29)


# --- consents -------------------------------------------------------------------


def test_a_consent_is_remembered_until_it_expires(consents: Consents, later) -> None:
    consents.put("state:1", {"erp": ERP}, until=later(seconds=60), version=None)

    assert consents.get("state:1", now=later(seconds=59)) == ({"erp": ERP}, 1)
    assert consents.get("state:1", now=later(seconds=60)) is None
    assert consents.get("state:2", now=NOW) is None


def test_of_two_who_go_on_with_a_consent_one_does(consents: Consents, later) -> None:
    until = later(seconds=60)
    version = consents.put("state:1", {"phase": "asked"}, until=until, version=None)

    consents.put("state:1", {"phase": "over"}, until=until, version=version)
    with pytest.raises(StaleVersionError):
        consents.put("state:1", {"phase": "granted"}, until=until, version=version)
    with pytest.raises(StaleVersionError):
        consents.put("state:1", {"phase": "new"}, until=until, version=None)

    assert consents.get("state:1", now=NOW) == ({"phase": "over"}, 2)


class Twice:
    """A client whose answers to writes are lost once, so that it sends them again."""

    def __init__(self, client) -> None:
        self._client = client

    def put_item(self, **asked):
        self._client.put_item(**asked)
        return self._client.put_item(**asked)

    def __getattr__(self, name: str):
        return getattr(self._client, name)


def test_a_consent_whose_write_was_sent_twice_met_itself(dynamodb, table, later) -> None:
    consents = DynamoConsents(Twice(dynamodb), table())
    until = later(seconds=60)

    version = consents.put("state:1", {"phase": "asked"}, until=until, version=None)
    version = consents.put("state:1", {"phase": "over"}, until=until, version=version)

    assert consents.get("state:1", now=NOW) == ({"phase": "over"}, version)


def test_of_two_who_write_the_same_of_a_consent_one_does(consents: Consents, later) -> None:
    until = later(seconds=60)
    version = consents.put("link:1", {"erp": ERP}, until=until, version=None)
    consents.put("link:1", {"erp": ERP, "used": "yes"}, until=until, version=version)

    with pytest.raises(StaleVersionError):
        consents.put("link:1", {"erp": ERP, "used": "yes"}, until=until, version=version)
