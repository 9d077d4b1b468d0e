"""Which stores an item of the attention list is about: what the list, the alarms and the dashboard
agree on."""

import datetime as dt

import pytest

from accord.model.change import Change, Ref
from accord.ports.state import Cause, Item, Parked
from accord.rules.config import Config
from accord.sync.concerns import cause_of, stores_of, systems_of, waiter
from tests.sync.conftest import config

NOW = dt.datetime(2026, 7, 22, 12, tzinfo=dt.UTC)


def two_stores() -> Config:
    """uk and de, both at main."""
    data = config().model_dump(by_alias=True)
    data["stores"]["de"] = {**data["stores"]["uk"], "key": "de", "url": "https://de.example"}
    return Config.model_validate(data)


def item(subject: str, aggregate: str = "") -> Item:
    return Item("i", subject, "outage", "ops", "…", NOW, NOW, aggregate=aggregate)


@pytest.mark.parametrize(
    ("subject", "aggregate", "stores"),
    [
        ("uk:order:1", "", {"uk"}),
        ("uk:refund:7", "uk:order:1", {"uk"}),
        ("main:item:MUG", "", {"uk", "de"}),
        ("main:shipment:3", "uk:order:1", {"uk"}),  # one of its records, and of one order
        ("webhooks:de", "", {"de"}),
        ("page:uk", "", {"uk"}),
        ("consent:main", "", {"uk", "de"}),
        ("waiting:uk:outage", "", {"uk"}),
        ("waiting:main:item:MUG", "", {"uk", "de"}),
        ("message:1f2e", "", set()),
        ("gone:order:1", "", set()),
    ],
)
def test_it_is_about_those_stores(subject: str, aggregate: str, stores: set[str]) -> None:
    assert stores_of(item(subject, aggregate), two_stores()) == stores


@pytest.mark.parametrize(
    ("subject", "waits", "stores"),
    [
        ("waiting:former:outage", {"de"}, {"de"}),
        ("waiting:uk:outage", {"de", "gone"}, {"uk", "de"}),
        ("waiting:main:outage", {"uk"}, {"uk", "de"}),  # the other's orders come next
    ],
)
def test_it_is_also_about_those_whose_changes_wait(
    subject: str, waits: set[str], stores: set[str]
) -> None:
    assert stores_of(item(subject), two_stores(), waits) == stores


def test_what_it_names_is_known() -> None:
    assert systems_of(item("main:shipment:3", "uk:order:1")) == {"main", "uk"}
    assert systems_of(item("consent:main")) == {"main"}


@pytest.mark.parametrize(
    ("subject", "cause"),
    [
        ("waiting:main:tax:GB-VAT 5%-1", Cause("main", "tax:GB-VAT 5%-1")),
        ("waiting:uk:outage", Cause("uk", "outage")),
        ("uk:order:1", None),
        ("consent:main", None),
    ],
)
def test_the_cause_that_many_wait_for_is_read_whole(subject: str, cause: Cause | None) -> None:
    assert cause_of(item(subject)) == cause


def test_a_part_of_an_order_waits_for_the_orders_store() -> None:
    change = Change(
        Ref("main", "shipment", "3"), "order_fulfilled", NOW, "c", aggregate=Ref("uk", "order", "1")
    )

    assert waiter(Parked(change, "uk", "outage", "…", NOW, NOW)) == "uk"
