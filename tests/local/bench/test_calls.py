"""What an order asks of each kind of back office is counted, and is no more than was promised."""

from pathlib import Path

import pytest

from accord.cli.bench_calls import COLUMNS, rows
from accord.local.bench import calls, figures
from accord.local.offices.opening import NAMES
from tests.sync.conftest import START

README = Path(__file__).parents[3] / "README.md"
TARGETS = {"odoo": 3, "tryton": 4, "xero": 2}


@pytest.fixture(
    params=[pytest.param(erp, marks=[pytest.mark.tryton] * (erp == "tryton")) for erp in NAMES],
    scope="module",
)
def measured(request: pytest.FixtureRequest) -> calls.Calls:
    return calls.measure(request.param, at=START)


def test_an_order_of_a_known_customer_takes_no_more_than_promised(measured: calls.Calls) -> None:
    spent = measured.total(calls.KNOWN)

    assert 1 < spent <= TARGETS.get(measured.erp, spent)
    assert [figure.met for figure in figures.of_calls([measured])] == [True]


def test_who_is_new_or_pays_costs_more(measured: calls.Calls) -> None:
    known, paid, new, refund = (measured.total(case) for case in calls.CASES)

    assert known < paid < new
    assert refund > 1


def test_readme_holds_the_table(measured: calls.Calls) -> None:
    text = README.read_text(encoding="utf-8")
    (row,) = rows([measured])

    assert f"| {' | '.join(COLUMNS)} |" in text
    assert f"| {' | '.join(row)} |" in text
