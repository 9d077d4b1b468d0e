"""The store tells of a product: where its SKU is, and who changed what.

The back office owns the catalogue: our own writes come back and end here; a sale is left to its
order; a correction by hand is told to a person, or written over, by rule. The store owns it: the
product becomes an item. Either way the body that was delivered is a hint, and what would be acted
on is read anew.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from accord.errors import PermanentError, TransientError
from accord.model.change import Change
from accord.model.item import Product
from accord.ports.levels import Level, LevelKind, Levels, Sent
from accord.ports.queues import Queues
from accord.ports.state import Journal
from accord.ports.store import Store
from accord.rules import config
from accord.rules.table import Flow
from accord.sync.feed import SWITCHES, flow_of, queue_flush
from accord.sync.flush_places import place_of
from accord.sync.outcome import Done, Outcome, Shadowed, Skipped, Told
from accord.sync.product_echo import Found, price_found, stock_found
from accord.sync.product_items import ProductItems
from accord.sync.turn import Invocation, Story, waits_for_flow
from accord.sync.worker import TRIES, WAKE

_FRESH = dt.timedelta(minutes=5)  # a body that was told longer ago is read anew
_LOOKS_S = (10.0, 30.0, 90.0)  # between looks at what moves: most orders tell within seconds
_AFTER_S = 1.0  # the moment from which a last look is sure of what it sees
_ECHO = "our own write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Products:
    """The flow of one store's product events."""

    name: str
    rules: config.Store
    store: Store
    levels: Levels
    queues: Queues
    journal: Journal
    items: ProductItems
    clock: Callable[[], dt.datetime]

    def post(self, change: Change, run: Invocation) -> Done:
        """What came of the product's change.

        Raises:
            TransientError: it shows a sale that no order has told of yet; look again.
            AccordError: what the store or the back office could not do now.
        """
        name, flow = self._flow()
        waits_for_flow(flow, change, store=self.name, name=name)
        if flow == "off":
            return Done(Skipped("the flow is off"))
        story = Story(self.journal, self.clock, change)
        product = self._read(change, run)
        if product is None:
            return Done(Skipped("the store has no such product"), settles=True)
        if self.rules.catalogue.owner == "store":
            outcome = self.items.carry(product, change, run, shadow=flow == "shadow")
            done = Done(outcome, settles=True)
        elif not product.sku:
            return Done(Skipped("it has no SKU"), settles=True)
        elif product.status == "trash":
            done = self._trashed(product, flow)
        else:
            done = self._of_erp(product, change, run, story)
        if not isinstance(done.outcome, Skipped) or done.asks:
            story.tell("ended", "; ".join([str(done.outcome), *(ask.reason for ask in done.asks)]))
            story.flush()
        return done

    def _flow(self) -> tuple[str, Flow]:
        """The switch that the event hangs on: where the back office leads, any that sends."""
        if self.rules.catalogue.owner == "store":
            return "products", self.rules.flows.products
        flows: dict[str, Flow] = {
            switch: getattr(self.rules.flows, switch) for switch in SWITCHES.values()
        }
        for wanted in ("on", "shadow"):
            for name, flow in flows.items():
                if flow == wanted:
                    return name, flow
        return "products", "off"

    def _read(self, change: Change, run: Invocation) -> Product | None:
        """As it was delivered if that is surely fresh, else as it is."""
        fresh = self.clock() - change.seen_at <= _FRESH
        if change.document is not None and fresh and run.attempt == 1 and not change.replay:
            return self.store.product(change.document)
        return self._now(change)

    def _now(self, change: Change) -> Product | None:
        answer = self.store.get_product(change.ref.id)
        return None if answer is None else self.store.product(answer[0])

    # --- the back office leads --------------------------------------------------

    def _of_erp(self, product: Product, change: Change, run: Invocation, story: Story) -> Done:
        levels = self._levels(product.sku)
        if self._is_shadow():
            found = self._found(product, levels, change)
            told = [f"{each.kind}: {each.why}" for each in found if each.verdict == "corrected"]
            if not told:
                return Done(Skipped("nothing that was sent is shown otherwise"))
            return Done(Shadowed("; ".join(told)))
        learnt = self._learn(product, levels, change)
        found = self._found(product, levels, change)
        if any(each.verdict != "ours" for each in found) and change.document is not None:
            again = self._now(change)  # what was delivered may be older than what we wrote since
            if again is None or again.sku != product.sku or again.status == "trash":
                return Done(Skipped("it is another product by now"))  # of which it tells by itself
            product, levels = again, self._levels(again.sku)
            found = self._found(product, levels, change)
        if any(each.verdict == "moving" for each in found):
            if run.attempt < TRIES:
                raise TransientError(
                    f"{change.ref} shows what no order has told of yet",
                    retry_after=self._next_look(found, run.attempt),
                )
            return Done(Skipped("it goes on moving; its next change is looked at again"))
        corrected = [each for each in found if each.verdict == "corrected"]
        if corrected:
            return self._corrected(product, corrected, change, story)
        why = "something newer is on its way" if _is_late(found) else _ECHO
        outcome: Outcome = Told(f"where {product.sku} is") if learnt else Skipped(why)
        return Done(outcome, settles=not _is_late(found))

    def _next_look(self, found: list[Found], attempt: int) -> float:
        """Seconds. The last look is not before all is quiet, whatever the store's clock says."""
        soon = _LOOKS_S[attempt - 1]
        if attempt + 1 < TRIES:
            return soon
        now = self.clock()
        quiet = max(each.quiet_at for each in found if each.quiet_at is not None)
        return max(soon, (quiet - now).total_seconds() + _AFTER_S)

    def _is_shadow(self) -> bool:
        return all(flow_of(self.rules, kind) != "on" for kind in SWITCHES)

    def _levels(self, sku: str) -> Mapping[LevelKind, Level]:
        found = {kind: self.levels.levels(self.name, kind, [sku]).get(sku) for kind in SWITCHES}
        return {kind: level for kind, level in found.items() if level is not None}

    def _found(
        self, product: Product, levels: Mapping[LevelKind, Level], change: Change
    ) -> list[Found]:
        found = []
        if (stock := levels.get("stock")) is not None and flow_of(self.rules, "stock") != "off":
            now = self.clock()
            found.append(stock_found(stock, product, told_at=change.seen_at, now=now))
        if (price := levels.get("price")) is not None and flow_of(self.rules, "price") != "off":
            found.append(price_found(price, product, self.rules))
        return found

    def _learn(self, product: Product, levels: Mapping[LevelKind, Level], change: Change) -> bool:
        """Remembers where the SKU is; what waited for that is sent. Whether it was news."""
        place = place_of(product)
        if levels and all(level.place == place for level in levels.values()):
            return False
        self.levels.put_places(self.name, {product.sku: place})
        for kind, level in levels.items():
            if level.wanted is not None and flow_of(self.rules, kind) == "on":
                self._send(kind, product.sku, change)
        return True

    def _send(self, kind: LevelKind, sku: str, change: Change) -> None:
        self.levels.resend(self.name, kind, [sku])
        queue_flush(
            self.queues,
            self.name,
            kind,
            now=self.clock(),
            correlation_id=change.correlation_id,
            sending=f"told:{change.ref}:{change.digest or change.correlation_id}",
        )

    def _corrected(
        self, product: Product, found: list[Found], change: Change, story: Story
    ) -> Done:
        told = f"{product.sku}: {'; '.join(each.why for each in found)}"
        by_person = bool(change.replay) and change.replay != WAKE
        if by_person or self.rules.stock.corrections == "overwrite":
            for each in found:
                if each.kind == "stock":
                    self._take_as_shown(product)
                self._send(each.kind, product.sku, change)
                story.tell("step", f"{each.kind} is sent again: {each.why}")
            return Done(Told(f"{told}; it is sent again"), settles=True)
        asks = tuple(_ask(each, product.sku, self.name, self.rules.erp) for each in found)
        return Done(Told(f"{told}; a person was told"), settles=True, asks=asks)

    def _take_as_shown(self, product: Product) -> None:
        """What was taken away by hand is not a sale that some order will tell of."""
        level = self.levels.levels(self.name, "stock", [product.sku]).get(product.sku)
        if level is None or product.stock is None:
            return
        value = {"quantity": int(product.stock)}
        now = self.clock()
        shown = Sent(product.sku, level.version, value, now, level.moved, overtaken=level.overtaken)
        self.levels.sent(self.name, "stock", [shown])

    def _trashed(self, product: Product, flow: Flow) -> Done:
        """In the trash, where nothing can be written to it. Another one may have its SKU by now."""
        levels = self._levels(product.sku)
        place = place_of(product)
        ours = [kind for kind, level in levels.items() if level.place == place]
        if not ours:
            return Done(Skipped("it is in the trash, and not ours"), settles=True)
        if flow != "on":
            return Done(Shadowed(f"{product.sku} is nowhere any more"))
        self.levels.put_places(self.name, {product.sku: None})
        if all(levels[kind].wanted is None for kind in ours):
            return Done(Skipped("it is in the trash, and not sold by the back office"))
        ask = PermanentError(
            f"{product.sku} was put into the trash in {self.name}, and {self.rules.erp} sells it. "
            "Restore it in the store, or take it off sale in the back office, then dismiss this",
            reason="product_deleted",
            owner="commerce",
        )
        return Done(Told(f"{product.sku} is in the trash"), settles=True, asks=(ask,))


def _is_late(found: list[Found]) -> bool:
    return any(each.verdict == "on_its_way" for each in found)


def _ask(found: Found, sku: str, store: str, erp: str) -> PermanentError:
    stock = found.kind == "stock"
    return PermanentError(
        f"{sku}: {found.why}. {erp} owns the {'stock' if stock else 'prices'} of {store}. If what "
        "the store shows is right, book it in the back office and dismiss this; else replay this, "
        'which writes over it. With corrections = "overwrite" in '
        f"[stores.{store}.stock] nobody is asked",
        reason="stock_corrected" if stock else "price_corrected",
        owner="warehouse" if stock else "commerce",
    )
