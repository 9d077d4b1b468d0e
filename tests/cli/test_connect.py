"""`accord connect STORE`: a key is tried, kept in one write, and what lacks is said with a remedy."""

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from accord import bootstrap
from accord.bootstrap import connections
from accord.cli import connect
from accord.errors import AccordError, UnauthorizedError, UnavailableError
from accord.local.model_store import ModelStore
from accord.ports.limits import CIRCUITS
from accord.rules.diagnosis import NEEDED
from accord.woo import granting
from tests.cli.connecting import _reached, held, invoke, kept_of, told
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import Handler, cloud, config, room, run
from tests.functions.consenting import PUBLIC

__all__ = ["_reached", "cloud", "config", "room", "run"]  # fixtures

HOOKS = f"{PUBLIC}/stores/uk/webhooks"
KEY, SECRET = "ck_0123456789", "cs_9876543210"


@pytest.fixture
def store(room: Room, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    """A shop of which every key is good; ``tried`` are the keys that asked."""
    model = ModelStore("uk", lambda: dt.datetime.now(dt.UTC))
    monkeypatch.setattr(connections, "store_with", lambda *_: model)
    return model


def topics(store: ModelStore) -> set[str]:
    return {
        hook.topic for hook in store.shop.outbox.webhooks.values() if hook.delivery_url == HOOKS
    }


class TestAStore:
    """By its REST key."""

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        uk = config["stores"]["uk"]
        uk["flows"] = dict.fromkeys(uk["flows"], "off") | {"orders": "on", "customers": "on"}
        return config

    def test_the_key_is_kept_and_the_webhooks_are_made(self, room: Room, store: ModelStore) -> None:
        result = invoke("uk", typed=f"{KEY}\n{SECRET}\n")

        kept = held(room, "store/uk")
        assert (kept["consumer_key"], kept["consumer_secret"]) == (KEY, SECRET)
        assert topics(store) == {*NEEDED["orders"], *NEEDED["customers"]}
        assert {hook.secret for hook in store.shop.outbox.webhooks.values()} == {
            kept["webhook_secrets"][0]
        }
        assert result.exit_code == 0, told(result)
        assert "strongest" in told(result)

    def test_the_journal_keeps_who_did_it_and_nothing_secret(
        self, room: Room, store: ModelStore
    ) -> None:
        invoke("uk", "--by", "maria", "--why", "a new shop", typed=f"{KEY}\n{SECRET}\n")

        credentials, webhooks = kept_of("uk")
        fields = "consumer_key, consumer_secret, webhook_secrets"
        assert credentials == ("maria", f"uk got credentials ({fields}), by maria: a new shop")
        assert webhooks[0] == "maria"
        assert webhooks[1].startswith("uk got webhooks (")

        invoke("uk", "--by", "olivia", typed="\n\n")
        assert len(kept_of("uk")) == 2  # nothing was done

    def test_a_webhook_secret_is_made_where_there_is_none_and_else_kept(
        self, room: Room, store: ModelStore
    ) -> None:
        before = held(room, "store/uk")["webhook_secrets"]
        invoke("uk", typed=f"{KEY}\n{SECRET}\n")
        assert held(room, "store/uk")["webhook_secrets"] == before

        room.keep_secret("store/uk", {})
        invoke("uk", typed=f"{KEY}\n{SECRET}\n")
        (made,) = held(room, "store/uk")["webhook_secrets"]
        assert len(made) == 50

    def test_nothing_secret_is_shown(self, room: Room, store: ModelStore) -> None:
        room.keep_secret("store/uk", {})
        result = invoke("uk", typed=f"{KEY}\n{SECRET}\n")

        (made,) = held(room, "store/uk")["webhook_secrets"]
        for each in (KEY, SECRET, made):
            assert each not in told(result)

    def test_what_is_there_already_may_stay(self, room: Room, store: ModelStore) -> None:
        before = held(room, "store/uk")

        assert invoke("uk", typed="\n\n").exit_code == 0
        assert held(room, "store/uk") == before

    @pytest.mark.parametrize("form", ["toml", "json", "several", "stdin"])
    def test_the_key_may_come_from_a_file(
        self, room: Room, store: ModelStore, tmp_path: Path, form: str
    ) -> None:
        fields = {"consumer_key": KEY, "consumer_secret": SECRET, "checkout_secrets": ["co"]}
        whole = {"store/uk": fields, "erp/main": {"key": "k"}} if form == "several" else fields
        file = tmp_path / ("key.toml" if form == "toml" else "key.json")
        lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
        file.write_text("\n".join(lines) if form == "toml" else json.dumps(whole))
        file.chmod(0o600)

        source, typed = ("-", json.dumps(fields)) if form == "stdin" else (str(file), None)
        result = invoke("uk", "--from", source, typed=typed)

        assert result.exit_code == 0, told(result)
        kept = held(room, "store/uk")
        assert (kept["consumer_key"], kept["checkout_secrets"]) == (KEY, ["co"])
        assert "others on this machine" not in told(result)

    def test_a_file_that_others_may_read_is_said_so(
        self, room: Room, store: ModelStore, tmp_path: Path
    ) -> None:
        file = tmp_path / "key.json"
        file.write_text(json.dumps({"consumer_key": KEY, "consumer_secret": SECRET}))
        file.chmod(0o644)

        assert "others on this machine may read" in told(invoke("uk", "--from", str(file)))

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"consumer_key": KEY, "consumer_secret": SECRET, "passwort": "x1"}, "has passwort"),
            ({"consumer_key": [KEY], "consumer_secret": SECRET}, "consumer_key of"),
            ({"checkout_secrets": [1]}, "must be a text, or a list of texts"),
            ({"erp/main": {"key": "k"}}, "has no table for 'store/uk'"),
        ],
    )
    def test_a_file_that_is_wrong_is_refused_and_not_shown(
        self,
        room: Room,
        store: ModelStore,
        tmp_path: Path,
        fields: dict[str, Any],
        said: str,
    ) -> None:
        file, before = tmp_path / "key.json", held(room, "store/uk")
        file.write_text(json.dumps(fields))

        result = invoke("uk", "--from", str(file))

        assert isinstance(result.exception, AccordError)
        assert said in str(result.exception)
        assert KEY not in str(result.exception)
        assert held(room, "store/uk") == before

    def test_a_field_that_lacks_is_named(
        self, room: Room, store: ModelStore, tmp_path: Path
    ) -> None:
        room.keep_secret("store/uk", {})
        file = tmp_path / "key.json"
        file.write_text(json.dumps({"consumer_key": KEY}))

        result = invoke("uk", "--from", str(file))

        assert "lacks consumer_secret" in str(result.exception)

    @pytest.mark.parametrize(
        "error",
        [UnauthorizedError("401", connection="uk"), UnavailableError("no such host")],
    )
    def test_a_key_that_does_not_let_us_in_is_not_kept(
        self, room: Room, store: ModelStore, monkeypatch: pytest.MonkeyPatch, error: AccordError
    ) -> None:
        def refuse(**_: Any) -> Any:
            raise error

        before = held(room, "store/uk")
        monkeypatch.setattr(store, "setup", refuse)

        assert invoke("uk", typed=f"{KEY}\n{SECRET}\n").exception is error
        assert held(room, "store/uk") == before

    def test_a_key_that_may_only_read_is_not_kept(
        self, room: Room, store: ModelStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = dataclasses.replace(store.setup(now=bootstrap.now()), may_write=False)
        before = held(room, "store/uk")
        monkeypatch.setattr(store, "setup", lambda **_: found)

        result = invoke("uk", typed=f"{KEY}\n{SECRET}\n")

        assert "Read/Write" in str(result.exception)
        assert held(room, "store/uk") == before
        assert topics(store) == set()

    def test_what_lacks_is_said_with_a_remedy_and_ends_with_one(
        self, room: Room, store: ModelStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, clock = store.setup, bootstrap.now() + dt.timedelta(hours=1)

        def elsewhere(**options: Any) -> Any:
            return dataclasses.replace(real(**options), home="https://other.example", clock=clock)

        monkeypatch.setattr(store, "setup", elsewhere)

        result = invoke("uk", "--json", typed=f"{KEY}\n{SECRET}\n")

        assert result.exit_code == 1
        found = {each["topic"]: each for each in json.loads(result.stdout)}
        assert found["home"]["severity"] == "error"
        assert "[stores.uk]" in found["home"]["remedy"]
        assert "NTP" in found["clock"]["remedy"]
        assert held(room, "store/uk")["consumer_key"] == KEY

    def test_webhooks_are_left_alone_on_request_and_are_then_missing(
        self, room: Room, store: ModelStore
    ) -> None:
        result = invoke("uk", "--no-webhooks", typed=f"{KEY}\n{SECRET}\n")

        assert result.exit_code == 1
        assert topics(store) == set()
        assert "no webhook tells of it" in told(result)

    def test_a_user_who_may_not_make_webhooks_is_said_so(
        self, room: Room, store: ModelStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(**_: Any) -> Any:
            raise UnauthorizedError("403", connection="uk")

        monkeypatch.setattr(store, "create_hook", refuse)

        result = invoke("uk", typed=f"{KEY}\n{SECRET}\n")

        assert result.exit_code == 1
        assert "shop manager" in told(result)

    @pytest.mark.parametrize("typed", [None, f"{KEY}\n"], ids=["at once", "half way"])
    def test_who_breaks_off_leaves_all_as_it_was(
        self, room: Room, store: ModelStore, typed: str | None
    ) -> None:
        room.keep_secret("store/uk", {"webhook_secrets": ["w"]})

        assert invoke("uk", typed=typed).exit_code != 0
        assert held(room, "store/uk") == {"webhook_secrets": ["w"]}

    def test_what_waited_for_a_good_key_goes_on(self, room: Room, store: ModelStore) -> None:
        connections.board().put(CIRCUITS, "uk:unauthorized", lambda _: {"until": "2099"})

        invoke("uk", typed=f"{KEY}\n{SECRET}\n")

        assert "uk:unauthorized" not in connections.board().table(CIRCUITS, fresh=True)


class TestAStoreThatHandsItsKeyOver:
    """On WooCommerce's own page, which posts the key to the deployed function."""

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        uk = config["stores"]["uk"]
        uk["flows"] = dict.fromkeys(uk["flows"], "off") | {"orders": "on"}
        return config

    @pytest.fixture
    def shop(
        self, run: Handler, room: Room, store: ModelStore, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., None]:
        """``shop(consumer_key=…)``: what it posts, once somebody opened the page and allowed it."""
        links: list[str] = []

        def page(home: str, *, callback: str, secret: str) -> str:
            links.append(granting.page(home, callback=callback, secret=secret))
            return links[-1]

        def posts(**changes: Any) -> None:
            def pause(_: float) -> None:
                asked = dict(parse_qsl(urlsplit(links[-1]).query))
                assert asked["callback_url"] == f"{PUBLIC}/stores/uk/keys"
                key = {"consumer_key": KEY, "consumer_secret": SECRET, **changes}
                body = {"key_id": 1, "user_id": asked["user_id"], **key}
                granted = EVENTS / "receive_store_keys" / "granted.json"
                event = json.loads(granted.read_text(encoding="utf-8"))
                run("receive_store_keys", {**event, "body": json.dumps(body)})

            monkeypatch.setattr(connect.time, "sleep", pause)

        monkeypatch.setattr(connect, "offers", lambda _: True)
        monkeypatch.setattr(connect, "page", page)
        return posts

    def test_nobody_types_or_sees_the_key(self, room: Room, shop: Callable[..., None]) -> None:
        shop()

        result = invoke("uk")

        assert result.exit_code == 0, told(result)
        kept = held(room, "store/uk")
        assert (kept["consumer_key"], kept["consumer_secret"]) == (KEY, SECRET)
        assert "hands over a REST key" in told(result)
        assert "https://store.example/wc-auth/v1/authorize?" in told(result)
        assert KEY not in told(result)
        assert SECRET not in told(result)

    def test_a_key_that_somebody_else_posted_opens_nothing_and_is_not_kept(
        self,
        room: Room,
        store: ModelStore,
        shop: Callable[..., None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def refuse(**_: Any) -> Any:
            raise UnauthorizedError("401", connection="uk")

        shop(consumer_key="ck_of_somebody_else")
        monkeypatch.setattr(store, "setup", refuse)
        before = held(room, "store/uk")

        assert isinstance(invoke("uk").exception, UnauthorizedError)
        assert held(room, "store/uk") == before

    def test_who_breaks_off_or_waits_in_vain_changed_nothing(
        self, room: Room, shop: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def break_off(_: float) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(connect.time, "sleep", break_off)
        before = held(room, "store/uk")

        result = invoke("uk")

        assert (result.exit_code, held(room, "store/uk")) == (1, before)
        assert "nothing came of it" in told(result)

    @pytest.mark.parametrize("how", [["--typed"], ["--url", "http://127.0.0.1:8000"]])
    def test_it_can_be_typed_and_must_be_where_no_store_can_post_to(
        self, room: Room, shop: Callable[..., None], how: list[str]
    ) -> None:
        result = invoke("uk", *how, typed=f"{KEY}\n{SECRET}\n")

        assert "can be had from here" in told(result)
        assert held(room, "store/uk")["consumer_key"] == KEY


class TestAStoreThatIsNotOn:
    """No flow of it is on yet."""

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        uk = config["stores"]["uk"]
        uk["flows"] = dict.fromkeys(uk["flows"], "off") | {"orders": "shadow"}
        return config

    def test_the_key_is_kept_and_webhooks_are_for_later(
        self, room: Room, store: ModelStore
    ) -> None:
        result = invoke("uk", typed=f"{KEY}\n{SECRET}\n")

        assert held(room, "store/uk")["consumer_key"] == KEY
        assert topics(store) == set()
        assert "no flow is on" in told(result)


def test_a_name_that_is_nobodys_is_said_so_with_those_there_are(room: Room) -> None:
    result = invoke("elsewhere")

    assert result.exit_code == 1
    assert "uk" in told(result)
    assert "main" in told(result)
