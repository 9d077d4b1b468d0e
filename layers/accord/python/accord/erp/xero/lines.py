"""Lines of a document as Xero's values: what they come to, and whether pieces move. Pure.

Xero counts the pieces of a tracked item by its documents: an invoice whose line names the item
takes them out, and a credit note whose line does brings them in. So a credit note names it only for
pieces that come back.

Xero counts hundredths of any money, also where there is nothing below one yen. What its tax is then
off what the store charged is a line without tax, so that whole yen stay whole.

Source: developer.xero.com, "Rounding in Xero", "Tracked inventory"; Xero OpenAPI 16.1.0, LineItem.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

from accord.erp.xero.known import Known
from accord.erp.xero.options import Options
from accord.erp.xero.wire import Values
from accord.errors import UnsupportedError
from accord.model.documents import DocumentLine

_STEP: Final = Decimal("0.0001")
_CENT: Final = Decimal("0.01")
_NONE: Final = Decimal(0)
_UNTAXED: Final = "NONE"
_ROUNDING: Final = "Rounding"
LONGEST: Final = 4000
"""Characters of a description."""


@dataclass(frozen=True, slots=True)
class _Part:
    """What one line of Xero's holds of a document's line. ``moves``: it names the item."""

    quantity: Decimal
    unit: Decimal
    amount: Decimal  # in cents, as Xero computes it
    moves: bool
    discount: Decimal = _NONE


def invoice_lines(line: DocumentLine, known: Known, options: Options) -> list[Values]:
    """One line; its account, its tax and the amount of that are given, so Xero computes none of
    them. What four decimals of a price make too much is taken off as a discount; of an amount below
    zero nothing can be taken off, so it is made up as in ``credit_lines``. A text without an amount
    is a description alone.

    Raises: UnsupportedError: it bears two taxes.
    """
    if is_note(line):
        return [_words(line)]
    net, tax, left = _net_and_tax(line, known)
    amount, quantity = _amount(net, tax, options), _quantity_of(line)
    parts = [_discounted(amount, quantity)] if amount >= 0 else _exact(amount, quantity, moves=True)
    booked = _booked(line, tuple(parts), tax, known, options)
    return [*booked, *_made_whole(line, left, known, options)]


def credit_lines(line: DocumentLine, known: Known, options: Options) -> list[Values]:
    """One line, and more where one cannot say it: a credit note has no discounts, so what four
    decimals of a price make too little is a line of its own; and pieces that are in stock again are
    on another line than those that are not: only the first names the item.

    Raises: as ``invoice_lines``.
    """
    if is_note(line):
        return [_words(line)]
    net, tax, left = _net_and_tax(line, known)
    parts = tuple(_credited(line, _amount(net, tax, options)))
    booked = _booked(line, parts, tax, known, options)
    return [*booked, *_made_whole(line, left, known, options)]


def is_note(line: DocumentLine) -> bool:
    return line.item is None and line.account is None and not line.net and not line.taxes


def rounded(amount: Decimal) -> Decimal:
    """To the cent, as Xero does it."""
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


def _words(line: DocumentLine) -> Values:
    return {"Description": line.description or "-"}


def _booked(
    line: DocumentLine, parts: Sequence[_Part], tax: Decimal, known: Known, options: Options
) -> list[Values]:
    percent = _percent(line, known)
    taxes = _shared(tax, parts, [_computed(part.amount, percent, options) for part in parts])
    return [
        _values(line, part, each, known, options) for part, each in zip(parts, taxes, strict=True)
    ]


def _values(
    line: DocumentLine, part: _Part, tax: Decimal, known: Known, options: Options
) -> Values:
    values: Values = {
        "Description": line.description[:LONGEST] or "-",
        "Quantity": part.quantity,
        "UnitAmount": part.unit,
        "TaxType": _tax_type(line, known),
        "TaxAmount": tax,
    }
    if part.discount:
        values["DiscountAmount"] = part.discount
    if line.item is not None and part.moves:
        values["ItemCode"] = known.items[line.item].code
    return values | _where(line, known, options)


def _made_whole(line: DocumentLine, left: Decimal, known: Known, options: Options) -> list[Values]:
    """What the tax of ``line`` still lacks, where that is less than there is of the currency."""
    if not left:
        return []
    values: Values = {
        "Description": _ROUNDING,
        "Quantity": Decimal(1),
        "UnitAmount": left,
        "TaxType": _UNTAXED,
        "TaxAmount": _NONE,
    }
    return [values | _where(line, known, options)]


def _where(line: DocumentLine, known: Known, options: Options) -> Values:
    """Where it is booked."""
    values: Values = {}
    if account := _account(line, known, options):
        values["AccountCode"] = account
    if options.tracking:
        values["Tracking"] = [
            {"Name": name, "Option": option} for name, option in options.tracking.items()
        ]
    return values


def _account(line: DocumentLine, known: Known, options: Options) -> str | None:
    if line.item is None:
        return known.accounts[line.account or ""]
    if line.revenue is not None:
        return known.accounts[line.revenue]
    own = known.items[line.item].account
    if own is None and options.sales_account:
        return known.accounts[options.sales_account]
    return own


# --- quantities and prices ----------------------------------------------------------


def _quantity_of(line: DocumentLine) -> Decimal:
    """An amount needs a piece to hang on, so a line of none becomes one piece."""
    return line.quantity or Decimal(1)


def _discounted(amount: Decimal, quantity: Decimal) -> _Part:
    """What is taken off all pieces, so that they come to ``amount``."""
    near = _near(amount, quantity)
    if rounded(near * quantity) == amount:
        return _Part(quantity, near, amount, moves=True)
    above = (amount / quantity).quantize(_STEP, rounding=ROUND_CEILING)
    return _Part(quantity, above, amount, moves=True, discount=rounded(above * quantity) - amount)


def _credited(line: DocumentLine, amount: Decimal) -> Iterator[_Part]:
    """The pieces that come back first. All parts come to ``amount``."""
    quantity = _quantity_of(line)
    back = min(line.returned, quantity)
    if not 0 < back < quantity:
        yield from _exact(amount, quantity, moves=back > 0)
        return
    share = rounded(amount * back / quantity)
    yield from _exact(share, back, moves=True)
    yield from _exact(amount - share, quantity - back, moves=False)


def _exact(amount: Decimal, quantity: Decimal, *, moves: bool) -> Iterator[_Part]:
    near = _near(amount, quantity)
    if rounded(near * quantity) == amount:
        yield _Part(quantity, near, amount, moves)
        return
    below = (amount / quantity).quantize(_STEP, rounding=ROUND_DOWN)
    come = rounded(below * quantity)
    yield _Part(quantity, below, come, moves)
    yield _Part(Decimal(1), amount - come, amount - come, moves=False)


def _near(amount: Decimal, quantity: Decimal) -> Decimal:
    return (amount / quantity).quantize(_STEP, rounding=ROUND_HALF_UP)


def _amount(net: Decimal, tax: Decimal, options: Options) -> Decimal:
    return net + tax if options.prices == "with tax" else net


# --- tax ------------------------------------------------------------------------------


def _tax_code(line: DocumentLine) -> str | None:
    codes = tuple(dict.fromkeys(tax.code for tax in line.taxes))
    if len(codes) > 1:
        raise UnsupportedError(
            f"a line of Xero bears one tax rate, and {line.description!r} bears "
            f"{' and '.join(codes)}; map both to one rate that has them as its components",
            owner="finance",
        )
    return codes[0] if codes else None


def _tax_type(line: DocumentLine, known: Known) -> str:
    code = _tax_code(line)
    return known.taxes[code].type if code is not None else _UNTAXED


def _percent(line: DocumentLine, known: Known) -> Decimal:
    code = _tax_code(line)
    return known.taxes[code].percent if code is not None else _NONE


def _net_and_tax(line: DocumentLine, known: Known) -> tuple[Decimal, Decimal, Decimal]:
    """The line's net; its tax as the store charged it, within a cent of what the rate makes of it:
    Xero takes no other; and the rest of that tax, where it is below the currency's smallest unit.
    More than that is for the rounding line."""
    net, unit = line.net.rounded().amount, line.net.unit
    percent = _percent(line, known)
    computed = rounded(net * percent / 100)
    if not percent:
        return net, computed, _NONE
    charged = rounded(sum((tax.amount.amount for tax in line.taxes), _NONE))
    tax = min(max(charged, computed - _CENT), computed + _CENT)
    left = charged - tax
    return net, tax, left if abs(left) < unit and unit > _CENT else _NONE


def _computed(amount: Decimal, percent: Decimal, options: Options) -> Decimal:
    """What Xero makes of a line's amount."""
    if options.prices == "with tax":
        return rounded(amount - amount / (1 + percent / 100))
    return rounded(amount * percent / 100)


def _shared(tax: Decimal, parts: Sequence[_Part], computed: Sequence[Decimal]) -> list[Decimal]:
    """``tax``, each part's within a cent of what Xero ``computed``: there are as many cents left as
    there are parts, at the most. The largest part takes the first."""
    shares = list(computed)
    left = tax - sum(shares, _NONE)
    largest = sorted(range(len(parts)), key=lambda n: abs(parts[n].amount), reverse=True)
    for n in largest:
        step = min(max(left, -_CENT), _CENT)
        shares[n] += step
        left -= step
    return shares
