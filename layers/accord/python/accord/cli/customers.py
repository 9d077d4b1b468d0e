"""Who is to be forgotten: what Accord keeps of a shopper goes away."""

from typing import Annotated

import typer

from accord import bootstrap
from accord.cli.acting import ByOption, WhyOption, YesOption, confirmed, operator
from accord.cli.connection import StageOption, connect
from accord.cli.output import JsonOption, console, fail, print_json, print_table, told
from accord.model.change import Ref
from accord.sync.forget import Forget, Shop
from accord.sync.forget_plan import Plan


def forget(
    email: Annotated[str, typer.Argument(help="The shopper's e-mail address.")],
    *,
    store: Annotated[
        str | None, typer.Option(help="Only this store and its back office; else all of them.")
    ] = None,
    order: Annotated[
        list[str] | None,
        typer.Option(
            help="An order of the shopper, STORE:ID, that the store shows under this address no "
            "more: its mends, items and kept documents go too. Repeat it for each."
        ),
    ] = None,
    yes: YesOption = False,
    why: WhyOption = "",
    by: ByOption = None,
    stage: StageOption = None,
    json: JsonOption = False,
) -> None:
    """Removes a shopper's personal data from what Accord keeps, and says what stays elsewhere.

    The stores are asked for the shopper's account and orders. It shows first what it will do. What
    belongs to the store and to the books is left to them. The journal keeps who did it. Run again,
    it finishes what broke off. Exit code 1: a store could not be asked.
    """
    if "@" not in email:
        fail(f"{email!r} is no e-mail address; write it like ada@example.com", code=2)
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
        progress=lambda text: told.print(f"[dim]{text}[/]", highlight=False),
    )
    plan = forgetting.plan(email, orders=orders)
    if not json:
        _show(plan)
    done = not plan.is_empty
    if done:
        confirmed("It will be removed for good.", yes=yes, json=json)
        forgetting.carry_out(plan, by=operator(by, stage), why=why)
    if json:
        print_json({"done": done, "complete": plan.is_complete, **_as_json(plan)})
    elif done:
        kept = ", ".join(map(str, plan.keys))
        console.print(f"Done. The journal keeps who did it, at {kept}.", highlight=False)
    if not plan.is_complete:
        fail(
            f"{', '.join(plan.unread)} could not be asked to the end, so what is kept of its "
            "orders is not all found; run this again, or name the orders with --order"
        )


def _order(text: str) -> Ref:
    system, _, rest = text.partition(":")
    id_ = rest.removeprefix("order:")
    if not system or not (id_.isascii() and id_.isdigit()):
        fail(f"{text!r} names no order; write the store and the order's id, such as uk:30", code=2)
    return Ref(system, "order", id_)


def _as_json(plan: Plan) -> dict[str, object]:
    return {
        "removed": [{"where": where, "what": what} for where, what in plan.removed()],
        "remains": [{"where": where, "why": why} for where, why in plan.remains()],
        "journal": [str(ref) for ref in plan.keys],
    }


def _show(plan: Plan) -> None:
    if not plan.is_empty:
        print_table("Goes away", ["where", "what"], plan.removed())
    else:
        nothing = (
            "Nothing is left to remove" if plan.is_known else "Accord keeps nothing of that address"
        )
        found = "" if plan.is_complete else ", as far as could be asked"
        console.print(f"{nothing}{found}.")
    print_table("Stays", ["where", "why"], plan.remains())
