"""`accord doctor` prints what does not match by severity, and ends with 1 where it matters."""

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from accord import bootstrap
from accord.cli import doctor
from accord.cli.app import app
from accord.local.world import World
from accord.woo.webhook import FOLLOWED
from tests.sync.conftest import config

RUN = CliRunner()
RECEIVER = "https://api.example/stores/uk/webhooks"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, make_world: Callable[..., World]) -> World:
    """A store and a back office that match."""
    there = make_world(config(prices={"currency": "GBP"}))
    monkeypatch.setattr(doctor, "connect", lambda _: None)
    monkeypatch.setattr(bootstrap, "config", lambda: there.config)
    monkeypatch.setattr(bootstrap, "store", lambda _: there.store)
    monkeypatch.setattr(bootstrap, "back_office", lambda _: there.erp())
    monkeypatch.setattr(bootstrap, "now", there.clock)
    for topic in FOLLOWED:
        hook = {"name": topic, "topic": topic, "delivery_url": RECEIVER, "secret": "s"}
        there.store.shop.outbox._sender = lambda *_, **__: 200
        there.store.shop.create_webhook(hook)
    there.erp().add_item("MUG", price=Decimal(5))
    there.store.add_product("MUG")
    return there


@pytest.fixture
def make_world() -> Callable[..., World]:
    from accord.erp.memory.adapter import Memory
    from tests.sync.conftest import START

    def make(config_: object) -> World:
        made = World(config_, START)  # type: ignore[arg-type]
        Memory(made.books.call).ping()
        return made

    return make


def test_a_store_that_matches_ends_well(world: World) -> None:
    result = RUN.invoke(app, ["doctor", "uk", "--receiver", RECEIVER])

    assert result.exit_code == 0, result.output
    assert "Errors" not in result.stdout


def test_an_error_is_shown_with_its_remedy_and_ends_with_one(world: World) -> None:
    world.store.shop.setup.extra_payments.append(("stripe", "Card"))
    world.store.add_product("CUP")

    result = RUN.invoke(app, ["doctor", "uk"])

    assert result.exit_code == 1
    assert "Errors" in result.stdout
    assert "CUP" in result.stdout


def test_json_has_every_finding(world: World) -> None:
    for n in range(30):
        world.store.add_product(f"CUP-{n}")

    told = json.loads(RUN.invoke(app, ["doctor", "uk", "--json"]).stdout)

    assert sum(each["topic"] == "unknown_sku" for each in told) == 30
    assert {"severity", "topic", "subject", "what", "remedy"} == told[0].keys()


def test_many_of_one_kind_are_shortened_for_people(world: World) -> None:
    for n in range(30):
        world.store.add_product(f"CUP-{n}")

    assert "and 10 more" in RUN.invoke(app, ["doctor", "uk"]).stdout


def test_an_unknown_store_is_refused(world: World) -> None:
    assert RUN.invoke(app, ["doctor", "fr"]).exit_code == 1
