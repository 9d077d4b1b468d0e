"""Codes of a back office's master data: looked up once, kept, and told of where it lacks them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from accord.erp.needs import Needs

_Row = TypeVar("_Row")
_Made = TypeVar("_Made")

OPTIONAL: Final = frozenset({"subdivisions"})
"""Fields whose codes may be missing: they are written as text then."""


def learn(
    known: object, needs: Needs, find: Callable[[str, list[str]], Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Fills ``known`` with what ``needs`` names; the field and code of each that is not held.

    ``find`` asks the back office for codes of one field. Each field of ``known`` is a dict by code.
    """
    missing: list[tuple[str, str]] = []
    for field, codes in needs.items():
        have: dict[str, Any] = getattr(known, field)
        if wanted := sorted(codes - have.keys()):
            have.update(find(field, wanted))
        if field not in OPTIONAL:
            missing += [(field, code) for code in sorted(codes - have.keys())]
    return missing


def to_make(
    missing: Iterable[tuple[str, str]], causes: Mapping[str, tuple[str, str]]
) -> tuple[list[str], str]:
    """The causes of what ``learn`` missed, and what a person has to make, in words.

    ``causes``: field → the prefix of the cause, and what to make.
    """
    missing = tuple(missing)
    made = dict.fromkeys(causes[field][1] for field, _ in missing)
    return [f"{causes[field][0]}:{code}" for field, code in missing], "; ".join(made)


def by_code(
    rows: Iterable[_Row], code: Callable[[_Row], str], made: Callable[[_Row], _Made]
) -> dict[str, _Made]:
    """What each row makes, by its code; a code that two rows share names neither of them."""
    rows = tuple(rows)
    count = Counter(map(code, rows))
    return {code(row): made(row) for row in rows if count[code(row)] == 1}
