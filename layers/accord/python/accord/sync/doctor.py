"""Everything of a store and its back office is read, in bulk, and held against each other."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from accord.errors import AccordError, UnauthorizedError, UnavailableError
from accord.model.documents import Kind
from accord.model.item import Item, Product
from accord.ports.erp import ErpAdapter
from accord.ports.shop import Shop
from accord.ports.store import Store
from accord.rules import config
from accord.rules.diagnosis import diagnose
from accord.rules.findings import Examined, Finding
from accord.sync.connecting import settings_of

_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """Of one store. It reads only. ``erp`` connects with the back office; ``progress`` is told how
    far it is; ``writes`` are the kinds of records that must be written there."""

    name: str
    rules: config.Store
    store: Store
    shop: Shop
    erp: Callable[[], ErpAdapter]
    clock: Callable[[], dt.datetime]
    receiver: str = ""
    progress: Callable[[str], object] = lambda _: None
    writes: Collection[Kind] = ()

    def examine(self) -> list[Finding]:
        """Everything that would not match. A side that cannot be read is a finding of its own."""
        self.progress("the store's settings")
        try:
            setup = self.shop.setup(now=self.clock())
            products = list(self._products())
        except AccordError as error:
            return [self._unread(error)]
        found: list[Finding] = []
        items: list[Item] | None = None
        try:
            erp = self.erp()
            items = list(self._items(erp))
            found += settings_of(self.rules.erp, erp, now=self.clock(), writes=self.writes)
        except AccordError as error:
            found.append(
                Finding(
                    "error",
                    "erp",
                    self.rules.erp,
                    str(error),
                    f"mend [erps.{self.rules.erp}] or its secret; items were not compared",
                )
            )
        examined = Examined(
            store=self.name,
            rules=self.rules,
            setup=setup,
            products=products,
            items=items,
            receiver=self.receiver,
        )
        return [*found, *diagnose(examined)]

    def _unread(self, error: AccordError) -> Finding:
        table = f"[stores.{self.name}]"
        if isinstance(error, UnauthorizedError):
            remedy = (
                "check consumer_key and consumer_secret in its secret, that the key is of an "
                "administrator or shop manager, and that WordPress believes in TLS"
            )
            return Finding("error", "key", self.rules.secret, str(error), remedy)
        if isinstance(error, UnavailableError):
            remedy = (
                f"look at url and api_url in {table}, that WooCommerce is active, and that "
                "permalinks are anything but Plain (WordPress, Settings, Permalinks)"
            )
            return Finding("error", "api", self.rules.api_url or self.rules.url, str(error), remedy)
        return Finding("error", "api", self.rules.url, str(error), f"mend {table}, then try again")

    def _products(self) -> Iterator[Product]:
        """Every product, with its variations."""
        parents: list[str] = []
        count, page = 0, 0
        while True:
            page += 1
            found = self.store.list_products(page=page)
            parents += [each.ref.id for each in found if each.type.startswith("variable")]
            count += len(found)
            self.progress(f"{count:,} products of the store")
            yield from found
            if len(found) < _PAGE:
                break
        if parents:
            yield from self._variations(parents)

    def _variations(self, parents: list[str]) -> Iterator[Product]:
        count, page = 0, 1
        found = self.shop.list_variations(page=page)
        if found is None:  # an older store tells of one product's at a time
            for parent in parents:
                yield from self._of_parent(parent)
            return
        while True:
            count += len(found)
            self.progress(f"{count:,} variations of the store")
            yield from found
            if len(found) < _PAGE:
                return
            page += 1
            found = self.shop.list_variations(page=page) or ()

    def _of_parent(self, parent: str) -> Iterator[Product]:
        page = 0
        while True:
            page += 1
            found = self.store.list_products(page=page, parent=parent)
            yield from found
            if len(found) < _PAGE:
                return

    def _items(self, erp: ErpAdapter) -> Iterator[Item]:
        after, count = "", 0
        while True:
            ids = erp.item_ids(after=after, limit=_PAGE)
            if ids:
                yield from erp.items(ids)
                after = ids[-1]
            count += len(ids)
            self.progress(f"{count:,} items of the back office")
            if len(ids) < _PAGE:
                return
