"""Who is to be forgotten: what Accord keeps of a shopper goes away."""

import datetime as dt
import getpass
from typing import Annotated

import typer

from accord import bootstrap
from accord.cli.connection import StageOption, connect
from accord.cli.output import JsonOption, console, fail, print_json, print_table
from accord.model.change import Ref
from accord.sync.forget import Forget, Plan, Shop


def forget(
    email: Annotated[str, typer.Argument(help="The shopper's e-mail address.")],
    *,
    store: Annotated[
        str | None, typer.Option(help="Only this store and its back office; else all of them.")
    ] = None,
    order: Annotated[
        list[str] | None,
        typer.Option(help="An order of the shopper, STORE:ID, whose kept documents go too."),
    ] = None,
    stage: StageOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Removes a shopper's personal data from what Accord keeps, and says what stays elsewhere.

    It shows first what it will do. What belongs to the store and to the books is left to them.
    """
    orders = [_order(each) for each in order or ()]
    connect(stage)
    stores = bootstrap.config().stores
    if store is not None and store not in stores:
        fail(f"there is no store {store!r}; accord.toml has {', '.join(stores)}")
    forgetting = Forget(
        shops=[
            Shop(bootstrap.store(name), table.erp)
            for name, table in stores.items()
            if store in {None, name}
        ],
        links=bootstrap.links(),
        attention=bootstrap.attention(),
        payloads=bootstrap.payloads(),
        waiting=bootstrap.waiting(),
        documents=bootstrap.documents(),
        journal=bootstrap.journal(),
        clock=bootstrap.now,
    )
    plan = forgetting.plan(email, orders=orders)
    if not json:
        _show(plan)
    if not plan.is_empty:
        if not yes:
            typer.confirm("Remove it?", abort=True, err=json)
        forgetting.carry_out(plan, by=_who())
    if json:
        print_json({"done": not plan.is_empty, **_as_json(plan)})
    elif not plan.is_empty:
        console.print("Done. Running it again shows what is left.")


def _order(text: str) -> Ref:
    system, _, id_ = text.partition(":")
    if not system or not id_:
        fail(f"{text!r} names no order; write the store and the order's id, such as uk:30", code=2)
    return Ref(system, "order", id_)


def _who() -> str:
    return f"{getpass.getuser()} {dt.datetime.now(dt.UTC).isoformat()}"


def _as_json(plan: Plan) -> dict[str, object]:
    return {
        "removed": [{"where": where, "what": what} for where, what in plan.removed()],
        "remains": [{"where": where, "why": why} for where, why in plan.remains()],
    }


def _show(plan: Plan) -> None:
    if plan.is_empty:
        console.print("Accord keeps nothing of that address.")
    else:
        print_table("Goes away", ["where", "what"], plan.removed())
    print_table("Stays", ["where", "why"], plan.remains())
