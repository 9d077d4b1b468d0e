"""What people do on both sides: shoppers, the merchant, the warehouse, the bookkeeper.

Each act takes the order or customer that it is done to, draws its details from the one source of
randomness, and says in words what was done: None where it cannot be done now, as in the shop, where
a button is not there.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any

from accord.errors import AccordError
from accord.local.life.known import CUSTOM, sales_of, standing
from accord.local.store.orders import make_order
from accord.local.store.shop import LINE_KINDS
from accord.local.store.wire import Refusal
from accord.local.world import World
from accord.model.change import Ref
from accord.model.documents import State
from accord.model.money import Money
from accord.model.party import Address

Json = dict[str, Any]
Act = Callable[["People", str], str | None]

_CENT = Decimal("0.01")
_TOWNS = (("York", "YO1 7HH"), ("Leeds", "LS1 4AP"), ("Hull", "HU1 2AA"), ("Bristol", "BS1 5TR"))
_NAMES = ("Ada", "Grace", "Joan", "Zoë", "Karl", "Anh")
_STATUSES = ("processing", "on-hold", "pending", "completed", "failed")
_FIRST = 1001  # the first order's id: no refund or other order has it


class People:
    """Everyone who does something, on both sides of ``world``."""

    def __init__(self, world: World, rng: Random) -> None:
        self.world = world
        self.rng = rng
        self.orders: list[str] = []
        self.customers: list[str] = []
        self.said: list[tuple[dt.datetime, str, str]] = []
        """When, to which order or customer, what: the story of a failing seed."""
        self.status_set_at: dict[str, dt.datetime] = {}
        """When a person last chose the order's status."""
        self.paid: dict[str, Decimal] = {}
        """What the shopper paid: what the order came to then, whatever it comes to since."""
        self.gone: dict[str, Json] = {}
        """Orders that were deleted for good, as they were then."""
        self.left_without_sale: dict[str, tuple[str, str]] = {}
        """Orders whose sale was deleted by hand: their status and total then, empty for one that
        was gone already."""

    def do(self, name: str, which: str) -> bool:
        """Whether the act could be done: a refusal by either side is an answer like any other."""
        act = ACTS[name]
        try:
            done = act(self, which)
        except (Refusal, AccordError):
            done = None
        if done is not None:
            who = f"c{which}" if name in CUSTOMER_ACTS else which
            self.said.append((self.world.clock(), who, done))
            self._note_paid(which)
        return done is not None

    def _note_paid(self, id_: str) -> None:
        order = self.world.store.orders.get(id_)
        if order is not None and order["date_paid"]:
            self.paid.setdefault(id_, Decimal(order["total"]))

    def act(self) -> bool:
        """Any act to anyone."""
        kind = self.rng.random()
        if self.customers and kind < 0.15:
            return self.do(self._any(CUSTOMER_ACTS), self.rng.choice(self.customers))
        if not self.orders:
            return False
        which = self.rng.choice(self.orders)
        return self.do(self._any(STORE_ACTS if kind < 0.7 else ERP_ACTS), which)

    def _any(self, acts: Mapping[str, Act]) -> str:
        return self.rng.choice(list(acts))

    # --- new ------------------------------------------------------------------

    def place(self, status: str | None = None, *, shoppers: int = 8) -> str:
        """A new order's id, one of so many shoppers who come back."""
        rng, world = self.rng, self.world
        id_ = str(_FIRST + 1000 * len(self.orders))
        status = status or rng.choices(_STATUSES, (9, 5, 3, 2, 1))[0]
        order = make_order(int(id_), rng=rng, at=world.clock(), status=status, customers=shoppers)
        if order["customer_id"] or rng.random() < 0.3:
            self._buys(order)
        self.orders.append(id_)
        world.store.place(order, rng.choice(("rest", "checkout")))
        self.status_set_at[id_] = world.clock()
        self._note_paid(id_)
        total = f"{order['total']} by {order['payment_method']}"
        self.said.append((world.clock(), id_, f"placed as {status}, {total}"))
        return id_

    def _buys(self, order: Json) -> None:
        """One of the store's customers orders, or a guest where it has none."""
        if not self.customers:
            order["customer_id"] = 0
            return
        id_ = self.rng.choice(self.customers)
        account = self.world.store.customers.get(id_)
        if account is None:
            order["customer_id"] = 0
            return
        order["customer_id"] = int(id_)
        order["billing"] = {**order["billing"], **account["billing"], "email": account["email"]}
        order["shipping"] = {**order["shipping"], **account["shipping"]}
        order["meta_data"] = [
            each for each in order["meta_data"] if each["key"] != "_billing_vat_number"
        ] + [each for each in account["meta_data"] if each["key"] == "_billing_vat_number"]

    def register(self) -> str:
        """A new account's id."""
        n = len(self.customers) + 1
        first, (town, code) = self.rng.choice(_NAMES), self.rng.choice(_TOWNS)
        address = {
            "first_name": first,
            "last_name": f"Number {n}",
            "address_1": f"{n} High Street",
            "city": town,
            "postcode": code,
            "country": "GB",
        }
        email = f"customer{n}@example.com"
        vat = [{"key": "_billing_vat_number", "value": f"GB77700{n:04d}"}]
        id_ = self.world.store.add_customer(
            email=email,
            first_name=first,
            last_name=f"Number {n}",
            role="customer",
            billing={**address, "email": email, "phone": f"020 7946 {n:04d}", "company": ""},
            shipping=address,
            meta_data=vat if self.rng.random() < 0.4 else [],
        )
        self.customers.append(id_)
        self.said.append((self.world.clock(), f"c{id_}", f"registered as {email}"))
        return id_

    # --- in the store ---------------------------------------------------------

    def touch(self, id_: str) -> str | None:
        """The merchant saves the order as it is: the store tells of it once more."""
        if self._order(id_) is None:
            return None
        self.world.store.edit(id_)
        return "saved"

    def pay(self, id_: str) -> str | None:
        order = self._order(id_)
        if order is None or order["date_paid"] or order["status"] == "refunded":
            return None
        return self._status(id_, "processing", paid=True)

    def set_status(self, id_: str) -> str | None:
        """Any status that the merchant can choose, except those that give money back."""
        order = self._order(id_)
        if order is None or order["status"] == "refunded":
            return None
        choices = ("processing", "processing", "on-hold", "pending", "completed", "cancelled")
        return self._status(id_, self.rng.choice((*choices, "failed", CUSTOM)))

    def cancel(self, id_: str) -> str | None:
        return self._status(id_, "cancelled") if self._order(id_) else None

    def refund_all(self, id_: str) -> str | None:
        order = self._order(id_)
        if order is None or order["status"] == "refunded":
            return None
        return self._status(id_, "refunded")

    def _status(self, id_: str, status: str, *, paid: bool = False) -> str:
        store = self.world.store
        if status == CUSTOM:  # a plugin's own; the store itself knows no more of it than its name
            store.orders[id_]["status"] = CUSTOM
            store.edit(id_)
        else:
            store.set_status(id_, status, paid=paid)
        self.status_set_at[id_] = self.world.clock()
        return f"{status}{', paid' if paid else ''}"

    def edit_line(self, id_: str) -> str | None:
        """Another price, another quantity, a line less, or one more. Nothing below the refunds."""
        order = self._order(id_)
        if order is None or not order["line_items"]:
            return None
        line = self.rng.choice(order["line_items"])
        fields: Json = {"id": line["id"]}
        match self.rng.randrange(4):
            case 0:
                fields["total"] = str(Decimal(line["total"]) + self._amount("20.00"))
            case 1:
                fields["quantity"] = int(line["quantity"]) + 1
                fields["total"] = str(Decimal(line["total"]) + self._amount("20.00"))
            case 2 if not order["refunds"] and len(order["line_items"]) > 1:
                fields["quantity"] = 0
            case _:
                fields = {"product_id": 10, "sku": "WID-BLUE", "quantity": 1}
        self.world.store.edit(id_, line_items=[fields])
        return f"lines {fields}, comes to {order['total']}"

    def edit_address(self, id_: str) -> str | None:
        if self._order(id_) is None:
            return None
        town, code = self.rng.choice(_TOWNS)
        kind = self.rng.choice(("billing", "shipping"))
        self.world.store.edit(id_, **{kind: {"city": town, "postcode": code}})
        return f"{kind} address in {town}"

    def edit_note(self, id_: str) -> str | None:
        if self._order(id_) is None:
            return None
        self.world.store.edit(id_, customer_note=f"ring {self.rng.randrange(9)} times")
        return "the shopper's note"

    def trash(self, id_: str) -> str | None:
        order = self._order(id_)
        if order is None:
            return None
        self.world.store.trash(id_)
        self.status_set_at[id_] = self.world.clock()
        return "to the trash"

    def restore(self, id_: str) -> str | None:
        order = self.world.store.orders.get(id_)
        if order is None or order["status"] != "trash":
            return None
        self.world.store.restore(id_)
        self.status_set_at[id_] = self.world.clock()
        return f"out of the trash, {self.world.store.orders[id_]['status']}"

    def delete(self, id_: str) -> str | None:
        """Gone for good, out of the trash or not; the store tells nobody."""
        order = self.world.store.orders.get(id_)
        if order is None or self.rng.random() < 0.5:
            return None
        self.gone[id_] = dict(order)
        self.world.store.delete(id_)
        return f"deleted for good, was {order['status']}"

    def refund_amount(self, id_: str) -> str | None:
        left = self._left(id_)
        if left <= 0:
            return None
        amount = min(left, self._amount("30.00"))
        return f"refund {self.world.store.refund(id_, amount)} of {amount}"

    def refund_line(self, id_: str) -> str | None:
        """One line's share, or shipping with it, if so much is left of both."""
        order = self._order(id_)
        if order is None:
            return None
        lines = {}
        for kind in LINE_KINDS:
            for line in order[kind]:
                gross = Decimal(line["total"]) + Decimal(line["total_tax"])
                if gross > 0 and self.rng.random() < 0.5:
                    whole = kind != "line_items"
                    lines[str(line["id"])] = 1 if whole else self.rng.randint(1, line["quantity"])
        if not lines or any(str(id_) in self._refunded(order) for id_ in lines):
            return None
        id_refund = self.world.store.refund(id_, lines=lines)
        return f"refund {id_refund} of lines {lines}"

    def delete_refund(self, id_: str) -> str | None:
        refunds = self.world.store.shop.refunds.get(int(id_))
        if not refunds or self.rng.random() < 0.5:
            return None
        refund = self.rng.choice(refunds)
        self.world.store.delete_refund(id_, str(refund["id"]))
        return f"refund {refund['id']} of {refund['amount']} deleted"

    def _refunded(self, order: Json) -> set[str]:
        """Ids of lines of which something was given back."""
        return {
            str(meta["value"])
            for refund in self.world.store.shop.refunds.get(order["id"], ())
            for kind in LINE_KINDS
            for line in refund[kind]
            for meta in line["meta_data"]
        }

    def _order(self, id_: str) -> Json | None:
        """The order, unless it lies in the trash or is gone."""
        order = self.world.store.orders.get(id_)
        return None if order is None or order["status"] == "trash" else order

    def _left(self, id_: str) -> Decimal:
        order = self._order(id_)
        if order is None:
            return Decimal(0)
        given = sum((Decimal(each["total"]) for each in order["refunds"]), Decimal(0))
        return Decimal(order["total"]) + given

    def _amount(self, most: str) -> Decimal:
        """From a cent up to ``most``."""
        return _CENT * self.rng.randint(1, int(Decimal(most) / _CENT))

    # --- in the back office ---------------------------------------------------

    def ship(self, id_: str) -> str | None:
        """All that is open, or a part of it."""
        sale = self._sale(id_)
        if sale is None:
            return None
        opened = [each for each in sale["shipments"] if each["state"] == "open"]
        if not opened:
            return None
        left = {item: Decimal(count) for item, count in opened[0]["items"].items()}
        items = None
        if self.rng.random() < 0.5:
            item = self.rng.choice(list(left))
            items = {item: Decimal(self.rng.randint(1, int(left[item])))}
        number = f"TRACK{self.rng.randrange(10**6):06d}" if self.rng.random() < 0.7 else ""
        self.world.erp().ship(self._ref(sale), items, tracking=number, carrier="Parcel Co")
        part = "a part" if items and items != left else "all"
        return f"{part} of {sale['number']} shipped, {number or 'no tracking'}"

    def post_invoice(self, id_: str) -> str | None:
        sale = self._sale(id_)
        if sale is None:
            return None
        record = self.world.erp().post_invoice(self._ref(sale))
        return f"invoice {record.number} of {sale['number']} booked"

    def pay_invoice(self, id_: str) -> str | None:
        sale = self._sale(id_)
        if sale is None:
            return None
        record = self.world.erp().pay_invoice(self._ref(sale))
        return f"invoice {record.number} found paid"

    def credit(self, id_: str) -> str | None:
        """A credit note by hand."""
        sale = self._sale(id_)
        if sale is None or self.rng.random() < 0.6:
            return None
        amount = None
        if self.rng.random() < 0.8:
            amount = Money(self._amount("10.00"), sale["currency"])
        record = self.world.erp().credit(self._ref(sale), amount)
        return f"{record.number} of {record.totals and record.totals.gross} booked by hand"

    def cancel_sale(self, id_: str) -> str | None:
        sale = self._sale(id_)
        if sale is None or self.rng.random() < 0.6:
            return None
        self.world.erp().cancel(self._ref(sale))
        return f"{sale['number']} cancelled by hand"

    def delete_sale(self, id_: str) -> str | None:
        """A quotation, or what is cancelled, is deleted there; the back office tells nobody."""
        sales = sales_of(self.world, id_)
        sale = standing(sales) or (sales[-1] if sales else None)
        if sale is None:
            return None
        self.world.erp().delete(self._ref(sale))
        order = self.world.store.orders.get(id_, {})
        self.left_without_sale[id_] = (order.get("status", ""), order.get("total", ""))
        return f"{sale['number'] or sale['key']}, {sale['state']}, deleted by hand"

    def confirm(self, id_: str) -> str | None:
        """The quotation is made a sale by hand, whatever the store says."""
        sale = self._sale(id_)
        if sale is None or sale["state"] != "quotation":
            return None
        record = self.world.erp().get(self._ref(sale))
        if record is None:
            return None
        self.world.erp().advance(record, State.CONFIRMED)
        return f"{sale['number']} confirmed by hand"

    def close_period(self, id_: str) -> str | None:  # noqa: ARG002 - it is everyone's
        if self.rng.random() < 0.9:
            return None
        today = self.world.clock().date()
        self.world.erp().close_period(today)
        return f"the books of {today:%Y-%m} are closed"

    def _sale(self, id_: str) -> Json | None:
        return standing(sales_of(self.world, id_))

    def _ref(self, sale: Json) -> Ref:
        return Ref(self.world.rules.erp, "sales_order", sale["id"])

    # --- customers ------------------------------------------------------------

    def edit_account(self, id_: str) -> str | None:
        """The shopper changes one thing of the account."""
        if id_ not in self.world.store.customers:
            return None
        town, code = self.rng.choice(_TOWNS)
        fields: Json
        match self.rng.randrange(5):
            case 0:
                fields = {"first_name": self.rng.choice(_NAMES)}
            case 1:
                fields = {"billing": {"phone": f"020 {self.rng.randrange(10**7):07d}"}}
            case 2:
                fields = {"billing": {"city": town, "postcode": code}}
            case 3:
                fields = {"shipping": {"city": town, "postcode": code}}
            case _:
                fields = {"email": f"new{self.rng.randrange(10**6)}@example.com"}
        self.world.store.edit_customer(id_, **fields)
        return f"account: {fields}"

    def edit_party(self, id_: str) -> str | None:
        """The bookkeeper changes one thing of the customer's party."""
        link = self.world.links.get(Ref(self.world.store.name, "customer", id_))
        if link is None or link.erp is None:
            return None
        held = self.world.erp().get(link.erp)
        if held is None or held.key is None:
            return None
        shown = self.world.erp().profile(link.erp)
        if shown is None:
            return None
        profile, _ = shown
        town, code = self.rng.choice(_TOWNS)
        fields: Json
        match self.rng.randrange(4):
            case 0:
                fields = {"name": f"{self.rng.choice(_NAMES)} Written"}
            case 1:
                fields = {"phone": f"0113 {self.rng.randrange(10**7):07d}"}
            case 2:
                fields = {"vat_number": f"GB888{self.rng.randrange(10**6):06d}"}
            case _:
                kind = self.rng.choice(("billing", "shipping"))
                before = getattr(profile, kind) or Address()
                fields = {
                    kind: Address(
                        name=before.name,
                        company=before.company,
                        street=before.street or "1 Mill Lane",
                        city=town,
                        postal_code=code,
                        country=before.country or "GB",
                    )
                }
        self.world.erp().edit_party(held.key, **fields)
        return f"party {held.number}: {fields}"

    def delete_account(self, id_: str) -> str | None:
        if id_ not in self.world.store.customers or self.rng.random() < 0.9:
            return None
        self.world.store.delete_customer(id_)
        return "account deleted"


STORE_ACTS: dict[str, Act] = {
    "pay": People.pay,
    "set status": People.set_status,
    "cancel": People.cancel,
    "edit a line": People.edit_line,
    "edit an address": People.edit_address,
    "edit the note": People.edit_note,
    "to the trash": People.trash,
    "out of the trash": People.restore,
    "delete for good": People.delete,
    "refund an amount": People.refund_amount,
    "refund lines": People.refund_line,
    "refund all": People.refund_all,
    "delete a refund": People.delete_refund,
    "save": People.touch,
}
ERP_ACTS: dict[str, Act] = {
    "ship": People.ship,
    "post the invoice": People.post_invoice,
    "find the invoice paid": People.pay_invoice,
    "credit by hand": People.credit,
    "cancel by hand": People.cancel_sale,
    "confirm by hand": People.confirm,
    "delete by hand": People.delete_sale,
    "close the month": People.close_period,
}
CUSTOMER_ACTS: dict[str, Act] = {
    "edit the account": People.edit_account,
    "edit the party": People.edit_party,
    "delete the account": People.delete_account,
}
ACTS: dict[str, Act] = {**STORE_ACTS, **ERP_ACTS, **CUSTOMER_ACTS}
