"""The service: a door, queues, the functions between them, and what each of them may do."""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.fifo_queue import FifoQueue
from infra.constructs.layers import Layers
from infra.constructs.python_function import PythonFunction, Rollout
from infra.constructs.schedule import Schedule
from infra.constructs.state import State
from infra.constructs.webhook_api import WebhookApi
from infra.stages import Stage
from infra.wiring import Wiring

EVENTS = ("order_created", "order_updated")
"""Each has a queue, a queue for its dead, and a function of its name."""

_READS = ("GetItem", "BatchGetItem", "Query")
_WRITES = ("PutItem", "UpdateItem", "DeleteItem")
_WORKER = Duration.seconds(60)


class SyncStack(Stack):
    """One store's change in, one document out. ``functions`` by folder, ``queues`` by event."""

    def __init__(
        self, scope: Construct, id_: str, *, stage: Stage, wiring: Wiring, key: kms.IKey
    ) -> None:
        super().__init__(scope, id_, description="Accord: the service. Holds nothing but queues.")
        self._stage = stage
        self._layers = Layers(self, "Layers", config=wiring.compiled)
        self._rollout = Rollout(self, "Rollout", stage=stage)
        self.functions: dict[str, PythonFunction] = {}
        state = State(self, "State", stage=stage, key=key)
        self.queues = {
            event: FifoQueue(self, _camel(event), name=stage.named(event), consumer_timeout=_WORKER)
            for event in EVENTS
        }

        # The store waits for this one, and it touches nothing that could be slow. On a bad day it
        # asks for a secret twice and sends once, at 7 s each; API Gateway waits for 30 s.
        receiver = self._function("receive_store_webhook", memory_mib=256, timeout_s=25)
        state.grant_secrets(receiver, wiring.store_secrets)
        for event in EVENTS:
            self._grant_send(receiver, event)
        self.api = WebhookApi(self, "Webhooks", stage=stage)
        self.api.post("/stores/{store}/webhooks", receiver)

        # They write to the same back office and share what it bears; AWS allows no less than two.
        each = max(2, wiring.workers // len(EVENTS))
        for event in EVENTS:
            worker = self._function(event, memory_mib=512, timeout_s=60)
            state.grant_table(worker, "links", "GetItem", *_WRITES)
            state.grant_table(worker, "steps", *_WRITES)
            state.grant_table(worker, "waiting", "GetItem", *_WRITES)
            state.grant_table(worker, "attention", *_READS, *_WRITES)
            state.grant_table(worker, "journal", "BatchWriteItem")
            state.grant_table(worker, "control", "GetItem", "PutItem")
            state.grant_table(worker, "config", "Query")
            state.grant_put_payload(worker)
            state.grant_secrets(worker, wiring.secrets)
            # A worker says itself when a change should come again.
            self.queues[event].queue.grant(
                worker.role, "sqs:ChangeMessageVisibility", "sqs:GetQueueUrl"
            )
            # One at a time: a back office has no half of a batch.
            self._consume(worker, self.queues[event].queue, batch_size=1, at_once=each)

        waker = self._function("wake", memory_mib=512, timeout_s=60)
        state.grant_table(waker, "waiting", "GetItem", "Query", "DeleteItem")
        state.grant_table(waker, "attention", *_READS, "UpdateItem", "DeleteItem")
        state.grant_table(waker, "control", "GetItem", "PutItem")
        state.grant_table(waker, "config", "Query")
        state.grant_secrets(waker, wiring.secrets)  # it asks either side whether it is back
        for event in EVENTS:
            self._grant_send(waker, event)
        self.schedule = Schedule(
            self, "WakeSchedule", name=stage.named("wake"), function=waker, rate="rate(1 minute)"
        )

        undertaker = self._function("report_dead_letters", memory_mib=256, timeout_s=60)
        state.grant_table(undertaker, "attention", "PutItem", "UpdateItem")
        state.grant_put_payload(undertaker)
        for event in EVENTS:
            self._consume(undertaker, self.queues[event].dead, batch_size=10, at_once=2)

        CfnOutput(
            self,
            "WebhookUrl",
            value=f"{self.api.endpoint}/stores/STORE/webhooks",
            description="Delivery URL of a store's webhooks; STORE is its name in accord.toml",
        )

    def _function(self, folder: str, *, memory_mib: int, timeout_s: int) -> PythonFunction:
        self.functions[folder] = PythonFunction(
            self,
            folder,
            stage=self._stage,
            layers=self._layers,
            rollout=self._rollout,
            memory_mib=memory_mib,
            timeout=Duration.seconds(timeout_s),
        )
        return self.functions[folder]

    def _grant_send(self, function: PythonFunction, event: str) -> None:
        queue = self.queues[event].queue
        queue.grant(function.role, "sqs:SendMessage")
        function.tell("ACCORD_QUEUES", {event: queue.queue_url})

    def _consume(
        self, function: PythonFunction, queue: sqs.IQueue, *, batch_size: int, at_once: int
    ) -> None:
        # Lambda's poller does these in the function's role.
        queue.grant(
            function.role, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"
        )
        mapping = function.alias.add_event_source_mapping(
            f"From-{queue.node.path.split('/', 1)[1].replace('/', '-')}",
            event_source_arn=queue.queue_arn,
            batch_size=batch_size,
            max_concurrency=at_once,
            report_batch_item_failures=True,
        )
        acknowledge(
            mapping,
            "Serverless-LambdaEventSourceMappingDestination",
            "Only streams have one; what fails here goes to the queue of the dead",
        )


def _camel(event: str) -> str:
    return "".join(word.capitalize() for word in event.split("_"))
