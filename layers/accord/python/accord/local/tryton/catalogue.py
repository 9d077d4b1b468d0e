"""What a demo's orders refer to, put into the local Tryton; and what stands there afterwards."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accord.erp.tryton.client import Client
from accord.erp.tryton.wire import related
from accord.local.tryton.names import PAYMENT_TERM, SALES_CATEGORY, TAX_ACCOUNT
from accord.local.tryton.server import TrytonServer
from accord.model.money import digits

_CONTEXT = {"company": 1, "language": "en"}
_LONG_AGO = dt.date(2000, 1, 1)
_BATCH = 50  # records of one call: SQLite's parser overflows at a hundred items
_OF_SALES = [["name", "=", SALES_CATEGORY], ["accounting", "=", True]]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Codes and names of the master data that orders need.

    ``taxes`` are percentages by code (the tax's name in Tryton); ``carriers`` the codes of their
    shipping items by name; ``units`` what an item is sold in, where that is not "Unit", of which
    there are no parts; ``prices`` are list prices, net and in pounds, where there are any.
    ``categories`` are accounting categories by name, with their sales taxes: what tells the taxes
    of an item that the store brings. A currency that Tryton lacks is made with the rate 1.0 to the
    pound: a placeholder, since amounts are compared in the order's own currency.
    """

    currencies: tuple[str, ...] = ()
    taxes: Mapping[str, Decimal] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    parties: Mapping[str, str] = field(default_factory=dict)
    carriers: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    payment_terms: tuple[str, ...] = (PAYMENT_TERM,)


def seed(server: TrytonServer, catalogue: Catalogue) -> None:
    """Makes what Tryton lacks of ``catalogue``; what is there stays as it is."""
    client = server.administrator()
    _currencies(client, catalogue.currencies)
    _taxes(client, catalogue.taxes)
    _categories(client, catalogue.categories)
    _items(client, catalogue, catalogue.items, "goods")
    _items(client, catalogue, catalogue.services, "service")
    _parties(client, catalogue.parties)
    _carriers(client, catalogue.carriers)
    lacking = _lacking(client, "account.invoice.payment_term", "name", catalogue.payment_terms)
    lines = [["create", [{"type": "remainder"}]]]
    _create(
        client,
        "account.invoice.payment_term",
        [{"name": name, "lines": lines} for name in lacking],
    )


def sales(server: TrytonServer) -> list[dict[str, Any]]:
    """Every order of the web shop, oldest first, with its lines and their taxes.

    ``web_id, number, reference, state, currency, party, net, tax, gross, invoices, shipments`` and
    ``lines`` of ``description, item, quantity, unit_price, net, taxes``. Amounts are Decimals.
    """
    rows = server.administrator().call(
        "model.sale.sale.search_read",
        [["web_id", "!=", None]],
        0,
        None,
        [["id", "ASC"]],
        [
            *("web_id", "number", "reference", "state", "sale_date", "comment"),
            *("untaxed_amount", "tax_amount", "total_amount", "invoices", "shipments"),
            *("currency.code", "party.code", "party.name"),
            *("lines.type", "lines.description", "lines.quantity", "lines.unit_price"),
            *("lines.amount", "lines.product.code", "lines.taxes.name"),
        ],
        context=_CONTEXT,
    )
    return [_sale(row) for row in rows]


def counts(server: TrytonServer) -> dict[str, int]:
    """How many orders, parties, invoices, shipments and posted moves there are."""
    client = server.administrator()
    asked: dict[str, tuple[str, list[Any]]] = {
        "orders": ("sale.sale", []),
        "parties": ("party.party", []),
        "invoices": ("account.invoice", []),
        "shipments": ("stock.shipment.out", []),
        "moves": ("account.move", [["state", "=", "posted"]]),
    }
    return {
        name: client.call(f"model.{model}.search_count", domain, 0, None, context=_CONTEXT)
        for name, (model, domain) in asked.items()
    }


def _sale(row: dict[str, Any]) -> dict[str, Any]:
    lines = [
        {
            "description": line["description"],
            "item": related(line, "product").get("code"),
            "quantity": line["quantity"],
            "unit_price": line["unit_price"],
            "net": line["amount"],
            "taxes": [tax["name"] for tax in line["taxes."]],
        }
        for line in row["lines."]
    ]
    return {
        "web_id": row["web_id"],
        "number": row["number"],
        "reference": row["reference"],
        "state": row["state"],
        "placed_on": row["sale_date"],
        "comment": row["comment"],
        "currency": related(row, "currency")["code"],
        "party": related(row, "party"),
        "net": row["untaxed_amount"],
        "tax": row["tax_amount"],
        "gross": row["total_amount"],
        "invoices": len(row["invoices"]),
        "shipments": len(row["shipments"]),
        "lines": lines,
    }


