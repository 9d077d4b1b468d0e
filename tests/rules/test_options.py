"""A back office's own settings are checked with the file: line, field and remedy."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from accord import erp
from accord.cli.app import app
from accord.rules.load import Finding, check

EXAMPLE = Path(__file__).parents[2] / "accord.toml"
OPTIONS = {name: erp.options_of(name) for name in erp.NAMES}
HEAD = """\
[stores.uk]
key = "uk"
url = "https://store.example"
erp = "main"
secret = "store/uk"
orders.start_at = 2026-01-01T00:00:00Z

[erps.main]
url = "https://erp.example"
secret = "erp/main"
"""
RIGHT = {
    "tryton": 'database = "books"\nweb_shop = "Shop"\n',
    "odoo": 'database = "books"\nuser = "connector"\n',
    "memory": "",
    "xero": "",
}


def text_of(adapter: str, options: str) -> str:
    return f'{HEAD}adapter = "{adapter}"\n\n[erps.main.options]\n{options}'


def found(text: str, **asked: Any) -> list[Finding]:
    asked.setdefault("options", OPTIONS)
    return [each for each in check(text, **asked)[1] if each.severity == "error"]


def only(text: str) -> Finding:
    (finding,) = found(text)
    return finding


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize("adapter", erp.NAMES)
def test_right_settings_are_right(adapter: str) -> None:
    assert found(text_of(adapter, RIGHT[adapter])) == []


@pytest.mark.parametrize("adapter", erp.NAMES)
def test_an_unknown_setting_is_refused_at_its_line(adapter: str) -> None:
    text = text_of(adapter, f'{RIGHT[adapter]}colour = "red"\n')

    finding = only(text)

    assert (finding.line, finding.path) == (line_of(text, "colour"), "erps.main.options.colour")
    assert finding.message == "unknown key 'colour'"


def test_a_misspelt_setting_is_told_how_it_is_spelt() -> None:
    text = text_of("tryton", f'{RIGHT["tryton"]}ware_house = "MAIN"\n')

    assert only(text).remedy == "Did you mean 'warehouse'?"


@pytest.mark.parametrize("adapter", ["odoo", "tryton"])
def test_a_setting_that_lacks_is_named_with_what_it_is_for(adapter: str) -> None:
    text = text_of(adapter, RIGHT[adapter].replace('database = "books"\n', ""))

    finding = only(text)

    assert (finding.path, finding.message) == (
        "erps.main.options.database",
        "database is missing",
    )
    assert finding.line == line_of(text, "[erps.main.options]")
    assert finding.remedy == "Add it: the database's name."


def test_settings_that_lack_altogether_are_told_at_the_back_office() -> None:
    text = f'{HEAD}adapter = "tryton"\n'

    assert {(each.line, each.path) for each in found(text)} == {
        (line_of(text, "[erps.main]"), "erps.main.options.database"),
        (line_of(text, "[erps.main]"), "erps.main.options.web_shop"),
    }


def test_a_value_that_is_none_of_the_known_is_told_which_are() -> None:
    text = text_of("odoo", f'{RIGHT["odoo"]}api = "json-3"\n')

    finding = only(text)

    assert finding.line == line_of(text, "json-3")
    assert "'json-2'" in finding.remedy


def test_a_value_of_another_type_is_told_what_it_is_for() -> None:
    text = text_of("tryton", f"{RIGHT['tryton']}price_digits = 9\n")

    finding = only(text)

    assert (finding.line, finding.path) == (
        line_of(text, "price_digits"),
        "erps.main.options.price_digits",
    )
    assert "less than or equal to 8" in finding.message
    assert finding.remedy.startswith("Correct it: digits of a unit price")


def test_a_value_below_a_setting_is_told_by_its_own_line() -> None:
    text = text_of("odoo", f'{RIGHT["odoo"]}\n[erps.main.options.lifecycle]\nSale = "soon"\n')

    finding = only(text)

    assert (finding.line, finding.path) == (
        line_of(text, "Sale ="),
        "erps.main.options.lifecycle.Sale",
    )


def test_of_an_adapter_that_nobody_knows_no_settings_are_checked() -> None:
    assert found(text_of("sap", 'colour = "red"\n')) == []


def test_without_adapters_no_settings_are_checked() -> None:
    assert found(text_of("tryton", 'colour = "red"\n'), options=None) == []


def test_the_example_is_right() -> None:
    assert found(EXAMPLE.read_text(encoding="utf-8")) == []


def test_the_command_checks_the_settings_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "accord.toml"
    text = EXAMPLE.read_text(encoding="utf-8")
    line = 'colour = "red"'
    path.write_text(
        text.replace("[erps.main.options]\n", f"[erps.main.options]\n{line}\n"), "utf-8"
    )

    run = CliRunner().invoke(app, ["config", "check", str(path), "--json"])

    told = json.loads(run.stdout)
    assert (run.exit_code, told["ok"]) == (1, False)
    assert [(each["path"], each["line"]) for each in told["findings"]] == [
        ("erps.main.options.colour", path.read_text(encoding="utf-8").splitlines().index(line) + 1)
    ]
