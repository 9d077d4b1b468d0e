"""accord.toml read and checked: every finding names the line, the field and the remedy.

Pure: text comes in; which adapters there are, and which stage this is, are the caller's to say.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from accord.errors import BadInputError
from accord.rules.checks import problems
from accord.rules.config import MAPPED_BY_DATA, Config
from accord.rules.invalid import invalid
from accord.rules.locate import Place, places
from accord.rules.problem import Abilities, Path, Problem, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend, or to know. ``line`` and ``column`` count from 1; ``path`` is dotted."""

    line: int
    path: str
    message: str
    remedy: str
    severity: Severity = "error"
    column: int | None = None

    def __str__(self) -> str:
        where = f"line {self.line}"
        field = f"{self.path}: " if self.path else ""
        return f"{where}: {self.severity}: {field}{self.message}. {self.remedy}"


def check(
    text: str,
    *,
    adapters: Collection[str] | None = None,
    abilities: Mapping[str, Abilities] | None = None,
    options: Mapping[str, type[BaseModel]] | None = None,
    stage: str | None = None,
) -> tuple[Config | None, list[Finding]]:
    """The configuration, None if anything is an error, and the findings by line.

    Args:
        text: The content of accord.toml.
        adapters: The back offices that exist; None does not ask.
        abilities: Adapter → what it can do.
        options: Adapter → what its own settings may be.
        stage: The stage it is for; None does not ask.
    """
    text = text.removeprefix("\ufeff")  # some editors on Windows put one before the first line
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        return None, [syntax(error, text)]
    return check_data(
        data,
        places(text),
        adapters=adapters,
        abilities=abilities or {},
        options=options or {},
        stage=stage,
    )


def check_data(
    data: Mapping[str, Any],
    where: Mapping[Path, Place],
    *,
    adapters: Collection[str] | None,
    abilities: Mapping[str, Abilities],
    stage: str | None,
    options: Mapping[str, type[BaseModel]] = MappingProxyType({}),
) -> tuple[Config | None, list[Finding]]:
    """As ``check``, of what a text says. ``where`` its keys stand is used for the findings."""
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        return None, placed(invalid(error, data), where)
    found = problems(config, adapters=adapters, abilities=abilities, options=options, stage=stage)
    findings = placed(found, where)
    return (None if any(f.severity == "error" for f in findings) else config), findings


def parse(data: Mapping[str, Any]) -> Config:
    """The configuration in the JSON that ``compiled`` made.

    Raises: BadInputError: it is none; the message names every field and its remedy.
    """
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise _bad(error, data) from error


def compiled(config: Config) -> dict[str, Any]:
    """``config`` as JSON values, as functions are given it: moments and decimals are text."""
    return config.model_dump(mode="json", by_alias=True, exclude={"json_schema"})


def overlay(config: Config, rules: Mapping[str, Any]) -> Config:
    """``config`` with the tables that ``rules`` names in place of its own.

    Args:
        config: What the file says.
        rules: ``{"stores": {name: {"mappings": {…}, "flows": {…}}}}``, tables of
            ``MAPPED_BY_DATA`` only, each whole.

    A store that the file no longer has is passed over: what was pushed for it holds for nothing.

    Raises: BadInputError: an unknown table, or a value that accord.toml could not hold.
    """
    if unknown := set(rules) - {"stores"}:
        raise BadInputError(f"rules hold {_names(unknown)}; they may hold stores only")
    stores = compiled(config)["stores"]
    for name, tables in _table(rules.get("stores", {}), "stores").items():
        if name not in stores:
            continue
        if unknown := set(_table(tables, f"stores.{name}")) - set(MAPPED_BY_DATA):
            raise BadInputError(
                f"stores.{name}: rules hold {_names(unknown)}, which only a deploy can change; "
                f"they may hold {', '.join(MAPPED_BY_DATA)}"
            )
        stores[name] |= tables
    return parse({**compiled(config), "stores": stores})


def _table(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadInputError(f"rules hold no table at {path}; write {{name: {{table: …}}}}")
    return value


def _names(names: Collection[str]) -> str:
    return ", ".join(sorted(repr(name) for name in names))


def _bad(error: ValidationError, data: Mapping[str, Any]) -> BadInputError:
    return BadInputError(
        "; ".join(f"{dotted(p.path)}: {p.message}. {p.remedy}" for p in invalid(error, data))
    )


# --- places -------------------------------------------------------------------


def placed(found: Iterable[Problem], where: Mapping[Path, Place]) -> list[Finding]:
    """``found`` as findings, by the lines at which they are written."""
    findings = []
    for problem in found:
        place = _place(problem.path, where)
        findings.append(
            Finding(
                line=place.line,
                column=place.column,
                path=dotted(problem.path),
                message=problem.message,
                remedy=problem.remedy,
                severity=problem.severity,
            )
        )
    return sorted(findings, key=lambda f: (f.line, f.column or 0, f.path))


def _place(path: Path, where: Mapping[Path, Place]) -> Place:
    """Where it is written, or else the innermost table around it that is."""
    for end in range(len(path), 0, -1):
        if path[:end] in where:
            return where[path[:end]]
    return Place(1, 1)


def dotted(path: Path) -> str:
    """``stores.uk.taxes."5.5"``: as it could be written in the file."""
    parts = (
        str(part) if re.fullmatch(r"[A-Za-z0-9_-]+", str(part)) else f'"{part}"' for part in path
    )
    return ".".join(parts)


# --- syntax -------------------------------------------------------------------

# What tomllib says → what it is most often. Source: tomllib/_parser.py, Python 3.11 to 3.14.
_USUAL = (
    ("overwrite a value", "This key is given twice: remove one of the two."),
    ("declare", "This table is given twice: put both halves under one header."),
    ("mutate immutable", "A table in braces is complete: put the new key inside the braces."),
    ("after a key", 'A key with spaces, points or other signs needs quotes: "Gift wrap" = …'),
    (
        "initial character for a key",
        'A key with other than A-Z, 0-9, _ and - needs quotes: "*" = …; braces end on their line.',
    ),
    ("Invalid value", 'A text needs quotes: "…"; a truth is true or false; a number has a point.'),
    ("Expected newline", "One setting per line; a text that holds quotes needs a backslash."),
    ("Invalid statement", 'A key with other than A-Z, 0-9, _ and - needs quotes: "*" = …'),
    ("Unescaped", "Write a backslash twice, or use single quotes around the text."),
    ("Illegal character", "A text ends on its own line: close the quotes."),
    ("Unterminated", "Close the quotes."),
    ("Unclosed", "Close the bracket."),
    ("inline table", "A table in braces stays on one line, with commas between its keys."),
)


def syntax(error: tomllib.TOMLDecodeError, text: str) -> Finding:
    """What ``tomllib`` found, and what it is most often."""
    said = str(error)
    at = re.search(r" \(at line (\d+), column (\d+)\)$", said)
    message = re.sub(r" \(at .*\)$", "", said)
    remedy = next(
        (remedy for part, remedy in _USUAL if part in message), "See https://toml.io for the rules."
    )
    line, column = (int(at[1]), int(at[2])) if at else (text.rstrip().count("\n") + 1, None)
    return Finding(line=line, column=column, path="", message=message, remedy=remedy)
