"""`accord backfill`: the first load, and repair, in slices that can be gone on with."""

import datetime as dt
import time
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from accord import bootstrap
from accord.cli.connection import StageOption, connect
from accord.cli.output import JsonOption, console, fail, print_json, told
from accord.errors import BadInputError
from accord.rules.config import Store
from accord.sync.backfill import (
    Backfill,
    CustomerReader,
    Line,
    OrderReader,
    Reader,
    Slice,
    What,
)
from accord.sync.backfill_levels import KINDS, LevelReader

_PAGE = 100  # of what is gone through
_SHOWN = 500  # differences that are printed; --json has all
_FLOWS: Mapping[What, str] = {
    "items": "products",
    "stock": "stock",
    "prices": "prices",
    "customers": "customers",
    "orders": "orders",
}


def backfill(
    store: Annotated[str, typer.Argument(help="The store's name in accord.toml.")],
    what: Annotated[
        str,
        typer.Argument(help="items, stock or prices to the store; customers or orders from it."),
    ],
    *,
    since: Annotated[
        str | None,
        typer.Option(help="Orders changed on that day (2026-01-31) or later; else from start_at."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing anywhere; print what would be done.")
    ] = False,
    resend: Annotated[
        bool,
        typer.Option(
            "--resend",
            help="Of items, stock or prices: send also what the store was told before. After a "
            "flow was off, or tables were restored.",
        ),
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew, not where the last one broke off.")
    ] = False,
    stage: StageOption = None,
    json: JsonOption = False,
) -> None:
    """Goes through all there is, once, and has the flows carry what differs.

    Ctrl-C stops it after the page in hand; the same command goes on from there. Doing it twice is
    the same as once.
    """
    chosen = _chosen(what)
    day = _day(since, chosen)
    if resend and chosen not in KINDS:
        fail(f"--resend is for what goes to the store: {', '.join(KINDS)}", code=2)
    connect(stage)
    rules = _rules(store, chosen, dry=dry_run)
    job = _job(store, chosen, rules, dry=dry_run, resend=resend)
    place = job.place()
    if place.is_open and not restart and not dry_run:
        told.print(f"going on behind {place.done:,} of the one begun {place.begun[:16]} UTC")
    found: dict[tuple[str, bool], Line] = {}  # a kit is told of again with each of its parts
    last: Slice | None = None
    try:
        for last in _shown(job.run(since=day, restart=restart), chosen):
            found |= {(line.subject, line.sign == "!"): line for line in last.lines}
    except KeyboardInterrupt:
        done = last.done if last else place.done
        where = "nothing was written" if dry_run else "run it again to go on from there"
        fail(f"stopped after {done:,} {chosen}; {where}", code=130)
    assert last is not None  # a run has at least one step
    lines = list(found.values())
    _tell(last, lines, chosen, dry=dry_run, json=json)
    if any(line.sign == "!" for line in lines) and not dry_run:
        raise typer.Exit(1)


def _chosen(what: str) -> What:
    found = next((known for known in _FLOWS if known == what), None)
    if found is None:
        fail(f"{what!r} cannot be backfilled; name one of {', '.join(_FLOWS)}", code=2)
    return found


def _day(since: str | None, what: What) -> str:
    """The moment that ``since`` names, as text; empty for none."""
    if since is None:
        return ""
    if what != "orders":
        fail(f"--since is for orders; {what} are always gone through whole", code=2)
    try:
        at = dt.datetime.fromisoformat(since)
    except ValueError:
        fail(f"{since!r} is no day; write it like 2026-01-31", code=2)
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).isoformat()


def _rules(store: str, what: What, *, dry: bool) -> Store:
    stores = bootstrap.config().stores
    if store not in stores:
        raise BadInputError(f"there is no store {store!r}; accord.toml has {', '.join(stores)}")
    rules, flow = stores[store], _FLOWS[what]
    switch = getattr(rules.flows, flow)
    if switch != "on" and not dry:
        raise BadInputError(
            f"the {flow} flow of {store} is {switch}, so nothing would be carried; set "
            f'{flow} = "on" in [stores.{store}.flows], or look at the plan with --dry-run'
        )
    if what == "items" and rules.catalogue.owner == "store":
        raise BadInputError(
            f"{store} owns the catalogue, so no item goes there; see owner in "
            f"[stores.{store}.catalogue]"
        )
    if what == "prices" and not rules.prices.currency:
        raise BadInputError(f"name the store's currency in [stores.{store}.prices]")
    return rules


def _job(name: str, what: What, rules: Store, *, dry: bool, resend: bool) -> Backfill:
    queues = None if dry else bootstrap.queues()
    store, clock = bootstrap.store(name), bootstrap.now
    reader: Reader
    if what in {"customers", "orders"}:
        of_store = OrderReader if what == "orders" else CustomerReader
        reader = of_store(
            name=name,
            rules=rules,
            store=store,
            shop=store,
            links=bootstrap.links(),
            queues=queues,
            clock=clock,
        )
    else:
        reader = LevelReader(
            name=name,
            what=what,
            rules=rules,
            stores=bootstrap.config().stores,
            erp=bootstrap.back_office(rules.erp),
            store=store,
            levels=bootstrap.levels(),
            queues=queues,
            clock=clock,
            resend=resend,
        )
    return Backfill(
        store=name,
        what=what,
        reader=reader,
        control=bootstrap.control(),
        clock=clock,
        dry=dry,
        resend=resend,
    )


def _shown(slices: Iterator[Slice], what: What) -> Iterator[Slice]:
    """``slices``, with a bar of how far it is. After the first one it says how much there is."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("calls: {task.fields[calls]}"),
        TimeRemainingColumn(),
    )
    began, task = time.monotonic(), TaskID(0)
    with Progress(*columns, console=told, transient=True) as bar:
        for nth, each in enumerate(slices):
            if not nth:
                task = bar.add_task(what, total=each.total, calls=0)
                if each.total > each.done:
                    told.print(_estimate(each, time.monotonic() - began, what), highlight=False)
            bar.update(task, completed=each.done, total=each.total, calls=each.calls)
            yield each


def _estimate(first: Slice, seconds: float, what: What) -> str:
    """By the first page of what is left."""
    pages = -(-(first.total - first.done) // max(1, _PAGE))
    calls = first.calls * pages
    minutes = seconds * pages / 60
    took = f"{minutes:.0f} min" if minutes >= 1 else "less than a minute"
    return f"{first.total:,} {what}, about {calls:,} more calls, {took}"


def _tell(last: Slice, lines: list[Line], what: What, *, dry: bool, json: bool) -> None:
    if json:
        print_json(
            {
                "dry_run": dry,
                "done": last.done,
                "calls": last.calls,
                "queued": 0 if dry else last.queued,
                "unchanged": last.unchanged,
                "differences": [
                    {"sign": line.sign, "subject": line.subject, "text": line.text}
                    for line in lines
                ],
            }
        )
        return
    for line in lines[:_SHOWN]:
        console.print(str(line), highlight=False, markup=False, soft_wrap=True)
    if len(lines) > _SHOWN:
        console.print(f"… and {len(lines) - _SHOWN:,} more; --json has all")
    console.print(f"= {last.unchanged:,} unchanged", highlight=False)
    signs = {sign: sum(line.sign == sign for line in lines) for sign in "+~!"}
    if dry:
        console.print(
            f"{last.done:,} {what}: {signs['+']:,} new, {signs['~']:,} changed, "
            f"{signs['!']:,} cannot be. Nothing was written.",
            highlight=False,
        )
    else:
        console.print(f"{last.done:,} {what}: {last.queued:,} queued.", highlight=False)
