"""authorize: a person with an operator's link allows us in; nobody else gets anywhere."""

import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from accord import bootstrap
from accord.bootstrap import connections, sign_in, tables
from accord.errors import UnauthorizedError, UnsupportedError
from accord.local.xero.server import FakeXero
from accord.ports.limits import CIRCUITS
from accord.ports.tokens import Tenant
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import Handler
from tests.functions.consenting import (
    ERP,
    GRANTS,
    PUBLIC,
    Browser,
    answering,
    record_calls,
    request,
)

FUNCTION = "authorize"
CASES = sorted(path.stem for path in (EVENTS / FUNCTION).glob("*.json"))
OTHER = Tenant("b1c2d3e4-d862-4111-ab3a-dd8cd0391300", "Second & Sons <Ltd>")
SECRET = {"client_id": "local-client", "client_secret": "local-client-secret"}


@pytest.fixture
def xero() -> FakeXero:
    return FakeXero()


@pytest.fixture
def url(xero: FakeXero) -> Iterator[str]:
    with answering(xero) as url:
        yield url


@pytest.fixture
def config(config: dict[str, Any], url: str) -> dict[str, Any]:
    config["erps"][ERP] = {"adapter": "xero", "url": url, "secret": "erp/books"}
    return config


@pytest.fixture
def room(room: Room) -> Room:
    room.keep_secret("erp/books", SECRET)
    return room


@pytest.fixture
def browser(run: Handler, room: Room, xero: FakeXero) -> Browser:
    return Browser(run, xero)


def link() -> str:
    return sign_in.make_link(ERP, public_url=PUBLIC)


def text(answer: dict[str, Any]) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer["body"]).split())


def test_from_the_link_to_the_first_call(browser: Browser) -> None:
    """The token is there, it opens the organisation, and the adapter signs with it."""
    assert sign_in.connected(ERP) is None

    answer = browser.open(browser.consent(link()))

    assert answer["statusCode"] == 200
    assert "Xero is connected" in text(answer)
    assert "Demo Shop" in text(answer)
    kept = sign_in.connected(ERP)
    assert kept is not None
    assert (kept.tenant.id, kept.refused_at) == (browser.xero.tenant, None)
    bootstrap.back_office(ERP).ping()


def test_a_back_office_that_nobody_allowed_is_unauthorized_and_says_what_to_do(room: Room) -> None:
    with pytest.raises(UnauthorizedError, match="accord connect books"):
        bootstrap.back_office(ERP).ping()


def test_what_waits_for_the_consent_is_asked_for_by_the_next_wake(browser: Browser) -> None:
    with pytest.raises(UnauthorizedError):
        bootstrap.back_office(ERP).ping()
    assert f"{ERP}:unauthorized" in connections.board().table(CIRCUITS, fresh=True)

    browser.open(browser.consent(link()))

    assert connections.board().table(CIRCUITS, fresh=True) == {}
    bootstrap.back_office(ERP).ping()


def test_the_browser_is_sent_to_the_consent_page_with_a_cookie_for_itself(browser: Browser) -> None:
    answer = browser.begin(link())

    page = urlsplit(answer["headers"]["location"])
    asked = dict(parse_qsl(page.query))
    assert page.path == "/identity/connect/authorize"
    assert asked["redirect_uri"] == f"{PUBLIC}/erps/{ERP}/callback"
    assert asked["code_challenge_method"] == "S256"
    assert "offline_access" in asked["scope"].split()
    (cookie,) = answer["cookies"]
    assert re.fullmatch(
        r"__Host-accord-books=[\w-]{64}; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure",
        cookie,
    )
    assert asked["state"] not in cookie


