"""Many lives in a row, and what is told of them."""

from accord.local.bench import lives
from accord.local.place import REPO, toml_of
from accord.rules.config import Config

RULES = Config.model_validate(toml_of(REPO / "accord.toml"))


def test_as_many_orders_live_as_were_asked_for() -> None:
    heard: list[int] = []
    lived = lives.run(RULES, 12, seed=3, faults=False, told=heard.append)

    assert (lived.orders, lived.seeds, heard) == (12, [3, 4], [10, 12])


def test_the_same_seed_is_the_same_life() -> None:
    first, second = (lives.run(RULES, 3, seed=8, faults=True) for _ in range(2))

    assert first == second


def test_faults_are_told_by_kind() -> None:
    lived = lives.run(RULES, 3, seed=8, faults=True)

    assert lived.mishaps["killed"] > 0
