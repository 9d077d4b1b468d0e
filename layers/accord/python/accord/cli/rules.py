"""`accord rules explain`: what becomes of one order, and which of the merchant's rules say so."""

import datetime as dt
import json as json_
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from accord import bootstrap
from accord.cli.connection import StageOption, connect
from accord.cli.item import mended as laid
from accord.cli.output import JsonOption, console, fail, print_json, print_table
from accord.errors import BadInputError
from accord.local.place import REPO, config_text
from accord.model.change import Ref
from accord.model.documents import OrderLine, SalesOrder
from accord.rules.accounts import Mapped, MappedLine, map_order
from accord.rules.conditions import destination
from accord.rules.config import Config, Store
from accord.rules.load import check
from accord.rules.routing import route
from accord.sync.decide import CLOSED
from accord.sync.reading import order_of
from accord.woo.mapping import from_wire

app = typer.Typer(help="Which of your rules decide what becomes of an order.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `explain` a command of its own."""


@app.command()
def explain(
    store: Annotated[str, typer.Argument(help="The store's name in accord.toml.")],
    order: Annotated[
        str,
        typer.Argument(
            help="The order's id in the store, or a file with its JSON or a recorded delivery."
        ),
    ],
    config: Annotated[
        Path | None, typer.Option(help="The rules to look at. Default: this folder's accord.toml.")
    ] = None,
    stage: StageOption = None,
    json: JsonOption = False,
) -> None:
    """What an order becomes, in which back office, line by line, and by which rule. Writes nothing.

    A file is looked at with the rules in accord.toml.

    An id is read from the store, and looked at with the rules that hold now:
    those of `accord local`, or of a deployed --stage.
    """
    found = (
        _from_store(store, order, stage) if order.isdigit() else _from_file(store, order, config)
    )
    if json:
        print_json(found)
    else:
        _show(found)


# --- where it comes from ------------------------------------------------------


def _from_file(store: str, order: str, config: Path | None) -> dict[str, Any]:
    path = config or (Path("accord.toml") if Path("accord.toml").exists() else REPO / "accord.toml")
    table = _table(_checked(path), store)
    sold = from_wire(
        _document(Path(order)),
        store=store,
        vat_keys=table.orders.vat_number,
        po_keys=table.orders.po_number,
    )
    return _explained(sold, store, table)


def _from_store(store: str, order: str, stage: str | None) -> dict[str, Any]:
    connect(stage)
    table = _table(bootstrap.config(), store)
    answer = bootstrap.store(store).get_order(order)
    if answer is None:
        fail(f"{store} has no order {order}; give its id, which may differ from its number")
    link = bootstrap.links().get(Ref(store, "order", order))
    sold = order_of(bootstrap.store(store), answer[0], link)
    found = _explained(sold, store, table)
    found["mends"] = laid(link)
    found["stands"] = f"{link.number} ({link.erp})" if link and link.erp else None
    return found


def _checked(path: Path) -> Config:
    config, findings = check(config_text(path))
    if config is None:
        first = next(each for each in findings if each.severity == "error")
        raise BadInputError(f"{path}: {first}; `accord config check` names all that is wrong")
    return config


def _table(config: Config, store: str) -> Store:
    if store not in config.stores:
        raise BadInputError(f"there is no store {store!r}; there are: {', '.join(config.stores)}")
    return config.stores[store]


def _document(path: Path) -> dict[str, Any]:
    """The order in the file: its own JSON, or the body of a recorded delivery."""
    try:
        found = json_.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and isinstance(found.get("body"), str):
            found = json_.loads(found["body"])
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}; give a file or an order's id") from error
    except ValueError as error:
        raise BadInputError(f"{path} is no JSON; save the order as the store gives it") from error
    if not isinstance(found, dict) or "line_items" not in found:
        raise BadInputError(f"{path} holds no order: it has no line_items")
    return found


# --- what is said of it -------------------------------------------------------


def _explained(order: SalesOrder, name: str, store: Store) -> dict[str, Any]:
    routed = route(order, store)
    mapped = map_order(order, store.mappings, store=name)
    return {
        "order": str(order.ref),
        "number": order.number,
        "status": order.status,
        "total": str(order.total),
        "destination": destination(order) or None,
        "vat_number": bool(order.party.vat_number),
        "status_makes": store.orders.statuses.get(order.status),
        "route": routed.name or None,
        "routes": list(routed.why),
        "makes": None if order.status in CLOSED else routed.make,
        "erp": routed.erp,
        "but": _but(order, name, store),
        "payment": _payment(order, mapped),
        "lines": [_line(*each) for each in zip(order.lines, mapped.lines, strict=True)],
        "unmapped": [
            {"cause": cause, "remedy": remedy}
            for cause, remedy in zip(mapped.causes, mapped.remedies, strict=True)
        ],
        "refused": str(mapped.refusal) if mapped.refusal else None,
        "stands": None,
        "mends": [],
    }


