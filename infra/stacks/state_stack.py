"""What outlives everything else: tables, payloads, secrets and their key."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.state import TABLES, audit_bucket_name, payload_bucket_name
from infra.stages import Stage
from infra.wiring import Wiring

KEPT_DAYS = {"attention": 365, "dead-letters": 365, "documents": 365, "reports": 400}
"""How long what is in each folder of the payloads stays. A year for the auditors: a payload holds a
customer's data and then has to go. A report holds none, and the year's close needs the last one."""


class StateStack(Stack):
    """Everything here has a fixed name and stays when its stack goes.

    Other stacks find it by name (``constructs.state.State``) and import only ``key``: a store can
    leave accord.toml without one stack holding on to what another wants to give up.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, wiring: Wiring) -> None:
        super().__init__(
            scope, id_, description="Accord: tables, payloads and secrets. Delete nothing here."
        )
        self.key = kms.Key(
            self,
            "Key",
            alias=stage.named("state"),
            description=f"Accord {stage.name}: tables, payloads, secrets and alarm topics",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        for name in TABLES:
            self._table(name, stage)
        logs = self._access_logs()
        self._payloads(stage, logs)
        self._seals(stage, logs, keep_days=wiring.watch.audit_days)
        for name in wiring.secrets:
            self._secret(name, stage)

    def _table(self, name: str, stage: Stage) -> None:
        dynamodb.Table(
            self,
            name.capitalize(),
            table_name=stage.named(name),
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
            time_to_live_attribute="expires_at",  # a broom only: every reader checks it itself
        )

    def _access_logs(self) -> s3.Bucket:
        logs = s3.Bucket(
            self,
            "PayloadLogs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            encryption=s3.BucketEncryption.S3_MANAGED,  # log delivery writes under no other key
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(90))],
            removal_policy=RemovalPolicy.RETAIN,
        )
        acknowledge(logs, "AwsSolutions-S1", "It is where access to the other buckets is logged")
        return logs

    def _payloads(self, stage: Stage, logs: s3.IBucket) -> None:
        s3.Bucket(
            self,
            "Payloads",
            bucket_name=payload_bucket_name(self, stage),
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=Duration.days(30),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                ),
                # Of two rules the shorter one would win, so each folder has one of its own.
                *(
                    s3.LifecycleRule(prefix=f"{folder}/", expiration=Duration.days(days))
                    for folder, days in KEPT_DAYS.items()
                ),
            ],
            server_access_logs_bucket=logs,
            removal_policy=RemovalPolicy.RETAIN,
        )

    def _seals(self, stage: Stage, logs: s3.IBucket, *, keep_days: int) -> None:
        """What was sealed of the journal: nobody changes it, or deletes it before its time."""
        lock = {
            "GOVERNANCE": s3.ObjectLockRetention.governance,
            "COMPLIANCE": s3.ObjectLockRetention.compliance,
        }[stage.audit_lock]
        s3.Bucket(
            self,
            "Audit",
            bucket_name=audit_bucket_name(self, stage),
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=lock(Duration.days(keep_days)),
            # What nobody can be asked for any more goes by itself.
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(keep_days + 30),
                    noncurrent_version_expiration=Duration.days(1),
                )
            ],
            server_access_logs_bucket=logs,
            server_access_logs_prefix="audit/",
            removal_policy=RemovalPolicy.RETAIN,
        )

    def _secret(self, name: str, stage: Stage) -> None:
        secret = secretsmanager.Secret(
            self,
            f"Secret-{name}",
            secret_name=stage.secret_name(name),
            description=f"Accord {stage.name}: {name} of accord.toml. Put its value by hand.",
            encryption_key=self.key,
            removal_policy=RemovalPolicy.RETAIN,
        )
        # Empty until a person fills it. Else CloudFormation makes one up, and a wrong secret says
        # "forged" or "unauthorised" where a missing one says what is missing.
        resource = secret.node.default_child
        assert isinstance(resource, secretsmanager.CfnSecret)
        resource.add_property_deletion_override("GenerateSecretString")
        acknowledge(
            secret,
            "AwsSolutions-SMG4",
            "The other system issues it; a store's webhook secret is rotated by listing two",
        )
