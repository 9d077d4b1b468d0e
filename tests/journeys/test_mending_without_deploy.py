"""A rule is missing, or one order is wrong: a person mends it while everything runs."""

import datetime as dt
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from accord.cli import connection
from accord.cli.app import app
from accord.local.place import STAGE, WEBHOOK_SECRET, Place
from accord.local.recorded import Recorded, read_all, references
from accord.state.attention import DynamoAttention
from accord.state.rules_store import DynamoRulesStore
from accord.state.waiting import DynamoWaiting
from tests.functions.conftest import forget
from tests.journeys.town import DELIVERIES, configured

pytestmark = pytest.mark.slow

PATIENCE_S = 120  # of a machine that others use too
RUN = CliRunner()


@pytest.fixture(scope="module", params=["memory", pytest.param("tryton", marks=pytest.mark.tryton)])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """The whole local stack, whose rules lack a tax and ask a person where a line has no SKU."""
    config = configured(mappings={"no_sku": "attention"})
    work = tmp_path_factory.mktemp("place")
    refers_to = references(read_all(DELIVERIES))
    with Place(config=config, references=refers_to, work=work, erp=request.param, speed=20) as it:
        mappings = {**config["stores"]["uk"]["mappings"], "taxes": {"99": "None such"}}
        DynamoRulesStore(it.stack.client("dynamodb"), f"accord-{STAGE}-config").push(
            {"stores": {"uk": {"mappings": json.loads(json.dumps(mappings, default=str))}}},
            version=1,
            now=dt.datetime.now(dt.UTC),
            by="ben",
            why="tidied up",
        )
        with it.stack.unscheduled(but={"wake"}):  # the others would keep the machine busy
            yield it


@pytest.fixture
def accord(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """``accord("config", "log")``: what the command prints as JSON, spoken to that stack."""
    told = {
        "endpoint": place.stack.endpoint,
        "webhooks": place.webhook_url,
        "stage": STAGE,
        "config": str(place.work / "accord.json"),
    }
    monkeypatch.setattr(connection, "_local", lambda: told)
    monkeypatch.setattr(os, "environ", {**os.environ, "ACCORD_OPERATOR": "ada"})
    forget()

    def run(*words: str | Path) -> Any:
        os.environ.pop("ACCORD_STAGE", None)  # which the command before has set, and a shell keeps
        result = RUN.invoke(app, [*map(str, words), "--json"])
        assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
        return json.loads(result.stdout)

    yield run
    forget()


def an_order(id_: int, **line: Any) -> Recorded:
    """A recorded order under another number, of another shopper; its first line changed."""
    one = next(each for each in read_all(DELIVERIES) if each.name == "order_created_backorder")
    order = json.loads(one.body.replace("grace@example.com", f"mended{id_}@example.com"))
    order |= {"id": id_, "number": str(id_)}
    order["line_items"][0] |= line
    return Recorded(f"order {id_}", one.headers, json.dumps(order), None).signed(WEBHOOK_SECRET)


def deliver(place: Place, delivery: Recorded) -> None:
    place.store.control("PUT", "orders", [delivery.order])
    with httpx.Client(timeout=60, trust_env=False) as client:
        assert delivery.post(client, place.webhook_url) == 200


def eventually(look: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE_S
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.2)
    return found


def standing(place: Place, id_: int) -> list[str]:
    return [sale["key"] for sale in place.sales() if sale["key"] == f"uk-{id_}"]


def waits(place: Place) -> list[str]:
    waiting = DynamoWaiting(place.stack.client("dynamodb"), f"accord-{STAGE}-waiting")
    return [cause.cause for cause in waiting.causes()]


def open_items(place: Place) -> list[Any]:
    return list(DynamoAttention(place.stack.client("dynamodb"), f"accord-{STAGE}-attention").open())


def test_a_tax_that_is_pushed_posts_the_order_that_waited_for_it(
    place: Place, accord: Callable[..., Any], tmp_path: Path
) -> None:
    deliver(place, an_order(7101))
    assert eventually(lambda: [cause for cause in waits(place) if cause.startswith("tax:")])
    (item,) = eventually(lambda: open_items(place))  # which opens once it is parked
    shown = accord("attention", "show", item.id)
    assert (shown["reason"], shown["owner"]) == ("unmapped", "finance")
    part = tmp_path / "taxes.toml"
    part.write_text('[stores.uk.mappings.taxes]\n"20" = "VAT 20%"\n', encoding="utf-8")

    pushed = accord("config", "push", part, "--why", "the rate was missing", "--yes")

    assert (pushed["version"], pushed["settles"], pushed["stays"]) == (2, 1, 0)
    assert eventually(lambda: standing(place, 7101)) == ["uk-7101"]
    assert eventually(lambda: not open_items(place))
    assert waits(place) == []
    assert [(each["by"], each["version"]) for each in accord("config", "log")] == [
        ("ben", 1),
        ("ada", 2),
    ]


def test_a_mended_line_posts_its_order_and_the_item_closes(
    place: Place, accord: Callable[..., Any]
) -> None:
    delivery = an_order(7102, sku="")
    line = delivery.order["line_items"][0]["id"]
    deliver(place, delivery)
    (item,) = eventually(lambda: open_items(place))
    assert item.reason == "no_sku"
    assert standing(place, 7102) == []
    sku = an_order(1).order["line_items"][0]["sku"]

    done = accord(
        "attention", "mend", item.id, "--set", f"lines.{line}.sku={sku}", "--why", "lost", "--yes"
    )

    assert done["done"] == [item.id]
    assert eventually(lambda: standing(place, 7102)) == ["uk-7102"]
    assert eventually(lambda: not open_items(place))
    traced = accord("trace", "uk", "7102")
    assert [each["by"] for each in traced["mends"]] == ["ada"]
    assert any(each["text"] == f"mended lines.{line}.sku to {sku}" for each in traced["entries"])
    explained = accord("rules", "explain", "uk", "7102")
    assert explained["lines"][0]["item"] == sku


def test_a_dismissed_item_stays_closed_and_its_desk_is_told_of_the_others(
    place: Place, accord: Callable[..., Any]
) -> None:
    for id_ in (7103, 7104):
        deliver(place, an_order(id_, sku=""))
    assert eventually(lambda: len(open_items(place)) == 2)
    first, second = open_items(place)

    accord("attention", "dismiss", first.id, "--why", "booked by hand", "--yes")
    accord("attention", "replay", first.id, second.id, "--yes")
    assert place.stack.wait_idle(PATIENCE_S)

    assert [each.id for each in open_items(place)] == [second.id]
    assert (
        "1 thing needs commerce" in accord("attention", "digest", "--owner", "commerce")["subject"]
    )
    place.stack.invoke("send_digest", {})
    assert ("sns:Publish", f"accord-{STAGE}-commerce") in place.stack.calls()["send_digest"].actions
