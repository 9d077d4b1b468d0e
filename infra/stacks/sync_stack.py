"""The service: a door, queues, the functions between them, and what each of them may do."""

from collections.abc import Mapping, Sequence

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.fifo_queue import FifoQueue, HintQueue
from infra.constructs.layers import Layers
from infra.constructs.python_function import PythonFunction, Rollout
from infra.constructs.schedule import Schedule
from infra.constructs.state import State
from infra.constructs.webhook_api import WebhookApi
from infra.events import (
    COMPARED,
    EVENTS,
    FROM_ERP,
    FROM_STORE,
    HINT_S,
    HINTED,
    INWARD,
    POLLED,
    PRINTED,
    SEALED,
    SENDS,
    SOLD,
    SWEPT,
    workers,
)
from infra.stages import Stage
from infra.wiring import OWNERS, Wiring

_READS = ("GetItem", "BatchGetItem", "Query")
_WRITES = ("PutItem", "UpdateItem", "DeleteItem")
_WORKER = Duration.seconds(60)


class SyncStack(Stack):
    """A change of one side in, the other agrees: ``functions`` by folder, ``queues`` by event."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        wiring: Wiring,
        key: kms.IKey,
        vpc: ec2.IVpc | None = None,
    ) -> None:
        super().__init__(scope, id_, description="Accord: the service. Holds nothing but queues.")
        self._stage = stage
        self._vpc = vpc
        self._layers = Layers(self, "Layers", config=wiring.compiled)
        self._rollout = Rollout(self, "Rollout", stage=stage)
        self.functions: dict[str, PythonFunction] = {}
        self.schedules: dict[str, Schedule] = {}
        self._state = state = State(self, "State", stage=stage, key=key)
        self.queues = {
            event: FifoQueue(self, _camel(event), name=stage.named(event), consumer_timeout=_WORKER)
            for event in EVENTS
        }
        self._hints = {
            folder: HintQueue(
                self,
                f"{_camel(folder)}Hints",
                name=stage.named(folder),
                delay=Duration.seconds(HINT_S),
                consumer_timeout=_WORKER,
            )
            for folder in HINTED
        }

        self.api = WebhookApi(self, "Webhooks", stage=stage)
        self._receiver(wiring)
        self._erp_receiver(wiring)
        self._key_receiver()
        self._document_server()
        self._checkout(wiring)
        for event in FROM_STORE:
            worker = self._worker(event, wiring, wiring.secrets)
            self._grant_steps(worker)
            self._grant_tokens(worker, wiring)
            state.grant_table(worker, "links", "GetItem", *_WRITES)
            state.grant_table(worker, "control", "PutItem")  # the newest code of an account
            if event != "customer_changed":
                state.grant_table(worker, "levels", *_READS, *_WRITES)  # what an order claims
        for event in FROM_ERP:
            worker = self._worker(event, wiring, wiring.secrets)
            self._grant_steps(worker)
            self._grant_tokens(worker, wiring)
            state.grant_table(worker, "links", "GetItem", "UpdateItem")
            if event in PRINTED:
                state.grant_table(worker, "control", "PutItem")  # what opens a document
                state.grant_documents(worker, "GetObject", "PutObject")
                worker.function.add_environment("ACCORD_PUBLIC_URL", self.api.endpoint)
            else:
                state.grant_table(worker, "links", "PutItem")  # a refund that it makes
                state.grant_table(worker, "control", "PutItem")  # a connection's breaker
        for event in SOLD:
            # A store that owns its catalogue has its products made items of the back office.
            makes_items = event == "product_updated"
            secrets = wiring.secrets if makes_items else wiring.store_secrets
            worker = self._worker(event, wiring, secrets)
            state.grant_table(worker, "control", "PutItem")  # whose turn it is, and how fast
            state.grant_table(worker, "levels", "BatchGetItem", "Query", *_WRITES)
            if makes_items:
                self._grant_steps(worker)
                self._grant_tokens(worker, wiring)
                state.grant_table(worker, "links", "GetItem", *_WRITES)
        self._waker(wiring)
        self._poller(wiring)
        self._store_poller(wiring)
        self._webhook_guard(wiring)
        self._bookkeeper(wiring)
        self._undertaker()
        self._reporter()
        self._sealer()
        self._digester(wiring)
        self._consents(wiring)

        CfnOutput(
            self,
            "WebhookUrl",
            value=f"{self.api.endpoint}/stores/STORE/webhooks",
            description="Delivery URL of a store's webhooks; STORE is its name in accord.toml",
        )
        CfnOutput(
            self,
            "ErpWebhookUrl",
            value=f"{self.api.endpoint}/erps/ERP/webhook",
            description="Where a back office calls that can; ERP is its name in accord.toml",
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

    def _erp_receiver(self, wiring: Wiring) -> None:
        # Xero waits for 5 s, others a little longer. The bad day is the store's receiver's.
        receiver = self._function("receive_erp_webhook", memory_mib=256, timeout_s=25)
        self._state.grant_secrets(receiver, wiring.calling_secrets)
        self.api.post(
            "/erps/{erp}/webhook",
            receiver,
            proof="A back office signs each call; the function checks it before anything else",
        )

    def _key_receiver(self) -> None:
        # A store posts here once, while a person waits for its page.
        receiver = self._function("receive_store_keys", memory_mib=512, timeout_s=25)
        self._state.grant_store_keys(receiver)
        self.api.post(
            "/stores/{store}/keys",
            receiver,
            proof="An operator's secret, good once and for half an hour, comes back with the key",
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
        # A hold is conditional on what it is kept of; what is asked live may close claims in bulk.
        state.grant_table(
            checkout, "levels", *_READS, *_WRITES, "ConditionCheckItem", "BatchWriteItem"
        )
        # A nonce is used once; whether the back office may be asked live, and how often.
        state.grant_table(checkout, "control", "GetItem", "PutItem")
        state.grant_table(checkout, "config", "Query")
        state.grant_secrets(checkout, wiring.secrets)
        self._grant_tokens(checkout, wiring)
        self.api.post(
            "/stores/{store}/availability",
            checkout,
            proof="The store signs time, nonce and body; the function checks them before all else",
        )

    def _worker(self, event: str, wiring: Wiring, secrets: Sequence[str]) -> PythonFunction:
        """The consumer of ``event``, with what all of them need."""
        state, queue = self._state, self.queues[event].queue
        worker = self._function(event, memory_mib=512, timeout_s=60)
        state.grant_table(worker, "waiting", "GetItem", *_WRITES)
        state.grant_table(worker, "attention", *_READS, *_WRITES)
        state.grant_journal(worker)
        state.grant_table(worker, "control", "GetItem")
        state.grant_table(worker, "config", "Query")
        state.grant_put_payload(worker, "attention")
        state.grant_secrets(worker, secrets)
        # A worker says itself when a change should come again.
        queue.grant(worker.role, "sqs:ChangeMessageVisibility", "sqs:GetQueueUrl")
        # One at a time: a back office has no half of a batch.
        self._consume(worker, queue, batch_size=1, at_once=workers(event, wiring.workers))
        return worker

    def _grant_steps(self, worker: PythonFunction) -> None:
        """May remember what it wrote to the other side, before and after."""
        self._state.grant_table(worker, "steps", *_WRITES)

    def _waker(self, wiring: Wiring) -> None:
        state = self._state
        waker = self._function("wake", memory_mib=512, timeout_s=60)
        state.grant_table(waker, "waiting", "GetItem", "Query", "DeleteItem")
        state.grant_table(waker, "attention", *_READS, "UpdateItem", "DeleteItem")
        state.grant_table(waker, "control", "GetItem", "PutItem")
        state.grant_table(waker, "levels", "BatchGetItem")  # are there more of what is waited for
        state.grant_table(waker, "config", "Query")
        state.grant_secrets(waker, wiring.secrets)  # it asks either side whether it is back
        self._grant_tokens(waker, wiring)
        self._clock(waker, {self._stage.named("wake"): {}})

    def _poller(self, wiring: Wiring) -> None:
        state = self._state
        poller = self._function("poll_erp", memory_mib=512, timeout_s=60)
        state.grant_table(poller, "links", "GetItem")
        state.grant_table(poller, "control", "GetItem", "PutItem")
        state.grant_table(poller, "config", "Query")
        state.grant_table(poller, "levels", *_READS, *_WRITES, "BatchWriteItem")
        state.grant_table(poller, "attention", *_READS, *_WRITES)  # a code without a mapping
        state.grant_journal(poller)  # what shadow would send
        state.grant_secrets(poller, wiring.erp_secrets)
        self._grant_tokens(poller, wiring)
        polls = {
            self._stage.named(f"poll-{erp}-{kind}"): (minutes, {"erp": erp, "kind": kind})
            for erp, minutes in wiring.poll_minutes.items()
            for kind in POLLED
        }
        seldom = {
            name: (f"rate({minutes} minutes)", input_)
            for name, (minutes, input_) in polls.items()
            if minutes > 1
        }
        sweeps = {
            self._stage.named(f"sweep-{erp}-{kind}"): (
                time,
                {"erp": erp, "kind": kind, "sweep": "yes"},
            )
            for erp in wiring.erps
            for kind, time in SWEPT.items()
        }
        self._clock(
            poller,
            {name: input_ for name, (_, input_) in polls.items() if name not in seldom},
            nightly=seldom | sweeps,
        )
        self._consume(poller, self._hints[poller.folder].queue, batch_size=1, at_once=2)

    def _store_poller(self, wiring: Wiring) -> None:
        state = self._state
        poller = self._function("poll_store", memory_mib=512, timeout_s=60)
        state.grant_table(poller, "links", "GetItem")
        state.grant_table(poller, "waiting", "GetItem")
        state.grant_table(poller, "attention", *_READS, *_WRITES)  # a page that is not answered
        state.grant_table(poller, "levels", "BatchGetItem")  # what a product should show
        state.grant_table(poller, "control", "GetItem", "PutItem")
        state.grant_table(poller, "config", "Query")
        state.grant_secrets(poller, wiring.store_secrets)
        self._clock(
            poller,
            {self._stage.named(f"poll-store-{name}"): {"store": name} for name in wiring.stores},
            rate="rate(2 minutes)",
        )

    def _webhook_guard(self, wiring: Wiring) -> None:
        state = self._state
        guard = self._function("guard_webhooks", memory_mib=512, timeout_s=60)
        state.grant_table(guard, "control", "GetItem", "PutItem")
        state.grant_table(guard, "config", "Query")
        state.grant_table(guard, "attention", *_READS, "PutItem", "UpdateItem", "DeleteItem")
        state.grant_journal(guard)
        state.grant_secrets(guard, wiring.store_secrets)
        guard.function.add_environment("ACCORD_PUBLIC_URL", self.api.endpoint)
        self._clock(
            guard,
            {self._stage.named(f"guard-{name}"): {"store": name} for name in wiring.stores},
            rate="rate(5 minutes)",
        )

    def _bookkeeper(self, wiring: Wiring) -> None:
        state = self._state
        bookkeeper = self._function("reconcile", memory_mib=1024, timeout_s=60)
        # A lost link is written anew; everything else is another function's to mend.
        state.grant_table(bookkeeper, "links", "GetItem", "BatchGetItem", *_WRITES)
        state.grant_table(bookkeeper, "waiting", "GetItem")
        state.grant_table(bookkeeper, "attention", *_READS, *_WRITES)  # a login that is refused
        state.grant_table(bookkeeper, "control", "GetItem", "PutItem")
        state.grant_table(bookkeeper, "config", "Query")
        state.grant_table(bookkeeper, "levels", "BatchGetItem", "Query", *_WRITES, "BatchWriteItem")
        state.grant_reports(bookkeeper)
        state.grant_secrets(bookkeeper, wiring.secrets)
        self._grant_tokens(bookkeeper, wiring)
        self._clock(
            bookkeeper,
            {self._stage.named(f"reconcile-{name}"): {"store": name} for name in wiring.stores},
            nightly={
                self._stage.named(f"reconcile-{name}-begin"): (
                    COMPARED,
                    {"store": name, "begin": "yes"},
                )
                for name in wiring.stores
            },
        )

    def _undertaker(self) -> None:
        undertaker = self._function("report_dead_letters", memory_mib=256, timeout_s=60)
        self._state.grant_table(undertaker, "attention", "PutItem", "UpdateItem")
        self._state.grant_put_payload(undertaker, "dead-letters")
        for event in EVENTS:
            self._consume(undertaker, self.queues[event].dead, batch_size=10, at_once=2)

    def _reporter(self) -> None:
        # It reads what waits and what is open, and of each bounded many.
        state = self._state
        reporter = self._function("report_backlog", memory_mib=512, timeout_s=50)
        state.grant_table(reporter, "waiting", "GetItem", "Query", "DeleteItem")
        state.grant_table(reporter, "attention", "BatchGetItem", "Query")
        state.grant_table(reporter, "links", "GetItem")
        state.grant_table(reporter, "levels", "BatchGetItem", "Query")
        state.grant_table(reporter, "control", "GetItem")
        state.grant_table(reporter, "config", "Query")
        self._clock(reporter, {self._stage.named("report_backlog"): {}})

    def _sealer(self) -> None:
        # A million stories are some ten seconds of reading; nights that were missed come on top.
        sealer = self._function("seal_journal", memory_mib=512, timeout_s=600)
        self._state.grant_table(sealer, "journal", "Query")
        self._state.grant_seals(sealer)
        name = self._stage.named("seal_journal")
        self._clock(sealer, {}, nightly={name: (SEALED, {})})

    def _digester(self, wiring: Wiring) -> None:
        digester = self._function("send_digest", memory_mib=256, timeout_s=60)
        self._state.grant_table(digester, "attention", "Query", "BatchGetItem")
        self._state.grant_table(digester, "control", "GetItem", "PutItem")  # whom it told today
        self._state.grant_topics(digester, OWNERS)
        name = self._stage.named("send_digest")
        hour, minute = wiring.digest_at.split(":")
        daily = f"cron({int(minute)} {int(hour)} * * ? *)"
        self._clock(digester, {}, nightly={name: (daily, {})})

    def _consents(self, wiring: Wiring) -> None:
        """Where no back office lets us in by OAuth, nothing calls them, and they may do nothing."""
        state = self._state
        # On a bad day the provider takes 10 s twice; API Gateway waits for 30 s.
        authorize = self._function("authorize", memory_mib=512, timeout_s=29)
        tender = self._function("refresh_tokens", memory_mib=512, timeout_s=300)
        if not wiring.oauth:
            return
        state.grant_table(authorize, "tokens", "GetItem", "PutItem", "UpdateItem")
        state.grant_table(authorize, "control", "GetItem", "PutItem")  # closes the breaker
        state.grant_secrets(authorize, wiring.oauth_secrets)
        authorize.function.add_environment("ACCORD_PUBLIC_URL", self.api.endpoint)
        proof = "A one-time link of an operator, then a state bound to the same browser"
        for path in ("authorize", "callback"):
            self.api.get(f"/erps/{{erp}}/{path}", authorize, proof=proof)
        self.api.post("/erps/{erp}/authorize", authorize, proof=proof)  # a form, which spends it
        state.grant_table(tender, "tokens", "GetItem", "UpdateItem")
        state.grant_table(tender, "waiting", "GetItem")  # whether work asks for the same
        state.grant_table(tender, "control", "GetItem")  # and whether it is turned down
        state.grant_table(tender, "attention", *_READS, "PutItem", "UpdateItem", "DeleteItem")
        state.grant_secrets(tender, wiring.oauth_secrets)
        # A lost answer is made good within the provider's grace, which is half an hour.
        name = self._stage.named("refresh_tokens")
        self._clock(tender, {name: {}}, rate="rate(5 minutes)")

    def _grant_tokens(self, function: PythonFunction, wiring: Wiring) -> None:
        """Speaks to a back office: may read its tokens, and renew them."""
        if wiring.oauth:
            self._state.grant_table(function, "tokens", "GetItem", "UpdateItem")

    def _clock(
        self,
        function: PythonFunction,
        inputs: Mapping[str, Mapping[str, str]],
        *,
        rate: str = "rate(1 minute)",
        nightly: Mapping[str, tuple[str, Mapping[str, str]]] | None = None,
    ) -> None:
        """``function`` runs at ``rate``, once for each of ``inputs``; see ``Schedule``."""
        self.schedules[function.folder] = Schedule(
            self,
            f"{_camel(function.folder)}Schedule",
            name=self._stage.named(function.folder),
            function=function,
            rate=rate,
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
            vpc=None if folder in INWARD else self._vpc,
        )
        for event in SENDS.get(folder, ()):
            self._grant_send(self.functions[folder], event)
        return self.functions[folder]

    def _grant_send(self, function: PythonFunction, event: str) -> None:
        queue = (self._hints if event in HINTED else self.queues)[event].queue
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
