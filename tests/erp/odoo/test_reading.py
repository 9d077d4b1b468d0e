"""What Odoo tells: how far an order has come, what changed, what is printed, what stands there."""

import base64
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from accord.erp.odoo import watching
from accord.erp.odoo.adapter import Odoo
from accord.errors import RejectedError, UnauthorizedError, UnavailableError, UnsupportedError
from accord.local.odoo import Desk, FakeOdoo
from accord.local.odoo.faults import OdooError, access_error, value_error
from accord.local.odoo.methods import call
from accord.local.odoo.orm import Field
from accord.local.odoo.server import USER
from accord.model.change import Ref
from accord.model.documents import Kind, Record, State
from accord.model.item import ItemDocument
from accord.model.progress import News, Progress
from tests.erp.odoo.conftest import START, Clock, connected, furnished
from tests.erp.odoo.test_masterdata import order
from tests.erp.odoo.test_orders import credit, payment

SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def buyer(odoo: FakeOdoo) -> int:
    return int(odoo.call("res.partner", "create", {"name": "Maria Jones", "customer_rank": 1}))


def sold(erp: Odoo, key: str = "uk-1", **changes: Any) -> Record:
    return erp.advance(erp.create(order(**changes), key=key), State.CONFIRMED)


def progress(erp: Odoo, record: Record) -> Progress:
    found = erp.progress(record.ref)
    assert found is not None
    return found


# --- how far an order has come ---------------------------------------------------------------


def test_a_quotation_takes_one_call(odoo: FakeOdoo, erp: Odoo) -> None:
    made = erp.create(order(), key="uk-1")
    progress(erp, made)
    before = odoo.calls.total()

    progress(erp, made)

    assert odoo.calls.total() - before == 1


def test_what_was_shipped_and_invoiced_takes_five_calls(
    odoo: FakeOdoo, erp: Odoo, desk: Desk
) -> None:
    made = sold(erp)
    desk.ship(int(made.ref.id))
    desk.post_invoice(int(made.ref.id))
    progress(erp, made)
    before = odoo.calls.total()

    progress(erp, made)

    assert odoo.calls.total() - before == 5


def test_a_kit_leaves_as_its_parts(erp: Odoo, desk: Desk) -> None:
    desk.add_items(["SET", "CUP", "LID"])
    desk.make_recipe("SET", {"CUP": Decimal(2), "LID": Decimal(1)}, kit=True)
    line = order().lines[0]
    made = sold(erp, lines=(type(line)("A set", Decimal(3), line.net, "SET"),))
    desk.ship(int(made.ref.id))

    (left,) = progress(erp, made).shipments

    assert dict(left.lines) == {"CUP": 6, "LID": 3}


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ("https://track.example/1Z", "https://track.example/1Z"),
        ('[["1Z", "https://track.example/1Z"]]', ""),
        (False, ""),
    ],
)
def test_an_address_to_track_a_parcel_is_one_address(
    odoo: FakeOdoo, erp: Odoo, desk: Desk, kept: object, told: str
) -> None:
    made = sold(erp)
    desk.ship(int(made.ref.id), tracking="1Z")
    (picking,) = odoo.call("stock.picking", "search", [])
    odoo.call("stock.picking", "write", [picking], {"carrier_tracking_url": kept})

    (left,) = progress(erp, made).shipments

    assert (left.tracking, left.tracking_url) == ("1Z", told)


def test_without_the_delivery_apps_there_is_no_tracking(odoo: FakeOdoo, erp: Odoo) -> None:
    fields = odoo.database.models["stock.picking"].fields
    names = {"carrier_id", "carrier_tracking_ref", "carrier_tracking_url"}
    odoo.database.models["stock.picking"].fields = {
        name: of for name, of in fields.items() if name not in names
    }
    made = erp.create(order(), key="uk-1")
    values = {"sale_id": int(made.ref.id), "picking_type_code": "outgoing", "state": "done"}
    odoo.call("stock.picking", "create", values)

    (left,) = progress(erp, made).shipments

    assert (left.state, left.tracking, left.carrier) == ("done", "", "")


def test_where_odoo_has_no_word_for_it_shipments_tell_how_far_an_order_is(
    odoo: FakeOdoo, erp: Odoo, desk: Desk
) -> None:
    fields = odoo.database.models["sale.order"].fields
    odoo.database.models["sale.order"].fields = {
        name: of for name, of in fields.items() if name != "delivery_status"
    }
    line = order().lines[0]
    made = sold(erp, lines=(type(line)("Mugs", Decimal(2), line.net, "MUG"),))
    service = sold(erp, "uk-2", lines=(type(line)("Post", Decimal(1), line.net, "SHIPPING"),))

    states = [progress(erp, made).shipped]
    for _ in range(2):
        desk.ship(int(made.ref.id), {"MUG": Decimal(1)})
        states.append(progress(erp, made).shipped)

    assert states == ["none", "part", "all"]
    assert progress(erp, service).shipped == "all"


