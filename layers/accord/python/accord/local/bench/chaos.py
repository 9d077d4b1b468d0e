"""Everything goes wrong at once around the real handlers; then all heals, and both sides agree.

The store sends its own webhooks, and switches off what nobody answers. They are lost, doubled and
overtaken; the store and the back office fail before and after the effect; tables and queues have
too much to do; the functions' processes are killed at any call. The same seed draws the same; when
it strikes depends on the machine.
"""

import contextlib
import datetime as dt
import json
import logging
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accord.errors import UnavailableError
from accord.local.bench import dying, traffic
from accord.local.bench.courier import Courier
from accord.local.place import BackOffice, Place
from accord.local.runner.throttles import Plan as Throttled
from accord.local.store.orders import make_order
from accord.sync.told import GRACE

ERP_RATE, STORE_RATE, AWS_RATE, DEATH_RATE = 0.1, 0.05, 0.02, 0.012
"""Of the calls. Half of those of AWS begin a stretch in which most are refused."""

_GAP_S = 0.25  # between two orders, on average
_UNPAID = 0.5  # of the orders: placed unpaid, and paid a little later
_DEAF = 200  # orders, in the middle of which nobody answers at the receiver for a while
_BACKLOG = 60  # messages
_SENT = 20  # deliveries of one turn of the store's own queue
_STORM_S = 240.0  # of AWS time: schedules, too, meet what goes wrong
_CALM_S = 300.0  # real ones, from peace to agreement, at the most
_QUEUED = (
    *traffic.WORKERS,
    *("customer_changed", "refund_issued", "order_changed_in_erp"),
    *("order_fulfilled", "invoice_posted"),
)
_POLL_S = 30.0  # of a schedule's function: 15 of them are its margin
_ORDERS = ("order.created", "order.updated")
_POSTED = re.compile(r"(made|brought forward) \S+ \(")

_RUNNER = logging.getLogger("accord.local.runner")

Told = Callable[[int, int], None]


@dataclass(slots=True)
class Result:
    """What a run came to.

    ``faults`` by kind; ``kills`` by function; ``paths``: by which way came the message that posted
    an order, as of `accord simulate`; ``agreed``: seconds from placing to posting, of each order;
    ``healed_s``: from peace until both sides agreed. Seconds are real; AWS time was ``speed`` times
    as fast.
    """

    compared: traffic.Result
    speed: float
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    agreed: list[float] = field(default_factory=list)
    healed_s: float = 0.0

    @property
    def differences(self) -> list[str]:
        return self.compared.differences

    def moment(self, share: float) -> float:
        """Seconds within which that share (0 to 1) of the orders was posted; 0 for none."""
        ranked = sorted(self.agreed)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        compared = self.compared
        return {
            **{
                name: getattr(compared, name)
                for name in ("erp", "orders", "deliveries", "documents", "notes", "rounded")
            },
            **{name: getattr(compared, name) for name in ("attention", "waiting", "retries")},
            "parked": compared.parked,
            "dead_letters": compared.dead_letters,
            "speed": self.speed,
            "seconds": round(compared.seconds, 1),
            "healed_seconds": round(self.healed_s, 1),
            "faults": dict(self.faults),
            "kills": dict(self.kills),
            "paths": dict(self.paths),
            "agreement_seconds": {
                name: round(self.moment(share), 1)
                for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))
            },
            "differences": compared.differences,
        }


# --- the place --------------------------------------------------------------------


