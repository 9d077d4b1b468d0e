"""Generated traffic repeats exactly, tells of every order, and is compared to the cent."""

import datetime as dt
import json
from collections import Counter
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from accord.errors import UnavailableError
from accord.local.bench import traffic

AT = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)


def order_of(delivery: traffic.Delivery) -> str:
    document = json.loads(delivery.body)
    return f"{delivery.headers['X-WC-Webhook-Topic']} {document['id']}"


def make(**other: Any) -> traffic.Traffic:
    return traffic.generate(40, **{"seed": 1, "at": AT, "faults": True, **other})


@pytest.fixture
def order() -> dict[str, Any]:
    return make().orders[0]


@pytest.fixture
def sale(order: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": "S1",
        "state": "confirmed",
        "gross": order["total"],
        "tax": order["total_tax"],
    }


def test_the_same_seed_makes_the_same_traffic() -> None:
    assert make() == make()


def test_another_seed_makes_other_orders() -> None:
    assert make().orders != make(seed=2).orders


def test_with_faults_every_delivery_comes_twice() -> None:
    told = Counter(order_of(each) for each in make().deliveries)

    assert len(told) == 80
    assert set(told.values()) == {2}


def test_with_faults_some_deliveries_are_late() -> None:
    told = [int(order_of(each).rpartition(" ")[2]) for each in make().deliveries]

    assert told != sorted(told)


def test_without_faults_each_delivery_comes_once_in_order() -> None:
    told = [int(order_of(each).rpartition(" ")[2]) for each in make(faults=False).deliveries]

    assert told == [number for number in range(1001, 1041) for _ in range(2)]


def test_the_store_holds_the_later_state() -> None:
    orders = {order["id"]: order["date_modified_gmt"] for order in make().orders}
    told: dict[int, set[str]] = {}
    for each in make().deliveries:
        document = json.loads(each.body)
        told.setdefault(document["id"], set()).add(document["date_modified_gmt"])

    assert {id_: max(moments) for id_, moments in told.items()} == orders


def test_equal_sides_differ_in_nothing(order: dict[str, Any], sale: dict[str, Any]) -> None:
    assert list(traffic.differ(order, [sale], {str(order["id"]): ["a note"]})) == []


@pytest.mark.parametrize(
    ("documents", "notes", "says"),
    [
        ([], ["a note"], "stands 0 times"),
        ([{}, {}], ["a note"], "stands 2 times"),
        ([{"gross": "0.01"}], ["a note"], "gross"),
        ([{"tax": ""}], ["a note"], "tax"),
        ([{"state": "draft"}], ["a note"], "is draft"),
        ([{}], [], "0 notes"),
        ([{}], ["a note", "a note"], "2 notes"),
    ],
)
def test_each_difference_is_told(
    order: dict[str, Any],
    sale: dict[str, Any],
    documents: list[dict[str, Any]],
    notes: list[str],
    says: str,
) -> None:
    found = [{**sale, **other} for other in documents]

    told = list(traffic.differ(order, found, {str(order["id"]): notes}))

    assert len(told) == 1
    assert says in told[0]


def test_a_cent_of_tax_on_the_rounding_line_is_no_difference(
    order: dict[str, Any], sale: dict[str, Any]
) -> None:
    sale["tax"] = str(Decimal(sale["tax"]) - Decimal("0.01"))
    notes = {str(order["id"]): ["a note"]}

    assert list(traffic.differ(order, [sale], notes, bound=Decimal("0.05"))) == []
    assert len(list(traffic.differ(order, [sale], notes))) == 1


def test_a_receiver_that_does_not_answer_ends_the_run() -> None:
    stack = SimpleNamespace(queues=dict, metrics=dict)
    place: Any = SimpleNamespace(stack=stack, webhook_url="http://127.0.0.1:9/webhooks")

    with pytest.raises(UnavailableError, match="does not answer"):
        traffic.post(place, make().deliveries[:3], lambda *_: None)
