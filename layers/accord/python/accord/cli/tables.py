"""What Accord can do, as the code itself says it: README's tables."""

from collections.abc import Sequence
from typing import Annotated

import typer

from accord import erp
from accord.cli.output import JsonOption, print_json, print_table
from accord.model.documents import Kind, State
from accord.ports.erp import Capabilities
from accord.rules.limits import NUMBERS, Limits
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
        "bears, where nothing is named",
        "settles in",
        "has no",
    ]
    rows = [
        [
            name,
            ", ".join(f"{_words(kind)} {can.duplicates[kind]}" for kind in Kind if can.can(kind)),
            ", ".join(state.value for state in State if state in can.states),
            ", ".join(state.value for state in State if state in can.amends) or "never",
            _watched(can),
            "yes" if can.reconciles else "no",
            _bears(can.usual.limits),
            f"{can.settle.total_seconds():.0f} s",
            ", ".join(_lacking(can)) or "–",
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
        "swept": sorted(kind.value for kind in can.swept),
        "revenue_accounts": can.revenue,
        "reconciles": can.reconciles,
        "recipes": can.recipes,
        "price_lists": can.price_lists,
        "one_place": can.one_place,
        "credits_goods": can.credits_goods,
        "delivery_notes": can.delivery_notes,
        "customer_terms": sorted(can.customer_terms),
        "digits": can.digits,
        "limits": {name: getattr(can.usual.limits, name) for name in NUMBERS},
        "calls_of_a_look": {
            kind.value: calls for kind, calls in sorted((can.usual.looks or {}).items())
        },
        "settle_s": can.settle.total_seconds(),
        "key_length": can.key_length,
    }


def _bears(limits: Limits) -> str:
    """What its maker allows, less what is left to those who do not count."""
    said = {"at_once": "at once", "per_minute": "a minute", "per_day": "a day"}
    found = [f"{most:,} {said[name]}" for name in NUMBERS if (most := getattr(limits, name))]
    return ", ".join(found) or "anything"


def _watched(can: Capabilities) -> str:
    """The kinds whose changes become known; all of what is not told of is read with each look."""
    said = [
        _words(kind) if kind in can.tells else f"{_words(kind)} (all of it, each time)"
        for kind in Kind
        if kind in can.watched
    ]
    return ", ".join(said) or "nothing"


def _lacking(can: Capabilities) -> list[str]:
    """What configuration may ask of others and not of this one."""
    there = {
        "shipments": Kind.SHIPMENT in can.watched,
        "returns of goods": can.can(Kind.RETURN) or can.credits_goods,
        "kits or bills of materials": can.recipes,
        "price lists": can.price_lists,
        "second location": not can.one_place,
        "revenue account by line": can.revenue,
        "cancelling of a paid order": not can.is_invoice,
        "payments": can.can(Kind.PAYMENT),
        "credit notes": can.can(Kind.CREDIT_NOTE),
        "printed delivery notes": can.delivery_notes,
        "price group of a customer": "price_group" in can.customer_terms,
        "payment terms of a customer": "payment_terms" in can.customer_terms,
        "money of three digits": can.digits is None or can.digits > 2,
    }
    return [what for what, is_there in there.items() if not is_there]


def _words(kind: Kind) -> str:
    return kind.value.replace("_", " ")


def _code(name: str, *, markdown: bool) -> str:
    return f"`{name}`" if markdown else name
