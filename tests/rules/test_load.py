"""accord.toml checked: every finding has its line, its field and its remedy."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from accord.errors import BadInputError
from accord.rules.config import Config
from accord.rules.load import Finding, check, compiled, overlay, parse
from accord.rules.problem import Abilities

EXAMPLE = Path(__file__).parents[2] / "accord.toml"

TOML = """\
[stores.uk]
key = "uk"
url = "https://store.example"
erp = "main"
secret = "store/uk"
orders.start_at = 2026-01-01T00:00:00Z
flows.orders = "on"

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


def read(text: str = TOML) -> Config:
    config, findings = check(text)
    assert config is not None, findings
    return config


def only(text: str, **asked: Any) -> Finding:
    """The one finding; there must be exactly one."""
    (finding,) = check(text, **asked)[1]
    return finding


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


def swapped(old: str, new: str) -> str:
    assert old in TOML
    return TOML.replace(old, new)


# --- the example ----------------------------------------------------------------


def test_the_example_has_nothing_to_find() -> None:
    text = EXAMPLE.read_text()

    config, findings = check(
        text,
        adapters=["memory", "tryton"],
        abilities={"tryton": Abilities(64, revenue=False)},
        stage="dev",
    )

    assert config is not None
    assert findings == []


def test_the_example_holds_no_secret_word() -> None:
    assert "password =" not in EXAMPLE.read_text()


# --- syntax -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ('key = "de"', "given twice"),
        ("prod = yes", "true or false"),
        ("gift wrap = 1", "needs quotes"),
        ("* = 1", "needs quotes"),
        ('note = "unfinished', "close the quotes"),
        ('path = "C:\\d"', "backslash twice"),
        ("allowed = { a = 1 }\nallowed.b = 2", "inside the braces"),
        ('a = "b" c', "One setting per line"),
    ],
)
def test_a_slip_of_syntax_has_its_usual_remedy(line: str, remedy: str) -> None:
    finding = only(swapped('key = "uk"', f'key = "uk"\n{line}'))

    assert remedy in finding.remedy


def test_a_slip_of_syntax_is_found_on_its_line() -> None:
    text = swapped('erp = "main"', "erp = main")

    assert only(text).line == line_of(text, "erp = main")


def test_a_text_that_just_ends_is_found_on_its_last_line() -> None:
    assert only(TOML + "rest = [1,\n2").line == TOML.count("\n") + 2


def test_a_mark_before_the_first_line_is_passed_over() -> None:
    assert check("\ufeff" + TOML)[1] == []


def test_a_bad_file_gives_no_configuration() -> None:
    assert check("a =")[0] is None


# --- keys ---------------------------------------------------------------------------


def test_a_mistyped_key_is_found_with_the_one_that_was_meant() -> None:
    text = swapped('secret = "erp/main"', 'secret = "erp/main"\ntimezone = "UTC"')

    finding = only(text)

    assert (finding.line, finding.path, finding.remedy) == (
        line_of(text, "timezone"),
        "erps.main.timezone",
        "Did you mean 'time_zone'?",
    )


def test_a_key_in_the_wrong_table_is_sent_home() -> None:
    finding = only(swapped('key = "uk"', 'key = "uk"\nitems_same_code = false'))

    assert finding.remedy == "Put it in [stores.<name>.mappings]."


def test_a_key_like_no_other_is_answered_with_what_may_stand_there() -> None:
    assert "stores, erps, alarms" in only(TOML + "[xyzzy]\n").remedy


def test_a_missing_key_is_found_at_its_table_with_what_it_is_for() -> None:
    finding = only(swapped('secret = "erp/main"\n', ""))

    assert (finding.line, finding.path) == (line_of(TOML, "[erps.main]"), "erps.main.secret")
    assert "name of the secret" in finding.remedy


@pytest.mark.parametrize(
    ("old", "new", "written"),
    [
        ('taxes = { "20"', "taxes = { 5.5", '"5.5"'),
        ('shipping."*"', "shipping.flat.rate", '"flat.rate"'),
    ],
)
def test_a_point_in_a_key_needs_quotes(old: str, new: str, written: str) -> None:
    assert written in only(swapped(old, new)).remedy


