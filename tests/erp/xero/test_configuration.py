"""Configuration that asks Xero for what it cannot do is refused, with the reason."""

import re
from pathlib import Path
from typing import Any

import pytest

from accord import erp
from accord.cli.config import abilities_of
from accord.erp.xero.adapter import Xero
from accord.rules.load import Finding, check

TEXT = (Path(__file__).parents[3] / "accord.toml").read_text(encoding="utf-8")


def on_xero(text: str = TEXT, **flows: str) -> str:
    """accord.toml with Xero in the place of Tryton, and without what needs shipments."""
    text = text.replace('adapter = "tryton"', 'adapter = "xero"')
    text = re.sub(r"(?m)^(database|web_shop|warehouse) = .*\n", "", text)
    text = re.sub(r"(?m)^build = .*$", 'build = "none"', text)
    for flow, value in {"fulfilment": "off", **flows}.items():
        text, count = re.subn(rf'(?m)^{flow} = "(on|off)"', f'{flow} = "{value}"', text, count=1)
        assert count == 1, flow
    return text


def findings(text: str) -> list[Finding]:
    found: tuple[Any, list[Finding]] = check(
        text,
        adapters=erp.NAMES,
        abilities=abilities_of(["xero"]),
        options={"xero": erp.options_of("xero")},
    )
    return found[1]


def only(text: str) -> Finding:
    (finding,) = findings(text)
    return finding


def asked(text: str) -> str:
    """The line in [erps.main.options] that ``text`` is."""
    return on_xero().replace("[erps.main.options]\n", f"[erps.main.options]\n{text}\n", 1)


def test_a_configuration_that_asks_for_what_it_can_is_right() -> None:
    assert findings(on_xero(stock="on", prices="on", products="on")) == []


def test_shipments_are_refused() -> None:
    finding = only(on_xero(fulfilment="on"))

    assert finding.path == "stores.uk.flows.fulfilment"
    assert "does not tell of a changed shipment" in finding.message
    assert finding.remedy.startswith('Set fulfilment = "off"')


def test_goods_that_come_back_may_be_counted_in_by_credit_notes() -> None:
    text, count = re.subn(r"(?m)^# returns = ", "returns = ", on_xero())

    assert (count, findings(text)) == (1, [])


def test_kits_and_bills_of_materials_are_refused_where_they_are_asked_for() -> None:
    finding = only(on_xero(stock="on").replace('build = "none"', 'build = "all"'))

    assert finding.severity == "warning"
    assert "says nothing of kits or bills of materials" in finding.message


def test_a_second_location_is_refused() -> None:
    two = 'locations = ["MAIN", "EAST"]'
    finding = only(on_xero(stock="on").replace('locations = ["MAIN"]', two, 1))

    assert finding.path == "stores.uk.stock.locations"
    assert "keeps one number of each item" in finding.message


def test_an_exception_at_another_location_is_refused() -> None:
    rule = '[[stores.uk.stock.rule]]\nname = "Heavy"\nwhen = { sku = ["X"] }\n'
    rules = (f'\n{rule}locations = ["{place}"]\n' for place in ("MAIN", "EAST"))

    found = [findings(f"{on_xero(stock='on')}{rule}") for rule in rules]

    assert [[each.path for each in one] for one in found] == [
        [],
        ["stores.uk.stock.rule.0.locations"],
    ]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ('list = "Web shop"', "list"),
        ('clearance = "Clearance"', "clearance"),
        ('sale = { list = "Summer" }', "sale.list"),
    ],
)
def test_price_lists_are_refused(line: str, path: str) -> None:
    text = on_xero(prices="on").replace("[stores.uk.prices]\n", f"[stores.uk.prices]\n{line}\n", 1)

    finding = only(text)

    assert finding.path == f"stores.uk.prices.{path}"
    assert "has no price lists" in finding.message


def test_prices_for_groups_of_customers_are_refused() -> None:
    band = '[[stores.uk.prices.band]]\nlist = "Trade"\nrole = "trade"\n'

    assert only(f"{on_xero(prices='on')}\n{band}").path == "stores.uk.prices.band.0.list"


def test_what_is_off_may_ask_for_anything() -> None:
    text = on_xero().replace('locations = ["MAIN"]', 'locations = ["MAIN", "EAST"]', 1)
    text = text.replace("[stores.uk.prices]\n", '[stores.uk.prices]\nlist = "Web shop"\n', 1)

    assert findings(text) == []


def test_a_look_each_minute_does_not_fit_into_xeros_day() -> None:
    limits = "[erps.main.limits]\nat_once = 4\nper_minute = 60\nper_day = 5000\n"
    text = f"{on_xero(stock='on', prices='on')}\n{limits}"

    finding = only(text)

    assert (finding.path, finding.severity) == ("erps.main.limits.per_day", "error")
    (minutes,) = re.findall(r"Set poll_minutes = (\d+)", finding.remedy)
    assert findings(text.replace("poll_minutes = 1", f"poll_minutes = {minutes}")) == []


@pytest.mark.parametrize(
    ("line", "words", "remedy"),
    [
        ("colour = 1", "unknown key 'colour'", "known here: tenant"),
        ("due_day = 3", "unknown key 'due_day'", "Did you mean 'due_days'?"),
        ("due_days = 400", "less than or equal to 365", "Correct it: days from an order's date"),
        ('prices = "gross"', "'gross' is not known here", "'without tax', 'with tax'"),
        ('untracked = "maybe"', "'maybe' is not known here", "'services', 'goods'"),
        ('location = ""', "at least 1 character", "the only place there is"),
        ('database = "shop"', "unknown key 'database'", "known here: tenant"),
    ],
)
def test_wrong_settings_are_refused_at_their_line(line: str, words: str, remedy: str) -> None:
    text = asked(line)

    finding = only(text)

    assert finding.line == text.splitlines().index(line) + 1
    assert finding.path == f"erps.main.options.{line.partition(' ')[0]}"
    assert words in finding.message
    assert remedy.replace("'", "") in finding.remedy.replace("'", "")


def test_more_than_two_tracking_categories_are_refused() -> None:
    """A line of Xero bears no more."""
    categories = "\n".join(f'"{n}" = "x"' for n in range(3))
    text = f"{on_xero()}\n[erps.main.options.tracking]\n{categories}\n"

    assert "at most 2 items" in only(text).message


def test_it_is_loaded_by_its_name_alone() -> None:
    assert erp.load("xero") is Xero
