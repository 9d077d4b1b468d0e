"""Ref, which thing of which system, and Change, that it changed.

The wire form is tolerant and additive: unknown keys pass, missing ones have defaults, so that a
release reads what the one before it and the one after it wrote. Standard library only: the
receiver writes it.
"""

import datetime as dt
import json
from dataclasses import dataclass, field, replace
from typing import Any, Self

VERSION = 1  # of the wire form; raised one release after every reader knows the new one


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One thing of one system: ``uk:order:30``, ``main:sales_order:12``."""

    system: str  # the store's or the back office's key in accord.toml
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.system}:{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The Ref that ``str`` wrote. Raises: ValueError: not three parts."""
        system, kind, id_ = text.split(":", 2)
        return cls(system, kind, id_)


@dataclass(frozen=True, slots=True)
class Change:
    """That ``ref`` changed. ``document`` is theirs, if it was carried: a hint, never proof.

    ``aggregate`` is the order or customer that ``ref`` is a part of, None for one itself. All
    changes of one aggregate follow one another.

    ``modified_at`` is the record's own time (whole seconds on a WooCommerce store), None when
    unknown; ``digest`` is a hash of the document's bytes; ``seen_at`` is when we were told.
    """

    ref: Ref
    event: str
    seen_at: dt.datetime
    correlation_id: str
    modified_at: dt.datetime | None = None
    placed_at: dt.datetime | None = None  # of an order: what is waiting is woken oldest first
    digest: str = ""
    document: dict[str, Any] | None = field(default=None, repr=False)  # may hold personal data
    replay: str = ""  # who or what sent it again: an operator, `wake`; empty for a first telling
    aggregate: Ref | None = None

    @property
    def group(self) -> str:
        """What it follows others of: the queue's message group."""
        return str(self.aggregate or self.ref)

    def to_json(self) -> str:
        """The queue's message."""
        return json.dumps(
            {  # the document stays last: the receiver puts a body in its place without reading it
                "v": VERSION,
                "ref": str(self.ref),
                "event": self.event,
                "seen_at": self.seen_at.isoformat(),
                "correlation_id": self.correlation_id,
                "modified_at": self.modified_at.isoformat() if self.modified_at else None,
                "placed_at": self.placed_at.isoformat() if self.placed_at else None,
                "digest": self.digest,
                "replay": self.replay,
                "aggregate": str(self.aggregate) if self.aggregate else None,
                "document": self.document,
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The Change in a message. Raises: ValueError: it is none; KeyError: a field lacks."""
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("a change is an object")
        modified_at, placed_at = data.get("modified_at"), data.get("placed_at")
        aggregate = data.get("aggregate")
        return cls(
            ref=Ref.parse(str(data["ref"])),
            event=data["event"],
            seen_at=dt.datetime.fromisoformat(data["seen_at"]),
            correlation_id=data.get("correlation_id", ""),
            modified_at=dt.datetime.fromisoformat(modified_at) if modified_at else None,
            placed_at=dt.datetime.fromisoformat(placed_at) if placed_at else None,
            digest=data.get("digest", ""),
            document=data.get("document"),
            replay=data.get("replay", ""),
            aggregate=Ref.parse(aggregate) if aggregate else None,
        )

    def without_document(self) -> Self:
        """The same change, to be read from its system."""
        return replace(self, document=None, digest="")