def test_a_return_that_comes_in_is_no_shipment(odoo: FakeOdoo, erp: Odoo, desk: Desk) -> None:
    made = sold(erp)
    desk.ship(int(made.ref.id))
    (picking,) = odoo.call("stock.picking", "search", [])
    wizard = odoo.call("stock.return.picking", "create", {"picking_id": picking})
    odoo.call("stock.return.picking", "create_returns", [wizard])

    assert len(progress(erp, made).shipments) == 1


# --- what is printed ---------------------------------------------------------------------------


def attach(odoo: FakeOdoo, **changes: Any) -> None:
    values = {
        "name": "INV.pdf",
        "res_model": "account.move",
        "res_id": 1,
        "res_field": "invoice_pdf_report_file",
        "mimetype": "application/pdf",
        "datas": base64.b64encode(b"%PDF").decode(),
    }
    odoo.call("ir.attachment", "create", {**values, **changes})


INVOICE = Ref("main", Kind.INVOICE, "1")


def test_the_last_pdf_is_taken(odoo: FakeOdoo, erp: Odoo) -> None:
    attach(odoo)
    attach(odoo, name="INV-2.pdf")

    printed = erp.document(INVOICE)

    assert printed is not None
    assert (printed.name, printed.data) == ("INV-2.pdf", b"%PDF")


@pytest.mark.parametrize(
    "changes",
    [
        {"mimetype": "image/png"},
        {"datas": False},
        {"datas": "%%%"},
        {"res_id": 2},
        {"res_field": False},  # what somebody attached by hand
    ],
)
def test_what_is_no_pdf_of_it_is_not_taken(
    odoo: FakeOdoo, erp: Odoo, changes: dict[str, Any]
) -> None:
    attach(odoo, **changes)

    assert erp.document(INVOICE) is None


@pytest.mark.parametrize(
    ("name", "state", "is_taken"),
    [
        ("INV_2026_00001.pdf", "posted", True),
        ("INV_2026_00001.pdf", "draft", False),
        ("contract.pdf", "posted", False),
    ],
)
def test_on_16_only_the_pdf_that_bears_the_reports_name_is_taken(
    clock: Clock, name: str, state: str, *, is_taken: bool
) -> None:
    odoo = furnished(clock, 16)
    values = {"name": "INV/2026/00001", "move_type": "out_invoice"}
    move = odoo.call("account.move", "create", values)
    odoo.database.row("account.move", move).update(name="INV/2026/00001", state=state)
    attach(odoo, name=name, res_field=False, res_id=move)

    printed = connected(odoo).document(Ref("main", Kind.INVOICE, str(move)))

    assert (printed is not None) is is_taken


def test_what_is_attached_to_a_delivery_is_nobodys_business(odoo: FakeOdoo, erp: Odoo) -> None:
    attach(odoo, name="carrier-label.pdf", res_model="stock.picking", res_field=False)

    assert erp.document(Ref("main", Kind.SHIPMENT, "1")) is None


@pytest.mark.parametrize("ref", [Ref("main", Kind.PARTY, "1"), Ref("main", Kind.INVOICE, "x")])
def test_what_is_never_printed_is_not_asked_for(odoo: FakeOdoo, erp: Odoo, ref: Ref) -> None:
    assert erp.document(ref) is None
    assert odoo.calls["ir.attachment.search_read"] == 0


# --- what changed --------------------------------------------------------------------------------


def told(erp: Odoo, kind: Kind, since: dt.datetime, limit: int) -> list[News]:
    found, after = [], ""
    while True:
        page = erp.changes(kind, since, after=after, limit=limit)
        found += page
        if len(page) < limit:
            return found
        since, after = page[-1].at, page[-1].ref.id


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
@pytest.mark.parametrize("rows", [1, 3, 500])
def test_what_changed_in_one_second_is_told_once_each_however_it_is_paged(
    odoo: FakeOdoo,
    erp: Odoo,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    *,
    rows: int,
    limit: int,
) -> None:
    """Within a second Odoo's order is by fractions that nobody is shown."""
    monkeypatch.setattr(watching, "_ROWS", rows)
    since = clock.moment()
    ids = [int(erp.create(order(), key=f"uk-{n}").ref.id) for n in range(4)]
    clock.now += 3 * SECOND
    ids += [int(erp.create(order(), key=f"uk-{n}").ref.id) for n in range(4, 7)]
    for id_ in (ids[2], ids[0], ids[5]):  # later fractions for earlier ids
        odoo.call("sale.order", "write", [id_], {"note": "x"})

    found = told(erp, Kind.SALES_ORDER, since, limit)

    assert sorted(int(news.ref.id) for news in found) == ids
    assert sorted(found, key=lambda news: (news.at, int(news.ref.id))) == found


