"""get_document: whoever has the address gets the file, and nobody else learns a thing."""

import base64
import datetime as dt
import json
from typing import Any

import pytest

from accord import bootstrap
from accord.model.progress import Attachment
from accord.ports.state import LARGEST_DOCUMENT
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import Handler

FUNCTION = "get_document"
CASES = sorted(path.stem for path in (EVENTS / FUNCTION).glob("*.json"))
INVOICE = Attachment("Invoice 7/Ö.pdf", "application/pdf", b"%PDF-1.7 \x00\xff")
MOST = 6 * 1024 * 1024  # bytes that a function may answer with


def request(token: str, case: str = "kept") -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / FUNCTION / f"{case}.json").read_text())
    return {**event, "pathParameters": {"token": token}}


@pytest.fixture
def token(room: Room) -> str:
    return keep(INVOICE)


def keep(file: Attachment, *, days_ago: int = 0, days: int = 30) -> str:
    now = dt.datetime.now(dt.UTC) - dt.timedelta(days=days_ago)
    return bootstrap.documents().put("uk:order:30/main:invoice:7", file, now=now, days=days)


@pytest.mark.parametrize("case", CASES)
def test_every_event_is_answered(run: Handler, room: Room, case: str) -> None:
    event = json.loads((EVENTS / FUNCTION / f"{case}.json").read_text())

    assert run(FUNCTION, event)["statusCode"] == 404


def test_the_file_is_answered_as_it_was_printed(run: Handler, token: str) -> None:
    answer = run(FUNCTION, request(token))

    assert answer["statusCode"] == 200
    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]) == INVOICE.data


def test_it_is_answered_with_its_type_and_name_and_kept_by_nobody(run: Handler, token: str) -> None:
    assert run(FUNCTION, request(token))["headers"] == {
        "content-type": "application/pdf",
        "content-disposition": "inline; filename*=UTF-8''Invoice%207%2F%C3%96.pdf",
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }


def test_what_a_browser_would_run_is_saved_and_not_shown(run: Handler, room: Room) -> None:
    token = keep(Attachment("x.html", "text/html", b"<script>alert(1)</script>"))

    answer = run(FUNCTION, request(token))

    assert answer["headers"]["content-disposition"].startswith("attachment; ")


def test_an_unknown_a_lapsed_and_a_revoked_address_are_answered_alike(
    run: Handler, room: Room
) -> None:
    lapsed = keep(INVOICE, days_ago=31)
    revoked = keep(INVOICE)
    bootstrap.documents().revoke(revoked)

    answers = [run(FUNCTION, request(each)) for each in ("A" * 43, lapsed, revoked)]

    assert [answer["statusCode"] for answer in answers] == [404] * 3
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("token", ["", "x", "A" * 42, "A" * 44, "A" * 42 + "/", "A" * 42 + "\n"])
def test_what_is_no_address_is_not_looked_up(
    run: Handler, room: Room, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setattr(bootstrap, "documents", lambda: pytest.fail("was looked up"))

    assert run(FUNCTION, request(token))["statusCode"] == 404


def test_a_request_without_an_address_is_not_found(run: Handler, room: Room) -> None:
    assert run(FUNCTION, {"version": "2.0"})["statusCode"] == 404


def test_while_it_cannot_be_looked_up_the_reader_is_told_when_to_come_again(
    run: Handler, room: Room, token: str
) -> None:
    room.cloud.client("dynamodb").delete_table(TableName=room.tables["control"])

    answer = run(FUNCTION, request(token))

    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "5")


def test_the_log_does_not_show_the_address(
    run: Handler, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(FUNCTION, request(token))

    out = capsys.readouterr().out
    assert "served" in out
    assert token not in out


def test_the_largest_fits_into_an_answer(run: Handler, room: Room) -> None:
    token = keep(Attachment("x.pdf", "application/pdf", bytes(LARGEST_DOCUMENT)))

    answer = run(FUNCTION, request(token))

    assert answer["statusCode"] == 200
    assert len(json.dumps(answer)) < MOST
