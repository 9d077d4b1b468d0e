"""The provider's token endpoint over HTTP: what goes there, and what an answer means for us."""

import dataclasses
import datetime as dt
import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import parse_qsl

import httpx
import pytest

from accord.errors import (
    AccordError,
    BadInputError,
    NoConsentError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)
from accord.http import all_sent
from accord.oauth import IdentityClient, consent_url
from accord.ports.tokens import Grant, Listed, OAuth, Tenant, TenantList

SECRET = {"client_id": "an-app", "client_secret": "app-secret-value"}
OAUTH = OAuth(
    title="The books",
    authorize_url="https://login.books.example/authorize?audience=x",
    token_url="https://identity.books.example/connect/token",
    scopes=("a", "offline_access"),
    lapses=dt.timedelta(days=60),
    tenants=TenantList(
        url="https://api.books.example/connections", id="tenantId", name="tenantName"
    ),
)
GOOD = {
    "access_token": "at-1",
    "refresh_token": "rt-1",
    "expires_in": 1800,
    "token_type": "Bearer",
    "scope": "a offline_access",
}
Answer = Callable[[httpx.Request], httpx.Response]


def client_of(answer: Answer, oauth: OAuth = OAUTH) -> IdentityClient:
    return IdentityClient.connect("books", oauth, SECRET, transport=httpx.MockTransport(answer))


def answering(status: int, **more) -> IdentityClient:
    return client_of(lambda _: httpx.Response(status, **more))


def failing(error: Exception) -> IdentityClient:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return client_of(answer)


def test_a_refresh_token_goes_in_the_body_and_the_app_in_a_header() -> None:
    seen: list[httpx.Request] = []
    client = client_of(lambda request: seen.append(request) or httpx.Response(200, json=GOOD))

    grant = client.renew("rt-0")

    (request,) = seen
    assert str(request.url) == OAUTH.token_url
    assert dict(parse_qsl(request.content.decode())) == {
        "grant_type": "refresh_token",
        "refresh_token": "rt-0",
    }
    scheme, _, pair = request.headers["authorization"].partition(" ")
    assert (scheme, b64decode(pair)) == ("Basic", b"an-app:app-secret-value")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert grant == Grant(
        access="at-1",
        refresh="rt-1",
        lasts=dt.timedelta(minutes=30),
        scopes=("a", "offline_access"),
    )


def test_a_code_goes_with_its_verifier_and_where_it_was_led_to() -> None:
    seen: list[httpx.Request] = []
    client = client_of(lambda request: seen.append(request) or httpx.Response(200, json=GOOD))

    client.exchange("a&code", verifier="v", redirect="https://hooks.example/callback")

    assert dict(parse_qsl(seen[0].content.decode())) == {
        "grant_type": "authorization_code",
        "code": "a&code",
        "code_verifier": "v",
        "redirect_uri": "https://hooks.example/callback",
    }


def test_a_provider_without_pkce_is_shown_no_verifier() -> None:
    seen: list[httpx.Request] = []
    client = client_of(
        lambda request: seen.append(request) or httpx.Response(200, json=GOOD),
        dataclasses.replace(OAUTH, pkce=False),
    )

    client.exchange("c", verifier="v", redirect="r")

    assert b"verifier" not in seen[0].content


def test_the_access_token_opens_the_list_of_organisations() -> None:
    rows = [{"tenantId": "t-1", "tenantName": "Shop", "more": 1}, {"tenantId": "t-2"}]
    seen: list[httpx.Request] = []
    client = client_of(lambda request: seen.append(request) or httpx.Response(200, json=rows))

    assert client.tenants("at-1") == Listed((Tenant("t-1", "Shop"), Tenant("t-2", "")))
    assert seen[0].headers["authorization"] == "Bearer at-1"
    assert str(seen[0].url) == "https://api.books.example/connections"


def test_only_organisations_of_the_kind_that_is_meant_are_listed() -> None:
    rows = [{"tenantId": "t-1", "tenantType": "PRACTICE"}, {"tenantId": "t-2", "tenantType": "ORG"}]
    assert OAUTH.tenants is not None
    meant = dataclasses.replace(OAUTH.tenants, where={"tenantType": "ORG"})

    client = client_of(
        lambda _: httpx.Response(200, json=rows), dataclasses.replace(OAUTH, tenants=meant)
    )

    assert client.tenants("at") == Listed((Tenant("t-2", ""),))


def _token(claims: object) -> str:
    text = json.dumps(claims).encode()
    return f"e30.{urlsafe_b64encode(text).rstrip(b'=').decode()}.signature"


@pytest.mark.parametrize(
    ("token", "picked"),
    [
        (_token({"event": "e-2"}), (Tenant("t-2", "New"),)),
        (_token({"event": "e-9"}), ()),
        (_token({"event": 7}), ()),
        (_token({"event": ""}), ()),
        (_token({}), ()),
        (_token([]), ()),
        ("opaque", ()),
        ("a.b.c", ()),
        ("a..c", ()),
    ],
)
def test_what_was_picked_with_this_consent_is_told_by_its_token_or_not_at_all(token, picked):
    assert OAUTH.tenants is not None
    told = dataclasses.replace(OAUTH.tenants, event="of", claim="event")
    rows = [
        {"tenantId": "t-1", "tenantName": "Old", "of": "e-1"},
        {"tenantId": "t-2", "tenantName": "New", "of": "e-2"},
        {"tenantId": "t-3", "tenantName": "No event"},
        {"tenantId": "t-4", "tenantName": "Empty", "of": ""},
    ]
    client = client_of(
        lambda _: httpx.Response(200, json=rows), dataclasses.replace(OAUTH, tenants=told)
    )

    found = client.tenants(token)

    assert len(found.tenants) == 4
    assert found.picked == picked


