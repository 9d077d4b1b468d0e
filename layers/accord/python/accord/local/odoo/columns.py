"""The kinds of fields that models are made of."""

from decimal import Decimal
from typing import Any

from accord.local.odoo.orm import Compute, Database, Field

TEXT = Field()
FLAG = Field("boolean")
NUMBER = Field("float", default=Decimal(0))
WHOLE = Field("integer", default=0)
DAY = Field("date")
MOMENT = Field("datetime")
ACTIVE = Field("boolean", default=True)


def one(of: str, default: Any = False, *, required: bool = False) -> Field:
    return Field("many2one", of, default=default, required=required)


def many(of: str, inverse: str) -> Field:
    return Field("one2many", of, inverse)


def several(of: str) -> Field:
    return Field("many2many", of)


def amount(compute: Compute) -> Field:
    return Field("float", compute=compute)


def price(version: int, default: Decimal = Decimal(0)) -> Field:
    """Since 19 its digits are only what is shown of it at least."""
    return Field("float", default=default, digits=False if version >= 19 else "Product Price")


def quantity(version: int) -> Field:
    name = "Product Unit" if version >= 19 else "Product Unit of Measure"
    return Field("float", default=Decimal(1), digits=name)


def _first_company(database: Database) -> int:
    allowed = database.context.get("allowed_company_ids")
    return int(allowed[0] if allowed else min(database.tables["res.company"]))


COMPANY = one("res.company", _first_company)
SHARED = one("res.company")
