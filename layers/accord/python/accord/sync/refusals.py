"""What a store refused of one SKU, as items for a person; closed when a later attempt succeeds."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from accord.errors import Owner
from accord.model.change import Change
from accord.ports.levels import LevelKind
from accord.ports.state import Attention, Item
from accord.sync.feed import EVENTS, SUBJECTS, subject
from accord.sync.worker import attention_item

_WHAT: Mapping[LevelKind, str] = {"stock": "stock", "price": "price", "product": "product"}
_REMEDY = {
    "invalid_value": "Correct it in the back office; the next change of it is sent",
    "not_kept": "Look for a plugin or a setting of the product that overrules it, then replay",
    "no_parent": "Give the family a code, or make its product in the store, then replay",
    "sku_in_trash": "Restore the product or delete it for good, then replay",
    "store_fails": "See the store's error log for that product, then replay",
    "store_refused": "Mend the product in the store or the item in the back office, then replay",
}


@dataclass(slots=True)
class Refusals:
    """Of one store, in one run."""

    store: str
    attention: Attention
    clock: Callable[[], dt.datetime]
    change: Change
    _open: dict[str, list[str]] | None = field(default=None, init=False)

    def put(
        self,
        kind: LevelKind,
        sku: str,
        reason: str,
        why: str,
        *,
        owner: Owner = "commerce",
        content: str = "",
    ) -> None:
        """A person is asked about ``sku``; the same again is the same item.

        ``content`` is what the store was to be given, where that is known.
        """
        ref = subject(self.store, kind, sku)
        of = Change(ref, EVENTS[kind], self.change.seen_at, self.change.correlation_id)
        message = f"{self.store} was not given the {_WHAT[kind]} of {sku}: {why}. {_REMEDY[reason]}"
        item = attention_item(of, reason, owner, message, now=self.clock(), content=content)
        self.attention.put(item)
        if self._open is not None:
            self._open.setdefault(item.subject, []).append(item.id)

    def close(self, kind: LevelKind, skus: Iterable[str]) -> None:
        """These went through. What is open is read once, and only where something went through."""
        if self._open is None:
            self._open = self._read()
        for sku in skus:
            for id_ in self._open.pop(str(subject(self.store, kind, sku)), ()):
                self.attention.close(id_, now=self.clock(), by="a later attempt")

    def _read(self) -> dict[str, list[str]]:
        heads = tuple(f"{self.store}:{kind}:" for kind in SUBJECTS.values())
        found: dict[str, list[str]] = {}
        for item in self.attention.open(about=heads):
            if _is_of_flush(item):
                found.setdefault(item.subject, []).append(item.id)
        return found


def _is_of_flush(item: Item) -> bool:
    return item.reason in _REMEDY
