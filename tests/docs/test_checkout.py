"""docs/checkout: the description fits what the function really does, and the plugin asks like that."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from openapi_spec_validator import validate

from accord import checkout
from accord.checkout import RefusedError, Request
from accord.ports.levels import Hold
from accord.sync.availability import Answer, Basket, Judged, Line, Price
from tests.conftest import EVENTS

DOCS = EVENTS.parent / "docs" / "checkout"
API: dict[str, Any] = yaml.safe_load((DOCS / "openapi.yaml").read_text(encoding="utf-8"))
POST = API["paths"]["/stores/{store}/availability"]["post"]
PLUGIN = DOCS / "accord-availability.php"
NOW = dt.datetime(2026, 11, 22, 16, 12, 0, 250_000, tzinfo=dt.UTC)


def resolved(found: Any) -> Any:
    """``found`` with every reference in the place of what it refers to."""
    if isinstance(found, list):
        return [resolved(each) for each in found]
    if not isinstance(found, dict):
        return found
    made = {name: resolved(each) for name, each in found.items() if name != "$ref"}
    if "$ref" in found:
        target = API
        for step in found["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        made |= resolved(target)
    return made


def fits(schema: Any, found: object) -> bool:
    validator = jsonschema.Draft202012Validator(resolved(schema))
    return bool(validator.is_valid(found))


def schema_of_body() -> Any:
    return POST["requestBody"]["content"]["application/json"]["schema"]


def schema_of(status: int) -> Any:
    return POST["responses"][str(status)]["content"]["application/json"]["schema"]


def request(body: object) -> Request:
    return Request("uk", {}, json.dumps(body).encode(), "r1")


# --- the description -------------------------------------------------------------------------


def test_it_is_a_valid_description() -> None:
    validate(API)


BASKET: dict[str, Any] = {"id": "b1", "items": [{"sku": "MUG", "quantity": 1}]}
TAKEN = [
    BASKET,
    {**BASKET, "hold": True},
    {**BASKET, "hold": None},
    {**BASKET, "customer": {"role": "wholesale_customer"}},
    {**BASKET, "customer": {}},
    {**BASKET, "customer": None},
    {**BASKET, "replaces": "b0"},
    {**BASKET, "replaces": ""},
    {**BASKET, "replaces": None},
    {**BASKET, "items": BASKET["items"] * 100},
]
REFUSED = [
    [],
    {"items": BASKET["items"]},
    {"id": "b1"},
    {**BASKET, "id": "a b"},
    {**BASKET, "id": "a" * 65},
    {**BASKET, "hodl": True},
    {**BASKET, "items": []},
    {**BASKET, "items": BASKET["items"] * 101},
    {**BASKET, "items": [{"sku": "MUG"}]},
    {**BASKET, "items": [{"sku": "", "quantity": 1}]},
    {**BASKET, "items": [{"sku": "x" * 201, "quantity": 1}]},
    {**BASKET, "items": [{"sku": "MUG", "quantity": 0}]},
    {**BASKET, "items": [{"sku": "MUG", "quantity": 1_000_001}]},
    {**BASKET, "items": [{"sku": "MUG", "quantity": 1.5}]},
    {**BASKET, "items": [{"sku": "MUG", "quantity": "1"}]},
    {**BASKET, "items": [{"sku": "MUG", "quantity": 1, "price": "1"}]},
    {**BASKET, "customer": "me"},
    {**BASKET, "customer": {"role": ""}},
    {**BASKET, "hold": "yes"},
    {**BASKET, "replaces": "a b"},
]


@pytest.mark.parametrize("body", TAKEN, ids=repr)
def test_what_the_description_allows_is_read(body: Any) -> None:
    assert fits(schema_of_body(), body)
    assert request(body).basket().id == "b1"


@pytest.mark.parametrize("body", REFUSED, ids=lambda body: repr(body)[:60])
def test_what_the_description_forbids_is_refused_as_it_says(body: Any) -> None:
    assert not fits(schema_of_body(), body)
    with pytest.raises(RefusedError) as refused:
        request(body).basket()
    assert refused.value.status == 400
    assert fits(schema_of(400), refused.value.to_json())


ANSWERS = [
    Answer((Judged(Line("MUG", 1)),)),
    Answer((Judged(Line("MUG", 1), 0, False, NOW, Price("12.50")),)),
    Answer(
        (Judged(Line("MUG", 1), 5, True, NOW, Price("12.50", "9.99", "8")),),
        Hold("b1", "uk", "main", {"MUG": Decimal(1)}, NOW),
    ),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=["not counted", "out", "held"])
def test_every_answer_is_as_described(answer: Answer) -> None:
    told = json.loads(json.dumps(checkout.to_json(answer)))

    assert fits(schema_of(200), told)


@pytest.mark.parametrize("refused", [checkout.rejected(), checkout.repeated()], ids=["401", "409"])
def test_every_refusal_is_as_described(refused: RefusedError) -> None:
    assert fits(schema_of(refused.status), refused.to_json())


def test_every_status_that_the_function_answers_is_described() -> None:
    source = (EVENTS.parent / "functions" / "check_availability" / "handler.py").read_text()
    source += Path(str(checkout.__file__)).read_text()

    answered = set(re.findall(r"(?:RefusedError|_answer)\(\s*(\d{3})\b", source))

    assert answered == POST["responses"].keys()


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-accord-time", "1795363920"),
        ("x-accord-nonce", "0123456789abcdef"),
        ("x-accord-signature", Request("uk", {}, b"{}", "r1").signature("secret")),
    ],
)
def test_the_headers_of_a_request_are_as_described(header: str, value: str) -> None:
    (schema,) = [each["schema"] for each in POST["parameters"] if each["name"] == header]

    assert fits(schema, value)


def test_the_recorded_request_is_as_described() -> None:
    event = json.loads((EVENTS / "check_availability" / "asks.json").read_text())

    assert fits(schema_of_body(), json.loads(event["body"]))
    for parameter in POST["parameters"]:
        values = {**event["headers"], **event["pathParameters"]}
        assert fits(parameter["schema"], values[parameter["name"]])


# --- the plugin --------------------------------------------------------------------------------


def plugin() -> str:
    return PLUGIN.read_text(encoding="utf-8")


def code() -> str:
    """The plugin without its comments and the insides of its texts.

    Written for this file: it has no here-documents, no texts in double quotes and no ``#``.
    """
    parts = r"/\*.*?\*/|//[^\n]*|'(?:[^'\\]|\\.)*'"
    return re.sub(parts, lambda m: "''" if m[0].startswith("'") else "", plugin(), flags=re.DOTALL)


def test_php_finds_nothing_wrong_with_the_plugin() -> None:
    php = shutil.which("php")
    if php is None:
        pytest.skip("needs php to look at the syntax; none is installed here")
    found = subprocess.run(
        [php, "-l", str(PLUGIN)], capture_output=True, text=True, timeout=30, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_what_the_plugin_opens_it_closes() -> None:
    closes = {")": "(", "]": "[", "}": "{"}
    open_: list[str] = []
    for sign in code():
        if sign in closes.values():
            open_.append(sign)
        elif sign in closes:
            assert open_.pop() == closes[sign]
    assert open_ == []


def test_the_plugin_needs_nothing_newer_than_php_7_4() -> None:
    newer = {
        "match": r"\bmatch\s*\(",
        "nullsafe": r"\?->",
        "named arguments": r"\(\s*\w+:\s",
        "union types": r"\)\s*:\s*\w+\|",
        "constructor promotion": r"__construct\(\s*(public|private|protected)",
        "functions of PHP 8": r"\b(str_contains|str_starts_with|str_ends_with|array_is_list)\(",
        "attributes": r"#\[",
        "enums": r"\benum\s+\w+",
        "readonly": r"\breadonly\b",
    }
    assert [name for name, sign in newer.items() if re.search(sign, code())] == []


@pytest.mark.parametrize(
    "hook",
    [
        "woocommerce_check_cart_items",
        "woocommerce_store_api_cart_errors",
        "woocommerce_checkout_create_order",
        "woocommerce_store_api_checkout_update_order_meta",
    ],
)
def test_the_plugin_asks_and_marks_in_both_checkouts(hook: str) -> None:
    assert f"add_action( '{hook}', array( __CLASS__, '" in plugin()


def test_every_function_that_the_plugin_hooks_is_there() -> None:
    hooked = re.findall(r"add_action\( '\w+', array\( __CLASS__, '(\w+)' \)", plugin())

    assert hooked
    assert [each for each in hooked if f"public static function {each}(" not in plugin()] == []


def test_the_plugin_sends_the_fields_that_are_described() -> None:
    question = re.search(r"\$question = array\((.*?)\n\t\t\);", plugin(), re.DOTALL)
    assert question is not None
    sent = set(re.findall(r"'(\w+)'\s*=>", question[1])) | set(
        re.findall(r"\$question\['(\w+)'\]", plugin())
    )
    items = re.search(r"\$items\[\] = array\((.*?)\n\t\t\t\);", plugin(), re.DOTALL)
    assert items is not None

    basket = resolved(schema_of_body())["properties"]

    assert sent <= basket.keys()
    assert set(re.findall(r"'(\w+)'\s*=>", items[1])) == set(basket["items"]["items"]["properties"])


def test_the_plugin_signs_what_the_function_checks() -> None:
    assert "$time . '.' . $nonce . '.' . $body, ACCORD_CHECKOUT_SECRET, true" in plugin()
    headers = {"x-accord-time": "1795363920", "x-accord-nonce": "a" * 32}
    body = b'{"id":"b1"}'
    signed = f"1795363920.{'a' * 32}.".encode() + body
    mac = base64.b64encode(hmac.new(b"secret", signed, hashlib.sha256).digest()).decode()

    genuine = Request("uk", {**headers, "x-accord-signature": mac}, body, "r1")

    assert genuine.is_genuine(["other", "secret"])


def test_the_plugin_waits_three_tenths_of_a_second_and_no_more() -> None:
    assert re.search(r"const TIMEOUT\s+= 0\.3;", plugin())
    # WordPress makes a second of anything shorter, unless cURL is told itself.
    for option in ("CURLOPT_NOSIGNAL", "CURLOPT_CONNECTTIMEOUT_MS", "CURLOPT_TIMEOUT_MS"):
        assert f"curl_setopt( $handle, {option}, " in plugin()


def test_the_plugin_names_the_hold_as_the_order_flow_looks_for_it() -> None:
    from accord.sync.demand import HOLD

    assert f"const META     = '{HOLD}';" in plugin()


def test_a_basket_that_comes_as_described_is_read_whole() -> None:
    body = {**BASKET, "customer": {"role": "trade"}, "hold": True, "replaces": "b0"}

    assert request(body).basket() == Basket("b1", (Line("MUG", 1),), "trade", True, "b0")
