"""Whether an answer has the shape of a recorded one."""

from collections.abc import Iterator
from typing import Any


def differences(real: Any, ours: Any, path: str) -> Iterator[str]:
    """Where ``ours`` is of another shape than ``real``. What is empty reads as false in Odoo."""
    if _is_window(real) and _is_window(ours):
        missing = {"name", "type", "res_model"} - ours.keys()
        extra = ours.keys() - real.keys()
        if missing or extra or ours["res_model"] != real["res_model"]:
            yield f"{path}: another window ({missing or extra or ours['res_model']})"
        return
    if isinstance(real, dict) and isinstance(ours, dict):
        if real.keys() != ours.keys():
            yield f"{path}: {sorted(real.keys() ^ ours.keys())}"
        for key in real.keys() & ours.keys():
            yield from differences(real[key], ours[key], f"{path}.{key}")
    elif isinstance(real, list) and isinstance(ours, list):
        if bool(real) != bool(ours) and _is_records(real):
            yield f"{path}: {len(ours)} records instead of {len(real)}"
        for one, other in zip(real[:1], ours[:1], strict=False):
            yield from differences(one, other, f"{path}[]")
    elif _is_empty(real) or _is_empty(ours):
        return
    elif type(real) is not type(ours):
        yield f"{path}: {type(ours).__name__} instead of {type(real).__name__}"


def _is_window(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "ir.actions.act_window"


def _is_records(value: list[Any]) -> bool:
    return bool(value) and isinstance(value[0], dict)


def _is_empty(value: Any) -> bool:
    return value is False
