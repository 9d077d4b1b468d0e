"""The events. Each has a queue, a queue for its dead, and a function of its name."""

from collections.abc import Mapping

FROM_STORE = ("order_created", "order_updated", "refund_issued", "customer_changed")
"""What a store tells. Their functions write to a back office, and share what it bears."""

FROM_ERP = ("order_fulfilled", "invoice_posted", "order_changed_in_erp")
"""What a back office tells. Their functions read there, and write to the store."""

SOLD = ("stock_changed", "price_changed", "product_updated")
"""What is sold. Their functions write to a store in batches, a store's own one after another."""

EVENTS = FROM_STORE + FROM_ERP + SOLD

HINTED = ("poll_erp",)
"""Functions that a clock starts and hints bring forward; each has a queue of its name for those."""

HINT_S = 30
"""Seconds that a hint lies in its queue: the look that follows is for all hints of that time."""

SENDS: Mapping[str, tuple[str, ...]] = {
    "receive_store_webhook": (
        "order_created",
        "order_updated",
        "customer_changed",
        "product_updated",
    ),
    "receive_erp_webhook": HINTED,
    # Refunds that an order shows and that nobody told of; what a person was asked of its sale, and
    # what was shipped or booked before a pass that broke off could say whose it is.
    "order_created": ("refund_issued", *FROM_ERP),
    "order_updated": ("refund_issued", *FROM_ERP),
    # And the order itself, where a refund leaves it with something to ask.
    "refund_issued": ("refund_issued", "order_updated", *FROM_ERP),
    # The other accounts of the same party.
    "customer_changed": ("customer_changed",),
    # What the store told of the order while they held its lease.
    "order_fulfilled": ("order_updated",),
    "invoice_posted": ("order_updated",),
    "order_changed_in_erp": ("order_updated",),
    "poll_erp": (*FROM_ERP, "customer_changed", *SOLD),
    "poll_store": (*FROM_STORE, "product_updated"),
    # What is left when their time is up, and what waited for a product that they found.
    "stock_changed": ("stock_changed", "price_changed"),
    "price_changed": ("price_changed", "stock_changed"),
    # And what the store shows otherwise than it was told.
    "product_updated": SOLD,
    # What would mend what both sides say otherwise.
    "reconcile": ("order_updated", "order_changed_in_erp", "customer_changed", *SOLD),
    "wake": EVENTS,
}
"""Function → the events that it queues."""

INWARD = (
    "receive_store_webhook",
    "receive_erp_webhook",
    "receive_store_keys",
    "get_document",
    "report_dead_letters",
    "seal_journal",
    "send_digest",
)
"""Functions that speak to AWS alone, never to a store or a back office."""

PRINTED = ("order_fulfilled", "invoice_posted")
"""Their functions keep printed documents, and tell the address that opens one."""

CALLING = ("xero",)
"""Adapters whose back office calls when something changed there: it signs with a key of ours."""

CONSENTED = ("xero",)
"""Adapters whose back office a person allows in a browser: who speaks to one reads its tokens."""

POLLED = ("sales_order", "shipment", "invoice", "party", "item", "stock", "price", "recipe")
"""The kinds of records of which each back office is asked what changed."""

SWEPT = {"stock": "cron(10 1 * * ? *)", "price": "cron(40 1 * * ? *)", "item": "cron(10 2 * * ? *)"}
"""Kinds that are read whole once a night, and when (UTC): some changes there move no date."""

SEALED = "cron(20 2 * * ? *)"
"""When the journal of the day before is sealed (UTC): all that was begun then has ended."""


COMPARED = "cron(50 2 * * ? *)"
"""When both sides are compared (UTC): behind the nightly look at every item."""


def workers(event: str, at_once: int) -> int:
    """How many of the event's changes are handled at once, where a back office bears ``at_once``.

    AWS allows no less than two a queue, so those of ``FROM_STORE`` are eight together even where a
    back office bears fewer: one that is asked too much says so or is slow, and the change comes
    again. Beyond eight, orders get what there is; refunds and customers are rarer. Those of
    ``FROM_ERP``, two each, come on top: six more that mostly read.
    """
    if event in ("order_created", "order_updated"):
        return max(2, (at_once - 4) // 2)
    return 2
