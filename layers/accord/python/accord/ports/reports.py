"""What was found when both sides were compared, kept for bookkeepers and auditors."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Protocol

Json = Mapping[str, Any]


class Reports(Protocol):
    """Reports by store and day; of a day the newest stays."""

    def put(self, store: str, on: dt.date, report: Json, page: str) -> str:
        """Keeps the report, as JSON and as the page that people read: the page's name."""
        ...

    def get(self, store: str, on: dt.date) -> Json | None:
        """The report of that day; None when there is none."""
        ...

    def put_draft(self, store: str, nth: int, draft: Json) -> None:
        """Keeps what a run has so far, until the next but one is kept."""
        ...

    def draft(self, store: str, nth: int) -> Json | None:
        """What ``put_draft`` kept under ``nth``; None when it is not there (any more)."""
        ...
