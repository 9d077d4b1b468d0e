"""`accord bench` says what it measured, and fails when both sides differ or a count is too high."""

import contextlib
import dataclasses
import json
from decimal import Decimal
from typing import Any

import pytest
from typer.testing import CliRunner

from accord.cli import bench
from accord.cli.app import app
from accord.local.bench import calls as counted
from accord.local.bench import cost, figures, lives, operations, outage, prices, traffic

PASSED = outage.Result(
    orders=500,
    posted=500,
    dead_letters=0,
    items=1,
    open=0,
    waiting=0,
    oldest_first=True,
    hours_until_done=0.1,
    calls=724,
)


def calls(**other: Any) -> cost.Calls:
    return cost.Calls(**{"store_reads": 0, "store_writes": 1, "erp": {"create": 1}, **other})


def order_calls(known: int) -> counted.Calls:
    """Odoo's, of which an order of a known customer took so many."""
    cases = {case: {"sale.order.load": known} for case in counted.CASES}
    return counted.Calls("odoo", cases)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What each part of the bench will say; a test changes what it is about."""
    said: dict[str, Any] = {
        "run": traffic.Result(erp="memory", orders=12, deliveries=24, documents=12, seconds=2.0),
        "outage": PASSED,
        "code": [figures.Figure("start-up CPU of a function", 13, "×", "≤", 12)],
        "calls": [order_calls(3), counted.Absent("tryton", "it was never prepared")],
        "cost": cost.Cost(
            calls(),
            calls(),
            {"sqs:SendMessage": 2.0},
            prices.Usage({"SQS FIFO requests": Decimal(6)}),
        ),
    }
    monkeypatch.setattr(traffic, "stand_ins", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(traffic, "run", lambda *_, **__: said["run"])
    monkeypatch.setattr(outage, "run", lambda *_, **__: said["outage"])
    monkeypatch.setattr(figures, "of_code", lambda *_, **__: said["code"])
    monkeypatch.setattr(operations, "measure", lambda *_, **__: {})
    monkeypatch.setattr(counted, "measure_all", lambda **_: said["calls"])
    monkeypatch.setattr(cost, "measure", lambda *_, **__: said["cost"])
    monkeypatch.setattr(bench, "work_folder", lambda _: contextlib.nullcontext())
    return said


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["bench", "--erp", "memory", *arguments])
    return result.exit_code, result.stdout


@pytest.mark.usefixtures("measured")
def test_json_holds_the_run_the_outage_and_each_figure_with_its_target() -> None:
    _, text = run("--json")

    told = json.loads(text)
    assert told["run"]["orders_per_second"] == 6
    assert told["outage"]["passed"] is True
    assert told["figures"][0]["target"] == "≤ 12"
    assert told["aws"]["dollars_per_million_orders"]["total"] == 3


@pytest.mark.usefixtures("measured")
def test_a_time_that_misses_its_target_is_shown_and_decides_nothing() -> None:
    code, text = run()

    assert (code, "missed" in text) == (0, True)


def test_a_difference_is_a_failure(measured: dict[str, Any]) -> None:
    measured["run"].differences.append("order 1 stands 2 times in the back office")

    code, text = run()

    assert (code, "order 1 stands 2 times" in text) == (1, True)


def test_a_store_read_too_many_is_a_failure(measured: dict[str, Any]) -> None:
    measured["cost"] = cost.Cost(calls(store_reads=1), calls(), {}, prices.Usage({}))

    assert run()[0] == 1


@pytest.mark.parametrize("arguments", [(), ("--calls",)])
def test_a_call_of_a_back_office_too_many_is_a_failure(
    measured: dict[str, Any], arguments: tuple[str, ...]
) -> None:
    assert run(*arguments)[0] == 0

    measured["calls"] = [order_calls(4)]

    assert run(*arguments)[0] == 1


@pytest.mark.usefixtures("measured")
def test_the_calls_of_each_kind_of_back_office_are_a_table_for_readers() -> None:
    _, text = run("--calls", "--markdown")

    first, _, odoo, tryton = [line for line in text.splitlines() if line.startswith("|")]
    assert first.startswith("| back office | known customer |")
    assert odoo == "| odoo | 3 | 3 | 3 | 3 |"
    assert "does not run here" in tryton


@pytest.mark.usefixtures("measured")
def test_the_calls_of_each_kind_are_told_by_name_to_scripts() -> None:
    _, text = run("--calls", "--json")

    told = json.loads(text)
    assert told["odoo"]["new customer, paid"] == {"sale.order.load": 3}
    assert told["tryton"] == {"absent": "it was never prepared"}


def test_an_outage_that_lost_an_order_is_a_failure(measured: dict[str, Any]) -> None:
    measured["outage"] = dataclasses.replace(PASSED, posted=499)

    assert run()[0] == 1


@pytest.mark.usefixtures("measured")
def test_with_orders_only_they_are_posted() -> None:
    _, text = run("--orders", "12", "--json")

    assert json.loads(text).keys() == {"run", "outage"}


def test_lives_are_played_alone_and_told_by_seed() -> None:
    code, text = run("--life", "2", "--seed", "5", "--json")

    told = json.loads(text)
    assert (code, told["orders"], told["seeds"], told["differences"]) == (0, 2, [5], [])


def test_a_life_that_ends_otherwise_on_both_sides_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    differs = "seed 7: order 1001: 2 sales stand"
    lived = lives.Result(orders=10, seeds=[7], differences=[differs])
    monkeypatch.setattr(lives, "run", lambda *_, **__: lived)

    code, text = run("--life", "10")

    assert (code, differs in text) == (1, True)
