"""A store's checkout asks what can be sold of a basket, and at which prices."""

import datetime as dt
import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap, checkout, edge
from accord.checkout import RefusedError, Request
from accord.counted import counted
from accord.errors import AccordError, BusyError, DisagreementError
from accord.observability import measure

logger = Logger()


@counted
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """200 with the answer; 400 and 401 with the field that is wrong; 409 for what came before.

    404 for a store that does not ask; 503 while nothing can be told. The store sells on unless it
    is told in time that something is out.
    """
    request = Request.from_event(event)
    logger.set_correlation_id(request.request_id)
    try:
        return _answer(200, _asked(request, context))
    except RefusedError as refused:
        logger.warning("refused", store=request.store[:40], field=refused.field[:80])
        measure("AvailabilityRefused")
        return _answer(refused.status, refused.to_json())
    except AccordError as error:
        logger.error("not now", store=request.store[:40], reason=error.reason, error=str(error))
        measure("AvailabilityUnanswered")
        return _answer(503, _not_now(), {"retry-after": "5"})


def _asked(request: Request, context: LambdaContext) -> dict[str, Any]:
    now = dt.datetime.now(dt.UTC)
    name = _genuine(request, now)
    basket = request.basket()
    if not bootstrap.nonces().use(name, request.nonce, now=now):
        raise checkout.repeated()
    late = ""

    def make() -> dict[str, Any]:
        nonlocal late
        answer = bootstrap.availability(name).ask(basket)
        late = answer.late
        return checkout.to_json(answer)

    answers = bootstrap.answers(name) if basket.hold else None
    try:
        found = answers.once(name, checkout.asked(basket), make, context) if answers else make()
    except DisagreementError:
        raise RefusedError(
            409, "id", "another basket was asked for with it", "make a new one for each basket"
        ) from None
    except BusyError:
        raise RefusedError(
            409, "id", "it is being answered at this moment", "ask again in a second"
        ) from None
    if late:
        logger.info("late", store=name, why=late)
        measure("AvailabilityLiveLate", store=name)
    logger.info(
        "answered",
        store=name,
        lines=len(basket.lines),
        available=found["available"],
        held=found["hold"] is not None,
    )
    return found


def _genuine(request: Request, now: dt.datetime) -> str:
    """The store that signed it. Raises: RefusedError: none that asks, or not signed by it."""
    store = edge.stores().get(request.store)
    if store is None or not bootstrap.config().stores[store.name].availability.enabled:
        raise _not_enabled()
    request.check_form(now)
    secrets = edge.checkout_secrets()
    known = secrets.of(store)
    if request.is_genuine(known):
        return store.name
    newer = secrets.of(store, newer=True)  # they may have been changed
    if not (known or newer):
        raise _not_enabled()
    if newer == known or not request.is_genuine(newer):
        raise checkout.rejected()
    return store.name


def _not_enabled() -> RefusedError:
    return RefusedError(
        404,
        "store",
        "it is not known, or its checkout may not ask",
        "set availability.enabled of the store, and put checkout_secrets into its secret",
    )


def _not_now() -> dict[str, Any]:
    return {
        "error": {
            "field": "",
            "problem": "nothing can be told at the moment",
            "remedy": "sell on, and ask again for the next basket",
        }
    }


def _answer(
    status: int, body: dict[str, Any], headers: dict[str, str] | None = None
) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {
            "content-type": "application/json",
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            **(headers or {}),
        },
        "body": json.dumps(body, separators=(",", ":")),
    }
