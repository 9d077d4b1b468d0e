"""refresh_tokens: whether or not anybody needs one, a token is always there."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from accord.bootstrap import connections, tables
from accord.local.xero.server import FakeXero
from accord.ports.limits import CIRCUITS
from accord.ports.tokens import Tenant, TokenSet
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import Handler, metrics
from tests.functions.consenting import ERP, GRANTS, answering, record_calls

FUNCTION = "refresh_tokens"
EVENT = json.loads((EVENTS / FUNCTION / "every_five_minutes.json").read_text(encoding="utf-8"))


@pytest.fixture
def xero() -> FakeXero:
    return FakeXero()


@pytest.fixture
def url(xero: FakeXero) -> Iterator[str]:
    with answering(xero) as url:
        yield url


@pytest.fixture
def config(config: dict[str, Any], url: str) -> dict[str, Any]:
    config["erps"][ERP] = {"adapter": "xero", "url": url, "secret": "erp/books"}
    return config


@pytest.fixture
def room(room: Room) -> Room:
    room.keep_secret(
        "erp/books", {"client_id": "local-client", "client_secret": "local-client-secret"}
    )
    return room


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two tries; each is too soon after the one before, then."""
    monkeypatch.setattr(connections.time, "sleep", lambda _: None)


def keep(xero: FakeXero, *, lasts_s: float) -> TokenSet:
    """A consent whose access token lasts so long."""
    given, now = xero.do("consent"), dt.datetime.now(dt.UTC)
    return tables.tokens().keep(
        ERP,
        TokenSet(
            access=given["access_token"],
            refresh=given["refresh_token"],
            expires_at=now + dt.timedelta(seconds=lasts_s),
            scopes=("offline_access",),
            tenant=Tenant(xero.tenant, "Demo Shop"),
            consented_at=now,
            renewed_at=now - dt.timedelta(minutes=20),
        ),
    )


def test_what_is_about_to_expire_is_renewed_and_opens_the_books(
    run: Handler, room: Room, xero: FakeXero, capsys: pytest.CaptureFixture[str]
) -> None:
    before = keep(xero, lasts_s=600)

    run(FUNCTION, EVENT)

    after = tables.tokens().get(ERP)
    assert after is not None
    assert after.access != before.access
    assert xero.identity.accepts(after.access, xero.tenant)
    assert after.expires_at > before.expires_at + dt.timedelta(minutes=15)
    out = capsys.readouterr().out
    assert '"message":"renewed"' in out
    assert metrics(out) == {}
    assert not [each for each in (after.access, after.refresh, before.refresh) if each in out]


def test_what_lasts_is_left_alone(run: Handler, room: Room, xero: FakeXero) -> None:
    before = keep(xero, lasts_s=1500)

    run(FUNCTION, EVENT)

    assert tables.tokens().get(ERP) == before


def test_a_lapsed_consent_is_counted_and_asked_for(
    run: Handler, room: Room, xero: FakeXero, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(xero, lasts_s=600)
    xero.identity.withdraw()

    run(FUNCTION, EVENT)

    out = capsys.readouterr().out
    assert metrics(out) == {"TokensUnrenewed": 1}
    assert '"message":"lapsed"' in out
    (item,) = tables.attention().open()
    assert (item.reason, item.owner) == ("no_consent", "ops")
    assert "accord connect books" in item.message


def test_a_provider_that_is_away_is_counted_and_asks_nobody(
    run: Handler, room: Room, xero: FakeXero, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = keep(xero, lasts_s=600)
    xero.identity.hook = lambda _: httpx.Response(503)

    run(FUNCTION, EVENT)

    assert metrics(capsys.readouterr().out) == {"TokensUnrenewed": 1}
    assert tables.attention().open() == []
    found = tables.tokens().get(ERP)
    assert found is not None
    assert (found.access, found.owner) == (kept.access, "")
    assert replace(found, tried_at=None, leased_until=None) == kept


def test_an_answer_that_was_lost_is_made_good_by_a_later_run(
    run: Handler, room: Room, xero: FakeXero, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = keep(xero, lasts_s=600).consented_at
    # Stands still: within a run, no try is late enough for another after it.
    monkeypatch.setattr(tables, "now", lambda: began)
    xero.identity.after = lambda _: httpx.Response(502)  # it was rotated there
    run(FUNCTION, EVENT)
    assert xero.identity.calls["renew"] == 1
    xero.identity.after = lambda _: None
    monkeypatch.setattr(tables, "now", lambda: began + dt.timedelta(minutes=5))

    run(FUNCTION, EVENT)

    found = tables.tokens().get(ERP)
    assert found is not None
    assert xero.identity.accepts(found.access, xero.tenant)
    assert xero.identity.calls["renew"] == 2


def test_a_back_office_that_turns_good_tokens_down_is_counted_until_it_lets_somebody_in(
    run: Handler, room: Room, xero: FakeXero, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(xero, lasts_s=1500)
    circuit = f"{ERP}:unauthorized"
    connections.board().put(CIRCUITS, circuit, lambda _: {"state": "OPEN", "opened_at": 1})

    for _ in range(3):
        run(FUNCTION, EVENT)

    out = capsys.readouterr().out
    assert metrics(out) == {"TokensUnrenewed": 3}
    assert out.count('"message":"not let in"') == 3
    (item,) = tables.attention().open()
    assert (item.reason, item.owner) == ("unauthorized", "ops")

    connections.board().put(CIRCUITS, circuit, lambda _: None)
    run(FUNCTION, EVENT)
    assert metrics(capsys.readouterr().out) == {}
    assert tables.attention().open() == []


def test_without_a_back_office_that_is_allowed_in_a_browser_nothing_is_done(
    run: Handler, room: Room, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(connections, "provider", lambda name: None)

    run(FUNCTION, EVENT)

    assert metrics(capsys.readouterr().out) == {}
    assert tables.attention().open() == []


def test_it_does_what_the_stack_grants_it_and_no_less(
    run: Handler, room: Room, xero: FakeXero
) -> None:
    seen = record_calls(room)

    keep(xero, lasts_s=600)
    xero.identity.withdraw()
    for _ in range(2):  # opens an item, and counts it up
        run(FUNCTION, EVENT)
    keep(xero, lasts_s=600)
    run(FUNCTION, EVENT)  # renews, and closes it

    assert tables.attention().open() == []
    assert seen == GRANTS[FUNCTION]


def test_a_secret_that_names_another_app_is_seen_by_the_next_run_and_the_provider_not_asked(
    run: Handler, room: Room, xero: FakeXero, capsys: pytest.CaptureFixture[str]
) -> None:
    """A warm process: it has read the secret a moment ago."""
    tables.tokens().keep(ERP, replace(keep(xero, lasts_s=1500), client_id="local-client"))
    run(FUNCTION, EVENT)
    assert tables.attention().open() == []
    room.keep_secret("erp/books", {"client_id": "new-app", "client_secret": "new-secret"})

    run(FUNCTION, EVENT)

    (item,) = tables.attention().open()
    assert (item.reason, item.owner) == ("unauthorized", "ops")
    assert "local-client" in item.message
    assert metrics(capsys.readouterr().out) == {"TokensUnrenewed": 1}
    assert xero.identity.calls["renew"] == 0
    kept = tables.tokens().get(ERP)
    assert kept is not None
    assert kept.refused_at is None

    room.keep_secret(
        "erp/books", {"client_id": "local-client", "client_secret": "local-client-secret"}
    )
    run(FUNCTION, EVENT)
    assert tables.attention().open() == []
