"""A delivery goes in at the front door of the whole local stack; a document stands in Tryton."""

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from accord.cli import demo
from accord.cli.app import app
from accord.local.place import REPO, WEBHOOK_SECRET, Place, toml_of
from accord.local.recorded import Recorded, read_all, references
from accord.local.runner.calls import Calls
from accord.local.runner.resources import ACCOUNT, REGION
from accord.local.runner.synth import assembly
from accord.state.attention import DynamoAttention
from accord.state.waiting import DynamoWaiting
from tests.infra import policies

pytestmark = [pytest.mark.tryton, pytest.mark.slow]

DELIVERIES = REPO / "events" / "receive_store_webhook"
PATIENCE_S = 120  # of a machine that others use too
# Both run the same code, and which of them has to do what is chance.
ALIKE = frozenset({"order_created", "order_updated"})
# What is allowed and no journey of this file needs: each by a test that does need it.
_CLOSED = "closes a person's item once a replay has succeeded: tests/state/test_attention.py"
_AGAIN = "counts up an item that is there already: tests/state/test_attention.py"
_MAPPED = "rules that change while an order waits: tests/functions/test_order_functions.py"
UNUSED = {
    ("order", "dynamodb:BatchGetItem", "attention"): _CLOSED,
    ("order", "dynamodb:DeleteItem", "attention"): _CLOSED,
    ("order", "dynamodb:GetItem", "attention"): _CLOSED,
    ("order", "dynamodb:UpdateItem", "attention"): _AGAIN,
    ("order", "dynamodb:DeleteItem", "links"): "a link that gets another document: test_links.py",
    ("order", "dynamodb:DeleteItem", "steps"): "a refused write is withdrawn: test_steps.py",
    ("order", "s3:PutObject", "payloads"): "what a person must look at: test_order_functions.py",
    ("report_dead_letters", "dynamodb:UpdateItem", "attention"): _AGAIN,
    ("wake", "dynamodb:DeleteItem", "waiting"): "a cause that lost its last: test_waiting.py",
    ("wake", "dynamodb:GetItem", "control"): _MAPPED,
    ("wake", "dynamodb:GetItem", "waiting"): _MAPPED,
    ("wake", "dynamodb:PutItem", "control"): _MAPPED,
    (
        "wake",
        "secretsmanager:GetSecretValue",
        "uk",
    ): "asks a store that was away whether it is back",
}
ROW = {
    *("store_id", "store_status", "store_total", "store_tax", "currency", "lines", "documents"),
    *("erp_number", "erp_state", "erp_total", "erp_tax", "erp_lines", "attention", "rounded"),
}


# --- accord demo ------------------------------------------------------------------


@pytest.fixture
def run_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """``accord demo --json``, in a folder of its own: what it prints, if it ends with 0."""

    @contextlib.contextmanager
    def work_folder(name: str) -> Iterator[Path]:
        yield tmp_path / name

    monkeypatch.setattr(demo, "work_folder", work_folder)

    def run(*arguments: str) -> dict[str, Any]:
        result = CliRunner().invoke(app, ["demo", "--json", *arguments])
        assert result.exit_code == 0, f"{result.stdout}\n{result.stderr}\n{result.exception!r}"
        told: dict[str, Any] = json.loads(result.stdout)
        return told

    return run


def test_the_demo_ends_without_a_difference(run_demo: Callable[..., dict[str, Any]]) -> None:
    told = run_demo()

    assert told.keys() == {
        *("deliveries", "accepted", "refused", "orders"),
        *("attention", "waiting", "differences", "details"),
    }
    assert all(row.keys() == ROW for row in told["orders"])
    assert told["differences"] == told["attention"] == told["waiting"] == 0
    assert told["refused"] == 1  # the forged one
    assert told["accepted"] == told["deliveries"] - 1 == len(list(DELIVERIES.glob("*.json"))) + 2
    assert {row["documents"] for row in told["orders"]} == {1}
    assert [row for row in told["orders"] if row["store_total"] != row["erp_total"]] == []


def test_every_delivery_that_was_ever_recorded_arrives(
    run_demo: Callable[..., dict[str, Any]], shared: Path
) -> None:
    told = run_demo("--deliveries", str(shared / "woo" / "captures"))

    assert told["deliveries"] >= 59
    assert told["differences"] == 0
    assert {row["documents"] for row in told["orders"]} == {1}


# --- the stack, with things that go wrong --------------------------------------------


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The synthesised template, a real Tryton and a store; a minute of the schedules is 3 s."""
    with Place(
        config=toml_of(REPO / "accord.toml"),
        references=references(read_all(DELIVERIES)),
        work=tmp_path_factory.mktemp("place"),
        speed=20,
        erp_timeout=20,
        concurrency=2,
    ) as running:
        yield running


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """What the functions' roles are made of."""
    path = assembly(REPO, stage="dev") / "accord-dev-sync.template.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def an_order(id_: int, **changes: Any) -> Recorded:
    """A recorded order under another number, of another shopper."""
    one = next(each for each in read_all(DELIVERIES) if each.name == "order_created_backorder")
    order = json.loads(one.body.replace("grace@example.com", f"journey{id_}@example.com"))
    order |= {"id": id_, "number": str(id_), **changes}
    body = json.dumps(order)
    return Recorded(f"order {id_}", one.headers, body, None).signed(WEBHOOK_SECRET)


def deliver(place: Place, delivery: Recorded) -> None:
    place.store.control("PUT", "orders", [delivery.order])
    with httpx.Client(timeout=60, trust_env=False) as client:
        assert delivery.post(client, place.webhook_url) == 200


