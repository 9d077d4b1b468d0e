"""What changed, and when, page by page.

Xero shows when a record changed to the millisecond, and takes If-Modified-Since in whole seconds.
No page is counted on to begin behind the one before it: a record that changes meanwhile moves to
the end, and all behind it one place to the front. So a page that is full is followed by what
changed since its last second, and only seconds that are surely whole are told of.

Source: Xero OpenAPI 16.1.0 (If-Modified-Since, order, page); developer.xero.com, "Requests and
responses".
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from accord.erp.xero.client import Client
from accord.erp.xero.wire import Values, moment

Position = tuple[dt.datetime, str]
"""When a record changed, and its id."""

_PAGE: Final = 100  # the most that every list is known to answer
_SECOND: Final = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Source:
    """One list. ``id`` is the field of its records' ids; ``keep`` says which are meant.

    What is not ``paged`` is answered whole.
    """

    path: str
    id: str
    params: Mapping[str, str | int | bool] = field(default_factory=dict)
    keep: Callable[[Values], bool] = lambda _: True
    paged: bool = True


class Watching:
    """Changes of one organisation."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def page(
        self, sources: Sequence[Source], since: dt.datetime, after: str, limit: int
    ) -> list[tuple[Position, Source, Values]]:
        """The first ``limit`` changes behind (``since``, ``after``), the latest of each record."""
        start = since, after
        found: dict[str, tuple[Position, Source, Values]] = {}
        horizon: dt.datetime | None = None
        for source in sources:
            rows, end = self._read(source, start, limit)
            for position, row in rows.items():
                found[position[1]] = position, source, row
            if end is not None:
                horizon = min(horizon, end) if horizon else end
        told = [each for each in found.values() if horizon is None or each[0][0] < horizon]
        return sorted(told, key=lambda each: each[0])[:limit]

    def _read(
        self, source: Source, start: Position, limit: int
    ) -> tuple[dict[Position, Values], dt.datetime | None]:
        """Records behind ``start``, and the moment before which none is missing and there are
        ``limit`` of them; None for all there is."""
        found: dict[str, tuple[Position, Values]] = {}
        second, page = _floor(start[0]) - _SECOND, 1
        while True:
            rows = self._rows(source, second, page)
            for row in rows:
                position = moment(row["UpdatedDateUTC"]), str(row[source.id])
                if position > start and source.keep(row):
                    found[position[1]] = position, row
            if not source.paged or len(rows) < _PAGE:
                return dict(found.values()), None
            end = _floor(moment(rows[-1]["UpdatedDateUTC"]))
            if sum(position[0] < end for position, _ in found.values()) >= limit:
                return dict(found.values()), end
            if end - _SECOND > second:
                second, page = end - _SECOND, 1
            else:  # more of one second than a page holds
                page += 1

    def _rows(self, source: Source, second: dt.datetime, page: int) -> list[Values]:
        params = {"order": "UpdatedDateUTC ASC", **source.params}
        if source.paged:
            params |= {"page": page, "pageSize": _PAGE}
        answer = self._client.get(source.path, params=params, since=second)
        rows: list[Values] = answer.get(source.path) or []
        return rows


def _floor(at: dt.datetime) -> dt.datetime:
    return at.replace(microsecond=0)
