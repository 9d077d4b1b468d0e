"""Versions of mappings and rules in DynamoDB.

One item per version: ``pk`` ``rules``, ``sk`` the version in ten digits, ``version`` (number),
``content`` (JSON), ``at``, ``by``, ``why``. None is ever changed or removed.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from accord.errors import StaleVersionError
from accord.ports.state import RulesStore, RulesVersion
from accord.state.dynamo import ConditionError, Put, Table, moment, stamp, to_json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoRulesStore(RulesStore):
    """The table ``config``."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._table = Table(client, table)

    def latest(self) -> tuple[int, Mapping[str, Any]] | None:
        """See ``RulesStore.latest``."""
        for item in self._table.query("rules", newest=True):
            return item["version"], json.loads(item["content"])
        return None

    def push(
        self, content: Mapping[str, Any], *, version: int, now: dt.datetime, by: str, why: str
    ) -> None:
        """See ``RulesStore.push``."""
        item: dict[str, str | int] = {
            "pk": "rules",
            "sk": f"{version:010}",
            "version": version,
            "content": to_json(content),
            "at": stamp(now),
            "by": by,
            "why": why,
        }
        try:
            self._table.write(Put(item, "attribute_not_exists(pk)"))
        except ConditionError as error:
            raise StaleVersionError(
                f"version {version} of the rules exists already; read it and push the next"
            ) from error

    def versions(self) -> Sequence[RulesVersion]:
        """See ``RulesStore.versions``."""
        return [
            RulesVersion(
                number=item["version"],
                content=json.loads(item["content"]),
                at=moment(item["at"]),
                by=item["by"],
                why=item["why"],
            )
            for item in self._table.query("rules")
        ]
