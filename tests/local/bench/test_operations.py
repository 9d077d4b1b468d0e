"""What each operation asks of both sides stays within its target."""

import datetime as dt

import pytest

from accord.local.bench import figures, operations
from accord.local.place import REPO, toml_of
from accord.rules.config import Config

START = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def measured() -> dict[str, operations.Calls]:
    return operations.measure(Config.model_validate(toml_of(REPO / "accord.toml")), at=START)


def test_every_operation_is_within_its_target(measured: dict[str, operations.Calls]) -> None:
    missed = [each for each in figures.of_operations(measured) if not each.met]

    assert missed == []


def test_an_order_that_is_placed_costs_the_store_no_read(
    measured: dict[str, operations.Calls],
) -> None:
    assert measured["place, paid"].store_reads == 0


def test_a_payment_costs_the_store_no_read(measured: dict[str, operations.Calls]) -> None:
    assert measured["pay"].store_reads == 0
