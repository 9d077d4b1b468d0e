"""A back office whose calls are few is asked less often."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.app import build, context  # before aws_cdk: infra chooses the Node it is run by
from infra.events import POLLED
from infra.stages import STAGES
from infra.wiring import read
from tests.infra.conftest import ACCORD_TOML

# isort: split
from aws_cdk import App

TWO = ACCORD_TOML.replace("concurrency = 6", "poll_minutes = 15") + (
    '[erps.europe]\nadapter = "memory"\nurl = "https://europe.example"\nsecret = "erp/europe"\n'
)


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Schedule → how often it runs."""
    folder = tmp_path_factory.mktemp("polls")
    config = folder / "accord.toml"
    config.write_text(TWO)
    app = App(context=context(), outdir=str(folder / "cdk.out"))
    build(app, STAGES["prod"], read(config, prod=True))
    app.synth()
    return _rates(folder / "cdk.out" / "accord-prod-sync.template.json")


def _rates(template: Path) -> dict[str, str]:
    resources: dict[str, Any] = json.loads(template.read_text())["Resources"]
    return {
        each["Properties"]["Name"]: each["Properties"]["ScheduleExpression"]
        for each in resources.values()
        if each["Type"] == "AWS::Scheduler::Schedule"
    }


def test_each_back_office_has_a_pace_of_its_own(rates: dict[str, str]) -> None:
    kinds = [kind.replace("_", "-") for kind in POLLED]

    assert {rates[f"accord-prod-poll-main-{kind}"] for kind in kinds} == {"rate(15 minutes)"}
    assert {rates[f"accord-prod-poll-europe-{kind}"] for kind in kinds} == {"rate(1 minute)"}


def test_the_night_stays_where_it_is(rates: dict[str, str]) -> None:
    assert rates["accord-prod-sweep-main-stock"] == rates["accord-prod-sweep-europe-stock"]
    assert rates["accord-prod-sweep-main-stock"].startswith("cron(")
