"""What a store should charge for an item. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from accord.errors import UnmappedError
from accord.model.item import ItemPrices, Lifecycle, SalePrice
from accord.rules.mapping import Mappings
from accord.rules.selling import PriceRules

_HUNDRED = Decimal(100)


def wanted_price(
    prices: ItemPrices,
    lifecycle: Lifecycle,
    rules: PriceRules,
    mappings: Mappings,
    *,
    store: str = "<name>",
    erp: str = "",
) -> dict[str, Any]:
    """The prices that the store should show, as JSON.

    ``{"regular": "12.50", "sale": {"price": "9.99", "from": "2026-01-01", "to": None} | None,
    "bands": {role: "10.00"}}``. Amounts are text in the store's decimals, with or without tax as
    the store enters them. ``regular`` is empty where the item has no price: ``sellable`` says so.
    An own list price that comes to 0 is none: nobody filled it in. In a list that the rules name, 0
    is a price. A role without a price in its list is not among the bands.

    ``store`` and ``erp`` are named in what is raised.

    Raises: UnmappedError: a tax code whose rate is not known, or prices of another currency.
    """
    if rules.currency and prices.currency != rules.currency:
        raise UnmappedError(
            f"{prices.item} is priced in {prices.currency}, and the store sells in "
            f"{rules.currency}; set currency in [stores.{store}.prices]",
            connection=erp,
            causes=(f"currency:{prices.currency}",),
        )
    factor = _factor(prices, rules, mappings, store, erp)

    def text(amount: Decimal) -> str:
        return _text(amount * factor[0] / factor[1], rules.digits)

    if rules.list and rules.list in prices.lists:
        regular = text(prices.lists[rules.list])
    else:
        own = "" if prices.base is None else text(prices.base)
        regular = own if own and Decimal(own) else ""
    sales = ((text(sale.price), sale) for sale in _sales(prices, lifecycle, rules))
    return {
        "regular": regular,
        # The store drops one that is not lower, and says nothing.
        "sale": next(
            (_sale(price, sale) for price, sale in sales if regular and _below(price, regular)),
            None,
        ),
        "bands": {
            band.role: text(prices.lists[band.list])
            for band in rules.band
            if band.list in prices.lists
        },
    }


def percents(mappings: Mappings) -> Mapping[str, frozenset[Decimal]]:
    """Tax code of the back office → the rates that [taxes] says it is of; one, if it is clear."""
    found: dict[str, set[Decimal]] = {}
    for key, code in mappings.taxes.items():
        if (percent := _percent(key)) is not None:
            found.setdefault(code, set()).add(percent)
    return {code: frozenset(rates) for code, rates in found.items()}


def _percent(key: str) -> Decimal | None:
    """The rate of a key of [taxes] that is a percent, and not a rate's code or id."""
    if not key.replace(".", "", 1).isdigit() or not key.isascii():
        return None
    return Decimal(key)


def _factor(
    prices: ItemPrices, rules: PriceRules, mappings: Mappings, store: str, erp: str
) -> tuple[Decimal, Decimal]:
    """What an amount is to be multiplied by, and divided by, to hold tax as the store's do."""
    if prices.gross == rules.include_tax:
        return Decimal(1), Decimal(1)
    rates = percents(mappings)
    unclear = [code for code in prices.taxes if len(rates.get(code, ())) != 1]
    if unclear:
        raise UnmappedError(
            f"the price of {prices.item} cannot be brought {_with(rules)}: "
            f"{_said(unclear, rates)}; name one percent for it in "
            f"[stores.{store}.mappings.taxes]",
            connection=erp,
            causes=tuple(f"tax_code:{code}" for code in unclear),
        )
    total = _HUNDRED + sum((next(iter(rates[code])) for code in prices.taxes), Decimal(0))
    return (total, _HUNDRED) if rules.include_tax else (_HUNDRED, total)


def _with(rules: PriceRules) -> str:
    return "to one with tax" if rules.include_tax else "to one without tax"


def _said(codes: Sequence[str], rates: Mapping[str, frozenset[Decimal]]) -> str:
    return ", ".join(
        f"{code!r} is of {' and '.join(f'{rate:f}' for rate in sorted(rates[code]))} %"
        if code in rates
        else f"{code!r} has no percent"
        for code in codes
    )


def _sales(prices: ItemPrices, lifecycle: Lifecycle, rules: PriceRules) -> Iterable[SalePrice]:
    """The special prices that there are, the most particular first."""
    cleared = prices.lists.get(rules.clearance) if rules.clearance else None
    if lifecycle == "clearance" and cleared is not None:
        yield SalePrice(cleared)
    if prices.sale is not None:
        yield prices.sale
    if rules.sale is not None and rules.sale.list in prices.lists:
        days = rules.sale.starts_on, rules.sale.ends_on
        yield SalePrice(prices.lists[rules.sale.list], *days)


def _sale(price: str, sale: SalePrice) -> dict[str, str | None]:
    return {
        "price": price,
        "from": sale.starts_on.isoformat() if sale.starts_on else None,
        "to": sale.ends_on.isoformat() if sale.ends_on else None,
    }


def _below(price: str, regular: str) -> bool:
    return Decimal(price) < Decimal(regular)


def _text(amount: Decimal, digits: int) -> str:
    return f"{amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP):f}"
