"""Orders written: made, quoted, confirmed, changed."""

import contextlib
from dataclasses import replace

from accord.erp.needs import needs
from accord.erp.tryton.known import Known, Shop
from accord.erp.tryton.mapping import preview, sale_changes, sale_values
from accord.erp.tryton.masterdata import MasterData
from accord.erp.tryton.records import Records
from accord.erp.tryton.wire import Values
from accord.erp.unsent import nothing_made
from accord.errors import RejectedError, StaleVersionError, UnsupportedError
from accord.model.change import Ref
from accord.model.documents import Kind, Record, SalesDocument, State


class Selling:
    """``sale.sale`` of one company. ``digits`` is how precise a unit price may be."""

    def __init__(self, records: Records, master: MasterData, digits: int) -> None:
        self._records = records
        self._master = master
        self._digits = digits

    def create(self, document: SalesDocument, key: str) -> Record:
        """The new draft. One call."""
        known, shop = self._ready(document)
        values = sale_values(document, key, known, shop, self._digits)
        id_ = self._records.create_once(Kind.SALES_ORDER, values, key)
        # Tryton numbers an order when it is quoted.
        ref = Ref(self._records.connection, Kind.SALES_ORDER, str(id_))
        return Record(ref=ref, number="", key=key, state=State.DRAFT)

    def advance(self, record: Record, to: State) -> Record:
        """At least as far as ``to``: two calls to quote, one to confirm."""
        if record.state is State.DRAFT:
            record = self._button("quote", record, State.QUOTATION)
            # Without its number and totals nobody may go on.
            record = self._records.again(record)
        if record.state.rank >= to.rank or record.state is State.VOIDED:
            return record
        return self._button("confirm", record, State.CONFIRMED)

    def amend(self, record: Record, document: SalesDocument) -> Record:
        """``record`` with all that ``document`` says, a draft again. Two calls, three if quoted.

        Taken back and written only as it was read: ``draft`` would also revive a cancelled order,
        and a write that arrives late would undo a later one.

        Raises: RejectedError: it is confirmed or cancelled. StaleVersionError.
        """
        known, shop = self._ready(document)
        if record.state is State.QUOTATION and record.version:
            with contextlib.suppress(RejectedError, StaleVersionError):  # it moved: to be read
                self._take_back(int(record.ref.id), record.version)
        row = self._held(record)
        if row["state"] == "quotation":
            self._take_back(row["id"], row["_timestamp"])
            row = self._held(record)
        if row["state"] != "draft":
            raise RejectedError(
                f"{self._records.connection}: order {row['number'] or row['id']} is "
                f"{row['state']} in Tryton and can no longer be changed; change it there by hand"
            )
        self._records.call(
            "model.sale.sale.write",
            [row["id"]],
            sale_changes(document, row["lines"], known, shop, self._digits),
            _timestamp=_as_read(row["id"], row["_timestamp"]),
        )
        return Record(
            ref=record.ref, number=row["number"] or "", key=row["web_id"], state=State.DRAFT
        )

    def _take_back(self, id_: int, version: str) -> None:
        """A quotation to draft, if it still is as it was read."""
        self._records.call("model.sale.sale.draft", [id_], _timestamp=_as_read(id_, version))

    def _held(self, record: Record) -> Values:
        fields = ("state", "number", "web_id", "lines", "_timestamp")
        return self._records.one("sale.sale", int(record.ref.id), fields)

    def _button(self, button: str, record: Record, to: State) -> Record:
        """``record``, moved to ``to``. A refusal is looked into: it may be there already."""
        try:
            self._records.call(f"model.sale.sale.{button}", [int(record.ref.id)])
        except RejectedError:
            now = self._records.again(record)
            if now.state.rank >= to.rank:
                return now
            if button == "confirm" and now.state is State.DRAFT:  # someone took it back to draft
                return self.advance(now, to)
            raise
        # The button changed it, and nobody has read it since.
        return replace(record, state=to, version="")

    def _ready(self, document: SalesDocument) -> tuple[Known, Shop]:
        """What mapping ``document`` takes, once it is sure that Tryton can finish it."""
        with nothing_made():
            known, shop = self._master.known(needs(document)), self._master.shop()
        preview(document, known, shop, self._digits)  # refuses what the server would never finish
        if document.party.id == str(shop.guest):
            raise UnsupportedError(
                f"{self._records.connection}: Tryton refuses orders of the web shop's own guest "
                "party; make another party for guests and name it in customers.guests"
            )
        return known, shop


def _as_read(id_: int, version: str) -> Values:
    """Of a call's context: what is written must not have changed since."""
    return {f"sale.sale,{id_}": version}
