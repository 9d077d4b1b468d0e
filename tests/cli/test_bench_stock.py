"""`accord bench --skus` and `--flash` say what they measured, and fail when it is not as it should."""

import json

import pytest
from typer.testing import CliRunner

from accord.cli.app import app
from accord.local.bench import flash, scale
from accord.local.bench.figures import Figure


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["bench", *arguments])
    return result.exit_code, result.stdout


def measured(value: float) -> scale.Result:
    missed = Figure("stock of all: store calls", value, "", "≤", 10, counted=True)
    return scale.Result(1000, 10, [], figures=[missed])


@pytest.mark.parametrize(("value", "code"), [(10, 0), (11, 1)])
def test_a_call_too_many_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, value: float, code: int
) -> None:
    monkeypatch.setattr(scale, "run", lambda *_, **__: measured(value))

    assert run("--skus", "1000")[0] == code


def test_a_sku_that_the_store_shows_otherwise_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = measured(10)
    result.differences.append("S000001 shows 3")
    monkeypatch.setattr(scale, "run", lambda *_, **__: result)

    code, text = run("--skus", "1000")

    assert (code, "S000001 shows 3" in text) == (1, True)


def test_a_sale_is_played_without_and_with_a_buffer() -> None:
    code, text = run("--flash", "50", "--seed", "2", "--json")

    without, buffered = json.loads(text)
    assert (code, without["buffer"], buffered["oversold"]) == (0, 0, 0)
    assert buffered["buffer"] > without["covering"]


def test_a_broken_promise_is_a_failure_and_says_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = flash.Result(seed=7, buffer=0, near=10, differences=["seed 7: S01: 2 oversold"])
    monkeypatch.setattr(flash, "run", lambda *_, **__: broken)

    code, text = run("--flash", "50", "--seed", "7")

    assert (code, "accord bench --flash 50 --seed 7" in text) == (1, True)
