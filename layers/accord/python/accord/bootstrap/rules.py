"""The configuration, with the newest rules over it."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from accord.bootstrap import tables
from accord.errors import BadInputError, TransientError, UnsupportedError
from accord.model.change import Change
from accord.rules import naming
from accord.rules.config import Config, StoreFlows
from accord.rules.config import Store as StoreTable
from accord.rules.load import overlay, parse
from accord.settings import settings

_RULES_KEPT_S = 60.0  # "live within a minute"


@cache
def _deployed() -> tuple[Config, str]:
    text = Path(settings().config).read_text(encoding="utf-8")
    return parse(json.loads(text)), hashlib.sha256(text.encode()).hexdigest()[:8]


class _Rules:
    """The configuration with the newest rules over it, read again after a minute."""

    def __init__(self) -> None:
        self._read_at = float("-inf")
        self._version = ""
        self._config: Config | None = None
        self._misfit = ""

    def renew(self, *, older_than_s: float = 0.0) -> None:
        """They are read again at their next use, if the last time is so long ago."""
        if time.monotonic() - self._read_at >= older_than_s:
            self._read_at = float("-inf")

    def current(self) -> tuple[Config, str]:
        """The configuration, and a text that changes whenever it does.

        Raises: TransientError: what was pushed does not fit what is deployed. All work comes again
        until a version that fits is pushed; the deployed mappings alone may be the wrong ones.
        """
        version = self.version()
        if self._config is None:
            raise TransientError(self._misfit, reason="rules")
        return self._config, version

    def version(self) -> str:
        """That text, also where there is no configuration: work is parked by it even then."""
        if time.monotonic() - self._read_at > _RULES_KEPT_S:
            deployed, digest = _deployed()
            latest = tables.rules_store().latest()
            version = f"{digest}/{latest[0] if latest else 0}"
            if version != self._version or self._config is None:
                self._take(deployed, latest, version)
            self._read_at = time.monotonic()
        return self._version

    def _take(
        self, deployed: Config, latest: tuple[int, Mapping[str, Any]] | None, version: str
    ) -> None:
        """What held before stays, where the newest does not fit."""
        try:
            self._config = overlay(deployed, latest[1]) if latest else deployed
        except BadInputError as error:
            self._misfit = (
                f"version {latest[0] if latest else 0} of the rules does not fit the deployed "
                f"accord.toml: {error}; push the file again, or `accord config revert`"
            )
            if self._config is not None:
                return
        self._version = version


live = _Rules()


def rules_version() -> str:
    """Changes whenever the configuration or the rules over it do."""
    return live.version()


def config() -> Config:
    """The configuration as it holds now."""
    return live.current()[0]


def deployed() -> Config:
    """What was deployed, without the rules that were pushed over it since."""
    return _deployed()[0]


def standing() -> Config:
    """The configuration as it holds now, or as it was deployed where the rules cannot be had: which
    stores there are is the same."""
    try:
        return config()
    except TransientError:
        return deployed()


def store_table(name: str) -> tuple[StoreTable, str]:
    """[stores.``name``] as it holds now, and what changes whenever it does."""
    config, version = live.current()
    if name not in config.stores:
        raise UnsupportedError(f"accord.toml has no store named {name!r}; add it, then replay")
    return config.stores[name], version


def store_of(change: Change) -> str:
    """The store that the change is about.

    A record of a back office that belongs to nothing of a store: the first store of that back
    office whose customers are kept alike, else the first. The name itself where there is none.
    """
    name = (change.aggregate or change.ref).system
    stores = standing().stores
    if name in stores:
        return name
    served = [each for each, table in stores.items() if table.erp == name]
    served.sort(key=lambda each: stores[each].flows.customers == "off")
    return next(iter(served), name)


def tables_of(change: Change, causes: Sequence[str]) -> tuple[str, ...]:
    """Where accord.toml names what ``causes`` lack, for the store that ``change`` is about.

    Raises: AccordError: there are no rules that fit, or no such store.
    """
    name = store_of(change)
    return naming.tables_of(causes, name, store_table(name)[0])


def flows_of(name: str) -> StoreFlows | None:
    """What runs for the store, None for one that left the configuration."""
    table = config().stores.get(name)
    return None if table is None else table.flows
