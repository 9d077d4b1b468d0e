"""The ledger's items, stock, prices and recipes, beyond what every back office promises."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.erp.memory.adapter import Memory, memory_like
from accord.erp.memory.ledger import Ledger, Master
from accord.errors import (
    AccordError,
    DisagreementError,
    DuplicateError,
    RejectedError,
    UnavailableError,
    UnmappedError,
)
from accord.model.documents import Kind, Record, ReturnDocument, State
from accord.model.item import Family, ItemDocument, ItemPrices, SalePrice
from accord.ports.erp import Connection
from tests.erp.memory.made import START, Clock, line, once, order

SECOND = dt.timedelta(seconds=1)


def sell(erp: Memory, code: str, quantity: int, *, key: str = "uk-1") -> Record:
    """A confirmed order."""
    document = order(erp, replace(line(), item=code, quantity=Decimal(quantity)))
    return erp.advance(erp.create(document, key=key), State.CONFIRMED)


def free(erp: Memory, code: str, location: str = "MAIN") -> Decimal:
    (snapshot,) = erp.stock([erp.find_items([code])[code]], [location])
    return snapshot.free[location]


def prices(erp: Memory, code: str, *lists: str, currency: str = "GBP") -> ItemPrices:
    (found,) = erp.prices([erp.find_items([code])[code]], lists, currency=currency)
    return found


def told(erp: Memory, kind: Kind, since: dt.datetime = START - SECOND) -> list[tuple[str, str]]:
    """(kind of the ref, version) of each change."""
    return [(news.ref.kind, news.version) for news in erp.changes(kind, since)]


def of(master: Master, clock: Clock) -> Memory:
    return Memory(Memory.ledger(clock=clock, master=master).call, clock=clock)


# --- items -------------------------------------------------------------------------------


def test_an_item_is_as_it_was_described(erp: Memory) -> None:
    said: dict[str, Any] = {
        "name": "A mug",
        "lifecycle": "clearance",
        "family": Family("7", "MUGS", "Mugs"),
        "options": (("Colour", "Red"),),
        "description": "Holds tea",
        "summary": "For tea",
        "categories": (("Home", "Kitchen"), ("Gifts",)),
        "images": ("https://images.example/mug.jpg",),
        "weight": Decimal("0.350"),
        "sizes": (Decimal(12), None, Decimal("8.5")),
        "gtin": "4006381333931",
        "taxes": ("VAT 20%",),
        "fields": {"Material": "Clay"},
    }
    erp.add_item("MUG", **said)

    (found,) = erp.items(erp.item_ids())

    assert {name: getattr(found, name) for name in said} == said


def test_an_item_is_called_by_its_code_until_it_has_a_name(erp: Memory) -> None:
    assert erp.add_item("MUG").name == "MUG"


def test_what_is_added_at_once_has_its_price_and_its_stock(erp: Memory) -> None:
    row = {"price": Decimal("9.99"), "stock": {"MAIN": Decimal(5), "EAST": Decimal(2)}}
    erp.add_items([{"code": code, **row} for code in ("MUG", "CUP")])

    assert prices(erp, "CUP").base == Decimal("9.99")
    assert [free(erp, "CUP", location) for location in ("MAIN", "EAST")] == [5, 2]


def test_two_items_of_one_code_are_not_added(erp: Memory) -> None:
    erp.add_item("MUG")

    with pytest.raises(DuplicateError):
        erp.add_item("MUG")


def test_a_field_that_items_lack_is_refused(erp: Memory) -> None:
    erp.add_item("MUG")

    with pytest.raises(RejectedError):
        erp.edit_item("MUG", colour="red")


def test_an_item_that_is_not_there_cannot_be_edited(erp: Memory) -> None:
    with pytest.raises(RejectedError):
        erp.edit_item("MUG", name="Mug")


def test_writing_what_is_there_tells_nothing(erp: Memory, clock: Clock) -> None:
    erp.add_item("MUG", price=Decimal(10), stock={"MAIN": Decimal(5)})
    erp.set_recipe("MUG", {}, "bom")
    clock.pass_(10)

    erp.edit_item("MUG", name="MUG", active=True)
    erp.set_price("MUG", Decimal("10.00"))
    erp.count_stock("MUG", Decimal(5))
    erp.update_item("1", ItemDocument("MUG", "MUG", price=Decimal(10)))

    kinds = (Kind.ITEM, Kind.PRICE, Kind.STOCK, Kind.RECIPE)
    assert [news for kind in kinds for news in told(erp, kind, START + SECOND)] == []


def test_each_side_of_an_item_has_a_time_of_its_own(erp: Memory, clock: Clock) -> None:
    erp.add_item("MUG")
    clock.pass_(1)
    erp.receive_goods("MUG", Decimal(5))
    clock.pass_(1)
    erp.set_price("MUG", Decimal(10))

    at = [news.at for kind in (Kind.ITEM, Kind.STOCK, Kind.PRICE) for news in _all(erp, kind)]

    assert at == [START, START + SECOND, START + 2 * SECOND]


def _all(erp: Memory, kind: Kind) -> Sequence[Any]:
    return erp.changes(kind, START - SECOND)


def test_a_lifecycle_is_set(erp: Memory) -> None:
    erp.add_item("MUG")

    assert erp.set_lifecycle("MUG", "end_of_line").lifecycle == "end_of_line"


def test_the_masters_items_are_there_from_the_beginning(clock: Clock) -> None:
    erp = of(Master(items={"MUG", "SHIPPING"}), clock)

    found = erp.items(erp.item_ids())

    assert [(item.code, item.goods) for item in found] == [("MUG", True), ("SHIPPING", False)]


def test_an_item_that_was_added_can_be_sold(clock: Clock) -> None:
    erp = of(Master(items={"SHIPPING"}), clock)
    erp.add_item("MUG")

    assert sell(erp, "MUG", 1).state is State.CONFIRMED


def test_a_service_that_was_added_is_not_shipped(erp: Memory) -> None:
    erp.add_item("ENGRAVING", goods=False)
    sale = sell(erp, "ENGRAVING", 1)

    found = erp.progress(sale.ref)

    assert found is not None
    assert (found.shipped, found.shipments) == ("all", ())


def test_where_every_code_exists_nothing_is_known_of_most(erp: Memory) -> None:
    sell(erp, "UNHEARD-OF", 1)

    assert (erp.item_ids(), erp.find_items(["UNHEARD-OF"])) == ([], {})


# --- made by us ------------------------------------------------------------------------------


def test_an_items_key_is_its_code(erp: Memory) -> None:
    with pytest.raises(RejectedError):
        erp.create(ItemDocument("MUG", "Mug"), key="CUP")


@pytest.mark.parametrize("wrong", [{"price": Decimal(-1)}, {"taxes": ("VAT 99%",)}])
def test_an_item_that_is_refused_is_nowhere(clock: Clock, wrong: dict[str, Any]) -> None:
    erp = of(Master(taxes={"VAT 20%": Decimal(20)}), clock)

    with pytest.raises(AccordError):
        erp.create(ItemDocument("MUG", "Mug", **wrong), key="MUG")

    assert (erp.item_ids(), told(erp, Kind.ITEM), told(erp, Kind.PRICE)) == ([], [], [])


def test_an_update_that_is_refused_changes_nothing(erp: Memory) -> None:
    erp.add_item("MUG")

    with pytest.raises(RejectedError):
        erp.update_item("1", ItemDocument("MUG", "A big mug", price=Decimal(-1)))

    assert [item.name for item in erp.items(["1"])] == ["MUG"]


def test_an_item_that_is_not_there_cannot_be_updated(erp: Memory) -> None:
    with pytest.raises(RejectedError):
        erp.update_item("7", ItemDocument("MUG", "Mug"))


def test_an_unanswered_create_of_an_item_took_effect(ledger: Ledger, erp: Memory) -> None:
    ledger.faults = once("unanswered", on="create")

    with pytest.raises(UnavailableError):
        erp.create(ItemDocument("MUG", "Mug"), key="MUG")

    assert len(erp.find(Kind.ITEM, "MUG")) == 1


@pytest.mark.parametrize(("seconds", "found"), [(4, 0), (5, 1)])
def test_a_new_item_is_not_found_at_once(clock: Clock, seconds: float, found: int) -> None:
    kind = memory_like("possible", search_lag=5 * SECOND)
    erp = kind(kind.ledger(clock=clock).call)
    erp.create(ItemDocument("MUG", "Mug"), key="MUG")

    clock.pass_(seconds)

    assert len(erp.find(Kind.ITEM, "MUG")) == len(erp.find_items(["MUG"])) == found


# --- stock -------------------------------------------------------------------------------------


def test_a_snapshot_is_as_of_our_clock_before_the_ledger_was_asked(ledger: Ledger) -> None:
    ours = Clock()
    ours.pass_(-90)

    def slow(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        ours.pass_(20)
        return ledger.call(operation, arguments)

    erp = Memory(slow, clock=ours)
    erp.add_item("MUG")
    asked = ours.now

    (snapshot,) = erp.stock(["1"], ["MAIN"])

    assert snapshot.as_of == asked


def test_an_adapter_has_its_connections_clock() -> None:
    erp = Memory.connect(Connection("main", "memory", "http://127.0.0.1:9", clock=lambda: START))

    assert erp._clock() == START


def test_a_silent_count_is_read_but_not_told(erp: Memory, clock: Clock) -> None:
    erp.add_item("MUG", stock={"MAIN": Decimal(5)})
    clock.pass_(10)
    erp.count_stock("MUG", Decimal(3), silent=True)

    assert free(erp, "MUG") == 3
    assert told(erp, Kind.STOCK, START + SECOND) == []


def test_reserved_pieces_are_counted_too(erp: Memory) -> None:
    erp.add_item("MUG", stock={"MAIN": Decimal(10)})
    sell(erp, "MUG", 3)

    erp.count_stock("MUG", Decimal(9))

    assert free(erp, "MUG") == 6


@pytest.mark.parametrize("quantity", [Decimal(0), Decimal(-1)])
def test_nothing_cannot_come_in(erp: Memory, quantity: Decimal) -> None:
    erp.add_item("MUG")

    with pytest.raises(RejectedError):
        erp.receive_goods("MUG", quantity)


def test_of_a_service_nothing_comes_in(erp: Memory) -> None:
    erp.add_item("ENGRAVING", goods=False)

    with pytest.raises(RejectedError):
        erp.receive_goods("ENGRAVING", Decimal(1))


def test_goods_do_not_come_to_a_location_that_is_not_there(clock: Clock) -> None:
    erp = of(Master(locations={"EAST"}), clock)
    erp.add_item("MUG")

    with pytest.raises(UnmappedError) as caught:
        erp.receive_goods("MUG", Decimal(1), "WEST")

    assert caught.value.causes == ("location:WEST",)


def test_sold_goods_leave_from_the_masters_warehouse(clock: Clock) -> None:
    erp = of(Master(warehouse="LEEDS"), clock)
    erp.add_item("MUG", stock={"MAIN": Decimal(10), "LEEDS": Decimal(10)})
    erp.ship(sell(erp, "MUG", 3).ref)

    assert [free(erp, "MUG", location) for location in ("MAIN", "LEEDS")] == [10, 7]


# --- recipes ---------------------------------------------------------------------------------------


@pytest.fixture
def box(erp: Memory) -> str:
    """A kit of two mugs and a kit of two lids; ten mugs are there and twenty lids."""
    erp.add_item("MUG", stock={"MAIN": Decimal(10)})
    erp.add_item("LID", stock={"MAIN": Decimal(20)})
    erp.add_items([{"code": "LIDS"}, {"code": "BOX"}])
    erp.set_recipe("LIDS", {"LID": Decimal(2)}, "kit")
    erp.set_recipe("BOX", {"MUG": Decimal(2), "LIDS": Decimal(1)}, "kit")
    return "BOX"


def test_a_kit_in_a_kit_takes_its_parts(erp: Memory, box: str) -> None:
    sell(erp, box, 3)

    assert [free(erp, code) for code in ("MUG", "LID", "LIDS", box)] == [4, 14, 0, 0]


def test_an_order_keeps_the_parts_its_kit_had(erp: Memory, box: str) -> None:
    sale = sell(erp, box, 3)
    erp.set_recipe(box, {"LID": Decimal(5)}, "kit")
    erp.ship(sale.ref)

    assert [free(erp, code) for code in ("MUG", "LID")] == [4, 14]


def test_a_kit_leaves_in_part(erp: Memory, box: str) -> None:
    erp.ship(sell(erp, box, 3).ref, {box: Decimal(1)})

    assert [free(erp, code) for code in ("MUG", "LID")] == [4, 14]


def test_a_cancelled_kit_frees_its_parts(erp: Memory, box: str) -> None:
    erp.cancel(sell(erp, box, 3).ref)

    assert [free(erp, code) for code in ("MUG", "LID")] == [10, 20]


def test_a_kit_that_comes_back_is_its_parts(erp: Memory, box: str) -> None:
    sale = sell(erp, box, 3)
    erp.ship(sale.ref)
    give_back(erp, sale, box, 1)

    assert [free(erp, code) for code in ("MUG", "LID")] == [6, 16]


@pytest.mark.parametrize("part", ["BOX", "CRATE"])
def test_nothing_is_made_of_itself(erp: Memory, box: str, part: str) -> None:
    erp.add_item("CRATE")
    erp.set_recipe("CRATE", {box: Decimal(6)})

    with pytest.raises(RejectedError):
        erp.set_recipe(box, {part: Decimal(1)})


def test_a_part_that_is_not_there_is_named(erp: Memory, box: str) -> None:
    with pytest.raises(UnmappedError) as caught:
        erp.set_recipe(box, {"STRAW": Decimal(1)})

    assert caught.value.causes == ("item:STRAW",)


@pytest.mark.parametrize(
    ("quantity", "kind", "output"), [("0", "bom", "1"), ("1", "bom", "0"), ("1", "kit", "4")]
)
def test_a_recipe_that_makes_no_sense_is_refused(
    erp: Memory, box: str, quantity: str, kind: Any, output: str
) -> None:
    with pytest.raises(RejectedError):
        erp.set_recipe(box, {"MUG": Decimal(quantity)}, kind, output=Decimal(output))


def test_a_recipe_is_taken_away(erp: Memory, box: str, clock: Clock) -> None:
    clock.pass_(10)
    erp.set_recipe(box, {})

    assert [recipe.item for recipe in erp.recipes()] == ["LIDS"]
    assert [kind for kind, _ in told(erp, Kind.RECIPE, START + SECOND)] == ["recipe"]


# --- prices --------------------------------------------------------------------------------------


def test_an_item_without_a_price_has_none(erp: Memory) -> None:
    erp.add_item("MUG")

    assert prices(erp, "MUG", "Wholesale") == ItemPrices("MUG", "GBP", None)


def test_a_price_is_of_one_currency(erp: Memory) -> None:
    erp.add_item("MUG", price=Decimal(10))
    erp.set_price("MUG", Decimal(12), currency="EUR")

    assert [prices(erp, "MUG", currency=each).base for each in ("GBP", "EUR", "USD")] == [
        Decimal(10),
        Decimal(12),
        None,
    ]


def test_by_a_list_with_a_discount_everything_costs_less(erp: Memory) -> None:
    erp.add_item("MUG", price=Decimal("9.99"))
    erp.add_item("CUP")
    erp.set_discount("Wholesale", Decimal(15))

    assert prices(erp, "MUG", "Wholesale").lists == {"Wholesale": Decimal("8.49")}
    assert prices(erp, "CUP", "Wholesale").lists == {}


def test_a_price_by_the_list_goes_before_its_discount(erp: Memory) -> None:
    erp.add_item("MUG", price=Decimal("9.99"))
    erp.set_discount("Wholesale", Decimal(15))
    erp.set_price("MUG", Decimal(5), price_list="Wholesale")

    assert prices(erp, "MUG", "Wholesale").lists == {"Wholesale": Decimal(5)}


def test_a_price_is_taken_away(erp: Memory) -> None:
    erp.add_item("MUG", price=Decimal(10))

    erp.set_price("MUG", None)

    assert prices(erp, "MUG").base is None


@pytest.mark.parametrize("percent", ["-1", "101"])
def test_a_discount_of_more_than_all_is_refused(erp: Memory, percent: str) -> None:
    with pytest.raises(RejectedError):
        erp.set_discount("Wholesale", Decimal(percent))


def test_a_special_price_has_its_days(erp: Memory) -> None:
    erp.add_item("MUG", price=Decimal(10))
    days = dt.date(2026, 12, 1), dt.date(2026, 12, 24)
    erp.set_sale("MUG", Decimal("7.50"), *days)

    assert prices(erp, "MUG").sale == SalePrice(Decimal("7.50"), *days)


def test_a_special_price_is_told_and_so_is_its_end(erp: Memory) -> None:
    erp.add_item("MUG")
    erp.set_sale("MUG", Decimal("7.50"))
    begun = told(erp, Kind.PRICE)
    erp.set_sale("MUG", None)

    assert (begun, told(erp, Kind.PRICE)) == ([("item", "1")], [("item", "2")])
    assert prices(erp, "MUG").sale is None


def test_prices_that_hold_tax_say_so(clock: Clock) -> None:
    erp = of(Master(gross_prices=True), clock)
    erp.add_item("MUG", price=Decimal(12), taxes=("VAT 20%",))

    found = prices(erp, "MUG")

    assert (found.gross, found.taxes) == (True, ("VAT 20%",))


@pytest.mark.parametrize("how", ["price", "discount"])
def test_of_a_change_of_a_price_list_the_list_is_told(erp: Memory, how: str) -> None:
    erp.add_item("MUG")
    if how == "price":
        erp.set_price("MUG", Decimal(5), price_list="Wholesale")
    else:
        erp.set_discount("Wholesale", Decimal(15))

    assert told(erp, Kind.PRICE) == [("price_list", "1")]


# --- told late ---------------------------------------------------------------------------------------


def test_some_stock_is_told_late_with_its_true_time(clock: Clock) -> None:
    kind = memory_like("refused", news_lag=dt.timedelta(seconds=90))
    erp = kind(kind.ledger(clock=clock).call)
    erp.add_items({"code": f"MUG-{n}"} for n in range(6))
    for n in range(6):
        clock.pass_(1)
        erp.receive_goods(f"MUG-{n}", Decimal(1))
    at_first = {news.at for news in erp.changes(Kind.STOCK, START)}

    clock.pass_(90)

    in_the_end = {news.at for news in erp.changes(Kind.STOCK, START)}
    assert (len(at_first), len(in_the_end)) == (4, 6)
    assert min(in_the_end - at_first) < max(at_first)


# --- all of it -----------------------------------------------------------------------------------------


def give_back(erp: Memory, sale: Record, code: str, pieces: int) -> None:
    """So many pieces are announced and received."""
    party = erp.find(Kind.PARTY, "MARI01")[0].ref
    document = ReturnDocument(
        number="1042",
        order=sale.ref,
        party=party,
        billing_address="",
        shipping_address="",
        currency="GBP",
        returned_on=START.date(),
        lines=((code, Decimal(pieces)),),
    )
    erp.advance(erp.create(document, key=f"{sale.key}-b1"), State.CONFIRMED)
    erp.receive_return(sale.ref)


_ACTS = st.one_of(
    st.tuples(st.just("receive"), st.sampled_from(["MUG", "LID"]), st.integers(1, 20)),
    st.tuples(st.just("count"), st.sampled_from(["MUG", "LID"]), st.integers(0, 20)),
    st.tuples(st.just("sell"), st.sampled_from(["MUG", "LID", "BOX"]), st.integers(1, 5)),
    st.tuples(st.just("ship"), st.integers(0, 9), st.integers(1, 5)),
    st.tuples(st.just("cancel"), st.integers(0, 9), st.just(0)),
)
_PARTS = {"MUG": {"MUG": 1}, "LID": {"LID": 1}, "BOX": {"MUG": 2, "LID": 1}}


@settings(max_examples=150, deadline=None)
@given(acts=st.lists(_ACTS, max_size=25))
def test_free_is_what_is_there_without_what_confirmed_orders_still_wait_for(
    acts: list[tuple[str, Any, int]],
) -> None:
    clock = Clock()
    erp = Memory(Memory.ledger(clock=clock).call)
    erp.add_items({"code": code} for code in _PARTS)
    erp.set_recipe("BOX", {"MUG": Decimal(2), "LID": Decimal(1)}, "kit")
    there = {"MUG": 0, "LID": 0}
    sales: list[tuple[Record, str]] = []
    waiting: list[int] = []

    def act(what: str, one: Any, number: int) -> None:
        match what:
            case "receive":
                erp.receive_goods(one, Decimal(number))
                there[one] += number
            case "count":
                erp.count_stock(one, Decimal(number))
                there[one] = number
            case "sell":
                sales.append((sell(erp, one, number, key=f"uk-{len(sales)}"), one))
                waiting.append(number)
            case "ship" if one < len(sales):
                sale, code = sales[one]
                erp.ship(sale.ref, {code: Decimal(number)})
                waiting[one] -= number
                for part, each in _PARTS[code].items():
                    there[part] -= each * number
            case "cancel" if one < len(sales):
                erp.cancel(sales[one][0].ref)
                waiting[one] = 0

    for each in acts:
        try:
            act(*each)
        except (RejectedError, DisagreementError):
            continue

    promised = {
        part: sum(
            _PARTS[code].get(part, 0) * left for (_, code), left in zip(sales, waiting, strict=True)
        )
        for part in there
    }
    assert {part: free(erp, part) for part in there} == {
        part: there[part] - promised[part] for part in there
    }


@settings(max_examples=60, deadline=None)
@given(
    acts=st.lists(
        st.tuples(st.sampled_from(["receive", "count", "sell", "wait", "poll"]), st.integers(0, 3)),
        max_size=40,
    ),
    limit=st.integers(1, 4),
)
def test_whoever_reads_what_is_told_knows_all_stock(
    acts: list[tuple[str, int]], limit: int
) -> None:
    clock = Clock()
    kind = memory_like("refused", news_lag=dt.timedelta(seconds=60))
    erp = kind(kind.ledger(clock=clock).call)
    codes = [f"MUG-{n}" for n in range(4)]
    erp.add_items({"code": code} for code in codes)
    known = dict.fromkeys(codes, Decimal(0))
    cursor = START

    def poll() -> dt.datetime:
        since, after, last = cursor - kind.capabilities.overlap, "", cursor
        while page := erp.changes(Kind.STOCK, since, after=after, limit=limit):
            for snapshot in erp.stock([news.ref.id for news in page], ["MAIN"]):
                known[snapshot.item] = snapshot.free["MAIN"]
            since, after = page[-1].at, page[-1].ref.id
            last = max(last, since)
        return last

    for serial, (what, n) in enumerate(acts):
        match what:
            case "receive":
                erp.receive_goods(codes[n], Decimal(serial + 1))
            case "count":
                erp.count_stock(codes[n], Decimal(serial))
            case "sell":
                sell(erp, codes[n], 1, key=f"uk-{serial}")
            case "wait":
                clock.pass_(n * 10)
            case _:
                cursor = poll()
    clock.pass_(60)
    poll()

    assert known == {code: free(erp, code) for code in codes}
