"""What of a store and its back office would not match, and what to do about each. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from accord.model.shop import Hook, ShopRate
from accord.rules.accounts import percent_text
from accord.rules.config import Store
from accord.rules.diagnosis_items import of_items, of_products
from accord.rules.findings import SEVERITIES, Examined, Finding, Severity

_CLOCK_OFF_S = 60
_CLOCK_REFUSED_S = 15 * 60  # a signature of another time is refused; observed on WooCommerce 10.5.0
NEEDED = {
    "orders": ("order.created", "order.updated", "order.deleted", "order.restored"),
    "customers": ("customer.created", "customer.updated", "customer.deleted"),
    "products": ("product.created", "product.updated", "product.deleted", "product.restored"),
}
"""Flow → the topics that it hears of."""
_OLDEST = (9, 2)  # of WooCommerce: before, a product has no GTIN of its own


def topics_of(rules: Store) -> tuple[str, ...]:
    """What the store's webhooks must tell of, for the flows that are not off."""
    flows = rules.flows
    asked = {
        "orders": flows.orders != "off",
        "customers": flows.customers != "off",
        "products": any(each != "off" for each in (flows.products, flows.stock, flows.prices)),
    }
    return tuple(topic for flow, topics in NEEDED.items() if asked[flow] for topic in topics)


def diagnose(examined: Examined) -> list[Finding]:
    """Everything that would not match, the gravest first."""
    found = [
        *_access(examined),
        *_settings(examined),
        *_hooks(examined),
        *_methods(examined),
        *_taxes(examined),
        *of_products(examined),
        *of_items(examined),
    ]
    return in_order(found)


def of_access(examined: Examined) -> list[Finding]:
    """Of that, what stands between us and the store: the key, its address, its clock, and who is
    told of what."""
    return in_order([*_access(examined), *_hooks(examined)])


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """The gravest first."""
    return sorted(found, key=lambda each: (SEVERITIES.index(each.severity), each.topic))


# --- the store itself -------------------------------------------------------------


def _access(examined: Examined) -> Iterator[Finding]:
    setup, rules = examined.setup, examined.rules
    if not setup.may_write:
        yield Finding(
            "error",
            "key",
            rules.secret,
            "the REST key may only read",
            "give it Read/Write in WooCommerce, Settings, Advanced, REST API",
        )
    api = rules.api_url or rules.url
    if not api.startswith("https://"):
        local = urlsplit(api).hostname in {"127.0.0.1", "localhost", "::1"}
        yield Finding(
            "warning" if local else "error",
            "https",
            api,
            "its API is not reached over TLS, so what is sent can be read on the way",
            f"give the shop a certificate, then set url in [stores.{examined.store}]",
        )
    if setup.is_secure is False:
        yield Finding(
            "warning",
            "https",
            setup.home,
            "WordPress does not believe that it is reached over TLS",
            "have the proxy before it send X-Forwarded-Proto, and WordPress heed it",
        )
    if setup.home and _host(setup.home) != _host(rules.url):
        yield Finding(
            "error",
            "home",
            setup.home,
            f"the store calls itself so, and accord.toml {rules.url}: its webhooks are dropped as "
            "those of a copy",
            f"set url in [stores.{examined.store}] to its home address",
        )
    if (ahead := setup.ahead) is not None and abs(ahead) > _CLOCK_OFF_S:
        refused = abs(ahead) > _CLOCK_REFUSED_S and not api.startswith("https://")
        yield Finding(
            "error" if refused else "warning",
            "clock",
            f"{abs(ahead)} s",
            f"the store's clock is {'ahead of' if ahead > 0 else 'behind'} ours",
            "set the clock of the store's machine by NTP",
        )
    if setup.version and _version(setup.version) < _OLDEST:
        yield Finding(
            "warning",
            "version",
            setup.version,
            "WooCommerce before 9.2 keeps no GTIN and lists no variations of all products",
            "update WooCommerce",
        )
    if setup.visits_run_jobs:
        yield Finding(
            "warning",
            "cron",
            "WP-cron",
            "webhooks leave only when somebody opens a page, at night maybe for hours",
            "call wp-cron.php each minute by the system's cron, and set DISABLE_WP_CRON",
        )
    elif setup.visits_run_jobs is False:
        yield Finding(
            "note",
            "cron",
            "WP-cron",
            "it is off, and whether a system cron takes its place cannot be seen from here",
            "look that wp-cron.php is called each minute",
        )


def _settings(examined: Examined) -> Iterator[Finding]:
    setup, prices = examined.setup, examined.rules.prices
    grave: Severity = "error" if examined.rules.flows.prices != "off" else "warning"
    table = f"[stores.{examined.store}.prices]"
    if prices.currency and setup.currency and prices.currency != setup.currency:
        yield Finding(
            grave,
            "currency",
            setup.currency,
            f"the store sells in {setup.currency}, the rules say {prices.currency}",
            f"set currency in {table}",
        )
    includes = setup.prices_include_tax
    if includes is not None and includes != prices.include_tax and prices.currency:
        yield Finding(
            grave,
            "prices",
            "tax",
            f"prices are entered {'with' if includes else 'without'} tax in the store, the rules "
            f"say {'with' if prices.include_tax else 'without'}",
            f"set include_tax = {str(includes).lower()} in {table}",
        )
    if setup.decimals is not None and prices.currency and setup.decimals != prices.digits:
        yield Finding(
            "warning",
            "decimals",
            str(setup.decimals),
            f"the store shows {setup.decimals} decimals, the rules round prices to {prices.digits}",
            f"set digits = {setup.decimals} in {table}",
        )


