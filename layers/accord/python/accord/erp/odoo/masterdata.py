"""Odoo's ids for our codes: asked in bulk, kept while the process lives."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final

from accord.erp.codes import by_code, learn, to_make
from accord.erp.needs import Needs
from accord.erp.odoo.client import Client
from accord.erp.odoo.known import Company, Currency, Known
from accord.erp.odoo.options import Options
from accord.erp.odoo.taxes import TaxRule
from accord.erp.odoo.wire import Values, decimal, id_of, name_of
from accord.errors import UnmappedError, UnsupportedError
from accord.ports.advice import Advice

_CAUSES: Final = {
    "items": ("item", "one product that can be sold with that internal reference"),
    "taxes": ("tax", "one sales tax with that name"),
    "currencies": ("currency", "that currency, active and with a price list in it"),
    "carriers": ("carrier", "one delivery method with that name"),
    "terms": ("terms", "one payment term with that name"),
    "countries": ("country", "that country"),
    "journals": ("account", "one bank or cash journal of that name or code"),
    "accounts": ("account", "a service item that books there, and name it in options.accounts"),
}
"""Field of Known → the prefix of the cause, and what to make in Odoo."""

_TAX_FIELDS: Final = (
    "name",
    "amount_type",
    "amount",
    "price_include",
    "include_base_amount",
    "is_base_affected",
    "sequence",
    "children_tax_ids",
)
_LINE: Final = "sale.order.line"
_QUANTITY: Final = "product_uom_qty"
_ENOUGH_DIGITS: Final = 4  # of a price: to the cent for some hundred pieces
_DIGITS: Final = 2  # of a price, up to 18, and of a quantity, in a new database


class MasterData:
    """Items, taxes and the like of one company.

    A code that is not known is asked for once more at each use, so what is added in Odoo is found
    without a restart; what was found is kept until ``forget``.
    """

    def __init__(self, client: Client, options: Options) -> None:
        self._client = client
        self._connection = client.connection
        self._options = options
        self._known = Known()
        self._company: Company | None = None
        self._fields: dict[str, Mapping[str, Values]] = {}

    def forget(self) -> None:
        """Asks anew from now on: what we know may be why Odoo refused."""
        self._known = Known()
        self._company = None

    def has(self, model: str, field: str) -> bool:
        """Whether this release, with the apps that it has, knows the field. Asked once a model."""
        return field in self._described(model)

    def _described(self, model: str) -> Mapping[str, Values]:
        if model not in self._fields:
            attributes = ["type", "digits"]
            self._fields[model] = self._client.call(model, "fields_get", attributes=attributes)
        return self._fields[model]

    def has_by_now(self, model: str, field: str) -> bool:
        """As ``has``, asked until it does: an app may be installed at any time."""
        if field not in self._fields.get(model, ()):
            self._fields.pop(model, None)
        return self.has(model, field)

    def of_release(self, model: str, *names: str) -> str:
        """The first of ``names`` that this release knows: fields were renamed.

        Raises: UnsupportedError: it knows none.
        """
        for name in names:
            if self.has(model, name):
                return name
        raise UnsupportedError(
            f"{self._connection}: {model} has no {' or '.join(names)}; releases from 16 to 19 do"
        )

    def company(self) -> Company:
        """What all documents share: three calls at most, once.

        Raises: UnmappedError: there is no such company or warehouse.
        """
        if self._company is None:
            row = self._company_row("name", "currency_id", "tax_calculation_rounding_method")
            self._company = Company(
                id=row["id"],
                currency=name_of(row["currency_id"]),
                warehouse=self._warehouse(row["id"]),
                rounding=row["tax_calculation_rounding_method"],
                price_digits=self._digits("price_unit"),
            )
        return self._company

    def check(self) -> None:
        """Asks anew whether the company and the warehouse are there: two calls.

        Raises: UnmappedError: one of them is not.
        """
        self._warehouse(self._company_row("name")["id"])

    def _company_row(self, *fields: str) -> Values:
        id_ = self._client.company()
        domain = [] if id_ is None else [["id", "=", id_]]
        rows = self._client.search_read("res.company", domain, fields, limit=2)
        if len(rows) != 1:
            count = "none" if not rows else "more than one"
            raise self.unmapped(["company"], f"its user sees {count} of that; mend options.company")
        return rows[0]

    def known(self, needs: Needs) -> Known:
        """The ids of all that ``needs`` names.

        Raises: UnmappedError: naming every code that Odoo does not hold.
        """
        if missing := learn(self._known, needs, self._find):
            causes, what = to_make(missing, _CAUSES)
            raise self.unmapped(causes, f"make {what} in Odoo, or map to another")
        return self._known

    def _find(self, field: str, codes: list[str]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = getattr(self, f"_find_{field}")(codes)
        return found

    def unmapped(self, causes: Iterable[str], remedy: str) -> UnmappedError:
        causes = tuple(causes)
        return UnmappedError(
            f"{self._connection} does not hold {', '.join(causes)}: {remedy}",
            connection=self._connection,
            causes=causes,
        )

    def advice(self) -> list[Advice]:
        """Of prices that are rounded before they are multiplied."""
        digits = self.company().price_digits
        if digits is None or digits >= _ENOUGH_DIGITS:
            return []
        return [
            Advice(
                "prices",
                "Product Price",
                f"Odoo rounds the price of one piece to {digits} decimals: 3 for 10.00 become 9.99 "
                "and a rounding line, 100 for 333.33 become 333.00 and wait for a person",
                f"set it to {_ENOUGH_DIGITS} or more in Odoo, Settings, Technical, Decimal "
                "Accuracy (developer mode)",
            )
        ]

    def check_quantities(self, quantities: Iterable[Decimal]) -> None:
        """Raises: UnmappedError: Odoo would round one, and other goods would leave."""
        digits = max((_decimals(each) for each in quantities), default=0)
        if not self._rounds(digits):
            return
        self._fields.pop(_LINE)  # somebody may have mended it since
        if self._rounds(digits):
            raise self.unmapped(
                [f"precision:{digits}"],
                f"it rounds quantities to {self._digits(_QUANTITY)} decimals; set Product Unit to "
                f"{digits} in Odoo, Settings, Technical, Decimal Accuracy (developer mode)",
            )

    def _rounds(self, digits: int) -> bool:
        kept = self._digits(_QUANTITY)
        return kept is not None and digits > kept

    # --- one kind each: codes in, what Odoo holds of them out ----------------

    def _find_items(self, codes: list[str]) -> dict[str, int]:
        domain = [["default_code", "in", codes], ["sale_ok", "=", True]]
        rows = self._search("product.product", domain, ["default_code"])
        return by_code(rows, itemgetter("default_code"), _id)

    def _find_taxes(self, codes: list[str]) -> dict[str, TaxRule]:
        domain = [
            ["name", "in", codes],
            ["type_tax_use", "=", "sale"],
            ["company_id", "=", self.company().id],
        ]
        rows = self._search("account.tax", domain, _TAX_FIELDS)
        parts = [id_ for row in rows for id_ in row["children_tax_ids"]]
        children = self._client.read("account.tax", parts, _TAX_FIELDS) if parts else []
        of_id = {row["id"]: self._tax(row, {}) for row in children}
        return by_code(rows, itemgetter("name"), lambda row: self._tax(row, of_id))

    def _tax(self, row: Values, children: dict[int, TaxRule]) -> TaxRule:
        parts = tuple(children[id_] for id_ in row["children_tax_ids"] if id_ in children)
        if row["price_include"] or (row["amount_type"] not in {"percent", "fixed"} and not parts):
            kind = "included in the price" if row["price_include"] else row["amount_type"]
            raise UnsupportedError(
                f"{self._connection}: tax {row['name']} is {kind}; map to one that is a percentage "
                "or a fixed amount on top of the price, which is what the store's net amounts need",
                owner="finance",
            )
        return TaxRule(
            id=row["id"],
            name=row["name"],
            type="fixed" if row["amount_type"] == "fixed" else "percent",
            amount=decimal(row["amount"]),
            sequence=row["sequence"],
            raises_base=bool(row["include_base_amount"]),
            is_raised=bool(row["is_base_affected"]),
            children=parts,
        )

    def _find_currencies(self, codes: list[str]) -> dict[str, Currency]:
        company = self.company()
        rows = self._search("res.currency", [["name", "in", codes]], ["name", "rounding"])
        domain = [
            ["currency_id", "in", [row["id"] for row in rows]],
            ["company_id", "in", [False, company.id]],
        ]
        lists = self._search("product.pricelist", domain, ["currency_id"]) if rows else []
        first: dict[int | None, int] = {}
        for row in lists:
            first.setdefault(id_of(row["currency_id"]), row["id"])
        return {
            row["name"]: Currency(
                row["id"], row["name"], decimal(row["rounding"]), first.get(row["id"])
            )
            for row in rows
            if row["id"] in first or row["name"] == company.currency
        }

    def _find_carriers(self, names: list[str]) -> dict[str, int]:
        if not self.has("sale.order", "carrier_id"):
            raise UnsupportedError(
                f"{self._connection} knows no delivery methods; install Odoo's app for them, or "
                "map no carrier"
            )
        return by_code(
            self._search("delivery.carrier", [["name", "in", names]], ["name"]),
            itemgetter("name"),
            _id,
        )

    def _find_terms(self, names: list[str]) -> dict[str, int]:
        rows = self._search("account.payment.term", [["name", "in", names]], ["name"])
        return by_code(rows, itemgetter("name"), _id)

    def _find_countries(self, codes: list[str]) -> dict[str, int]:
        return by_code(
            self._search("res.country", [["code", "in", codes]], ["code"]), itemgetter("code"), _id
        )

    def _find_subdivisions(self, codes: list[str]) -> dict[str, int]:
        """By ISO 3166-2; Odoo keeps what stands behind the country."""
        domain = [["code", "in", [code.partition("-")[2] for code in codes]]]
        rows = self._search("res.country.state", domain, ["code", "country_id"])
        countries = {id_ for row in rows if (id_ := id_of(row["country_id"]))}
        of_id = {
            row["id"]: row["code"]
            for row in self._search("res.country", [["id", "in", sorted(countries)]], ["code"])
        }
        found = {f"{of_id.get(id_of(row['country_id']))}-{row['code']}": row["id"] for row in rows}
        return {code: found[code] for code in codes if code in found}

    def _find_journals(self, names: list[str]) -> dict[str, int]:
        domain = [
            ["company_id", "=", self.company().id],
            ["type", "in", ["bank", "cash", "credit"]],
            "|",
            ["name", "in", names],
            ["code", "in", names],
        ]
        rows = self._search("account.journal", domain, ["name", "code"])
        found: dict[str, int] = {}
        for name in names:
            # A code is one journal's alone; a name may be several's.
            meant = [row for row in rows if row["code"] == name]
            meant = meant or [row for row in rows if row["name"] == name]
            if len(meant) > 1:
                both = " and ".join(str(row["code"]) for row in meant)
                raise self.unmapped(
                    [f"account:{name}"], f"journals {both} bear that name; map to the code of one"
                )
            if meant:
                found[name] = meant[0]["id"]
        return found

    def _find_accounts(self, codes: list[str]) -> dict[str, int]:
        named = {
            code: self._options.accounts[code] for code in codes if code in self._options.accounts
        }
        items = self._find_items(sorted(set(named.values()))) if named else {}
        return {code: items[item] for code, item in named.items() if item in items}

    # --- the company's parts -------------------------------------------------

    def _warehouse(self, company: int) -> int | None:
        name = self._options.warehouse
        if name is None:
            return None
        domain = [["company_id", "=", company], "|", ["code", "=", name], ["name", "=", name]]
        rows = self._search("stock.warehouse", domain, ["code"])
        if len(rows) != 1:
            raise self.unmapped([f"warehouse:{name}"], "mend options.warehouse")
        return int(rows[0]["id"])

    def _digits(self, field: str) -> int | None:
        """Decimals that it is rounded to; None: to none, as prices are not since 19, where
        "Product Price" says only how many are shown at least."""
        digits = self._described(_LINE)[field].get("digits")
        if digits is False:
            return None
        return int(digits[1]) if digits else _DIGITS

    def _search(self, model: str, domain: list[Any], fields: Iterable[str]) -> list[Values]:
        return self._client.search_read(model, domain, fields)


def _decimals(number: Decimal) -> int:
    return max(0, -int(number.normalize().as_tuple().exponent))


def unit_of(digits: int) -> Decimal:
    """What a number of that many decimals is a multiple of."""
    return Decimal(1).scaleb(-digits)


def _id(row: Values) -> int:
    return int(row["id"])
