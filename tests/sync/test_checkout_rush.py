"""Two hundred checkouts at once for the last fifty pieces: fifty are kept, and no more."""

import datetime as dt
import zoneinfo
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from accord.model.stock import Snapshot
from accord.state.memory_levels import MemoryLevels
from accord.sync.availability import Availability, Basket, Line
from tests.sync.conftest import START, config

PIECES, SHOPPERS = 50, 200


def rush(levels: MemoryLevels) -> list[bool]:
    store = config(
        stock={"locations": ["MAIN"]}, availability={"enabled": True, "hold_minutes": 15}
    ).stores["uk"]
    checkout = Availability(
        name="uk",
        rules=store,
        zone=zoneinfo.ZoneInfo("Europe/London"),
        levels=levels,
        recipes=levels.recipes,
        clock=lambda: START + dt.timedelta(minutes=1),
    )
    levels.observe("main", [Snapshot("MUG", {"MAIN": Decimal(PIECES)}, START)])

    def shopper(n: int) -> bool:
        answer = checkout.ask(Basket(f"basket-{n}", (Line("MUG", 1),), hold=True))
        return answer.available and answer.hold is not None

    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(shopper, range(SHOPPERS)))


def test_as_many_checkouts_go_through_as_there_are_pieces() -> None:
    assert sum(rush(MemoryLevels())) == PIECES


def test_all_that_was_there_is_kept_for_somebody() -> None:
    levels = MemoryLevels()
    rush(levels)

    assert levels.holdings("main", ["MUG"])["MUG"].taken == PIECES
