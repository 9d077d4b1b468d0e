"""What the flows that run write to a back office. Pure."""

from accord.model.documents import Kind
from accord.rules.config import Config, Store


def written(config: Config, erp: str) -> frozenset[Kind]:
    """Kinds of records that the flows which are not off make or change in [erps.``erp``]."""
    found: set[Kind] = set()
    for store in config.stores.values():
        if erp == store.erp or any(route.erp == erp for route in store.orders.route):
            found |= _by(store)
    return frozenset(found)


def _by(store: Store) -> set[Kind]:
    found: set[Kind] = set()
    if store.flows.orders != "off":
        found |= {Kind.SALES_ORDER, Kind.PARTY, Kind.CREDIT_NOTE}
        if any(rule.record for rule in store.mappings.payments.values()):
            found.add(Kind.PAYMENT)
    if store.flows.customers != "off":
        found.add(Kind.PARTY)
    if store.flows.products != "off" and store.catalogue.owner == "store":
        found.add(Kind.ITEM)
    return found
