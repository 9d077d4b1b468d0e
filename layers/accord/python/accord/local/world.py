"""The whole service in one process on a virtual clock: nothing waits, everything repeats exactly.

The flows, the worker and `wake` are the real ones; state and back office are the in-memory ones;
the store and the queue are models of what a real one does. A hook is told of every port call,
before and after, and may refuse it or kill the worker there.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from accord.errors import AccordError
from accord.local.hooked import Clock as Clock  # noqa: PLC0414 - of what a world is made
from accord.local.hooked import Hook as Hook  # noqa: PLC0414
from accord.local.hooked import KilledError as KilledError  # noqa: PLC0414
from accord.local.hooked import hooked as hooked  # noqa: PLC0414
from accord.local.model_queue import RECEIVES as RECEIVES  # noqa: PLC0414
from accord.local.model_queue import ModelQueue as ModelQueue  # noqa: PLC0414
from accord.local.store.deliveries import Body, encode, sign
from accord.local.wiring import Wiring
from accord.model.change import Change, Ref
from accord.model.documents import Kind, SalesOrder
from accord.model.keys import order_key
from accord.rules.config import Config
from accord.sync.acts import Acts
from accord.sync.dead_letters import report
from accord.sync.report import Report
from accord.sync.told import GRACE
from accord.sync.turn import Invocation
from accord.sync.worker import Again, Finished
from accord.woo.webhook import Delivery, Edge, Message

WORKER_TIMEOUT = dt.timedelta(seconds=60)
VISIBILITY = dt.timedelta(seconds=120)
STORE_POLLS = dt.timedelta(minutes=2)  # as the schedule of `poll_store` has it
SECRET = "a secret of the model store"


@dataclass(slots=True)
class World(Wiring):
    """One store, one back office, one service between them.

    ``down(now)`` tells whether the back office is off; ``hook`` is told of every port call of the
    worker; ``copies(topic)`` says how often a webhook arrives, 0 for a lost one. ``ends`` are the
    ends of changes in order. ``polls_store``: what no webhook told of is read there, too; then
    ``recovered`` counts such orders.
    """

    copies: Callable[[str], int] = field(default=lambda _: 1)
    polls_store: bool = False
    recovered: int = 0
    ends: list[tuple[Change, Finished | Again]] = field(default_factory=list)
    _wake_at: dt.datetime = field(init=False)
    _poll_store_at: dt.datetime = field(init=False)
    _edge: tuple[Config, Edge] | None = None

    def __post_init__(self) -> None:
        Wiring.__post_init__(self)
        self._wake_at = self.start + dt.timedelta(minutes=1)
        self._poll_store_at = self.start + STORE_POLLS

    def deliver(self, order: dict[str, Any], topic: str = "order.created") -> bool:
        """The store holds ``order`` and its webhook says so; False when the receiver ignores it."""
        self.store.orders[str(order["id"])] = order
        return self.receive(topic, order)

    def receive(self, topic: str, said: Body | dict[str, Any]) -> bool:
        """A webhook of the store arrives; False when the receiver ignores it."""
        body = said.raw if isinstance(said, Body) else encode(said)
        headers = {"x-wc-webhook-topic": topic, "x-wc-webhook-signature": sign(body, SECRET)}
        delivery = Delivery(self._name, "127.0.0.1", headers, body, f"delivery-{self._runs}")
        assert delivery.is_genuine([SECRET])
        message = delivery.read(self._edge_of_store(), seen_at=self.clock())
        if not isinstance(message, Message):
            return False
        self.queue.put(Change.from_json(message.body), sending=message.sending)
        return True

    def ask_for_refund(self, order_id: str, refund_id: str) -> None:
        """A refund of the order is queued, as the order's own flow does when it sees it."""
        order = Ref(self._name, "order", order_id)
        ref = Ref(self._name, "refund", refund_id)
        change = Change(ref, "refund_issued", self.clock(), "asked", aggregate=order)
        self.queue.put(change, sending=f"asked:{ref}:{self._runs}")

    def _edge_of_store(self) -> Edge:
        """What the receiver knows of the store, read once for one configuration."""
        if self._edge is None or self._edge[0] is not self.config:
            table = self.config.stores[self._name].model_dump()
            self._edge = self.config, Edge.from_config(self._name, table)
        return self._edge[1]

    def _told(self, topic: str, body: Body) -> None:
        for _ in range(self.copies(topic)):
            self.receive(topic, body)

    def drain(self, for_: dt.timedelta = dt.timedelta(days=2)) -> None:
        """Works in virtual time until nothing is queued or waits, or ``for_`` is over."""
        end = self.clock.now + for_
        while True:
            while self.clock.now < end and (self.queue.next_at() or self.waiting.causes()):
                self.drain_until(min(end, self.clock.now + dt.timedelta(minutes=1)))
            all_read = self.poll()
            is_quiet = all_read and not self.queue.next_at()
            if self.clock.now >= end or (is_quiet and not self._finds_more()):
                break
            if not all_read:  # a killed reader's lease runs out by itself
                self.drain_until(self.clock.now + WORKER_TIMEOUT * 2)
        self.wake()  # closes what nothing waits for

    def _finds_more(self) -> bool:
        """Whether the store holds what no webhook told of, once none can come any more."""
        if not self.polls_store:
            return False
        known = len(self.ends)
        self.drain_until(self.clock.now + GRACE + STORE_POLLS + dt.timedelta(minutes=1))
        return len(self.ends) > known

    def drain_until(self, end: dt.datetime) -> None:
        """Works, and wakes each minute, until the clock says ``end``."""
        while True:
            ready = self.queue.next_at()
            moment = min(self._wake_at, ready) if ready is not None else self._wake_at
            if moment > end:
                break
            self.clock.now = max(self.clock.now, moment)
            if ready is not None and ready <= self.clock.now:
                self.work()
            else:
                self.each_minute()
                self._wake_at = self.clock.now + dt.timedelta(minutes=1)
        self.clock.now = max(self.clock.now, end)

    def each_minute(self) -> None:
        """What is run each minute."""
        self.wake()
        self.poll()

    def work(self) -> bool:
        """One message received and handled, or its worker killed; False when none is visible."""
        received = self.queue.receive()
        if received is None:
            return False
        group, change, receives = received
        self._runs += 1
        began = self.clock.now
        run = Invocation(f"run-{self._runs}", began + WORKER_TIMEOUT, receives)
        try:
            end = self._worker().handle(change, run, self.flow_of)
        except KilledError:
            self.queue.hide(group, self.clock.now + VISIBILITY)
            self._bury()
            return True
        self._end(change, end, began, receives)
        if isinstance(end, Again):
            self.queue.hide(group, self.clock.now + dt.timedelta(seconds=end.delay))
            self._bury()
        else:
            self.queue.done(group)
        return True

    def wake(self) -> None:
        """What `wake` does each minute."""
        self._waker().run()

    def poll(self) -> bool:
        """What `poll_erp` does each minute, for every kind that a flow is on for; False when one of
        them broke off."""
        flows, all_read = self.rules.flows, True
        asked = {
            Kind.SALES_ORDER: flows.erp_changes,
            Kind.SHIPMENT: flows.fulfilment,
            Kind.INVOICE: "on" if "on" in {flows.invoices, flows.erp_changes} else "off",
            Kind.PARTY: flows.customers,
        }
        of_items = {
            Kind.RECIPE: flows.stock,
            Kind.STOCK: flows.stock,
            Kind.PRICE: flows.prices,
            Kind.ITEM: flows.products,
        }
        for kind, flow in (asked | of_items).items():
            if flow == "off" or kind not in self.adapter.capabilities.watched:
                continue
            until = self.clock.now + WORKER_TIMEOUT
            what = "catalogue" if kind in of_items else "polls"
            holder = f"poll-{kind.value}-{self.clock.now:%FT%T}"
            try:
                with self.guard.operation(what, calls=1, holder=holder, until=until):
                    poller = self._catalogue_poller() if kind in of_items else self._poller()
                    poller.run(kind, until=until)
            except (AccordError, KilledError):
                all_read = False  # the next minute's run goes on where this one broke off
        if self.polls_store and self.clock.now >= self._poll_store_at:
            self._poll_store_at = self.clock.now + STORE_POLLS
            all_read &= self.poll_store()
        return all_read

    def poll_store(self) -> bool:
        """What `poll_store` does every two minutes; False when it broke off."""
        try:
            polled = self.store_poller().run(until=self.clock.now + WORKER_TIMEOUT)
        except (AccordError, KilledError):
            return False
        self.recovered += polled.recovered
        return not polled.behind

    def sweep(self) -> None:
        """What the night's schedule asks for: the next polls read every item once."""
        for kind in (Kind.STOCK, Kind.PRICE, Kind.ITEM):
            self._catalogue_poller().ask_for_sweep(kind)

    def acts(self) -> Acts:
        """What an operator does here."""

        def order(ref: Ref) -> SalesOrder | None:
            answer = self.store.get_order(ref.id)
            return None if answer is None else self.store.order(answer[0])

        return Acts(
            attention=self.attention,
            links=self.links,
            queues=self.queue,
            journal=self.journal,
            clock=self.clock,
            order=order,
            profile=lambda _: None,
            key=lambda ref: order_key(self.rules.key, ref.id),
        )

    def reconcile(
        self,
        *,
        repair: bool = False,
        since: dt.datetime | None = None,
        slice_: dt.timedelta = WORKER_TIMEOUT,
    ) -> Report:
        """What `reconcile` does at night, slice after slice; the page is in ``reports``."""
        reconciler = self.reconciler()
        reconciler.begin(since=since, repair=repair, by="the night")
        while True:
            sliced = reconciler.go_on(until=self.clock() + slice_)
            assert sliced is not None, "nobody else reconciles here"
            if sliced.ended:
                return sliced.report
            self.clock.now += dt.timedelta(minutes=1)

    def _end(
        self,
        change: Change,
        end: Finished | Again,
        began: dt.datetime,  # noqa: ARG002 - for a world that measures
        receives: int,  # noqa: ARG002
    ) -> None:
        """What became of a change: its worker began then, with the so manieth receive."""
        self.ends.append((change, end))

    def _bury(self) -> None:
        while self.queue.dead:
            change = self.queue.dead.pop()
            report(
                change.to_json(),
                queue=change.event,
                attention=self.attention,
                payloads=self.payloads,
                now=self.clock(),
            )
