"""A stand-in for Odoo 16 to 19 on this machine: the wire of the real one, and what it does.

It is held against recordings of a running 17.0 in the tests, request by request.
"""

from accord.local.odoo.desk import Desk
from accord.local.odoo.server import FakeOdoo

__all__ = ["Desk", "FakeOdoo"]
