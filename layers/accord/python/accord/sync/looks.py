"""What a look that the clock starts meets, and somebody must mend: a login, a clock, a refusal.

It is no crash: a person is asked, once, and until a look of the same task goes well. A login that
is refused is the item that changes wait under as well; of one clock there is one item, whichever
tasks see it. Which task met what is on the board, so a look that goes well costs no call for it.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass

from accord.errors import (
    AccordError,
    NotNowError,
    PermanentError,
    UnauthorizedError,
    UnmappedError,
    UnsupportedError,
)
from accord.ports.limits import Board
from accord.ports.state import Attention, Cause, Item
from accord.sync.cursor import CURSOR_AHEAD
from accord.sync.worker import cause_subject, item_id, reason_of

MET = "met"
"""The table of the board that says what looks met: ``connection:task`` → the item's id."""

_LONGEST = 1500  # characters of a message, of an item which has 4 KB in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """``board`` is what all workers know of the connections."""

    board: Board
    attention: Attention
    clock: Callable[[], dt.datetime]

    def failed(self, connection: str, task: str, error: AccordError) -> None:
        """Asks a person about ``error``, which a look at ``connection`` met.

        Raises: ``error``: it is none that a person mends there; or a table does not answer.
        """
        if not _is_a_persons(error):
            raise error
        subject, id_ = _matter(connection, task, error)
        key, met = f"{connection}:{task}", self.board.table(MET, fresh=True)
        former = met.get(key)
        if former == id_:
            return
        # First the mark: `wake` closes what nothing waits for, unless a look has met it.
        self.board.put(MET, key, lambda _: id_)
        if id_ not in met.values() and not self._is_open(id_):
            try:
                self.attention.put(self._item(subject, id_, error))
            except AccordError:
                self.board.put(MET, key, lambda _: None)
                raise
        if former is not None:
            self._close(former)

    def went_well(self, connection: str, task: str) -> None:
        """What that look had met is over: its item closes, unless another one still meets it. Who
        is let in is let in whatever it is for.

        Raises: AccordError: a table does not answer.
        """
        key = f"{connection}:{task}"
        id_ = self.board.table(MET).get(key)
        if id_ is None:
            return
        self.board.put(MET, key, lambda _: None)
        item = self.attention.get(id_)
        if item is not None and item.subject.startswith("waiting:"):
            for other, met in self.board.table(MET).items():
                if met == id_:
                    self.board.put(MET, other, lambda _: None)
        self._close(id_)

    def met(self) -> Collection[str]:
        """Ids of the items that a look asks for now."""
        return frozenset(self.board.table(MET, fresh=True).values())

    def _close(self, id_: str) -> None:
        """Closes it where no look asks for it any more. `wake` does, of what changes wait for."""
        if id_ in self.met():
            return
        item = self.attention.get(id_)
        if item is None or (item.subject.startswith("waiting:") and item.count):
            return
        self.attention.close(id_, now=self.clock(), by="a later look")

    def _is_open(self, id_: str) -> bool:
        item = self.attention.get(id_)
        return item is not None and item.closed_at is None

    def _item(self, subject: str, id_: str, error: AccordError) -> Item:
        now = self.clock()
        return Item(
            id=id_,
            subject=subject,
            reason=reason_of(error),
            owner=error.owner,
            message=str(error)[:_LONGEST],
            opened_at=now,
            updated_at=now,
            count=0 if subject.startswith("waiting:") else 1,  # changes that wait for it
            # Met anew after it was mended, it is another trouble: who dismissed that is asked.
            content=hashlib.sha256(now.isoformat().encode()).hexdigest()[:16],
        )


def _is_a_persons(error: AccordError) -> bool:
    """What the queues' consumers would ask a person about as well; but for a store or back office
    that is not in the file, for which the deployment is at fault."""
    if isinstance(error, UnsupportedError):
        return False
    return isinstance(error, UnauthorizedError | UnmappedError | PermanentError)


def _matter(connection: str, task: str, error: AccordError) -> tuple[str, str]:
    """The subject and the id of the item about ``error``."""
    reason = reason_of(error)
    if reason == CURSOR_AHEAD:
        subject = f"clock:{connection}"
        return subject, item_id(subject, reason)
    of = error.connection if isinstance(error, NotNowError) else connection
    if isinstance(error, UnauthorizedError) and not error.is_narrow:
        subject = cause_subject(Cause(of, UnauthorizedError.kind))
        return subject, item_id(subject, "waiting")
    subject = f"look:{of}"
    return subject, item_id(f"{subject}\n{task}", reason)
