"""One look: are orders flowing, how late, what is stuck, whose turn is it."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.constructs.metrics import of_api, of_function, ours, queue_age
from infra.stages import Stage
from infra.wiring import OWNERS

_WIDTH = 24
_HEIGHT = 6


class Dashboard(Construct):
    """The stage's dashboard, read from top to bottom."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        stage: Stage,
        stores: Sequence[str],
        erps: Sequence[str],
        events: Sequence[str],
        folders: Sequence[str],
        api_id: str,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, id_)
        self._stage = stage
        self._stores = stores
        board = cloudwatch.Dashboard(
            self,
            "Board",
            dashboard_name=f"accord-{stage.name}",
            default_interval=Duration.hours(6),
            period_override=cloudwatch.PeriodOverride.INHERIT,
        )
        board.add_widgets(
            cloudwatch.AlarmStatusWidget(
                title="Alarms", alarms=list(alarms), width=_WIDTH, height=_HEIGHT
            )
        )
        board.add_widgets(*self._flowing(api_id))
        board.add_widgets(*self._late(events))
        board.add_widgets(*self._stuck())
        board.add_widgets(*self._whose())
        board.add_widgets(*self._asked())
        board.add_widgets(*self._machine(erps, folders))

    def _flowing(self, api_id: str) -> list[cloudwatch.IWidget]:
        return [
            self._graph("Orders posted", self._each("OrdersPosted")),
            self._graph("Told by the stores", self._each("WebhooksReceived")),
            self._graph(
                "Turned away at the door",
                [
                    *self._each("WebhooksRejected"),
                    *self._each("StoreKeysRejected", "Sum", " keys"),
                    of_api("5xx", api_id, label="answered 5xx"),
                ],
            ),
        ]

    def _late(self, events: Sequence[str]) -> list[cloudwatch.IWidget]:
        return [
            self._graph(
                "Seconds until an order is in the books",
                [
                    *self._each("OrderPostingSeconds", "p50", " half of them"),
                    *self._each("OrderPostingSeconds", "p95", " all but 5 %"),
                ],
            ),
            self._graph(
                "Seconds: oldest order, refund, stock that is not there yet",
                [
                    *self._each("OldestUnpostedOrderSeconds", "Maximum", " order"),
                    *self._each("OldestUnpostedRefundSeconds", "Maximum", " refund"),
                    *self._each("StockAgeSeconds", "Maximum", " stock"),
                ],
            ),
            self._graph(
                "Seconds: oldest change in each queue",
                [queue_age(f"{self._stage.named(event)}.fifo", label=event) for event in events],
            ),
        ]

    def _stuck(self) -> list[cloudwatch.IWidget]:
        return [
            self._graph("Waiting until it can go on", self._each("Waiting", "Maximum")),
            self._graph(
                "Differences found at night, pieces oversold",
                [
                    *self._each("DifferencesFound", "Sum", " differs"),
                    ours("OversoldUnits", label="oversold", stage=self._stage.name),
                ],
            ),
            self._graph(
                "Dead letters, webhooks switched off",
                [
                    ours("DeadLetters", label="dead letters", stage=self._stage.name),
                    *self._each("WebhooksDisabled", "Sum", " webhooks"),
                ],
            ),
        ]

    def _whose(self) -> list[cloudwatch.IWidget]:
        width = _WIDTH // len(self._stores) if len(self._stores) <= 4 else 6
        return [
            cloudwatch.SingleValueWidget(
                title=f"Whose turn: {store}",
                metrics=[
                    ours(
                        "AttentionOpen",
                        statistic="Maximum",
                        label=owner,
                        stage=self._stage.name,
                        store=store,
                        kind=owner,
                    )
                    for owner in OWNERS
                ],
                width=width,
                height=4,
            )
            for store in self._stores
        ]

    def _asked(self) -> list[cloudwatch.IWidget]:
        return [
            self._graph(
                "Newly asked of each desk",
                [
                    ours(
                        "ChangesAttention",
                        label=f"{store} {owner}",
                        stage=self._stage.name,
                        store=store,
                        kind=owner,
                    )
                    for store in self._stores
                    for owner in OWNERS
                ],
            ),
            self._graph("Parked: cannot go on now", self._each("ChangesParked")),
            self._graph("Orders that no webhook told of", self._each("OrdersRecovered")),
        ]

    def _machine(self, erps: Sequence[str], folders: Sequence[str]) -> list[cloudwatch.IWidget]:
        stage = self._stage
        return [
            self._graph(
                "Calls of back offices and stores",
                [
                    *(ours("ErpCalls", label=erp, stage=stage.name, kind=erp) for erp in erps),
                    *self._each("StoreCalls"),
                ],
            ),
            self._graph(
                "Seconds: between the look at stock and the write",
                self._each("StockWindowSeconds", "Maximum"),
            ),
            self._graph(
                "Functions that failed",
                [of_function("Errors", stage.named(folder), label=folder) for folder in folders],
            ),
        ]

    def _graph(self, title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.IWidget:
        return cloudwatch.GraphWidget(
            title=title, left=list(metrics), width=_WIDTH // 3, height=_HEIGHT
        )

    def _each(
        self, metric: str, statistic: str = "Sum", suffix: str = ""
    ) -> list[cloudwatch.Metric]:
        """``metric`` of each store."""
        return [
            ours(
                metric,
                statistic=statistic,
                label=f"{store}{suffix}",
                stage=self._stage.name,
                store=store,
            )
            for store in self._stores
        ]
