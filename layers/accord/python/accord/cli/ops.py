"""What ops asks: the story of an order, what a person must look at, what waits."""

from typing import Annotated

import typer
from rich.markup import escape

from accord import bootstrap
from accord.cli.connection import StageOption, connect
from accord.cli.item import mended
from accord.cli.output import JsonOption, console, fail, print_json, print_table
from accord.model.change import Ref
from accord.sync.turn import EPOCH, TRUSTED

waiting = typer.Typer(help="What waits, and for what.", no_args_is_help=True)
recovery = typer.Typer(
    help="After a restore: whether our tables are believed, or everything is found first.",
    no_args_is_help=True,
)


def trace(
    store: Annotated[str, typer.Argument(help="The store's name in accord.toml.")],
    order: Annotated[str, typer.Argument(help="The order's id in the store.")],
    stage: StageOption = None,
    json: JsonOption = False,
) -> None:
    """The journal of one order as a timeline, and where it stands."""
    connect(stage)
    ref = Ref(store, "order", order)
    entries = bootstrap.journal().of(ref)
    link = bootstrap.links().get(ref)
    items = bootstrap.attention().of(str(ref))
    if not entries and link is None:
        fail(f"nothing is known of {ref}; is the order's id right, and did its delivery arrive?")
    if json:
        print_json(
            {
                "ref": str(ref),
                "key": link.key if link else None,
                "erp": str(link.erp) if link and link.erp else None,
                "number": link.number if link else None,
                "attention": [item.id for item in items],
                "mends": mended(link),
                "entries": [
                    {
                        "at": entry.at.isoformat(),
                        "mark": entry.mark,
                        "text": entry.text,
                        "correlation_id": entry.correlation_id,
                        **entry.details,
                    }
                    for entry in entries
                ],
            }
        )
        return
    stands = f"{link.number} ({link.erp})" if link and link.erp else "no document yet"
    console.print(f"[bold]{ref}[/] {link.key if link else ''} → {stands}", highlight=False)
    for each in mended(link):
        said = f"{each['field']} = {each['value']} by {each['by']} {each['why'] or ''}"
        console.print(f"  [yellow]mended[/] {escape(said)}", highlight=False)
    start = entries[0].at if entries else None
    for entry in entries:
        after = (entry.at - start).total_seconds() if start else 0
        sign = {"begun": "▶", "step": "·", "ended": "■"}[entry.mark]
        more = escape("  ".join(f"{key}={value}" for key, value in entry.details.items()))
        console.print(
            f"  {entry.at:%F %T.%f} {after:+9.3f} s {sign} {escape(entry.text)}  [dim]{more}[/]",
            highlight=False,
        )
    for item in items:
        console.print(f"  [red]attention {item.id}[/] {escape(item.message)}", highlight=False)


@waiting.command("list")
def list_waiting(stage: StageOption = None, json: JsonOption = False) -> None:
    """Each cause, how many wait for it, and the oldest."""
    connect(stage)
    rows = []
    for cause in bootstrap.waiting().causes():
        oldest = next(iter(bootstrap.waiting().of(cause)), None)
        rows.append(
            {
                "connection": cause.connection,
                "cause": cause.cause,
                "count": bootstrap.waiting().count(cause),
                "oldest": str(oldest.change.ref) if oldest else "",
                "placed_at": oldest.placed_at.isoformat() if oldest else "",
                "message": oldest.message if oldest else "",
            }
        )
    if json:
        print_json(rows)
    elif not rows:
        console.print("Nothing waits.")
    else:
        print_table("Waiting", list(rows[0]), [list(row.values()) for row in rows])


@recovery.command()
def status(stage: StageOption = None, json: JsonOption = False) -> None:
    """Whether creates look first."""
    connect(stage)
    held = bootstrap.control().get(EPOCH)
    trusted = held is not None and held[0] == TRUSTED
    if json:
        print_json({"trusted": trusted})
        return
    console.print("our tables are trusted" if trusted else "every create looks first")


@recovery.command()
def begin(stage: StageOption = None) -> None:
    """After a restore: every create looks at the other side first."""
    _epoch(stage, "recovering")


@recovery.command()
def end(stage: StageOption = None) -> None:
    """The links are rebuilt, or the back office is as new as our tables: trust them."""
    _epoch(stage, TRUSTED)


def _epoch(stage: str | None, value: str) -> None:
    connect(stage)
    held = bootstrap.control().get(EPOCH)
    bootstrap.control().put(EPOCH, value, version=held[1] if held else None)
    console.print(f"{EPOCH}: {value}")
