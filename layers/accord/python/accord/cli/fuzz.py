"""`accord fuzz`: what may come instead of a delivery, by the million."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from accord.cli.bench_stock import COLUMNS
from accord.cli.output import console, print_json, print_table, told
from accord.local.fuzz import run as fuzzing
from accord.local.fuzz.door import FUNCTION
from accord.local.place import REPO, toml_of
from accord.local.recorded import read_all
from accord.rules.config import Config

DELIVERIES = REPO / "events" / FUNCTION


def fuzz(
    bodies: Annotated[int, typer.Option(min=1, help="So many requests.")] = 100_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same requests.")] = 1,
    only: Annotated[int | None, typer.Option(min=0, help="Only the one of this number.")] = None,
    deliveries: Annotated[
        Path, typer.Option(help="Recorded deliveries that they are made of.")
    ] = DELIVERIES,
    json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Forged, broken and odd requests for every door.

    These are deliveries, a checkout's questions, calls of a back office, keys that a store posts,
    and visits of who connects a back office in a browser.

    No exception escapes, nothing unsigned is queued, whatever was queued can be read, and none
    takes long. Exit code 1 with what did not hold, by number.
    """
    config = Config.model_validate(toml_of(REPO / "accord.toml"))
    first, count = (0, bodies) if only is None else (only, 1)
    with Progress(*COLUMNS, console=told) as bar:
        task = bar.add_task("fuzzing", total=count)
        result = fuzzing.run(
            config,
            read_all(deliveries),
            count,
            seed=seed,
            first=first,
            told=lambda done, _: bar.update(task, completed=done),
        )
        bar.update(task, completed=count)
    if json:
        names = [field.name for field in dataclasses.fields(result)]
        print_json({name: getattr(result, name) for name in names})
    else:
        _show(result)
    if not result.passed:
        told.print(f"again: accord fuzz --seed {seed} --only NUMBER", highlight=False)
        raise typer.Exit(1)


def _show(result: fuzzing.Result) -> None:
    rows: list[tuple[str, object]] = [
        ("requests", f"{result.bodies:,}"),
        ("of a checkout", f"{result.checkouts:,}"),
        ("of a back office, besides", f"{result.calls:,}"),
        ("keys of a store, besides", f"{result.keys:,}"),
        ("visits of a browser, besides", f"{result.visits:,}"),
        *((f"answered {status}", f"{n:,}") for status, n in sorted(result.answers.items())),
        ("queued, all of them signed", f"{result.queued:,}"),
        ("documents read", f"{result.read:,}"),
        ("documents refused, the field named", f"{result.refused:,}"),
        ("seconds", f"{result.seconds:,.0f}"),
        ("slowest, CPU", f"{result.slowest_s * 1000:.1f} ms"),
        ("which was", f"{result.slowest} ({result.slowest_how})"),
        ("did not hold", f"{result.found:,}"),
    ]
    print_table(f"Requests that no store sends, seed {result.seed}", ["", ""], rows)
    for text in result.findings:
        console.print(f"  {text}", highlight=False, markup=False)
