"""Items, recipes and what there is of them, for the tests of what may be sold."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from hypothesis import strategies as st

from accord.model.stock import Holding, Recipe
from accord.rules.available import Terms

AT = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)
MAIN = Terms(locations=("MAIN",))
Holdings = dict[str, Holding]
Recipes = dict[str, Recipe]


def held(
    item: str,
    free: str | Mapping[str, str] = "0",
    *,
    taken: str = "0",
    held: Mapping[str, str] | None = None,
    as_of: dt.datetime | None = AT,
    basis: int = 0,
) -> Holding:
    """A holding with ``free`` at MAIN, or at the locations that are named."""
    by_location = {"MAIN": free} if isinstance(free, str) else free
    return Holding(
        item,
        free={location: Decimal(count) for location, count in by_location.items()},
        as_of=as_of,
        taken=Decimal(taken),
        held={store: Decimal(count) for store, count in (held or {}).items()},
        basis=basis,
    )


def there(**free: str) -> Holdings:
    return {item: held(item, count) for item, count in free.items()}


def kit(item: str, **parts: str) -> Recipe:
    return Recipe(item, tuple((p, Decimal(n)) for p, n in parts.items()), kind="kit")


def bom(item: str, output: str = "1", **parts: str) -> Recipe:
    return Recipe(item, tuple((p, Decimal(n)) for p, n in parts.items()), Decimal(output))


def recipes(*made: Recipe) -> Recipes:
    return {recipe.item: recipe for recipe in made}


# --- at random --------------------------------------------------------------

ITEMS = ("A", "B", "C", "D", "E")
"""Each may be made of those before it; E is what is sold."""


@st.composite
def recipe_books(draw: st.DrawFn, *, batches: bool = False) -> Recipes:
    """Kits and bills of materials, nested and with shared parts, never circular."""
    made: Recipes = {}
    for n, item in enumerate(ITEMS[1:], start=1):
        kind = draw(st.sampled_from(["none", "kit", "bom"])) if item != "E" else "bom"
        if item == "E":
            kind = draw(st.sampled_from(["kit", "bom"]))
        if kind == "none":
            continue
        parts = draw(st.lists(st.sampled_from(ITEMS[:n]), min_size=1, max_size=3, unique=True))
        inputs = tuple((part, Decimal(draw(st.integers(1, 2)))) for part in parts)
        output = Decimal(draw(st.integers(1, 3)) if batches and kind == "bom" else 1)
        made[item] = Recipe(item, inputs, output, "kit" if kind == "kit" else "bom")
    return made


@st.composite
def stocks(draw: st.DrawFn, *, most: int = 6, taken: int = 0) -> Holdings:
    """Every item with some pieces at MAIN, and up to ``taken`` of them claimed."""
    return {
        item: held(
            item,
            str(draw(st.integers(0, most))),
            taken=str(draw(st.integers(0, taken))),
            as_of=AT + dt.timedelta(seconds=draw(st.integers(0, 9))),
        )
        for item in ITEMS
    }
