"""Serves the stand-in for Xero on the loopback address.

Runs in its own process (``python -m accord.local.xero.serve``). Prints one line of JSON,
``{"ready": true, "port": N}``, once it answers. What it holds is gone when it ends.
"""

import argparse

from accord.local.faults import FaultGate
from accord.local.serving import add_options, listen, serve
from accord.local.xero.limits import Limits
from accord.local.xero.server import FakeXero


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_options(parser)
    parser.add_argument("--tenant", required=True, help="the organisation's id")
    parser.add_argument("--token", required=True, help="the access token that is let in")
    parser.add_argument("--administrator", required=True, help="what opens the desk")
    parser.add_argument("--limits", action="store_true", help="refuse what Xero's limits refuse")
    parser.add_argument("--faults", action="store_true", help="let faults be planned over HTTP")
    given = parser.parse_args()
    xero = FakeXero(
        tenant=given.tenant,
        token=given.token,
        limits=Limits(enforced=given.limits),
        administrator=given.administrator,
    )
    gate = FaultGate(xero.wsgi, controlled=given.faults)
    serve(listen(gate, given.port), until_stdin_closes=given.until_stdin_closes)


if __name__ == "__main__":
    main()
