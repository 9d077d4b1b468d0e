"""All commands, and what every one of them does with an error: one line, exit code 1."""

from typing import Annotated

import typer

from accord.cli import (
    adopt,
    attention,
    audit,
    backfill,
    bench,
    config,
    connect,
    customers,
    dashboard,
    demo,
    disconnect,
    doctor,
    documents,
    erps,
    fuzz,
    local,
    ops,
    pauses,
    reconcile,
    rules,
    secrets,
    simulate,
    tables,
)
from accord.cli.output import fail
from accord.errors import AccordError

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
app.command("dashboard")(dashboard.dashboard)
app.command("fuzz")(fuzz.fuzz)
app.command("simulate")(simulate.simulate)
app.command("flows")(tables.flows)
app.command("forget")(customers.forget)
app.command("backfill")(backfill.backfill)
app.command("connect")(connect.connect)
app.command("disconnect")(disconnect.disconnect)
app.command("doctor")(doctor.doctor)
app.command("reconcile")(reconcile.reconcile)
app.command("adopt")(adopt.adopt)
app.command("pause")(pauses.pause)
app.command("resume")(pauses.resume)
app.command("status")(pauses.status)
app.add_typer(attention.app, name="attention")
app.add_typer(erps.app, name="erps")
app.add_typer(ops.waiting, name="waiting")
app.add_typer(documents.app, name="documents")
app.add_typer(ops.recovery, name="recovery")
app.add_typer(config.app, name="config")
app.add_typer(rules.app, name="rules")
app.add_typer(audit.app, name="audit")
app.add_typer(secrets.app, name="secrets")


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
