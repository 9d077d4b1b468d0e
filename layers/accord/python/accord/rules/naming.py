"""In which tables of accord.toml a code of the back office is named, to be mended there. Pure.

A code is what an unmapped cause names: ``item:MUG``, ``tax:VAT 20%``, ``location:MAIN``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from accord.rules.config import Store
from accord.rules.table import Table

_NAMED: Mapping[str, tuple[str, frozenset[str]]] = {
    "item": ("mappings", frozenset({"item"})),
    "account": ("mappings", frozenset({"account", "refund_account"})),
    "tax": ("mappings", frozenset({"taxes", "code"})),
    "carrier": ("mappings", frozenset({"carrier"})),
    "terms": ("mappings", frozenset({"terms"})),
    "location": ("stock", frozenset({"locations"})),
    "price_list": ("prices", frozenset({"list", "clearance"})),
}
"""Kind of cause → the store's table, and the words in it that such codes stand under."""


def tables_of(causes: Iterable[str], name: str, rules: Store) -> tuple[str, ...]:
    """Where [stores.``name``] names what ``causes`` say is not there, as it stands in the file.

    ``[stores.uk.mappings.items]``, ``no_sku in [stores.uk.mappings]``; none for what no table
    names: a period that is closed, a country.
    """
    found: dict[str, None] = {}
    for cause in causes:
        kind, _, code = cause.partition(":")
        if kind not in _NAMED:
            continue
        table, words = _NAMED[kind]
        path, held = f"stores.{name}.{table}", getattr(rules, table)
        places = [
            _written(path, key, getattr(held, key))
            for key in type(held).model_fields
            if code in _codes(getattr(held, key), key, words)
        ]
        if not places and kind == "item":  # it is the SKU itself
            places = [f"[{path}.items]"]
        found |= dict.fromkeys(places)
    return tuple(found)


def _codes(value: object, key: str, words: frozenset[str]) -> Iterator[str]:
    """Every text that stands under one of ``words``, at any depth."""
    if isinstance(value, str):
        if key in words:
            yield value
    elif isinstance(value, Table):
        for name in type(value).model_fields:
            yield from _codes(getattr(value, name), name, words)
    elif isinstance(value, Mapping | Sequence):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _codes(each, key, words)


def _written(path: str, key: str, value: object) -> str:
    """A table of its own, one of several blocks, or a key."""
    if isinstance(value, Mapping):
        return f"[{path}.{key}]"
    if isinstance(value, tuple) and any(isinstance(each, Table) for each in value):
        return f"[[{path}.{key}]]"
    return f"{key} in [{path}]"
