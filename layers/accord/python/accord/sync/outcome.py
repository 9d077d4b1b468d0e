"""What came of a change. An outcome is a value; what failed is an error."""

from dataclasses import dataclass

from accord.model.change import Ref
from accord.model.money import Money


@dataclass(frozen=True, slots=True)
class Posted:
    """One document of the back office stands for the order now; ``made`` in this pass or before."""

    ref: Ref
    number: str
    key: str
    total: Money
    made: bool

    def __str__(self) -> str:
        verb = "made" if self.made else "brought forward"
        return f"{verb} {self.number} ({self.key}) of {self.total}"


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing is due; ``why`` in a few words."""

    why: str

    def __str__(self) -> str:
        return f"nothing due: {self.why}"


@dataclass(frozen=True, slots=True)
class Shadowed:
    """What would have been done, were the flow on. Nothing was written."""

    plan: str

    def __str__(self) -> str:
        return f"shadow: {self.plan}"


Outcome = Posted | Skipped | Shadowed


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a pass. ``settles``: an earlier trouble of this ref is over; close its items.

    A replay that does not settle was not handled: what waits goes on waiting.
    """

    outcome: Outcome
    settles: bool = False