def stand_ins(
    config: dict[str, Any],
    work: Path,
    erp: BackOffice,
    courier: Courier,
    *,
    pace: traffic.Pace | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Place:
    """A place, not entered yet, whose store sends its webhooks by ``courier``, and whose functions
    can die. What a dead worker held is free before its message is visible again."""
    pace = pace or traffic.pace_of(erp)
    table = next(iter(config["stores"].values()))
    table["webhooks"] = {"guard": True, "delivery_url": courier.url}
    table["timeout"] = 1
    place = traffic.stand_ins(config, work, erp, pace=pace, progress=progress)
    deaths = work / "deaths"
    deaths.mkdir(parents=True, exist_ok=True)
    place.environment = {"LOCAL_FIRST": dying.__file__, "LOCAL_DEATHS": str(deaths)}
    place.timeouts_s = {
        **dict.fromkeys(_QUEUED, 60 / pace.speed),
        **dict.fromkeys(("poll_store", "poll_erp", "wake", "guard_webhooks"), _POLL_S),
    }
    return place


@dataclass(frozen=True, slots=True)
class Storm:
    """All that goes wrong but the webhooks, in an entered ``place``."""

    place: Place
    seed: int

    @contextlib.contextmanager
    def rages(self) -> Iterator[None]:
        """Within. What was planned is over in the end, however it ends."""
        place, kinds, seed = self.place, list(traffic.FAULTS), self.seed
        give_up_s = place.erp_timeout * 1.1  # the worker must be the first to give up
        place.books.plan(seed=seed, rate=ERP_RATE, kinds=kinds, delay_s=give_up_s)
        place.store.plan(seed=seed, rate=STORE_RATE, kinds=kinds, delay_s=1.1, only="/wp-json")
        place.stack.throttle(Throttled(seed=seed, rate=AWS_RATE))
        plan = json.dumps({"seed": seed, "rate": DEATH_RATE})
        (place.work / "deaths" / "plan").write_text(plan, encoding="utf-8")
        level = _RUNNER.level
        _RUNNER.setLevel(logging.ERROR)  # what fails on purpose is counted, and not told
        try:
            yield
        finally:
            _RUNNER.setLevel(level)
            (place.work / "deaths" / "plan").unlink()
            place.stack.throttle(None)
            place.store.plan()
            place.books.plan()

    def counts(self) -> Counter[str]:
        """What went wrong so far, by kind."""
        place, found = self.place, Counter[str](self.place.stack.throttled())
        for who, server in (("store", place.store), (place.erp, place.books)):
            faults = server.calls()["faults"]
            found.update({f"{who}: {kind.replace('_', ' ')}": n for kind, n in faults.items()})
        return found

    def kills(self) -> Counter[str]:
        """Function → how many of its processes were killed."""
        path = self.place.work / "deaths" / "deaths"
        if not path.exists():
            return Counter()
        lines = path.read_text(encoding="utf-8").splitlines()
        return Counter(line.partition(" ")[0].removeprefix("accord-dev-") for line in lines)


# --- the shop ---------------------------------------------------------------------


@dataclass(slots=True)
class Shop:
    """People who buy in the store of an entered ``place``, and its own queue of deliveries.

    Its clock is behind by what a poll leaves to the webhooks: real time is not faster than time.
    """

    place: Place
    courier: Courier
    rng: random.Random
    placed: dict[str, float] = field(default_factory=dict)  # the order's id → when it was paid
    orders: list[dict[str, Any]] = field(default_factory=list)
    off: Counter[str] = field(default_factory=Counter)
    _unpaid: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    _met: set[int] = field(default_factory=set)
    _disabled: set[int] = field(default_factory=set)

    def live(self, count: int, told: Callable[[], None]) -> None:
        """``count`` orders placed and paid, one after another, while their webhooks are sent."""
        stop, failed = threading.Event(), list[BaseException]()
        cron = threading.Thread(target=self._cron, args=(stop, failed), daemon=True)
        cron.start()
        deaf = {min(count, _DEAF) // 2 + at for at in range(1, count + 1, _DEAF)}
        try:
            for number in range(1001, 1001 + count):
                if number - 1000 in deaf:
                    active = [hook for hook in self._hooks() if hook["topic"] in _ORDERS]
                    self.courier.deafen(str(hook["id"]) for hook in active)
                self._place(number)
                time.sleep(self.rng.expovariate(1 / _GAP_S))
                self._pay(before=time.monotonic())
                told()
                while traffic.backlog(self.place) > _BACKLOG and not failed:
                    time.sleep(0.25)
            self._pay(before=float("inf"))
        finally:
            stop.set()
            cron.join()
        if failed:
            raise failed[0]

    def hooks(self) -> dict[str, str]:
        """Topic → the status of its webhook."""
        return {hook["topic"]: hook["status"] for hook in self._hooks()}

    def empty(self) -> None:
        """All that is queued in the store is sent."""
        while self.place.store.run_queue():
            pass

    def _cron(self, stop: threading.Event, failed: list[BaseException]) -> None:
        try:
            while not stop.wait(0.1):
                self.place.store.control("POST", "run-queue", {"limit": _SENT})
        except BaseException as error:  # noqa: BLE001 - told to the thread that waits
            failed.append(error)

    def _place(self, number: int) -> None:
        at = dt.datetime.now(dt.UTC) - GRACE * (1 - 1 / self.place.speed)
        home = self.place.store.home
        order = make_order(number, rng=self.rng, at=at, status="processing", home=home)
        self.orders.append(order)
        if self.rng.random() >= _UNPAID:
            self._tell(order)
            return
        nothing = {"date_paid": None, "date_paid_gmt": None, "transaction_id": ""}
        self._tell({**order, **nothing, "status": "pending"})
        paid = {**order, **_later(at, dt.timedelta(seconds=1))}
        self.orders[-1] = paid
        self._unpaid.append((time.monotonic() + self.rng.uniform(0.2, 3), paid))

    def _pay(self, *, before: float) -> None:
        due = [order for at, order in self._unpaid if at <= before]
        self._unpaid = [(at, order) for at, order in self._unpaid if at > before]
        for order in due:
            self._tell(order)

    def _tell(self, order: dict[str, Any]) -> None:
        """Stored as placed now, and told of by the webhooks that are on."""
        hooks = self._hooks()
        for topic in _ORDERS:
            if not any(hook["topic"] == topic and hook["status"] == "active" for hook in hooks):
                self.off["webhook switched off"] += 1
        flow = self.rng.choice(("rest", "checkout"))
        self.place.store.control("POST", "orders", {"order": order, "flow": flow})
        if order["status"] != "pending":
            self.placed[str(order["id"])] = time.time()

    def _hooks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]]
        found = self.place.store.control("GET", "state?only=webhooks")["webhooks"]
        ids = {hook["id"] for hook in found}
        self.off["webhooks made anew"] += len(ids - self._met) if self._met else 0
        self._met |= ids
        disabled = {hook["id"] for hook in found if hook["status"] == "disabled"}
        self.off["webhooks disabled by the store"] += len(disabled - self._disabled)
        self._disabled |= disabled
        return found


