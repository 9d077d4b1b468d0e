"""Every two minutes, for one store: what no webhook told of is queued."""

import datetime as dt
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.counted import counted
from accord.errors import AccordError, OutageError, TransientError, WaitingError
from accord.observability import measure
from accord.rules.limits import CALLS_PER_POLL
from accord.sync.poll_store import Polled
from accord.sync.worker import reason_of

logger = Logger()
_TASK = "poll"
_MARGIN = dt.timedelta(seconds=15)  # what is under way when the time is up still ends


@counted
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Nothing is answered. ``event`` is ``{"store": …}``, as its schedule says.

    A store that does not answer is asked again by the next run, and counts as behind. What
    somebody must mend there is asked of a person, until a run goes well: it is no crash.
    """
    store = event["store"]
    left = dt.timedelta(milliseconds=context.get_remaining_time_in_millis())
    until = dt.datetime.now(dt.UTC) + left - _MARGIN
    operation = bootstrap.guard().operation(
        "polls",
        calls=CALLS_PER_POLL,
        holder=f"poll/{context.aws_request_id}",
        until=until + _MARGIN,
    )
    polled = Polled()
    try:
        with operation:
            bootstrap.store_poller(store).run(until=until, polled=polled)
    except (TransientError, OutageError) as error:
        logger.warning("not now", store=store, reason=error.reason, error=str(error))
        measure("StorePollsBehind", store=store)
        return
    except WaitingError as error:  # somebody paused it, or it is being maintained
        logger.info("not now", store=store, reason=error.reason, error=str(error))
        return
    except AccordError as error:
        bootstrap.looks().failed(store, _TASK, error)
        logger.warning("a person is asked", store=store, reason=reason_of(error))
    else:
        if polled.behind:
            measure("StorePollsBehind", store=store)
        elif not polled.busy:
            bootstrap.looks().went_well(store, _TASK)
    finally:  # what was done before a part failed is told too
        _tell(store, polled)


def _tell(store: str, polled: Polled) -> None:
    if polled.recovered:
        measure("OrdersRecovered", polled.recovered, store=store)
    if polled.unreadable:
        logger.warning("accounts that cannot be read", store=store, count=polled.unreadable)
    if polled.sent or polled.behind:
        logger.info(
            "polled",
            store=store,
            sent=polled.sent,
            read=polled.read,
            recovered=polled.recovered,
            behind=polled.behind,
        )
