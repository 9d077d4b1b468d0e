"""Seals in S3: objects under a lock, in a bucket that keeps every version."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from accord.ports.audit import Sealed, Seals
from accord.state.dynamo import ask

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_EXISTS = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


class S3Seals(Seals):
    """Objects of ``bucket``, which locks what is put for as long as it is told to."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, name: str, text: str) -> str:
        """See ``Seals.put``. Raises: UnavailableError, RateLimitedError, TransientError."""
        if ask(self._put_first, name, text):
            return text
        kept = self.get(name)
        return text if kept is None else kept

    def _put_first(self, name: str, text: str) -> bool:
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=name,
                Body=text.encode(),
                ContentType="text/plain; charset=utf-8",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _EXISTS:
                return False
            raise
        return True

    def get(self, name: str) -> str | None:
        """See ``Seals.get``."""
        return ask(self._read, name)

    def names(self, folder: str, *, after: str) -> Sequence[str]:
        """See ``Seals.names``."""
        answer = ask(
            self._client.list_objects_v2, Bucket=self._bucket, Prefix=folder, StartAfter=after
        )
        return [each["Key"] for each in answer.get("Contents", [])]

    def first(self, name: str) -> Sealed | None:
        """See ``Seals.first``. A hundred versions at most are looked at."""
        answer = ask(
            self._client.list_object_versions, Bucket=self._bucket, Prefix=name, MaxKeys=100
        )
        versions = [each for each in answer.get("Versions", []) if each["Key"] == name]
        deleted = any(each["Key"] == name for each in answer.get("DeleteMarkers", []))
        if not versions:
            return None
        oldest = min(versions, key=lambda each: (each["LastModified"], each["IsLatest"]))
        text = ask(self._read, name, oldest["VersionId"])
        return None if text is None else Sealed(text, touched=deleted or len(versions) > 1)

    def _read(self, name: str, version: str = "") -> str | None:
        more: dict[str, Any] = {"VersionId": version} if version else {}
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=name, **more)
            # Read here: a connection may break in the middle of the body.
            return answer["Body"].read().decode()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
