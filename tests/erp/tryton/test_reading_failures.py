"""Every way in which reading Tryton can fail, without a server."""

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from accord.erp.tryton.adapter import Tryton
from accord.errors import (
    AccordError,
    RejectedError,
    StaleVersionError,
    UnauthorizedError,
    UnavailableError,
    UnmappedError,
    UnsupportedError,
)
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.model.party import Profile
from accord.ports.erp import Connection

SINCE = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
STAMP = "1795376840.22046"
PARTY = Ref("main", Kind.PARTY, "4")

Reply = Any
"""A result, an answer, or an exception."""


def moment(value: dt.datetime) -> dict[str, Any]:
    """A date and time on Tryton's wire."""
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{part: getattr(value, part) for part in parts}}


def fault(*error: Any) -> httpx.Response:
    return httpx.Response(200, json={"id": 1, "error": list(error)})


DATED = {"_timestamp": STAMP, "create_date": moment(SINCE), "write_date": None}
A_PARTY = {
    "id": 4,
    "name": "Maria Jones",
    **DATED,
    "addresses.": [],
    "contact_mechanisms.": [
        {"id": 9, "active": True, "type": "phone", "value": "+44 113 496 0000", **DATED}
    ],
    "identifiers.": [],
    "customer_payment_term.": None,
    "sale_price_list.": None,
}
PRICE_LIST = {"model": "party.party", "name": "sale_price_list"}


class Scripted:
    """Answers each method with what it was given for it, in turn; the last one stays."""

    def __init__(self, **replies: list[Reply]) -> None:
        self.asked: list[tuple[str, list[Any]]] = []
        self._replies: dict[str, list[Reply]] = {
            "common_db_login": [[1, "token", None]],
            "model_res_user_get_preferences": [{"company": 1}],
            "model_ir_model_field_search_read": [[PRICE_LIST]],
            "model_web_shop_search_read": [
                [
                    {
                        "id": 1,
                        "warehouses": [5],
                        "guest_party": None,
                        "company.": {"currency.": {"code": "GBP"}},
                    }
                ]
            ],
            "model_account_configuration_read": [
                [
                    {
                        "tax_rounding": "line",
                        "default_account_receivable": 1,
                        "default_category_account_revenue": 2,
                        "default_category_account_revenue.": {"id": 2, "code": "4", "name": "R"},
                    }
                ]
            ],
            "model_party_party_search_read": [[A_PARTY]],
            "model_party_party_write": [None],
            **replies,
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.asked.append((body["method"], body["params"]))
        replies = self._replies[body["method"].replace(".", "_")]
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, httpx.Response):
            return httpx.Response(reply.status_code, content=reply.content)
        return httpx.Response(200, json={"id": 1, "result": reply})

    def count(self, method: str) -> int:
        return [asked for asked, _ in self.asked].count(method)


def connected(server: Scripted) -> Tryton:
    connection = Connection(
        name="main",
        adapter="tryton",
        url="https://erp.example",
        options={"database": "base", "web_shop": "Woo store"},
        secret={"login": "connector", "password": "hunter2"},
        timeout=Decimal(1),
    )
    return Tryton.connect(connection, transport=httpx.MockTransport(server))


def update(erp: Tryton, **changes: str) -> Any:
    """``changes`` written on the party as it is now."""
    found = erp.profile(PARTY)
    assert found is not None
    return erp.update_profile(PARTY, Profile(**changes), version=found[1])


def ref(kind: Kind) -> Ref:
    return Ref("main", kind, "1")


CALLS: dict[str, tuple[str, Callable[[Tryton], Any]]] = {
    "progress": (
        "model_sale_sale_search_read",
        lambda erp: erp.progress(ref(Kind.SALES_ORDER)),
    ),
    "which fields there are": (
        "model_ir_model_field_search_read",
        lambda erp: erp.progress(ref(Kind.SALES_ORDER)),
    ),
    "changed orders": (
        "model_sale_sale_search_read",
        lambda erp: erp.changes(Kind.SALES_ORDER, SINCE),
    ),
    "changed shipments": (
        "model_stock_shipment_out_search_read",
        lambda erp: erp.changes(Kind.SHIPMENT, SINCE),
    ),
    "changed invoices": (
        "model_account_invoice_search_read",
        lambda erp: erp.changes(Kind.INVOICE, SINCE),
    ),
    "changed parties": (
        "model_party_party_search_read",
        lambda erp: erp.changes(Kind.PARTY, SINCE),
    ),
    "whether there is a document": (
        "model_account_invoice_search_read",
        lambda erp: erp.document(ref(Kind.INVOICE)),
    ),
    "profile": ("model_party_party_search_read", lambda erp: erp.profile(PARTY)),
    "writing a profile": ("model_party_party_write", lambda erp: update(erp, name="Bo")),
    "its price list": (
        "model_product_price_list_search_read",
        lambda erp: update(erp, price_group="Trade"),
    ),
    "archiving": ("model_party_party_write", lambda erp: erp.archive(PARTY)),
}

