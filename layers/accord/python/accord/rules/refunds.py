"""What a refund takes back of its order, line by line, to the cent. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from accord.errors import PermanentError
from accord.model.documents import OrderLine, Refund, SalesOrder, Tax, TaxRate
from accord.model.money import Money
from accord.rules.mapping import Mappings, PaymentRule


def credited(
    order: SalesOrder, refund: Refund, earlier: Sequence[Refund], mappings: Mappings
) -> SalesOrder:
    """``order`` cut down to what ``refund`` takes back; ``total`` is the refund's.

    What was given back without lines becomes what is left of each line where it is all that is
    left of the order, else lines of the kind ``refund``, taxed as ``mappings`` say.

    Args:
        order: As the store holds it now.
        refund: One refund of it.
        earlier: Those that came before it.
        mappings: The store's.

    Raises: PermanentError: more is given back than was charged; owner finance.
    """
    before = [each for each in earlier if each.ref != refund.ref]
    given = Money.total((each.total for each in before), order.currency)
    left = order.total - given
    if refund.total.amount > left.amount:
        raise PermanentError(
            f"refund {refund.ref.id} of order {order.number} gives back {refund.total}, and "
            f"{left} of {order.total} was left; delete the refund that is too much in the store, "
            "or credit it by hand, then replay",
            reason="refund_exceeds",
            owner="finance",
        )
    if not refund.unassigned:
        lines = _taken_back(order, refund)
    elif not refund.lines and refund.total == left and not any(r.unassigned for r in before):
        lines = _rest(order, before)
    else:
        lines = (*_taken_back(order, refund), *_amount(order, refund, mappings))
    summed = Money.total((line.net + line.tax for line in lines), order.currency)
    return replace(
        order,
        lines=tuple(lines),
        total=refund.total,
        rounding=refund.total - summed,
        coupons=(),
        refund_ids=(),
        refunded=None,
    )


def refund_account(rule: PaymentRule) -> str | None:
    """The account that refunds leave from: its own, else the one the payments go to."""
    return rule.refund_account or rule.account


def _taken_back(order: SalesOrder, refund: Refund) -> Sequence[OrderLine]:
    """The refund's lines, named as the order names them: its product may be gone by now."""
    sold = {line.id: line for line in order.lines}
    rates = {tax.rate.id: tax.rate for line in order.lines for tax in line.taxes}
    found = []
    for line in refund.lines:
        was = sold.get(line.id, line)
        codes = {tax.rate.id: tax.code for tax in was.taxes}
        taxes = tuple(
            replace(tax, rate=rates.get(tax.rate.id, tax.rate), code=codes.get(tax.rate.id, ""))
            for tax in line.taxes
        )
        found.append(
            replace(
                was, quantity=_count(was, line.quantity), net=line.net, taxes=taxes, discount=None
            )
        )
    return found


def _count(line: OrderLine, quantity: Decimal) -> Decimal:
    # Money given back without the goods has no quantity: no piece came back. Of what is no goods,
    # there is always one.
    return quantity if line.kind == "item" else quantity or Decimal(1)


def _rest(order: SalesOrder, before: Sequence[Refund]) -> Sequence[OrderLine]:
    """Each line less what was taken back of it; those of which nothing is left are not there."""
    rest = []
    for line in order.lines:
        taken = [each for refund in before for each in refund.lines if each.id == line.id]
        net = line.net - Money.total((each.net for each in taken), order.currency)
        taxes = _less(line.taxes, [tax for each in taken for tax in each.taxes])
        if net or any(tax.amount for tax in taxes):
            quantity = line.quantity - sum((each.quantity for each in taken), Decimal(0))
            rest.append(
                replace(
                    line,
                    quantity=_count(line, max(quantity, Decimal(0))),
                    net=net,
                    taxes=taxes,
                    discount=None,
                )
            )
    return rest


