"""What both sides have is linked from a list, and then goes the ordinary way."""

import datetime as dt
import itertools
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from accord.local.world import KilledError, World, hooked
from accord.model.change import Ref
from accord.ports.levels import Place
from accord.rules.config import Config
from accord.sync.adopt import Adoption
from accord.sync.adopt_rows import Answer, Row, Thing
from accord.sync.sales import BackOffice
from tests.sync.conftest import config, paying
from tests.sync.placed import RICH
from tests.sync.shoppers import ADA

READS = {
    "links": {"get", "find"},
    "levels": {"levels"},
    "erp": {"find", "match", "profile", "progress", "numbered", "find_items"},
    "store": {
        *("order", "orders_of", "orders_by_number", "get_customer", "find_customer", "customer"),
        *("products_of", "get_product", "product", "products_by_sku"),
    },
}
ORDER = Ref("uk", "order", "30")
_LATER = dt.timedelta(minutes=6)  # later than the queue remembers what it was sent
MakeWorld = Callable[..., World]


def adoption(
    world: World, *, dry: bool = False, hook: Callable[[str], None] = lambda _: None
) -> Adoption:
    def port(name: str, real: Any) -> Any:
        return hooked(real, name, hook)

    return Adoption(
        name="uk",
        rules=world.rules,
        back=BackOffice("main", world.erp(), dt.UTC),
        store=port("store", world.store),
        shop=port("store", world.store),
        links=port("links", world.links),
        levels=port("levels", world.levels),
        steps=port("steps", world.steps),
        control=port("control", world.control),
        queues=port("queues", world.queue),
        clock=world.clock,
        run="adopt-1",
        dry=dry,
    )


def adopt(world: World, *rows: tuple[Thing, str, str, str], **more: Any) -> list[Answer]:
    named = [Row(n, *row) for n, row in enumerate(rows, start=2)]
    return list(adoption(world, **more).adopt(named))


def sold(make_world: MakeWorld, config_: Config | None = None, **changes: Any) -> World:
    """An order that is in the books as some other software left it: Accord knows of nothing."""
    world = make_world(config_)
    world.store.place({**RICH, **changes})
    world.drain()
    world.forget()
    world.store.notes.clear()
    world.clock.now += _LATER
    return world


def number_of(world: World) -> str:
    (sale,) = world.books.sales()
    number: str = sale["number"]
    return number


def facts(world: World) -> dict[str, str]:
    link = world.links.get(ORDER)
    assert link is not None
    return dict(link.facts)


# --- orders ------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["both", "id", "number", "erp"])
def test_an_order_is_linked_by_what_is_named_of_it(make_world: MakeWorld, side: str) -> None:
    world = sold(make_world)
    rows: dict[str, tuple[Thing, str, str, str]] = {
        "both": ("order", "30", "", number_of(world)),
        "id": ("order", "30", "", ""),
        "number": ("order", "", "30", ""),
        "erp": ("order", "", "", number_of(world)),
    }

    (answer,) = adopt(world, rows[side])

    link = world.links.get(ORDER)
    assert (answer.what, answer.why) == ("linked", "")
    assert link is not None
    assert (link.key, link.number) == ("uk-30", number_of(world))
    assert world.links.find(link.erp or ORDER) == ORDER


def test_twice_is_the_same_as_once(make_world: MakeWorld) -> None:
    world = sold(make_world)
    adopt(world, ("order", "30", "", ""))
    link = world.links.get(ORDER)

    (answer,) = adopt(world, ("order", "30", "", ""))

    assert answer.what == "already"
    assert world.links.get(ORDER) == link


def test_a_run_that_dies_at_any_moment_is_mended_by_the_next(make_world: MakeWorld) -> None:
    moment, died = 0, True
    while died:
        world, moments, died = sold(make_world), itertools.count(), False

        def die(_: str, moments: Iterator[int] = moments, at: int = moment) -> None:
            if next(moments) == at:
                raise KilledError

        try:
            adopt(world, ("order", "30", "", ""), hook=die)
        except KilledError:
            died = True
        world.clock.now += _LATER
        (answer,) = adopt(world, ("order", "30", "", ""))
        assert answer.what in {"linked", "already"}, moment
        assert facts(world)["state"] == "confirmed"
        moment += 1
    assert moment > 10


def test_an_adopted_order_is_done_and_nothing_is_made_again(make_world: MakeWorld) -> None:
    world = sold(make_world)
    before = json.dumps(world.books.sales(), default=str)
    adopt(world, ("order", "30", "", ""))

    world.store.edit("30", meta_data=[{"key": "seen", "value": "1"}])
    world.drain()

    assert json.dumps(world.books.sales(), default=str) == before
    assert not world.attention.open()
    assert not world.store.notes["30"]


def test_a_later_refund_is_credited_once(make_world: MakeWorld) -> None:
    world = sold(make_world, paying())
    adopt(world, ("order", "30", "", ""))
    line = str(world.store.orders["30"]["line_items"][0]["id"])

    world.store.refund("30", lines={line: 1})
    world.drain()

    (sale,) = world.books.sales()
    assert len(sale["credit_notes"]) == 1
    assert not world.attention.open()


def test_a_later_edit_makes_the_document_anew(make_world: MakeWorld) -> None:
    world = sold(make_world)
    adopt(world, ("order", "30", "", ""))
    line = str(world.store.orders["30"]["line_items"][0]["id"])

    world.store.edit_line("30", line, quantity=0)
    world.drain()

    total = world.store.order(world.store.orders["30"]).total
    standing = [sale for sale in world.books.sales() if sale["state"] != "voided"]
    assert [sale["totals"]["gross"] for sale in standing] == [str(total.amount)]


