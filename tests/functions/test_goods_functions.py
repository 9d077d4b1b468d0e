"""What is sold, on its way to the store or from it: one message in, one end."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from accord.erp.memory.adapter import Memory
from accord.erp.memory.ledger import Ledger
from accord.local.model_store import ModelStore
from accord.model.change import Change, Ref
from accord.ports.levels import LevelKind, Wanted
from accord.state.attention import DynamoAttention
from accord.state.journal import DynamoJournal
from accord.state.levels import DynamoLevels
from accord.state.links import DynamoLinks
from infra.events import SOLD
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import Handler

HANDLED: dict[str, Any] = {"batchItemFailures": []}
CASES = sorted(
    f"{folder}/{path.stem}" for folder in SOLD for path in (EVENTS / folder).glob("*.json")
)
PRICE = {"regular": "12.50", "sale": None, "bands": {}}
Deliver = Callable[..., Any]


@pytest.fixture
def config(config: dict[str, Any]) -> dict[str, Any]:
    """Everything that is sold is sent."""
    uk = config["stores"]["uk"]
    uk["flows"] = {**uk["flows"], "stock": "on", "prices": "on", "products": "on"}
    uk["prices"] = {**uk.get("prices", {}), "currency": "GBP"}
    return config


@pytest.fixture
def deliver(run: Handler, books: Ledger) -> Deliver:
    """The case's event handed to its function, with what a test changes in its message."""

    def one(case: str, **changes: Any) -> Any:
        event = json.loads((EVENTS / f"{case}.json").read_text(encoding="utf-8"))
        (sent,) = event["Records"]
        sent["body"] = json.dumps({**json.loads(sent["body"]), **changes})
        return run(case.partition("/")[0], event)

    return one


@pytest.fixture
def levels(room: Room) -> DynamoLevels:
    levels: DynamoLevels = room.of(DynamoLevels, "levels")
    return levels


def want(levels: DynamoLevels, kind: LevelKind, value: dict[str, Any]) -> None:
    assert levels.want("uk", kind, [Wanted("MUG", value, dt.datetime.now(dt.UTC))]) == 1


def queued(room: Room, event: str) -> list[Ref]:
    return [Change.from_json(message["Body"]).ref for message in room.messages(event)]


@pytest.mark.parametrize("case", CASES)
def test_every_event_is_handled_where_nothing_is_to_be_sent(
    deliver: Deliver, room: Room, store: ModelStore, case: str
) -> None:
    assert deliver(case) == HANDLED
    assert room.of(DynamoAttention, "attention").open() == []


@pytest.mark.parametrize("folder", SOLD)
def test_there_is_an_event_for_every_function(folder: str) -> None:
    assert any(case.startswith(f"{folder}/") for case in CASES)


@pytest.mark.parametrize("case", CASES)
def test_a_message_is_grouped_by_what_it_is_about(case: str) -> None:
    (sent,) = json.loads((EVENTS / f"{case}.json").read_text(encoding="utf-8"))["Records"]
    assert sent["attributes"]["MessageGroupId"] == Change.from_json(sent["body"]).group


def test_stock_and_price_reach_the_store(
    deliver: Deliver, room: Room, store: ModelStore, levels: DynamoLevels
) -> None:
    id_ = store.add_product("MUG")
    want(levels, "stock", {"quantity": 7, "backorders": None})
    want(levels, "price", PRICE)

    assert deliver("stock_changed/to_send") == HANDLED
    assert deliver("price_changed/to_send") == HANDLED

    product = store.get_product(id_)
    assert product is not None
    assert (product[0]["stock_quantity"], product[0]["regular_price"]) == (7, "12.50")
    assert levels.count_dirty("uk", "stock") == levels.count_dirty("uk", "price") == 0
    ended = room.of(DynamoJournal, "journal").of(Ref("uk", "levels", "stock"))
    assert [entry.mark for entry in ended] == ["ended"]


@pytest.mark.parametrize(
    ("kind", "value"), [("stock", {"quantity": 7, "backorders": None}), ("price", PRICE)]
)
def test_one_that_a_person_asks_for_is_sent_again(
    deliver: Deliver, store: ModelStore, levels: DynamoLevels, kind: LevelKind, value: Any
) -> None:
    id_ = store.add_product("MUG")
    want(levels, kind, value)
    deliver(f"{kind}_changed/to_send")
    store.set_stock("MUG", 9)
    store.set_price("MUG", "1.00")

    assert deliver(f"{kind}_changed/one_again") == HANDLED

    product = store.get_product(id_)
    assert product is not None
    shown = product[0]["stock_quantity"] if kind == "stock" else product[0]["regular_price"]
    assert shown == (7 if kind == "stock" else "12.50")


@pytest.mark.parametrize(("first", "other"), [("stock", "price"), ("price", "stock")])
def test_who_finds_a_product_has_its_other_level_sent(
    deliver: Deliver,
    room: Room,
    store: ModelStore,
    levels: DynamoLevels,
    first: LevelKind,
    other: LevelKind,
) -> None:
    values = {"stock": {"quantity": 7, "backorders": None}, "price": PRICE}
    want(levels, other, values[other])
    deliver(f"{other}_changed/to_send")  # the store has no such product
    store.add_product("MUG")
    want(levels, first, values[first])

    assert deliver(f"{first}_changed/to_send") == HANDLED

    assert queued(room, f"{other}_changed") == [Ref("uk", "levels", other)]


def test_an_item_becomes_a_draft(deliver: Deliver, store: ModelStore, levels: DynamoLevels) -> None:
    want(levels, "product", {"type": "simple", "name": "Mug", "status": "draft"})

    assert deliver("product_updated/to_send") == HANDLED

    (product,) = store.products_by_sku(["MUG"]).values()
    assert (product.name, product.status) == ("Mug", "draft")


class TestAStoreThatOwnsItsCatalogue:
    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        config["stores"]["uk"]["catalogue"] = {"owner": "store"}
        return config

    def test_its_product_becomes_an_item_and_keeps_it_alike(
        self, deliver: Deliver, room: Room, books: Ledger, store: ModelStore
    ) -> None:
        ref = f"uk:product:{store.add_product('MUG', status='publish')}"
        deliver("product_updated/in_the_store", ref=ref)
        made = room.of(DynamoLinks, "links").get(Ref.parse(ref)).erp.id
        store.edit_product("MUG", name="Big mug")

        assert deliver("product_updated/in_the_store", ref=ref) == HANDLED

        assert list(Memory(books.call).find_items(["MUG"]).values()) == [made]
        (item,) = Memory(books.call).items([made])
        assert item.name == "Big mug"

    def test_a_product_that_gets_another_sku_is_another_item(
        self, deliver: Deliver, room: Room, books: Ledger, store: ModelStore
    ) -> None:
        id_ = store.add_product("MUG", status="publish")
        ref = f"uk:product:{id_}"
        deliver("product_updated/in_the_store", ref=ref)
        store.shop.shelf.update(int(id_), {"sku": "CUP"}, parent=None)

        assert deliver("product_updated/in_the_store", ref=ref) == HANDLED

        found = Memory(books.call).find_items(["MUG", "CUP"])
        links = room.of(DynamoLinks, "links")
        assert links.find(Ref("main", "item", found["CUP"])) == Ref.parse(ref)
        assert links.find(Ref("main", "item", found["MUG"])) is None
