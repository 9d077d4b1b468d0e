"""`accord reconcile`: both sides side by side, now; what differs, and by wish what mends it."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from accord import bootstrap
from accord.cli.acting import ByOption, operator
from accord.cli.connection import StageOption, connect
from accord.cli.output import JsonOption, console, fail, print_json, print_table, told
from accord.errors import BadInputError, BusyError
from accord.model.words import number_of
from accord.sync.difference import REASONS, Difference, Kind
from accord.sync.reconcile import Place, Reconciler, Sliced
from accord.sync.reconcile_page import page_of, verdict
from accord.sync.report import Report

_SLICE = dt.timedelta(seconds=55)  # a lease of that long: one that is killed is free in a minute
_SHOWN = 200  # differences that are printed; --json and --html have all


def reconcile(
    store: Annotated[str, typer.Argument(help="The store's name in accord.toml.")],
    *,
    since: Annotated[
        str | None,
        typer.Option(help="Orders placed on that day (2026-01-31) or later; else from start_at."),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Queue what mends it, and rebuild links that were lost."),
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Go on with a run that broke off, as it was begun.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write the page for people to this file.")
    ] = None,
    by: ByOption = None,
    stage: StageOption = None,
    json: JsonOption = False,
) -> None:
    """Compares orders, money, refunds, customers, products, stock and prices of both sides.

    Nothing is written to either side: --repair queues ordinary changes, and their flows decide. The
    report is kept beside that of the night, whose differences alone the dashboard counts and an
    alarm rings for. Exit code 1 while something differs that no repair is on its way for.
    """
    at = _moment(since)
    connect(stage)
    if store not in bootstrap.config().stores:
        names = ", ".join(bootstrap.config().stores)
        raise BadInputError(f"there is no store {store!r}; accord.toml has {names}")
    reconciler = bootstrap.reconciler(store)
    place = _begun(reconciler, at, by=operator(by, stage), repair=repair, go_on=go_on)
    try:
        sliced = _watched(reconciler, place)
    except KeyboardInterrupt:
        fail(f"stopped; `accord reconcile {store} --go-on` goes on from there", code=130)
    report = sliced.report
    if html is not None:
        html.write_text(page_of(report), encoding="utf-8")
    if json:
        print_json(report.to_json())
    else:
        _show(report, sliced.page)
    if report.left:
        raise typer.Exit(1)


def _moment(since: str | None) -> dt.datetime | None:
    if since is None:
        return None
    try:
        at = dt.datetime.fromisoformat(since)
    except ValueError:
        fail(f"{since!r} is no day; write it like 2026-01-31", code=2)
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _begun(
    reconciler: Reconciler, since: dt.datetime | None, *, by: str, repair: bool, go_on: bool
) -> Place:
    place = reconciler.place()
    if not go_on:
        return reconciler.begin(since=since, repair=repair, by=by)
    if since is not None or repair:
        fail("--go-on goes on as it was begun, so it takes neither --since nor --repair", code=2)
    if not place.is_open:
        raise BadInputError(f"no run of {reconciler.name} broke off; leave --go-on out")
    return place


def _watched(reconciler: Reconciler, place: Place) -> Sliced:
    """The run to its end, with a line of how far it is."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(pulse_style="cyan"),
        TextColumn("{task.fields[compared]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=told, transient=True) as bar:
        task = bar.add_task("orders", total=None, compared="")
        watch = _watcher(bar, task)
        while True:
            until = bootstrap.now() + _SLICE
            sliced = reconciler.go_on(until=until, told=watch, run=place.run)
            if sliced is None:
                raise BusyError(
                    f"another run over {reconciler.name} has taken over; its report is kept"
                )
            if sliced.ended:
                return sliced


def _watcher(bar: Progress, task: TaskID) -> Callable[[Kind, Report], None]:
    def watch(kind: Kind, report: Report) -> None:
        seen = report.compared.get(kind, 0)
        calls = sum(report.calls.values())
        text = f"{seen:,} compared, {report.found:,} differ, {number_of(calls, 'call')}"
        bar.update(task, description=kind, compared=text)

    return watch


# --- what it came to ---------------------------------------------------------------


def _show(report: Report, page: str) -> None:
    for owner, reason, found in report.by_owner():
        meaning = REASONS[reason]
        print_table(
            f"{meaning.title} ({reason}), for {owner}: {len(found):,}",
            ["what", "store", "back office", "what to do"],
            [[each.subject, each.store, each.erp, _todo(each)] for each in found[:_SHOWN]],
        )
        if len(found) > _SHOWN:
            console.print(f"… and {len(found) - _SHOWN:,} more; --json and --html have them")
    for currency, day in sorted(report.totals().items()):
        rows = [
            [side, sums.count, *(f"{each:,}" for each in sums.amounts)]
            for side, sums in (("store", day.store), ("back office", day.erp))
        ]
        columns = ["", "orders", "net", "tax", "total", "refunded"]
        print_table(f"Totals in {currency}, {report.since} and later", columns, rows)
    if report.in_hand:
        rows = [[each.subject, each.why] for each in report.in_hand[:_SHOWN]]
        print_table(f"In hand already: {report.in_hand_count:,}", ["what", "why"], rows)
    compared = ", ".join(f"{count:,} {name}" for name, count in report.compared.items())
    console.print(f"compared: {compared or 'nothing'}", highlight=False)
    if report.recovery:
        console.print(f"{report.recovery}.", highlight=False)
    console.print(f"{verdict(report)} Kept as {page}.", highlight=False)


def _todo(one: Difference) -> str:
    if one.repaired:
        return f"being mended: {one.repair}"
    if one.can_be_repaired:
        return f"--repair: {one.repair}"
    remedy = REASONS[one.reason].remedy
    return f"{remedy} Not by itself: {one.why}." if one.why else remedy
