"""The templates' alarms, evaluated over what was just measured.

As CloudWatch does, but for this: periods end now, not on the clock's minute, and are shortened by
the speed; of a queue only the present is known, and taken for all periods; an anomaly band is the
mean and the deviation of all periods before the window since the start, for want of two weeks to
learn from, and never narrower than a tenth of the mean.
Source: Amazon CloudWatch User Guide, "Using Amazon CloudWatch alarms".
"""

import math
import operator
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from accord.errors import UnsupportedError
from accord.local.runner.metrics import Metrics, Sample
from accord.local.runner.resources import AlarmSpec

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
    "GreaterThanUpperThreshold": operator.gt,
}
_REDUCE: Mapping[str, Callable[[list[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": lambda values: float(len(values)),
}
_QUEUE_METRICS = {
    "ApproximateNumberOfMessagesVisible": "visible",
    "ApproximateNumberOfMessagesNotVisible": "hidden",
    "ApproximateNumberOfMessagesDelayed": "delayed",
    "ApproximateAgeOfOldestMessage": "age_s",
}
_BAND = re.compile(r"ANOMALY_DETECTION_BAND\((\w+), ?([\d.]+)\)")
_HISTORY = 5  # periods before the window without which no band is drawn
_RULE = re.compile(r'\s*(ALARM\("[^"]+"\)|AND|OR|NOT|\(|\))')


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm now. ``value`` is the newest one compared, None when there is none; ``owners`` are
    the topics that are told. ``metric`` is a rule's text where the alarm looks at other alarms."""

    name: str
    description: str
    metric: str
    value: float | None
    threshold: float
    comparison: str
    state: State
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """What alarms look at. ``queues``: name → figures; ``since`` is when all began."""

    metrics: Metrics
    queues: Mapping[str, Mapping[str, float]]
    since: float
    now: float
    speed: float


@dataclass(frozen=True, slots=True)
class Stat:
    """One metric as alarms and dashboards name it. ``period`` is in seconds, unshortened."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str
    period: float


def evaluate_all(specs: Sequence[AlarmSpec], measured: Measured) -> list[Alarm]:
    """Every alarm's state, in the order given.

    Raises: UnsupportedError: a rule over alarms that is not known here.
    """
    plain = {
        spec.name: evaluate(spec, measured) for spec in specs if "AlarmRule" not in spec.properties
    }
    ringing = {name for name, alarm in plain.items() if alarm.state == "ALARM"}
    return [plain[spec.name] if spec.name in plain else _together(spec, ringing) for spec in specs]


def evaluate(spec: AlarmSpec, measured: Measured) -> Alarm:
    """The alarm's state. One over metric maths other than a band has none here."""
    properties = spec.properties
    comparison = str(properties.get("ComparisonOperator", ""))
    stat, deviations = _looked_at(properties)
    periods = int(properties.get("EvaluationPeriods", 1))
    threshold: float | None = float(properties.get("Threshold", 0))
    points: list[float | None] = []
    if stat is not None:
        points = series(stat, measured, periods)
        if deviations is not None:
            threshold = _upper(stat, measured, periods, deviations)
    known = [point for point in points if point is not None]
    return Alarm(
        name=spec.name,
        description=str(properties.get("AlarmDescription", "")),
        metric=f"{stat.namespace}/{stat.name}" if stat else "",
        value=known[-1] if known else None,
        threshold=threshold or 0.0,
        comparison=comparison,
        state=_state(properties, points, threshold, measured, stat),
        owners=_owners(properties),
    )


def _state(
    properties: Mapping[str, Any],
    points: Sequence[float | None],
    threshold: float | None,
    measured: Measured,
    stat: Stat | None,
) -> State:
    compare = _COMPARE.get(str(properties.get("ComparisonOperator", "")))
    if stat is None or compare is None or threshold is None:
        return "INSUFFICIENT_DATA"
    missing = str(properties.get("TreatMissingData", "missing"))
    known = [compare(point, threshold) for point in points if point is not None]
    absent = len(points) - len(known)
    if not known and missing in ("missing", "ignore"):
        return "INSUFFICIENT_DATA"
    needed = int(properties.get("DatapointsToAlarm", len(points)))
    breaching = sum(known)
    if missing == "breaching":
        breaching += absent
        young = measured.now - measured.since < stat.period * len(points) / measured.speed
        if absent and young and breaching >= needed:
            return "INSUFFICIENT_DATA"  # silence is not yet long enough to mean anything
    elif missing in ("missing", "ignore"):
        needed = min(needed, len(known))
    return "ALARM" if breaching >= needed else "OK"


def series(stat: Stat, measured: Measured, periods: int) -> list[float | None]:
    """The metric's last ``periods`` values, oldest first; None where nothing was measured."""
    if stat.namespace == "AWS/SQS":
        figures = measured.queues.get(stat.dimensions.get("QueueName", ""), {})
        value = figures.get(_QUEUE_METRICS.get(stat.name, ""))
        if value and stat.name.endswith("OldestMessage"):
            value *= measured.speed
        return [value] * periods
    length = stat.period / measured.speed
    start = measured.now - length * periods
    buckets: list[list[float]] = [[] for _ in range(periods)]
    for sample in _about(measured.metrics.since(stat.namespace, stat.name, start), stat):
        if sample.at <= measured.now:
            buckets[min(int((sample.at - start) / length), periods - 1)].append(sample.value)
    return [_reduced(stat.statistic, values) if values else None for values in buckets]


def _reduced(statistic: str, values: list[float]) -> float:
    if statistic in _REDUCE:
        return _REDUCE[statistic](values)
    if percentile := re.fullmatch(r"p(\d+(?:\.\d+)?)", statistic):
        place = math.ceil(len(values) * float(percentile[1]) / 100)
        return sorted(values)[max(place, 1) - 1]
    raise UnsupportedError(f"the local runner does not know the statistic {statistic}")


def _upper(stat: Stat, measured: Measured, periods: int, deviations: float) -> float | None:
    """Where the band ends; None while there is too little to draw one from."""
    length = stat.period / measured.speed
    before = int((measured.now - measured.since) / length) - periods
    if before < _HISTORY:
        return None
    past = series(stat, measured, before + periods)[:before]
    known = [point for point in past if point is not None]
    if len(known) < _HISTORY:
        return None
    mean = statistics.fmean(known)
    return mean + deviations * max(statistics.pstdev(known), abs(mean) / 10)


def _looked_at(properties: Mapping[str, Any]) -> tuple[Stat | None, float | None]:
    """The metric, and for a band how many deviations wide it is."""
    if properties.get("MetricName"):
        return _stat(properties, properties), None
    parts = properties.get("Metrics", [])
    stats = {part["Id"]: part["MetricStat"] for part in parts if "MetricStat" in part}
    bands = [_BAND.fullmatch(str(part.get("Expression", ""))) for part in parts]
    band = next(filter(None, bands), None)
    if band is not None and band[1] in stats:
        found = stats[band[1]]
        return _stat(found["Metric"], {**found, "Statistic": found["Stat"]}), float(band[2])
    if len(parts) == 1 and stats:
        (found,) = stats.values()
        return _stat(found["Metric"], {**found, "Statistic": found["Stat"]}), None
    return None, None


def _stat(metric: Mapping[str, Any], about: Mapping[str, Any]) -> Stat:
    return Stat(
        namespace=metric["Namespace"],
        name=metric["MetricName"],
        dimensions={each["Name"]: str(each["Value"]) for each in metric.get("Dimensions", [])},
        statistic=str(about.get("Statistic") or about.get("ExtendedStatistic") or "Sum"),
        period=float(about.get("Period", 60)),
    )


def _about(samples: Iterable[Sample], stat: Stat) -> Iterable[Sample]:
    # As CloudWatch does: a metric with one dimension more is another metric.
    wanted = dict(stat.dimensions)
    if stat.namespace == "AWS/Lambda":
        for name_of_version in ("Resource", "ExecutedVersion"):  # there is one version here
            wanted.pop(name_of_version, None)
    return (each for each in samples if dict(each.dimensions) == wanted)


def _together(spec: AlarmSpec, ringing: set[str]) -> Alarm:
    rule = str(spec.properties["AlarmRule"])
    return Alarm(
        name=spec.name,
        description=str(spec.properties.get("AlarmDescription", "")),
        metric=rule,
        value=None,
        threshold=0.0,
        comparison="",
        state="ALARM" if holds(rule, ringing) else "OK",
        owners=_owners(spec.properties),
    )


def holds(rule: str, ringing: set[str]) -> bool:
    """Whether a composite alarm's rule is true while the alarms in ``ringing`` ring.

    Raises: UnsupportedError: it holds more than ALARM("name"), AND, OR, NOT and brackets.
    """
    words = _RULE.findall(rule)
    if "".join(words) != re.sub(r"\s", "", rule):
        raise UnsupportedError(f"the local runner cannot read the alarm rule {rule!r}")

    def term() -> bool:
        word = words.pop(0) if words else ""
        if word == "NOT":
            return not term()
        if word == "(":
            inner = either()
            if not words or words.pop(0) != ")":
                raise UnsupportedError(f"a bracket is not closed in the alarm rule {rule!r}")
            return inner
        name = re.fullmatch(r'ALARM\("(?:arn:[^"]*:alarm:)?([^"]+)"\)', word)
        if name is None:
            raise UnsupportedError(f"the local runner cannot read the alarm rule {rule!r}")
        return name[1] in ringing

    def both() -> bool:
        found = term()
        while words and words[0] == "AND":
            words.pop(0)
            found &= term()
        return found

    def either() -> bool:
        found = both()
        while words and words[0] == "OR":
            words.pop(0)
            found |= both()
        return found

    found = either()
    if words:
        raise UnsupportedError(f"the local runner cannot read the alarm rule {rule!r}")
    return found


def _owners(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """``arn:…:accord-dev-ops`` is ``ops``."""
    actions = properties.get("AlarmActions", [])
    return tuple(str(each).rpartition(":")[2].rpartition("-")[2] for each in actions)
