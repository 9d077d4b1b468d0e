"""Reports in S3, beside the payloads: ``reports/{store}/{day}.json`` and ``.html``.

What a run has so far is in ``reports/{store}/draft-0.json`` or ``-1``, in turn, so that one whole
draft is there whatever breaks off. The bucket decides how long they stay.
"""

import datetime as dt
import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from accord.ports.reports import Json, Reports
from accord.state.dynamo import ask, to_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Reports(Reports):
    """Objects of ``bucket``. Without ``s3:ListBucket`` S3 answers 403 for what is not there."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, store: str, on: dt.date, report: Json, page: str) -> str:
        """See ``Reports.put``. The page comes last: whoever sees it finds the figures too."""
        self._write(_name(store, on, "json"), to_json(report), "application/json")
        name = _name(store, on, "html")
        self._write(name, page, "text/html; charset=utf-8")
        return name

    def get(self, store: str, on: dt.date) -> Json | None:
        """See ``Reports.get``."""
        return self._read(_name(store, on, "json"))

    def put_draft(self, store: str, nth: int, draft: Json) -> None:
        """See ``Reports.put_draft``."""
        self._write(_draft(store, nth), to_json({"nth": nth, "draft": draft}), "application/json")

    def draft(self, store: str, nth: int) -> Json | None:
        """See ``Reports.draft``."""
        found = self._read(_draft(store, nth))
        return found["draft"] if found is not None and found["nth"] == nth else None

    def _write(self, name: str, text: str, content_type: str) -> None:
        ask(
            self._client.put_object,
            Bucket=self._bucket,
            Key=name,
            Body=text.encode(),
            ContentType=content_type,
        )

    def _read(self, name: str) -> Json | None:
        body = ask(self._body, name)
        return None if body is None else json.loads(body)

    def _body(self, name: str) -> bytes | None:
        try:
            # Read here: a connection may break in the middle of the body.
            return self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "AccessDenied"}:
                return None
            raise


def _name(store: str, on: dt.date, ending: str) -> str:
    return f"reports/{store}/{on.isoformat()}.{ending}"


def _draft(store: str, nth: int) -> str:
    return f"reports/{store}/draft-{nth % 2}.json"
