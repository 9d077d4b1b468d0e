"""Many orders, every delivery doubled, some late, the back office failing: one document each."""

import datetime as dt
from pathlib import Path

import pytest

from accord.local.bench import cost, traffic
from accord.local.bench.figures import of_cost
from accord.local.place import REPO, BackOffice, toml_of

pytestmark = pytest.mark.slow

# Faster than `accord bench`: so few orders never queue for long.
PACES = {
    "memory": traffic.Pace(speed=20, erp_timeout_s=0.4, concurrency=2),
    "tryton": traffic.Pace(speed=12, erp_timeout_s=2, concurrency=2),
    "xero": traffic.Pace(speed=20, erp_timeout_s=0.4, concurrency=2),
}
EARLY = 12  # with this seed a fault of every kind is among the first 14 calls


@pytest.mark.parametrize(
    ("erp", "orders"),
    [("memory", 20), ("xero", 8), pytest.param("tryton", 6, marks=pytest.mark.tryton)],
)
def test_with_faults_each_order_is_posted_once_to_the_cent(
    erp: BackOffice, orders: int, tmp_path: Path
) -> None:
    plan = traffic.generate(orders, seed=1, at=dt.datetime.now(dt.UTC), faults=True)
    place = traffic.stand_ins(toml_of(REPO / "accord.toml"), tmp_path, erp, pace=PACES[erp])

    with place:
        result = traffic.run(place, plan, seed=EARLY, faults=True, told=lambda *_: None)

    assert result.differences == []
    assert (result.documents, result.notes) == (orders, orders)
    assert (result.attention, result.waiting, result.dead_letters) == (0, 0, 0)
    assert result.deliveries == 4 * orders
    assert result.faults.keys() == set(traffic.FAULTS)


@pytest.mark.tryton
def test_an_order_costs_no_store_read_and_four_calls_of_tryton(tmp_path: Path) -> None:
    patient = traffic.Pace(speed=12, erp_timeout_s=8, concurrency=2)  # nothing is asked twice
    place = traffic.stand_ins(toml_of(REPO / "accord.toml"), tmp_path, "tryton", pace=patient)

    with place:
        spent = cost.measure(place, seed=1, at=dt.datetime.now(dt.UTC), orders=2)

    assert [figure.name for figure in of_cost(spent, "tryton") if not figure.met] == []
    assert spent.known.erp_total == 4
    assert spent.aws["sqs:SendMessage"] == 2
    assert spent.usage.total > 0
