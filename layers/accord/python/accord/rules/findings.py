"""What a diagnosis is made of, and what it says. Pure.

An ``error`` keeps something from being carried, or carries it wrong; a ``warning`` will, some day;
a ``note`` is what nobody can see from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from accord.model.item import Item, Product
from accord.model.shop import Setup
from accord.rules.config import Store

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not match. ``remedy`` says what to do, and where."""

    severity: Severity
    topic: str
    subject: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Examined:
    """All that was read of both sides. ``items`` is None where the back office was not asked.

    ``receiver`` is the address that the store's webhooks should go to, empty if it is not known.
    """

    store: str
    rules: Store
    setup: Setup
    products: Sequence[Product]
    items: Sequence[Item] | None
    receiver: str = ""
