"""Many SKUs take as many calls as there are batches, and nothing when nothing changes."""

import datetime as dt

import pytest

from accord.local.bench import scale
from accord.local.bench.skus import Shop
from accord.local.place import REPO, toml_of
from accord.rules.config import Config

RULES = Config.model_validate(toml_of(REPO / "accord.toml"))
START = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def shop() -> Shop:
    played = Shop(RULES, 250, 1, START)
    played.play()
    return played


def test_the_store_shows_what_it_should_after_each_change(shop: Shop) -> None:
    assert shop.differences == []


def test_every_count_is_within_its_target(shop: Shop) -> None:
    assert [each for each in shop.figures() if each.counted and not each.met] == []


def test_changed_stock_is_one_write_for_a_hundred(shop: Shop) -> None:
    stock = shop.phases["stock of all"]
    assert (stock.store_writes, stock.store_reads) == (3, 0)


def test_variations_are_one_write_for_each_parent(shop: Shop) -> None:
    assert shop.phases["variations"].store_writes == shop.parents == 2


def test_where_nothing_changed_nothing_is_written(shop: Shop) -> None:
    assert shop.phases["looking through all"].calls["store.write_products"] == 0


def test_no_order_waits_for_a_price_import(shop: Shop) -> None:
    assert [posted for posted in shop.posted["prices of all"] if posted != (0.0, 0)] == []


def test_a_poor_store_gets_all_in_smaller_batches() -> None:
    poor = scale.host(RULES, "poor", scale.POOR, 60, start=START)

    assert (poor.wrong, poor.asked, poor.size < 20) == (0, 0, True)


def test_working_memory_does_not_grow_with_the_skus() -> None:
    few, many = (scale.working(RULES, count, start=START) for count in (200, 400))

    assert many < 1.5 * few
