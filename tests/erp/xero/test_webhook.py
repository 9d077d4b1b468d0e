"""Xero's calls: the samples are what its own description allows, and what we hear in them."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from accord.erp import NAMES
from accord.erp.hooks import Heard, webhook_of
from accord.erp.xero import webhook
from accord.model.documents import Kind
from accord.signed import signature
from tests.conftest import EVENTS

SPEC: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "spec" / "xero-webhooks.yaml").read_text(encoding="utf-8")
)
CALLS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (EVENTS / "receive_erp_webhook").glob("*.json")
}
TENANT = "aef86862-2015-4b6b-88bc-d89032cecc50"


def checked(body: dict[str, Any], schema: str) -> None:
    """Raises: jsonschema.ValidationError: Xero would not send it."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": SPEC["components"]}
    jsonschema.Draft202012Validator(whole).validate(body)
    events = SPEC["components"]["schemas"]["WebhookEvent"]["properties"]["events"]["items"]
    known = {*events["properties"], *({"data"} if schema.startswith("Credit") else ())}
    assert {name for event in body["events"] for name in event} <= known


def event(category: object = "INVOICE", tenant: object = TENANT) -> dict[str, Any]:
    return {"eventCategory": category, "tenantId": tenant, "eventType": "UPDATE"}


def heard(*events: Any, **options: Any) -> Heard | None:
    return webhook.heard(json.dumps({"events": events}).encode(), options)


# A call that tries the webhook has no events and begins at 0, which the description forgets.
@pytest.mark.parametrize("name", sorted(name for name in CALLS if not name.startswith("intent")))
def test_the_sample_is_what_xero_sends(name: str) -> None:
    of_credit = name.startswith("credit_note")
    checked(
        json.loads(CALLS[name]["body"]), "CreditNoteWebhookEvent" if of_credit else "WebhookEvent"
    )


def test_the_check_of_the_samples_finds_what_is_wrong() -> None:
    body = json.loads(CALLS["invoice_updated"]["body"])
    for field, value in (("eventType", "DELETE"), ("eventCategory", "PAYMENT"), ("tenantId", 7)):
        wrong = {**body, "events": [{**body["events"][0], field: value}]}
        with pytest.raises(jsonschema.ValidationError):
            checked(wrong, "WebhookEvent")
    with pytest.raises(AssertionError):
        checked({**body, "events": [{**body["events"][0], "amount": 1}]}, "WebhookEvent")


def test_every_category_that_xero_names_is_known_or_passed_over() -> None:
    items = SPEC["components"]["schemas"]["WebhookEvent"]["properties"]["events"]["items"]
    named = {each["const"] for each in items["properties"]["eventCategory"]["oneOf"]}
    assert named == {"INVOICE", "CONTACT", "CREDITNOTE", "SUBSCRIPTION"}
    unknown = {name for name in named if (found := heard(event(name))) and found.unknown}
    assert unknown == {"SUBSCRIPTION"}


def test_what_is_hinted_at_is_a_kind_of_records() -> None:
    found = heard(event("INVOICE"), event("CREDITNOTE"), event("CONTACT"))
    assert found is not None
    assert [Kind(kind) for kind in found.kinds] == [
        Kind.SALES_ORDER,
        Kind.INVOICE,
        Kind.STOCK,
        Kind.PARTY,
    ]


@pytest.mark.parametrize("category", ["INVOICE", "CREDITNOTE"])
def test_what_moves_tracked_stock_has_stock_looked_at(category: str) -> None:
    found = heard(event(category))
    assert found is not None
    assert "stock" in found.kinds


def test_the_same_events_twice_are_one_hint() -> None:
    assert heard(event("CONTACT"), event("CONTACT")) == Heard(("party",))


def test_events_of_another_organisation_are_counted_and_say_nothing() -> None:
    found = heard(event(), event("CONTACT", "another"), event("CONTACT", None), tenant=TENANT)
    assert found == Heard(("sales_order", "invoice", "stock"), elsewhere=2)


def test_an_organisations_id_is_the_same_in_any_case() -> None:
    assert heard(event("CONTACT"), tenant=TENANT.upper()) == Heard(("party",))


def test_without_a_named_organisation_every_one_is_ours() -> None:
    assert heard(event("CONTACT", "another")) == Heard(("party",))


@pytest.mark.parametrize("odd", [None, 1, "INVOICE", [], {}, event(None), event([]), event("new")])
def test_an_event_that_says_nothing_is_passed_over(odd: Any) -> None:
    assert heard(odd, event("CONTACT")) == Heard(("party",), unknown=1)


@pytest.mark.parametrize("body", [b"", b"\xff", b"null", b"[]", b"{}", b'{"events":1}'])
def test_a_body_that_is_no_list_of_events_is_not_read(body: bytes) -> None:
    assert webhook.heard(body, {}) is None


def test_a_call_is_genuine_that_one_of_the_keys_signed() -> None:
    body, headers = b"{}", {"x-xero-signature": signature(b"{}", "new")}
    assert webhook.is_genuine(body, headers, ("new", "old"))
    assert webhook.is_genuine(body, headers, ("old", "new"))
    assert not webhook.is_genuine(body + b" ", headers, ("new",))
    assert not webhook.is_genuine(body, headers, ("old",))
    assert not webhook.is_genuine(body, headers, ())
    assert not webhook.is_genuine(body, {}, ("new",))


def test_only_back_offices_that_call_have_a_webhook() -> None:
    assert webhook_of("xero") is webhook
    assert {name for name in (*NAMES, "elsewhere") if webhook_of(name) is not None} <= {"xero"}
