"""`accord forget` shows its plan, asks, removes, and prints no more than it must."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from accord import bootstrap
from accord.cli import acting, customers
from accord.cli.app import app
from accord.errors import UnavailableError
from accord.model.change import Ref
from accord.sync.fingerprint import natural_key
from tests.sync.shoppers import ADA, Shoppers

RUN = CliRunner()
KEY = Ref("main", "party_key", natural_key("email", "ada@example.com"))


@pytest.fixture
def shoppers(monkeypatch: pytest.MonkeyPatch) -> Shoppers:
    """A linked customer, and a command line that is connected with the tables."""
    there = Shoppers()
    there.store.add_customer(**ADA)
    there.settle()
    monkeypatch.setattr(customers, "connect", lambda _: None)
    for name, port in (
        ("links", there.links),
        ("attention", there.attention),
        ("payloads", there.payloads),
        ("waiting", there.waiting),
        ("documents", there.documents),
        ("journal", there.journal),
        ("config", there.config),
    ):
        monkeypatch.setattr(bootstrap, name, lambda port=port: port)
    monkeypatch.setattr(bootstrap, "store", lambda _: there.store)
    monkeypatch.setattr(bootstrap, "now", there.clock)
    return there


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is there to be asked."""
    monkeypatch.setattr(acting, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))


def who(shoppers: Shoppers) -> list[str]:
    """Who forgot Ada, as the journal keeps it."""
    return [entry.details["by"] for entry in shoppers.journal.of(KEY)]


def is_known(shoppers: Shoppers) -> bool:
    return "byron" in str(vars(shoppers.links)).casefold()


def test_the_plan_comes_first_and_a_no_changes_nothing(shoppers: Shoppers, terminal: None) -> None:
    result = RUN.invoke(app, ["forget", "ada@example.com"], input="n\n")

    assert "Goes away" in result.output
    assert "Stays" in result.output
    assert result.exit_code == 1
    assert is_known(shoppers)


def test_where_nobody_can_be_asked_nothing_is_done_and_it_says_how(shoppers: Shoppers) -> None:
    result = RUN.invoke(app, ["forget", "ada@example.com"])

    assert result.exit_code == 2
    assert "add --yes" in result.output
    assert is_known(shoppers)


def test_a_yes_removes_it(shoppers: Shoppers, terminal: None) -> None:
    result = RUN.invoke(app, ["forget", "ada@example.com"], input="y\n")

    assert result.exit_code == 0
    assert not is_known(shoppers)


def test_json_tells_what_was_removed_and_what_remains(shoppers: Shoppers) -> None:
    result = RUN.invoke(app, ["forget", "ada@example.com", "--yes", "--json"])

    told = json.loads(result.stdout)
    assert told["done"]
    assert [one["where"] for one in told["removed"]]
    assert any(one["where"].startswith("party main:") for one in told["remains"])


def test_nothing_known_is_said_so(shoppers: Shoppers) -> None:
    result = RUN.invoke(app, ["forget", "nobody@example.com"])

    assert "Accord keeps nothing of that address." in result.output


def test_run_again_it_asks_nothing_and_says_that_nothing_is_left(
    shoppers: Shoppers, terminal: None
) -> None:
    RUN.invoke(app, ["forget", "ada@example.com", "--yes"])
    result = RUN.invoke(app, ["forget", "ada@example.com"])

    assert result.exit_code == 0
    assert "Nothing is left to remove." in result.output
    assert "Goes away" not in result.output
    assert "for good" not in result.output
    assert "party main:party:" in result.output
    assert len(who(shoppers)) == 1


def test_run_again_json_says_that_nothing_was_done(shoppers: Shoppers) -> None:
    RUN.invoke(app, ["forget", "ada@example.com", "--yes"])
    result = RUN.invoke(app, ["forget", "ada@example.com", "--json"])

    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert not told["done"]
    assert told["complete"]
    assert told["removed"] == []


def test_who_did_it_is_kept_and_said_where(shoppers: Shoppers) -> None:
    words = ["forget", "ada@example.com", "--yes", "--by", "otto", "--why", "request 17"]
    result = RUN.invoke(app, words)

    assert who(shoppers) == ["otto"]
    assert shoppers.journal.of(KEY)[0].details["why"] == "request 17"
    assert str(KEY) in result.output


def test_who_did_it_may_come_from_the_environment(shoppers: Shoppers) -> None:
    RUN.invoke(app, ["forget", "ada@example.com", "--yes"], env={"ACCORD_OPERATOR": "olga"})

    assert who(shoppers) == ["olga"]


def test_of_a_deployed_stage_it_is_the_aws_identity(
    shoppers: Shoppers, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = "arn:aws:sts::123456789012:assumed-role/operator/otto"
    sts = SimpleNamespace(get_caller_identity=lambda: {"Arn": arn})
    monkeypatch.setattr(acting, "boto3", SimpleNamespace(client=lambda *_, **__: sts))
    monkeypatch.setattr(acting, "settings", lambda: SimpleNamespace(region="eu-west-1"))
    RUN.invoke(app, ["forget", "ada@example.com", "--yes", "--stage", "prod"])

    assert who(shoppers) == [arn]


def test_a_store_that_cannot_be_asked_is_said_and_the_rest_is_done(
    shoppers: Shoppers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise UnavailableError("it is off", connection="uk")

    monkeypatch.setattr(shoppers.store, "orders_by", away)
    result = RUN.invoke(app, ["forget", "ada@example.com", "--yes"])

    assert result.exit_code == 1
    assert "mends and items of orders in uk" in result.output
    assert "uk could not be asked to the end" in result.output
    assert not is_known(shoppers)


def test_the_way_through_the_orders_is_told_beside_the_json(shoppers: Shoppers) -> None:
    result = RUN.invoke(app, ["forget", "ada@example.com", "--yes", "--json"])

    json.loads(result.stdout)
    assert "uk: page 1 of the orders by email" in result.stderr


@pytest.mark.parametrize("order", ["uk:4711", "uk:order:4711"])
def test_an_order_may_be_named_in_two_ways(shoppers: Shoppers, order: str) -> None:
    words = ["forget", "nobody@example.com", "--order", order, "--json"]
    remains = json.loads(RUN.invoke(app, words).stdout)["remains"]

    assert "uk:order:4711" in [one["where"] for one in remains]


def test_what_is_no_address_is_refused(shoppers: Shoppers) -> None:
    result = RUN.invoke(app, ["forget", "ada"])

    assert result.exit_code == 2
    assert "no e-mail address" in result.output


def test_an_unknown_store_is_refused(shoppers: Shoppers) -> None:
    result = RUN.invoke(app, ["forget", "ada@example.com", "--store", "fr"])

    assert result.exit_code == 1


@pytest.mark.parametrize("order", ["30", "uk:", ":30", "uk:refund:30"])
def test_an_order_without_its_store_or_id_is_refused(shoppers: Shoppers, order: str) -> None:
    result = RUN.invoke(app, ["forget", "ada@example.com", "--order", order])

    assert result.exit_code == 2
