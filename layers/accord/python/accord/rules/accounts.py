"""The store's codes in the back office's words: items, accounts, tax codes, payment methods. Pure.

Nothing may vanish: every line of the order becomes exactly one line of the document, or the order
is not posted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

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
from accord.rules.conditions import NO_TAX, item_class, line_misfit
from accord.rules.mapping import Mappings, PaymentRule, Target


@dataclass(frozen=True, slots=True)
class MappedLine:
    """A line in the back office's words, and the keys under [mappings] that say so.

    ``taxes_by`` has one for each tax. Empty texts: no rule was needed, or there is none.
    """

    line: DocumentLine
    item_class: str = ""
    carrier: str | None = None
    target_by: str = ""
    taxes_by: tuple[str, ...] = ()
    revenue_by: str = ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """An order in the back office's words, as far as there are rules for it.

    ``causes`` are the codes that no rule names, ``remedies`` what to do about each; ``refusal`` is
    what a person must look at.
    """

    lines: tuple[MappedLine, ...]
    payment: PaymentRule
    payment_by: str
    causes: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    refusal: PermanentError | None = None


@dataclass(slots=True)
class _Missing:
    """What no rule names, gathered, so that one round of mending is enough."""

    store: str
    causes: list[str] = field(default_factory=list)
    remedies: list[str] = field(default_factory=list)
    refusal: PermanentError | None = None

    def add(self, cause: str, what: str, table: str) -> None:
        self._add(cause, f"{what}; add it to [stores.{self.store}.mappings.{table}]")

    def key(self, cause: str, what: str, key: str) -> None:
        self._add(cause, f"{what}; set {key} in [stores.{self.store}.mappings]")

    def refuse(self, error: PermanentError) -> None:
        self.refusal = self.refusal or error

    def _add(self, cause: str, remedy: str) -> None:
        if cause not in self.causes:
            self.causes.append(cause)
            self.remedies.append(remedy)


def document_lines(
    order: SalesOrder, mappings: Mappings, *, store: str, erp: str
) -> tuple[tuple[DocumentLine, ...], PaymentRule, str | None]:
    """The order's lines as the back office shall hold them, the payment's rule, and the carrier.

    Raises:
        UnmappedError: codes that no rule names, all of them at once.
        PermanentError: a line without SKU, and no rule for such lines.
    """
    mapped = map_order(order, mappings, store=store)
    if mapped.refusal is not None:
        raise mapped.refusal
    if mapped.causes:
        raise UnmappedError(
            f"order {order.number}: no rule for {'; '.join(mapped.remedies)}",
            connection=erp,
            causes=mapped.causes,
        )
    carrier = next((each.carrier for each in mapped.lines if each.carrier), None)
    return tuple(each.line for each in mapped.lines), mapped.payment, carrier


def map_order(order: SalesOrder, mappings: Mappings, *, store: str) -> Mapped:
    """All that the rules say of ``order`` and all that they do not: nothing is raised."""
    missing = _Missing(store)
    lines = tuple(_line(line, order, mappings, missing) for line in order.lines)
    payment, payment_by = _payment(order, mappings, missing)
    return Mapped(
        lines,
        payment,
        payment_by,
        tuple(missing.causes),
        tuple(missing.remedies),
        missing.refusal,
    )


def _line(line: OrderLine, order: SalesOrder, mappings: Mappings, missing: _Missing) -> MappedLine:
    target, target_by = _target(line, mappings, missing)
    taxes, taxes_by = _taxes(line, order, mappings, missing)
    item = target.item if target else None
    revenue, revenue_by = _revenue(line, order, mappings) if item else (None, "")
    return MappedLine(
        DocumentLine(
            description=describe(line),
            quantity=line.quantity,
            net=line.net,
            item=item,
            account=target.account if target else None,
            taxes=taxes,
            source=line.id,
            revenue=revenue,
        ),
        item_class=item_class(line, mappings.classes) or "",
        carrier=target.carrier if target and line.kind == "shipping" else None,
        target_by=target_by,
        taxes_by=taxes_by,
        revenue_by=revenue_by,
    )


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


# --- what a line is -----------------------------------------------------------

_Found = tuple[Target | None, str]


def _target(line: OrderLine, mappings: Mappings, missing: _Missing) -> _Found:
    match line.kind:
        case "item":
            return _item(line, mappings, missing)
        case "shipping":
            # flat_rate:2, the zone's own method, before flat_rate, before any other
            keys = [line.code, line.code.partition(":")[0], "*"]
            return _coded(line, "shipping", mappings.shipping, keys, missing)
        case "fee":
            return _coded(line, "fees", mappings.fees, [line.code, "*"], missing)
        case "gift_card":
            if mappings.gift_cards is None:
                missing.key("gift_card", "gift cards that are paid with", "gift_cards")
            return mappings.gift_cards, "gift_cards"
        case "refund":
            if mappings.refund_amount is None:
                missing.key("refund_amount", "an amount refunded without lines", "refund_amount")
            return mappings.refund_amount, "refund_amount"


def _coded(
    line: OrderLine,
    name: str,
    table: Mapping[str, Target],
    keys: Sequence[str],
    missing: _Missing,
) -> _Found:
    key = next((key for key in keys if key in table), None)
    if key is None:
        missing.add(f"{line.kind}:{line.code}", f"{line.kind} {line.code!r}", name)
        return None, ""
    return table[key], f'{name}."{key}"'


def _item(line: OrderLine, mappings: Mappings, missing: _Missing) -> _Found:
    if not line.code:
        if mappings.no_sku != "attention":
            return mappings.no_sku, "no_sku"
        missing.refuse(
            PermanentError(
                f"line {line.id} ({line.description!r}) has no SKU; give the product one in the "
                f"store, or set no_sku in [stores.{missing.store}.mappings], then replay",
                reason="no_sku",
                owner="commerce",
            )
        )
        return None, ""
    if found := mappings.items.get(line.code):
        return found, f'items."{line.code}"'
    if mappings.items_same_code:
        return Target(item=line.code), "items_same_code"
    missing.add(f"item:{line.code}", f"SKU {line.code!r}", "items")
    return None, ""


def _revenue(line: OrderLine, order: SalesOrder, mappings: Mappings) -> tuple[str | None, str]:
    """The account of an item's revenue, where a rule names one."""
    if line.kind != "item":
        return None, ""
    rates = [name for tax in line.taxes for name in _rate_names(tax.rate)] or [NO_TAX]
    for n, rule in enumerate(mappings.revenue, start=1):
        if line_misfit(rule.when, line, order, mappings.classes, rates) is None:
            return rule.account, f"revenue rule {n}"
    return None, ""


