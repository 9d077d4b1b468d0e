"""A function that is woken by the clock."""

import json
import re
from collections.abc import Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.python_function import PythonFunction


class Schedule(Construct):
    """``function`` at ``rate`` (``rate(1 minute)``), once for each of ``inputs``, by its name.

    Those of ``nightly`` run at times of their own (``cron(…)`` in UTC, or another rate): name →
    (time, input).
    ``dead`` holds what could not be delivered; ``every`` is how many minutes lie between two runs,
    those of the quickest. A run that is missed is not made up for: the next
    one does its work.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        function: PythonFunction,
        rate: str,
        inputs: Mapping[str, Mapping[str, str]],
        nightly: Mapping[str, tuple[str, Mapping[str, str]]],
    ) -> None:
        super().__init__(scope, id_)
        self.dead = sqs.Queue(
            self,
            "Dead",
            queue_name=f"{name}-schedule-dead",
            retention_period=Duration.days(14),
            enforce_ssl=True,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
        )
        acknowledge(self.dead, "AwsSolutions-SQS3", "It is the queue of the dead")
        acknowledge(self.dead, "Serverless-SQSRedrivePolicy", "It is the queue of the dead")
        self._function = function
        self._role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        invoke = iam.Grant.add_to_principal(
            grantee=self._role,
            actions=["lambda:InvokeFunction"],
            resource_arns=[function.alias.function_arn],
        )
        bury = self.dead.grant(self._role, "sqs:SendMessage")
        times = {name: (rate, input_) for name, input_ in inputs.items()} | dict(nightly)
        self.every = min(_every(time) for time, _ in times.values())
        for each, (time, input_) in times.items():
            schedule = self._schedule(each, time, input_)
            # The scheduler tries the role when the schedule is made.
            invoke.apply_before(schedule)
            bury.apply_before(schedule)
        # The scheduler hands over and goes; what fails afterwards is not run again, for the same
        # reason as above.
        function.alias.configure_async_invoke(retry_attempts=0, max_event_age=Duration.seconds(60))
        acknowledge(
            function,
            "Serverless-LambdaAsyncFailureDestination",
            "The next run does the work of one that failed, and an alarm counts those",
        )

    def _schedule(
        self, name: str, expression: str, input_: Mapping[str, str]
    ) -> scheduler.CfnSchedule:
        # The L1 resource: the L2 target would let its role invoke every version of the function.
        return scheduler.CfnSchedule(
            self,
            name,
            name=name,
            schedule_expression=expression,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self._function.alias.function_arn,
                role_arn=self._role.role_arn,
                input=json.dumps(input_, sort_keys=True),
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(
                    arn=self.dead.queue_arn
                ),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=60, maximum_retry_attempts=1
                ),
            ),
        )


def _every(expression: str) -> int:
    """Minutes between two runs of ``rate(…)``; a ``cron(…)`` of ours is a time of each day."""
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if found is None:
        return 24 * 60
    return int(found[1]) * {"minute": 1, "hour": 60, "day": 24 * 60}[found[2]]
