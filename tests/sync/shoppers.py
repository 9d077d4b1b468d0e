"""One store and one back office that share their customers, in virtual time."""

import datetime as dt
import itertools
from collections import deque
from random import Random
from typing import Any

from accord.erp.memory.adapter import Memory
from accord.local.model_store import ModelStore
from accord.local.store.deliveries import Body
from accord.local.world import Clock, Hook, KilledError, hooked
from accord.model.change import Change, Ref
from accord.model.documents import Kind
from accord.model.party import Profile
from accord.ports.queues import Queues
from accord.rules.config import Config
from accord.state.memory import (
    MemoryAttention,
    MemoryControl,
    MemoryDocuments,
    MemoryJournal,
    MemoryLinks,
    MemoryPayloads,
    MemorySteps,
    MemoryWaiting,
)
from accord.sync.customers import Customers
from accord.sync.resolve import Resolver
from accord.sync.turn import EPOCH, TRUSTED, Invocation
from accord.sync.worker import Again, Finished, Worker
from accord.woo.webhook import digest
from tests.sync.conftest import START, config

ADA = {
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Byron",
    "role": "customer",
    "billing": {
        "first_name": "Ada",
        "last_name": "Byron",
        "company": "Engine Ltd",
        "address_1": "12 Analytical Row",
        "city": "London",
        "postcode": "SW1A 1AA",
        "country": "GB",
        "email": "ada@example.com",
        "phone": "020 7946 1111",
    },
    "shipping": {
        "first_name": "Ada",
        "last_name": "Byron",
        "address_1": "12 Analytical Row",
        "city": "London",
        "postcode": "SW1A 1AA",
        "country": "GB",
    },
    "meta_data": [{"key": "_billing_vat_number", "value": "GB123456789"}],
}


class Line(Queues):
    """Changes one after the other."""

    def __init__(self) -> None:
        self.changes: deque[Change] = deque()

    def put(self, change: Change, *, sending: str) -> None:
        self.changes.append(change)