# --- how it is taxed ----------------------------------------------------------


def percent_text(rate: TaxRate) -> str:
    """The rate's percent without needless zeros: 20, 5.5; empty when the store does not say."""
    return "" if rate.percent.is_nan() else f"{rate.percent.normalize():f}"


def _rate_names(rate: TaxRate) -> list[str]:
    """What a rule may call it, most particular first."""
    # An id is a bare number, as a percent is, so it has its own form.
    return [name for name in (f"id:{rate.id}", rate.code, percent_text(rate)) if name]


def _taxes(
    line: OrderLine, order: SalesOrder, mappings: Mappings, missing: _Missing
) -> tuple[tuple[LineTax, ...], tuple[str, ...]]:
    found = [_tax(tax, line, order, mappings, missing) for tax in line.taxes]
    # A gift card pays for what was taxed; it is not sold here.
    if not line.taxes and line.kind != "gift_card":
        code, by = _ruled(line, order, mappings, [NO_TAX])
        if code is not None:
            found = [(LineTax(code, Money.zero(order.currency)), by)]
    return tuple(tax for tax, _ in found), tuple(by for _, by in found)


def _tax(
    tax: Tax, line: OrderLine, order: SalesOrder, mappings: Mappings, missing: _Missing
) -> tuple[LineTax, str]:
    if tax.code:
        return LineTax(tax.code, tax.amount), "mended"
    rate = tax.rate
    names = _rate_names(rate)
    code, by = _ruled(line, order, mappings, names)
    if code is None:
        key = next((name for name in names if name in mappings.taxes), None)
        if key is not None:
            code, by = mappings.taxes[key], f'taxes."{key}"'
    if code is None:
        label = rate.label or rate.code or "without a name"
        what = f"tax rate {label} {percent_text(rate) or '?'} % (id:{rate.id})"
        missing.add(f"tax:{rate.code or rate.id}", what, "taxes")
        return LineTax("", tax.amount), ""
    return LineTax(code, tax.amount), by


def _ruled(
    line: OrderLine, order: SalesOrder, mappings: Mappings, rates: Sequence[str]
) -> tuple[str | None, str]:
    """The tax code of the first tax rule that fits.

    A line without tax is left without, unless a rule names the rate `none`: a code would tax it.
    """
    for n, rule in enumerate(mappings.tax_rules, start=1):
        if rates == [NO_TAX] and NO_TAX not in rule.when.rate:
            continue
        if line_misfit(rule.when, line, order, mappings.classes, rates) is None:
            return rule.code, f"tax rule {n}"
    return None, ""


def payment_rule(order: SalesOrder, mappings: Mappings) -> PaymentRule | None:
    """How the order's money is recorded; None where no rule is for its method."""
    key = _payment_key(order, mappings)
    return mappings.payments[key] if key is not None else None


def _payment_key(order: SalesOrder, mappings: Mappings) -> str | None:
    method = order.payment.method
    keys = (method, "*") if method else ("", "*")
    return next((key for key in keys if key in mappings.payments), None)


def _payment(order: SalesOrder, mappings: Mappings, missing: _Missing) -> tuple[PaymentRule, str]:
    method, key = order.payment.method, _payment_key(order, mappings)
    if key is None:
        missing.add(f"payment:{method}", f"payment method {method!r}", "payments")
        return PaymentRule(record=False), ""
    return mappings.payments[key], f'payments."{key}"'


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
