"""Back offices that call us when something changed there. Imports the standard library only.

One that does has a module ``accord.erp.NAME.webhook`` which is a ``Webhook``; the others have none.
The receiver's start-up is what they wait for, so that module imports no adapter and no pydantic.
"""

import importlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol, cast


class Heard(NamedTuple):
    """What a genuine call says.

    ``kinds`` are those of which something changed, each once. ``elsewhere`` counts the events of
    other organisations than ours, ``unknown`` those that say nothing to us.
    """

    kinds: tuple[str, ...]
    elsewhere: int = 0
    unknown: int = 0


class Webhook(Protocol):
    """How one kind of back office calls."""

    def is_genuine(self, body: bytes, headers: Mapping[str, str], keys: Iterable[str]) -> bool:
        """Whether one of ``keys`` signed the raw ``body``; names of ``headers`` in lower case."""
        ...

    def heard(self, body: bytes, options: Mapping[str, Any]) -> Heard | None:
        """What a genuine ``body`` says; None for one that cannot be read. ``options`` are the
        connection's, from the configuration."""
        ...


def webhook_of(adapter: str) -> Webhook | None:
    """How back offices of that kind call; None where they do not."""
    name = f"accord.erp.{adapter}.webhook"
    try:
        return cast("Webhook", importlib.import_module(name))
    except ModuleNotFoundError as error:
        if error.name is not None and name.startswith(error.name):
            return None
        raise  # it is there, and what it imports is not
