"""Every port in memory and in DynamoDB, side by side."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator

import boto3
import pytest
from moto import mock_aws

from accord.local import moto_fixes
from accord.model.change import Change, Ref
from accord.ports.state import Parked
from accord.state import dynamo

NOW = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
_numbers = itertools.count()


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    undo = moto_fixes.apply()
    with mock_aws():
        yield
    undo()


@pytest.fixture(scope="module")
def dynamodb(aws):
    return boto3.client("dynamodb", region_name="eu-west-1", config=dynamo.config())


@pytest.fixture
def table(dynamodb) -> Callable[[], str]:
    """A new, empty table's name."""

    def make() -> str:
        name = f"table-{next(_numbers)}"
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        )
        return name

    return make


@pytest.fixture(params=["memory", "dynamodb"])
def either(request) -> Callable:
    """``either(MemoryLinks, DynamoLinks)`` makes the one whose turn it is."""

    def make(in_memory, in_dynamodb):
        if request.param == "memory":
            return in_memory()
        client = request.getfixturevalue("dynamodb")
        return in_dynamodb(client, request.getfixturevalue("table")())

    return make


@pytest.fixture
def later() -> Callable[..., dt.datetime]:
    """``later(seconds=5)``: a moment that long after all of these tests begin."""

    def at(**delta: float) -> dt.datetime:
        return NOW + dt.timedelta(**delta)

    return at


@pytest.fixture
def parked() -> Callable[..., Parked]:
    """A parked order."""

    def make(
        id_: str = "30",
        *,
        cause: str = "unauthorized",
        placed: float = 0,
        parked_at: dt.datetime = NOW,
        document: dict | None = None,
    ) -> Parked:
        return Parked(
            change=Change(
                ref=Ref("uk", "order", id_),
                event="order_created",
                seen_at=NOW,
                correlation_id="c1",
                modified_at=NOW,
                digest="d",
                document=document,
            ),
            connection="main",
            cause=cause,
            message="main does not accept our credentials; connect it again",
            placed_at=NOW + dt.timedelta(seconds=placed),
            parked_at=parked_at,
        )

    return make
