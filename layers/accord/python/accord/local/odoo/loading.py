"""``load``: rows of text as an import file has them, and external ids.

Source: recordings of a running Odoo 17.0; Odoo source 16 to 19, BaseModel.load,
``_extract_records`` and ``_load_records``.
"""

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from typing import Any, Final

from accord.local.odoo.faults import OdooError, value_error
from accord.local.odoo.orm import Database, Field, Row

USERS_ZONE: Final = "Pacific/Auckland"
"""Of the connector's user: as far from UTC as it gets."""
_YES: Final = {"1", "true", "yes"}


def load(
    database: Database, model: str, fields: Sequence[str], data: Sequence[Sequence[str]]
) -> Row:
    """``{ids, messages, nextrow}``; an error is a message, and nothing is kept of the call."""
    try:
        ids = database.transaction(lambda: _load(database, model, fields, data))
    except OdooError as error:
        message = {"type": "error", "message": error.message, "rows": {"from": 0, "to": 0}}
        return {"ids": False, "messages": [message], "nextrow": 0}
    return {"ids": ids, "messages": [], "nextrow": 0}


def _load(
    database: Database, model: str, fields: Sequence[str], data: Sequence[Sequence[str]]
) -> list[int]:
    ids: list[int] = []
    for rows in _records(fields, data):
        external, values = _values(database, model, fields, rows)
        ids.append(_upsert(database, model, external, values))
    return ids


def _records(fields: Sequence[str], data: Sequence[Sequence[str]]) -> list[list[Sequence[str]]]:
    """Rows of one record each: those whose own cells are all empty belong to the one above."""
    own = [n for n, name in enumerate(fields) if "/" not in name or name.endswith("/.id")]
    own = [n for n in own if fields[n].count("/") - fields[n].endswith("/.id") == 0]
    found: list[list[Sequence[str]]] = []
    for row in data:
        if found and not any(row[n] for n in own):
            found[-1].append(row)
        else:
            found.append([row])
    return found


def _values(
    database: Database, model: str, fields: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[str, Row]:
    external, values = "", Row()
    parts: dict[str, list[Row]] = {}
    for n, row in enumerate(rows):
        of_parts: dict[str, Row] = {}
        for name, cell in zip(fields, row, strict=True):
            head, _, rest = name.partition("/")
            if name == "id":
                external = external or cell
            elif rest in {"", ".id"}:
                if n == 0:
                    values[head] = _converted(database, database.field(model, head), cell, rest)
            else:
                of = database.field(model, head)
                inner, _, marker = rest.partition("/")
                part = of_parts.setdefault(head, {"": False})
                part[""] = part[""] or bool(cell)
                part[inner] = _converted(database, database.field(of.of, inner), cell, marker)
        for head, part in of_parts.items():
            if part.pop(""):
                parts.setdefault(head, []).append(part)
    for head, found in parts.items():
        values[head] = [[0, 0, part] for part in found]
    return external, values


def _converted(database: Database, of: Field, cell: str, marker: str) -> Any:
    if not isinstance(cell, str):
        raise value_error(f"{cell!r} is no text")
    if not cell:
        return False
    match of.type:
        case "many2one":
            if marker != ".id":
                raise value_error(f"No matching record found for name '{cell}'")
            return int(cell)
        case "many2many":
            return [[6, 0, [int(each) for each in cell.split(",")]]]
        case "boolean":
            return cell.lower() in _YES
        case "integer":
            return int(cell)
        case "datetime":
            zone = zoneinfo.ZoneInfo(database.context.get("tz") or USERS_ZONE)
            return dt.datetime.fromisoformat(cell).replace(tzinfo=zone).astimezone(dt.UTC)
        case _:
            return cell


def _upsert(database: Database, model: str, external: str, values: Row) -> int:
    """Made, or written where it is there already; left alone where both sides say so."""
    found = database.external.get(external) if external else None
    context = database.context
    if found is not None:
        of, id_, noupdate = found
        if of != model:
            raise value_error(f"For external id {external} found record of different model {of}")
        if id_ in database.tables[model]:
            if not (context.get("mode") == "update" and noupdate):
                database.write(model, [id_], values)
            return id_
    id_ = database.create(model, values)
    if external:
        database.external[external] = (model, id_, bool(context.get("noupdate")))
        module, _, name = external.partition(".")
        row = {"module": module, "name": name, "model": model, "res_id": id_}
        database.create("ir.model.data", row)
    return id_
