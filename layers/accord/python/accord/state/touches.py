"""Items whose claims or quantities changed and that nobody has computed since.

- ``pk`` ``T#{erp}``, ``sk`` ``{nanoseconds}-{random}``: ``items``, JSON of their codes.

Each transaction that touches items writes one such row of its own, so two of them never meet. A
reader takes away only rows that it has seen: what is touched after it looked is found next time,
whether it calls ``remove`` before it computes or, to survive a crash in between, after.
"""

import json
import secrets
import time
from collections.abc import Collection, Iterable, Sequence

from accord.state.dynamo import Put, Table, to_json

Rows = dict[str, set[str]]  # items by sort key


class Touches:
    """The touched items of every back office. Not for several threads at once."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._seen: dict[str, Rows] = {}

    @staticmethod
    def row(erp: str, items: Collection[str]) -> Put:
        """The write that touches ``items``."""
        # Only for the order of the rows: the clock of one machine may be behind another's.
        key = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        return Put({"pk": f"T#{erp}", "sk": key, "items": to_json(sorted(items))})

    def saw(self, erp: str, row: Put, items: Iterable[str]) -> None:
        """The caller wrote ``row`` itself and knows of its items."""
        self._seen.setdefault(erp, {})[str(row.item["sk"])] = set(items)

    def read(self, erp: str, *, limit: int) -> Sequence[str]:
        """The first ``limit`` of them, oldest first."""
        found: dict[str, None] = {}
        rows = self._seen[erp] = {}
        for row in self._table.query(f"T#{erp}"):
            if len(found) >= limit:
                break
            items = json.loads(row["items"])
            rows[row["sk"]] = set(items)
            found.update(dict.fromkeys(items))
        return list(found)[:limit]

    def remove(self, erp: str, items: Collection[str]) -> None:
        """They were computed."""
        gone, rows = set(items), dict(self._seen.get(erp, {}))
        unseen = gone.difference(*rows.values())
        done = {key: gone & there for key, there in rows.items()}
        if unseen:
            for row in self._table.query(f"T#{erp}"):
                there = rows.setdefault(row["sk"], set(json.loads(row["items"])))
                done[row["sk"]] = done.get(row["sk"], set()) | (unseen & there)
        left = {key: rows[key] - done[key] for key in done if done[key]}
        self._table.put_all(
            [
                {"pk": f"T#{erp}", "sk": key, "items": to_json(sorted(there))}
                for key, there in left.items()
                if there
            ]
        )
        self._table.delete_all([(f"T#{erp}", key) for key, there in left.items() if not there])
        seen = self._seen.get(erp, {})
        for key in left.keys() & seen.keys():
            seen[key] = left[key]
            if not seen[key]:
                del seen[key]
