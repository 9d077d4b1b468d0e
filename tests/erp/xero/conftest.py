"""A stand-in for Xero with the tests' organisation, its clock, and an adapter that speaks to it.

Every request of the adapter and every answer of the stand-in is held against Xero's own OpenAPI file.
"""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from accord.erp.xero.adapter import Xero
from accord.erp.xero.client import Client
from accord.http import http_client
from accord.local.xero import Desk, FakeXero
from accord.local.xero.desk import Furniture
from accord.local.xero.server import TENANT, TOKEN
from accord.ports.erp import Connection
from accord.ports.tokens import Access
from tests.erp.xero.checking import Checking

START = dt.datetime.now(dt.UTC).replace(hour=12, minute=0, second=0, microsecond=0)
FURNITURE = Furniture(
    taxes={
        "OUTPUT2": Decimal(20),
        "RROUTPUT": Decimal(5),
        "ZERORATEDOUTPUT": Decimal(0),
    },
    items=("MUG",),
    services=("SHIPPING", "OTHER"),
    accounts={"4000": "Online sales"},
    banks={"091": "Web payments"},
    tracking={"Channel": ("Web shop", "Counter")},
)
URL = "https://api.xero.com"


class Clock:
    """It stands still within a second but for its fractions, in the milliseconds Xero tells."""

    def __init__(self) -> None:
        self.now = START
        self._fraction = 0

    def __call__(self) -> dt.datetime:
        self._fraction = (self._fraction + 1) % 900
        return self.now.replace(microsecond=self._fraction * 1000)

    def moment(self) -> dt.datetime:
        """Later than all that happened, earlier than all that follows."""
        self.now += dt.timedelta(seconds=2)
        return self.now - dt.timedelta(seconds=1)


class Tokens:
    """Access to the stand-in. ``renewals`` are what it is renewed with, one after the other."""

    def __init__(self, token: str = TOKEN, *renewals: str, tenant: str = TENANT) -> None:
        self.token = token
        self.tenant = tenant
        self.renewals = list(renewals)
        self.renewed_for: list[Access] = []

    def access(self) -> Access:
        return Access(self.token, self.tenant)

    def renewed(self, refused: Access) -> Access:
        self.renewed_for.append(refused)
        if self.renewals:
            self.token = self.renewals.pop(0)
        return self.access()

    def another(self, refused: Access) -> Access | None:
        return None if self.access() == refused else self.access()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def furnished(clock: Clock) -> FakeXero:
    xero = FakeXero(clock=clock)
    Desk(xero).furnish(FURNITURE)
    return xero


@pytest.fixture
def xero(clock: Clock) -> FakeXero:
    return furnished(clock)


@pytest.fixture
def desk(xero: FakeXero) -> Desk:
    return Desk(xero)


def connection(url: str = URL, *, tokens: Tokens | None = None, **options: object) -> Connection:
    return Connection(
        name="main",
        adapter="xero",
        url=url,
        options=options,
        secret={"client_id": "an-app", "client_secret": "a-secret"},
        timeout=Decimal(2),
        tokens=tokens or Tokens(),
    )


def connected(xero: FakeXero, *, tokens: Tokens | None = None, **options: object) -> Xero:
    """By the stand-in's clock."""
    here = dataclasses.replace(connection(tokens=tokens, **options), clock=xero.clock)
    return Xero.connect(here, transport=Checking(xero))


@pytest.fixture
def erp(xero: FakeXero) -> Xero:
    return connected(xero)


def calling(xero: FakeXero, *, tokens: Tokens | None = None) -> Client:
    """What the adapter calls with, without the adapter."""
    http = http_client(URL, timeout=2, transport=Checking(xero))
    return Client(http, connection="main", tokens=tokens or Tokens())


@pytest.fixture
def client(xero: FakeXero) -> Client:
    return calling(xero)
