"""`accord connect`: a store or back office lets us in, by the strongest way that it offers.

Credentials are tried before they are kept, and kept in one write: whoever breaks off leaves all as
it was.
"""

import datetime as dt
import secrets
import time
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from accord import bootstrap, erp
from accord.bootstrap import connections, sign_in, tables
from accord.cli import doctor
from accord.cli.acting import ByOption, WhyOption, operator
from accord.cli.connection import StageOption, public_url
from accord.cli.connection import connect as reach
from accord.cli.credentials import APP, KeptSecret, given, merged, settled, with_app
from accord.cli.output import JsonOption, console, fail, print_json, told
from accord.cli.secrets import new_secret
from accord.erp.hooks import webhook_of
from accord.errors import NoConsentError, UnauthorizedError
from accord.model.documents import Kind
from accord.oauth import pending_of
from accord.ports.tokens import OAuth, TokenSet
from accord.rules.diagnosis import in_order, of_access
from accord.rules.findings import Examined, Finding
from accord.rules.written import written
from accord.sync import store_keys
from accord.sync.connecting import acted, awaited, consented, for_whom, rights, scopes
from accord.woo.granting import can_be_posted_to, offers, page

T = TypeVar("T")

_KEYS = {
    "consumer_key": "WooCommerce, Settings, Advanced, REST API: a key with Read/Write",
    "consumer_secret": "the key's secret",
}
_STORE_LISTS = {
    "webhook_secrets": "what webhooks are signed with",
    "checkout_secrets": "what the checkout signs with",
}
_CALLS = {"webhook_keys": "the key that it signs its webhooks with"}


def connect(
    name: Annotated[str, typer.Argument(help="A store or back office of accord.toml.")],
    *,
    file: Annotated[
        Path | None,
        typer.Option("--from", help="TOML or JSON with the credentials; - reads JSON from stdin."),
    ] = None,
    url: Annotated[
        str, typer.Option(help="Where this stage's API answers: https://…, if it cannot be told.")
    ] = "",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the consent page here.")
    ] = True,
    webhooks: Annotated[
        bool, typer.Option("--webhooks/--no-webhooks", help="Make the store's webhooks.")
    ] = True,
    typed: Annotated[
        bool, typer.Option("--typed", help="Type a store's key, though the store can hand it over.")
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="Ask for a new consent, though the one so far is good."),
    ] = False,
    wait: Annotated[int, typer.Option(min=1, help="Minutes to wait for a person.")] = 15,
    why: WhyOption = "",
    by: ByOption = None,
    stage: StageOption = None,
    json: JsonOption = False,
) -> None:
    """Lets Accord into a store or back office, checks what it may do there, and says what lacks.

    Credentials are typed unseen, read from --from, or given on the back office's own page. They are
    tried first, and kept in Secrets Manager only if they let us in. Where a person's consent is
    good already, and the app is the same, nobody has to allow it anew: so webhook_keys are added.
    --again asks for another consent, for another organisation say. The journal keeps what was done
    and by whom. Exit code 1 if anything that is needed lacks.
    """
    reach(stage)
    config, act = bootstrap.config(), _Act(name, operator(by, stage), why)

    def origin() -> str:  # asked for only where it is needed
        return (url or public_url(stage)).rstrip("/")

    if name in config.stores:
        found = _store(
            act, file, origin=origin, webhooks=webhooks, typed=typed, browser=browser, wait=wait
        )
    elif name in config.erps:
        found = _erp(act, file, origin=origin, browser=browser, wait=wait, again=again)
    else:
        fail(
            f"there is neither a store nor a back office {name!r}; accord.toml has "
            f"{', '.join([*config.stores, *config.erps])}"
        )
    _end(name, in_order(found), json=json)


@dataclass(frozen=True, slots=True)
class _Act:
    """What one operator does to the store or back office ``name``."""

    name: str
    by: str
    why: str

    def tell(self, what: str) -> None:
        """The journal keeps it."""
        journal = tables.journal()
        acted(journal, self.name, what, by=self.by, why=self.why, now=bootstrap.now())

    def keep(self, kept: KeptSecret, content: dict[str, Any]) -> None:
        """``content`` is the secret from now on."""
        fields = ", ".join(sorted(content))
        self.tell(f"got credentials ({fields})")
        kept.put(content)
        connections.let_go(self.name)
        _say(f"✓ kept as the secret {kept.name}: {fields}")


