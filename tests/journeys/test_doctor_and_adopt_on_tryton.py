"""`accord doctor` and `accord adopt`, as an operator runs them, on a real Tryton and a whole stack."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from accord.cli import connection
from accord.cli.app import app
from accord.local.place import STAGE, compiled
from tests.functions.conftest import forget
from tests.journeys.town import MUG, Town, configured

pytestmark = [pytest.mark.tryton, pytest.mark.slow]

Run = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def everyone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with Town.open(configured(), tmp_path_factory.mktemp("operator")) as running:
        yield running


@pytest.fixture
def town(everyone: Town) -> Town:
    everyone.begin()
    return everyone


@pytest.fixture
def accord(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """``accord("doctor", "uk")``: the exit code, and what it told with --json."""
    config = tmp_path / "accord.json"
    config.write_text(compiled(town.place.config), encoding="utf-8")
    running = {"endpoint": town.place.stack.endpoint, "stage": STAGE, "config": str(config)}
    monkeypatch.setattr(connection, "_local", lambda: running)
    before = dict(os.environ)
    forget()

    def run(*words: str) -> tuple[int, Any]:
        os.environ.pop("ACCORD_STAGE", None)  # the command before this one left it
        result = CliRunner().invoke(app, [*words, "--json"])
        assert result.stdout, result.exception
        return result.exit_code, json.loads(result.stdout)

    yield run
    forget()
    os.environ.clear()
    os.environ.update(before)


def test_the_doctor_reads_both_sides_and_says_what_the_books_lack(town: Town, accord: Run) -> None:
    town.front.rest("POST", "products", {"name": "A ghost", "sku": "GHOST-1", "regular_price": "1"})

    code, found = accord("doctor", "uk")
    topics = {each["topic"] for each in found}
    lacking = [each for each in found if each["subject"] == "GHOST-1"]
    town.desk.make_items(["GHOST-1"], price=1)
    _, mended = accord("doctor", "uk")

    assert code in {0, 1}
    assert topics.isdisjoint({"erp", "api", "key"})  # both answered
    assert [(each["topic"], bool(each["remedy"])) for each in lacking] == [("unknown_sku", True)]
    assert MUG not in {each["subject"] for each in found if each["topic"] == "unknown_sku"}
    assert "GHOST-1" not in {each["subject"] for each in mended if each["topic"] == "unknown_sku"}


def test_an_order_that_is_in_the_books_is_adopted_and_not_made_again(
    town: Town, accord: Run, tmp_path: Path
) -> None:
    order = town.paid()
    number = town.row(order)["number"]
    lose_the_links(town)
    list_ = tmp_path / "list.csv"
    list_.write_text(f"kind,store_id,erp_number\norder,{order},{number}\n", encoding="utf-8")

    dry = accord("adopt", "uk", "--csv", str(list_), "--dry-run")
    first = accord("adopt", "uk", "--csv", str(list_))
    second = accord("adopt", "uk", "--csv", str(list_))
    town.changed(order, status="completed")
    town.settled()

    whats = [(code, [row["what"] for row in told["rows"]]) for code, told in (dry, first, second)]
    assert whats == [(0, ["linked"]), (0, ["linked"]), (0, ["already"])]
    assert [record.number for record in town.sales(order)] == [number]
    assert len(town.money(order)) == 1
    assert town.asked() == []


def test_an_order_whose_total_is_another_is_left_alone(
    town: Town, accord: Run, tmp_path: Path
) -> None:
    one, other = town.paid({MUG: 1}), town.paid({MUG: 3})
    number = town.row(other)["number"]
    lose_the_links(town)
    list_ = tmp_path / "list.csv"
    list_.write_text(f"kind,store_id,erp_number\norder,{one},{number}\n", encoding="utf-8")

    code, told = accord("adopt", "uk", "--csv", str(list_))

    (row,) = told["rows"]
    assert (code, row["what"], bool(row["why"])) == (1, "not", True)


def lose_the_links(town: Town) -> None:
    """As if nobody had ever posted these orders."""
    client = town.place.stack.client("dynamodb")
    for name in ("links", "steps"):
        table = f"accord-{STAGE}-{name}"
        for page in client.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                key = {part: item[part] for part in ("pk", "sk")}
                client.delete_item(TableName=table, Key=key)
