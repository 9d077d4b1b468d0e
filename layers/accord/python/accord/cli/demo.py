"""`accord demo`: real recorded deliveries in, sales orders of a real ERP out, side by side."""

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.markup import escape

from accord.cli import life
from accord.cli.output import JsonOption, console, fail, print_json, print_table, told
from accord.local.place import REPO, Place, toml_of, work_folder
from accord.local.recorded import Recorded, latest_orders, read_all, references, totals
from accord.model.change import Ref
from accord.model.words import number_of
from accord.ports.state import Entry
from accord.state.attention import DynamoAttention
from accord.state.journal import DynamoJournal
from accord.state.waiting import DynamoWaiting

_IDLE_S = 180.0
_DELIVERY_ID = "X-WC-Webhook-Delivery-ID"  # which a store repeats for other objects
_ERP_COLUMNS = ("number", "state", "lines", "tax", "total")
DELIVERIES = REPO / "events" / "receive_store_webhook"


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery and what the receiver answered."""

    delivery: Recorded
    status: int


def demo(
    deliveries: Annotated[
        Path | None,
        typer.Option(help="Recorded deliveries to post instead of the project's own."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Posts recorded deliveries and compares both sides; exit code 1 if they differ."""
    started = time.monotonic()
    recorded = read_all(deliveries or DELIVERIES)
    plan = plan_of(recorded)
    with (
        told.status("reading the deliveries") as status,
        work_folder("demo") as work,
    ):

        def progress(text: str) -> None:
            told.print(f"[dim]{time.monotonic() - started:6.1f} s[/]  {text}", highlight=False)
            status.update(text)

        config = toml_of(REPO / "accord.toml")
        for table in config["stores"].values():
            table["flows"]["stock"] = "on"  # what the demo's end is about
        place = Place(
            config=config,
            references=references(recorded),
            work=work,
            progress=progress,
        )
        with place:
            place.store.control("POST", "stock-up", {})
            progress(f"posting {len(plan)} deliveries to {place.webhook_url}")
            sent = post(place, plan)
            progress("waiting until every order has arrived")
            if not place.stack.wait_idle(_IDLE_S):
                fail(f"not everything was handled within {_IDLE_S:.0f} s; see the logs in {work}")
            result = compare(place, sent)
            story = _story(place, result)
            lived = life.live(place, progress)
            result["life"] = [step.to_json() for step in lived.steps]
            result["stock"] = [step.to_json() for step in lived.stock]
            result["differences"] += lived.differences
    if json:
        print_json(result)
    else:
        _show(sent, result, story)
        life.show(lived)
        _verdict(result, time.monotonic() - started)
    if result["differences"]:
        raise typer.Exit(1)


