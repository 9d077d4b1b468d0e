"""What went wrong on one side an hour ago, unheard; and what a night's comparison finds of it."""

import datetime as dt
import json
import time
from dataclasses import replace
from typing import Any

from accord.local.place import Place
from accord.local.runner.resources import ACCOUNT, REGION
from accord.model.change import Ref
from accord.ports.state import Seen
from accord.state.control import DynamoControl
from accord.state.links import DynamoLinks
from accord.state.reports import S3Reports

Json = dict[str, Any]
_PATIENCE_S = 120  # of a machine that others use too
_BUCKET = f"accord-dev-payloads-{ACCOUNT}-{REGION}"


def hour_ago(*parts: str) -> dict[str, str]:
    """The dates of an order that was placed, paid and last changed then, as the store writes them;
    or the ``parts`` of something else."""
    ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    text = ago.replace(tzinfo=None).isoformat(timespec="seconds")
    named = parts or ("created", "modified", "paid")
    return {f"date_{part}{gmt}": text for part in named for gmt in ("", "_gmt")}


def an_account(id_: int) -> Json:
    """An account of an hour ago, of which nobody was told."""
    name = {"first_name": "Grace", "last_name": "Hopper"}
    address = {**name, "address_1": "1 Navy Yard", "city": "London", "country": "GB"}
    email = f"grace{id_}@example.com"
    return {
        "id": id_,
        "email": email,
        "username": f"grace{id_}",
        "role": "customer",
        **name,
        **hour_ago("created", "modified"),
        "billing": {**address, "postcode": "SW1A 1AA", "email": email, "phone": ""},
        "shipping": address,
        "meta_data": [],
    }


def lead_astray(place: Place, order: Ref) -> None:
    """Its link names a document that is not there, as one does in a table that was restored."""
    links = DynamoLinks(place.stack.client("dynamodb"), "accord-dev-links")
    now = dt.datetime.now(dt.UTC)
    until = now + dt.timedelta(minutes=1)
    held = links.acquire(
        order, key=f"uk-{order.id}", owner="tests", now=now, until=until, seen=Seen(None)
    )
    assert held is not None
    assert held.erp is not None
    links.abandon(links.save(replace(held, erp=replace(held.erp, id="999999"))))


def compared_at(place: Place) -> list[Json]:
    """The differences that a whole run has found."""
    control = DynamoControl(place.stack.client("dynamodb"), "accord-dev-control")
    assert place.stack.invoke("reconcile", {"store": "uk", "begin": "yes"}).ok
    until = time.monotonic() + _PATIENCE_S
    while not _ended(control):
        assert time.monotonic() < until, "it does not come to its end"
        assert place.stack.invoke("reconcile", {"store": "uk"}).ok
    kept = S3Reports(place.stack.client("s3"), _BUCKET).get("uk", _today(control))
    assert kept is not None
    differences: list[Json] = kept["differences"]
    return differences


def _place(control: DynamoControl) -> Json:
    held = control.get("reconcile:uk")
    assert held is not None
    place: Json = json.loads(held[0])
    return place


def _ended(control: DynamoControl) -> bool:
    return bool(_place(control)["ended"])


def _today(control: DynamoControl) -> dt.date:
    return dt.date.fromisoformat(_place(control)["reported"])
