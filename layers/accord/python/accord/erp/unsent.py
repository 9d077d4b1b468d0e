"""Requests that change nothing, whether they were answered or not."""

import contextlib
from collections.abc import Iterator

from accord.errors import UnavailableError


@contextlib.contextmanager
def nothing_made() -> Iterator[None]:
    """Within, a request that got no answer made nothing: it only reads, or logs in."""
    try:
        yield
    except UnavailableError as error:
        if not error.sent:
            raise
        raise UnavailableError(
            str(error), sent=False, retry_after=error.retry_after, connection=error.connection
        ) from error
