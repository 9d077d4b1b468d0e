"""Metrics that functions print, read from their lines.

Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format".
"""

import json
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_MARK = b'"_aws"'
_KEPT = 20_000  # samples of one metric; an alarm looks at the last few minutes


@dataclass(frozen=True, slots=True)
class Sample:
    """One published value. ``at`` is the runner's clock, in seconds."""

    value: float
    at: float
    dimensions: Mapping[str, str]


class Metrics:
    """All samples so far, by namespace and name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._samples: dict[tuple[str, str], deque[Sample]] = defaultdict(
            lambda: deque(maxlen=_KEPT)
        )
        self._sums: dict[str, float] = defaultdict(float)

    def feed(self, line: bytes, *, at: float) -> None:
        """Takes the metrics in ``line``; a line without any is passed over."""
        if _MARK not in line:
            return
        try:
            document = json.loads(line)
            found = list(_samples(document, at))
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # a log line that merely mentions the mark
        with self._lock:
            for namespace, name, sample in found:
                self._samples[namespace, name].append(sample)
                self._sums[name] += sample.value

    def put(
        self, namespace: str, name: str, value: float, dimensions: Mapping[str, str], *, at: float
    ) -> None:
        """Takes a metric that AWS itself would publish; ``sums`` leaves those out."""
        with self._lock:
            self._samples[namespace, name].append(Sample(value, at, dimensions))

    def sums(self) -> dict[str, float]:
        """Name → the sum of all values that functions published since the start."""
        with self._lock:
            return dict(self._sums)

    def since(self, namespace: str, name: str, moment: float) -> list[Sample]:
        """The samples of one metric from ``moment`` (the runner's clock) on, oldest first."""
        with self._lock:
            return [each for each in self._samples.get((namespace, name), ()) if each.at >= moment]


def _samples(document: dict[str, Any], at: float) -> Iterator[tuple[str, str, Sample]]:
    envelope = document["_aws"]
    for directive in envelope["CloudWatchMetrics"]:
        sets = directive.get("Dimensions", [[]])
        names = {name for each in sets for name in each}
        dimensions = {name: str(document[name]) for name in names if name in document}
        for metric in directive["Metrics"]:
            values = document[metric["Name"]]
            for value in values if isinstance(values, list) else [values]:
                sample = Sample(float(value), at, dimensions)
                yield directive["Namespace"], metric["Name"], sample