def _later(at: dt.datetime, by: dt.timedelta) -> dict[str, str]:
    text = (at.replace(microsecond=0) + by).strftime("%Y-%m-%dT%H:%M:%S")
    return {"date_modified": text, "date_modified_gmt": text}


# --- the run ----------------------------------------------------------------------


def run(place: Place, courier: Courier, count: int, *, seed: int, told: Told) -> Result:
    """``count`` orders in the entered ``place``, while everything goes wrong; healed and compared.

    ``told(placed, posted)`` hears now and then how many orders are in the store, and in the books.

    Raises: UnavailableError: the webhooks could not be made to begin with.
    """
    courier.target = place.webhook_url
    shop = Shop(place, courier, random.Random(f"shop {seed}"))
    storm = Storm(place, seed)
    _guard(place)
    if not (first := shop.hooks()):
        raise UnavailableError("the store has no webhooks; see the log of guard_webhooks")

    def watch() -> None:
        told(len(shop.orders), traffic.posted(place))

    started = time.monotonic()
    with storm.rages():
        shop.live(count, watch)
        _storm_on(place, watch)
        faults = storm.counts()
    courier.calm()
    peace = time.monotonic()
    orders = traffic.Traffic(shop.orders, [])
    left = _heal(place, shop, first, watch)
    healed = time.monotonic()
    for function in ("poll_store", "wake", "guard_webhooks", "poll_store"):  # nothing comes twice
        place.stack.invoke(function, {"store": place.store_name})
    is_quiet = traffic.settle(place, watch)
    compared = traffic.compare(place, orders, dead_may=True)
    compared.deliveries = int(place.store.control("GET", "state?only=sent")["sent"])
    compared.seconds = time.monotonic() - started
    compared.differences += left
    if not is_quiet:
        compared.differences.append("something is still under way, and does not move")
    result = Result(compared, place.speed, healed_s=healed - peace)
    result.faults = +(faults + courier.count + shop.off)
    result.kills = storm.kills()
    _read_logs(place, shop, result)
    return result


