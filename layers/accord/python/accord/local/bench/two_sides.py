"""A store and a back office that hold as much as is asked for, made up entry by entry when listed.

Nothing is kept, so what a reconcile needs is its own. Each entry is made of its number alone, and a
fault that is planted there changes one side of it.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import httpx

from accord.erp.memory.adapter import Memory
from accord.local.place import REPO
from accord.local.recorded import read
from accord.model.change import Ref
from accord.model.documents import Kind, Record, State, Totals
from accord.model.item import Item, ItemPrices, Product
from accord.model.keys import order_key, payment_key, refund_key
from accord.model.money import Money
from accord.model.party import Profile
from accord.model.sale import Sale, place_of
from accord.model.stock import Recipe, Snapshot
from accord.ports.shop import Listed
from accord.ports.state import Link
from accord.ports.store import Customer, ListedOrder, OrderPage
from accord.state.memory import MemoryLinks
from accord.sync.difference import Reason
from accord.woo.client import WooStore

Json = dict[str, Any]
START = dt.datetime(2026, 1, 1, 9, tzinfo=dt.UTC)
_EVERY = dt.timedelta(minutes=4)  # between two orders
_PAGE = 100
_PAID, _GIVEN = Decimal("24.00"), Decimal("6.00")
OF_ORDERS: tuple[Reason, ...] = (
    *("missing_in_erp", "orphan", "double_document", "link_lost", "status_differs"),
    *("total_differs", "tax_differs", "payment_differs", "refund_not_credited"),
    *("credit_without_refund", "refund_differs", "unreadable"),
)
OF_THE_REST: tuple[Reason, ...] = (
    *("party_missing", "customer_differs", "item_missing", "missing_in_store", "item_differs"),
    *("stock_differs", "price_differs"),
)


@dataclass(slots=True)
class Sides:
    """``orders`` orders, a fiftieth as many customers and SKUs; ``faults`` by what and number.

    ``calls`` counts the questions that either side was asked.
    """

    name: str
    key: str
    erp: str
    orders: int
    clock: dt.datetime
    faults: dict[tuple[str, int], Reason] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    template: Json = field(init=False)

    def __post_init__(self) -> None:
        rich = read(REPO / "events" / "receive_store_webhook" / "order_created_rich.json")
        assert rich.order is not None
        self.template = _plain(rich.order)

    @property
    def others(self) -> int:
        return max(10, self.orders // 50)

    def plant(self, count: int) -> dict[tuple[str, str], Reason]:
        """That many faults of every kind in turn, spread evenly; by kind and ref."""
        kinds = (*OF_ORDERS, *OF_THE_REST)
        planted: dict[tuple[str, str], Reason] = {}
        for n in range(count):
            reason = kinds[n % len(kinds)]
            if reason in OF_ORDERS:
                at = 1 + n * self.orders // count
                self.faults["order", at] = reason
                planted[str(self.ref("order", at)), reason] = reason
                continue
            what = "customer" if "party" in reason or "customer" in reason else "sku"
            at = 1 + n * self.others // count
            while (what, at) in self.faults:
                at += 1
            self.faults[what, at] = reason
            planted[self.subject(what, at, reason), reason] = reason
        return planted

    def subject(self, what: str, n: int, reason: Reason) -> str:
        """What a difference about it names."""
        if what == "customer":
            return str(self.ref("customer", n))
        kinds = {"stock_differs": "stock", "price_differs": "price"}
        if reason == "item_missing":
            return str(self.ref("product", n))
        return f"{self.name}:{kinds.get(reason, 'listing')}:{sku(n)}"

    def ref(self, kind: str, n: int) -> Ref:
        return Ref(self.name, kind, str(n))

    def fault(self, what: str, n: int) -> Reason | None:
        return self.faults.get((what, n))

    def placed_at(self, n: int) -> dt.datetime:
        return START + n * _EVERY

    def refunded(self, n: int) -> bool:
        """Every tenth order was given back in part; so were those whose refunds are to differ."""
        fault = self.fault("order", n)
        if fault == "credit_without_refund":
            return False
        return not n % 10 or fault in {"refund_not_credited", "refund_differs"}

    # --- the store -----------------------------------------------------------------

    def order(self, n: int) -> Json:
        at = self.placed_at(n).replace(tzinfo=None).isoformat()
        times = ("date_created", "date_modified", "date_paid")
        order = {**self.template, "id": n, "number": str(n)}
        order |= {f"{name}{gmt}": at for name in times for gmt in ("", "_gmt")}
        refund = {"id": n + 10_000_000, "reason": "", "total": f"-{_GIVEN}"}
        order["refunds"] = [refund] if self.refunded(n) else []
        match self.fault("order", n):
            case "status_differs":
                order["status"] = "cancelled"
            case "unreadable":
                order["total"] = "a lot"
        return order

    # --- the back office --------------------------------------------------------------

    def sales(self, n: int) -> Iterator[Sale]:
        """What stands for the order; two where it was made twice, none where it was forgotten."""
        fault = self.fault("order", n)
        if fault == "missing_in_erp":
            return
        yield self._sale(n, 1, fault)
        if fault == "double_document":
            yield self._sale(n, 2, fault)

    def _sale(self, n: int, generation: int, fault: Reason | None) -> Sale:
        key = order_key(self.key, str(n))
        own = key if generation == 1 else f"{key}-{generation}"
        gross = _PAID + (1 if fault == "total_differs" else 0)
        tax = Decimal("4.00") - (1 if fault == "tax_differs" else 0)
        record = Record(
            ref=self.sale(n, generation),
            number=f"SO-{n:07}",
            key=own,
            state=State.CONFIRMED,
            totals=_totals(gross, tax),
        )
        paid = Decimal("20.00") if fault == "payment_differs" else _PAID
        payments = [self._part(Kind.PAYMENT, payment_key(key), n, paid)]
        notes = []
        if self.refunded(n):
            of_refund = refund_key(key, str(n + 10_000_000))
            back = Decimal("5.00") if fault == "refund_differs" else _GIVEN
            if fault != "refund_not_credited":
                notes.append(self._part(Kind.CREDIT_NOTE, of_refund, n, back))
            payments.append(self._part(Kind.PAYMENT, payment_key(of_refund), -n, -_GIVEN))
        if fault == "credit_without_refund":
            notes.append(self._part(Kind.CREDIT_NOTE, None, n, _GIVEN))
        placed_on = self.placed_at(n).date()
        return Sale(record, placed_on, tuple(notes), tuple(payments))

    def sale(self, n: int, generation: int = 1) -> Ref:
        return Ref(self.erp, Kind.SALES_ORDER.value, str(10 * n + generation))

    def _part(self, kind: Kind, key: str | None, n: int, amount: Decimal) -> Record:
        ref = Ref(self.erp, kind.value, f"{kind.value}-{n}")
        return Record(ref, f"N{n}", key, State.CONFIRMED, _totals(amount, Decimal(0)))

    # --- what ties them -----------------------------------------------------------------

    def link(self, ref: Ref) -> Link | None:
        if ref.kind == "customer":
            if self.fault("customer", int(ref.id)) == "party_missing":
                return None
            return Link(ref, f"{self.key}-p", 1, erp=self.party(int(ref.id)))
        if ref.kind != "order" or self.fault("order", int(ref.id)) == "link_lost":
            return None
        n = int(ref.id)
        if self.fault("order", n) == "missing_in_erp":
            return None
        facts = {"state": "confirmed", "done": "confirmed", "total": f"{_PAID} GBP"}
        facts |= {"paid": f"{_PAID} GBP", "status": "processing"}
        key = order_key(self.key, ref.id)
        return Link(ref, key, 1, erp=self.sale(n), number=f"SO-{n:07}", facts=facts)

    def party(self, n: int) -> Ref:
        return Ref(self.erp, Kind.PARTY.value, str(n))

    def profile(self, n: int, *, side: Literal["store", "erp"]) -> Profile:
        name = f"Shopper {n}"
        if side == "erp" and self.fault("customer", n) == "customer_differs":
            name = "Somebody else"
        return Profile(name=name, email=f"shopper.{n}@example.com")


class SyntheticStore(WooStore):
    """The store's side; an order is read as the real client reads it."""

    def __init__(self, sides: Sides) -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(500))  # nothing is sent by it
        super().__init__(
            httpx.Client(transport=transport, base_url="https://store.example/"),
            name=sides.name,
            settle=dt.timedelta(0),
            vat_keys=(),
            po_keys=(),
        )
        self._sides = sides

    def orders_since(self, **asked: Any) -> OrderPage:
        """See Store.orders_since."""
        sides = self._sides
        sides.calls["pages of orders"] += 1
        first = max(1, -(-(asked["since"] - START) // _EVERY))
        if asked.get("after"):
            first = int(asked["after"]) + 1
        if asked["by"] == "modified" and asked["since"] > sides.placed_at(sides.orders):
            return OrderPage((), is_last=True)
        page = range(first, min(sides.orders, first + _PAGE - 1) + 1)
        orders = tuple(self._order_of(n) for n in page if sides.fault("order", n) != "orphan")
        return OrderPage(orders, is_last=len(page) < _PAGE)

    def orders_in(self, ids: Sequence[str]) -> Sequence[ListedOrder]:
        """See Store.orders_in."""
        self._sides.calls["orders by id"] += 1
        there = [int(id_) for id_ in ids if self._sides.fault("order", int(id_)) != "orphan"]
        return [self._order_of(n) for n in there if 0 < n <= self._sides.orders]

    def get_order(self, id_: str) -> tuple[Json, str] | None:
        """See Store.get_order."""
        return next(((each.document, each.digest) for each in self.orders_in([id_])), None)

    def _order_of(self, n: int) -> ListedOrder:
        at = self._sides.placed_at(n)
        ref = self._sides.ref("order", n)
        return ListedOrder(ref, self._sides.order(n), f"d{n}", at, at)

    def list_customers(self, *, page: int = 1) -> Listed:
        """See Shop.list_customers."""
        self._sides.calls["others of the store"] += 1
        first, last = (page - 1) * _PAGE + 1, min(page * _PAGE, self._sides.others)
        entries = tuple(({"id": n}, f"c{n}") for n in range(first, last + 1))
        return Listed(entries, self._sides.others)

    def customer(self, document: Json) -> Customer:
        """See Store.customer."""
        n = int(document["id"])
        profile = self._sides.profile(n, side="store")
        return Customer(self._sides.ref("customer", n), profile, START)

    def list_products(self, *, page: int, **_: Any) -> Sequence[Product]:
        """See Store.list_products."""
        self._sides.calls["others of the store"] += 1
        first, last = (page - 1) * _PAGE + 1, min(page * _PAGE, self._sides.others)
        return [self._product_of(n) for n in range(first, last + 1)]

    def list_variations(self, *, page: int = 1) -> Sequence[Product]:  # noqa: ARG002
        """See Shop.list_variations."""
        self._sides.calls["others of the store"] += 1
        return ()

    def products_by_sku(self, skus: Sequence[str]) -> Mapping[str, Product]:
        """See Store.products_by_sku."""
        self._sides.calls["others of the store"] += 1
        there = [n for n in map(number, skus) if self._sides.fault("sku", n) != "missing_in_store"]
        return {sku(n): self._product_of(n) for n in there}

    def _product_of(self, n: int) -> Product:
        fault = self._sides.fault("sku", n)
        return Product(
            ref=self._sides.ref("product", n),
            sku=sku(n),
            name=f"Item {n}",
            type="simple",
            status="draft" if fault == "missing_in_store" else "publish",
            modified_at=START,
            manages_stock=True,
            stock=Decimal(7 if fault == "stock_differs" else 100),
            regular_price="9.00" if fault == "price_differs" else "10.00",
            weight="2" if fault == "item_differs" else "1",
        )


class SyntheticErp(Memory):
    """The back office's side."""

    def __init__(self, sides: Sides) -> None:
        super().__init__(lambda *_: {}, sides.erp, clock=lambda: sides.clock)
        self._sides = sides

    def sales(
        self, prefix: str, since: dt.date, *, after: str = "", limit: int = _PAGE
    ) -> Sequence[Sale]:
        """See ErpAdapter.sales."""
        sides = self._sides
        del prefix
        sides.calls["pages of sales"] += 1
        midnight = dt.datetime.combine(since, dt.time(), dt.UTC)
        first, done = max(1, -(-(midnight - START) // _EVERY)), 0
        if after:
            last = place_of(after)[1]
            first, done = last // 10, last % 10
        found: list[Sale] = []
        for n in range(first, sides.orders + 1):
            found += [each for each in sides.sales(n) if n > first or _nth(each) > done]
            if len(found) >= limit:
                break
        return found[:limit]

    def sales_of(self, keys: Sequence[str]) -> Sequence[Sale]:
        """See ErpAdapter.sales_of."""
        self._sides.calls["sales by key"] += 1
        numbers = [int(key.rpartition("-")[2]) for key in keys]
        return [each for n in numbers for each in self._sides.sales(n)]

    def get(self, ref: Ref) -> Record | None:
        """See ErpAdapter.get."""
        self._sides.calls["sales by key"] += 1
        n = int(ref.id) // 10
        return next((each.record for each in self._sides.sales(n) if each.record.ref == ref), None)

    def profiles(self, parties: Sequence[Ref]) -> Mapping[Ref, Profile]:
        """See ErpAdapter.profiles."""
        self._sides.calls["others of the back office"] += 1
        return {each: self._sides.profile(int(each.id), side="erp") for each in parties}

    def item_ids(self, *, after: str = "", limit: int = _PAGE) -> Sequence[str]:
        """See ErpAdapter.item_ids."""
        self._sides.calls["others of the back office"] += 1
        first = int(after or 0) + 1
        return [str(n) for n in range(first, min(self._sides.others, first + limit - 1) + 1)]

    def find_items(self, codes: Sequence[str]) -> Mapping[str, str]:
        """See ErpAdapter.find_items."""
        self._sides.calls["others of the back office"] += 1
        there = [n for n in map(number, codes) if self._sides.fault("sku", n) != "item_missing"]
        return {sku(n): str(n) for n in there}

    def _there(self, ids: Sequence[str]) -> list[int]:
        self._sides.calls["others of the back office"] += 1
        return [n for n in map(int, ids) if self._sides.fault("sku", n) != "item_missing"]

    def items(self, ids: Sequence[str]) -> Sequence[Item]:
        """See ErpAdapter.items."""
        refs = {n: Ref(self._sides.erp, Kind.ITEM.value, str(n)) for n in self._there(ids)}
        return [Item(ref, sku(n), f"Item {n}", weight=Decimal(1)) for n, ref in refs.items()]

    def stock(self, ids: Sequence[str], locations: Sequence[str]) -> Sequence[Snapshot]:
        """See ErpAdapter.stock."""
        free = {locations[0]: Decimal(100)}
        return [Snapshot(sku(n), free, self._sides.clock) for n in self._there(ids)]

    def prices(
        self, ids: Sequence[str], lists: Sequence[str], *, currency: str
    ) -> Sequence[ItemPrices]:
        """See ErpAdapter.prices."""
        del lists
        return [ItemPrices(sku(n), currency, Decimal("10.00")) for n in self._there(ids)]

    def recipes(self) -> Sequence[Recipe]:
        """See ErpAdapter.recipes."""
        return ()


class SyntheticLinks(MemoryLinks):
    """What ties both sides, made up too."""

    def __init__(self, sides: Sides) -> None:
        super().__init__()
        self._sides = sides

    def get(self, ref: Ref) -> Link | None:
        """See Links.get."""
        return self._sides.link(ref)

    def get_all(self, refs: Sequence[Ref]) -> Mapping[Ref, Link]:
        """See Links.get_all."""
        self._sides.calls["bulk reads of links"] += 1
        found = {ref: self._sides.link(ref) for ref in refs}
        return {ref: link for ref, link in found.items() if link is not None}

    def find(self, erp: Ref) -> Ref | None:
        """See Links.find."""
        return self._sides.ref("customer", int(erp.id)) if erp.kind == Kind.PARTY else None


def sku(n: int) -> str:
    return f"S{n:07}"


def number(code: str) -> int:
    return int(code[1:])


def _nth(sale: Sale) -> int:
    return int(sale.record.ref.id) % 10


def _totals(gross: Decimal, tax: Decimal) -> Totals:
    net, of_tax = Money(gross - tax, "GBP"), Money(tax, "GBP")
    return Totals(net, of_tax, Money(gross, "GBP"))


def _plain(rich: Json) -> Json:
    """A paid order of one line: 20.00 and 4.00 of tax."""
    (rate, *_) = rich["tax_lines"]
    line = {
        **rich["line_items"][0],
        "sku": sku(1),
        "quantity": 2,
        "total": "20.00",
        "subtotal": "20.00",
        "total_tax": "4.00",
        "subtotal_tax": "4.00",
        "taxes": [{"id": rate["rate_id"], "total": "4.00", "subtotal": "4.00"}],
    }
    order = {**rich, "line_items": [line], "shipping_lines": [], "fee_lines": []}
    order |= {"coupon_lines": [], "refunds": [], "tax_lines": [rate], "meta_data": []}
    order |= {"total": "24.00", "total_tax": "4.00", "status": "processing"}
    order |= {"payment_method": "stripe", "currency": "GBP"}
    plain: Json = json.loads(json.dumps(order, default=str))
    return plain
