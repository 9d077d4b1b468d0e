"""A person allows us in, with a browser: from a link that opens once to tokens that are kept."""

import dataclasses
import itertools
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from accord.errors import (
    RateLimitedError,
    TransientError,
    UnauthorizedError,
    UnavailableError,
)
from accord.local.hooked import KilledError, hooked
from accord.model.change import Ref
from accord.oauth import IdentityClient, consent_url
from accord.ports.tokens import App, Identity, OAuth, Tenant, TokenSet
from accord.state.memory import MemoryJournal
from accord.state.memory_tokens import MemoryConsents
from accord.sync import consent
from accord.sync.connecting import disconnected
from accord.sync.consent import Begun, Choice, Connected, Consent, Stopped
from tests.sync.consenting import ERP, OAUTH, OTHER, SECRET, SHOP, Provider

REDIRECT = "https://hooks.example/erps/books/callback"


class Browser:
    """A person with a browser, and our side of it."""

    def __init__(self) -> None:
        self.provider = Provider()
        self.fake = self.provider.fake
        self.consents = MemoryConsents()
        self.let_go: list[str] = []
        self.asked_of: list[str] = []  # the mark of the app that waits for its consent, or none
        self.hook = lambda step: None
        self._secrets = itertools.count()

    def flow(self, *, erp: str = ERP, oauth: OAuth = OAUTH) -> Consent:
        hear = lambda step: self.hook(step)  # noqa: E731, PLW0108 - the one that is set now
        identity = IdentityClient.connect(
            erp, oauth, SECRET, transport=httpx.MockTransport(self.fake)
        )
        return Consent(
            erp=erp,
            oauth=oauth,
            app=self._app(hooked(identity, "identity", hear)),
            tokens=hooked(self.provider.tokens, "tokens", hear),
            consents=hooked(self.consents, "consents", hear),
            redirect=REDIRECT,
            clock=self.provider.clock,
            new_secret=lambda: f"secret-{next(self._secrets):060}",
            kept=lambda: self.let_go.append(erp),
        )

    def _app(self, identity: Identity) -> Callable[[str], App]:
        def app(mark: str) -> App:
            self.hook("before app")
            self.asked_of.append(mark)
            return App(SECRET["client_id"], identity)

        return app

    def link(self, secret: str = "a-link", erp: str = ERP, *, app_mark: str = "") -> str:
        consent.make_link(
            self.consents, erp, clock=self.provider.clock, secret=secret, app_mark=app_mark
        )
        return secret

    def begin(self, link: str | None = None) -> Begun:
        begun = self.flow().begin(self.link() if link is None else link)
        assert isinstance(begun, Begun)
        return begun

    def page(self, begun: Begun, oauth: OAuth = OAUTH) -> str:
        return consent_url(
            oauth,
            client_id=begun.client_id,
            redirect=REDIRECT,
            state=begun.state,
            verifier=begun.verifier,
        )

    def allow(self, begun: Begun, *tenants: Tenant) -> dict[str, str]:
        """What the page leads back with."""
        return _query(self.fake.decide(self.page(begun), tenants=tenants))

    def finish(self, begun: Begun, back: dict[str, str], **more: str):
        return self.flow().finish(
            back["state"],
            begun.browser,
            code=back.get("code", ""),
            error=back.get("error", ""),
            **more,
        )


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_from_a_link_to_tokens(browser: Browser) -> None:
    begun = browser.begin()

    done = browser.finish(begun, browser.allow(begun))

    assert done == Connected(SHOP)
    kept = browser.provider.stored()
    assert (kept.tenant, kept.scopes) == (SHOP, OAUTH.scopes)
    assert kept.consented_at == browser.provider.clock()
    assert browser.provider.is_let_in(browser.provider.worker().access().token)
    assert browser.let_go == [ERP]


