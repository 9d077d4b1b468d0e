"""Fields that a later release added are passed over: it may have been rolled back."""

import base64
import copy
import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from accord.state.breakers import BoardBreakers
from tests.releases import life
from tests.releases.kept import AUDIT, cloud
from tests.releases.life import MUG
from tests.releases.record import read
from tests.releases.restored import RELEASES, Restored, by_key, credited
from tests.releases.shapes import kinds

Json = dict[str, Any]
LATER = "from_a_later_release"


def with_more(value: Any, shape: Json) -> Any:
    """``value`` as a later release may write it: each object that is ours has a field more."""
    if shape.get("opaque"):
        return value
    if isinstance(value, str) and "json" in shape:
        return json.dumps(with_more(json.loads(value), shape["json"]), separators=(",", ":"))
    if isinstance(value, list):
        return [with_more(each, shape["each"]) for each in value] if "each" in shape else value
    if not isinstance(value, dict):
        return value
    if "each" in shape:
        return {name: with_more(each, shape["each"]) for name, each in value.items()}
    more = {name: with_more(it, shape["keys"].get(name, {})) for name, it in value.items()}
    return {**more, LATER: "new"}


def item_with_more(item: Json, shape: Json) -> Json:
    """The same of an item of DynamoDB, whose values say what they are."""
    found = {
        name: {"S": with_more(value["S"], shape["keys"].get(name, {}))} if "S" in value else value
        for name, value in item.items()
    }
    if "facts" in found:
        found["facts"] = {"M": {**found["facts"]["M"], LATER: {"S": "new"}}}
    return {**found, LATER: {"S": "new"}}


def object_with_more(name: str, found: Json, shapes: Json) -> Json:
    """The same of an object of a bucket; what is sealed proves that nothing was added to it."""
    ((kind, held),) = kinds({}, {name: found}, ())
    if name.startswith(AUDIT) or isinstance(held, str):
        return found
    text = json.dumps(with_more(held, shapes[kind]))
    return {**found, "base64": base64.b64encode(text.encode()).decode()}


@pytest.fixture(scope="module")
def extended() -> Iterator[Restored]:
    """What the newest release left, as if one after this had written it, and been taken back."""
    release = RELEASES[-1]
    shapes, tables = read(release, "shapes"), copy.deepcopy(read(release, "tables"))
    for table, items in tables.items():
        if table == "journal":  # a story proves that nothing was added to it
            continue
        of = [kind for kind, _ in kinds({table: items}, {}, ())]
        tables[table] = [
            item_with_more(item, shapes[kind]) for item, kind in zip(items, of, strict=True)
        ]
    objects = {
        name: object_with_more(name, found, shapes)
        for name, found in read(release, "objects").items()
    }
    queued = read(release, "pending")["queued"]
    for message in queued:
        message["body"] = json.dumps({**json.loads(message["body"]), LATER: "new"})
    with cloud():
        found = Restored(release, tables=tables, objects=objects, queued=queued)
        found.go_on()
        yield found


def test_fields_of_a_later_release_are_passed_over(extended: Restored) -> None:
    found = by_key(extended)

    assert len(found) == 7
    assert {sale["state"] for sale in found.values()} == {"confirmed"}
    assert credited(found["uk-1001"]) == Decimal("8.00")
    assert extended.world.store.stock_of(MUG) == 57
    assert list(extended.world.waiting.causes()) == []
    assert extended.world.queue.dead == []


def test_what_operators_did_holds_beside_fields_of_a_later_release(extended: Restored) -> None:
    world = extended.world

    assert BoardBreakers(world.guard.board).opened("spare") is not None
    assert world.pauses.end("spare", by="grace") is not None
    assert world.guard.meter.usage("spare").in_day == {"orders": 3}
    assert not life.webhooks(world).run().fixes
    assert len(world.documents.of("uk:order:1001")) == 3
    reconciler = world.reconciler()
    while not reconciler.place().ended:
        assert reconciler.go_on(until=world.clock() + dt.timedelta(minutes=1)) is not None
