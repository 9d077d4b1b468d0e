"""`accord bench --chaos`: the real handlers while everything goes wrong at once."""

import time
from collections import Counter

import typer
from rich.progress import Progress

from accord.cli.bench_stock import COLUMNS, show_differences
from accord.cli.output import print_json, print_table, told
from accord.local.bench import chaos as measured
from accord.local.bench.courier import Courier
from accord.local.place import REPO, BackOffice, toml_of, work_folder
from accord.model.words import number_of


def chaos(orders: int, *, erp: BackOffice, seed: int, json: bool) -> None:
    """Exit code 1 with what differs."""
    started = time.monotonic()

    def progress(text: str) -> None:
        told.print(f"[dim]{time.monotonic() - started:6.1f} s[/]  {text}", highlight=False)

    with work_folder(f"chaos-{erp}") as work, Courier(seed=seed) as courier:
        config = toml_of(REPO / "accord.toml")
        with measured.stand_ins(config, work, erp, courier, progress=progress) as place:
            progress(f"{number_of(orders, 'order')}, while everything goes wrong")
            with Progress(*COLUMNS, console=told) as bar:
                placed = bar.add_task("orders placed", total=orders)
                posted = bar.add_task("orders posted", total=orders)

                def watch(in_store: int, in_books: int) -> None:
                    bar.update(placed, completed=in_store)
                    bar.update(posted, completed=min(in_books, orders))

                result = measured.run(place, courier, orders, seed=seed, told=watch)
                watch(orders, result.compared.documents)
    if json:
        print_json(result.to_json())
    else:
        _show(result)
    if result.differences:
        raise typer.Exit(1)


def _show(result: measured.Result) -> None:
    compared = result.compared
    _counted("What went wrong on purpose", result.faults)
    _counted("Processes killed at one of their calls", result.kills)
    _counted("By which way an order came into the books", result.paths)
    rows: list[tuple[str, object]] = [
        ("orders", compared.orders),
        ("documents", compared.documents),
        ("notes", compared.notes),
        ("webhooks that the store sent", compared.deliveries),
        ("tax rounded otherwise, total equal", compared.rounded),
        ("faults", result.faults.total()),
        ("processes killed", result.kills.total()),
        ("tries that were not the first", compared.retries),
        ("parked", compared.parked),
        ("dead letters reported", compared.dead_letters),
        ("items for a person in the end", compared.attention),
        ("waiting in the end", compared.waiting),
        ("from placed to posted, p50", f"{result.moment(0.5):.1f} s"),
        ("from placed to posted, p95", f"{result.moment(0.95):.1f} s"),
        ("from placed to posted, longest", f"{result.moment(1):.1f} s"),
        ("from peace to agreement", f"{result.healed_s:.1f} s"),
        ("differences", len(result.differences)),
        ("wall time", f"{compared.seconds:.0f} s, schedules {result.speed:g} times as fast"),
    ]
    print_table(f"Chaos around the real handlers, into {compared.erp}", ["", "figure"], rows)
    show_differences(result.differences)


def _counted(title: str, counted: Counter[str]) -> None:
    if counted:
        print_table(title, ["", "times"], [list(row) for row in counted.most_common()])
