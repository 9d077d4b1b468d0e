"""A real Tryton as an office. Many worlds share one server: each looks at its own orders only."""

import contextlib
import datetime as dt
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import httpx

from accord.erp.tryton.adapter import Tryton
from accord.local.offices.office import PERCENTS, SERVICES, Billed, Json, Office, Sold
from accord.local.offices.wire import Wire
from accord.local.place import REPO
from accord.local.tryton import CACHE, Catalogue, TrytonServer, seed
from accord.local.tryton.desk import Desk
from accord.local.tryton.names import JOURNAL
from accord.model.documents import State
from accord.rules.config import Config

_CONTEXT = {"company": 1, "language": "en"}
_STATES = {"draft": State.DRAFT, "quotation": State.QUOTATION, "cancelled": State.VOIDED}
_PARTS = ("shipments.state", "invoices.state")


def _name(request: httpx.Request) -> str:
    """``sale.sale.create``: the method without ``model.``."""
    method: str = json.loads(request.content)["method"]
    return method.removeprefix("model.")


class Books:
    """A running server, and the one adapter that all worlds speak through."""

    def __init__(self, server: TrytonServer) -> None:
        self.server = server
        self.desk = Desk(server)
        self.wire = Wire(httpx.HTTPTransport(), _name)
        self.adapter = Tryton.connect(server.connection(), transport=self.wire)
        self._known: set[str] = set()

    def know(self, items: Sequence[str]) -> None:
        """They are in its catalogue, and in plenty of stock."""
        new = [code for code in items if code not in self._known]
        if not new and self._known:
            return
        taxes = {f"VAT {percent}%": Decimal(percent) for percent in PERCENTS}
        items_ = {code: f"Item {code}" for code in new}
        seed(self.server, Catalogue(taxes=taxes, items=items_, services=SERVICES))
        self.desk.stock_up(new, 100_000)
        self._known.update(new)

    @classmethod
    @contextlib.contextmanager
    def open(cls) -> Iterator["Books"]:
        """On a server that ends with the block. Raises: NotStartedError, NotPreparedError."""
        with TrytonServer.ready(REPO / CACHE, progress=lambda _: None) as server:
            books = cls(server)
            try:
                yield books
            finally:
                books.wire.close()


class TrytonOffice(Office):
    """Its clock begins at this moment, as the server's is the real one."""

    kind: ClassVar[str] = "tryton"
    account: ClassVar[str] = JOURNAL
    is_real: ClassVar[bool] = True
    writes: ClassVar[tuple[str, ...]] = (
        "party.party.create",
        "sale.sale.create",
        "sale.sale.quote",
        "sale.sale.confirm",
        "account.move.create",
        "account.move.post",
    )
    keyed: ClassVar[tuple[str, ...]] = ("party.party.create", "sale.sale.create")

    def __init__(self, items: Sequence[str], *, books: Books, config: Config | None = None) -> None:
        super().__init__(items, dt.datetime.now(dt.UTC), config)
        books.know(items)
        self._tryton = books
        self.wire = books.wire
        self.wire.mend()

    def erp(self) -> Any:
        """See ``Wiring.erp``."""
        return self._tryton.adapter

    def sold(self) -> list[Sold]:
        """See ``Office.sold``."""
        fields = ["web_id", "state", "total_amount", "lines", *_PARTS]
        return [
            Sold(row["web_id"], _state(row), row["total_amount"], len(row["lines"]))
            for row in self._rows("sale.sale", ["web_id", "in", self._keys()], fields)
        ]

    def money(self) -> list[Decimal]:
        """See ``Office.money``."""
        own = [["description", "like", f"{key}%"] for key in self._first_keys()]
        fields = ["description", "state", "lines.debit", "lines.credit", "lines.party"]
        moves = self._rows("account.move", ["OR", *own], fields)
        return [
            sum(
                (line["debit"] - line["credit"] for line in move["lines."] if not line["party"]),
                Decimal(0),
            )
            for move in moves
            if move["state"] == "posted" and move["description"].endswith(":payment")
        ]

    def parties(self) -> int:
        """See ``Office.parties``."""
        emails = [order["billing"]["email"] for order in self.store.orders.values()]
        of_them = ["value", "in", emails]
        found = self._rows("party.contact_mechanism", of_them, ["party"])
        return len({row["party"] for row in found})

    def invoices(self, order: str) -> list[Billed]:
        """See ``Office.invoices``."""
        of_sale = ["sales", "=", int(self.ref(order).id)]
        credited = f"{self._first(order)}-r"
        return [each for each in self._billed(of_sale) if not each.key.startswith(credited)]

    def credit_notes(self) -> list[Billed]:
        """See ``Office.credit_notes``."""
        own = [["reference", "like", f"{key}-r%"] for key in self._first_keys()]
        return self._billed(["OR", *own])

    def ship(
        self, order: str, items: Mapping[str, Decimal] | None = None, *, tracking: str = ""
    ) -> None:
        """See ``Office.ship``."""
        self._tryton.desk.ship(self.ref(order).id, items, tracking)

    def post_invoice(self, order: str) -> None:
        """See ``Office.post_invoice``."""
        self._tryton.desk.post_invoice(self.ref(order).id)

    def cancel(self, order: str) -> None:
        """See ``Office.cancel``."""
        self._tryton.desk.cancel(self.ref(order).id)

    def credit(self, order: str) -> None:
        """See ``Office.credit``."""
        self._tryton.desk.credit(self.ref(order).id)

    def _first(self, order: str) -> str:
        return f"{self.store.name}-{order}"

    def _first_keys(self) -> list[str]:
        return [self._first(order) for order in self.store.orders]

    def _keys(self) -> list[str]:
        """Of every generation that a test may make."""
        return [
            key + again
            for key, again in itertools.product(self._first_keys(), ("", "-2", "-3", "-4"))
        ]

    def _billed(self, domain: list[Any]) -> list[Billed]:
        fields = ["number", "reference", "state", "total_amount"]
        return [
            Billed(
                row["number"] or "",
                row["reference"] or "",
                abs(row["total_amount"]),
                row["state"] in {"posted", "paid"},
                row["state"] == "paid",
            )
            for row in self._rows("account.invoice", domain, fields)
        ]

    def _rows(self, model: str, domain: list[Any], fields: list[str]) -> list[Json]:
        administrator = self._tryton.server.administrator()
        found: list[Json] = administrator.call(
            f"model.{model}.search_read",
            *([domain], 0, None, [["id", "ASC"]], fields),
            context=_CONTEXT,
        )
        return found


def _state(row: Json) -> State:
    """A sale in processing is void once all that hung on it is cancelled."""
    parts = [part["state"] for name in _PARTS for part in row[f"{name.partition('.')[0]}."]]
    if parts and set(parts) == {"cancelled"}:
        return State.VOIDED
    return _STATES.get(row["state"], State.CONFIRMED)