@pytest.mark.parametrize("app_mark", ["a-mark", ""])
def test_a_consent_is_to_the_app_that_its_link_is_for(browser: Browser, app_mark: str) -> None:
    begun = browser.begin(browser.link(app_mark=app_mark))
    assert browser.finish(begun, browser.allow(begun)) == Connected(SHOP)

    assert set(browser.asked_of) == {app_mark}
    assert len(browser.asked_of) == 3  # the page, the code, the organisations
    browser.provider.later(minutes=31)
    browser.provider.worker().access()
    assert browser.provider.stored().app_mark == app_mark  # also when they were renewed


def test_who_reloads_the_page_after_a_disconnect_brings_nothing_back(browser: Browser) -> None:
    """Its tokens were kept; it broke off before the page could say so."""

    def die(step: str) -> None:
        if step == "after tokens.keep":
            raise KilledError

    begun = browser.begin()
    back = browser.allow(begun)
    browser.hook = die
    with pytest.raises(KilledError):
        browser.finish(begun, back)
    browser.hook = lambda step: None
    kept = browser.provider.stored()
    assert disconnect(browser, kept)

    assert browser.finish(begun, back) == Stopped("given up")
    assert browser.provider.tokens.get(ERP) is None
    assert isinstance(browser.finish(begun, back), Stopped)
    again = browser.begin(browser.link("another-link"))
    browser.provider.later(seconds=1)
    assert browser.finish(again, browser.allow(again)) == Connected(SHOP)


def test_a_disconnect_is_of_the_consent_that_was_looked_at(browser: Browser) -> None:
    begun = browser.begin()
    browser.finish(begun, browser.allow(begun))
    seen = browser.provider.stored()
    browser.provider.later(minutes=31)
    browser.provider.worker().access()
    browser.provider.consent(OTHER)

    assert not disconnect(browser, seen)
    assert browser.provider.stored().tenant == OTHER
    assert disconnect(browser, browser.provider.stored())
    assert not disconnect(browser, seen)


def disconnect(browser: Browser, found: TokenSet) -> bool:
    clock = browser.provider.clock
    journal = MemoryJournal()
    done = disconnected(
        ERP,
        found,
        browser.provider.tokens,
        browser.consents,
        journal,
        by="maria",
        why="",
        clock=clock,
    )
    assert bool(journal.of(Ref(ERP, "connection", ERP))) == done
    return done


def test_the_consent_page_is_asked_with_a_state_and_a_challenge(browser: Browser) -> None:
    begun = browser.begin()

    asked = _query(browser.page(begun))

    assert asked.pop("code_challenge") not in (begun.verifier, "")
    assert asked == {
        "response_type": "code",
        "client_id": "local-client",
        "redirect_uri": REDIRECT,
        "scope": "accounting.contacts offline_access",
        "state": begun.state,
        "code_challenge_method": "S256",
    }
    assert browser.page(begun).startswith(OAUTH.authorize_url)
    assert len({begun.state, begun.verifier, begun.browser}) == 3
    assert begun.verifier not in browser.page(begun)
    assert begun.browser not in browser.page(begun)


def test_the_challenge_is_that_of_the_rfc() -> None:
    """RFC 7636, appendix B."""
    from accord.oauth import challenge

    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_provider_without_pkce_is_told_of_no_challenge(browser: Browser) -> None:
    plain = dataclasses.replace(OAUTH, pkce=False, extra={"prompt": "consent"})
    begun = browser.begin()
    page = browser.page(begun, plain)

    done = browser.flow(oauth=plain).finish(
        begun.state, begun.browser, code=_query(browser.fake.decide(page))["code"]
    )

    assert "code_challenge" not in page
    assert "prompt=consent" in page
    assert done == Connected(SHOP)


# --- the link -----------------------------------------------------------------------


def test_to_look_at_a_link_does_not_spend_it(browser: Browser) -> None:
    link = browser.link()

    assert [browser.flow().look(link) for _ in range(3)] == [None] * 3
    assert isinstance(browser.flow().begin(link), Begun)
    assert browser.flow().look(link) == Stopped("used")
    assert browser.flow().look("made-up") == Stopped("link")


