"""One synth for all tests of the stacks: that of prod, whose templates matter most."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.app import build, context  # before aws_cdk: infra chooses the Node it is run by
from infra.stages import STAGES
from infra.wiring import read

# isort: split
from aws_cdk import App

ACCORD_TOML = """
[stores.uk]
key = "uk"
url = "https://store.example"
erp = "main"
secret = "store/uk"
prod = true
[stores.uk.orders]
start_at = 2026-01-01T00:00:00Z
[erps.main]
adapter = "tryton"
url = "http://127.0.0.1:8100"
secret = "erp/main"
concurrency = 6
[alarms]
ops = "ops@store.example"
busy_hours = "08:00-22:00"
runbooks = "https://wiki.store.example/accord"
[digest]
at = "06:15"
"""

Template = dict[str, Any]


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the synthesised templates and assets."""
    folder = tmp_path_factory.mktemp("synth")
    config = folder / "accord.toml"
    config.write_text(ACCORD_TOML)
    app = App(context=context(), outdir=str(folder / "cdk.out"))
    build(app, STAGES["prod"], read(config, prod=True))
    app.synth()
    return folder / "cdk.out"


def _template(assembly: Path, stack: str) -> Template:
    template: Template = json.loads((assembly / f"accord-prod-{stack}.template.json").read_text())
    return template


@pytest.fixture(scope="session")
def state(assembly: Path) -> Template:
    return _template(assembly, "state")


@pytest.fixture(scope="session")
def sync(assembly: Path) -> Template:
    return _template(assembly, "sync")


@pytest.fixture(scope="session")
def alarms(assembly: Path) -> Template:
    return _template(assembly, "alarms")
