"""The store's codes in the back office's words: items, accounts, tax codes, payment methods. Pure.

Nothing may vanish: every line of the order becomes exactly one line of the document, or the order
is not posted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from accord.errors import PermanentError, UnmappedError
from accord.model.documents import (
    DocumentLine,
    LineTax,
    OrderLine,
    SalesOrder,
    Tax,
    TaxRate,
    Totals,
)
from accord.model.money import Money
from accord.rules.config import Mappings, PaymentRule, Target

T = TypeVar("T")


@dataclass(slots=True)
class _Missing:
    """What no rule names, gathered, so that one round of mending is enough."""

    store: str
    causes: list[str] = field(default_factory=list)
    remedies: list[str] = field(default_factory=list)

    def add(self, cause: str, what: str, table: str) -> None:
        if cause not in self.causes:
            self.causes.append(cause)
            self.remedies.append(f"{what}; add it to [stores.{self.store}.mappings.{table}]")

    def raise_for(self, order: SalesOrder, *, connection: str) -> None:
        if self.causes:
            raise UnmappedError(
                f"order {order.number}: no rule for {'; '.join(self.remedies)}",
                connection=connection,
                causes=tuple(self.causes),
            )


def document_lines(
    order: SalesOrder, mappings: Mappings, *, store: str, erp: str
) -> tuple[tuple[DocumentLine, ...], PaymentRule, str | None]:
    """The order's lines as the back office shall hold them, the payment's rule, and the carrier.

    Raises:
        UnmappedError: codes that no rule names, all of them at once.
        PermanentError: a line without SKU, and no rule for such lines.
    """
    missing = _Missing(store)
    lines = []
    carrier = None
    for line in order.lines:
        target = _target(line, mappings, missing)
        if line.kind == "shipping" and target is not None:
            carrier = carrier or target.carrier
        lines.append(
            DocumentLine(
                description=describe(line),
                quantity=line.quantity,
                net=line.net,
                item=target.item if target else None,
                account=target.account if target else None,
                taxes=tuple(_tax(tax, mappings, missing) for tax in line.taxes),
                source=line.id,
            )
        )
    payment = _payment(order, mappings, missing)
    missing.raise_for(order, connection=erp)
    return tuple(lines), payment, carrier


def rounding_line(
    order: SalesOrder, predicted: Totals, mappings: Mappings, *, store: str
) -> DocumentLine | None:
    """The explicit line that makes the document's total the order's; None when it is already.

    Raises: PermanentError: it would be more than the rules allow; owner finance.
    """
    off = order.total - predicted.gross
    if not off:
        return None
    if mappings.rounding is None or abs(off.amount) > mappings.rounding_max:
        parts = f"net {predicted.net}, tax {predicted.tax}"
        limit = "no rounding target" if mappings.rounding is None else f"{mappings.rounding_max}"
        raise PermanentError(
            f"order {order.number}: the store charged {order.total}, its lines come to "
            f"{predicted.gross} in the back office ({parts}); {off} is more than rounding may be "
            f"({limit}). Look for a gift card or a plugin's discount that is not a line, or for a "
            f"tax code with another rate; then mend [stores.{store}.mappings] and replay",
            reason="total_differs",
            owner="finance",
        )
    return DocumentLine(
        description="Rounding",
        quantity=Decimal(1),
        net=off,
        item=mappings.rounding.item,
        account=mappings.rounding.account,
    )


def describe(line: OrderLine) -> str:
    """The line's name with what the shopper chose: options that no rule maps are kept here."""
    chosen = "; ".join(f"{label}: {value}" for label, value in line.options)
    return f"{line.description} ({chosen})" if chosen else line.description


def _target(line: OrderLine, mappings: Mappings, missing: _Missing) -> Target | None:
    if line.kind == "item":
        return _item(line, mappings, missing)
    if line.kind == "shipping":
        # flat_rate:2, the zone's own method, before flat_rate, before any other
        name, table = "shipping", mappings.shipping
        keys = [line.code, line.code.partition(":")[0], "*"]
    else:
        name, table = "fees", mappings.fees
        keys = [line.code, "*"]
    found = _first(table, keys)
    if found is None:
        missing.add(f"{line.kind}:{line.code}", f"{line.kind} {line.code!r}", name)
    return found


def _item(line: OrderLine, mappings: Mappings, missing: _Missing) -> Target | None:
    if not line.code:
        if mappings.no_sku == "attention":
            raise PermanentError(
                f"line {line.id} ({line.description!r}) has no SKU; give the product one in the "
                f"store, or set no_sku in [stores.{missing.store}.mappings], then replay",
                reason="no_sku",
                owner="commerce",
            )
        return mappings.no_sku
    if found := mappings.items.get(line.code):
        return found
    if mappings.items_same_code:
        return Target(item=line.code)
    missing.add(f"item:{line.code}", f"SKU {line.code!r}", "items")
    return None


def percent_text(rate: TaxRate) -> str:
    """The rate's percent without needless zeros: 20, 5.5; empty when the store does not say."""
    return "" if rate.percent.is_nan() else f"{rate.percent.normalize():f}"


def _tax(tax: Tax, mappings: Mappings, missing: _Missing) -> LineTax:
    rate = tax.rate
    # Most particular first. An id is a bare number, as a percent is, so it has its own form.
    keys = (f"id:{rate.id}", rate.code, percent_text(rate))
    code = next((mappings.taxes[key] for key in keys if key and key in mappings.taxes), None)
    if code is None:
        label = rate.label or rate.code or "without a name"
        what = f"tax rate {label} {percent_text(rate) or '?'} % (id:{rate.id})"
        missing.add(f"tax:{rate.code or rate.id}", what, "taxes")
        return LineTax("", tax.amount)
    return LineTax(code, tax.amount)


def _payment(order: SalesOrder, mappings: Mappings, missing: _Missing) -> PaymentRule:
    method = order.payment.method
    found = _first(mappings.payments, (method, "*") if method else ("", "*"))
    if found is None:
        missing.add(f"payment:{method}", f"payment method {method!r}", "payments")
        return PaymentRule(record=False)
    return found


def _first(table: Mapping[str, T], keys: Iterable[str]) -> T | None:
    return next((table[key] for key in keys if key in table), None)


def check_complete(order: SalesOrder, lines: Iterable[DocumentLine]) -> None:
    """Every line of the order stands in the document once, with its money.

    Raises: PermanentError: something of the order is missing; nothing must be written.
    """
    wanted = {line.id: line for line in order.lines}
    for line in lines:
        if line.source is not None:
            source = wanted.pop(line.source, None)
            taxed = Money.total((tax.amount for tax in line.taxes), order.currency)
            if source is None or (source.net, source.tax, source.quantity) != (
                line.net,
                taxed,
                line.quantity,
            ):
                raise PermanentError(
                    f"order {order.number}: line {line.source} is not what the store sold",
                    reason="incomplete",
                )
    if wanted:
        raise PermanentError(
            f"order {order.number}: lines {', '.join(sorted(wanted))} are not in the document",
            reason="incomplete",
        )