def test_on_one_machine_without_tls_the_cookie_needs_none(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCORD_PUBLIC_URL", "http://127.0.0.1:8000")

    form = dict(parse_qsl(urlsplit(link()).query))
    answer = browser.run(FUNCTION, request("authorize", form=form))

    assert re.fullmatch(
        r"accord-books=[\w-]{64}; Path=/; Max-Age=900; HttpOnly; SameSite=Lax", answer["cookies"][0]
    )


@pytest.mark.parametrize("case", CASES)
def test_every_event_is_answered(run: Handler, room: Room, case: str) -> None:
    event = json.loads((EVENTS / FUNCTION / f"{case}.json").read_text(encoding="utf-8"))

    answer = run(FUNCTION, event)

    assert answer["statusCode"] == 400
    assert "accord connect books" in text(answer)


def test_no_page_may_be_kept_framed_or_tell_where_it_came_from(browser: Browser) -> None:
    browser.open(browser.consent(link()))

    for answer in browser.seen:
        headers = answer["headers"]
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


# --- nobody else ------------------------------------------------------------------


@pytest.mark.parametrize("erp", ["main", "nobody", "", "../config"])
def test_only_a_back_office_that_is_allowed_in_a_browser_has_a_page(run, room, erp: str) -> None:
    answer = run(FUNCTION, {**request("authorize"), "pathParameters": {"erp": erp}})

    assert answer["statusCode"] == 404


@pytest.mark.parametrize("path", ["authorize", "callback"])
def test_a_bare_request_is_turned_away_and_asks_nobody(browser: Browser, path: str) -> None:
    answer = browser.run(FUNCTION, request(path))

    assert answer["statusCode"] == 400
    assert browser.xero.identity.calls == {}


def test_a_link_is_good_once(browser: Browser) -> None:
    once = link()
    browser.begin(once)

    again = browser.run(FUNCTION, request("authorize", form=dict(parse_qsl(urlsplit(once).query))))
    for answer in (again, browser.open(once)):
        assert answer["statusCode"] == 400
        assert "used before" in text(answer)


def test_a_preview_of_the_link_does_not_spend_it(browser: Browser) -> None:
    """Chats and mail scanners open what is sent through them."""
    once = link()
    for _ in range(3):
        page = browser.open(once)
        assert page["statusCode"] == 200
        assert "cookies" not in page
        assert "Go on to Xero" in text(page)

    assert browser.open(browser.consent(once))["statusCode"] == 200


def test_the_page_with_the_button_may_lead_to_the_consent_page(browser: Browser) -> None:
    """Browsers hold the address that a form is redirected to against the page's policy."""
    page = browser.open(link())
    led = urlsplit(browser.begin(link())["headers"]["location"])

    policy = page["headers"]["content-security-policy"]
    (allowed,) = re.findall(r"form-action ([^;]+);", policy)
    assert f"{led.scheme}://{led.netloc}" in allowed.split()
    assert "'self'" in allowed.split()


@pytest.mark.parametrize("body", ["", "link", "&" * 100, "%ff=%ff", "link=" + "x" * 100_000])
@pytest.mark.parametrize("encoded", [True, False])
def test_a_form_that_is_not_ours_is_turned_away(browser: Browser, body: str, encoded: bool) -> None:
    event = {**request("authorize", form={}), "body": body, "isBase64Encoded": encoded}

    assert browser.run(FUNCTION, event)["statusCode"] == 400


def test_another_browser_gets_nothing_with_the_address_it_came_back_to(browser: Browser) -> None:
    back = browser.consent(link())
    thief = Browser(browser.run, browser.xero)

    assert "another browser" in text(thief.open(back))
    assert sign_in.connected(ERP) is None
    assert browser.open(back)["statusCode"] == 200


def test_a_code_that_is_no_text_is_shown_as_one_that_is_not_good(browser: Browser) -> None:
    back = urlsplit(browser.consent(link()))
    query = dict(parse_qsl(back.query)) | {"code": "\ud800"}

    answer = browser.run("authorize", request("callback", query, browser.cookies))

    assert answer["statusCode"] == 400
    assert "did not accept" in answer["body"]


def test_who_says_no_is_told_that_nothing_changed(browser: Browser) -> None:
    answer = browser.open(browser.consent(link(), allow=False))

    assert answer["statusCode"] == 400
    assert "You did not allow it" in text(answer)
    assert sign_in.connected(ERP) is None


def test_an_error_of_the_page_is_shown_as_text(browser: Browser) -> None:
    page = browser.begin(link())["headers"]["location"]
    state = dict(parse_qsl(urlsplit(page).query))["state"]

    answer = browser.run(
        FUNCTION,
        request("callback", {"state": state, "error": "<script>x</script>"}, browser.cookies),
    )

    assert "<script>" not in answer["body"]
    assert "&lt;script&gt;" in answer["body"]


def test_a_reload_of_the_last_page_is_answered_alike(browser: Browser) -> None:
    back = browser.consent(link())

    assert text(browser.open(back)) == text(browser.open(back))
    assert browser.xero.identity.calls["exchange"] == 1


def test_of_several_organisations_the_page_asks_which(browser: Browser) -> None:
    own = Tenant(browser.xero.tenant, "Demo Shop")
    browser.xero.identity.tenants = (own, OTHER)

    page = browser.open(browser.consent(link(), tenants=(own, OTHER)))

    assert page["statusCode"] == 200
    assert "Second &amp; Sons &lt;Ltd&gt;" in page["body"]
    assert sign_in.connected(ERP) is None
    (state,) = re.findall(r'name="state" value="([\w-]+)"', page["body"])
    assert re.findall(r'name="tenant" required value="([\w-]+)"', page["body"]) == [
        own.id,
        OTHER.id,
    ]
    assert "checked" not in page["body"]
    done = browser.open(f"{PUBLIC}/erps/{ERP}/callback?state={state}&tenant={own.id}")
    assert done["statusCode"] == 200
    kept = sign_in.connected(ERP)
    assert kept is not None
    assert kept.tenant == own


def test_where_nobody_tells_what_was_picked_the_page_asks_with_the_former_one_marked(
    browser: Browser,
) -> None:
    own = Tenant(browser.xero.tenant, "Demo Shop")
    browser.open(browser.consent(link()))
    browser.xero.identity.tenants = (own, OTHER)
    browser.xero.identity.opaque = True

    page = browser.open(browser.consent(link(), tenants=(OTHER,)))

    assert "So far it was Demo Shop . What Accord" in text(page)
    assert re.findall(r'value="([\w-]+)" checked', page["body"]) == [own.id]


_ODD = ("", "x", "\ud83d", "ü" * 5000, "%00", "a=b;c", "<script>", "\x00")


@pytest.mark.parametrize("seed", range(5))
def test_whatever_anybody_sends_is_answered_and_asks_nobody(browser: Browser, seed: int) -> None:
    random = Random(seed)
    places = [{"erp": ERP}] * 6 + [{"erp": each} for each in _ODD] + [{}, None]
    for _ in range(100):
        form = None if random.random() < 0.5 else {"link": random.choice(("", "x", "ü"))}
        event = request(random.choice(("authorize", "callback")), form=form)
        event |= {
            "pathParameters": random.choice(places),
            "queryStringParameters": random.choice(
                [None, {name: random.choice(_ODD) for name in ("link", "state", "code", "error")}]
            ),
            "cookies": random.choice([None, [], *([f"__Host-accord-books={odd}"] for odd in _ODD)]),
            "isBase64Encoded": random.random() < 0.5,
        }
        if random.random() < 0.5:
            event["body"] = random.choice((None, *_ODD))

        answer = browser.run(FUNCTION, event)

        assert answer["statusCode"] in {400, 404}
        assert "<script>" not in answer["body"]
        json.dumps(answer).encode()
    assert browser.xero.identity.calls == {}
    assert sign_in.connected(ERP) is None


# --- when something is wrong ----------------------------------------------------------


def test_while_the_organisations_are_not_listed_a_reload_goes_on(browser: Browser) -> None:
    import httpx

    back = browser.consent(link())
    browser.xero.identity.hook = lambda what: httpx.Response(503) if what == "connections" else None
    answer = browser.open(back)
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "30")
    assert "Reload" in text(answer)

    browser.xero.identity.hook = lambda _: None

    assert browser.open(back)["statusCode"] == 200


