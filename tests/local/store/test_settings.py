"""The stand-in's settings: every field that it answers is the recorded one."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from accord.local.store.app import StoreApp
from tests.local.store.conftest import recording

ANSWERS = Path(__file__).parents[2] / "woo" / "answers"
UNKNOWN = {"order", "method_title", "label"}  # words of a form, of no use to anyone here


def part_of(small: Any, large: Any) -> Any:
    """What of ``large`` has the shape of ``small``."""
    if isinstance(small, dict):
        return {key: part_of(small[key], large[key]) for key in small if key not in UNKNOWN}
    if isinstance(small, list):
        return [part_of(one, other) for one, other in zip(small, large, strict=False)]
    return large


@pytest.mark.parametrize(
    "name", ["payment_gateways", "shipping_zone1_methods", "settings_tax", "system_status_trimmed"]
)
def test_what_is_answered_of_a_setting_is_what_was_recorded(http: httpx.Client, name: str) -> None:
    told = json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))

    got = http.get(told["request"]["path"]).json()

    assert got
    assert {**part_of({"it": got}, {"it": got})} == part_of({"it": got}, {"it": told["body"]})


def test_a_zone_that_is_not_there_is_refused(http: httpx.Client) -> None:
    assert http.get("/wp-json/wc/v3/shipping/zones/9/methods").status_code == 404


def test_customers_can_be_listed_by_id(app: StoreApp, http: httpx.Client) -> None:
    ada = recording("customer")["body"]
    app.shop.load("customers", [{**ada, "id": 3, "username": "a"}, {**ada, "id": 2}])

    got = http.get("/wp-json/wc/v3/customers?role=all&orderby=id&order=asc").json()

    assert [each["id"] for each in got] == [2, 3]
