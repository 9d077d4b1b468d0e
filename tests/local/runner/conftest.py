"""Tiny cloud assemblies, written as the CDK writes them."""

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from accord.local.runner import LocalStack

Assembly = Callable[..., Path]


def write_assembly(
    folder: Path,
    resources: Mapping[str, Any],
    *,
    handlers: Mapping[str, str] | None = None,
    layers: Mapping[str, Mapping[str, str]] | None = None,
    stack: str = "test",
    **sections: Any,
) -> Path:
    """``folder``, with one template and the assets of its functions: name → source of handler.py."""
    folder.mkdir(parents=True, exist_ok=True)
    contents: dict[str, dict[str, str]] = {
        name: {"handler.py": source} for name, source in (handlers or {}).items()
    }
    contents |= {name: dict(files) for name, files in (layers or {}).items()}
    for name, files in contents.items():
        for file, text in files.items():
            path = folder / f"asset.{name}" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
    template = {"Resources": resources, **sections}
    (folder / f"{stack}.template.json").write_text(json.dumps(template), encoding="utf-8")
    return folder


def function(name: str, **properties: Any) -> dict[str, Any]:
    """A function as the CDK's L2 construct writes it; its asset is ``asset.<name>``."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"S3Bucket": "assets", "S3Key": f"{name}.zip"},
            "Handler": "handler.lambda_handler",
            "Runtime": "python3.13",
            "FunctionName": f"test-{name}",
            **properties,
        },
        "Metadata": {"aws:cdk:path": f"test/{name}/Function/Resource"},
    }


def fifo(name: str, **properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": {"QueueName": f"{name}.fifo", "FifoQueue": True, **properties},
    }


_WORK = """
    import json, os, time
    import boto3

    table = boto3.resource("dynamodb").Table(os.environ["TABLE"])

    def lambda_handler(event, context):
        failed = []
        for record in event["Records"]:
            job = json.loads(record["body"])
            tries = int(record["attributes"]["ApproximateReceiveCount"])
            do = job.get("do", "ok")
            if do == "crash once" and tries == 1:
                os._exit(7)
            if do == "hang once" and tries == 1:
                time.sleep(30)
            if do == "raise":
                raise ValueError("no")
            if do == "fail":
                failed.append({"itemIdentifier": record["messageId"]})
                continue
            table.put_item(Item={"id": job["id"], "tries": tries})
            if "n" in job:
                table.update_item(
                    Key={"id": "order of " + record["attributes"]["MessageGroupId"]},
                    UpdateExpression="SET seen = list_append(if_not_exists(seen, :none), :n)",
                    ExpressionAttributeValues={":none": [], ":n": [job["n"]]})
        metric = {
            "_aws": {"Timestamp": 1, "CloudWatchMetrics": [{
                "Namespace": "Test", "Dimensions": [["stage"]],
                "Metrics": [{"Name": "Worked", "Unit": "Count"}]}]},
            "stage": "dev", "Worked": len(event["Records"]) - len(failed),
        }
        print(json.dumps(metric))
        return {"batchItemFailures": failed}
"""
_RECEIVE = """
    import boto3, os

    sqs = boto3.client("sqs")

    def lambda_handler(event, context):
        sqs.send_message(
            QueueUrl=os.environ["QUEUE"], MessageBody=event["body"],
            MessageGroupId=event["pathParameters"]["group"],
            MessageDeduplicationId=event["requestContext"]["requestId"])
        return {"statusCode": 200}
"""
_ECHO = """
    def lambda_handler(event, context):
        if event.get("do") == "hang":
            import time
            time.sleep(30)
        if event.get("do") == "crash":
            import os
            os._exit(3)
        if event.get("do") == "environment":
            import os
            return dict(os.environ)
        if event.get("do") == "raise":
            raise ValueError("no")
        return event
"""
_TICK = """
    import boto3, os

    def lambda_handler(event, context):
        boto3.client("dynamodb").put_item(
            TableName=os.environ["TABLE"],
            Item={"id": {"S": event.get("id", "tick")}, "saw": {"S": event["say"]}})
