"""The life that is recorded of a release: one of everything, and some of it unfinished.

Names, addresses and goods are made up.
"""

import copy
import datetime as dt
from decimal import Decimal
from typing import Any

from accord.errors import UnavailableError
from accord.local.world import KilledError
from accord.model.change import Ref
from accord.ports.levels import Hold, Limit
from accord.ports.limits import FAILURES
from accord.rules.config import Config
from accord.rules.limits import Bears, Limits
from accord.rules.usage import Ask
from accord.state.breakers import BoardBreakers
from accord.sync.cursor import ROOM, _Cursor
from accord.sync.dead_letters import report
from accord.sync.seal import Sealer
from accord.sync.webhooks import WebhookGuard
from tests.conftest import order_json
from tests.releases.kept import Kept
from tests.sync.conftest import config

EVENING = dt.datetime(2026, 11, 21, 21, tzinfo=dt.UTC)
MORNING = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
MUG, POT = "MUG", "POT"
GRACE = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "address_1": "1 High Street",
    "city": "York",
    "postcode": "YO1 7HH",
    "country": "GB",
}
_RICH = order_json("order_created_rich")
_ON = ("orders", "fulfilment", "invoices", "erp_changes", "customers", "stock", "prices")


def rules() -> Config:
    """Under which it is lived: every flow is on, money is recorded."""
    by_bank = {"*": {"record": True, "account": "Bank"}, "": {"record": False}}
    return config(
        flows={**dict.fromkeys(_ON, "on"), "products": "on"},
        stock={"locations": ["MAIN"], "near": 10},
        prices={"currency": "GBP"},
        invoices={"link": True},
        mappings={"payments": by_bank, "no_sku": "attention"},
    )


def new() -> Kept:
    """A world before its life."""
    return Kept(rules(), EVENING, polls_store=True)


def place(world: Kept, id_: int, **fields: Any) -> str:
    """A shopper orders, now."""
    order: dict[str, Any] = copy.deepcopy(_RICH) | {"id": id_, "number": str(id_)} | fields
    now = world.clock().replace(tzinfo=None).isoformat(timespec="seconds")
    for name in ("date_created", "date_modified"):
        order[name] = order[f"{name}_gmt"] = now
    return world.store.place(order)


def ref(id_: str) -> Ref:
    return Ref("uk", "order", id_)


def pass_(world: Kept, minutes: float) -> None:
    world.drain_until(world.clock() + dt.timedelta(minutes=minutes))


def live(world: Kept) -> None:
    """The life, up to the moment of the next deployment."""
    _open(world)
    world.clock.now = MORNING  # nothing happens at night, and nobody looks
    _sell(world)
    _operate(world)
    _break_off(world)


def _open(world: Kept) -> None:
    """Goods on both shelves, and a customer with an account."""
    for sku, price in ((MUG, "9.50"), (POT, "20.00")):
        world.erp().add_item(sku, name=sku, price=Decimal(price), stock={"MAIN": Decimal(50)})
        world.store.add_product(sku, quantity=0)
    world.store.add_customer(
        email="grace@example.com", role="customer", billing=GRACE, shipping=GRACE, **_name(GRACE)
    )
    pass_(world, 4)


def _name(address: dict[str, Any]) -> dict[str, Any]:
    return {key: address[key] for key in ("first_name", "last_name")}


def _sell(world: Kept) -> None:
    """1001 was shipped, invoiced and refunded in part. 2001 waits for its money, 3001 was edited,
    and of 4001 nobody knows what was sold."""
    place(world, 1001)
    place(world, 2001, status="on-hold", date_paid=None, date_paid_gmt=None)
    place(world, 3001)
    pass_(world, 3)
    first = world.links.get(ref("1001"))
    assert first is not None
    assert first.erp is not None
    world.erp().ship(first.erp, None, tracking="TRACK000001", carrier="Parcel Co")
    world.erp().post_invoice(first.erp)
    world.store.edit("3001", line_items=[{"id": 8, "quantity": 2, "total": "40.00"}])
    world.store.edit_customer(next(iter(world.store.customers)), last_name="Murray")
    pass_(world, 3)
    world.store.refund("1001", "5.00", reason="a scratch")
    pass_(world, 3)
    lines = _RICH["line_items"]
    place(world, 4001, line_items=[{**lines[0], "sku": ""}, *lines[1:]])  # a person must look
    pass_(world, 3)


