"""How many there are, of all items with one call, and the items themselves."""

import datetime as dt
from decimal import Decimal

import httpx
import pytest

from accord.erp.xero.adapter import Xero
from accord.errors import DuplicateError, RejectedError, UnavailableError, UnmappedError
from accord.local.xero import Desk, FakeXero
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.model.item import ItemDocument
from tests.erp.xero.conftest import START, Clock, connected


def free(erp: Xero, *codes: str) -> dict[str, Decimal]:
    ids = list(erp.find_items(codes).values())
    return {each.item: each.free["MAIN"] for each in erp.stock(ids, ["MAIN"])}


def swept(erp: Xero, *, limit: int = 100) -> dict[str, Decimal]:
    """All items, as a sweep goes through them."""
    found: dict[str, Decimal] = {}
    after = ""
    while ids := erp.item_ids(after=after, limit=limit):
        found |= {each.item: each.free["MAIN"] for each in erp.stock(ids, ["MAIN"])}
        after = ids[-1]
    return found


# --- how many ----------------------------------------------------------------------------------


def test_items_of_which_xero_counts_none_are_left_out(erp: Xero, desk: Desk) -> None:
    desk.add_items(["CUP"], on_hand=3)

    assert free(erp, "CUP", "SHIPPING") == {"CUP": Decimal(3)}


def test_a_sweep_takes_one_call_however_many_items_there_are(
    xero: FakeXero, erp: Xero, desk: Desk
) -> None:
    desk.add_items([f"CUP-{n}" for n in range(250)], on_hand=2)

    found = swept(erp)

    assert len([code for code in found if code.startswith("CUP-")]) == 250
    assert xero.calls == {"GET Items": 1}


def test_a_sweep_says_when_it_read(erp: Xero, clock: Clock) -> None:
    ids = erp.item_ids()
    clock.now += dt.timedelta(seconds=30)

    snapshots = erp.stock(ids, ["MAIN"])

    assert {each.as_of.replace(microsecond=0) for each in snapshots} == {START}


def test_a_sweep_that_takes_long_reads_anew(
    xero: FakeXero, erp: Xero, desk: Desk, clock: Clock
) -> None:
    desk.add_items([f"CUP-{n}" for n in range(150)])
    ids = erp.item_ids()
    clock.now += dt.timedelta(seconds=61)

    erp.stock(ids, ["MAIN"])
    rest = erp.item_ids(after=ids[-1])

    assert set(ids).isdisjoint(rest)
    assert xero.calls == {"GET Items": 3}


def test_what_was_listed_answers_for_its_own_page_alone_and_once(erp: Xero, desk: Desk) -> None:
    desk.add_items(["CUP"], on_hand=3)
    ids = erp.item_ids()
    desk.receive("CUP", 4)

    first, second = ({s.item: s.free for s in erp.stock(ids, ["MAIN"])} for _ in range(2))

    assert (first["CUP"], second["CUP"]) == ({"MAIN": 3}, {"MAIN": 7})


def test_some_of_a_page_are_read_anew(erp: Xero, desk: Desk) -> None:
    desk.add_items(["CUP"], on_hand=3)
    erp.item_ids()
    desk.receive("CUP", 4)

    assert free(erp, "CUP") == {"CUP": Decimal(7)}


def test_the_options_name_the_one_place_there_is(xero: FakeXero, desk: Desk) -> None:
    erp = connected(xero, location="SHED")
    ids = erp.item_ids()

    assert {frozenset(each.free) for each in erp.stock(ids, ["SHED"])} == {frozenset({"SHED"})}
    with pytest.raises(UnmappedError, match=r"options\.location calls it 'SHED'") as caught:
        erp.stock(ids, ["MAIN", "SHED", "EAST"])
    assert caught.value.causes == ("location:MAIN", "location:EAST")


def test_without_a_place_nothing_is_asked(xero: FakeXero, erp: Xero) -> None:
    assert list(erp.stock(["x"], [])) == []
    assert xero.calls == {}


def test_stock_is_looked_through_and_not_told_of(erp: Xero) -> None:
    can = erp.capabilities

    assert Kind.STOCK not in can.tells
    assert can.swept == {Kind.STOCK}


# --- items ---------------------------------------------------------------------------------------


def test_what_is_not_sold_any_more_is_out(erp: Xero, desk: Desk) -> None:
    desk.edit_item("MUG", IsSold=False)

    (found,) = erp.items(list(erp.find_items(["MUG"]).values()))

    assert (found.active, found.lifecycle) == (True, "temporarily_out")


@pytest.mark.parametrize(("untracked", "goods"), [("services", False), ("goods", True)])
def test_the_options_say_what_an_item_without_stock_is(
    xero: FakeXero, untracked: str, *, goods: bool
) -> None:
    erp = connected(xero, untracked=untracked)

    (found,) = erp.items(list(erp.find_items(["SHIPPING"]).values()))

    assert found.goods is goods


def test_an_items_tax_is_told_by_its_name(erp: Xero, desk: Desk) -> None:
    desk.add_items(["CUP"], tax="RROUTPUT")

    (found,) = erp.items(list(erp.find_items(["CUP"]).values()))

    assert found.taxes == ("5% (RROUTPUT)",)


@pytest.mark.parametrize("dates_tell", [False, True])
def test_a_count_gives_an_item_no_other_version(
    xero: FakeXero, erp: Xero, desk: Desk, *, dates_tell: bool
) -> None:
    xero.books.stock_touches_items = dates_tell
    (id_,) = erp.find_items(["MUG"]).values()
    before = erp.items([id_])
    desk.count("MUG", 3)

    assert erp.items([id_]) == before


