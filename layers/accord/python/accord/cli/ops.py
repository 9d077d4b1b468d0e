"""What ops asks: the story of an order, what a person must look at, what waits."""

import datetime as dt
import getpass
from typing import Annotated

import typer
from rich.markup import escape

from accord import bootstrap
from accord.cli.connection import StageOption, connect
from accord.cli.output import JsonOption, console, fail, print_json, print_table
from accord.errors import Owner
from accord.model.change import Change, Ref
from accord.ports.state import Item
from accord.sync.turn import EPOCH, TRUSTED

attention = typer.Typer(help="What a person must look at.", no_args_is_help=True)
waiting = typer.Typer(help="What waits, and for what.", no_args_is_help=True)
recovery = typer.Typer(
    help="After a restore: whether our tables are believed, or everything is found first.",
    no_args_is_help=True,
)

_EVENTS = {"customer": "customer_changed", "party": "customer_changed"}  # by a ref's kind


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


@attention.command("list")
def list_(
    owner: Annotated[Owner | None, typer.Option(help="Only what is this desk's.")] = None,
    stage: StageOption = None,
    json: JsonOption = False,
) -> None:
    """What is open, oldest first."""
    connect(stage)
    items = [each for each in bootstrap.attention().open() if owner in {None, each.owner}]
    if json:
        print_json([_item(each) for each in items])
        return
    if not items:
        console.print("Nothing needs a person.")
        return
    now = dt.datetime.now(dt.UTC)
    print_table(
        "Attention",
        ["id", "owner", "reason", "subject", "n", "age", "message"],
        [
            [i.id, i.owner, i.reason, i.subject, i.count, _age(now - i.opened_at), i.message]
            for i in items
        ],
    )


@attention.command()
def show(
    id_: Annotated[str, typer.Argument(metavar="ID")],
    stage: StageOption = None,
    json: JsonOption = True,  # noqa: ARG001 - it is JSON in any case
) -> None:
    """One item whole, as JSON, with what was sent and answered."""
    connect(stage)
    item = bootstrap.attention().get(id_)
    if item is None:
        fail(f"there is no item {id_}; `accord attention list` shows what is open")
    held = bootstrap.payloads().get(item.payload) if item.payload else None
    print_json({**_item(item), "held": held})


@attention.command()
def replay(
    id_: Annotated[str, typer.Argument(metavar="ID")],
    stage: StageOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Sends the item's order through again; it is read from the store. Success closes the item."""
    connect(stage)
    item = bootstrap.attention().get(id_)
    if item is None:
        fail(f"there is no item {id_}; `accord attention list` shows what is open")
    if item.subject.startswith("waiting:"):
        fail("many wait for this; they go on by themselves once its cause is mended")
    if item.subject.startswith("message:"):
        fail(f"it could not be read, so it cannot be sent again; see `accord attention show {id_}`")
    ref = Ref.parse(item.subject)
    if not yes:
        typer.confirm(f"Send {ref} through again ({item.reason})?", abort=True)
    now = dt.datetime.now(dt.UTC)
    who = f"{getpass.getuser()} {now.isoformat()}"
    change = Change(
        ref=ref,
        event=item.event or _EVENTS.get(ref.kind, "order_updated"),
        seen_at=now,
        correlation_id=f"replay-{id_}",
        replay=who,
        aggregate=Ref.parse(item.aggregate) if item.aggregate else None,
    )
    bootstrap.queues().put(change, sending=f"replay:{id_}:{who}")
    story = change.aggregate or ref
    console.print(
        f"{ref} is queued; `accord trace {story.system} {story.id}` tells what became of it."
    )


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


def _item(item: Item) -> dict[str, object]:
    return {
        "id": item.id,
        "subject": item.subject,
        "owner": item.owner,
        "reason": item.reason,
        "message": item.message,
        "count": item.count,
        "opened_at": item.opened_at.isoformat(),
        "updated_at": item.updated_at.isoformat(),
        "payload": item.payload,
        "correlation_id": item.correlation_id,
        "closed_at": item.closed_at.isoformat() if item.closed_at else None,
        "closed_by": item.closed_by,
    }


def _age(age: dt.timedelta) -> str:
    if age.days:
        return f"{age.days} d"
    minutes = int(age.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
