"""What the alarms of accord.toml's stack cost is what README says."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from accord.local.place import REPO
from accord.local.runner.synth import assembly
from accord.local.runner.template import load

# Amazon CloudWatch pricing, "Alarms", Ireland: a month's dollars of an alarm on one metric at
# standard resolution; one that detects anomalies looks at three; one over other alarms.
OF_METRIC, OF_BAND, OF_OTHERS = Decimal("0.10"), Decimal("0.30"), Decimal("0.50")
README = (REPO / "README.md").read_text(encoding="utf-8")
Alarms = Mapping[str, list[Mapping[str, Any]]]


@pytest.fixture(scope="module")
def found() -> Alarms:
    """The alarms of the stage dev: on metrics, on what is usual, over others, for releases."""
    alarms: dict[str, list[Mapping[str, Any]]] = {"metric": [], "band": [], "over": [], "roll": []}
    for stack in load(assembly(REPO)):
        for resource in stack.resources.values():
            if resource.type == "AWS::CloudWatch::CompositeAlarm":
                alarms["over"].append(resource.properties)
            elif resource.type == "AWS::CloudWatch::Alarm":
                is_band = "ANOMALY_DETECTION_BAND" in json.dumps(resource.properties)
                kind = "band" if is_band else "metric"
                in_alarms = stack.name.endswith("-alarms")
                alarms[kind if in_alarms else "roll"].append(resource.properties)
    return alarms


def test_readme_counts_the_alarms_as_they_are(found: Alarms) -> None:
    of_store = [
        each["AlarmName"]
        for kind in ("metric", "band", "over")
        for each in found[kind]
        if "-store-uk-" in each["AlarmName"]
    ]
    on_metrics = len(found["metric"]) + len(found["band"])

    assert f"{on_metrics} alarms on metrics" in README
    assert f"{len(found['over'])} over other alarms" in README
    assert f"{len(of_store)} of these are the store's own" in README
    assert f"{len(found['roll'])} more stop a release" in README


def test_readme_says_what_they_cost_a_month(found: Alarms) -> None:
    simple = len(found["metric"]) + len(found["roll"])
    dollars = simple * OF_METRIC + len(found["band"]) * OF_BAND + len(found["over"]) * OF_OTHERS

    assert f"about {round(dollars)} dollars a month" in README


def test_readme_says_what_each_further_store_costs(found: Alarms) -> None:
    prices = {"metric": OF_METRIC, "band": OF_BAND, "over": OF_OTHERS}
    dollars = sum(
        price
        for kind, price in prices.items()
        for each in found[kind]
        if "-store-uk-" in each["AlarmName"]
    )

    assert f"{dollars:.2f} of that for each store" in README
