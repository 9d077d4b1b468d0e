"""The journal in DynamoDB: per ref a chain of pages.

- ``pk`` the ref, ``sk`` ``C#{number}``: a page: ``at``, ``prev``, ``prev_at``, ``text`` (JSON),
  ``hash``, ``expires_at``. A number is written once, so a chain never forks.
- ``pk`` ``D#{day}#{part}``, ``sk`` the ref: the head of that day: ``number``, ``hash``,
  ``expires_at``. Written in one transaction with its page.
- ``pk`` the ref, ``sk`` ``{at}#…``: one entry as releases before the chain wrote it: ``at``,
  ``mark``, ``text``, ``correlation_id``, ``details`` (JSON), ``expires_at``.
"""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from accord.errors import TransientError
from accord.model.chain import Head, Page, heads_of, part_of
from accord.model.change import Ref
from accord.ports.audit import Pages
from accord.ports.state import Entry, Journal
from accord.state.dynamo import (
    ConditionError,
    Item,
    Put,
    Table,
    Write,
    maybe_moment,
    moment,
    stamp,
)
from accord.state.pages import by_ref, in_order, paged, told

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A year and a month: the story of last year's order is there when its books are closed.
KEPT = dt.timedelta(days=400)
_HEADS_KEPT = dt.timedelta(days=40)  # until long after their day was sealed
_PAGE = "C#"
_DAY = "D#"
_ROUNDS = 20  # each one lost means that someone else told of the same ref
_REMEMBERED = 2000  # last pages that this process wrote; one costs about 1 KB


class DynamoJournal(Journal, Pages):
    """The table ``journal``."""

    def __init__(self, client: "DynamoDBClient", table: str, *, kept: dt.timedelta = KEPT) -> None:
        self._table = Table(client, table)
        self._kept = kept
        self._last: dict[Ref, Page] = {}

    def append(self, entries: Sequence[Entry]) -> None:
        """See ``Journal.append``. Raises: RateLimitedError, UnavailableError, TransientError: the
        entries of some refs may be told, each ref's as a whole."""
        for ref, of_ref in by_ref(entries).items():
            self._append(ref, of_ref)

    def _append(self, ref: Ref, entries: Sequence[Entry]) -> None:
        for _ in range(_ROUNDS):
            # What this process wrote last saves a read; if others wrote since, the number is taken.
            last = self._last.pop(ref, None) or self._newest(ref)
            pages = paged(ref, last, entries)
            try:
                self._table.write_all(self._writes(pages), patience=3)
            except ConditionError:
                continue
            if len(self._last) >= _REMEMBERED:
                self._last.pop(next(iter(self._last)))
            self._last[ref] = pages[-1]
            return
        raise TransientError(f"the story of {ref} is told by others too fast to follow")

    def _newest(self, ref: Ref) -> Page | None:
        item = next(self._table.query(str(ref), newest=True), None)
        return _page(item) if item and item["sk"].startswith(_PAGE) else None

    def _writes(self, pages: Sequence[Page]) -> list[Write]:
        writes: list[Write] = [
            Put(
                {
                    "pk": page.ref,
                    "sk": f"{_PAGE}{page.number:010}",
                    "at": stamp(page.at),
                    "prev": page.prev,
                    "prev_at": stamp(page.prev_at) if page.prev_at else "",
                    "text": page.text,
                    "hash": page.hash,
                    "expires_at": int((page.at + self._kept).timestamp()),
                },
                "attribute_not_exists(pk)",
            )
            for page in pages
        ]
        for day, head in heads_of(pages).items():
            end = dt.datetime.combine(day, dt.time(), dt.UTC) + _HEADS_KEPT
            writes.append(
                Put(
                    {
                        "pk": _of_day(day, part_of(head.ref)),
                        "sk": head.ref,
                        "number": head.number,
                        "hash": head.hash,
                        "expires_at": int(end.timestamp()),
                    }
                )
            )
        return writes

    def of(self, ref: Ref) -> Sequence[Entry]:
        """See ``Journal.of``."""
        return in_order(
            told(ref, item["text"]) if item["sk"].startswith(_PAGE) else [_entry(ref, item)]
            for item in self._table.query(str(ref))
        )

    # --- for the auditor ---------------------------------------------------------

    def pages(self, ref: str) -> Sequence[Page]:
        """See ``Pages.pages``."""
        return [_page(item) for item in self._table.query(ref) if item["sk"].startswith(_PAGE)]

    def before_chain(self, ref: str) -> Sequence[dt.datetime]:
        """See ``Pages.before_chain``."""
        return [moment(item["at"]) for item in self._table.query(ref, before=_PAGE)]

    def heads(self, day: dt.date, part: str) -> Iterator[Head]:
        """See ``Pages.heads``."""
        for item in self._table.query(_of_day(day, part)):
            yield _head(item)

    def head(self, day: dt.date, ref: str) -> Head | None:
        """See ``Pages.head``."""
        item = self._table.get(_of_day(day, part_of(ref)), ref)
        return _head(item) if item else None

    def refs(self) -> Iterator[str]:
        """See ``Pages.refs``."""
        for pk in self._table.partitions():
            if not pk.startswith(_DAY):
                yield pk


def _of_day(day: dt.date, part: str) -> str:
    return f"{_DAY}{day.isoformat()}#{part}"


def _page(item: Item) -> Page:
    """As it is stored: its place is what its key says, whatever was moved there."""
    return Page(
        ref=item["pk"],
        number=int(item["sk"].removeprefix(_PAGE)),
        at=moment(item["at"]),
        prev=item["prev"],
        prev_at=maybe_moment(item["prev_at"]),
        text=item["text"],
        hash=item["hash"],
    )


def _head(item: Item) -> Head:
    return Head(item["sk"], int(item["number"]), item["hash"])


def _entry(ref: Ref, item: Item) -> Entry:
    return Entry(
        ref=ref,
        at=moment(item["at"]),
        mark=item["mark"],
        text=item["text"],
        correlation_id=item["correlation_id"],
        details=json.loads(item["details"]),
    )
