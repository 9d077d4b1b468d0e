"""What new credentials of a back office open, and what they do not; and how they are given up.

Nothing is written to try it. Where a back office does not say who may write, the first order shows.
"""

import datetime as dt
from collections.abc import Callable, Collection
from typing import TypeVar

from accord.errors import AccordError, NotNowError, TransientError
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.ports.advice import Advice, Advises, Ends, Permits
from accord.ports.erp import ErpAdapter
from accord.ports.state import Entry, Journal
from accord.ports.tokens import Consents, OAuth, Tokens, TokenSet
from accord.rules.findings import Finding, Severity
from accord.sync.consent import give_up
from accord.sync.key_ends import KEY_NOTICE, ends_at

_RECENT = dt.timedelta(hours=1)  # so little is read that it costs a call each, and no more
_PAUSE_S = 2.0

T = TypeVar("T")


def rights(
    name: str, adapter: ErpAdapter, *, now: dt.datetime, writes: Collection[Kind] = ()
) -> tuple[tuple[Kind, ...], list[Finding]]:
    """The kinds of records of [erps.``name``] that may be read; what stands in the way of the
    others, and of writing those of ``writes``. One call for each kind that it tells of, and a few.

    Raises: AccordError: it does not answer at all, or does not let us in.
    """
    adapter.ping()
    open_, found = [], []
    for kind in sorted(adapter.capabilities.tells):
        try:
            list(adapter.changes(kind, now - _RECENT, limit=1))
        except TransientError as error:
            found.append(_unread(kind, error, "run this once more", severe=False))
        except AccordError as error:
            remedy = f"give its user there the right to read it, or mend [erps.{name}.options]"
            found.append(_unread(kind, error, remedy, severe=isinstance(error, NotNowError)))
        else:
            open_.append(kind)
    return tuple(open_), [*found, *settings_of(name, adapter, now=now, writes=writes)]


def settings_of(
    name: str, adapter: ErpAdapter, *, now: dt.datetime, writes: Collection[Kind]
) -> list[Finding]:
    """What the user of [erps.``name``] lacks there to write records of ``writes``, what would be
    better in its settings, and when its key ends. By its own adapter, in few calls."""
    return [
        *_unwritable(name, adapter, writes),
        *advised(name, adapter),
        *_ending(name, adapter, now),
    ]


def _unwritable(name: str, adapter: ErpAdapter, writes: Collection[Kind]) -> list[Finding]:
    if not isinstance(adapter, Permits) or not writes:
        return []
    can = [kind for kind in writes if adapter.capabilities.can(kind)]
    try:
        lacks = adapter.lacks(can)
    except AccordError as error:
        return [_unasked("rights", name, error)]
    return [_found("error", each) for each in lacks]


def _ending(name: str, adapter: ErpAdapter, now: dt.datetime) -> list[Finding]:
    try:
        ending = adapter.ends() if isinstance(adapter, Ends) else None
    except AccordError as error:
        return [_unasked("key", name, error)]
    if ending is None:
        return []
    severity: Severity = "warning" if ending.at - now < KEY_NOTICE else "note"
    return [Finding(severity, "key", name, ends_at(ending), ending.remedy)]


def advised(name: str, adapter: ErpAdapter) -> list[Finding]:
    """What would be better in the settings of [erps.``name``], by its own adapter. Few calls."""
    if not isinstance(adapter, Advises):
        return []
    try:
        advice = adapter.advice()
    except AccordError as error:
        return [_unasked("settings", name, error)]
    return [_found("warning", each) for each in advice]


def _found(severity: Severity, advice: Advice) -> Finding:
    return Finding(severity, advice.topic, advice.subject, advice.what, advice.remedy)


def _unasked(topic: str, name: str, error: AccordError) -> Finding:
    return Finding("warning", topic, name, str(error), "run this once more")


def _unread(kind: Kind, error: AccordError, remedy: str, *, severe: bool) -> Finding:
    severity: Severity = "error" if severe else "warning"
    return Finding(severity, "rights", kind.value.replace("_", " "), str(error), remedy)


def scopes(oauth: OAuth, tokens: TokenSet) -> list[Finding]:
    """What was asked for and not consented to. One that does not say gave all of it."""
    given = set(tokens.scopes)
    return [
        Finding(
            "error",
            "scopes",
            scope,
            f"the consent for {tokens.tenant.name or oauth.title} does not include it",
            f"add it to the app at {oauth.title} if that must list it, run this once more, and "
            "allow all that is asked",
        )
        for scope in oauth.scopes
        if given and scope not in given
    ]


def disconnected(
    name: str,
    found: TokenSet,
    tokens: Tokens,
    consents: Consents,
    journal: Journal,
    *,
    by: str,
    why: str,
    clock: Callable[[], dt.datetime],
) -> bool:
    """The tokens of the consent that gave ``found`` to the back office ``name`` are forgotten, and
    the journal says by whom. False: they are gone, or of another consent by now, which stays.

    Raises: AccordError: a table does not answer. The journal may say so already; once more is fine.
    """
    kept, now = tokens.get(name), clock()
    if kept is None or kept.consented_at != found.consented_at:
        return False
    give_up(consents, name, found, clock=clock)
    acted(journal, name, f"is disconnected{for_whom(found)}", by=by, why=why, now=now)
    return tokens.forget(name, consented_at=found.consented_at)


def acted(journal: Journal, name: str, what: str, *, by: str, why: str, now: dt.datetime) -> None:
    """The journal says that ``by`` did ``what`` to the store or back office ``name``. It is said
    first where that can be: what cannot be kept is not done."""
    text = f"{name} {what}, by {by}{f': {why}' if why else ''}"
    ref = Ref(name, "connection", name)
    journal.append([Entry(ref, now, "step", text, f"operator-{now:%Y%m%dT%H%M%S}", {"by": by})])


def for_whom(tokens: TokenSet) -> str:
    """``, for Demo Shop``; empty where the back office names nobody."""
    whose = tokens.tenant.name or tokens.tenant.id
    return f", for {whose}" if whose else ""


def consented(
    connected: Callable[[], TokenSet | None],
    *,
    former: TokenSet | None,
    until: dt.datetime,
    clock: Callable[[], dt.datetime],
    pause: Callable[[float], None],
) -> TokenSet | None:
    """The tokens of another consent than the ``former`` one, as ``awaited``. Two machines' clocks
    are not compared."""
    was = former.consented_at if former is not None else None

    def look() -> TokenSet | None:
        found = connected()
        is_new = found is not None and found.consented_at != was and found.refused_at is None
        return found if is_new else None

    return awaited(look, until=until, clock=clock, pause=pause)


def awaited(
    look: Callable[[], T | None],
    *,
    until: dt.datetime,
    clock: Callable[[], dt.datetime],
    pause: Callable[[float], None],
) -> T | None:
    """What ``look`` sees, as soon as it sees something; None if it does not by ``until``. A failure
    to ask is asked again."""
    while True:
        try:
            found = look()
        except TransientError:
            found = None
        if found is not None or clock() >= until:
            return found
        pause(_PAUSE_S)
