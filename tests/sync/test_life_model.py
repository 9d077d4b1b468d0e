"""Random lives of orders and customers: in the end both sides agree, or a person was told.

Long runs of the same: `accord bench --life 1000 --faults`. A seed that fails here is played again
with `Life.drawn`, and `Life.story` tells what was done to the order and what came of it.
"""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from accord.local.life import Life
from accord.local.life.people import CUSTOMER_ACTS, ERP_ACTS, STORE_ACTS
from accord.rules.config import Config
from tests.sync.conftest import config

RULES: Config = config()
ORDERS, CUSTOMERS = 3, 2


@pytest.mark.parametrize("seed", range(1, 21))
def test_whole_lives_end_alike_on_both_sides(seed: int) -> None:
    life = Life.drawn(seed, RULES, rough=seed % 2 == 0)
    report = life.play(10, acts=5)

    assert report.differences == []


def test_a_seed_is_one_life() -> None:
    first, second = (Life.drawn(4, RULES, rough=True).play(3) for _ in range(2))

    assert first == second


class Lives(RuleBasedStateMachine):
    """The acts in any order that hypothesis can think of, with everything going wrong between."""

    @initialize(seed=st.integers(0, 10_000), rough=st.booleans())
    def begin(self, seed: int, *, rough: bool) -> None:
        self.life = Life.drawn(seed, RULES, rough=rough)
        people = self.life.people
        self.customers = [people.register() for _ in range(CUSTOMERS)]
        self.orders = [people.place() for _ in range(ORDERS)]

    @rule(act=st.sampled_from(sorted(STORE_ACTS)), which=st.integers(0, ORDERS - 1))
    def in_the_store(self, act: str, which: int) -> None:
        self.life.do(act, self.orders[which])

    @rule(act=st.sampled_from(sorted(ERP_ACTS)), which=st.integers(0, ORDERS - 1))
    def in_the_back_office(self, act: str, which: int) -> None:
        self.life.do(act, self.orders[which])

    @rule(act=st.sampled_from(sorted(CUSTOMER_ACTS)), which=st.integers(0, CUSTOMERS - 1))
    def to_a_customer(self, act: str, which: int) -> None:
        self.life.do(act, self.customers[which])

    def teardown(self) -> None:
        if hasattr(self, "life"):
            assert self.life.end() == []


Lives.TestCase.settings = settings(
    max_examples=10,
    stateful_step_count=20,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLives = Lives.TestCase
