"""Every reason code that the code can raise says what it means and what to do."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import accord
from accord.sync.remedies import REMEDIES, remedy

PACKAGE = Path(accord.__file__).parent
_LEFT_OUT = {"local", "cli"}
# A reconciliation's report has reasons of its own, with remedies of its own; no item is made.
_OF_REPORTS = {"Difference"}


def _constants(tree: ast.Module) -> dict[str, str]:
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _texts(node: ast.expr | None, constants: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name) and node.id in constants:
        yield constants[node.id]
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, constants)
        yield from _texts(node.orelse, constants)


def _raised() -> dict[str, str]:
    """Reason → a file that raises it: keywords ``reason=`` and the classes of ``errors``."""
    found: dict[str, str] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if _LEFT_OUT & set(path.relative_to(PACKAGE).parts):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = _constants(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                for text in _of_call(node, constants):
                    found.setdefault(text, path.name)
            if path.name == "errors.py" and isinstance(node, ast.ClassDef):
                for text in _reason_of(node):
                    found.setdefault(text, path.name)
        if path.name in {"resolve.py", "dead_letters.py"}:
            found |= {
                text: path.name
                for name, text in constants.items()
                if name in {"CONFLICT", "PING_PONG", "FORGOTTEN", "ARCHIVED", "REASON"}
            }
        if (path.parent.name, path.name) == ("sync", "refusals.py"):
            found |= dict.fromkeys(_keys_of(tree, "_REMEDY"), path.name)
    return {text: name for text, name in found.items() if text}


def _of_call(node: ast.Call, constants: dict[str, str]) -> Iterator[str]:
    if isinstance(node.func, ast.Name) and node.func.id in _OF_REPORTS:
        return
    for keyword in node.keywords:
        if keyword.arg == "reason":
            yield from _texts(keyword.value, constants)
    if _is_ask(node):
        yield from _texts(node.args[1], constants)


def _is_ask(node: ast.Call) -> bool:
    named = isinstance(node.func, ast.Attribute) and node.func.attr == "ask"
    return named and len(node.args) > 2


def _reason_of(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        target = each.targets[0] if isinstance(each, ast.Assign) else getattr(each, "target", None)
        if isinstance(target, ast.Name) and target.id == "reason":
            yield from _texts(getattr(each, "value", None), {})


def _keys_of(tree: ast.Module, name: str) -> list[str]:
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == name
            and isinstance(node.value, ast.Dict)
        ):
            return [str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)]
    raise AssertionError(f"there is no table {name}")


def test_the_walk_finds_reasons_of_every_shape() -> None:
    assert {
        "rejected",  # a class's
        "no_sku",  # a keyword's
        "stock_corrected",  # one of two
        "store_refused",  # a key of a table
        "unknown_to_erp",  # a constant's
        "ping_pong",
        "dead_letter",
    } <= _raised().keys()


def test_every_reason_that_can_be_raised_has_a_remedy() -> None:
    raised = _raised()

    assert {text: raised[text] for text in raised.keys() - REMEDIES.keys()} == {}


@pytest.mark.parametrize("reason", REMEDIES)
def test_a_remedy_is_said_in_sentences(reason: str) -> None:
    found = remedy(reason)

    assert found.means.endswith(".")
    assert found.do.rstrip("`'").endswith(".")


def test_a_code_of_the_other_sides_own_is_a_refusal() -> None:
    assert remedy("woocommerce_rest_cannot_edit") == REMEDIES["rejected"]
