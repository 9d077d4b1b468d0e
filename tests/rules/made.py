"""Orders and refunds for the tests of the rules, built by hand or at random."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from accord.model.change import Ref
from accord.model.documents import (
    LineKind,
    OrderLine,
    PaymentInfo,
    Refund,
    SalesOrder,
    Tax,
    TaxRate,
)
from accord.model.money import Money
from accord.model.party import Address, Party

AT = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
VAT = TaxRate("1", "GB-VAT-1", "VAT", Decimal(20))
REDUCED = TaxRate("2", "GB-REDUCED-1", "VAT", Decimal(5))
STATE = TaxRate("3", "CA-GST-1", "GST", Decimal(5))
ON_TOP = TaxRate("4", "CA-QST-1", "QST", Decimal("9.975"), compound=True)
UNNAMED = TaxRate("", "", "", Decimal("NaN"))


def line(
    id_: str = "1",
    kind: LineKind = "item",
    *,
    code: str = "MUG",
    net: str = "10.00",
    taxes: Sequence[tuple[TaxRate, str]] = (),
    quantity: str = "1",
    currency: str = "EUR",
) -> OrderLine:
    return OrderLine(
        id=id_,
        kind=kind,
        code=code,
        description=f"line {id_}",
        quantity=Decimal(quantity),
        net=Money(Decimal(net), currency),
        taxes=tuple(Tax(rate, Money(Decimal(amount), currency)) for rate, amount in taxes),
    )


def party(country: str = "GB", *, billing: str = "", **changes: Any) -> Party:
    fields: dict[str, Any] = {
        "name": "Maria Jones",
        "company": "",
        "email": "Maria@Shop.example",
        "phone": "",
        "vat_number": "",
        "customer_id": None,
        "billing": Address(country=billing or country),
        "shipping": Address(country=country),
    }
    return Party(**{**fields, **changes})


def order(
    *lines: OrderLine,
    currency: str = "EUR",
    method: str = "bacs",
    total: str | None = None,
    buyer: Party | None = None,
    status: str = "processing",
) -> SalesOrder:
    """An order of ``lines`` whose total is what they come to, unless it is given."""
    summed = Money.total((each.net + each.tax for each in lines), currency)
    charged = summed if total is None else Money(Decimal(total), currency)
    return SalesOrder(
        ref=Ref("uk", "order", "30"),
        number="30",
        status=status,
        currency=currency,
        placed_at=AT,
        modified_at=AT,
        party=buyer or party(),
        lines=lines,
        total=charged,
        rounding=charged - summed,
        payment=PaymentInfo(method, method),
    )


def refund(
    *lines: OrderLine, id_: str = "90", total: str | None = None, reason: str = "", **changes: Any
) -> Refund:
    """A refund of ``lines``; what ``total`` has above them is unassigned."""
    currency = changes.get("currency", "EUR")
    summed = Money.total((each.net + each.tax for each in lines), currency)
    given = summed if total is None else Money(Decimal(total), currency)
    return Refund(
        ref=Ref("uk", "refund", id_),
        order=Ref("uk", "order", "30"),
        refunded_at=AT,
        total=given,
        lines=lines,
        unassigned=given - summed,
        reason=reason,
    )


# --- at random --------------------------------------------------------------

CURRENCIES = {"EUR": 2, "JPY": 0, "KWD": 3}
RATES = ((), (VAT,), (REDUCED,), (STATE, ON_TOP), (UNNAMED,))
KINDS: tuple[LineKind, ...] = ("item", "item", "item", "shipping", "fee")


@st.composite
def orders(draw: st.DrawFn) -> SalesOrder:
    """Up to six lines with taxes as stores make them, a rounding of a few units beside them."""
    currency = draw(st.sampled_from(sorted(CURRENCIES)))
    unit = Decimal(1).scaleb(-CURRENCIES[currency])
    lines = []
    for n in range(draw(st.integers(1, 6))):
        rates = draw(st.sampled_from(RATES))
        net = draw(st.integers(0, 500_000)) * unit
        taxes = [(rate, draw(st.integers(0, int(net / unit) // 4)) * unit) for rate in rates]
        lines.append(
            line(
                str(n + 1),
                draw(st.sampled_from(KINDS)),
                code=draw(st.sampled_from(["MUG", "TEE-S", "GIFT-10"])),
                net=str(net),
                taxes=[(rate, str(amount)) for rate, amount in taxes],
                quantity=str(draw(st.integers(1, 5))),
                currency=currency,
            )
        )
    off = draw(st.integers(-3, 3)) * unit
    summed = Money.total((each.net + each.tax for each in lines), currency).amount
    return order(*lines, currency=currency, total=str(max(summed + off, Decimal(0))))


@st.composite
def part_of(draw: st.DrawFn, sold: SalesOrder, left: Money, id_: str) -> Refund:
    """A refund of some lines in part, of an amount, or of both, of no more than ``left``."""
    unit = Decimal(1).scaleb(-CURRENCIES[sold.currency])
    lines = []
    budget = left.amount
    for each in sold.lines:
        if not draw(st.booleans()):
            continue
        net = draw(st.integers(0, int(each.net.amount / unit))) * unit
        taxes = [
            (tax.rate, draw(st.integers(0, int(tax.amount.amount / unit))) * unit)
            for tax in each.taxes
        ]
        gross = net + sum((amount for _, amount in taxes), Decimal(0))
        if gross > budget:
            continue
        budget -= gross
        lines.append(
            line(
                each.id,
                each.kind,
                code=each.code,
                net=str(net),
                taxes=[(rate, str(amount)) for rate, amount in taxes],
                quantity=str(draw(st.integers(0, int(each.quantity)))),
                currency=sold.currency,
            )
        )
    extra = draw(st.integers(0, int(budget / unit))) * unit if draw(st.booleans()) else Decimal(0)
    summed = Money.total((each.net + each.tax for each in lines), sold.currency).amount
    return refund(*lines, id_=id_, total=str(summed + extra), currency=sold.currency)


@st.composite
def histories(draw: st.DrawFn) -> tuple[SalesOrder, list[Refund]]:
    """An order and what was given back of it, one after the other; the last may be all the rest."""
    sold = draw(orders())
    refunds: list[Refund] = []
    left = sold.total
    for n in range(draw(st.integers(1, 4))):
        each = draw(part_of(sold, left, str(90 + n)))
        refunds.append(each)
        left -= each.total
    if draw(st.booleans()):
        refunds.append(refund(id_="99", total=str(left.amount), currency=sold.currency))
    return sold, refunds
