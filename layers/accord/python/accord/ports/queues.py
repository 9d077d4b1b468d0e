"""The FIFO queues of changes, one per event."""

from typing import Protocol

from accord.model.change import Change


class Queues(Protocol):
    """Where a change goes to be handled."""

    def put(self, change: Change, *, sending: str) -> None:
        """Queues it for its event's function, behind what is queued for the same aggregate.

        ``sending`` names this act of sending: the same one within five minutes is dropped.
        Raises: UnavailableError.
        """
        ...