def test_a_moment_within_a_second_tells_all_of_that_second(erp: Odoo, clock: Clock) -> None:
    made = erp.create(order(), key="uk-1")

    since = clock.now + dt.timedelta(milliseconds=900)

    assert [news.ref for news in erp.changes(Kind.SALES_ORDER, since)] == [made.ref]


def test_orders_that_are_not_ours_are_not_told_of(
    odoo: FakeOdoo, erp: Odoo, clock: Clock, buyer: int
) -> None:
    since = clock.moment()
    odoo.call("sale.order", "create", {"partner_id": buyer})

    assert list(erp.changes(Kind.SALES_ORDER, since)) == []


def test_a_refund_by_hand_is_told_with_the_order_of_its_invoice(
    odoo: FakeOdoo, erp: Odoo, clock: Clock, desk: Desk
) -> None:
    made = sold(erp)
    invoice = desk.post_invoice(int(made.ref.id))
    since = clock.moment()
    line = [0, 0, {"name": "Broken", "quantity": 1, "price_unit": 5}]
    values = {"move_type": "out_refund", "ref": "a person's", "invoice_line_ids": [line]}
    values["reversed_entry_id"] = invoice
    note = odoo.call("account.move", "create", values)
    odoo.call("account.move", "action_post", [note])

    (news,) = (each for each in erp.changes(Kind.INVOICE, since) if each.ref.id == str(note))

    assert (news.order, str(news.gross)) == (made.ref, "5.00 GBP")


def test_an_invoice_of_no_order_is_told_without_one(
    odoo: FakeOdoo, erp: Odoo, clock: Clock, buyer: int
) -> None:
    since = clock.moment()
    values = {"move_type": "out_invoice", "partner_id": buyer}
    odoo.call("account.move", "action_post", [odoo.call("account.move", "create", values)])

    assert [news.order for news in erp.changes(Kind.INVOICE, since)] == [None]


def test_a_kind_that_nobody_follows_is_refused(erp: Odoo, clock: Clock) -> None:
    with pytest.raises(UnsupportedError, match="tells of no payment"):
        erp.changes(Kind.PAYMENT, clock.now)
    with pytest.raises(UnsupportedError, match="finds no party"):
        erp.numbered(Kind.PARTY, ["1"])


def test_a_renamed_category_may_be_of_any_item(odoo: FakeOdoo, erp: Odoo, clock: Clock) -> None:
    since = clock.moment()
    odoo.call("product.category", "write", [1], {"name": "House"})

    assert [str(news.ref) for news in erp.changes(Kind.ITEM, since)] == ["main:category:category-1"]


# --- in bulk -------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_sales_of_one_day_are_listed_once_each_however_they_are_paged(
    erp: Odoo, limit: int
) -> None:
    days = [START.date() - dt.timedelta(days=n) for n in (0, 2, 0, 1, 2, 0)]
    for n, day in enumerate(days):
        erp.create(order(placed_on=day), key=f"uk-{n}")

    found, after = [], ""
    while page := erp.sales("uk-", START.date() - dt.timedelta(days=5), after=after, limit=limit):
        found += page
        after = page[-1].place

    keys = [sale.record.key for sale in found]
    assert keys == ["uk-1", "uk-4", "uk-3", "uk-0", "uk-2", "uk-5"]


def test_a_sign_in_a_key_stands_for_itself(erp: Odoo) -> None:
    erp.create(order(), key="uk_1")

    assert list(erp.sales("u__", START.date() - dt.timedelta(days=5))) == []


def test_what_belongs_to_an_order_is_read_in_as_many_calls_for_many_as_for_one(
    odoo: FakeOdoo, erp: Odoo, desk: Desk
) -> None:
    spent = []
    for n in range(1, 4):
        made = sold(erp, f"uk-{n}")
        desk.post_invoice(int(made.ref.id))
        erp.create(credit(made), key=f"uk-{n}-r7")
        erp.create(payment(made), key=f"uk-{n}:payment")
        before = odoo.calls.total()
        found = erp.sales_of([f"uk-{m}" for m in range(1, n + 1)])
        spent.append(odoo.calls.total() - before)
        assert [(len(each.credits), len(each.payments)) for each in found] == [(1, 1)] * n

    assert spent == [3, 3, 3]


