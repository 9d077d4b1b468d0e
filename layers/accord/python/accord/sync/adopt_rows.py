"""The rows of a list of what is to be linked, and what became of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Thing = Literal["order", "customer", "product"]
THINGS: tuple[Thing, ...] = ("order", "customer", "product")
PAGE = 100  # rows, and records that are asked for at once


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list. ``number`` is an order's number, a customer's e-mail address or a
    product's SKU; ``erp_number`` the order's number, the account code or the item code there."""

    line: int
    thing: Thing
    store_id: str = ""
    number: str = ""
    erp_number: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a row. ``why`` says what is to be done where it was not linked."""

    row: Row
    what: Literal["linked", "already", "not"]
    store: str = ""
    erp: str = ""
    why: str = ""


class NotLinkedError(Exception):
    """Why a row is not linked; it never leaves ``Adoption``."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What a row names, found. ``store`` and ``erp`` are for people."""

    row: Row
    store: str
    erp: str
    link: Callable[[], bool]  # False where it was so already
