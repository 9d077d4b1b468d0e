"""Custom fields of orders, customers and products: how REST changes them, how they come back."""

from collections.abc import Iterator
from typing import Any

from accord.local.store.documents import Doc


def set_meta(meta: list[Doc], entries: list[Doc], ids: Iterator[int]) -> None:
    """By id or key; null removes; numbers and booleans become text; kept sorted by key."""
    for entry in entries:
        known = next(
            (
                it
                for it in meta
                if it["id"] == entry.get("id")
                or ("id" not in entry and it["key"] == entry.get("key"))
            ),
            None,
        )
        value = _kept(entry.get("value"))
        if known is not None and value is None:
            meta.remove(known)
        elif known is not None:
            known["value"] = value
        elif value is not None and entry.get("key"):
            meta.append({"id": next(ids), "key": entry["key"], "value": value})
    meta.sort(key=lambda it: str(it["key"]).lower())


def _kept(value: Any) -> Any:
    """As it comes back: 5 is "5", true is "1", false is "", 1.5 is "1.5"; an object is itself."""
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int | float) else value
