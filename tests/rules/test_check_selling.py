"""Stock, prices, catalogue and availability: what is wrong with them is found on its line."""

import pytest

from accord.model.documents import Kind
from accord.rules.load import Finding, check, compiled, overlay
from accord.rules.problem import Abilities

BEGIN = """\
[stores.uk]
key = "uk"
url = "https://store.example"
erp = "main"
secret = "store/uk"

[stores.uk.orders]
start_at = 2026-01-01T00:00:00Z

[stores.uk.customers]
nobody = "WEBGUEST"

[stores.uk.mappings]
rounding = { item = "ROUNDING" }
refund_amount = { item = "MISC" }
shipping = { "*" = { item = "SHIPPING" } }
fees = { "*" = { item = "FEE" } }
payments = { "*" = { record = false }, "" = { record = false } }
taxes = { "20" = "VAT 20%" }
classes = { books = ["BOOK-*"] }

[erps.main]
adapter = "tryton"
url = "https://erp.example"
secret = "erp/main"
"""


def toml(flows: str, *tables: str) -> str:
    if "orders" not in flows:
        flows += '\norders = "on"'
    return BEGIN + f"\n[stores.uk.flows]\n{flows}\n\n" + "\n".join(tables) + "\n"


def table(name: str, *lines: str) -> str:
    return "\n".join([f"[stores.uk.{name}]", *lines, ""])


def rule(*lines: str) -> str:
    return "\n".join(["[[stores.uk.stock.rule]]", *lines, ""])


def found(text: str, able: Abilities | None = None) -> list[Finding]:
    return check(text, abilities={"tryton": able} if able else None)[1]


def only(text: str, part: str, able: Abilities | None = None) -> Finding:
    """The one finding, which is on the line that holds ``part``."""
    (finding,) = found(text, able)
    line = next(n for n, line in enumerate(text.splitlines(), 1) if part in line)
    assert finding.line == line
    return finding


STOCK = table("stock", 'locations = ["MAIN"]')
POUNDS = table("prices", 'currency = "GBP"')
RIGHT = toml('stock = "on"\nprices = "on"\nproducts = "on"', STOCK, POUNDS)


def test_what_is_right_has_no_findings() -> None:
    assert found(RIGHT, Abilities(64)) == []


# --- stock --------------------------------------------------------------------


def test_stock_without_a_location_is_an_error() -> None:
    finding = only(toml('stock = "on"'), 'stock = "on"')

    assert (finding.severity, "[stores.uk.stock]" in finding.remedy) == ("error", True)


def test_stock_without_orders_is_told() -> None:
    finding = only(toml('stock = "on"\norders = "off"', STOCK), 'orders = "off"')

    assert (finding.severity, "is sold again" in finding.message) == ("warning", True)


def test_quotations_that_nobody_hears_of_are_told() -> None:
    offered = table("orders.statuses", 'on-hold = "quotation"')
    flows = 'stock = "on"\nerp_changes = "off"'

    finding = only(toml(flows, STOCK, offered), 'erp_changes = "off"')

    assert finding.severity == "warning"
    assert found(toml('stock = "on"\nerp_changes = "on"', STOCK, offered)) == []


def test_a_rule_of_a_class_that_there_is_not_is_an_error() -> None:
    wrong = rule('name = "b"', 'when = { item_class = ["boks"] }', "buffer = 1")

    assert "'books'" in only(toml('stock = "on"', STOCK, wrong), '"boks"').remedy


def test_a_rule_that_says_nothing_is_told() -> None:
    silent = rule('name = "books"', 'when = { item_class = ["books"] }')

    assert (
        only(toml('stock = "on"', STOCK, silent), "[[stores.uk.stock.rule]]").severity == "warning"
    )


def test_a_rule_that_sells_from_nowhere_is_told() -> None:
    nowhere = rule('name = "all"', "when = {}", "locations = []")

    assert only(toml('stock = "on"', STOCK, nowhere), "locations = []").severity == "warning"


def test_a_location_that_a_rule_names_twice_counts_twice() -> None:
    twice = rule('name = "all"', "when = {}", 'locations = ["A", "A"]')

    assert only(toml('stock = "on"', STOCK, twice), '"A", "A"').severity == "error"


@pytest.mark.parametrize("flow", ["stock", "prices", "products"])
def test_a_flow_that_the_back_office_tells_nothing_of_is_an_error(flow: str) -> None:
    quiet = Abilities(64, tells=frozenset({Kind.PARTY}))

    finding = only(toml(f'{flow} = "on"', STOCK, POUNDS), f'{flow} = "on"', quiet)

    assert (finding.severity, f'{flow} = "off"' in finding.remedy) == ("error", True)


