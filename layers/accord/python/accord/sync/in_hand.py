"""A record's link under an operator's lease, so that no worker writes it meanwhile."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from accord.errors import BusyError
from accord.model.change import Ref
from accord.ports.state import Link, Links, Seen

_LEASE = dt.timedelta(seconds=60)  # a store may be asked within it


@contextmanager
def in_hand(links: Links, ref: Ref, *, by: str, now: dt.datetime, key: str = "") -> Iterator[Link]:
    """The link of ``ref``, made with ``key`` if there was none; given back in the end.

    ``by`` is who asks. The same person at another moment is another holder.

    Raises: BusyError: a worker, or another person, has it.
    """
    link = links.acquire(
        ref,
        key=key,
        owner=f"{by} {now.isoformat()}",
        now=now,
        until=now + _LEASE,
        seen=Seen(None),
    )
    if link is None:
        raise BusyError(f"{ref} is in work this moment; try again in a minute")
    try:
        yield link
    finally:
        links.abandon(link)
