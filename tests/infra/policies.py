"""What a synthesised template allows: for tests, and for comparing roles with recorded calls."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Template = Mapping[str, Any]

# Granted, and yet never among a function's own calls: AWS does them in its role.
BY_THE_PLATFORM = frozenset(
    {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
        # Through DynamoDB, S3 and Secrets Manager, for what lies under our key.
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    }
)


def of_type(template: Template, kind: str) -> dict[str, Any]:
    """Logical id → properties of the resources of one type."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def functions(template: Template) -> dict[str, str]:
    """Folder → logical id of its function."""
    return {
        properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]: name
        for name, properties in of_type(template, "AWS::Lambda::Function").items()
    }


def statements(template: Template, function: str) -> Iterator[dict[str, Any]]:
    """Every policy statement of the role of ``function``, a logical id or a folder."""
    logical_id = functions(template).get(function, function)
    (role, _) = template["Resources"][logical_id]["Properties"]["Role"]["Fn::GetAtt"]
    yield from role_statements(template, role)


def role_statements(template: Template, role: str) -> Iterator[dict[str, Any]]:
    """Every policy statement of a role, attached or its own."""
    for policy in of_type(template, "AWS::IAM::Policy").values():
        if {"Ref": role} in policy.get("Roles", ()):
            yield from policy["PolicyDocument"]["Statement"]
    for policy in template["Resources"][role]["Properties"].get("Policies", ()):
        yield from policy["PolicyDocument"]["Statement"]


def allowed(template: Template, function: str) -> set[tuple[str, str]]:
    """(action, resource) for each that is allowed; a resource is JSON text where it is computed."""
    return {
        (action, resource if isinstance(resource, str) else json.dumps(resource))
        for statement in statements(template, function)
        if statement["Effect"] == "Allow"
        for action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }


def allowed_actions(template: Template, function: str) -> set[str]:
    """The actions that ``function``, a logical id or a folder, may do: ``sqs:SendMessage``, …"""
    return {action for action, _ in allowed(template, function)}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