def _but(order: SalesOrder, name: str, store: Store) -> list[str]:
    """What keeps the rules from being followed."""
    said = []
    if store.flows.orders != "on":
        said.append(f"the orders of {name} are {store.flows.orders}: nothing is posted")
    if order.placed_at < store.orders.start_at:
        start = store.orders.start_at.astimezone(dt.UTC)
        said.append(f"it was placed before the start, {start:%F %H:%M} UTC: no document is made")
    if order.status in CLOSED:
        said.append(f"nothing is sold in {order.status!r}: a document that is there is taken back")
    elif order.status not in store.orders.statuses:
        said.append(
            f"the status {order.status!r} is not imported; name it in "
            f"[stores.{name}.orders.statuses] if it should be"
        )
    return said


def _payment(order: SalesOrder, mapped: Mapped) -> dict[str, Any]:
    rule = mapped.payment
    return {
        "method": order.payment.method,
        "by": mapped.payment_by or None,
        "record": rule.record,
        "account": rule.account,
        "refund_account": rule.refund_account or rule.account,
        "terms": rule.terms,
    }


def _line(line: OrderLine, mapped: MappedLine) -> dict[str, Any]:
    document = mapped.line
    # A line without tax may be given a code all the same, which then has no rate beside it.
    rates = [tax.rate.code or tax.rate.label or tax.rate.id for tax in line.taxes] or ["none"]
    return {
        "id": line.id,
        "kind": line.kind,
        "code": line.code,
        "description": document.description,
        "class": mapped.item_class or None,
        "quantity": str(line.quantity),
        "net": str(line.net),
        "item": document.item,
        "account": document.account,
        "carrier": mapped.carrier,
        "by": mapped.target_by or None,
        "taxes": [
            {"rate": rate, "code": tax.code or None, "amount": str(tax.amount), "by": by or None}
            for rate, tax, by in zip(rates, document.taxes, mapped.taxes_by, strict=False)
        ],
        "revenue": document.revenue,
        "revenue_by": mapped.revenue_by or None,
    }


# --- for people ---------------------------------------------------------------

_MAKES = {
    "sales_order": "a sales order",
    "quotation": "a quotation",
    "both": "a quotation, and a sales order once it is paid",
    "cancel": "nothing: its document is cancelled",
    None: "nothing",
}


def _show(found: dict[str, Any]) -> None:
    number = f" (number {found['number']})" if not found["order"].endswith(found["number"]) else ""
    vat = "with" if found["vat_number"] else "without"
    where = f"to {found['destination']}" if found["destination"] else "to no country"
    facts = f"{found['total']}, {where}, {vat} VAT number"
    _say(f"[bold]{escape(found['order'])}[/]{escape(number)}: {facts}")
    _row("status", f"{found['status']} makes {_MAKES[found['status_makes']]}")
    routes = found["routes"] or ["none is set up"]
    for n, why in enumerate(routes):
        _row("" if n else "routes", why)
    if found["routes"] and found["route"] is None:
        _row("", "none fits: what the status says, in the store's own back office")
    makes = _MAKES[found["makes"]]
    _row("becomes", makes if found["makes"] in {None, "cancel"} else f"{makes} in {found['erp']}")
    _row("payment", _paid(found["payment"]))
    for each in found["mends"]:
        _row("mended", f"{each['field']} = {each['value']}, by {each['by']}")
    if found["stands"]:
        _row("stands", f"{found['stands']}: its back office does not change any more")
    for each in found["but"]:
        _row("but", each)
    cells = [_cells(line) for line in found["lines"]]
    columns = ["line", "class", "net", "becomes", "by", "tax", "by", "revenue", "by"]
    shown = [n for n, _ in enumerate(columns) if n == 0 or any(row[n] for row in cells)]
    print_table("Lines", [columns[n] for n in shown], [[row[n] for n in shown] for row in cells])
    for each in filter(None, [found["refused"], *(each["remedy"] for each in found["unmapped"])]):
        _say(f"  [red]waits[/]  {escape(each)}")


def _row(name: str, text: str) -> None:
    _say(f"  {name:9}{escape(text)}")


def _say(text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)


def _paid(payment: dict[str, Any]) -> str:
    method = payment["method"] or "no method"
    if payment["by"] is None:
        return f"{method}: no rule"
    books = f"recorded on {payment['account']}" if payment["record"] else "not recorded"
    out = payment["refund_account"]
    refunds = f", refunds leave {out}" if out and out != payment["account"] else ""
    return f"{method} is {books}{refunds}, by {payment['by']}"


def _cells(line: dict[str, Any]) -> list[str]:
    what = line["item"] or (f"account {line['account']}" if line["account"] else "?")
    carrier = f", carrier {line['carrier']}" if line["carrier"] else ""
    return [
        f"{line['kind']} {line['code'] or line['description']}",
        line["class"] or "",
        line["net"],
        f"{what}{carrier}",
        line["by"] or "no rule",
        "\n".join(f"{tax['code'] or '?'}: {tax['amount']}" for tax in line["taxes"]) or "none",
        "\n".join(tax["by"] or f"no rule for {tax['rate']}" for tax in line["taxes"]),
        line["revenue"] or "",  # else the item's own
        line["revenue_by"] or "",
    ]
