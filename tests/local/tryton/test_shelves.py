"""What a person does with items at a Tryton happens there."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.errors import RejectedError
from accord.local.tryton import CACHE, Catalogue, TrytonServer, seed
from accord.local.tryton.desk import Desk
from tests.erp.tryton.conftest import CATALOGUE, REPOSITORY

pytestmark = pytest.mark.tryton


@pytest.fixture(scope="module")
def server() -> Iterator[TrytonServer]:
    with TrytonServer.ready(REPOSITORY / CACHE, progress=print) as server:
        seed(server, CATALOGUE)
        yield server


@pytest.fixture(scope="module")
def erp(server: TrytonServer) -> Tryton:
    return Tryton.connect(server.connection())


@pytest.fixture
def desk(server: TrytonServer) -> Desk:
    return Desk(server)


def free(erp: Tryton, code: str) -> dict[str, Decimal]:
    (snapshot,) = erp.stock([erp.find_items([code])[code]], ["MAIN", "EAST"])
    return dict(snapshot.free)


def prices(erp: Tryton, code: str, name: str) -> Decimal | None:
    (found,) = erp.prices([erp.find_items([code])[code]], [name], currency="GBP")
    return found.lists.get(name)


def test_goods_come_in_where_they_were_sent(erp: Tryton, desk: Desk) -> None:
    desk.make_items(["CAME"])

    desk.receive("CAME", 3)
    desk.receive("CAME", 4, "EAST")

    assert free(erp, "CAME") == {"MAIN": 3, "EAST": 4}


def test_a_count_says_what_is_there(erp: Tryton, desk: Desk) -> None:
    desk.make_items(["COUNTED"])
    desk.receive("COUNTED", 3)

    desk.count("COUNTED", 2)
    desk.count("COUNTED", 9, "EAST")

    assert free(erp, "COUNTED") == {"MAIN": 2, "EAST": 9}


def test_a_warehouse_that_is_not_there_is_refused(desk: Desk) -> None:
    desk.make_items(["NOWHERE"])

    with pytest.raises(RejectedError, match="WEST"):
        desk.receive("NOWHERE", 1, "WEST")


def test_an_item_that_is_not_there_is_refused(desk: Desk) -> None:
    with pytest.raises(RejectedError, match="NO-SUCH"):
        desk.count("NO-SUCH", 1)


def test_a_price_by_list_replaces_the_one_before(erp: Tryton, desk: Desk) -> None:
    desk.make_items(["PRICED", "OTHER"], price=10)
    desk.set_price_list("Shelf prices", {"PRICED": Decimal("9.50"), "OTHER": Decimal(4)})

    desk.set_price_list("Shelf prices", {"PRICED": "list_price - 1"})

    assert prices(erp, "PRICED", "Shelf prices") == 9
    assert prices(erp, "OTHER", "Shelf prices") == 4


def test_a_formula_is_for_what_has_no_price_of_its_own(erp: Tryton, desk: Desk) -> None:
    desk.make_items(["OWN", "REST"], price=10)

    desk.set_price_list("Formula", {"OWN": Decimal(7)}, formula="list_price / 2")

    assert [prices(erp, code, "Formula") for code in ("OWN", "REST")] == [7, 5]


@pytest.mark.parametrize("kind", ["kit", "bom"])
def test_a_recipe_replaces_the_one_before(erp: Tryton, desk: Desk, kind: str) -> None:
    codes = [f"{kind}-{part}" for part in ("WHOLE", "CUP", "LID")]
    whole, cup, lid = codes
    desk.make_items(codes)
    make = desk.make_kit if kind == "kit" else desk.make_bom
    make(whole, {cup: 1})

    make(whole, {lid: 2})

    (found,) = [recipe for recipe in erp.recipes() if recipe.item == whole]
    assert dict(found.inputs) == {lid: 2}


def test_an_archived_variant_leaves_its_siblings(
    erp: Tryton, desk: Desk, server: TrytonServer
) -> None:
    desk.make_items(["FAMILY"])
    (id_,) = erp.find_items(["FAMILY"]).values()
    client, context = server.administrator(), {"company": 1, "language": "en"}
    (row,) = client.call("model.product.product.read", [int(id_)], ["template"], context=context)
    variant = {"template": row["template"], "suffix_code": "-2"}
    client.call("model.product.product.create", [variant], context=context)

    desk.archive("FAMILY")

    ids = list(erp.find_items(["FAMILY", "FAMILY-2"]).values())
    assert [(found.code, found.active) for found in erp.items(ids)] == [
        ("FAMILY", False),
        ("FAMILY-2", True),
    ]


def test_a_catalogue_may_hold_hundreds_of_items(erp: Tryton, server: TrytonServer) -> None:
    items = {f"BULK-{n}": f"Item {n}" for n in range(230)}

    seed(server, Catalogue(items=items))

    assert len(erp.find_items(list(items))) == 230


def test_a_catalogue_says_what_items_cost(erp: Tryton, server: TrytonServer) -> None:
    seed(server, Catalogue(items={"COSTS": "Costs"}, prices={"COSTS": Decimal("4.20")}))

    (found,) = erp.prices([erp.find_items(["COSTS"])["COSTS"]], (), currency="GBP")

    assert found.base == Decimal("4.20")
