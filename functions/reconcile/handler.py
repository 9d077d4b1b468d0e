"""Each minute, for one store: the next slice of what compares both sides; at night a run begins."""

import datetime as dt
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.bootstrap import connections
from accord.counted import counted
from accord.errors import (
    AccordError,
    BusyError,
    OutageError,
    TransientError,
    WaitingError,
)
from accord.observability import measure
from accord.rules.limits import CALLS_PER_POLL
from accord.sync.reconcile import Reconciler
from accord.sync.report import Report
from accord.sync.worker import reason_of

logger = Logger()
_TASK = "reconcile"
_MARGIN = dt.timedelta(seconds=15)  # what is under way when the time is up still ends


@counted
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Nothing is answered. ``event`` is ``{"store": …}``, as its schedule says.

    With ``begin`` a run begins, and the runs of the next minutes go on with it, until the report is
    kept. A side that does not answer is asked again by the next run; that counts as behind, and so
    does a night in which no run began. A back office whose consent has lapsed is known to
    ``refresh_tokens``, which asks a person. What else somebody must mend on either side is asked of
    a person until a run goes on: it is no crash. Beginning, it looks whether a key ends soon.
    """
    store = event["store"]
    left = dt.timedelta(milliseconds=context.get_remaining_time_in_millis())
    until = dt.datetime.now(dt.UTC) + left - _MARGIN
    operation = bootstrap.guard().operation(
        "polls",
        calls=CALLS_PER_POLL,
        holder=f"reconcile/{context.aws_request_id}",
        until=until + _MARGIN,
    )
    try:
        reconciler = bootstrap.reconciler(store)
        if event.get("begin"):
            reconciler.begin_nightly()
        elif reconciler.is_late:
            measure("ReconcileBehind", store=store)
        with operation:
            sliced = reconciler.go_on(until=until)
        if event.get("begin"):
            _look_at_keys(reconciler)
    except BusyError as error:  # somebody has it in hand
        logger.info("not now", store=store, reason=error.reason, error=str(error))
        return
    except (TransientError, OutageError, WaitingError) as error:
        logger.warning("not now", store=store, reason=error.reason, error=str(error))
        measure("ReconcileBehind", store=store)
        return
    except AccordError as error:
        if connections.tends(error):
            logger.warning("not let in", store=store, reason=error.reason, error=str(error))
            measure("TokensUnrenewed")  # a person is asked by who renews them
            return
        bootstrap.looks().failed(store, _TASK, error)
        logger.warning("a person is asked", store=store, reason=reason_of(error))
        return
    if sliced is None:
        return
    bootstrap.looks().went_well(store, _TASK)
    report = sliced.report
    if sliced.ended:
        _measure(report)
    logger.info(
        "reconciled" if sliced.ended else "reconciling",
        store=store,
        run=report.run,
        found=report.found,
        left=report.left,
        repaired=report.repaired,
        in_hand=report.in_hand_count,
        compared=dict(report.compared),
        page=sliced.page,
    )


def _look_at_keys(reconciler: Reconciler) -> None:
    for back in reconciler.backs:
        error = bootstrap.key_watch().look(back.name, back.adapter)
        if error is not None:
            logger.info("no word of its key", erp=back.name, reason=error.reason, error=str(error))


def _measure(report: Report) -> None:
    """How many differences stand, in all and by reason; 0 says that it was looked."""
    measure("DifferencesFound", report.left, store=report.store)
    for reason, count in report.reasons.items():
        measure("DifferencesFound", count, store=report.store, kind=reason)
    measure("StoresReconciled", store=report.store)
