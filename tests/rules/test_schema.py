"""The JSON Schema that editors are given."""

import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from accord.rules.describe import descriptions
from accord.rules.schema import json_schema

EXAMPLE = Path(__file__).parents[2] / "accord.toml"


@pytest.fixture
def example() -> dict[str, Any]:
    return tomllib.loads(EXAMPLE.read_text())


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_the_example_is_valid(
    validator: jsonschema.Draft202012Validator, example: dict[str, Any]
) -> None:
    assert list(validator.iter_errors(example)) == []


def test_an_unknown_key_is_underlined(
    validator: jsonschema.Draft202012Validator, example: dict[str, Any]
) -> None:
    example["stores"]["uk"]["ulr"] = "https://store.example"

    assert not validator.is_valid(example)


def test_a_bad_key_is_underlined(
    validator: jsonschema.Draft202012Validator, example: dict[str, Any]
) -> None:
    example["stores"]["uk"]["key"] = "UK"

    assert not validator.is_valid(example)


def test_the_schemas_own_address_may_stand_in_the_file(
    validator: jsonschema.Draft202012Validator, example: dict[str, Any]
) -> None:
    example["$schema"] = "./accord.schema.json"

    assert validator.is_valid(example)


def test_every_field_says_what_it_is_for() -> None:
    schema = json_schema()
    tables = {"Config": schema, **schema["$defs"]}

    silent = [
        f"{table}.{key}"
        for table, about in tables.items()
        for key, field in about.get("properties", {}).items()
        if not field.get("description") and "$ref" not in field
    ]

    assert silent == []


def test_a_description_is_one_line() -> None:
    assert all("\n" not in text and "  " not in text for text in descriptions().values())


def test_a_route_may_stand_in_the_file(
    validator: jsonschema.Draft202012Validator, example: dict[str, Any]
) -> None:
    when = {"country": ["EU"], "vat_number": True, "total_from": 5000}
    example["stores"]["uk"]["orders"]["route"] = [{"name": "b2b", "when": when, "make": "both"}]

    assert validator.is_valid(example)


def test_a_mistyped_condition_of_a_route_is_underlined(
    validator: jsonschema.Draft202012Validator, example: dict[str, Any]
) -> None:
    example["stores"]["uk"]["orders"]["route"] = [{"name": "b2b", "when": {"contry": ["EU"]}}]

    assert not validator.is_valid(example)
