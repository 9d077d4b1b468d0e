"""What the templates ask for: made in the AWS stand-in, or collected for the runner to drive.

Source: AWS CloudFormation Template Reference, the page of each type.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accord.errors import BadInputError, UnsupportedError
from accord.local.runner.template import Made, Resolver, Resource, Stack

log = logging.getLogger(__name__)

REGION = "eu-west-1"
ACCOUNT = "123456789012"
API_ID = "local"

IGNORED: Mapping[str, str] = {
    "AWS::ApiGatewayV2::ApiGatewayManagedOverrides": "settings of the deployed API only",
    "AWS::CDK::Metadata": "says which constructs were used",
    "AWS::CloudWatch::AnomalyDetector": "its band is drawn from what was measured here",
    "AWS::CodeDeploy::Application": "gradual deployment has no meaning on one machine",
    "AWS::CodeDeploy::DeploymentConfig": "gradual deployment has no meaning on one machine",
    "AWS::CodeDeploy::DeploymentGroup": "gradual deployment has no meaning on one machine",
    "AWS::IAM::ManagedPolicy": "calls are recorded and compared with policies by a test",
    "AWS::IAM::Policy": "calls are recorded and compared with policies by a test",
    "AWS::IAM::Role": "calls are recorded and compared with policies by a test",
    "AWS::KMS::Alias": "keys are named by their id",
    "AWS::Lambda::EventInvokeConfig": "schedules are tried again at their next turn",
    "AWS::Lambda::Permission": "calls are recorded and compared with policies by a test",
    "AWS::Logs::LogGroup": "logs are files in the work folder",
    "AWS::Logs::QueryDefinition": "logs are files in the work folder",
    "AWS::Logs::MetricFilter": "metrics come from the functions' own lines",
    "AWS::Logs::ResourcePolicy": "logs are files in the work folder",
    "AWS::S3::BucketPolicy": "calls are recorded and compared with policies by a test",
    "AWS::SNS::Subscription": "nobody is mailed from a laptop",
    "AWS::SNS::TopicPolicy": "calls are recorded and compared with policies by a test",
    "AWS::SQS::QueuePolicy": "calls are recorded and compared with policies by a test",
    "AWS::Scheduler::ScheduleGroup": "a name for schedules",
}

# Names that constructs give to the function inside them; the folder's name is further out.
_GENERIC = frozenset({"Resource", "Function", "Handler", "Lambda", "Default", "Alias"})
_FUNCTION_IN_ARN = re.compile(r":function:([A-Za-z0-9_-]+)")
_QUEUE_ATTRIBUTES = (
    "FifoQueue",
    "VisibilityTimeout",
    "MessageRetentionPeriod",
    "RedrivePolicy",
    "DeduplicationScope",
    "FifoThroughputLimit",
    "ContentBasedDeduplication",
    "DelaySeconds",
    "MaximumMessageSize",
)


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One function of the templates. ``folder`` is its name in functions/."""

    folder: str
    name: str
    arn: str
    handler: str
    code: Path
    layers: tuple[Path, ...]
    environment: Mapping[str, str]
    timeout_s: float
    memory_mib: int
    reserved: int | None


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """One queue. ``dead`` is the ARN of where its messages go after their last try."""

    logical_id: str
    name: str
    arn: str
    url: str
    fifo: bool
    dead: str | None


@dataclass(frozen=True, slots=True)
class MappingSpec:
    """One event source mapping: which queue feeds which function."""

    queue: str
    function: str
    batch_size: int
    concurrency: int | None
    partial: bool


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """One schedule that is switched on. ``expression`` is rate(…) or cron(…)."""

    name: str
    function: str
    expression: str
    input: str


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """One route of the HTTP API, like ``POST /stores/{store}/webhooks``."""

    key: str
    function: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """One alarm, with the properties that its template gives; ``AlarmRule`` for a composite one."""

    name: str
    properties: Mapping[str, Any]