def test_only_who_holds_a_link_learns_that_our_app_is_not_set_up(browser: Browser) -> None:
    link = browser.link()

    def lacking(pending: bool) -> App:
        raise UnauthorizedError("the secret lacks client_secret", connection=ERP)

    flow = dataclasses.replace(browser.flow(), app=lacking)

    assert flow.look("made-up") == flow.begin("made-up") == Stopped("link")
    assert flow.finish("made-up", "", code="c") == Stopped("expired")
    with pytest.raises(UnauthorizedError, match="client_secret"):
        flow.begin(link)
    assert isinstance(browser.flow().begin(link), Begun)  # and it stays good until it is mended


def test_a_link_opens_once(browser: Browser) -> None:
    link = browser.link()
    browser.begin(link)

    assert browser.flow().begin(link) == Stopped("used")


def test_a_link_lasts_an_hour(browser: Browser) -> None:
    link = browser.link()
    browser.provider.later(minutes=60)

    assert browser.flow().begin(link) == Stopped("link")


@pytest.mark.parametrize("guess", ["", "a-lin", "a-link ", "A-LINK", "\ud83d"])
def test_without_the_link_nobody_gets_to_the_page(browser: Browser, guess: str) -> None:
    browser.link()

    assert browser.flow().begin(guess) == Stopped("link")


def test_the_link_of_one_back_office_opens_no_other(browser: Browser) -> None:
    link = browser.link(erp="other")

    assert browser.flow().begin(link) == Stopped("link")
    assert isinstance(browser.flow(erp="other").begin(link), Begun)


def test_of_two_who_open_a_link_at_the_same_time_one_does(browser: Browser) -> None:
    link = browser.link()
    second: list[Begun | Stopped] = []

    def overtake(step: str) -> None:
        if step == "after consents.get" and not second:
            browser.hook = lambda step: None
            second.append(browser.flow().begin(link))

    browser.hook = overtake

    assert browser.flow().begin(link) == Stopped("used")
    assert isinstance(second[0], Begun)


# --- coming back ----------------------------------------------------------------------


def test_a_state_that_we_did_not_make_is_turned_away(browser: Browser) -> None:
    begun = browser.begin()
    back = browser.allow(begun)

    assert browser.finish(begun, {**back, "state": "made-up"}) == Stopped("expired")
    assert browser.fake.calls["exchange"] == 0


def test_another_browser_is_turned_away_and_the_right_one_still_goes_on(browser: Browser) -> None:
    begun = browser.begin()
    back = browser.allow(begun)
    stolen = dataclasses.replace(begun, browser="")

    assert browser.finish(stolen, back) == Stopped("browser")
    assert browser.fake.calls["exchange"] == 0
    assert browser.finish(begun, back) == Connected(SHOP)


def test_a_state_lasts_a_quarter_of_an_hour(browser: Browser) -> None:
    begun = browser.begin()
    back = browser.allow(begun)
    browser.provider.later(minutes=15)

    assert browser.finish(begun, back) == Stopped("expired")


def test_the_state_of_one_back_office_is_good_for_no_other(browser: Browser) -> None:
    begun = browser.begin()
    back = browser.allow(begun)

    found = browser.flow(erp="other").finish(begun.state, begun.browser, code=back["code"])

    assert found == Stopped("expired")


def test_a_reload_of_the_last_page_says_the_same_and_asks_nobody(browser: Browser) -> None:
    begun = browser.begin()
    back = browser.allow(begun)
    browser.finish(begun, back)
    before = browser.provider.stored()
    calls = dict(browser.fake.calls)

    assert browser.finish(begun, back) == Connected(SHOP)

    assert (browser.provider.stored(), dict(browser.fake.calls)) == (before, calls)