# --- a store ----------------------------------------------------------------------


def _store(
    act: _Act,
    file: Path | None,
    *,
    origin: Callable[[], str],
    webhooks: bool,
    typed: bool,
    browser: bool,
    wait: int,
) -> list[Finding]:
    name = act.name
    rules = bootstrap.config().stores[name]
    kept = KeptSecret(rules.secret)
    before = kept.content_if_any()
    hands_over = file is None and not typed and can_be_posted_to(origin()) and offers(rules.url)
    if hands_over:
        _say(f"{name} hands over a REST key of its own making, which is the strongest it offers")
        new: dict[str, Any] = _handed_over(name, origin(), browser=browser, wait=wait)
    else:
        _say(f"{name} lets us in by a REST key, which is the strongest that can be had from here")
        more = _STORE_LISTS if file else {}  # nobody types those: they are made, and rotated
        new = given(file, rules.secret, needed=_KEYS, more=more, held=before)
    content = merged(before, new)
    content.setdefault("webhook_secrets", [new_secret()])
    client = connections.store_with(name, content)
    setup = client.setup(now=bootstrap.now())
    if not setup.may_write:  # it would be refused with the first order
        raise UnauthorizedError(
            f"the key of {name} may only read; give it Read/Write in WooCommerce, Settings, "
            "Advanced, REST API. Nothing was kept",
            connection=name,
        )
    receiver = rules.webhooks.delivery_url or ""
    found: list[Finding] = []
    if webhooks:
        receiver = receiver or f"{origin()}/stores/{name}/webhooks"
    if content != before:
        act.keep(kept, content)
    if webhooks:
        found += _hooked(act, receiver)
        setup = client.setup(now=bootstrap.now())
    examined = Examined(name, rules, setup, products=(), items=None, receiver=receiver)
    return [*found, *of_access(examined)]


def _handed_over(name: str, origin: str, *, browser: bool, wait: int) -> dict[str, Any]:
    """The key that somebody who runs the shop allows on its own page."""
    secret, consents = secrets.token_urlsafe(48), tables.consents()
    began = bootstrap.now()
    store_keys.begin(consents, name, clock=bootstrap.now, secret=secret)
    home = bootstrap.config().stores[name].url
    link = page(home, callback=f"{origin}/stores/{name}/keys", secret=secret)
    key = _awaited(
        link,
        name,
        browser=browser,
        look=lambda: awaited(
            lambda: store_keys.take(consents, name, clock=bootstrap.now, secret=secret),
            until=began + dt.timedelta(minutes=wait),
            clock=bootstrap.now,
            pause=time.sleep,
        ),
    )
    return dict(key)


def _hooked(act: _Act, receiver: str) -> list[Finding]:
    """The store's webhooks are made as `guard_webhooks` makes them; what it could not do."""
    name = act.name
    guarded = bootstrap.webhook_guard(name, url=receiver).run()
    if guarded.refused:
        remedy = "let an administrator or shop manager make the key, and run this once more"
        return [Finding("error", "webhooks", name, "its user may not make webhooks", remedy)]
    if guarded.fixes and not guarded.mended:
        remedy = f'set one of [stores.{name}.flows] to "on", then run this once more'
        return [Finding("warning", "webhooks", name, "no flow is on: none was made", remedy)]
    if guarded.fixes:
        topics = ", ".join(fix.topic for fix in guarded.fixes)
        act.tell(f"got webhooks ({topics})")
        _say(f"✓ webhooks made, to {receiver}: {topics}")
    return []


# --- a back office ----------------------------------------------------------------


