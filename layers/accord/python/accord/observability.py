"""The metrics, in business words. Dimensions are the stage, and the store or a kind of record."""

from collections.abc import Mapping

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from accord.settings import settings

NAMESPACE = "Accord"


def measure(
    name: str,
    value: float = 1,
    *,
    store: str = "",
    kind: str = "",
    unit: MetricUnit = MetricUnit.Count,
) -> None:
    """Writes one metric to the log, from which CloudWatch takes it (embedded metric format)."""
    measure_all({name: (value, unit)}, store=store, kind=kind)


def measure_all(
    figures: Mapping[str, tuple[float, MetricUnit]], *, store: str = "", kind: str = ""
) -> None:
    """Writes metrics of the same dimensions (name → value and unit) in one line of the log."""
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    # Powertools would add the service as one more dimension, and an alarm on stage and store finds
    # no metric that has a third.
    metrics.service = ""
    metrics.add_dimension(name="stage", value=settings().stage)
    if store:
        metrics.add_dimension(name="store", value=store)
    if kind:
        metrics.add_dimension(name="kind", value=kind)
    for name, (value, unit) in figures.items():
        metrics.add_metric(name=name, unit=unit, value=value)
    metrics.flush_metrics()