def _operate(world: Kept) -> None:
    """What operators, schedules and checkouts leave behind."""
    now = world.clock()
    world.versions.push(
        {"stores": {"uk": {"mappings": {"no_sku": "attention"}}}},
        version=1,
        now=now,
        by="ada",
        why="a first version",
    )
    world.pauses.begin("spare", by="ada", why="it is being moved")
    breakers = BoardBreakers(world.guard.board)
    for _ in range(FAILURES["outage"]):
        try:
            breakers.call("spare", _is_away)
        except UnavailableError:
            continue
    bears = Bears(limits=Limits(at_once=2, per_minute=60, per_day=1000))
    ask = Ask("orders", 3, "a worker", now + dt.timedelta(minutes=1), now, now.date())
    world.guard.meter.take("spare", bears, ask)
    (holding,) = world.levels.holdings("main", [MUG]).values()
    assert world.levels.hold(
        Hold("hold-1", "uk", "main", {MUG: Decimal(2)}, now + dt.timedelta(minutes=20)),
        [Limit(MUG, Decimal(1000), holding.basis)],
        now=now,
    )
    assert world.nonces.use("uk", "nonce-1", now=now)
    assert answered(world, {"sells": True}) == {"sells": True}
    webhooks(world).run()
    report(
        "no message of ours",
        queue="order_created",
        attention=world.attention,
        payloads=world.payloads,
        now=now,
    )
    Sealer(world.journal, world.seals, world.clock).run(until=now + dt.timedelta(minutes=5))
    in_a_pass = _Cursor(now, now, (now, "7"), now, now, now, (now, "5"))
    world.control.put("cursor:spare:order", in_a_pass.to_json(), version=None)
    world.reconcile()
    pass_(world, 3)
    reconciler = world.reconciler()
    reconciler.begin(since=None, repair=False, by="ada")
    reconciler.go_on(until=world.clock() + ROOM)  # one page, then its time is over
    assert not reconciler.place().ended


def answered(world: Kept, answer: dict[str, Any]) -> dict[str, Any]:
    """What a checkout is told, the first time or again."""
    request = {"id": "request-1", "basket": [["MUG", 1]]}
    told: dict[str, Any] = world.answers.once("uk", request, lambda: answer, context=_Context())
    return told


class _Context:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def webhooks(world: Kept) -> WebhookGuard:
    """Looks after the store's webhooks, which go nowhere."""
    return WebhookGuard(
        name="uk",
        rules=world.rules,
        shop=world.store,
        control=world.control,
        journal=world.journal,
        attention=world.attention,
        clock=world.clock,
        url="https://hooks.example/stores/uk/webhooks",
        stage="test",
        secret=lambda: "a secret",
        reread=lambda _: None,
        unheard=lambda _since, _until: 0,
    )


def _is_away() -> None:
    raise UnavailableError("spare is away", connection="spare")


def _break_off(world: Kept) -> None:
    """5001: its worker dies in the middle, twice. 6001 waits, since the books are off. Goods came
    and a price is new, which no store was told; 7001 is told, and not yet looked at."""
    world.hook = hook = _DiesAt("after erp.create", times=2)
    place(world, 5001, billing={**_RICH["billing"], "email": "joan@example.com"})
    while hook.left:
        world.clock.now = max(world.clock.now, world.queue.next_at() or world.clock.now)
        world.work()
    world.hook = _calm
    world.down = lambda _: True
    place(world, 6001)
    pass_(world, 6)  # tried four times, then it waits
    world.down = lambda _: False
    world.clock.now += dt.timedelta(seconds=45)  # the next call finds out that they are back
    world.erp().receive_goods(MUG, Decimal(7))
    world.erp().set_price(POT, Decimal("21.00"))
    world.poll()
    place(world, 7001)


def _calm(_: str) -> None:
    return


class _DiesAt:
    """Kills the worker after a call, some ``times``."""

    def __init__(self, call: str, *, times: int) -> None:
        self.call = call
        self.left = times

    def __call__(self, call: str) -> None:
        if call == self.call and self.left:
            self.left -= 1
            raise KilledError(call)
