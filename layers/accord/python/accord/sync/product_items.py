"""The store owns its catalogue: a product that is published becomes an item, and keeps it alike.

So the item is there before the first order needs it. Nothing is sent back. What is taken off the
shop stays an item: its orders and stock hang on it.
"""

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from accord.errors import BusyError, RejectedError, UnsupportedError
from accord.model.change import Change, Ref
from accord.model.documents import Kind
from accord.model.item import ItemDocument, Product
from accord.ports.erp import ErpAdapter
from accord.ports.state import Control, Link, Links, Seen, Step, Steps
from accord.rules import config
from accord.rules.pricing import percents
from accord.rules.skus import item_of
from accord.sync.outcome import Listed, Outcome, Shadowed, Skipped
from accord.sync.steps import Promise, Result, Writer
from accord.sync.turn import Invocation, recovering

CODE = "code"  # fact of a product's link: the item's code, which is its SKU's
SAID = "said"  # fact: fingerprint of what the item was told
_NET = Decimal("0.0001")  # a list price is kept finer than a sale is booked
_HUNDRED = Decimal(100)
SOLD = ("simple", "variation")  # what a line of an order names; plugins put a word before


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductItems:
    """Of one store and its back office."""

    name: str
    rules: config.Store
    erp_name: str
    erp: ErpAdapter
    links: Links
    steps: Steps
    control: Control
    clock: Callable[[], dt.datetime]

    def carry(self, product: Product, change: Change, run: Invocation, *, shadow: bool) -> Outcome:
        """The item of ``product``, made or told what is new.

        Raises:
            BusyError: another worker has the product.
            UnsupportedError: this back office takes no items.
            RejectedError: the back office refused it.
        """
        code = item_of(product.sku, self.rules.mappings)
        if code is None:
            return Skipped("its SKU is no item" if product.sku else "it has no SKU")
        if product.status != "publish":
            return Skipped(f"it is {product.status}, not published")
        if not product.type.endswith(SOLD):
            return Skipped(f"a {product.type} product is not sold as itself")
        document = item_document(product, code, self.rules)
        known = self.links.get(product.ref)
        if known is not None and says(known, document) and not change.replay:
            return Skipped("nothing changed that the back office keeps")
        if shadow:
            return Shadowed(f"would {'update' if known and known.erp else 'make'} item {code}")
        if not self.erp.capabilities.can(Kind.ITEM):
            raise UnsupportedError(f"{self.erp_name} takes no items; make {code} there by hand")
        return self._held(product, document, change, run)

    def _held(
        self, product: Product, document: ItemDocument, change: Change, run: Invocation
    ) -> Outcome:
        link = self.links.acquire(
            product.ref,
            key=document.code,
            owner=run.id,
            now=self.clock(),
            until=run.lease_until,
            seen=Seen(product.modified_at, change.digest),
        )
        if link is None:
            raise BusyError(f"{product.ref} is held by another worker")
        try:
            return self._alike(link, product, document, change)
        finally:
            self.links.abandon(link)  # who was kept out comes again by itself

    def _alike(
        self, link: Link, product: Product, document: ItemDocument, change: Change
    ) -> Outcome:
        code = document.code
        if _is_older(product, link) and not change.replay:
            return Skipped("seen before")
        if says(link, document) and not change.replay:
            return Skipped("nothing changed that the back office keeps")
        item = link.erp if link.facts.get(CODE) == code else None  # another SKU, another item
        made = False
        if item is None:
            result = self._find(code) or self._make(document)
            item, made = Ref(self.erp_name, Kind.ITEM.value, result["id"]), bool(result.get("made"))
            link = self.links.save(replace(link, erp=item, facts={**link.facts, CODE: code}))
        if not made:  # it was there before, or was made by a pass that broke off
            self.erp.update_item(item.id, document)
        facts = {**link.facts, CODE: code, SAID: _fingerprint(document)}
        self.links.save(replace(link, facts=facts, seen=Seen(product.modified_at, change.digest)))
        return Listed(item, code, made)

    def _make(self, document: ItemDocument) -> Mapping[str, Any]:
        """The new item's id; of one that a pass before made, without ``made``."""
        code, capabilities = document.code, self.erp.capabilities
        made: list[str] = []

        def find(_: Step) -> Result | None:
            return self._find(code)

        def do(_: Step) -> Result:
            record = self.erp.create(document, key=code)
            made.append(record.ref.id)
            return {"id": record.ref.id}

        writer = Writer(self.steps, self.clock, functools.cache(lambda: recovering(self.control)))
        result = writer.once(
            f"{self.erp_name}:item:{code}",
            Promise(
                capabilities.duplicates[Kind.ITEM], capabilities.settle, capabilities.search_lag
            ),
            find=find,
            do=do,
        )
        if result["id"] not in made:
            self._check_code(result["id"], code)
        return {**result, "made": result["id"] in made}

    def _check_code(self, id_: str, code: str) -> None:
        """Raises: RejectedError: what was made for that code bears another by now."""
        for item in self.erp.items([id_]):
            if item.code != code:
                raise RejectedError(
                    f"{self.erp_name} has no item {code}: the one that was made for it ({id_}) is "
                    f"{item.code} now; give it {code} back, or make {code} there by hand",
                    reason="renumbered",
                )

    def _find(self, code: str) -> Result | None:
        id_ = self.erp.find_items([code]).get(code)
        return None if id_ is None else {"id": id_}


def item_document(product: Product, code: str, rules: config.Store) -> ItemDocument:
    """What the back office is told of ``product``. What the store does not say is left as it is."""
    taxes = [
        tax
        for tax, class_ in rules.catalogue.tax_classes.items()
        if class_ == ("" if product.tax_class == "standard" else product.tax_class)
    ]
    tax = taxes[0] if len(taxes) == 1 else None
    return ItemDocument(
        code=code,
        name=product.name or code,
        goods=not product.virtual,
        description=product.description or None,
        weight=_decimal(product.weight),
        gtin=product.gtin or None,
        price=_net(product, tax, rules),
        taxes=(tax,) if tax is not None else None,
    )


def _net(product: Product, tax: str | None, rules: config.Store) -> Decimal | None:
    """The list price, where the store leads on prices too and it is clear what is in them."""
    price = _decimal(product.regular_price)
    if price is None or rules.flows.prices != "off" or rules.prices.currency is None:
        return None
    if not rules.prices.include_tax:
        return price
    rates = percents(rules.mappings).get(tax or "", frozenset[Decimal]())
    if len(rates) != 1:
        return None
    gross = _HUNDRED + next(iter(rates))
    return (price * _HUNDRED / gross).quantize(_NET, ROUND_HALF_UP)


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and value >= 0 else None


def _is_older(product: Product, link: Link) -> bool:
    """A late delivery: the item was told something newer."""
    seen = link.seen.modified_at if link.seen is not None else None
    return seen is not None and product.modified_at is not None and product.modified_at < seen


def says(link: Link, document: ItemDocument) -> bool:
    """Whether the item was told just that."""
    return link.erp is not None and link.facts.get(SAID) == _fingerprint(document)


def _fingerprint(document: ItemDocument) -> str:
    text = json.dumps(asdict(document), default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
