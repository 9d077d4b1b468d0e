"""A store posts a key: kept for the operator who asked, refused otherwise, and never logged."""

import json
from typing import Any

import pytest

from accord import bootstrap
from accord.bootstrap import tables
from accord.errors import UnavailableError
from accord.sync import store_keys
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import Handler, metrics

FUNCTION = "receive_store_keys"
EVENT: dict[str, Any] = json.loads((EVENTS / FUNCTION / "granted.json").read_text(encoding="utf-8"))
BODY: dict[str, Any] = json.loads(EVENT["body"])
KEY = {name: BODY[name] for name in store_keys.FIELDS}


def asked() -> None:
    store_keys.begin(tables.consents(), "uk", clock=bootstrap.now, secret=BODY["user_id"])


def taken() -> dict[str, str] | None:
    secret = BODY["user_id"]
    return store_keys.take(tables.consents(), "uk", clock=bootstrap.now, secret=secret)


def test_a_key_that_was_asked_for_is_kept_for_who_asked(run: Handler, room: Room) -> None:
    asked()

    assert run(FUNCTION, EVENT) == {"statusCode": 200, "body": ""}
    assert taken() == KEY


def test_a_key_that_nobody_asked_for_is_turned_away_and_counted(
    run: Handler, room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    """The store then takes it back, and says so to whoever sits before its page."""
    assert run(FUNCTION, EVENT)["statusCode"] == 401
    assert metrics(capsys.readouterr().out) == {"StoreKeysRejected": 1}


@pytest.mark.parametrize("body", ["", "[]", "null", "{", "[" * 100_000, "\ud800", None])
def test_what_is_no_key_is_turned_away(run: Handler, room: Room, body: str | None) -> None:
    asked()

    assert run(FUNCTION, {**EVENT, "body": body})["statusCode"] == 401
    assert taken() is None


def test_a_body_that_no_store_posts_is_not_looked_into(run: Handler, room: Room) -> None:
    asked()

    large = json.dumps({**BODY, "more": "x" * 4096})
    assert run(FUNCTION, {**EVENT, "body": large})["statusCode"] == 401
    assert taken() is None
    assert run(FUNCTION, EVENT)["statusCode"] == 200  # it spent nothing


@pytest.mark.parametrize("path", [{"store": "elsewhere"}, {}, None])
def test_an_unknown_store_is_not_found(
    run: Handler, room: Room, path: dict[str, str] | None
) -> None:
    asked()

    assert run(FUNCTION, {**EVENT, "pathParameters": path})["statusCode"] == 404


def test_without_the_table_the_store_takes_its_key_back(
    run: Handler, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function fails, which API Gateway answers with 500."""

    class Away:
        def get(self, *_: object, **__: object) -> None:
            raise UnavailableError("DynamoDB does not answer")

    monkeypatch.setattr(tables, "consents", Away)

    with pytest.raises(UnavailableError):
        run(FUNCTION, EVENT)


def test_nothing_of_a_key_is_logged(
    run: Handler, room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    asked()
    for _ in range(2):
        run(FUNCTION, EVENT)
    run(FUNCTION, {**EVENT, "body": json.dumps({**BODY, "consumer_key": "ck_other"})})

    out = capsys.readouterr().out
    assert "received" in out
    for each in (*KEY.values(), "ck_other", BODY["user_id"]):
        assert each not in out
