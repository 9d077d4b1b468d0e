"""`accord config push|diff|log|revert`: shown first, stored once, never over somebody else's."""

import copy
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from accord import bootstrap
from accord.cli import push
from accord.cli.app import app
from accord.erp.memory.adapter import Memory
from accord.errors import BadInputError
from accord.local.world import World
from accord.rules.config import Config
from accord.rules.load import overlay
from accord.state.memory import MemoryRulesStore
from tests.conftest import order_json
from tests.sync.conftest import START, config

RUN = CliRunner()
PART = '[stores.uk.mappings.taxes]\n"5" = "R5"\n"0" = "Z0"\n'


@pytest.fixture
def rules() -> MemoryRulesStore:
    return MemoryRulesStore()


@pytest.fixture
def world(rules: MemoryRulesStore, monkeypatch: pytest.MonkeyPatch) -> World:
    """An order that waits for two tax codes, and a command line that is connected with it."""
    deployed = config(mappings={"taxes": {"20": "S20"}})
    world = World(deployed, START)
    Memory(world.books.call).ping()
    world.store.place(copy.deepcopy(order_json("order_created_rich")))
    world.drain(dt.timedelta(minutes=1))

    def live() -> Config:
        latest = rules.latest()
        return overlay(deployed, latest[1]) if latest else deployed

    monkeypatch.setattr(push, "connect", lambda _: None)
    monkeypatch.setattr(push, "local_file", lambda: deployed)
    for name, port in (
        ("waiting", world.waiting),
        ("links", world.links),
        ("rules_store", rules),
        ("deployed", deployed),
    ):
        monkeypatch.setattr(bootstrap, name, lambda port=port: port)
    monkeypatch.setattr(bootstrap, "store", lambda _: world.store)
    monkeypatch.setattr(bootstrap, "config", live)
    monkeypatch.setattr(bootstrap, "now", world.clock)
    return world


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "part.toml"
    path.write_text(PART, encoding="utf-8")
    return path


