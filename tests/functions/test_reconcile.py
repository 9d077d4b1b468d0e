"""reconcile: a run begins at night, and the minutes after it go on until the report is kept."""

import datetime as dt
import json
from typing import Any

import pytest

from accord import bootstrap
from accord.bootstrap import connections, tables
from accord.bootstrap import rules as wired
from accord.erp.memory.adapter import Memory
from accord.erp.memory.faults import Fault
from accord.erp.memory.ledger import Ledger
from accord.errors import PermanentError
from accord.local.model_store import ModelStore
from accord.model.change import Change
from accord.ports.advice import Ending
from accord.sync.report import Report
from tests.conftest import EVENTS, order_json
from tests.functions.cloud import Room
from tests.functions.conftest import Handler, metrics

FUNCTION = "reconcile"
CASES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (EVENTS / FUNCTION).glob("*.json")
}


@pytest.fixture
def config(config: dict[str, Any]) -> dict[str, Any]:
    uk = config["stores"]["uk"]
    uk["flows"] = dict.fromkeys(uk["flows"], "off") | {"orders": "on", "erp_changes": "on"}
    return config


def placed(store: ModelStore, ago: dt.timedelta = dt.timedelta(hours=3)) -> None:
    """An order of which nobody was told."""
    at = (dt.datetime.now(dt.UTC) - ago).replace(tzinfo=None).isoformat(timespec="seconds")
    order = order_json("order_created_rich") | {"date_modified_gmt": at, "date_created_gmt": at}
    store.orders["30"] = order


def kept(room: Room) -> Report:
    """Today's report, as it stands in the bucket."""
    client = room.cloud.client("s3")
    objects = client.list_objects_v2(Bucket=room.bucket, Prefix="reports/uk/")["Contents"]
    (name,) = (
        each["Key"] for each in objects if each["Key"].endswith(".json") and "20" in each["Key"]
    )
    body = client.get_object(Bucket=room.bucket, Key=name)["Body"].read()
    return Report.from_json(json.loads(body))


def test_what_differs_is_reported_and_counted(
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    placed(store)

    run(FUNCTION, CASES["begin"])

    (difference,) = kept(room).differences
    assert (difference.reason, difference.ref) == ("missing_in_erp", "uk:order:30")
    told = metrics(capsys.readouterr().out)
    assert told == {"DifferencesFound": 2, "StoresReconciled": 1}  # in all, and by its reason
    assert room.messages("order_updated") == []


def test_the_page_is_kept_beside_the_figures(
    run: Handler, room: Room, books: Ledger, store: ModelStore
) -> None:
    placed(store)
    run(FUNCTION, CASES["begin"])

    day = kept(room).begun.date()
    page = room.cloud.client("s3").get_object(Bucket=room.bucket, Key=f"reports/uk/{day}.html")
    assert page["ContentType"] == "text/html; charset=utf-8"
    assert "order 30" in page["Body"].read().decode()


def test_where_both_sides_agree_nought_is_told_so_that_the_alarm_ends(
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(FUNCTION, CASES["begin"])

    assert metrics(capsys.readouterr().out) == {"DifferencesFound": 0, "StoresReconciled": 1}


def test_in_the_night_a_person_is_asked_for_a_key_before_it_ends(
    run: Handler, room: Room, books: Ledger, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = Ending("accord", dt.datetime.now(dt.UTC) + dt.timedelta(days=3), "make another")
    monkeypatch.setattr(Memory, "ends", lambda _: ending, raising=False)

    run(FUNCTION, CASES["begin"])

    (item,) = tables.attention().open()
    assert (item.subject, item.reason, item.owner) == ("look:main", "key_ends", "ops")


def test_a_minute_in_which_no_run_is_open_asks_nobody(
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = books.calls

    run(FUNCTION, CASES["go_on"])

    assert books.calls == before
    assert metrics(capsys.readouterr().out) == {}


def test_what_breaks_off_is_gone_on_with_in_the_next_minute(
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    placed(store)
    books.faults = lambda _: Fault("unreached")
    run(FUNCTION, CASES["begin"])
    assert metrics(capsys.readouterr().out) == {"ReconcileBehind": 1}

    books.faults = lambda _: None
    run(FUNCTION, CASES["go_on"])

    assert [each.reason for each in kept(room).differences] == ["missing_in_erp"]


def test_a_night_in_which_no_run_began_is_counted(
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(FUNCTION, CASES["begin"])
    capsys.readouterr()
    run(FUNCTION, CASES["go_on"])
    assert metrics(capsys.readouterr().out) == {}

    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=27)
    monkeypatch.setattr(tables, "now", lambda: later)
    run(FUNCTION, CASES["go_on"])

    assert metrics(capsys.readouterr().out) == {"ReconcileBehind": 1}


def test_a_password_that_is_refused_is_asked_about_once_and_no_crash(
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    placed(store)
    books.faults = lambda _: Fault("unauthorized")

    for case in ("begin", "go_on", "go_on"):
        run(FUNCTION, CASES[case])
        run("wake", {})

    (item,) = tables.attention().open()
    assert (item.subject, item.owner) == ("waiting:main:unauthorized", "ops")
    assert metrics(capsys.readouterr().out) == {"ChangesAttention": 1}

    books.faults = lambda _: None
    connections.let_go("main")
    run(FUNCTION, CASES["go_on"])
    assert tables.attention().open() == []
    assert [each.reason for each in kept(room).differences] == ["missing_in_erp"]


def test_a_store_that_left_the_configuration_is_said_so(run: Handler, room: Room) -> None:
    with pytest.raises(PermanentError, match="no store named 'gone'"):
        run(FUNCTION, {"store": "gone"})


def test_what_the_rules_have_mended_is_queued(
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rules = bootstrap.config()
    uk = rules.stores["uk"]
    mends = uk.model_copy(update={"reconcile": uk.reconcile.model_copy(update={"repair": True})})
    changed = rules.model_copy(update={"stores": {"uk": mends}})
    monkeypatch.setattr(wired, "config", lambda: changed)
    placed(store)

    run(FUNCTION, CASES["begin"])

    (message,) = room.messages("order_updated")
    change = Change.from_json(message["Body"])
    assert (str(change.ref), change.document, change.replay) == ("uk:order:30", None, "")
    assert kept(room).repaired == 1
    assert not Memory(books.call).sales_of(["uk-30"])  # nothing is written from here