def _currencies(client: Client, codes: tuple[str, ...]) -> None:
    _create(
        client,
        "currency.currency",
        [
            {
                "name": code,
                "code": code,
                "symbol": code,
                "digits": digits(code),
                "rounding": Decimal(1).scaleb(-digits(code)),
                "rates": [["create", [{"date": _LONG_AGO, "rate": Decimal("1.0")}]]],
            }
            for code in _lacking(client, "currency.currency", "code", codes)
        ],
    )


def _taxes(client: Client, taxes: Mapping[str, Decimal]) -> None:
    account = _id(client, "account.account", [["code", "=", TAX_ACCOUNT]])
    _create(
        client,
        "account.tax",
        [
            {
                "name": code,
                "description": f"{taxes[code].normalize():f} %",
                "type": "percentage",
                "rate": taxes[code] / 100,
                "company": 1,
                "invoice_account": account,
                "credit_note_account": account,
            }
            for code in _lacking(client, "account.tax", "name", tuple(taxes))
        ],
    )


def _categories(client: Client, categories: Mapping[str, tuple[str, ...]]) -> None:
    accounts = ("account_revenue", "account_expense")
    sales = _id(client, "product.category", _OF_SALES)
    (row,) = client.call("model.product.category.read", [sales], list(accounts), context=_CONTEXT)
    for name in _lacking(client, "product.category", "name", tuple(categories)):
        taxes = [_id(client, "account.tax", [["name", "=", tax]]) for tax in categories[name]]
        values = {account: row[account] for account in accounts}
        values |= {"name": name, "accounting": True, "customer_taxes": [["add", taxes]]}
        _create(client, "product.category", [values])


def _items(client: Client, catalogue: Catalogue, items: Mapping[str, str], kind: str) -> None:
    names = {code: catalogue.units.get(code, "Unit") for code in items}
    ids = {name: _id(client, "product.uom", [["name", "=", name]]) for name in set(names.values())}
    category = _id(client, "product.category", _OF_SALES)
    _create(
        client,
        "product.template",
        [
            {
                "name": items[code],
                "code": code,
                "type": kind,
                "default_uom": ids[names[code]],
                "sale_uom": ids[names[code]],
                "salable": True,
                "list_price": catalogue.prices.get(code, Decimal(0)),
                "account_category": category,
                "products": [["create", [{}]]],
            }
            for code in _lacking(client, "product.product", "code", tuple(items))
        ],
    )


def _parties(client: Client, parties: Mapping[str, str]) -> None:
    _create(
        client,
        "party.party",
        [
            {
                "code": code,
                "name": parties[code],
                "addresses": [["create", [{"invoice": True, "delivery": True}]]],
            }
            for code in _lacking(client, "party.party", "code", tuple(parties))
        ],
    )


def _carriers(client: Client, carriers: Mapping[str, str]) -> None:
    there = {
        related(row, "party")["name"]
        for row in client.call(
            "model.carrier.search_read", [], 0, None, None, ["party.name"], context=_CONTEXT
        )
    }
    for name in carriers.keys() - there:
        (party,) = client.call("model.party.party.create", [{"name": name}], context=_CONTEXT)
        item = _id(client, "product.product", [["code", "=", carriers[name]]])
        _create(client, "carrier", [{"party": party, "carrier_product": item}])


def _lacking(client: Client, model: str, field_: str, codes: tuple[str, ...]) -> list[str]:
    there: set[str] = set()
    for start in range(0, len(codes), _BATCH):
        rows = client.call(
            f"model.{model}.search_read",
            [[field_, "in", list(codes[start : start + _BATCH])]],
            0,
            None,
            None,
            [field_],
            context=_CONTEXT,
        )
        there |= {row[field_] for row in rows}
    return [code for code in dict.fromkeys(codes) if code not in there]


def _create(client: Client, model: str, values: list[dict[str, Any]]) -> None:
    for start in range(0, len(values), _BATCH):
        client.call(f"model.{model}.create", values[start : start + _BATCH], context=_CONTEXT)


def _id(client: Client, model: str, domain: list[Any]) -> int:
    ids = client.call(f"model.{model}.search", domain, 0, 1, None, context=_CONTEXT)
    return int(ids[0])
