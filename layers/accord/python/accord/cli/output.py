"""How every command speaks: tables for people, JSON for scripts, one line for what went wrong."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

_WIDTH = None if sys.stdout.isatty() else 130  # in a log, a table must not be folded to 80

console = Console(width=_WIDTH)
told = Console(stderr=True)  # progress and trouble, so that --json stays readable


def print_json(value: object) -> None:
    """``value`` on standard output and nothing else."""
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Numbers stand right, text left. A cell is shown as it is; colour is a ``Text``'s."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for at, column in enumerate(columns):
        numeric = bool(rows) and all(_is_number(row[at]) for row in rows)
        table.add_column(column.strip(), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        # A remedy names tables of accord.toml, "[stores.uk]", which would pass for markup.
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    console.print(table)


def fail(message: str, *, code: int = 1) -> NoReturn:
    """Ends the command. ``message`` says what is wrong and what to do."""
    told.print(f"[bold red]error:[/] {escape(message)}", highlight=False)
    raise typer.Exit(code)


def _is_number(cell: object) -> bool:
    return str(cell).replace(",", "").replace(".", "").lstrip("-+$").isdigit()
