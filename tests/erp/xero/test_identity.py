"""Xero's sign-in: what the file says of it, and what its guide says of tokens that rotate."""

import base64
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
import yaml
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from accord.erp.xero.adapter import Xero
from accord.errors import UnauthorizedError
from accord.local.xero.identity import CLIENT_ID, CLIENT_SECRET, FakeIdentity
from accord.local.xero.server import TENANT, FakeXero
from accord.oauth import IdentityClient, challenge
from accord.ports.tokens import Listed, Tenant
from tests.erp.xero.conftest import Clock, connected
from tests.sync.consenting import Provider

SPEC: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "spec" / "xero-identity.yaml").read_text(encoding="utf-8")
)
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
BACK = "https://hooks.example/erps/books/callback"
APP = f"Basic {base64.b64encode(f'{CLIENT_ID}:{CLIENT_SECRET}'.encode()).decode()}"


def schema(name: str, *also: str) -> dict[str, Any]:
    """The file's schema of that name, which refuses unknown fields, but for what it leaves out."""
    found = SPEC["components"]["schemas"][name]
    properties = {**found["properties"], **{each: {"type": "string"} for each in also}}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def check(schema_: dict[str, Any], answer: object) -> None:
    OAS30Validator(schema_, format_checker=oas30_format_checker).validate(answer)


@pytest.fixture
def identity(clock: Clock) -> FakeIdentity:
    return FakeIdentity(clock=clock)


Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(identity: FakeIdentity) -> Ask:
    """POST to the token endpoint."""

    def post(authorization: str = APP, **form: str) -> httpx.Response:
        with httpx.Client(transport=httpx.MockTransport(identity)) as http:
            return http.post(
                "https://identity.xero.com/connect/token",
                data=form,
                headers={"Authorization": authorization},
            )

    return post


def code(identity: FakeIdentity, **changes: str) -> str:
    """What the consent page leads back with."""
    query = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": BACK,
        "scope": "offline_access accounting.contacts",
        "state": "s",
        "code_challenge": challenge(VERIFIER),
        "code_challenge_method": "S256",
        **changes,
    }
    url = identity.decide(f"https://login.xero.com/identity/connect/authorize?{urlencode(query)}")
    return dict(parse_qsl(urlsplit(url).query))["code"]


def exchanged(identity: FakeIdentity, ask: Ask) -> dict[str, Any]:
    answer = ask(
        grant_type="authorization_code",
        code=code(identity),
        redirect_uri=BACK,
        code_verifier=VERIFIER,
    )
    found: dict[str, Any] = answer.json()
    assert answer.status_code == 200, found
    return found


def renewed(ask: Ask, refresh: str) -> httpx.Response:
    return ask(grant_type="refresh_token", refresh_token=refresh)


# --- what the file says ---------------------------------------------------------------


def test_the_adapter_asks_where_the_file_says() -> None:
    flow = SPEC["components"]["securitySchemes"]["OAuth2"]["flows"]["authorizationCode"]
    oauth = Xero.oauth

    assert oauth is not None
    assert (oauth.authorize_url, oauth.token_url) == (flow["authorizationUrl"], flow["tokenUrl"])
    assert oauth.tenants is not None
    # The file spells it with a capital, the guide and the host without.
    assert oauth.tenants.url.lower() == f"{SPEC['servers'][0]['url']}/connections"
    listed = SPEC["components"]["schemas"]["Connection"]["properties"]
    assert {oauth.tenants.id, oauth.tenants.name, *oauth.tenants.where} <= set(listed)
    assert "offline_access" in oauth.scopes


def test_tokens_are_answered_as_the_file_says(identity: FakeIdentity, ask: Ask) -> None:
    first = exchanged(identity, ask)

    for answer in (first, renewed(ask, first["refresh_token"]).json()):
        check(schema("AccessToken", "scope"), answer)
        assert answer["expires_in"] == 1800


def test_organisations_are_answered_as_the_file_says(identity: FakeIdentity, ask: Ask) -> None:
    token = exchanged(identity, ask)["access_token"]

    answer = identity.answer(
        "GET", "/connections", "", {"authorization": f"Bearer {token}"}, b""
    ).json()

    listed = SPEC["paths"]["/Connections"]["get"]["responses"]["200"]["content"]
    assert listed["application/json"]["schema"]["type"] == "array"
    assert len(answer) == 1
    for row in answer:
        check(schema("Connection"), row)


