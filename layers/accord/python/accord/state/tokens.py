"""OAuth tokens in DynamoDB, and what is remembered of a consent that is asked for.

The table ``tokens``: a connection's set is ``pk`` ``erp:{name}``, ``sk`` ``set``. The time of its
access token is ``access_until`` and not ``expires_at``, by which the table sweeps: a set outlives
its access token. What lapses in minutes is ``pk`` ``consent:{digest}``, ``sk`` ``value``, with
``value``, ``version``, ``expires_at`` (epoch seconds) and the ``mark`` of who wrote it. The table
is encrypted with our key.
"""

import datetime as dt
import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from accord.errors import StaleVersionError
from accord.ports.tokens import Consents, Tenant, Tokens, TokenSet
from accord.state.dynamo import (
    ConditionError,
    Delete,
    Item,
    Put,
    Table,
    Update,
    Value,
    maybe_moment,
    moment,
    stamp,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SET = "set"
_FREE = "attribute_not_exists(leased_until) OR leased_until <= :now OR #owner = :owner"
_PAIR = (
    "#access = :access, #refresh = :refresh, access_until = :access_until, scopes = :scopes, "
    "tenant = :tenant, tenant_name = :tenant_name, consented_at = :consented_at, "
    "renewed_at = :renewed_at, spent = :spent, client_id = :client_id, app_mark = :app_mark"
)
_FREED = "REMOVE #owner, leased_until, refused_at"


class DynamoTokens(Tokens):
    """The sets in the table ``tokens``."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._table = Table(client, table)

    def get(self, erp: str) -> TokenSet | None:
        """See ``Tokens.get``."""
        item = self._table.get(_pk(erp), _SET)
        return _set(item) if item else None

    def keep(self, erp: str, tokens: TokenSet) -> TokenSet:
        """See ``Tokens.keep``."""
        change = f"SET {_PAIR} {_FREED}, tried_at ADD #version :one"
        return _set(
            self._table.write(Update(_pk(erp), _SET, change, "", {**_values(tokens), "one": 1}))
        )

    def lease(
        self, erp: str, *, version: int, owner: str, now: dt.datetime, until: dt.datetime
    ) -> TokenSet | None:
        """See ``Tokens.lease``."""
        try:
            item = self._table.write(
                Update(
                    _pk(erp),
                    _SET,
                    "SET #owner = :owner, leased_until = :until, tried_at = :now",
                    f"#version = :version AND ({_FREE})",
                    {
                        "owner": owner,
                        "until": stamp(until),
                        "now": stamp(now),
                        "version": version,
                    },
                )
            )
        except ConditionError:
            return None
        return _set(item)

    def renew(self, erp: str, tokens: TokenSet) -> TokenSet:
        """See ``Tokens.renew``."""
        values = {**_values(tokens), "owner": tokens.owner, "version": tokens.version, "one": 1}
        change = f"SET {_PAIR} {_FREED}, tried_at ADD #version :one"
        if tokens.tried_at is not None:
            change = f"SET {_PAIR}, tried_at = :tried_at {_FREED} ADD #version :one"
            values["tried_at"] = stamp(tokens.tried_at)
        try:
            item = self._table.write(
                Update(
                    _pk(erp),
                    _SET,
                    change,
                    "#owner = :owner AND #version = :version",
                    values,
                )
            )
        except ConditionError as error:
            # Sent twice because its answer was lost: the first one was stored.
            if error.old is not None and error.old.get("access") == tokens.access:
                return _set(error.old)
            raise StaleVersionError(
                f"the tokens of {erp} were renewed by another worker; read them again"
            ) from error
        return _set(item)

    def release(
        self, erp: str, *, owner: str, until: dt.datetime, refused_at: dt.datetime | None = None
    ) -> bool:
        """See ``Tokens.release``."""
        change, values = "SET leased_until = :until", {"until": stamp(until), "owner": owner}
        if refused_at is not None:
            change += ", refused_at = :refused_at"
            values["refused_at"] = stamp(refused_at)
        try:
            self._table.write(
                Update(_pk(erp), _SET, f"{change} REMOVE #owner", "#owner = :owner", values)
            )
        except ConditionError:
            return False
        return True

    def forget(self, erp: str, *, consented_at: dt.datetime) -> bool:
        """See ``Tokens.forget``."""
        values: dict[str, Value] = {"consented_at": stamp(consented_at)}
        try:
            self._table.write(Delete(_pk(erp), _SET, "consented_at = :consented_at", values))
        except ConditionError:
            return False
        return True


class DynamoConsents(Consents):
    """What is remembered of consents, beside the sets."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._table = Table(client, table)

    def get(self, name: str, *, now: dt.datetime) -> tuple[Mapping[str, str], int] | None:
        """See ``Consents.get``."""
        item = self._table.get(f"consent:{name}", "value")
        if item is None or item["expires_at"] <= now.timestamp():
            return None
        return json.loads(item["value"]), item["version"]

    def put(
        self, name: str, value: Mapping[str, str], *, until: dt.datetime, version: int | None
    ) -> int:
        """See ``Consents.put``."""
        new, mark = (version or 0) + 1, secrets.token_hex(8)
        item: dict[str, Value] = {
            "pk": f"consent:{name}",
            "sk": "value",
            "value": json.dumps(dict(value)),
            "version": new,
            "expires_at": int(until.timestamp()),
            "mark": mark,
        }
        condition = "attribute_not_exists(pk)" if version is None else "#version = :version"
        try:
            self._table.write(Put(item, condition, {"version": version or 0}))
        except ConditionError as error:
            # Sent twice because its answer was lost: what it met is its own first.
            if error.old is not None and error.old.get("mark") == mark:
                return new
            raise StaleVersionError(f"this consent is no longer at version {version}") from error
        return new


def _pk(erp: str) -> str:
    return f"erp:{erp}"


def _values(tokens: TokenSet) -> dict[str, Value]:
    return {
        "access": tokens.access,
        "refresh": tokens.refresh,
        "access_until": stamp(tokens.expires_at),
        "scopes": " ".join(tokens.scopes),
        "tenant": tokens.tenant.id,
        "tenant_name": tokens.tenant.name,
        "consented_at": stamp(tokens.consented_at),
        "renewed_at": stamp(tokens.renewed_at),
        "spent": tokens.spent,
        "client_id": tokens.client_id,
        "app_mark": tokens.app_mark,
    }


def _set(item: Item) -> TokenSet:
    found = TokenSet(
        access=item["access"],
        refresh=item["refresh"],
        expires_at=moment(item["access_until"]),
        scopes=tuple(item["scopes"].split()),
        tenant=Tenant(item["tenant"], item["tenant_name"]),
        consented_at=moment(item["consented_at"]),
        renewed_at=moment(item["renewed_at"]),
        client_id=item.get("client_id", ""),
        app_mark=item.get("app_mark", ""),
        spent=item["spent"],
        version=item["version"],
    )
    return replace(
        found,
        tried_at=maybe_moment(item.get("tried_at")),
        refused_at=maybe_moment(item.get("refused_at")),
        owner=item.get("owner", ""),
        leased_until=maybe_moment(item.get("leased_until")),
    )
