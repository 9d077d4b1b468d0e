"""`accord connect ERP`: by its key, or by a person in a browser; what may be read, and what lacks."""

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from click.testing import Result

from accord import bootstrap, erp
from accord.bootstrap import connections, sign_in, tables
from accord.cli import connect
from accord.erp.memory.adapter import Memory
from accord.erp.memory.faults import Fault
from accord.erp.memory.ledger import Ledger
from accord.errors import BadInputError, UnauthorizedError, UnavailableError
from accord.local.xero.server import FakeXero
from tests.cli.connecting import APP, OnXero, _reached, held, invoke, kept_of, told
from tests.functions.cloud import Room
from tests.functions.conftest import Handler, cloud, config, room, run
from tests.functions.consenting import ERP, PUBLIC, Browser

__all__ = ["_reached", "cloud", "config", "room", "run"]  # fixtures

ANOTHER = {"client_id": "another-app", "client_secret": "another-secret"}


class Keyed(Memory):
    """A ledger that asks for a key."""

    credentials: ClassVar = {"key": "the key of its user"}
    books: ClassVar[Ledger]

    @classmethod
    def connect(cls, connection: Any) -> "Keyed":
        if connection.secret.get("key") != "good":
            raise UnauthorizedError("the key is not good", connection=connection.name)
        return cls(cls.books.call, connection.name)


