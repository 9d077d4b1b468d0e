"""A flash sale keeps the promise, and a seed is always the same sale."""

import datetime as dt

import pytest

from accord.local.bench import flash
from accord.local.place import REPO, toml_of
from accord.rules.config import Config

RULES = Config.model_validate(toml_of(REPO / "accord.toml"))
START = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)


def sale(seed: int, *, buffer: int = 0) -> flash.Result:
    return flash.run(RULES, 120, seed=seed, start=START, buffer=buffer)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_more_is_oversold_than_the_promise_allows(seed: int) -> None:
    assert sale(seed).differences == []


def test_a_buffer_that_covers_oversells_nothing() -> None:
    sold = sale(2, buffer=12)

    assert (sold.oversold, sold.differences) == (0, [])


def test_the_sale_is_one_worth_looking_at() -> None:
    sold = sale(1)

    assert min(sold.orders, sold.turned_away, sold.looks, sold.mishaps["webhook lost"]) > 0


def test_the_same_seed_is_the_same_sale() -> None:
    assert sale(5) == sale(5)
