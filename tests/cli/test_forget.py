"""`accord forget` shows its plan, asks, removes, and prints no more than it must."""

import json

import pytest
from typer.testing import CliRunner

from accord import bootstrap
from accord.cli import customers
from accord.cli.app import app
from tests.sync.shoppers import ADA, Shoppers

RUN = CliRunner()


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


def is_known(shoppers: Shoppers) -> bool:
    return "byron" in str(vars(shoppers.links)).casefold()


def test_the_plan_comes_first_and_a_no_changes_nothing(shoppers: Shoppers) -> None:
    result = RUN.invoke(app, ["forget", "ada@example.com"], input="n\n")

    assert "Goes away" in result.output
    assert "Stays" in result.output
    assert is_known(shoppers)


def test_a_yes_removes_it(shoppers: Shoppers) -> None:
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


def test_an_unknown_store_is_refused(shoppers: Shoppers) -> None:
    result = RUN.invoke(app, ["forget", "ada@example.com", "--store", "fr"])

    assert result.exit_code == 1


def test_an_order_without_its_store_is_refused(shoppers: Shoppers) -> None:
    result = RUN.invoke(app, ["forget", "ada@example.com", "--order", "30"])

    assert result.exit_code == 2
