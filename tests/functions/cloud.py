"""An AWS stand-in in a process of its own, and rooms in it that share nothing."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3

from accord.local.runner.resources import ACCOUNT, REGION
from accord.state.control import DynamoControl
from accord.state.dynamo import config as patience
from accord.sync.turn import EPOCH, TRUSTED
from infra.events import EVENTS, HINTED

TABLES = (
    *("links", "steps", "waiting", "attention", "journal"),
    *("control", "config", "levels", "tokens"),
)
_PACKAGE = Path(__file__).parents[2] / "layers" / "accord" / "python"


@dataclass(frozen=True, slots=True)
class Room:
    """Tables, queues, a bucket and secrets of a stage of its own, and who is told of them how."""

    cloud: "Cloud"
    environment: dict[str, str]
    tables: dict[str, str]
    queues: dict[str, str]
    bucket: str

    def of(self, kind: type[Any], table: str) -> Any:
        """``DynamoLinks`` and the like over the room's table."""
        return kind(self.cloud.client("dynamodb"), self.tables[table])

    def trust(self) -> None:
        """Nothing is older than these tables, so nothing has to be looked for."""
        self.of(DynamoControl, "control").put(EPOCH, TRUSTED, version=None)

    def messages(self, event: str) -> list[dict[str, Any]]:
        """What is visible in the queue of ``event``; it is hidden from now on."""
        found = self.cloud.client("sqs").receive_message(
            QueueUrl=self.queues[event], MaxNumberOfMessages=10, AttributeNames=["All"]
        )
        messages: list[dict[str, Any]] = found.get("Messages", [])
        return messages

    def keep_secret(self, name: str, content: Mapping[str, Any]) -> None:
        """The secret that accord.toml calls ``name``, made or given its next version."""
        client, text = self.cloud.client("secretsmanager"), json.dumps(content)
        full = f"accord/{self.environment['ACCORD_STAGE']}/{name}"
        try:
            client.create_secret(Name=full, SecretString=text)
        except client.exceptions.ResourceExistsException:
            client.put_secret_value(SecretId=full, SecretString=text)


class Cloud:
    """A context manager: inside it AWS answers at ``endpoint``."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}
        self._numbers = itertools.count(1)
        self.endpoint = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "accord.local.runner.moto_server"],
            env={
                "PATH": os.environ.get("PATH", ""),
                "PYTHONPATH": str(_PACKAGE),
                **credentials(),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        port = json.loads(self._process.stdout.readline())["port"]
        self.endpoint = f"http://127.0.0.1:{port}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client in self._clients.values():
            client.close()
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def client(self, service: str) -> Any:
        """A boto3 client of the stand-in."""
        if service not in self._clients:
            session = boto3.session.Session(
                aws_access_key_id="tests", aws_secret_access_key="tests", region_name=REGION
            )
            self._clients[service] = session.client(
                service, endpoint_url=self.endpoint, config=patience()
            )
        return self._clients[service]

    def room(self, config: Path) -> Room:
        """A new stage, whose functions are told ``config`` is accord.toml."""
        stage = f"t{next(self._numbers)}"
        tables = {name: f"accord-{stage}-{name}" for name in TABLES}
        for name in tables.values():
            self.client("dynamodb").create_table(
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
        queues = {
            event: self._queue(f"accord-{stage}-{event}.fifo") for event in (*EVENTS, *HINTED)
        }
        bucket = f"accord-{stage}-payloads"
        self.client("s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        audit = f"accord-{stage}-audit"
        self.client("s3").create_bucket(
            Bucket=audit,
            CreateBucketConfiguration={"LocationConstraint": REGION},
            ObjectLockEnabledForBucket=True,
        )
        environment = {
            "ACCORD_STAGE": stage,
            "ACCORD_CONFIG": str(config),
            "ACCORD_TABLES": json.dumps(tables),
            "ACCORD_QUEUES": json.dumps(queues),
            "ACCORD_BUCKET": bucket,
            "ACCORD_AUDIT_BUCKET": audit,
            "ACCORD_PUBLIC_URL": "https://hooks.example",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "POWERTOOLS_SERVICE_NAME": "tests",
            "POWERTOOLS_TRACE_DISABLED": "true",
            **credentials(),
        }
        return Room(self, environment, tables, queues, bucket)

    def _queue(self, name: str) -> str:
        url: str = self.client("sqs").create_queue(
            QueueName=name, Attributes={"FifoQueue": "true", "VisibilityTimeout": "120"}
        )["QueueUrl"]
        return url


def credentials() -> dict[str, str]:
    """What Lambda gives a function, here of nobody."""
    return {
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def record(message: Mapping[str, Any], queue_url: str) -> dict[str, Any]:
    """A received message as Lambda hands it to a function."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message["Attributes"]),
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue_url.rpartition('/')[2]}",
        "awsRegion": REGION,
    }
