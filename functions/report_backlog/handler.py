"""Each minute: how long things wait, and whose turn it is, as metrics.

Zeros are told too, so that silence means only one thing: nobody looks.
"""

from typing import Any, get_args

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.errors import Owner
from accord.observability import measure_all
from accord.sync.backlog import StoreBacklog

logger = Logger()


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Nothing is answered; the metrics are the answer, and the log names what is oldest."""
    backlog = bootstrap.backlog().read()
    for store, of_store in backlog.stores.items():
        _tell(store, of_store)
        if of_store.waiting or of_store.attention:
            logger.info(
                "backlog",
                store=store,
                waiting=of_store.waiting,
                attention=dict(of_store.attention),
                unposted={kind: round(age.total_seconds()) for kind, age in _late(of_store)},
            )
    if backlog.polled:
        poll, age = max(backlog.polled.items(), key=lambda one: one[1])
        measure_all({"CursorAgeSeconds": (age.total_seconds(), MetricUnit.Seconds)})
        if age.total_seconds() > 600:
            logger.warning("a poll does not run", poll=poll, seconds=round(age.total_seconds()))


def _late(of_store: StoreBacklog) -> list[tuple[str, Any]]:
    return [(kind, age) for kind, age in of_store.unposted.items() if age]


def _tell(store: str, backlog: StoreBacklog) -> None:
    order, refund = (backlog.unposted[kind].total_seconds() for kind in ("order", "refund"))
    measure_all(
        {
            "OldestUnpostedOrderSeconds": (order, MetricUnit.Seconds),
            "OldestUnpostedRefundSeconds": (refund, MetricUnit.Seconds),
            "Waiting": (backlog.waiting, MetricUnit.Count),
            "AttentionOpen": (backlog.attention.total(), MetricUnit.Count),
            "BusyHours": (float(backlog.is_busy), MetricUnit.Count),
        },
        store=store,
    )
    for owner in get_args(Owner):
        figures = {"AttentionOpen": (float(backlog.attention[owner]), MetricUnit.Count)}
        measure_all(figures, store=store, kind=owner)
    for kind, age in backlog.levels.items():
        name = {"stock": "StockAgeSeconds", "price": "PriceAgeSeconds"}[kind]
        measure_all({name: (age.total_seconds(), MetricUnit.Seconds)}, store=store)
