"""What would hurt: a synth that passes what it should stop."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_sqs as sqs

from infra import ROOT
from infra.app import context, guard, main
from tests.infra.conftest import ACCORD_TOML


@pytest.fixture
def app(tmp_path):
    app = App(context=context(), outdir=str(tmp_path))
    guard(app)
    return app


def test_advice_that_is_not_followed_stops_the_synth(app):
    sqs.Queue(Stack(app, "Careless"), "NoTlsNoDead")
    with pytest.raises(RuntimeError, match="AwsSolutions-SQS4"):
        app.synth()


def test_the_rules_of_cloudformation_itself_are_checked():
    assert context()["@aws-cdk/core:validateAgainstDefaultRules"] is True


def test_a_live_store_is_not_synthesised_for_dev(tmp_path, monkeypatch, capsys):
    config = tmp_path / "accord.toml"
    config.write_text(ACCORD_TOML)
    monkeypatch.setenv("ACCORD_SKIP_CHECK", "1")

    assert main(["--config", str(config), "--output", str(tmp_path / "out")]) == 1

    assert "stores.uk marked prod = true" in capsys.readouterr().err


def test_a_stage_that_nobody_knows_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ACCORD_STAGE", "live")
    assert main(["--output", str(tmp_path)]) == 1
    assert "there are: dev, staging, prod" in capsys.readouterr().err


def test_the_templates_are_what_cloudformation_expects(assembly: Path):
    templates = sorted(str(path) for path in assembly.glob("*.template.json"))
    # W3005: a dependency that CDK writes and that is implied anyway.
    lint = [str(Path(sys.executable).with_name("cfn-lint")), "--ignore-checks", "W3005", "--"]
    found = subprocess.run([*lint, *templates], capture_output=True, text=True, check=False)
    assert (found.stdout, found.returncode) == ("", 0)


def test_the_stacks_are_for_no_account_and_no_region_in_particular(assembly: Path):
    manifest = json.loads((assembly / "manifest.json").read_text())
    assert {
        artifact["environment"]
        for artifact in manifest["artifacts"].values()
        if artifact["type"] == "aws:cloudformation:stack"
    } == {"aws://unknown-account/unknown-region"}


def test_the_command_line_is_pinned_and_names_no_registry():
    package = json.loads((ROOT / "package.json").read_text())
    assert package["devDependencies"] == {"aws-cdk": "2.1148.1"}
    assert "://" not in (ROOT / "package-lock.json").read_text()
