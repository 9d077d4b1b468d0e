"""Every five minutes, for one store: its webhooks are there, on, and ours."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.counted import counted
from accord.errors import (
    AccordError,
    OutageError,
    TransientError,
    UnsupportedError,
    WaitingError,
)
from accord.observability import measure
from accord.rules.config import Store
from accord.sync.worker import reason_of

logger = Logger()
_TASK = "webhooks"


@counted
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Nothing is answered. ``event`` is ``{"store": …}``, as its schedule says.

    A store whose ``guard`` is false is left alone; one that does not answer is asked again by the
    next run. What somebody must mend first (its key, its secret) is asked of a person, until a run
    goes well: it is no crash.
    """
    store = event["store"]
    try:
        if not _table(store).webhooks.guard:
            return
        found = bootstrap.webhook_guard(store).run()
    except (TransientError, OutageError, WaitingError) as error:
        logger.warning("not now", store=store, reason=error.reason, error=str(error))
        return
    except AccordError as error:
        bootstrap.looks().failed(store, _TASK, error)
        logger.warning("a person is asked", store=store, reason=reason_of(error))
        return
    bootstrap.looks().went_well(store, _TASK)
    if found.missing and (found.mended or found.refused):  # in shadow nobody waits for them
        measure("WebhooksDisabled", found.missing, store=store)
    if found.fixes or found.refused:
        logger.info(
            "guarded",
            store=store,
            found=[str(fix) for fix in found.fixes],
            mended=found.mended,
            refused=found.refused,
        )


def _table(store: str) -> Store:
    table = bootstrap.config().stores.get(store)
    if table is None:
        raise UnsupportedError(f"accord.toml has no store named {store!r}; deploy once more")
    return table
