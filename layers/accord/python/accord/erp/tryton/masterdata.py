"""Tryton's ids for our codes: asked in bulk, kept while the process lives."""

from collections.abc import Iterable, Mapping
from typing import Any

from accord.erp.codes import by_code, learn, to_make
from accord.erp.needs import Needs
from accord.erp.tryton.client import Client, search
from accord.erp.tryton.known import (
    TAX_FIELDS,
    Currency,
    Item,
    Journal,
    Known,
    Shop,
    tax_rule,
)
from accord.erp.tryton.options import Options
from accord.erp.tryton.wire import Values, related
from accord.errors import UnmappedError, UnsupportedError

_CAUSES = {
    "items": ("item", "one salable product with that code"),
    "taxes": ("tax", "one sales tax with that name"),
    "currencies": ("currency", "that currency"),
    "carriers": ("carrier", "one carrier with that name"),
    "terms": ("terms", "one payment term with that name"),
    "countries": ("country", "that country"),
    "journals": ("account", "a payment method with a debit account, or its journal, of that name"),
}
"""Field of Known → the prefix of the cause, and what to make in Tryton."""


class MasterData:
    """Items, taxes and the like of one connection.

    A code that is not known is asked for once more at each use, so what is added in Tryton is found
    without a restart; what was found is kept until ``forget``.
    """

    def __init__(self, client: Client, connection: str, options: Options) -> None:
        self._client = client
        self._connection = connection
        self._options = options
        self._known = Known()
        self._shop: Shop | None = None
        self._context: Values | None = None

    def forget(self) -> None:
        """Asks anew from now on: what we know may be why Tryton refused."""
        self._known = Known()
        self._shop = None

    def context(self) -> Values:
        """The context of every call: the company, and one language for what people read."""
        if self._context is None:
            preferences = self._client.call("model.res.user.get_preferences", True, context={})
            company = preferences.get("company")
            if name := self._options.company:
                company = self._one("company.company", [["party.name", "=", name]], "company", name)
            if company is None:
                raise self._unmapped(["company"], "give the user a company, or options.company")
            self._context = {"company": company, "language": "en"}
        return self._context

    def shop(self) -> Shop:
        """What all documents share: three calls, once.

        Raises: UnmappedError: there is no such web shop or warehouse.
        """
        if self._shop is None:
            name = self._options.web_shop
            rows = self._search(
                "web.shop",
                [["name", "=", name], ["company", "=", self.context()["company"]]],
                ["warehouses", "guest_party", "company.currency.code"],
            )
            if not rows:
                raise self._unmapped(
                    [f"web_shop:{name}"], f"make a web shop named {name!r} in Tryton"
                )
            books = self._accounting()
            revenue = related(books, "default_category_account_revenue")
            self._shop = Shop(
                company=self.context()["company"],
                currency=related(related(rows[0], "company"), "currency")["code"],
                web_shop=rows[0]["id"],
                warehouse=self._warehouse(rows[0]["warehouses"]),
                guest=rows[0]["guest_party"],
                revenue=tuple(text for part in ("code", "name") if (text := revenue.get(part))),
                revenue_account=revenue.get("id"),
                receivable=books["default_account_receivable"],
                tax_rounding=books["tax_rounding"],
            )
        return self._shop

    def known(self, needs: Needs) -> Known:
        """The ids of all that ``needs`` names.

        Raises: UnmappedError: naming every code that Tryton does not hold.
        """
        if missing := learn(self._known, needs, self._find):
            causes, what = to_make(missing, _CAUSES)
            raise self._unmapped(causes, f"make {what} in Tryton, or map to another")
        return self._known

    def _find(self, field: str, codes: list[str]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = getattr(self, f"_find_{field}")(codes)
        return found

    # --- one kind each: codes in, what Tryton holds of them out --------------

    def _find_items(self, codes: list[str]) -> dict[str, Item]:
        rows = self._search(
            "product.product",
            [["code", "in", codes], ["salable", "=", True]],
            ["code", "sale_uom"],
        )
        return by_code(rows, lambda row: row["code"], lambda row: Item(row["id"], row["sale_uom"]))

    def _find_taxes(self, codes: list[str]) -> dict[str, Any]:
        children = [f"childs.{name}" for name in TAX_FIELDS] + ["childs.childs"]
        rows = self._search(
            "account.tax",
            [
                ["name", "in", codes],
                ["parent", "=", None],
                ["company", "=", self.context()["company"]],
                ["OR", ["group", "=", None], ["group.kind", "in", ["sale", "both"]]],
            ],
            [*TAX_FIELDS, *children],
        )
        if any(child["childs"] for row in rows for child in row["childs."]):
            raise UnsupportedError(
                f"{self._connection}: taxes nested twice cannot be predicted; map to a simpler one",
                owner="finance",
            )
        return by_code(rows, lambda row: row["name"], tax_rule)

    def _find_currencies(self, codes: list[str]) -> dict[str, Currency]:
        rows = self._search("currency.currency", [["code", "in", codes]], ["code", "rounding"])
        return {row["code"]: Currency(row["id"], row["code"], row["rounding"]) for row in rows}

    def _find_carriers(self, names: list[str]) -> dict[str, int]:
        rows = self._search("carrier", [["party.name", "in", names]], ["party.name"])
        return by_code(rows, lambda row: related(row, "party")["name"], _id)

    def _find_terms(self, names: list[str]) -> dict[str, int]:
        rows = self._search("account.invoice.payment_term", [["name", "in", names]], ["name"])
        return by_code(rows, lambda row: row["name"], _id)

    def _find_countries(self, codes: list[str]) -> dict[str, int]:
        rows = self._search("country.country", [["code", "in", codes]], ["code"])
        return {row["code"]: row["id"] for row in rows}

    def _find_subdivisions(self, codes: list[str]) -> dict[str, int]:
        rows = self._search("country.subdivision", [["code", "in", codes]], ["code"])
        return {row["code"]: row["id"] for row in rows}

    def _find_journals(self, names: list[str]) -> dict[str, Journal]:
        rows = self._search(
            "account.invoice.payment.method",
            [
                ["company", "=", self.context()["company"]],
                [
                    "OR",
                    ["name", "in", names],
                    ["journal.name", "in", names],
                    ["journal.code", "in", names],
                ],
            ],
            ["name", "debit_account", "credit_account", "journal.name", "journal.code"],
        )
        found: dict[str, Journal] = {}
        for row in rows:
            journal = related(row, "journal")
            for name in (row["name"], journal["name"], journal["code"]):
                if name in names and (account := row["debit_account"]):
                    refunds = row["credit_account"] or account
                    found.setdefault(name, Journal(journal["id"], account, refunds))
        return found

    # --- the shop's parts ----------------------------------------------------

    def _accounting(self) -> Values:
        """The company's accounting configuration, a single record."""
        fields = [
            "tax_rounding",
            "default_account_receivable",
            "default_category_account_revenue.code",
            "default_category_account_revenue.name",
        ]
        rows: list[Values] = self._client.call(
            "model.account.configuration.read", [1], fields, context=self.context()
        )
        return rows[0]

    def _warehouse(self, of_shop: list[int]) -> int:
        name = self._options.warehouse
        if name is None:
            if not of_shop:
                raise self._unmapped(
                    ["warehouse"], "give the web shop a warehouse, or name one in options.warehouse"
                )
            return of_shop[0]
        named = ["OR", ["code", "=", name], ["name", "=", name]]
        return self._one("stock.location", [["type", "=", "warehouse"], named], "warehouse", name)

    # --- asking --------------------------------------------------------------

    def _search(self, model: str, domain: list[Any], fields: Iterable[str]) -> list[Values]:
        return search(self._client.call, model, domain, fields, context=self.context())

    def _one(self, model: str, domain: list[Any], what: str, name: str) -> int:
        # Asked without a company where it is the company that is looked for.
        context = self._context or {"language": "en"}
        ids: list[int] = self._client.call(
            f"model.{model}.search", domain, 0, 2, None, context=context
        )
        if len(ids) != 1:
            count = "no" if not ids else "more than one"
            raise self._unmapped(
                [f"{what}:{name}"], f"Tryton holds {count} {what} {name!r}; mend options.{what}"
            )
        return ids[0]

    def _unmapped(self, causes: list[str], remedy: str) -> UnmappedError:
        return UnmappedError(
            f"{self._connection} does not hold {', '.join(causes)}: {remedy}",
            connection=self._connection,
            causes=tuple(causes),
        )


def _id(row: Values) -> int:
    return int(row["id"])
