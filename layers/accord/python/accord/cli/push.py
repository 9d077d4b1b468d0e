"""`accord config push|diff|log|revert`: mappings and rules change without a deploy."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from accord import bootstrap
from accord.cli.acting import ByOption, YesOption, confirmed, operator
from accord.cli.connection import StageOption, connect, local_file
from accord.cli.output import JsonOption, console, fail, print_json, print_table, told
from accord.errors import BadInputError, StaleVersionError
from accord.local.place import config_text
from accord.model.change import Ref
from accord.model.documents import SalesOrder
from accord.ports.state import RulesVersion
from accord.rules.config import Config
from accord.rules.load import overlay
from accord.rules.problem import Abilities
from accord.rules.push import (
    Content,
    Difference,
    Proposal,
    differences,
    fitted,
    propose,
    restored,
)
from accord.sync.reading import order_of
from accord.sync.settles import Preview, Settled

Latest = tuple[int, Mapping[str, Any]]
"""The newest version's number and content; 0 and nothing, where none was pushed."""

FileArgument = Annotated[
    Path, typer.Argument(help="A part of accord.toml, or the whole file.", metavar="FILE")
]
WhyOption = Annotated[str, typer.Option(help="Why, for those who read `accord config log`.")]


def push(
    path: FileArgument,
    *,
    why: WhyOption,
    by: ByOption = None,
    stage: StageOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Puts rules and mappings into force within a minute, and wakes what they settle.

    A part of the file is laid over what holds: what it names is added or replaced. The rule tables
    of a whole file take the place of those that hold. Keys that need a deploy are refused.
    """
    abilities = _connected(stage)
    latest = _latest()
    proposal = _proposed(path, latest, abilities, stage)
    _refuse(path, proposal, json=json)
    _store(proposal, latest, why=why, by=by, stage=stage, yes=yes, json=json)


def diff(
    path: FileArgument = Path("accord.toml"), *, stage: StageOption = None, json: JsonOption = False
) -> None:
    """What would become different if the file were pushed. Writes nothing."""
    abilities = _connected(stage)
    latest = _latest()
    proposal = _proposed(path, latest, abilities, stage)
    _refuse(path, proposal, json=json)
    assert proposal.config is not None
    found = differences(_holds(latest), proposal.config)
    if json:
        print_json({"version": latest[0], "changes": _as_json(found)})
    elif not found:
        console.print(f"{path} says what holds already.", highlight=False)
    else:
        _show(found)


def log(*, stage: StageOption = None, json: JsonOption = False) -> None:
    """Every version of the rules: who pushed it, when, why, and what it changed."""
    connect(stage)
    versions = bootstrap.rules_store().versions()
    rows = [
        (each, _between(before, each))
        for before, each in zip((None, *versions), versions, strict=False)
    ]
    if json:
        print_json(
            [
                {
                    "version": each.number,
                    "at": each.at.isoformat(),
                    "by": each.by,
                    "why": each.why,
                    "changes": None if found is None else _as_json(found),
                }
                for each, found in rows
            ]
        )
    elif not rows:
        console.print("Nothing was ever pushed: only the deployed accord.toml holds.")
    else:
        print_table(
            "Versions of the rules",
            ["version", "at (UTC)", "by", "why", "changed"],
            [
                [each.number, f"{each.at:%F %T}", each.by, each.why, _summary(found)]
                for each, found in reversed(rows)
            ],
        )


def revert(
    version: Annotated[
        int, typer.Argument(min=0, help="The version to hold again; 0: only the deployed file.")
    ],
    *,
    why: WhyOption = "",
    by: ByOption = None,
    stage: StageOption = None,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Puts an older version into force again, as a new one. Nothing is ever removed."""
    abilities = _connected(stage)
    known: dict[int, Mapping[str, Any]] = {0: {}}
    known |= {each.number: each.content for each in bootstrap.rules_store().versions()}
    newest = max(known)
    if version not in known:
        fail(f"there is no version {version}; `accord config log` shows all")
    proposal = restored(known[version], bootstrap.deployed(), abilities=abilities)
    _refuse(Path(f"version {version}"), proposal, json=json)
    why = f"back to version {version}" + (f": {why}" if why else "")
    _store(proposal, (newest, known[newest]), why=why, by=by, stage=stage, yes=yes, json=json)


# --- steps -------------------------------------------------------------------------


def _connected(stage: str | None) -> Mapping[str, Abilities]:
    """What the deployed back offices can do."""
    from accord.cli.config import abilities_of

    connect(stage)
    return abilities_of(each.adapter for each in bootstrap.deployed().erps.values())


def _proposed(
    path: Path, latest: Latest, abilities: Mapping[str, Abilities], stage: str | None
) -> Proposal:
    return propose(
        config_text(path),
        bootstrap.deployed(),
        latest[1],
        abilities=abilities,
        wired=local_file() if stage is None else None,
    )


def _latest() -> Latest:
    return bootstrap.rules_store().latest() or (0, {})


def _holds(latest: Latest) -> Config:
    """What is in force; the deployed file alone, where what was pushed no longer fits it."""
    return fitted(bootstrap.deployed(), latest[1])[0]


def _refuse(path: Path, proposal: Proposal, *, json: bool) -> None:
    """Says what was found; ends the command, code 1, where it is refused."""
    for each in proposal.findings if not json else ():
        told.print(f"{path}:{each}", highlight=False, markup=False, soft_wrap=True)
    if proposal.config is not None:
        return
    if json:
        print_json({"pushed": False, "findings": [str(each) for each in proposal.findings]})
    raise typer.Exit(1)


def _store(
    proposal: Proposal,
    latest: Latest,
    *,
    why: str,
    by: str | None,
    stage: str | None,
    yes: bool,
    json: bool,
) -> None:
    """The plan, a person's word, and the version after ``latest``, which it was made over."""
    number, content = latest
    assert proposal.config is not None
    if proposal.content == content:
        if json:
            print_json({"pushed": False, "version": number, "changes": []})
        else:
            console.print("Nothing is different from what was pushed already.")
        return
    found = differences(_holds(latest), proposal.config)
    settled = _preview().of(proposal.config.stores)
    if not json:
        _show(found)
        _tell(settled)
    stores = ", ".join(proposal.content.get("stores", {})) or "no store"
    counts = {
        "settles": sum(settled.settled.values()),
        "stays": sum(settled.stays.values()),
        "unknown": settled.unknown,
    }
    confirmed(
        f"Version {number + 1} will hold for {stores} within a minute.",
        yes=yes,
        json=json,
        plan={"pushed": False, "version": number, "changes": _as_json(found), **counts},
    )
    _write(proposal.content, number + 1, by=operator(by, stage), why=why)
    if json:
        print_json(
            {
                "pushed": True,
                "version": number + 1,
                "changes": _as_json(found),
                **counts,
            }
        )
    else:
        console.print(
            f"Version {number + 1} is stored. `accord config revert {number}` takes it back.",
            highlight=False,
        )


def _write(content: Content, version: int, *, by: str, why: str) -> None:
    try:
        bootstrap.rules_store().push(content, version=version, now=bootstrap.now(), by=by, why=why)
    except StaleVersionError as error:
        newest = bootstrap.rules_store().versions()[-1]
        raise BadInputError(
            f"{newest.by} pushed version {newest.number} at {newest.at:%T} UTC ({newest.why}), "
            "after you were shown what would change; nothing was stored. Look at `accord config "
            "diff` and push again"
        ) from error


def _preview() -> Preview:
    def order(ref: Ref) -> SalesOrder | None:
        store = bootstrap.store(ref.system)
        answer = store.get_order(ref.id)
        if answer is None:
            return None
        return order_of(store, answer[0], bootstrap.links().get(ref))

    return Preview(bootstrap.waiting(), order)


# --- what is said ------------------------------------------------------------------


def _between(before: RulesVersion | None, after: RulesVersion) -> list[Difference] | None:
    """None: one of the two does not fit what is deployed any more."""
    try:
        return differences(_held(before.content if before else {}), _held(after.content))
    except BadInputError:
        return None


def _held(content: Mapping[str, Any]) -> Config:
    return overlay(bootstrap.deployed(), content)


def _summary(found: Sequence[Difference] | None) -> str:
    if found is None:
        return "it does not fit what is deployed now"
    if not found:
        return "nothing"
    said = [f"{_sign(each)} {each.path.removeprefix('stores.')}" for each in found[:4]]
    return "\n".join([*said, f"… and {len(found) - 4} more"] if len(found) > 4 else said)


def _sign(each: Difference) -> str:
    return "+" if each.before is None else "-" if each.after is None else "~"


def _show(found: Sequence[Difference]) -> None:
    if not found:
        console.print("No rule says another thing than before.")
    for each in found:
        colour = {"+": "green", "-": "red", "~": "yellow"}[_sign(each)]
        values = " → ".join(part for part in (each.before, each.after) if part is not None)
        console.print(
            f"[{colour}]{_sign(each)} {escape(each.path)}[/] = {escape(values)}",
            highlight=False,
            soft_wrap=True,
        )


def _tell(found: Settled) -> None:
    settled, stays = sum(found.settled.values()), sum(found.stays.values())
    console.print(f"Waits for a rule, and goes on: {settled}", highlight=False)
    if stays:
        console.print(f"Goes on waiting: {stays}", highlight=False)
    for remedy, count in found.remedies.most_common(5):
        console.print(f"  {count} × {escape(remedy)}", highlight=False, soft_wrap=True)
    if found.unknown:
        console.print(f"Not looked at, or not to be read now: {found.unknown}", highlight=False)


def _as_json(found: Sequence[Difference]) -> list[dict[str, str | None]]:
    return [{"path": each.path, "before": each.before, "after": each.after} for each in found]
