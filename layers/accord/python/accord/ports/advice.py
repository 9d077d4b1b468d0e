"""What a back office's own settings cost, what its user lacks there, and when its key ends."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from accord.model.documents import Kind


@dataclass(frozen=True, slots=True)
class Advice:
    """One setting of theirs: ``what`` comes of it, and what to do there."""

    topic: str
    subject: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Ending:
    """The key ``name`` opens nothing from ``at`` on. ``remedy`` says how to have another there."""

    name: str
    at: dt.datetime
    remedy: str


@runtime_checkable
class Advises(Protocol):
    """What an ``ErpAdapter`` may do beside its port."""

    def advice(self) -> Sequence[Advice]:
        """What would be better there. A few calls. Raises: AccordError: it cannot be read."""
        ...


@runtime_checkable
class Permits(Protocol):
    """What an ``ErpAdapter`` may do beside its port, where that can be asked without writing."""

    def lacks(self, kinds: Collection[Kind]) -> Sequence[Advice]:
        """What keeps records of those ``kinds`` from being written. A few calls, which write
        nothing. Raises: AccordError: it cannot be read."""
        ...


@runtime_checkable
class Ends(Protocol):
    """What an ``ErpAdapter`` may do beside its port, where keys end by themselves."""

    def ends(self) -> Ending | None:
        """The key that ends first; None where none does, or nobody may know. One call, and one
        more the first time. Raises: AccordError: it cannot be read."""
        ...
