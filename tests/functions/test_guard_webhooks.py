"""guard_webhooks: what a store switched off is made anew, and what was missed is read."""

import json
from typing import Any

import pytest

from accord import bootstrap
from accord.bootstrap import connections, tables
from accord.errors import PermanentError, UnauthorizedError, UnavailableError
from accord.local.model_store import ModelStore
from accord.rules.diagnosis import NEEDED
from accord.sync.told import Told
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import SECRET, Handler, forget, metrics
from tests.infra.conftest import assembly, sync  # noqa: F401  (fixtures)
from tests.infra.policies import functions

FUNCTION = "guard_webhooks"
EVENT = json.loads((EVENTS / FUNCTION / "uk.json").read_text(encoding="utf-8"))


@pytest.fixture
def config(config: dict[str, Any]) -> dict[str, Any]:
    uk = config["stores"]["uk"]
    uk["flows"] |= {"orders": "on", "customers": "off", "stock": "off", "prices": "off"}
    uk["webhooks"] = {"guard": True}
    return config


@pytest.fixture
def store(store: ModelStore) -> ModelStore:
    store.shop.outbox._sender = lambda *_, **__: 200
    return store


def test_webhooks_that_lack_are_made_with_the_newest_secret_and_counted(
    run: Handler, room: Room, store: ModelStore, capsys: pytest.CaptureFixture[str]
) -> None:
    run(FUNCTION, EVENT)

    made = store.shop.outbox.webhooks.values()
    assert sorted(hook.topic for hook in made) == sorted(NEEDED["orders"])
    assert {hook.secret for hook in made} == {SECRET}
    assert {hook.delivery_url for hook in made} == {"https://hooks.example/stores/uk/webhooks"}
    out = capsys.readouterr().out
    assert metrics(out) == {"WebhooksDisabled": 4}
    assert SECRET not in out


def test_what_is_right_is_not_counted(
    run: Handler, room: Room, store: ModelStore, capsys: pytest.CaptureFixture[str]
) -> None:
    run(FUNCTION, EVENT)
    capsys.readouterr()

    run(FUNCTION, EVENT)

    assert metrics(capsys.readouterr().out) == {}


def test_after_it_was_mended_the_poll_begins_where_it_was_last_right(
    run: Handler, room: Room, store: ModelStore
) -> None:
    run("poll_store", {"store": "uk"})
    name = "cursor:uk:order"
    before = json.loads(bootstrap.control().get(name)[0])["begin"]  # type: ignore[index]

    run(FUNCTION, EVENT)

    assert json.loads(bootstrap.control().get(name)[0])["begin"] < before  # type: ignore[index]


def test_it_needs_no_table_but_those_that_the_stack_grants_it(
    run: Handler,
    room: Room,
    store: ModelStore,
    sync: dict[str, Any],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run("poll_store", {"store": "uk"})  # so that there is something to be read again
    told = sync["Resources"][functions(sync)[FUNCTION]]["Properties"]["Environment"]["Variables"]
    granted = json.loads(told["ACCORD_TABLES"])
    tables = {name: room.tables[name] for name in granted}
    monkeypatch.setenv("ACCORD_TABLES", json.dumps(tables))
    forget()
    asked: list[str] = []
    unheard = Told.unheard
    monkeypatch.setattr(
        Told, "unheard", lambda self, *args: asked.append(self.store) or unheard(self, *args)
    )

    run(FUNCTION, EVENT)  # mends, and has the poll read again
    run(FUNCTION, EVENT)  # asks which orders nobody told of

    assert "links" not in tables
    assert len(store.shop.outbox.webhooks) == len(NEEDED["orders"])
    assert asked == ["uk"]


def test_a_store_that_is_not_guarded_is_left_alone(
    run: Handler, config: dict[str, Any], room: Room, store: ModelStore
) -> None:
    bootstrap.config().stores["uk"].webhooks.__dict__["guard"] = False

    run(FUNCTION, EVENT)

    assert not store.shop.outbox.webhooks


def test_a_store_that_does_not_answer_is_asked_again(
    run: Handler,
    room: Room,
    store: ModelStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def away() -> None:
        raise UnavailableError("off", connection="uk")

    monkeypatch.setattr(store, "hooks", away)

    run(FUNCTION, EVENT)

    assert metrics(capsys.readouterr().out) == {}


def test_a_store_that_left_the_configuration_is_said_so(run: Handler, room: Room) -> None:
    with pytest.raises(PermanentError, match="no store named 'gone'"):
        run(FUNCTION, {"store": "gone"})


def test_a_secret_without_webhook_secrets_says_how_to_make_one(
    run: Handler, room: Room, store: ModelStore
) -> None:
    room.keep_secret(
        "store/uk", {"webhook_secrets": [], "consumer_key": "ck", "consumer_secret": "cs"}
    )

    run(FUNCTION, EVENT)

    (item,) = tables.attention().open()
    assert (item.subject, item.reason, item.owner) == (
        *("waiting:uk:unauthorized", "unauthorized"),
        "ops",
    )
    assert "accord secrets rotate uk" in item.message


def test_a_key_that_is_refused_is_one_item_and_closes_once_it_is_taken(
    run: Handler,
    room: Room,
    store: ModelStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise UnauthorizedError("uk refuses the key", connection="uk")

    with monkeypatch.context() as wrong:
        for method in ("hooks", "ping"):
            wrong.setattr(store, method, refused)
        for _ in range(2):
            run(FUNCTION, EVENT)
            run("wake", {})
    (item,) = tables.attention().open()
    assert item.subject == "waiting:uk:unauthorized"
    assert metrics(capsys.readouterr().out) == {"ChangesAttention": 1}

    connections.let_go("uk")
    run(FUNCTION, EVENT)
    assert tables.attention().open() == []
