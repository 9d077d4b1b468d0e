"""The shape of a queue's consumer: one change in, one log line out, each failure in its place."""

import datetime as dt
import time
import traceback
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    SqsFifoPartialProcessor,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.counted import counted
from accord.model.change import Change
from accord.observability import measure
from accord.sync.turn import Invocation
from accord.sync.worker import Again, Finished, Flow

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


class _ComeBackError(Exception):
    """Tells the batch processor to leave the message; its delay is set already."""


class UnforeseenError(Exception):
    """A bug met this invocation. Its text names the error and where it was, never what it said."""


def consumer(flow: Callable[[Change], Flow], *, logger: Logger) -> Handler:
    """The handler of a FIFO queue of changes, each of which ``flow`` finds its flow for.

    It raises UnforeseenError where a change met what no error of ours foresees: the message comes
    back as it would anyway, and Lambda counts an error, which takes a new version back. Once for
    each message: Lambda asks a queue whose handlers fail for less and less at a time.
    """
    processor = SqsFifoPartialProcessor(skip_group_on_error=True)  # a failure holds back its group
    processor.raise_on_entire_batch_failure = False  # a batch of one that fails is not a crash

    @counted
    @logger.inject_lambda_context
    def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        unforeseen: list[str] = []

        def handle(record: SQSRecord) -> None:
            try:
                _handle(record, context, flow, logger)
            except _ComeBackError:
                raise
            except Exception as error:
                name, where = type(error).__name__, _whereabouts(error)
                logger.error("failed", message_id=record.message_id, error=name, at=where)
                if record.attributes.approximate_receive_count == "1":
                    unforeseen.append(f"{name} at {where}")
                raise

        answer = dict(
            process_partial_response(
                event=event, record_handler=handle, processor=processor, context=context
            )
        )
        if unforeseen and len(event["Records"]) == 1:  # of several, what went well must not return
            raise UnforeseenError(unforeseen[0])
        return answer

    return lambda_handler


def _handle(
    record: SQSRecord, context: LambdaContext, flow: Callable[[Change], Flow], logger: Logger
) -> None:
    """One change. What is unreadable raises each time, and ends in the dead-letter queue."""
    change = Change.from_json(record.body)
    logger.set_correlation_id(change.correlation_id)
    left = dt.timedelta(milliseconds=context.get_remaining_time_in_millis())
    run = Invocation(
        id=f"{context.aws_request_id}/{record.message_id}",
        deadline=dt.datetime.now(dt.UTC) + left,
        attempt=int(record.attributes.approximate_receive_count),
    )
    end = bootstrap.worker().handle(change, run, flow)
    logger.info("handled", ref=str(change.ref), attempt=run.attempt, outcome=end.text)
    if isinstance(end, Again):
        _hide(record, end.delay)
        raise _ComeBackError(end.text)
    _measure(change, end)


def _whereabouts(error: Exception) -> str:
    """Where an unforeseen error came from. Its text is not told: it may hold a document."""
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    return " > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames)


def _measure(change: Change, end: Finished) -> None:
    store = bootstrap.store_of(change)
    seconds = time.time() - change.seen_at.timestamp()
    if end.outcome == "posted":
        measure("OrdersPosted", store=store)
        measure("OrderPostingSeconds", seconds, store=store, unit=MetricUnit.Seconds)
    elif end.outcome == "credited":
        measure("RefundPostingSeconds", seconds, store=store, unit=MetricUnit.Seconds)
    elif end.outcome == "parked":
        measure("ChangesParked", store=store)
    for name, value in end.figures:
        unit = MetricUnit.Seconds if name.endswith("Seconds") else MetricUnit.Count
        measure(name, value, store=store, unit=unit)


def _hide(record: SQSRecord, delay: float) -> None:
    """Visible again after ``delay``. Its group stays behind it; the queue's own time-out is the
    fallback when this cannot be said."""
    name = record.event_source_arn.rpartition(":")[2]
    _sqs().change_message_visibility(
        QueueUrl=_sqs().get_queue_url(QueueName=name)["QueueUrl"],
        ReceiptHandle=record.receipt_handle,
        VisibilityTimeout=max(1, min(round(delay), 12 * 3600)),
    )


@cache
def _sqs() -> "SQSClient":
    client: SQSClient = bootstrap.client("sqs")
    return client
