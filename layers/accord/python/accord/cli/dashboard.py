"""`accord dashboard`: are orders flowing, how late, what is stuck, whose turn is it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from accord.cli.connection import local_dashboard
from accord.cli.output import JsonOption, console, print_json, print_table
from accord.local.dashboard_page import number, page
from accord.local.runner.dashboard import Line, Picture
from accord.model.words import number_of

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 30  # characters of a graph


def dashboard(
    html: Annotated[
        Path | None, typer.Option(help="Write the page to this file instead of printing it.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """The dashboard of the stack of `accord local`, as CloudWatch shows a deployed stage's.

    The same tiles, metrics and alarms, read from the same templates. Exit code 1 while an alarm
    rings, so that a script can wait for a good state.
    """
    found = Picture.from_json(local_dashboard())
    if html is not None:
        html.write_text(page(found), encoding="utf-8")
        console.print(f"wrote {html}", highlight=False)
    elif json:
        print_json(found.to_json())
    else:
        _print(found)
    if found.ringing:
        raise typer.Exit(1)


def _print(found: Picture) -> None:
    console.print(f"[bold]{found.name}[/] at {found.taken_at}", highlight=False)
    for widget in sorted(found.widgets, key=lambda each: (each.y, each.x)):
        shown = [line for line in widget.lines if line.latest is not None]
        if shown:
            rows = [[line.label, Text(_bars(line)), number(line.latest)] for line in shown]
            last = f"the last {number_of(round(found.seconds / 60), 'minute')}"
            print_table(widget.title, ["", last, "now"], rows)
    rows = [
        [Text(alarm.name, style="bold red"), ", ".join(alarm.owners), alarm.description]
        for alarm in found.ringing
    ]
    if rows:
        print_table("Alarms that ring", ["alarm", "whose turn", "what to do"], rows)
    else:
        console.print(f"[green]None of {len(found.alarms)} alarms rings.[/]", highlight=False)


def _bars(line: Line) -> str:
    """A graph in one line of text; where nothing was measured it is blank."""
    size = max(1, len(line.values) // _WIDTH)
    parts = [line.values[at : at + size] for at in range(0, len(line.values), size)]
    tops = [max((v for v in part if v is not None), default=None) for part in parts]
    highest = max((top for top in tops if top is not None), default=0) or 1
    return "".join(
        " " if top is None else _BARS[min(int(top / highest * (len(_BARS) - 1)), len(_BARS) - 1)]
        for top in tops
    )
