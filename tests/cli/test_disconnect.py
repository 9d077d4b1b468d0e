"""`accord disconnect ERP`: a plan, who did it, and no tokens left."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from accord.bootstrap import connections, sign_in, tables
from accord.cli import disconnect
from accord.cli.app import app
from accord.errors import NoConsentError, UnavailableError
from accord.local.xero.server import FakeXero
from accord.model.change import Ref
from tests.functions.cloud import Room
from tests.functions.conftest import Handler, cloud, config, room, run
from tests.functions.consenting import ERP, PUBLIC, Browser, answering

__all__ = ["cloud", "config", "room", "run"]  # fixtures


def invoke(*words: str) -> Result:
    return CliRunner().invoke(app, ["disconnect", *words])


def told(result: Result) -> str:
    return " ".join((result.stdout + result.stderr).split())


class TestDisconnect:
    """Xero's stand-in, which somebody allowed."""

    @pytest.fixture
    def xero(self) -> FakeXero:
        return FakeXero()

    @pytest.fixture
    def config(self, config: dict[str, Any], xero: FakeXero) -> Iterator[dict[str, Any]]:
        with answering(xero) as url:
            config["erps"][ERP] = {"adapter": "xero", "url": url, "secret": "erp/books"}
            yield config

    @pytest.fixture
    def connected(
        self,
        room: Room,
        run: Handler,
        xero: FakeXero,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Somebody has allowed it."""
        monkeypatch.setattr(disconnect, "reach", lambda _: None)
        room.keep_secret(
            "erp/books", {"client_id": "local-client", "client_secret": "local-client-secret"}
        )
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
        (entry,) = tables.journal().of(Ref(ERP, "connection", ERP))
        assert entry.details == {"by": "maria"}
        assert "Demo Shop, by maria: a laptop was stolen" in entry.text
        assert "disconnected" in told(result)

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
