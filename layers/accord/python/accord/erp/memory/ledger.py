"""The ledger itself: parties, sales orders and payments, kept in memory.

``Ledger.call`` is its whole wire surface, in plain JSON values with decimals as text, so it is
spoken to alike in process and over HTTP. An answer holds ``error`` when the call was refused.
"""

import datetime as dt
import heapq
import itertools
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from accord.erp.memory.faults import Fault, Faults, no_faults
from accord.model.documents import Kind, State
from accord.model.money import Money
from accord.ports.erp import Duplicates

Json = dict[str, Any]
Rounding = Literal["line", "document"]

_MOST_MATCHES = 3
_RANK = {state.value: state.rank for state in State}
_PREFIX = {"sales_order": "SO", "payment": "PAY"}


class RefusedError(Exception):
    """The ledger says no. ``error`` is the answer; it never leaves ``call``."""

    def __init__(self, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.error: Json = {"code": code, "message": message, **more}


@dataclass(slots=True)
class _Entry:
    """One record. ``document`` is what it was made of, in wire form."""

    kind: str
    id: str
    key: str
    made_at: dt.datetime
    document: Json
    number: str = ""
    state: str = "draft"
    version: int = 1
    totals: Json | None = None
    addresses: dict[str, str] = field(default_factory=dict)  # fingerprint → id


@dataclass(frozen=True, slots=True)
class Master:
    """What the back office knows. None: every code exists.

    ``taxes`` are code → percent; where they are None, the tax that the document states is kept.
    """

    items: Collection[str] | None = None
    taxes: Mapping[str, Decimal] | None = None
    accounts: Collection[str] | None = None
    carriers: Collection[str] | None = None
    terms: Collection[str] | None = None
    currencies: Collection[str] | None = None


class Ledger:
    """Any number of threads may call it at once.

    ``clock`` gives the moment, UTC and aware; ``search_lag`` is how long a new record stays unseen
    by ``find`` and ``match``; ``rounding`` is where tax is rounded; ``faults`` spoil calls.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], dt.datetime],
        duplicates: Mapping[Kind, Duplicates],
        search_lag: dt.timedelta = dt.timedelta(0),
        key_length: int = 64,
        rounding: Rounding = "line",
        master: Master | None = None,
        faults: Faults = no_faults,
    ) -> None:
        self._clock = clock
        self._duplicates = {kind.value: behaviour for kind, behaviour in duplicates.items()}
        self._search_lag = search_lag
        self._key_length = key_length
        self._rounding = rounding
        self._master = master or Master()
        self.faults = faults
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._by_key: dict[tuple[str, str], list[_Entry]] = {}
        self._by_email: dict[str, list[_Entry]] = {}
        self._by_vat_number: dict[str, list[_Entry]] = {}
        self._ids = itertools.count(1)
        self._numbers = {kind: itertools.count(1) for kind in _PREFIX}
        self._late: list[tuple[dt.datetime, int, str, Json]] = []
        self._calls: dict[str, int] = {}
        self._operations: dict[str, Callable[[Json], Json]] = {
            "ping": lambda _: {},
            "get": self._get,
            "find": self._find,
            "match": self._match,
            "preview": self._preview,
            "create": self._create,
            "advance": self._advance,
            "void": self._void,
            "add_address": self._add_address,
            "sales": self._sales,
            "parties": self._parties,
        }

    def call(self, operation: str, arguments: Json) -> Json:
        """The answer; ``{"error": {"code", "message", …}}`` where it is no.

        Codes: duplicate, rejected, unmapped (with ``causes``), unavailable (with ``sent``),
        rate_limited (with ``retry_after``, seconds), unauthorized.
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

    def sales(self) -> list[Json]:
        """Every sales order with its lines, totals and payments; see ``call("sales")``."""
        with self._lock:
            found: list[Json] = self._sales({})["sales"]
            return found

    def parties(self) -> list[Json]:
        """Every party, as ``get`` shows it."""
        with self._lock:
            found: list[Json] = self._parties({})["parties"]
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
                heapq.heappush(self._late, (due, next(self._ids), operation, arguments))
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
        entry = self._entries.get((arguments["kind"], arguments["id"]))
        return {"record": _shown(entry) if entry else None}

    def _find(self, arguments: Json) -> Json:
        return self._seen(self._by_key.get((arguments["kind"], arguments["key"]), ()))

    def _match(self, arguments: Json) -> Json:
        by, value = arguments["by"], arguments["value"]
        index = self._by_email if by == "email" else self._by_vat_number
        wanted = value.strip().casefold() if by == "email" else _plain(value)
        return self._seen(index.get(wanted, ()), most=_MOST_MATCHES)

    def _seen(self, entries: Collection[_Entry], *, most: int | None = None) -> Json:
        if self._search_lag and entries:
            until = self._clock() - self._search_lag
            entries = [entry for entry in entries if entry.made_at <= until]
        return {"records": [_shown(entry) for entry in list(entries)[:most]]}

    def _sales(self, _: Json) -> Json:
        paid: dict[str, list[Json]] = {}
        sales = []
        for entry in self._entries.values():
            if entry.kind == "payment":
                shown = {**entry.document, "number": entry.number, "key": entry.key}
                paid.setdefault(entry.document["order"], []).append(shown)
            elif entry.kind == "sales_order":
                sales.append(entry)
        return {
            "sales": [
                {**entry.document, **_shown(entry), "payments": paid.get(entry.id, [])}
                for entry in sales
            ]
        }

    def _parties(self, _: Json) -> Json:
        return {"parties": [_shown(e) for e in self._entries.values() if e.kind == "party"]}

    # --- writing --------------------------------------------------------------

    def _preview(self, arguments: Json) -> Json:
        self._check_codes(arguments)
        return {"totals": self._totals(arguments)}

    def _create(self, arguments: Json) -> Json:
        kind, key = arguments["kind"], arguments["key"]
        behaviour = self._duplicates.get(kind)
        if behaviour is None:
            raise RefusedError("rejected", f"this back office holds no {kind}")
        if not key or len(key) > self._key_length:
            raise RefusedError(
                "rejected", f"{key!r} is not a key of 1 to {self._key_length} characters"
            )
        there = self._by_key.get((kind, key))
        if there and behaviour == "refused":
            raise RefusedError("duplicate", f"a {kind} with {key!r} is there already")
        if there and behaviour == "same_answer":
            return {"record": _shown(there[0])}
        self._check_codes(arguments)
        entry = _Entry(kind, str(next(self._ids)), key, self._clock(), arguments)
        if kind == "party":
            self._enter_party(entry)
        elif kind == "sales_order":
            self._check_party(arguments)
        else:
            self._enter_payment(entry)
        self._entries[kind, entry.id] = entry
        self._by_key.setdefault((kind, key), []).append(entry)
        return {"record": _shown(entry)}

    def _enter_party(self, entry: _Entry) -> None:
        document = entry.document
        entry.number = entry.key
        for fingerprint in document["addresses"]:
            entry.addresses.setdefault(fingerprint, f"{entry.id}.{len(entry.addresses) + 1}")
        if email := document["email"].strip().casefold():
            self._by_email.setdefault(email, []).append(entry)
        if vat_number := _plain(document["vat_number"]):
            self._by_vat_number.setdefault(vat_number, []).append(entry)

    def _enter_payment(self, entry: _Entry) -> None:
        document = entry.document
        order = self._entries.get(("sales_order", document["order"]))
        if order is None or order.state == "voided":
            raise RefusedError("rejected", f"no order {document['order']} to be paid")
        if order.document["currency"] != document["currency"]:
            raise RefusedError("rejected", f"order {order.id} is not in {document['currency']}")
        entry.number = self._number("payment")
        entry.state = "confirmed"
        entry.totals = {
            "net": document["amount"],
            "tax": "0",
            "gross": document["amount"],
            "currency": document["currency"],
        }

    def _advance(self, arguments: Json) -> Json:
        entry = self._order(arguments["id"])
        if entry.state == "voided":
            raise RefusedError("rejected", f"{entry.number or entry.key} is voided")
        if _RANK[entry.state] < _RANK[arguments["to"]]:
            if entry.totals is None:
                entry.totals = self._totals(entry.document)
                entry.number = self._number("sales_order")
            entry.state = arguments["to"]
            entry.version += 1
        return {"record": _shown(entry)}

    def _void(self, arguments: Json) -> Json:
        entry = self._order(arguments["id"])
        if entry.state != "voided":
            entry.state = "voided"
            entry.version += 1
        return {"record": _shown(entry)}

    def _add_address(self, arguments: Json) -> Json:
        entry = self._entries.get(("party", arguments["party"]))
        if entry is None:
            raise RefusedError("rejected", f"no party {arguments['party']}")
        fingerprint = arguments["fingerprint"]
        if fingerprint not in entry.addresses:
            entry.addresses[fingerprint] = f"{entry.id}.{len(entry.addresses) + 1}"
            entry.version += 1
        return {"id": entry.addresses[fingerprint]}

    # --- rules ----------------------------------------------------------------

    def _check_codes(self, document: Json) -> None:
        """Raises: RefusedError: codes that the back office does not know, all of them."""
        master = self._master
        lines = document.get("lines", ())
        wanted = (
            ("item", master.items, (line["item"] for line in lines)),
            ("tax", master.taxes, (code for line in lines for code, _ in line["taxes"])),
            (
                "account",
                master.accounts,
                (*(line["account"] for line in lines), document.get("account")),
            ),
            ("carrier", master.carriers, (document.get("carrier"),)),
            ("terms", master.terms, (document.get("payment_terms"),)),
            ("currency", master.currencies, (document.get("currency"),)),
        )
        causes = [
            f"{what}:{code}"
            for what, known, codes in wanted
            if known is not None
            for code in dict.fromkeys(codes)
            if code is not None and code not in known
        ]
        if causes:
            raise RefusedError("unmapped", f"not known here: {', '.join(causes)}", causes=causes)

    def _check_party(self, document: Json) -> None:
        party = self._entries.get(("party", document["party"]))
        if party is None:
            raise RefusedError("rejected", f"no party {document['party']}")
        for role in ("billing_address", "shipping_address"):
            if document[role] and document[role] not in party.addresses.values():
                raise RefusedError("rejected", f"party {party.key} has no address {document[role]}")

    def _totals(self, document: Json) -> Json:
        """Each line's net is rounded; tax is rounded per line, or once per tax code."""
        currency = document["currency"]
        zero = Decimal(0)
        unit = Money(zero, currency).unit
        rates = self._master.taxes
        net = zero
        taxes: dict[str, Decimal] = {}
        for line in document["lines"]:
            line_net = Money(Decimal(line["net"]), currency).rounded().amount
            net += line_net
            for code, stated in line["taxes"]:
                tax = Decimal(stated) if rates is None else line_net * rates[code] / 100
                if self._rounding == "line":
                    tax = Money(tax, currency).rounded().amount
                taxes[code] = taxes.get(code, zero) + tax
        tax = sum((Money(each, currency).rounded().amount for each in taxes.values()), zero)
        gross = (net + tax).quantize(unit)
        return {
            "net": str(net.quantize(unit)),
            "tax": str(tax.quantize(unit)),
            "gross": str(gross),
            "currency": currency,
        }

    def _order(self, id_: str) -> _Entry:
        entry = self._entries.get(("sales_order", id_))
        if entry is None:
            raise RefusedError("rejected", f"no sales order {id_}")
        return entry

    def _number(self, kind: str) -> str:
        return f"{_PREFIX[kind]}-{next(self._numbers[kind]):06}"


def _shown(entry: _Entry) -> Json:
    shown: Json = {
        "kind": entry.kind,
        "id": entry.id,
        "key": entry.key,
        "number": entry.number,
        "state": entry.state,
        "version": str(entry.version),
        "totals": entry.totals,
    }
    if entry.kind == "party":
        shown["addresses"] = dict(entry.addresses)
        shown["email"] = entry.document["email"].strip().casefold()
    return shown


def _plain(text: str) -> str:
    """A VAT number as it is compared: ``gb 123.456`` is ``GB123456``."""
    return "".join(filter(str.isalnum, text)).upper()