# --- values -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "path", "remedy"),
    [
        ('key = "uk"', 'key = "UK"', "stores.uk.key", "small letters"),
        ('"https://store', '"http://store', "stores.uk.url", "https://"),
        ('orders = "on"', 'orders = "onn"', "stores.uk.flows.orders", "Did you mean 'on'?"),
        ("-01T00:00:00Z", "-01T00:00:00", "stores.uk.orders.start_at", "with its zone"),
        ("-01T00:00:00Z", "-01", "stores.uk.orders.start_at", "with its zone"),
        ('item = "ROUNDING"', 'item = ""', "stores.uk.mappings.rounding.item", "item code"),
        ("record = false", "record = true", 'stores.uk.mappings.payments."*"', "account ="),
        ('erp = "main"', 'erp = "other"', "stores.uk.erp", "main"),
        ('secret = "erp/main"', 'secret = "erp main"', "erps.main.secret", "letters, digits"),
    ],
)
def test_a_wrong_value_is_found_with_its_remedy(old: str, new: str, path: str, remedy: str) -> None:
    text = swapped(old, new)

    finding = only(text)

    assert (finding.line, finding.path) == (line_of(text, new), path)
    assert remedy in finding.remedy


def test_everything_that_is_wrong_is_found_at_once() -> None:
    text = swapped('key = "uk"', 'key = "UK"').replace('url = "https://erp', 'url = "http://erp')

    assert len(check(text)[1]) == 2


def test_two_stores_with_one_key_are_found_at_the_second() -> None:
    text = TOML + TOML[: TOML.index("[erps.main]")].replace("stores.uk", "stores.de")

    assert only(text).path == "stores.de.key"


# --- what does not go together --------------------------------------------------------


def test_an_adapter_must_exist() -> None:
    finding = only(swapped('"tryton"', '"trytn"'), adapters=["memory", "tryton"])

    assert "Did you mean 'tryton'?" in finding.remedy


def test_an_external_key_fits_the_back_office() -> None:
    finding = only(TOML, abilities={"tryton": Abilities(32)})

    assert (finding.path, finding.severity) == ("stores.uk.key", "error")
    assert "at most 1 character" in finding.remedy


def test_a_back_office_too_narrow_for_any_key_says_so() -> None:
    assert "no store key is short enough" in only(TOML, abilities={"tryton": Abilities(8)}).remedy


def test_a_test_stage_refuses_a_live_shop() -> None:
    text = swapped('key = "uk"', 'key = "uk"\nprod = true')

    config, (finding,) = check(text, stage="staging")

    assert config is None
    assert (finding.line, finding.path) == (line_of(text, "prod"), "stores.uk.prod")


def test_the_live_stage_takes_a_live_shop() -> None:
    assert check(swapped('key = "uk"', 'key = "uk"\nprod = true'), stage="prod")[1] == []


def test_lambda_reaches_nothing_on_this_machine() -> None:
    text = swapped("https://erp.example", "http://127.0.0.1:8100")

    assert only(text, stage="prod").severity == "warning"


def test_connections_do_not_share_a_secret() -> None:
    assert only(swapped("store/uk", "erp/main")).path == "stores.uk.secret"


def test_orders_flow_with_a_place_for_rounding() -> None:
    text = swapped('rounding = { item = "ROUNDING" }\n', "")

    config, (finding,) = check(text)

    assert config is not None
    assert (finding.line, finding.severity) == (line_of(text, "uk.mappings]"), "warning")


@pytest.mark.parametrize(
    "line", ['taxes = { "20" = "VAT 20%" }', 'shipping."*" = { item = "SHIPPING" }']
)
def test_orders_that_will_all_wait_are_foretold(line: str) -> None:
    assert "will wait" in only(swapped(line, "")).message


def test_gaps_are_no_matter_while_orders_do_not_flow() -> None:
    assert check(swapped('"on"', '"off"').replace('rounding = { item = "ROUNDING" }', ""))[1] == []