def test_who_said_no_is_told_so_and_the_state_is_over(browser: Browser) -> None:
    begun = browser.begin()
    back = _query(browser.fake.decide(browser.page(begun), allow=False))

    assert browser.finish(begun, back) == Stopped("denied", "access_denied")
    assert browser.finish(begun, browser.allow(begun)) == Stopped("used")
    assert browser.provider.tokens.get(ERP) is None


def test_an_error_of_the_page_is_told_by_its_code(browser: Browser) -> None:
    begun = browser.begin()

    found = browser.finish(begun, {"state": begun.state, "error": "invalid_scope"})

    assert found == Stopped("provider", "invalid_scope")


def test_an_answer_without_a_code_is_an_error(browser: Browser) -> None:
    begun = browser.begin()

    assert browser.finish(begun, {"state": begun.state}) == Stopped("provider")


def test_a_code_of_somebody_else_is_of_no_use(browser: Browser) -> None:
    """Their consent slipped into our browser: the code was asked for with another challenge."""
    theirs = browser.begin()
    ours = browser.begin(browser.link("another-link"))
    code = browser.allow(theirs)["code"]

    assert browser.finish(ours, {"state": ours.state, "code": code}) == Stopped("code")
    assert browser.provider.tokens.get(ERP) is None


def test_a_code_is_shown_once_though_its_answer_is_lost(browser: Browser) -> None:
    begun = browser.begin()
    back = browser.allow(begun)

    def late(_: str) -> httpx.Response:
        raise httpx.ReadTimeout("late")

    browser.fake.after = late
    assert browser.finish(begun, back) == Stopped("away")
    browser.fake.after = lambda _: None

    assert browser.finish(begun, back) == Stopped("used")
    assert browser.fake.calls["exchange"] == 1


def test_an_app_that_is_refused_is_an_error_of_ours(browser: Browser) -> None:
    begun = browser.begin()
    back = browser.allow(begun)
    browser.fake.client_secret = "another"

    with pytest.raises(UnauthorizedError, match="client_secret"):
        browser.finish(begun, back)

    browser.fake.client_secret = SECRET["client_secret"]
    assert browser.finish(begun, back) == Connected(SHOP)


def test_a_code_that_was_not_looked_at_is_shown_again_by_a_reload(browser: Browser) -> None:
    begun = browser.begin()
    back = browser.allow(begun)
    browser.fake.hook = lambda what: httpx.Response(429) if what == "exchange" else None
    with pytest.raises(RateLimitedError):
        browser.finish(begun, back)
    browser.fake.hook = lambda _: None

    assert browser.finish(begun, back) == Connected(SHOP)


@pytest.mark.parametrize("write", ["before consents.put", "after consents.put"])
def test_tokens_that_came_and_could_not_be_kept_are_told_as_lost(browser, write: str) -> None:
    begun = browser.begin()
    back = browser.allow(begun)

    def away(step: str) -> None:
        if step == write and browser.fake.calls["exchange"]:
            raise UnavailableError("the table is away")

    browser.hook = away

    assert browser.finish(begun, back) == Stopped("away")


def test_the_app_that_was_consented_to_is_kept_with_the_tokens(browser: Browser) -> None:
    begun = browser.begin()

    browser.finish(begun, browser.allow(begun))

    assert browser.provider.stored().client_id == SECRET["client_id"]


def test_a_consent_without_a_refresh_token_is_none(browser: Browser) -> None:
    brief = dataclasses.replace(OAUTH, scopes=("accounting.contacts",))
    begun = browser.begin()
    back = _query(browser.fake.decide(browser.page(begun, brief)))

    assert browser.finish(begun, back) == Stopped("code")


# --- organisations ------------------------------------------------------------------------


def test_of_several_organisations_the_person_chooses(browser: Browser) -> None:
    browser.fake.tenants = (SHOP, OTHER)
    begun = browser.begin()
    back = browser.allow(begun, SHOP, OTHER)

    asked = browser.finish(begun, back)
    assert asked == Choice((SHOP, OTHER), Tenant("", ""))
    assert browser.provider.tokens.get(ERP) is None

    assert browser.finish(begun, {"state": begun.state}, tenant=OTHER.id) == Connected(OTHER)
    assert browser.provider.stored().tenant == OTHER


