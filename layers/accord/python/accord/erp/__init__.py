"""The back offices: one folder each, whose ``adapter`` module ``load`` takes the class from."""

import importlib
from typing import TYPE_CHECKING

from accord.errors import UnsupportedError

if TYPE_CHECKING:  # a receiver imports this package, and has no use for these
    from pydantic import BaseModel

    from accord.ports.erp import ErpAdapter

_CLASSES = {"memory": "Memory", "odoo": "Odoo", "tryton": "Tryton", "xero": "Xero"}
NAMES = tuple(_CLASSES)


def load(name: str) -> "type[ErpAdapter]":
    """The adapter's class; imports that back office only.

    Raises: UnsupportedError: there is no such back office.
    """
    if name not in _CLASSES:
        raise UnsupportedError(f"no back office named {name!r}; there are: {', '.join(NAMES)}")
    module = importlib.import_module(f"accord.erp.{name}.adapter")
    adapter: type[ErpAdapter] = getattr(module, _CLASSES[name])
    return adapter


def options_of(name: str) -> "type[BaseModel]":
    """What the settings of that back office may be; its adapter is not imported."""
    module = importlib.import_module(f"accord.erp.{name}.options")
    options: type[BaseModel] = module.Options
    return options
