"""Money received or given back, as a move of Tryton's ledger, and the other way. Pure.

Source: trytond 8.2, module account, ``account.move``.
"""

from dataclasses import dataclass
from decimal import Decimal

from accord.erp.tryton.known import Known, Shop
from accord.erp.tryton.wire import Values, related
from accord.model.change import Ref
from accord.model.documents import Kind, PaymentDocument, Record, State, Totals
from accord.model.money import Money

MOVE_FIELDS = (
    "number",
    "state",
    "description",
    "_timestamp",
    "company.currency.code",
    "lines.party",
    "lines.debit",
    "lines.credit",
    "lines.amount_second_currency",
    "lines.second_currency.code",
)


@dataclass(frozen=True, slots=True)
class Booking:
    """Where a payment goes beside its journal.

    ``amount`` is in the company's own currency, below zero for money given back.
    """

    receivable: int
    period: int
    amount: Decimal


def payment_values(
    document: PaymentDocument, key: str, known: Known, shop: Shop, booking: Booking
) -> Values:
    """The new ``account.move``: the journal's account debited, the party's receivable credited.

    The other way round for money given back.

    ``description`` is the external key: Tryton keeps no other field of a move for us. Each line's
    description is the payment's reference, for people.
    """
    journal = known.journals[document.account]
    account = journal.account if document.amount.amount >= 0 else journal.refunds
    foreign = document.amount.currency != shop.currency
    currency = known.currencies[document.amount.currency].id if foreign else None

    def line(account: int, party: int | None, debit: Decimal, sign: int) -> Values:
        return {
            "account": account,
            "party": party,
            "debit": max(debit * sign, Decimal(0)),
            "credit": max(-debit * sign, Decimal(0)),
            "amount_second_currency": document.amount.amount * sign if foreign else None,
            "second_currency": currency,
            "description": document.reference,
        }

    return {
        "company": shop.company,
        "journal": journal.id,
        "period": booking.period,
        "date": document.received_on,
        "description": key,
        "lines": [
            [
                "create",
                [
                    line(account, None, booking.amount, 1),
                    line(booking.receivable, int(document.party.id), booking.amount, -1),
                ],
            ]
        ],
    }


def move_record(values: Values, system: str) -> Record:
    """An ``account.move`` read with MOVE_FIELDS. Posted is CONFIRMED; net is gross.

    The amount is what the party's account was relieved of: below zero for money given back.
    """
    own = related(related(values, "company"), "currency")["code"]
    amount = Money.zero(own)
    for line in values["lines."]:
        if not line["party"]:
            continue
        if second := related(line, "second_currency").get("code"):
            amount = Money(-line["amount_second_currency"], second)
        else:
            amount = Money(line["credit"] - line["debit"], own)
    return Record(
        ref=Ref(system, Kind.PAYMENT, str(values["id"])),
        number=values["number"] or "",
        key=values["description"],
        state=State.CONFIRMED if values["state"] == "posted" else State.DRAFT,
        totals=Totals(net=amount, tax=Money.zero(amount.currency), gross=amount),
        version=values["_timestamp"],
    )
