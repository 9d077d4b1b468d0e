"""Tryton's own ways in which a call can fail, without a server."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from accord.erp.tryton.adapter import Tryton
from accord.erp.tryton.client import Client
from accord.errors import (
    AccordError,
    RateLimitedError,
    RejectedError,
    StaleVersionError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedError,
)
from accord.ports.erp import Connection

RECORDINGS = Path(__file__).with_name("recordings")
SECRET = "hunter2-hunter2"

Reply = httpx.Response | Exception


def recorded(name: str) -> httpx.Response:
    """The answer of a recording."""
    response = json.loads((RECORDINGS / f"{name}.json").read_text())["response"]
    body = response["body"]
    if isinstance(body, str):
        return httpx.Response(response["status"], text=body)
    return httpx.Response(response["status"], json=body)


def answered(result: Any) -> httpx.Response:
    return httpx.Response(200, json={"id": 1, "result": result})


class Server:
    """Logs everyone in, and answers calls with what it was given, in turn."""

    def __init__(self, *replies: Reply, login: Callable[[], Reply] | None = None) -> None:
        self.asked: list[str] = []
        self._replies = list(replies)
        self._login = login or (lambda: recorded("02_login_session"))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        method = json.loads(request.content)["method"]
        self.asked.append(method)
        reply = self._login() if method == "common.db.login" else self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def connected(server: Server) -> Tryton:
    connection = Connection(
        name="main",
        adapter="tryton",
        url="https://erp.example",
        options={"database": "base", "web_shop": "Woo store"},
        secret={"login": "connector", "password": SECRET},
        timeout=Decimal(1),
    )
    return Tryton.connect(connection, transport=httpx.MockTransport(server))


def failed(*replies: Reply) -> AccordError:
    """The error that a ping ends in."""
    with pytest.raises(AccordError) as caught:
        connected(Server(*replies)).ping()
    return caught.value


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (recorded("92_error_database_locked"), UnavailableError),
        (recorded("92_error_row_lock_postgresql"), UnavailableError),
        (recorded("90_error_not_exposed"), UnauthorizedError),
        (recorded("90_error_missing_context"), UnauthorizedError),
        (recorded("90_error_unknown_model"), UnsupportedError),
        (recorded("15_error_party_duplicate_code"), RejectedError),
        (recorded("11_party_write_stale_conflict"), StaleVersionError),
        (httpx.Response(200, json=[1, 2]), UnavailableError),
        (
            httpx.Response(200, json={"error": ["LoginException", ["sms", "Code:", "char"]]}),
            UnauthorizedError,
        ),
    ],
)
def test_a_failed_call_is_one_of_our_errors(reply: Reply, error: type[AccordError]) -> None:
    assert type(failed(reply)) is error


def test_a_login_that_timed_out_made_nothing() -> None:
    server = Server(login=lambda: httpx.ReadTimeout("slow"))

    with pytest.raises(UnavailableError) as caught:
        connected(server).ping()

    assert caught.value.sent is False


def test_an_unknown_database_says_which_option_to_mend() -> None:
    assert "options.database" in str(failed(httpx.Response(404)))


def test_a_wrong_password_is_unauthorised() -> None:
    server = Server(login=lambda: recorded("02_login_bad_password"))

    with pytest.raises(UnauthorizedError) as caught:
        connected(server).ping()
    assert caught.value.is_login  # nobody has to try it once more to be sure


def test_too_many_logins_are_a_matter_of_time() -> None:
    server = Server(login=lambda: httpx.Response(429, headers={"Retry-After": "30"}))

    with pytest.raises(RateLimitedError):
        connected(server).ping()


def test_a_lapsed_session_is_renewed_and_the_call_repeated() -> None:
    preferences = answered({"company": 1})
    server = Server(preferences, answered(1), recorded("02_bad_session"), answered(2))
    tryton = connected(server)
    tryton.ping()

    tryton.ping()

    assert server.asked == [
        "common.db.login",
        "model.res.user.get_preferences",
        "model.res.user.get_preferences",
        "model.res.user.get_preferences",
        "common.db.login",
        "model.res.user.get_preferences",
    ]


def test_a_session_that_is_refused_when_new_is_not_tried_for_ever() -> None:
    server = Server(recorded("02_bad_session"))

    with pytest.raises(UnauthorizedError):
        connected(server).ping()

    assert server.asked.count("common.db.login") == 1


def warned(about: str) -> httpx.Response:
    """A warning as recorded, about something else."""
    body = json.loads((RECORDINGS / "91_user_warning.json").read_text())["response"]["body"]
    body["error"][1][0] = f"e67fd8c6b8452bb85bb71efd90112ca8.{about}"
    return httpx.Response(200, json=body)


def test_a_harmless_warning_is_confirmed_and_the_call_repeated() -> None:
    server = Server(
        answered({"company": 1}),
        warned("invoice_taxes"),
        recorded("91_user_warning_acknowledge"),
        recorded("91_user_warning_retry"),
    )

    connected(server).ping()

    assert server.asked[-2:] == ["model.res.user.warning.skip", "model.res.user.get_preferences"]


def test_several_harmless_warnings_are_confirmed_in_turn() -> None:
    server = Server(
        answered({"company": 1}),
        warned("invoice_date_future"),
        recorded("91_user_warning_acknowledge"),
        warned("invoice_taxes"),
        recorded("91_user_warning_acknowledge"),
        recorded("91_user_warning_retry"),
    )

    connected(server).ping()

    assert server.asked.count("model.res.user.warning.skip") == 2


def test_a_warning_that_comes_again_is_a_refusal() -> None:
    warning = [warned("invoice_taxes"), recorded("91_user_warning_acknowledge")]

    with pytest.raises(RejectedError):
        connected(Server(answered({"company": 1}), *warning, warned("invoice_taxes"))).ping()


def test_a_warning_of_what_a_person_must_weigh_is_a_refusal() -> None:
    server = Server(answered({"company": 1}), recorded("91_user_warning"))

    with pytest.raises(RejectedError, match="a person must confirm it"):
        connected(server).ping()


def test_a_person_clicks_every_warning_away() -> None:
    server = Server(
        recorded("91_user_warning"),
        recorded("91_user_warning_acknowledge"),
        recorded("91_user_warning_retry"),
    )
    http = httpx.Client(transport=httpx.MockTransport(server), base_url="https://erp.example")
    person = Client(
        http, connection="main", database="base", login="x", password="x", confirms_all=True
    )

    person.call("model.product.product.write", [1], {"active": False}, context={})

    assert "model.res.user.warning.skip" in server.asked


def test_a_user_without_a_company_says_what_to_mend() -> None:
    assert "options.company" in str(failed(answered({})))


def test_connecting_sends_nothing() -> None:
    server = Server()

    connected(server)

    assert server.asked == []


def test_a_secret_without_a_password_is_unauthorised() -> None:
    options = {"database": "base", "web_shop": "Woo store"}
    connection = Connection("main", "tryton", "https://erp.example", options, {"login": "x"})

    with pytest.raises(UnauthorizedError, match="password"):
        Tryton.connect(connection)