def _guard(place: Place) -> None:
    answer = place.stack.invoke("guard_webhooks", {"store": place.store_name})
    if not answer.ok:
        raise UnavailableError(f"guard_webhooks: {answer.payload[:300].decode(errors='replace')}")


def _storm_on(place: Place, watch: Callable[[], None]) -> None:
    """No more orders, for some minutes of AWS time."""
    until = time.monotonic() + _STORM_S / place.speed
    while time.monotonic() < until:
        watch()
        time.sleep(0.25)


def _heal(
    place: Place, shop: Shop, webhooks: Collection[str], watch: Callable[[], None]
) -> list[str]:
    """What is still amiss when time is up: an order is not in the books, a webhook is off."""
    until = time.monotonic() + _CALM_S
    while True:
        shop.empty()
        traffic.settle(place, watch)
        left = list(amiss(place, shop, webhooks))
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.5)


def amiss(place: Place, shop: Shop, webhooks: Collection[str]) -> Iterator[str]:
    """Orders that are not in the books, and those of ``webhooks`` (topics) that are not on."""
    key = place.config["stores"][place.store_name]["key"]
    posted = {sale["key"] for sale in place.sales()}
    for order in shop.orders:
        if f"{key}-{order['id']}" not in posted:
            yield f"order {order['id']} is not found by any way"
    now = shop.hooks()
    for topic in sorted(set(webhooks)):
        if now.get(topic) != "active":
            yield f"the webhook for {topic} is {now.get(topic, 'gone')}"


# --- the logs ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Handled:
    """One line of a worker: what it did, at the how-manieth try of which message."""

    at: float  # epoch seconds
    ref: str
    correlation: str
    attempt: int
    outcome: str


def handled(lines: Iterable[str]) -> list[Handled]:
    """The lines that say how a change ended, the oldest first."""
    found = []
    for line in lines:
        if '"handled"' not in line:
            continue
        try:
            entry = json.loads(line)
            at = dt.datetime.strptime(entry["timestamp"], "%Y-%m-%d %H:%M:%S,%f%z")
            ref, correlation = str(entry["ref"]), str(entry.get("correlation_id", ""))
            found.append(
                Handled(at.timestamp(), ref, correlation, entry["attempt"], entry["outcome"])
            )
        except (ValueError, KeyError):
            continue  # cut off when its process was killed
    return sorted(found, key=lambda each: each.at)


def posted_by(lines: Iterable[Handled]) -> dict[str, tuple[str, float]]:
    """Ref → by which way came the message that posted it first, and when.

    What is parked and woken goes out as a new message of the same correlation id.
    """
    met: set[tuple[str, str]] = set()
    found: dict[str, tuple[str, float]] = {}
    for each in lines:
        again = (each.ref, each.correlation) in met
        met.add((each.ref, each.correlation))
        if each.ref in found or not _POSTED.match(each.outcome):
            continue
        if each.attempt > 1:
            path = "redelivery"
        elif again:
            path = "wake"
        else:
            path = "poll_store" if each.correlation.startswith("poll") else "webhook"
        found[each.ref] = path, each.at
    return found


def _read_logs(place: Place, shop: Shop, result: Result) -> None:
    lines: list[str] = []
    for folder in traffic.WORKERS:
        path = place.stack.function(folder).log.path
        lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
    known = posted_by(handled(lines))
    for id_, paid_at in shop.placed.items():
        way = known.get(f"{place.store_name}:order:{id_}")
        if way is None:  # posted, and its worker was killed before it could say so
            result.paths["orders posted: by one that died of it"] += 1
            continue
        result.paths[f"orders posted: {way[0]}"] += 1
        result.agreed.append(max(0.0, way[1] - paid_at))