def test_money_that_came_before_is_not_recorded_again(make_world: MakeWorld) -> None:
    world = sold(make_world, paying())
    (sale,) = world.books.sales()
    paid = len(sale["payments"])
    adopt(world, ("order", "30", "", ""))
    world.store.edit("30", status="completed")
    world.drain()

    (sale,) = world.books.sales()
    assert len(sale["payments"]) == paid


def test_a_total_that_differs_by_a_cent_is_not_linked(make_world: MakeWorld) -> None:
    world = sold(make_world)
    total = Decimal(world.store.orders["30"]["total"])
    world.store.orders["30"]["total"] = str(total + Decimal("0.01"))

    (answer,) = adopt(world, ("order", "30", "", number_of(world)))

    assert answer.what == "not"
    assert "comes to" in answer.why
    assert world.links.get(ORDER) is None


def test_refunds_that_the_books_do_not_have_keep_it_from_being_linked(
    make_world: MakeWorld,
) -> None:
    world = sold(make_world)
    world.copies = lambda _: 0
    world.store.refund("30", "5.00")

    (answer,) = adopt(world, ("order", "30", "", ""))

    assert (answer.what, "refunded in the store" in answer.why) == ("not", True)


def test_refunds_that_are_credited_are_not_credited_again(make_world: MakeWorld) -> None:
    world = make_world()
    world.store.place(RICH)
    world.drain()
    line = str(world.store.orders["30"]["line_items"][0]["id"])
    world.store.refund("30", lines={line: 1})
    world.drain()
    world.forget()
    world.clock.now += _LATER

    (answer,) = adopt(world, ("order", "30", "", ""))
    world.store.edit("30", customer_note="Thank you")
    world.drain()

    (sale,) = world.books.sales()
    assert (answer.what, len(sale["credit_notes"])) == ("linked", 1)


def test_an_order_that_is_closed_on_one_side_alone_is_not_linked(make_world: MakeWorld) -> None:
    world = sold(make_world)
    world.copies = lambda _: 0
    world.store.set_status("30", "cancelled")

    (answer,) = adopt(world, ("order", "30", "", ""))

    assert (answer.what, "cancel it there" in answer.why) == ("not", True)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (("order", "99", "", ""), "no order 99"),
        (("order", "", "no-such", ""), "no order no-such"),
        (("order", "30", "", "SO-NONE"), "no sales orders 'SO-NONE'"),
        (("order", "30", "31", ""), "has the number 30"),
        (("order", "", "", ""), "names neither side"),
        (("customer", "99", "", ""), "no account 99"),
        (("product", "", "NONE", ""), "no product 'NONE'"),
    ],
)
def test_a_row_that_cannot_be_linked_says_why(
    make_world: MakeWorld, row: tuple[Thing, str, str, str], why: str
) -> None:
    (answer,) = adopt(sold(make_world), row)

    assert answer.what == "not"
    assert why in answer.why


def test_a_document_is_linked_with_one_order_only(make_world: MakeWorld) -> None:
    world = sold(make_world)
    adopt(world, ("order", "30", "", ""))
    world.store.orders["31"] = {**RICH, "id": 31, "number": "31"}

    (answer,) = adopt(world, ("order", "31", "", number_of(world)))

    assert (answer.what, "linked with uk:order:30" in answer.why) == ("not", True)


# --- customers and products --------------------------------------------------------


def test_a_customer_is_linked_by_e_mail_and_its_orders_find_the_party(
    make_world: MakeWorld,
) -> None:
    world = make_world(config(flows={"customers": "off"}))
    id_ = world.store.add_customer(**ADA)
    world.store.place({**RICH, "customer_id": int(id_)})
    world.drain()
    before = len(world.books.parties())
    world.forget()
    email = RICH["billing"]["email"]
    world.store.edit_customer(id_, email=email)

    (answer,) = adopt(world, ("customer", "", email, ""))
    (again,) = adopt(world, ("customer", id_, "", ""))

    link = world.links.get(Ref("uk", "customer", id_))
    assert (answer.what, again.what) == ("linked", "already")
    assert link is not None
    assert link.erp is not None
    assert len(world.books.parties()) == before


def test_a_product_is_known_by_its_sku_from_then_on(world: World) -> None:
    world.erp().add_item("MUG")
    id_ = world.store.add_product("MUG")

    (answer,) = adopt(world, ("product", "", "MUG", ""))
    (again,) = adopt(world, ("product", id_, "", "MUG"))

    assert (answer.what, again.what) == ("linked", "already")
    assert world.levels.levels("uk", "stock", ["MUG"])["MUG"].place == Place(id_)


def test_a_product_of_another_item_needs_a_mapping(world: World) -> None:
    world.erp().add_items([{"code": "MUG"}, {"code": "I-7"}])
    world.store.add_product("MUG")

    (answer,) = adopt(world, ("product", "", "MUG", "I-7"))

    assert (answer.what, "mappings.items" in answer.why) == ("not", True)


# --- a plan ------------------------------------------------------------------------


def test_a_dry_run_says_the_same_and_calls_nothing_that_writes(make_world: MakeWorld) -> None:
    world = sold(make_world)
    world.erp().add_item("MUG")
    world.store.add_product("MUG")
    rows: list[tuple[Thing, str, str, str]] = [
        ("order", "30", "", ""),
        ("product", "", "MUG", ""),
        ("order", "99", "", ""),
    ]

    def hear(call: str) -> None:
        port, _, method = call.split(" ")[1].partition(".")
        assert method in READS.get(port, ()), f"{port}.{method} was called"

    planned = [each.what for each in adopt(world, *rows, dry=True, hook=hear)]

    assert planned == ["linked", "linked", "not"]
    assert [each.what for each in adopt(world, *rows)] == planned
