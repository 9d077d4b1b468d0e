"""A worker's process is really killed, and Tryton is a real one: each order stands there once."""

import datetime as dt
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from accord.local.place import REPO, toml_of
from accord.local.recorded import read, references
from accord.local.store.deliveries import encode, sign
from accord.local.store.process import StoreServer
from accord.local.tryton import CACHE, Catalogue, TrytonServer, seed
from accord.state.attention import DynamoAttention
from accord.state.waiting import DynamoWaiting
from accord.woo.webhook import Delivery, Edge, Message
from tests.functions.cloud import Cloud, Room, record
from tests.journeys.mortal import KILLED, Death, Mortal

pytestmark = [pytest.mark.tryton, pytest.mark.slow]

SECRET = "a secret of the store"
PAID = read(REPO / "events" / "receive_store_webhook" / "order_created_backorder.json")
EVENT = "order_created"
OVERLAP_S = 5  # a lease lasts that much longer than what is left of the worker's time
PATIENCE_S = 240  # of a machine that others use too
_CONTEXT = {"company": 1, "language": "en"}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Once:
    """How often one order stands where. The same for every order that arrived exactly once."""

    sales: tuple[tuple[str, str], ...]  # state and total
    parties: int
    addresses: int
    payments: tuple[tuple[str, str], ...]  # state and amount
    notes: int


ONCE = Once((("processing", "185.94"),), 1, 1, (("posted", "185.94"),), 1)


@dataclass(frozen=True, slots=True)
class Run:
    """One message handled once: its group, by what it is shown again, how its worker ended."""

    group: str
    receipt: str
    death: Death
    free_at: float  # when its leases are over at the latest, by the monotonic clock


