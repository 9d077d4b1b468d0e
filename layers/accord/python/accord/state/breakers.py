"""Circuit breakers by Powertools, whose shared state is a table of the board.

Each process counts the failures that it sees in a row, none of them long after the one before;
what it opens is open for all. A process whose store of circuits cannot be read goes on calling.

Source: Powertools for AWS Lambda (Python) 3.37, utilities, "Circuit breaker".
"""

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.circuit_breaker import (
    CircuitBreakerConfig,
    CircuitBreakerOpenError,
    CircuitState,
    circuit_breaker,
)
from aws_lambda_powertools.utilities.circuit_breaker.persistence.base import (
    CircuitBreakerExistingLockError,
    CircuitBreakerPersistenceLayer,
)
from aws_lambda_powertools.utilities.circuit_breaker.persistence.record import CircuitStateRecord

from accord.errors import AccordError
from accord.ports.limits import (
    CIRCUITS,
    FAILURES,
    FORGOTTEN,
    RECOVERY,
    Board,
    Breakers,
    Opened,
    Trouble,
)
from accord.state.open import COUNTS, is_answer, refused

T = TypeVar("T")

_FIELDS = {field.name for field in dataclasses.fields(CircuitStateRecord)} - {"name"}


class BoardBreakers(Breakers):
    """The breakers of all connections."""

    def __init__(self, board: Board) -> None:
        self._store = _Circuits(board)
        self._last: dict[str, dt.datetime] = {}  # failure, of a circuit
        self._configs = {
            trouble: CircuitBreakerConfig(
                failure_threshold=FAILURES[trouble],
                recovery_timeout=int(RECOVERY[trouble].total_seconds()),
                success_threshold=1,
                handled_exceptions=error,
                local_cache_max_age=0,  # the board keeps it for some seconds
            )
            for trouble, error in COUNTS.items()
        }

    def call(self, connection: str, work: Callable[[], T]) -> T:
        """See ``Breakers.call``."""
        for trouble in self._configs:
            work = self._guarded(connection, trouble, work)
        return work()

    def opened(self, connection: str) -> Opened | None:
        """See ``Breakers.opened``."""
        for trouble in self._configs:
            record = self._store.get_state(f"{connection}:{trouble}")
            if record.state is not CircuitState.CLOSED and record.opened_at is not None:
                return Opened(trouble, dt.datetime.fromtimestamp(record.opened_at, dt.UTC))
        return None

    def _guarded(self, connection: str, trouble: Trouble, work: Callable[[], T]) -> Callable[[], T]:
        """``work`` behind one breaker. A refusal is an answer too, and ends a row of failures."""
        name = f"{connection}:{trouble}"

        def answer() -> tuple[T, None] | tuple[None, AccordError]:
            try:
                return work(), None
            except AccordError as error:
                if is_answer(error, trouble):
                    return None, error
                if isinstance(error, COUNTS[trouble]):
                    self._forget(name, trouble)
                raise

        guarded = circuit_breaker(name, self._store, config=self._configs[trouble])(answer)

        def call() -> T:
            try:
                value, error = guarded()
            except CircuitBreakerOpenError as opened:
                raise refused(connection, trouble) from opened
            if error is not None:
                raise error
            found: T = value
            return found

        return call

    def _forget(self, name: str, trouble: Trouble) -> None:
        """Of what failed before, if the last of it was too long ago; now is a failure.

        The library counts by itself, and forgets with a success only. This one is of a circuit that
        looks closed, so it is no probe of one that is open.
        """
        now = dt.datetime.now(dt.UTC)
        last = self._last.get(name, now)
        self._last[name] = now
        if now - last > FORGOTTEN:
            config = self._configs[trouble]
            circuit_breaker(name, _Closed(self._store.board), config=config)(lambda: None)()


class _Circuits(CircuitBreakerPersistenceLayer):
    """Circuits by name, in a table of the board."""

    def __init__(self, board: Board) -> None:
        super().__init__()
        self.board = board

    def _get_record(self, name: str) -> CircuitStateRecord | None:
        found = _record(name, self.board.table(CIRCUITS).get(name))
        if found is not None and found.state is not CircuitState.CLOSED:
            # Before anybody is turned away: it may have been closed a second ago.
            found = _record(name, self.board.table(CIRCUITS, fresh=True).get(name))
        return found

    def _put_record(
        self,
        record: CircuitStateRecord,
        condition: str | None = None,
        expected_opened_at: int | None = None,
    ) -> None:
        def change(held: Any | None) -> Any:
            found = _record(record.name, held)
            if condition == "half_open" and not _may_probe(found, expected_opened_at):
                raise CircuitBreakerExistingLockError
            return _entry(record)

        self.board.put(CIRCUITS, record.name, change)

    def _update_record(self, record: CircuitStateRecord) -> None:
        closed = record.state is CircuitState.CLOSED
        self.board.put(CIRCUITS, record.name, lambda _: None if closed else _entry(record))


class _Closed(_Circuits):
    """The same, none of them open."""

    def _get_record(self, name: str) -> CircuitStateRecord | None:  # noqa: ARG002
        return None


def _may_probe(found: CircuitStateRecord | None, opened_at: int | None) -> bool:
    """One worker may: of a circuit as it was seen, which is open, or whose probe never ended."""
    if found is None or found.opened_at != opened_at:
        return False
    if found.state is CircuitState.OPEN:
        return True
    now = int(dt.datetime.now(dt.UTC).timestamp())
    return found.probe_lease_expiry is not None and found.probe_lease_expiry <= now


def _entry(record: CircuitStateRecord) -> dict[str, Any]:
    held = dataclasses.asdict(record)
    del held["name"], held["expiry_timestamp"]  # a closed one is removed, none has to lapse
    return {**held, "state": str(record.state)}


def _record(name: str, entry: Any | None) -> CircuitStateRecord | None:
    """What another release, or another Powertools, adds to it is passed over."""
    if entry is None:
        return None
    known = {name: entry[name] for name in _FIELDS if name in entry}
    return CircuitStateRecord(name=name, **{**known, "state": CircuitState(entry["state"])})
