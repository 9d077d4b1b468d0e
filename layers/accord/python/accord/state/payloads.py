"""Payloads in S3: one JSON object each. The bucket decides encryption and how long they stay."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from accord.ports.state import Payloads
from accord.state.dynamo import ask, to_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Payloads(Payloads):
    """Objects of ``bucket``. Without ``s3:ListBucket`` S3 answers 403 for what is not there."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, name: str, payload: object) -> str:
        """See ``Payloads.put``."""
        ask(
            self._client.put_object,
            Bucket=self._bucket,
            Key=name,
            Body=to_json(payload).encode(),
            ContentType="application/json",
        )
        return name

    def get(self, name: str) -> Any:
        """See ``Payloads.get``."""
        body = ask(self._read, name)
        return None if body is None else json.loads(body)

    def names(self, folder: str) -> Sequence[str]:
        """See ``Payloads.names``. A thousand a call; it needs s3:ListBucket."""
        found: list[str] = []
        more: dict[str, Any] = {}
        while True:
            answer = ask(
                self._client.list_objects_v2, Bucket=self._bucket, Prefix=f"{folder}/", **more
            )
            found += [each["Key"] for each in answer.get("Contents", ())]
            if not answer.get("IsTruncated"):
                return sorted(found)
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def _read(self, name: str) -> bytes | None:
        try:
            # Read here: a connection may break in the middle of the body.
            return self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
