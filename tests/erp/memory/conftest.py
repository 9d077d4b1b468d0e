"""A ledger as it is by default, and its clock."""

import pytest

from accord.erp.memory.adapter import Memory
from accord.erp.memory.ledger import Ledger
from tests.erp.memory.made import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Memory.ledger(clock=clock)


@pytest.fixture
def erp(ledger: Ledger) -> Memory:
    return Memory(ledger.call)