def _erp(
    act: _Act,
    file: Path | None,
    *,
    origin: Callable[[], str],
    browser: bool,
    wait: int,
    again: bool,
) -> list[Finding]:
    name = act.name
    table = bootstrap.config().erps[name]
    adapter, kept = erp.load(table.adapter), KeptSecret(table.secret)
    more = _CALLS if webhook_of(table.adapter) is not None else {}
    before = kept.content_if_any()
    if adapter.oauth is not None:
        _say(f"{name} lets us in by OAuth, in a browser, which is the strongest that it offers")
        visit = _Visit(act, adapter.oauth, origin(), more)
        former = sign_in.connected(name)
        content, is_other = visit.content(file, before, former)
        if content != before:
            act.keep(kept, content)
        if not again and not is_other and former is not None:
            found = visit.held(former, content)
            if found is not None:
                return found
        visit.say_for_whom(content)
        tokens = visit.consent(former, browser=browser, wait=wait)
        content = visit.moved_up(kept, content, tokens)
        connections.let_go(name)
        return visit.let_in(tokens, content)
    way = "by a key" if adapter.credentials else "without a secret"
    _say(f"{name} ({table.adapter}) lets us in {way}, which is the strongest that it offers")
    content = before
    if adapter.credentials or more:
        needed = adapter.credentials
        new = given(file, table.secret, needed=needed, more=more, held=before)
        content = merged(before, new)
    found = _tried(name, content)
    if content != before:
        act.keep(kept, content)
    return found


@dataclass(frozen=True, slots=True)
class _Visit:
    """A back office that is allowed in a browser. ``origin`` is where our API answers; ``calls``
    are fields of the secret without which it does not call us."""

    act: _Act
    oauth: OAuth
    origin: str
    calls: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.act.name

    def content(
        self, file: Path | None, before: Mapping[str, Any], former: TokenSet | None
    ) -> tuple[dict[str, Any], bool]:
        """The secret with what is given, and whether that is another app. Only a consent can try
        one: what takes the place of another lies beside it until then."""
        # An app that a broken-off run left there may be the one by now.
        content, new = settled(before, former), dict[str, Any]()
        if file is not None or not all(content.get(part) for part in APP):
            redirect = sign_in.redirect_of(self.name, self.origin)
            _say(f"the app at {self.oauth.title} must list this redirect address: {redirect}")
            secret = bootstrap.config().erps[self.name].secret
            needed = dict.fromkeys(APP, f"of the app at {self.oauth.title}")
            new = given(file, secret, needed=needed, more=self.calls, held=content)
        mark = secrets.token_hex(8)
        found = with_app(content, new, now=bootstrap.now(), mark=mark)
        was, waits = pending_of(content), pending_of(found)
        if was is not None and waits == was:
            _say(
                f"the app {was['client_id']} still waits for somebody to allow it, and stays aside "
                "until then; --again makes another link for it"
            )
        elif was is not None and (waits is None or waits["mark"] != was["mark"]):
            _say(f"the app {was['client_id']}, which nobody has allowed, is dropped")
        return found, waits is not None and waits != was

    def held(self, former: TokenSet, content: dict[str, Any]) -> list[Finding] | None:
        """What the consent so far opens; None where it takes another: it lapsed, lacks a scope, was
        given to another app, or does not let us in; or the app's secret is not good.

        Raises: TransientError: nobody can tell now.
        """
        theirs = former.client_id in ("", content["client_id"])
        if not theirs or former.refused_at is not None or scopes(self.oauth, former):
            return None
        try:
            # What lasts opens much, whatever its app's secret is: only a renewal tries that.
            tokens = connections.keeper(self.name, fresh=True).proved()
            found = self.let_in(tokens, content)
        except NoConsentError as error:
            _say(f"the consent so far does not let us in any more: {error}")
            return None
        except UnauthorizedError as error:
            _say(
                f"the app or the consent so far is not good any more: {error}. Where the app has "
                f"another client_secret by now, break off and give it: `accord connect {self.name} "
                "--from FILE`"
            )
            return None
        _say("nobody had to allow it anew; --again asks for another consent")
        return found

    def say_for_whom(self, content: Mapping[str, Any]) -> None:
        """Where the link is for another app than the one so far: which, and how to go back."""
        if (waits := pending_of(content)) is not None:
            _say(
                f"the link is for the app {waits['client_id']}, which waits to be allowed. For the "
                f"one so far, break off and run `accord connect {self.name} --from FILE` with only "
                f'client_id = "{content["client_id"]}" in FILE'
            )

    def consent(self, former: TokenSet | None, *, browser: bool, wait: int) -> TokenSet:
        """The tokens, once a person has allowed it."""
        self.act.tell("is to be allowed anew" if former is not None else "is to be allowed")
        tokens = _awaited(
            sign_in.make_link(self.name, public_url=self.origin),
            self.oauth.title,
            browser=browser,
            look=lambda: consented(
                lambda: sign_in.connected(self.name),
                former=former,
                until=bootstrap.now() + dt.timedelta(minutes=wait),
                clock=bootstrap.now,
                pause=time.sleep,
            ),
        )
        self.act.tell(f"is connected{for_whom(tokens)}")
        return tokens

    def moved_up(
        self, kept: KeptSecret, content: Mapping[str, Any], tokens: TokenSet
    ) -> dict[str, Any]:
        """The secret as it is by now, others may have written it; with the app that waited in
        ``content``, if ``tokens`` are of a consent to it. Ends the command where they are not."""
        now = kept.content()
        done = settled(now, tokens)
        if done != now:
            self.act.keep(kept, done)
        waited = pending_of(content)
        if waited is not None and tokens.app_mark != waited["mark"]:
            fail(
                "somebody allowed it, but by an earlier link, which is not for the app "
                f"{waited['client_id']}: that one is not tried, and the one so far stays in use. "
                f"Open the link above, then run `accord connect {self.name}`; or run it with "
                "--again for another link"
            )
        return done

    def let_in(self, tokens: TokenSet, content: dict[str, Any]) -> list[Finding]:
        """For whom, and what may be read there."""
        found = [*scopes(self.oauth, tokens), *_tried(self.name, content)]
        _say(f"✓ {self.oauth.title} lets us in{for_whom(tokens)}")
        if self.calls and not content.get("webhook_keys"):
            _say(
                "to hear of changes at once, have its webhooks sent to "
                f"{self.origin}/erps/{self.name}/webhook and put their key as webhook_keys: "
                "`accord connect` with --from takes it"
            )
        return found