def test_kits_that_were_asked_for_and_cannot_be_known_are_told() -> None:
    asked = table("stock", 'locations = ["MAIN"]', 'build = "kits"')

    finding = only(toml('stock = "on"', asked), 'build = "kits"', Abilities(64, recipes=False))

    assert finding.severity == "warning"


def test_nobody_is_told_of_kits_that_were_not_asked_for() -> None:
    assert found(RIGHT, Abilities(64, recipes=False)) == []


# --- prices -------------------------------------------------------------------


def test_prices_without_a_currency_are_an_error() -> None:
    finding = only(toml('prices = "shadow"'), 'prices = "shadow"')

    assert (finding.severity, "currency" in finding.remedy) == ("error", True)


@pytest.mark.parametrize(
    "line",
    [
        'clearance = "Web"',
        'sale = { list = "Web" }',
        'band = [{ list = "Web", role = "trade" }]',
    ],
)
def test_a_list_that_gives_the_regular_price_too_is_told(line: str) -> None:
    text = toml('prices = "on"', table("prices", 'currency = "GBP"', 'list = "Web"', line))

    assert only(text, line).severity == "warning"


@pytest.mark.parametrize("line", ['list = " "', 'clearance = " "', 'sale = { list = " " }'])
def test_a_list_without_a_name_is_an_error(line: str) -> None:
    assert only(toml("", table("prices", line)), line).severity == "error"


def test_prices_with_tax_need_a_percent() -> None:
    text = toml('prices = "on"', table("prices", 'currency = "GBP"', "include_tax = true"))
    text = text.replace('"20" =', '"GB-VAT-1" =')

    assert only(text, "include_tax").severity == "warning"


@pytest.mark.parametrize(
    "line",
    [
        'band = [{ list = "A", role = "a", field = "x" }, { list = "B", role = "b", field = "x" }]',
        'band = [{ list = "A", role = "a" }, { list = "B", role = "a" }]',
        'band = [{ list = "A", role = "a", field = "{name}_price" }]',
        'band = [{ list = "A", role = "a", field = "" }]',
        'currency = "Pounds"',
        'sale = { list = "A", starts_on = 2026-02-01, ends_on = 2026-01-01 }',
    ],
)
def test_a_price_rule_that_cannot_be_kept_is_an_error(line: str) -> None:
    assert only(toml("", table("prices", line)), line).severity == "error"


# --- the catalogue ------------------------------------------------------------

LED_BY_STORE = table("catalogue", 'owner = "store"')


def test_prices_do_not_come_to_a_store_that_leads() -> None:
    finding = only(toml('prices = "on"', POUNDS, LED_BY_STORE), 'prices = "on"')

    assert (finding.severity, 'owner = "erp"' in finding.remedy) == ("error", True)


def test_a_store_that_leads_needs_a_back_office_that_takes_items() -> None:
    finding = only(
        toml('products = "on"', LED_BY_STORE), 'products = "on"', Abilities(64, items=False)
    )

    assert finding.severity == "error"


def test_a_store_that_leads_needs_to_be_told_of_no_item() -> None:
    able = Abilities(64, tells=frozenset())

    assert found(toml('products = "on"', LED_BY_STORE), able) == []


@pytest.mark.parametrize(
    "line",
    [
        'fields = { name = "erp" }',
        'publish = { sku = ["WEB-*"] }',
        'category_field = "web"',
        'tax_classes = { "VAT 20%" = "" }',
    ],
)
def test_what_a_store_that_leads_does_not_use_is_told(line: str) -> None:
    text = toml('products = "on"', table("catalogue", 'owner = "store"', line))

    assert only(text, line).severity == "warning"


def test_items_of_a_class_that_there_is_not_are_an_error() -> None:
    text = toml("", table("catalogue", 'publish = { item_class = ["boks"] }'))

    assert only(text, '"boks"').severity == "error"


# --- the checkout -------------------------------------------------------------


def test_the_checkout_needs_stock() -> None:
    text = toml("", table("availability", "enabled = true"))

    assert only(text, "enabled = true").severity == "error"


def test_the_checkout_may_ask_while_stock_is_only_watched() -> None:
    assert found(toml('stock = "shadow"', STOCK, table("availability", "enabled = true"))) == []


# --- as data ------------------------------------------------------------------


def test_a_configuration_is_the_same_when_compiled_and_read_again() -> None:
    life = table("catalogue.lifecycle", 'temporarily_out = { show = "hidden" }')
    config, _ = check(toml("", STOCK, POUNDS, life))
    assert config is not None

    again = overlay(
        config, {"stores": {"uk": {"catalogue": compiled(config)["stores"]["uk"]["catalogue"]}}}
    )

    assert again.stores["uk"] == config.stores["uk"]
