"""What a folder of recorded deliveries may hold, and what is said of one that is none."""

import json
from pathlib import Path
from typing import Any

import pytest

from accord.errors import BadInputError
from accord.local.recorded import latest_orders, read, read_all, references
from tests.conftest import capture

RICH = capture("order_created_rich")
HOME = "https://store.example"


def written(folder: Path, name: str = "one", **changes: Any) -> Path:
    """A recorded delivery with some of its parts changed."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps({**RICH, **changes}), encoding="utf-8")
    return path


def body(**changes: Any) -> str:
    """Its order with some fields changed; one that is None is left out."""
    order = {**json.loads(RICH["body"]), **changes}
    return json.dumps({key: value for key, value in order.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"headers": None}, "headers must be an object of texts"),
        ({"headers": {"X-WC-Webhook-ID": 1}}, "headers must be an object of texts"),
        ({"body": 5}, "body must be the exact text"),
        ({"secret": 5}, "secret must be a text"),
    ],
)
def test_what_a_recording_lacks_is_named(
    tmp_path: Path, changes: dict[str, Any], lacks: str
) -> None:
    with pytest.raises(BadInputError, match=lacks):
        read(written(tmp_path, **changes))


@pytest.mark.parametrize("content", [b"[1]", b"{", b"\xff\xfe", b"null"])
def test_a_file_of_anything_else_is_no_recording(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "one.json"
    path.write_bytes(content)

    with pytest.raises(BadInputError, match=r"one\.json is no recorded delivery"):
        read(path)


def test_an_event_of_a_queue_is_no_recording_and_examples_are_named(tmp_path: Path) -> None:
    path = tmp_path / "rich.json"
    path.write_text('{"Records": []}', encoding="utf-8")

    with pytest.raises(BadInputError, match="events/receive_store_webhook has examples"):
        read(path)


def test_a_folder_without_recordings_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no recorded deliveries"):
        read_all(tmp_path)


def test_what_is_no_folder_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is no folder"):
        read_all(written(tmp_path))


@pytest.mark.parametrize(
    "changes",
    [{"currency": None}, {"id": "30x"}, {"total": "abc"}, {"date_modified_gmt": None}],
)
def test_an_order_that_cannot_be_read_is_posted_and_not_compared(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    text = (
        body(**changes) if changes != {"id": "30x"} else body().replace('"id": 30,', '"id": "x",')
    )
    written(tmp_path, body=text)

    recorded = read_all(tmp_path)

    assert references(recorded).currencies == ()
    assert latest_orders(recorded) == {}


def test_a_copy_of_the_shop_is_told_from_the_shop(tmp_path: Path) -> None:
    copied = {"self": [{"href": "https://copy.example/wp-json/wc/v3/orders/30"}]}

    assert read(written(tmp_path)).is_of(HOME)
    assert not read(written(tmp_path, body=body(_links=copied))).is_of(HOME)


def test_without_a_link_the_header_says_whose_it_is(tmp_path: Path) -> None:
    there = {**RICH["headers"], "X-WC-Webhook-Source": "https://copy.example/"}

    assert not read(written(tmp_path, headers=there, body="{}")).is_of(HOME)