@pytest.mark.parametrize(
    ("status", "severity", "remedy"),
    [
        ("wc-processing", "error", "'processing'"),
        ("checkout-draft", "error", "nothing was sold"),
        ("proccessing", "warning", "Did you mean 'processing'?"),
        ("awaiting-pickup", "warning", "plugin"),
        ("cancelled", "warning", "import_closed"),
    ],
)
def test_a_status_that_will_surprise_is_found(status: str, severity: str, remedy: str) -> None:
    text = swapped(
        'flows.orders = "on"', f'flows.orders = "on"\norders.statuses.{status} = "quotation"'
    )

    finding = only(text)

    assert (finding.line, finding.severity) == (line_of(text, status), severity)
    assert remedy in finding.remedy


@pytest.mark.parametrize("key", ["20%", "20.0", "20.0000", "20 %", "020"])
def test_a_percent_is_a_plain_number(key: str) -> None:
    assert '"20"' in only(swapped('"20" =', f'"{key}" =')).remedy


@pytest.mark.parametrize("key", ["20", "5.5", "0", "id:3", "GB-VAT 20%-1", "10"])
def test_a_plain_percent_a_code_and_a_number_are_keys(key: str) -> None:
    assert check(swapped('"20" =', f'"{key}" ='))[1] == []


def test_a_sku_with_a_space_at_its_end_is_found() -> None:
    text = swapped("taxes =", 'items."MUG " = { item = "MUG" }\ntaxes =')

    assert "'MUG'" in only(text).remedy


def test_an_account_that_is_never_used_is_found() -> None:
    assert only(swapped("record = false", 'record = false, account = "Bank"')).severity == "warning"


def test_the_same_shop_twice_is_found() -> None:
    second = TOML[: TOML.index("[erps.main]")].replace("stores.uk", "stores.de")
    second = second.replace('"uk"', '"de"').replace("store/uk", "store/de")

    assert "same shop" in only(TOML + second).message


def test_a_back_office_without_a_store_is_found() -> None:
    text = TOML + TOML[TOML.index("[erps.main]") :].replace("main", "old")

    assert only(text).path == "erps.old"


def test_a_finding_reads_as_one_sentence_after_the_other() -> None:
    text = str(Finding(3, "stores.uk.key", "it is wrong", "Mend it."))

    assert text == "line 3: error: stores.uk.key: it is wrong. Mend it."


# --- the compiled form ------------------------------------------------------------------


def test_the_compiled_form_reads_back_alike() -> None:
    config = read()

    assert parse(compiled(config)) == config


def test_a_moment_and_an_amount_survive_json() -> None:
    uk = parse(compiled(read())).stores["uk"]

    assert uk.orders.start_at == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert uk.mappings.rounding_max == Decimal("0.05")


def test_a_compiled_form_that_is_none_names_the_field() -> None:
    data = compiled(read())
    del data["stores"]["uk"]["erp"]

    with pytest.raises(BadInputError, match=r"stores\.uk\.erp: erp is missing"):
        parse(data)


# --- later rules -----------------------------------------------------------------------


def test_later_mappings_replace_the_files() -> None:
    rules = {"stores": {"uk": {"mappings": {"taxes": {"20": "Output VAT"}}}}}

    uk = overlay(read(), rules).stores["uk"]

    assert (uk.mappings.taxes, uk.mappings.rounding) == ({"20": "Output VAT"}, None)


def test_what_later_rules_do_not_name_stays() -> None:
    config = read()

    later = overlay(config, {"stores": {"uk": {"flows": {"orders": "shadow"}}}})

    assert later.stores["uk"].mappings == config.stores["uk"].mappings
    assert later.stores["uk"].flows.orders == "shadow"


def test_no_later_rules_change_nothing() -> None:
    config = read()

    assert overlay(config, {}) == config


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"erps": {}}, "'erps'"),
        ({"stores": ["uk"]}, "no table at stores"),
        ({"stores": {"uk": "on"}}, r"no table at stores\.uk"),
        ({"stores": {"uk": {"url": "https://other.example"}}}, "'url'"),
        ({"stores": {"uk": {"mappings": {"tax": {}}}}}, r"stores\.uk\.mappings\.tax"),
        ({"stores": {"uk": {"flows": {"orders": "yes"}}}}, r"stores\.uk\.flows\.orders"),
    ],
)
def test_rules_that_may_not_be_are_turned_away(rules: dict[str, Any], named: str) -> None:
    with pytest.raises(BadInputError, match=named):
        overlay(read(), rules)
