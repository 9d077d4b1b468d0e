"""What every back office promises of its items: what they are, how many are free, what they cost.

All of it is read in bulk, and told of when it changes.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar, Literal

import pytest

from accord.errors import DuplicateError, UnavailableError, UnmappedError, WaitingError
from accord.model.documents import CreditDocument, Kind, Record, ReturnDocument, State
from accord.model.item import Item, ItemDocument, ItemPrices
from accord.model.progress import News
from accord.model.stock import Recipe
from accord.ports.erp import ErpAdapter
from tests.erp.promises import Make, Promises


def _there(*names: str | None) -> tuple[str, ...]:
    return tuple(name for name in names if name is not None)


BULK: dict[str, Callable[["CatalogueContract", ErpAdapter, Sequence[str]], object]] = {
    "items": lambda _, erp, ids: erp.items(ids),
    "stock": lambda self, erp, ids: erp.stock(ids, _there(self.WAREHOUSE, self.SECOND)),
    "prices": lambda self, erp, ids: erp.prices(
        ids, _there(self.PRICE_LIST), currency=self.CURRENCY
    ),
}
"""What is read of many items at once, by their ids."""

CALLS: dict[str, Callable[["CatalogueContract", ErpAdapter], object]] = {
    "items": lambda self, erp: BULK["items"](self, erp, ["1"]),
    "stock": lambda self, erp: BULK["stock"](self, erp, ["1"]),
    "prices": lambda self, erp: BULK["prices"](self, erp, ["1"]),
    "item_ids": lambda _, erp: erp.item_ids(),
    "find_items": lambda _, erp: erp.find_items(["MUG"]),
    "recipes": lambda _, erp: erp.recipes(),
    "update_item": lambda _, erp: erp.update_item("1", ItemDocument("MUG", "Mug")),
    "create": lambda _, erp: erp.create(ItemDocument("MUG", "Mug"), key="MUG"),
}

WRITTEN: dict[str, Any] = {
    "description": "Holds tea",
    "weight": Decimal("0.350"),
    "gtin": "4006381333931",
    "price": Decimal("12.50"),
    "taxes": (),
}
"""The fields of ItemDocument that can be left as they are, with a value for each. Taxes are the
class's own."""

NO_SUCH_ID = "987654321"


