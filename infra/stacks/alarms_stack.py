"""Who is told of what, and what to do about it."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.stages import Stage
from infra.wiring import OWNERS, Wiring

_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
_MISSED = {
    "wake": "Nothing wakes what waits",
    "poll_erp": "Nobody asks the back office what changed",
}


class AlarmsStack(Stack):
    """An alarm on each thing that a person must act on, to the topic of who that is."""

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
        scheduled: Sequence[str],
        api_id: str,
    ) -> None:
        super().__init__(scope, id_, description="Accord: alarms, and a topic for each owner.")
        self._stage = stage
        self._topics = {owner: self._topic(owner, wiring.mails.get(owner), key) for owner in OWNERS}

        self._alarm(
            "dead-letters",
            "ops",
            metric=_ours("DeadLetters", stage=stage.name),
            threshold=1,
            todo="A change killed its worker six times and is on the attention list. "
            "`accord attention list` shows it; mend the cause, then `accord attention replay`.",
        )
        for store in wiring.stores:
            self._alarm(
                f"store-{store}-attention",
                "commerce",
                "finance",
                "warehouse",
                "ops",  # a password that is refused is theirs
                metric=_ours("ChangesAttention", stage=stage.name, store=store),
                threshold=1,
                todo=f"Something of {store} needs a person before it can go on. "
                "`accord attention list` says which, why, whose turn it is and what to do.",
            )
            self._alarm(
                f"store-{store}-rejected",
                "ops",
                metric=_ours("WebhooksRejected", stage=stage.name, store=store),
                threshold=5,
                todo=f"Deliveries for {store} do not pass. Either somebody forges them, or the "
                f"webhook's secret in the store is not the one in {stage.name}'s secrets, or "
                "allowed_sources lacks an address. The receiver's log says which.",
            )
        for event in events:
            queue = stage.named(event)
            self._alarm(
                f"{event}-late",
                "ops",
                "commerce",
                metric=_age(f"{queue}.fifo"),
                threshold=stage.late_s,
                todo=f"Changes wait in {queue}.fifo and are not handled. See the log of its "
                "function; Errors and Throttles say why. Nothing is lost for 14 days.",
            )
            self._alarm(
                f"{event}-dead-late",
                "ops",
                metric=_age(f"{queue}-dead.fifo"),
                threshold=900,
                todo=f"Dead letters stay in {queue}-dead.fifo: report_dead_letters does not empty "
                "it. See its log. They are lost after 14 days.",
            )
        for folder in folders:
            function = stage.named(folder)
            self._alarm(
                f"{folder}-errors",
                "ops",
                metric=_lambda("Errors", function),
                threshold=1,
                todo=f"{folder} crashed, ran out of time or could not start. See the log group "
                f"/aws/lambda/{function}. If a new version is at fault, deploy the one before.",
            )
            self._alarm(
                f"{folder}-throttles",
                "ops",
                metric=_lambda("Throttles", function),
                threshold=1,
                todo=f"AWS did not start {folder}: the account's limit of concurrent executions "
                "is reached. Raise it, or find what uses it up.",
            )
        for folder in scheduled:
            self._alarm(
                f"{folder}-silent",
                "ops",
                metric=_lambda("Invocations", stage.named(folder)),
                threshold=1,
                when=_BELOW,
                missing=cloudwatch.TreatMissingData.BREACHING,
                periods=2,
                todo=f"{_MISSED[folder]}: {folder} did not run for ten minutes, and it should each "
                f"minute. Are the schedules of {folder} there and enabled?",
            )
            dead = f"{stage.named(folder)}-schedule-dead"
            self._alarm(
                f"{folder}-undelivered",
                "ops",
                metric=_sqs("ApproximateNumberOfMessagesVisible", dead),
                threshold=1,
                todo=f"The scheduler could not call {folder}. Each message says why; purge the "
                f"queue {dead} once that is mended, the next run does the work.",
            )
        self._alarm(
            "erp-news-late",
            "ops",
            metric=_ours("ErpPollsBehind", stage=stage.name),
            threshold=5,
            periods=12,  # an hour: a back office that is backed up at night rings for nobody
            todo="A back office is not read to its end: it does not answer, or it changes faster "
            "than it is read. Shipments, invoices and changes reach the store late; nothing is "
            "lost. The log of poll_erp says which, and how far behind.",
        )
        self._alarm(
            "webhooks-failing",
            "ops",
            metric=cloudwatch.Metric(
                namespace="AWS/ApiGateway",
                metric_name="5xx",
                dimensions_map={"ApiId": api_id},
                statistic="Sum",
                period=Duration.minutes(5),
            ),
            threshold=3,
            todo="Stores were answered 5xx; after seven in a row a store switches its webhook "
            "off. See the log of receive_store_webhook, and "
            f"/aws/apigateway/{stage.named('webhooks')}.",
        )

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

    def _alarm(
        self,
        name: str,
        *owners: str,
        metric: cloudwatch.Metric,
        threshold: float,
        todo: str,
        when: cloudwatch.ComparisonOperator = _AT_LEAST,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
        periods: int = 1,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=self._stage.named(name),
            alarm_description=todo,
            metric=metric,
            threshold=threshold,
            comparison_operator=when,
            evaluation_periods=periods,
            treat_missing_data=missing,
        )
        for owner in owners:
            alarm.add_alarm_action(actions.SnsAction(self._topics[owner]))


def _ours(metric: str, **dimensions: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="Accord",
        metric_name=metric,
        dimensions_map=dimensions,
        statistic="Sum",
        period=Duration.minutes(5),
    )


def _age(queue: str) -> cloudwatch.Metric:
    return _sqs("ApproximateAgeOfOldestMessage", queue)


def _sqs(metric: str, queue: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/SQS",
        metric_name=metric,
        dimensions_map={"QueueName": queue},
        statistic="Maximum",
        period=Duration.minutes(5),
    )


def _lambda(metric: str, function: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name=metric,
        dimensions_map={"FunctionName": function},
        statistic="Sum",
        period=Duration.minutes(5),
    )
