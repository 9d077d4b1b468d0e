"""What a lost webhook would have said of a store's products.

Where the store leads the catalogue, a changed product becomes its item. Where the back office does,
what a store shows else than it was sent is looked at: a sale of which no order told, or somebody's
correction. Our own writes move a product's date as well, so each is first held against what it was
sent; only one that differs is worth a message.

Products are read after the orders, and for a part of a run at the most: a whole catalogue that was
just sent is read over some minutes.
"""

import datetime as dt
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from accord.model.change import Change
from accord.model.item import Product
from accord.ports.levels import Level, LevelKind, Levels
from accord.ports.queues import Queues
from accord.ports.state import Control, Links
from accord.ports.store import Store
from accord.rules import config
from accord.rules.skus import item_of
from accord.sync.cursor import ROOM, Reader
from accord.sync.feed import SWITCHES, flow_of
from accord.sync.flush_places import place_of
from accord.sync.product_echo import price_found, stock_found
from accord.sync.product_items import SOLD, item_document, says
from accord.sync.told import OVERLAP, Told, is_ripe

_LONGEST = dt.timedelta(seconds=20)  # of a run
LISTS = ("product", "variation")  # each with a cursor of its own
_NEVER = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)  # of a product that bears no time of change


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductPoller:
    """Reads the products of one store."""

    name: str
    rules: config.Store
    store: Store
    links: Links
    levels: Levels
    control: Control
    queues: Queues
    clock: Callable[[], dt.datetime]
    random: Random

    def is_needed(self) -> bool:
        """Whether a flow listens to what the store says of its products."""
        if self._leads():
            return self.rules.flows.products != "off"
        return bool(self._kinds())

    def read(self, *, until: dt.datetime) -> tuple[int, int]:
        """How many were read, and how many messages that took. Call it under the poll's lease.

        Raises:
            PermanentError: ``cursor_ahead``: a product is later than our clock allows.
            AccordError: the store or a queue does not answer; the cursor stays.
        """
        end = min(until, self.clock() + _LONGEST)
        told = Told(self.name, self.control, "products")
        count, sent, is_all = 0, 0, True
        for variations in (False, True):
            if self.clock() + ROOM >= until:
                is_all = False
                break

            def take(page: Sequence[Product]) -> None:
                nonlocal sent
                sent += self._take(page, told)
                told.save()

            read = self._reader(variations=variations).read(take, until=end)
            count, is_all = count + read.records, is_all and not read.behind
        told.save(forget=is_all)
        return count, sent

    # --- how ---------------------------------------------------------------------

    def _reader(self, *, variations: bool) -> Reader[Product]:
        def page(since: dt.datetime, after: str) -> tuple[Sequence[Product], bool, None]:
            found = self.store.products_since(since=since, after=after, variations=variations)
            now = self.clock()
            ripe = list(itertools.takewhile(lambda it: is_ripe(_key(it)[0], now), found.products))
            return ripe, found.is_last or len(ripe) < len(found.products), None

        return Reader(
            system=self.name,
            what=LISTS[variations],
            page=page,
            key=_key,
            overlap=OVERLAP,
            control=self.control,
            clock=self.clock,
        )

    def _take(self, products: Sequence[Product], told: Told) -> int:
        """How many of them were worth a message."""
        levels = {} if self._leads() else self._levels([it.sku for it in products if it.sku])
        sent = 0
        for product in products:
            differs = (
                self._is_new(product)
                if self._leads()
                else self._shows_else(product, levels.get(product.sku, {}))
            )
            id_ = product.ref.id
            state = f"{product.modified_at} {product.stock} {product.regular_price}"
            at = told.told_at(id_, state)
            if differs and at is None:
                self._tell(product, sending=f"poll:{product.ref}:{state}")
                at, sent = self.clock(), sent + 1
            told.met(id_, state, is_open=False, told_at=at)
        return sent

    def _tell(self, product: Product, *, sending: str) -> None:
        change = Change(
            ref=product.ref,
            event="product_updated",
            seen_at=self.clock(),
            correlation_id=f"poll-{self.random.getrandbits(64):016x}",
            modified_at=product.modified_at,
        )
        self.queues.put(change, sending=sending)

    def _leads(self) -> bool:
        return self.rules.catalogue.owner == "store"

    def _is_new(self, product: Product) -> bool:
        """Its item was told something else, or there is none."""
        code = item_of(product.sku, self.rules.mappings)
        if code is None or product.status != "publish" or not product.type.endswith(SOLD):
            return False
        link = self.links.get(product.ref)
        return link is None or not says(link, item_document(product, code, self.rules))

    def _kinds(self) -> list[LevelKind]:
        return [kind for kind in SWITCHES if flow_of(self.rules, kind) != "off"]

    def _levels(self, skus: Sequence[str]) -> Mapping[str, dict[LevelKind, Level]]:
        found: dict[str, dict[LevelKind, Level]] = {}
        for kind in self._kinds():
            for sku, level in self.levels.levels(self.name, kind, skus).items():
                found.setdefault(sku, {})[kind] = level
        return found

    def _shows_else(self, product: Product, levels: Mapping[LevelKind, Level]) -> bool:
        """It is elsewhere than we know, or shows neither what it was sent nor what is coming."""
        if not product.sku or not levels:
            return False  # nothing is sent to it: nothing of it is ours
        place, now = place_of(product), self.clock()
        if any(level.place != place for level in levels.values()):
            return True
        found = []
        if (stock := levels.get("stock")) is not None:
            touched = product.modified_at or now
            found.append(stock_found(stock, product, told_at=touched, now=now))
        if (price := levels.get("price")) is not None:
            found.append(price_found(price, product, self.rules))
        return any(each.verdict in {"moving", "corrected"} for each in found)


def _key(product: Product) -> tuple[dt.datetime, str]:
    return product.modified_at or _NEVER, product.ref.id
