"""What Accord can do, as the code itself says it: README's tables."""

from collections.abc import Sequence
from typing import Annotated

import typer

from accord import erp
from accord.cli.output import JsonOption, print_json, print_table
from accord.model.documents import Kind, State
from accord.ports.erp import Capabilities
from accord.sync.flows import FLOWS

MarkdownOption = Annotated[bool, typer.Option("--markdown", help="Print README's table.")]


def erps(json: JsonOption = False, markdown: MarkdownOption = False) -> None:
    """What each back office can do, as its adapter says."""
    capabilities = {name: erp.load(name).capabilities for name in erp.NAMES}
    if json:
        print_json({name: _plain(can) for name, can in capabilities.items()})
        return
    columns = [
        "back office",
        "a second one with the same key is",
        "states",
        "can be edited as",
        "tells of",
        "sets payments against invoices",
        "settles in",
    ]
    rows = [
        [
            name,
            ", ".join(f"{_words(kind)} {can.duplicates[kind]}" for kind in Kind if can.can(kind)),
            ", ".join(state.value for state in State if state in can.states),
            ", ".join(state.value for state in State if state in can.amends) or "never",
            ", ".join(_words(kind) for kind in Kind if kind in can.tells) or "nothing",
            "yes" if can.reconciles else "no",
            f"{can.settle.total_seconds():.0f} s",
        ]
        for name, can in capabilities.items()
    ]
    _print("Back offices", columns, rows, markdown=markdown)


def flows(json: JsonOption = False, markdown: MarkdownOption = False) -> None:
    """What moves where, by which function, and which switch of the configuration turns it on."""
    if json:
        print_json(
            [
                {
                    "from": flow.origin,
                    "when": flow.happens,
                    "then": flow.becomes,
                    "function": flow.function,
                    "switch": f"flows.{flow.switch}",
                    "woken_by": flow.woken,
                }
                for flow in FLOWS
            ]
        )
        return
    columns = ["from", "when", "then, on the other side", "function", "switch", "woken by"]
    rows = [
        [
            flow.origin,
            flow.happens,
            flow.becomes,
            _code(flow.function, markdown=markdown),
            _code(flow.switch, markdown=markdown),
            flow.woken,
        ]
        for flow in FLOWS
    ]
    _print("What moves where", columns, rows, markdown=markdown)


def _print(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool
) -> None:
    if not markdown:
        print_table(title, columns, rows)
        return
    for row in (columns, ["---"] * len(columns), *rows):
        typer.echo(f"| {' | '.join(row)} |")


def _plain(can: Capabilities) -> dict[str, object]:
    return {
        "documents": sorted(kind.value for kind in can.duplicates),
        "states": [state.value for state in State if state in can.states],
        "duplicates": {kind.value: habit for kind, habit in can.duplicates.items()},
        "amends": [state.value for state in State if state in can.amends],
        "tells": sorted(kind.value for kind in can.tells),
        "revenue_accounts": can.revenue,
        "reconciles": can.reconciles,
        "settle_s": can.settle.total_seconds(),
        "key_length": can.key_length,
    }


def _words(kind: Kind) -> str:
    return kind.value.replace("_", " ")


def _code(name: str, *, markdown: bool) -> str:
    return f"`{name}`" if markdown else name
