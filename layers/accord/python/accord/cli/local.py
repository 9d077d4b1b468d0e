"""`accord local`: everything on this machine until Ctrl-C; `accord send`: one event to it."""

import signal
import time
from pathlib import Path
from typing import Annotated, cast, get_args

import httpx
import typer

from accord.cli.connection import local_calls, local_webhooks
from accord.cli.output import console, fail, told
from accord.errors import BadInputError
from accord.local.place import (
    REPO,
    WEBHOOK_SECRET,
    BackOffice,
    Place,
    secrets_of,
    toml_of,
    work_folder,
)
from accord.local.recorded import latest_orders, read, read_all, references

_TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")


def local(
    config: Annotated[
        Path | None,
        typer.Option(help="Use the real store and back office that this file names."),
    ] = None,
    secrets: Annotated[
        Path | None, typer.Option(help="Their secrets by name, TOML or JSON; needed with --config.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the HTTP API, on 127.0.0.1; 0 for any.")
    ] = 8080,
    erp: Annotated[
        str, typer.Option(help=f"The stand-in back office: {', '.join(get_args(BackOffice))}.")
    ] = "tryton",
    verbose: Annotated[bool, typer.Option("--verbose", help="Show every log line.")] = False,
) -> None:
    """Runs the synthesised stack here: queues, tables and functions as they would be deployed.

    Without --config a WooCommerce stand-in and a real Tryton on SQLite play the two sides.
    """
    if (config is None) != (secrets is None):
        fail("--config and --secrets go together: the connections, and the keys to them")
    if erp not in get_args(BackOffice):
        fail(f"--erp is {', '.join(get_args(BackOffice))}, not {erp!r}")
    started = time.monotonic()

    def progress(text: str) -> None:
        told.print(f"[dim]{time.monotonic() - started:6.1f} s[/]  {text}", highlight=False)

    def show(line: str) -> None:
        told.print(line, highlight=False, markup=False, soft_wrap=True)

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a supervisor's way to say Ctrl-C
    recorded = read_all(REPO / "events" / "receive_store_webhook")
    with work_folder("local") as work:
        place = Place(
            config=toml_of(config or REPO / "accord.toml"),
            references=references(recorded),
            work=work,
            erp=cast("BackOffice", erp),
            real=secrets_of(secrets) if secrets else None,
            file=config,
            port=port,
            cron=0 if config else 1.0,
            announced=True,
            progress=progress,
            show=show if verbose else None,
        )
        with place:
            if config is None:
                place.store.control("PUT", "orders", list(latest_orders(recorded).values()))
                _follow(place)
            _tell(place, real=config is not None)
            try:
                while True:
                    time.sleep(3600)
            except KeyboardInterrupt:
                told.print("\nstopping", highlight=False)


def send(
    event: Annotated[Path, typer.Argument(help="A recorded delivery: events/…/NAME.json.")],
    to: Annotated[
        str | None,
        typer.Option(help="The receiver's address for the sender; else that of `accord local`."),
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(help="Sign with this secret instead of the one it was recorded with."),
    ] = None,
) -> None:
    """Posts one recorded delivery, signed. Exit code 1 if it is refused."""
    delivery = read(event)
    if not delivery.topic and delivery.secret and not delivery.erp:
        raise BadInputError(f"{event} names no X-WC-Webhook-Topic; there are {', '.join(_TOPICS)}")
    chosen = secret or delivery.secret
    if chosen:
        delivery = delivery.signed(chosen)
    if to is None:
        to = local_calls(delivery.erp) if delivery.erp else local_webhooks()
    with httpx.Client(timeout=60, trust_env=False) as client:
        status = delivery.post(client, to)
    console.print(f"{status}  {delivery.name} → {to}", highlight=False)
    if status != 200:
        hints = {
            401: "the signature is not the sender's; try --secret",
            403: "the store's allowed_sources do not name this machine",
            404: f"accord.toml has no {delivery.erp}, or it does not call, or the address is not "
            ".../erps/NAME/webhook"
            if delivery.erp
            else "accord.toml has no such store, or the address is not .../stores/NAME/webhooks",
        }
        fail(hints.get(status, "see the receiver's log"))


def _follow(place: Place) -> None:
    """The stand-in sends its orders here, as a merchant would set it up."""
    for topic in _TOPICS:
        webhook = {"name": topic, "topic": topic, "delivery_url": place.webhook_url}
        response = httpx.post(
            f"{place.store.url}/wp-json/wc/v3/webhooks",
            json={**webhook, "secret": WEBHOOK_SECRET},
            auth=(place.store.consumer_key, place.store.consumer_secret),
            timeout=60,
            trust_env=False,
        )
        if response.status_code != 201:
            fail(f"the store's stand-in refused the webhook {topic}: {response.text[:200]}")


def _tell(place: Place, *, real: bool) -> None:
    lines = {"receiver": place.webhook_url, "AWS stand-in": place.stack.endpoint}
    if not real:
        lines["store stand-in"] = place.store.url
        lines["back office"] = place.books.url
    lines["logs"] = str(place.work / "logs")
    console.print("[bold]Accord runs on this machine[/] (Ctrl-C stops it)")
    for name, value in lines.items():
        console.print(f"  {name:15} {value}", highlight=False, soft_wrap=True)
    example = "events/receive_store_webhook/order_created_rich.json"
    console.print(f"\n  accord send {example} --to {place.webhook_url}", soft_wrap=True)
    for command in ("trace uk 30", "attention list", "dashboard"):
        console.print(f"  accord {command}", highlight=False)
