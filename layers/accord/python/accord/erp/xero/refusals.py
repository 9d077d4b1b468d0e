"""What Xero refuses, by its words: it has no codes for it. Pure.

Source: developer.xero.com, "Response codes and errors"; texts that users of the API report.
"""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Final

from accord.errors import (
    AccordError,
    DuplicateError,
    RejectedError,
    UnmappedError,
    WaitingError,
)

_DUPLICATE: Final = re.compile(r"must be unique|already (?:assigned|exists|in use)", re.I)
_LOCKED: Final = re.compile(r"lock date|period is locked|locked period", re.I)
_PLAN: Final = re.compile(r"limit .*\binvoices\b|\byour plan\b", re.I)
_UNKNOWN: Final = (
    (re.compile(r"TaxType code '([^']*)'", re.I), "tax"),
    (re.compile(r"Account code '([^']*)' (?:is not|has been|could not)", re.I), "account"),
    (re.compile(r"not subscribed to currency (\w{3})", re.I), "currency"),
    (re.compile(r"Item code '([^']*)' (?:is not|has been|could not)", re.I), "item"),
    (re.compile(r"Tracking ?Category '([^']*)' (?:is not|has been|does not)", re.I), "tracking"),
    (re.compile(r"Tracking ?Option '([^']*)' (?:is not|has been|does not)", re.I), "tracking"),
)
"""What of our codes it does not take, and the prefix of the cause."""


class PeriodLockedError(RejectedError):
    """The books are locked on that day. Whoever knows the day says which period it is."""


def refusal(connection: str, what: str, messages: Sequence[str]) -> AccordError:
    """The error for what it said of an element."""
    body = "; ".join(messages)
    whole = f"{connection}, {what}: {body}"
    if any(_LOCKED.search(each) for each in messages):
        return PeriodLockedError(whole, body=body)
    if any(_PLAN.search(each) for each in messages):
        return WaitingError(
            f"{whole}; it goes on by itself with the new month, or once the plan allows more",
            connection=connection,
            causes=("plan_limit",),
            owner="finance",
        )
    causes = tuple(
        dict.fromkeys(
            f"{prefix}:{found[1]}"
            for each in messages
            for pattern, prefix in _UNKNOWN
            if (found := pattern.search(each))
        )
    )
    if causes:
        return UnmappedError(
            f"{whole}; mend it in Xero, or map to another", connection=connection, causes=causes
        )
    if any(_DUPLICATE.search(each) for each in messages):
        return DuplicateError(whole, body=body)
    return RejectedError(whole, body=body)


def locked(connection: str, on: dt.date, error: PeriodLockedError) -> UnmappedError:
    """What ``error`` says of a document of that day."""
    return UnmappedError(
        f"{error}; move Xero's lock dates, or enter it there by hand",
        connection=connection,
        causes=(f"period:{on:%Y-%m}",),
    )
