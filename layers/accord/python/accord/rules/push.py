"""Rules that are changed while everything runs: what of a text may, and what becomes different.

A text is a part of accord.toml, laid over what holds now, or the whole file, whose rule tables
take the place of those that hold. Wiring is deployed and is refused here. Pure.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accord.errors import BadInputError
from accord.rules.config import MAPPED_BY_DATA, Config
from accord.rules.load import Finding, check_data, compiled, dotted, overlay, placed, syntax
from accord.rules.locate import places
from accord.rules.problem import Abilities, Path, Problem, Severity

Content = dict[str, Any]
"""What a version of the rules holds: ``{"stores": {name: {table: …}}}``, each table whole."""

_WIRING: Mapping[str, str] = {
    "key": "it is the first part of every reference in the books, and never changes",
    "url": "the receiver checks deliveries against it",
    "api_url": "functions may call only what was deployed",
    "erp": "functions may read only the secrets of what was deployed",
    "secret": "functions may read only the secrets that were deployed",
    "allowed_sources": "the receiver reads it from its deployment",
    "prod": "it decides which stage may touch the store",
}
_ELSE = "it is wiring"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a push would store and what would hold then; no ``config`` where it is refused."""

    config: Config | None
    content: Content
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One key: dotted, as it could be written in the file; None: it is not there."""

    path: str
    before: str | None
    after: str | None


def propose(
    text: str,
    deployed: Config,
    latest: Mapping[str, Any] | None,
    *,
    abilities: Mapping[str, Abilities],
    wired: Config | None = None,
) -> Proposal:
    """What pushing ``text`` comes to, where ``deployed`` runs under the rules ``latest``.

    ``wired``: the file that it was made of, where others stand in for what that names (on one
    machine). A whole file may then have another wiring, which is said and passed over.
    """
    text = text.removeprefix("\ufeff")
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        return Proposal(None, {}, (syntax(error, text),))
    where = places(text)
    live, misfit = fitted(deployed, latest)
    if misfit is not None:
        latest = None
    is_whole = "erps" in data
    wanted = data if is_whole else _laid(compiled(live), data)
    config, findings = check_data(wanted, where, adapters=None, abilities=abilities, stage=None)
    if not is_whole:  # what the rest of the rules lacks was said when it was deployed
        findings = [each for each in findings if each.severity == "error" or _is_in(each, where)]
    if config is not None:
        severity: Severity = "warning" if is_whole and wired else "error"
        findings += placed(_wiring(data, config, wired or deployed, severity), where)
    if config is None or any(each.severity == "error" for each in findings):
        return Proposal(None, {}, tuple(findings))
    if misfit is not None:
        findings = [misfit, *findings]
    content, held = _lean(deployed, config, data, latest or {}, is_whole=is_whole)
    return Proposal(held, content, tuple(findings))


def fitted(deployed: Config, latest: Mapping[str, Any] | None) -> tuple[Config, Finding | None]:
    """What holds. Where ``latest`` no longer fits, ``deployed`` alone and what does not fit."""
    if not latest:
        return deployed, None
    try:
        return overlay(deployed, latest), None
    except BadInputError as error:
        return deployed, Finding(
            1,
            "",
            f"what was pushed last does not fit what is deployed: {error}",
            "This is laid over the deployed file alone; push the whole file to be sure.",
            "warning",
        )


def restored(
    content: Mapping[str, Any], deployed: Config, *, abilities: Mapping[str, Abilities]
) -> Proposal:
    """What holding an older ``content`` again comes to; findings have no line."""
    try:
        config = overlay(deployed, content)
    except BadInputError as error:
        return Proposal(None, {}, (Finding(1, "", str(error), "Push it as a file instead."),))
    checked, findings = check_data(
        compiled(config), {}, adapters=None, abilities=abilities, stage=None
    )
    errors = tuple(each for each in findings if each.severity == "error")
    return Proposal(checked, dict(content), errors)


def differences(before: Config, after: Config) -> list[Difference]:
    """Every key that says another thing, in the order of the file."""
    return list(_differ(compiled(before)["stores"], compiled(after)["stores"], ("stores",)))


def _laid(below: Any, above: Any) -> Any:
    """``above`` over ``below``: tables are joined, all else is replaced."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    joined = {
        key: _laid(below[key], value) if key in below else value for key, value in above.items()
    }
    return {**below, **joined}


