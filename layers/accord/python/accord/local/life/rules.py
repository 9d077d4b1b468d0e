"""A merchant's choices, drawn: the same lives must end well under any of them."""

import datetime as dt
from random import Random
from typing import Any

from accord.erp.memory.adapter import Memory, memory_like
from accord.local.life.known import CUSTOM
from accord.ports.erp import Duplicates
from accord.rules.config import Config, StoreFlows
from accord.rules.mapping import PaymentRule
from accord.rules.selling import PriceRules, StockRules

_HABITS: tuple[Duplicates, ...] = ("refused", "same_answer", "possible")


def varied(config: Config, rng: Random) -> Config:
    """``config`` with its first store's flows on, its money recorded, and its rules drawn."""
    name, store = next(iter(config.stores.items()))
    statuses: dict[str, Any] = dict(store.orders.statuses)
    if rng.random() < 0.3:
        statuses["pending"] = "both"
    if rng.random() < 0.5:
        statuses[CUSTOM] = rng.choice(("sales_order", "cancel"))
    payments = {
        **store.mappings.payments,
        "bacs": PaymentRule(record=True, account="Bank"),
        "cheque": PaymentRule(record=True, account="Bank", refund_account="Cash"),
    }
    flows = StoreFlows.model_validate(dict.fromkeys(StoreFlows.model_fields, "on"))
    ask_or_apply = ("ask", "apply")
    changed = store.model_copy(
        update={
            "flows": flows,
            "orders": store.orders.model_copy(
                update={
                    "statuses": statuses,
                    "import_closed": rng.choice(("none", "both")),
                    "closed_period": rng.choice(("next_open", "ask")),
                }
            ),
            "erp_changes": store.erp_changes.model_copy(
                update={
                    "cancelled": rng.choice(ask_or_apply),
                    "credited": rng.choice(ask_or_apply),
                }
            ),
            "stock": StockRules(locations=("MAIN",), near=rng.choice((0, 10, 2000))),
            "prices": PriceRules(currency="GBP"),
            "invoices": store.invoices.model_copy(update={"link": rng.random() < 0.3}),
            "mappings": store.mappings.model_copy(update={"payments": payments}),
        }
    )
    return config.model_copy(update={"stores": {**config.stores, name: changed}})


def habit(rng: Random) -> type[Memory]:
    """A back office of any habits: what a second create does, how late it shows what is new."""
    return memory_like(
        rng.choice(_HABITS),
        search_lag=dt.timedelta(seconds=rng.choice((0, 0, 5))),
        news_lag=dt.timedelta(seconds=rng.choice((0, 60))),
    )
