"""Configuration that asks Xero for what it cannot do is refused, with the reason."""

import re
from pathlib import Path
from typing import Any

import pytest

from accord import erp
from accord.bootstrap.connections import usual
from accord.cli.config import abilities_of
from accord.erp.xero.adapter import Xero
from accord.rules.config import bears
from accord.rules.load import Finding, check
from accord.rules.usage import reserve

TEXT = (Path(__file__).parents[3] / "accord.toml").read_text(encoding="utf-8")


def on_xero(text: str = TEXT, **flows: str) -> str:
    """accord.toml with Xero in the place of Tryton, without what needs shipments, and asked as
    rarely as its day allows."""
    text = text.replace('adapter = "tryton"', 'adapter = "xero"')
    text = text.replace('url = "http://127.0.0.1:8100"', 'url = "https://api.xero.com"')
    text = text.replace("poll_minutes = 1\n", "poll_minutes = 6\n")
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


@pytest.mark.parametrize("flow", ["off", "on"])
def test_a_look_each_minute_does_not_fit_into_xeros_day(flow: str) -> None:
    """Also where accord.toml names no limits: they are Xero's."""
    text = on_xero(stock=flow, prices=flow).replace("poll_minutes = 6", "poll_minutes = 1")

    finding = only(text)

    assert (finding.path, finding.severity) == ("erps.main.limits.per_day", "error")
    assert "more than the 5,000 that xero allows" in finding.message
    (minutes,) = re.findall(r"Set poll_minutes = (\d+)", finding.remedy)
    assert findings(text.replace("poll_minutes = 1", f"poll_minutes = {minutes}")) == []


@pytest.mark.parametrize(("per_day", "is_right"), [(1000, False), (4000, False), (20_000, True)])
def test_the_table_may_lower_or_raise_xeros_limits(per_day: int, *, is_right: bool) -> None:
    """A Starter plan has 1,000 calls a day."""
    text = on_xero().replace(
        "poll_minutes = 6", "poll_minutes = 2" if is_right else "poll_minutes = 3"
    )
    found = findings(f"{text}\n[erps.main.limits]\nper_day = {per_day}\n")

    assert [each.path for each in found] == ([] if is_right else ["erps.main.limits.per_day"])
    assert is_right or found[0].message.endswith(f"more than {per_day:,}")


def test_a_minute_that_is_named_leaves_the_day_to_xero() -> None:
    config, _ = check(f"{on_xero()}\n[erps.main.limits]\nper_minute = 30\n")
    assert config is not None

    limits = bears(config, "main", usual).limits

    assert limits is not None
    assert (limits.at_once, limits.per_minute, limits.per_day) == (4, 30, 5000)
    assert reserve(limits, "polls") == 240 * 4  # of orders, invoices, credit notes and contacts
    assert bears(config, "uk", usual).limits is None


# --- what it has not ------------------------------------------------------------------------


def test_a_place_that_is_none_of_xeros_is_refused() -> None:
    text = on_xero(stock="on").replace('locations = ["MAIN"]', 'locations = ["WH1"]', 1)

    finding = only(text)

    assert finding.path == "stores.uk.stock.locations"
    assert "'WH1'" in finding.message
    assert "'MAIN'" in finding.remedy
    named = text.replace("[erps.main.options]\n", '[erps.main.options]\nlocation = "WH1"\n', 1)
    assert findings(named) == []


@pytest.mark.parametrize("one", ["inventory_account", "cost_account"])
def test_one_of_two_accounts_of_stock_is_refused(one: str) -> None:
    """Else what the shop's catalogue brings is never counted, which cannot be changed later."""
    finding = only(asked(f'{one} = "630"'))

    assert finding.path == "erps.main.options"
    assert "inventory_account" in f"{finding.message} {finding.remedy}"
    assert "cost_account" in f"{finding.message} {finding.remedy}"
    both = asked('inventory_account = "630"\ncost_account = "310"')
    assert findings(both) == []


def test_a_tenant_that_is_no_id_is_refused() -> None:
    finding = only(asked('tenant = "My Company"'))

    assert finding.path == "erps.main.options.tenant"
    assert "accord connect" in finding.remedy
    assert findings(asked('tenant = "B3F7F2F6-7f4e-4a5e-9c1e-2a9f4c1d0e55"')) == []


@pytest.mark.parametrize("url", ["https://api.xero.com/api.xro/2.0", "https://api.xero.com/x/"])
def test_an_address_with_more_than_a_host_is_refused(url: str) -> None:
    finding = only(on_xero().replace('url = "https://api.xero.com"', f'url = "{url}"'))

    assert finding.path == "erps.main.url"
    assert 'url = "https://api.xero.com"' in finding.remedy


@pytest.mark.parametrize("field", ["price_group", "payment_terms"])
@pytest.mark.parametrize("policy", ["store", "newest", "ask"])
def test_what_it_does_not_keep_of_a_customer_is_not_the_stores(field: str, policy: str) -> None:
    text, count = re.subn(
        r'(?m)^vat_number = "ask"', f'vat_number = "ask"\n{field} = "{policy}"', on_xero()
    )
    assert count == 1

    finding = only(text)

    assert finding.path == f"stores.uk.customers.fields.{field}"
    assert finding.remedy.startswith(f'Set {field} = "erp"')
    assert findings(text.replace(f'{field} = "{policy}"', f'{field} = "erp"')) == []


def test_money_of_three_digits_is_refused() -> None:
    text = on_xero(prices="on").replace('currency = "GBP"', 'currency = "KWD"')

    found = [each for each in findings(text) if each.path == "stores.uk.prices.currency"]

    assert "3 digits" in found[0].message


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
