"""The back offices: one folder each, whose ``adapter`` module ``load`` takes the class from."""

import importlib

from accord.errors import UnsupportedError
from accord.ports.erp import ErpAdapter

_CLASSES = {"memory": "Memory", "odoo": "Odoo", "tryton": "Tryton"}
NAMES = tuple(_CLASSES)


def load(name: str) -> type[ErpAdapter]:
    """The adapter's class; imports that back office only.

    Raises: UnsupportedError: there is no such back office.
    """
    if name not in _CLASSES:
        raise UnsupportedError(f"no back office named {name!r}; there are: {', '.join(NAMES)}")
    module = importlib.import_module(f"accord.erp.{name}.adapter")
    adapter: type[ErpAdapter] = getattr(module, _CLASSES[name])
    return adapter
