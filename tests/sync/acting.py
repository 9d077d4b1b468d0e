"""What an operator does in a played world."""

from accord.local.world import World
from accord.ports.state import Item
from accord.sync.acts import Target

ADA = "ada"


def mend(world: World, target: Target | str, why: str = "", **values: str) -> None:
    """Lays ``values`` over it, and lets everything settle. ``__`` in a name is a point."""
    named = Target.named(target) if isinstance(target, str) else target
    fields = {name.replace("__", "."): value for name, value in values.items()}
    acts = world.acts()
    acts.mend(named, acts.check(named, fields), by=ADA, why=why)
    world.drain()


def lift(world: World, target: str, *fields: str) -> None:
    """Takes mends back, and lets everything settle."""
    world.acts().mend(Target.named(target), lifted=fields, by=ADA, why="")
    world.drain()


def asked(world: World) -> Item:
    """The one item that is open."""
    (item,) = world.attention.open()
    return item
