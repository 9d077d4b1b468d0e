"""What the state stack keeps, found by name, and leave to use it."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.python_function import PythonFunction
from infra.stages import Stage

TABLES = (
    *("links", "steps", "waiting", "attention", "journal"),
    *("control", "config", "levels", "tokens"),
)

# What a table under a customer's key asks of its user, spelt out instead of with wildcards.
# Source: aws-cdk-lib 2.275, aws-dynamodb/lib/perms.
_KEY_READ = ("kms:Decrypt", "kms:DescribeKey")
_KEY_WRITE = (
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


def payload_bucket_name(stack: Stack, stage: Stage) -> str:
    """Fixed, and one of its kind in the world: it carries the account and the region."""
    return f"{stage.named('payloads')}-{stack.account}-{stack.region}"


def audit_bucket_name(stack: Stack, stage: Stage) -> str:
    """Fixed, and one of its kind in the world, as the other is."""
    return f"{stage.named('audit')}-{stack.account}-{stack.region}"


class State(Construct):
    """Tables, payloads and secrets of a stage. Each ``grant_…`` gives leave and tells the name."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, key: kms.IKey) -> None:
        super().__init__(scope, id_)
        self._stage = stage
        self._key = key
        self._tables = {
            name: dynamodb.Table.from_table_name(self, name.capitalize(), stage.named(name))
            for name in TABLES
        }
        self._payloads = s3.Bucket.from_bucket_name(
            self, "Payloads", payload_bucket_name(Stack.of(self), stage)
        )
        self._audit = s3.Bucket.from_bucket_name(
            self, "Audit", audit_bucket_name(Stack.of(self), stage)
        )

    def grant_table(self, function: PythonFunction, table: str, *actions: str) -> None:
        """May do ``actions`` (``GetItem``, …) with ``table``. Nobody scans.

        A transaction needs the actions of its parts; a batch is an action of its own.
        """
        self._tables[table].grant(function.role, *(f"dynamodb:{action}" for action in actions))
        self._grant_key(function, "dynamodb", *_KEY_READ, *_KEY_WRITE)
        function.tell("ACCORD_TABLES", {table: self._stage.named(table)})

    def grant_store_keys(self, function: PythonFunction) -> None:
        """May keep a key that a store posts, and look for who asked; of all that lies beside it,
        tokens among them, it may touch nothing."""
        function.role.add_to_policy(
            iam.PolicyStatement(
                actions=["dynamodb:GetItem", "dynamodb:PutItem"],
                resources=[self._tables["tokens"].table_arn],
                conditions={
                    "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["consent:keys:*"]}
                },
            )
        )
        self._grant_key(function, "dynamodb", *_KEY_READ, *_KEY_WRITE)
        function.tell("ACCORD_TABLES", {"tokens": self._stage.named("tokens")})

    def grant_journal(self, function: PythonFunction) -> None:
        """May tell the journal what it does: a page follows the last one, which is read."""
        self.grant_table(function, "journal", "Query", "PutItem")

    def grant_seals(self, function: PythonFunction) -> None:
        """May keep seals, and look for those there are. The bucket locks each by itself."""
        iam.Grant.add_to_principal(
            grantee=function.role,
            actions=["s3:GetObject", "s3:PutObject"],
            resource_arns=[self._audit.arn_for_objects("*")],
        )
        iam.Grant.add_to_principal(
            grantee=function.role, actions=["s3:ListBucket"], resource_arns=[self._audit.bucket_arn]
        )
        self._grant_key(function, "s3", "kms:Decrypt", "kms:GenerateDataKey")
        function.function.add_environment("ACCORD_AUDIT_BUCKET", self._audit.bucket_name)
        acknowledge(
            function,
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{self._stage.named('audit')}"
            "-<AWS::AccountId>-<AWS::Region>/*]",
            "An object is named when it is made",
        )

    def grant_put_payload(self, function: PythonFunction, folder: str) -> None:
        """May keep payloads in ``folder``, beside which are documents; only people read them."""
        self._grant_objects(function, f"{folder}/*", "PutObject")

    def grant_reports(self, function: PythonFunction) -> None:
        """May keep reports of what was compared, and read what it has so far."""
        self._grant_objects(function, "reports/*", "GetObject", "PutObject")

    def grant_documents(self, function: PythonFunction, *actions: str) -> None:
        """May do ``actions`` (``GetObject``, ``PutObject``) with printed documents."""
        self._grant_objects(function, "documents/*", *actions)

    def _grant_objects(self, function: PythonFunction, pattern: str, *actions: str) -> None:
        iam.Grant.add_to_principal(
            grantee=function.role,
            actions=[f"s3:{action}" for action in actions],
            resource_arns=[self._payloads.arn_for_objects(pattern)],
        )
        self._grant_key(function, "s3", "kms:Decrypt", "kms:GenerateDataKey")
        function.function.add_environment("ACCORD_BUCKET", self._payloads.bucket_name)
        acknowledge(
            function,
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{self._stage.named('payloads')}"
            f"-<AWS::AccountId>-<AWS::Region>/{pattern}]",
            "An object is named when it is made",
        )

    def grant_topics(self, function: PythonFunction, owners: Sequence[str]) -> None:
        """May mail these desks. Their topics are in the alarms' stack, and found by name."""
        arns = {
            owner: Stack.of(self).format_arn(service="sns", resource=self._stage.named(owner))
            for owner in owners
        }
        iam.Grant.add_to_principal(
            grantee=function.role, actions=["sns:Publish"], resource_arns=list(arns.values())
        )
        self._grant_key(function, "sns", "kms:Decrypt", "kms:GenerateDataKey")
        function.tell("ACCORD_TOPICS", arns)

    def grant_secrets(self, function: PythonFunction, names: Sequence[str]) -> None:
        """May read these secrets of accord.toml."""
        for name in names:
            id_ = f"Secret-{name}"
            secret = self.node.try_find_child(id_) or secretsmanager.Secret.from_secret_name_v2(
                self, id_, self._stage.secret_name(name)
            )
            iam.Grant.add_to_principal(
                grantee=function.role,
                actions=["secretsmanager:GetSecretValue"],
                # Secrets Manager adds six characters of its own to the name.
                resource_arns=[f"{secret.secret_arn}-??????"],
            )
        self._grant_key(function, "secretsmanager", "kms:Decrypt")

    def _grant_key(self, function: PythonFunction, service: str, *actions: str) -> None:
        # Through the service only: nobody can take a ciphertext to the key directly. In the role
        # alone; ``key.grant`` with a condition would write into the key's policy, a stack below.
        through = f"{service}.{Stack.of(self).region}.amazonaws.com"
        function.role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=list(actions),
                resources=[self._key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": through}},
            )
        )