def test_an_organisation_that_was_not_consented_for_is_not_chosen(browser: Browser) -> None:
    browser.fake.tenants = (SHOP, OTHER)
    begun = browser.begin()
    browser.finish(begun, browser.allow(begun, SHOP, OTHER))

    found = browser.finish(begun, {"state": begun.state}, tenant="another")

    assert isinstance(found, Choice)


def test_a_renewed_consent_is_for_the_organisation_so_far(browser: Browser) -> None:
    browser.provider.consent(OTHER)
    browser.fake.tenants = (SHOP, OTHER)
    browser.provider.later(days=1)
    begun = browser.begin()

    assert browser.finish(begun, browser.allow(begun, SHOP, OTHER)) == Connected(OTHER)


def test_a_consent_for_another_organisation_than_before_is_asked_for_once_more(browser) -> None:
    """What was posted so far is in the other one's books."""
    browser.provider.consent(OTHER)
    browser.provider.later(days=1)
    begun = browser.begin()
    back = browser.allow(begun)

    assert browser.finish(begun, back) == Choice((SHOP,), OTHER)
    assert browser.provider.stored().tenant == OTHER
    assert browser.finish(begun, back, tenant=SHOP.id) == Connected(SHOP)


def test_the_organisation_that_the_configuration_names_is_taken_and_no_other(browser) -> None:
    browser.fake.tenants = (SHOP, OTHER)
    wants = {"wanted": OTHER.id}
    for allowed, found in (((SHOP,), Stopped("other")), ((SHOP, OTHER), Connected(OTHER))):
        begun = browser.begin(browser.link(f"link-{len(allowed)}"))
        back = browser.allow(begun, *allowed)
        flow = dataclasses.replace(browser.flow(), **wants)
        browser.provider.later(seconds=1)

        assert flow.finish(back["state"], begun.browser, code=back["code"]) == found


def test_the_organisation_that_the_configuration_names_may_be_in_capitals(browser) -> None:
    begun = browser.begin()
    back = browser.allow(begun)
    flow = dataclasses.replace(browser.flow(), wanted=SHOP.id.upper())

    assert flow.finish(back["state"], begun.browser, code=back["code"]) == Connected(SHOP)


def _consented_before(browser: Browser) -> tuple[Begun, dict[str, str]]:
    """The shop's consent of yesterday holds, and now somebody picked another organisation."""
    browser.fake.tenants = (SHOP, OTHER)
    browser.provider.consent(SHOP)
    browser.provider.later(days=1)
    begun = browser.begin()
    return begun, browser.allow(begun, OTHER)


def test_who_picked_another_organisation_is_asked_though_the_former_is_listed_too(browser) -> None:
    """The provider lists what was ever consented to."""
    begun, back = _consented_before(browser)

    assert browser.finish(begun, back) == Choice((OTHER,), SHOP)
    assert browser.provider.stored().tenant == SHOP
    assert browser.finish(begun, back, tenant=OTHER.id) == Connected(OTHER)


def test_where_the_token_does_not_tell_what_was_picked_the_person_does(browser: Browser) -> None:
    browser.fake.opaque = True
    begun, back = _consented_before(browser)

    assert browser.finish(begun, back) == Choice((SHOP, OTHER), SHOP)
    assert browser.finish(begun, back, tenant=SHOP.id) == Connected(SHOP)


def test_without_a_former_one_what_was_picked_is_taken_though_others_are_listed(browser) -> None:
    browser.fake.tenants = (SHOP, OTHER)
    browser.fake.grant([SHOP])  # somebody else's, which we never kept
    begun = browser.begin()

    assert browser.finish(begun, browser.allow(begun, OTHER)) == Connected(OTHER)


