"""What Tryton tells of orders, shipments, invoices and parties; and parties written back.

Calls: ``progress`` 2, ``document`` 2, ``profile`` 1, ``update_profile`` 3, ``archive`` 1, a page of
``changes`` 1 (of invoices 2 when credit notes are among them). Only a page that is full takes more:
4 calls, of parties 10, and 9 again for parties whose parts changed at other times than they did.

Source: trytond 8.2; recordings of a running server.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Final

from accord.erp.tryton.client import Client, search
from accord.erp.tryton.masterdata import MasterData
from accord.erp.tryton.news import Feed, Position, credited_lines, feed, news
from accord.erp.tryton.profile_changes import needs_of, profile_values, settled
from accord.erp.tryton.profiles import (
    PRICE_LIST,
    PROFILE_FIELDS,
    profile_of,
    stamps,
    version_of,
)
from accord.erp.tryton.progress import (
    INVOICE_FIELDS,
    OPTIONAL_FIELDS,
    of_order,
    order_fields,
    progress,
)
from accord.erp.tryton.wire import Values, related
from accord.errors import RejectedError, StaleVersionError, UnmappedError, UnsupportedError
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.model.party import Profile
from accord.model.progress import Attachment, News, Progress

_OPTIONAL: Final = {**OPTIONAL_FIELDS, "party.party": (PRICE_LIST,)}
_CONTENT_TYPES: Final = {
    "odt": "application/vnd.oasis.opendocument.text",
    "pdf": "application/pdf",
}
_PRINTED: Final = {
    Kind.INVOICE: ("account.invoice", "account.invoice", ["posted", "paid"]),
    Kind.CREDIT_NOTE: ("account.invoice", "account.invoice", ["posted", "paid"]),
    Kind.SHIPMENT: (
        "stock.shipment.out",
        "stock.shipment.out.delivery_note",
        ["picked", "packed", "shipped", "done"],
    ),
}
"""Kind → model, report, and the states in which what it prints is true."""


class Reading:
    """What Tryton tells."""

    def __init__(self, client: Client, master: MasterData, connection: str) -> None:
        self._client = client
        self._master = master
        self._connection = connection
        self._held: frozenset[tuple[str, str]] | None = None

    # --- orders --------------------------------------------------------------

    def progress(self, order: Ref) -> Progress | None:
        """See ``ErpAdapter.progress``."""
        if not order.id.isdigit():
            return None
        id_ = int(order.id)
        sales = self._search("sale.sale", [["id", "=", id_]], order_fields(self._optional()))
        if not sales:
            return None
        found = of_order(id_, sales[0]["web_id"])
        invoices = self._search("account.invoice", [["type", "=", "out"], found], INVOICE_FIELDS)
        return progress(sales[0], invoices, self._connection)

    def document(self, ref: Ref) -> Attachment | None:
        """See ``ErpAdapter.document``. A draft is no document yet, nor is what was cancelled."""
        kind = Kind(ref.kind)
        if kind not in _PRINTED or not ref.id.isdigit():
            return None
        model, report, states = _PRINTED[kind]
        id_ = int(ref.id)
        if not self._search(model, [["id", "=", id_], ["state", "in", states]], ["id"]):
            return None
        about = {"model": model, "id": id_, "ids": [id_]}
        extension, data, _, name = self._call(f"report.{report}.execute", [id_], about)
        content_type = _CONTENT_TYPES.get(extension, "application/octet-stream")
        return Attachment(f"{name}.{extension}", content_type, data)

    # --- what changed --------------------------------------------------------

    def changes(
        self, kind: Kind, since: dt.datetime, *, after: str = "", limit: int = 100
    ) -> Sequence[News]:
        """See ``ErpAdapter.changes``. Deleted records are not told of, nor deleted parts."""
        shop = self._master.shop()
        try:
            of_kind = feed(kind, shop.company, shop.web_shop)
        except KeyError as error:
            raise UnsupportedError(f"{self._connection} tells of no {kind.value}") from error
        start: Position = (since, int(after) if after.isdigit() else 0)
        found = self._page(of_kind, start, limit)
        rows = [found[position] for position in sorted(found)[:limit]]
        sales = self._sales_of(rows) if kind is Kind.INVOICE else {}
        return [news(kind, row, of_kind.position(row)[0], sales, self._connection) for row in rows]

    def _page(self, of_kind: Feed, start: Position, limit: int) -> dict[Position, Values]:
        """At least the first ``limit`` records behind ``start``, all with their positions."""
        # One more than asked for tells whether these are all; then their order does not matter.
        domain = of_kind.since(start[0])
        rows = self._search_all(of_kind.model, domain, of_kind.fields, limit=limit + 1)
        if len(rows) <= limit:
            return _positions(of_kind, rows, start, None)
        found: dict[int, tuple[Position, Values]] = {}
        while True:
            ids, horizon = self._candidates(of_kind, start, limit)
            domain = [*of_kind.domain, ["id", "in", sorted(ids)]]
            rows = self._search_all(of_kind.model, domain, of_kind.fields)
            # What lies behind the horizon may have others before it that nobody has seen yet.
            for position, row in _positions(of_kind, rows, start, horizon).items():
                found[position[1]] = position, row
            if horizon is None or len(found) >= limit:
                return dict(found.values())
            start = horizon

    def _candidates(
        self, of_kind: Feed, start: Position, limit: int
    ) -> tuple[set[int], Position | None]:
        """Ids with a change behind ``start``; up to the horizon, None for no end, none is missing.

        A stream that is cut off at ``limit`` ends the horizon at its last change.
        """
        ids: set[int] = set()
        horizon: Position | None = None
        for stream in of_kind.streams:
            rows = self._search_all(
                stream.model, stream.behind(start), stream.fields, limit=limit, order=stream.order
            )
            positions = [stream.position(row) for row in rows]
            ids |= {id_ for _, id_ in positions}
            if len(rows) == limit:
                horizon = min(horizon, positions[-1]) if horizon else positions[-1]
        return ids, horizon

    def _sales_of(self, rows: Iterable[Values]) -> dict[str, int]:
        """The orders that credit notes belong to, by the origin of their lines."""
        if not (ids := credited_lines(rows)):
            return {}
        lines = self._search("account.invoice.line", [["id", "in", ids]], ["invoice.sales"])
        return {
            f"account.invoice.line,{line['id']}": min(sales)
            for line in lines
            if (sales := related(line, "invoice").get("sales"))
        }

    # --- parties -------------------------------------------------------------

    def profile(self, party: Ref) -> tuple[Profile, str] | None:
        """See ``ErpAdapter.profile``. Without module sale_price_list there is no price group."""
        row = self._party(party)
        return (profile_of(row), version_of(row)) if row else None

    def profiles(self, parties: Sequence[Ref]) -> dict[Ref, Profile]:
        """See ``ErpAdapter.profiles``."""
        by_id = {int(party.id): party for party in parties if party.id.isdigit()}
        if not by_id:
            return {}
        rows = self._search_all("party.party", [["id", "in", list(by_id)]], self._profile_fields())
        return {by_id[row["id"]]: profile_of(row) for row in rows}

    def update_profile(self, party: Ref, changes: Profile, *, version: str) -> tuple[Profile, str]:
        """See ``ErpAdapter.update_profile``.

        A VAT or phone number that fails Tryton's check is kept as a plain text, as in ``create``.

        Raises: also UnmappedError: no such payment term, price list or country. UnsupportedError:
            a price group without module sale_price_list.
        """
        row = self._party(party)
        if row is None:
            raise RejectedError(f"{party} is no longer in Tryton")
        if version_of(row) != version:
            raise StaleVersionError(f"{party} was changed in Tryton", connection=self._connection)
        changes = settled(changes, row)
        known = self._master.known(needs_of(changes))
        prices = self._price_list(changes.price_group)
        strict = profile_values(changes, row, known, prices)
        if not strict:
            return profile_of(row), version
        try:
            self._write(row, strict)
        except RejectedError:
            loose = profile_values(changes, row, known, prices, strict=False)
            if loose == strict:
                raise
            self._write(row, loose)
        now = self._party(party)
        if now is None:
            raise RejectedError(f"{party} is no longer in Tryton")
        return profile_of(now), version_of(now)

    def archive(self, party: Ref) -> None:
        """See ``ErpAdapter.archive``. Addresses, documents and what is owed stay as they are."""
        if not party.id.isdigit():
            raise RejectedError(f"{party} is not in Tryton")
        self._call("model.party.party.write", [int(party.id)], {"active": False})

    def _write(self, row: Values, values: Values) -> None:
        """All at once, and only if neither the party nor any part of it was written since."""
        self._call("model.party.party.write", [row["id"]], values, _timestamp=stamps(row))

    def _party(self, party: Ref) -> Values | None:
        if not party.id.isdigit():
            return None
        domain = [["id", "=", int(party.id)]]
        rows = self._search_all("party.party", domain, self._profile_fields())
        return rows[0] if rows else None

    def _profile_fields(self) -> list[str]:
        fields = [*PROFILE_FIELDS]
        if ("party.party", PRICE_LIST) in self._optional():
            fields.append(f"{PRICE_LIST}.name")
        return fields

    def _price_list(self, name: str | None) -> int | None:
        """The price list's id; None for none. Raises: UnmappedError, UnsupportedError."""
        if not name:
            return None
        if ("party.party", PRICE_LIST) not in self._optional():
            raise UnsupportedError(
                f"{self._connection} keeps no price groups; activate module sale_price_list"
            )
        rows = self._search("product.price_list", [["name", "=", name]], ["id"], limit=2)
        if len(rows) != 1:
            raise UnmappedError(
                f"{self._connection} does not hold one price list {name!r}; make it in Tryton, or "
                "map the group to another",
                connection=self._connection,
                causes=(f"price_group:{name}",),
            )
        return int(rows[0]["id"])

    # --- asking --------------------------------------------------------------

    def _optional(self) -> frozenset[tuple[str, str]]:
        """(model, field) of what only some modules bring; asked once."""
        if self._held is None:
            names = sorted({name for fields in _OPTIONAL.values() for name in fields})
            rows = self._search(
                "ir.model.field",
                [["model", "in", list(_OPTIONAL)], ["name", "in", names]],
                ["model", "name"],
            )
            self._held = frozenset((row["model"], row["name"]) for row in rows)
        return self._held

    def _search(
        self, model: str, domain: list[Any], fields: Iterable[str], *, limit: int | None = None
    ) -> list[Values]:
        return search(self._call, model, domain, fields, limit=limit)

    def _search_all(
        self,
        model: str,
        domain: list[Any],
        fields: Iterable[str],
        *,
        limit: int | None = None,
        order: list[list[str]] | None = None,
    ) -> list[Values]:
        """``_search`` among archived records and parts too, which Tryton hides unless told."""
        return search(
            self._call, model, domain, fields, limit=limit, order=order, active_test=False
        )

    def _call(self, method: str, *args: Any, **context: Any) -> Any:
        return self._client.call(method, *args, context={**self._master.context(), **context})


def _positions(
    of_kind: Feed, rows: Iterable[Values], start: Position, end: Position | None
) -> dict[Position, Values]:
    """``rows`` by their position, behind ``start`` and not behind ``end``."""
    found = {of_kind.position(row): row for row in rows}
    return {at: row for at, row in found.items() if at > start and (end is None or at <= end)}
