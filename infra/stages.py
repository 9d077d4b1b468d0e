"""What differs between dev, staging and prod, and nothing else."""

from dataclasses import dataclass
from typing import Literal

from aws_cdk import RemovalPolicy
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_logs as logs


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One deployment of everything. State is kept in every stage, so that is no field here.

    ``requests_per_second`` is the API's throttle: about ten times the busiest minute we expect.
    ``late_s`` is how old a change in a queue may get before somebody is told. Under ``audit_lock``
    COMPLIANCE nobody deletes a seal before its time, under GOVERNANCE those who may overrule it.
    """

    name: str
    prod: bool
    logs_removal: RemovalPolicy
    log_retention: logs.RetentionDays
    requests_per_second: int
    late_s: int
    rollout: codedeploy.ILambdaDeploymentConfig
    audit_lock: Literal["GOVERNANCE", "COMPLIANCE"] = "GOVERNANCE"

    def named(self, name: str) -> str:
        """``name`` in this stage: ``accord-dev-links``. Fixed, so data outlives its stack."""
        return f"accord-{self.name}-{name.replace('_', '-')}"

    def secret_name(self, name: str) -> str:
        """What accord.toml calls ``store/uk`` is ``accord/dev/store/uk`` in Secrets Manager."""
        return f"accord/{self.name}/{name}"


_ALL = (
    Stage(
        name="dev",
        prod=False,
        logs_removal=RemovalPolicy.DESTROY,
        log_retention=logs.RetentionDays.ONE_WEEK,
        requests_per_second=20,
        late_s=3600,
        rollout=codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE,
    ),
    Stage(
        name="staging",
        prod=False,
        logs_removal=RemovalPolicy.DESTROY,
        log_retention=logs.RetentionDays.ONE_MONTH,
        requests_per_second=50,
        late_s=900,
        rollout=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
    ),
    Stage(
        name="prod",
        prod=True,
        # A first deployment that fails leaves no names behind, or the second one meets them.
        logs_removal=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        log_retention=logs.RetentionDays.THREE_MONTHS,
        requests_per_second=50,
        late_s=900,
        rollout=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
        audit_lock="COMPLIANCE",
    ),
)

STAGES = {stage.name: stage for stage in _ALL}
