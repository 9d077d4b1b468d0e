"""What a back office bears is held against what is to be done there, before it is deployed."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from accord import erp
from accord.cli.config import abilities_of
from accord.model.documents import Kind
from accord.rules.config import bears
from accord.rules.limits import CALLS_PER_ORDER, Limits
from accord.rules.load import Finding, check, compiled, overlay, parse
from accord.rules.problem import Abilities
from accord.rules.usage import reserve

TOML = """\
[stores.uk]
key = "uk"
url = "https://store.example"
erp = "main"
secret = "store/uk"
flows.orders = "on"
flows.stock = "on"

[stores.uk.orders]
start_at = 2026-01-01T00:00:00Z

[stores.uk.stock]
locations = ["MAIN"]

[stores.uk.mappings]
rounding = { item = "ROUNDING" }
refund_amount = { item = "MISC" }
taxes = { "20" = "VAT 20%" }
shipping."*" = { item = "SHIPPING" }
payments."*" = { record = false }

[erps.main]
adapter = "tryton"
url = "https://erp.example"
secret = "erp/main"
"""
LIMITS = "[erps.main.limits]\n"
HOURS = '[[{}.maintenance]]\nfrom = "{}"\nto = "{}"\n'
POLLS = 6 * 1440  # sales orders, shipments, invoices, parties; stock and recipes


def findings(
    *more: str,
    toml: str = TOML,
    tells: frozenset[Kind] = frozenset(Kind),
    calls_us: bool = False,
) -> list[Finding]:
    able = Abilities(80, tells=tells, calls_us=calls_us)
    found = check("\n".join([toml, *more]), abilities={"tryton": able})[1]
    return [each for each in found if each.severity == "error"]


def test_limits_that_suffice_are_fine() -> None:
    day = POLLS + 100 * CALLS_PER_ORDER
    more = f"per_day = {day}\nshares = {{ orders = 0.1 }}\nexpected_orders_per_day = 100\n"

    assert findings(LIMITS + more) == []


def test_a_day_that_cannot_hold_the_schedules_is_refused_with_the_sum() -> None:
    (finding,) = findings(LIMITS, "per_day = 5000", "shares = {}")

    assert finding.path == "erps.main.limits.per_day"
    assert "6 kinds of records × 1,440 looks a day (every minute) = 8,640 calls" in finding.message
    assert "together 8,640, more than 5,000" in finding.message
    assert "poll_minutes = 2" in finding.remedy


def test_the_remedy_it_names_is_one() -> None:
    limits = f"{LIMITS}per_day = 5000\nshares = {{ orders = 0.5 }}\nexpected_orders_per_day = 150\n"
    (finding,) = findings(limits)
    named = re.search(r"poll_minutes = (\d+)", finding.remedy)
    assert named is not None

    seldom = TOML.replace("[erps.main]\n", f"[erps.main]\npoll_minutes = {named[1]}\n")
    assert findings(limits, toml=seldom) == []


def test_the_orders_that_are_expected_count() -> None:
    (finding,) = findings(LIMITS, "per_day = 9000", "shares = {}", "expected_orders_per_day = 100")

    assert "100 orders × 12 calls = 1,200 calls; together 9,840, more than 9,000" in finding.message


def test_one_that_calls_us_is_looked_at_after_each_order_and_that_counts() -> None:
    """Our own writes are called for too."""
    day = POLLS + 100 * CALLS_PER_ORDER
    more = (f"per_day = {day + 299}", "shares = {}", "expected_orders_per_day = 100")
    assert findings(LIMITS, *more) == []

    (finding,) = findings(LIMITS, *more, calls_us=True)

    said = "1,200 calls, 3 looks at what it calls us for after each = 300 calls; together 10,140"
    assert said in finding.message
    named = re.search(r"poll_minutes = (\d+)", finding.remedy)
    assert named is not None
    seldom = TOML.replace("[erps.main]\n", f"[erps.main]\npoll_minutes = {named[1]}\n")
    assert findings(LIMITS, *more, toml=seldom, calls_us=True) == []


def test_a_minute_must_hold_the_looks_that_its_calls_bring_forward() -> None:
    more = ("per_minute = 18", "expected_orders_per_day = 600")  # one a minute, when it is busy
    assert findings(LIMITS, *more) == []

    (finding,) = findings(LIMITS, *more, calls_us=True)

    assert "= 3 calls; together 21, more than 18" in finding.message
    assert findings(LIMITS, "per_minute = 21", more[1], calls_us=True) == []


def test_what_is_kept_for_orders_is_not_there_for_polls() -> None:
    (finding,) = findings(LIMITS, "per_day = 10000", "shares = { orders = 0.6 }")

    assert "kept by shares: 6,000 for orders" in finding.message


def test_where_no_pause_between_looks_helps_it_says_so() -> None:
    (finding,) = findings(LIMITS, "per_day = 1000", "expected_orders_per_day = 500")

    assert finding.remedy.startswith("Raise per_day")


def test_a_kind_that_the_adapter_does_not_tell_of_is_not_asked_for() -> None:
    told = frozenset({Kind.STOCK})
    (finding,) = findings(LIMITS, "per_day = 100", "shares = {}", tells=told)

    assert "1 kind of records × 1,440" in finding.message


def test_a_minute_that_cannot_hold_one_look_is_refused() -> None:
    (finding,) = findings(LIMITS, "per_minute = 5")

    assert finding.path == "erps.main.limits.per_minute"
    assert "6 kinds of records are asked for at once = 6 calls" in finding.message


def test_the_busiest_hour_must_fit_its_minutes() -> None:
    enough = "per_minute = 26\nexpected_orders_per_day = 1000\n"

    assert findings(LIMITS + enough) == []
    (finding,) = findings(LIMITS, enough.replace("26", "25"))
    assert "together 26, more than 25" in finding.message


@pytest.mark.parametrize("table", ["erps.main", "stores.uk"])
def test_maintenance_without_end_is_refused(table: str) -> None:
    day = HOURS.format(table, "00:00", "12:00") + HOURS.format(table, "12:00", "00:00")
    (finding,) = findings(day)

    assert "leave no minute of the week" in finding.message
    assert "accord pause" in finding.remedy


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ('from = "02:00"\nto = "02:00"', "none or a whole day"),
        ('from = "02:00"\nto = "04:00"\ndays = []', "no day is named"),
        ('from = "02:00"\nto = "04:00"\ndays = ["sun", "sun"]', "named twice"),
        ('from = "02:00"\nto = "04:00"\ndays = ["sunday"]', "'sunday' is not known"),
        ('from = "02:00Z"\nto = "04:00"', "offset"),
        ('from = "02:00"\nto = "04:00"\ntime_zone = "London"', "no time zone"),
        ('from = "2 am"\nto = "04:00"', "time"),
        ('to = "04:00"', "from"),
    ],
)
def test_hours_that_mean_nothing_are_refused(hours: str, said: str) -> None:
    found = findings(f"[[erps.main.maintenance]]\n{hours}\n")

    assert any(said in f"{each.path} {each.message}" for each in found)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ("shares = { orders = 0.7, polls = 0.4 }", "0.7 for orders + 0.4 for polls is 1.1"),
        ("shares = { order = 0.7 }", "order"),
        ("shares = { orders = 1.5 }", "orders"),
        ("at_once = 0", "at_once"),
    ],
)
def test_limits_that_mean_nothing_are_refused(limits: str, said: str) -> None:
    assert any(said in f"{each.path} {each.message}" for each in findings(LIMITS, limits))


def test_limits_and_hours_survive_the_way_into_a_function() -> None:
    hours = HOURS.format("erps.main", "22:00", "04:30").replace('"22:00"', "22:00:00")
    config, _ = check("\n".join([TOML, LIMITS, "per_day = 90000", hours]))
    assert config is not None

    arrived = overlay(parse(json.loads(json.dumps(compiled(config)))), {"stores": {}})
    assert bears(arrived, "main") == bears(config, "main")
    (window,) = bears(arrived, "main").maintenance
    assert f"{window.from_:%H:%M} {window.to:%H:%M}" == "22:00 04:30"


def test_what_is_not_limited_is_not_counted() -> None:
    config, _ = check("\n".join([TOML, LIMITS, "shares = { orders = 0.5 }"]))
    assert config is not None

    assert bears(config, "main").limits is None
    assert bears(config, "uk").limits is None
    assert config.erps["main"].limits.shares == {"orders": Decimal("0.5")}


def test_a_stores_hours_are_by_its_back_offices_clock() -> None:
    paris = TOML.replace("[erps.main]\n", '[erps.main]\ntime_zone = "Europe/Paris"\n')
    config, _ = check(paris)
    assert config is not None

    assert bears(config, "uk").zone == "Europe/Paris"
    assert bears(config, "gone").zone == "UTC"


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({"per_day": 20_000}, 5760),
        ({"per_day": 7001, "shares": {}}, 5760),
        ({"per_day": 1000}, 400),  # what orders leave
        ({"per_day": 20_000, "shares": {"polls": "0.1"}}, 2000),
        ({"per_minute": 60}, 0),
    ],
)
def test_what_the_looks_of_a_day_need_is_kept_for_them(limits: dict[str, Any], kept: int) -> None:
    assert reserve(Limits.model_validate(limits).keeping_polls(4 * 1440), "polls") == kept


def test_so_it_is_of_a_configured_back_office() -> None:
    config, _ = check("\n".join([TOML, "poll_minutes = 2", LIMITS, "per_day = 90000"]))
    assert config is not None
    limits = bears(config, "main").limits
    assert limits is not None

    assert reserve(limits, "polls") == 4 * 720


def test_it_is_known_which_back_offices_call_us() -> None:
    able = abilities_of(erp.NAMES)

    assert {name for name, can in able.items() if can.calls_us} == {"xero"}
