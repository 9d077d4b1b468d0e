"""Odoo's own ways in which a call can fail, over both interfaces, and what we call them."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from accord.erp.odoo.adapter import Odoo
from accord.erp.odoo.client import Client
from accord.errors import (
    AccordError,
    BadInputError,
    DisagreementError,
    RejectedError,
    TransientError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedError,
)
from accord.http import http_client
from accord.local.odoo import FakeOdoo
from accord.local.odoo.faults import OdooError, access_error, user_error
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.model.item import ItemDocument
from tests.erp.odoo.conftest import Clock, connected, connection, furnished

Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer, *, api: Any = "json-rpc", key: str = "an-api-key") -> Client:
    http = http_client("https://erp.example", timeout=2, transport=httpx.MockTransport(answer))
    return Client(http, connection="main", database="shopdb", user="connector", key=key, api=api)


def failing(odoo: FakeOdoo, name: str, message: str = "it says why") -> FakeOdoo:
    def fail(_: str) -> httpx.Response | None:
        raise OdooError(name, message)

    odoo.hook = fail
    return odoo


@pytest.fixture(params=["json-rpc", "json-2"])
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def odoo(clock: Clock) -> FakeOdoo:
    return furnished(clock, 19)


def read(of: Client) -> Any:
    return of.search_read("res.company", [], ["name"])


def test_a_call_returns_what_the_method_returned(odoo: FakeOdoo, api: str) -> None:
    assert read(client(odoo, api=api)) == [{"id": 1, "name": "My Company"}]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("odoo.exceptions.UserError", RejectedError),
        ("odoo.exceptions.ValidationError", RejectedError),
        ("odoo.exceptions.MissingError", RejectedError),
        ("odoo.exceptions.AccessError", UnauthorizedError),
        ("odoo.exceptions.AccessDenied", UnauthorizedError),
        ("odoo.http.SessionExpiredException", UnauthorizedError),
        ("psycopg2.OperationalError", UnavailableError),
        ("psycopg2.errors.SerializationFailure", TransientError),
        ("builtins.ValueError", UnsupportedError),
        ("builtins.AttributeError", UnsupportedError),
    ],
)
def test_each_class_of_odoos_errors_is_one_of_ours(
    odoo: FakeOdoo, api: str, name: str, error: type[AccordError]
) -> None:
    with pytest.raises(error, match="main"):
        read(client(failing(odoo, name), api=api))


def test_a_database_that_is_away_is_waited_for(odoo: FakeOdoo, api: str) -> None:
    """JSON-2 answers as if there were none of that name: seen on a 19.0 without its PostgreSQL."""
    odoo.away = 'connection to server at "db.example", port 5432 failed: Connection refused'

    with pytest.raises(UnavailableError, match="Connection refused") as caught:
        read(client(odoo, api=api))

    assert caught.value.sent is False


def test_what_odoo_answered_itself_took_no_effect(odoo: FakeOdoo, api: str) -> None:
    with pytest.raises(UnavailableError) as caught:
        read(client(failing(odoo, "psycopg2.OperationalError"), api=api))

    assert caught.value.sent is False


def test_rights_that_lack_say_nothing_about_the_connection(odoo: FakeOdoo, api: str) -> None:
    def fail(_: str) -> httpx.Response | None:
        raise access_error("You are not allowed")

    odoo.hook = fail
    with pytest.raises(UnauthorizedError) as caught:
        read(client(odoo, api=api))

    assert caught.value.is_narrow


def test_a_buyers_credit_that_is_used_up_is_for_finance(odoo: FakeOdoo, api: str) -> None:
    def fail(_: str) -> httpx.Response | None:
        raise user_error("Maria has reached its Credit Limit of: 100")

    odoo.hook = fail
    with pytest.raises(DisagreementError) as caught:
        read(client(odoo, api=api))

    assert (caught.value.reason, caught.value.owner) == ("credit_hold", "finance")


def test_a_user_without_an_address_is_told_of_with_the_remedy(odoo: FakeOdoo, api: str) -> None:
    said = "Unable to send message, please configure the sender's email address."

    with pytest.raises(UnauthorizedError, match="give the user of the API key an e-mail"):
        read(client(failing(odoo, "odoo.exceptions.UserError", said), api=api))


def test_a_wrong_key_is_refused(odoo: FakeOdoo, api: str) -> None:
    with pytest.raises(UnauthorizedError, match="API key") as caught:
        read(client(odoo, api=api, key="another-key"))

    assert caught.value.is_login


def test_a_session_that_it_misses_is_no_refused_key(odoo: FakeOdoo, api: str) -> None:
    with pytest.raises(UnauthorizedError) as caught:
        read(client(failing(odoo, "odoo.http.SessionExpiredException"), api=api))

    assert not caught.value.is_login


def test_a_host_that_hides_the_database_from_json_2_is_named(odoo: FakeOdoo) -> None:
    def hidden(request: httpx.Request) -> httpx.Response:
        is_rpc = request.url.path == "/jsonrpc"
        return odoo(request) if is_rpc else httpx.Response(404, text="<!doctype html>")

    with pytest.raises(UnauthorizedError, match="no Odoo answers /json/2 there"):
        read(client(hidden, api="json-2"))


def test_a_key_that_lapsed_while_we_ran_is_refused(odoo: FakeOdoo) -> None:
    of = client(odoo)
    read(of)
    odoo.key = "a-newer-key"

    with pytest.raises(UnauthorizedError):
        read(of)


def test_a_database_that_is_not_there_is_named(odoo: FakeOdoo, api: str) -> None:
    odoo.name = "another"

    with pytest.raises(UnauthorizedError, match=r"no database 'shopdb'; mend options\.database"):
        read(client(odoo, api=api))


def test_no_error_shows_the_key(odoo: FakeOdoo, api: str) -> None:
    name = "odoo.exceptions.UserError"
    with pytest.raises(RejectedError) as caught:
        read(client(failing(odoo, name, "an-api-key is in here"), api=api))

    assert "an-api-key" not in f"{caught.value} {caught.value.body}"


def test_a_login_that_is_not_answered_made_nothing(odoo: FakeOdoo) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if b'"authenticate"' in request.content:
            raise httpx.ReadTimeout("no answer")
        return odoo(request)

    with pytest.raises(UnavailableError) as caught:
        read(client(answer))

    assert caught.value.sent is False


def test_a_body_that_is_no_envelope_is_no_answer() -> None:
    with pytest.raises(UnavailableError, match="as Odoo does"):
        read(client(lambda _: httpx.Response(200, json={"hello": 1})))


def test_a_method_that_returns_nothing_may_leave_its_body_empty() -> None:
    def empty(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200)

    assert client(empty, api="json-2").call("sale.order", "action_quotation_sent", [1]) is None


# --- which interface ------------------------------------------------------------------


@pytest.mark.parametrize(("version", "path"), [(16, "/jsonrpc"), (18, "/jsonrpc"), (19, "/json/2")])
def test_the_interface_is_chosen_by_the_release(clock: Clock, version: int, path: str) -> None:
    odoo, paths = furnished(clock, version), []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return odoo(request)

    of = client(answer, api="auto")
    read(of)
    read(of)

    assert [each.startswith(path) for each in paths[-2:]] == [True, True]


def test_the_release_of_an_online_version_is_understood() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/jsonrpc":
            return httpx.Response(200, json=[])
        version = {"server_version": "saas~19.1+e", "server_version_info": ["saas~19", 1, 0]}
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": version})

    assert read(client(answer, api="auto")) == []


def test_json_2_names_its_arguments_and_keeps_the_key_out_of_the_body(odoo: FakeOdoo) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return odoo(request)

    client(answer, api="json-2").write("res.company", [1], {"name": "Mine"})

    (request,) = seen
    assert request.url.path == "/json/2/res.company/write"
    assert request.headers["Authorization"] == "bearer an-api-key"
    assert request.headers["X-Odoo-Database"] == "shopdb"
    body = json.loads(request.content)
    assert body == {"ids": [1], "vals": {"name": "Mine"}, "context": {"lang": "en_US"}}


def test_names_are_asked_for_in_the_merchants_language(odoo: FakeOdoo) -> None:
    seen: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        return odoo(request)

    transport = httpx.MockTransport(answer)
    Odoo.connect(connection(language="de_DE", api="json-2"), transport=transport).ping()

    assert seen[0]["context"] == {"lang": "de_DE"}


# --- windows, and what load says --------------------------------------------------------


def test_a_window_instead_of_an_act_is_a_refusal(odoo: FakeOdoo, api: str) -> None:
    window = {"type": "ir.actions.act_window", "name": "Create Backorder?", "res_model": "x"}
    body = {"jsonrpc": "2.0", "id": 1, "result": window}
    of = client(odoo, api=api)
    read(of)
    odoo.hook = lambda _: httpx.Response(200, json=body if api == "json-rpc" else window)

    with pytest.raises(RejectedError, match="Create Backorder") as caught:
        of.act("stock.picking", "button_validate", [1])

    assert caught.value.reason == "asks"


def test_a_refused_load_is_an_error(odoo: FakeOdoo, api: str) -> None:
    with pytest.raises(RejectedError, match="mandatory field"):
        client(odoo, api=api).load_once("sale.order", ["id"], [["__accord__.x"]])


def test_four_who_load_one_record_at_once_are_told_to_come_again(odoo: FakeOdoo) -> None:
    message = {"type": "error", "message": "could not serialize access due to concurrent update"}
    answer = {"ids": False, "messages": [message], "nextrow": 0}
    body = {"jsonrpc": "2.0", "id": 1, "result": answer}
    of = client(odoo)
    read(of)
    odoo.hook = lambda _: httpx.Response(200, json=body)

    with pytest.raises(TransientError) as caught:
        of.load_once("res.partner", ["id", "name"], [["__accord__.x", "Maria"]])

    assert caught.value.reason == "contention"
    assert not isinstance(caught.value, UnavailableError)


def test_who_lost_a_race_in_another_language_takes_what_the_other_made(
    odoo: FakeOdoo, api: str
) -> None:
    of = client(odoo, api=api)
    first = of.load_once("res.partner", ["id", "name"], [["__accord__.x", "Maria"]])
    message = {"type": "error", "message": "FEHLER: konnte Zugriff nicht serialisieren"}
    answer: Any = {"ids": False, "messages": [message], "nextrow": 0}
    body = {"jsonrpc": "2.0", "id": 1, "result": answer}

    def refuse(call: str) -> httpx.Response | None:
        if call == "res.partner.load":
            return httpx.Response(200, json=body if api == "json-rpc" else answer)
        return None

    odoo.hook = refuse

    assert of.load_once("res.partner", ["id", "name"], [["__accord__.x", "Maria"]]) == first
    with pytest.raises(RejectedError, match="FEHLER"):
        of.load_once("res.partner", ["id", "name"], [["__accord__.y", "John"]])


def test_refusals_are_in_english_whatever_language_names_are_in(odoo: FakeOdoo) -> None:
    seen: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        seen.append((request.url.path.rpartition("/")[2], body["context"]["lang"]))
        return odoo(request)

    there = connection(language="de_DE", api="json-2")
    erp = Odoo.connect(there, transport=httpx.MockTransport(answer))
    made = erp.create(ItemDocument(code="CUP", name="Tasse", goods=True), key="CUP")
    erp.update_item(made.ref.id, ItemDocument(code="CUP", name="Becher", goods=True))
    erp.archive(Ref("main", Kind.PARTY, str(odoo.call("res.partner", "create", {"name": "M"}))))

    assert {lang for method, lang in seen[:-1] if method != "fields_get"} == {"de_DE"}
    assert seen[-1] == ("write", "en_US")
    assert ("load", "de_DE") in seen
    assert ("write", "de_DE") in seen


def test_what_was_loaded_before_is_left_alone(odoo: FakeOdoo, api: str) -> None:
    of = client(odoo, api=api)
    first = of.load_once("res.partner", ["id", "name"], [["__accord__.x", "Maria"]])
    of.write("res.partner", [first], {"name": "Maria Smith"})

    again = of.load_once("res.partner", ["id", "name"], [["__accord__.x", "Maria"]])

    assert again == first
    assert of.read("res.partner", [first], ["name"])[0]["name"] == "Maria Smith"


# --- connecting -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"database": ""}, "database"),
        ({"user": ""}, "user"),
        ({"api": "xml-rpc"}, "api"),
        ({"databse": "x"}, "databse"),
        ({"language": "German"}, "language"),
        ({"lifecycle": {"Home": "odd"}}, "lifecycle"),
    ],
)
def test_options_that_are_wrong_are_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(BadInputError, match=rf"erps\.main\.options\.{named}"):
        Odoo.connect(connection(**options))


def test_a_secret_without_its_key_is_named() -> None:
    bare = connection()
    bare.secret.clear()  # type: ignore[attr-defined]

    with pytest.raises(UnauthorizedError, match="lacks key, an API key of 'connector'"):
        Odoo.connect(bare)


def test_connecting_sends_nothing(odoo: FakeOdoo) -> None:
    connected(odoo)

    assert odoo.calls == {}
