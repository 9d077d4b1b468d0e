"""`accord backfill` on an AWS stand-in: what it queues, what it prints, and that a plan writes
nothing."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from botocore.client import BaseClient
from typer.testing import CliRunner, Result

from accord import bootstrap
from accord.cli import backfill
from accord.cli.app import app
from accord.erp.memory.adapter import Memory
from accord.erp.memory.ledger import Ledger, Master
from accord.local.model_store import ModelStore
from accord.ports.levels import Sent
from accord.state.levels import DynamoLevels
from tests.conftest import order_json
from tests.functions.cloud import Cloud, Room
from tests.functions.conftest import SECRET, forget
from tests.sync.conftest import TOML
from tests.sync.shoppers import ADA

RUN = CliRunner()
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as running:
        yield running


@pytest.fixture
def config() -> dict[str, Any]:
    import tomllib

    data = json.loads(json.dumps(tomllib.loads(TOML.read_text()), default=str))
    uk = data["stores"]["uk"]
    uk["flows"] |= {"stock": "on", "prices": "on", "products": "on"}
    uk["stock"] = {"locations": ["MAIN"]}
    uk["prices"] = {"currency": "GBP"}
    return dict(data)


@pytest.fixture
def room(
    cloud: Cloud, config: dict[str, Any], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Room]:
    path = tmp_path / "accord.json"
    path.write_text(json.dumps(config))
    room = cloud.room(path)
    room.keep_secret(
        "store/uk", {"webhook_secrets": [SECRET], "consumer_key": "ck", "consumer_secret": "cs"}
    )
    room.trust()
    for name, value in room.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(backfill, "connect", lambda _: None)
    forget()
    yield room
    forget()


@pytest.fixture
def store(room: Room, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    model = ModelStore("uk", bootstrap.now)
    monkeypatch.setattr(bootstrap, "store", lambda _: model)
    return model


@pytest.fixture
def books(room: Room, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    ledger = Memory.ledger(clock=bootstrap.now, master=Master(locations=["MAIN"]))
    monkeypatch.setattr(bootstrap, "back_office", lambda name: Memory(ledger.call, name))
    return ledger


@pytest.fixture
def filled(store: ModelStore, books: Ledger) -> ModelStore:
    erp = Memory(books.call)
    for n in range(120):
        erp.add_item(f"I-{n:03}", price=Decimal(10), stock={"MAIN": Decimal(9)})
    store.add_product("I-000", quantity=12)
    store.orders["30"] = order_json("order_created_rich")
    store.add_customer(**ADA)
    return store


def run(*words: str) -> Result:
    return RUN.invoke(app, ["backfill", "uk", *words])


def test_stock_is_wanted_in_the_table_and_a_flush_is_queued(room: Room, filled: ModelStore) -> None:
    result = run("stock", "--json")

    told = json.loads(result.stdout)
    assert (result.exit_code, told["done"], told["queued"]) == (0, 120, 120)
    levels = room.of(DynamoLevels, "levels").levels("uk", "stock", ["I-000", "I-119"])
    assert [levels[sku].wanted for sku in ("I-000", "I-119")] == [{"quantity": 9}] * 2
    assert room.messages("stock_changed")


def test_all_is_sent_again_on_request(room: Room, filled: ModelStore) -> None:
    run("stock")
    levels = room.of(DynamoLevels, "levels")
    rows = levels.dirty("uk", "stock", limit=200)
    told = [Sent(row.sku, row.version, row.wanted, bootstrap.now()) for row in rows]
    levels.sent("uk", "stock", told)

    assert json.loads(run("stock", "--json").stdout)["queued"] == 0
    assert json.loads(run("stock", "--resend", "--json").stdout)["queued"] == 120
    assert levels.count_dirty("uk", "stock") == 120


def test_a_plan_is_a_diff_with_totals(filled: ModelStore) -> None:
    result = run("stock", "--dry-run")

    assert result.exit_code == 0
    assert "~ I-000 stock 12 → 9" in result.stdout
    assert "! I-001 is not in the store" in result.stdout
    assert "= 0 unchanged" in result.stdout
    assert "120 stock: 0 new, 1 changed, 119 cannot be. Nothing was written." in result.stdout


@pytest.mark.parametrize("what", ["stock", "prices", "items", "orders", "customers"])
def test_a_plan_makes_no_call_to_aws_that_writes(
    room: Room, filled: ModelStore, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    made: list[str] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def count(self: BaseClient, operation: str, arguments: Any) -> Any:
        made.append(operation)
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", count)

    assert run(what, "--dry-run").exit_code == 0
    assert {*made} <= {"GetItem", "BatchGetItem", "Query", "GetSecretValue"}
    assert made


def test_orders_are_queued_and_one_that_goes_on_says_so(room: Room, filled: ModelStore) -> None:
    filled.add_customer(**{**ADA, "email": "b@example.com"})

    assert run("orders", "--since", "2026-01-31").exit_code == 0
    assert run("customers").exit_code == 0
    assert [json.loads(it["Body"])["ref"] for it in room.messages("order_updated")] == [
        "uk:order:30"
    ]


def test_ctrl_c_says_how_to_go_on_and_the_next_run_does(
    filled: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = backfill._shown

    def stop(*given: Any) -> Iterator[Any]:
        yield next(shown(*given))
        raise KeyboardInterrupt

    monkeypatch.setattr(backfill, "_shown", stop)
    first = run("stock")
    monkeypatch.setattr(backfill, "_shown", shown)
    second = run("stock", "--json")

    assert (first.exit_code, "run it again to go on" in first.stderr) == (130, True)
    assert "going on behind 100" in second.stderr
    assert json.loads(second.stdout)["done"] == 120


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["shoes"], 2),
        (["stock", "--since", "2026-01-31"], 2),
        (["orders", "--resend"], 2),
        (["orders", "--since", "yesterday"], 2),
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], code: int) -> None:
    assert run(*words).exit_code == code


def test_a_flow_that_is_off_is_not_filled(
    filled: ModelStore, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    of = bootstrap.config()
    uk = of.stores["uk"]
    flows = uk.flows.model_copy(update={"stock": "off"})
    changed = of.model_copy(update={"stores": {"uk": uk.model_copy(update={"flows": flows})}})
    monkeypatch.setattr(bootstrap, "config", lambda: changed)

    result = run("stock")

    assert 'stock = "on" in [stores.uk.flows]' in str(result.exception)
    assert run("stock", "--dry-run").exit_code == 0
