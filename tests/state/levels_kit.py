"""Short ways to make what the tests of levels are about."""

import datetime as dt
from decimal import Decimal

from accord.model.change import Ref
from accord.model.stock import Snapshot
from accord.ports.levels import Demand, Hold, Limit, Sent, Wanted

NOW = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
ERP = "main"
STORE = "uk"
Amount = int | str | Decimal


def at(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def amounts(values: dict[str, Amount]) -> dict[str, Decimal]:
    return {key: Decimal(value) for key, value in values.items()}


def snapshot(item: str, free: Amount, as_of: float) -> Snapshot:
    return Snapshot(item, {"WH": Decimal(free)}, at(as_of))


def order(number: int | str, store: str = STORE) -> Ref:
    return Ref(store, "order", str(number))


def demand(
    number: int | str,
    needs: dict[str, Amount],
    *,
    took: dict[str, Amount] | None = None,
    reserved: float | None = None,
    hold: str = "",
    erp: str = ERP,
) -> Demand:
    reserved_at = None if reserved is None else at(reserved)
    return Demand(order(number), erp, amounts(needs), amounts(took or {}), reserved_at, hold)


def hold(
    id_: str, needs: dict[str, Amount], *, ends: float = 900, store: str = STORE, erp: str = ERP
) -> Hold:
    return Hold(id_, store, erp, amounts(needs), at(ends))


def limit(item: str, most: Amount, basis: int) -> Limit:
    return Limit(item, Decimal(most), basis)


def want(sku: str, quantity: int, as_of: float) -> Wanted:
    return Wanted(sku, {"quantity": quantity}, at(as_of))


def told(sku: str, quantity: int, *, version: int, at_: float, moved: Amount = 0) -> Sent:
    return Sent(sku, version, {"quantity": quantity}, at(at_), moved=Decimal(moved))
