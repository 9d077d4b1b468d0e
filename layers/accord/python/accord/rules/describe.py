"""What accord.toml may hold, read from the types: the keys of a table and what each is for."""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from types import ModuleType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from accord.rules import config, digest, limits, mapping, ordering, people, selling, watch
from accord.rules.config import Config
from accord.rules.table import Table

Path = tuple[str | int, ...]


@cache
def descriptions() -> dict[tuple[str, str], str]:
    """(class, field) → the text under the field, as one line."""
    modules = (config, ordering, people, mapping, selling, limits, watch, digest)
    return {named: text for module in modules for named, text in described_in(module).items()}


@cache
def described_in(module: ModuleType) -> dict[tuple[str, str], str]:
    """The same of one ``module``, read from its source: a model that gathers them itself costs
    every process 30 ms at its start, where nobody asks for them."""
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for field, text in zip(node.body, node.body[1:], strict=False):
            match field, text:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(said))),
                ):
                    found[node.name, name] = " ".join(said.split())
    return found


def keys(table: type[Table]) -> dict[str, str]:
    """The keys of ``table`` as accord.toml spells them → their fields' names."""
    return {field.alias or name: name for name, field in table.model_fields.items()}


def table_at(path: Path) -> type[Table] | None:
    """The type of the table at ``path``, None where the keys are the merchant's own."""
    here: Any = Config
    for part in path:
        here = _below(here, part)
    return _table(here)


def description(path: Path) -> str:
    """What the value at ``path`` is for; empty where nothing is known of it."""
    for end in range(len(path), 0, -1):
        table = table_at(path[: end - 1])
        if table is not None:
            name = keys(table).get(str(path[end - 1]), "")
            return descriptions().get((table.__name__, name), "")
    return ""


def homes(key: str) -> Iterator[str]:
    """The tables that have ``key``, as a merchant would write their headers."""
    for header, table in _tables(Config, ""):
        if key in keys(table):
            yield header or "the top"


def _tables(table: type[Table], path: str, header: str = "") -> Iterator[tuple[str, type[Table]]]:
    yield header, table
    for key, name in keys(table).items():
        inner = table.model_fields[name].annotation
        below = f"{path}.{key}" if path else key
        if get_origin(inner) is dict:
            inner, below = get_args(inner)[1], f"{below}.<name>"
        if (element := _table(_element(inner))) is not None:
            yield from _tables(element, below, f"[[{below}]]")
        elif (found := _table(inner)) is not None:
            yield from _tables(found, below, f"[{below}]")


def _below(here: Any, part: str | int) -> Any:
    table = _table(here)
    if table is not None:
        field = table.model_fields.get(keys(table).get(str(part), ""))
        return field.annotation if field else None
    if get_origin(here) is dict:
        return get_args(here)[1]
    return _element(here) if isinstance(part, int) else None


def _element(here: Any) -> Any:
    """The type of an array's elements, None where ``here`` is no array."""
    return get_args(here)[0] if get_origin(here) is tuple else None


def _table(here: Any) -> type[Table] | None:
    """The table among what an annotation allows."""
    if get_origin(here) in (Union, UnionType, Annotated):
        return next((found for each in get_args(here) if (found := _table(each))), None)
    if isinstance(here, type) and issubclass(here, BaseModel) and issubclass(here, Table):
        return here
    return None
