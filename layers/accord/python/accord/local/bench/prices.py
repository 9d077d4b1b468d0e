"""What AWS charges for what one order uses.

US dollars, us-east-1, on demand, first tier, looked up in November 2026, before any free tier or
savings plan; other regions differ. What a month costs without any order is not in it: empty long
polls of the queues, schedules, alarms, metrics, storage, backups, keys and secrets.

Sources: the pricing pages of Amazon DynamoDB (on-demand capacity), Amazon SQS (FIFO), AWS Lambda
(Arm), Amazon API Gateway (HTTP APIs), AWS Secrets Manager, Amazon S3 (Standard) and Amazon
CloudWatch (Logs).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Any

MILLION = 1_000_000
PRICES: dict[str, Decimal] = {
    "DynamoDB write request units": Decimal("0.625") / MILLION,  # 1 KB; a transaction's count twice
    "DynamoDB read request units": Decimal("0.125") / MILLION,  # 4 KB, consistent; transacted twice
    "SQS FIFO requests": Decimal("0.50") / MILLION,  # each begun 64 KB
    "Lambda requests": Decimal("0.20") / MILLION,
    "Lambda GB-seconds": Decimal("0.0000133334"),
    "HTTP API requests": Decimal("1.00") / MILLION,  # each begun 512 KB
    "Secrets Manager calls": Decimal("0.05") / 10_000,
    "S3 writes": Decimal("0.005") / 1_000,
    "S3 reads": Decimal("0.0004") / 1_000,
    "log GB": Decimal("0.50"),
}

_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem", "BatchWriteItem"}
_READS = {"GetItem", "Query", "Scan", "BatchGetItem"}


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of each thing in ``PRICES`` one order uses."""

    amounts: Mapping[str, Decimal]

    @property
    def dollars(self) -> dict[str, Decimal]:
        """What a million orders cost, by thing."""
        return {name: PRICES[name] * amount * MILLION for name, amount in self.amounts.items()}

    @property
    def total(self) -> Decimal:
        return sum(self.dollars.values(), Decimal(0))


def request_units(
    operations: Mapping[str, int],
    actions: Mapping[tuple[str, str], int],
    item_kb: Mapping[str, float],
) -> tuple[Decimal, Decimal]:
    """(write, read) request units of DynamoDB calls, as the runner's ``Calls`` record them.

    ``item_kb`` is the mean size of an item per table, in KB; 1 where it is not known. A transaction
    lists its items as plain actions: what exceeds the plain operations was transacted, and counts
    twice. A batch is as many actions as it has items.
    """
    write = read = Decimal(0)
    for (action, table), count in actions.items():
        service, _, name = action.partition(":")
        if service != "dynamodb":
            continue
        everywhere = sum(n for (other, _), n in actions.items() if other == action)
        plain = min(operations.get(action, 0), everywhere)
        transacted = 0 if name.startswith("Batch") else everywhere - plain
        weight = Decimal(everywhere + transacted) / everywhere
        size = item_kb.get(table, 1.0)
        if name in _WRITES:
            write += count * weight * ceil(size)
        elif name in _READS:
            read += count * weight * ceil(size / 4)
    return write, read


def item_size(item: Mapping[str, Any]) -> int:
    """Bytes of an item as DynamoDB counts them: names and values in UTF-8.

    Source: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats".
    """
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    (kind, content), *_ = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content) // 2 + 2
        case "M":
            return 3 + item_size(content) + len(content)
        case "L":
            return 3 + sum(1 + _value_size(each) for each in content)
        case "SS" | "NS" | "BS":
            return sum(len(each) for each in content)
        case "B":
            return len(content)
        case _:
            return 1