@dataclass(slots=True)
class Deployment:
    """Everything the templates hold. Queues and functions by ARN; the rest as listed."""

    functions: dict[str, FunctionSpec] = field(default_factory=dict)
    queues: dict[str, QueueSpec] = field(default_factory=dict)
    mappings: list[MappingSpec] = field(default_factory=list)
    schedules: list[ScheduleSpec] = field(default_factory=list)
    routes: list[RouteSpec] = field(default_factory=list)
    alarms: list[AlarmSpec] = field(default_factory=list)
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    buckets: dict[str, str] = field(default_factory=dict)
    topics: dict[str, str] = field(default_factory=dict)

    def function(self, folder: str) -> FunctionSpec:
        """Raises: BadInputError: no function has that name; the message lists those there are."""
        for spec in self.functions.values():
            if folder in (spec.folder, spec.name):
                return spec
        known = ", ".join(sorted(spec.folder for spec in self.functions.values()))
        raise BadInputError(f"no function {folder}; there are {known}")

    def queue(self, name: str) -> QueueSpec:
        """Raises: BadInputError: no queue has that name; the message lists those there are."""
        for spec in self.queues.values():
            if name in (spec.name, spec.logical_id):
                return spec
        known = ", ".join(sorted(spec.name for spec in self.queues.values()))
        raise BadInputError(f"no queue {name}; there are {known}")


def deploy(
    stacks: list[Stack],
    client: Callable[[str], Any],
    *,
    secrets: Mapping[str, Mapping[str, Any]],
    api_url: str,
) -> Deployment:
    """Every resource of ``stacks``, made through ``client(service)`` (boto3's) or collected.

    Args:
        secrets: Name of a secret, whole or without what stands before a slash in the template →
            its content. Those that no template has are made too.
        api_url: Where the HTTP API will listen.

    Raises:
        UnsupportedError: a type that is neither made nor in ``IGNORED``.
        BadInputError: a template that refers to what is not there.
    """
    maker = _Maker(stacks, client, secrets, api_url)
    maker.resolver.deploy()
    maker.remaining_secrets()
    maker.bind()
    return maker.deployment