@pytest.mark.parametrize("lacks", ["client_id", "client_secret"])
def test_a_secret_without_the_app_waits_for_its_mend(lacks: str) -> None:
    with pytest.raises(UnauthorizedError, match=f"lacks {lacks}") as raised:
        IdentityClient.connect("books", OAUTH, {**SECRET, lacks: ""})

    assert raised.value.connection == "books"


@pytest.mark.parametrize(
    ("status", "more", "kind"),
    [
        (400, {"json": {"error": "invalid_grant"}}, NoConsentError),
        (400, {"json": {"error": "unauthorized_client"}}, UnauthorizedError),
        (401, {"json": {"error": "invalid_client"}}, UnauthorizedError),
        (400, {"text": "no"}, UnavailableError),
        (403, {"text": "<html>"}, UnavailableError),
        (400, {"json": {"error": "<script>"}}, UnavailableError),
        (404, {"text": "moved"}, UnavailableError),
        (302, {"headers": {"location": "https://evil.example"}}, UnavailableError),
        (429, {"headers": {"Retry-After": "7"}}, RateLimitedError),
        (408, {}, UnavailableError),
        (500, {}, UnavailableError),
        (503, {"json": {"error": "invalid_grant"}}, UnavailableError),
        (200, {"text": ""}, UnavailableError),
        (200, {"json": {**GOOD, "expires_in": 0}}, UnavailableError),
        (200, {"json": {**GOOD, "expires_in": 1.5}}, UnavailableError),
        (200, {"json": {**GOOD, "token_type": None}}, UnavailableError),
        (200, {"json": {**GOOD, "access_token": 1}}, UnavailableError),
        (200, {"content": b'"' + b"x" * 300_000 + b'"'}, UnavailableError),
    ],
)
def test_each_failure_has_its_place(status: int, more: dict, kind: type[AccordError]) -> None:
    with pytest.raises(kind) as raised:
        answering(status, **more).renew("rt-0")

    assert type(raised.value) is kind
    assert getattr(raised.value, "connection", "books") == "books"


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("late"), False),
        (httpx.ReadTimeout("late"), True),
        (httpx.RemoteProtocolError("cut"), True),
    ],
)
def test_no_answer_is_unavailable_and_says_whether_it_may_have_rotated(error, sent: bool) -> None:
    with pytest.raises(UnavailableError) as raised:
        failing(error).renew("rt-0")

    assert (raised.value.sent, raised.value.connection) == (sent, "books")


def test_a_token_that_never_seems_to_end_is_taken_for_a_year() -> None:
    assert answering(200, json={**GOOD, "expires_in": 10**30}).renew("r").lasts.days == 366


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(400, json={"error": "invalid_grant", "error_description": "rt-secret-1"}),
        httpx.Response(401, json={"error": "invalid_client", "hint": "app-secret-value"}),
        httpx.Response(500, text="rt-secret-1 app-secret-value"),
        httpx.Response(404, text="rt-secret-1 app-secret-value"),
        httpx.Response(200, json={"access_token": "at-secret-2"}),
        httpx.Response(200, text="at-secret-2"),
    ],
)
def test_no_error_holds_what_was_sent_or_answered(answer: httpx.Response) -> None:
    with pytest.raises(AccordError) as raised:
        client_of(lambda _: answer).renew("rt-secret-1")

    told = f"{raised.value!r} {vars(raised.value)}"
    assert not [each for each in ("rt-secret-1", "app-secret-value", "at-secret-2") if each in told]


def test_a_grant_shows_no_token() -> None:
    shown = repr(Grant(access="at-1", refresh="rt-1", lasts=dt.timedelta(minutes=30)))

    assert "at-1" not in shown
    assert "rt-1" not in shown


def test_a_sign_in_is_none_of_the_calls_that_the_back_office_counts() -> None:
    before = all_sent()

    answering(200, json=GOOD).renew("rt-0")

    assert all_sent() - before == {"books:sign-in": 1}


def test_what_an_address_asks_for_already_stays() -> None:
    page = consent_url(OAUTH, client_id="i", redirect="r", state="s", verifier="v")
    assert page.startswith("https://login.books.example/authorize?audience=x&response_type=code&")


def test_a_stand_in_has_everything_at_its_own_address() -> None:
    here = OAUTH.at("http://127.0.0.1:9000/anything")

    assert here.authorize_url == "http://127.0.0.1:9000/authorize?audience=x"
    assert here.token_url == "http://127.0.0.1:9000/connect/token"
    assert here.tenants is not None
    assert here.tenants.url == "http://127.0.0.1:9000/connections"
    assert dataclasses.replace(OAUTH, tenants=None).at("http://127.0.0.1:9000").tenants is None


def test_a_provider_inside_our_own_network_is_sent_nothing() -> None:
    inside = dataclasses.replace(OAUTH, token_url="https://127.0.0.1/connect/token")
    client = IdentityClient.connect("books", inside, SECRET, timeout=2)

    with pytest.raises(BadInputError, match="no public address"):
        client.renew("rt-0")
