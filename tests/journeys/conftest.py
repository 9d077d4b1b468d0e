"""Every journey with every back office: the parameter ``back_office`` chooses which."""

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accord.local.offices.office import Office
from accord.local.offices.opening import NAMES, Make, opened
from accord.local.offices.xero import XeroOffice
from tests.conftest import order_json
from tests.erp.xero.checking import Checking
from tests.sync.conftest import START

RICH = order_json("order_created_rich")
ON_HOLD = order_json("order_created_on_hold_variation")
SKUS = sorted(
    {line["sku"] for each in (RICH, ON_HOLD) for line in each["line_items"] if line["sku"]}
)
BACK_OFFICES = tuple(
    pytest.param(name, marks=[pytest.mark.tryton] * (name == "tryton")) for name in NAMES
)
RELEASES = ("odoo-16", "odoo-18", "odoo-19")  # beside Odoo 17, of which there are recordings

CUSTOMER = {
    "role": "customer",
    "date_created_gmt": "2026-11-22T15:00:00",
    "date_modified_gmt": "2026-11-22T15:00:00",
    "meta_data": [],
}
NewOffice = Callable[[], Office]
_IDS = itertools.count(5001)


def fresh(order: dict[str, Any] = RICH, **fields: Any) -> dict[str, Any]:
    """The same purchase as an order of its own, of a shopper who was never here: a real back office
    keeps what earlier tests made."""
    id_ = next(_IDS)
    # No two names begin with the same letters, of which account codes are made.
    name = "".join(chr(ord("A") + id_ // 26**place % 26) for place in range(4))
    billing = {
        **order["billing"],
        "email": f"shopper{id_}@example.com",
        "last_name": name,
        "first_name": name,
        "company": f"{name} & Sons",
    }
    links = {"self": [{"href": f"https://store.example/wp-json/wc/v3/orders/{id_}"}]}
    own = {"id": id_, "number": str(id_), "customer_id": id_, "meta_data": []}
    return {**order, **own, "billing": billing, "shipping": billing, "_links": links, **fields}


def at_home(office: Office, order: dict[str, Any]) -> dict[str, Any]:
    """``order``, whose shopper has an account in the office's store."""
    billing, id_ = order["billing"], order["customer_id"]
    name = {field: billing[field] for field in ("email", "first_name", "last_name")}
    account = {**CUSTOMER, **name, "id": id_, "username": billing["email"]}
    office.store.customers[str(id_)] = {**account, "billing": billing, "shipping": billing}
    return order


@pytest.fixture(scope="session")
def offices() -> Iterator[Callable[[str], Make]]:
    """Name and release → what makes such offices; what was opened once stays open."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def of(named: str) -> Make:
            name, _, release = named.partition("-")
            return stack.enter_context(opened(name, START, release=int(release or 0)))

        yield of


@pytest.fixture(params=BACK_OFFICES)
def back_office(request: pytest.FixtureRequest) -> str:
    """``memory``, or ``odoo-16`` for one of its releases."""
    name: str = request.param
    return name


@pytest.fixture
def new_office(offices: Callable[[str], Make], back_office: str) -> NewOffice:
    """Each call makes another, which knows nothing yet."""
    make = offices(back_office)
    return lambda: make(SKUS)


@pytest.fixture
def office(new_office: NewOffice) -> Office:
    """In which all that is said to Xero's stand-in, and by it, is held against Xero's own file."""
    office = new_office()
    if isinstance(office, XeroOffice):
        office.wire.inner = Checking(office.xero)
    return office