@dataclass(slots=True)
class Scene:
    """A real Tryton, a store, an AWS stand-in, and workers that can be killed."""

    cloud: Cloud
    books: TrytonServer
    store: StoreServer
    config: Path
    edge: Edge
    workers: list[Mortal]
    _ids: Iterator[int] = field(default_factory=lambda: iter(range(1000, 10_000)))
    _idle: SimpleQueue[Mortal] = field(default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        for worker in self.workers:
            self._idle.put(worker)

    def room(self, *, trusted: bool = True) -> Room:
        """New tables and queues, and the secrets."""
        room = self.cloud.room(self.config)
        room.keep_secret("erp/main", self.books.secret)
        keys = {
            "consumer_key": self.store.consumer_key,
            "consumer_secret": self.store.consumer_secret,
        }
        room.keep_secret("store/uk", {"webhook_secrets": [SECRET], **keys})
        if trusted:
            room.trust()
        # What is in hand, or whose worker died, is seen when a test says so, however slow we are.
        room.cloud.client("sqs").set_queue_attributes(
            QueueUrl=room.queues[EVENT], Attributes={"VisibilityTimeout": "43200"}
        )
        return room

    def order(self) -> dict[str, Any]:
        """The next order, of a shopper who was never here and shares no account code's letters."""
        id_ = next(self._ids)
        text = PAID.body.replace("grace@example.com", _email(id_))
        order: dict[str, Any] = json.loads(text)
        order |= {"id": id_, "number": str(id_), "customer_id": id_, "meta_data": []}
        for address in ("billing", "shipping"):
            order[address] |= {"first_name": _letters(id_), "company": ""}
        self.store.control("PUT", "orders", [order])
        return order

    def send(self, room: Room, order: dict[str, Any]) -> None:
        """Queued as the receiver queues the store's delivery of it."""
        body = encode(order)
        headers = {"x-wc-webhook-topic": "order.created"}
        headers["x-wc-webhook-signature"] = sign(body, SECRET)
        delivery = Delivery("uk", "127.0.0.1", headers, body, f"delivery-{order['id']}")
        message = delivery.read(self.edge, seen_at=dt.datetime.now(dt.UTC))
        assert isinstance(message, Message)
        room.cloud.client("sqs").send_message(
            QueueUrl=room.queues[EVENT],
            MessageBody=message.body,
            MessageGroupId=message.group,
            MessageDeduplicationId=message.sending,
        )

    def receive(self, room: Room, *, dies_after: Mapping[str, int] | None = None) -> list[Run]:
        """What is visible is handled, each message by a new worker. A handled one is gone.

        ``dies_after``: message group → after how many calls its worker dies.
        """
        sqs, url = self.cloud.client("sqs"), room.queues[EVENT]

        def work(message: dict[str, Any]) -> Run:
            group = message["Attributes"]["MessageGroupId"]
            fatal = (dies_after or {}).get(group)
            # The sooner a worker dies the less time it needs, and the sooner its lease is over.
            left_ms = 60_000 if fatal is None else 1000 + 300 * fatal
            worker = self._idle.get()
            try:
                death = worker.run(
                    function=EVENT,
                    event={"Records": [record(message, url)]},
                    environment=room.environment,
                    left_ms=left_ms,
                    dies_after=fatal,
                )
            finally:
                self._idle.put(worker)
            if death.done:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            free_at = time.monotonic() + left_ms / 1000 + OVERLAP_S
            return Run(group, message["ReceiptHandle"], death, free_at)

        with ThreadPoolExecutor(len(self.workers)) as pool:
            return list(pool.map(work, room.messages(EVENT)))

    def show_again(self, room: Room, runs: Iterable[Run]) -> None:
        """The messages of ``runs`` are visible now, where AWS would wait two minutes."""
        for run in runs:
            self.cloud.client("sqs").change_message_visibility(
                QueueUrl=room.queues[EVENT], ReceiptHandle=run.receipt, VisibilityTimeout=0
            )

    def deliver_again(self, room: Room, count: int) -> None:
        """Until ``count`` messages are handled, as often as it takes."""
        until = time.monotonic() + PATIENCE_S
        while count and time.monotonic() < until:
            runs = self.receive(room)
            count -= sum(run.death.done for run in runs)
            if not runs:
                time.sleep(0.2)
        assert count == 0, f"{count} messages were never handled"

    def found(self, orders: Sequence[dict[str, Any]]) -> dict[int, Once]:
        """Order → how often it stands in Tryton and in the store."""
        ids = [order["id"] for order in orders]
        keys = {f"uk-{id_}": id_ for id_ in ids}
        sales = self._rows("sale.sale", "web_id", list(keys), ["web_id", "state", "total_amount"])
        moves = self._rows(
            "account.move",
            "description",
            [f"{key}:payment" for key in keys],
            ["description", "state", "lines.credit"],
        )
        emails = [_email(id_) for id_ in ids]
        parties = self._rows(
            "party.contact_mechanism", "value", emails, ["value", "party", "party.addresses"]
        )
        notes = self.store.control("GET", "state?only=notes")["notes"]
        told = {}
        for key, id_ in keys.items():
            mine = [row for row in parties if row["value"] == _email(id_)]
            told[id_] = Once(
                sales=tuple(
                    (row["state"], str(row["total_amount"]))
                    for row in sales
                    if row["web_id"] == key
                ),
                parties=len({row["party"] for row in mine}),
                addresses=sum(len(row["party."]["addresses"]) for row in mine),
                payments=tuple(
                    (row["state"], str(sum(line["credit"] for line in row["lines."])))
                    for row in moves
                    if row["description"] == f"{key}:payment"
                ),
                notes=len([note for note in notes.get(str(id_), []) if "accord uk-" in str(note)]),
            )
        return told

    def _rows(self, model: str, name: str, values: list[str], fields: list[str]) -> Any:
        domain = [[name, "in", values]]
        method = f"model.{model}.search_read"
        return self.books.administrator().call(
            method, domain, 0, None, None, fields, context=_CONTEXT
        )


def _email(id_: int) -> str:
    return f"shopper{id_}@example.com"


def _letters(id_: int) -> str:
    """Four letters, which the account code begins with: no two shoppers share a counter."""
    return "".join(_LETTERS[id_ // 26**place % 26] for place in range(4))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    config = toml_of(REPO / "accord.toml")
    told = references([PAID])
    with (
        TrytonServer.ready(REPO / CACHE, progress=print) as books,
        StoreServer(home=told.home) as store,
        Cloud() as cloud,
        Mortal() as one,
        Mortal() as two,
    ):
        services = {"SHIPPING": "Shipping", "FEE": "Fee", "ROUNDING": "Rounding", "MISC": "Other"}
        taxes = {f"VAT {percent.normalize():f}%": percent for percent in told.percents}
        seed(
            books,
            Catalogue(currencies=told.currencies, taxes=taxes, items=told.skus, services=services),
        )
        uk, main = config["stores"]["uk"], config["erps"]["main"]
        uk |= {"url": told.home, "api_url": store.url, "settle": 1}
        uk["mappings"]["payments"] = {"*": {"record": True, "account": "Web payments"}}
        main |= {"url": books.url, "options": books.options, "timeout": 30}
        path = tmp_path_factory.mktemp("crashes") / "accord.json"
        path.write_text(json.dumps(config, default=str))
        edge = Edge.from_config("uk", uk)
        yield Scene(cloud, books, store, path, edge, [one, two])


def _group(order: dict[str, Any]) -> str:
    return f"uk:order:{order['id']}"


def test_killed_before_or_after_any_call_it_is_done_once(scene: Scene) -> None:
    """After the n-th call is before the next: between two calls nothing leaves the process.

    All die in one wave, the late moments first: by its end the leases of the dead are over, and
    what they may have left half done in Tryton has settled.
    """
    room, model = scene.room(), scene.order()
    scene.send(room, model)
    (whole,) = scene.receive(room)
    calls = whole.death.calls
    assert whole.death.done

    orders, killed = [], []
    moments = list(range(len(calls), -1, -1))
    for some in (moments[at : at + 10] for at in range(0, len(moments), 10)):
        fatal = {}
        for moment in some:
            orders.append(scene.order())
            scene.send(room, orders[-1])
            fatal[_group(orders[-1])] = moment
        killed += scene.receive(room, dies_after=fatal)
    names = {
        _group(order): _moment(calls, moment) for order, moment in zip(orders, moments, strict=True)
    }
    assert {run.group: run.death.code for run in killed} == dict.fromkeys(names, KILLED)
    assert {len(run.death.calls) for run in killed} == set(moments)

    time.sleep(max(0.0, max(run.free_at for run in killed) - time.monotonic()))
    scene.show_again(room, killed)
    scene.deliver_again(room, len(killed))

    found = scene.found([model, *orders])
    amiss = {names.get(f"uk:order:{id_}", "nowhere"): it for id_, it in found.items() if it != ONCE}
    assert amiss == {}
    assert room.of(DynamoAttention, "attention").open() == []
    assert room.of(DynamoWaiting, "waiting").causes() == []


def _moment(calls: Sequence[str], n: int) -> str:
    before = calls[n - 1] if n else "the start"
    return f"killed after call {n}, {before}"


@pytest.mark.parametrize("call", ["party.party.create", "sale.sale.create"])
@pytest.mark.parametrize("first", ["the late one", "the repeated one"])
def test_a_create_that_tryton_finishes_after_its_time_out_makes_one(
    scene: Scene, call: str, first: str
) -> None:
    room, order = scene.room(), scene.order()
    late_s = 0.0 if first == "the late one" else 2.0
    scene.books.plan(kinds=["late"], delay_s=0.2, late_s=late_s, only=f"model.{call}")
    scene.send(room, order)
    (unanswered,) = scene.receive(room)
    scene.books.plan()
    assert unanswered.death.answer["batchItemFailures"]
    if first == "the late one":
        _nothing_pending(scene)

    scene.show_again(room, [unanswered])
    scene.deliver_again(room, 1)

    _nothing_pending(scene)
    assert scene.found([order]) == {order["id"]: ONCE}


def _nothing_pending(scene: Scene) -> None:
    until = time.monotonic() + PATIENCE_S
    while scene.books.calls()["pending"] and time.monotonic() < until:
        time.sleep(0.05)
    assert scene.books.calls()["pending"] == 0


def test_with_all_tables_lost_everything_is_found_and_nothing_made_again(scene: Scene) -> None:
    """DynamoDB starts anew and nobody has said that it can be trusted, so every write looks first."""
    before, order = scene.room(), scene.order()
    scene.send(before, order)
    scene.deliver_again(before, 1)

    after = scene.room(trusted=False)
    scene.send(after, order)
    scene.deliver_again(after, 1)

    assert scene.found([order]) == {order["id"]: ONCE}
    assert after.of(DynamoAttention, "attention").open() == []


def _group(order: dict[str, Any]) -> str:
    return f"uk:order:{order['id']}"
