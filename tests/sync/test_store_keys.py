"""A key that a store posts: taken once, from whoever was asked, and forgotten when it was used."""

import datetime as dt
from typing import Any

import pytest

from accord.errors import StaleVersionError
from accord.ports.tokens import Consents
from accord.state.memory_tokens import MemoryConsents
from accord.sync import store_keys

START = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
SECRET = "s" * 64
KEY = {"consumer_key": "ck_1", "consumer_secret": "cs_1"}
POSTED = {"key_id": 7, "user_id": SECRET, **KEY, "key_permissions": "read_write"}


class Desk:
    """An operator who asked for a key of the store uk."""

    def __init__(self, consents: Consents | None = None) -> None:
        self.now = START
        self.consents = consents or MemoryConsents()
        store_keys.begin(self.consents, "uk", clock=self.clock, secret=SECRET)

    def clock(self) -> dt.datetime:
        return self.now

    def posted(self, store: str = "uk", **changes: Any) -> bool:
        body = {**POSTED, **changes}
        return store_keys.receive(self.consents, store, body, clock=self.clock)

    def taken(self, store: str = "uk", secret: str = SECRET) -> dict[str, str] | None:
        return store_keys.take(self.consents, store, clock=self.clock, secret=secret)


def test_a_key_that_was_asked_for_is_taken_once() -> None:
    desk = Desk()
    assert desk.taken() is None

    assert desk.posted()

    assert desk.taken() == KEY
    assert desk.taken() is None


def test_the_same_key_told_twice_is_told_once() -> None:
    desk = Desk()

    assert desk.posted()
    assert desk.posted()
    assert desk.taken() == KEY


def test_another_key_does_not_take_its_place() -> None:
    desk = Desk()
    desk.posted()

    assert not desk.posted(consumer_key="ck_2")
    assert not desk.posted(consumer_secret="cs_2")
    assert desk.taken() == KEY
    assert not desk.posted()


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "t" * 64},
        {"user_id": ""},
        {"user_id": None},
        {"user_id": 7},
        {"user_id": [SECRET]},
        {"user_id": "\ud800"},
        {"consumer_key": ""},
        {"consumer_key": None},
        {"consumer_key": ["ck_1"]},
        {"consumer_secret": "c" * 201},
        {"consumer_secret": "cs_ä"},
    ],
)
def test_what_nobody_asked_for_is_refused(changes: dict[str, Any]) -> None:
    desk = Desk()

    assert not desk.posted(**changes)
    assert desk.taken() is None


def test_another_stores_key_is_refused_and_not_given_out() -> None:
    desk = Desk()

    assert not desk.posted("de")
    desk.posted()
    assert desk.taken("de") is None


def test_what_comes_too_late_is_refused_and_a_key_is_not_kept_for_long() -> None:
    late, kept = Desk(), Desk()
    kept.posted()
    for desk in (late, kept):
        desk.now += store_keys.LASTS

    assert not late.posted()
    assert kept.taken() is None


class Racing(MemoryConsents):
    """Somebody else writes between our read and our write."""

    races = False

    def put(self, *values: Any, **options: Any) -> int:
        if self.races:
            raise StaleVersionError("someone wrote since")
        return super().put(*values, **options)


def test_of_two_that_post_at_once_one_is_refused() -> None:
    consents = Racing()
    desk = Desk(consents)
    consents.races = True

    assert not desk.posted()