class CatalogueContract(Promises):
    """What every back office promises of items, stock, prices and recipes.

    A subclass says what people do there, and narrows ``KEPT`` to what the back office can hold.
    """

    WAREHOUSE: ClassVar[str] = "MAIN"
    """The location that sold goods leave from and returned ones come to."""
    SECOND: ClassVar[str | None] = "EAST"
    """Another one. None where there is but one place."""
    PRICE_LIST: ClassVar[str | None] = "Wholesale"
    """None where there are no price lists."""
    ARCHIVES: ClassVar[bool] = True
    """Items can be hidden there from those who choose one."""
    OVERSELLS: ClassVar[bool] = True
    """More can be sold there than there is."""
    NO_SUCH_CURRENCY: ClassVar[str] = "XTS"
    KEPT: ClassVar[frozenset[str]] = frozenset(WRITTEN)
    """The fields of ItemDocument that the back office can hold."""

    # --- what people do in the back office --------------------------------------

    def add_item(self, erp: ErpAdapter, code: str, *, price: str = "10.00") -> None:
        """A new kind of goods that can be bought and sold."""
        raise self._unsaid("added")

    def add_items(self, erp: ErpAdapter, codes: Sequence[str]) -> None:
        """Several at once, where that is quicker."""
        for code in codes:
            self.add_item(erp, code)

    def rename_item(self, erp: ErpAdapter, code: str, name: str) -> None:
        """Someone writes its name."""
        raise self._unsaid("renamed")

    def archive_item(self, erp: ErpAdapter, code: str) -> None:
        """It is hidden from those who choose an item."""
        raise self._unsaid("archived")

    def receive_goods(self, erp: ErpAdapter, code: str, quantity: str, location: str) -> None:
        """So many come in, today."""
        raise self._unsaid("received")

    def count_stock(self, erp: ErpAdapter, code: str, quantity: str, location: str) -> None:
        """Someone counts: so many are there, whatever the books said."""
        raise self._unsaid("counted")

    def set_price(self, erp: ErpAdapter, code: str, price: str, *, price_list: str = "") -> None:
        """Its list price, or its price by ``price_list``."""
        raise self._unsaid("priced")

    def set_recipe(
        self,
        erp: ErpAdapter,
        code: str,
        inputs: Mapping[str, str],
        *,
        kind: Literal["kit", "bom"],
        output: str = "1",
    ) -> None:
        """What ``output`` pieces of a new item are made of: code → quantity."""
        raise self._unsaid("made")

    def calls(self, erp: ErpAdapter) -> int:
        """How many calls the back office has had from ``erp`` so far."""
        raise self._unsaid("counted")

    # --- items that stand there --------------------------------------------------

    @pytest.fixture
    def code(self, erp: ErpAdapter, unique: str) -> str:
        """An item of which there is nothing yet, at 10.00."""
        code = f"MUG-{unique}"
        self.add_item(erp, code)
        return code

    @pytest.fixture
    def stocked(self, erp: ErpAdapter, code: str) -> str:
        """The same with ten pieces in the warehouse."""
        self.receive_goods(erp, code, "10", self.WAREHOUSE)
        return code

    @pytest.fixture
    def with_shipments(self, erp: ErpAdapter) -> None:
        if Kind.SHIPMENT not in erp.capabilities.tells:
            pytest.skip("it ships nothing")

    @pytest.fixture
    def second(self) -> str:
        """Another location."""
        if self.SECOND is None:
            pytest.skip("all of it lies in one place there")
        return self.SECOND

    @pytest.fixture
    def price_list(self) -> str:
        if self.PRICE_LIST is None:
            pytest.skip("it has no price lists")
        return self.PRICE_LIST

    @pytest.fixture
    def archivable(self, code: str) -> str:
        """``code``, which can be archived."""
        if not self.ARCHIVES:
            pytest.skip("its items are deleted, not archived")
        return code

    @pytest.fixture
    def sell(self, erp: ErpAdapter, order: Make, key: str) -> Make:
        """Makes an order of ``quantity`` pieces, confirmed unless another state is said."""

        def make(
            code: str, quantity: str = "3", *, to: State = State.CONFIRMED, n: int = 1
        ) -> Record:
            line = self.line("30.00", item=code, quantity=quantity)
            draft = erp.create(order(lines=(line,)), key=f"{key}-{n}")
            return erp.advance(draft, to)

        return make

    def id_of(self, erp: ErpAdapter, code: str) -> str:
        return erp.find_items([code])[code]

    def item(self, erp: ErpAdapter, code: str) -> Item:
        (found,) = erp.items([self.id_of(erp, code)])
        return found

    def free(self, erp: ErpAdapter, code: str, location: str | None = None) -> Decimal:
        location = location or self.WAREHOUSE
        (snapshot,) = erp.stock([self.id_of(erp, code)], [location])
        assert (snapshot.item, set(snapshot.free)) == (code, {location})
        return snapshot.free[location]

    def prices(self, erp: ErpAdapter, code: str, *lists: str) -> ItemPrices:
        (found,) = erp.prices([self.id_of(erp, code)], lists, currency=self.CURRENCY)
        return found

    def recipe(self, erp: ErpAdapter, code: str) -> Recipe | None:
        found = [recipe for recipe in erp.recipes() if recipe.item == code]
        assert len(found) <= 1
        return found[0] if found else None

    def told(
        self, erp: ErpAdapter, kind: Kind, since: dt.datetime, *, limit: int = 100
    ) -> list[News]:
        """All changes since, read page by page as a poll does."""
        if kind not in erp.capabilities.tells:
            pytest.skip(f"it does not tell of changes of {kind}")
        return list(_pages(erp, kind, since, limit))

    def told_ids(self, erp: ErpAdapter, kind: Kind, since: dt.datetime) -> set[str]:
        """Ids of the items of which a change was told."""
        return {news.ref.id for news in self.told(erp, kind, since) if news.ref.kind == Kind.ITEM}

    # --- reading: as many calls for a hundred as for one ---------------------------

    @pytest.mark.parametrize("name", CALLS)
    def test_who_cannot_be_reached_tells_nothing_of_items(
        self, unreachable: ErpAdapter, name: str
    ) -> None:
        if name == "recipes" and not unreachable.capabilities.recipes:
            pytest.skip("it knows neither kits nor bills of materials")
        with pytest.raises(UnavailableError):
            CALLS[name](self, unreachable)

    def test_a_hundred_items_are_read_in_as_many_calls_as_one(
        self, erp: ErpAdapter, unique: str
    ) -> None:
        codes = [f"MUG-{unique}-{n}" for n in range(100)]
        self.add_items(erp, codes)
        ids = list(erp.find_items(codes).values())

        spent = {
            name: [self._spent(erp, read, part) for part in (ids[:1], ids)]
            for name, read in BULK.items()
        }

        assert [name for name, (one, hundred) in spent.items() if hundred > one] == []

    def _spent(
        self,
        erp: ErpAdapter,
        read: Callable[["CatalogueContract", ErpAdapter, Sequence[str]], object],
        ids: Sequence[str],
    ) -> int:
        before = self.calls(erp)
        read(self, erp, ids)
        return self.calls(erp) - before

    @pytest.mark.parametrize("name", BULK)
    def test_every_item_is_answered(self, erp: ErpAdapter, unique: str, name: str) -> None:
        codes = {f"MUG-{unique}-{n}" for n in range(5)}
        self.add_items(erp, sorted(codes))
        ids = list(erp.find_items(sorted(codes)).values())

        found: Any = BULK[name](self, erp, ids)

        assert sorted(each.code if name == "items" else each.item for each in found) == sorted(
            codes
        )

    @pytest.mark.parametrize("name", BULK)
    def test_an_item_that_is_gone_is_left_out(self, erp: ErpAdapter, code: str, name: str) -> None:
        found: Any = BULK[name](self, erp, [NO_SUCH_ID, self.id_of(erp, code)])

        assert len(found) == 1

    @pytest.mark.parametrize("name", BULK)
    def test_of_no_items_nothing_is_said(self, erp: ErpAdapter, name: str) -> None:
        assert list(BULK[name](self, erp, [])) == []  # type: ignore[call-overload]

    # --- which items there are -------------------------------------------------------

    def test_page_by_page_every_item_is_listed_once(self, erp: ErpAdapter, unique: str) -> None:
        codes = [f"MUG-{unique}-{n}" for n in range(7)]
        self.add_items(erp, codes)
        made = set(erp.find_items(codes).values())

        listed = list(self._listed(erp, limit=3))

        assert made <= set(listed)
        assert len(set(listed)) == len(listed)

    def test_who_lists_while_items_are_added_misses_none_that_was_there(
        self, erp: ErpAdapter, unique: str
    ) -> None:
        codes = [f"MUG-{unique}-{n}" for n in range(5)]
        self.add_items(erp, codes)
        made = set(erp.find_items(codes).values())

        listed = []
        for n, id_ in enumerate(self._listed(erp, limit=25)):
            listed.append(id_)
            if n % 25 == 0 and n < 75:  # at the beginning of a page
                self.add_item(erp, f"CUP-{unique}-{n}")

        assert made <= set(listed)
        assert len(set(listed)) == len(listed)

    def test_a_page_of_items_is_no_longer_than_was_asked(
        self, erp: ErpAdapter, unique: str
    ) -> None:
        self.add_items(erp, [f"MUG-{unique}-{n}" for n in range(3)])

        assert len(erp.item_ids(limit=2)) == 2

    def test_an_archived_item_is_listed(self, erp: ErpAdapter, archivable: str) -> None:
        id_ = self.id_of(erp, archivable)
        self.archive_item(erp, archivable)

        assert id_ in set(self._listed(erp, limit=100))

    def _listed(self, erp: ErpAdapter, *, limit: int) -> Iterator[str]:
        after = ""
        while page := erp.item_ids(after=after, limit=limit):
            yield from page
            if len(page) < limit:
                return
            after = page[-1]

    def test_items_are_found_by_their_codes(self, erp: ErpAdapter, unique: str) -> None:
        codes = [f"MUG-{unique}-{n}" for n in range(3)]
        self.add_items(erp, codes)

        found = erp.find_items([*codes, f"NO-SUCH-{unique}"])

        assert set(found) == set(codes)
        assert [item.code for code in codes for item in erp.items([found[code]])] == codes

    def test_a_code_is_found_whole(self, erp: ErpAdapter, code: str) -> None:
        assert erp.find_items([code[:-1], f"{code}0"]) == {}

    def test_a_sign_in_a_code_stands_for_itself(self, erp: ErpAdapter, code: str) -> None:
        assert erp.find_items([f"{code[:-1]}_", f"{code[:-1]}%"]) == {}

    # --- what they are -----------------------------------------------------------------

    def test_an_item_says_what_it_is(self, erp: ErpAdapter, code: str) -> None:
        self.rename_item(erp, code, "A big mug")

        found = self.item(erp, code)

        assert (found.code, found.name, found.goods, found.active) == (
            code,
            "A big mug",
            True,
            True,
        )
        assert found.ref.id == self.id_of(erp, code)

    def test_a_service_is_no_goods(self, erp: ErpAdapter) -> None:
        assert self.item(erp, self.SERVICE).goods is False

    def test_an_archived_item_is_not_active(self, erp: ErpAdapter, archivable: str) -> None:
        id_ = self.id_of(erp, archivable)
        self.archive_item(erp, archivable)

        assert [(found.code, found.active) for found in erp.items([id_])] == [(archivable, False)]

    def test_an_item_that_someone_edited_has_another_version(
        self, erp: ErpAdapter, code: str
    ) -> None:
        before = self.item(erp, code).version
        self.moment()
        self.rename_item(erp, code, "A big mug")

        assert self.item(erp, code).version != before

    # --- how many are free ----------------------------------------------------------------

    def test_what_came_in_is_free(self, erp: ErpAdapter, stocked: str) -> None:
        assert self.free(erp, stocked) == 10

    def test_of_what_never_came_nothing_is_free(self, erp: ErpAdapter, code: str) -> None:
        assert self.free(erp, code) == 0

    def test_what_was_counted_is_free(self, erp: ErpAdapter, stocked: str) -> None:
        self.count_stock(erp, stocked, "4", self.WAREHOUSE)

        assert self.free(erp, stocked) == 4

    def test_two_locations_are_kept_apart(self, erp: ErpAdapter, stocked: str, second: str) -> None:
        self.receive_goods(erp, stocked, "7", second)

        (found,) = erp.stock([self.id_of(erp, stocked)], [self.WAREHOUSE, second])

        assert found.free == {self.WAREHOUSE: 10, second: 7}

    def test_what_is_sold_here_is_free_there(
        self, erp: ErpAdapter, stocked: str, sell: Make, second: str
    ) -> None:
        self.receive_goods(erp, stocked, "7", second)
        sell(stocked)

        assert self.free(erp, stocked, second) == 7

    @pytest.mark.parametrize("to", [State.DRAFT, State.QUOTATION])
    def test_what_is_only_offered_is_free(
        self, erp: ErpAdapter, stocked: str, sell: Make, to: State
    ) -> None:
        sell(stocked, to=to)

        assert self.free(erp, stocked) == 10

    def test_a_confirmed_order_takes_its_goods_at_once(
        self, erp: ErpAdapter, stocked: str, sell: Make
    ) -> None:
        sell(stocked)

        assert self.free(erp, stocked) == 7

    def test_each_confirmed_order_counts_once(
        self, erp: ErpAdapter, stocked: str, sell: Make
    ) -> None:
        sell(stocked, "3", n=1)
        sell(stocked, "2", n=2)

        assert self.free(erp, stocked) == 5

    def test_confirming_twice_takes_once(self, erp: ErpAdapter, stocked: str, sell: Make) -> None:
        erp.advance(sell(stocked), State.CONFIRMED)

        assert self.free(erp, stocked) == 7

    @pytest.mark.usefixtures("with_shipments")
    def test_shipped_goods_leave_once(self, erp: ErpAdapter, stocked: str, sell: Make) -> None:
        self.ship(erp, sell(stocked))

        assert self.free(erp, stocked) == 7

    @pytest.mark.usefixtures("with_shipments")
    def test_goods_that_left_in_part_leave_once(
        self, erp: ErpAdapter, stocked: str, sell: Make
    ) -> None:
        self.ship(erp, sell(stocked), {stocked: Decimal(1)})

        assert self.free(erp, stocked) == 7

    def test_a_cancelled_order_frees_its_goods(
        self, erp: ErpAdapter, stocked: str, sell: Make
    ) -> None:
        self.cancel_by_hand(erp, sell(stocked))

        assert self.free(erp, stocked) == 10

    def test_a_voided_order_frees_its_goods(
        self, erp: ErpAdapter, stocked: str, sell: Make
    ) -> None:
        erp.void(sell(stocked))

        assert self.free(erp, stocked) == 10

    def test_more_can_be_sold_than_there_is(
        self, erp: ErpAdapter, stocked: str, sell: Make
    ) -> None:
        """Or the order waits, offered, until there is enough."""
        if self.OVERSELLS:
            sell(stocked, "12")
            assert self.free(erp, stocked) == -2
            return
        offered = sell(stocked, "12", to=State.QUOTATION)

        with pytest.raises(WaitingError) as caught:
            erp.advance(offered, State.CONFIRMED)
        assert (caught.value.causes, caught.value.owner) == ((f"stock:{stocked}",), "warehouse")
        assert self.free(erp, stocked) == 10

        self.receive_goods(erp, stocked, "2", self.WAREHOUSE)
        assert erp.advance(offered, State.CONFIRMED).state is State.CONFIRMED
        assert self.free(erp, stocked) == 0

    @pytest.mark.parametrize("returned", ["0", "1", "3"])
    def test_a_credit_note_brings_back_what_it_says_or_nothing(
        self, erp: ErpAdapter, buyer: Record, stocked: str, sell: Make, key: str, returned: str
    ) -> None:
        """Money that is given back says nothing of the goods."""
        sold = sell(stocked)
        before = self.free(erp, stocked)
        line = self.line("30.00", item=stocked, quantity="3")
        document = CreditDocument(
            number="1042-R1",
            order=sold.ref,
            party=buyer.ref,
            billing_address=buyer.addresses[0][1],
            currency=self.CURRENCY,
            issued_on=self.moment().date(),
            lines=(replace(line, returned=Decimal(returned)),),
            total=line.net + line.taxes[0].amount,
        )

        erp.advance(erp.create(document, key=f"{key}-r1"), State.CONFIRMED)

        moved = Decimal(returned) if erp.capabilities.credits_goods else 0
        assert self.free(erp, stocked) == before + moved

    def test_returned_goods_are_free_once_they_are_received(
        self, erp: ErpAdapter, buyer: Record, stocked: str, sell: Make, key: str
    ) -> None:
        if not erp.capabilities.can(Kind.RETURN):
            pytest.skip("it takes no announced returns")
        sold = sell(stocked)
        self.ship(erp, sold)
        address = buyer.addresses[0][1]
        document = ReturnDocument(
            number="1042",
            order=sold.ref,
            party=buyer.ref,
            billing_address=address,
            shipping_address=address,
            currency=self.CURRENCY,
            returned_on=self.moment().date(),
            lines=((stocked, Decimal(2)),),
        )
        erp.advance(erp.create(document, key=f"{key}-b1"), State.CONFIRMED)

        self.receive_return(erp, sold)

        assert self.free(erp, stocked) == 9

    def test_a_service_has_no_stock(self, erp: ErpAdapter) -> None:
        assert list(erp.stock([self.id_of(erp, self.SERVICE)], [self.WAREHOUSE])) == []

    def test_a_snapshot_is_as_of_a_moment_in_utc(self, erp: ErpAdapter, stocked: str) -> None:
        (snapshot,) = erp.stock([self.id_of(erp, stocked)], [self.WAREHOUSE])

        assert snapshot.as_of.utcoffset() == dt.timedelta(0)

    def test_a_location_that_is_not_there_is_named(self, erp: ErpAdapter, stocked: str) -> None:
        with pytest.raises(UnmappedError) as caught:
            erp.stock([self.id_of(erp, stocked)], [self.WAREHOUSE, "NO-SUCH"])

        assert caught.value.causes == ("location:NO-SUCH",)

    # --- what they cost -----------------------------------------------------------------------

    def test_the_list_price_is_the_base(self, erp: ErpAdapter, code: str) -> None:
        self.set_price(erp, code, "12.50")

        found = self.prices(erp, code)

        assert (found.item, found.currency, found.base) == (code, self.CURRENCY, Decimal("12.50"))

    def test_a_price_by_list_is_told_by_list(
        self, erp: ErpAdapter, code: str, price_list: str
    ) -> None:
        self.set_price(erp, code, "12.50")
        self.set_price(erp, code, "9.75", price_list=price_list)

        found = self.prices(erp, code, price_list)

        assert (found.base, found.lists) == (Decimal("12.50"), {price_list: Decimal("9.75")})

    def test_no_list_is_told_unasked(self, erp: ErpAdapter, code: str, price_list: str) -> None:
        self.set_price(erp, code, "9.75", price_list=price_list)

        assert self.prices(erp, code).lists == {}

    def test_a_price_list_that_is_not_there_is_named(self, erp: ErpAdapter, code: str) -> None:
        with pytest.raises(UnmappedError) as caught:
            self.prices(erp, code, *_there(self.PRICE_LIST), "NO-SUCH")

        assert caught.value.causes == ("price_list:NO-SUCH",)

    def test_a_currency_that_is_not_there_is_named(self, erp: ErpAdapter, code: str) -> None:
        with pytest.raises(UnmappedError) as caught:
            erp.prices([self.id_of(erp, code)], (), currency=self.NO_SUCH_CURRENCY)

        assert caught.value.causes == (f"currency:{self.NO_SUCH_CURRENCY}",)

    # --- what they are made of -------------------------------------------------------------------

    @pytest.fixture
    def parts(self, erp: ErpAdapter, unique: str) -> tuple[str, str]:
        """Two items, ten pieces of each in the warehouse."""
        codes = (f"CUP-{unique}", f"LID-{unique}")
        self.add_items(erp, codes)
        for code in codes:
            self.receive_goods(erp, code, "10", self.WAREHOUSE)
        return codes

    @pytest.fixture
    def with_recipes(self, erp: ErpAdapter) -> None:
        if not erp.capabilities.recipes:
            pytest.skip("it knows neither kits nor bills of materials")

    @pytest.mark.usefixtures("with_recipes")
    @pytest.mark.parametrize(("kind", "output"), [("kit", "1"), ("bom", "1"), ("bom", "4")])
    def test_a_recipe_says_what_an_item_is_made_of(
        self,
        erp: ErpAdapter,
        code: str,
        parts: tuple[str, str],
        kind: Literal["kit", "bom"],
        output: str,
    ) -> None:
        cup, lid = parts
        self.set_recipe(erp, code, {cup: "2", lid: "1"}, kind=kind, output=output)

        found = self.recipe(erp, code)

        assert found is not None
        assert dict(found.inputs) == {cup: 2, lid: 1}
        assert (found.kind, found.output) == (kind, Decimal(output))

    @pytest.mark.usefixtures("with_recipes")
    def test_each_level_of_a_nested_recipe_is_its_own(
        self, erp: ErpAdapter, code: str, parts: tuple[str, str], unique: str
    ) -> None:
        cup, lid = parts
        box = f"BOX-{unique}"
        self.add_item(erp, box)
        self.set_recipe(erp, code, {cup: "2"}, kind="bom")
        self.set_recipe(erp, box, {code: "3", lid: "1"}, kind="kit")

        outer, inner = self.recipe(erp, box), self.recipe(erp, code)

        assert outer is not None
        assert inner is not None
        assert dict(outer.inputs) == {code: 3, lid: 1}
        assert dict(inner.inputs) == {cup: 2}

    @pytest.mark.usefixtures("with_recipes")
    def test_an_archived_items_recipe_is_no_more(
        self, erp: ErpAdapter, code: str, parts: tuple[str, str]
    ) -> None:
        self.set_recipe(erp, code, {parts[0]: "2"}, kind="kit")
        self.archive_item(erp, code)

        assert self.recipe(erp, code) is None

    @pytest.mark.usefixtures("with_recipes")
    def test_a_sold_kit_takes_its_parts(
        self, erp: ErpAdapter, code: str, parts: tuple[str, str], sell: Make
    ) -> None:
        cup, lid = parts
        self.set_recipe(erp, code, {cup: "2", lid: "1"}, kind="kit")
        sell(code, "3")

        assert [self.free(erp, part) for part in parts] == [4, 7]

    @pytest.mark.usefixtures("with_recipes")
    def test_a_shipped_kit_took_its_parts_once(
        self, erp: ErpAdapter, code: str, parts: tuple[str, str], sell: Make
    ) -> None:
        cup, lid = parts
        self.set_recipe(erp, code, {cup: "2", lid: "1"}, kind="kit")
        self.ship(erp, sell(code, "3"))

        assert [self.free(erp, part) for part in parts] == [4, 7]

    @pytest.mark.usefixtures("with_recipes")
    def test_a_sold_item_that_is_built_leaves_its_parts_alone(
        self, erp: ErpAdapter, code: str, parts: tuple[str, str], sell: Make
    ) -> None:
        cup, _ = parts
        self.set_recipe(erp, code, {cup: "2"}, kind="bom")
        sell(code, "3")

        assert [self.free(erp, each) for each in (code, cup)] == [-3, 10]

    # --- written by us ------------------------------------------------------------------------------

    @pytest.fixture
    def document(self, erp: ErpAdapter, unique: str) -> ItemDocument:
        """An item that says all that the back office can hold."""
        if not erp.capabilities.can(Kind.ITEM):
            pytest.skip("it takes no items")
        return ItemDocument(code=f"MUG-{unique}", name="Mug", **self.kept())

    def kept(self) -> dict[str, Any]:
        """WRITTEN as far as the back office can hold it, with the taxes that it has."""
        whole = {**WRITTEN, "taxes": (self.TAX_20,)}
        return {field: value for field, value in whole.items() if field in self.KEPT}

    @pytest.fixture
    def written(self, erp: ErpAdapter, document: ItemDocument) -> Record:
        return erp.create(document, key=document.code)

    def said(self, erp: ErpAdapter, code: str) -> dict[str, Any]:
        """The fields of WRITTEN that can be kept, as they are read."""
        item, prices = self.item(erp, code), self.prices(erp, code)
        return {
            field: prices.base if field == "price" else getattr(item, field)
            for field in WRITTEN
            if field in self.KEPT
        }

    def test_an_item_is_made_as_it_was_said(
        self, erp: ErpAdapter, written: Record, document: ItemDocument
    ) -> None:
        found = self.item(erp, document.code)

        assert (found.ref.id, found.code, found.name) == (written.ref.id, document.code, "Mug")
        assert self.said(erp, document.code) == self.kept()

    def test_an_item_is_found_by_its_key(
        self, erp: ErpAdapter, written: Record, document: ItemDocument
    ) -> None:
        assert [found.ref for found in erp.find(Kind.ITEM, document.code)] == [written.ref]

    def test_a_made_item_has_stock_like_any(
        self, erp: ErpAdapter, written: Record, document: ItemDocument
    ) -> None:
        self.receive_goods(erp, document.code, "4", self.WAREHOUSE)

        assert self.free(erp, document.code) == 4

    def test_a_second_item_with_the_code_is_as_declared(
        self, erp: ErpAdapter, written: Record, document: ItemDocument
    ) -> None:
        match erp.capabilities.duplicates[Kind.ITEM]:
            case "refused":
                with pytest.raises(DuplicateError):
                    erp.create(document, key=document.code)
            case "same_answer":
                assert erp.create(document, key=document.code).ref == written.ref
            case "possible":
                assert erp.create(document, key=document.code).ref != written.ref

    def test_a_code_that_two_items_share_names_neither(
        self, erp: ErpAdapter, written: Record, document: ItemDocument
    ) -> None:
        with contextlib.suppress(DuplicateError):
            erp.create(document, key=document.code)

        shared = erp.capabilities.duplicates[Kind.ITEM] == "possible"
        assert erp.find_items([document.code]) == (
            {} if shared else {document.code: written.ref.id}
        )

    def test_a_changed_name_is_all_that_changes(
        self, erp: ErpAdapter, written: Record, document: ItemDocument
    ) -> None:
        before = self.said(erp, document.code)

        changed = erp.update_item(written.ref.id, ItemDocument(document.code, "A big mug"))

        assert changed.name == "A big mug"
        assert self.said(erp, document.code) == before

    def test_an_update_answers_with_the_item_as_it_is(
        self, erp: ErpAdapter, written: Record, document: ItemDocument
    ) -> None:
        changed = erp.update_item(written.ref.id, ItemDocument(document.code, "A big mug"))

        assert changed == self.item(erp, document.code)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("description", "Holds coffee"),
            ("weight", Decimal("0.5")),
            ("gtin", "9780201379624"),
            ("price", Decimal("14.00")),
            ("taxes", None),
        ],
    )
    def test_a_field_that_is_said_is_changed(
        self, erp: ErpAdapter, written: Record, document: ItemDocument, field: str, value: Any
    ) -> None:
        if field not in self.KEPT:
            pytest.skip(f"it holds no {field}")
        said: dict[str, Any] = {field: (self.TAX_5,) if field == "taxes" else value}
        before = self.said(erp, document.code)

        erp.update_item(written.ref.id, ItemDocument(document.code, "Mug", **said))

        assert self.said(erp, document.code) == {**before, **said}

    def test_a_tax_that_is_not_there_is_named(self, erp: ErpAdapter, unique: str) -> None:
        if "taxes" not in self.KEPT:
            pytest.skip("its items hold no taxes")
        code = f"MUG-{unique}"

        with pytest.raises(UnmappedError) as caught:
            erp.create(ItemDocument(code, "Mug", taxes=("VAT 99%",)), key=code)

        assert caught.value.causes == ("tax:VAT 99%",)
        assert erp.find_items([code]) == {}

    # --- told -------------------------------------------------------------------------------------------

    def test_a_new_item_is_told(self, erp: ErpAdapter, unique: str) -> None:
        since = self.moment()
        self.add_item(erp, f"MUG-{unique}")

        told = [news.ref for news in self.told(erp, Kind.ITEM, since)]

        assert told == [self.item(erp, f"MUG-{unique}").ref]

    def test_an_item_that_someone_edited_is_told(self, erp: ErpAdapter, code: str) -> None:
        since = self.moment()
        self.rename_item(erp, code, "A big mug")

        assert self.told_ids(erp, Kind.ITEM, since) == {self.id_of(erp, code)}

    def test_an_archived_item_is_told(self, erp: ErpAdapter, archivable: str) -> None:
        id_ = self.id_of(erp, archivable)
        since = self.moment()
        self.archive_item(erp, archivable)

        assert self.told_ids(erp, Kind.ITEM, since) == {id_}

    @pytest.mark.parametrize("kind", [Kind.ITEM, Kind.STOCK, Kind.PRICE])
    def test_what_was_told_of_items_before_is_not_told_again(
        self, erp: ErpAdapter, stocked: str, kind: Kind
    ) -> None:
        since = self.moment()

        assert self.told(erp, kind, since) == []

    def test_goods_that_came_in_are_told(self, erp: ErpAdapter, code: str) -> None:
        since = self.moment()
        self.receive_goods(erp, code, "10", self.WAREHOUSE)

        assert self.told_ids(erp, Kind.STOCK, since) == {self.id_of(erp, code)}

    def test_a_count_is_told(self, erp: ErpAdapter, stocked: str) -> None:
        since = self.moment()
        self.count_stock(erp, stocked, "4", self.WAREHOUSE)

        assert self.told_ids(erp, Kind.STOCK, since) == {self.id_of(erp, stocked)}

    def test_a_confirmed_order_is_told_as_its_items_stock(
        self, erp: ErpAdapter, stocked: str, sell: Make
    ) -> None:
        since = self.moment()
        sell(stocked)

        assert self.told_ids(erp, Kind.STOCK, since) == {self.id_of(erp, stocked)}

    def test_a_cancelled_order_is_told_as_its_items_stock(
        self, erp: ErpAdapter, stocked: str, sell: Make
    ) -> None:
        sold = sell(stocked)
        since = self.moment()
        self.cancel_by_hand(erp, sold)

        assert self.told_ids(erp, Kind.STOCK, since) == {self.id_of(erp, stocked)}

    @pytest.mark.usefixtures("with_shipments")
    def test_shipped_goods_are_told_as_their_items_stock(
        self, erp: ErpAdapter, stocked: str, sell: Make
    ) -> None:
        sold = sell(stocked)
        since = self.moment()
        self.ship(erp, sold)

        assert self.told_ids(erp, Kind.STOCK, since) == {self.id_of(erp, stocked)}

    @pytest.mark.usefixtures("with_recipes")
    def test_a_sold_kit_is_told_as_its_parts_stock(
        self, erp: ErpAdapter, code: str, parts: tuple[str, str], sell: Make
    ) -> None:
        self.set_recipe(erp, code, {parts[0]: "2", parts[1]: "1"}, kind="kit")
        since = self.moment()
        sell(code)

        told = self.told_ids(erp, Kind.STOCK, since)

        assert set(erp.find_items(parts).values()) <= told

    def test_a_changed_list_price_is_told(self, erp: ErpAdapter, code: str) -> None:
        since = self.moment()
        self.set_price(erp, code, "12.50")

        assert self.told_ids(erp, Kind.PRICE, since) == {self.id_of(erp, code)}

    def test_a_changed_price_list_is_told(
        self, erp: ErpAdapter, code: str, price_list: str
    ) -> None:
        """Of the item itself, or of the list, when any item may be meant."""
        id_, since = self.id_of(erp, code), self.moment()
        self.set_price(erp, code, "9.75", price_list=price_list)

        told = {news.ref.kind: news.ref.id for news in self.told(erp, Kind.PRICE, since)}

        assert told.get(Kind.ITEM) == id_ or told.keys() - {Kind.ITEM}

    @pytest.mark.usefixtures("with_recipes")
    @pytest.mark.parametrize("kind", ["kit", "bom"])
    def test_a_new_recipe_is_told(
        self, erp: ErpAdapter, code: str, parts: tuple[str, str], kind: Literal["kit", "bom"]
    ) -> None:
        since = self.moment()
        self.set_recipe(erp, code, {parts[0]: "2"}, kind=kind)

        assert {news.ref.kind for news in self.told(erp, Kind.RECIPE, since)} == {Kind.RECIPE}

    @pytest.mark.parametrize("limit", [1, 3])
    @pytest.mark.parametrize("kind", [Kind.ITEM, Kind.STOCK, Kind.PRICE])
    def test_page_by_page_no_items_change_is_lost_or_told_twice(
        self, erp: ErpAdapter, unique: str, kind: Kind, limit: int
    ) -> None:
        codes = [f"MUG-{unique}-{n}" for n in range(5)]
        self.add_items(erp, codes)
        since = self.moment()
        for code in codes:
            self._touch(erp, code, kind)

        told = self.told(erp, kind, since, limit=limit)

        assert sorted(news.ref.id for news in told) == sorted(erp.find_items(codes).values())
        assert sorted(told, key=lambda news: news.at) == told

    def _touch(self, erp: ErpAdapter, code: str, kind: Kind) -> None:
        """Changes what is told as ``kind`` of the item."""
        match kind:
            case Kind.ITEM:
                self.rename_item(erp, code, "A big mug")
            case Kind.STOCK:
                self.receive_goods(erp, code, "10", self.WAREHOUSE)
            case _:
                self.set_price(erp, code, "12.50")

    @pytest.mark.parametrize("kind", [Kind.ITEM, Kind.STOCK, Kind.PRICE])
    def test_of_an_item_that_changes_again_the_version_changes(
        self, erp: ErpAdapter, stocked: str, kind: Kind
    ) -> None:
        versions = []
        for value in ("12", "14"):
            since = self.moment()
            match kind:
                case Kind.ITEM:
                    self.rename_item(erp, stocked, f"Mug of {value}")
                case Kind.STOCK:
                    self.receive_goods(erp, stocked, value, self.WAREHOUSE)
                case _:
                    self.set_price(erp, stocked, value)
            versions.append({news.version for news in self.told(erp, kind, since)})

        first, second = versions
        assert first.isdisjoint(second)


def _pages(erp: ErpAdapter, kind: Kind, since: dt.datetime, limit: int) -> Iterator[News]:
    after = ""
    while True:
        page = erp.changes(kind, since, after=after, limit=limit)
        yield from page
        if len(page) < limit:
            return
        assert (since, after) != (page[-1].at, page[-1].ref.id), "the page was told before"
        since, after = page[-1].at, page[-1].ref.id
