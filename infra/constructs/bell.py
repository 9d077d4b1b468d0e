"""An alarm with an owner, a remedy and a runbook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.stages import Stage

AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
QUIET = cloudwatch.TreatMissingData.NOT_BREACHING
SILENCE = cloudwatch.TreatMissingData.BREACHING


@dataclass(frozen=True, slots=True)
class Bell:
    """Makes alarms in ``scope``. ``topics`` is one per owner; ``runbooks`` is where those lie."""

    scope: Construct
    stage: Stage
    topics: Mapping[str, sns.ITopic]
    runbooks: str

    def ring(
        self,
        name: str,
        *owners: str,
        runbook: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        todo: str,
        when: cloudwatch.ComparisonOperator = AT_LEAST,
        missing: cloudwatch.TreatMissingData = QUIET,
        periods: int = 1,
        needed: int | None = None,
    ) -> cloudwatch.Alarm:
        """Tells ``owners`` when ``metric`` is beyond ``threshold`` in ``needed`` of ``periods``, or
        in all of them."""
        alarm = cloudwatch.Alarm(
            self.scope,
            name,
            alarm_name=self.stage.named(name),
            alarm_description=self._described(todo, runbook),
            metric=metric,
            threshold=threshold,
            comparison_operator=when,
            evaluation_periods=periods,
            datapoints_to_alarm=needed,
            treat_missing_data=missing,
        )
        self._tell(alarm, owners)
        return alarm

    def unusual(
        self,
        name: str,
        *owners: str,
        runbook: str,
        metric: cloudwatch.IMetric,
        deviations: float,
        periods: int,
        todo: str,
    ) -> cloudwatch.AlarmBase:
        """Tells ``owners`` when ``metric`` is above what it was at such times, by so many standard
        deviations, in all of ``periods``. CloudWatch learns from two weeks."""
        alarm = cloudwatch.AnomalyDetectionAlarm(
            self.scope,
            name,
            alarm_name=self.stage.named(name),
            alarm_description=self._described(todo, runbook),
            metric=metric,
            std_devs=deviations,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_UPPER_THRESHOLD,
            treat_missing_data=QUIET,
        )
        self._tell(alarm, owners)
        return alarm

    def together(
        self,
        name: str,
        *owners: str,
        runbook: str,
        rule: str,
        parts: Sequence[cloudwatch.IAlarm],
        todo: str,
    ) -> cloudwatch.CompositeAlarm:
        """Tells ``owners`` when all of ``parts`` (``rule`` AND) or any of them (OR) ring."""
        names = f" {rule} ".join(f'ALARM("{self.stage.named(part.node.id)}")' for part in parts)
        alarm = cloudwatch.CompositeAlarm(
            self.scope,
            name,
            composite_alarm_name=self.stage.named(name),
            alarm_description=self._described(todo, runbook),
            alarm_rule=cloudwatch.AlarmRule.from_string(names),
        )
        alarm.node.add_dependency(*parts)
        self._tell(alarm, owners)
        return alarm

    def _described(self, todo: str, runbook: str) -> str:
        return f"{todo} Runbook: {self.runbooks}/{runbook}.md"

    def _tell(self, alarm: cloudwatch.AlarmBase, owners: Sequence[str]) -> None:
        for owner in owners:
            alarm.add_alarm_action(actions.SnsAction(self.topics[owner]))
