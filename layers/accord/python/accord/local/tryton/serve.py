"""Serves one Tryton database on the loopback address, one request at a time.

Runs in its own process (``python -m accord.local.tryton.serve --database FILE``). Prints one line
of JSON, ``{"ready": true, "port": N}``, once it answers.

One at a time, because SQLite does not lock a sale that two requests confirm at once: five at once
were seen to make up to seven invoices. It costs no throughput.
"""

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

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
    from trytond.pool import Pool

    Pool.start()
    from trytond.wsgi import app

    Pool(file.stem).init()
    return app  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
