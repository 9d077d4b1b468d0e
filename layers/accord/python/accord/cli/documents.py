"""The printed documents that a store's notes link to: what is kept, and taking it back."""

from typing import Annotated

import typer

from accord import bootstrap
from accord.cli.connection import StageOption, connect
from accord.cli.output import JsonOption, console, fail, print_json, print_table
from accord.model.change import Ref
from accord.ports.state import Kept

app = typer.Typer(help="Invoices and delivery notes behind expiring links.", no_args_is_help=True)
StoreArgument = Annotated[str, typer.Argument(help="The store's name in accord.toml.")]
OrderArgument = Annotated[str, typer.Argument(help="The order's id in the store.")]


@app.command("list")
def list_(
    store: StoreArgument, order: OrderArgument, stage: StageOption = None, json: JsonOption = False
) -> None:
    """What is kept of an order, and until when its link works."""
    connect(stage)
    kept = _kept(store, order)
    rows = [[_name(each), f"{each.expires_at:%Y-%m-%d %H:%M} UTC"] for each in kept]
    if json:
        print_json(
            [{"document": _name(each), "expires_at": each.expires_at.isoformat()} for each in kept]
        )
        return
    print_table(f"Kept of order {order}", ["document", "its link works until"], rows)


@app.command("revoke")
def revoke(
    store: StoreArgument,
    order: OrderArgument,
    document: Annotated[
        str | None, typer.Option(help="Only this one, as `list` names it; else all.")
    ] = None,
    stage: StageOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """The links stop working, and the files are deleted. A new link is not made by itself."""
    connect(stage)
    wanted = [each for each in _kept(store, order) if document in {None, _name(each)}]
    if not wanted:
        fail(f"nothing of order {order} is kept; `accord documents list {store} {order}` shows it")
    if not yes:
        names = ", ".join(map(_name, wanted))
        typer.confirm(f"Revoke {len(wanted)} of order {order} ({names})?", abort=True)
    gone = sum(bootstrap.documents().revoke(each.token) for each in wanted)
    console.print(f"{gone} revoked; whoever opens such a link now finds nothing.")


def _kept(store: str, order: str) -> list[Kept]:
    folder = str(Ref(store, "order", order))
    return sorted(bootstrap.documents().of(folder), key=lambda each: each.object_name)


def _name(kept: Kept) -> str:
    """The back office's ref: ``main:invoice:7``."""
    return kept.object_name.rpartition("/")[2]
