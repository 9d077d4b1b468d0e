"""`accord fuzz` says what it did, and fails with the number of what did not hold."""

import json

import pytest
from typer.testing import CliRunner

from accord.cli.app import app
from accord.local.fuzz import run as fuzzing
from accord.woo.webhook import Delivery


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["fuzz", *arguments])
    return result.exit_code, result.stdout


def test_it_counts_what_it_sent_and_what_became_of_it() -> None:
    code, text = run("--bodies", "200", "--seed", "2", "--json")

    told = json.loads(text)
    assert (code, told["bodies"], told["findings"]) == (0, 200, [])
    assert sum(told["answers"].values()) + told["checkouts"] == 200


def test_what_does_not_hold_is_told_by_its_number_and_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Delivery, "is_genuine", lambda *_: True)
    code, text = run("--bodies", "200", "--json")
    found = json.loads(text)["findings"][0]
    number = found.split()[1]

    again, shown = run("--only", number)

    assert (code, again) == (1, 1)
    assert "queued unsigned" in shown
    assert f"body {number}" in shown


def test_a_sound_run_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "run", lambda *_, **__: fuzzing.Result(seed=1, bodies=7))

    code, text = run()

    assert (code, "7" in text) == (0, True)
