"""The ledger itself: parties, items, sales orders and what comes of them, kept in memory.

``Ledger.call`` is its whole wire surface, in plain JSON values with decimals as text, so it is
spoken to alike in process and over HTTP. An answer holds ``error`` when the call was refused.
"""

import base64
import datetime as dt
import heapq
import itertools
import threading
from collections.abc import Callable, Iterable, Mapping

from accord.erp.memory.catalogue import Catalogue
from accord.erp.memory.credits import Credits
from accord.erp.memory.entries import TOLD, Entry, Json, Records, RefusedError
from accord.erp.memory.faults import Fault, Faults, no_faults
from accord.erp.memory.master import Master, Periods, Rounding
from accord.erp.memory.orders import Numbers, Orders, shown_invoice, shown_shipment
from accord.erp.memory.parties import Parties
from accord.erp.memory.printing import pdf
from accord.erp.memory.returns import Returns, shown_return
from accord.model.documents import Kind
from accord.ports.erp import Duplicates

__all__ = ["Ledger", "Master", "Rounding"]

_TITLES = {"invoice": "Invoice", "credit_note": "Credit note", "shipment": "Delivery note"}


class Ledger:
    """Any number of threads may call it at once.

    ``clock`` gives the moment, UTC and aware; ``search_lag`` is how long a new record stays unseen
    by ``find`` and ``match``, and a change by ``changes``; of every three changes one is told
    ``news_lag`` later still. ``rounding`` is where tax is rounded; ``faults`` spoil calls.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], dt.datetime],
        duplicates: Mapping[Kind, Duplicates],
        search_lag: dt.timedelta = dt.timedelta(0),
        news_lag: dt.timedelta = dt.timedelta(0),
        key_length: int = 64,
        rounding: Rounding = "line",
        master: Master | None = None,
        faults: Faults = no_faults,
    ) -> None:
        self._clock = clock
        self._duplicates = {kind.value: behaviour for kind, behaviour in duplicates.items()}
        self._key_length = key_length
        self._rounding = rounding
        self.faults = faults
        self._lock = threading.Lock()
        self._records = records = Records(clock, search_lag, news_lag)
        self._catalogue = catalogue = Catalogue(records, master or Master())
        self._master = master = catalogue.master
        self._periods = periods = Periods(master)
        self._numbers = numbers = Numbers()
        self._parties = Parties(records, master)
        self._orders = Orders(
            records,
            self._parties,
            numbers,
            catalogue.stocks,
            master=master,
            periods=periods,
            rounding=rounding,
        )
        self._credits = Credits(
            records,
            self._parties,
            self._orders,
            numbers,
            master,
            periods,
            rounding,
        )
        self._returns = Returns(records, self._parties, self._orders, numbers, catalogue.stocks)
        self._turns = itertools.count(1)
        self._late: list[tuple[dt.datetime, int, str, Json]] = []
        self._calls: dict[str, int] = {}
        self._operations: dict[str, Callable[[Json], Json]] = {
            "ping": lambda _: {},
            "get": self._get,
            "find": self._find,
            "numbered": self._numbered,
            "match": self._parties.match,
            "preview": self._preview,
            "create": self._create,
            "advance": self._advance,
            "amend": self._orders.amend,
            "redate": self._credits.redate,
            "void": self._orders.void,
            "reconcile": self._credits.reconcile,
            "add_address": self._parties.add_address,
            "progress": self._orders.progress,
            "changes": self._changes,
            "open_day": self._open_day,
            "document": self._document,
            "sales_since": self._orders.since,
            "sales_of": self._orders.of,
            "profile": self._parties.profile,
            "profiles": self._parties.profiles,
            "update_profile": self._parties.update,
            "archive": self._parties.archive,
            **catalogue.operations,
            # What people do in the back office.
            "ship": self._orders.ship,
            "post_invoice": self._orders.post_invoice,
            "pay_invoice": self._orders.pay_invoice,
            "credit": self._credits.credit,
            "cancel": self._orders.void,
            "delete": self._orders.delete,
            "receive_return": self._returns.receive,
            "edit_party": self._parties.edit,
            "close_period": self._close_period,
            # For those who look on.
            "sales": self._sales,
            "parties": self._all_parties,
        }

    def call(self, operation: str, arguments: Json) -> Json:
        """The answer; ``{"error": {"code", "message", …}}`` where it is no.

        Codes: duplicate, rejected, unmapped (with ``causes``), closed (with ``period``), stale,
        goods_left, invoiced, credit_hold, unavailable (with ``sent``), rate_limited (with
        ``retry_after``, seconds), unauthorized.
        """
        with self._lock:
            self._calls[operation] = self._calls.get(operation, 0) + 1
            if self._late:
                self._settle()
            fault = self.faults(operation)
            try:
                if fault is not None:
                    return self._spoilt(fault, operation, arguments)
                return self._do(operation, arguments)
            except RefusedError as refusal:
                return {"error": refusal.error}

    @property
    def calls(self) -> Mapping[str, int]:
        """Operation → how often it was called."""
        with self._lock:
            return dict(self._calls)

    def sales(self, keys: Iterable[str] | None = None) -> list[Json]:
        """Every sales order with its lines and totals, and with all that came of it; or those that
        were made under one of ``keys``, in their order.

        That is ``shipments``, ``invoices``, ``credit_notes``, ``payments`` and ``returns``.
        """
        with self._lock:
            if keys is None:
                found: list[Json] = self._sales({})["sales"]
                return found
            kind = Kind.SALES_ORDER.value
            return [_sale(entry) for key in keys for entry in self._records.under(kind, key)]

    def keys(self, kind: Kind) -> list[str]:
        """The key of every record of ``kind``, oldest first; twice, if two have it."""
        with self._lock:
            return [entry.key for entry in self._records if entry.kind == kind.value]

    def parties(self) -> list[Json]:
        """Every party, as ``get`` shows it."""
        with self._lock:
            found: list[Json] = self._all_parties({})["parties"]
            return found

    # --- faults ---------------------------------------------------------------

    def _do(self, operation: str, arguments: Json) -> Json:
        act = self._operations.get(operation)
        if act is None:
            raise RefusedError("rejected", f"no operation {operation!r}")
        return act(arguments)

    def _spoilt(self, fault: Fault, operation: str, arguments: Json) -> Json:
        seconds = fault.delay.total_seconds()
        match fault.kind:
            case "refused":
                raise RefusedError("rejected", f"{operation} was refused")
            case "rate_limited":
                raise RefusedError("rate_limited", "too many calls", retry_after=seconds)
            case "unauthorized":
                raise RefusedError("unauthorized", "the session has ended")
            case "unanswered":
                self._do(operation, arguments)
            case "late":
                due = self._clock() + fault.delay
                heapq.heappush(self._late, (due, next(self._turns), operation, arguments))
        raise RefusedError(
            "unavailable", f"no answer to {operation}", sent=fault.kind != "unreached"
        )

    def _settle(self) -> None:
        """What was given up takes effect now, if its time has come and it still can."""
        now = self._clock()
        while self._late and self._late[0][0] <= now:
            _, _, operation, arguments = heapq.heappop(self._late)
            try:
                self._do(operation, arguments)
            except RefusedError:
                continue  # nobody listens any more

    # --- reading --------------------------------------------------------------

    def _get(self, arguments: Json) -> Json:
        entry = self._records.get(arguments["kind"], arguments["id"])
        return {"record": entry.shown() if entry else None}

    def _find(self, arguments: Json) -> Json:
        found = self._records.seen(self._records.under(arguments["kind"], arguments["key"]))
        return {"records": [entry.shown() for entry in found]}

    def _numbered(self, arguments: Json) -> Json:
        """Documents by their own number, or by the number that they were made under."""
        wanted = set(arguments["numbers"])
        found = [
            {
                "record": entry.shown(),
                "reference": entry.document.get("order_number") or "",
                "placed_on": entry.document.get("placed_on"),
            }
            for entry in self._records.seen(list(self._records))
            if entry.kind == arguments["kind"]
            and wanted & {entry.number, entry.document.get("order_number")}
        ]
        return {"found": found}

    def _changes(self, arguments: Json) -> Json:
        kind, since = arguments["kind"], dt.datetime.fromisoformat(arguments["since"])
        if kind not in TOLD:
            raise RefusedError("rejected", f"changes of a {kind} are not told")
        found = self._records.news(kind, since, int(arguments["after"] or 0), arguments["limit"])
        return {"news": [entry.news() for entry in found]}

    def _open_day(self, arguments: Json) -> Json:
        day = self._periods.open_day(arguments["kind"], dt.date.fromisoformat(arguments["on"]))
        return {"day": day and day.isoformat()}

    def _document(self, arguments: Json) -> Json:
        entry = self._records.get(arguments["kind"], arguments["id"])
        if entry is None or entry.kind not in _TITLES or entry.state in {"draft", "open"}:
            return {"document": None}
        printed = pdf(_page(entry))
        return {
            "document": {
                "name": f"{entry.number or entry.id}.pdf",
                "content_type": "application/pdf",
                "data": base64.b64encode(printed).decode(),
            }
        }

    def _sales(self, _: Json) -> Json:
        return {"sales": [_sale(entry) for entry in self._records if entry.kind == "sales_order"]}

    def _all_parties(self, _: Json) -> Json:
        return {"parties": [entry.shown() for entry in self._records if entry.kind == "party"]}

    # --- writing --------------------------------------------------------------

    def _preview(self, arguments: Json) -> Json:
        self._master.check(arguments)
        return {"totals": self._master.totals(arguments, self._rounding)}

    def _create(self, arguments: Json) -> Json:
        kind, key = arguments["kind"], arguments["key"]
        behaviour = self._duplicates.get(kind)
        if behaviour is None:
            raise RefusedError("rejected", f"this back office holds no {kind}")
        if not key or len(key) > self._key_length:
            raise RefusedError(
                "rejected", f"{key!r} is not a key of 1 to {self._key_length} characters"
            )
        there = next(iter(self._records.under(kind, key)), None)
        if there and behaviour == "refused":
            raise RefusedError("duplicate", f"a {kind} with {key!r} is there already")
        if there and behaviour == "same_answer":
            return {"record": there.shown()}
        self._master.check(arguments)
        entry = self._records.new(kind, key, arguments)
        match kind:
            case "party":
                self._parties.enter(entry)
            case "sales_order":
                self._parties.check(arguments)
            case "payment":
                self._credits.enter_payment(entry)
            case "credit_note":
                self._credits.enter(entry)
            case "return":
                self._returns.enter(entry)
            case "item":
                self._catalogue.enter(entry)
            case _:
                raise RefusedError("rejected", f"nobody makes a {kind} from outside")
        return {"record": self._records.keep(entry).shown()}

    def _advance(self, arguments: Json) -> Json:
        kind, to = arguments.get("kind", "sales_order"), arguments["to"]
        entry = self._records.get(kind, arguments["id"])
        if entry is None:
            raise RefusedError("rejected", f"no {kind} {arguments['id']}")
        if entry.kind == "sales_order":
            self._orders.advance(entry, to)
        elif entry.kind == "credit_note" and to == "confirmed":
            self._credits.post(entry)
        elif entry.kind == "return" and to == "confirmed":
            self._returns.open(entry)
        return {"record": entry.shown()}

    def _close_period(self, arguments: Json) -> Json:
        self._periods.close(dt.date.fromisoformat(arguments["month"]))
        return {}


def _sale(entry: Entry) -> Json:
    return {
        **entry.document,
        **entry.shown(),
        "shipments": [shown_shipment(part) for part in entry.of_kind("shipment")],
        "invoices": [shown_invoice(part) for part in entry.of_kind("invoice")],
        "credit_notes": [shown_invoice(part) for part in entry.of_kind("credit_note")],
        "payments": [
            {**part.document, "number": part.number, "key": part.key}
            for part in entry.of_kind("payment")
        ],
        "returns": [shown_return(part) for part in entry.of_kind("return")],
    }


def _page(entry: Entry) -> list[str]:
    """The lines of the printed page."""
    of = f"of order {entry.order.number}" if entry.order else ""
    lines = [f"{_TITLES[entry.kind]} {entry.number} {of}"]
    if entry.totals:
        lines.append(f"Total {entry.totals['gross']} {entry.totals['currency']}")
    items: dict[str, str] = entry.document.get("items", {})
    return [*lines, *(f"{quantity} x {item}" for item, quantity in items.items())]