class Shoppers:
    """``hook`` is told of every port call of the worker; ``ends`` are what became of changes."""

    def __init__(
        self, config_: Config | None = None, *, hook: Hook = lambda _: None, **rules: Any
    ) -> None:
        self.config = config_ or config(flows={"customers": "on"}, customers=rules)
        self.hook = hook
        self.clock = Clock(START)
        self.books = Memory.ledger(clock=self.clock)
        self.erp = Memory(self.books.call)
        self.store = ModelStore("uk", self.clock, on_change=self._webhook)
        self.links, self.steps, self.control = MemoryLinks(), MemorySteps(), MemoryControl()
        self.control.put(EPOCH, TRUSTED, version=None)
        self.payloads, self.attention = MemoryPayloads(), MemoryAttention()
        self.journal, self.waiting = MemoryJournal(), MemoryWaiting()
        self.documents = MemoryDocuments()
        self.queue = Line()
        self.ends: list[tuple[Change, Finished | Again]] = []
        self.deaf = False
        self._polled: dict[Ref, str] = {}
        self._runs = 0

    # --- what the edges say -----------------------------------------------------

    def _webhook(self, topic: str, body: Body) -> None:
        if not topic.startswith("customer.") or self.deaf:
            return
        document = body.document
        bare = len(document) == 1
        at = None if bare else dt.datetime.fromisoformat(document["date_modified_gmt"])
        change = Change(
            ref=Ref("uk", "customer", str(document["id"])),
            event="customer_changed",
            seen_at=self.clock(),
            correlation_id=f"c{len(self.ends)}",
            modified_at=at and at.replace(tzinfo=dt.UTC),
            digest="" if bare else digest(body.raw),
            document=None if bare else document,
        )
        self.queue.put(change, sending="")

    def poll(self) -> None:
        """What changed among the parties since, as `poll_erp` says it."""
        for news in self.erp.changes(Kind.PARTY, START - dt.timedelta(days=1), limit=10_000):
            if self._polled.get(news.ref) == news.version:
                continue
            self._polled[news.ref] = news.version
            linked = self.links.find(news.ref)
            self.queue.put(
                Change(
                    ref=news.ref,
                    event="customer_changed",
                    seen_at=self.clock(),
                    correlation_id="poll",
                    modified_at=news.at,
                    digest=news.version,
                    aggregate=linked,
                ),
                sending="",
            )

    # --- the service ------------------------------------------------------------

    def flow(self) -> Customers:
        table = self.config.stores["uk"]
        return Customers(
            name="uk",
            rules=table,
            erp_name=table.erp,
            erp=hooked(self.erp, "erp", self.hook),
            store=hooked(self.store, "store", self.hook),
            links=hooked(self.links, "links", self.hook),
            steps=hooked(self.steps, "steps", self.hook),
            control=hooked(self.control, "control", self.hook),
            payloads=hooked(self.payloads, "payloads", self.hook),
            attention=hooked(self.attention, "attention", self.hook),
            journal=hooked(self.journal, "journal", self.hook),
            queues=hooked(self.queue, "queues", self.hook),
            clock=self.clock,
        )

    def resolver(self) -> Resolver:
        return Resolver(self.links, self.attention, self.payloads, self.queue, self.clock)

    def settle(self) -> None:
        """Works until nothing is queued and the back office has no news."""
        for _ in range(50):
            self.drain()
            self.poll()
            if not self.queue.changes:
                return
        raise AssertionError("it never settles")

    def drain(self) -> None:
        while self.queue.changes:
            self._handle(self.queue.changes.popleft())

    def _handle(self, change: Change) -> None:
        worker = Worker(
            waiting=self.waiting,
            attention=self.attention,
            payloads=self.payloads,
            clock=self.clock,
            random=Random(1),
            rules_version=lambda: "1",
        )
        for attempt in range(1, 7):
            self.clock.now += dt.timedelta(seconds=1)
            self._runs += 1
            run = Invocation(f"run-{self._runs}", self.clock() + dt.timedelta(seconds=60), attempt)
            try:
                end = worker.handle(change, run, lambda _: self.flow())
            except KilledError:
                self.clock.now += dt.timedelta(seconds=120)
                continue
            self.ends.append((change, end))
            if isinstance(end, Finished):
                return
            self.clock.now += dt.timedelta(seconds=end.delay)
        raise AssertionError(f"{change.ref} never ends")

    # --- what is there ----------------------------------------------------------

    @property
    def last(self) -> str:
        end = self.ends[-1][1]
        return end.text

    def reasons(self) -> list[str]:
        return [item.reason for item in self.attention.open()]

    def party(self) -> Ref:
        (only,) = self.books.parties()
        return Ref("main", "party", only["id"])

    def profile(self) -> Profile:
        found = self.erp.profile(self.party())
        assert found is not None
        return found[0]

    def account(self, id_: str) -> Profile:
        found = self.store.get_customer(id_)
        assert found is not None
        return self.store.customer(found[0]).profile

    def edit_party(self, **fields: Any) -> None:
        """A person in the back office, some time later."""
        self.clock.now += dt.timedelta(seconds=5)
        (party,) = self.books.parties()
        self.erp.edit_party(party["key"], **fields)

    def edit_account(self, id_: str, **fields: Any) -> None:
        """The shopper, some time later."""
        self.clock.now += dt.timedelta(seconds=5)
        self.store.edit_customer(id_, **fields)


def phone(number: str) -> dict[str, Any]:
    """Fields of an account with another telephone number."""
    return {"billing": {"phone": number}}


def killing(*fatal: int) -> Hook:
    """Kills the worker at each of these moments, counted from now."""
    count = itertools.count()

    def kill(_: str) -> None:
        if next(count) in fatal:
            raise KilledError

    return kill
