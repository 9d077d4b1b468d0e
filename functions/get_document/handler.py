"""Whoever has the address of a printed document gets it, until it lapses or is revoked."""

import base64
import datetime as dt
import re
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.errors import TransientError
from accord.model.progress import Attachment

logger = Logger()
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """200 with the file; 404 for an unknown, a lapsed and a revoked address alike.

    503 while it cannot be looked up. The address is never logged: it is the key.
    """
    token = (event.get("pathParameters") or {}).get("token", "")
    if not _TOKEN.fullmatch(token):
        return _answer(404)
    try:
        found = bootstrap.documents().get(token, now=dt.datetime.now(dt.UTC))
    except TransientError as error:
        logger.warning("not now", reason=error.reason)
        return _answer(503, {"retry-after": "5"})
    if found is None:
        return _answer(404)
    logger.info("served", content_type=found.content_type, bytes=len(found.data))
    return _answer(200, _described(found), found.data)


def _described(file: Attachment) -> dict[str, str]:
    # What a browser would run is saved, not shown.
    how = "inline" if file.content_type == "application/pdf" else "attachment"
    return {
        "content-type": file.content_type,
        "content-disposition": f"{how}; filename*=UTF-8''{quote(file.name, safe='')}",
    }


def _answer(
    status: int, headers: dict[str, str] | None = None, data: bytes = b""
) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            **(headers or {}),
        },
        "body": base64.b64encode(data).decode("ascii"),
        "isBase64Encoded": True,
    }
