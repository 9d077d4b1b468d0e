"""One thing that is wrong in accord.toml, and what the checks are told of back offices."""

import difflib
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from accord.model.documents import Kind
from accord.model.party import CUSTOMER_TERMS
from accord.rules.limits import Usual

Path = tuple[str | int, ...]
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at ``path``, and the sentence that says what to do."""

    path: Path
    message: str
    remedy: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a configuration may ask of an adapter: see ``ports.erp.Capabilities``."""

    key_length: int
    tells: frozenset[Kind] = frozenset(Kind)
    revenue: bool = True
    returns: bool = True
    recipes: bool = True
    items: bool = True  # can be made and changed by us
    price_lists: bool = True
    one_place: bool = False
    calls_us: bool = False  # when something changed there, our own writes among it
    payments: bool = True  # can be made
    credits: bool = True  # credit notes can be made
    delivery_notes: bool = True  # can be printed
    customer_terms: frozenset[str] = CUSTOMER_TERMS  # kept of a customer
    digits: int | None = None  # behind the point of an amount, whatever its currency
    url: str = ""  # everybody's address, where all have the same
    usual: Usual = field(default_factory=Usual)


def nearest(word: str, known: Collection[str]) -> str | None:
    """The one of ``known`` that was probably meant."""
    close = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return close[0] if close else None
