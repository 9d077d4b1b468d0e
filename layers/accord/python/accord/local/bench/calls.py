"""What one order asks of each kind of back office, counted where its adapter sends it."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from accord.errors import UnavailableError
from accord.local.offices.office import Office
from accord.local.offices.opening import NAMES, Make, opened
from accord.local.place import REPO
from accord.local.recorded import read
from accord.local.tryton import NotPreparedError, NotStartedError

KNOWN: Final = "known customer"
PAID: Final = "known customer, paid"
NEW: Final = "new customer, paid"
REFUND: Final = "refund of a line"
CASES: Final = (KNOWN, PAID, NEW, REFUND)
"""The first one's money is not recorded by Accord: it is paid on delivery, say."""

_DELIVERY = REPO / "events" / "receive_store_webhook" / "order_created_rich.json"
_FIRST = 1001


@dataclass(frozen=True, slots=True)
class Calls:
    """What each case took in one kind of back office, by the name of the call."""

    erp: str
    cases: Mapping[str, Mapping[str, int]]

    def total(self, case: str) -> int:
        return sum(self.cases[case].values())


@dataclass(frozen=True, slots=True)
class Absent:
    """A kind of back office that does not run here, and why."""

    erp: str
    why: str


def measure_all(*, at: dt.datetime) -> list[Calls | Absent]:
    """Every kind that there is an office of."""
    found: list[Calls | Absent] = []
    for erp in NAMES:
        try:
            found.append(measure(erp, at=at))
        except (NotStartedError, NotPreparedError) as error:
            found.append(Absent(erp, str(error)))
    return found


def measure(erp: str, *, at: dt.datetime) -> Calls:
    """Counted in a warm worker, of one order at a time, told of as created and as updated.

    What the schedules ask is not among it. Raises: NotStartedError, NotPreparedError: the back
    office does not run here. UnavailableError: an order did not go through.
    """
    with opened(erp, at) as make:
        return Calls(erp, {case: _counted(make, case) for case in CASES})


def _counted(make: Make, case: str) -> dict[str, int]:
    """In a world of its own, where as many orders came before as are needed."""
    place = CASES.index(case)
    shopper = _FIRST + 10 * place
    office = make(sorted({line["sku"] for line in _recorded()["line_items"] if line["sku"]}))
    _quietly(office, lambda: _place(office, shopper, shopper + 5))  # the worker is warm then
    _quietly(office, lambda: _place(office, shopper + 1, shopper + 6))
    if case == REFUND:
        _quietly(office, lambda: _refund(office, shopper))
    return _quietly(office, _acts(office, shopper)[case])


def _acts(office: Office, shopper: int) -> dict[str, Callable[[], object]]:
    return {
        KNOWN: lambda: _place(office, shopper + 2, shopper + 6, payment_method="cod"),
        PAID: lambda: _place(office, shopper + 2, shopper + 6),
        NEW: lambda: _place(office, shopper + 2, shopper + 7),
        REFUND: lambda: _refund(office, shopper + 1),
    }


def _place(office: Office, id_: int, shopper: int, **fields: Any) -> None:
    order = _recorded()
    name = "".join(chr(ord("A") + shopper // 26**place % 26) for place in range(4))
    own = {"id": id_, "number": str(id_), "customer_id": shopper, "meta_data": []}
    billing = {**order["billing"], "email": f"shopper{shopper}@example.com", "last_name": name}
    people = {"billing": {**billing, "company": f"{name} Ltd"}, "shipping": billing}
    office.store.place({**order, **own, **people, **fields})


def _refund(office: Office, id_: int) -> None:
    line = str(office.store.orders[str(id_)]["line_items"][0]["id"])
    office.store.refund(str(id_), lines={line: 1})


def _quietly(office: Office, act: Callable[[], object]) -> dict[str, int]:
    """What came of ``act`` through the queue alone: no schedule runs meanwhile."""
    before = office.wire.calls.copy()
    act()
    while (ready := office.queue.next_at()) is not None:
        office.clock.now = max(office.clock.now, ready)
        office.work()
    if items := office.attention.open():
        raise UnavailableError(f"an order went wrong in {office.kind}: {items[0].message}")
    if causes := office.waiting.causes():
        raise UnavailableError(f"an order waits in {office.kind}: {causes[0]}")
    return dict(office.wire.calls - before)


def _recorded() -> dict[str, Any]:
    order: dict[str, Any] = json.loads(read(_DELIVERY).body)
    return order
