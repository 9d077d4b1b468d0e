"""Who is told of what, and what to do about it."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.bell import BELOW, SILENCE, Bell
from infra.constructs.dashboard import Dashboard
from infra.constructs.log_queries import LogQueries
from infra.constructs.metrics import of_api, of_function, ours, queue_age, queue_length
from infra.constructs.store_alarms import store_alarms
from infra.stages import Stage
from infra.wiring import OWNERS, Wiring

_MISSED = {
    "wake": "Nothing wakes what waits",
    "poll_erp": "Nobody asks the back office what changed",
    "poll_store": "Nobody asks the stores what no webhook told",
    "guard_webhooks": "Nobody looks whether the stores' webhooks are there",
    "reconcile": "Nobody compares both sides",
    "report_backlog": "Nobody looks how long things wait, so no alarm on lateness can ring",
    "seal_journal": "Nobody seals what the journal told",
    "send_digest": "Nobody is sent the daily list",
    "refresh_tokens": "Nobody renews the logins before they lapse",
}


class AlarmsStack(Stack):
    """An alarm on each thing that a person must act on, to the topic of who that is.

    ``schedules`` is by function, how many minutes lie between two runs.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        wiring: Wiring,
        key: kms.IKey,
        folders: Sequence[str],
        events: Sequence[str],
        schedules: Mapping[str, int],
        api_id: str,
    ) -> None:
        super().__init__(scope, id_, description="Accord: alarms, and a topic for each owner.")
        self._stage = stage
        mails = wiring.watch.mails
        self.topics = {owner: self._topic(owner, mails.get(owner), key) for owner in OWNERS}
        self._bell = Bell(self, stage, self.topics, wiring.watch.runbooks)
        self._whole()
        for store in wiring.stores:
            store_alarms(self._bell, store, watch=wiring.watch)
        for event in events:
            self._queue(event)
        for folder in folders:
            self._function(folder)
        for folder, minutes in schedules.items():
            self._clock(folder, minutes)
        self._door(api_id)
        Dashboard(
            self,
            "Dashboard",
            stage=stage,
            stores=wiring.stores,
            erps=wiring.erps,
            events=events,
            folders=folders,
            api_id=api_id,
            alarms=self._shown(),
        )
        LogQueries(self, "Queries", stage=stage, folders=folders)

    def _whole(self) -> None:
        """What is of no store, or of all."""
        self._bell.ring(
            "dead-letters",
            "ops",
            runbook="dead-letters",
            metric=ours("DeadLetters", stage=self._stage.name),
            threshold=1,
            todo="A change killed its worker six times and is on the attention list. "
            "`accord attention list` shows it; mend the cause, then `accord attention replay`.",
        )
        self._bell.ring(
            "erp-news-late",
            "ops",
            runbook="erp-news-late",
            metric=ours("ErpPollsBehind", stage=self._stage.name),
            threshold=5,
            periods=12,  # an hour: a back office that is backed up at night rings for nobody
            todo="A back office is not read to its end: it does not answer, or it changes faster "
            "than it is read. Shipments, invoices and changes reach the store late; nothing is "
            "lost. The log of poll_erp says which, and how far behind.",
        )
        self._bell.ring(
            "erp-rejected",
            "ops",
            runbook="erp-webhooks-rejected",
            # A back office switches a webhook off that is refused for long, and a small shop's
            # calls are few: so what counts is that they go on. A probe is over within a quarter of
            # an hour, and so is the setting up, which sends bad ones on purpose.
            metric=ours("ErpWebhooksRejected", period=Duration.minutes(15), stage=self._stage.name),
            threshold=1,
            periods=24,
            needed=3,
            todo="Calls in a back office's name do not pass. Either somebody forges them, or the "
            f"key that it signs with is not among the webhook_keys of its secret in "
            f"{self._stage.name}. The log of receive_erp_webhook says which; what changed there is "
            "read by the poll meanwhile.",
        )
        self._bell.ring(
            "tokens-unrenewed",
            "ops",
            runbook="tokens-unrenewed",
            metric=ours("TokensUnrenewed", stage=self._stage.name),
            threshold=1,
            periods=3,  # a provider that is away for some minutes rings for nobody
            todo="The access to a back office could not be renewed for a quarter of an hour. Soon "
            "nothing can be written there, and orders wait. The logs of refresh_tokens and "
            "poll_erp say which, and whether a person must allow it again: `accord connect ERP`.",
        )
        self._bell.ring(
            "polls-late",
            "ops",
            runbook="polls-late",
            metric=ours("CursorAgeSeconds", statistic="Maximum", stage=self._stage.name),
            threshold=1800,
            periods=2,
            todo="A store or a back office has not been asked for half an hour what changed there. "
            "The log of report_backlog names which; its schedule may be gone or paused.",
        )
        self._bell.ring(
            "oversold",
            "warehouse",
            "commerce",
            runbook="oversold",
            metric=ours("OversoldUnits", stage=self._stage.name),
            threshold=1,
            todo="More pieces are sold than there are. The log of poll_erp says of which item; "
            "order more or tell the customers, and give the item a larger buffer.",
        )
        self._bell.ring(
            "journal-unsealed",
            "ops",
            runbook="journal-unsealed",
            metric=ours(
                "JournalUnsealedSeconds",
                statistic="Maximum",
                period=Duration.hours(1),
                stage=self._stage.name,
            ),
            threshold=36 * 3600,
            todo="What the journal told the day before yesterday is not sealed yet, so a change "
            "of it could not be proved. The log of seal_journal says why.",
        )

    def _queue(self, event: str) -> None:
        queue = self._stage.named(event)
        self._bell.ring(
            f"{event}-late",
            "ops",
            "commerce",
            runbook="queue-late",
            metric=queue_age(f"{queue}.fifo"),
            threshold=self._stage.late_s,
            todo=f"Changes wait in {queue}.fifo and are not handled. See the log of its "
            "function; Errors and Throttles say why. Nothing is lost for 14 days.",
        )
        self._bell.ring(
            f"{event}-dead-late",
            "ops",
            runbook="dead-letters-stay",
            metric=queue_age(f"{queue}-dead.fifo"),
            threshold=900,
            todo=f"Dead letters stay in {queue}-dead.fifo: report_dead_letters does not empty "
            "it. See its log. They are lost after 14 days.",
        )

    def _function(self, folder: str) -> None:
        function = self._stage.named(folder)
        self._bell.ring(
            f"{folder}-errors",
            "ops",
            runbook="function-errors",
            metric=of_function("Errors", function),
            threshold=1,
            todo=f"{folder} crashed, ran out of time or could not start. See the log group "
            f"/aws/lambda/{function}. If a new version is at fault, deploy the one before.",
        )
        self._bell.ring(
            f"{folder}-throttles",
            "ops",
            runbook="function-throttled",
            metric=of_function("Throttles", function),
            threshold=1,
            todo=f"AWS did not start {folder}: the account's limit of concurrent executions "
            "is reached. Raise it, or find what uses it up.",
        )

    def _clock(self, folder: str, minutes: int) -> None:
        # Two runs in a row that are missing. CloudWatch looks back a day at most, and a week where
        # a period is an hour or more.
        period = Duration.minutes(5) if minutes <= 5 else Duration.hours(1)
        of_period = 5 if minutes <= 5 else 60
        periods = 2 if minutes <= 5 else max(2, -(-minutes // of_period) + 2)
        missed = _MISSED.get(folder, f"Nobody does what {folder} does")
        self._bell.ring(
            f"{folder}-silent",
            "ops",
            runbook="schedule-silent",
            metric=of_function("Invocations", self._stage.named(folder), period=period),
            threshold=1,
            when=BELOW,
            missing=SILENCE,
            periods=periods,
            todo=f"{missed}: {folder} did not run for {_duration(periods * of_period)}, and it "
            f"should every {_duration(minutes)}. Are the schedules of {folder} there and enabled?",
        )
        dead = f"{self._stage.named(folder)}-schedule-dead"
        self._bell.ring(
            f"{folder}-undelivered",
            "ops",
            runbook="schedule-undelivered",
            metric=queue_length(dead),
            threshold=1,
            todo=f"The scheduler could not call {folder}. Each message says why; purge the "
            f"queue {dead} once that is mended, the next run does the work.",
        )

    def _door(self, api_id: str) -> None:
        self._bell.ring(
            "webhooks-failing",
            "ops",
            runbook="webhooks-failing",
            metric=of_api("5xx", api_id),
            threshold=3,
            todo="Stores or back offices were answered 5xx; after seven in a row a store switches "
            "its webhook off. See the logs of receive_store_webhook and receive_erp_webhook, and "
            f"/aws/apigateway/{self._stage.named('webhooks')}.",
        )

    def _shown(self) -> list[cloudwatch.IAlarm]:
        """All of them in the order of their making; those that only serve another are left out."""
        return [
            alarm
            for alarm in self.node.children
            if isinstance(alarm, cloudwatch.AlarmBase) and not alarm.node.id.endswith("-part")
        ]

    def _topic(self, owner: str, mail: str | None, key: kms.IKey) -> sns.Topic:
        topic = sns.Topic(
            self,
            owner.capitalize(),
            topic_name=self._stage.named(owner),
            display_name=f"Accord {self._stage.name}: {owner}",
            master_key=key,
            enforce_ssl=True,
        )
        topic.grant_publish(
            iam.ServicePrincipal(
                "cloudwatch.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        if mail is not None:
            topic.add_subscription(subscriptions.EmailSubscription(mail))
            acknowledge(
                topic,
                "Serverless-SNSRedrivePolicy",
                "A mail that bounces helps nobody in a queue; the alarm itself stays in alarm",
            )
        return topic


def _duration(minutes: int) -> str:
    if minutes == 1:
        return "minute"
    if minutes < 120:
        return f"{minutes} minutes"
    if minutes == 24 * 60:
        return "day"
    return f"{minutes // 60} hours"
