"""How many records of one list a store is asked for at once.

A store may answer everything but one page: too many large orders for its time-out or its memory. So
while it answers otherwise, it is asked for half as many, at once and in later runs; and after a
while for more again. One record alone that it cannot answer is a person's.

A value of ``control`` per store and list, ``page:{store}:{list}``, written by the run that holds
the lease: ``limit``, and how many answers in a row were ``good`` with it.
"""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from accord.errors import AccordError, UnavailableError
from accord.ports.state import Attention, Control, Item
from accord.sync.cursor import PAGE, ROOM
from accord.sync.worker import item_id

_GROWS_AFTER = 10  # good answers: a poll has one every two minutes
_REASON = "page_not_answered"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSize:
    """Of the list ``what`` of ``store``; ``ping`` raises while it does not answer at all."""

    store: str
    what: str
    control: Control
    attention: Attention
    clock: Callable[[], dt.datetime]
    ping: Callable[[], object]

    def ask(self, page: Callable[[int], T], *, where: str, until: dt.datetime) -> T:
        """What ``page`` answers for so many records as the store can give; ``where`` they begin.

        Raises: UnavailableError: the store is away, not even one record is answered, or ``until``
        is near; the next run asks for fewer. What ``page`` raises.
        """
        limit, good, version = self._held()
        while True:
            asked_at = self.clock()
            try:
                answer = page(limit)
            except UnavailableError as error:
                if not error.sent or not self._answers():
                    raise
                if limit == 1:
                    self._ask_a_person(where, error)
                    raise
                limit, good = limit // 2, 0
                version = self._keep(limit, good, version)
                now = self.clock()
                if now + (now - asked_at) + ROOM >= until:  # the next may take as long
                    raise
                continue
            if limit < PAGE:
                good += 1
                if good >= _GROWS_AFTER:
                    limit, good = min(2 * limit, PAGE), 0
                self._keep(limit, good, version)
                self._close()
            return answer

    def _answers(self) -> bool:
        """Whether it does so otherwise: of a store that is away the page is not to blame."""
        try:
            self.ping()
        except AccordError:
            return False
        return True

    # --- what is remembered, and who is told ------------------------------------------

    @property
    def _name(self) -> str:
        return f"page:{self.store}:{self.what}"

    @property
    def _subject(self) -> str:
        return f"page:{self.store}"

    @property
    def _item_id(self) -> str:
        return item_id(self._name, _REASON)

    def _held(self) -> tuple[int, int, int | None]:
        found = self.control.get(self._name)
        if found is None:
            return PAGE, 0, None
        held = json.loads(found[0])
        return int(held["limit"]), int(held["good"]), found[1]

    def _keep(self, limit: int, good: int, version: int | None) -> int:
        value = json.dumps({"limit": limit, "good": good}, separators=(",", ":"))
        return self.control.put(self._name, value, version=version)

    def _ask_a_person(self, where: str, error: AccordError) -> None:
        now = self.clock()
        self.attention.put(
            Item(
                id=self._item_id,
                subject=self._subject,
                reason=_REASON,
                owner="ops",
                message=f"{self.store} answers, but not for the first {self.what} {where} "
                f"({error}). Look at WooCommerce, Status, Logs for what it fails on, and save that "
                f"{self.what} or raise the store's time and memory limits. Until then each "
                f"{self.what} changed since comes by its webhook alone",
                opened_at=now,
                updated_at=now,
            )
        )

    def _close(self) -> None:
        if any(item.id == self._item_id for item in self.attention.of(self._subject)):
            self.attention.close(self._item_id, now=self.clock(), by="poll_store: it answers")
