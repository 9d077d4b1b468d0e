"""A stand-in for Xero's Accounting API on this machine: the wire of the real one, and what it does.

It is held against Xero's own OpenAPI file in the tests, request by request and answer by answer.
"""

from accord.local.xero.desk import Desk
from accord.local.xero.server import FakeXero

__all__ = ["Desk", "FakeXero"]
