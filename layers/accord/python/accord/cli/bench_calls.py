"""`accord bench --calls`: what one order asks of each kind of back office."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import typer

from accord.cli.bench_stock import show_figures
from accord.cli.output import print_json, print_table, told
from accord.local.bench import calls, figures

Measured = Sequence[calls.Calls | calls.Absent]
COLUMNS = ("back office", *calls.CASES)


def bench_calls(*, json: bool, markdown: bool) -> None:
    """Exit code 1 when a count misses its target."""
    told.print("[dim]counting the calls of each kind of back office[/]")
    measured = calls.measure_all(at=dt.datetime.now(dt.UTC))
    found = figures.of_calls(measured)
    if json:
        print_json({**as_json(measured), "figures": [each.as_json() for each in found]})
    elif markdown:
        for row in (COLUMNS, ["---"] * len(COLUMNS), *rows(measured)):
            typer.echo(f"| {' | '.join(row)} |")
    else:
        show_calls(measured)
        show_figures("Beside their targets", found)
    if any(not each.met for each in found):
        raise typer.Exit(1)


def show_calls(measured: Measured) -> None:
    """The table on the screen."""
    print_table("Calls per order, by kind of back office", COLUMNS, rows(measured))


def as_json(measured: Measured) -> dict[str, Any]:
    """Each kind's cases with their calls by name, or why there are none."""
    return {
        each.erp: (
            {case: dict(each.cases[case]) for case in calls.CASES}
            if isinstance(each, calls.Calls)
            else {"absent": each.why}
        )
        for each in measured
    }


def rows(measured: Measured) -> list[list[str]]:
    """One line per kind: its name, then how many calls each case took."""
    return [
        [each.erp, *(str(each.total(case)) for case in calls.CASES)]
        if isinstance(each, calls.Calls)
        else [each.erp, *["does not run here"] * len(calls.CASES)]
        for each in measured
    ]
