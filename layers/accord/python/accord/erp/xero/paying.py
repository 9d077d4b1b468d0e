"""Payments written: of an invoice, or given back for a credit note. One call, and two for the
latter."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from accord.erp.needs import needs
from accord.erp.unsent import nothing_made
from accord.erp.xero.client import Client
from accord.erp.xero.crediting import credit_notes
from accord.erp.xero.invoices import INVOICES, is_booked
from accord.erp.xero.mapping import check_currency, payment_record
from accord.erp.xero.masterdata import MasterData
from accord.erp.xero.refusals import PeriodLockedError, locked
from accord.erp.xero.wire import Values, decimal, every, is_id, only, quoted, text
from accord.errors import PaidByHandError, RejectedError
from accord.model.documents import PaymentDocument, Record, State
from accord.model.keys import payment_key
from accord.model.money import Money

PATH: Final = "Payments"


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is left to pay of an invoice or a credit note, and the money that is booked of it."""

    number: str
    left: Decimal
    money: Decimal


class Paying:
    """``Payments`` of one organisation. A payment's reference is our key."""

    def __init__(self, client: Client, master: MasterData) -> None:
        self._client = client
        self._master = master

    def create(self, document: PaymentDocument, key: str) -> Record:
        """The new payment, which stands at once; what an earlier try made, if Xero takes no more.

        Raises: PaidByHandError: more than is open. RejectedError: nothing that money could go back
            for. UnsupportedError: its currency.
        """
        with nothing_made():
            check_currency(document.amount.currency)
            known = self._master.known(needs(document))
            of = self._credited(key) if document.amount.amount < 0 else _invoice(document)
        body: Values = {
            **of,
            "Account": {"AccountID": known.journals[document.account]},
            "Date": document.received_on,
            "Amount": abs(document.amount.amount),
            "Reference": key,
        }
        try:
            answer = self._client.put(PATH, {PATH: [body]}, key=key)
        except PeriodLockedError as error:
            raise locked(self._client.connection, document.received_on, error) from error
        except RejectedError as error:
            if (found := self._made(document, key)) is not None:
                return found
            raise self._refused(document, key, error) from error
        currency = document.amount.currency
        return payment_record(only(answer, PATH), self._client.connection, currency)

    def get(self, id_: str) -> Record | None:
        if not is_id(id_):
            return None
        rows = self._client.get(f"{PATH}/{id_}").get(PATH) or []
        return self._record(rows[0]) if rows else None

    def find(self, key: str) -> tuple[Record, ...]:
        """Every payment of that key, deleted ones too. One call."""
        term = quoted(key)
        if term is None:
            return ()
        rows = self._client.pages(PATH, PATH, params={"where": f"Reference=={term}"})
        return tuple(self._record(row) for row in every(rows, "Reference", key))

    def _made(self, document: PaymentDocument, key: str) -> Record | None:
        alike = [
            each
            for each in self.find(key)
            if each.state is State.CONFIRMED
            and each.totals is not None
            and each.totals.gross == document.amount
        ]
        return alike[0] if len(alike) == 1 else None

    def _refused(self, document: PaymentDocument, key: str, error: RejectedError) -> RejectedError:
        """``error`` in words that a bookkeeper can act upon. One call."""
        is_in = document.amount.amount > 0
        amount, what = abs(document.amount), "receipt" if is_in else "paying back"
        refused = f"{error}; Xero does not take the {what} of {amount}"
        stands = self._standing(document) if is_in else self._standing_back(key)
        if stands is None or stands.left >= amount.amount:
            return RejectedError(
                f"{refused}. Mend what it names, then replay",
                owner="finance",
                sent=error.sent,
                body=error.body,
            )
        money = Money(stands.money, amount.currency)
        by_hand = PaidByHandError(
            f"{refused}, because of what is set against {stands.number} there, {money} of it "
            "money. Take that off, and replay; or book by hand what is missing, and replay, which "
            "leaves this money to you",
            sent=error.sent,
            body=error.body,
        )
        by_hand.is_all = money == amount
        by_hand.is_settled = stands.left <= 0
        return by_hand

    def _standing(self, document: PaymentDocument) -> _Standing | None:
        """What is set against the invoice; None unless it is booked."""
        rows = self._client.get(f"{INVOICES}/{document.order.id}").get(INVOICES) or []
        row = rows[0] if rows else {}
        if not is_booked(row):
            return None
        left, paid = (decimal(row.get(name)) for name in ("AmountDue", "AmountPaid"))
        return _Standing(text(row.get("InvoiceNumber")), left, paid)

    def _standing_back(self, key: str) -> _Standing | None:
        """The same of the credit note."""
        number = key.removesuffix(payment_key(""))
        row = next((row for row in credit_notes(self._client, number) if is_booked(row)), None)
        if row is None:
            return None
        left, total = (decimal(row.get(name)) for name in ("RemainingCredit", "Total"))
        set_off = (decimal(each.get("Amount")) for each in row.get("Allocations") or ())
        return _Standing(number, left, total - left - sum(set_off, Decimal(0)))

    def _credited(self, key: str) -> Values:
        """The credit note that the money goes back for: it bears the refund's key."""
        number = key.removesuffix(payment_key(""))
        rows = credit_notes(self._client, number)
        if not rows:
            raise RejectedError(
                f"{self._client.connection}: money goes back for a credit note, and there is no "
                f"{number}; enter it in Xero by hand"
            )
        return {"CreditNote": {"CreditNoteID": rows[0]["CreditNoteID"]}}

    def _record(self, row: Values) -> Record:
        of = row.get("Invoice") or row.get("CreditNote") or {}
        currency = of.get("CurrencyCode") or self._master.base_currency()
        return payment_record(row, self._client.connection, str(currency))


def _invoice(document: PaymentDocument) -> Values:
    return {"Invoice": {"InvoiceID": document.order.id}}
