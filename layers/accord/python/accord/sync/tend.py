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
    """What became of one connection's tokens. ``error``: why they could not be renewed; or, where
    it ``is_shut``, that they are good and open nothing there."""

    erp: str
    renewed: bool = False
    error: AccordError | None = None
    is_shut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tender:
    """``keeper(name)`` keeps the tokens of one of ``names``. ``turned_down(name)``: whoever called
    it last was not let in."""

    names: Sequence[str]
    keeper: Callable[[str], Keeper]
    turned_down: Callable[[str], bool]
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
        renewed = is_shut = False
        try:
            renewed = self.keeper(name).tend()
        except AccordError as found:
            error = found
        try:
            if error is None and self._is_shut(name):
                error, is_shut = _shut(name), True
            self._ask(name, error)
        except AccordError as failed:
            error = error or failed
        return Tended(name, renewed, error, is_shut)

    def _is_shut(self, name: str) -> bool:
        """Whether calls are turned down though the tokens are good. Whoever meets it leaves it to
        us: they meet it as seldom as every quarter of an hour, and some only once."""
        waits = self.waiting.count(Cause(name, UnauthorizedError.kind))
        return bool(waits) or self.turned_down(name)

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


def _shut(name: str) -> UnauthorizedError:
    return UnauthorizedError(
        f"{name} turns us down, though its tokens are renewed: somebody disconnected Accord there, "
        f"or took a right away. Run `accord connect {name} --again` and allow it in the browser, "
        "or give the right back",
        connection=name,
    )