# --- items -----------------------------------------------------------------------------------------


def test_variants_are_told_apart_by_their_options(odoo: FakeOdoo, erp: Odoo) -> None:
    attribute = odoo.call("product.attribute", "create", {"name": "Size"})
    values = [
        odoo.call(
            "product.template.attribute.value",
            "create",
            {"name": size, "attribute_id": attribute},
        )
        for size in ("S", "M")
    ]
    template = odoo.call("product.template", "create", {"name": "T-shirt", "default_code": "TEE-S"})
    (first,) = odoo.call("product.product", "search", [["product_tmpl_id", "=", template]])
    of_first = {"product_template_attribute_value_ids": [[6, 0, [values[0]]]]}
    odoo.call("product.product", "write", [first], of_first)
    of_second = {"product_template_attribute_value_ids": [[6, 0, [values[1]]]]}
    of_second |= {"product_tmpl_id": template, "default_code": "TEE-M"}
    second = odoo.call("product.product", "create", of_second)

    small, medium = erp.items([str(first), str(second)])

    assert (small.options, medium.options) == ((("Size", "S"),), (("Size", "M"),))
    assert small.family == medium.family is not None
    assert small.family is not None
    assert (small.family.name, small.family.code) == ("T-shirt", f"template-{template}")


def test_one_variants_name_does_not_become_its_siblings(odoo: FakeOdoo, erp: Odoo) -> None:
    template = odoo.call("product.template", "create", {"name": "T-shirt", "default_code": "TEE-S"})
    values = {"product_tmpl_id": template, "default_code": "TEE-M"}
    second = odoo.call("product.product", "create", values)

    changed = erp.update_item(str(second), ItemDocument("TEE-M", "Medium", gtin="4006381333931"))

    assert (changed.name, changed.gtin) == ("T-shirt", "4006381333931")


@pytest.mark.parametrize(
    ("changes", "lifecycle"),
    [({}, "clearance"), ({"sale_ok": False}, "temporarily_out")],
)
def test_the_part_of_its_life_is_told_by_its_category(
    odoo: FakeOdoo, desk: Desk, changes: dict[str, Any], lifecycle: str
) -> None:
    sale = odoo.call("product.category", "create", {"name": "Sale", "parent_id": 1})
    odoo.call("product.category", "create", {"name": "Other"})
    desk.edit_item("MUG", categ_id=sale, **changes)
    erp = connected(odoo, lifecycle={"Sale": "clearance", "Home": "end_of_line"})

    (found,) = erp.items([erp.find_items(["MUG"])["MUG"]])

    assert (found.lifecycle, found.categories) == (lifecycle, (("Home", "Sale"),))


def test_a_weight_in_pounds_is_told_in_kilograms(odoo: FakeOdoo, erp: Odoo, desk: Desk) -> None:
    fields = odoo.database.models["product.product"].fields
    pounds = Field(compute=lambda *_: "lb")
    odoo.database.models["product.product"].fields = {**fields, "weight_uom_name": pounds}
    odoo.call("product.product", "write", [desk.item("MUG")], {"weight": 2})

    (found,) = erp.items([erp.find_items(["MUG"])["MUG"]])

    assert found.weight == Decimal("0.9072")


def test_an_item_is_not_made_of_one_that_was_renumbered(odoo: FakeOdoo, erp: Odoo) -> None:
    old = erp.create(ItemDocument("OLD", "Old mug"), key="OLD")
    odoo.call("product.product", "write", [int(old.ref.id)], {"default_code": "NEW"})

    with pytest.raises(RejectedError, match=r"external id of OLD is held by NEW") as caught:
        erp.create(ItemDocument("OLD", "Another"), key="OLD")

    assert caught.value.reason == "renumbered"
    assert erp.find(Kind.ITEM, "OLD") == ()


def test_an_item_that_is_gone_is_not_written(erp: Odoo) -> None:
    with pytest.raises(RejectedError, match="no longer"):
        erp.update_item("999999", ItemDocument("MUG", "Mug"))


def test_a_consumable_is_no_goods_and_has_no_stock(odoo: FakeOdoo, erp: Odoo) -> None:
    values = {"name": "Tape", "default_code": "TAPE", "detailed_type": "consu"}
    id_ = str(odoo.call("product.product", "create", values))

    assert [item.goods for item in erp.items([id_])] == [False]
    assert list(erp.stock([id_], ["MAIN"])) == []


