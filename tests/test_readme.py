"""README tells the truth: its tables are what the code prints, its commands exist."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from accord.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUN = CliRunner()


def test_the_table_of_back_offices_is_printed_by_the_code() -> None:
    printed = RUN.invoke(app, ["erps", "--markdown"]).stdout.strip()

    held = README.partition("<!-- erps -->")[2].partition("<!-- /erps -->")[0].strip()
    assert held == printed


def test_the_table_of_flows_is_printed_by_the_code() -> None:
    printed = RUN.invoke(app, ["flows", "--markdown"]).stdout.strip()

    held = README.partition("<!-- flows -->")[2].partition("<!-- /flows -->")[0].strip()
    assert held == printed


COMMANDS = sorted(set(re.findall(r"`accord ([a-z]+)(?: ([a-z|\\]+))?[^`]*`", README)))


@pytest.mark.parametrize(("command", "more"), COMMANDS)
def test_a_command_that_readme_names_exists(command: str, more: str) -> None:
    for part in more.replace("\\", "").split("|"):
        words = [command, part] if part else [command]
        assert RUN.invoke(app, [*words, "--help"]).exit_code == 0, words


def test_every_command_is_in_readme() -> None:
    told = {command for command, _ in COMMANDS}
    names = {command.name for command in app.registered_commands}
    names |= {group.name for group in app.registered_groups}

    assert names <= told


@pytest.mark.parametrize("target", re.findall(r"^make (\w+)", README, re.M))
def test_a_make_target_that_readme_names_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_a_file_that_readme_links_to_exists(path: str) -> None:
    assert (ROOT / path).exists()