def _lean(
    deployed: Config,
    config: Config,
    data: Mapping[str, Any],
    latest: Mapping[str, Any],
    *,
    is_whole: bool,
) -> tuple[Content, Config]:
    """The content to store, and what holds under it.

    Without defaults: a key that a later release drops is in it only where somebody wrote it.
    """
    content = _content(data, compiled(config)["stores"], latest, is_whole=is_whole)
    held = overlay(deployed, content)
    dumped = config.model_dump(mode="json", by_alias=True, exclude_defaults=True)["stores"]
    lean = _content(data, dumped, latest, is_whole=is_whole)
    try:
        says_the_same = overlay(deployed, lean) == held
    except BadInputError:
        says_the_same = False
    return (lean if says_the_same else content), held


def _content(
    data: Mapping[str, Any], stores: Mapping[str, Any], latest: Mapping[str, Any], *, is_whole: bool
) -> Content:
    """The tables that ``data`` speaks of, each whole, and those that were pushed before.

    A whole file speaks of all its stores' tables, also of those that it leaves at their defaults.
    """
    told: dict[str, set[str]] = {
        name: set(tables) for name, tables in latest.get("stores", {}).items() if name in stores
    }
    for name, tables in data.get("stores", {}).items():
        told.setdefault(name, set()).update(MAPPED_BY_DATA if is_whole else tables)
    return {
        "stores": {
            name: {
                table: stores[name].get(table, {}) for table in MAPPED_BY_DATA if table in tables
            }
            for name, tables in told.items()
        }
    }


def _wiring(
    data: Mapping[str, Any], config: Config, deployed: Config, severity: Severity
) -> Iterator[Problem]:
    """What differs and only a deploy can change; of ``data``, what is written there at all."""
    new, old = compiled(config), compiled(deployed)
    for key in data:
        if key not in {"stores", "$schema"} and new.get(key) != old.get(key):
            yield _deploy((key,), _ELSE, severity)
    for name, table in data.get("stores", {}).items():
        if name not in old["stores"]:
            yield _deploy(("stores", name), "it needs an address and secrets of its own", severity)
            continue
        for key in table:
            if key not in MAPPED_BY_DATA and new["stores"][name][key] != old["stores"][name][key]:
                yield _deploy(("stores", name, key), _WIRING.get(key, _ELSE), severity)
    if "erps" in data:
        for name in old["stores"].keys() - new["stores"].keys():
            yield _deploy(("stores",), f"{name} runs and is not in this file", severity)


def _deploy(path: Path, why: str, severity: Severity) -> Problem:
    remedy = "Change it in accord.toml and deploy; push rules and mappings only."
    return Problem(path, f"this cannot change while it runs: {why}", remedy, severity)


def _is_in(finding: Finding, where: Mapping[Path, object]) -> bool:
    """Whether it is about what the text says, and not about something around it."""
    written = {dotted(path) for path in where if len(path) > 3}
    return any(finding.path == each or finding.path.startswith(f"{each}.") for each in written)


def _differ(before: Any, after: Any, path: Path) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            yield from _differ(before.get(key), after.get(key), (*path, key))
    elif before != after:
        if isinstance(after, Mapping) and after and before is None:
            for key, value in after.items():
                yield from _differ(None, value, (*path, key))
        elif isinstance(before, Mapping) and before and after is None:
            for key, value in before.items():
                yield from _differ(value, None, (*path, key))
        else:
            yield Difference(dotted(path), _said(before), _said(after))


def _said(value: Any) -> str | None:
    """A value as TOML would have it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return f"[{', '.join(str(_said(each)) for each in value)}]"
    if isinstance(value, Mapping):
        parts = (f"{key} = {_said(each)}" for key, each in value.items() if each not in (None, []))
        return f"{{ {', '.join(parts)} }}"
    return str(value)