def run(*words: str | Path) -> Result:
    told = ["config", *map(str, words)]
    result = RUN.invoke(app, told, env={"ACCORD_OPERATOR": "ada"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def told(*words: str | Path) -> Any:
    """What the command prints with --json, if it ends well."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_push_says_what_changes_and_what_it_settles(world: World, part: Path) -> None:
    found = told("push", part, "--why", "new rates", "--yes")

    assert (found["version"], found["settles"], found["stays"]) == (1, 1, 0)
    assert {each["path"] for each in found["changes"]} == {
        "stores.uk.mappings.taxes.5",
        "stores.uk.mappings.taxes.0",
    }


def test_a_script_is_shown_the_plan_that_nobody_agreed_to(
    world: World, rules: MemoryRulesStore, part: Path
) -> None:
    result = run("push", part, "--why", "new rates", "--json")

    plan = json.loads(result.stdout)
    assert (result.exit_code, plan["pushed"], plan["version"]) == (2, False, 0)
    assert (plan["settles"], plan["stays"], plan["unknown"]) == (1, 0, 0)
    assert len(plan["changes"]) == 2
    assert rules.latest() is None


def test_a_file_that_is_not_there_is_said_without_an_option_that_there_is_none_of(
    world: World,
) -> None:
    with pytest.raises(BadInputError, match=r"nofile.toml: .*; name another file$"):
        run("diff", "nofile.toml")


def test_for_people_it_says_the_same(world: World, part: Path) -> None:
    out = run("push", part, "--why", "new rates", "--yes").output

    assert '+ stores.uk.mappings.taxes.5 = "R5"' in out
    assert "goes on: 1" in out
    assert "accord config revert 0" in out


def test_where_nobody_can_be_asked_nothing_is_stored(
    world: World, rules: MemoryRulesStore, part: Path
) -> None:
    result = run("push", part, "--why", "new rates")

    assert result.exit_code == 2
    assert "Version 1 will hold for uk within a minute" in result.output
    assert rules.latest() is None


def test_who_pushed_and_why_is_in_the_log(world: World, part: Path) -> None:
    told("push", part, "--why", "new rates", "--yes")

    (version,) = told("log")
    assert (version["version"], version["by"], version["why"]) == (1, "ada", "new rates")
    assert len(version["changes"]) == 2
    assert "+ uk.mappings.taxes.5" in run("log").output


def test_the_same_again_stores_nothing(world: World, rules: MemoryRulesStore, part: Path) -> None:
    told("push", part, "--why", "new rates", "--yes")

    assert told("push", part, "--why", "again", "--yes")["pushed"] is False
    assert len(rules.versions()) == 1


def test_what_is_wrong_is_said_with_its_line_and_not_stored(
    world: World, rules: MemoryRulesStore, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('[stores.uk]\nurl = "https://other.example"\n', encoding="utf-8")

    result = run("push", path, "--why", "a new home", "--yes")
    assert result.exit_code == 1
    assert "line 2: error: stores.uk.url" in result.output
    assert rules.latest() is None


def test_somebody_elses_push_meanwhile_is_not_written_over(
    world: World, rules: MemoryRulesStore, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*_: object, **__: object) -> None:
        rules.push({}, version=1, now=world.clock(), by="ben", why="his own")

    monkeypatch.setattr(push, "confirmed", meanwhile)

    with pytest.raises(BadInputError, match=r"ben pushed version 1 .* nothing was stored"):
        run("push", part, "--why", "new rates")
    assert [each.by for each in rules.versions()] == ["ben"]


def test_a_push_before_the_plan_was_shown_is_not_written_over(
    world: World, rules: MemoryRulesStore, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored was made over the version that was read first."""
    real = push.propose

    def meanwhile(*given: Any, **more: Any) -> Any:
        rules.push({}, version=1, now=world.clock(), by="ben", why="his own")
        return real(*given, **more)

    monkeypatch.setattr(push, "propose", meanwhile)

    with pytest.raises(BadInputError, match="nothing was stored"):
        run("push", part, "--why", "new rates", "--yes")
    assert [each.by for each in rules.versions()] == ["ben"]


@pytest.mark.parametrize("repair", [("push",), ("revert", "0")])
def test_a_version_that_fits_no_more_is_repaired(
    world: World, rules: MemoryRulesStore, part: Path, repair: tuple[str, ...]
) -> None:
    unfit = {"stores": {"uk": {"gone": {}}}}
    rules.push(unfit, version=1, now=world.clock(), by="ben", why="an earlier release")

    given = (*repair, part) if repair == ("push",) else repair
    assert told(*given, "--why", "repair", "--yes")["version"] == 2
    assert bootstrap.config().stores.keys() == bootstrap.deployed().stores.keys()


def test_a_difference_is_shown_and_not_stored(
    world: World, rules: MemoryRulesStore, part: Path
) -> None:
    assert len(told("diff", part)["changes"]) == 2
    assert rules.latest() is None


def test_after_a_push_there_is_no_difference(world: World, part: Path) -> None:
    told("push", part, "--why", "new rates", "--yes")

    assert told("diff", part)["changes"] == []
    assert "holds already" in run("diff", part).output


def test_an_older_version_holds_again_as_a_new_one(
    world: World, rules: MemoryRulesStore, part: Path
) -> None:
    told("push", part, "--why", "new rates", "--yes")
    found = told("revert", "0", "--why", "too early", "--yes")

    assert (found["version"], [each["after"] for each in found["changes"]]) == (2, [None, None])
    assert rules.versions()[-1].why == "back to version 0: too early"
    assert bootstrap.config() == bootstrap.deployed()


def test_a_version_that_never_was_cannot_hold(world: World) -> None:
    assert run("revert", "7", "--yes").exit_code == 1


def test_before_the_first_push_the_log_says_so(world: World) -> None:
    assert "only the deployed accord.toml" in run("log").output
    assert told("log") == []
