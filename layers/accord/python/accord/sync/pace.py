"""How fast one store may be written to, and what it was sent without an answer.

Kept in ``control`` as JSON: ``size`` of a batch, ``rest`` until when prices and products keep off,
``tried`` by SKU: [quantity, unknown, moved, milliseconds since 1970], ``looked`` by SKU of those:
seconds since 1970. Only who holds the store's lease changes it.
"""

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from accord.ports.state import Control

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Tried:
    """A quantity that was sent at ``at`` and not answered; see ``flush_stock.Shown``.

    What the store sold after the second ``since``, it may have written over; see ``windows``.
    """

    quantity: int
    unknown: Decimal
    moved: Decimal
    at: dt.datetime
    since: dt.datetime | None = None


@dataclass(slots=True)
class Pace:
    """Of one store. ``most`` is the largest batch that its owner allows."""

    control: Control
    name: str
    most: int
    size: int
    rest_until: dt.datetime | None = None
    tried: dict[str, Tried] = field(default_factory=dict)
    _text: str = ""
    _version: int | None = None

    @classmethod
    def of(cls, control: Control, store: str, *, most: int) -> Self:
        """As it was left."""
        name = f"pace:{store}"
        held = control.get(name)
        if held is None:
            return cls(control, name, most, most)
        data = json.loads(held[0])
        rest = data.get("rest")
        return cls(
            control,
            name,
            most,
            size=max(1, min(most, data["size"])),
            rest_until=dt.datetime.fromisoformat(rest) if rest else None,
            tried={
                sku: _tried(each, data.get("looked", {}).get(sku))
                for sku, each in data.get("tried", {}).items()
            },
            _text=held[0],
            _version=held[1],
        )

    def save(self) -> None:
        """Kept, if it is another than what is kept."""
        data: dict[str, Any] = {"size": self.size}
        if self.rest_until is not None:
            data["rest"] = self.rest_until.isoformat()
        if self.tried:
            data["tried"] = {sku: _plain(each) for sku, each in self.tried.items()}
            looked = {sku: each.since for sku, each in self.tried.items() if each.since}
            data["looked"] = {sku: int(since.timestamp()) for sku, since in looked.items()}
        text = json.dumps(data, separators=(",", ":"))
        if text != self._text:
            self._version = self.control.put(self.name, text, version=self._version)
            self._text = text

    def good(self, entries: int) -> None:
        """A batch was answered in time. One that was smaller than it might be proves nothing."""
        if entries >= self.size:
            self.size = min(self.most, self.size + max(1, self.size // 10))

    def bad(self, entries: int) -> None:
        """A batch failed, or took too long."""
        self.size = max(1, min(self.size, entries) // 2)

    def answered(self, skus: Iterable[str]) -> None:
        """The store said what it shows of these."""
        for sku in skus:
            self.tried.pop(sku, None)


def _tried(data: list[Any], looked: int | None) -> Tried:
    quantity, unknown, moved, at = data
    since = None if looked is None else dt.datetime.fromtimestamp(looked, dt.UTC)
    return Tried(quantity, Decimal(unknown), Decimal(moved), _EPOCH + at * _MILLISECOND, since)


def _plain(tried: Tried) -> list[Any]:
    at = (tried.at - _EPOCH) // _MILLISECOND
    return [tried.quantity, str(tried.unknown), str(tried.moved), at]
