"""A running Odoo, for the promises that the stand-in keeps: docs/real-odoo.md says how to have one.

``python -m tests.erp.odoo.real FILE`` fills its template database with what the tests refer to.
Tests then share a copy of that, which the server makes and drops.
"""

import itertools
import os
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from accord.erp.odoo.wire import Fault, envelope, result
from accord.errors import RejectedError
from accord.http import json_of
from accord.local.odoo.desk import Furniture
from tests.erp.odoo.conftest import FURNITURE

_COPY_S = 300  # of a database, on a machine that has other work
_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Where:
    """The file of docs/real-odoo.md. ``admin_key`` is the administrator's, ``key`` Accord's."""

    url: str
    template: str
    master_password: str
    admin_key: str
    key: str

    @classmethod
    def of(cls, path: Path) -> "Where":
        """Raises: TypeError: a line lacks, or is one too many."""
        return cls(**tomllib.loads(path.read_text(encoding="utf-8")))


class RealOdoo:
    """Calls ``database`` as its administrator, as the stand-in does."""

    def __init__(self, where: Where, database: str) -> None:
        self.where, self.database = where, database
        self._http = httpx.Client(base_url=where.url, timeout=_COPY_S, trust_env=False)
        self._who: int | None = None

    def call(self, model: str, method: str, *args: Any, **named: Any) -> Any:
        """Raises: RejectedError: with the kind and the text of Odoo's error."""
        key = self.where.admin_key
        if self._who is None:
            self._who = self._asked("common", "authenticate", self.database, "admin", key, {})
        who = (self.database, self._who, key)
        return self._asked("object", "execute_kw", *who, model, method, list(args), named)

    @contextmanager
    def copy(self) -> Iterator["RealOdoo"]:
        """One like it for a while."""
        name = f"{self.database}_{os.getpid()}_{next(_NUMBERS)}"
        if name in self._asked("db", "list"):
            self._manage("drop", name)
        self._manage("duplicate_database", self.database, name)
        try:
            yield RealOdoo(self.where, name)
        finally:
            self._manage("drop", name)

    def _manage(self, method: str, *args: str) -> None:
        self._asked("db", method, self.where.master_password, *args)

    def _asked(self, service: str, method: str, *args: Any) -> Any:
        content = envelope(next(_NUMBERS), service, method, args)
        headers = {"Content-Type": "application/json"}
        response = self._http.post("/jsonrpc", content=content, headers=headers)
        answer = result(json_of(response, "odoo", exact=True))
        if isinstance(answer, Fault):
            raise RejectedError(f"{answer.kind}: {answer.message}")
        return answer


class Copies:
    """A copy of the template for many tests; another one once a test has closed its books."""

    def __init__(self, where: Where) -> None:
        self._template = RealOdoo(where, where.template)
        self._stack = ExitStack()
        self._now: RealOdoo | None = None
        self.is_spoilt = False

    def __enter__(self) -> "Copies":
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def now(self) -> RealOdoo:
        if self.is_spoilt:
            self.drop()
        if self._now is None:
            self._now = self._stack.enter_context(self._template.copy())
        return self._now

    def drop(self) -> None:
        self._now, self.is_spoilt = None, False
        self._stack.close()


def furnish(odoo: RealOdoo, furniture: Furniture = FURNITURE) -> None:
    """``Desk.furnish`` for a database with the apps installed, where much stands already."""

    def ids(model: str, *domain: list[Any]) -> list[int]:
        found: list[int] = odoo.call(model, "search", [*domain, ["active", "in", [True, False]]])
        return found

    def make(model: str, **values: Any) -> int:
        return int(odoo.call(model, "create", values))

    (own,) = ids("res.currency", ["name", "=", furniture.currency])
    odoo.call("res.currency", "write", [own], {"active": True})
    (company,) = odoo.call("res.company", "search", [])
    odoo.call("res.company", "write", [company], {"currency_id": own})
    precisions = odoo.call("decimal.precision", "search", [["name", "=", "Product Price"]])
    odoo.call("decimal.precision", "write", precisions, {"digits": 4})  # as `Desk.furnish` has it
    for rate, code in enumerate(furniture.currencies, start=2):
        (currency,) = ids("res.currency", ["name", "=", code])
        odoo.call("res.currency", "write", [currency], {"active": True})
        make("res.currency.rate", currency_id=currency, name="2020-01-01", rate=float(rate))
        make("product.pricelist", name=f"Public {code}", currency_id=currency)
    for name in (f"Public {furniture.currency}", *furniture.price_lists):
        make("product.pricelist", name=name, currency_id=own)
    for n, name in enumerate(furniture.journals, start=1):
        make("account.journal", name=name, code=f"WEB{n}", type="bank")
    for name in furniture.terms:
        if not ids("account.payment.term", ["name", "=", name]):
            make("account.payment.term", name=name)
    for name in furniture.carriers:
        service = make("product.product", name=name, type="service")
        make("delivery.carrier", name=name, product_id=service)
    for code in furniture.warehouses:
        make("stock.warehouse", name=f"Warehouse {code}", code=code)
    for name, percent in furniture.taxes.items():
        make("account.tax", name=name, amount=float(percent), type_tax_use="sale")
    # The company's own default tax is for what says nothing; here every line says its taxes.
    plain: dict[str, Any] = {"taxes_id": [[6, 0, []]], "list_price": 0.0}
    for code in furniture.items:
        goods = {"type": "consu", "is_storable": True}
        make("product.product", name=f"Item {code}", default_code=code, **goods, **plain)
    for code in furniture.services:
        service_ = {"type": "service", "invoice_policy": "order"}
        make("product.product", name=f"Item {code}", default_code=code, **service_, **plain)


if __name__ == "__main__":
    where_ = Where.of(Path(sys.argv[1]))
    furnish(RealOdoo(where_, where_.template))
