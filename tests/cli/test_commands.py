"""Every command explains itself, fails with a line and a code, and prints remedies whole."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from rich.text import Text
from typer.testing import CliRunner

from accord.cli import output
from accord.cli.app import app
from accord.errors import BadInputError
from accord.local import place

REMEDY = "no rule for tax rate 19 %; add it to [stores.uk.mappings.taxes]"
RUN = CliRunner()


def commands(of: typer.Typer, *above: str) -> Iterator[tuple[str, ...]]:
    for command in of.registered_commands:
        assert command.callback is not None
        yield (*above, command.name or command.callback.__name__)
    for group in of.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, *above, str(group.name))


@pytest.mark.parametrize("words", list(commands(app)), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    assert RUN.invoke(app, [*words, "--help"]).exit_code == 0


def test_a_table_shows_a_remedy_whole(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table("Attention", ["message"], [[REMEDY]])

    assert "[stores.uk.mappings.taxes]" in capsys.readouterr().out


def test_a_table_may_hold_coloured_text(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table("Figures", ["verdict"], [[Text("met", "green")]])

    assert "met" in capsys.readouterr().out


def test_an_error_shows_its_remedy_whole(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        output.fail(REMEDY)

    assert ended.value.exit_code == 1
    assert "[stores.uk.mappings.taxes]" in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(
    "words",
    [
        ["config", "check", "--stage", "production"],
        ["attention", "list", "--owner", "nobody"],
        ["local", "--port", "99999"],
        ["bench", "--orders", "0"],
    ],
    ids=" ".join,
)
def test_a_value_that_does_not_exist_is_refused(words: list[str]) -> None:
    assert RUN.invoke(app, words).exit_code == 2


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_configuration_that_is_no_text_is_said_so(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "accord.toml"
    if content is not None:
        path.write_bytes(content)

    result = RUN.invoke(app, ["config", "check", str(path)])

    assert isinstance(result.exception, BadInputError)
    with pytest.raises(BadInputError):
        place.toml_of(path)


def test_a_wrong_configuration_is_told_as_json_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "accord.toml"
    path.write_text("a = [\n", encoding="utf-8")

    result = RUN.invoke(app, ["config", "check", str(path), "--json"])

    assert (result.exit_code, json.loads(result.stdout)["findings"][0]["line"] >= 1) == (1, True)


@pytest.mark.parametrize(
    ("name", "content"), [("s.json", "[]"), ("s.json", '{"a": 1}'), ("s", "[")]
)
def test_secrets_that_are_none_are_refused_and_not_repeated(
    tmp_path: Path, name: str, content: str
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")

    with pytest.raises(BadInputError, match=name):
        place.secrets_of(path)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    "words",
    [
        ["trace", "uk", "30"],
        ["attention", "list"],
        ["attention", "show", "x"],
        ["attention", "replay", "x"],
        ["waiting", "list"],
        ["recovery", "status"],
        ["recovery", "begin"],
        ["recovery", "end"],
    ],
    ids=" ".join,
)
def test_where_no_stack_runs_it_is_said_so(words: list[str]) -> None:
    result = RUN.invoke(app, words)

    assert isinstance(result.exception, BadInputError)
    assert "accord local" in str(result.exception)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which nothing was ever run."""
    monkeypatch.delenv("ACCORD_STAGE", raising=False)
    monkeypatch.setattr("accord.cli.connection.REPO", tmp_path)
    monkeypatch.setattr(place, "REPO", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("elsewhere")
def test_a_second_run_leaves_the_first_ones_folder_alone() -> None:
    with place.work_folder("demo") as first:
        (first / "log").touch()
        with place.work_folder("demo") as second:
            assert (second.name, (first / "log").exists()) == ("demo-2", True)


@pytest.mark.usefixtures("elsewhere")
def test_a_later_run_begins_with_an_empty_folder() -> None:
    with place.work_folder("demo") as first:
        (first / "log").touch()

    with place.work_folder("demo") as later:
        assert (later.name, list(later.iterdir())) == ("demo", [])
