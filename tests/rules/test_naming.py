"""A code that the back office lacks is mended in the table that names it: which one that is."""

import pytest

from accord.rules.naming import tables_of
from tests.sync.conftest import config

OUTLET = {"name": "outlet", "when": {"sku": ["OUT-*"]}, "locations": ["OUTLET"]}
UK = config(
    mappings={
        "items": {"OLD": {"item": "NEW"}, "WRAP": {"account": "4300"}},
        "tax_rules": [{"when": {"rate": ["none"]}, "code": "Export"}],
        "revenue": [{"when": {"country": ["EU"]}, "account": "4100"}],
        "shipping": {"*": {"item": "SHIPPING", "carrier": "Post"}},
        "payments": {
            "paypal": {"record": True, "account": "PayPal", "refund_account": "Bank"},
            "*": {"record": False, "terms": "30 days"},
        },
    },
    stock={"locations": ["MAIN"], "rule": [OUTLET]},
    prices={
        "list": "Web",
        "sale": {"list": "Summer"},
        "band": [{"list": "Trade", "role": "wholesale_customer"}],
    },
).stores["uk"]


@pytest.mark.parametrize(
    ("cause", "table"),
    [
        ("item:NOPE-1", "[stores.uk.mappings.items]"),  # a SKU that is the item's code
        ("item:NEW", "[stores.uk.mappings.items]"),
        ("item:SHIPPING", "[stores.uk.mappings.shipping]"),
        ("item:FEE", "[stores.uk.mappings.fees]"),
        ("item:MISC", "no_sku in [stores.uk.mappings]"),
        ("item:ROUNDING", "rounding in [stores.uk.mappings]"),
        ("tax:VAT 20%", "[stores.uk.mappings.taxes]"),
        ("tax:Export", "[[stores.uk.mappings.tax_rules]]"),
        ("account:4300", "[stores.uk.mappings.items]"),
        ("account:4100", "[[stores.uk.mappings.revenue]]"),
        ("account:PayPal", "[stores.uk.mappings.payments]"),
        ("account:Bank", "[stores.uk.mappings.payments]"),
        ("carrier:Post", "[stores.uk.mappings.shipping]"),
        ("terms:30 days", "[stores.uk.mappings.payments]"),
        ("location:MAIN", "locations in [stores.uk.stock]"),
        ("location:OUTLET", "[[stores.uk.stock.rule]]"),
        ("price_list:Web", "list in [stores.uk.prices]"),
        ("price_list:Summer", "sale in [stores.uk.prices]"),
        ("price_list:Trade", "[[stores.uk.prices.band]]"),
    ],
)
def test_the_table_that_names_it_is_told(cause: str, table: str) -> None:
    assert table in tables_of([cause], "uk", UK)


@pytest.mark.parametrize("cause", ["period:2026-07", "country:AQ", "company", "currency:XXX"])
def test_what_no_table_names_has_none(cause: str) -> None:
    assert tables_of([cause], "uk", UK) == ()


def test_each_table_is_told_once() -> None:
    assert tables_of(["item:A", "item:B", "tax:VAT 20%"], "uk", UK) == (
        "[stores.uk.mappings.items]",
        "[stores.uk.mappings.taxes]",
    )
