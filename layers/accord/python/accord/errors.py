"""What can go wrong, sorted by what to do about it.

AccordError
├── TransientError          try again; the queue redelivers        (retry_after: seconds or None)
│   ├── RateLimitedError    429: refused before it took effect
│   ├── UnavailableError    timeout, refused connection, 5xx       (sent: it may have taken effect)
│   └── StaleVersionError   someone wrote between our read and our write
├── NotNowError             not before something else; the change is parked, `wake` brings it back
│   ├── UnauthorizedError   the connection must be made again
│   │   └── NoConsentError  by a person, on the page of the back office
│   ├── UnmappedError       no rule for this tax rate, account or item
│   └── WaitingError        its order, a maintenance window, the day's limit
└── PermanentError          retrying cannot help; a person must look
    ├── RejectedError       the other system refused the document  (body: theirs, verbatim)
    │   ├── DuplicateError  it refused because it already holds one with this key
    │   ├── GoneError       the store has no such order any more
    │   └── PaidByHandError what somebody booked there by hand leaves no room for that payment
    ├── DisagreementError   both sides hold it, and they differ
    │   └── VoidedError     a person has cancelled or deleted there what the order stands as
    └── UnsupportedError    this back office, or this release, cannot do that

A message names the record and the remedy. ``reason`` is a stable code; ``owner`` is who acts.
"""

from typing import ClassVar, Literal

Owner = Literal["commerce", "finance", "warehouse", "support", "ops"]


class AccordError(Exception):
    """Anything Accord raises on purpose. ``reason`` and ``owner`` say what it is and whose turn."""

    reason: str = "error"
    owner: Owner = "ops"

    def __init__(
        self, message: str, *, reason: str | None = None, owner: Owner | None = None
    ) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason
        if owner is not None:
            self.owner = owner


class TransientError(AccordError):
    """Try again. ``retry_after`` is in seconds, or None when the other side did not say."""

    reason = "transient"

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        connection: str | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after
        self.connection = connection


class RateLimitedError(TransientError):
    """The other side said 429: nothing took effect."""

    reason = "rate_limited"


class UnavailableError(TransientError):
    """No usable answer. ``sent`` is False only when the request surely never reached them."""

    reason = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        sent: bool = True,
        retry_after: float | None = None,
        connection: str | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after, connection=connection)
        self.sent = sent


class StaleVersionError(TransientError):
    """Someone wrote between our read and our write."""

    reason = "stale_version"


class BusyError(TransientError):
    """Another worker holds the lease of this record."""

    reason = "busy"


class NotNowError(AccordError):
    """Cannot go on now. ``cause`` names, within ``connection``, what must be there first.

    Everything parked for one (connection, cause) shares one attention item and is woken together.
    """

    reason = "not_now"
    kind: ClassVar[str] = "waiting"

    def __init__(
        self,
        message: str,
        *,
        connection: str,
        causes: tuple[str, ...] = (),
        owner: Owner | None = None,
    ) -> None:
        super().__init__(message, owner=owner)
        self.connection = connection
        self.causes = causes or (self.kind,)

    @property
    def cause(self) -> str:
        """The first of ``causes``: what it is parked under."""
        return self.causes[0]


class UnauthorizedError(NotNowError):
    """The other side does not accept our credentials.

    ``is_login``: it turned down the login or key itself. To ask once more would be to try a wrong
    password again, and some lock the account for that. ``is_narrow``: it accepts them for other
    things, so that this says nothing about the connection.
    """

    reason = "unauthorized"
    kind: ClassVar[str] = "unauthorized"
    is_login = False
    is_narrow = False


class NoConsentError(UnauthorizedError):
    """Nobody has allowed us in, or that is no longer accepted: a person must, with a browser."""

    reason = "no_consent"
    is_login = True


class OutageError(NotNowError):
    """The other side has not answered for several tries."""

    reason = "outage"
    kind: ClassVar[str] = "outage"


class UnmappedError(NotNowError):
    """No rule says what this is in the back office. ``causes``: all of ``tax:…``, ``item:…``."""

    reason = "unmapped"
    owner: Owner = "finance"
    kind: ClassVar[str] = "unmapped"


class WaitingError(NotNowError):
    """Its order, a maintenance window, the day's limit.

    ``behind``: ids of the attention items one of which asks about its order; none where none does.
    """

    reason = "waiting"
    behind: tuple[str, ...] = ()


class PermanentError(AccordError):
    """Retrying cannot help. ``body`` is what the other side said, verbatim.

    ``content`` is a fingerprint of what it is about, as far as whoever raised it knew; ``over`` are
    the reasons of other items about the same that were found to be over.
    """

    reason = "failed"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        owner: Owner | None = None,
        sent: object = None,
        body: object = None,
    ) -> None:
        super().__init__(message, reason=reason, owner=owner)
        self.sent = sent
        self.body = body
        self.content = ""
        self.over: frozenset[str] = frozenset()


class RejectedError(PermanentError):
    """The other system refused the document; nothing took effect."""

    reason = "rejected"


class DuplicateError(RejectedError):
    """It refused because it already holds a record with this key."""

    reason = "duplicate"


class GoneError(RejectedError):
    """The store has no such order any more."""

    reason = "gone"


class PaidByHandError(RejectedError):
    """What somebody booked there by hand leaves no room for that payment. ``is_all``: it is money,
    and just as much. ``is_settled``: nothing is left to pay there, whatever it was settled with."""

    reason = "paid_by_hand"
    owner: Owner = "finance"
    is_all = False
    is_settled = False


class DisagreementError(PermanentError):
    """Both sides hold it, and they differ: two hits, a voided one, another total or currency."""

    reason = "disagreement"
    owner: Owner = "finance"


class VoidedError(DisagreementError):
    """A person has cancelled or deleted there what the order stands as, and the order goes on in
    the store."""

    reason = "voided"
    owner: Owner = "commerce"


class UnsupportedError(PermanentError):
    """This back office, or this release, cannot do that."""

    reason = "unsupported"


class BadInputError(PermanentError):
    """What came in cannot be read; the message names the field."""

    reason = "bad_input"