def plan_of(recorded: Sequence[Recorded]) -> list[Recorded]:
    """The deliveries, and those that a store does not send but the internet does.

    One is sent twice, one again under another order's delivery id, and one is forged.
    """
    plan = list(recorded)
    orders = [each for each in recorded if each.order is not None and each.secret]
    if not orders:
        return plan
    first, last = orders[0], orders[-1]
    plan.append(orders[len(orders) // 2].again("replayed"))
    same_id = {_DELIVERY_ID: first.header(_DELIVERY_ID.lower())}
    plan.append(last.again(f"id of {first.name}", **same_id))
    plan.append(first.forged())
    return plan


def post(place: Place, plan: Sequence[Recorded]) -> list[Sent]:
    """Each delivery posted, after the store's stand-in was told of what it says."""
    sent = []
    with httpx.Client(timeout=60, trust_env=False) as client:
        known: dict[str, str] = {}
        for each in plan:
            order = each.order
            ours = each.is_of(place.references.home) and "(forged)" not in each.name
            if order is not None and ours:
                id_, modified = str(order["id"]), str(order.get("date_modified_gmt"))
                if known.get(id_, "") <= modified:  # a replay is no news to the store
                    place.store.control("PUT", "orders", [order])
                    known[id_] = modified
            sent.append(Sent(each, each.post(client, place.webhook_url)))
    return sent


def compare(place: Place, sent: Sequence[Sent]) -> dict[str, Any]:
    """Every order of the store beside what stands for it in the back office."""
    config = place.config["stores"][place.store_name]
    dynamo = place.stack.client("dynamodb")
    attention = DynamoAttention(dynamo, "accord-dev-attention").open()
    waiting = DynamoWaiting(dynamo, "accord-dev-waiting")
    parked = [(cause, one) for cause in waiting.causes() for one in waiting.of(cause)]
    excused = {item.subject for item in attention} | {str(one.change.ref) for _, one in parked}
    accepted = [each.delivery for each in sent if each.status == 200]
    ours = [each for each in accepted if each.is_of(place.references.home)]
    importable = set(config["orders"]["statuses"])
    limit = Decimal(str(config["mappings"].get("rounding_max", 0)))
    sales: dict[str, list[dict[str, Any]]] = {}
    for sale in place.sales():
        sales.setdefault(sale["key"], []).append(sale)
    orders, differences = [], []
    for id_, order in sorted(latest_orders(ours).items(), key=lambda each: int(each[0])):
        found = sales.pop(f"{config['key']}-{id_}", [])
        ref = str(Ref(place.store_name, "order", id_))
        if not found:
            if order["status"] in importable and ref not in excused:
                differences.append(f"order {id_} is missing in the back office")
            continue
        total, tax, lines = totals(order)
        erp = found[0]
        orders.append(
            {
                "store_id": int(id_),
                "store_status": order["status"],
                "store_total": total,
                "store_tax": tax,
                "erp_number": erp["number"],
                "erp_state": erp["state"],
                "erp_total": erp["gross"],
                "erp_tax": erp["tax"],
                "currency": erp["currency"],
                "lines": lines,
                "erp_lines": erp["lines"],
                "documents": len(found),
                "rounded": _is_rounded(erp, tax, lines, limit),
                "attention": ref in excused,
            }
        )
        differences += _differences(orders[-1], ref in excused)
        if erp["currency"] != order["currency"]:
            differences.append(f"order {id_}: {order['currency']} became {erp['currency']}")
    differences += [f"{key} stands in the back office for no order" for key in sales]
    return {
        "deliveries": len(sent),
        "accepted": len(accepted),
        "refused": len(sent) - len(accepted),
        "orders": orders,
        "attention": len(attention),
        "waiting": len(parked),
        "differences": len(differences),
        "details": {
            "attention": [f"{item.owner}: {item.message}" for item in attention],
            "waiting": [f"{cause.connection}: {one.message}" for cause, one in parked],
            "differences": differences,
        },
    }


def _differences(row: dict[str, Any], excused: bool) -> list[str]:
    """What differs and nobody was told of. A cent of tax on a line of its own was told of."""
    id_ = row["store_id"]
    found = []
    if row["documents"] != 1:
        found.append(f"order {id_} stands {row['documents']} times")
    if excused:
        return found
    for what in ("total", "tax"):
        ours, theirs = row[f"store_{what}"], row[f"erp_{what}"]
        if ours != theirs and not (what == "tax" and row["rounded"]):
            found.append(f"order {id_}: {what} {ours} in the store, {theirs} in the back office")
    if row["erp_lines"] < row["lines"]:
        found.append(f"order {id_}: {row['lines']} lines became {row['erp_lines']}")
    return found


def _is_rounded(sale: dict[str, Any], tax: str, lines: int, limit: Decimal) -> bool:
    """Whether the back office's tax is off by no more than its rounding line makes good."""
    off = abs(Decimal(sale["tax"]) - Decimal(tax))
    return 0 < off <= limit and sale["lines"] == lines + 1


def _story(place: Place, result: dict[str, Any]) -> tuple[str, Sequence[Entry]]:
    if not result["orders"]:
        return "", ()
    id_ = max(result["orders"], key=lambda row: row["lines"] if row["lines"] < 50 else 0)[
        "store_id"
    ]
    ref = Ref(place.store_name, "order", str(id_))
    return str(ref), DynamoJournal(place.stack.client("dynamodb"), "accord-dev-journal").of(ref)


def _show(
    sent: Sequence[Sent],
    result: dict[str, Any],
    story: tuple[str, Sequence[Entry]],
) -> None:
    print_table(
        f"{result['deliveries']} deliveries: {result['accepted']} accepted, "
        f"{result['refused']} refused",
        ["delivery", "answer", "what it is"],
        [[each.delivery.name, each.status, each.delivery.what] for each in sent],
    )
    print_table(
        "What stands in the store, and in the back office",
        [*("order", "status", "lines", "tax", "total", ""), *_ERP_COLUMNS, "difference"],
        [
            [
                row["store_id"],
                row["store_status"],
                row["lines"],
                row["store_tax"],
                row["store_total"],
                "→",
                row["erp_number"],
                row["erp_state"],
                row["erp_lines"],
                row["erp_tax"],
                f"{row['erp_total']} {row['currency']}",
                "see attention" if row["attention"] else _difference(row),
            ]
            for row in result["orders"]
        ],
    )
    ref, entries = story
    if entries:
        console.print(f"\n[bold]The journal of {ref}[/]", highlight=False)
        start: dt.datetime = entries[0].at
        for entry in entries:
            after = (entry.at - start).total_seconds() * 1000
            console.print(
                f"  {after:+8.0f} ms  {entry.mark:6} {escape(entry.text)}", highlight=False
            )
    for title, texts in result["details"].items():
        if texts:
            console.print(f"\n[bold]{title.capitalize()}[/]")
            for text in texts:
                console.print(f"  {text}", highlight=False, markup=False)


def _verdict(result: dict[str, Any], seconds: float) -> None:
    count = result["differences"]
    verdict = (
        "[green]no differences[/]" if not count else f"[red]{number_of(count, 'difference')}[/]"
    )
    console.print(
        f"\n{len(result['orders']) + 1} orders, {verdict}, {result['attention']} for a person, "
        f"{result['waiting']} waiting; {seconds:.0f} s",
        highlight=False,
    )


def _difference(row: dict[str, Any]) -> str:
    if _differences(row, excused=False):
        return "differs"
    return "tax, on a rounding line" if row["rounded"] else "none"
