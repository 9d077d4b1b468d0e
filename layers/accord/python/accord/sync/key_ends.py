"""Keys of a back office that end by themselves: a person is asked for another one in time."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from accord.errors import AccordError, PermanentError
from accord.ports.advice import Ending, Ends
from accord.ports.erp import ErpAdapter
from accord.sync.looks import Looks

KEY_NOTICE: Final = dt.timedelta(days=14)  # so long before, a person is to make another key
_TASK: Final = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWatch:
    """Looks once a night, whichever store's. What it asks is on the list until a later look finds
    no such key."""

    looks: Looks
    clock: Callable[[], dt.datetime]

    def look(self, name: str, adapter: ErpAdapter) -> AccordError | None:
        """Why nobody can say, for the log; the next night asks again.

        Raises: AccordError: a table does not answer.
        """
        try:
            ending = adapter.ends() if isinstance(adapter, Ends) else None
        except AccordError as error:
            return error
        if ending is None or ending.at - self.clock() >= KEY_NOTICE:
            self.looks.went_well(name, _TASK)
            return None
        message = f"{name}: {ends_at(ending)}, and then nothing is carried; {ending.remedy}"
        self.looks.failed(name, _TASK, PermanentError(message, reason="key_ends"))
        return None


def ends_at(ending: Ending) -> str:
    """When it opens nothing any more, for people."""
    return f"its API key {ending.name!r} ends on {ending.at.day} {ending.at:%B %Y at %H:%M} UTC"
