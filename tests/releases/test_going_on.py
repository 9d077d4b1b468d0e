"""What the release before left behind is gone on with: nothing is lost, and nothing done twice."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal

import pytest

from accord.model.change import Change
from accord.state.breakers import BoardBreakers
from accord.state.journal import KEPT
from accord.sync.audit import Auditor
from tests.releases import life
from tests.releases.kept import Kept, cloud
from tests.releases.life import MUG, POT, pass_, ref
from tests.releases.record import read
from tests.releases.restored import RELEASES, Restored, by_key, credited


@pytest.fixture(scope="module", params=RELEASES)
def restored(request: pytest.FixtureRequest) -> Iterator[Restored]:
    with cloud():
        found = Restored(request.param)
        found.go_on()
        yield found


@pytest.fixture
def world(restored: Restored) -> Kept:
    return restored.world


def test_every_order_of_the_release_before_is_in_the_books_once(restored: Restored) -> None:
    found = by_key(restored)

    assert sorted(found) == [
        *("uk-1001", "uk-2001", "uk-3001-2", "uk-4001", "uk-5001", "uk-6001", "uk-7001")
    ]
    for key, sale in found.items():
        order = restored.world.store.orders[key.split("-")[1]]
        assert sale["state"] == "confirmed"
        assert Decimal(sale["totals"]["gross"]) == Decimal(order["total"])


def test_documents_that_it_made_are_linked_and_kept(restored: Restored) -> None:
    for key, sale in by_key(restored).items():
        link = restored.world.links.get(ref(key.split("-")[1]))
        assert link is not None
        assert link.number == sale["number"]
        if key in restored.standing:
            assert sale["number"] == restored.standing[key]["number"]


def test_a_refund_is_credited_on_its_document_once(restored: Restored) -> None:
    assert credited(by_key(restored)["uk-1001"]) == Decimal("8.00")


def test_levels_that_it_wanted_are_sent(world: Kept) -> None:
    assert world.store.stock_of(MUG) == 57  # 50, and 7 that came; the hold has run out
    assert world.store.shop.shelf.find(POT)["regular_price"] == "21.00"
    for kind in ("stock", "price", "product"):
        assert world.levels.count_dirty("uk", kind) == 0


def test_what_waited_goes_on_and_only_what_a_person_must_see_is_left(world: Kept) -> None:
    assert list(world.waiting.causes()) == []
    assert {(item.subject, item.reason) for item in world.attention.open()} == {
        ("uk:order:3001", "paid_differs"),
        *((each.subject, each.reason) for each in world.attention.open(about="message:")),
    }
    assert world.queue.dead == []


def test_its_messages_once_more_change_nothing(restored: Restored) -> None:
    before = json.dumps(restored.world.books.sales(), sort_keys=True)
    notes = {id_: list(found) for id_, found in restored.world.store.notes.items()}
    for nth, message in enumerate(read(restored.release, "messages")):
        change = Change.from_json(message["body"])
        restored.world.queue.put(change, sending=f"once more {nth}")
    pass_(restored.world, 5)

    assert json.dumps(restored.world.books.sales(), sort_keys=True) == before
    assert {id_: list(found) for id_, found in restored.world.store.notes.items()} == notes


def test_its_journal_proves_itself(restored: Restored) -> None:
    world = restored.world
    report = Auditor(world.journal, world.seals, world.clock, KEPT).verify(
        since=life.EVENING.date()
    )

    assert report.findings == []
    assert report.days
    assert report.refs > 10


def test_its_reconciliation_is_ended(world: Kept) -> None:
    reconciler = world.reconciler()
    begun = reconciler.place()
    while not reconciler.place().ended:
        assert reconciler.go_on(until=world.clock() + dt.timedelta(minutes=1)) is not None

    assert reconciler.place().run == begun.run


def test_what_operators_and_checkouts_did_holds(world: Kept) -> None:
    assert world.pauses.end("spare", by="grace") is not None
    assert BoardBreakers(world.guard.board).opened("spare") is not None
    assert world.guard.meter.usage("spare").in_day == {"orders": 3}
    assert not world.nonces.use("uk", "nonce-1", now=world.clock())
    assert life.answered(world, {"sells": False}) == {"sells": True}
    assert world.versions.latest() == (1, {"stores": {"uk": {"mappings": {"no_sku": "attention"}}}})
    assert not life.webhooks(world).run().fixes
    assert [len(world.documents.of(f"uk:order:{id_}")) for id_ in ("1001", "2001")] == [2 + 1, 0]
    for item in world.attention.open(about="message:"):
        assert world.payloads.get(item.payload)["queue"] == "order_created"


@pytest.mark.parametrize("release", RELEASES)
def test_each_of_its_messages_is_read(release: str) -> None:
    for message in read(release, "messages"):
        change = Change.from_json(message["body"])
        held = json.loads(message["body"])

        assert str(change.ref) == held["ref"]
        assert change.event == held["event"] == message["event"]
        assert change.document == held["document"]
        written = json.loads(change.to_json())
        assert {name: written[name] for name in held if name != "v"} == {
            name: value for name, value in held.items() if name != "v"
        }
