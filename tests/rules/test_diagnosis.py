"""What does not match is found, and comes with what to do."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from accord.model.change import Ref
from accord.model.documents import TaxRate
from accord.model.item import Item, Product
from accord.model.shop import Hook, Method, Setup, ShopRate
from accord.rules.diagnosis import diagnose
from accord.rules.findings import Examined, Finding
from tests.sync.conftest import config

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
RECEIVER = "https://api.example/stores/uk/webhooks"
TOPICS = [
    f"{what}.{how}" for what in ("order", "customer") for how in ("created", "updated", "deleted")
] + ["order.restored"]
HOOKS = tuple(Hook(str(n), topic, topic, "active", RECEIVER) for n, topic in enumerate(TOPICS))
WELL = Setup(
    home="https://store.example",
    version="10.5.0",
    currency="GBP",
    decimals=2,
    prices_include_tax=False,
    is_secure=True,
    rates=(ShopRate(TaxRate("1", "GB-VAT 20%-1", "VAT", Decimal("20.0000")), "standard"),),
    tax_classes=("standard", "reduced-rate", "zero-rate"),
    shipping=(Method("flat_rate:1", "Flat rate", "UK"),),
    payments=(Method("bacs", "Bank"),),
    hooks=HOOKS,
)
MUG = Product(Ref("uk", "product", "1"), "MUG", "Mug", "simple", "publish", None)
ITEM = Item(Ref("main", "item", "7"), "MUG", "Mug")
MAPPINGS = {
    "taxes": {"20": "T1"},
    "shipping": {"flat_rate": {"account": "4000"}},
    "payments": {"bacs": {"record": False}},
    "items": {},
    "tax_rules": [],
    "no_sku": "attention",
}


def found(
    *products: Product,
    items: tuple[Item, ...] | None = (ITEM,),
    rules: dict[str, Any] | None = None,
    receiver: str = RECEIVER,
    **setup: Any,
) -> list[Finding]:
    tables = {"mappings": MAPPINGS, "prices": {"currency": "GBP"}, **(rules or {})}
    store = config(**tables).stores["uk"]
    return diagnose(
        Examined("uk", store, replace(WELL, **setup), products or (MUG,), items, receiver)
    )


def topics(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(each.severity, each.topic) for each in findings if each.subject != "secret"}


def test_where_all_matches_nothing_is_found() -> None:
    assert topics(found()) == set()


@pytest.mark.parametrize(
    ("changed", "severity", "topic"),
    [
        ({"may_write": False}, "error", "key"),
        ({"is_secure": False}, "warning", "https"),
        ({"home": "https://copy.example"}, "error", "home"),
        ({"version": "8.9.1"}, "warning", "version"),
        ({"visits_run_jobs": True}, "warning", "cron"),
        ({"visits_run_jobs": False}, "note", "cron"),
        ({"clock": NOW + dt.timedelta(minutes=2), "asked_at": NOW}, "warning", "clock"),
        ({"currency": "EUR"}, "warning", "currency"),
        ({"prices_include_tax": True}, "warning", "prices"),
        ({"decimals": 0}, "warning", "decimals"),
        ({"payments": (Method("stripe", "Card"),)}, "error", "payments"),
        ({"shipping": (Method("pickup:4", "Pickup"),)}, "error", "shipping"),
    ],
)
def test_a_setting_that_does_not_match_is_found(
    changed: dict[str, Any], severity: str, topic: str
) -> None:
    assert topics(found(**changed)) == {(severity, topic)}


def test_prices_that_are_carried_make_a_wrong_currency_an_error() -> None:
    said = topics(found(currency="EUR", rules={"flows": {"prices": "on"}}))
    assert ("error", "currency") in said
    assert ("warning", "currency") not in said


def test_a_tax_rate_without_a_code_is_found_by_any_of_its_names() -> None:
    rate = ShopRate(TaxRate("4", "DE-MWST 19%-1", "MwSt", Decimal(19)), "standard")

    (missing,) = [each for each in found(rates=(rate,)) if each.topic == "taxes"]

    assert missing.severity == "error"
    assert "'19' or 'DE-MWST 19%-1' or 'id:4'" in missing.remedy


@pytest.mark.parametrize(
    ("hook", "what"),
    [
        (None, "no webhook tells of it"),
        (replace(HOOKS[0], status="disabled"), "webhook 0 is disabled"),
        (replace(HOOKS[0], url="https://old.example/stores/uk/webhooks"), "goes to https://old"),
    ],
)
def test_a_webhook_that_tells_us_nothing_is_an_error(hook: Hook | None, what: str) -> None:
    hooks = (*filter(None, (hook,)), *HOOKS[1:])

    (wrong,) = [each for each in found(hooks=hooks) if each.severity == "error"]

    assert (wrong.topic, wrong.subject) == ("webhooks", "order.created")
    assert what in wrong.what


def test_webhooks_of_others_are_nobodys_business() -> None:
    other = Hook("99", "mail", "order.created", "disabled", "https://mail.example/hook")

    assert topics(found(hooks=(*HOOKS, other))) == set()


def test_two_webhooks_of_one_topic_are_one_too_many() -> None:
    assert topics(found(hooks=(*HOOKS, replace(HOOKS[0], id="50")))) == {("warning", "webhooks")}


def test_the_topics_of_a_flow_that_is_off_are_not_missed() -> None:
    flows = {"customers": "off"}

    assert topics(found(hooks=HOOKS[:3] + HOOKS[6:], rules={"flows": flows})) == set()


@pytest.mark.parametrize(
    ("product", "severity", "topic"),
    [
        (replace(MUG, sku=""), "error", "no_sku"),
        (replace(MUG, sku="CUP"), "error", "unknown_sku"),
        (replace(MUG, sku="mug "), "error", "spelling"),
    ],
)
def test_a_product_whose_orders_would_wait_is_an_error(
    product: Product, severity: str, topic: str
) -> None:
    assert (severity, topic) in topics(found(product))


def test_a_variable_product_needs_no_sku_and_a_draft_may_wait() -> None:
    shirt = replace(MUG, sku="", type="variable")

    assert topics(found(MUG, shirt, replace(MUG, sku="", status="draft"))) == set()


def test_a_sku_that_the_mappings_name_is_known() -> None:
    mappings = {**MAPPINGS, "items": {"CUP": {"item": "MUG"}}}

    assert topics(found(replace(MUG, sku="CUP"), rules={"mappings": mappings})) == set()


def test_skus_that_differ_in_letter_case_alone_are_one_for_the_store() -> None:
    twin = replace(MUG, ref=Ref("uk", "product", "2"), sku="Mug")

    assert ("error", "double_sku") in topics(found(MUG, twin))


def test_two_active_items_of_one_code_are_found_and_an_archived_one_is_not() -> None:
    twin = replace(ITEM, ref=Ref("main", "item", "8"))

    assert topics(found(items=(ITEM, twin))) == {("error", "double_item")}
    assert topics(found(items=(ITEM, replace(twin, active=False)))) == set()


def test_an_item_that_the_store_lacks_is_noted_and_an_archived_product_warned_of() -> None:
    cup = replace(ITEM, ref=Ref("main", "item", "8"), code="CUP")

    assert topics(found(items=(ITEM, cup))) == {("note", "missing")}
    assert topics(found(items=(replace(ITEM, active=False),))) == {("warning", "archived")}


def test_how_stock_is_counted_matters_only_where_stock_is_sent() -> None:
    by_parent = replace(MUG, manages_stock=False, by_parent=True, parent="9", type="variation")
    rules = {"flows": {"stock": "on"}}

    def about_stock(product: Product, given: dict[str, Any] | None = None) -> set[str]:
        return {each.severity for each in found(product, rules=given) if each.topic == "stock"}

    assert about_stock(MUG) == set()
    assert about_stock(MUG, rules) == {"note"}
    assert about_stock(by_parent, rules) == {"warning"}


def test_the_gravest_come_first() -> None:
    severities = [each.severity for each in found(may_write=False, visits_run_jobs=False)]

    assert severities == sorted(severities, key=["error", "warning", "note"].index)
