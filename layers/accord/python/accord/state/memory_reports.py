"""Reports in memory."""

import datetime as dt
import json

from accord.ports.reports import Json, Reports
from accord.state.dynamo import to_json


class MemoryReports(Reports):
    """Reports and the pages that people read, by store and day."""

    def __init__(self) -> None:
        self._reports: dict[tuple[str, dt.date], str] = {}
        self._drafts: dict[tuple[str, int], tuple[int, str]] = {}
        self.pages: dict[str, str] = {}

    def put(self, store: str, on: dt.date, report: Json, page: str) -> str:
        """See ``Reports.put``."""
        name = f"reports/{store}/{on.isoformat()}.html"
        self._reports[store, on] = to_json(report)
        self.pages[name] = page
        return name

    def get(self, store: str, on: dt.date) -> Json | None:
        """See ``Reports.get``."""
        text = self._reports.get((store, on))
        return None if text is None else json.loads(text)

    def put_draft(self, store: str, nth: int, draft: Json) -> None:
        """See ``Reports.put_draft``."""
        self._drafts[store, nth % 2] = nth, to_json(draft)

    def draft(self, store: str, nth: int) -> Json | None:
        """See ``Reports.draft``."""
        kept = self._drafts.get((store, nth % 2))
        return json.loads(kept[1]) if kept is not None and kept[0] == nth else None
