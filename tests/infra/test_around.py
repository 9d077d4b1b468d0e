"""Fixed addresses and a firewall, for those who ask for them: as careful as the rest, and off else."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.app import build, context  # before aws_cdk: infra chooses the Node it is run by
from infra.events import INWARD
from infra.stages import STAGES
from infra.wiring import read
from tests.infra.conftest import ACCORD_TOML
from tests.infra.policies import functions, of_type, statements

# isort: split
from aws_cdk import App

HOST = "abc123.execute-api.eu-west-1.amazonaws.com"


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Templates of a prod stage with both, synthesised under all rules."""
    folder = tmp_path_factory.mktemp("around")
    config = folder / "accord.toml"
    config.write_text(f'{ACCORD_TOML}\n[deploy]\nfixed_addresses = true\nfront = "{HOST}"\n')
    app = App(context=context(), outdir=str(folder / "cdk.out"))
    build(app, STAGES["prod"], read(config, prod=True))
    app.synth()
    return folder / "cdk.out"


def template(folder: Path, stack: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"accord-prod-{stack}.template.json").read_text())
    return found


def test_nobody_gets_either_unasked(assembly: Path, sync: dict[str, Any]) -> None:
    stacks = {path.name for path in assembly.glob("*.template.json")}
    assert {"accord-prod-network.template.json", "accord-prod-front.template.json"}.isdisjoint(
        stacks
    )
    for function in of_type(sync, "AWS::Lambda::Function").values():
        assert "VpcConfig" not in function


def test_all_that_speaks_to_others_goes_out_through_the_fixed_addresses(around: Path) -> None:
    sync = template(around, "sync")
    inside = {
        folder
        for folder, name in functions(sync).items()
        if "VpcConfig" in sync["Resources"][name]["Properties"]
    }
    assert inside == set(functions(sync)) - set(INWARD)


def test_what_stays_outside_is_given_no_secret_of_a_back_office(around: Path) -> None:
    sync = template(around, "sync")
    for folder in INWARD:
        assert "erp/main" not in json.dumps(list(statements(sync, folder)))


def test_the_addresses_outlive_their_stack_and_are_told(around: Path) -> None:
    network = template(around, "network")
    addresses = [each for each in network["Resources"].values() if each["Type"] == "AWS::EC2::EIP"]
    assert [each["DeletionPolicy"] for each in addresses] == ["Retain", "Retain"]
    assert len(of_type(network, "AWS::EC2::NatGateway")) == 2
    assert "Addresses" in network["Outputs"]


def test_a_functions_own_code_may_not_touch_the_network(around: Path) -> None:
    sync = template(around, "sync")
    denied = [
        each
        for each in statements(sync, "order_created")
        if each["Effect"] == "Deny" and "ec2:CreateNetworkInterface" in each["Action"]
    ]
    assert len(denied) == 1
    assert "lambda:SourceFunctionArn" in json.dumps(denied[0]["Condition"])


def test_the_front_hands_on_what_is_signed_and_keeps_nothing(around: Path) -> None:
    front = template(around, "front")
    (found,) = of_type(front, "AWS::CloudFront::Distribution").values()
    behaviour = found["DistributionConfig"]["DefaultCacheBehavior"]
    (origin,) = found["DistributionConfig"]["Origins"]
    assert "POST" in behaviour["AllowedMethods"]
    assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # none at all
    assert behaviour["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    assert (origin["DomainName"], origin["CustomOriginConfig"]["OriginProtocolPolicy"]) == (
        HOST,
        "https-only",
    )
    assert behaviour["ViewerProtocolPolicy"] == "https-only"


def test_the_firewall_counts_and_never_looks_into_a_body(around: Path) -> None:
    front = template(around, "front")
    (firewall,) = of_type(front, "AWS::WAFv2::WebACL").values()
    assert firewall["Scope"] == "CLOUDFRONT"
    assert "Body" not in json.dumps(firewall)
    limits = [
        rule["Statement"]["RateBasedStatement"]["Limit"]
        for rule in firewall["Rules"]
        if "RateBasedStatement" in rule["Statement"]
    ]
    assert limits == [STAGES["prod"].requests_per_second * 300]


def test_the_firewall_is_where_cloudfront_needs_it(around: Path) -> None:
    manifest = json.loads((around / "manifest.json").read_text())
    assert manifest["artifacts"]["accord-prod-front"]["environment"].endswith("/us-east-1")
