"""`accord bench --skus` and `--flash`: what many SKUs take, and whether too many are sold."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from accord.cli.output import console, print_json, print_table, told
from accord.local.bench import flash as sale
from accord.local.bench import scale
from accord.local.bench.figures import Figure
from accord.local.place import REPO, toml_of
from accord.rules.config import Config

START = dt.datetime(2026, 11, 27, 8, tzinfo=dt.UTC)  # nothing hangs on the day: a run repeats
COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    TimeRemainingColumn(),
)
_SHOWN = 20  # differences on the screen; --json has all


def skus(count: int, *, seed: int, json: bool) -> None:
    """Exit code 1 when a count misses its target or the store shows something else."""
    with Progress(*COLUMNS, console=told) as bar:
        task = bar.add_task("preparing", total=count)

        def tell(name: str, done: int, total: int) -> None:
            bar.update(task, description=name, completed=done, total=total)

        result = scale.run(_rules(), count, seed=seed, start=START, told=tell)
    if json:
        print_json(_skus_as_json(result))
    else:
        _show_skus(result)
    if not result.passed:
        raise typer.Exit(1)


def flash(orders: int, *, seed: int, json: bool) -> None:
    """Without a buffer, and with one that covers. Exit code 1 when the promise is broken."""
    results: list[sale.Result] = []
    with Progress(*COLUMNS, console=told) as bar:
        for name in ("without a buffer", "with a buffer"):
            task = bar.add_task(name, total=orders)
            buffer = 2 * results[0].covering + 1 if results else 0

            def tell(done: int, _: int, task: TaskID = task) -> None:
                bar.update(task, completed=done)

            results.append(
                sale.run(
                    _rules(),
                    orders,
                    seed=seed,
                    start=START,
                    buffer=buffer,
                    told=tell,
                )
            )
            bar.update(task, completed=orders)
    if json:
        names = [field.name for field in dataclasses.fields(sale.Result)]
        print_json([{name: getattr(each, name) for name in names} for each in results])
    else:
        _show_flash(results)
    if not all(each.passed for each in results):
        console.print(f"again: accord bench --flash {orders} --seed {seed}", highlight=False)
        raise typer.Exit(1)


def _rules() -> Config:
    return Config.model_validate(toml_of(REPO / "accord.toml"))


def _skus_as_json(result: scale.Result) -> dict[str, Any]:
    return {
        "skus": result.skus,
        "parents": result.parents,
        "passed": result.passed,
        "phases": [
            {
                "name": phase.name,
                "skus": phase.skus,
                "store_reads": phase.store_reads,
                "store_writes": phase.store_writes,
                "erp_calls": phase.erp,
                "levels_reads": phase.levels_reads,
                "levels_writes": phase.levels_writes,
                "virtual_s": phase.virtual_s,
                "wall_s": round(phase.wall_s, 3),
                "calls": dict(sorted(phase.calls.items())),
            }
            for phase in result.phases
        ],
        "hosts": [dataclasses.asdict(host) for host in result.hosts],
        "figures": [figure.as_json() for figure in result.figures],
        "differences": result.differences,
    }


def _show_skus(result: scale.Result) -> None:
    print_table(
        f"{result.skus:,} SKUs, and {result.parents:,} products with variations: calls",
        ["", "store reads", "writes", "back office", "levels read", "written", "virtual", "wall"],
        [
            [
                phase.name,
                phase.store_reads,
                phase.store_writes,
                phase.erp,
                phase.levels_reads,
                phase.levels_writes,
                f"{phase.virtual_s:,.0f} s",
                f"{phase.wall_s:.1f} s",
            ]
            for phase in result.phases
        ],
    )
    print_table(
        "Stores of some speed",
        ["", "SKUs", "all shown after", "batches", "settled at", "unanswered"],
        [
            [
                host.name,
                host.skus,
                f"{host.virtual_s:,.0f} s",
                host.writes,
                host.size,
                host.unanswered,
            ]
            for host in result.hosts
        ],
    )
    show_figures("Targets", result.figures)
    show_differences(result.differences)


def _show_flash(results: Sequence[sale.Result]) -> None:
    rows: list[tuple[str, list[object]]] = [
        ("orders", [each.orders for each in results]),
        ("pieces sold", [each.units for each in results]),
        ("shoppers turned away", [each.turned_away for each in results]),
        ("pieces kept back (buffer)", [each.buffer for each in results]),
        ("few are left (near)", [each.near for each in results]),
        ("oversold pieces, in all", [each.oversold for each in results]),
        ("the promise allows", [each.allowed for each in results]),
        ("a buffer that covers", [each.covering for each in results]),
        ("writes of a number", [each.writes for each in results]),
        ("with a look before", [each.looks for each in results]),
        ("look to write, p95", [f"{each.window_p95:.1f} s" for each in results]),
        ("look to write, longest", [f"{each.window_max:.1f} s" for each in results]),
        ("age of a number when shown, p95", [f"{each.age_p95:.0f} s" for each in results]),
    ]
    print_table(
        f"A flash sale, seed {results[0].seed}, in virtual time",
        ["", *("with a buffer" if each.buffer else "without" for each in results)],
        [[name, *values] for name, values in rows],
    )
    for each in results:
        show_differences(each.differences)


def show_figures(title: str, figures: Sequence[Figure]) -> None:
    """Each beside its target."""
    print_table(
        title,
        ["figure", "value", "unit", "target", ""],
        [
            [
                each.name,
                f"{each.value:,.1f}" if each.value % 1 else f"{each.value:,.0f}",
                each.unit,
                f"{each.limit} {each.target:,g}" if each.limit else "",
                _verdict(each),
            ]
            for each in figures
        ],
    )


def show_differences(differences: Sequence[str]) -> None:
    """The first of them."""
    for text in differences[:_SHOWN]:
        console.print(f"  {text}", highlight=False, markup=False)
    if len(differences) > _SHOWN:
        console.print(f"  and {len(differences) - _SHOWN} more; --json has all")


def _verdict(figure: Figure) -> Text | str:
    if figure.limit is None:
        return ""
    return Text("met", "green") if figure.met else Text("missed", "red")
