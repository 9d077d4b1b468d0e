"""Each minute, for one kind of records of one back office: what changed there is queued.

So it is some seconds after a back office hinted that something did.
"""

import datetime as dt
import json
import time
from contextlib import AbstractContextManager
from random import SystemRandom
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.bootstrap import connections
from accord.counted import counted
from accord.errors import (
    AccordError,
    OutageError,
    RateLimitedError,
    TransientError,
    UnauthorizedError,
    WaitingError,
)
from accord.model.documents import Kind
from accord.observability import measure
from accord.rules.limits import CALLS_PER_POLL
from accord.sync.catalogue import OF_ITEMS
from accord.sync.meter import DAY_LIMIT
from accord.sync.worker import reason_of

logger = Logger()
_MARGIN = dt.timedelta(seconds=15)  # what is under way when the time is up still ends
_TRIES = 3  # of a look for which there was no slot, or that was one call too many
_LONGEST_S = 10.0  # what is told to wait for longer comes again with the next run


@counted
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any] | None:
    """``event`` is ``{"erp": …, "kind": …}``, as its schedule says, for which nothing is answered;
    or messages that hold such a thing each: hints. Those that must be looked at again stay.

    With ``sweep`` nothing is read now, whatever holds the back office: the runs of the next minutes
    that may ask it read every item once.
    A back office that does not answer is asked again by the next run, and counts as behind. One
    that is left alone (paused, in maintenance) is not asked. Neither is one whose calls of this day
    are made, which counts as behind too: nobody meant it. One whose consent has lapsed is known to
    ``refresh_tokens``, which asks a person; it counts with those. What else somebody must mend
    there is asked of a person until a look goes well: it is no crash.
    """
    if "Records" in event:
        left = [each["messageId"] for each in event["Records"] if not _hinted(each, context)]
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in left]}
    erp, kind = event["erp"], Kind(event["kind"])
    try:
        _run(erp, kind, context, sweep=bool(event.get("sweep")))
    except AccordError as error:
        bootstrap.looks().failed(erp, kind, error)
        logger.warning("a person is asked", erp=erp, kind=kind, reason=reason_of(error))
    return None


def _hinted(record: dict[str, Any], context: LambdaContext) -> bool:
    """Whether the hint is done with. What the schedule's next run would meet as well is left to
    it, and told by it: a hint kills nobody."""
    told = json.loads(record["body"])
    erp, kind = told["erp"], Kind(told["kind"])
    try:
        return _run(erp, kind, context)
    except AccordError as error:
        logger.warning("hint dropped", erp=erp, kind=kind, reason=error.reason, error=str(error))
        return True


def _run(erp: str, kind: Kind, context: LambdaContext, *, sweep: bool = False) -> bool:
    """False where another look soon may see more: a run was under way, or nobody answered."""
    left = dt.timedelta(milliseconds=context.get_remaining_time_in_millis())
    until = dt.datetime.now(dt.UTC) + left - _MARGIN
    try:
        if sweep and kind in OF_ITEMS:
            bootstrap.catalogue_poller(erp).ask_for_sweep(kind)
            return True
        if (held := bootstrap.guard().held(erp)) is not None:
            raise held
        looked = _look(erp, kind, context, until)
        if looked:
            bootstrap.looks().went_well(erp, kind)
        return looked
    except WaitingError as error:
        logger.info("left alone", erp=erp, kind=kind, cause=error.cause, why=str(error))
        if error.cause == DAY_LIMIT:
            measure("ErpPollsBehind")
    except (TransientError, OutageError) as error:
        logger.warning("not now", erp=erp, kind=kind, reason=error.reason, error=str(error))
        measure("ErpPollsBehind")
        return False
    except UnauthorizedError as error:
        if not connections.tends(error):
            raise
        logger.warning("not let in", erp=erp, kind=kind, reason=error.reason, error=str(error))
        measure("TokensUnrenewed")
    return True


def _look(erp: str, kind: Kind, context: LambdaContext, until: dt.datetime) -> bool:
    """Whether it looked; False while another run does. Tries again soon where there is time: all
    kinds are looked at in the same second.

    Raises: RateLimitedError: not now.
    """
    left = _TRIES
    while True:
        left -= 1
        try:
            if kind in OF_ITEMS:
                with _operation("catalogue", context, until):
                    return _levels(erp, kind, until)
            with _operation("polls", context, until):
                return _news(erp, kind, until)
        except RateLimitedError as error:
            if not left or error.retry_after is None or error.retry_after > _LONGEST_S:
                raise
            wait = error.retry_after + SystemRandom().random()  # not all at once again
            if dt.datetime.now(dt.UTC) + dt.timedelta(seconds=wait) > until:
                raise
            time.sleep(wait)


def _operation(
    what: str, context: LambdaContext, until: dt.datetime
) -> AbstractContextManager[None]:
    holder = f"poll/{context.aws_request_id}"
    until += _MARGIN
    return bootstrap.guard().operation(what, calls=CALLS_PER_POLL, holder=holder, until=until)


def _news(erp: str, kind: Kind, until: dt.datetime) -> bool:
    polled = bootstrap.poller(erp).run(kind, until=until)
    if polled.sent:
        measure("ErpNews", polled.sent, kind=kind)
    if polled.behind:
        measure("ErpPollsBehind")
    if polled.read or polled.behind:
        logger.info(
            "polled", erp=erp, kind=kind, sent=polled.sent, read=polled.read, behind=polled.behind
        )
    return not polled.busy


def _levels(erp: str, kind: Kind, until: dt.datetime) -> bool:
    polled = bootstrap.catalogue_poller(erp).run(kind, until=until)
    if polled.behind:
        measure("ErpPollsBehind")
    if polled.short:
        measure("OversoldUnits", float(polled.short))
    if polled.wanted:
        measure("LevelsWanted", polled.wanted, kind=kind)
    if polled.read or polled.swept or polled.behind or polled.expired:
        logger.info(
            "polled",
            erp=erp,
            kind=kind,
            read=polled.read,
            swept=polled.swept,
            wanted=polled.wanted,
            would=polled.would,
            behind=polled.behind,
            sweeping=polled.sweeping,
            expired=polled.expired,
        )
    return not polled.busy
