"""External ids, and rows for ``load``, which makes what is not there under its external id. Pure.

Odoo keeps external ids unique in a database, and ``load`` may set them for users who may make none
by themselves. A row is text in every cell; a row whose own cells are empty is one more part of the
record above it.

Source: recordings of ``load``; Odoo docs, "Export and import data"; Odoo source 16 to 19,
BaseModel.load.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from accord.erp.odoo.wire import Values

_MODULE: Final = "__accord__"  # no app's name, so no app's update ever takes them away
_DATABASE_ID: Final = "/.id"


def external_id(model: str, company: int, key: str) -> str:
    """What the record of ``model`` with our ``key`` is called; other letters are written as hex."""
    plain = "".join(
        char if char.isascii() and (char.isalnum() or char in "-_") else f"__{ord(char):x}__"
        for char in key
    )
    return f"{_MODULE}.{model.replace('.', '_')}_{company}_{plain}"


def columns(values: Values, parts: Sequence[Values], of: str) -> list[str]:
    """The names of the columns: the record's own, and those of its parts in the field ``of``."""
    names = dict.fromkeys(name for part in parts for name in part)
    return ["id", *map(_column, values), *(f"{of}/{_column(name)}" for name in names)]


def row_of(names: Sequence[str], values: Values, part: Values, of: str) -> list[str]:
    """One row with a cell for each of ``names``."""
    cells = {_column(name): value for name, value in values.items()}
    cells |= {f"{of}/{_column(name)}": value for name, value in part.items()}
    return [_cell(cells.get(name)) for name in names]


def _column(name: str) -> str:
    """Relations go by Odoo's own ids."""
    return f"{name}{_DATABASE_ID}" if name.endswith(("_id", "_ids")) else name


def _cell(value: object) -> str:
    match value:
        case None | False:
            return ""
        case True:
            return "1"
        case Decimal():
            return f"{value:f}"
        case list():
            return ",".join(str(each) for each in value)
        case _:
            return str(value)
