"""Every environment variable, in one class, read at first use. Standard library only."""

import json
import os
from dataclasses import dataclass
from functools import cache
from typing import Self


@dataclass(frozen=True, slots=True)
class Settings:
    """What a function is told by its environment.

    ``tables``: short name (links, steps, waiting, attention, journal, control, config, levels,
    tokens) → its name.
    ``queues``: event → queue URL; a function is given those that it sends to.
    ``topics``: owner → ARN of the topic that mails them; empty for whoever tells nobody.
    ``audit_bucket`` is where the journal is sealed; empty for whoever does not.
    ``function`` is the Lambda function that this is, empty on an operator's machine.
    ``public_url`` is where our API answers, without a slash at its end; empty for a function that
    tells nobody. ``config`` is the path of the compiled accord.toml (JSON); ``endpoint`` is set
    only on one machine, where the AWS stand-in listens.
    """

    stage: str
    config: str
    tables: dict[str, str]
    queues: dict[str, str]
    topics: dict[str, str]
    bucket: str
    audit_bucket: str
    public_url: str
    region: str
    endpoint: str | None
    function: str = ""

    @classmethod
    def from_environment(cls) -> Self:
        """Raises: RuntimeError: a variable is missing; the message names it."""
        try:
            return cls(
                stage=os.environ["ACCORD_STAGE"],
                config=os.environ["ACCORD_CONFIG"],
                tables=json.loads(os.environ.get("ACCORD_TABLES", "{}")),
                queues=json.loads(os.environ.get("ACCORD_QUEUES", "{}")),
                topics=json.loads(os.environ.get("ACCORD_TOPICS", "{}")),
                bucket=os.environ.get("ACCORD_BUCKET", ""),
                audit_bucket=os.environ.get("ACCORD_AUDIT_BUCKET", ""),
                public_url=os.environ.get("ACCORD_PUBLIC_URL", ""),
                region=os.environ["AWS_REGION"],
                endpoint=os.environ.get("AWS_ENDPOINT_URL"),
                function=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            )
        except KeyError as error:
            raise RuntimeError(f"the environment lacks {error.args[0]}") from error


@cache
def settings() -> Settings:
    """The process's settings."""
    return Settings.from_environment()
