"""What one operation asks of the store and of the back office, counted in a world of its own."""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from accord.errors import UnavailableError
from accord.local.life.known import order_ref, sales_of, standing
from accord.local.life.rules import varied
from accord.local.store.orders import make_order
from accord.local.world import World
from accord.model.change import Ref
from accord.rules.config import Config

_ORDER = 900_001
_READS = frozenset({"get_order", "refunds", "find_note", "get_customer", "find_customer"})
_PURE = frozenset({"order", "customer"})  # of the store: what was carried is read, nobody is asked


@dataclass(frozen=True, slots=True)
class Calls:
    """What one operation took; ``erp`` is calls by method."""

    store_reads: int
    store_writes: int
    erp: dict[str, int]

    @property
    def erp_total(self) -> int:
        return sum(self.erp.values())


def measure(config: Config, *, at: dt.datetime) -> dict[str, Calls]:
    """Operation → its calls, with the in-memory ledger, for a known customer."""
    return {name: _counted(config, at, *acts) for name, acts in _OPERATIONS.items()}


class _Unpolled(World):
    """Its hook is told of what the flows ask, not of what a schedule asks whatever happened."""

    __slots__ = ()

    def poll(self) -> bool:
        hook, self.hook = self.hook, lambda _: None
        try:
            return super().poll()
        finally:
            self.hook = hook


Act = Callable[[World], object]


def _counted(config: Config, at: dt.datetime, *acts: Act) -> Calls:
    """Of the last act; those before it are over by then."""
    rng = Random(1)
    world = _Unpolled(varied(config, rng), at)
    _place(world, _ORDER - 1)  # the customer's first order
    world.drain()
    for act in acts[:-1]:
        act(world)
        world.drain()
        world.drain_until(world.clock() + dt.timedelta(minutes=10))
    heard: Counter[str] = Counter()
    world.hook = lambda call: heard.update([call])
    acts[-1](world)
    world.drain()
    if world.attention.open():
        raise UnavailableError(f"an operation went wrong: {world.attention.open()[0].message}")
    calls: dict[str, dict[str, int]] = {"store": {}, "erp": {}}
    for call, count in heard.items():
        port, _, method = call.removeprefix("before ").partition(".")
        if port in calls and method not in _PURE:
            calls[port][method] = count
    reads = sum(count for method, count in calls["store"].items() if method in _READS)
    return Calls(reads, sum(calls["store"].values()) - reads, calls["erp"])


def _place(world: World, id_: int = _ORDER, status: str = "processing") -> None:
    order = make_order(id_, rng=Random(7), at=world.clock(), status=status, lines=2)
    paid = status == "processing"
    world.store.place(
        {
            **order,
            "customer_id": 0,
            "payment_method": "bacs",
            **({} if paid else {"date_paid": None, "date_paid_gmt": None}),
        }
    )


def _place_unpaid(world: World) -> None:
    _place(world, status="on-hold")


def _pay(world: World) -> None:
    world.store.set_status(str(_ORDER), "processing", paid=True)


def _edit(world: World) -> None:
    world.store.edit(str(_ORDER), customer_note="ring twice")


def _cancel(world: World) -> None:
    world.store.set_status(str(_ORDER), "cancelled")


def _refund(world: World) -> None:
    line = str(world.store.orders[str(_ORDER)]["line_items"][0]["id"])
    world.store.refund(str(_ORDER), lines={line: 1})


def _sale(world: World) -> Ref:
    sale = standing(sales_of(world, str(_ORDER)))
    if sale is None:
        raise UnavailableError(f"{order_ref(world, str(_ORDER))} has no sale")
    return Ref(world.rules.erp, "sales_order", sale["id"])


def _ship(world: World) -> None:
    world.erp().ship(_sale(world), tracking="TRACK1", carrier="Parcel Co")


def _invoice(world: World) -> None:
    world.erp().post_invoice(_sale(world))


def _register(world: World) -> None:
    world.store.add_customer(
        email="ada@example.com",
        first_name="Ada",
        last_name="Byron",
        billing={"address_1": "12 Analytical Row", "city": "London", "country": "GB"},
    )


def _edit_account(world: World) -> None:
    (id_,) = world.store.customers
    world.store.edit_customer(id_, billing={"phone": "020 7946 2222"})


def _edit_party(world: World) -> None:
    (id_,) = world.store.customers
    link = world.links.get(Ref(world.store.name, "customer", id_))
    found = world.erp().get(link.erp) if link is not None and link.erp is not None else None
    if found is None or found.key is None:
        raise UnavailableError(f"customer {id_} has no party")
    world.erp().edit_party(found.key, phone="020 7946 3333")


_OPERATIONS: dict[str, tuple[Act, ...]] = {
    "place, paid": (_place,),
    "place, unpaid": (_place_unpaid,),
    "pay": (_place_unpaid, _pay),
    "edit while unpaid": (_place_unpaid, _edit),
    "edit when confirmed": (_place, _edit),
    "cancel": (_place_unpaid, _cancel),
    "refund a line": (_place, _refund),
    "ship": (_place, _ship),
    "invoice": (_place, _invoice),
    "register": (_register,),
    "change the account": (_register, _edit_account),
    "change the party": (_register, _edit_party),
}
