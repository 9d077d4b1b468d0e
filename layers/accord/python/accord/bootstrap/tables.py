"""What lies in AWS: tables, buckets and queues, and the clock that is handed inward."""

import datetime as dt
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

from accord.edge import aws_client
from accord.ports.state import Item
from accord.queues import SqsQueues
from accord.settings import settings
from accord.state.attention import DynamoAttention
from accord.state.control import DynamoControl
from accord.state.documents import S3Documents
from accord.state.dynamo import config as patience
from accord.state.journal import DynamoJournal
from accord.state.levels import DynamoLevels
from accord.state.links import DynamoLinks
from accord.state.nonces import DynamoNonces
from accord.state.payloads import S3Payloads
from accord.state.reports import S3Reports
from accord.state.rules_store import DynamoRulesStore
from accord.state.seals import S3Seals
from accord.state.steps import DynamoSteps
from accord.state.waiting import DynamoWaiting

if TYPE_CHECKING:
    from accord.state.tokens import DynamoConsents, DynamoTokens


def now() -> dt.datetime:
    """The clock that is handed inward."""
    return dt.datetime.now(dt.UTC)


@cache
def client(service: str) -> Any:
    """A boto3 client with time-outs; an AWS call that hangs must not eat a worker's minute."""
    return boto3.client(service, region_name=settings().region, config=patience())


def _nobody(_: Item) -> None:
    """Is told."""


heard: Callable[[Item], None] = _nobody
"""Who is told of each attention item that opens; those that know more than tables say who."""


def table(name: str) -> tuple[Any, str]:
    """A client and what the table is called here: what each of its classes is made of."""
    return client("dynamodb"), settings().tables[name]


@cache
def links() -> DynamoLinks:
    return DynamoLinks(*table("links"))


@cache
def steps() -> DynamoSteps:
    return DynamoSteps(*table("steps"))


@cache
def waiting() -> DynamoWaiting:
    return DynamoWaiting(*table("waiting"))


@cache
def attention() -> DynamoAttention:
    return DynamoAttention(*table("attention"), heard=heard)


@cache
def journal() -> DynamoJournal:
    return DynamoJournal(*table("journal"))


@cache
def control() -> DynamoControl:
    return DynamoControl(*table("control"))


def levels() -> DynamoLevels:
    """For one run: it remembers what was touched when that run looked."""
    return DynamoLevels(*table("levels"))


@cache
def rules_store() -> DynamoRulesStore:
    return DynamoRulesStore(*table("config"))


@cache
def payloads() -> S3Payloads:
    return S3Payloads(client("s3"), settings().bucket)


@cache
def reports() -> S3Reports:
    return S3Reports(client("s3"), settings().bucket)


@cache
def documents() -> S3Documents:
    return S3Documents(client("s3"), settings().bucket, *table("control"))


@cache
def queues() -> SqsQueues:
    return SqsQueues(aws_client(), settings().queues)


@cache
def seals() -> S3Seals:
    return S3Seals(client("s3"), settings().audit_bucket)


@cache
def nonces() -> DynamoNonces:
    return DynamoNonces(*table("control"))


@cache
def tokens() -> "DynamoTokens":
    from accord.state.tokens import DynamoTokens  # for those alone whose back office has them

    return DynamoTokens(*table("tokens"))


@cache
def consents() -> "DynamoConsents":
    from accord.state.tokens import DynamoConsents

    return DynamoConsents(*table("tokens"))
