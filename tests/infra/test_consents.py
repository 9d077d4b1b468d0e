"""A back office that a person allows in a browser: its routes, and who may touch its tokens."""

import datetime as dt
import hashlib
import json
from typing import Any

import pytest

from accord import erp
from accord.state.tokens import DynamoConsents
from accord.sync import store_keys
from infra.app import build, context  # before aws_cdk: infra chooses the Node it is run by
from infra.events import CONSENTED, FROM_ERP, FROM_STORE
from infra.stages import STAGES
from infra.wiring import read
from tests.functions.consenting import GRANTS
from tests.infra.conftest import ACCORD_TOML
from tests.infra.policies import allowed, functions, of_type, statements

# isort: split
from aws_cdk import App

BOOKS = """
[erps.books]
adapter = "xero"
url = "https://api.xero.com"
secret = "erp/books"
"""
SPEAK = {
    *FROM_STORE,
    *FROM_ERP,
    *("product_updated", "wake", "poll_erp", "reconcile", "check_availability"),
}
OWN = {"authorize", "refresh_tokens"}
KEYS = "receive_store_keys"


@pytest.fixture(scope="module")
def consented(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The service's template where one of two back offices is allowed in a browser."""
    folder = tmp_path_factory.mktemp("consents")
    config = folder / "accord.toml"
    config.write_text(ACCORD_TOML + BOOKS)
    app = App(context=context(), outdir=str(folder / "cdk.out"))
    build(app, STAGES["prod"], read(config, prod=True))
    app.synth()
    found: dict[str, Any] = json.loads(
        (folder / "cdk.out" / "accord-prod-sync.template.json").read_text()
    )
    return found


def tokens_of(template: dict[str, Any], folder: str) -> set[str]:
    return {
        action.removeprefix("dynamodb:")
        for action, resource in allowed(template, folder)
        if ":table/accord-prod-tokens" in resource
    }


def secrets_of(template: dict[str, Any], folder: str) -> set[str]:
    return {
        name
        for action, resource in allowed(template, folder)
        if action == "secretsmanager:GetSecretValue"
        for name in ("erp/books", "erp/main", "store/uk")
        if f":secret:accord/prod/{name}-" in resource
    }


def routes(template: dict[str, Any]) -> set[str]:
    return {route["RouteKey"] for route in of_type(template, "AWS::ApiGatewayV2::Route").values()}


def test_whoever_keeps_a_stores_key_reaches_no_token(sync) -> None:
    (statement,) = (each for each in statements(sync, KEYS) if "tokens" in json.dumps(each))

    assert statement["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["consent:keys:*"]}
    }
    consents = Recording()
    store_keys.begin(DynamoConsents(consents, "t"), "uk", clock=now, secret="s")
    assert consents.keys == {f"consent:keys:{hashlib.sha256(b's').hexdigest()}"}


class Recording:
    """DynamoDB, for which items are written."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def put_item(self, **asked: Any) -> dict[str, Any]:
        self.keys.add(asked["Item"]["pk"]["S"])
        return {}


def now() -> dt.datetime:
    return dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


def test_the_stacks_know_which_adapters_are_allowed_in_a_browser() -> None:
    assert set(CONSENTED) == {name for name in erp.NAMES if erp.load(name).oauth is not None}


def test_whoever_speaks_to_a_back_office_may_read_and_renew_its_tokens(consented) -> None:
    may = {folder: tokens_of(consented, folder) for folder in functions(consented)}

    assert {folder for folder, actions in may.items() if actions} == SPEAK | OWN | {KEYS}
    assert {frozenset(may[folder]) for folder in SPEAK | {"refresh_tokens"}} == {
        frozenset({"GetItem", "UpdateItem"})
    }
    assert may["authorize"] == {"GetItem", "PutItem", "UpdateItem"}


def test_both_read_the_secrets_of_such_back_offices_and_no_other(consented) -> None:
    assert {folder: secrets_of(consented, folder) for folder in OWN} == {
        folder: {"erp/books"} for folder in OWN
    }


def test_the_consent_page_leads_back_to_where_it_began(consented) -> None:
    assert {
        "GET /erps/{erp}/authorize",
        "POST /erps/{erp}/authorize",
        "GET /erps/{erp}/callback",
    } <= routes(consented)


@pytest.mark.parametrize("folder", sorted(OWN))
def test_both_may_do_what_they_do_and_nothing_else(consented, folder: str) -> None:
    """Their own tests hold what they do against the same."""
    granted = {
        (action, resource)
        for action, resource in allowed(consented, folder)
        if action.startswith(("dynamodb:", "sqs:", "s3:", "sns:"))
    }

    assert {
        (resource.rpartition(":table/accord-prod-")[2].strip('"]}'), action.rpartition(":")[2])
        for action, resource in granted
    } == GRANTS[folder]


def test_tokens_are_looked_after_well_within_the_grace(consented) -> None:
    (schedule,) = (
        each
        for each in of_type(consented, "AWS::Scheduler::Schedule").values()
        if each["Name"] == "accord-prod-refresh-tokens"
    )

    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
    grace = erp.load("xero").oauth.grace  # type: ignore[union-attr]
    assert grace.total_seconds() > 3 * 5 * 60


def test_the_page_outlasts_its_calls_and_ends_before_the_door_gives_up(consented) -> None:
    from accord.bootstrap import sign_in

    timeout = consented["Resources"][functions(consented)["authorize"]]["Properties"]["Timeout"]

    assert 2 * sign_in._PATIENCE_S < timeout < 30


def test_where_no_back_office_is_allowed_so_nobody_may_touch_a_token(sync) -> None:
    assert {folder for folder in functions(sync) if tokens_of(sync, folder)} == {KEYS}
    assert not [route for route in routes(sync) if "/erps/{erp}/authorize" in route]
    assert {folder: secrets_of(sync, folder) for folder in OWN} == {folder: set() for folder in OWN}


def test_tokens_lie_in_a_table_under_our_key_that_stays(state) -> None:
    (table,) = (
        each
        for each in of_type(state, "AWS::DynamoDB::Table").values()
        if each["TableName"] == "accord-prod-tokens"
    )

    assert table["SSESpecification"]["SSEType"] == "KMS"
    assert table["DeletionProtectionEnabled"]
