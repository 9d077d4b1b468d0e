"""Which company is worked for, and that the connection's check says so when it is none."""

import json
from typing import Any

import httpx
import pytest

from accord.erp.odoo.adapter import Odoo
from accord.errors import UnauthorizedError, UnmappedError
from accord.local.odoo import FakeOdoo
from accord.local.odoo.faults import access_error
from accord.model.change import Ref
from accord.model.documents import Kind
from tests.erp.odoo.conftest import connected, connection
from tests.erp.odoo.test_masterdata import order

READS = {
    "profile": lambda erp: erp.profile(Ref("main", Kind.PARTY, "1")),
    "find_items": lambda erp: erp.find_items(["MUG"]),
    "item_ids": lambda erp: erp.item_ids(),
    "find": lambda erp: erp.find(Kind.CREDIT_NOTE, "uk-1"),
    "prices": lambda erp: erp.prices(["1"], [], currency="GBP"),
    "recipes": lambda erp: erp.recipes(),
    "archive": lambda erp: erp.archive(Ref("main", Kind.PARTY, "1")),
}


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("api", ["json-rpc", "json-2"])
def test_whatever_is_asked_first_is_asked_for_the_named_company(
    odoo: FakeOdoo, name: str, api: str
) -> None:
    odoo.version = 19
    odoo.call("res.partner", "create", {"name": "Maria"})
    another = odoo.call("res.company", "create", {"name": "Another", "currency_id": 1})
    contexts: list[tuple[str, dict[str, Any]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.path != "/jsonrpc":
            contexts.append((request.url.path.split("/")[3], body["context"]))
        elif body["params"]["service"] == "object":
            args = body["params"]["args"]
            contexts.append((args[3], args[6]["context"]))
        return odoo(request)

    options = connection(company="Another", warehouse=None, api=api)
    READS[name](Odoo.connect(options, transport=httpx.MockTransport(answer)))

    (first, _), *others = contexts
    assert first == "res.company"
    assert others
    assert {each.get("allowed_company_ids", [0])[0] for _, each in others} == {another}


def test_no_company_is_asked_for_where_none_is_named(odoo: FakeOdoo, erp: Odoo) -> None:
    erp.find_items(["MUG"])

    assert odoo.calls["res.company.search_read"] == 0


def test_nothing_is_done_for_a_company_that_is_not_there(odoo: FakeOdoo) -> None:
    with pytest.raises(UnmappedError, match=r"mend options\.company") as caught:
        connected(odoo, company="No such").find_items(["MUG"])

    assert caught.value.causes == ("company:No such",)
    assert odoo.calls["product.product.search_read"] == 0


def test_a_company_that_may_not_be_seen_is_a_matter_of_rights(odoo: FakeOdoo) -> None:
    def hide(call: str) -> httpx.Response | None:
        if call.startswith("res.company"):
            raise access_error("You are not allowed")
        return None

    odoo.hook = hide
    with pytest.raises(UnauthorizedError, match="rights"):
        connected(odoo, company="My Company").find_items(["MUG"])


@pytest.mark.parametrize(
    ("options", "cause"),
    [({"company": "No such"}, "company:No such"), ({"warehouse": "NROTH"}, "warehouse:NROTH")],
)
def test_a_check_names_what_is_mistyped(
    odoo: FakeOdoo, options: dict[str, str], cause: str
) -> None:
    with pytest.raises(UnmappedError, match=r"mend options\.") as caught:
        connected(odoo, **options).ping()

    assert caught.value.causes == (cause,)


def test_a_check_asks_anew_each_time(odoo: FakeOdoo, erp: Odoo) -> None:
    erp.ping()
    (place,) = odoo.call("stock.warehouse", "search", [["code", "=", "MAIN"]])
    odoo.call("stock.warehouse", "write", [place], {"code": "OLD", "name": "Old"})

    with pytest.raises(UnmappedError, match="warehouse:MAIN"):
        erp.ping()


def test_a_changed_quotation_still_leaves_from_the_named_warehouse(odoo: FakeOdoo) -> None:
    """Odoo chooses it anew whenever the customer is written: seen on a real 19.0."""
    odoo.call("res.partner", "create", {"name": "Maria Jones"})
    erp = connected(odoo, warehouse="EAST")
    made = erp.create(order(), key="uk-1")

    erp.amend(made, order(number="1042-2"))

    (row,) = odoo.call("sale.order", "read", [int(made.ref.id)], ["warehouse_id", "origin"])
    assert (row["warehouse_id"][1], row["origin"]) == ("Warehouse EAST", "1042-2")
