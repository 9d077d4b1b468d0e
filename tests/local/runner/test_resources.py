"""Every resource is made, driven or knowingly left out; nothing is passed over in silence."""

from pathlib import Path
from typing import Any, NoReturn

import pytest

from accord.errors import UnsupportedError
from accord.local.runner.resources import IGNORED, Deployment, deploy
from accord.local.runner.template import load
from tests.local.runner.conftest import function, write_assembly


def deployed(folder: Path, resources: dict[str, Any], **handlers: str) -> Deployment:
    def client(service: str) -> NoReturn:
        raise AssertionError(f"{service} was called")

    stacks = load(write_assembly(folder, resources, handlers=handlers))
    return deploy(stacks, client, secrets={}, api_url="http://127.0.0.1:1")


def test_an_unknown_type_is_refused_with_its_name_and_a_remedy(tmp_path: Path) -> None:
    resources = {"Machine": {"Type": "AWS::StepFunctions::StateMachine"}}

    with pytest.raises(
        UnsupportedError,
        match=r"does not know AWS::StepFunctions::StateMachine Machine of stack test; make it in "
        r".*resources\.py, or list its type in IGNORED",
    ):
        deployed(tmp_path, resources)


def test_an_ignored_type_is_passed_over(tmp_path: Path) -> None:
    resources = {type_.replace(":", ""): {"Type": type_} for type_ in IGNORED}

    assert deployed(tmp_path, resources) == Deployment()


def test_every_ignored_type_says_why() -> None:
    assert all(len(reason.split()) >= 4 for reason in IGNORED.values())


def test_a_reference_to_an_ignored_resource_is_answered(tmp_path: Path) -> None:
    resources = {
        "Role": {"Type": "AWS::IAM::Role"},
        "F": function("f", Environment={"Variables": {"ROLE": {"Fn::GetAtt": ["Role", "Arn"]}}}),
    }

    spec = deployed(tmp_path, resources, f="").function("f")

    assert spec.environment == {"ROLE": "arn:aws:local:::Role/Arn"}


def test_a_function_is_known_by_its_folder(tmp_path: Path) -> None:
    resource = function("order_created", FunctionName="accord-dev-order-created")

    spec = deployed(tmp_path, {"F": resource}, order_created="").function("order_created")

    assert spec.name == "accord-dev-order-created"


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        (function("f", Runtime="nodejs22.x"), "runs on nodejs22.x"),
        (function("f", Code={"ZipFile": "x"}), "has no asset None"),
        (
            {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {}}},
            "rules by schedule only",
        ),
        (
            {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {"EventSourceArn": "arn:aws:dynamodb:…", "FunctionName": "f"},
            },
            "unfiltered SQS queues as event sources only",
        ),
        (
            {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {"RouteKey": "GET /", "AuthorizationType": "JWT"},
            },
            "no authorizers",
        ),
        (
            {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {"StageName": "v1"}},
            r"the stage \$default only",
        ),
        (
            {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "WEBSOCKET"}},
            "HTTP APIs only",
        ),
        (
            {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {"IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "1.0"},
            },
            "payload 2.0 only",
        ),
    ],
)
def test_what_the_runner_cannot_do_is_refused(
    tmp_path: Path, resource: dict[str, Any], says: str
) -> None:
    with pytest.raises(UnsupportedError, match=says):
        deployed(tmp_path, {"X": resource}, f="")