def test_a_code_is_found_as_it_is_written(xero: FakeXero, erp: Xero, desk: Desk) -> None:
    desk.add_items(['6" PLATE', "A/B", "A&B"])

    found = {code for code in ('6" PLATE', "A/B", "A&B", "mug") if erp.find_items([code])}

    assert found == {'6" PLATE', "A/B", "A&B"}
    assert [len(erp.find(Kind.ITEM, code)) for code in ("A&B", '6" PLATE', "mug")] == [1, 1, 0]


@pytest.mark.parametrize("id_", ["1", "MUG", "../Organisation"])
def test_what_is_no_id_of_xeros_is_no_item(erp: Xero, id_: str) -> None:
    assert erp.get(Ref("main", Kind.ITEM, id_)) is None


# --- written ---------------------------------------------------------------------------------------


def test_goods_are_tracked_where_the_accounts_for_it_are_named(xero: FakeXero, desk: Desk) -> None:
    connected(xero, inventory_account="630", cost_account="310", sales_account="4000").create(
        ItemDocument("CUP", "Cup"), key="CUP"
    )
    connected(xero).create(ItemDocument("BOWL", "Bowl"), key="BOWL")

    rows = {row["Code"]: row for row in desk.rows("Items")}

    assert rows["CUP"]["IsTrackedAsInventory"] is True
    assert rows["CUP"]["SalesDetails"]["AccountCode"] == "4000"
    assert rows["BOWL"]["IsTrackedAsInventory"] is False


def test_an_item_that_xero_has_forgotten_to_have_made_is_found(
    xero: FakeXero, erp: Xero, clock: Clock
) -> None:
    document = ItemDocument("CUP", "Cup", price=Decimal("3.50"), taxes=("OUTPUT2",))
    first = erp.create(document, key="CUP")
    clock.now += xero.retention + dt.timedelta(seconds=1)

    assert erp.create(document, key="CUP").ref == first.ref


def test_another_item_of_the_code_is_not_taken_for_ours(erp: Xero, desk: Desk) -> None:
    desk.add_items(["CUP"], price=3)

    with pytest.raises(DuplicateError):
        erp.create(ItemDocument("CUP", "Quite another cup"), key="CUP")


def test_an_answer_that_got_lost_made_one_item(xero: FakeXero, erp: Xero, desk: Desk) -> None:
    document = ItemDocument("CUP", "Cup")

    def lose(call: str) -> httpx.Response | None:
        if call == "PUT Items":
            xero.after = lambda _: None
            raise httpx.ReadTimeout("lost")
        return None

    xero.after = lose
    with pytest.raises(UnavailableError) as caught:
        erp.create(document, key="CUP")
    assert caught.value.sent is True

    erp.create(document, key="CUP")

    assert [row["Code"] for row in desk.rows("Items")].count("CUP") == 1


def test_a_change_that_somebody_undid_is_made_again(erp: Xero, desk: Desk) -> None:
    """A repeated Idempotency-Key would be answered and change nothing."""
    (id_,) = erp.find_items(["MUG"]).values()
    erp.update_item(id_, ItemDocument("MUG", "A big mug"))
    desk.edit_item("MUG", Name="A mug")

    found = erp.update_item(id_, ItemDocument("MUG", "A big mug"))

    assert found.name == "A big mug"
    assert [row["Name"] for row in desk.rows("Items") if row["Code"] == "MUG"] == ["A big mug"]


def test_what_is_as_it_shall_be_is_not_written(xero: FakeXero, erp: Xero) -> None:
    (id_,) = erp.find_items(["MUG"]).values()
    erp.update_item(id_, ItemDocument("MUG", "Mug", description="Holds tea"))
    xero.calls.clear()

    erp.update_item(id_, ItemDocument("MUG", "Mug", description="Holds tea"))

    assert xero.calls == {"GET Items": 1}


def test_a_new_price_leaves_the_rest_of_what_is_said_of_selling_it(erp: Xero, desk: Desk) -> None:
    desk.add_items(["CUP"], price=3, account="4000", tax="RROUTPUT")
    (id_,) = erp.find_items(["CUP"]).values()

    erp.update_item(id_, ItemDocument("CUP", "Item CUP", price=Decimal("4.25")))

    (row,) = (row for row in desk.rows("Items") if row["Code"] == "CUP")
    details = row["SalesDetails"]
    assert (str(details["UnitPrice"]), details["AccountCode"], details["TaxType"]) == (
        "4.25",
        "4000",
        "RROUTPUT",
    )


def test_an_item_that_is_gone_is_not_changed(erp: Xero, desk: Desk) -> None:
    (id_,) = erp.find_items(["MUG"]).values()
    desk.remove_item("MUG")

    with pytest.raises(RejectedError, match="no longer in Xero"):
        erp.update_item(id_, ItemDocument("MUG", "Mug"))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (ItemDocument("C" * 31, "Cup"), "30 characters"),
        (ItemDocument("CUP", "Cup", taxes=("OUTPUT2", "RROUTPUT")), "one tax rate"),
    ],
)
def test_what_cannot_be_said_in_xero_is_refused_with_the_reason(
    xero: FakeXero, erp: Xero, document: ItemDocument, words: str
) -> None:
    with pytest.raises(RejectedError, match=words):
        erp.create(document, key=document.code)
    assert xero.calls["PUT Items"] == 0
