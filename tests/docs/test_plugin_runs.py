"""docs/checkout: what the plugin does in a store, run by PHP with as little of WordPress as it asks."""

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from accord.checkout import Request

HARNESS = Path(__file__).with_name("checkout_harness.php")
MUG = {"sku": "MUG", "name": "A <b>mug</b>", "quantity": 2}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def php() -> str:
    found = shutil.which("php")
    if found is None:
        pytest.skip("needs php to run the plugin; none is installed here")
    return found


def played(php: str, steps: list[Json], answers: list[Json | None]) -> Json:
    """What came of it. An answer of None is none at all."""
    scenario = json.dumps({"steps": steps, "answers": answers})
    ran = subprocess.run(
        [php, "-d", "error_reporting=-1", "-d", "display_errors=stderr", str(HARNESS)],
        input=scenario,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    told: Json = json.loads(ran.stdout)
    return told


def answer(*items: Json, hold: Json | None = None) -> Json:
    return {"status": 200, "body": {"available": True, "items": list(items), "hold": hold}}


def line(sku: str, available: int, *, enough: bool) -> Json:
    return {"sku": sku, "available": available, "enough": enough}


def bodies(told: Json) -> list[Json]:
    return [json.loads(each["body"]) for each in told["requests"]]


def test_it_asks_once_for_a_cart_and_the_door_understands_the_question(php: str) -> None:
    check = {"do": "check", "cart": [MUG, {"sku": "", "quantity": 1}]}
    told = played(php, [check, check], [answer(line("MUG", 5, enough=True))])

    (sent,) = told["requests"]
    request = Request("uk", sent["headers"], sent["body"].encode(), "r1")
    assert request.is_genuine(["the secret"])
    assert [(each.sku, each.quantity) for each in request.basket().lines] == [("MUG", 2)]
    assert sent["url"] == "https://api.example/stores/uk%20store/availability"
    assert (sent["redirection"], sent["timeout"]) == (0, 0.3)
    assert told["notices"] == []


def test_the_signature_is_of_time_nonce_and_body(php: str) -> None:
    (sent,) = played(php, [{"do": "check", "cart": [MUG]}], [None])["requests"]
    headers = sent["headers"]

    text = f"{headers['x-accord-time']}.{headers['x-accord-nonce']}.{sent['body']}"
    mac = hmac.new(b"the secret", text.encode(), hashlib.sha256).digest()

    assert headers["x-accord-signature"] == base64.b64encode(mac).decode()


@pytest.mark.parametrize(("left", "said"), [(1, "only 1 of"), (0, "sold out")])
def test_the_shopper_is_told_what_is_short(php: str, left: int, said: str) -> None:
    told = played(php, [{"do": "check", "cart": [MUG]}], [answer(line("MUG", left, enough=False))])

    (notice,) = told["notices"]
    assert said in notice
    assert "A mug" in notice


def test_the_block_checkout_is_told_too(php: str) -> None:
    steps = [{"do": "check blocks", "cart": [MUG]}]
    told = played(php, steps, [answer(line("MUG", 0, enough=False))])

    assert [code for code, _ in told["errors"]] == ["accord_not_enough_0"]


def test_what_may_be_ordered_in_advance_is_sold_on(php: str) -> None:
    steps = [{"do": "check", "cart": [{**MUG, "backorders": True}]}]

    assert played(php, steps, [answer(line("MUG", 0, enough=False))])["notices"] == []


@pytest.mark.parametrize(
    "silence",
    [
        None,
        {"status": 500, "body": {}},
        {"status": 302, "body": {}},
        {"status": 200, "body": "<html>"},
        {"status": 200, "body": "null"},
        {"status": 200, "body": {"items": "none"}},
    ],
)
def test_unanswered_it_sells_on_and_does_not_ask_at_every_click(
    php: str, silence: Json | None
) -> None:
    check = {"do": "check", "cart": [MUG]}
    told = played(php, [check, check, check], [silence, silence, silence])

    assert (len(told["requests"]), told["notices"]) == (1, [])


def test_goods_are_held_only_at_the_checkout_and_the_order_names_the_hold(php: str) -> None:
    until = (datetime.now(UTC) + timedelta(minutes=15)).isoformat(timespec="seconds")
    enough = line("MUG", 5, enough=True)
    told = played(
        php,
        [
            {"do": "check", "cart": [MUG]},
            {"do": "check", "checkout": True},
            {"do": "order"},
            {"do": "order"},
        ],
        [answer(enough), answer(enough, hold={"id": "h", "expires_at": until})],
    )

    first, second = bodies(told)
    assert (first["hold"], second["hold"]) == (False, True)
    assert told["meta"] == {"_accord_hold": second["id"]}
    assert told["saved"] == 1


def test_another_cart_gives_up_the_hold_before(php: str) -> None:
    until = (datetime.now(UTC) + timedelta(minutes=15)).isoformat(timespec="seconds")
    held = answer(line("MUG", 5, enough=True), hold={"id": "h", "expires_at": until})
    steps = [
        {"do": "check", "checkout": True, "cart": [MUG]},
        {"do": "check", "cart": [{**MUG, "quantity": 3}]},
        {"do": "emptied"},
        {"do": "check", "cart": [MUG]},
    ]
    first, second, third = bodies(played(php, steps, [held, held, held]))

    assert second["replaces"] == first["id"]
    assert "replaces" not in third


def test_numbers_as_skus_stay_text(php: str) -> None:
    told = played(php, [{"do": "check", "cart": [{"sku": "123", "quantity": 1}]}], [None])

    assert bodies(told)[0]["items"] == [{"sku": "123", "quantity": 1}]