def documents(place: Place, id_: int) -> list[str]:
    return [sale["state"] for sale in place.sales() if sale["key"] == f"uk-{id_}"]


def attention(place: Place) -> DynamoAttention:
    return DynamoAttention(place.stack.client("dynamodb"), "accord-dev-attention")


def reasons(place: Place) -> list[str]:
    return [item.reason for item in attention(place).open()]


def waits(place: Place) -> list[str]:
    return [cause.cause for cause in _waiting(place).causes()]


def _waiting(place: Place) -> DynamoWaiting:
    return DynamoWaiting(place.stack.client("dynamodb"), "accord-dev-waiting")


_ran: set[str] = set()  # journeys whose calls the stack of this process has recorded


@pytest.fixture(autouse=True)
def _count(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    _ran.add(request.node.name)


def eventually(look: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE_S
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def test_a_delivery_becomes_a_document_and_a_note(place: Place) -> None:
    deliver(place, an_order(7001))

    assert eventually(lambda: documents(place, 7001) == ["processing"])
    assert place.stack.wait_idle(PATIENCE_S)
    notes = place.store.control("GET", "state?only=notes")["notes"]["7001"]
    assert len([note for note in notes if "accord uk-7001:note" in str(note)]) == 1


def test_created_and_updated_in_any_order_end_in_one_document_each(place: Place) -> None:
    recorded = [each for each in read_all(DELIVERIES) if "300_lines" not in each.name]
    sent = demo.post(place, list(reversed(recorded)))

    assert place.stack.wait_idle(PATIENCE_S)
    told = demo.compare(place, sent)
    assert not [each for each in told["details"]["differences"] if "for no order" not in each]
    assert {row["documents"] for row in told["orders"]} == {1}


def test_with_tryton_down_orders_wait_and_go_on_when_it_is_up(place: Place) -> None:
    place.books.down()
    try:
        deliver(place, an_order(7003))
        assert eventually(lambda: "outage" in waits(place))
        assert eventually(lambda: reasons(place) == ["outage"])
    finally:
        place.books.down(False)

    assert eventually(lambda: documents(place, 7003) == ["processing"])
    assert eventually(lambda: not waits(place))
    assert eventually(lambda: "outage" not in reasons(place))


def test_a_poison_message_ends_before_a_person(place: Place) -> None:
    place.stack.client("sqs").send_message(
        QueueUrl=place.stack.resources.queue("accord-dev-order-updated.fifo").url,
        MessageBody="not json",
        MessageGroupId="poison",
        MessageDeduplicationId=uuid.uuid4().hex,
    )

    assert eventually(lambda: "dead_letter" in reasons(place))
    (item,) = (item for item in attention(place).open() if item.reason == "dead_letter")
    assert item.owner == "ops"


# --- what each role allows -------------------------------------------------------------


def test_no_function_does_what_its_role_does_not_allow(
    place: Place, template: dict[str, Any]
) -> None:
    beyond = {
        folder: sorted(calls.actions.keys() - _granted(template, folder))
        for folder, calls in _calls(place).items()
        if calls.actions.keys() - _granted(template, folder)
    }

    assert beyond == {}


def test_no_role_allows_what_no_function_does(place: Place, template: dict[str, Any]) -> None:
    journeys = {
        name
        for name, value in globals().items()
        if name.startswith("test_") and "place" in value.__code__.co_varnames[:1]
    }
    if missing := journeys - _ran - {"test_no_role_allows_what_no_function_does"}:
        pytest.skip(f"these ran in other processes (run this file whole): {sorted(missing)}")
    done: dict[str, set[tuple[str, str]]] = {}
    for folder, calls in _calls(place).items():
        done.setdefault(_code(folder), set()).update(calls.actions)
    idle = {
        (_code(folder), action, _short(name))
        for folder in place.stack.calls()
        for action, name in _granted(template, folder)
        if action not in policies.BY_THE_PLATFORM
        and not any(a == action and _short(n) == _short(name) for a, n in done[_code(folder)])
    }

    assert idle - UNUSED.keys() == set()


def _code(folder: str) -> str:
    return "order" if folder in ALIKE else folder


def _short(name: str) -> str:
    """``accord-dev-links`` is ``links``, ``accord/dev/store/uk`` is ``uk``.

    The two queues of orders are one here: which of them sees a failure is chance.
    """
    short = name.rpartition("/")[2].removeprefix("accord-dev-")
    short = short.removesuffix(f"-{ACCOUNT}-{REGION}")
    return "orders.fifo" if short in {"order-created.fifo", "order-updated.fifo"} else short


def _calls(place: Place) -> dict[str, Calls]:
    assert place.stack.wait_idle(PATIENCE_S)
    return place.stack.calls()


def _granted(template: dict[str, Any], folder: str) -> set[tuple[str, str]]:
    """(IAM action, the resource's name), as the stack records calls."""
    return {
        (action, _name(template, resource))
        for action, resource in policies.allowed(template, folder)
    }


def _name(template: dict[str, Any], resource: str) -> str:
    """The name in an ARN: of a table, a queue, a secret or a bucket."""
    if not resource.startswith("{"):
        return resource
    ((how, what),) = json.loads(resource).items()
    if how == "Fn::GetAtt":
        properties = template["Resources"][what[0]].get("Properties", {})
        return str(properties.get("QueueName", what[0]))
    if how != "Fn::Join":
        return str(what)
    known = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws"}
    text = "".join(part if isinstance(part, str) else known[part["Ref"]] for part in what[1])
    return text.rpartition(":")[2].removeprefix("table/").removesuffix("-??????").removesuffix("/*")