class _Maker:
    """Makes resources one by one; ``bind`` joins functions to what wakes them."""

    def __init__(
        self,
        stacks: list[Stack],
        client: Callable[[str], Any],
        secrets: Mapping[str, Mapping[str, Any]],
        api_url: str,
    ) -> None:
        self.deployment = Deployment()
        self._client = client
        self._secrets = secrets
        self._api_url = api_url
        self._assets = {key: path for stack in stacks for key, path in stack.assets.items()}
        self._used_secrets: set[str] = set()
        self._layers: dict[str, Path] = {}
        self._integrations: dict[str, tuple[Resource, dict[str, Any]]] = {}
        self._routes: list[tuple[Resource, dict[str, Any]]] = []
        self._sources: list[tuple[Resource, dict[str, Any]]] = []
        self._timers: list[tuple[Resource, str, str, str]] = []
        self._make: dict[str, Callable[[Resource, dict[str, Any]], Made]] = {
            "AWS::ApiGatewayV2::Api": self._api,
            "AWS::ApiGatewayV2::Integration": self._integration,
            "AWS::ApiGatewayV2::Route": self._route,
            "AWS::ApiGatewayV2::Stage": self._stage,
            "AWS::CloudWatch::Alarm": self._alarm,
            "AWS::CloudWatch::CompositeAlarm": self._alarm,
            "AWS::CloudWatch::Dashboard": self._dashboard,
            "AWS::DynamoDB::GlobalTable": self._table,
            "AWS::DynamoDB::Table": self._table,
            "AWS::Events::Rule": self._rule,
            "AWS::KMS::Key": self._key,
            "AWS::Lambda::Alias": self._alias,
            "AWS::Lambda::EventSourceMapping": self._source,
            "AWS::Lambda::Function": self._function,
            "AWS::Lambda::LayerVersion": self._layer,
            "AWS::Lambda::Version": self._version,
            "AWS::S3::Bucket": self._bucket,
            "AWS::SNS::Topic": self._topic,
            "AWS::SQS::Queue": self._queue,
            "AWS::Scheduler::Schedule": self._schedule,
            "AWS::SecretsManager::Secret": self._secret,
        }
        self.resolver = Resolver(
            stacks,
            self._one,
            properties_of=lambda resource: resource.type not in IGNORED,
            region=REGION,
            account=ACCOUNT,
        )

    def _one(self, resource: Resource, properties: dict[str, Any]) -> Made:
        if resource.type in IGNORED:
            return Made(resource.logical_id, opaque=True)
        make = self._make.get(resource.type)
        if make is None:
            raise UnsupportedError(
                f"the local runner does not know {resource}; make it in "
                "accord/local/runner/resources.py, or list its type in IGNORED there with the "
                "reason why it needs nothing on one machine"
            )
        return make(resource, properties)

    # What the AWS stand-in keeps.

    def _queue(self, resource: Resource, properties: dict[str, Any]) -> Made:
        fifo = str(properties.get("FifoQueue", "")).lower() == "true"
        name = properties.get("QueueName") or _name(resource, 75) + (".fifo" if fifo else "")
        attributes = {key: _text(properties[key]) for key in _QUEUE_ATTRIBUTES if key in properties}
        url = self._client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        self.deployment.queues[arn] = QueueSpec(
            logical_id=resource.logical_id,
            name=name,
            arn=arn,
            url=url,
            fifo=fifo,
            dead=properties.get("RedrivePolicy", {}).get("deadLetterTargetArn"),
        )
        return Made(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})

    def _table(self, resource: Resource, properties: dict[str, Any]) -> Made:
        client = self._client("dynamodb")
        name = properties.get("TableName") or _name(resource, 255)
        wanted: dict[str, Any] = {
            key: properties[key]
            for key in ("AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes")
            if key in properties
        }
        if indexes := properties.get("GlobalSecondaryIndexes"):
            keys = ("IndexName", "KeySchema", "Projection")
            wanted["GlobalSecondaryIndexes"] = [
                {key: index[key] for key in keys if key in index} for index in indexes
            ]
        if stream := properties.get("StreamSpecification"):
            wanted["StreamSpecification"] = {"StreamEnabled": True, **stream}
        client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **wanted)
        if expiry := properties.get("TimeToLiveSpecification"):
            client.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
        table = client.describe_table(TableName=name)["Table"]
        self.deployment.tables[resource.logical_id] = name
        attributes = {"Arn": table["TableArn"], "TableId": table.get("TableId", name)}
        if "LatestStreamArn" in table:
            attributes["StreamArn"] = table["LatestStreamArn"]
        return Made(name, attributes)

    def _secret(self, resource: Resource, properties: dict[str, Any]) -> Made:
        name = properties.get("Name") or _name(resource, 200)
        # Connections name their secrets without the stage; the template puts it before the name.
        given = next((key for key in self._secrets if f"/{name}".endswith(f"/{key}")), None)
        if given is None:
            log.warning("no content was given for secret %s: it is empty", name)
            return self._put_secret(name, {})
        self._used_secrets.add(given)
        return self._put_secret(name, self._secrets[given])

    def _put_secret(self, name: str, content: Mapping[str, Any]) -> Made:
        answer = self._client("secretsmanager").create_secret(
            Name=name, SecretString=json.dumps(dict(content))
        )
        self.deployment.secrets[name] = answer["ARN"]
        return Made(answer["ARN"], {"Id": answer["ARN"]})

    def remaining_secrets(self) -> None:
        """Makes the given secrets that no template has: the merchant makes those by hand."""
        for name, content in self._secrets.items():
            if name not in self._used_secrets:
                self._put_secret(name, content)

    def _bucket(self, resource: Resource, properties: dict[str, Any]) -> Made:
        name = properties.get("BucketName") or _name(resource, 63).lower().replace("_", "-")
        self._client("s3").create_bucket(
            Bucket=name,
            CreateBucketConfiguration={"LocationConstraint": REGION},
            ObjectLockEnabledForBucket=bool(properties.get("ObjectLockEnabled", False)),
        )
        self.deployment.buckets[resource.logical_id] = name
        return Made(name, {"Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.localhost"})

    def _topic(self, resource: Resource, properties: dict[str, Any]) -> Made:
        name = properties.get("TopicName") or _name(resource, 256)
        arn = self._client("sns").create_topic(Name=name)["TopicArn"]
        self.deployment.topics[name] = arn
        return Made(arn, {"TopicArn": arn, "TopicName": name})

    def _key(self, resource: Resource, properties: dict[str, Any]) -> Made:
        description = properties.get("Description") or resource.logical_id
        key = self._client("kms").create_key(Description=description)["KeyMetadata"]
        return Made(key["KeyId"], {"Arn": key["Arn"], "KeyId": key["KeyId"]})

    # What the runner drives itself.

    def _asset(self, resource: Resource, content: Mapping[str, Any]) -> Path:
        key = content.get("S3Key")
        if key not in self._assets:
            raise UnsupportedError(
                f"{resource} has no asset {key} beside its template; the local runner runs code "
                "from assets only"
            )
        return self._assets[key]

    def _layer(self, resource: Resource, properties: dict[str, Any]) -> Made:
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{resource.logical_id}:1"
        self._layers[arn] = self._asset(resource, properties["Content"])
        return Made(arn, {"LayerVersionArn": arn})

    def _function(self, resource: Resource, properties: dict[str, Any]) -> Made:
        name = properties.get("FunctionName") or _name(resource, 64)
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        if not str(properties.get("Runtime", "")).startswith("python"):
            raise UnsupportedError(
                f"{resource} runs on {properties.get('Runtime')}; the local runner runs Python"
            )
        variables = properties.get("Environment", {}).get("Variables", {})
        reserved = properties.get("ReservedConcurrentExecutions")
        self.deployment.functions[arn] = FunctionSpec(
            folder=variables.get("POWERTOOLS_SERVICE_NAME") or _folder(resource, name),
            name=name,
            arn=arn,
            handler=properties["Handler"],
            code=self._asset(resource, properties["Code"]),
            layers=tuple(self._layers[layer] for layer in properties.get("Layers", [])),
            environment={key: str(value) for key, value in variables.items()},
            timeout_s=float(properties.get("Timeout", 3)),
            memory_mib=int(properties.get("MemorySize", 128)),
            reserved=None if reserved is None else int(reserved),
        )
        return Made(name, {"Arn": arn})

    def _version(self, resource: Resource, properties: dict[str, Any]) -> Made:
        arn = self._function_arn(resource, properties["FunctionName"])
        return Made(f"{arn}:1", {"Version": "1", "FunctionArn": f"{arn}:1"})

    def _alias(self, resource: Resource, properties: dict[str, Any]) -> Made:
        arn = self._function_arn(resource, properties["FunctionName"])
        return Made(f"{arn}:{properties['Name']}", {"AliasArn": f"{arn}:{properties['Name']}"})

    def _source(self, resource: Resource, properties: dict[str, Any]) -> Made:
        self._sources.append((resource, properties))
        return Made(resource.logical_id)

    def _schedule(self, resource: Resource, properties: dict[str, Any]) -> Made:
        target = properties["Target"]
        name = properties.get("Name") or _name(resource, 64)
        if properties.get("State", "ENABLED") == "ENABLED":
            expression = properties["ScheduleExpression"]
            self._timers.append((resource, target["Arn"], expression, target.get("Input", "{}")))
        return Made(name, {"Arn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"})

    def _rule(self, resource: Resource, properties: dict[str, Any]) -> Made:
        if "ScheduleExpression" not in properties:
            raise UnsupportedError(f"{resource}: the local runner has rules by schedule only")
        name = properties.get("Name") or _name(resource, 64)
        if properties.get("State", "ENABLED") == "ENABLED":
            self._timers += [
                (
                    resource,
                    target["Arn"],
                    properties["ScheduleExpression"],
                    target.get("Input", "{}"),
                )
                for target in properties.get("Targets", [])
            ]
        return Made(name, {"Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"})

    def _api(self, resource: Resource, properties: dict[str, Any]) -> Made:
        if properties.get("ProtocolType", "HTTP") != "HTTP":
            raise UnsupportedError(f"{resource}: the local runner has HTTP APIs only")
        return Made(API_ID, {"ApiId": API_ID, "ApiEndpoint": self._api_url})

    def _integration(self, resource: Resource, properties: dict[str, Any]) -> Made:
        version = properties.get("PayloadFormatVersion")
        if properties.get("IntegrationType") != "AWS_PROXY" or version != "2.0":
            raise UnsupportedError(
                f"{resource}: the local runner has AWS_PROXY integrations of payload 2.0 only"
            )
        ref = f"{resource.stack}.{resource.logical_id}"
        self._integrations[ref] = (resource, properties)
        return Made(ref)

    def _route(self, resource: Resource, properties: dict[str, Any]) -> Made:
        if properties.get("AuthorizationType", "NONE") != "NONE":
            raise UnsupportedError(f"{resource}: the local runner has no authorizers")
        self._routes.append((resource, properties))
        return Made(resource.logical_id)

    def _stage(self, resource: Resource, properties: dict[str, Any]) -> Made:
        if properties.get("StageName") != "$default":
            raise UnsupportedError(f"{resource}: the local runner has the stage $default only")
        return Made("$default")

    def _alarm(self, resource: Resource, properties: dict[str, Any]) -> Made:
        name = properties.get("AlarmName") or _name(resource, 255)
        self.deployment.alarms.append(AlarmSpec(name, properties))
        return Made(name, {"Arn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"})

    def _dashboard(self, resource: Resource, properties: dict[str, Any]) -> Made:
        name = properties.get("DashboardName") or _name(resource, 255)
        self.deployment.dashboards[name] = json.loads(properties["DashboardBody"])
        return Made(name)

    # Who wakes whom, once every function is known.

    def bind(self) -> None:
        """Joins event sources, schedules and routes to their functions."""
        for resource, properties in self._sources:
            self._bind_source(resource, properties)
        for resource, target, expression, input_ in self._timers:
            self.deployment.schedules.append(
                ScheduleSpec(
                    name=resource.logical_id,
                    function=self._function_arn(resource, target),
                    expression=expression,
                    input=input_,
                )
            )
        for resource, properties in self._routes:
            self._bind_route(resource, properties)

    def _bind_source(self, resource: Resource, properties: dict[str, Any]) -> None:
        queue = properties.get("EventSourceArn")
        if queue not in self.deployment.queues or "FilterCriteria" in properties:
            raise UnsupportedError(
                f"{resource}: the local runner has unfiltered SQS queues as event sources only"
            )
        if str(properties.get("Enabled", True)).lower() == "false":
            return
        concurrency = properties.get("ScalingConfig", {}).get("MaximumConcurrency")
        self.deployment.mappings.append(
            MappingSpec(
                queue=queue,
                function=self._function_arn(resource, properties["FunctionName"]),
                batch_size=min(10, int(properties.get("BatchSize", 10))),
                concurrency=None if concurrency is None else int(concurrency),
                partial="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
            )
        )

    def _bind_route(self, resource: Resource, properties: dict[str, Any]) -> None:
        ref = str(properties.get("Target", "")).removeprefix("integrations/")
        if ref not in self._integrations:
            raise BadInputError(f"{resource} leads to no integration")
        integration, settings = self._integrations[ref]
        self.deployment.routes.append(
            RouteSpec(
                key=properties["RouteKey"],
                function=self._function_arn(integration, settings["IntegrationUri"]),
                timeout_s=float(settings.get("TimeoutInMillis", 30_000)) / 1000,
            )
        )

    def _function_arn(self, resource: Resource, text: str) -> str:
        """The function's own ARN, from its name, its ARN, a version's or an alias's, or a URI."""
        match = _FUNCTION_IN_ARN.search(text)
        name = match[1] if match else text.partition(":")[0]  # "name:alias" is allowed too
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        if arn not in self.deployment.functions:
            raise BadInputError(f"{resource} names a function that is not there: {text}")
        return arn


def _text(value: Any) -> str:
    """As SQS takes attributes: everything as text."""
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _name(resource: Resource, limit: int) -> str:
    """A name like CloudFormation makes, without its random end. ``limit`` is in characters."""
    return f"{resource.stack}-{resource.logical_id}"[-(limit - 5) :].strip("-")


def _folder(resource: Resource, name: str) -> str:
    """The construct's own id, which is the folder in functions/; else the function's name."""
    inner = [part for part in resource.path.split("/")[1:] if part not in _GENERIC]
    return inner[-1] if inner else name
