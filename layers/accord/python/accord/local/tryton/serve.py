"""Serves one Tryton database on the loopback address, one request at a time.

Runs in its own process (``python -m accord.local.tryton.serve --database FILE``). Prints one line
of JSON, ``{"ready": true, "port": N}``, once it answers.

One at a time, because SQLite does not lock a sale that two requests confirm at once: five at once
were seen to make up to seven invoices. It costs no throughput.

Connections to the database are kept. Tryton opens one for every transaction, three a request, and
SQLite reads the whole schema anew for each: two milliseconds with that many tables.
"""

import argparse
import contextlib
import sys
import warnings
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.local.faults import FaultGate
from accord.local.serving import add_options, listen, serve

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_SESSION_S = 7 * 24 * 3600


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--database", type=Path, required=True, help="the SQLite file")
    add_options(parser)
    parser.add_argument("--faults", action="store_true", help="let faults be planned over HTTP")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of Tryton's dependencies, which nobody here can mend
    gate = FaultGate(_app(given.database), one_at_a_time=True, controlled=given.faults)
    serve(listen(gate, given.port), until_stdin_closes=given.until_stdin_closes)


def _app(file: Path) -> "WSGIApplication":
    """Tryton, with ``file`` loaded: loading it at the first login was seen to end in errors."""
    from trytond import config

    config.set("database", "uri", "sqlite://")
    config.set("database", "path", str(file.resolve().parent))
    config.set("session", "timeout", str(_SESSION_S))
    keep_connections()
    from trytond.pool import Pool

    Pool.start()
    from trytond.wsgi import app

    Pool(file.stem).init()
    return app  # type: ignore[no-any-return]


def keep_connections() -> None:
    """Has Tryton use again what a transaction gave back."""
    from trytond.backend.sqlite import database as sqlite

    database = sqlite.Database
    connect, take = database.connect, database.get_connection
    give_back = database.put_connection
    idle: defaultdict[str, list[Any]] = defaultdict(list)

    class Connection(sqlite.SQLiteConnection):  # type: ignore[misc]  # Tryton is not typed
        """Each request has a thread of its own, and only one of them a connection."""

        def __init__(self, *args: Any, **how: Any) -> None:
            super().__init__(*args, **how, check_same_thread=False)

    def connect_again(self: Any) -> Any:
        with contextlib.suppress(IndexError):
            if self._conn is None:
                self._conn = idle[self.name].pop()
        return connect(self)

    def counted(self: Any, *args: Any, **how: Any) -> Any:
        connection = take(self, *args, **how)
        self._users = getattr(self, "_users", 0) + 1  # a transaction's cache uses its connection
        return connection

    def kept(self: Any, connection: Any = None) -> None:
        give_back(self, connection)
        self._users -= 1
        # After an error something may still be read over it, and hold on to what was there then.
        is_clean = sys.exc_info()[0] is None and not connection.in_transaction
        if not self._users and self._conn is connection and is_clean:
            self._conn = None  # whoever holds this object still gets another one
            idle[self.name].append(connection)

    sqlite.SQLiteConnection = Connection
    database.connect, database.get_connection, database.put_connection = (
        connect_again,
        counted,
        kept,
    )


if __name__ == "__main__":
    main()
