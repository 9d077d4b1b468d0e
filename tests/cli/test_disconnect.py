"""`accord disconnect ERP`: a plan, who did it, and no tokens left."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from click.testing import Result

from accord.bootstrap import connections, sign_in, tables
from accord.cli import disconnect, pauses
from accord.cli.app import app
from accord.errors import NoConsentError, UnavailableError
from accord.local.xero.server import FakeXero
from accord.ports.tokens import Tenant, TokenSet
from tests.cli.connecting import RUN, OnXero, kept_of, told
from tests.functions.cloud import Room
from tests.functions.conftest import Handler, cloud, config, room, run
from tests.functions.consenting import ERP, PUBLIC, Browser

__all__ = ["cloud", "config", "room", "run"]  # fixtures


def invoke(*words: str) -> Result:
    return RUN.invoke(app, ["disconnect", *words])


def allow_anew(newer: TokenSet) -> None:
    """Somebody does, while the plan is on the screen."""
    tables.tokens().keep(ERP, newer)


class TestDisconnect(OnXero):
    """Somebody has allowed it."""

    @pytest.fixture
    def connected(
        self,
        room: Room,
        run: Handler,
        xero: FakeXero,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(disconnect, "reach", lambda _: None)
        browser = Browser(run, xero)
        browser.open(browser.consent(sign_in.make_link(ERP, public_url=PUBLIC)))

    def test_without_yes_it_says_what_it_would_do_and_does_nothing(self, connected: None) -> None:
        result = invoke(ERP)

        assert result.exit_code == 2
        assert "connected with Demo Shop since" in told(result)
        assert "add --yes" in told(result)
        assert sign_in.connected(ERP) is not None

    def test_the_tokens_are_forgotten_and_it_is_remembered_by_whom(self, connected: None) -> None:
        result = invoke(ERP, "--yes", "--by", "maria", "--why", "a laptop was stolen")

        assert result.exit_code == 0, told(result)
        assert sign_in.connected(ERP) is None
        with pytest.raises(NoConsentError):
            connections.keeper(ERP).access()
        why = "by maria: a laptop was stolen"
        assert kept_of(ERP) == [("maria", f"{ERP} is disconnected, for Demo Shop, {why}")]
        assert "disconnected" in told(result)

    def test_the_status_says_that_nobody_lets_us_in(
        self, connected: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def status() -> tuple[bool, bool]:
            printed = json.loads(RUN.invoke(app, ["status", "--json"]).stdout)
            (found,) = (each for each in printed if each["name"] == ERP)
            return found["open"], found["connected"]

        monkeypatch.setattr(pauses, "connect", lambda _: None)
        assert status() == (True, True)

        assert invoke(ERP, "--yes", "--by", "maria").exit_code == 0

        assert status() == (False, False)
        shown = told(RUN.invoke(app, ["status"]))
        assert "not connected" in shown
        assert shown.count("open") == 2  # the store and the other back office

    def test_what_is_left_to_do_there_is_told_to_scripts_too(self, connected: None) -> None:
        result = invoke(ERP, "--yes", "--json", "--by", "maria")

        printed = json.loads(result.stdout[result.stdout.index("{\n") :])
        assert (printed["done"], printed["organisation"]) == (True, "Demo Shop")
        assert "Xero" in printed["remedy"]

    def test_a_second_time_says_that_it_was_done(self, connected: None) -> None:
        invoke(ERP, "--yes", "--by", "maria")

        result = invoke(ERP, "--yes", "--by", "maria")

        assert result.exit_code == 1
        assert "is not connected" in told(result)

    def test_a_consent_that_was_given_meanwhile_stays(
        self, connected: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = sign_in.connected(ERP)
        assert seen is not None
        newer = replace(seen, consented_at=seen.consented_at + dt.timedelta(minutes=1))
        monkeypatch.setattr(disconnect, "confirmed", lambda *_, **__: allow_anew(newer))

        result = invoke(ERP, "--yes", "--by", "maria")

        assert result.exit_code == 1
        assert "connected anew meanwhile, and nothing was forgotten" in told(result)
        kept = sign_in.connected(ERP)
        assert kept is not None
        assert kept.consented_at == newer.consented_at
        assert kept_of(ERP) == []

    def test_where_a_person_is_asked_the_newer_one_is_shown_and_asked_for_again(
        self, connected: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = sign_in.connected(ERP)
        assert seen is not None
        newer = replace(
            seen,
            consented_at=seen.consented_at + dt.timedelta(minutes=1),
            tenant=Tenant("t-2", "Second Shop"),
        )
        asked: list[str] = []

        def confirmed(question: str, **_: bool) -> None:
            asked.append(question)
            if len(asked) == 1:
                allow_anew(newer)

        monkeypatch.setattr(disconnect, "confirmed", confirmed)

        result = invoke(ERP, "--by", "maria")

        assert result.exit_code == 0, told(result)
        assert len(asked) == 2
        assert "connected with Second Shop since" in told(result)
        assert sign_in.connected(ERP) is None

    def test_one_that_is_out_of_the_configuration_is_disconnected_all_the_same(
        self, connected: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A refresh token would live on in the table."""
        monkeypatch.setattr(connections, "provider", lambda _: None)

        result = invoke(ERP, "--yes", "--by", "maria")

        assert result.exit_code == 0, told(result)
        assert sign_in.connected(ERP) is None
        assert "not in accord.toml any more" in told(result)
        assert invoke(ERP, "--yes").exit_code == 1

    def test_one_that_takes_a_key_is_said_so(self, connected: None) -> None:
        result = invoke("main", "--yes")

        assert result.exit_code == 1
        assert "withdraw the key there" in told(result)

    def test_where_nobody_could_remember_who_did_it_nothing_is_forgotten(
        self, connected: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(_: object) -> None:
            raise UnavailableError("the table is away")

        monkeypatch.setattr(tables.journal(), "append", away)

        result = invoke(ERP, "--yes", "--by", "maria")

        assert isinstance(result.exception, UnavailableError)
        assert sign_in.connected(ERP) is not None
