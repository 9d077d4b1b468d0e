"""A store posts a key that its own page made for us: keep it for the operator who asked for it."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.bootstrap import tables
from accord.observability import measure
from accord.signed import json_object, raw_body
from accord.sync import store_keys

logger = Logger()
_LARGEST = 4096  # bytes: WooCommerce posts some 300, and anybody may post here


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """200 when it was asked for; 401 else, and the store then takes its key back; 404 for an
    unknown store. Nothing of the body is logged: it holds a key.
    """
    store = (event.get("pathParameters") or {}).get("store", "")
    if store not in bootstrap.deployed().stores:
        return _answer(404)
    raw = raw_body(event)
    found = json_object(raw) if len(raw) <= _LARGEST else None
    body = found[1] if found is not None else {}
    if not store_keys.receive(tables.consents(), store, body, clock=bootstrap.now):
        logger.warning("rejected", store=store, why="nobody asked for it")
        measure("StoreKeysRejected", store=store)
        return _answer(401)
    logger.info("received", store=store)
    return _answer(200)


def _answer(status: int) -> dict[str, Any]:
    return {"statusCode": status, "body": ""}
