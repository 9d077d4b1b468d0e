"""Pages of news that need no further look.

A cursor reads the newest records again and again, since others may appear among them late. Reading
what they are about again is worth it only while something may: a page that was taken, and taken
again once the back office's ``overlap`` was over, is settled as long as it stays as it is.
"""

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from accord.model.progress import News
from accord.ports.state import Control

_MOST = 5_000  # pages that are remembered: half a million records of one overlap
_MOST_TOLD = 500
_KEPT_S = 3600  # of a page that was not met again


class _Held(TypedDict):
    pages: dict[str, int]
    told: dict[str, str]


@dataclass(slots=True)
class Pages:
    """The pages that one kind of one back office has shown: digest → when it was first taken, in
    seconds since 1970; 0 once it is settled. ``name`` is that of the value in ``control``.

    Of news that are worth acting on once, it remembers the versions: ref → version.
    """

    name: str
    control: Control
    overlap: dt.timedelta
    _held: _Held | None = None
    _version: int | None = None
    _met: dict[str, int] = field(default_factory=dict)
    _told: dict[str, str] = field(default_factory=dict)

    def is_settled(self, page: Sequence[News]) -> bool:
        """Nothing can be learnt from ``page`` any more."""
        return self._read()["pages"].get(_digest(page)) == 0

    def is_told(self, news: News) -> bool:
        """It was acted on as it is."""
        ref = str(news.ref)
        return self._told.get(ref, self._read()["told"].get(ref)) == news.version

    def told(self, news: News) -> None:
        """It need not be acted on again before it changes."""
        self._told[str(news.ref)] = news.version

    def took(self, page: Sequence[News], *, at: dt.datetime) -> None:
        """``page`` was taken, or is settled; ``at`` is the clock before it was read."""
        digest, now = _digest(page), int(at.timestamp())
        first = self._read()["pages"].get(digest, now)
        self._met[digest] = 0 if now - first >= self.overlap.total_seconds() else first

    def save(self, now: dt.datetime, *, behind: bool) -> None:
        """Remembers the pages; those not met are forgotten in a while, unless the run broke off."""
        if not self._met:
            return
        held = self._read()
        recent = int(now.timestamp()) - _KEPT_S
        left = {each: first for each, first in held["pages"].items() if behind or first > recent}
        kept = _Held(
            pages=dict(list({**left, **self._met}.items())[-_MOST:]),
            told=dict(list({**held["told"], **self._told}.items())[-_MOST_TOLD:]),
        )
        if kept != held:
            text = json.dumps(kept, separators=(",", ":"))
            self._version = self.control.put(self.name, text, version=self._version)
            self._held = kept

    def _read(self) -> _Held:
        if self._held is None:
            held = self.control.get(self.name)
            self._held = json.loads(held[0]) if held is not None else _Held(pages={}, told={})
            self._version = held[1] if held is not None else None
        return self._held


def _digest(page: Sequence[News]) -> str:
    text = "\n".join(f"{news.ref} {news.at.isoformat()} {news.version}" for news in page)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:9]).decode()
