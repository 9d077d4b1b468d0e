"""`accord reconcile`: what differs, in words and in numbers, and the exit code that says so."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from accord import bootstrap
from accord.cli import reconcile as command
from accord.cli.app import app
from accord.local.world import World
from accord.sync.reconcile import Reconciler
from tests.conftest import order_json
from tests.sync.conftest import make_world
from tests.sync.placed import telling

__all__ = ["make_world"]

RICH = order_json("order_created_rich")
RUNNER = CliRunner()


@pytest.fixture
def world(make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> World:
    """A store with an order that nobody was told of, behind the command."""
    world = make_world(telling(), copies=lambda _: 0)
    world.store.place(RICH)
    world.clock.now += dt.timedelta(hours=1)

    def reconciler(_: str) -> Reconciler:
        return world.reconciler()

    monkeypatch.setattr(command, "connect", lambda _: None)
    monkeypatch.setattr(bootstrap, "config", lambda: world.config)
    monkeypatch.setattr(bootstrap, "reconciler", reconciler)
    monkeypatch.setattr(bootstrap, "now", world.clock)
    return world


def ran(*words: str) -> Any:
    return RUNNER.invoke(app, ["reconcile", "uk", "--by", "olivia", *words])


def test_a_difference_is_told_and_is_an_exit_code(world: World) -> None:
    told = ran()

    assert told.exit_code == 1
    assert "In the store, not in the books" in told.stdout
    assert "order 30" in told.stdout
    assert "1 difference to be looked at" in told.stdout
    assert world.queue.next_at() is None


def test_what_is_mended_is_no_failure(world: World) -> None:
    assert ran("--repair").exit_code == 0
    assert world.queue.next_at() is not None

    world.drain()
    world.clock.now += dt.timedelta(hours=1)
    again = ran()

    assert (again.exit_code, "Both sides agree." in again.stdout) == (0, True)


def test_scripts_get_the_whole_report(world: World) -> None:
    told = ran("--json")

    report = json.loads(told.stdout)
    assert (report["found"], report["left"], report["by"]) == (1, 1, "olivia")
    (difference,) = report["differences"]
    assert (difference["reason"], difference["owner"]) == ("missing_in_erp", "finance")


def test_the_page_is_written_where_it_is_asked_for(world: World, tmp_path: Path) -> None:
    page = tmp_path / "page.html"

    ran("--html", str(page))

    assert "order 30" in page.read_text(encoding="utf-8")


def test_only_orders_of_that_day_and_later_are_compared(world: World) -> None:
    told = ran("--since", "2026-12-24", "--json")

    assert (told.exit_code, json.loads(told.stdout)["found"]) == (0, 0)


@pytest.mark.parametrize("words", [["--since", "yesterday"], ["--go-on", "--repair"]])
def test_what_cannot_be_meant_is_refused(world: World, words: list[str]) -> None:
    assert ran(*words).exit_code == 2


def test_there_is_nothing_to_go_on_with_where_nothing_broke_off(world: World) -> None:
    told = ran("--go-on")

    assert told.exit_code == 1
    assert "no run of uk broke off" in str(told.exception)


def test_what_broke_off_is_gone_on_with(world: World) -> None:
    world.reconciler().begin(since=None, repair=False, by="somebody")

    told = ran("--go-on", "--json")

    assert json.loads(told.stdout)["by"] == "somebody"


def test_a_store_that_is_not_there_is_named(world: World) -> None:
    told = RUNNER.invoke(app, ["reconcile", "de"])

    assert "there is no store 'de'; accord.toml has uk" in str(told.exception)
