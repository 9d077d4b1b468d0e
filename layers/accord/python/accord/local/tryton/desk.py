"""What a person does in Tryton: ship, invoice, take money, credit, cancel, keep customers.

For demos and tests, over the same JSON-RPC as the desktop client, under the administrator's login.
What is done with items and stock is in ``shelves``.

Source: trytond 8.2, modules stock, sale, account_invoice, party; recordings of a running server.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from accord.erp.tryton.wire import Values
from accord.errors import RejectedError
from accord.local.tryton.names import CARRIER, JOURNAL
from accord.local.tryton.shelves import Shelves

_CONTACTS: Final = ("email", "phone")
_ADDRESS: Final = ("party_name", "attn", "street", "postal_code", "city")


@dataclass(frozen=True, slots=True)
class Sent:
    """A shipment that left. ``lines`` are item code → quantity; ``reference`` is the carrier's."""

    id: str
    number: str
    reference: str
    lines: Mapping[str, Decimal]


class Desk(Shelves):
    """One person at a Tryton.

    An order is named by its id (a number, or a text of digits) or by its web id, which is our
    external key. Every method raises RejectedError where Tryton, or what lies there, forbids it.
    """

    # --- goods -----------------------------------------------------------------

    def ship(
        self,
        order: int | str,
        items: Mapping[str, Decimal | int] | None = None,
        carrier_reference: str = "",
        *,
        carrier: str = CARRIER,
    ) -> Sent:
        """Sends the order's open shipment, or ``items`` of it; Tryton then opens one for the rest.

        Assigned, picked, packed and done. ``carrier`` is taken where the order names none.
        """
        sale = self._sale(order)
        shipments = self._search(
            "stock.shipment.out",
            [["id", "in", sale["shipments"]], ["state", "in", ["waiting", "assigned"]]],
            ["carrier", "number", "inventory_moves.product.code", "inventory_moves.quantity"],
        )
        if not shipments:
            raise RejectedError(f"order {order} has nothing left to ship")
        shipment, ids = shipments[0], [shipments[0]["id"]]
        self._do("stock.shipment.out.wait", ids)
        if items is not None:
            self._pick_only(ids[0], items)
        if not shipment["carrier"]:
            (found,) = self._search("carrier", [["party.name", "=", carrier]], ["id"])
            self._do("stock.shipment.out.write", ids, {"carrier": found["id"]})
        self._do("stock.shipment.out.assign_try", ids)
        if self._shipment(ids[0])["state"] != "assigned":
            raise RejectedError(f"order {order}: not enough in stock to ship {items or 'all'}")
        self._do("stock.shipment.out.pick", ids)
        if carrier_reference:
            values = {"reference": carrier_reference, "shipping_reference": carrier_reference}
            self._do("stock.shipment.out.write", ids, values)
        self._do("stock.shipment.out.pack", ids)
        self._do("stock.shipment.out.do", ids)
        done = self._shipment(ids[0])
        lines: dict[str, Decimal] = {}
        for move in done["outgoing_moves."]:
            code = move["product."]["code"]
            lines[code] = lines.get(code, Decimal(0)) + Decimal(str(move["quantity"]))
        return Sent(str(done["id"]), done["number"], carrier_reference, lines)

    def _pick_only(self, shipment: int, items: Mapping[str, Decimal | int]) -> None:
        """Writes the quantities that are picked; an item that is not named is left behind."""
        left = {code: float(quantity) for code, quantity in items.items()}
        for move in self._shipment(shipment)["inventory_moves."]:
            code = move["product."]["code"]
            taken = min(left.get(code, 0.0), move["quantity"])
            left[code] = left.get(code, 0.0) - taken
            if taken != move["quantity"]:
                self._do("stock.move.write", [move["id"]], {"quantity": taken})
        if more := [code for code, quantity in left.items() if quantity > 0]:
            raise RejectedError(f"shipment {shipment} does not hold that many of {more}")

    def _shipment(self, id_: int) -> Values:
        moves = ("inventory_moves", "outgoing_moves")
        parts = ("product.code", "quantity")
        fields = ["number", "state", *(f"{move}.{part}" for move in moves for part in parts)]
        (row,) = self._search("stock.shipment.out", [["id", "=", id_]], fields)
        return row

    def receive_return(self, order: int | str) -> list[Sent]:
        """What was announced to come back of the order, received and in stock; one per return."""
        returns = self._search(
            "stock.shipment.out.return",
            [["id", "in", self._shipments_back(order)], ["state", "=", "draft"]],
            ["number", "incoming_moves.product.code", "incoming_moves.quantity"],
        )
        if not returns:
            raise RejectedError(f"order {order} has no open return")
        for button in ("receive", "do"):
            self._do(f"stock.shipment.out.return.{button}", [row["id"] for row in returns])
        return [
            Sent(
                str(row["id"]),
                row["number"],
                "",
                {
                    move["product."]["code"]: Decimal(str(move["quantity"]))
                    for move in row["incoming_moves."]
                },
            )
            for row in returns
        ]

    def return_sale(self, order: int | str) -> int:
        """Takes all of the order back, by the wizard: the id of the confirmed sale that does so."""
        answer = self._wizard(
            "sale.return_sale", "sale.sale", self._sale(order)["id"], "return_", lambda _: {}
        )
        (back,) = answer["actions"][0][1]["res_id"]
        for button in ("quote", "confirm"):
            self._do(f"sale.sale.{button}", [back])
        return int(back)

    def _shipments_back(self, order: int | str) -> list[int]:
        origin = f"sale.sale,{self._sale(order)['id']}"
        rows = self._search("sale.sale", [["origin", "=", origin]], ["shipment_returns"])
        return [id_ for row in rows for id_ in row["shipment_returns"]]

    # --- books -----------------------------------------------------------------

    def post_invoice(self, order: int | str) -> str:
        """The number of the order's invoice, posted now if it was not."""
        (invoice, *_) = self._invoices(order, ["draft", "validated", "posted", "paid"])
        if invoice["state"] in ("draft", "validated"):
            self._do("account.invoice.post", [invoice["id"]])
        return self._number(invoice["id"])

    def pay_invoice(self, order: int | str) -> None:
        """Takes all that is still owed on the order's posted invoice."""
        (invoice, *_) = self._invoices(order, ["posted"])
        (method,) = self._search("account.invoice.payment.method", [["name", "=", JOURNAL]], ["id"])
        self._wizard(
            "account.invoice.pay",
            "account.invoice",
            invoice["id"],
            "choice",
            lambda _: {"payment_method": method["id"], "description": f"Payment of {order}"},
        )

    def credit(self, order: int | str, lines: Mapping[str, Decimal | int] | None = None) -> str:
        """The number of a posted credit note over the order's invoice.

        Over all of it, or over ``lines``: item code → quantity; other lines are then left out.
        """
        (invoice, *_) = self._invoices(order, ["posted", "paid"])
        # "With refund" posts it before its lines can be chosen, and settles the invoice with it.
        answer = self._wizard(
            "account.invoice.credit",
            "account.invoice",
            invoice["id"],
            "credit",
            lambda _: {"with_refund": False},
        )
        (note,) = answer["actions"][0][1]["res_id"]
        if lines is not None:
            self._keep_only(note, lines)
        self._do("account.invoice.post", [note])
        return self._number(note)

    def _keep_only(self, note: int, lines: Mapping[str, Decimal | int]) -> None:
        left = {code: float(quantity) for code, quantity in lines.items()}
        commands: list[list[Any]] = []
        for line in self._search(
            "account.invoice.line", [["invoice", "=", note]], ["product.code", "quantity"]
        ):
            code = (line["product."] or {}).get("code", "")
            taken = min(left.get(code, 0.0), -line["quantity"])
            if taken <= 0:
                commands.append(["delete", [line["id"]]])
            else:
                left[code] -= taken
                commands.append(["write", [line["id"]], {"quantity": -taken}])
        if more := [code for code, quantity in left.items() if quantity > 0]:
            raise RejectedError(f"the invoice does not hold that many of {more}")
        self._do("account.invoice.write", [note], {"lines": commands})

    def _number(self, invoice: int) -> str:
        (row,) = self._search("account.invoice", [["id", "=", invoice]], ["number"])
        return str(row["number"])

    def _invoices(self, order: int | str, states: list[str]) -> list[Values]:
        rows = self._search(
            "account.invoice",
            [["sales", "=", self._sale(order)["id"]], ["state", "in", states]],
            ["state"],
        )
        if not rows:
            raise RejectedError(f"order {order} has no invoice that is {' or '.join(states)}")
        return rows

    # --- orders ----------------------------------------------------------------

    def cancel(self, order: int | str) -> None:
        """Cancels the order; one in processing by its shipments and drafts, which are then ignored.

        What was shipped or posted stays, and the order with it.
        """
        sale = self._sale(order)
        if sale["state"] != "processing":
            self._do("sale.sale.cancel", [sale["id"]])
            return
        for model, ids, states in (
            ("stock.shipment.out", sale["shipments"], ["waiting", "assigned", "picked", "packed"]),
            ("account.invoice", sale["invoices"], ["draft", "validated"]),
        ):
            open_ = self._search(model, [["id", "in", ids], ["state", "in", states]], ["id"])
            if open_:
                self._do(f"{model}.cancel", [row["id"] for row in open_])
        (now,) = self._search(
            "sale.sale", [["id", "=", sale["id"]]], ["shipment_state", "invoice_state"]
        )
        for what, records in (("shipment", "moves"), ("invoice", "invoices")):
            if now[f"{what}_state"] == "exception":
                self._ignore(sale["id"], f"sale.handle.{what}.exception", records)

    def _ignore(self, sale: int, wizard: str, records: str) -> None:
        """Lets what was cancelled be, neither made anew nor waited for."""
        self._wizard(
            wizard,
            "sale.sale",
            sale,
            "handle",
            lambda form: {f"ignore_{records}": form[f"domain_{records}"]},
        )

    def _sale(self, order: int | str) -> Values:
        text = str(order)
        domain = ["id", "=", int(text)] if text.isdigit() else ["web_id", "=", text]
        rows = self._search("sale.sale", [domain], ["state", "shipments", "invoices"])
        if not rows:
            raise RejectedError(f"Tryton has no order {order}")
        return rows[0]

    # --- customers -------------------------------------------------------------

    def edit_party(self, code: str, **fields: str) -> None:
        """Writes ``name, email, phone, vat_number`` or a part of the first address.

        ``party_name, attn, street, postal_code, city`` are the address's. All but the name are
        written on their own records, as the desktop client does: the party itself does not change.
        """
        party = self._party(code)
        address: dict[str, str] = {}
        for name, value in fields.items():
            if name in _CONTACTS:
                self._contact(party, name, value)
            elif name == "vat_number":
                of_party = [["party", "=", party]]
                self._put("party.identifier", of_party, {"code": value}, {"type": None})
            elif name in _ADDRESS:
                address[name] = value
            else:
                self._do("party.party.write", [party], {name: value})
        if address:
            self._put("party.address", [["party", "=", party]], address, {})

    def archive_party(self, code: str) -> None:
        """Makes the party inactive."""
        self._do("party.party.write", [self._party(code)], {"active": False})

    def _party(self, code: str) -> int:
        domain = [["code", "=", code], ["active", "in", [True, False]]]
        rows = self._search("party.party", domain, ["id"])
        if not rows:
            raise RejectedError(f"Tryton has no party {code}")
        return int(rows[0]["id"])

    def _contact(self, party: int, type_: str, value: str) -> None:
        """What Tryton takes for no phone number is kept as "other"."""
        types = [type_, "other"] if type_ == "phone" else [type_]
        of_type = [["party", "=", party], ["type", "in", types]]
        model = "party.contact_mechanism"
        try:
            self._put(model, of_type, {"type": type_, "value": value}, {})
        except RejectedError:
            if type_ != "phone":
                raise
            self._put(model, of_type, {"type": "other", "value": value}, {})

    def _put(self, model: str, domain: list[Any], values: Values, new: Values) -> None:
        """Writes ``values`` on the first record of ``domain``, which is made if there is none."""
        if rows := self._search(model, domain, ["id"]):
            self._do(f"{model}.write", [rows[0]["id"]], values)
        else:
            party = domain[0][2]
            self._do(f"{model}.create", [{**new, **values, "party": party}])
