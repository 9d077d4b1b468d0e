"""Keeps one connection's OAuth tokens: gives the access token, and renews it in time.

Of all workers one renews, under the lease of the token set; the others use the old access token
while it lasts, or wait a moment. New tokens are kept before anybody uses them. A worker may die at
any step, and an answer may be lost: the stored refresh token is then used again, which the
provider allows for its grace. A renewal that is told of late meets a lease that is no longer its
own; should it have made the stored token void, the one before it is tried, within the same grace,
and so that it is tried soon, whoever renews behind an unfinished attempt leaves its mark.

A new consent reaches every worker within ``FRESH``, and at once who is refused. Only the app that
tokens were given to renews them: another would be told that the consent has lapsed. So where a new
app waits for its consent, both are at hand, and the tokens say which is theirs.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from accord.errors import (
    AccordError,
    NoConsentError,
    StaleVersionError,
    TransientError,
    UnauthorizedError,
    UnavailableError,
)
from accord.ports.tokens import (
    Access,
    AccessTokens,
    App,
    Grant,
    OAuth,
    Tokens,
    TokenSet,
)

AHEAD = dt.timedelta(minutes=3)
"""So long before its access token expires, whoever needs it renews it."""

TENDED = dt.timedelta(minutes=12)
"""And so long before, the schedule does, that workers find it done."""

FRESH = dt.timedelta(seconds=45)
"""So long what is stored is not looked at again."""

_USABLE = dt.timedelta(seconds=30)  # the least that an access token must last: a call takes so long
_LEASE = dt.timedelta(seconds=40)  # longer than the provider may take, and the writing after it
_WAIT = dt.timedelta(seconds=8)  # for another worker, who is done in a second
_PAUSE_S = 0.25
_REST = dt.timedelta(seconds=5)  # after a failure that says nothing of when to come back
_LONGEST_REST = dt.timedelta(minutes=4)  # each run of the schedule, every five, may try
_NEW = dt.timedelta(minutes=1)  # a token that was made so short a time ago has not expired
_UNDER_WAY = dt.timedelta(minutes=5)  # the longest that a worker lives, and with it its request
_RETRIES_S = (6.0, 15.0)  # until the schedule tries again, which has time
_WRITES = 3  # tries to keep what came; it is thrown away after them, and asked for again


@dataclass(slots=True, kw_only=True)
class Keeper(AccessTokens):
    """The tokens of the back office ``erp``. ``apps`` are ours: the one that is used, and behind it
    one that waits for its consent. ``new_owner`` names one who holds a lease; ``pause`` waits some
    seconds. One worker's: threads do not share it."""

    erp: str
    oauth: OAuth
    apps: tuple[App, ...]
    tokens: Tokens
    clock: Callable[[], dt.datetime]
    pause: Callable[[float], None]
    new_owner: Callable[[], str]
    _known: tuple[dt.datetime, TokenSet] | None = field(default=None, init=False, repr=False)

    # --- for who calls the back office ----------------------------------------

    def access(self) -> Access:
        """See ``AccessTokens.access``. Asks nobody within ``FRESH``; a table that does not answer
        stops nobody whose token lasts."""
        if self._known is None:
            return self._get(AHEAD)
        (seen_at, known), now = self._known, self.clock()
        lasts = now < known.expires_at - AHEAD
        if lasts and seen_at <= now < seen_at + FRESH:
            return _access(known)
        try:
            return self._get(AHEAD)
        except TransientError:
            if lasts:
                return _access(known)
            raise

    def renewed(self, refused: Access) -> Access:
        """See ``AccessTokens.renewed``. A token that is new and refused is not renewed again."""
        self._known = None
        return self._get(AHEAD, refused=refused.token)

    def another(self, refused: Access) -> Access | None:
        """See ``AccessTokens.another``."""
        found = self._found()
        return None if _access(found) == refused else self._take(found)

    # --- for an operator -------------------------------------------------------

    def proved(self) -> TokenSet:
        """They are renewed now, though they last: only so it is seen that the provider takes both
        our app and the consent.

        Raises: as ``access``.
        """
        until = self.clock() + _WAIT
        while True:
            found, now = self._found(), self.clock()
            if found.refused_at is not None:
                raise self._lapsed()
            if found.is_leased(now):
                self._wait(found, until)
            elif (renewed := self._renew(found)) is not None:
                return renewed

    # --- for the schedule -----------------------------------------------------

    def tend(self) -> bool:
        """Whether it was renewed: it is about to expire, or somebody began to and never ended.

        What fails is tried twice more, within a minute and a half at most.

        Raises: as ``access``; of a consent that has lapsed also while its access token lasts.
        """
        failed: TransientError | None = None
        for pause in (0.0, *_RETRIES_S):
            if failed is not None:
                if failed.retry_after is not None and failed.retry_after > pause:
                    break  # the next run's
                self.pause(pause)
            found, now = self._found(), self.clock()
            if found.refused_at is not None:
                raise self._lapsed()
            self._apps_of(found)
            if found.tried_at is None and now < found.expires_at - TENDED:
                return False
            if not found.is_leased(now):
                try:
                    return self._renew(found) is not None
                except TransientError as error:
                    failed = error
            elif failed is None and found.owner:
                return False  # another is at it
            elif failed is None:
                raise self._resting(found, now)
        if failed is None:
            return False
        raise failed

    # --- the renewal ----------------------------------------------------------

    def _get(self, ahead: dt.timedelta, *, refused: str = "") -> Access:
        until = self.clock() + _WAIT
        while True:
            found, now = self._found(), self.clock()
            is_usable = found.access != refused and now < found.expires_at - _USABLE
            if is_usable and now < found.expires_at - ahead:
                return self._take(found)
            if found.access == refused and now < found.renewed_at + _NEW:
                raise NoConsentError(
                    f"{self.erp} does not accept an access token that was made just now; its "
                    f"consent may have been withdrawn: {self._remedy}",
                    connection=self.erp,
                )
            if found.refused_at is not None:
                if is_usable:
                    return self._take(found)
                raise self._lapsed()
            if not found.is_leased(now):
                try:
                    renewed = self._renew(found)
                except AccordError:
                    if is_usable:  # it was early; the next one tries again
                        return self._take(found)
                    raise
                if renewed is None:
                    continue  # another was there first, so it is another by now
                return self._take(renewed)
            if is_usable:
                return self._take(found)
            self._wait(found, until)

    def _wait(self, found: TokenSet, until: dt.datetime) -> None:
        """A moment, for whoever renews them. Raises: UnavailableError: it takes too long."""
        now = self.clock()
        if now >= until or not found.owner:
            raise self._resting(found, now)
        self.pause(_PAUSE_S)

    def _resting(self, found: TokenSet, now: dt.datetime) -> UnavailableError:
        """The provider failed, and is not asked again before the lease that nobody holds ends."""
        again = found.leased_until if not found.owner else None
        return UnavailableError(
            f"the access token of {self.erp} is to be renewed, and its provider gives no new one "
            "at the moment",
            retry_after=(again - now).total_seconds() if again is not None else None,
            connection=self.erp,
            sent=False,
        )

    def _renew(self, found: TokenSet) -> TokenSet | None:
        """The new set, stored; None when another worker was there first."""
        apps, now = self._apps_of(found), self.clock()
        leased = self.tokens.lease(
            self.erp, version=found.version, owner=self.new_owner(), now=now, until=now + _LEASE
        )
        if leased is None:
            return None
        used = [leased.refresh]
        # An answer that came too late for its worker may have made ours void.
        if leased.spent and now < leased.renewed_at + self.oauth.grace:
            used.append(leased.spent)
        refusal: NoConsentError | None = None
        for refresh in used:
            try:
                grant = _renewed(apps, refresh)
            except NoConsentError as error:
                refusal = error
            except Exception as error:
                asked = error.retry_after if isinstance(error, TransientError) else None
                rest = _REST if asked is None else dt.timedelta(seconds=asked)
                self._release(leased, until=self.clock() + min(rest, _LONGEST_REST))
                raise
            else:
                kept = replace(leased, client_id=apps[0].client_id)
                return self._keep(kept, refresh, grant, before=found.tried_at)
        now = self.clock()
        if not self._release(leased, until=now, refused_at=now):
            return None  # our lease ran out: what another one has stored is what holds
        raise self._lapsed() from refusal

    def _keep(
        self, leased: TokenSet, used: str, grant: Grant, *, before: dt.datetime | None
    ) -> TokenSet | None:
        """The new set once it is stored, and not before; None when the lease is another's.

        ``before``: when somebody began and never ended. Their request may yet arrive.
        """
        now = self.clock()
        tokens = replace(
            leased,
            access=grant.access,
            refresh=grant.refresh or used,
            spent=used if grant.refresh else "",
            expires_at=now + grant.lasts,
            renewed_at=now,
            scopes=grant.scopes or leased.scopes,
            tried_at=before if before is not None and now < before + _UNDER_WAY else None,
        )
        for left in reversed(range(_WRITES)):
            try:
                return self.tokens.renew(self.erp, tokens)
            except StaleVersionError:
                return None
            except TransientError:
                if not left:
                    raise
                self.pause(_PAUSE_S)
        raise AssertionError("unreachable")  # pragma: no cover

    def _release(
        self, leased: TokenSet, *, until: dt.datetime, refused_at: dt.datetime | None = None
    ) -> bool:
        try:
            return self.tokens.release(
                self.erp, owner=leased.owner, until=until, refused_at=refused_at
            )
        except TransientError:
            return True  # the lease runs out by itself

    # --- what is there --------------------------------------------------------

    def _found(self) -> TokenSet:
        found = self.tokens.get(self.erp)
        if found is None:
            raise NoConsentError(
                f"nobody has allowed us into {self.erp} yet: {self._remedy}", connection=self.erp
            )
        return found

    def _take(self, found: TokenSet) -> Access:
        self._known = self.clock(), found
        return _access(found)

    def _apps_of(self, found: TokenSet) -> tuple[App, ...]:
        """Those that may renew them: of one id, with a renewed secret perhaps.

        Raises: UnauthorizedError: they were given to another app than ours is now.
        """
        wanted = found.client_id or self.apps[0].client_id
        ours = tuple(app for app in self.apps if app.client_id == wanted)
        if not ours:
            raise UnauthorizedError(
                f"the consent for {self.erp} was given to the app {found.client_id}, and its "
                f"secret names another: {self._remedy} for the new one, or put the former "
                "client_id and client_secret back",
                connection=self.erp,
            )
        return ours

    def _lapsed(self) -> NoConsentError:
        return NoConsentError(
            f"{self.oauth.title} no longer accepts the consent for {self.erp}: {self._remedy}",
            connection=self.erp,
        )

    @property
    def _remedy(self) -> str:
        return f"run `accord connect {self.erp}` and allow it in the browser"


def _renewed(apps: tuple[App, ...], refresh: str) -> Grant:
    """What the first of ``apps`` is given that the provider knows.

    Raises: as ``Identity.renew``.
    """
    *others, last = apps
    for app in others:
        try:
            return app.identity.renew(refresh)
        except NoConsentError:
            raise
        except UnauthorizedError:  # its secret is not good: the token was not looked at
            continue
    return last.identity.renew(refresh)


def _access(found: TokenSet) -> Access:
    return Access(found.access, found.tenant.id)
