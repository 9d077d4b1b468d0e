"""Metrics carry the dimensions that the alarms look for, and no other."""

import json

import pytest

from accord import observability
from accord.settings import settings


@pytest.fixture
def _stage(monkeypatch: pytest.MonkeyPatch):
    variables = {
        "ACCORD_STAGE": "dev",
        "ACCORD_CONFIG": "none",
        "AWS_REGION": "eu-west-1",
        "POWERTOOLS_SERVICE_NAME": "order_created",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.usefixtures("_stage")
@pytest.mark.parametrize(("store", "dimensions"), [("", ["stage"]), ("uk", ["stage", "store"])])
def test_a_metric_has_stage_and_store_and_nothing_else(
    capsys: pytest.CaptureFixture[str], store: str, dimensions: list[str]
) -> None:
    observability.measure("WebhooksRejected", store=store)

    told = json.loads(capsys.readouterr().out)
    assert told["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [dimensions]
    assert told["stage"] == "dev"
