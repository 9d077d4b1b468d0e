"""How many AWS operations each call costs: orders come by the million."""

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from accord.model.change import Ref
from accord.ports.levels import Wanted
from accord.ports.state import Cause, Entry, Item, Seen
from accord.state.attention import DynamoAttention
from accord.state.control import DynamoControl
from accord.state.journal import DynamoJournal
from accord.state.levels import DynamoLevels
from accord.state.links import DynamoLinks
from accord.state.rules_store import DynamoRulesStore
from accord.state.steps import DynamoSteps
from accord.state.waiting import DynamoWaiting
from tests.state.levels_kit import ERP, STORE, at, demand, hold, limit, snapshot, told, want

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

    assert spent(lambda: journal.append(entries)) == ["Query", "TransactWriteItems"]
    assert spent(lambda: journal.append(entries)) == ["TransactWriteItems"]  # by the same process
    assert spent(lambda: journal.of(ORDER)) == ["Query"]
    assert spent(lambda: control.put("epoch", "1", version=None)) == ["PutItem"]
    assert spent(lambda: control.get("epoch")) == ["GetItem"]
    assert spent(lambda: rules.push({}, version=1, now=NOW, by="a", why="b")) == ["PutItem"]
    assert spent(rules.latest) == ["Query"]


def test_what_demand_costs(dynamodb, table, spent) -> None:
    levels = DynamoLevels(dynamodb, table())
    forty = {f"I{n}": 1 for n in range(40)}
    took = {f"S{n}": 1 for n in range(40)}

    def claim(**about) -> Callable[[], None]:
        return lambda: levels.set_demand(demand(1, forty, took=took, **about), now=NOW)

    assert spent(claim()) == ["BatchGetItem", "TransactWriteItems"]
    assert spent(claim()) == ["BatchGetItem"]  # every further pass
    reserved = ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]
    assert spent(claim(reserved=10)) == reserved
    assert spent(claim(reserved=10, hold="gone")) == ["BatchGetItem"] * 2 + ["TransactWriteItems"]
    assert spent(claim(reserved=10, hold="gone")) == ["BatchGetItem"]


def test_what_a_hold_costs(dynamodb, table, spent) -> None:
    levels = DynamoLevels(dynamodb, table())
    limits = [limit("MUG", 1, 0)]

    def keep(id_: str = "h1", ends: float = 60) -> Callable[[], bool]:
        return lambda: levels.hold(hold(id_, {"MUG": 1}, ends=ends), limits, now=NOW)

    assert spent(keep()) == ["GetItem", "TransactWriteItems"]
    assert spent(keep()) == ["GetItem"]
    assert spent(keep(ends=90)) == ["GetItem", "TransactWriteItems"]
    assert spent(keep("h2")) == ["GetItem", "TransactWriteItems"]  # refused
    assert spent(lambda: levels.expire(ERP, now=NOW, limit=9)) == ["Query"]
    expired = ["Query", "GetItem", "TransactWriteItems"]
    assert spent(lambda: levels.expire(ERP, now=at(90), limit=9)) == expired
    assert spent(lambda: levels.release(STORE, "h1")) == ["GetItem"]


def test_what_snapshots_cost(dynamodb, table, spent) -> None:
    levels = DynamoLevels(dynamodb, table())
    items = [f"I{n:02}" for n in range(99)]

    def read(free: int, as_of: float) -> Callable[[], object]:
        return lambda: levels.observe(ERP, [snapshot(item, free, as_of) for item in items])

    assert spent(read(5, 0)) == ["BatchGetItem", "TransactWriteItems"]
    assert spent(read(5, 0)) == ["BatchGetItem"]
    assert spent(read(4, 60)) == ["BatchGetItem", "TransactWriteItems"]
    levels.set_demand(demand(1, {"I00": 1}, reserved=70), now=NOW)
    closing = ["BatchGetItem", "Query", "TransactWriteItems", "BatchWriteItem"]
    assert spent(read(4, 80)) == closing
    assert spent(lambda: levels.holdings(ERP, items)) == ["BatchGetItem"]


