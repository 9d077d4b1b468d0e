"""A folder of functions/, deployed."""

from collections.abc import Mapping

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import ROOT
from infra.constructs.acknowledge import acknowledge
from infra.constructs.layers import ARCHITECTURE, RUNTIME, Layers
from infra.stages import Stage


class Rollout(Construct):
    """How a new version takes over: as the stage says, and back again while its alarm rings."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage) -> None:
        super().__init__(scope, id_)
        self._config = stage.rollout
        self._application = codedeploy.LambdaApplication(self, "Application")
        self._role = iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com")
        )
        acknowledge(
            self._role,
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
            "AWSCodeDeployRoleForLambdaLimited]",
            "CodeDeploy's own policy, kept by AWS; CDK attaches it to whatever role is given",
        )

    def of(self, alias: lambda_.Alias, *, stops_at: cloudwatch.IAlarm) -> None:
        """``alias`` moves to a new version gradually, and back when ``stops_at`` rings."""
        codedeploy.LambdaDeploymentGroup(
            alias,
            "Rollout",
            application=self._application,
            role=self._role,
            alias=alias,
            deployment_config=self._config,
            alarms=[stops_at],
        )


class PythonFunction(Construct):
    """``functions/<folder>``; callers call ``alias``, so that a bad version can be taken back.

    The role starts with its own log group and X-Ray and gets the rest by grants. What a function is
    told of the world (ACCORD_TABLES, ACCORD_QUEUES, …) is told by ``tell``, beside the grant.
    """

    def __init__(
        self,
        scope: Construct,
        folder: str,
        *,
        stage: Stage,
        layers: Layers,
        rollout: Rollout,
        memory_mib: int,
        timeout: Duration,
        vpc: ec2.IVpc | None = None,
    ) -> None:
        super().__init__(scope, folder)
        self.folder = folder
        self.name = stage.named(folder)
        self._told: dict[str, dict[str, str]] = {}
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{self.name}",
            retention=stage.log_retention,
            removal_policy=stage.logs_removal,
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(self.role)
        if vpc is not None:
            self._grant_network()
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=self.name,
            code=lambda_.Code.from_asset(
                str(ROOT / "functions" / folder), exclude=["__pycache__", "*.pyc"]
            ),
            handler="handler.lambda_handler",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            layers=list(layers.all),
            memory_size=memory_mib,
            timeout=timeout,
            role=self.role,
            vpc=vpc,
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
            environment={
                "ACCORD_STAGE": stage.name,
                "ACCORD_CONFIG": "/opt/accord.json",
                "ACCORD_TABLES": "{}",
                "ACCORD_QUEUES": "{}",
                "ACCORD_TOPICS": "{}",
                "ACCORD_BUCKET": "",
                "ACCORD_AUDIT_BUCKET": "",
                "ACCORD_PUBLIC_URL": "",
                "POWERTOOLS_SERVICE_NAME": folder,
                "POWERTOOLS_METRICS_NAMESPACE": "Accord",
                "POWERTOOLS_LOG_LEVEL": "INFO",
            },
        )
        self.alias = lambda_.Alias(
            self, "Live", alias_name="live", version=self.function.current_version
        )
        rollout.of(self.alias, stops_at=self._failing())
        acknowledge(
            self,
            "AwsSolutions-IAM5[Resource::*]",
            "X-Ray's actions know no narrower resource",
        )
        acknowledge(
            self,
            "Serverless-LambdaDLQ",
            "The caller keeps what failed: the queue, or the store that is answered 5xx; what the "
            "clock starts is done by its next run",
        )
        for rule in ("AwsSolutions-L1", "Serverless-LambdaLatestVersion"):
            acknowledge(self, rule, "The wheels are locked for 3.13; a runtime changes by a commit")

    def _grant_network(self) -> None:
        """What Lambda itself does in the function's role; its code may not.

        Source: AWS Lambda, "Giving Lambda functions access to resources in an Amazon VPC".
        """
        actions = [
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ]
        own = Stack.of(self).format_arn(
            service="lambda",
            resource="function",
            resource_name=self.name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        for effect, conditions in (
            (iam.Effect.ALLOW, {}),
            (iam.Effect.DENY, {"ArnEquals": {"lambda:SourceFunctionArn": [own]}}),
        ):
            self.role.add_to_policy(
                iam.PolicyStatement(
                    effect=effect, actions=actions, resources=["*"], conditions=conditions
                )
            )

    def tell(self, variable: str, entries: Mapping[str, str]) -> None:
        """Adds ``entries`` to the JSON object in the environment's ``variable``."""
        told = self._told.setdefault(variable, {})
        told.update(entries)
        # Token-aware: a queue's URL is known only to CloudFormation.
        self.function.add_environment(variable, Stack.of(self).to_json_string(told))

    def _failing(self) -> cloudwatch.Alarm:
        version = self.function.current_version.version
        return cloudwatch.Alarm(
            self,
            "Failing",
            # A name per version, so a new alarm, which does not yet ring. One over both versions
            # would still ring for the old one's errors, and stop the very release that mends them.
            alarm_name=f"{self.name}-rollout-{version}",
            alarm_description=f"{self.folder}'s new version fails. Read by CodeDeploy alone, which "
            "then goes back to the version before.",
            metric=cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name="Errors",
                dimensions_map={
                    "FunctionName": self.function.function_name,
                    "Resource": f"{self.function.function_name}:live",
                    "ExecutedVersion": version,
                },
                period=Duration.minutes(1),
                statistic="Sum",
            ),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=(cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD),
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
