"""All commands, and what every one of them does with an error: one line, exit code 1."""

from typing import Annotated

import typer

from accord import erp
from accord.cli import bench, config, demo, local, ops
from accord.cli.output import JsonOption, fail, print_json, print_table
from accord.errors import AccordError
from accord.model.documents import State

app = typer.Typer(
    name="accord",
    help="Keeps WooCommerce stores and their back offices in agreement, to the cent, exactly once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("local")(local.local)
app.command("send")(local.send)
app.command("trace")(ops.trace)
app.command("bench")(bench.bench)
app.add_typer(ops.attention, name="attention")
app.add_typer(ops.waiting, name="waiting")
app.add_typer(ops.recovery, name="recovery")
app.add_typer(config.app, name="config")


@app.command("erps")
def erps(
    json: JsonOption = False,
    markdown: Annotated[bool, typer.Option(help="Print README's table.")] = False,
) -> None:
    """What each back office can do, as its adapter says."""
    capabilities = {name: erp.load(name).capabilities for name in erp.NAMES}
    if json:
        print_json(
            {
                name: {
                    "documents": sorted(kind.value for kind in can.duplicates),
                    "states": [state.value for state in State if state in can.states],
                    "duplicates": {kind.value: habit for kind, habit in can.duplicates.items()},
                    "settle_s": can.settle.total_seconds(),
                    "key_length": can.key_length,
                }
                for name, can in capabilities.items()
            }
        )
        return
    columns = ["back office", "a second one with the same key is", "states", "settles in"]
    rows = [
        [
            name,
            ", ".join(f"{kind.value} {habit}" for kind, habit in can.duplicates.items()),
            ", ".join(state.value for state in State if state in can.states),
            f"{can.settle.total_seconds():.0f} s",
        ]
        for name, can in capabilities.items()
    ]
    if markdown:
        for row in (columns, ["---"] * len(columns), *rows):
            typer.echo(f"| {' | '.join(row)} |")
        return
    print_table("Back offices", columns, rows)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo("accord 0.1.0")
        raise typer.Exit


def main() -> None:
    """The entry point."""
    try:
        app()
    except AccordError as error:
        try:
            fail(str(error))
        except typer.Exit as ended:
            raise SystemExit(ended.exit_code) from error