def _hooks(examined: Examined) -> Iterator[Finding]:
    path = f"/stores/{examined.store}/webhooks"
    receiver = examined.receiver or f"https://…{path}"
    ours = [hook for hook in examined.setup.hooks if _is_ours(hook, path)]
    for topic in topics_of(examined.rules):
        of_topic = [hook for hook in ours if hook.topic == topic]
        yield from _hooks_of(topic, of_topic, receiver, examined.receiver)
    hosts = {_host(hook.url) for hook in ours}
    if not examined.receiver and len(hosts) > 1:
        yield Finding(
            "warning",
            "webhooks",
            ", ".join(sorted(hosts)),
            "the store's webhooks go to several addresses",
            "delete those that are not this stage's",
        )
    if ours:
        yield Finding(
            "note",
            "webhooks",
            "secret",
            "a store never shows a webhook's secret, so it cannot be compared from here",
            f"change an order and look at `accord trace {examined.store} ORDER`; a refused "
            "delivery counts in WebhooksRejected",
        )


def _hooks_of(topic: str, hooks: Sequence[Hook], receiver: str, exact: str) -> Iterator[Finding]:
    right = [hook for hook in hooks if not exact or hook.url.rstrip("/") == exact.rstrip("/")]
    for hook in hooks:
        if hook not in right:
            yield Finding(
                "error",
                "webhooks",
                topic,
                f"webhook {hook.id} goes to {hook.url}",
                f"set its delivery URL to {receiver}",
            )
    active = [hook for hook in right if hook.status == "active"]
    if not hooks:
        yield Finding(
            "error",
            "webhooks",
            topic,
            "no webhook tells of it",
            f"add one in WooCommerce, Settings, Advanced, Webhooks, to {receiver}, with the secret "
            "of the store's webhook_secrets; or let guard = true in [stores.….webhooks] do it",
        )
    elif right and not active:
        yield Finding(
            "error",
            "webhooks",
            topic,
            f"webhook {right[0].id} is {right[0].status}",
            "delete it and add it anew, or let guard = true in [stores.….webhooks] do it: one that "
            "is only switched on again goes off with its next failure. What was lost is found by "
            "itself",
        )
    elif len(active) > 1:
        yield Finding(
            "warning",
            "webhooks",
            topic,
            f"webhooks {', '.join(hook.id for hook in active)} all tell of it",
            "delete all but one; each makes the store send the same once more",
        )
    for hook in active:
        if not hook.url.startswith("https://") and not _is_loopback(hook.url):
            yield Finding(
                "error", "webhooks", topic, f"it goes to {hook.url}, in the open", "use https"
            )


def _methods(examined: Examined) -> Iterator[Finding]:
    mappings, name = examined.rules.mappings, examined.store
    grave: Severity = "error" if examined.rules.flows.orders != "off" else "warning"
    for method in examined.setup.shipping:
        keys = (method.id, method.id.partition(":")[0], "*")
        if not any(key in mappings.shipping for key in keys):
            yield Finding(
                grave,
                "shipping",
                method.id,
                f"{method.title!r} of zone {method.where!r} has no rule; its orders would wait",
                f"add it to [stores.{name}.mappings.shipping]",
            )
    for method in examined.setup.payments:
        if method.id not in mappings.payments and "*" not in mappings.payments:
            yield Finding(
                grave,
                "payments",
                method.id,
                f"{method.title!r} has no rule; its orders would wait",
                f"add it to [stores.{name}.mappings.payments]",
            )


def _taxes(examined: Examined) -> Iterator[Finding]:
    rules = examined.rules
    grave: Severity = "error" if rules.flows.orders != "off" else "warning"
    for each in examined.setup.rates:
        names = _rate_names(each)
        if any(name in rules.mappings.taxes for name in names):
            continue
        ruled = any(
            not rule.when.rate or set(names) & {*rule.when.rate}
            for rule in rules.mappings.tax_rules
        )
        yield Finding(
            "warning" if ruled else grave,
            "taxes",
            each.rate.code,
            f"rate {each.rate.label} {percent_text(each.rate) or '?'} % (id:{each.rate.id}) has no "
            + ("rule of its own; tax_rules take some of it" if ruled else "tax code"),
            f"add {' or '.join(repr(name) for name in reversed(names))} to "
            f"[stores.{examined.store}.mappings.taxes]",
        )
    known = {"", *examined.setup.tax_classes}
    for code, tax_class in rules.catalogue.tax_classes.items():
        if tax_class not in known and examined.setup.tax_classes:
            yield Finding(
                "error" if rules.flows.products == "on" else "warning",
                "taxes",
                tax_class,
                f"the store has no such tax class, which {code!r} becomes",
                f"add it in WooCommerce, Settings, Tax, or mend tax_classes in "
                f"[stores.{examined.store}.catalogue]",
            )
    named = {tax_class or "standard" for tax_class in rules.catalogue.tax_classes.values()}
    if rules.flows.products == "on" and rules.catalogue.owner == "erp" and named:
        for tax_class in examined.setup.tax_classes:
            if tax_class not in named:
                yield Finding(
                    "note",
                    "taxes",
                    tax_class,
                    "no tax code of the back office becomes this tax class",
                    f"add one to tax_classes in [stores.{examined.store}.catalogue], if you use it",
                )


def _rate_names(each: ShopRate) -> list[str]:
    """What [taxes] may call it, most particular first."""
    names = (f"id:{each.rate.id}", each.rate.code, percent_text(each.rate))
    return [name for name in names if name]


# --- words ------------------------------------------------------------------------


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower().removeprefix("www.")


def _is_ours(hook: Hook, path: str) -> bool:
    return urlsplit(hook.url).path.rstrip("/").endswith(path)


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}


def _version(text: str) -> tuple[int, int]:
    parts = [int(part) for part in text.split(".")[:2] if part.isdigit()]
    return (parts[0] if parts else 0, parts[1] if len(parts) > 1 else 0)