"""
_FILE = """
    import base64

    def lambda_handler(event, context):
        return {
            "statusCode": 200,
            "headers": {"content-type": "application/pdf", "cache-control": "no-store"},
            "body": base64.b64encode(
                bytes(range(256)) + event["pathParameters"]["token"].encode()).decode(),
            "isBase64Encoded": True,
        } if event["pathParameters"]["token"] != "none" else {"statusCode": 404, "body": ""}
"""


def _route(path: str, integration: str, function_id: str) -> dict[str, Any]:
    return {
        f"{integration}Integration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": {"Ref": f"{function_id}Live"},
                "PayloadFormatVersion": "2.0",
            },
        },
        f"{integration}Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "RouteKey": path,
                "AuthorizationType": "NONE",
                "Target": {
                    "Fn::Join": ["", ["integrations/", {"Ref": f"{integration}Integration"}]]
                },
            },
        },
        f"{function_id}Version": {
            "Type": "AWS::Lambda::Version",
            "Properties": {"FunctionName": {"Ref": function_id}},
        },
        f"{function_id}Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": {"Ref": function_id},
                "FunctionVersion": {"Fn::GetAtt": [f"{function_id}Version", "Version"]},
                "Name": "live",
            },
        },
    }


def world() -> dict[str, Any]:
    """A door, a queue with its dead, a worker, a table, a clock and an alarm."""
    table = {"Variables": {"TABLE": {"Ref": "Table"}}}
    return {
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "HTTP"}},
        **_route("POST /groups/{group}/jobs", "Jobs", "Receive"),
        **_route("ANY /echo", "Echo", "Echo"),
        **_route("GET /files/{token}", "Files", "File"),
        "Receive": function(
            "receive", Timeout=10, Environment={"Variables": {"QUEUE": {"Ref": "Queue"}}}
        ),
        "Echo": function("echo", Timeout=1),
        "File": function("file", Timeout=10),
        "Work": function("work", Timeout=1, Environment=table),
        "Tick": function("tick", Timeout=10, Environment=table),
        "Dead": fifo("jobs-dead"),
        "Queue": fifo(
            "jobs",
            VisibilityTimeout=60,
            DeduplicationScope="messageGroup",
            FifoThroughputLimit="perMessageGroupId",
            RedrivePolicy={
                "deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]},
                "maxReceiveCount": 2,
            },
        ),
        "Source": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "FunctionName": {"Ref": "Work"},
                "BatchSize": 3,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "ScalingConfig": {"MaximumConcurrency": 2},
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::GlobalTable",
            "Properties": {
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
                "Replicas": [{"Region": {"Ref": "AWS::Region"}}],
            },
        },
        "Secret": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"Name": "dev/store/main", "GenerateSecretString": {}},
        },
        "Schedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": "rate(1 minute)",
                "Target": {"Arn": {"Fn::GetAtt": ["Tick", "Arn"]}, "Input": '{"say": "hello"}'},
            },
        },
        "OtherSchedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": "rate(1 minute)",
                "Target": {
                    "Arn": {"Fn::GetAtt": ["Tick", "Arn"]},
                    "Input": '{"say": "again", "id": "tock"}',
                },
            },
        },
        "DeadAlarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": "dead letters",
                "Namespace": "AWS/SQS",
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [
                    {"Name": "QueueName", "Value": {"Fn::GetAtt": ["Dead", "QueueName"]}}
                ],
                "Statistic": "Maximum",
                "Threshold": 1,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "EvaluationPeriods": 1,
            },
        },
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"Anything": {"Ref": "Work"}}},
    }


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The world, running, one minute to the second."""
    folder = tmp_path_factory.mktemp("world")
    handlers = {"receive": _RECEIVE, "echo": _ECHO, "work": _WORK, "tick": _TICK, "file": _FILE}
    write_assembly(folder / "out", world(), handlers=handlers)
    with LocalStack(
        folder / "out",
        work=folder / "work",
        speed=60,
        secrets={"store/main": {"webhook": "s3cret"}, "erp/books": {"user": "admin"}},
    ) as running:
        running.prewarm(["receive", "work", "echo"])
        yield running
