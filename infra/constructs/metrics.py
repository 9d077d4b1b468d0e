"""The metrics that alarms and the dashboard look at."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

_PERIOD = Duration.minutes(5)


def ours(
    metric: str,
    *,
    statistic: str = "Sum",
    period: Duration = _PERIOD,
    label: str | None = None,
    **dimensions: str,
) -> cloudwatch.Metric:
    """One that the functions tell themselves, of a stage, a store, a kind."""
    return _of("Accord", metric, dimensions, statistic=statistic, period=period, label=label)


def queue_age(queue: str, *, label: str | None = None) -> cloudwatch.Metric:
    """Seconds that the oldest message has been there."""
    name = {"QueueName": queue}
    return _of("AWS/SQS", "ApproximateAgeOfOldestMessage", name, statistic="Maximum", label=label)


def queue_length(queue: str, *, label: str | None = None) -> cloudwatch.Metric:
    """Messages that nobody works on."""
    name = {"QueueName": queue}
    return _of(
        "AWS/SQS", "ApproximateNumberOfMessagesVisible", name, statistic="Maximum", label=label
    )


def of_function(
    metric: str, function: str, *, period: Duration = _PERIOD, label: str | None = None
) -> cloudwatch.Metric:
    """Errors, Throttles, Invocations, counted."""
    name = {"FunctionName": function}
    return _of("AWS/Lambda", metric, name, statistic="Sum", period=period, label=label)


def of_api(metric: str, api_id: str, *, label: str | None = None) -> cloudwatch.Metric:
    """5xx, 4xx, Count of an HTTP API."""
    return _of("AWS/ApiGateway", metric, {"ApiId": api_id}, statistic="Sum", label=label)


def _of(
    namespace: str,
    metric: str,
    dimensions: dict[str, str],
    *,
    statistic: str,
    period: Duration = _PERIOD,
    label: str | None,
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=metric,
        dimensions_map=dimensions,
        statistic=statistic,
        period=period,
        label=label,
    )