FAILURES: dict[str, tuple[Reply, type[AccordError]]] = {
    "no answer": (httpx.ReadTimeout("slow"), UnavailableError),
    "nobody there": (httpx.ConnectError("refused"), UnavailableError),
    "a busy database": (httpx.Response(503, text="busy"), UnavailableError),
    "no JSON": (httpx.Response(200, text="<html>"), UnavailableError),
    "a lost login": (httpx.Response(401), UnauthorizedError),
    "a refusal": (fault("UserError", ["No.", "", None]), RejectedError),
    "a stale stamp": (fault("ConcurrencyException", "stale"), StaleVersionError),
    "an unknown field": (fault("'web_id'", ""), UnsupportedError),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("call", CALLS)
def test_each_call_fails_as_it_should(call: str, failure: str) -> None:
    method, do = CALLS[call]
    reply, error = FAILURES[failure]

    with pytest.raises(error):
        do(connected(Scripted(**{method: [reply]})))


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(
    ("kind", "model", "report"),
    [
        (Kind.INVOICE, "account_invoice", "account_invoice"),
        (Kind.CREDIT_NOTE, "account_invoice", "account_invoice"),
        (Kind.SHIPMENT, "stock_shipment_out", "stock_shipment_out_delivery_note"),
    ],
)
def test_printing_fails_as_it_should(kind: Kind, model: str, report: str, failure: str) -> None:
    reply, error = FAILURES[failure]
    there = {f"model_{model}_search_read": [[{"id": 1}]], f"report_{report}_execute": [reply]}

    with pytest.raises(error):
        connected(Scripted(**there)).document(ref(kind))


def test_a_page_that_breaks_off_answers_nothing_of_it() -> None:
    rows = [{"id": id_, **DATED} for id_ in (1, 2)]
    server = Scripted(model_sale_sale_search_read=[rows, rows, httpx.ReadTimeout("slow")])

    with pytest.raises(UnavailableError):
        connected(server).changes(Kind.SALES_ORDER, SINCE, limit=1)


def test_a_stale_version_writes_nothing() -> None:
    server = Scripted()

    with pytest.raises(StaleVersionError):
        connected(server).update_profile(PARTY, Profile(name="Bo"), version="old")

    assert server.count("model.party.party.write") == 0


def test_a_write_carries_the_stamp_of_the_party_and_of_its_parts() -> None:
    server = Scripted()

    update(connected(server), name="Bo")

    (params,) = (params for method, params in server.asked if method == "model.party.party.write")
    assert params[-1]["_timestamp"] == {"party.party,4": STAMP, "party.contact_mechanism,9": STAMP}


def test_a_refused_number_is_written_once_more_as_plain_text() -> None:
    refused = fault("UserError", ["The phone number is not valid.", "", None])
    server = Scripted(model_party_party_write=[refused, None])

    update(connected(server), phone="ask for Bo")

    written = [params[1] for method, params in server.asked if method == "model.party.party.write"]
    assert [each["contact_mechanisms"][0][2]["type"] for each in written] == ["phone", "other"]


def test_what_is_refused_for_another_reason_is_not_written_again() -> None:
    server = Scripted(model_party_party_write=[FAILURES["a refusal"][0]])

    with pytest.raises(RejectedError):
        update(connected(server), name="Bo")

    assert server.count("model.party.party.write") == 1


def test_a_party_that_goes_while_it_is_written_is_rejected() -> None:
    server = Scripted(model_party_party_search_read=[[A_PARTY], [A_PARTY], []])

    with pytest.raises(RejectedError):
        update(connected(server), name="Bo")


def test_a_price_list_is_a_price_group() -> None:
    trade = {**A_PARTY, "sale_price_list.": {"id": 2, "name": "Trade"}}
    found = connected(Scripted(model_party_party_search_read=[[trade]])).profile(PARTY)

    assert found is not None
    assert found[0].price_group == "Trade"


def test_a_price_group_is_written_as_its_price_list() -> None:
    server = Scripted(model_product_price_list_search_read=[[{"id": 2}]])

    update(connected(server), price_group="Trade")

    (params,) = (params for method, params in server.asked if method == "model.party.party.write")
    assert params[1] == {"sale_price_list": 2}


@pytest.mark.parametrize("rows", [[], [{"id": 2}, {"id": 3}]])
def test_a_price_group_that_is_not_one_price_list_waits(rows: list[Any]) -> None:
    server = Scripted(model_product_price_list_search_read=[rows])

    with pytest.raises(UnmappedError) as caught:
        update(connected(server), price_group="Trade")

    assert caught.value.causes == ("price_group:Trade",)


def test_a_price_group_is_taken_away() -> None:
    trade = {**A_PARTY, "sale_price_list.": {"id": 2, "name": "Trade"}}
    server = Scripted(model_party_party_search_read=[[trade]])

    update(connected(server), price_group="")

    (params,) = (params for method, params in server.asked if method == "model.party.party.write")
    assert params[1] == {"sale_price_list": None}


def test_the_parcels_own_address_of_tracking_is_told() -> None:
    held = [
        {"model": "stock.shipment.out", "name": "packages"},
        {"model": "stock.package", "name": "shipping_tracking_url"},
    ]
    server = Scripted(
        model_ir_model_field_search_read=[held],
        model_sale_sale_search_read=[[]],
    )

    assert connected(server).progress(ref(Kind.SALES_ORDER)) is None

    (params,) = (
        params for method, params in server.asked if method == "model.sale.sale.search_read"
    )
    assert "shipments.packages.shipping_tracking_url" in params[4]
    assert "shipments.carrier.party.name" not in params[4]