def test_a_secret_of_another_app_is_said_with_its_remedy(browser: Browser, room: Room) -> None:
    back = browser.consent(link())
    room.keep_secret("erp/books", {**SECRET, "client_secret": "of another app"})

    answer = browser.open(back)

    assert answer["statusCode"] == 500
    assert "client_id and client_secret" in text(answer)
    assert "another app" not in answer["body"]


def test_a_secret_that_was_changed_is_used_by_the_next_consent(
    browser: Browser, room: Room
) -> None:
    """The operator's process is another: it cannot tell this one to forget."""
    browser.open(browser.consent(link()))
    new = {"client_id": "new-app", "client_secret": "new-secret"}
    made = link()
    room.keep_secret("erp/books", new)
    browser.xero.identity.client_id, browser.xero.identity.client_secret = new.values()

    answer = browser.open(browser.consent(made))

    assert answer["statusCode"] == 200, text(answer)
    kept = sign_in.connected(ERP)
    assert kept is not None
    assert kept.client_id == "new-app"


def test_nobody_without_a_link_is_told_of_our_set_up_or_asks_for_the_secret(
    browser: Browser, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = link()
    room.keep_secret("erp/books", {})
    real, asked = connections.app_secret, []

    def app_secret(name: str, **how: bool) -> dict[str, Any]:
        asked.append(name)
        return real(name, **how)

    monkeypatch.setattr(connections, "app_secret", app_secret)
    nonsense = {"link": "nonsense", "state": "nonsense", "code": "c"}
    for event in (
        request("authorize", nonsense),
        request("authorize", form=nonsense),
        request("callback", nonsense),
    ):
        answer = browser.run(FUNCTION, event)
        assert answer["statusCode"] == 400
        assert "client_id" not in text(answer)
    assert asked == []

    assert "client_id and client_secret" in text(browser.begin(made))  # its holder is


def test_no_link_is_made_while_the_secret_lacks_the_app(room: Room) -> None:
    room.keep_secret("erp/books", {"client_id": "only"})

    with pytest.raises(UnauthorizedError, match="client_secret"):
        link()


def test_no_link_is_made_for_a_back_office_that_takes_a_key(room: Room) -> None:
    with pytest.raises(UnsupportedError, match="'main'"):
        sign_in.make_link("main", public_url=PUBLIC)


# --- what nobody may read -----------------------------------------------------------------


def test_nothing_that_opens_anything_is_logged(
    browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    made = link()
    back = browser.consent(made)
    browser.open(back)
    browser.open(back)
    browser.begin(made)
    thief = Browser(browser.run, browser.xero)
    thief.open(back)
    bootstrap.back_office(ERP).ping()

    kept = sign_in.connected(ERP)
    assert kept is not None
    secrets = {
        kept.access,
        kept.refresh,
        *browser.cookies.values(),
        *dict(parse_qsl(urlsplit(made).query)).values(),
        *(value for name, value in parse_qsl(urlsplit(back).query) if name in ("state", "code")),
        SECRET["client_secret"],
    }
    out = "".join(capsys.readouterr())
    assert '"message":"connected"' in out
    assert len(secrets) == 7
    assert not [secret for secret in secrets if secret in out]


def test_what_lies_in_the_table_names_nothing_that_opens(browser: Browser, room: Room) -> None:
    """Whoever reads the table's keys has neither a link nor a state."""
    made = link()
    back = browser.consent(made)
    client, name = tables.table("tokens")
    keys = json.dumps([item["pk"] for item in client.scan(TableName=name)["Items"]])

    for url in (made, back):
        for value in dict(parse_qsl(urlsplit(url).query)).values():
            assert value not in keys
    assert keys.count("consent:") == 2


def test_it_does_what_the_stack_grants_it_and_no_less(browser: Browser, room: Room) -> None:
    with pytest.raises(UnauthorizedError):
        bootstrap.back_office(ERP).ping()  # whose breaker it closes
    made = link()
    seen = record_calls(room)

    browser.open(browser.consent(made))

    assert seen == GRANTS[FUNCTION]
