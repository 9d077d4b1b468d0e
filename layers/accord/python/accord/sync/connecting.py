"""What new credentials of a back office open, and what they do not; and how they are given up.

Whether they may write is seen with the first order: nothing is written to try it.
"""

import datetime as dt
from collections.abc import Callable
from typing import TypeVar

from accord.errors import AccordError, NotNowError, TransientError
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.ports.erp import ErpAdapter
from accord.ports.state import Entry, Journal
from accord.ports.tokens import Consents, OAuth, Tokens, TokenSet
from accord.rules.findings import Finding, Severity
from accord.sync.consent import give_up

_RECENT = dt.timedelta(hours=1)  # so little is read that it costs a call each, and no more
_PAUSE_S = 2.0

T = TypeVar("T")


def rights(
    name: str, adapter: ErpAdapter, *, now: dt.datetime
) -> tuple[tuple[Kind, ...], list[Finding]]:
    """The kinds of records of [erps.``name``] that may be read, and what stands in the way of the
    others. One call for each kind that it tells of.

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
    return tuple(open_), found


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
    whose = f", for {found.tenant.name or found.tenant.id}" if found.tenant.id else ""
    text = f"{name} is disconnected{whose}, by {by}{f': {why}' if why else ''}"
    ref = Ref(name, "connection", name)
    journal.append([Entry(ref, now, "step", text, f"operator-{now:%Y%m%dT%H%M%S}", {"by": by})])
    return tokens.forget(name, consented_at=found.consented_at)


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
