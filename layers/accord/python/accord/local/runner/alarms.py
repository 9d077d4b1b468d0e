"""The templates' alarms, evaluated over what was just measured.

Simpler than CloudWatch: all evaluation periods count as one window, shortened by the speed.
Source: Amazon CloudWatch User Guide, "Using Amazon CloudWatch alarms".
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from accord.local.runner.metrics import Metrics, Sample
from accord.local.runner.resources import AlarmSpec

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}
_REDUCE: Mapping[str, Callable[[list[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": lambda values: float(len(values)),
}
_MISSING: Mapping[str, State] = {"breaching": "ALARM", "notBreaching": "OK"}
_QUEUE_METRICS = {
    "ApproximateNumberOfMessagesVisible": "visible",
    "ApproximateNumberOfMessagesNotVisible": "hidden",
    "ApproximateNumberOfMessagesDelayed": "delayed",
    "ApproximateAgeOfOldestMessage": "age_s",
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm now. ``value`` is None when there is nothing to compare."""

    name: str
    description: str
    metric: str
    value: float | None
    threshold: float
    comparison: str
    state: State


@dataclass(frozen=True, slots=True)
class Measured:
    """What alarms look at. ``queues``: name → figures; ``since`` is when all began."""

    metrics: Metrics
    queues: Mapping[str, Mapping[str, float]]
    since: float
    now: float
    speed: float


def evaluate(spec: AlarmSpec, measured: Measured) -> Alarm:
    """The alarm's state. One over metric maths has no value here."""
    properties = spec.properties
    stat = _stat(properties)
    value = None if stat is None else _value(stat, properties, measured)
    comparison = str(properties.get("ComparisonOperator", ""))
    threshold = float(properties.get("Threshold", 0))
    state: State
    if stat is None:
        state = "INSUFFICIENT_DATA"
    elif value is None:
        state = _MISSING.get(str(properties.get("TreatMissingData")), "INSUFFICIENT_DATA")
        young = measured.now - measured.since < _window_s(stat, properties, measured.speed)
        if state == "ALARM" and young:
            state = "INSUFFICIENT_DATA"  # silence is not yet long enough to mean anything
    elif comparison in _COMPARE:
        state = "ALARM" if _COMPARE[comparison](value, threshold) else "OK"
    else:
        state = "INSUFFICIENT_DATA"
    return Alarm(
        name=spec.name,
        description=str(properties.get("AlarmDescription", "")),
        metric=f"{stat['Namespace']}/{stat['MetricName']}" if stat else "",
        value=value,
        threshold=threshold,
        comparison=comparison,
        state=state,
    )


def _stat(properties: Mapping[str, Any]) -> dict[str, Any] | None:
    """Namespace, MetricName, Dimensions, Period and Statistic, wherever the template says them."""
    if "MetricName" in properties:
        return dict(properties)
    parts = properties.get("Metrics", [])
    if len(parts) != 1 or "MetricStat" not in parts[0]:
        return None
    stat = parts[0]["MetricStat"]
    return {**stat["Metric"], "Period": stat["Period"], "Statistic": stat["Stat"]}


def _value(
    stat: Mapping[str, Any], properties: Mapping[str, Any], measured: Measured
) -> float | None:
    dimensions = {each["Name"]: str(each["Value"]) for each in stat.get("Dimensions", [])}
    namespace, name = stat["Namespace"], stat["MetricName"]
    if namespace == "AWS/SQS":
        figures = measured.queues.get(dimensions.get("QueueName", ""), {})
        value = figures.get(_QUEUE_METRICS.get(name, ""))
        return value * measured.speed if value and name.endswith("OldestMessage") else value
    if namespace == "AWS/Lambda":
        for name_of_version in ("Resource", "ExecutedVersion"):  # there is one version here
            dimensions.pop(name_of_version, None)
    samples = measured.metrics.since(
        namespace, name, measured.now - _window_s(stat, properties, measured.speed)
    )
    values = [sample.value for sample in _about(samples, dimensions)]
    reduce = _REDUCE.get(str(stat.get("Statistic", "Sum")), max)
    return reduce(values) if values else None


def _window_s(stat: Mapping[str, Any], properties: Mapping[str, Any], speed: float) -> float:
    """Seconds that count, on the runner's clock."""
    return float(stat.get("Period", 60)) * int(properties.get("EvaluationPeriods", 1)) / speed


def _about(samples: Iterable[Sample], dimensions: Mapping[str, str]) -> Iterable[Sample]:
    # As CloudWatch does: a metric with one dimension more is another metric.
    return (each for each in samples if dict(each.dimensions) == dict(dimensions))
