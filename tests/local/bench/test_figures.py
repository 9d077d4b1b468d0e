"""Each figure is measured, and prices follow what was counted. Never how fast this machine is."""

import datetime as dt
import tomllib
from decimal import Decimal

import pytest

from accord.errors import BadInputError, UnavailableError
from accord.local.bench import mapping, outage, prices, receiver, startup
from accord.local.bench.cost import Calls, Cost
from accord.local.bench.figures import DELIVERY, Figure, of_cost
from accord.local.place import REPO
from accord.local.recorded import Recorded, read
from accord.rules.config import Config

AT = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def config() -> Config:
    text = (REPO / "accord.toml").read_text(encoding="utf-8")
    return Config.model_validate(tomllib.loads(text, parse_float=Decimal))


@pytest.mark.slow
def test_the_receiver_starts_faster_than_a_worker() -> None:
    ratios = startup.ratios(["receive_store_webhook", "order_created"], runs=1)

    assert 1 < ratios["receive_store_webhook"] < ratios["order_created"]


def test_every_function_is_measured() -> None:
    folders = {path.name for path in (REPO / "functions").iterdir() if path.is_dir()}

    assert set(startup.functions()) == folders - {"__pycache__"}


def test_a_handler_that_cannot_be_imported_is_named() -> None:
    with pytest.raises(BadInputError, match="functions/no_such"):
        startup.ratios(["no_such"], runs=1)


def test_a_delivery_is_measured_in_the_receiver() -> None:
    assert receiver.microseconds(read(DELIVERY), runs=5) > 0


def test_a_forged_delivery_has_no_figure() -> None:
    forged: Recorded = read(DELIVERY).forged()

    with pytest.raises(UnavailableError, match="answered 401"):
        receiver.microseconds(forged, runs=5)


def test_mapping_is_measured(config: Config) -> None:
    assert mapping.orders_per_second(config, seed=1, at=AT, orders=5, rounds=1) > 0


def test_an_outage_costs_no_order_and_opens_one_item(config: Config) -> None:
    result = outage.run(config, seed=1, start=AT, orders=30)

    assert result.passed, result


@pytest.mark.slow
def test_a_night_without_a_back_office_needs_nobody(config: Config) -> None:
    result = outage.run(config, seed=2, start=AT, orders=500)

    print(f"calls made in vain in 12 hours: {result.calls}")
    assert (result.posted, result.dead_letters, result.waiting) == (500, 0, 0)
    assert (result.items, result.open) == (1, 0)
    assert result.oldest_first
    assert result.calls < 800  # about one a minute; each order by itself would be thousands


def test_a_transaction_counts_twice() -> None:
    actions = {("dynamodb:PutItem", "links"): 2}

    alone = prices.request_units({"dynamodb:PutItem": 2}, actions, {})
    together = prices.request_units({"dynamodb:TransactWriteItems": 1}, actions, {})

    assert (alone, together) == ((2, 0), (4, 0))


def test_a_batch_counts_once_per_item() -> None:
    actions = {("dynamodb:BatchWriteItem", "journal"): 4}

    assert prices.request_units({"dynamodb:BatchWriteItem": 1}, actions, {}) == (4, 0)


def test_a_large_item_counts_by_its_size() -> None:
    actions = {("dynamodb:PutItem", "links"): 1, ("dynamodb:GetItem", "links"): 1}
    operations = {"dynamodb:PutItem": 1, "dynamodb:GetItem": 1}

    assert prices.request_units(operations, actions, {"links": 4.5}) == (5, 2)


def test_an_items_size_is_its_names_and_values() -> None:
    item = {"pk": {"S": "abc"}, "n": {"N": "12"}, "m": {"M": {"a": {"S": "é"}}}}

    assert prices.item_size(item) == (2 + 3) + (1 + 3) + (1 + 3 + (1 + 2) + 1)


def test_a_million_orders_cost_what_each_uses() -> None:
    usage = prices.Usage({"HTTP API requests": Decimal(2), "SQS FIFO requests": Decimal(6)})

    assert usage.total == Decimal(5)


@pytest.mark.parametrize(
    ("value", "limit", "met"),
    [(12, "≤", True), (12.1, "≤", False), (11, "≥", False), (99, None, True)],
)
def test_a_figure_knows_whether_its_target_is_met(value: float, limit: str, met: bool) -> None:
    assert Figure("start-up", value, limit=limit, target=12).met is met  # type: ignore[arg-type]


def test_one_store_read_is_one_too_many() -> None:
    calls = Calls(store_reads=1, store_writes=1, erp={"create": 1})
    cost = Cost(new=calls, known=calls, aws={}, usage=prices.Usage({}))

    missed = [figure.name for figure in of_cost(cost, "tryton") if not figure.met]

    assert missed == ["store reads per order"]
