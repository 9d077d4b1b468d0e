"""Printed documents in S3, found by the hash of a token that only their address holds.

In the bucket, ``documents/{object name}.json`` holds the file and its token, in one object, so that
both are made at once and whoever makes it again finds the first token: who may read the one may
read the other anyway. The table ``control`` holds only the token's SHA-256: ``pk``
``document:{hash}``, ``sk`` ``value``, ``object``, ``until``, ``revoked`` (a moment or nothing).
"""

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from accord.model.progress import Attachment
from accord.ports.state import Documents, Kept
from accord.state.dynamo import ConditionError, Put, Table, Update, ask, moment, stamp
from accord.state.limits import fitting, new_token

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

_FOLDER = "documents/"
_END = ".json"


@dataclass(frozen=True, slots=True)
class _Envelope:
    """What one object of the bucket holds."""

    kept: Kept
    attachment: Attachment

    def to_json(self) -> bytes:
        return json.dumps(
            {
                "token": self.kept.token,
                "expires_at": stamp(self.kept.expires_at),
                "name": self.attachment.name,
                "content_type": self.attachment.content_type,
                "data": base64.b64encode(self.attachment.data).decode("ascii"),
            }
        ).encode()

    @classmethod
    def from_json(cls, object_name: str, text: bytes) -> "_Envelope":
        found = json.loads(text)
        return cls(
            Kept(object_name, found["token"], moment(found["expires_at"])),
            Attachment(found["name"], found["content_type"], base64.b64decode(found["data"])),
        )


class S3Documents(Documents):
    """Objects of ``bucket``, and entries of the table ``control``."""

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        dynamodb: "DynamoDBClient",
        table: str,
        *,
        token: Callable[[], str] = new_token,
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._table = Table(dynamodb, table)
        self._token = token

    def put(self, object_name: str, attachment: Attachment, *, now: dt.datetime, days: int) -> str:
        """See ``Documents.put``."""
        until = now + dt.timedelta(days=days)
        mine = _Envelope(Kept(object_name, self._token(), until), fitting(object_name, attachment))
        if self._write(mine, anew=False):
            return self._enter(mine.kept)
        first = self._read(object_name)
        if first is not None and first.kept.expires_at > now:
            entry = self._entry(first.kept.token)
            if entry is None:  # whoever made it came no further
                return self._enter(first.kept)
            if not entry["revoked"]:
                return first.kept.token
        self._write(mine, anew=True)
        return self._enter(mine.kept)

    def get(self, token: str, *, now: dt.datetime) -> Attachment | None:
        """See ``Documents.get``."""
        entry = self._entry(token)
        if entry is None or entry["revoked"] or moment(entry["until"]) <= now:
            return None
        found = self._read(entry["object"])
        return found.attachment if found is not None and _is_of(found, token) else None

    def revoke(self, token: str) -> bool:
        """See ``Documents.revoke``. The entry stays, so that nothing revives the token."""
        try:
            entry = self._table.write(
                Update(
                    _pk(token),
                    "value",
                    "SET #revoked = :yes",
                    condition="attribute_exists(pk)",
                    values={"yes": "yes"},
                )
            )
        except ConditionError:
            return False
        found = self._read(entry["object"])
        if found is not None and _is_of(found, token):  # and not a later one of the same name
            ask(self._s3.delete_object, Bucket=self._bucket, Key=_key(entry["object"]))
        return True

    def of(self, folder: str) -> Sequence[Kept]:
        """See ``Documents.of``. For people: it lists the bucket, which no function may."""
        found = (self._read(name) for name in self._names(folder))
        return [each.kept for each in found if each is not None]

    def _names(self, folder: str) -> list[str]:
        names: list[str] = []
        more: dict[str, Any] = {}
        while True:
            answer = ask(
                self._s3.list_objects_v2, Bucket=self._bucket, Prefix=_FOLDER + folder, **more
            )
            for each in answer.get("Contents", ()):
                name = each["Key"].removeprefix(_FOLDER).removesuffix(_END)
                if name == folder or name.startswith(f"{folder}/"):
                    names.append(name)
            if not answer.get("IsTruncated"):
                return sorted(names)
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def _write(self, envelope: _Envelope, *, anew: bool) -> bool:
        """Whether it is there now; ``anew`` replaces what was there, else that stays."""
        unless: dict[str, Any] = {} if anew else {"IfNoneMatch": "*"}

        def write() -> bool:
            try:
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=_key(envelope.kept.object_name),
                    Body=envelope.to_json(),
                    ContentType="application/json",
                    **unless,
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "PreconditionFailed":
                    return False
                raise
            return True

        return ask(write)

    def _read(self, object_name: str) -> _Envelope | None:
        def read() -> bytes | None:
            try:
                # Read here: a connection may break in the middle of the body.
                found = self._s3.get_object(Bucket=self._bucket, Key=_key(object_name))
                return found["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    return None
                raise

        text = ask(read)
        return None if text is None else _Envelope.from_json(object_name, text)

    def _entry(self, token: str) -> dict[str, Any] | None:
        return self._table.get(_pk(token), "value")

    def _enter(self, kept: Kept) -> str:
        self._table.write(
            Put(
                {
                    "pk": _pk(kept.token),
                    "sk": "value",
                    "object": kept.object_name,
                    "until": stamp(kept.expires_at),
                    "revoked": "",
                    "expires_at": int(kept.expires_at.timestamp()),
                }
            )
        )
        return kept.token


def _is_of(envelope: _Envelope, token: str) -> bool:
    return hmac.compare_digest(envelope.kept.token.encode(), token.encode())


def _key(object_name: str) -> str:
    return f"{_FOLDER}{object_name}{_END}"


def _pk(token: str) -> str:
    digest = hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
    return f"document:{digest}"
