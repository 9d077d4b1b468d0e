"""One real Tryton for all tests of a worker, and a lighter one made of recordings."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.local.tryton import CACHE, Catalogue, TrytonServer, seed

REPOSITORY = Path(__file__).parents[3]

CATALOGUE = Catalogue(
    currencies=("GBP", "EUR", "JPY"),
    taxes={
        "VAT 20%": Decimal(20),
        "VAT 5%": Decimal(5),
        "VAT 0%": Decimal(0),
        "GST 5%": Decimal(5),
        "QST 9.975%": Decimal("9.975"),
    },
    items={"MUG": "Mug", "ROPE": "Rope"},
    services={"SHIPPING-FEE": "Shipping", "ROUNDING": "Rounding"},
    units={"ROPE": "Meter"},
    parties={"WEBGUEST": "Web guests"},
    carriers={"Parcel Post": "SHIPPING-FEE"},
    categories={"Goods at 20%": ("VAT 20%",), "Goods at 5%": ("VAT 5%",)},
)


@pytest.fixture(scope="session")
def server() -> Iterator[TrytonServer]:
    """A real Tryton with the tests' catalogue. Made once, in half a minute, then kept."""
    with TrytonServer.ready(REPOSITORY / CACHE, progress=print) as server:
        seed(server, CATALOGUE)
        yield server


@pytest.fixture(scope="session")
def erp(server: TrytonServer) -> Tryton:
    """The adapter, connected once, as in a worker that is warm."""
    return Tryton.connect(server.connection())


@pytest.fixture
def spent(erp: Tryton) -> Callable[[], dict[str, int]]:
    """What ``erp`` has sent since it was last asked, by method."""
    seen = erp.calls

    def since() -> dict[str, Any]:
        now = erp.calls
        new = {method: n - seen.get(method, 0) for method, n in now.items()}
        seen.update(now)
        return {method: n for method, n in new.items() if n}

    return since
