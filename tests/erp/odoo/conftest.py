"""A stand-in for Odoo with the tests' catalogue, its clock, and an adapter that speaks to it."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest

from accord.erp.odoo.adapter import Odoo
from accord.local.odoo import Desk, FakeOdoo
from accord.local.odoo.desk import Furniture
from accord.ports.erp import Connection

START = dt.datetime.now(dt.UTC).replace(hour=12, minute=0, second=0, microsecond=0)
FURNITURE = Furniture(
    taxes={
        "VAT 20%": Decimal(20),
        "VAT 5%": Decimal(5),
        "VAT 0%": Decimal(0),
    },
    items=("MUG",),
    services=("SHIPPING", "OTHER"),
    journals={"Web payments": "BNK1"},
    terms=("30 Days",),
    carriers=("Parcel Post",),
    price_lists=("Wholesale",),
)
OPTIONS = {
    "database": "shopdb",
    "user": "connector",
    "warehouse": "MAIN",
    "accounts": {"4000": "OTHER"},
}


class Clock:
    """It stands still within a second but for its fractions, as a database's dates do."""

    def __init__(self) -> None:
        self.now = START
        self._fraction = 0

    def __call__(self) -> dt.datetime:
        self._fraction = (self._fraction + 1) % 900_000
        return self.now.replace(microsecond=self._fraction)

    def moment(self) -> dt.datetime:
        """Later than all that happened, earlier than all that follows."""
        self.now += dt.timedelta(seconds=2)
        return self.now - dt.timedelta(seconds=1)


Make = Callable[..., FakeOdoo]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def furnished(clock: Clock, version: int = 17) -> FakeOdoo:
    odoo = FakeOdoo(version=version, clock=clock)
    Desk(odoo).furnish(FURNITURE)
    return odoo


@pytest.fixture
def odoo(clock: Clock) -> FakeOdoo:
    return furnished(clock)


def connection(url: str = "https://erp.example", **options: object) -> Connection:
    return Connection(
        name="main",
        adapter="odoo",
        url=url,
        options={**OPTIONS, **options},
        secret={"key": "an-api-key"},
        timeout=Decimal(2),
    )


def connected(odoo: FakeOdoo, **options: object) -> Odoo:
    return Odoo.connect(connection(**options), transport=httpx.MockTransport(odoo))


@pytest.fixture
def erp(odoo: FakeOdoo) -> Odoo:
    return connected(odoo)


@pytest.fixture
def desk(odoo: FakeOdoo) -> Desk:
    return Desk(odoo)