def test_our_form_is_what_the_file_describes(identity: FakeIdentity) -> None:
    sent: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(dict(parse_qsl(request.read().decode())))
        return identity(request)

    assert Xero.oauth is not None
    given: Any = identity.grant()
    client = IdentityClient.connect(
        "books",
        Xero.oauth,
        {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
        transport=httpx.MockTransport(answer),
    )
    client.renew(given["refresh_token"])

    check(schema("RefreshToken"), sent[0])
    assert sent[0]["grant_type"] == "refresh_token"


# --- what the guide says --------------------------------------------------------------


def test_a_refresh_token_that_was_used_works_for_half_an_hour_more(identity, ask, clock) -> None:
    first = exchanged(identity, ask)["refresh_token"]
    assert renewed(ask, first).status_code == 200

    clock.now += dt.timedelta(minutes=29)
    assert renewed(ask, first).status_code == 200
    clock.now += dt.timedelta(minutes=1)
    late = renewed(ask, first)

    assert (late.status_code, late.json()) == (400, {"error": "invalid_grant"})


def test_a_refresh_token_is_good_for_the_app_that_it_was_given_to(identity, ask) -> None:
    """RFC 6749, 5.2."""
    refresh = exchanged(identity, ask)["refresh_token"]
    identity.client_id = "another-app"
    other = f"Basic {base64.b64encode(f'another-app:{CLIENT_SECRET}'.encode()).decode()}"

    answer = ask(other, grant_type="refresh_token", refresh_token=refresh)

    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})


def test_what_was_ever_consented_to_is_listed_with_its_latest_event(identity: FakeIdentity) -> None:
    own, other = identity.tenants[0], Tenant("b1c2d3e4-d862-4111-ab3a-dd8cd0391300", "Second")
    assert Xero.oauth is not None
    app = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    client = IdentityClient.connect(
        "books", Xero.oauth, app, transport=httpx.MockTransport(identity)
    )
    first: Any = identity.grant([own])["access_token"]
    assert client.tenants(first) == Listed((own,), (own,))

    second: Any = identity.grant([other])["access_token"]

    assert client.tenants(second) == Listed((own, other), (other,))
    assert client.tenants(first) == Listed((own, other), (own,))
    third: Any = identity.grant([own])["access_token"]
    assert client.tenants(third) == Listed((own, other), (own,))
    assert client.tenants(first) == Listed((own, other))  # its event is nobody's any more
    assert identity.accepts(third, other.id)


def test_what_was_given_first_is_void_once_the_old_token_gave_others(identity, ask) -> None:
    first = exchanged(identity, ask)["refresh_token"]
    lost = renewed(ask, first).json()["refresh_token"]
    kept = renewed(ask, first).json()["refresh_token"]

    assert renewed(ask, lost).json() == {"error": "invalid_grant"}
    assert renewed(ask, kept).status_code == 200


def test_a_refresh_token_that_nobody_uses_lapses_after_sixty_days(identity, ask, clock) -> None:
    first = exchanged(identity, ask)["refresh_token"]
    clock.now += dt.timedelta(days=59)
    second = renewed(ask, first).json()["refresh_token"]
    clock.now += dt.timedelta(days=60)

    assert renewed(ask, second).json() == {"error": "invalid_grant"}


def test_an_access_token_lasts_half_an_hour(identity, ask, clock) -> None:
    token = exchanged(identity, ask)["access_token"]
    assert identity.accepts(token)

    clock.now += dt.timedelta(minutes=30, seconds=1)

    assert not identity.accepts(token)
    assert identity.has_expired(token)
    assert not identity.has_expired("made up")


def test_without_offline_access_there_is_no_refresh_token(identity, ask) -> None:
    answer = ask(
        grant_type="authorization_code",
        code=code(identity, scope="accounting.contacts"),
        redirect_uri=BACK,
        code_verifier=VERIFIER,
    )

    assert "refresh_token" not in answer.json()


def test_a_code_is_good_once_for_five_minutes_and_for_who_asked(identity, ask, clock) -> None:
    good = {"redirect_uri": BACK, "code_verifier": VERIFIER}
    once = code(identity)
    old = code(identity)
    assert ask(grant_type="authorization_code", code=once, **good).status_code == 200

    refused = [
        ask(grant_type="authorization_code", code=once, **good),
        ask(grant_type="authorization_code", code="made up", **good),
        ask(
            grant_type="authorization_code",
            code=code(identity),
            redirect_uri=BACK,
            code_verifier="x" * 43,
        ),
        ask(
            grant_type="authorization_code",
            code=code(identity),
            redirect_uri=f"{BACK}/",
            code_verifier=VERIFIER,
        ),
    ]
    clock.now += dt.timedelta(minutes=6)
    refused.append(ask(grant_type="authorization_code", code=old, **good))

    assert [answer.json() for answer in refused] == [{"error": "invalid_grant"}] * 5


