"""Routes, tax and revenue rules and flows: what is wrong with them is found on its line."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from accord.model.documents import Kind
from accord.rules.load import Finding, check
from accord.rules.problem import Abilities

Rule = Callable[[str], str]
EXAMPLE = Path(__file__).parents[2] / "accord.toml"

TOML = """\
[stores.uk]
key = "uk"
url = "https://store.example"
erp = "main"
secret = "store/uk"
flows.orders = "on"

[stores.uk.orders]
start_at = 2026-01-01T00:00:00Z

[stores.uk.mappings]
rounding = { item = "ROUNDING" }
refund_amount = { item = "MISC" }
taxes = { "20" = "VAT 20%" }
shipping."*" = { item = "SHIPPING" }
payments."*" = { record = false }
classes = { books = ["BOOK-*"], gifts = ["GIFT-*"] }

[erps.main]
adapter = "tryton"
url = "https://erp.example"
secret = "erp/main"
"""
BOOKS = """
[erps.europe]
adapter = "memory"
url = "https://europe.example"
secret = "erp/europe"
"""


def route(*lines: str, name: str = "one") -> str:
    return "\n".join(["", "[[stores.uk.orders.route]]", f'name = "{name}"', *lines, ""])


def tax_rule(*lines: str) -> str:
    return "\n".join(["", "[[stores.uk.mappings.tax_rules]]", 'code = "X"', *lines, ""])


def revenue(*lines: str) -> str:
    return "\n".join(["", "[[stores.uk.mappings.revenue]]", 'account = "4100"', *lines, ""])


def findings(added: str, able: Abilities | None = None) -> list[Finding]:
    return check(TOML + added, abilities={"tryton": able} if able else None)[1]


def only(added: str, able: Abilities | None = None) -> Finding:
    (finding,) = findings(added, able)
    return finding


def line_of(added: str, part: str) -> int:
    return next(n for n, line in enumerate((TOML + added).splitlines(), 1) if part in line)


# --- where it is found --------------------------------------------------------


def test_a_mistake_in_the_second_of_two_routes_is_found_there() -> None:
    added = route('when = { country = ["DE"] }') + route('when = { country = ["XY"] }', name="two")

    assert only(added).line == line_of(added, '"XY"')


def test_a_route_to_no_back_office_is_found_on_its_line() -> None:
    added = route('erp = "main"', 'when = { country = ["DE"] }') + route('erp = "else"', name="two")

    assert (only(added).line, only(added).path) == (
        line_of(added, '"else"'),
        "stores.uk.orders.route.1.erp",
    )


def test_a_condition_in_a_table_of_its_own_is_found_on_its_line() -> None:
    added = route() + '[stores.uk.orders.route.when]\ncountry = ["XY"]\n'

    assert only(added).line == line_of(added, '"XY"')


@pytest.mark.parametrize(
    ("line", "meant"), [('maek = "both"', "'make'"), ('wehn = { country = ["DE"] }', "'when'")]
)
def test_a_mistyped_key_of_a_route_is_found_with_the_one_that_was_meant(
    line: str, meant: str
) -> None:
    finding = only(route(line))

    assert (finding.line, meant in finding.remedy) == (line_of(route(line), line), True)


def test_a_mistyped_condition_is_found_with_the_one_that_was_meant() -> None:
    assert "'country'" in only(route('when = { contry = ["DE"] }')).remedy


def test_a_key_of_a_route_in_another_table_is_sent_home() -> None:
    added = '\n[stores.uk.invoices]\npayment_method = ["bacs"]\n'

    assert "[stores.<name>.orders.route.when]" in only(added).remedy


def test_a_rules_own_key_in_another_table_is_sent_to_the_array() -> None:
    added = '\n[stores.uk.invoices]\nmake = "both"\n'

    assert "[[stores.<name>.orders.route]]" in only(added).remedy


def test_a_rule_that_lacks_a_key_is_told_what_it_is_for() -> None:
    finding = only('\n[[stores.uk.mappings.revenue]]\naccount = "4100"\n')

    assert "when is missing" in finding.message


def test_a_document_that_does_not_exist_is_found_with_those_that_do() -> None:
    assert "quotation" in only(route('make = "invoice"')).remedy


# --- names --------------------------------------------------------------------


@pytest.mark.parametrize("rule", [route, tax_rule, revenue])
def test_an_item_class_must_exist(rule: Rule) -> None:
    finding = only(rule('when = { item_class = ["bokks"] }'))

    assert (finding.severity, "'books'" in finding.remedy) == ("error", True)


def test_where_a_class_is_added_is_said() -> None:
    finding = only(route('when = { item_class = ["shoes"] }'))

    assert "[stores.uk.mappings.classes]" in finding.remedy


@pytest.mark.parametrize(
    ("country", "remedy"),
    [("UK", "'GB'"), ("EL", "'GR'"), ("de", "'DE'"), ("eu", "'EU'"), ("Germany", "ISO 3166")],
)
@pytest.mark.parametrize("rule", [route, tax_rule, revenue])
def test_a_country_is_one(rule: Rule, country: str, remedy: str) -> None:
    finding = only(rule(f'when = {{ country = ["{country}"] }}'))

    assert (finding.severity, remedy in finding.remedy) == ("error", True)


@pytest.mark.parametrize("country", ["DE", "EU", "US", "XK"])
def test_a_country_and_the_union_are_known(country: str) -> None:
    assert findings(route(f'when = {{ country = ["{country}"] }}')) == []


def test_a_currency_has_three_capital_letters() -> None:
    assert "EUR" in only(route('when = { currency = ["eur"] }')).remedy


@pytest.mark.parametrize("rule", [tax_rule, revenue])
def test_a_rate_is_a_plain_number_in_a_rule_too(rule: Rule) -> None:
    assert '"20"' in only(rule('when = { rate = ["20%"] }')).remedy


def test_a_status_that_makes_nothing_is_not_routed() -> None:
    assert only(route('when = { status = ["pending"] }')).severity == "warning"


def test_a_status_is_named_as_the_store_says_it() -> None:
    assert "'processing'" in only(route('when = { status = ["wc-processing"] }')).remedy


def test_two_routes_of_one_name_are_told_apart() -> None:
    added = route('when = { country = ["DE"] }') + route('when = { country = ["FR"] }')

    assert only(added).path == "stores.uk.orders.route.1.name"


def test_a_status_may_cancel() -> None:
    assert findings('\n[stores.uk.orders.statuses]\ncancelled = "cancel"\n') == []


# --- rules that never decide ----------------------------------------------------


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("{}", "{}"),
        ("{}", '{ country = ["DE"] }'),
        ('{ country = ["EU"] }', '{ country = ["DE", "FR"] }'),
        ('{ country = ["DE", "FR"] }', '{ country = ["FR"], currency = ["EUR"] }'),
        ("{ vat_number = true }", "{ vat_number = true, total_from = 5 }"),
        ("{ total_from = 100 }", "{ total_from = 200 }"),
        ("{ total_below = 100 }", "{ total_from = 10, total_below = 50 }"),
        ('{ item_class = ["books", "gifts"] }', '{ item_class = ["gifts"] }'),
    ],
)
def test_a_route_behind_one_that_always_fits_is_found(wide: str, narrow: str) -> None:
    added = route(f"when = {wide}") + route(f"when = {narrow}", name="two")

    finding = only(added)
    assert (finding.line, "never decides" in finding.message) == (
        line_of(added, 'name = "two"') - 1,
        True,
    )


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ('{ country = ["DE"] }', "{}"),
        ('{ country = ["DE"] }', '{ country = ["EU"] }'),
        ("{ vat_number = true }", "{ vat_number = false }"),
        ("{ total_from = 200 }", "{ total_from = 100 }"),
        ("{ total_below = 50 }", "{ total_from = 10 }"),
        ('{ country = ["DE"], currency = ["EUR"] }', '{ country = ["DE"] }'),
    ],
)
def test_a_route_that_may_decide_is_left_alone(one: str, two: str) -> None:
    assert findings(route(f"when = {one}") + route(f"when = {two}", name="two")) == []


@pytest.mark.parametrize("rule", [tax_rule, revenue])
def test_a_rule_behind_one_that_always_fits_is_found(rule: Rule) -> None:
    wide, narrow = 'when = { country = ["EU"] }', 'when = { country = ["DE"], rate = ["20"] }'

    assert "never decides" in only(rule(wide) + rule(narrow)).message


def test_a_tax_rule_for_lines_without_tax_is_not_hidden_by_one_that_says_no_rate() -> None:
    assert findings(tax_rule("when = {}") + tax_rule('when = { rate = ["none"] }')) == []


def test_a_total_must_be_possible() -> None:
    assert "no total is" in only(route("when = { total_from = 50, total_below = 50 }")).message


# --- what back offices can do ----------------------------------------------------


def test_revenue_rules_need_a_back_office_that_has_them() -> None:
    finding = only(revenue("when = {}"), Abilities(64, revenue=False))

    assert (finding.line, "tryton" in finding.message) == (
        line_of(revenue("when = {}"), "mappings.revenue"),
        True,
    )


def test_revenue_rules_need_it_of_each_back_office_that_is_routed_to() -> None:
    added = BOOKS + route('erp = "europe"') + revenue("when = {}")

    able = {"tryton": Abilities(64), "memory": Abilities(64, revenue=False)}
    (finding,) = check(TOML + added, abilities=able)[1]
    assert "memory (europe)" in finding.message


def test_a_back_office_that_only_a_route_names_is_used() -> None:
    assert findings(BOOKS + route('erp = "europe"')) == []


def test_a_key_fits_each_back_office_that_is_routed_to() -> None:
    added = BOOKS + route('erp = "europe"')

    (finding,) = check(TOML + added, abilities={"memory": Abilities(15)})[1]
    assert "memory holds 15" in finding.message


@pytest.mark.parametrize(
    ("flow", "lacks"),
    [
        ("fulfilment", Kind.SHIPMENT),
        ("invoices", Kind.INVOICE),
        ("erp_changes", Kind.SALES_ORDER),
        ("customers", Kind.PARTY),
    ],
)
@pytest.mark.parametrize("mode", ["on", "shadow"])
def test_a_flow_needs_a_back_office_that_tells(flow: str, lacks: Kind, mode: str) -> None:
    added = f'\n[stores.uk.flows]\n{flow} = "{mode}"\n'
    text = TOML.replace('flows.orders = "on"\n', "") + added.replace(
        "flows]", 'flows]\norders = "on"'
    )
    tells = frozenset(Kind) - {lacks}

    (finding,) = check(text, abilities={"tryton": Abilities(64, tells=tells)})[1]
    assert (finding.path, finding.severity) == (f"stores.uk.flows.{flow}", "error")


def test_returns_need_a_back_office_that_takes_them() -> None:
    text = TOML.replace("[stores.uk.orders]\n", '[stores.uk.orders]\nreturns = "restocked"\n')

    (finding,) = check(text, abilities={"tryton": Abilities(64, returns=False)})[1]
    assert (finding.path, finding.severity) == ("stores.uk.orders.returns", "error")


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ('payments.stripe = { record = true, account = "Stripe" }', "payments.stripe.record"),
        ("", "refund_amount"),
    ],
)
def test_money_needs_a_back_office_that_takes_it(line: str, path: str) -> None:
    able = {"tryton": Abilities(64, payments=False, credits=bool(line))}
    text = TOML.replace("classes =", f"{line}\nclasses =")

    (finding,) = check(text, abilities=able)[1]

    assert finding.path == f"stores.uk.mappings.{path}"
    assert finding.severity == ("error" if line else "warning")
    assert ("record = false" if line else "by hand") in finding.remedy
    assert check(text.replace('"on"', '"off"'), abilities=able)[1] == []


def test_a_delivery_note_needs_a_back_office_that_prints_it() -> None:
    flows = 'flows.orders = "on"\nflows.fulfilment = "on"'
    text = TOML.replace('flows.orders = "on"', flows)
    asked = f"{text}\n[stores.uk.fulfilment]\ndelivery_note = true\n"
    able = {"tryton": Abilities(64, delivery_notes=False)}

    (finding,) = check(asked, abilities=able)[1]

    assert (finding.path, finding.severity) == ("stores.uk.fulfilment.delivery_note", "error")
    assert finding.remedy.startswith("Set delivery_note = false")
    assert check(text, abilities=able)[1] == []


# --- what shoppers are told --------------------------------------------------------


def test_a_flow_back_to_the_store_lives_on_orders() -> None:
    text = TOML.replace('flows.orders = "on"', 'flows.fulfilment = "on"')

    (finding,) = check(text)[1]
    assert finding.severity == "warning"


@pytest.mark.parametrize("table", ["fulfilment", "invoices"])
def test_a_test_shop_sends_shoppers_nothing(table: str) -> None:
    finding = only(f"\n[stores.uk.{table}]\nnote_to_customer = true\n")

    assert (finding.severity, "private" in finding.message) == ("warning", True)


def test_a_live_shop_may_write_to_shoppers() -> None:
    text = TOML.replace('key = "uk"', 'key = "uk"\nprod = true')

    assert check(text + "\n[stores.uk.invoices]\nnote_to_customer = true\n")[1] == []


def test_a_note_to_shoppers_must_be_there() -> None:
    added = '\n[stores.uk.invoices]\nnote = ""\nnote_to_customer = true\n'

    assert "no note" in only(added).message


@pytest.mark.parametrize("lines", ["link = true", 'link = true\nnote = "{number} {url}"'])
def test_documents_may_be_linked(lines: str) -> None:
    assert findings(f"\n[stores.uk.invoices]\n{lines}\n") == []


def test_an_address_that_nobody_makes_is_found() -> None:
    assert "link = true" in only('\n[stores.uk.invoices]\nnote = "{number} {url}"\n').remedy


@pytest.mark.parametrize("status", ["cancelled", "refunded", "failed"])
def test_what_is_shipped_stays_sold(status: str) -> None:
    text = TOML.replace('flows.orders = "on"', 'flows = { orders = "on", fulfilment = "on" }')

    (finding,) = check(text + f'\n[stores.uk.fulfilment]\nshipped = "{status}"\n')[1]
    assert "cancels the order" in finding.message


def test_an_account_for_refunds_that_are_not_recorded_is_found() -> None:
    text = TOML.replace("record = false", 'record = false, refund_account = "Bank"')

    (finding,) = check(text)[1]
    assert finding.path.endswith("refund_account")


def test_an_amount_without_lines_needs_a_place() -> None:
    (finding,) = check(TOML.replace('refund_amount = { item = "MISC" }', ""))[1]

    assert "refund_amount" in finding.remedy


# --- the example --------------------------------------------------------------------


def test_every_line_that_the_example_comments_out_may_be_used() -> None:
    setting = r"(?m)^# (\[\[.*\]\]|[\w\"-]+ = (\".*\"|\{.*\}|\[.*\]|\d+))$"
    text = re.sub(setting, r"\1", EXAMPLE.read_text()) + BOOKS

    config, found = check(text, abilities={"memory": Abilities(64)})
    assert config is not None, found


def test_the_example_comments_out_a_route_and_a_tax_rule() -> None:
    text = EXAMPLE.read_text()

    assert "# [[stores.uk.orders.route]]" in text
    assert "# [[stores.uk.mappings.tax_rules]]" in text
