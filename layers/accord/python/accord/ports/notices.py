"""Telling a desk something by mail."""

from typing import Protocol

from accord.errors import Owner


class Notices(Protocol):
    """Each owner's topic. Who reads it has subscribed there."""

    def publish(self, owner: Owner, subject: str, text: str) -> None:
        """Sends plain text. ``subject`` is one line of at most 100 ASCII characters.

        Raises: UnavailableError, RateLimitedError, RejectedError: nobody was told.
        """
        ...
