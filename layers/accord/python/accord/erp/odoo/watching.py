"""What changed, and when, page by page.

Odoo shows when a record was written in whole seconds, while its database compares the fractions; a
whole transaction bears the moment at which it began. So seconds are only ever read whole: a page
that ends within one reads that second to its end, in the order of ids.

Source: recordings of a running Odoo 17.0; Odoo source 16 to 19, BaseModel (``write_date``).
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accord.erp.odoo.client import Client
from accord.erp.odoo.wire import Values, moment, said

Position = tuple[dt.datetime, str, int]
"""A second, a group, and the id of a record of that group that changed in it."""

_ROWS: Final = 500  # of one answer
_SECOND: Final = dt.timedelta(seconds=1)


def own_id(row: Values) -> Iterable[int]:
    return (int(row["id"]),)


@dataclass(frozen=True, slots=True)
class Source:
    """Records of one model that tell of others by their dates.

    ``owners`` are the ids of what a row tells of; ids of a ``group`` bear its name before them.
    """

    model: str
    domain: Sequence[Any] = ()
    fields: tuple[str, ...] = ()
    owners: Callable[[Values], Iterable[int]] = own_id
    group: str = ""


class Watching:
    """Changes of one database."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def page(
        self, sources: Sequence[Source], since: dt.datetime, after: str, limit: int
    ) -> list[tuple[Position, Values]]:
        """The first ``limit`` changes behind (``since``, ``after``), the latest of each record,
        each with the row that told of it."""
        group, _, id_ = after.rpartition("-")
        second = since.replace(microsecond=0)
        # Within a second nobody knows what came first: all of it may be later.
        start: Position = (second, "", -1)
        if since == second:
            start = (second, group, int(id_) if id_.isdigit() else 0)
        found: dict[tuple[str, int], tuple[Position, Values]] = {}
        while True:
            horizon: dt.datetime | None = None
            for source in sources:
                rows, end = self._read(source, second)
                for row in rows:
                    at = moment(row["write_date"])
                    for owner in source.owners(row):
                        who = source.group, owner
                        position = (at, *who)
                        if position > start and (who not in found or found[who][0] <= position):
                            found[who] = position, row
                if end is not None:
                    horizon = min(horizon, end) if horizon else end
            if horizon is not None:  # behind it others may lie that nobody has seen yet
                found = {who: each for who, each in found.items() if each[0][0] <= horizon}
            if horizon is None or len(found) >= limit:
                return sorted(found.values(), key=lambda each: each[0])[:limit]
            second = horizon + _SECOND

    def _read(self, source: Source, second: dt.datetime) -> tuple[list[Values], dt.datetime | None]:
        """Rows written in ``second`` or later, and the last second of which none is missing; None
        for all there is."""
        rows = self._rows(source, [["write_date", ">=", said(second)]], _ROWS + 1)
        if len(rows) <= _ROWS:
            return rows, None
        last = moment(rows[-1]["write_date"])
        whole = [row for row in rows if moment(row["write_date"]) < last]
        if whole:
            return whole, last - _SECOND
        until = ["write_date", "<", said(last + _SECOND)]
        return self._rows(source, [["write_date", ">=", said(last)], until], None), last

    def _rows(self, source: Source, dates: list[Any], limit: int | None) -> list[Values]:
        return self._client.search_read(
            source.model,
            [*source.domain, *dates],
            dict.fromkeys((*source.fields, "write_date")),
            limit=limit,
            order="write_date,id",
        )
