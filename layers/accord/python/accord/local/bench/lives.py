"""Many whole lives of orders and customers, in virtual time, and whether both sides agree."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from accord.local.life import Life
from accord.rules.config import Config

_TOGETHER = 10  # orders that share a store, its customers and its mishaps


@dataclass(slots=True)
class Result:
    """What was done to ``orders`` orders, what came of it, and what differs, by seed."""

    orders: int = 0
    seeds: list[int] = field(default_factory=list)
    acts: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    mishaps: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)  # open in the end, by reason
    differences: list[str] = field(default_factory=list)  # "seed 7: order 1001: …"


def run(
    config: Config,
    orders: int,
    *,
    seed: int,
    faults: bool,
    told: Callable[[int], object] = lambda _: None,
) -> Result:
    """``orders`` lives, ten to a seed, from ``seed`` on; ``told`` hears how many are over.

    ``faults``: webhooks are lost, doubled and late, workers die and run into each other, and
    neither side always answers.
    """
    result = Result()
    while result.orders < orders:
        life = Life.drawn(seed, config, rough=faults)
        report = life.play(min(_TOGETHER, orders - result.orders))
        result.orders += report.orders
        result.seeds.append(seed)
        result.acts.update(report.acts)
        result.ends.update(report.ends)
        result.mishaps.update(report.mishaps)
        result.items.update(report.items)
        result.differences += [f"seed {seed}: {text}" for text in report.differences]
        told(result.orders)
        seed += 1
    return result
