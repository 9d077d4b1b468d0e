"""`accord simulate`: whole lives of very many orders, while everything goes wrong that can."""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from accord.cli.bench_stock import COLUMNS
from accord.cli.output import JsonOption, console, print_json, print_table, told
from accord.local.place import REPO, toml_of
from accord.local.simulate import run as simulation
from accord.local.simulate.kept import Kept
from accord.local.simulate.shard import play_shard
from accord.model.words import number_of
from accord.rules.config import Config

_TARGET = 1000  # orders per second, of the whole machine


def simulate(  # noqa: PLR0917 - they are options, and named where it is run
    orders: Annotated[int, typer.Option(min=1, help="So many whole lives of orders.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same lives.")] = 1,
    processes: Annotated[
        int | None, typer.Option(min=1, help="At once; as many as there are cores, if not given.")
    ] = None,
    shard: Annotated[
        int | None,
        typer.Option(min=0, help="Only the shard of this seed, with --orders of its own."),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="Only these of the run's shards, 1-500 say: the others are for another machine or "
            "another night."
        ),
    ] = None,
    story: Annotated[
        str | None,
        typer.Option(
            help="With --shard: what was done to this order (1001) or customer (c1), and what "
            "came of it."
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="A file for what is done so far: broken off, the same command goes on from there."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Whole lives of orders in virtual time, in shards of up to 1,000 on a store of their own each.

    Orders are placed, paid, edited, cancelled, shipped in parts, invoiced, refunded. Webhooks are
    lost, doubled, late, and switched off by the store; the store, the tables and the back office
    refuse, are slow, do not answer before or after the effect; the back office is off for hours;
    workers die between any two steps. Then all heals, and both sides are compared: each order once
    and to the cent, each refund once, stock as promised, a person asked only where nobody else can.
    Exit code 1 with what differs, and the command that plays it again.
    """
    config = Config.model_validate(toml_of(REPO / "accord.toml"))
    if story is not None:
        if shard is None:
            raise typer.BadParameter("name its --shard, and the shard's --orders")
        _tell(config, shard, orders, story)
        return
    shards = simulation.shards_of(seed, orders)
    if part is not None:
        shards = _only(part, shards)
    if shard is not None:
        if part is not None:
            raise typer.BadParameter("--part is for whole runs; leave it or --shard out")
        shards = [(shard, orders)]
    kept = None
    if keep is not None:
        if shard is not None:
            raise typer.BadParameter("--keep is for whole runs; leave it or --shard out")
        kept = Kept(keep, seed=seed, orders=orders, config=config)
    with Progress(*COLUMNS, console=told) as bar:
        task = bar.add_task("orders lived", total=sum(size for _, size in shards))
        done = simulation.run(
            config,
            shards,
            processes=processes or os.cpu_count() or 1,
            told=lambda placed: bar.update(task, completed=placed),
            kept=kept,
        )
        bar.update(task, completed=done.tally.orders)
    if json:
        print_json(done.to_json())
    else:
        _show(done)
    for each in done.failed:
        for text in each.differences if not json else ():
            console.print(f"  {text}", highlight=False, markup=False)
        told.print(f"again: {simulation.again(each)}", highlight=False, soft_wrap=True)
    if done.failed:
        raise typer.Exit(1)


def _only(part: str, shards: list[tuple[int, int]]) -> list[tuple[int, int]]:
    first, _, last = part.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last) <= len(shards)):
        raise typer.BadParameter(
            f"--part {part} names no shards of this run; it has 1-{len(shards)}, of which you name "
            "the first and the last"
        )
    return shards[int(first) - 1 : int(last)]


def _tell(config: Config, shard: int, orders: int, which: str) -> None:
    result = play_shard(shard, orders, config, story=which)
    console.print(result.story, highlight=False, markup=False)
    for text in result.differences:
        console.print(f"  {text}", highlight=False, markup=False)


def _show(done: simulation.Run) -> None:
    tally = done.tally
    _counted("What people did", tally.acts)
    _counted("What went wrong on purpose", tally.faults)
    _counted("What became of the messages", tally.outcomes)
    _counted("What came by another way than its first message", tally.recovered())
    _counted("What a person is asked in the end, rightly", tally.asked)
    _counted("What the night's page tells a bookkeeper of, and nothing else", tally.reported)
    moments = tally.agreement()
    rows: list[tuple[str, object]] = [
        ("orders", f"{tally.orders:,}"),
        ("customers", f"{tally.customers:,}"),
        ("acts", f"{tally.acts.total():,}"),
        ("messages", f"{tally.messages:,}"),
        ("faults", f"{tally.faults.total():,}"),
        ("came by another way than its first message", f"{tally.recovered().total():,}"),
        ("items for a person", f"{tally.asked.total():,}"),
        ("from an act to agreement, virtual, p50", f"{moments['p50']:,} s"),
        ("from an act to agreement, virtual, p95", f"{moments['p95']:,} s"),
        ("from an act to agreement, virtual, longest", f"{moments['max']:,} s"),
        ("virtual time", f"{tally.hours:,.0f} h in {number_of(done.shards, 'shard')}"),
        ("differences", f"{sum(len(each.differences) for each in done.failed):,}"),
        (
            "wall time",
            f"{done.seconds:,.0f} s on {number_of(done.processes, 'process', 'processes')}",
        ),
        ("orders per second", f"{done.orders_per_second:,.0f} (target {_TARGET:,})"),
        ("orders per second of a processor's time", f"{done.orders_per_cpu_second:,.0f}"),
        ("peak memory of a process", f"{done.peak_mib:,.0f} MiB"),
    ]
    print_table("Whole lives, in virtual time", ["", "figure"], rows)


def _counted(title: str, counted: Counter[str]) -> None:
    if counted:
        rows = [[name, f"{count:,}"] for name, count in counted.most_common()]
        print_table(title, ["", "times"], rows)