def test_what_odoo_reserved_for_others_is_not_free(odoo: FakeOdoo, erp: Odoo, desk: Desk) -> None:
    """A manufacturing order, say: no delivery says that it will leave."""
    desk.receive("MUG", 10)
    (quant,) = odoo.call("stock.quant", "search", [])
    odoo.call("stock.quant", "write", [quant], {"reserved_quantity": 4})

    (found,) = erp.stock([erp.find_items(["MUG"])["MUG"]], ["MAIN"])

    assert found.free == {"MAIN": 6}


def test_a_warehouse_is_found_by_its_name_too(erp: Odoo) -> None:
    (found,) = erp.stock([erp.find_items(["MUG"])["MUG"]], ["Warehouse EAST"])

    assert found.free == {"Warehouse EAST": 0}


def test_a_recipe_in_another_unit_is_left_out(odoo: FakeOdoo, erp: Odoo, desk: Desk) -> None:
    dozen = odoo.call("uom.uom", "create", {"name": "Dozens"})
    desk.add_items(["SET", "CUP"])
    desk.make_recipe("SET", {"CUP": Decimal(2)}, kit=True)
    odoo.call("mrp.bom.line", "write", [1], {"product_uom_id": dozen})

    assert list(erp.recipes()) == []


def test_a_recipe_with_a_part_without_a_code_is_left_out(
    odoo: FakeOdoo, erp: Odoo, desk: Desk
) -> None:
    desk.add_items(["SET", "CUP"])
    desk.make_recipe("SET", {"CUP": Decimal(2)}, kit=True)
    odoo.call("product.product", "write", [desk.item("CUP")], {"default_code": False})

    assert list(erp.recipes()) == []


def _uninstall_manufacturing(odoo: FakeOdoo) -> Callable[[], None]:
    """Its models and its fields are gone; what is returned installs it again."""
    database = odoo.database
    models, product = database.models, database.models["product.product"]
    fields = product.fields
    database.models = {name: of for name, of in models.items() if not name.startswith("mrp.")}
    product.fields = {name: of for name, of in fields.items() if not of.of.startswith("mrp.")}

    def install() -> None:
        database.models, product.fields = models, fields

    return install


def test_without_the_app_for_manufacturing_there_are_no_recipes(
    odoo: FakeOdoo, erp: Odoo, clock: Clock
) -> None:
    _uninstall_manufacturing(odoo)

    assert list(erp.recipes()) == []
    assert list(erp.changes(Kind.RECIPE, clock.now)) == []


def test_recipes_are_found_as_soon_as_the_app_is_installed(
    odoo: FakeOdoo, erp: Odoo, desk: Desk
) -> None:
    install = _uninstall_manufacturing(odoo)
    before = list(erp.recipes())
    install()
    desk.add_items(["SET", "CUP"])
    desk.make_recipe("SET", {"CUP": Decimal(2)}, kit=True)

    assert before == []
    assert [recipe.item for recipe in erp.recipes()] == ["SET"]


def test_a_user_who_may_not_see_which_models_there_are_is_told_of_recipes(
    odoo: FakeOdoo, erp: Odoo, desk: Desk, clock: Clock
) -> None:
    with pytest.raises(OdooError, match=r"not allowed to access 'Models' \(ir.model\)"):
        call(odoo.database, "ir.model", "search_read", [[], ["model"]], {}, user=USER)
    desk.add_items(["SET", "CUP"])
    desk.make_recipe("SET", {"CUP": Decimal(2)}, kit=True)

    assert [recipe.item for recipe in erp.recipes()] == ["SET"]
    assert list(erp.changes(Kind.RECIPE, clock.now - dt.timedelta(minutes=1)))


def test_who_may_not_read_recipes_is_told_so(odoo: FakeOdoo, erp: Odoo) -> None:
    def refuse(called: str) -> httpx.Response | None:
        if called == "mrp.bom.search_read":
            raise access_error("You are not allowed to access 'Bill of Material' (mrp.bom) records")
        return None

    odoo.hook = refuse
    with pytest.raises(UnauthorizedError, match="Bill of Material"):
        erp.recipes()


def test_recipes_that_cannot_be_read_are_not_none(odoo: FakeOdoo, erp: Odoo) -> None:
    def lack(call: str) -> httpx.Response | None:
        if call == "mrp.bom.search_read":
            raise value_error("Invalid field 'type' on model 'mrp.bom'")
        return None

    odoo.hook = lack
    with pytest.raises(UnsupportedError):
        erp.recipes()


def test_an_odoo_that_is_away_says_nothing_of_an_order(odoo: FakeOdoo, erp: Odoo) -> None:
    made = sold(erp)
    odoo.hook = lambda _: httpx.Response(503)

    with pytest.raises(UnavailableError):
        erp.progress(made.ref)
