"""The back offices: one folder each; ``load`` is the way in."""

import importlib

from accord.errors import UnsupportedError
from accord.ports.erp import ErpAdapter

NAMES = ("memory", "odoo", "tryton")


def load(name: str) -> type[ErpAdapter]:
    """The adapter's class; imports that back office only.

    Raises: UnsupportedError: there is no such back office.
    """
    if name not in NAMES:
        raise UnsupportedError(f"no back office named {name!r}; there are: {', '.join(NAMES)}")
    adapter: type[ErpAdapter] = importlib.import_module(f"accord.erp.{name}").Adapter
    return adapter
