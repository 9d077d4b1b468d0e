"""Entries of the journal as pages of a chain, and back."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Sequence

from accord.model.chain import Page, next_page
from accord.model.change import Ref
from accord.ports.state import Entry
from accord.state.dynamo import clean, to_json

_LARGEST = 200_000  # characters of a page's text; an item holds 400 KB


def by_ref(entries: Sequence[Entry]) -> dict[Ref, list[Entry]]:
    """The entries of each ref in their order."""
    found: dict[Ref, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.ref, []).append(entry)
    return found


def paged(ref: Ref, last: Page | None, entries: Sequence[Entry]) -> list[Page]:
    """The pages that tell ``entries`` after ``last``: one, unless they are very large."""
    pages: list[Page] = []
    for at, text in _texts(entries):
        last = next_page(str(ref), last, at=at, text=text)
        pages.append(last)
    return pages


def _texts(entries: Sequence[Entry]) -> Iterator[tuple[dt.datetime, str]]:
    held: list[str] = []
    size, latest = 0, entries[0].at
    for entry in entries:
        text = clean(to_json(_plain(entry)))
        if held and size + len(text) > _LARGEST:
            yield latest, f"[{','.join(held)}]"
            held, size = [], 0
        held.append(text)
        size += len(text)
        latest = max(latest, entry.at)
    yield latest, f"[{','.join(held)}]"


def _plain(entry: Entry) -> dict[str, object]:
    return {
        "at": entry.at.isoformat(),
        "mark": entry.mark,
        "text": entry.text,
        "correlation_id": entry.correlation_id,
        "details": entry.details,
    }


def told(ref: Ref, text: str) -> list[Entry]:
    """The entries of a page's ``text``. Raises: ValueError, KeyError: it is no page's."""
    return [
        Entry(
            ref=ref,
            at=dt.datetime.fromisoformat(each["at"]),
            mark=each["mark"],
            text=each["text"],
            correlation_id=each["correlation_id"],
            details=each["details"],
        )
        for each in json.loads(text)
    ]


def in_order(appended: Iterable[Sequence[Entry]]) -> list[Entry]:
    """All entries by time; those of one append as they were told, though a clock went back."""
    placed: list[tuple[dt.datetime, int, Entry]] = []
    for entries in appended:
        latest: dt.datetime | None = None
        for entry in entries:
            latest = entry.at if latest is None else max(latest, entry.at)
            placed.append((latest, len(placed), entry))
    return [entry for _, _, entry in sorted(placed, key=lambda one: one[:2])]
