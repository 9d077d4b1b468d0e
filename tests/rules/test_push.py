"""Rules that are pushed: checked like the file, laid over what holds, wiring refused."""

from pathlib import Path
from typing import Any

import pytest

from accord.rules.config import Config
from accord.rules.load import check, overlay
from accord.rules.push import Difference, Proposal, differences, propose, restored

TEXT = (Path(__file__).parents[2] / "accord.toml").read_text(encoding="utf-8")
NEW_TAX = '[stores.uk.mappings.taxes]\n"23" = "VAT 23%"\n'


def deployed() -> Config:
    config, _ = check(TEXT)
    assert config is not None
    return config


def proposed(text: str, latest: Any = None, **more: Any) -> Proposal:
    return propose(text, deployed(), latest, abilities={}, **more)


def said(proposal: Proposal) -> str:
    return "\n".join(str(each) for each in proposal.findings)


def test_a_part_is_laid_over_what_holds() -> None:
    found = proposed(NEW_TAX)

    assert found.config is not None
    taxes = found.config.stores["uk"].mappings.taxes
    assert taxes == {**deployed().stores["uk"].mappings.taxes, "23": "VAT 23%"}
    assert differences(deployed(), found.config) == [
        Difference("stores.uk.mappings.taxes.23", None, '"VAT 23%"')
    ]


def test_a_part_stores_the_tables_that_it_names_and_no_others() -> None:
    content = proposed(NEW_TAX).content

    assert list(content["stores"]["uk"]) == ["mappings"]
    assert overlay(deployed(), content) == proposed(NEW_TAX).config


def test_a_further_part_keeps_what_was_pushed_before() -> None:
    first = proposed(NEW_TAX).content
    second = proposed('[stores.uk.orders]\nclosed_period = "ask"\n', first)

    assert second.config is not None
    assert second.config.stores["uk"].mappings.taxes["23"] == "VAT 23%"
    assert second.config.stores["uk"].orders.closed_period == "ask"
    assert list(second.content["stores"]["uk"]) == ["orders", "mappings"]


def test_the_whole_file_takes_the_place_of_what_was_pushed() -> None:
    before = proposed(NEW_TAX)
    whole = proposed(TEXT, before.content)

    assert before.config is not None
    assert whole.config == deployed()
    assert [each.after for each in differences(before.config, deployed())] == [None]


def test_a_list_is_replaced_not_joined() -> None:
    found = proposed('[stores.uk.customers]\nroles = ["wholesale"]\n')

    assert found.config is not None
    assert found.config.stores["uk"].customers.roles == ("wholesale",)


# --- what is refused -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('[stores.uk]\nurl = "https://other.example"\n', 2, "checks deliveries against it"),
        ('\n[stores.uk]\nkey = "gb"\n', 3, "never changes"),
        ('[stores.uk]\nsecret = "store/other"\n', 2, "secrets that were deployed"),
        ('[alarms]\nops = "ops@example.com"\n', 1, "wiring"),
    ],
)
def test_wiring_is_refused_with_line_and_reason(text: str, line: int, why: str) -> None:
    found = proposed(text)

    assert (found.config, found.content) == (None, {})
    assert [each.line for each in found.findings] == [line]
    assert why in said(found)


def test_another_wiring_in_a_whole_file_is_refused() -> None:
    found = proposed(TEXT.replace("[erps.main]", "[erps.main]\ntimeout = 9", 1))

    assert found.config is None
    assert "erps: this cannot change while it runs" in said(found)


def test_wiring_that_says_the_same_is_passed_over() -> None:
    assert proposed('[stores.uk]\nkey = "uk"\n' + NEW_TAX).config is not None


def test_a_whole_file_of_another_wiring_may_be_pushed_where_that_is_stood_in_for() -> None:
    text = TEXT.replace("https://store.example", "https://shop.example")

    assert proposed(text).config is None
    found = proposed(text, wired=deployed())
    assert found.config is not None
    assert "warning" in said(found)
    assert found.config.stores["uk"].url == "https://store.example"


