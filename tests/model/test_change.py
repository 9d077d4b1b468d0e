"""A change on its way through a queue."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.model.change import VERSION, Change, Ref

SEEN_AT = dt.datetime(2026, 11, 22, 12, 30, 1, 250_000, tzinfo=dt.UTC)

NAMES = st.text(st.characters(codec="utf-8", exclude_characters=":"), min_size=1, max_size=8)
IDS = st.text(st.characters(codec="utf-8"), max_size=8)
MOMENTS = st.datetimes(timezones=st.just(dt.UTC))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(IDS, inner, max_size=3),
    max_leaves=8,
)
CHANGES = st.builds(
    Change,
    ref=st.builds(Ref, NAMES, NAMES, IDS),
    event=NAMES,
    seen_at=MOMENTS,
    correlation_id=IDS,
    modified_at=st.none() | MOMENTS,
    digest=IDS,
    document=st.none() | st.dictionaries(IDS, JSON, max_size=3),
    replay=IDS,
)


def change(**changes: Any) -> Change:
    whole: dict[str, Any] = {
        "ref": Ref("uk", "order", "30"),
        "event": "order_created",
        "seen_at": SEEN_AT,
        "correlation_id": "c1",
        "modified_at": dt.datetime(2026, 11, 22, 12, 30, tzinfo=dt.UTC),
        "digest": "d1",
        "document": {"id": 30, "total": "12.00"},
    }
    return Change(**{**whole, **changes})


def message(**changes: Any) -> str:
    """The wire form with other values; a value of ... takes the key away."""
    data = {**json.loads(change().to_json()), **changes}
    return json.dumps({key: value for key, value in data.items() if value is not ...})


# --- refs ---------------------------------------------------------------------------


def test_a_message_about_something_that_is_no_ref_is_none() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        Change.from_json('{"ref":1,"event":"order_created","seen_at":"2026-11-22T16:00:00+00:00"}')


def test_a_ref_reads_as_its_three_parts() -> None:
    assert str(Ref("uk", "order", "30")) == "uk:order:30"


@given(st.builds(Ref, NAMES, NAMES, IDS))
def test_a_ref_reads_back(ref: Ref) -> None:
    assert Ref.parse(str(ref)) == ref


def test_an_id_may_hold_the_sign_between_the_parts() -> None:
    assert Ref.parse("main:party_key:email:abc") == Ref("main", "party_key", "email:abc")


@pytest.mark.parametrize("text", ["", "uk", "uk:order"])
def test_less_than_three_parts_are_no_ref(text: str) -> None:
    with pytest.raises(ValueError, match="unpack"):
        Ref.parse(text)


# --- the message ----------------------------------------------------------------------


@given(CHANGES)
def test_a_change_survives_the_queue(sent: Change) -> None:
    assert Change.from_json(sent.to_json()) == sent


def test_moments_keep_their_zone() -> None:
    assert Change.from_json(change().to_json()).seen_at.utcoffset() == dt.timedelta(0)


def test_the_message_says_its_version() -> None:
    assert json.loads(change().to_json())["v"] == VERSION


def test_what_a_later_release_adds_is_passed_over() -> None:
    assert Change.from_json(message(v=VERSION + 1, added={"a": 1})) == change()


@pytest.mark.parametrize("key", ["modified_at", "digest", "replay", "document", "correlation_id"])
def test_what_an_earlier_release_did_not_say_has_a_default(key: str) -> None:
    read = Change.from_json(message(**{key: ...}))

    assert not getattr(read, key)


@pytest.mark.parametrize("key", ["ref", "event", "seen_at"])
def test_a_message_without_what_it_is_about_is_none(key: str) -> None:
    with pytest.raises(KeyError, match=key):
        Change.from_json(message(**{key: ...}))


@pytest.mark.parametrize("text", ["", "{", "not json"])
def test_what_is_not_json_is_no_change(text: str) -> None:
    with pytest.raises(ValueError, match="Expecting"):
        Change.from_json(text)


# --- its document ---------------------------------------------------------------------


def test_the_document_stays_out_of_the_logs() -> None:
    assert "12.00" not in repr(change())


def test_without_its_document_it_is_read_anew() -> None:
    bare = change().without_document()

    assert (bare.document, bare.digest) == (None, "")
    assert (bare.ref, bare.modified_at) == (change().ref, change().modified_at)
