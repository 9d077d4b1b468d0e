"""What the ledger sells: items with their codes, as people and stores describe them."""

import bisect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from accord.erp.memory.entries import Entry, Json, Records, RefusedError
from accord.erp.memory.master import Master

BLANK: Mapping[str, Any] = {
    "name": "",
    "goods": True,
    "active": True,
    "lifecycle": "current",
    "family": None,
    "options": [],
    "description": "",
    "summary": "",
    "categories": [],
    "images": [],
    "weight": None,
    "sizes": None,
    "gtin": "",
    "taxes": [],
    "fields": {},
}
"""What is kept of an item, the fields of Item in JSON; an item of which nothing is said."""

_WRITTEN = ("name", "goods", "description", "weight", "gtin", "taxes")  # of an ItemDocument


class Items:
    """The items among ``records``; those of ``master`` are there from the beginning."""

    def __init__(self, records: Records, master: Master) -> None:
        self._records = records
        self._master = master
        self._ids: list[int] = []  # ascending, for ids are given out so
        for code in sorted(master.items or ()):
            self._keep(code, {"name": code, "goods": code not in master.services})

    def known(self, master: Master) -> Master:
        """``master`` with the items that are there by now, among its own."""

        def is_known(code: str) -> bool:
            return self.first(code) is not None or code in (master.items or ())

        def is_service(code: str) -> bool:
            entry = self.first(code)
            return code in master.services if entry is None else not is_goods(entry)

        return replace(
            master,
            items=None if master.items is None else _Codes(master.items, is_known),
            services=_Codes(master.services, is_service),
        )

    # --- finding ----------------------------------------------------------------

    def first(self, code: str) -> Entry | None:
        """The item; of two that share a code, the older."""
        return next(iter(self._records.under("item", code)), None)

    def named(self, code: str) -> Entry:
        """The same. Raises: RefusedError: there is none."""
        entry = self.first(code)
        if entry is None:
            raise RefusedError("rejected", f"no item {code}")
        return entry

    def of(self, ids: Collection[str]) -> Iterator[Entry]:
        """Those of ``ids`` that are there."""
        for id_ in ids:
            if (entry := self._records.get("item", id_)) is not None:
                yield entry

    # --- reading ----------------------------------------------------------------

    def list_ids(self, arguments: Json) -> Json:
        """Ids behind ``after``, at most ``limit``."""
        begin = bisect.bisect_right(self._ids, int(arguments["after"] or 0))
        return {"ids": [str(id_) for id_ in self._ids[begin : begin + arguments["limit"]]]}

    def find(self, arguments: Json) -> Json:
        """Code → id, of those that one item has."""
        found = {
            code: self._records.seen(self._records.under("item", code))
            for code in arguments["codes"]
        }
        return {"ids": {code: _id(entries) for code, entries in found.items() if len(entries) == 1}}

    def read(self, arguments: Json) -> Json:
        """What the items are."""
        return {"items": [shown_item(entry) for entry in self.of(arguments["ids"])]}

    # --- writing ----------------------------------------------------------------

    def enter(self, entry: Entry) -> None:
        """A new item of which a store says what it is; the code is its key."""
        document = entry.document
        if document["code"] != entry.key:
            raise RefusedError("rejected", f"{document['code']} is not the key {entry.key}")
        said = _said(document)
        self._check(said)
        entry.document = said
        self._ids.append(int(entry.id))

    def update(self, arguments: Json) -> Entry:
        """The item, with what a store says of it."""
        entry = next(self.of([arguments["id"]]), None)
        if entry is None:
            raise RefusedError("rejected", f"no item {arguments['id']}")
        self._write(entry, _said(arguments["document"]))
        return entry

    def add(self, code: str, fields: Json) -> Entry:
        """A person's new item. Raises: RefusedError: the code is taken."""
        if self.first(code) is not None:
            raise RefusedError("duplicate", f"an item {code} is there already")
        fields = {"name": code, **fields}
        self._check(fields)
        return self._keep(code, fields)

    def edit(self, arguments: Json) -> Json:
        """A person writes fields of the item, which they name by its code."""
        entry = self.named(arguments["code"])
        self._write(entry, arguments["changes"])
        return {"item": shown_item(entry)}

    def _keep(self, code: str, fields: Json) -> Entry:
        entry = self._records.new("item", code, fields)
        self._ids.append(int(entry.id))
        return self._records.keep(entry)

    def _write(self, entry: Entry, changes: Json) -> None:
        self._check(changes)
        document = {**entry.document, **changes}
        if {**BLANK, **document} != {**BLANK, **entry.document}:
            entry.document = document
            self._records.wrote(entry)

    def _check(self, fields: Json) -> None:
        if unknown := fields.keys() - BLANK.keys():
            raise RefusedError("rejected", f"an item has no {', '.join(sorted(unknown))}")
        known = self._master.taxes
        if missing := [code for code in fields.get("taxes", ()) if known and code not in known]:
            raise RefusedError(
                "unmapped",
                f"not known here: {', '.join(missing)}",
                causes=[f"tax:{code}" for code in missing],
            )


class _Codes(Collection[str]):
    """The codes of ``given``, and whatever else ``contains`` says is one."""

    def __init__(self, given: Collection[str], contains: Callable[[str], bool]) -> None:
        self._given = given
        self._contains = contains

    def __contains__(self, code: object) -> bool:
        return isinstance(code, str) and self._contains(code)

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


def shown_item(entry: Entry) -> Json:
    """An Item in JSON. Its entry holds only what was said of it."""
    shown = {"id": entry.id, "code": entry.key, "version": str(entry.version)}
    return {**BLANK, **entry.document, **shown}


def is_goods(entry: Entry) -> bool:
    """Whether there is stock of the item."""
    goods: bool = entry.document.get("goods", True)
    return goods


def _said(document: Json) -> Json:
    return {field: document[field] for field in _WRITTEN if document[field] is not None}


def _id(entries: Collection[Entry]) -> str:
    return next(iter(entries)).id
