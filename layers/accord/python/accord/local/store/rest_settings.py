"""How the stand-in is set up, over REST: taxes, methods to ship and to pay, settings, status.

Of each it answers the fields that were recorded of WooCommerce 10.5.0, settings of gateways and
methods left out. The store ships from one zone to Great Britain, and has another without methods.
"""

from collections.abc import Iterable, Sequence

from accord.local.store.catalogue import Method, Rate
from accord.local.store.documents import Doc
from accord.local.store.routing import BASE, LIST, READ, Query, page, route
from accord.local.store.wire import Answer, Refusal

_ITEM = {"allow": ["GET", "POST", "PUT", "PATCH", "DELETE"]}
_CHANGED = {"allow": ["GET", "POST", "PUT", "PATCH"]}
_ZONES = ((0, "Locations not covered by your other zones", 0), (1, "UK", 0), (2, "EU", 0))
_SHIPPING_ZONE = 1


def _taxes(query: Query) -> Answer:
    rates = query.shop.catalogue.rates
    documents = [_rate(query, rate, nth) for nth, rate in enumerate(rates)]
    return page(query, "taxes", documents)


def _rate(query: Query, rate: Rate, nth: int) -> Doc:
    return {
        "id": rate.id,
        "country": rate.country,
        "state": "",
        "postcode": "",
        "city": "",
        "rate": f"{rate.percent:.4f}",
        "name": rate.label,
        "priority": 1,
        "compound": False,
        "shipping": True,
        "order": nth,
        "class": rate.tax_class or "standard",
        "postcodes": [],
        "cities": [],
        "_links": _links(query, f"taxes/{rate.id}", "taxes"),
    }


def _tax_classes(query: Query) -> Answer:
    names = {"": "Standard rate"}
    for rate in query.shop.catalogue.rates:
        if rate.tax_class:
            names[rate.tax_class] = rate.tax_class.replace("-", " ").capitalize()
    links = {"collection": [{"href": _address(query, "taxes/classes")}]}
    classes = [
        {"slug": slug or "standard", "name": name, "_links": links} for slug, name in names.items()
    ]
    return _whole(classes)


def _gateways(query: Query) -> Answer:
    setup = query.shop.setup
    every = [*query.shop.catalogue.payments, *(Method(*it) for it in setup.extra_payments)]
    return _whole(
        [
            {
                "id": method.id,
                "title": method.title,
                "enabled": True,
                "method_title": method.title,
                "_links": _links(
                    query, f"payment_gateways/{method.id}", "payment_gateways", _CHANGED
                ),
            }
            for method in every
        ]
    )


def _zones(query: Query) -> Answer:
    return _whole(
        [
            {
                "id": id_,
                "name": name,
                "order": order,
                "_links": {
                    **_links(query, f"shipping/zones/{id_}", "shipping/zones"),
                    "describedby": [{"href": _address(query, f"shipping/zones/{id_}/locations")}],
                },
            }
            for id_, name, order in _ZONES
        ]
    )


def _methods(query: Query) -> Answer:
    zone = query.ids[0]
    if zone not in {id_ for id_, _, _ in _ZONES}:
        raise Refusal(404, "woocommerce_rest_shipping_zone_invalid", "Resource does not exist.")
    path = f"shipping/zones/{zone}"
    documents = [
        {
            "id": int(method.instance_id),
            "instance_id": int(method.instance_id),
            "title": method.title,
            "order": nth,
            "enabled": True,
            "method_id": method.id,
            "method_title": method.title,
            "_links": {
                **_links(query, f"{path}/methods/{method.instance_id}", f"{path}/methods"),
                "describes": [{"href": _address(query, path)}],
            },
        }
        for nth, method in enumerate(_of_zone(query, zone), start=1)
    ]
    return _whole(documents)


def _of_zone(query: Query, zone: int) -> Iterable[Method]:
    if zone != _SHIPPING_ZONE:
        return
    own = query.shop.catalogue.shipping
    yield from own
    for nth, (id_, title) in enumerate(query.shop.setup.extra_shipping, start=len(own) + 1):
        yield Method(id_, title, instance_id=str(nth))


def _tax_settings(query: Query) -> Answer:
    path, id_ = "settings/tax", "woocommerce_prices_include_tax"
    setting = {
        "id": id_,
        "label": "Prices entered with tax",
        "default": "no",
        "value": "yes" if query.shop.setup.prices_include_tax else "no",
        "_links": _links(query, f"{path}/{id_}", path, _CHANGED),
    }
    return Answer([setting])


def _system_status(query: Query) -> Answer:
    setup, home = query.shop.setup, query.shop.home
    return Answer(
        {
            "environment": {
                "home_url": home,
                "site_url": home,
                "version": setup.version,
                "wp_cron": setup.wp_cron,
            },
            "settings": {
                "currency": setup.currency,
                "number_of_decimals": setup.decimals,
            },
            "security": {"secure_connection": setup.is_secure},
        }
    )


def _whole(documents: Sequence[Doc]) -> Answer:
    """A list that knows no pages, and tells its length all the same."""
    headers = {"X-WP-Total": str(len(documents)), "X-WP-TotalPages": "1"}
    return Answer(list(documents), headers=headers)


def _links(query: Query, one: str, every: str, hints: Doc = _ITEM) -> Doc:
    return {
        "self": [{"href": _address(query, one), "targetHints": hints}],
        "collection": [{"href": _address(query, every)}],
    }


def _address(query: Query, path: str) -> str:
    return f"{query.shop.home}{BASE}/{path}"


SETTING_ROUTES = (
    route("/taxes", LIST, {"GET": _taxes}),
    route("/taxes/classes", LIST, {"GET": _tax_classes}),
    route("/payment_gateways", READ, {"GET": _gateways}),
    route("/shipping/zones", LIST, {"GET": _zones}),
    route("/shipping/zones/{}/methods", LIST, {"GET": _methods}),
    route("/settings/tax", READ, {"GET": _tax_settings}),
    route("/system_status", READ, {"GET": _system_status}),
)
