"""The JSON Schema of accord.toml, for editors that complete and underline."""

from typing import Any

from accord.rules.config import Config
from accord.rules.describe import descriptions

_SPELT = {"json_schema": "$schema", "from_": "from"}  # words that Python has for itself


def json_schema() -> dict[str, Any]:
    """The schema, draft 2020-12. A moment or time may be TOML's own or a text, so it
    has no type."""
    schema = Config.model_json_schema(by_alias=True)
    tables = {"Config": schema, **schema["$defs"]}
    for (table, field), text in descriptions().items():
        properties = tables.get(table, {}).get("properties", {})
        key = _SPELT.get(field, field)
        if key in properties:
            properties[key]["description"] = text
    _loosen(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "accord.toml",
    }


def _loosen(node: Any) -> None:
    if isinstance(node, dict):
        if node.get("format") == "date-time":
            node.pop("type", None)
        elif node.get("format") == "time":  # "02:00" is one to us, and none to JSON Schema
            del node["format"], node["type"]
        for value in node.values():
            _loosen(value)
    elif isinstance(node, list):
        for value in node:
            _loosen(value)