def _less(taxes: Sequence[Tax], taken: Iterable[Tax]) -> tuple[Tax, ...]:
    """Per rate. A rate of a refund that the line never had stays, below zero: nothing is lost."""
    left = {tax.rate.id: tax for tax in taxes}
    for tax in taken:
        held = left.get(tax.rate.id) or Tax(tax.rate, Money.zero(tax.amount.currency))
        left[tax.rate.id] = replace(held, amount=held.amount - tax.amount)
    return tuple(left.values())


# --- an amount without lines ------------------------------------------------

_Rates = tuple[TaxRate, ...]


def _amount(order: SalesOrder, refund: Refund, mappings: Mappings) -> Sequence[OrderLine]:
    """One line, or one per combination of tax rates that the order has."""
    reason = f": {refund.reason}" if refund.reason else ""
    whole = OrderLine(
        id="refund",
        kind="refund",
        code="",
        description=f"Refunded amount{reason}",
        quantity=Decimal(1),
        net=refund.unassigned,
    )
    if mappings.refund_amount_tax == "none":
        return [whole]
    combinations = _combinations(order)
    if not combinations:
        return [whole]
    grosses = [sum(amounts, Decimal(0)) for _, amounts in combinations]
    shares = [
        (f"refund-{n}", combination, share)
        for n, (combination, share) in enumerate(
            zip(combinations, _exact(refund.unassigned, grosses), strict=True), start=1
        )
        if share
    ]
    return [_taxed(whole, id_, combination, share) for id_, combination, share in shares]


def _combinations(order: SalesOrder) -> Sequence[tuple[_Rates, list[Decimal]]]:
    """(rates, [net, tax per rate]) of all lines that share their rates, where it is above zero.

    A gift card is a way to pay: it is no part of what was taxed.
    """
    found: dict[tuple[str, ...], tuple[_Rates, list[Decimal]]] = {}
    for line in order.lines:
        if line.kind == "gift_card":
            continue
        taxes = sorted(line.taxes, key=lambda tax: (tax.rate.compound, tax.rate.id))
        rates = tuple(tax.rate for tax in taxes)
        amounts = [line.net.amount, *(tax.amount.amount for tax in taxes)]
        _, held = found.setdefault(
            tuple(rate.id for rate in rates), (rates, [Decimal(0)] * len(amounts))
        )
        held[:] = [a + b for a, b in zip(held, amounts, strict=True)]
    return [each for each in found.values() if sum(each[1], Decimal(0)) > 0]


def _taxed(
    whole: OrderLine, id_: str, combination: tuple[_Rates, list[Decimal]], gross: Money
) -> OrderLine:
    """The line of ``gross``, which holds the combination's taxes."""
    rates, amounts = combination
    net, *taxes = _exact(gross, _parts(rates, amounts))
    return replace(
        whole,
        id=id_,
        net=net,
        taxes=tuple(Tax(rate, tax) for rate, tax in zip(rates, taxes, strict=True)),
    )


def _parts(rates: _Rates, amounts: Sequence[Decimal]) -> Sequence[Decimal]:
    """Net and taxes in proportion: by the rates, or as the order has them where they are unknown.

    The order's taxes also hold where nothing was charged at all: an exempt buyer's.
    """
    if any(rate.percent.is_nan() for rate in rates) or not any(amounts[1:]):
        usable = all(amount >= 0 for amount in amounts)
        return amounts if usable else [Decimal(1), *(Decimal(0) for _ in rates)]
    # Source: WooCommerce, WC_Tax::calc_exclusive_tax: a compound rate is of the price and all
    # taxes before it.
    parts = [Decimal(1)]
    for rate in rates:  # compound ones are last
        base = sum(parts, Decimal(0)) if rate.compound else Decimal(1)
        parts.append(base * rate.percent / 100)
    return parts


def _exact(amount: Money, weights: Sequence[Decimal]) -> list[Money]:
    """``amount`` split by ``weights``; what is finer than the smallest unit goes to the largest."""
    shares = amount.split(weights)
    largest = max(range(len(weights)), key=lambda n: weights[n])
    shares[largest] += amount - Money.total(shares, amount.currency)
    return shares
