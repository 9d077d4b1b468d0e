"""A world to play orders in: real flows, virtual time."""

import datetime as dt
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from accord.erp.memory.adapter import Memory
from accord.local.world import World
from accord.rules.config import Config

START = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
TOML = Path(__file__).parents[2] / "accord.toml"


def config(**store: dict[str, Any]) -> Config:
    """accord.toml, with tables of its store changed."""
    data = tomllib.loads(TOML.read_text(encoding="utf-8"), parse_float=Decimal)
    uk = data["stores"]["uk"]
    for table, values in store.items():
        uk[table] = {**uk.get(table, {}), **values}
    return Config.model_validate(data)


def paying() -> Config:
    """As accord.toml, but money by bank transfer is recorded."""
    uk = tomllib.loads(TOML.read_text(encoding="utf-8"))["stores"]["uk"]["mappings"]
    payments = {**uk["payments"], "bacs": {"record": True, "account": "Bank"}}
    return config(mappings={"payments": payments})


@pytest.fixture
def make_world() -> Callable[..., World]:
    def make(config_: Config | None = None, **more: Any) -> World:
        world = World(config_ or config(), START, **more)
        Memory(world.books.call).ping()
        return world

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
