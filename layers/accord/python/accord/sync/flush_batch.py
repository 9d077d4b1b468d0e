"""One batch: written, each entry's answer compared with what was asked, what failed tried alone."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from accord.model.item import Product
from accord.ports.levels import Levels, Place, Sent, Window
from accord.ports.store import Store, Written
from accord.sync.feed import Entry, Feed
from accord.sync.flush_places import Places, place_of
from accord.sync.flush_slice import Row, Slice
from accord.sync.windows import window

# What a batch says of an id that is gone, or is another kind of product by now.
# Source: recorded on WooCommerce 10.5.0; WC_REST_Product_Variations_Controller, as read.
_GONE = frozenset(
    {
        "woocommerce_rest_product_invalid_id",
        "woocommerce_rest_product_variation_invalid_id",
        "woocommerce_rest_product_variation_invalid_parent",
        "woocommerce_rest_invalid_product_id",
    }
)
_TAKEN = "product_invalid_sku"


@dataclass(frozen=True, slots=True)
class _Answer:
    """One entry's answer: ``reason`` is empty where the store shows what was asked."""

    row: Row
    entry: Entry
    product: Product | None = None
    reason: str = ""
    why: str = ""
    gone: bool = False
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Batches:
    """Of one kind, to one store."""

    name: str
    feed: Feed
    store: Store
    levels: Levels
    places: Places
    clock: Callable[[], dt.datetime]

    def write(self, rows: Sequence[Row], slice_: Slice) -> tuple[list[Row], list[Row]]:
        """Writes ``rows``, which share a parent. Those that are to be tried alone, and those that
        the store has somewhere else.

        Raises: UnavailableError: unanswered; it may have taken effect.
        """
        answers = self._answers(rows)
        self._keep([each for each in answers if not each.reason], slice_)
        again = self._anew([each for each in answers if each.gone], slice_)
        alone = [each.row for each in answers if each.reason and not each.gone]
        return alone, again

    def write_alone(self, row: Row, slice_: Slice) -> None:
        """Writes one that failed in a batch. What the store refuses now is a person's.

        Raises: UnavailableError: as ``write``.
        """
        (answer,) = self._answers([row])
        if answer.holder and row.level.place is None:
            row, answer = self._adopted(row, answer, slice_)
        if answer.reason:
            self.places.refuse(slice_, row.level, answer.reason, answer.why)
        else:
            self._keep([answer], slice_)

    # --- asking and comparing -------------------------------------------------

    def _answers(self, rows: Sequence[Row]) -> list[_Answer]:
        entries = self.feed.entries([row.level for row in rows])
        due = [entry for entry in entries if entry.fields is not None]
        written: dict[str, Written] = {}
        if due:
            self.feed.trying(due)
            answers = self.store.write_products(
                [entry.fields or {} for entry in due], parent=rows[0].parent
            )
            written = {entry.level.sku: answer for entry, answer in zip(due, answers, strict=True)}
        return [
            self._judged(row, entry, written.get(entry.level.sku))
            for row, entry in zip(rows, entries, strict=True)
        ]

    def _judged(self, row: Row, entry: Entry, written: Written | None) -> _Answer:
        if written is None:  # it shows it already
            return _Answer(row, entry)
        product = written.product
        if product is None:
            gone = written.code in _GONE and row.level.place is not None
            why = f"{written.message or 'no reason given'} ({written.code})"
            holder = written.holder if written.code == _TAKEN else ""
            return _Answer(row, entry, None, "store_refused", why, gone, holder)
        if product.sku.casefold() != row.level.sku.casefold():
            # Somebody gave the product another SKU: what it got was meant for ours.
            self.levels.resend(self.name, self.feed.kind, [product.sku] if product.sku else [])
            why = f"product {product.ref.id} has the SKU {product.sku or 'no more'}"
            return _Answer(row, entry, product, "not_kept", why, gone=row.level.place is not None)
        if why := self.feed.differs(entry, product):
            return _Answer(row, entry, product, "not_kept", why)
        return _Answer(row, entry, product)

    def _keep(self, answers: Sequence[_Answer], slice_: Slice) -> None:
        now = self.clock()
        results = []
        made = {
            each.row.level.sku: Place(each.product.ref.id, each.product.parent or each.row.parent)
            for each in answers
            if each.product is not None and each.row.level.place is None
        }
        self.places.learn(slice_, made)
        for each in answers:
            level = each.row.level
            results.append(
                Sent(
                    level.sku,
                    level.version,
                    each.entry.value,
                    now,
                    moved=level.moved,
                    overtaken=level.overtaken,
                    window=self._window(each, slice_, now),
                )
            )
            slice_.took(each.entry, now)
        if results:
            self.levels.sent(self.name, slice_.kind, results)
            skus = [one.sku for one in results]
            if slice_.kind == "stock":
                slice_.pace.answered(skus)
            slice_.refusals.close(slice_.kind, skus)

    def _window(self, answer: _Answer, slice_: Slice, now: dt.datetime) -> Window | None:
        if slice_.kind != "stock":
            return None
        tried = slice_.pace.tried.get(answer.row.level.sku)
        return window(answer.entry, answer.product, tried, now=now)

    # --- somewhere else -------------------------------------------------------

    def _anew(self, answers: Sequence[_Answer], slice_: Slice) -> list[Row]:
        """Those that the store has under another id, each asked for once."""
        asked = [each for each in answers if each.row.level.sku not in slice_.resolved]
        for each in answers:
            if each.row.level.sku in slice_.resolved:
                self.places.refuse(slice_, each.row.level, each.reason, each.why)
        if not asked:
            return []
        slice_.resolved.update(each.row.level.sku for each in asked)
        found = self.places.find([each.row.level.sku for each in asked])
        where = {each.row.level.sku: found.get(each.row.level.sku) for each in asked}
        self.places.learn(slice_, where)
        again = []
        for each in asked:
            level, place = each.row.level, where[each.row.level.sku]
            if place is not None and place == level.place:
                self.places.refuse(slice_, level, each.reason, each.why)
            elif place is not None:
                again.append(Row(replace(level, place=place), place.parent))
            elif slice_.kind != "product":
                self.places.pass_over(slice_, level)
            # A product that is gone is made anew by rule, by the next look.
        return again

    def _adopted(self, row: Row, answer: _Answer, slice_: Slice) -> tuple[Row, _Answer]:
        """The product that has the SKU already is it: made by a try that was not answered."""
        held = self.store.get_product(answer.holder)
        if held is None:
            return row, answer
        product = self.store.product(held[0])
        if product.status == "trash":
            why = f"product {product.ref.id} in the trash has its SKU"
            return row, replace(answer, reason="sku_in_trash", why=why)
        if product.sku.casefold() != row.level.sku.casefold():
            return row, answer
        place = place_of(product)
        self.places.learn(slice_, {row.level.sku: place})
        row = Row(replace(row.level, place=place), place.parent)
        return row, self._answers([row])[0]
