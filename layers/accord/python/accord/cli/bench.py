"""`accord bench`: many orders and whole lives with faults on purpose, and what a pass costs."""

import dataclasses
import datetime as dt
import time
from typing import Annotated, Any

import typer
from rich.progress import Progress

from accord.cli import bench_calls, bench_chaos, bench_stock
from accord.cli.bench_stock import COLUMNS, show_differences, show_figures
from accord.cli.output import JsonOption, print_json, print_table, told
from accord.local.bench import (
    calls,
    cost,
    figures,
    lives,
    operations,
    outage,
    reconciling,
    traffic,
)
from accord.local.place import REPO, BackOffice, Place, toml_of, work_folder
from accord.model.words import number_of
from accord.rules.config import Config

_SMALL = 12  # orders of the run that comes with the figures


def bench(  # noqa: PLR0917 - they are options, and named where it is run
    orders: Annotated[
        int | None,
        typer.Option(min=1, help="Post so many orders and compare both sides, to the cent."),
    ] = None,
    life: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Play so many whole lives of orders, with their customers, in virtual time, and "
            "nothing else. --faults: webhooks are lost, workers die, nobody always answers.",
        ),
    ] = None,
    skus: Annotated[
        int | None,
        typer.Option(
            min=100,
            help="Bring stock and prices of so many SKUs into a store, in virtual time, count the "
            "calls, and nothing else.",
        ),
    ] = None,
    flash: Annotated[
        int | None,
        typer.Option(
            min=50,
            help="So many shoppers in a flash sale, in virtual time, and nothing else: does the "
            "store sell what is not there?",
        ),
    ] = None,
    reconcile: Annotated[
        int | None,
        typer.Option(
            min=1000,
            help="Compare so many orders with as many documents, made up as they are listed, with "
            "50 faults planted, and nothing else: is each named, and nothing else?",
        ),
    ] = None,
    chaos: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="So many orders through the real functions while webhooks are lost and switched "
            "off, everybody fails, tables have too much to do, processes are killed; nothing else.",
        ),
    ] = None,
    only_calls: Annotated[
        bool,
        typer.Option(
            "--calls",
            help="Count the calls of one order, for each kind of back office, and nothing else.",
        ),
    ] = False,
    erp: Annotated[
        BackOffice,
        typer.Option(help="A real Tryton, the in-memory ledger, or the stand-in of that name."),
    ] = "tryton",
    faults: Annotated[
        bool,
        typer.Option(
            "--faults",
            help="Every delivery twice, a tenth of them late; one call of the back office in ten "
            "is answered 503 or not at all, before or after it took effect.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed makes the same orders.")] = 1,
    json: JsonOption = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="With --calls: print README's table.")
    ] = False,
) -> None:
    """Posts many orders and compares both sides; without --orders, measures what a pass costs.

    Exit code 1 when the sides differ or a count misses its target. Times depend on the machine:
    their targets are shown, and decide nothing.
    """
    if life is not None:
        _live(life, seed=seed, faults=faults, json=json)
        return
    if skus is not None:
        bench_stock.skus(skus, seed=seed, json=json)
        return
    if flash is not None:
        bench_stock.flash(flash, seed=seed, json=json)
        return
    if reconcile is not None:
        _compare(reconcile, json=json)
        return
    if only_calls:
        bench_calls.bench_calls(json=json, markdown=markdown)
        return
    if chaos is not None:
        bench_chaos.chaos(chaos, erp=erp, seed=seed, json=json)
        return
    started = time.monotonic()
    at = dt.datetime.now(dt.UTC)
    path = REPO / "accord.toml"
    rules = Config.model_validate(toml_of(path))

    def progress(text: str) -> None:
        told.print(f"[dim]{time.monotonic() - started:6.1f} s[/]  {text}", highlight=False)

    found: list[figures.Figure] = []
    spent: cost.Cost | None = None
    asked: bench_calls.Measured = ()
    if orders is None:
        found += figures.of_code(rules, seed=seed, at=at, progress=progress)
        progress("counting the calls of each operation")
        found += figures.of_operations(operations.measure(rules, at=at))
        progress("counting the calls of each kind of back office")
        asked = calls.measure_all(at=at)
        found += figures.of_calls(asked)
    progress("playing twelve hours without a back office, in virtual time")
    off = outage.run(rules, seed=seed, start=at)
    with work_folder(f"bench-{erp}") as work:
        place = traffic.stand_ins(toml_of(path), work, erp, progress=progress)
        plan = traffic.generate(orders or _SMALL, seed=seed, at=at, faults=faults)
        with place:
            progress(
                f"posting {number_of(len(plan.deliveries), 'delivery', 'deliveries')} of "
                f"{number_of(len(plan.orders), 'order')}"
            )
            posted = _watched(place, plan, seed=seed, faults=faults)
            if orders is None and not posted.differences:
                progress("counting calls")
                spent = cost.measure(place, seed=seed, at=at)
                found += figures.of_cost(spent, erp)
    if json:
        by_erp = {"calls_per_order": bench_calls.as_json(asked)} if asked else {}
        print_json({**_as_json(posted, off, found, spent), **by_erp})
    else:
        _show(posted, off, found, spent)
        if asked:
            bench_calls.show_calls(asked)
    if posted.differences or not off.passed or any(f.counted and not f.met for f in found):
        raise typer.Exit(1)