def test_a_consent_for_no_organisation_is_none(browser: Browser) -> None:
    begun = browser.begin()
    back = browser.allow(begun)
    browser.fake.hook = lambda what: (
        httpx.Response(200, json=[{"tenantType": "PRACTICE", "tenantId": "x"}])
        if what == "connections"
        else None
    )

    assert browser.finish(begun, back) == Stopped("none")


def test_a_provider_that_names_no_organisations_needs_none(browser: Browser) -> None:
    alone = dataclasses.replace(OAUTH, tenants=None)
    begun = browser.begin()
    code = browser.allow(begun)["code"]

    done = browser.flow(oauth=alone).finish(begun.state, begun.browser, code=code)

    assert done == Connected(Tenant("", ""))
    assert browser.fake.calls["connections"] == 0


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503),
        httpx.Response(429),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"message": "?"}),
        httpx.Response(200, json=[{"tenantType": "ORGANISATION", "tenantName": "no id"}]),
    ],
)
def test_a_reload_goes_on_where_the_list_of_organisations_failed(browser, answer) -> None:
    begun = browser.begin()
    back = browser.allow(begun)
    browser.fake.hook = lambda what: answer if what == "connections" else None
    with pytest.raises(TransientError):
        browser.finish(begun, back)

    browser.fake.hook = lambda _: None

    assert browser.finish(begun, back) == Connected(SHOP)
    assert browser.fake.calls["exchange"] == 1


# --- dying ----------------------------------------------------------------------------------


def _steps() -> list[str]:
    browser, seen = Browser(), []
    begun = browser.begin()
    back = browser.allow(begun)
    browser.hook = seen.append
    assert browser.finish(begun, back) == Connected(SHOP)
    return seen


@pytest.mark.parametrize("number", range(len(_steps())))
@pytest.mark.parametrize("how", [KilledError, UnavailableError])
def test_after_a_crash_at_a_step_a_reload_goes_on_or_says_what_to_do(number: int, how) -> None:
    browser = Browser()
    begun = browser.begin()
    back = browser.allow(begun)
    left = itertools.count(-number)

    def die(step: str) -> None:
        if next(left) == 0:
            raise how(step)

    browser.hook = die
    try:
        first = browser.finish(begun, back)
    except (KilledError, UnavailableError):
        first = None
    browser.hook = lambda _: None

    again = browser.finish(begun, back)

    assert first in (None, Stopped("away"))
    if again == Connected(SHOP):
        assert browser.provider.is_let_in(browser.provider.worker().access().token)
    else:  # the code was shown, and what it gave is lost: a new link gives others
        assert again == Stopped("used")
        assert browser.provider.tokens.get(ERP) is None
    assert browser.fake.calls["exchange"] <= 1


def test_a_reload_does_not_take_back_what_was_renewed_since(browser: Browser) -> None:
    begun = browser.begin()
    back = browser.allow(begun)

    def die(step: str) -> None:
        if step == "after tokens.keep":
            raise KilledError(step)

    browser.hook = die
    with pytest.raises(KilledError):
        browser.finish(begun, back)
    browser.hook = lambda _: None
    browser.provider.worker().tend()
    browser.provider.fake.expire()
    browser.provider.later(minutes=2)
    stale = browser.provider.worker().access()
    renewed = browser.provider.worker().renewed(stale)

    assert browser.finish(begun, back) == Connected(SHOP)

    assert browser.provider.worker().access() == renewed


def test_no_secret_is_in_a_repr_or_a_name(browser: Browser) -> None:
    link = browser.link()
    begun = browser.begin(link)
    browser.finish(begun, browser.allow(begun))
    names = repr(list(browser.consents._values))

    for secret in (link, begun.state, begun.verifier, begun.browser):
        assert secret not in repr(begun)
        assert secret not in names
    assert browser.provider.stored().refresh not in repr(browser.consents._values)
