"""Looks after the OAuth tokens of all connections, whether or not anybody needs them now."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accord.errors import AccordError, NoConsentError, UnauthorizedError
from accord.ports.state import Attention, Cause, Item, Waiting
from accord.sync.tokens import Keeper
from accord.sync.worker import cause_subject, item_id

_BY = "the consent holds"


@dataclass(frozen=True, slots=True)
class Tended:
    """What became of one connection's tokens. ``error``: why they could not be renewed."""

    erp: str
    renewed: bool = False
    error: AccordError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tender:
    """``keeper(name)`` keeps the tokens of one of ``names``."""

    names: Sequence[str]
    keeper: Callable[[str], Keeper]
    waiting: Waiting
    attention: Attention
    clock: Callable[[], dt.datetime]

    def run(self) -> list[Tended]:
        """Every connection once; what fails does not keep the others waiting."""
        return [self._tend(name) for name in self.names]

    def _tend(self, name: str) -> Tended:
        """A person is asked where one must consent, once: of what waits for it, `wake` and the
        workers keep an item of their own, and this one gives way."""
        error: AccordError | None = None
        renewed = False
        try:
            renewed = self.keeper(name).tend()
        except AccordError as found:
            error = found
        try:
            self._ask(name, error)
        except AccordError as failed:
            error = error or failed
        return Tended(name, renewed, error)

    def _ask(self, name: str, error: AccordError | None) -> None:
        subject = f"consent:{name}"
        id_ = item_id(subject, NoConsentError.reason)
        lacks = isinstance(error, UnauthorizedError)
        if error is not None and not lacks:
            return  # nobody knows
        now, cause = self.clock(), Cause(name, UnauthorizedError.kind)
        if error is None or self.waiting.count(cause):
            if self.attention.of(subject):
                by = _BY if error is None else cause_subject(cause)
                self.attention.close(id_, now=now, by=by)
            return
        self.attention.put(
            Item(
                id=id_,
                subject=subject,
                reason=error.reason,
                owner=error.owner,
                message=str(error),
                opened_at=now,
                updated_at=now,
            )
        )
