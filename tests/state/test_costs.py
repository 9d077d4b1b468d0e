"""How many AWS operations each call costs: orders come by the million."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest

from accord.model.change import Ref
from accord.ports.state import Cause, Entry, Item, Seen
from accord.state.attention import DynamoAttention
from accord.state.control import DynamoControl
from accord.state.journal import DynamoJournal
from accord.state.links import DynamoLinks
from accord.state.rules_store import DynamoRulesStore
from accord.state.steps import DynamoSteps
from accord.state.waiting import DynamoWaiting

NOW = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
ORDER = Ref("uk", "order", "30")
SALE = Ref("main", "sales_order", "12")
FIRST = Seen(NOW, "d1")
SECOND = Seen(NOW, "d2")


@pytest.fixture
def operations(dynamodb):
    """The names of the operations sent since the test began; ``clear`` it before what is told."""
    sent: list[str] = []

    def note(model, **_: object) -> None:
        sent.append(model.name)

    dynamodb.meta.events.register("before-call.dynamodb", note)
    yield sent
    dynamodb.meta.events.unregister("before-call.dynamodb", note)


@pytest.fixture
def spent(operations: list[str]) -> Callable[[Callable[[], object]], list[str]]:
    def of(call: Callable[[], object]) -> list[str]:
        operations.clear()
        call()
        return list(operations)

    return of


def take(links: DynamoLinks, owner: str = "a", seen: Seen = FIRST):
    until = NOW + dt.timedelta(seconds=65)
    return links.acquire(ORDER, key="uk-30", owner=owner, now=NOW, until=until, seen=seen)


def test_what_a_link_costs(dynamodb, table, spent) -> None:
    links = DynamoLinks(dynamodb, table())

    assert spent(lambda: take(links)) == ["UpdateItem"]
    link = links.get(ORDER)
    assert spent(lambda: links.save(replace(link, erp=SALE))) == ["TransactWriteItems"]
    link = links.get(ORDER)
    assert spent(lambda: links.save(replace(link, number="SO12"))) == ["UpdateItem"]
    assert spent(lambda: take(links, "b", FIRST)) == ["UpdateItem", "UpdateItem"]
    assert spent(lambda: take(links, "c", FIRST)) == ["UpdateItem"]  # marked so already
    assert spent(lambda: links.release(link, handled=[FIRST])) == ["UpdateItem"]
    assert spent(lambda: take(links)) == ["UpdateItem"]
    take(links, "b", SECOND)
    assert spent(lambda: links.release(link, handled=[FIRST])) == ["UpdateItem", "UpdateItem"]
    assert spent(lambda: links.abandon(link)) == ["UpdateItem"]
    assert spent(lambda: links.find(SALE)) == ["GetItem"]


def test_what_a_step_costs(dynamodb, table, spent) -> None:
    steps = DynamoSteps(dynamodb, table())

    assert spent(lambda: steps.begin("k", now=NOW, intent={})) == ["PutItem"]
    assert spent(lambda: steps.begin("k", now=NOW, intent={})) == ["PutItem"]
    assert spent(lambda: steps.looked("k", now=NOW)) == ["UpdateItem"]
    assert spent(lambda: steps.finish("k", {})) == ["UpdateItem"]
    assert spent(lambda: steps.finish("k", {})) == ["UpdateItem"]
    assert spent(lambda: steps.withdraw("k")) == ["DeleteItem"]


def test_what_waiting_costs(dynamodb, table, spent, parked) -> None:
    waiting = DynamoWaiting(dynamodb, table())
    cause = Cause("main", "unauthorized")

    assert spent(lambda: waiting.park(parked())) == ["TransactWriteItems"]
    assert spent(lambda: waiting.park(parked(cause="x"))) == ["TransactWriteItems"] * 2
    assert spent(lambda: waiting.count(cause)) == ["GetItem"]
    assert spent(lambda: waiting.get(ORDER)) == ["GetItem", "GetItem"]
    assert spent(lambda: list(waiting.of(cause))) == ["Query"]
    assert spent(waiting.causes) == ["Query", "DeleteItem"]  # the one that is settled goes
    assert spent(waiting.causes) == ["Query"]
    assert spent(lambda: waiting.remove(parked(cause="x"))) == ["TransactWriteItems"]


def test_what_attention_costs(dynamodb, table, spent) -> None:
    attention = DynamoAttention(dynamodb, table())
    item = Item("i1", str(ORDER), "rejected", "finance", "told", NOW, NOW)

    assert spent(lambda: attention.of(str(ORDER))) == ["Query"]  # every order that went well
    assert spent(lambda: attention.put(item)) == ["TransactWriteItems"]
    assert spent(lambda: attention.put(item)) == ["TransactWriteItems", "UpdateItem"]
    assert spent(lambda: attention.put(replace(item, count=9))) == ["UpdateItem"]
    assert spent(lambda: attention.get("i1")) == ["GetItem"]
    assert spent(attention.open) == ["Query", "BatchGetItem"]
    closing = ["GetItem", "TransactWriteItems"]
    assert spent(lambda: attention.close("i1", now=NOW, by="success")) == closing
    assert spent(lambda: attention.close("i1", now=NOW, by="success")) == ["GetItem"]


def test_what_journal_control_and_rules_cost(dynamodb, table, spent) -> None:
    journal = DynamoJournal(dynamodb, table())
    control = DynamoControl(dynamodb, table())
    rules = DynamoRulesStore(dynamodb, table())
    entries = [Entry(ORDER, NOW, "step", "create", "c1")] * 25

    assert spent(lambda: journal.append(entries)) == ["BatchWriteItem"]
    assert spent(lambda: journal.of(ORDER)) == ["Query"]
    assert spent(lambda: control.put("epoch", "1", version=None)) == ["PutItem"]
    assert spent(lambda: control.get("epoch")) == ["GetItem"]
    assert spent(lambda: rules.push({}, version=1, now=NOW, by="a", why="b")) == ["PutItem"]
    assert spent(rules.latest) == ["Query"]


def test_what_is_closed_leaves_one_item(dynamodb, table) -> None:
    name = table()
    attention = DynamoAttention(dynamodb, name)
    attention.put(Item("i1", str(ORDER), "rejected", "finance", "told", NOW, NOW))
    attention.close("i1", now=NOW, by="success")

    assert dynamodb.scan(TableName=name)["Count"] == 1


def test_what_waits_no_longer_leaves_no_item(dynamodb, table, parked) -> None:
    name = table()
    waiting = DynamoWaiting(dynamodb, name)
    waiting.park(parked())
    waiting.park(parked(cause="item:MUG", placed=5))
    waiting.remove(parked(cause="item:MUG", placed=5))
    waiting.causes()

    assert dynamodb.scan(TableName=name)["Count"] == 0
