"""`accord adopt` reads a list as people save it, and says of each row what became of it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from accord import bootstrap
from accord.cli import adopt
from accord.cli.app import app
from accord.errors import BadInputError
from accord.local.world import World
from accord.model.change import Ref
from tests.sync.conftest import START, config
from tests.sync.placed import RICH

RUN = CliRunner()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """An order that is in the books, and a command line whose tables know nothing of it."""
    there = World(config(), START)
    there.store.place(RICH)
    there.drain()
    there.forget()
    monkeypatch.setattr(adopt, "connect", lambda _: None)
    monkeypatch.setattr(bootstrap, "config", lambda: there.config)
    monkeypatch.setattr(bootstrap, "store", lambda _: there.store)
    monkeypatch.setattr(bootstrap, "back_office", lambda _: there.erp())
    monkeypatch.setattr(bootstrap, "now", there.clock)
    for name in ("links", "levels", "steps", "control"):
        monkeypatch.setattr(bootstrap, name, lambda name=name: getattr(there, name))
    monkeypatch.setattr(bootstrap, "queues", lambda: there.queue)
    return there


def run(path: Path, text: str, *words: str) -> Result:
    path = path / "list.csv"
    path.write_text(text, encoding="utf-8")
    return RUN.invoke(app, ["adopt", "uk", "--csv", str(path), *words])


def is_linked(world: World) -> bool:
    link = world.links.get(Ref("uk", "order", "30"))
    return link is not None and link.erp is not None


@pytest.mark.parametrize(
    "text",
    [
        "kind,store_id,number,erp_number\norder,30,,\n",
        "\ufeffKind;Number;Remark\r\nOrder;30;hello\r\n\r\n",
    ],
)
def test_a_list_links_what_it_names(world: World, tmp_path: Path, text: str) -> None:
    result = run(tmp_path, text)

    assert result.exit_code == 0, result.output
    assert "1 linked, 0 were already, 0 could not be." in result.stdout
    assert is_linked(world)


def test_a_dry_run_links_nothing(world: World, tmp_path: Path) -> None:
    result = run(tmp_path, "kind,store_id\norder,30\n", "--dry-run")

    assert (result.exit_code, is_linked(world)) == (0, False)
    assert "Would be linked" in result.stdout


def test_a_row_that_cannot_be_linked_ends_with_one_and_the_others_are(
    world: World, tmp_path: Path
) -> None:
    result = run(tmp_path, "kind,store_id\norder,99\norder,30\n", "--json")

    told = json.loads(result.stdout)["rows"]
    assert result.exit_code == 1
    assert [(row["line"], row["what"]) for row in told] == [(2, "not"), (3, "linked")]
    assert is_linked(world)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "kind,store_id\nshoe,1\n"])
def test_what_is_no_list_is_refused_with_the_header_that_it_needs(
    world: World, tmp_path: Path, text: str
) -> None:
    result = run(tmp_path, text)

    assert isinstance(result.exception, BadInputError)


def test_the_help_names_every_column() -> None:
    told = RUN.invoke(app, ["adopt", "--help"]).output

    assert all(name in told for name in ("kind", "store_id", "number", "erp_number"))