def test_what_levels_cost(dynamodb, table, spent) -> None:
    levels = DynamoLevels(dynamodb, table())
    skus = [f"S{n:03}" for n in range(100)]

    def wanted(quantity: int, as_of: float) -> Callable[[], int]:
        return lambda: levels.want(STORE, "stock", [want(sku, quantity, as_of) for sku in skus])

    def answer(version: int, at_: float) -> Callable[[], None]:
        answers = [told(sku, 5, version=version, at_=at_) for sku in skus]
        return lambda: levels.sent(STORE, "stock", answers)

    assert spent(wanted(5, 0)) == ["BatchGetItem"] + ["TransactWriteItems"] * 2
    assert spent(wanted(5, 1)) == ["BatchGetItem"]  # waits to be sent already
    assert spent(lambda: levels.count_dirty(STORE, "stock")) == ["Query"]
    assert spent(lambda: levels.dirty(STORE, "stock", limit=100)) == ["Query", "BatchGetItem"]
    assert spent(answer(1, 2)) == ["BatchGetItem"] + ["TransactWriteItems"] * 2
    assert spent(wanted(5, 3)) == ["BatchGetItem"]  # unchanged: one read for a hundred
    assert spent(wanted(5, 3600)) == ["BatchGetItem", "TransactWriteItems"]
    assert spent(lambda: levels.dirty(STORE, "stock", limit=100)) == ["Query"]
    assert spent(lambda: levels.levels(STORE, "stock", skus)) == ["BatchGetItem"]
    assert spent(lambda: levels.put_places(STORE, dict.fromkeys(skus))) == ["BatchGetItem"] * 3


def test_large_values_share_a_transaction_only_while_they_fit(dynamodb, table) -> None:
    sizes: list[int] = []

    def weigh(params, **_: object) -> None:
        sizes.append(len(params["body"]))

    noise = random.Random(7)
    texts = [Wanted(f"S{n}", {"text": noise.randbytes(100_000).hex()}, NOW) for n in range(40)]
    dynamodb.meta.events.register("before-call.dynamodb.TransactWriteItems", weigh)
    DynamoLevels(dynamodb, table()).want(STORE, "product", texts)
    dynamodb.meta.events.unregister("before-call.dynamodb.TransactWriteItems", weigh)

    assert len(sizes) < 5
    assert max(sizes) < 4_000_000


def test_claims_that_were_closed_leave_no_item(dynamodb, table) -> None:
    name = table()
    levels = DynamoLevels(dynamodb, name)
    levels.hold(hold("h1", {"MUG": 1}), [], now=NOW)
    levels.set_demand(demand(1, {"MUG": 1}, reserved=10, hold="h1"), now=NOW)
    levels.observe(ERP, [snapshot("MUG", 5, 20)])
    levels.untouch(ERP, levels.touched(ERP, limit=9))

    kept = [item["pk"]["S"] for item in dynamodb.scan(TableName=name)["Items"]]
    assert sorted(kept) == ["I#main#MUG", "O#uk:order:1"]


def test_only_an_order_that_claims_nothing_more_is_forgotten_one_day(dynamodb, table) -> None:
    name = table()
    levels = DynamoLevels(dynamodb, name)
    key = {"pk": {"S": "O#uk:order:1"}, "sk": {"S": "demand"}}

    levels.set_demand(demand(1, {"MUG": 1}), now=NOW)
    assert "expires_at" not in dynamodb.get_item(TableName=name, Key=key)["Item"]
    levels.set_demand(demand(1, {"MUG": 1}, reserved=10), now=NOW)
    expires_at = int(dynamodb.get_item(TableName=name, Key=key)["Item"]["expires_at"]["N"])
    assert expires_at == int(NOW.timestamp()) + 400 * 24 * 3600


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
