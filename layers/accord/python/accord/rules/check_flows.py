"""What is wrong with what a store is told of its back office."""

from collections.abc import Iterator, Mapping

from accord.model.documents import Kind
from accord.model.money import digits
from accord.model.party import CUSTOMER_TERMS
from accord.rules.config import Config, Store
from accord.rules.problem import Abilities, Path, Problem

_NEEDS: Mapping[str, frozenset[Kind]] = {
    "fulfilment": frozenset({Kind.SHIPMENT}),
    "invoices": frozenset({Kind.INVOICE}),
    "erp_changes": frozenset({Kind.SALES_ORDER, Kind.INVOICE}),
    "customers": frozenset({Kind.PARTY}),
}
"""Flow → the kinds of record whose changes it lives on."""

_ENDS = ("cancelled", "refunded", "failed", "trash")


def back_offices(store: Store) -> dict[str, Path]:
    """Each back office that the store's orders may go to → where that is said, from the store."""
    routes = store.orders.route
    routed: dict[str, Path] = {
        route.erp: ("orders", "route", n, "erp") for n, route in enumerate(routes) if route.erp
    }
    return {**routed, store.erp: ("erp",)}


def abilities_of(
    at: Path, config: Config, store: Store, abilities: Mapping[str, Abilities]
) -> Iterator[Problem]:
    """What the store at ``at`` asks of its back offices and their adapters cannot do."""
    for name in back_offices(store):
        adapter = config.erps[name].adapter
        can = abilities.get(adapter)
        if can is None:
            continue
        for flow, kinds in _NEEDS.items():
            if getattr(store.flows, flow) != "off" and (lacking := kinds - can.tells):
                said = " and ".join(sorted(kind.value.replace("_", " ") for kind in lacking))
                yield Problem(
                    (*at, "flows", flow),
                    f"{adapter} ({name}) does not tell of a changed {said}",
                    f'Set {flow} = "off": with this back office the flow has nothing to go by.',
                )
        if store.orders.returns != "none" and not can.returns:
            yield Problem(
                (*at, "orders", "returns"),
                f"{adapter} ({name}) cannot take an announced return of goods",
                'Set returns = "none", and let the warehouse book what comes back.',
            )
        named = f"{adapter} ({name})"
        yield from _of_money(at, store, can, named)
        yield from _of_customers(at, store, can, named)
        if store.flows.fulfilment != "off" and not can.delivery_notes:
            yield from _delivery_notes(at, store, named)
        if store.mappings.revenue and not can.revenue:
            yield Problem(
                (*at, "mappings", "revenue", 0),
                f"{adapter} ({name}) books an item's revenue on the item's own account only",
                "Remove the revenue rules, and give the items their accounts in the back office.",
            )


def _of_money(at: Path, store: Store, can: Abilities, named: str) -> Iterator[Problem]:
    currency = store.prices.currency
    if currency and can.digits is not None and (places := digits(currency)) > can.digits:
        yield Problem(
            (*at, "prices", "currency"),
            f"an amount in {currency} has {places} digits behind the point, and {named} keeps "
            f"{can.digits} of any",
            "Keep this shop's orders in another back office: totals would never agree.",
        )
    if store.flows.orders == "off":
        return
    for method, payment in store.mappings.payments.items():
        if payment.record and not can.payments:
            yield Problem(
                (*at, "mappings", "payments", method, "record"),
                f"{named} takes no payments, so every order paid by {method!r} would stop there",
                "Set record = false: the bank statement brings the money.",
            )
    if store.mappings.refund_amount is not None and not can.credits:
        yield Problem(
            (*at, "mappings", "refund_amount"),
            f"{named} takes no credit notes, so every refund will wait for a person",
            "Credit refunds there by hand; `accord attention list` names each of them.",
            "warning",
        )


def _of_customers(at: Path, store: Store, can: Abilities, named: str) -> Iterator[Problem]:
    if store.flows.customers == "off":
        return
    for field in sorted(CUSTOMER_TERMS - can.customer_terms):
        if (policy := getattr(store.customers.fields, field)) != "erp":
            yield Problem(
                (*at, "customers", "fields", field),
                f"{named} keeps no {field} of a customer, so {policy!r} could write none there",
                f'Set {field} = "erp", or leave it out.',
            )


def _delivery_notes(at: Path, store: Store, named: str) -> Iterator[Problem]:
    if store.fulfilment.delivery_note:
        yield Problem(
            (*at, "fulfilment", "delivery_note"),
            f"{named} gives no delivery notes, so none would be kept or linked",
            "Set delivery_note = false, and print them there.",
        )


def told(at: Path, store: Store) -> Iterator[Problem]:
    """Problems of what the store's orders and shoppers are told."""
    yield from _without_orders(at, store)
    yield from _notes(at, store)
    for key in ("part_shipped", "shipped"):
        status = getattr(store.fulfilment, key)
        if status is None or store.flows.fulfilment == "off":
            continue
        if status.startswith("wc-"):
            yield Problem(
                (*at, "fulfilment", key),
                f"the store does not take {status!r}",
                f'Drop the "wc-": the store\'s interface calls it {status[3:]!r}.',
            )
        elif status in _ENDS or store.orders.statuses.get(status) == "cancel":
            yield Problem(
                (*at, "fulfilment", key),
                f"{status!r} cancels the order that was just shipped",
                'Name a status in which it stays sold, such as "completed".',
            )


def _without_orders(at: Path, store: Store) -> Iterator[Problem]:
    if store.flows.orders != "off":
        return
    for flow in ("fulfilment", "invoices", "erp_changes"):
        if getattr(store.flows, flow) != "off":
            yield Problem(
                (*at, "flows", flow),
                "orders are off, so no new order is known to tell of",
                'Set orders = "on" or "shadow" too, unless this shop is being wound down.',
                "warning",
            )


def _notes(at: Path, store: Store) -> Iterator[Problem]:
    for name, rules in (("fulfilment", store.fulfilment), ("invoices", store.invoices)):
        path: Path = (*at, name, "note_to_customer")
        if rules.note_to_customer and not rules.note:
            yield Problem(
                path,
                "there is no note that the shopper could get",
                f"Write a note in [{at[0]}.{at[1]}.{name}], or set note_to_customer = false.",
                "warning",
            )
        elif rules.note_to_customer and not store.prod:
            yield Problem(
                path,
                "this shop is not marked as live, so the note will be private",
                "Shoppers hear of nothing from a test shop; prod = true marks the live one.",
                "warning",
            )
    if "{url}" in store.invoices.note and not store.invoices.link:
        yield Problem(
            (*at, "invoices", "note"),
            "the note names the document's address, and none is made",
            "Set link = true, or take {url} out of the note.",
            "warning",
        )