def test_the_file_that_is_stood_in_for_is_pushed_without_a_word_of_its_wiring() -> None:
    elsewhere = TEXT.replace("https://store.example", "http://127.0.0.1:8099").replace(
        'url = "http://127.0.0.1:8100"', 'url = "http://127.0.0.1:8101"'
    )
    stood_in, _ = check(elsewhere)
    assert stood_in is not None
    assert stood_in.erps != deployed().erps

    found = propose(TEXT, stood_in, None, abilities={}, wired=deployed())
    assert found.config is not None
    assert "cannot change" not in said(found)


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ("[stores.uk.mappings]\nrouding_max = 0.1\n", 2, "Did you mean 'rounding_max'?"),
        ('[stores.uk.orders]\n\nclosed_period = "never"\n', 3, "next_open"),
        ("[stores.uk.mappings.payments]\nbacs = { record = true }\n", 2, "account"),
        ("[stores.uk.mappings\n", 1, "Expected"),
        ('[stores.de]\nkey = "de"\n', 1, ""),
    ],
)
def test_an_error_has_its_line_and_its_remedy(text: str, line: int, remedy: str) -> None:
    found = proposed(text)

    assert found.config is None
    assert found.findings[0].line == line
    assert remedy in said(found)


def test_a_part_is_not_blamed_for_what_the_rest_lacks() -> None:
    base = TEXT.replace('rounding = { item = "ROUNDING" }', "")
    config, findings = check(base)
    assert config is not None
    assert any("rounding" in str(each) for each in findings)

    assert propose(NEW_TAX, config, None, abilities={}).findings == ()


def test_a_warning_about_what_it_says_is_told() -> None:
    found = proposed('[stores.uk.orders.statuses]\nprocesing = "sales_order"\n')

    assert found.config is not None
    assert "Did you mean 'processing'?" in said(found)


# --- an older version ------------------------------------------------------------


def test_an_older_content_holds_again() -> None:
    first = proposed(NEW_TAX)

    again = restored(first.content, deployed(), abilities={})
    assert (again.config, again.content) == (first.config, first.content)


def test_no_content_is_the_deployed_file_alone() -> None:
    assert restored({}, deployed(), abilities={}).config == deployed()


def test_what_does_not_fit_any_more_is_refused() -> None:
    found = restored({"stores": {"uk": {"gone": {}}}}, deployed(), abilities={})

    assert found.config is None
    assert "gone" in said(found)


# --- after a deploy ----------------------------------------------------------------

UNFIT: Any = {"stores": {"uk": {"gone": {}}}}  # a table that a later release no longer knows


def test_a_push_repairs_a_version_that_does_not_fit_any_more() -> None:
    found = proposed(NEW_TAX, UNFIT)

    assert found.config is not None
    assert found.config.stores["uk"].mappings.taxes["23"] == "VAT 23%"
    assert overlay(deployed(), found.content) == found.config
    assert "does not fit what is deployed" in said(found)


def test_what_was_pushed_for_a_store_that_is_gone_holds_for_nothing() -> None:
    first = proposed(NEW_TAX).content
    gone = {"stores": {**first["stores"], "gone": {"mappings": {}}}}

    assert overlay(deployed(), gone) == proposed(NEW_TAX).config
    assert list(proposed(NEW_TAX, gone).content["stores"]) == ["uk"]


def test_defaults_are_not_pushed() -> None:
    """A later release may drop a key; it is stored only where somebody wrote it."""
    content = proposed('[stores.uk.orders]\nclosed_period = "ask"\n').content

    assert content["stores"]["uk"]["orders"]["closed_period"] == "ask"
    whole = proposed(TEXT).content["stores"]["uk"]
    assert all(key in TEXT for table in whole.values() for key in table)


# --- differences -------------------------------------------------------------------


def test_every_kind_of_value_is_said_as_it_could_be_written() -> None:
    after = proposed(
        "[stores.uk.mappings]\nitems_same_code = false\nrounding_max = 0.1\n"
        '[stores.uk.mappings.items]\n"A B" = { item = "AB" }\n'
        '[stores.uk.customers]\nmatch = ["email"]\n'
    ).config

    assert after is not None
    found = {each.path: (each.before, each.after) for each in differences(deployed(), after)}
    assert found["stores.uk.mappings.items_same_code"] == ("true", "false")
    assert found["stores.uk.mappings.rounding_max"] == ('"0.05"', '"0.1"')
    assert found["stores.uk.customers.match"] == ('["email", "vat_number"]', '["email"]')
    assert found['stores.uk.mappings.items."A B".item'] == (None, '"AB"')
