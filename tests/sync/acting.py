"""What an operator does in a played world."""

from accord.local.world import World
from accord.model.change import Ref
from accord.model.documents import SalesOrder
from accord.model.keys import order_key
from accord.ports.state import Item
from accord.sync.acts import Acts, Target

ADA = "ada"


def acts_in(world: World) -> Acts:
    """An operator at ``world``."""

    def order(ref: Ref) -> SalesOrder | None:
        answer = world.store.get_order(ref.id)
        return None if answer is None else world.store.order(answer[0])

    return Acts(
        attention=world.attention,
        links=world.links,
        queues=world.queue,
        journal=world.journal,
        clock=world.clock,
        order=order,
        profile=lambda _: None,
        key=lambda ref: order_key("uk", ref.id),
    )


def mend(world: World, target: Target | str, why: str = "", **values: str) -> None:
    """Lays ``values`` over it, and lets everything settle. ``__`` in a name is a point."""
    named = Target.named(target) if isinstance(target, str) else target
    fields = {name.replace("__", "."): value for name, value in values.items()}
    acts = acts_in(world)
    acts.mend(named, acts.check(named, fields), by=ADA, why=why)
    world.drain()


def lift(world: World, target: str, *fields: str) -> None:
    """Takes mends back, and lets everything settle."""
    acts_in(world).mend(Target.named(target), lifted=fields, by=ADA, why="")
    world.drain()


def asked(world: World) -> Item:
    """The one item that is open."""
    (item,) = world.attention.open()
    return item
