"""What a back office says now, if it says it in time."""

import concurrent.futures
from collections.abc import Callable, Sequence
from decimal import Decimal

from accord.errors import UnavailableError
from accord.model.stock import Snapshot
from accord.ports.erp import ErpAdapter

_MOST_IDS = 100_000


class LiveStock:
    """The stock of one back office, for someone who waits.

    It is asked in a thread of its own: what comes too late is dropped, and while one answer is
    outstanding the next question is late as well, so that a slow back office is not asked by
    everybody at once. ``connect`` gives an adapter whose single calls end by then, too.
    """

    def __init__(self, connect: Callable[[], ErpAdapter], deadline_s: Decimal) -> None:
        self._connect = connect
        self._deadline_s = float(deadline_s)  # seconds for the standard library, no amount
        self._ids: dict[str, str] = {}
        self._pool = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="live")

    def __call__(self, items: Sequence[str], locations: Sequence[str]) -> Sequence[Snapshot]:
        """By item code. Raises: UnavailableError: not in time; what the adapter raises."""
        asked = self._pool.submit(self._read, items, locations)
        try:
            return asked.result(self._deadline_s)
        except concurrent.futures.TimeoutError as error:
            asked.cancel()
            raise UnavailableError(f"no answer within {self._deadline_s:.3f} s") from error

    def close(self) -> None:
        """Asks nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _read(self, items: Sequence[str], locations: Sequence[str]) -> Sequence[Snapshot]:
        adapter = self._connect()
        if unknown := [item for item in items if item not in self._ids]:
            if len(self._ids) > _MOST_IDS:
                self._ids.clear()
                unknown = list(items)
            self._ids.update(adapter.find_items(unknown))
        ids = [self._ids[item] for item in items if item in self._ids]
        return adapter.stock(ids, locations) if ids else ()
