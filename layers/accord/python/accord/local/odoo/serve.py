"""Serves the stand-in for Odoo on the loopback address.

Runs in its own process (``python -m accord.local.odoo.serve``). Prints one line of JSON,
``{"ready": true, "port": N}``, once it answers. What it holds is gone when it ends.
"""

import argparse

from accord.local.faults import FaultGate
from accord.local.odoo.server import FakeOdoo
from accord.local.serving import add_options, listen, serve


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_options(parser)
    parser.add_argument("--release", type=int, choices=(16, 17, 18, 19), default=17)
    parser.add_argument("--key", required=True, help="the connector's API key")
    parser.add_argument("--administrator", required=True, help="the administrator's")
    parser.add_argument("--faults", action="store_true", help="let faults be planned over HTTP")
    given = parser.parse_args()
    odoo = FakeOdoo(version=given.release, key=given.key, administrator=given.administrator)
    gate = FaultGate(odoo.wsgi, controlled=given.faults)
    serve(listen(gate, given.port), until_stdin_closes=given.until_stdin_closes)


if __name__ == "__main__":
    main()
