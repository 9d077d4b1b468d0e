"""[alarms] and [audit] of accord.toml: who is told of what, and how long the proof is kept."""

import datetime as dt
import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from accord.rules.table import Table, wrong

_HOURS = r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d"


def _mail(address: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
        raise wrong(f"{address!r} is no mail address", "Write it like ops@store.example.")
    return address


def _hours(text: str) -> str:
    if not re.fullmatch(_HOURS, text) or text[:5] >= text[6:]:
        raise wrong(
            f"{text!r} are no hours of a day", 'Write the first and the last, like "08:00-22:00".'
        )
    return text


Mail = Annotated[str, AfterValidator(_mail)]
Hours = Annotated[str, AfterValidator(_hours), Field(json_schema_extra={"pattern": f"^{_HOURS}$"})]


class Alarms(Table):
    """Who is told, and from when on."""

    commerce: Mail | None = None
    """Mail address of those who run the shop."""
    finance: Mail | None = None
    """Mail address of those who keep the books."""
    warehouse: Mail | None = None
    """Mail address of those who ship."""
    support: Mail | None = None
    """Mail address of those who answer customers."""
    ops: Mail | None = None
    """Mail address of those who run Accord."""
    runbooks: str = Field(default="docs/runbooks", min_length=1, max_length=200)
    """Where an alarm says that its runbook lies: a folder, or an address on your own site."""
    late_hours: int = Field(default=4, ge=1, le=72)
    """An order that is not in the books after so long is told of."""
    busy_hours: Hours | None = None
    """When the shops usually sell, in the back office's time zone; then silence is told of."""
    quiet_hours: int = Field(default=6, ge=1, le=24)
    """How long a shop may be silent in its busy hours."""

    @model_validator(mode="after")
    def _can_ring(self) -> "Alarms":
        if self.busy_hours is not None and self.quiet_hours >= _length(self.busy_hours):
            raise wrong(
                f"busy_hours {self.busy_hours} are over before {self.quiet_hours} quiet hours are",
                "Make quiet_hours fewer than the busy hours of a day.",
            )
        return self

    def is_busy(self, local: dt.datetime) -> bool:
        """Whether a shop usually sells at that time of its own day."""
        if self.busy_hours is None:
            return False
        first, last = (dt.time.fromisoformat(text) for text in self.busy_hours.split("-"))
        return first <= local.time() < last


class Audit(Table):
    """How long the sealed proof of what was done is kept."""

    keep_days: int = Field(default=400, ge=1, le=3650)
    """Days that a sealed day cannot be deleted for."""


def _length(hours: str) -> float:
    first, last = (dt.time.fromisoformat(text) for text in hours.split("-"))
    return (last.hour - first.hour) + (last.minute - first.minute) / 60
