"""The metrics, in business words. Dimensions are the stage, and the store or a kind of record."""

from aws_lambda_powertools.metrics import MetricUnit, single_metric

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
    with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as metric:
        # Powertools would add the service as one more dimension, and an alarm on stage and store
        # finds no metric that has a third.
        metric.service = ""
        metric.add_dimension(name="stage", value=settings().stage)
        if store:
            metric.add_dimension(name="store", value=store)
        if kind:
            metric.add_dimension(name="kind", value=kind)
