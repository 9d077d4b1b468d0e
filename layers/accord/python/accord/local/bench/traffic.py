"""Orders by the hundred through everything that runs, with faults, and whether both sides agree."""

import datetime as dt
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from accord.erp import load
from accord.errors import UnavailableError
from accord.local.faults import Kind
from accord.local.place import WEBHOOK_SECRET, BackOffice, Place
from accord.local.recorded import References, totals
from accord.local.store.deliveries import delivery
from accord.local.store.orders import catalogue, make_order
from accord.state.attention import DynamoAttention
from accord.state.waiting import DynamoWaiting

HOME = "https://store.example"
FAULTS: tuple[Kind, ...] = ("503_before", "503_after", "timeout_before", "timeout_after")
FAULT_RATE = 0.1
REORDERED = 0.1
WORKERS = ("order_created", "order_updated")

_LOAD = 200  # orders of one call to the store's stand-in
_POSTERS = 4
_BACKLOG = 100  # messages; with thousands, moto's lists would be measured and not the service
_STUCK_S = 180.0  # nothing was done for so long: it will not be

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast AWS time runs, and how long the back office may take.

    A message is visible again after 120 s / ``speed``, and the lease of whoever works on it is not
    shortened, so that must be longer than a pass: one that waits for ``erp_timeout_s`` at each of a
    few calls. `wake` runs every 60 s / ``speed``.
    """

    speed: float
    erp_timeout_s: float
    concurrency: int


_PACES: dict[BackOffice, Pace] = {
    # Tryton confirms one order at a time in up to half a second on a busy machine, and all workers
    # queue for it: 4 s is far beyond that, 20 s of visibility beyond a pass.
    "tryton": Pace(speed=6, erp_timeout_s=4, concurrency=2),
}
# A ledger or a stand-in answers in milliseconds; 12 s of visibility, a wake every 6 s.
_AT_ONCE = Pace(speed=10, erp_timeout_s=0.5, concurrency=2)


def pace_of(erp: BackOffice) -> Pace:
    """How fast its orders may come."""
    return _PACES.get(erp, _AT_ONCE)


def stand_ins(
    config: dict[str, Any],
    work: Path,
    erp: BackOffice,
    *,
    pace: Pace | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Place:
    """A place, not entered yet, whose back office holds what generated orders refer to."""
    shop = catalogue()
    pace = pace or pace_of(erp)
    if load(erp).capabilities.is_invoice:  # its number would be told too: with the next look
        for store in config["stores"].values():
            store["flows"]["invoices"] = "off"
    return Place(
        config=config,
        references=References(
            home=HOME,
            secrets=(WEBHOOK_SECRET,),
            skus={product.sku: product.name for product in shop.products},
            percents=tuple(sorted({rate.percent for rate in shop.rates})),
            currencies=("GBP",),
        ),
        work=work,
        erp=erp,
        speed=pace.speed,
        erp_timeout=pace.erp_timeout_s,
        concurrency=pace.concurrency,
        progress=progress,
    )


@dataclass(frozen=True, slots=True)
class Delivery:
    """One POST that is still to be made."""

    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Traffic:
    """Orders as the store holds them in the end, and every delivery that tells of them."""

    orders: list[dict[str, Any]]
    deliveries: list[Delivery]


def generate(
    count: int, *, seed: int, at: dt.datetime, faults: bool, first_id: int = 1001
) -> Traffic:
    """``count`` paid orders, each told of as created and as updated; the same for the same seed.

    With ``faults`` every delivery comes twice and a tenth of them late, by up to forty places. For
    every other order the update tells of a later moment, so that a late delivery is an old one.
    """
    rng = random.Random(seed)
    orders, told = [], []
    for number in range(first_id, first_id + count):
        placed = at - dt.timedelta(seconds=first_id + count - number)
        order = make_order(number, rng=rng, at=placed, status="processing", home=HOME)
        newer = order if number % 2 else {**order, **_a_second_later(placed)}
        orders.append(newer)
        pair = (
            signed("order.created", order, placed),
            signed("order.updated", newer, placed),
        )
        for each in pair:
            told += [each, each] if faults else [each]
    return Traffic(orders, list(_reordered(told, rng)) if faults else told)


def signed(topic: str, order: dict[str, Any], at: dt.datetime) -> Delivery:
    """What the store sends of ``order`` at ``at``."""
    webhook = 1 if topic == "order.created" else 2
    return Delivery(*delivery(topic, order, WEBHOOK_SECRET, HOME, webhook_id=webhook, at=at))


def _a_second_later(placed: dt.datetime) -> dict[str, str]:
    text = (placed.replace(microsecond=0) + dt.timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S")
    return {"date_modified": text, "date_modified_gmt": text}


def _reordered(told: Sequence[Delivery], rng: random.Random) -> Iterator[Delivery]:
    places = [
        at + rng.uniform(1, 40) if rng.random() < REORDERED else float(at)
        for at in range(len(told))
    ]
    return (told[at] for at in sorted(range(len(told)), key=places.__getitem__))


@dataclass(slots=True)
class Result:
    """What a run came to. ``differences`` say in words what is not as it should be.

    ``rounded`` are the orders whose document has a cent of tax on its rounding line.
    """

    erp: str
    orders: int
    deliveries: int
    documents: int = 0
    notes: int = 0
    rounded: int = 0
    attention: int = 0
    waiting: int = 0
    dead_letters: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    retries: int = 0
    parked: int = 0
    seconds: float = 0.0
    differences: list[str] = field(default_factory=list)

    @property
    def orders_per_second(self) -> float:
        return self.orders / self.seconds if self.seconds else 0.0


def run(place: Place, traffic: Traffic, *, seed: int, faults: bool, told: Told) -> Result:
    """Everything posted to the entered ``place``, worked off and compared.

    ``told(deliveries, orders)`` hears now and then how many are posted, there and in the books.
    """
    for at in range(0, len(traffic.orders), _LOAD):
        place.store.control("PUT", "orders", traffic.orders[at : at + _LOAD])
    if faults:
        delay = place.erp_timeout * 1.1  # the worker must be the first to give up
        place.books.plan(seed=seed, rate=FAULT_RATE, kinds=list(FAULTS), delay_s=delay)
    started = time.monotonic()
    post(place, traffic.deliveries, told)
    stuck = not settle(place, lambda: told(len(traffic.deliveries), posted(place)))
    seconds = time.monotonic() - started
    injected = place.books.calls()["faults"]
    place.books.plan()
    result = compare(place, traffic)
    result.seconds, result.faults = seconds, injected
    if stuck:
        result.differences.append(f"nothing moved any more for {_STUCK_S:.0f} s")
    return result


def post(place: Place, deliveries: Sequence[Delivery], told: Told) -> None:
    """Each delivery posted once by a few clients at a time, not faster than they are worked off.

    Raises: UnavailableError: one was not answered 200; the store would never send it again.
    """
    waiting = iter(deliveries)
    lock = threading.Lock()
    free = threading.Event()
    free.set()
    done = 0
    failed: list[BaseException] = []

    def work() -> None:
        nonlocal done
        with httpx.Client(timeout=60, trust_env=False) as client:
            while not failed:
                free.wait()
                with lock:
                    each = next(waiting, None)
                if each is None:
                    return
                try:
                    _post(client, place.webhook_url, each)
                except BaseException as error:  # noqa: BLE001 - told to the thread that waits
                    failed.append(error)
                with lock:
                    done += 1

    with ThreadPoolExecutor(max_workers=_POSTERS) as posters:
        clients = [posters.submit(work) for _ in range(_POSTERS)]
        while not all(client.done() for client in clients):
            time.sleep(0.25)
            if backlog(place) < _BACKLOG or failed:
                free.set()
            else:
                free.clear()
            told(done, posted(place))
    if failed:
        raise failed[0]


def _post(client: httpx.Client, url: str, each: Delivery) -> None:
    try:
        status = client.post(url, content=each.body, headers=each.headers).status_code
    except httpx.HTTPError as error:
        raise UnavailableError(f"{url} does not answer: {error}") from error
    if status != 200:
        raise UnavailableError(f"{url} answered {status} to a genuine delivery; see the logs")


def settle(place: Place, told: Callable[[], None] = lambda: None) -> bool:
    """Nothing is queued, in hand or parked, and no item is open; False when nothing moves on."""
    dynamo = place.stack.client("dynamodb")
    waiting = DynamoWaiting(dynamo, "accord-dev-waiting")
    attention = DynamoAttention(dynamo, "accord-dev-attention")
    last, since = -1, time.monotonic()
    while True:
        told()
        # An item that names what many wait for closes with the next turn of `wake`.
        if (
            place.stack.wait_idle(1.0)
            and not waiting.causes()
            and not any(item.subject.startswith("waiting:") for item in attention.open())
        ):
            return True
        counts = place.stack.counts()
        done = sum(counts[folder].invocations for folder in WORKERS)
        if done != last:
            last, since = done, time.monotonic()
        elif time.monotonic() - since > _STUCK_S:
            return False
        time.sleep(0.25)


def backlog(place: Place) -> float:
    """Messages in all queues, those in hand included."""
    return sum(figures["visible"] + figures["hidden"] for figures in place.stack.queues().values())


def posted(place: Place) -> int:
    """Orders that the functions said they posted."""
    return int(place.stack.metrics().get("OrdersPosted", 0))


def compare(place: Place, traffic: Traffic, *, dead_may: bool = False) -> Result:
    """Both sides, order by order: one document, to the cent, one note, and nothing left over.

    ``dead_may``: a dead letter that was reported is no difference; what is asked about it is.
    """
    dynamo = place.stack.client("dynamodb")
    attention = DynamoAttention(dynamo, "accord-dev-attention").open()
    waiting = DynamoWaiting(dynamo, "accord-dev-waiting")
    parked = [(cause, one) for cause in waiting.causes() for one in waiting.of(cause)]
    notes: dict[str, list[Any]] = place.store.control("GET", "state?only=notes")["notes"]
    sales: dict[str, list[dict[str, Any]]] = {}
    for sale in place.sales():
        sales.setdefault(sale["key"], []).append(sale)
    result = Result(
        erp=place.erp,
        orders=len(traffic.orders),
        deliveries=len(traffic.deliveries),
        documents=sum(map(len, sales.values())),
        notes=sum(len(notes.get(str(order["id"]), ())) for order in traffic.orders),
        attention=len(attention),
        waiting=len(parked),
        dead_letters=_dead(place),
    )
    result.retries, result.parked = _from_logs(place)
    store = place.config["stores"][place.store_name]
    bound = Decimal(str(store["mappings"].get("rounding_max", 0)))
    differences = result.differences
    lost = result.dead_letters if not dead_may else _lying(place)
    for order in traffic.orders:
        found = sales.pop(f"{store['key']}-{order['id']}", [])
        differences += differ(order, found, notes, bound=bound)
        result.rounded += any(_off(sale, totals(order)[1]) for sale in found)
    differences += [f"{left} stands in the back office for no order" for left in sales]
    differences += [f"attention, {item.subject}: {item.message}" for item in attention]
    differences += [f"waiting for {c.connection}: {one.change.ref}" for c, one in parked]
    if lost:
        differences.append(f"{lost} dead letters")
    return result


def differ(
    order: Mapping[str, Any],
    found: Sequence[Mapping[str, Any]],
    notes: Mapping[str, Sequence[Any]],
    *,
    bound: Decimal = Decimal(0),
) -> Iterator[str]:
    """What is wrong between one order of the store, its documents ``found`` and its notes.

    The total must be equal to the cent. The tax within it may be off by ``bound``: the back office
    reckons it by its own rules, and a rounding line of the document makes up for it.
    """
    name = f"order {order['id']}"
    if len(found) != 1:
        yield f"{name} stands {len(found)} times in the back office"
    gross, tax, _ = totals(dict(order))
    for sale in found:
        if Decimal(sale["gross"] or "NaN") != Decimal(gross):
            yield f"{name}: gross {gross} in the store, {sale['gross']} in the back office"
        if not _off(sale, tax) <= bound:
            yield f"{name}: tax {tax} in the store, {sale['tax']} in the back office"
        if sale["state"] not in ("confirmed", "processing", "done"):
            yield f"{name}: {sale['number']} is {sale['state']}"
    told = len(notes.get(str(order["id"]), ()))
    if told != 1:
        yield f"{name} has {told} notes in the store"


def _off(sale: Mapping[str, Any], tax: str) -> Decimal:
    """By how much the sale's tax is not ``tax``; infinitely when it has none."""
    return abs(Decimal(sale["tax"]) - Decimal(tax)) if sale["tax"] else Decimal("Infinity")


def _dead(place: Place) -> int:
    """What ever reached a dead-letter queue, and what lies there now."""
    return int(place.stack.metrics().get("DeadLetters", 0)) + _lying(place)


def _lying(place: Place) -> int:
    """What lies in a dead-letter queue now, and nobody is told of."""
    dead = {queue.dead for queue in place.stack.resources.queues.values() if queue.dead}
    names = {place.stack.resources.queues[arn].name for arn in dead}
    return int(sum(place.stack.queues()[name]["visible"] for name in names))


def _from_logs(place: Place) -> tuple[int, int]:
    """How often a change was tried again, and how often one was parked."""
    retries = 0
    for folder in WORKERS:
        path = place.stack.function(folder).log.path
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if '"handled"' not in line:
                continue
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            retries += int(entry.get("attempt", 1)) > 1
    return retries, int(place.stack.metrics().get("ChangesParked", 0))
