"""Questions that are asked of the logs again and again, saved in CloudWatch Logs Insights."""

from collections.abc import Sequence

from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.stages import Stage

_QUERIES = {
    "failed changes": (
        "fields @timestamp, service, ref, attempt, outcome, error, at\n"
        '| filter level = "ERROR" or outcome like /for (commerce|finance|warehouse|support|ops)/\n'
        "| sort @timestamp desc\n| limit 200"
    ),
    "slowest": (
        'filter @type = "REPORT"\n'
        "| stats count(*) as runs, avg(@duration) as mean_ms, pct(@duration, 95) as p95_ms, "
        "max(@duration) as slowest_ms, max(@maxMemoryUsed / 1000000) as memory_mb by @log\n"
        "| sort slowest_ms desc"
    ),
    "one story": (
        "fields @timestamp, service, message, ref, outcome\n"
        '| filter correlation_id = "PUT THE CORRELATION ID HERE"\n| sort @timestamp asc'
    ),
    "by store": (
        'filter message = "handled"\n| parse ref "*:*:*" as store, kind, id\n'
        "| stats count(*) as changes, sum(attempt > 1) as tried_again by store, kind, service\n"
        "| sort changes desc"
    ),
    "what waits": (
        'filter message = "backlog"\n'
        "| stats latest(waiting) as waiting, latest(unposted.order) as oldest_order_s by store"
    ),
}


class LogQueries(Construct):
    """One for each question, over the logs of all functions."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, folders: Sequence[str]) -> None:
        super().__init__(scope, id_)
        groups = [f"/aws/lambda/{stage.named(folder)}" for folder in folders]
        for name, text in _QUERIES.items():
            logs.CfnQueryDefinition(
                self,
                name.title().replace(" ", ""),
                name=f"Accord/{stage.name}/{name}",
                query_string=text,
                log_group_names=groups,
            )