def _tried(name: str, content: dict[str, Any]) -> list[Finding]:
    """What may be read there with ``content``, said; and what may not."""
    with told.status("trying what may be read", spinner="dots"):
        adapter = connections.back_office_with(name, content)
        writes = written(bootstrap.config(), name)
        open_, found = rights(name, adapter, now=bootstrap.now(), writes=writes)
    _say(f"✓ it answers, and may be read: {_words(open_) or 'nothing that it tells of'}")
    return found


def _words(kinds: Sequence[Kind]) -> str:
    return ", ".join(kind.value.replace("_", " ") for kind in kinds)


# --- either -----------------------------------------------------------------------


def _awaited(link: str, who: str, *, browser: bool, look: Callable[[], T | None]) -> T:
    """What comes of a ``link`` that a person opens. Whoever breaks off has changed nothing."""
    _say("open this once, soon, as whoever may allow it:")
    _say(f"  {link}")
    if browser and told.is_terminal:
        webbrowser.open(link)
    try:
        with told.status(f"waiting for {who}", spinner="dots"):
            found = look()
    except KeyboardInterrupt:
        found = None
    if found is None:
        fail("nobody has allowed it yet, and nothing came of it; run this again for a new link")
    return found


def _end(name: str, found: list[Finding], *, json: bool) -> None:
    """What lacks; exit code 1 where it keeps something from being carried."""
    if json:
        print_json([doctor.as_json(each) for each in found])
    else:
        doctor.show(found)
        if all(each.severity == "note" for each in found):
            console.print(f"{name} is connected, and nothing lacks.", highlight=False)
    if any(each.severity == "error" for each in found):
        raise typer.Exit(1)


def _say(line: str) -> None:
    """Progress, on standard error: --json stays readable."""
    told.print(line, highlight=False, markup=False, soft_wrap=True)
