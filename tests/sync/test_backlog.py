"""How long things wait, and whose turn it is: bounded reads, and what lies beyond the bound."""

import datetime as dt

import pytest

from accord.model.change import Change, Ref
from accord.ports.state import Item, Parked
from accord.state.memory import MemoryAttention, MemoryControl, MemoryLinks, MemoryWaiting
from accord.state.memory_levels import MemoryLevels
from accord.sync import backlog
from accord.sync.backlog import BacklogReader
from tests.sync.conftest import config

NOW = dt.datetime(2026, 7, 22, 12, tzinfo=dt.UTC)


@pytest.fixture
def reader() -> BacklogReader:
    data = config().model_dump(by_alias=True)
    data["alarms"]["busy_hours"] = "08:00-22:00"
    return BacklogReader(
        config=type(config()).model_validate(data),
        waiting=MemoryWaiting(),
        attention=MemoryAttention(),
        links=MemoryLinks(),
        levels=MemoryLevels(),
        control=MemoryControl(),
        clock=lambda: NOW,
    )


def park(reader: BacklogReader, n: int, *, kind: str = "order") -> None:
    seen = NOW - dt.timedelta(seconds=n)
    change = Change(Ref("uk", kind, str(n)), "order_created", seen, "c1")
    reader.waiting.park(Parked(change, "main", "outage", "…", seen, seen))


def test_of_very_many_that_wait_some_are_read_and_all_are_counted(
    reader: BacklogReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "_READ", 10)
    for n in range(37):
        park(reader, n)
    found = reader.read().stores["uk"]

    assert found.waiting == 37
    assert found.unposted["order"] == dt.timedelta(seconds=36)  # the oldest is read first


@pytest.mark.parametrize(
    "subject", ["webhooks:uk", "page:uk", "consent:main", "waiting:uk:outage", "uk:order:1"]
)
def test_what_is_about_a_stores_connection_is_the_stores(
    reader: BacklogReader, subject: str
) -> None:
    reader.attention.put(Item("1", subject, "outage", "ops", "…", NOW, NOW))

    assert reader.read().stores["uk"].attention["ops"] == 1


def test_of_very_many_items_the_oldest_are_read_and_all_are_counted(
    reader: BacklogReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "_OPEN", 10)
    for n in range(45):
        at, owner = NOW - dt.timedelta(minutes=n), ("finance", "ops")[n % 2]
        ref = f"uk:order:{n}"
        reader.attention.put(Item(str(n), ref, "rejected", owner, "it differs", at, at))
    found = reader.read().stores["uk"]

    assert found.attention.total() == pytest.approx(45, abs=1)
    assert found.attention["finance"] == pytest.approx(23, abs=1)
    assert found.unposted["order"] == dt.timedelta(minutes=44)


def test_what_was_not_looked_up_counts_as_late_rather_than_lost(
    reader: BacklogReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "_LOOKED_UP", 0)
    park(reader, 60)

    assert reader.read().stores["uk"].unposted["order"] == dt.timedelta(minutes=1)


def test_a_trouble_with_a_back_office_is_one_of_every_store_that_it_serves(
    reader: BacklogReader,
) -> None:
    reader.attention.put(
        Item("i1", "waiting:main:outage", "outage", "ops", "main is away", NOW, NOW)
    )

    assert reader.read().stores["uk"].attention == {"ops": 1}


def test_what_waits_elsewhere_is_the_stores_whose_change_waits(reader: BacklogReader) -> None:
    change = Change(Ref("uk", "order", "1"), "order_created", NOW, "c1")
    reader.waiting.park(Parked(change, "former", "outage", "…", NOW, NOW))
    reader.attention.put(Item("i1", "waiting:former:outage", "outage", "ops", "…", NOW, NOW))

    assert reader.read().stores["uk"].attention == {"ops": 1}


def test_a_trouble_of_a_store_that_left_the_configuration_is_nobodys_here(
    reader: BacklogReader,
) -> None:
    reader.attention.put(Item("i1", "gone:order:1", "rejected", "ops", "…", NOW, NOW))

    assert reader.read().stores["uk"].attention.total() == 0


@pytest.mark.parametrize(("hour", "busy"), [(6, False), (7, True), (20, True), (21, False)])
def test_hours_are_those_of_the_company(reader: BacklogReader, hour: int, busy: bool) -> None:
    """London's summer: an hour ahead of UTC."""
    from dataclasses import replace

    at = NOW.replace(hour=hour)

    assert replace(reader, clock=lambda: at).read().stores["uk"].is_busy is busy


def test_a_poll_that_runs_now_is_not_late(reader: BacklogReader) -> None:
    until = (NOW + dt.timedelta(seconds=60)).isoformat()
    reader.control.put("lease:poll:uk", f'{{"owner": "a", "until": "{until}"}}', version=None)

    assert reader.read().polled == {"uk": dt.timedelta(0)}