def _compare(orders: int, *, json: bool) -> None:
    rules = Config.model_validate(toml_of(REPO / "accord.toml"))
    with Progress(*COLUMNS, console=told) as bar:
        task = bar.add_task("orders", total=orders)

        def watch(kind: str, done: int) -> None:
            bar.update(task, description=kind, completed=done)

        compared = reconciling.run(rules, orders, told=watch)
    if json:
        figures_ = [figure.as_json() for figure in compared.figures]
        print_json({**dataclasses.asdict(compared), "figures": figures_})
    else:
        show_figures(f"{number_of(orders, 'order')} beside as many documents", compared.figures)
        print_table("", ["", "figure"], [["wall time", f"{compared.seconds:.0f} s"]])
        show_differences([f"not named: {each}" for each in compared.missed])
        show_differences([f"made up: {each}" for each in compared.invented])
    if not compared.passed:
        raise typer.Exit(1)


def _live(orders: int, *, seed: int, faults: bool, json: bool) -> None:
    rules = Config.model_validate(toml_of(REPO / "accord.toml"))
    started = time.monotonic()
    with Progress(*COLUMNS, console=told) as bar:
        task = bar.add_task("orders lived", total=orders)
        lived = lives.run(
            rules,
            orders,
            seed=seed,
            faults=faults,
            told=lambda done: bar.update(task, completed=done),
        )
    if json:
        names = [field.name for field in dataclasses.fields(lived)]
        print_json({name: getattr(lived, name) for name in names})
    else:
        _show_lives(lived, time.monotonic() - started)
    if lived.differences:
        raise typer.Exit(1)


def _show_lives(lived: lives.Result, seconds: float) -> None:
    for title, counted in (
        ("What people did", lived.acts),
        ("What became of the changes", lived.ends),
        ("What went wrong on purpose", lived.mishaps),
        ("What a person is asked in the end", lived.items),
    ):
        if counted:
            print_table(title, ["", "times"], [list(row) for row in counted.most_common()])
    first, last = lived.seeds[0], lived.seeds[-1]
    rows: list[tuple[str, object]] = [
        ("orders", lived.orders),
        ("seeds", f"{first} to {last}"),
        ("differences", len(lived.differences)),
        ("wall time", f"{seconds:.0f} s"),
    ]
    print_table("Whole lives, in virtual time", ["", "figure"], rows)
    show_differences(lived.differences)


