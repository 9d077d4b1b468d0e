"""What one order costs in calls: to the store, to the back office, to AWS, and in dollars there."""

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accord.errors import UnavailableError
from accord.local.bench.prices import Usage, item_size, request_units
from accord.local.bench.traffic import (
    HOME,
    WORKERS,
    Traffic,
    generate,
    post,
    settle,
    signed,
)
from accord.local.place import Place
from accord.local.store.orders import make_order

RECEIVER = "receive_store_webhook"
_FUNCTIONS = (RECEIVER, *WORKERS)
_WARM = 12  # orders after which every process has its connections, secrets and master data
_READ = ("GET ", "HEAD ")


@dataclass(frozen=True, slots=True)
class Calls:
    """What one order, told of as created and as updated, took. ``erp`` is calls by method."""

    store_reads: int
    store_writes: int
    erp: dict[str, int]

    @property
    def erp_total(self) -> int:
        return sum(self.erp.values())


@dataclass(frozen=True, slots=True)
class Cost:
    """Calls of one order of a new and of a known customer; AWS operations per order, by name."""

    new: Calls
    known: Calls
    aws: dict[str, float]
    usage: Usage


def measure(place: Place, *, seed: int, at: dt.datetime, orders: int = 24) -> Cost:
    """Measured on the entered ``place``, which must be idle, and holds more orders afterwards.

    The payments are such as are not recorded. Calls and GB-seconds are those of warm processes that
    do one order at a time, half of them for new customers; a million orders a month is one in
    three seconds.
    """
    rng = random.Random(seed)
    first = make_order(800_001, rng=rng, at=at, status="processing", home=HOME, lines=3)
    shoppers = ("warm@example.com", "warm@example.com", "new@example.com", "new@example.com")
    made = [_of(first, 800_001 + n, shopper) for n, shopper in enumerate(shoppers)]
    for order in made[:2]:
        _one(place, order, at)
    before = _used(place)
    new, known = (_one(place, order, at) for order in made[2:])
    gb_seconds = (_used(place).gb_seconds - before.gb_seconds) / 2
    _all(place, generate(_WARM, seed=seed, at=at, faults=False, first_id=810_001))
    place.stack.clear_calls()
    before = _used(place)
    _all(place, generate(orders, seed=seed + 1, at=at, faults=False, first_id=820_001))
    aws, usage = _aws(place, before, orders, gb_seconds)
    return Cost(new=new, known=known, aws=aws, usage=usage)


def _of(order: Mapping[str, Any], id_: int, shopper: str) -> dict[str, Any]:
    """The same purchase, made by ``shopper``, who is a guest there."""
    own = {"id": id_, "number": str(id_), "customer_id": 0, "meta_data": []}
    links = {"self": [{"href": f"{HOME}/wp-json/wc/v3/orders/{id_}"}]}
    billing = {**order["billing"], "email": shopper}
    return {**order, **own, "billing": billing, "_links": links}


def _one(place: Place, order: dict[str, Any], at: dt.datetime) -> Calls:
    """What the order's own workers ask: the schedules, which look at both sides anyway, pause."""
    place.store.control("PUT", "orders", [order])
    with place.stack.unscheduled():
        _settle(place)  # what the schedules have queued is over as well
        place.books.forget_calls()
        place.store.forget_calls()
        for topic in ("order.created", "order.updated"):
            post(place, [signed(topic, order, at)], _silent)
            _settle(place)
        asked: Counter[str] = Counter(place.store.calls()["calls"])
        erp = place.books.calls()["calls"]
    reads = sum(count for name, count in asked.items() if name.startswith(_READ))
    return Calls(reads, asked.total() - reads, erp)


def _all(place: Place, traffic: Traffic) -> None:
    place.store.control("PUT", "orders", traffic.orders)
    post(place, traffic.deliveries, _silent)
    _settle(place)


def _settle(place: Place) -> None:
    if not settle(place):
        raise UnavailableError("the local stack does not come to rest; see its logs", sent=False)


def _silent(_deliveries: int, _orders: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class _Used:
    """By function: invocations and GB-seconds; bytes of log of all."""

    invocations: dict[str, int]
    gb_seconds: Decimal
    log_bytes: int


def _used(place: Place) -> _Used:
    place.stack.metrics()  # so that the logs are complete
    counts = place.stack.counts()
    functions = [place.stack.function(folder) for folder in _FUNCTIONS]
    gb_seconds = sum(
        counts[each.spec.folder].seconds * each.spec.memory_mib / 1024 for each in functions
    )
    return _Used(
        {folder: counts[folder].invocations for folder in _FUNCTIONS},
        Decimal(str(gb_seconds)),
        sum(each.log.path.stat().st_size for each in functions),
    )


def _aws(
    place: Place, before: _Used, orders: int, gb_seconds: Decimal
) -> tuple[dict[str, float], Usage]:
    """Operations per order, and what is charged for them. An idle queue's polls are not counted."""
    after = _used(place)
    operations: Counter[str] = Counter()
    actions: Counter[tuple[str, str]] = Counter()
    for folder, calls in place.stack.calls().items():
        if folder in _FUNCTIONS:
            operations += calls.operations
            actions += calls.actions
    runs = {name: after.invocations[name] - before.invocations[name] for name in _FUNCTIONS}
    handed_over = sum(runs[name] for name in WORKERS)
    # Per message: Lambda receives it and deletes it, one by one at this batch size.
    operations["sqs:ReceiveMessage"] = operations["sqs:DeleteMessage"] = handed_over
    operations["lambda:Invoke"] = sum(runs.values())
    operations["apigateway:Request"] = runs[RECEIVER]
    write, read = request_units(operations, actions, _item_kb(place))

    def total(chosen: Callable[[str], bool]) -> Decimal:
        return Decimal(sum(count for name, count in operations.items() if chosen(name)))

    amounts = {
        "DynamoDB write request units": write,
        "DynamoDB read request units": read,
        "SQS FIFO requests": total(lambda name: name.startswith("sqs:")),
        "Lambda requests": total(lambda name: name == "lambda:Invoke"),
        "Lambda GB-seconds": gb_seconds * orders,
        "HTTP API requests": total(lambda name: name == "apigateway:Request"),
        "Secrets Manager calls": total(lambda name: name.startswith("secretsmanager:")),
        "S3 writes": total(lambda name: name.startswith("s3:Put")),
        "S3 reads": total(lambda name: name.startswith("s3:Get")),
        "log GB": Decimal(after.log_bytes - before.log_bytes) / 10**9,
    }
    per_order = {name: round(count / orders, 2) for name, count in sorted(operations.items())}
    return per_order, Usage({name: amount / orders for name, amount in amounts.items()})


def _item_kb(place: Place) -> dict[str, float]:
    """Table → mean size of its items in KB."""
    client = place.stack.client("dynamodb")
    found = {}
    for table in place.stack.resources.tables.values():
        items = client.scan(TableName=table).get("Items", [])
        if items:
            found[table] = sum(map(item_size, items)) / len(items) / 1024
    return found
