"""One order's whole life on the running stack, both sides beside each other after each step."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from accord.cli import shelf
from accord.cli.output import console, print_table
from accord.errors import BadInputError
from accord.local.people import Shopfront, Sides, both_sides, settle
from accord.local.place import Place
from accord.local.store.catalogue import catalogue
from accord.local.tryton import TrytonServer
from accord.local.tryton.desk import Desk

_PIECES = 3


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody did, and what both sides said once everything had settled."""

    who: str
    did: str
    sides: Sides

    def to_json(self) -> dict[str, Any]:
        return {"who": self.who, "did": self.did, **asdict(self.sides)}


@dataclass(frozen=True, slots=True)
class Life:
    """An order's id, its steps, and the notes that its store holds in the end; then what became
    of the stock of its ``item``."""

    order: str
    steps: list[Step]
    notes: list[str]
    item: str
    stock: list[shelf.Stocked]

    @property
    def differences(self) -> int:
        """Steps after which the two sides did not say the same."""
        agree = [*(step.sides.agree for step in self.steps), *(each.agree for each in self.stock)]
        return agree.count(False)


def live(place: Place, progress: Callable[[str], None]) -> Life:
    """Placed, paid, shipped in two parts, invoiced, refunded in part; goods come in and are sold.

    On Tryton only.
    """
    if not isinstance(place.books, TrytonServer):
        raise BadInputError("the life of an order is shown on Tryton")
    desk, books = Desk(place.books), place.back_office()
    sold = catalogue()
    items = [sku for sku in place.references.skus if (p := sold.by_sku(sku)) and not p.virtual]
    if not items:
        raise BadInputError("none of the recorded items is one that the store's stand-in sells")
    item = items[0]
    desk.stock_up([item], 100)
    with Shopfront.open(place) as front:
        order = front.order({item: _PIECES})
        steps = []
        for who, did, act in _acts(front, desk, place, order, item):
            progress(f"{who} {did}")
            act()
            settle(place)
            steps.append(Step(who, did, both_sides(front, books, order)))
        notes = front.notes(order)
        return Life(order, steps, notes, item, shelf.stocked(front, desk, item, progress))


def _acts(
    front: Shopfront, desk: Desk, place: Place, order: str, item: str
) -> Iterator[tuple[str, str, Callable[[], object]]]:
    key = f"{place.config['stores'][place.store_name]['key']}-{order}"
    line = str(front.get(order)["line_items"][0]["id"])
    yield "the shopper", f"orders {_PIECES} {item}, to be paid by card", lambda: None
    yield "the shopper", "pays", lambda: front.pay(order)
    yield "the warehouse", "ships one piece", lambda: desk.ship(key, {item: 1}, "JD0001")
    yield "the warehouse", "ships the rest", lambda: desk.ship(key, None, "JD0002")
    yield "the bookkeeper", "posts the invoice", lambda: desk.post_invoice(key)
    yield "the merchant", "refunds one piece", lambda: front.refund(order, {line: 1})


def show(life: Life) -> None:
    """The life as a table, then the order's notes, then the stock."""
    print_table(
        f"The life of order {life.order}",
        ["what happens", "the store says", "", "the books say"],
        [
            [
                f"{step.who} {step.did}",
                _said(
                    step.sides.status,
                    step.sides.total,
                    refunded=step.sides.refunded,
                    tracking=step.sides.tracking,
                    invoice=step.sides.invoice,
                ),
                "=" if step.sides.agree else "≠",
                _said(
                    step.sides.document,
                    step.sides.gross,
                    paid=step.sides.paid,
                    shipped=step.sides.shipped,
                    invoiced=step.sides.invoiced,
                    credited=step.sides.credited,
                ),
            ]
            for step in life.steps
        ],
    )
    console.print("\n[bold]Its notes in the store[/]", highlight=False)
    for note in life.notes:
        console.print(f"  {note}", highlight=False, markup=False)
    shelf.show(life.item, life.stock)


def _said(*first: str, **more: str) -> str:
    named = [f"{name} {text}" for name, text in more.items() if text not in {"", "none"}]
    return ", ".join([*first, *named])
