"""What was asked of a real Odoo, asked of the stand-in: ids are translated by the stand-in's fields.

What the two made in answer to the same call is taken for the same, so later calls that name the
one's ids are asked with the other's.
"""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import Any

import httpx

from accord.local.odoo import Desk, FakeOdoo
from accord.local.odoo.orm import Field
from accord.local.odoo.server import USER
from tests.erp.odoo.conftest import FURNITURE

Values = dict[str, Any]

_BY_POSITION = {"create": ("vals_list",), "load": ("fields", "data"), "write": ("vals",)}
_ON_MODEL = {"create", "fields_get", "load", "search", "search_read"}
_NATURAL = ("default_code", "code", "client_order_ref", "ref", "name")
_CONTEXT = {"allowed_company_ids": "res.company", "warehouse": "stock.warehouse"}
_CONTEXT["warehouse_id"] = "stock.warehouse"


class Replay:
    """A stand-in in its 19 mode that has lived the day so far."""

    def __init__(self) -> None:
        self._at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        self.odoo = FakeOdoo(
            version=19, clock=lambda: self._at, key="<api-key>", administrator="<admin>"
        )
        Desk(self.odoo).furnish(FURNITURE)
        self._ids: dict[tuple[str, int], int] = {}

    def answered(self, each: Values) -> tuple[int, Any]:
        """Status and body of the stand-in's answer to that exchange."""
        self._at = dt.datetime.fromisoformat(each["at"])
        if "desk" in each:
            model, method, args, named = each["desk"]
            ours: Any = self.odoo.call(
                model, method, *self._args(model, method, args), **self._named(model, named)
            )
            self._learn(model, method, each["response"], ours)
            return 200, ours
        if each["path"] == "/jsonrpc":
            return self._json_rpc(each)
        _, _, _, model, method = each["path"].split("/")
        body = self._named(model, each["request"])
        status, ours = self._sent(each, body)
        if status == 200 == each["status"]:
            self._learn(model, method, each["response"], ours)
        return status, ours

    def _json_rpc(self, each: Values) -> tuple[int, Any]:
        body = json.loads(json.dumps(each["request"]))
        params = body["params"]
        call: tuple[str, str] | None = None
        if params["service"] == "object":
            database, _, key, model, method, args, named = params["args"]
            call = model, method
            args, named = self._args(model, method, args), self._named(model, named)
            params["args"] = [database, USER, key, model, method, args, named]
        status, ours = self._sent(each, body)
        real = each["response"]
        if call is not None and "result" in real and "result" in ours:
            self._learn(*call, real["result"], ours["result"])
        return status, ours

    def _sent(self, each: Values, body: Any) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if each["key"]:
            headers |= {"Authorization": each["key"], "X-Odoo-Database": each["database"]}
        url = f"https://erp.example{each['path']}"
        response = self.odoo(httpx.Request("POST", url, headers=headers, json=body))
        is_json = response.headers["Content-Type"].startswith("application/json")
        return response.status_code, response.json() if is_json else None

    # --- their ids become ours ------------------------------------------------------

    def _id(self, model: str, id_: Any) -> Any:
        if isinstance(id_, list):
            return [self._id(model, one) for one in id_]
        is_id = isinstance(id_, int) and not isinstance(id_, bool)
        return self._ids.get((model, id_), id_) if is_id else id_

    def _args(self, model: str, method: str, args: Sequence[Any]) -> list[Any]:
        rest, found = list(args), []
        if method not in _ON_MODEL and rest:
            found.append(self._id(model, rest.pop(0)))
        names = _BY_POSITION.get(method, ("domain",))
        named = dict(zip(names, rest, strict=False))
        translated = self._named(model, named)
        return [*found, *(translated[name] for name in named), *rest[len(named) :]]

    def _named(self, model: str, named: Values) -> Values:
        found = dict(named)
        for name, value in named.items():
            match name:
                case "ids":
                    found[name] = self._id(model, value)
                case "vals":
                    found[name] = self._values(model, value)
                case "vals_list":
                    many = isinstance(value, list)
                    rows = [self._values(model, each) for each in (value if many else [value])]
                    found[name] = rows if many else rows[0]
                case "domain":
                    found[name] = self._domain(model, value)
                case "data":
                    found[name] = self._rows(model, named["fields"], value)
                case "context":
                    found[name] = self._context(value)
        return found

    def _context(self, context: Values) -> Values:
        models = {**_CONTEXT, "active_ids": context.get("active_model", "")}
        return {key: self._id(models.get(key, ""), value) for key, value in context.items()}

    def _values(self, model: str, values: Values) -> Values:
        found = dict(values)
        for name, value in values.items():
            field = self._field(model, name)
            if name == "res_id":
                found[name] = self._id(values["res_model"], value)
            elif field.type == "many2one":
                found[name] = self._id(field.of, value)
            elif field.type in {"many2many", "one2many"}:
                found[name] = [self._command(field.of, each) for each in value or []]
        return found

    def _command(self, model: str, command: list[Any]) -> list[Any]:
        match command:
            case [0, zero, values]:
                return [0, zero, self._values(model, values)]
            case [1, id_, values]:
                return [1, self._id(model, id_), self._values(model, values)]
            case [6, zero, ids]:
                return [6, zero, self._id(model, ids)]
            case [what, id_, *rest]:
                return [what, self._id(model, id_), *rest]
        return command

    def _domain(self, model: str, terms: list[Any]) -> list[Any]:
        of = next((each[2] for each in terms if each[0] == "res_model"), "")
        return [self._term(model, each, of) if len(each) == 3 else each for each in terms]

    def _term(self, model: str, term: list[Any], of: str) -> list[Any]:
        path, operator, value = term
        other = of if path == "res_id" else self._end(model, path.split("."))
        return [path, operator, self._id(other, value)]

    def _end(self, model: str, path: list[str]) -> str:
        """The model whose ids stand at the end of the path; empty: no ids."""
        name, *rest = path
        of = model if name == "id" else self._field(model, name).of
        return self._end(of, rest) if rest else of

    def _rows(self, model: str, names: list[str], rows: list[list[str]]) -> list[list[str]]:
        relations = {
            n: self._end(model, name.removesuffix("/.id").split("/"))
            for n, name in enumerate(names)
            if name.endswith("/.id")
        }
        return [
            [
                ",".join(str(self._id(relations[n], int(part))) for part in cell.split(","))
                if n in relations and cell
                else cell
                for n, cell in enumerate(row)
            ]
            for row in rows
        ]

    # --- what both made is the same ---------------------------------------------------

    def _learn(self, model: str, method: str, real: Any, ours: Any) -> None:
        if method in {"create", "search"}:
            self._pair(model, real, ours)
        elif method == "load":
            self._pair(model, real["ids"] or [], ours["ids"] or [])
        elif method in {"read", "search_read"}:
            for one, other in paired(real, ours):
                self._learn_row(model, one, other)
        elif isinstance(real, dict) and isinstance(ours, dict) and "res_id" in real:
            self._pair(real["res_model"], real["res_id"], ours["res_id"])

    def _learn_row(self, model: str, real: Values, ours: Values) -> None:
        self._pair(model, real["id"], ours["id"])
        for name in real.keys() & ours.keys() - {"id"}:
            field, one, other = self._field(model, name), real[name], ours[name]
            if field.type == "many2one" and one and other:
                self._pair(field.of, one[0], other[0])
            elif field.type in {"many2many", "one2many"} and len(one) == len(other):
                self._pair(field.of, sorted(one), sorted(other))

    def _pair(self, model: str, real: Any, ours: Any) -> None:
        pairs = zip(real, ours, strict=False) if isinstance(real, list) else [(real, ours)]
        for one, other in pairs:
            if isinstance(one, int) and isinstance(other, int):
                self._ids.setdefault((model, one), other)

    def _field(self, model: str, name: str) -> Field:
        found = self.odoo.database.models.get(model)
        return found.fields.get(name, Field()) if found else Field()


def paired(real: list[Values], ours: list[Values]) -> Iterator[tuple[Values, Values]]:
    """Rows that are the same: of the same code or name, if any are; else one by one."""
    for key in _NATURAL:
        theirs = {row.get(key): row for row in real if row.get(key)}
        own = {row.get(key): row for row in ours if row.get(key)}
        if theirs.keys() & own.keys():
            yield from ((theirs[value], own[value]) for value in theirs if value in own)
            return
    yield from zip(real, ours, strict=False)