@pytest.mark.parametrize(
    "authorization", ["", "Basic", "Basic !!", "Bearer x", f"Basic {base64.b64encode(b'a:b')!r}"]
)
def test_another_app_gets_nothing(identity, ask, authorization: str) -> None:
    given: Any = identity.grant()

    answer = ask(authorization, grant_type="refresh_token", refresh_token=given["refresh_token"])

    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


@pytest.mark.parametrize(
    "changes",
    [{"client_id": "another"}, {"redirect_uri": ""}, {"redirect_uri": "https://x.example"}],
)
def test_to_an_address_that_the_app_does_not_list_nobody_is_led(clock, changes) -> None:
    identity = FakeIdentity(clock=clock, redirects=(BACK,))
    query = {"client_id": CLIENT_ID, "redirect_uri": BACK, **changes}

    page = identity.answer("GET", "/identity/connect/authorize", urlencode(query), {}, b"")

    assert (page.status_code, page.headers.get("location")) == (400, None)


def test_the_consent_page_shows_what_is_asked_and_leads_on_by_its_form(identity, ask) -> None:
    other = Tenant("b1c2d3e4-d862-4111-ab3a-dd8cd0391300", "<Second>")
    identity.tenants += (other,)
    query = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": BACK,
        "scope": "offline_access",
        "state": "a&b",
    }
    page = identity.answer("GET", "/identity/connect/authorize", urlencode(query), {}, b"")
    assert "&lt;Second&gt;" in page.text
    assert 'value="a&amp;b"' in page.text

    form = urlencode({**query, "tenant": other.id, "decision": "allow"}).encode()
    back = identity.answer("POST", "/identity/connect/authorize", "", {}, form)

    led = dict(parse_qsl(urlsplit(back.headers["location"]).query))
    assert led["state"] == "a&b"
    token = ask(grant_type="authorization_code", code=led["code"], redirect_uri=BACK).json()
    assert identity.accepts(token["access_token"], other.id)
    assert not identity.accepts(token["access_token"], identity.tenants[0].id)


# --- the adapter, its tokens and the organisation together ----------------------------------


@pytest.fixture
def provider(xero: FakeXero, clock: Clock) -> Provider:
    """The stand-in's own sign-in, and what is stored of it."""
    made = Provider(fake=xero.identity)
    made.clock = clock
    made.consent(Tenant(TENANT, "Demo Shop"))
    return made


def erp_of(xero: FakeXero, provider: Provider) -> Xero:
    assert Xero.oauth is not None
    return connected(xero, tokens=provider.worker(oauth=Xero.oauth))


def test_the_adapter_is_let_in_by_what_the_keeper_gives(xero, provider) -> None:
    erp_of(xero, provider).ping()

    assert xero.identity.calls["renew"] == 0


def test_a_call_whose_token_expired_on_its_way_is_repeated_with_a_new_one(xero, provider) -> None:
    erp = erp_of(xero, provider)
    erp.ping()
    provider.later(minutes=5)
    xero.identity.expire()

    erp.ping()

    assert xero.identity.calls["renew"] == 1


def test_in_a_day_of_calls_the_token_is_renewed_ahead_and_nothing_is_refused(xero, provider):
    erp = erp_of(xero, provider)
    for _ in range(24 * 6):
        provider.later(minutes=10)
        erp.ping()

    assert xero.identity.calls["renew"] == 48


def test_a_consent_that_was_withdrawn_is_for_a_person(xero, provider) -> None:
    erp = erp_of(xero, provider)
    provider.later(minutes=5)
    xero.identity.withdraw()

    with pytest.raises(UnauthorizedError) as raised:
        erp.ping()

    assert raised.value.connection in ("main", "books")


def test_after_a_new_consent_the_next_call_is_signed_with_it(xero, provider) -> None:
    """Where the one before was withdrawn; a worker that is warm still shows its token."""
    erp = erp_of(xero, provider)
    erp.ping()
    provider.later(seconds=5)
    xero.identity.withdraw()
    provider.consent(Tenant(TENANT, "Demo Shop"))

    erp.ping()

    assert xero.identity.calls["renew"] == 0


def test_an_organisation_that_the_configuration_writes_in_capitals_is_opened(xero: FakeXero):
    connected(xero, tenant=TENANT.upper()).ping()
    with pytest.raises(UnauthorizedError):
        connected(xero, tenant="0c6d2a51-9a56-4c3e-8f3e-5d1f6d1c7a11").ping()
