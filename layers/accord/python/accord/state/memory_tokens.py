"""OAuth tokens in memory."""

import datetime as dt
import threading
from collections.abc import Mapping
from dataclasses import replace

from accord.errors import StaleVersionError
from accord.ports.tokens import Consents, Tokens, TokenSet


class MemoryTokens(Tokens):
    """The sets by name. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sets: dict[str, TokenSet] = {}

    def get(self, erp: str) -> TokenSet | None:
        """See ``Tokens.get``."""
        return self._sets.get(erp)

    def keep(self, erp: str, tokens: TokenSet) -> TokenSet:
        """See ``Tokens.keep``."""
        with self._lock:
            before = self._sets.get(erp)
            return self._put(erp, tokens, before.version if before else 0, tried_at=None)

    def lease(
        self, erp: str, *, version: int, owner: str, now: dt.datetime, until: dt.datetime
    ) -> TokenSet | None:
        """See ``Tokens.lease``."""
        with self._lock:
            found = self._sets.get(erp)
            if found is None or found.version != version:
                return None
            if found.is_leased(now) and found.owner != owner:
                return None
            leased = replace(found, owner=owner, leased_until=until, tried_at=now)
            self._sets[erp] = leased
            return leased

    def renew(self, erp: str, tokens: TokenSet) -> TokenSet:
        """See ``Tokens.renew``."""
        with self._lock:
            found = self._sets.get(erp)
            if (
                found is None
                or not tokens.owner
                or (found.owner, found.version) != (tokens.owner, tokens.version)
            ):
                raise StaleVersionError(
                    f"the tokens of {erp} were renewed by another worker; read them again"
                )
            return self._put(erp, tokens, found.version, tried_at=tokens.tried_at)

    def release(
        self, erp: str, *, owner: str, until: dt.datetime, refused_at: dt.datetime | None = None
    ) -> bool:
        """See ``Tokens.release``."""
        with self._lock:
            found = self._sets.get(erp)
            if found is None or not owner or found.owner != owner:
                return False
            self._sets[erp] = replace(
                found, owner="", leased_until=until, refused_at=refused_at or found.refused_at
            )
            return True

    def forget(self, erp: str, *, consented_at: dt.datetime) -> bool:
        """See ``Tokens.forget``."""
        with self._lock:
            found = self._sets.get(erp)
            if found is None or found.consented_at != consented_at:
                return False
            del self._sets[erp]
            return True

    def _put(
        self, erp: str, tokens: TokenSet, version: int, *, tried_at: dt.datetime | None
    ) -> TokenSet:
        kept = replace(
            tokens,
            version=version + 1,
            owner="",
            leased_until=None,
            tried_at=tried_at,
            refused_at=None,
        )
        self._sets[erp] = kept
        return kept


class MemoryConsents(Consents):
    """Values by name, with their versions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, tuple[dict[str, str], int, dt.datetime]] = {}

    def get(self, name: str, *, now: dt.datetime) -> tuple[Mapping[str, str], int] | None:
        """See ``Consents.get``."""
        found = self._values.get(name)
        if found is None or found[2] <= now:
            return None
        return found[0], found[1]

    def put(
        self, name: str, value: Mapping[str, str], *, until: dt.datetime, version: int | None
    ) -> int:
        """See ``Consents.put``."""
        with self._lock:
            found = self._values.get(name)
            if (found[1] if found else None) != version:
                raise StaleVersionError(f"this consent is no longer at version {version}")
            self._values[name] = (dict(value), (version or 0) + 1, until)
            return (version or 0) + 1
