"""Odoo's records in memory: models with fields, domains, x2many commands, dates of writing.

Rows keep plain values: a many2one an id or false, a many2many ids, amounts Decimals, moments aware
datetimes with their fractions, as Odoo's database does; what is read is as Odoo prints it.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, Literal

from accord.local.odoo.faults import missing_error, user_error, validation_error, value_error

Row = dict[str, Any]
Type = Literal[
    "char", "boolean", "integer", "float", "date", "datetime", "many2one", "one2many", "many2many"
]
Compute = Callable[["Database", Row], Any]
Hook = Callable[["Database", Row, Row], None]

_TRUE_LEAF: Final = (1, "=", 1)


@dataclass(frozen=True, slots=True)
class Field:
    """``of`` is the other model of a relation, ``inverse`` a one2many's field there. ``digits``
    names the precision that a float is rounded to; False says that it keeps all of its digits. A
    computed one is never stored."""

    type: Type = "char"
    of: str = ""
    inverse: str = ""
    default: Any = False
    compute: Compute | None = None
    digits: str | Literal[False] | None = None
    required: bool = False


@dataclass(slots=True)
class Model:
    """``label`` names a record where a relation reads as it; hooks run within the call, ``given``
    with what is about to be written. What a model ``inherits`` is kept at the other record, and
    written there."""

    fields: Mapping[str, Field]
    title: str = ""
    label: Callable[["Database", Row], str] = lambda _, row: str(row.get("name") or "")
    created: Hook = lambda *_: None
    given: Hook = lambda *_: None
    written: Hook = lambda *_: None
    deleted: Hook = lambda *_: None
    order: str = "id"
    inherits: tuple[str, str] | None = None  # another model, and the field that points there


class Database:
    """One database. ``clock`` dates what is written; ``models`` say what there is."""

    def __init__(self, clock: Callable[[], dt.datetime], models: Mapping[str, Model]) -> None:
        self.clock = clock
        self.models = models
        self.context: Row = {}
        self.user_has_email = True
        self.denied: set[tuple[str, str]] = set()  # model and operation, to the connector
        self.tables: dict[str, dict[int, Row]] = {name: {} for name in models}
        self.external: dict[str, tuple[str, int, bool]] = {}  # id → model, record, noupdate
        self.counters: dict[str, int] = {}
        self._now: dt.datetime | None = None

    # --- transactions ------------------------------------------------------------

    def transaction(self, work: Callable[[], Any]) -> Any:
        """What ``work`` returns; nothing of it stays if it raises. All of it bears one moment."""
        tables = {
            model: {id_: dict(row) for id_, row in rows.items()}
            for model, rows in self.tables.items()
        }
        external, counters = dict(self.external), dict(self.counters)
        self._now = self.clock()
        try:
            return work()
        except BaseException:
            self.tables, self.external, self.counters = tables, external, counters
            raise
        finally:
            self._now = None

    @property
    def now(self) -> dt.datetime:
        return self._now or self.clock()

    def next(self, counter: str) -> int:
        self.counters[counter] = self.counters.get(counter, 0) + 1
        return self.counters[counter]

    # --- records -------------------------------------------------------------------

    def model(self, name: str) -> Model:
        if name not in self.models:
            raise user_error(f"Object {name} doesn't exist")
        return self.models[name]

    def field(self, model: str, name: str) -> Field:
        fields = self.model(model).fields
        if name not in fields:
            raise value_error(f"Invalid field {name!r} on model {model!r}")
        return fields[name]

    def row(self, model: str, id_: int) -> Row:
        if id_ not in self.tables[model]:
            raise missing_error(model)
        return self.tables[model][id_]

    def rows(self, model: str, ids: Iterable[int]) -> list[Row]:
        return [self.row(model, id_) for id_ in ids]

    def value(self, model: str, row: Row, name: str) -> Any:
        """The field's own value: computed, stored, or ids of the other side."""
        of = self.field(model, name)
        if of.compute is not None:
            return of.compute(self, row)
        if of.type == "one2many":
            others = self.tables[of.of].values()
            return [each["id"] for each in others if each.get(of.inverse) == row["id"]]
        return row.get(name, of.default)

    def create(self, model: str, values: Mapping[str, Any]) -> int:
        fields = self.model(model).fields
        for name in values:
            self.field(model, name)
        row: Row = {"id": self.next(model), "create_date": self.now, "write_date": self.now}
        for name, of in fields.items():
            if of.compute is None and of.type != "one2many" and name not in row:
                default = of.default(self) if callable(of.default) else of.default
                row[name] = () if of.type == "many2many" and not default else default
        self.tables[model][row["id"]] = row
        self._set(model, row, values)
        given = dict(values)
        self.models[model].created(self, row, given)
        for name, of in fields.items():
            if of.required and not row.get(name):
                raise validation_error(
                    "The operation cannot be completed:\n"
                    "- Create/update: a mandatory field is not set.\n"
                    f"Model: {self.models[model].title or model} ({model})\nField: {name}\n"
                )
        return int(row["id"])

    def write(self, model: str, ids: Iterable[int], values: Mapping[str, Any]) -> None:
        for name in values:
            self.field(model, name)
        for row in self.rows(model, ids):
            before = dict(row)
            self.models[model].given(self, row, dict(values))
            self._set(model, row, values)
            self._write_inherited(model, row, values)
            row["write_date"] = self.now
            self.models[model].written(self, row, before)

    def _write_inherited(self, model: str, row: Row, values: Mapping[str, Any]) -> None:
        inherits = self.models[model].inherits
        if inherits is not None:
            other, name = inherits
            own = self.models[model].fields
            theirs = {key: values[key] for key in values if own[key].compute is not None}
            if theirs:
                self.write(other, [row[name]], theirs)

    def touch(self, model: str, id_: int) -> None:
        """A stored computed field changed."""
        self.row(model, id_)["write_date"] = self.now

    def unlink(self, model: str, ids: Iterable[int]) -> None:
        for row in self.rows(model, ids):
            self.models[model].deleted(self, row, row)
            del self.tables[model][row["id"]]

    def _set(self, model: str, row: Row, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            of = self.field(model, name)
            if of.type == "one2many":
                self._commands(of, row["id"], value or [])
            elif of.type == "many2many":
                row[name] = _ids(row.get(name) or (), value)
            elif of.compute is None:
                row[name] = _stored(of, value)
                if of.digits:
                    unit = Decimal(1).scaleb(-self.precision(of.digits))
                    row[name] = row[name].quantize(unit, rounding=ROUND_HALF_UP)

    def _commands(self, of: Field, parent: int, commands: Sequence[Sequence[Any]]) -> None:
        for command in commands:
            match command:
                case [0, _, values]:
                    self.create(of.of, {**values, of.inverse: parent})
                case [1, id_, values]:
                    self.write(of.of, [id_], values)
                case [2, id_, *_]:
                    self.unlink(of.of, [id_])
                case _:
                    raise value_error(f"a command {command!r} on a one2many")

    # --- reading ---------------------------------------------------------------------

    def precision(self, name: str) -> int:
        """Decimals of what is rounded by that name; two where nobody set it."""
        rows = self.tables["decimal.precision"].values()
        return next((row["digits"] for row in rows if row["name"] == name), 2)

    def described(self, model: str, attributes: Sequence[str]) -> Row:
        """What ``fields_get`` answers."""
        found: Row = {}
        for name, of in self.model(model).fields.items():
            each: Row = {"type": of.type}
            if of.digits is not None:
                each["digits"] = [16, self.precision(of.digits)] if of.digits else False
            found[name] = {key: value for key, value in each.items() if key in attributes}
        return found

    def read(self, model: str, ids: Iterable[int], names: Sequence[str]) -> list[Row]:
        """Of those that are there, as Odoo prints them."""
        for name in names:
            self.field(model, name) if name != "id" else None
        found = [self.tables[model][id_] for id_ in ids if id_ in self.tables[model]]
        return [
            {
                "id": row["id"],
                **{name: self.printed(model, row, name) for name in names if name != "id"},
            }
            for row in found
        ]

    def printed(self, model: str, row: Row, name: str) -> Any:
        of, value = self.field(model, name), self.value(model, row, name)
        match of.type:
            case "many2one":
                if not value:
                    return False
                other = self.tables[of.of].get(value)
                label = self.models[of.of].label(self, other) if other else ""
                return [value, label]
            case "one2many" | "many2many":
                return sorted(value) if of.type == "one2many" else list(value)
            case "datetime":
                return value.strftime("%Y-%m-%d %H:%M:%S") if value else False
            case "date":
                return value.isoformat() if value else False
            case "float":
                return float(value or 0)
            case "boolean":
                return bool(value)
            case _:
                return value if value or value == 0 else False

    def search(
        self,
        model: str,
        domain: Sequence[Any],
        *,
        order: str = "",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[int]:
        """Ids in that order. Archived records are hidden unless the domain names ``active``."""
        fields = self.model(model).fields
        if model == "ir.model":  # what is installed, as records
            names = enumerate(sorted(self.models), start=1)
            self.tables[model] = {n: {"id": n, "model": name} for n, name in names}
        terms = list(domain)
        named = {term[0] for term in terms if isinstance(term, list | tuple)}
        if "active" in fields and "active" not in named and self.context.get("active_test", True):
            terms = [*terms, ["active", "=", True]]
        if model == "ir.attachment" and not named & {"id", "res_field"}:
            terms = [*terms, ["res_field", "=", False]]  # a field's own content
        test = _Domain(self, model, terms)
        found = [row for row in list(self.tables[model].values()) if test(row)]
        for part in reversed((order or self.models[model].order).split(",")):
            name, _, direction = part.strip().partition(" ")
            if name != "id":
                self.field(model, name)
            found.sort(
                key=lambda row, name=name: _sortable(row.get(name)),  # type: ignore[misc]
                reverse=direction.lower() == "desc",
            )
        until = None if limit is None else offset + limit
        return [row["id"] for row in found[offset:until]]


class _Domain:
    """Whether a row is in a domain: terms in prefix form, joined by "&" where nothing is said."""

    def __init__(self, database: Database, model: str, terms: Sequence[Any]) -> None:
        self._database = database
        self._model = model
        self._terms = list(terms)

    def __call__(self, row: Row) -> bool:
        rest = iter(self._terms)
        whole = True
        for term in rest:
            whole = self._holds(term, rest, row) and whole
        return whole

    def _holds(self, term: Any, rest: Iterator[Any], row: Row) -> bool:
        if term in ("&", "|"):
            one = self._holds(next(rest), rest, row)
            other = self._holds(next(rest), rest, row)
            return (one and other) if term == "&" else (one or other)
        if term == "!":
            return not self._holds(next(rest), rest, row)
        if not isinstance(term, list | tuple) or len(term) != 3:
            raise value_error(f"Invalid leaf {term!r}")
        if tuple(term) == _TRUE_LEAF:
            return True
        path, operator, wanted = term
        return _compare(self._database, self._model, row, path.split("."), (operator, wanted))


def _compare(
    database: Database, model: str, row: Row, path: Sequence[str], test: tuple[str, Any]
) -> bool:
    name, *others = path
    operator, wanted = test
    of = Field("integer") if name == "id" else database.field(model, name)
    value = row["id"] if name == "id" else database.value(model, row, name)
    if others:
        ids = value if isinstance(value, list | tuple) else [value] if value else []
        rows = [database.tables[of.of][id_] for id_ in ids if id_ in database.tables[of.of]]
        return any(_compare(database, of.of, each, others, test) for each in rows)
    if of.type in {"one2many", "many2many"}:
        wants = set(wanted) if isinstance(wanted, list | tuple) else {wanted}
        is_met = bool(wants & set(value)) or (False in wants and not value)  # False: there is none
        return is_met is (operator in {"in", "="})
    if of.type == "datetime" and isinstance(wanted, str):
        wanted = dt.datetime.fromisoformat(wanted).replace(tzinfo=dt.UTC)
    if of.type == "date" and isinstance(wanted, str):
        wanted = dt.date.fromisoformat(wanted)
    return _operate(value, operator, wanted)


def _operate(value: Any, operator: str, wanted: Any) -> bool:
    match operator:
        case "=":
            return bool((value or False) == (wanted or False))
        case "!=":
            return bool((value or False) != (wanted or False))
        case "in":
            return (value or False) in [each or False for each in wanted]
        case "not in":
            return (value or False) not in [each or False for each in wanted]
        case ">" | ">=" | "<" | "<=":
            if value is False or value is None:
                return False
            return bool(
                {
                    ">": value > wanted,
                    ">=": value >= wanted,
                    "<": value < wanted,
                    "<=": value <= wanted,
                }[operator]
            )
        case "=like" | "=ilike" | "like" | "ilike":
            pattern = wanted if operator.startswith("=") else f"%{wanted}%"
            flags = re.S | (re.I if operator.endswith("ilike") else 0)
            return bool(re.fullmatch(_regex(pattern), str(value or ""), flags)) and bool(value)
    raise value_error(f"Invalid operator {operator!r}")


def _regex(pattern: str) -> str:
    """SQL's pattern as a regular expression."""
    parts, rest = [], iter(pattern)
    for char in rest:
        if char == "\\":
            parts.append(re.escape(next(rest, "\\")))
        else:
            parts.append({"%": ".*", "_": "."}.get(char, re.escape(char)))
    return "".join(parts)


def _ids(present: Sequence[int], commands: Any) -> tuple[int, ...]:
    """A many2many after its commands; plain ids replace what is there."""
    found = list(present)
    for command in commands or [[6, 0, []]]:
        match command:
            case [6, _, ids]:
                found = list(ids)
            case [4, id_, *_]:
                found.append(id_)
            case [3, id_, *_]:
                found.remove(id_)
            case [5, *_]:
                found = []
            case _:
                raise value_error(f"a command {command!r} on a many2many")
    return tuple(dict.fromkeys(found))


def _stored(of: Field, value: Any) -> Any:
    if value is False or value is None or value == "":
        return Decimal(0) if of.type == "float" else False
    match of.type:
        case "float":
            return Decimal(str(value))
        case "date" if isinstance(value, str):
            return dt.date.fromisoformat(value)
        case "datetime" if isinstance(value, str):
            return dt.datetime.fromisoformat(value).replace(tzinfo=dt.UTC)
        case "char":
            return str(value)
        case _:
            return value


def _sortable(value: Any) -> Any:
    return (
        (value is not False and value is not None, value or 0)
        if not isinstance(value, str)
        else (True, value)
    )
