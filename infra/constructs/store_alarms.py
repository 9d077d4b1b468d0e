"""What is watched of one store."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.constructs.bell import BELOW, SILENCE, Bell
from infra.constructs.metrics import ours
from infra.wiring import OWNERS, Watch

_HOUR = Duration.hours(1)


def store_alarms(bell: Bell, store: str, *, watch: Watch) -> None:
    """An alarm on each thing that somebody of ``store`` must act on, and one on any of them."""
    parts = [
        *_attention(bell, store),
        *_lateness(bell, store, watch),
        *_webhooks(bell, store),
        *_differences(bell, store),
    ]
    if watch.quiet_hours is not None:
        parts.append(_quiet(bell, store, watch.quiet_hours))
    bell.together(
        f"store-{store}-trouble",
        "support",
        runbook="store-trouble",
        rule="OR",
        parts=parts,
        todo=f"Something is wrong with {store}, and whoever must act has been told. Customers may "
        "ask about late orders or wrong stock; the dashboard says what it is.",
    )


def _attention(bell: Bell, store: str) -> list[cloudwatch.IAlarm]:
    stage = bell.stage.name
    asked = [
        bell.ring(
            f"store-{store}-{owner}-attention",
            owner,
            runbook="store-attention",
            metric=ours("ChangesAttention", stage=stage, store=store, kind=owner),
            threshold=1,
            todo=f"Something of {store} needs {owner} before it can go on. "
            f"`accord attention list --owner {owner}` says what, why, and what to do.",
        )
        for owner in OWNERS
    ]
    stays = [
        bell.ring(
            f"store-{store}-{owner}-asked",
            owner,
            runbook="attention-stays",
            metric=ours(
                "AttentionOpen",
                statistic="Minimum",
                period=_HOUR,
                stage=stage,
                store=store,
                kind=owner,
            ),
            threshold=1,
            periods=24,
            todo=f"Something of {store} has waited a day for {owner}. "
            f"`accord attention list --owner {owner}` says what, and what to do.",
        )
        for owner in OWNERS
    ]
    return [*asked, *stays]


def _lateness(bell: Bell, store: str, watch: Watch) -> list[cloudwatch.IAlarm]:
    stage, hours = bell.stage.name, watch.late_hours
    return [
        bell.ring(
            f"store-{store}-orders-late",
            "ops",
            "commerce",
            runbook="orders-late",
            metric=ours(
                "OldestUnpostedOrderSeconds", statistic="Maximum", stage=stage, store=store
            ),
            threshold=hours * 3600,
            todo=f"An order of {store} is not in the books after {hours} hours. `accord waiting "
            "list` says what it waits for, `accord attention list` what a person must do.",
        ),
        bell.ring(
            f"store-{store}-refunds-late",
            "finance",
            runbook="refunds-late",
            metric=ours(
                "OldestUnpostedRefundSeconds", statistic="Maximum", stage=stage, store=store
            ),
            threshold=hours * 3600,
            todo=f"A refund of {store} is not in the books after {hours} hours. `accord waiting "
            "list` says what it waits for, `accord attention list` what a person must do.",
        ),
        bell.ring(
            f"store-{store}-stock-late",
            "warehouse",
            "ops",
            runbook="stock-late",
            metric=ours("StockAgeSeconds", statistic="Maximum", stage=stage, store=store),
            threshold=1800,
            periods=3,
            todo=f"What {store} may sell is half an hour old, so it may sell what is gone. The "
            "log of stock_changed says whether the store is slow, away, or refuses.",
        ),
        bell.unusual(
            f"store-{store}-posting-slow",
            "ops",
            runbook="posting-slow",
            metric=ours(
                "OrderPostingSeconds",
                statistic="Average",
                period=Duration.minutes(15),
                stage=stage,
                store=store,
            ),
            deviations=4,
            periods=3,
            todo=f"Orders of {store} take longer to reach the books than they do at such times. "
            "They do reach them; find out what is slow before it is late.",
        ),
    ]


def _webhooks(bell: Bell, store: str) -> list[cloudwatch.IAlarm]:
    stage = bell.stage.name
    return [
        bell.ring(
            f"store-{store}-rejected",
            "ops",
            runbook="webhooks-rejected",
            metric=ours("WebhooksRejected", stage=stage, store=store),
            threshold=5,
            todo=f"Deliveries for {store} do not pass. Either somebody forges them, or the "
            f"webhook's secret in the store is not the one in {stage}'s secrets, or "
            "allowed_sources lacks an address. The receiver's log says which.",
        ),
        bell.ring(
            f"store-{store}-keys-rejected",
            "ops",
            runbook="store-keys-rejected",
            metric=ours("StoreKeysRejected", period=_HOUR, stage=stage, store=store),
            threshold=5,  # one is a link of `accord connect` that was opened too late
            todo=f"Keys that nobody asked for are posted in the name of {store}, and turned away. "
            "Either links of `accord connect` are opened too late, or somebody tries their luck.",
        ),
        bell.ring(
            f"store-{store}-webhooks-off",
            "commerce",
            "ops",
            runbook="webhooks-disabled",
            metric=ours("WebhooksDisabled", stage=stage, store=store),
            threshold=1,
            todo=f"Webhooks of {store} were missing or switched off, and were made anew. Nothing "
            "was lost; find out who or what switches them off before it happens again.",
        ),
        bell.ring(
            f"store-{store}-news-late",
            "ops",
            runbook="store-news-late",
            metric=ours("StorePollsBehind", stage=stage, store=store),
            threshold=1,
            periods=6,
            todo=f"{store} is not read to its end for half an hour: it does not answer, or it "
            "changes faster than it is read. Orders whose webhook was lost arrive late.",
        ),
    ]


def _differences(bell: Bell, store: str) -> list[cloudwatch.IAlarm]:
    stage = bell.stage.name
    return [
        bell.ring(
            f"store-{store}-differs",
            "finance",
            runbook="differences",
            metric=ours("DifferencesFound", period=_HOUR, stage=stage, store=store),
            threshold=1,
            todo=f"{store} and its back office differ. `accord reconcile {store}` says in what, "
            "why and how it is repaired; the report of the night is kept.",
        ),
        bell.ring(
            f"store-{store}-uncompared",
            "ops",
            runbook="not-compared",
            metric=ours("ReconcileBehind", period=_HOUR, stage=stage, store=store),
            threshold=30,  # every other minute of an hour
            periods=2,
            todo=f"{store} and its back office were not compared last night, or that does not come "
            "to its end. The log of reconcile says why; nothing is lost by it.",
        ),
    ]


def _quiet(bell: Bell, store: str, hours: int) -> cloudwatch.IAlarm:
    """Two that tell nobody, and one that rings while both do: it is quiet, and it should not be."""
    stage = bell.stage.name
    silent = bell.ring(
        f"store-{store}-silent-part",
        runbook="store-quiet",
        metric=ours("WebhooksReceived", period=_HOUR, stage=stage, store=store),
        threshold=1,
        when=BELOW,
        missing=SILENCE,
        periods=hours,
        todo=f"{store} told nothing for {hours} hours. At night that is as it should be: it tells "
        "nobody by itself.",
    )
    busy = bell.ring(
        f"store-{store}-busy-part",
        runbook="store-quiet",
        metric=ours("BusyHours", statistic="Minimum", period=_HOUR, stage=stage, store=store),
        threshold=1,
        periods=hours,
        todo=f"The last {hours} hours were busy ones of {store} throughout: it tells nobody by "
        "itself, and makes silence worth telling of.",
    )
    return bell.together(
        f"store-{store}-quiet",
        "commerce",
        "ops",
        runbook="store-quiet",
        rule="AND",
        parts=[silent, busy],
        todo=f"{store} has told nothing for {hours} hours in which it usually sells. Is the shop "
        "up, can one buy there, and are its webhooks on?",
    )
