"""What a release could not read is seen, and named."""

from typing import Any

import pytest

from tests.releases.shapes import misfits, shapes_of

Json = dict[str, Any]
GOOD = {"ref": "uk:order:30", "at": "2026-11-22T16:00:00Z", "n": 3, "state": "draft", "why": ""}


@pytest.fixture
def shape() -> Json:
    (found,) = shapes_of([("links/S/order", {"facts": GOOD, **GOOD})]).values()
    return found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"another": 1}, []),
        ({"why": "now it is known"}, []),
        ({"at": None}, ["it/at is null, and was moment"]),
        ({"at": "yesterday"}, ["it/at is text, and was moment"]),
        ({"n": "3"}, ["it/n is number, and was int"]),
        ({"ref": {}}, ["it/ref is object, and was ref"]),
        (
            {"facts": {**GOOD, "state": "lost"}},
            ["it/facts/state is 'lost', a word that it does not know"],
        ),
    ],
)
def test_what_the_release_before_could_not_read_is_named(
    shape: Json, change: Json, said: list[str]
) -> None:
    assert list(misfits({"facts": GOOD, **GOOD, **change}, shape, "it")) == said


def test_a_field_that_is_gone_is_named(shape: Json) -> None:
    less = {name: value for name, value in GOOD.items() if name != "ref"}

    assert list(misfits({"facts": GOOD, **less}, shape, "it")) == ["it/ref is not there any more"]


def test_where_unknown_fields_are_refused_a_new_one_is_named(shape: Json) -> None:
    found = misfits({"facts": GOOD, **GOOD, "another": 1}, {**shape, "closed": True}, "it")

    assert list(found) == ["it/another is new, and it refuses what it does not know"]


def test_what_is_written_into_a_text_is_looked_at_too() -> None:
    (known,) = shapes_of([("control/cursor", {"value": '{"at":"2026-11-22"}'})]).values()

    assert list(misfits({"value": '{"at":7}'}, known, "it")) == ["it/value/at is int, and was date"]