class TestABackOfficeByKey:
    """Asked for, tried, kept."""

    @pytest.fixture(autouse=True)
    def ledger(self, room: Room, monkeypatch: pytest.MonkeyPatch) -> Ledger:
        ledger = Memory.ledger(clock=lambda: dt.datetime.now(dt.UTC))
        monkeypatch.setattr(Keyed, "books", ledger, raising=False)
        monkeypatch.setattr(erp, "load", lambda _: Keyed)
        return ledger

    def test_a_good_key_is_kept_and_what_it_opens_is_said(self, room: Room) -> None:
        result = invoke("main", typed="good\n")

        assert result.exit_code == 0, told(result)
        assert held(room, "erp/main") == {"key": "good"}
        assert "by a key, which is the strongest" in told(result)
        assert "may be read: invoice, item, party" in told(result)
        assert "good" not in told(result).replace("the key is not good", "")

    def test_the_journal_keeps_who_gave_it(self, room: Room) -> None:
        invoke("main", "--by", "maria", typed="good\n")

        assert kept_of("main") == [("maria", "main got credentials (key), by maria")]

    def test_where_nobody_could_remember_who_gave_it_it_is_not_kept(
        self, room: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(_: object) -> None:
            raise UnavailableError("the table is away")

        monkeypatch.setattr(tables.journal(), "append", away)

        result = invoke("main", typed="good\n")

        assert isinstance(result.exception, UnavailableError)
        assert held(room, "erp/main") == {}

    def test_a_key_that_is_not_good_is_not_kept(self, room: Room) -> None:
        result = invoke("main", typed="bad\n")

        assert isinstance(result.exception, UnauthorizedError)
        assert held(room, "erp/main") == {}

    @pytest.mark.parametrize("given", [{}, {"key": ""}])
    def test_a_file_that_holds_nothing_is_refused_though_a_key_is_held(
        self, room: Room, given: dict[str, Any]
    ) -> None:
        room.keep_secret("erp/main", {"key": "good"})

        result = invoke("main", "--from", "-", typed=json.dumps(given))

        assert isinstance(result.exception, BadInputError)
        assert str(result.exception) == "standard input holds nothing; known are key"

    def test_what_may_not_be_read_is_said(self, room: Room, ledger: Ledger) -> None:
        room.keep_secret("erp/main", {"key": "old"})
        calls: list[str] = []

        def refuse_some(call: str) -> Fault | None:
            calls.append(call)
            return Fault("unauthorized") if len(calls) == 3 else None

        ledger.faults = refuse_some

        result = invoke("main", "--json", typed="good\n")

        (found,) = json.loads(result.stdout)
        assert (result.exit_code, found["topic"]) == (1, "rights")
        assert "[erps.main.options]" in found["remedy"]
        assert held(room, "erp/main") == {"key": "good"}


def test_a_back_office_without_a_secret_is_tried_and_nothing_is_asked(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Memory.ledger(clock=lambda: dt.datetime.now(dt.UTC))
    made = Memory(ledger.call, "main")
    monkeypatch.setattr(erp, "load", lambda _: Memory)
    monkeypatch.setattr(connections, "back_office_with", lambda *_: made)

    result = invoke("main")

    assert result.exit_code == 0, told(result)
    assert "without a secret" in told(result)


def put_aside(room: Room, minutes: int) -> None:
    """Somebody ran the command with another app so long ago, and nobody has allowed it since."""
    at = (bootstrap.now() - dt.timedelta(minutes=minutes)).isoformat()
    room.keep_secret("erp/books", {**APP, "pending": {**ANOTHER, "mark": "a-mark", "at": at}})


class TestABackOfficeByOAuth(OnXero):
    """The deployed `authorize`, and a person's browser."""

    @pytest.fixture
    def person(
        self, run: Handler, room: Room, xero: FakeXero, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., None]:
        """Makes somebody open the link while the command waits."""
        made: list[str] = []
        real = sign_in.make_link

        def make_link(name: str, *, public_url: str) -> str:
            made.append(real(name, public_url=public_url))
            return made[-1]

        def begin(act: Callable[[Browser, str], object]) -> None:
            def pause(_: float) -> None:
                if made:
                    act(Browser(run, xero), made.pop())

            monkeypatch.setattr(connect.time, "sleep", pause)

        monkeypatch.setattr(sign_in, "make_link", make_link)
        return begin

    def test_a_person_allows_it_and_what_may_be_read_is_said(
        self, room: Room, xero: FakeXero, person: Callable[..., None]
    ) -> None:
        person(lambda browser, link: browser.open(browser.consent(link)))

        result = invoke(ERP)

        assert result.exit_code == 0, told(result)
        assert "by OAuth, in a browser, which is the strongest" in told(result)
        assert "lets us in, for Demo Shop" in told(result)
        assert "may be read: invoice" in told(result)
        assert f"{PUBLIC}/erps/{ERP}/authorize?link=" in told(result)
        assert f"{PUBLIC}/erps/{ERP}/webhook" in told(result)
        tokens = sign_in.connected(ERP)
        assert tokens is not None
        for secret in (*APP.values(), tokens.access, tokens.refresh):
            assert secret not in told(result)

    def test_the_journal_keeps_who_asked_and_that_it_was_allowed(
        self, person: Callable[..., None]
    ) -> None:
        person(lambda browser, link: browser.open(browser.consent(link)))

        invoke(ERP, "--by", "maria", "--why", "a new year")

        assert kept_of(ERP) == [
            ("maria", f"{ERP} is to be allowed, by maria: a new year"),
            ("maria", f"{ERP} is connected, for Demo Shop, by maria: a new year"),
        ]

    def test_a_look_at_what_is_connected_already_is_no_act(
        self, person: Callable[..., None]
    ) -> None:
        person(lambda browser, link: browser.open(browser.consent(link)))
        invoke(ERP, "--by", "maria")

        invoke(ERP, "--by", "olivia")

        assert {by for by, _ in kept_of(ERP)} == {"maria"}

    def test_another_app_that_is_put_aside_is_kept_with_who_did_it_and_nothing_secret(
        self, room: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def break_off(_: float) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(connect.time, "sleep", break_off)

        invoke(ERP, "--from", "-", "--by", "maria", typed=json.dumps(ANOTHER))

        first, *_ = kept_of(ERP)
        assert first == (
            "maria",
            f"{ERP} got credentials (client_id, client_secret, pending), by maria",
        )
        assert not any(ANOTHER["client_secret"] in text for _, text in kept_of(ERP))

    def test_the_app_is_asked_for_where_it_is_not_there_with_its_redirect_address(
        self, room: Room, person: Callable[..., None]
    ) -> None:
        room.keep_secret("erp/books", {})
        person(lambda browser, link: browser.open(browser.consent(link)))

        result = invoke(ERP, typed="local-client\nlocal-client-secret\na webhook key\n")

        assert result.exit_code == 0, told(result)
        assert held(room, "erp/books") == {**APP, "webhook_keys": ["a webhook key"]}
        assert f"{PUBLIC}/erps/{ERP}/callback" in told(result)
        assert f"{PUBLIC}/erps/{ERP}/webhook" not in told(result)

    def test_a_new_webhook_key_comes_before_the_old_one(
        self, room: Room, person: Callable[..., None]
    ) -> None:
        room.keep_secret("erp/books", {**APP, "webhook_keys": ["old"]})
        person(lambda browser, link: browser.open(browser.consent(link)))

        invoke(ERP, "--from", "-", typed=json.dumps({"webhook_keys": "new"}))

        assert held(room, "erp/books") == {**APP, "webhook_keys": ["new", "old"]}

    def test_a_scope_that_was_not_allowed_is_said(
        self, room: Room, person: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def allow_less(browser: Browser, link: str) -> None:
            browser.open(browser.consent(link))
            found = sign_in.connected(ERP)
            assert found is not None
            less = tuple(scope for scope in found.scopes if "contacts" not in scope)
            tables.tokens().keep(ERP, dataclasses.replace(found, scopes=less))

        person(allow_less)

        result = invoke(ERP, "--json")

        printed = result.stdout[result.stdout.index("[\n {") :]  # behind what `authorize` logs
        found = [each for each in json.loads(printed) if each["topic"] == "scopes"]
        assert result.exit_code == 1
        assert [each["subject"] for each in found] == ["accounting.contacts"]

    def test_nobody_allows_it_in_time(
        self, room: Room, person: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        person(lambda browser, link: browser.open(browser.consent(link, allow=False)))
        clock = iter([bootstrap.now() + dt.timedelta(minutes=n) for n in range(30)])
        monkeypatch.setattr(bootstrap, "now", lambda: next(clock))

        result = invoke(ERP, "--wait", "5")

        assert result.exit_code == 1
        assert "nobody has allowed it yet" in told(result)
        assert sign_in.connected(ERP) is None

    def test_who_breaks_off_leaves_the_app_that_works(
        self, room: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room.keep_secret("erp/books", {**APP, "webhook_keys": ["old"]})
        other = {"client_id": "another", "client_secret": "wrong", "webhook_keys": "new"}

        def break_off(_: float) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(connect.time, "sleep", break_off)

        result = invoke(ERP, "--from", "-", typed=json.dumps(other))

        assert result.exit_code == 1
        kept = held(room, "erp/books")
        assert kept.pop("pending")["client_id"] == "another"
        assert kept == {**APP, "webhook_keys": ["new", "old"]}

    @pytest.mark.parametrize("given", [{}, {"webhook_keys": []}, {"client_id": ""}])
    def test_a_file_that_holds_nothing_is_refused(self, room: Room, given: dict[str, Any]) -> None:
        result = invoke(ERP, "--from", "-", typed=json.dumps(given))

        assert isinstance(result.exception, BadInputError)
        assert str(result.exception) == (
            "standard input holds nothing; known are client_id, client_secret, webhook_keys"
        )
        assert held(room, "erp/books") == APP

    @pytest.mark.parametrize("minutes", [76, 24 * 60])
    def test_an_app_that_nobody_can_allow_any_more_is_gone_with_the_next_run_which_says_so(
        self, room: Room, person: Callable[..., None], minutes: int
    ) -> None:
        put_aside(room, minutes)
        person(lambda browser, link: browser.open(browser.consent(link)))

        result = invoke(ERP)

        assert result.exit_code == 0
        assert held(room, "erp/books") == APP
        assert "another-app, which nobody has allowed, is dropped" in told(result)

    def test_an_app_that_is_just_being_allowed_outlasts_another_run(
        self, room: Room, xero: FakeXero, person: Callable[..., None]
    ) -> None:
        """Two terminals: in one a new app waits, in the other somebody adds a webhook key."""
        person(lambda browser, link: browser.open(browser.consent(link)))
        assert invoke(ERP).exit_code == 0
        second: list[Result] = []

        def allow(browser: Browser, link: str) -> None:
            second.append(invoke(ERP, "--from", "-", typed=json.dumps({"webhook_keys": "new"})))
            xero.identity.client_id, xero.identity.client_secret = ANOTHER.values()
            browser.open(browser.consent(link))

        person(allow)
        result = invoke(ERP, "--from", "-", typed=json.dumps(ANOTHER))

        assert [second[0].exit_code, result.exit_code] == [0, 0], told(result)
        assert "another-app still waits" in told(second[0])
        assert held(room, "erp/books") == {**ANOTHER, "webhook_keys": ["new"]}

    def test_another_app_than_the_one_that_waits_takes_its_place_and_it_is_said(
        self, room: Room, xero: FakeXero, person: Callable[..., None]
    ) -> None:
        put_aside(room, 5)
        third = {"client_id": "third-app", "client_secret": "third-secret"}
        xero.identity.client_id, xero.identity.client_secret = third.values()
        person(lambda browser, link: browser.open(browser.consent(link)))

        result = invoke(ERP, "--from", "-", typed=json.dumps(third))

        assert result.exit_code == 0, told(result)
        assert "another-app, which nobody has allowed, is dropped" in told(result)
        assert held(room, "erp/books") == third

    @pytest.mark.parametrize("wrong", [ANOTHER, {**APP, "client_secret": "a typo"}])
    def test_after_a_disconnect_it_is_said_which_app_the_link_is_for_and_how_to_go_back(
        self,
        room: Room,
        person: Callable[..., None],
        monkeypatch: pytest.MonkeyPatch,
        wrong: dict[str, str],
    ) -> None:
        def break_off(_: float) -> None:
            raise KeyboardInterrupt

        at = bootstrap.now().isoformat()
        room.keep_secret("erp/books", {**APP, "pending": {**wrong, "mark": "a-mark", "at": at}})

        monkeypatch.setattr(connect.time, "sleep", break_off)
        stuck = invoke(ERP)

        assert stuck.exit_code == 1
        assert f"the link is for the app {wrong['client_id']}, which waits" in told(stuck)
        assert f'with only client_id = "{APP["client_id"]}" in FILE' in told(stuck)

        person(lambda browser, link: browser.open(browser.consent(link)))
        id_alone = json.dumps({"client_id": APP["client_id"]})
        result = invoke(ERP, "--from", "-", typed=id_alone)

        assert result.exit_code == 0, told(result)
        assert "the link is for" not in told(result)
        assert f"{wrong['client_id']}, which nobody has allowed, is dropped" in told(result)
        assert held(room, "erp/books") == APP

    @pytest.mark.parametrize("new", [ANOTHER, {**APP, "client_secret": "a typo"}])
    def test_a_consent_by_an_earlier_link_is_none_to_the_app_that_waits(
        self, room: Room, person: Callable[..., None], new: dict[str, str]
    ) -> None:
        """It says nothing of the new app, whose secret may be wrong."""
        person(lambda browser, link: browser.open(browser.consent(link)))
        assert invoke(ERP).exit_code == 0
        earlier = sign_in.make_link(ERP, public_url=PUBLIC)
        person(lambda browser, _: browser.open(browser.consent(earlier)))

        result = invoke(ERP, "--from", "-", typed=json.dumps(new))

        assert result.exit_code == 1
        assert "by an earlier link" in told(result)
        kept = held(room, "erp/books")
        assert kept["pending"]["client_id"] == new["client_id"]
        assert {part: kept[part] for part in APP} == APP
        self.expire()
        assert connections.keeper(ERP, fresh=True).tend()

    def test_what_others_write_into_the_secret_meanwhile_stays(
        self, room: Room, xero: FakeXero, person: Callable[..., None]
    ) -> None:
        person(lambda browser, link: browser.open(browser.consent(link)))
        assert invoke(ERP).exit_code == 0

        def allow(browser: Browser, link: str) -> None:
            rotated = {**held(room, "erp/books"), "webhook_keys": ["rotated meanwhile"]}
            room.keep_secret("erp/books", rotated)
            xero.identity.client_id, xero.identity.client_secret = ANOTHER.values()
            browser.open(browser.consent(link))

        person(allow)

        assert invoke(ERP, "--from", "-", typed=json.dumps(ANOTHER)).exit_code == 0
        assert held(room, "erp/books") == {**ANOTHER, "webhook_keys": ["rotated meanwhile"]}

    def test_an_app_whose_secret_is_not_good_any_more_is_not_called_good(
        self, room: Room, xero: FakeXero, person: Callable[..., None]
    ) -> None:
        """The access token lasts, and opens all that is looked at."""
        person(lambda browser, link: browser.open(browser.consent(link)))
        assert invoke(ERP).exit_code == 0
        xero.identity.client_secret = "renewed at Xero"

        def break_off(*_: object) -> None:
            raise KeyboardInterrupt

        person(break_off)
        result = invoke(ERP)

        assert result.exit_code == 1
        assert "--from FILE" in told(result)
        assert "nobody had to allow it anew" not in told(result)

    def test_another_app_takes_the_place_of_the_one_before_once_it_is_allowed(
        self, room: Room, xero: FakeXero, person: Callable[..., None]
    ) -> None:
        person(lambda browser, link: browser.open(browser.consent(link)))
        assert invoke(ERP).exit_code == 0
        seen: list[dict[str, Any]] = []

        def allow(browser: Browser, link: str) -> None:
            seen.append(held(room, "erp/books"))
            xero.identity.client_id, xero.identity.client_secret = ANOTHER.values()
            browser.open(browser.consent(link))

        person(allow)
        result = invoke(ERP, "--from", "-", typed=json.dumps(ANOTHER))

        assert result.exit_code == 0, told(result)
        assert {part: seen[0][part] for part in APP} == APP  # while nobody had allowed it yet
        assert held(room, "erp/books") == ANOTHER
        tokens = sign_in.connected(ERP)
        assert tokens is not None
        assert tokens.client_id == ANOTHER["client_id"]

    def test_who_is_gone_before_the_new_app_is_allowed_leaves_renewals_that_work(
        self,
        run: Handler,
        room: Room,
        xero: FakeXero,
        person: Callable[..., None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The laptop dies; the link is opened all the same; the next run tidies up."""
        person(lambda browser, link: browser.open(browser.consent(link)))
        assert invoke(ERP).exit_code == 0
        links: list[str] = []
        real = sign_in.make_link
        monkeypatch.setattr(
            sign_in,
            "make_link",
            lambda *words, **more: links.append(real(*words, **more)) or links[-1],
        )

        def die(_: float) -> None:
            raise SystemError("the laptop is gone")

        monkeypatch.setattr(connect.time, "sleep", die)
        invoke(ERP, "--from", "-", typed=json.dumps(ANOTHER))
        self.expire()
        assert connections.keeper(ERP, fresh=True).tend()  # with the app so far
        xero.identity.client_id, xero.identity.client_secret = ANOTHER.values()
        browser = Browser(run, xero)
        browser.open(browser.consent(links[0]))
        self.expire()

        assert connections.keeper(ERP, fresh=True).tend()  # with the new one
        assert invoke(ERP).exit_code == 0
        assert held(room, "erp/books") == ANOTHER

    @staticmethod
    def expire() -> None:
        found = sign_in.connected(ERP)
        assert found is not None
        tables.tokens().keep(ERP, dataclasses.replace(found, expires_at=bootstrap.now()))

    def test_webhook_keys_are_added_without_another_consent(
        self, room: Room, person: Callable[..., None]
    ) -> None:
        person(lambda browser, link: browser.open(browser.consent(link)))
        assert invoke(ERP).exit_code == 0
        before = sign_in.connected(ERP)
        person(lambda *_: pytest.fail("asked for a consent"))

        result = invoke(ERP, "--from", "-", typed=json.dumps({**APP, "webhook_keys": "new"}))

        assert result.exit_code == 0, told(result)
        assert held(room, "erp/books") == {**APP, "webhook_keys": ["new"]}
        assert "--again" in told(result)
        assert "lets us in, for Demo Shop" in told(result)
        after = sign_in.connected(ERP)
        assert before is not None
        assert after is not None
        assert after.consented_at == before.consented_at
        assert after.access != before.access  # renewed, which tries the app as well

    @pytest.mark.parametrize("why", ["lapsed", "withdrawn", "scopes", "another app"])
    def test_a_consent_that_is_not_good_is_asked_for_anew(
        self, room: Room, xero: FakeXero, person: Callable[..., None], why: str
    ) -> None:
        person(lambda browser, link: browser.open(browser.consent(link)))
        assert invoke(ERP).exit_code == 0
        found = sign_in.connected(ERP)
        assert found is not None
        if why == "withdrawn":
            xero.identity.withdraw()
        changes: dict[str, Any] = {
            "lapsed": {"refused_at": bootstrap.now()},
            "withdrawn": {},
            "scopes": {"scopes": ("offline_access",)},
            "another app": {"client_id": "former"},
        }[why]
        if "refused_at" in changes:
            tables.tokens().keep(ERP, found)
            now = bootstrap.now()
            leased = tables.tokens().lease(
                ERP, version=found.version + 1, owner="w", now=now, until=now
            )
            assert leased is not None
            tables.tokens().release(ERP, owner="w", until=now, refused_at=now)
        else:
            tables.tokens().keep(ERP, dataclasses.replace(found, **changes))

        result = invoke(ERP)

        assert result.exit_code == 0, told(result)
        again = sign_in.connected(ERP)
        assert again is not None
        assert again.consented_at != found.consented_at

    def test_who_breaks_off_while_waiting_is_told_that_nothing_came_of_it(
        self, room: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def break_off(_: float) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(connect.time, "sleep", break_off)

        result = invoke(ERP)

        assert result.exit_code == 1
        assert "nothing came of it" in told(result)
        assert sign_in.connected(ERP) is None

    def test_an_earlier_consent_is_not_taken_for_this_one(
        self, room: Room, person: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        person(lambda browser, link: browser.open(browser.consent(link)))
        assert invoke(ERP).exit_code == 0
        monkeypatch.setattr(connect.time, "sleep", lambda _: None)
        began = bootstrap.now()
        clock = iter([began, *[began + dt.timedelta(minutes=n) for n in (0, 1, 2, 9)]])
        monkeypatch.setattr(bootstrap, "now", lambda: next(clock))

        assert "nobody has allowed it yet" in told(invoke(ERP, "--again", "--wait", "5"))

    @pytest.mark.parametrize("flag", ["--browser", "--no-browser"])
    def test_no_browser_is_opened_where_there_is_no_terminal(
        self, room: Room, person: Callable[..., None], monkeypatch: pytest.MonkeyPatch, flag: str
    ) -> None:
        person(lambda browser, link: browser.open(browser.consent(link)))
        monkeypatch.setattr(connect.webbrowser, "open", lambda _: pytest.fail("opened"))

        assert invoke(ERP, flag).exit_code == 0
