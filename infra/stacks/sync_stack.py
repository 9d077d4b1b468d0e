"""The service: a door, queues, the functions between them, and what each of them may do."""

from collections.abc import Mapping

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
from infra.events import EVENTS, FROM_ERP, FROM_STORE, POLLED, PRINTED, SENDS, SOLD, SWEPT, workers
from infra.stages import Stage
from infra.wiring import Wiring

_READS = ("GetItem", "BatchGetItem", "Query")
_WRITES = ("PutItem", "UpdateItem", "DeleteItem")
_WORKER = Duration.seconds(60)


class SyncStack(Stack):
    """A change of one side in, the other agrees: ``functions`` by folder, ``queues`` by event."""

    def __init__(
        self, scope: Construct, id_: str, *, stage: Stage, wiring: Wiring, key: kms.IKey
    ) -> None:
        super().__init__(scope, id_, description="Accord: the service. Holds nothing but queues.")
        self._stage = stage
        self._layers = Layers(self, "Layers", config=wiring.compiled)
        self._rollout = Rollout(self, "Rollout", stage=stage)
        self.functions: dict[str, PythonFunction] = {}
        self.schedules: dict[str, Schedule] = {}
        self._state = state = State(self, "State", stage=stage, key=key)
        self.queues = {
            event: FifoQueue(self, _camel(event), name=stage.named(event), consumer_timeout=_WORKER)
            for event in EVENTS
        }

        self.api = WebhookApi(self, "Webhooks", stage=stage)
        self._receiver(wiring)
        self._document_server()
        self._checkout(wiring)
        for event in FROM_STORE:
            worker = self._worker(event, wiring)
            state.grant_table(worker, "links", *_WRITES)
            state.grant_table(worker, "control", "PutItem")  # the newest code of an account
            if event != "customer_changed":
                state.grant_table(worker, "levels", *_READS, *_WRITES)  # what an order claims
        for event in FROM_ERP:
            worker = self._worker(event, wiring)
            state.grant_table(worker, "links", "UpdateItem")
            if event in PRINTED:
                state.grant_table(worker, "control", "PutItem")  # what opens a document
                state.grant_documents(worker, "GetObject", "PutObject")
                worker.function.add_environment("ACCORD_PUBLIC_URL", self.api.endpoint)
            else:
                state.grant_table(worker, "links", "PutItem")  # a refund that it makes
        for event in SOLD:
            worker = self._worker(event, wiring)
            state.grant_table(worker, "control", "PutItem")  # whose turn it is, and how fast
            state.grant_table(worker, "levels", *_READS, *_WRITES, "BatchWriteItem")
            if event == "product_updated":
                state.grant_table(worker, "links", *_WRITES)
        self._waker(wiring)
        self._poller(wiring)
        self._undertaker()

        CfnOutput(
            self,
            "WebhookUrl",
            value=f"{self.api.endpoint}/stores/STORE/webhooks",
            description="Delivery URL of a store's webhooks; STORE is its name in accord.toml",
        )

    def _receiver(self, wiring: Wiring) -> None:
        # The store waits for this one, and it touches nothing that could be slow. On a bad day it
        # asks for a secret twice and sends once, at 7 s each; API Gateway waits for 30 s.
        receiver = self._function("receive_store_webhook", memory_mib=256, timeout_s=25)
        self._state.grant_secrets(receiver, wiring.store_secrets)
        self.api.post(
            "/stores/{store}/webhooks",
            receiver,
            proof="A store signs each delivery; the function checks it before anything else",
        )

    def _document_server(self) -> None:
        server = self._function("get_document", memory_mib=512, timeout_s=25)
        self._state.grant_table(server, "control", "GetItem")
        self._state.grant_documents(server, "GetObject")
        self.api.get(
            "/documents/{token}",
            server,
            proof="The address itself is the proof: 32 random bytes, which lapse and are revoked",
        )

    def _checkout(self, wiring: Wiring) -> None:
        # The store waits 300 ms and then sells on; what comes later than that is of use to nobody.
        checkout = self._function("check_availability", memory_mib=1024, timeout_s=10)
        state = self._state
        state.grant_table(checkout, "levels", *_READS, *_WRITES)
        state.grant_table(checkout, "control", "GetItem", "PutItem", "UpdateItem", "DeleteItem")
        state.grant_table(checkout, "config", "Query")
        state.grant_secrets(checkout, wiring.secrets)
        self.api.post(
            "/stores/{store}/availability",
            checkout,
            proof="The store signs time, nonce and body; the function checks them before all else",
        )

    def _worker(self, event: str, wiring: Wiring) -> PythonFunction:
        state, queue = self._state, self.queues[event].queue
        worker = self._function(event, memory_mib=512, timeout_s=60)
        state.grant_table(worker, "links", "GetItem")
        state.grant_table(worker, "steps", *_WRITES)
        state.grant_table(worker, "waiting", "GetItem", *_WRITES)
        state.grant_table(worker, "attention", *_READS, *_WRITES)
        state.grant_table(worker, "journal", "BatchWriteItem")
        state.grant_table(worker, "control", "GetItem")
        state.grant_table(worker, "config", "Query")
        state.grant_put_payload(worker, "attention")
        state.grant_secrets(worker, wiring.secrets)
        # A worker says itself when a change should come again.
        queue.grant(worker.role, "sqs:ChangeMessageVisibility", "sqs:GetQueueUrl")
        # One at a time: a back office has no half of a batch.
        self._consume(worker, queue, batch_size=1, at_once=workers(event, wiring.workers))
        return worker

    def _waker(self, wiring: Wiring) -> None:
        state = self._state
        waker = self._function("wake", memory_mib=512, timeout_s=60)
        state.grant_table(waker, "waiting", "GetItem", "Query", "DeleteItem")
        state.grant_table(waker, "attention", *_READS, "UpdateItem", "DeleteItem")
        state.grant_table(waker, "control", "GetItem", "PutItem")
        state.grant_table(waker, "config", "Query")
        state.grant_secrets(waker, wiring.secrets)  # it asks either side whether it is back
        self._clock(waker, {self._stage.named("wake"): {}})

    def _poller(self, wiring: Wiring) -> None:
        state = self._state
        poller = self._function("poll_erp", memory_mib=512, timeout_s=60)
        state.grant_table(poller, "links", "GetItem")
        state.grant_table(poller, "control", "GetItem", "PutItem")
        state.grant_table(poller, "config", "Query")
        state.grant_table(poller, "levels", *_READS, *_WRITES, "BatchWriteItem")
        state.grant_table(poller, "attention", *_READS, *_WRITES)  # a code without a mapping
        state.grant_table(poller, "journal", "BatchWriteItem")  # what shadow would send
        state.grant_secrets(poller, wiring.erp_secrets)
        self._clock(
            poller,
            {
                self._stage.named(f"poll-{erp}-{kind}"): {"erp": erp, "kind": kind}
                for erp in wiring.erps
                for kind in POLLED
            },
            nightly={
                self._stage.named(f"sweep-{erp}-{kind}"): (
                    time,
                    {"erp": erp, "kind": kind, "sweep": "yes"},
                )
                for erp in wiring.erps
                for kind, time in SWEPT.items()
            },
        )

    def _undertaker(self) -> None:
        undertaker = self._function("report_dead_letters", memory_mib=256, timeout_s=60)
        self._state.grant_table(undertaker, "attention", "PutItem", "UpdateItem")
        self._state.grant_put_payload(undertaker, "dead-letters")
        for event in EVENTS:
            self._consume(undertaker, self.queues[event].dead, batch_size=10, at_once=2)

    def _clock(
        self,
        function: PythonFunction,
        inputs: Mapping[str, Mapping[str, str]],
        *,
        nightly: Mapping[str, tuple[str, Mapping[str, str]]] | None = None,
    ) -> None:
        """``function`` runs each minute, once for each of ``inputs``; see ``Schedule``."""
        self.schedules[function.folder] = Schedule(
            self,
            f"{_camel(function.folder)}Schedule",
            name=self._stage.named(function.folder),
            function=function,
            rate="rate(1 minute)",
            inputs=inputs,
            nightly=nightly or {},
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
        for event in SENDS.get(folder, ()):
            self._grant_send(self.functions[folder], event)
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
