"""A FIFO queue and the one for its dead; and one for hints, which have none."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.acknowledge import acknowledge


class FifoQueue(Construct):
    """``queue`` for work, ``dead`` for what failed ``tries`` times. Both outlive the stack."""

    def __init__(
        self, scope: Construct, id_: str, *, name: str, consumer_timeout: Duration, tries: int = 6
    ) -> None:
        super().__init__(scope, id_)
        # Twice, not AWS's six times: the link's lease excludes a second worker, and a killed one
        # should cost two minutes.
        visibility = Duration.seconds(2 * int(consumer_timeout.to_seconds()))
        self.dead = self._fifo("Dead", f"{name}-dead.fifo", visibility)
        acknowledge(self.dead, "Serverless-SQSRedrivePolicy", "It is the queue of the dead")
        self.queue = self._fifo(
            "Queue",
            f"{name}.fifo",
            visibility,
            sqs.DeadLetterQueue(queue=self.dead, max_receive_count=tries),
        )

    def _fifo(
        self, id_: str, name: str, visibility: Duration, dead: sqs.DeadLetterQueue | None = None
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            id_,
            queue_name=name,
            fifo=True,
            # Throughput and deduplication per message group: one record's burst slows no other.
            fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
            deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP,
            visibility_timeout=visibility,
            retention_period=Duration.days(14),
            enforce_ssl=True,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            dead_letter_queue=dead,
            # A first deployment that fails leaves no names behind; anything later keeps its work.
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )


class HintQueue(Construct):
    """``queue`` for what may get lost: a clock does the same work a little later.

    Each message lies there for ``delay`` before it is handed over, comes again once
    ``consumer_timeout`` is over if it must, and is gone after five minutes.
    """

    def __init__(
        self, scope: Construct, id_: str, *, name: str, delay: Duration, consumer_timeout: Duration
    ) -> None:
        super().__init__(scope, id_)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=f"{name}.fifo",
            fifo=True,
            fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
            deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP,
            delivery_delay=delay,
            visibility_timeout=Duration.seconds(int(consumer_timeout.to_seconds()) + 15),
            retention_period=Duration.minutes(5),
            enforce_ssl=True,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
        )
        for rule in ("AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy"):
            acknowledge(self.queue, rule, "A hint that is not followed is the next poll's")
