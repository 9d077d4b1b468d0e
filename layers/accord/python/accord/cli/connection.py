"""Which stack a command speaks to: the one that runs on this machine, or a deployed stage."""

import json
import os
import socket
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import boto3
import httpx
import typer
from botocore.exceptions import BotoCoreError, ClientError

from accord import bootstrap
from accord.errors import BadInputError, UnavailableError
from accord.local.place import REPO, compiled, toml_of
from accord.rules.config import Config
from accord.rules.load import parse
from accord.sync.flows import FLOWS

TABLES = (
    *("links", "steps", "waiting", "attention", "journal"),
    *("control", "config", "levels", "tokens"),
)
EVENTS = tuple(dict.fromkeys(flow.function for flow in FLOWS))
StageOption = Annotated[
    str | None,
    typer.Option(
        "--stage",
        help="A deployed stage, with your AWS credentials; else the stack of `accord local`.",
        envvar="ACCORD_STAGE",
    ),
]


def connect(stage: str | None) -> None:
    """Lets ``accord.bootstrap`` work from here as it does in a function of that stage.

    Raises: BadInputError: nothing runs here, and no stage is named.
    """
    if stage is None:
        local = _local()
        stage, config = local["stage"], local["config"]
        os.environ |= {
            "AWS_ENDPOINT_URL": local["endpoint"],
            "AWS_ACCESS_KEY_ID": "operator",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": "eu-west-1",
        }
    else:
        _credentials()
        config = _deployed(stage)
    os.environ |= {
        "ACCORD_STAGE": stage,
        "ACCORD_CONFIG": config,
        "ACCORD_TABLES": json.dumps({name: f"accord-{stage}-{name}" for name in TABLES}),
    }
    region = os.environ["AWS_REGION"]
    try:
        account = boto3.client("sts", region_name=region).get_caller_identity()["Account"]
        sqs = boto3.client("sqs", region_name=region)
        queues = {
            event: sqs.get_queue_url(QueueName=f"accord-{stage}-{event.replace('_', '-')}.fifo")[
                "QueueUrl"
            ]
            for event in EVENTS
        }
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError(
            f"stage {stage!r} cannot be reached in {region}: {error}; is it deployed there, and "
            "may your profile read it?"
        ) from error
    os.environ["ACCORD_BUCKET"] = f"accord-{stage}-payloads-{account}-{region}"
    os.environ["ACCORD_AUDIT_BUCKET"] = f"accord-{stage}-audit-{account}-{region}"
    os.environ["ACCORD_QUEUES"] = json.dumps(queues)


def local_webhooks() -> str:
    """Where deliveries go to the stack that runs on this machine.

    Raises: BadInputError: none runs. UnavailableError: it has ended.
    """
    webhooks: str = _local()["webhooks"]
    return webhooks


def local_calls(erp: str) -> str:
    """Where a back office calls the stack that runs on this machine. Raises: as above."""
    return f"{public_url(None)}/erps/{erp}/webhook"


def public_url(stage: str | None) -> str:
    """Where the API of the connected stack answers, without a slash at its end.

    Raises: BadInputError: nothing tells; ``--url`` may.
    """
    if stage is None:
        url = urlsplit(local_webhooks())
        return f"{url.scheme}://{url.netloc}"
    front = bootstrap.config().deploy.front
    if front:
        return f"https://{front}"
    try:
        pages = bootstrap.client("apigatewayv2").get_paginator("get_apis").paginate()
        named = f"accord-{stage}-webhooks"
        found = [api for page in pages for api in page["Items"] if api["Name"] == named]
    except (BotoCoreError, ClientError) as error:
        raise BadInputError(
            f"API Gateway does not tell where stage {stage!r} answers ({error}); say it with --url"
        ) from error
    if len(found) != 1:
        raise BadInputError(
            f"there is no API {named} in {os.environ['AWS_REGION']}; say with --url where it is"
        )
    return str(found[0]["ApiEndpoint"]).rstrip("/")


def local_dashboard() -> dict[str, Any]:
    """How it goes in the stack that runs on this machine, as its runner tells it.

    Raises: BadInputError: none runs. UnavailableError: it does not answer.
    """
    url = urlsplit(local_webhooks())
    try:
        answer = httpx.get(
            f"{url.scheme}://{url.netloc}/_local/dashboard", timeout=30, trust_env=False
        )
        found: dict[str, Any] = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise UnavailableError(
            f"the stack of `accord local` does not tell how it goes: {error}"
        ) from error
    return found


def local_file() -> Config:
    """What the file said that the stack on this machine was made of, nothing standing in yet.

    Raises: BadInputError: none runs. UnavailableError: it has ended.
    """
    found = _local()
    text = Path(found.get("file", found["config"])).read_text(encoding="utf-8")
    return parse(json.loads(text))


def _local() -> dict[str, Any]:
    path = REPO / ".accord" / "local.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError(
            "no stack runs on this machine: start `accord local`, or name a deployed --stage"
        ) from error
    url = urlsplit(found["endpoint"])
    try:
        socket.create_connection((url.hostname, url.port or 80), timeout=2).close()
    except OSError as error:
        raise UnavailableError(
            "the stack of `accord local` does not answer any more; start it again"
        ) from error
    return found


def _deployed(stage: str) -> str:
    """accord.toml of this checkout, as it is compiled into the layer when ``stage`` is deployed."""
    path = REPO / ".accord" / f"{stage}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(compiled(toml_of(REPO / "accord.toml", stage=stage)), encoding="utf-8")
    return str(path)


def _credentials() -> None:
    """An operator's profile or single sign-on becomes what our own client reads."""
    session = boto3.Session()
    found = session.get_credentials()
    region = session.region_name
    if found is None or region is None:
        raise BadInputError("AWS credentials and a region are needed for --stage; set a profile")
    frozen = found.get_frozen_credentials()
    os.environ["AWS_REGION"] = region
    os.environ["AWS_ACCESS_KEY_ID"] = frozen.access_key or ""
    os.environ["AWS_SECRET_ACCESS_KEY"] = frozen.secret_key or ""
    if frozen.token:
        os.environ["AWS_SESSION_TOKEN"] = frozen.token


def where(path: Path) -> str:
    """``path`` as it is best said from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
