"""Configuration that asks Odoo for what it cannot do is refused, with the reason."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from accord import erp
from accord.cli.config import abilities_of
from accord.erp.odoo.adapter import Odoo
from accord.rules.load import check

TEXT = (Path(__file__).parents[3] / "accord.toml").read_text(encoding="utf-8")


def messages(text: str) -> list[str]:
    text = text.replace('adapter = "tryton"', 'adapter = "odoo"')
    found: tuple[Any, Any] = check(text, adapters=erp.NAMES, abilities=abilities_of(["odoo"]))
    return [each.message for each in found[1]]


def test_a_configuration_that_asks_for_what_it_can_is_right() -> None:
    assert messages(TEXT) == []


def test_returns_of_goods_are_refused() -> None:
    (asked, count) = re.subn(r"(?m)^# returns = ", "returns = ", TEXT)
    assert count == 1

    (found,) = messages(asked)

    assert "odoo" in found
    assert "return" in found


def test_revenue_on_another_account_is_refused() -> None:
    rule = '[[stores.uk.mappings.revenue]]\nwhen = { country = ["EU"] }\naccount = "4100"\n'

    (found,) = messages(f"{TEXT}\n{rule}")

    assert "books an item's revenue on the item's own account only" in found


def test_printed_delivery_notes_are_refused() -> None:
    (found,) = messages(TEXT.replace("delivery_note = false", "delivery_note = true", 1))

    assert "gives no delivery notes" in found


def test_the_price_group_of_a_customer_is_not_the_stores_and_its_terms_may_be() -> None:
    terms = 'vat_number = "ask"\npayment_terms = "store"\nprice_group = "{}"'

    assert messages(TEXT.replace('vat_number = "ask"', terms.format("erp"), 1)) == []
    (found,) = messages(TEXT.replace('vat_number = "ask"', terms.format("store"), 1))
    assert "keeps no price_group of a customer" in found


def test_it_is_loaded_by_its_name_alone() -> None:
    assert erp.load("odoo") is Odoo


@pytest.mark.parametrize("name", ["accord.erp.odoo", "accord.erp.tryton"])
def test_nobody_loads_it_unasked(name: str) -> None:
    """A cold start imports the back office that a connection names, and no other."""
    code = f"import sys, accord.erp, accord.ports.erp; sys.exit({name!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