def _watched(place: Place, plan: traffic.Traffic, *, seed: int, faults: bool) -> traffic.Result:
    with Progress(*COLUMNS, console=told) as bar:
        deliveries = bar.add_task("deliveries posted", total=len(plan.deliveries))
        orders = bar.add_task("orders posted", total=len(plan.orders))

        def watch(delivered: int, posted: int) -> None:
            bar.update(deliveries, completed=delivered)
            bar.update(orders, completed=min(posted, len(plan.orders)))

        return traffic.run(place, plan, seed=seed, faults=faults, told=watch)


def _as_json(
    posted: traffic.Result,
    off: outage.Result,
    found: list[figures.Figure],
    spent: cost.Cost | None,
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "run": {
            **dataclasses.asdict(posted),
            "orders_per_second": round(posted.orders_per_second, 2),
        },
        "outage": {**dataclasses.asdict(off), "passed": off.passed},
    }
    if found:
        document["figures"] = [figure.as_json() for figure in found]
    if spent is not None:
        document["calls"] = {
            "new": dataclasses.asdict(spent.new),
            "known": dataclasses.asdict(spent.known),
        }
        document["aws"] = {
            "operations_per_order": spent.aws,
            "used_per_order": {name: float(n) for name, n in spent.usage.amounts.items()},
            "dollars_per_million_orders": {
                **{name: round(float(each), 3) for name, each in spent.usage.dollars.items()},
                "total": round(float(spent.usage.total), 2),
            },
            "prices": "us-east-1, on demand, no free tier; without what a month costs anyway",
        }
    return document


def _show(
    posted: traffic.Result,
    off: outage.Result,
    found: list[figures.Figure],
    spent: cost.Cost | None,
) -> None:
    if found:
        show_figures("What a pass costs", found)
    if spent is not None:
        _show_calls(spent)
    print_table(
        "Twelve hours without a back office, in virtual time",
        [
            "orders",
            "posted",
            "oldest first",
            "dead letters",
            "attention opened",
            "left open",
            "calls in vain",
        ],
        [
            [
                off.orders,
                off.posted,
                "yes" if off.oldest_first else "no",
                off.dead_letters,
                off.items,
                off.open,
                off.calls,
            ]
        ],
    )
    injected = ", ".join(f"{name} {n}" for name, n in sorted(posted.faults.items()))
    rows: list[tuple[str, object]] = [
        ("deliveries", posted.deliveries),
        ("orders", posted.orders),
        ("documents", posted.documents),
        ("notes", posted.notes),
        ("tax rounded otherwise, total equal", posted.rounded),
        ("differences", len(posted.differences)),
        ("attention", posted.attention),
        ("waiting", posted.waiting),
        ("dead letters", posted.dead_letters),
        ("faults injected", f"{sum(posted.faults.values())}  {injected}".strip()),
        ("tries that were not the first", posted.retries),
        ("parked", posted.parked),
        ("wall time", f"{posted.seconds:.0f} s"),
        ("orders per second", f"{posted.orders_per_second:.1f}"),
    ]
    print_table(f"Through the local stack, into {posted.erp}", ["", "figure"], rows)
    show_differences(posted.differences)


def _show_calls(spent: cost.Cost) -> None:
    methods = sorted({*spent.new.erp, *spent.known.erp})
    print_table(
        "Calls of the back office per order",
        ["method", "new customer", "known customer"],
        [[name, spent.new.erp.get(name, 0), spent.known.erp.get(name, 0)] for name in methods],
    )
    print_table(
        "AWS operations per order, told of as created and as updated",
        ["operation", "per order"],
        [[name, f"{count:.2f}"] for name, count in spent.aws.items()],
    )
    print_table(
        "Dollars per million orders: us-east-1, on demand, no free tier; durations of this machine",
        ["what", "per order", "dollars"],
        [
            [name, _amount(float(spent.usage.amounts[name])), f"{dollars:.2f}"]
            for name, dollars in spent.usage.dollars.items()
        ],
    )


def _amount(value: float) -> str:
    return f"{value:.2f}" if value >= 0.01 or not value else f"{value:.2g}"
