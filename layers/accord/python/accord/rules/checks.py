"""What a valid configuration may still get wrong: settings that contradict each other or reality.

Each check is a generator of problems; ``problems`` runs them all.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from accord.model.keys import order_key, payment_key, refund_key
from accord.rules import check_flows, check_limits, check_rules, check_selling
from accord.rules.config import Config, Store
from accord.rules.hosts import is_loopback, names_inside
from accord.rules.invalid import invalid, words_of
from accord.rules.problem import Abilities, Path, Problem, nearest

# Source: WooCommerce 10.5, wc_get_order_statuses(), without the "wc-" of the database.
CORE_STATUSES = ("pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed")
_NEVER_PLACED = ("checkout-draft", "auto-draft", "trash")
_NOTHING_SOLD = ("cancelled", "refunded", "failed")

_LONGEST_ID = "9" * 10  # of an order or a refund


def longest_key(store: Store) -> int:
    """Characters of the longest external key that the store's orders may need: a refund's money."""
    return len(payment_key(refund_key(order_key(store.key, _LONGEST_ID), _LONGEST_ID)))


def problems(
    config: Config,
    *,
    adapters: Collection[str] | None,
    abilities: Mapping[str, Abilities],
    options: Mapping[str, type[BaseModel]],
    stage: str | None,
) -> Iterator[Problem]:
    """All that can be said without asking a store or a back office."""
    yield from _adapters(config, adapters)
    yield from _options(config, options)
    yield from _addresses(config, abilities)
    yield from _key_lengths(config, abilities)
    yield from _stages(config, stage)
    yield from _inside(config)
    yield from _secrets(config)
    yield from _doubles(config)
    yield from _unused(config)
    yield from check_limits.limits(config, abilities)
    for name, store in config.stores.items():
        at: Path = ("stores", name)
        yield from _statuses(at, store)
        yield from _codes(at, store)
        yield from _taxes(at, store)
        yield from _payments(at, store)
        yield from check_rules.rules(at, store)
        yield from check_flows.told(at, store)
        yield from check_flows.abilities_of(at, config, store, abilities)
        yield from check_selling.selling(at, store)
        place = _place_of(config, store, abilities, options)
        yield from check_selling.abilities_of(at, config, store, abilities, place=place)
        if store.flows.orders != "off":
            yield from _gaps(at, store)


def _adapters(config: Config, adapters: Collection[str] | None) -> Iterator[Problem]:
    for name, erp in config.erps.items():
        if adapters is not None and erp.adapter not in adapters:
            meant = nearest(erp.adapter, adapters)
            there = f"There are: {', '.join(sorted(adapters))}."
            yield Problem(
                ("erps", name, "adapter"),
                f"there is no adapter {erp.adapter!r}",
                f"Did you mean {meant!r}? {there}" if meant else there,
            )


def _options(config: Config, options: Mapping[str, type[BaseModel]]) -> Iterator[Problem]:
    """What a back office's own settings get wrong, as its adapter would when it is first used."""
    for name, erp in config.erps.items():
        model = options.get(erp.adapter)
        if model is None:
            continue
        try:
            model.model_validate(erp.options)
        except ValidationError as error:
            for found in invalid(error, erp.options, words_of(model)):
                yield replace(found, path=("erps", name, "options", *found.path))


def _place_of(
    config: Config,
    store: Store,
    abilities: Mapping[str, Abilities],
    options: Mapping[str, type[BaseModel]],
) -> str | None:
    """What a back office of one place calls that; None: it has several, or its settings are wrong,
    which is said elsewhere."""
    erp = config.erps[store.erp]
    can, model = abilities.get(erp.adapter), options.get(erp.adapter)
    if can is None or model is None or not can.one_place:
        return None
    try:
        return getattr(model.model_validate(erp.options), "location", None)
    except ValidationError:
        return None


def _addresses(config: Config, abilities: Mapping[str, Abilities]) -> Iterator[Problem]:
    for name, erp in config.erps.items():
        can = abilities.get(erp.adapter)
        if can is not None and can.url and urlsplit(erp.url).path.strip("/"):
            yield Problem(
                ("erps", name, "url"),
                f"{erp.url} goes on behind the host, and the paths of {erp.adapter} are known",
                f'Write url = "{can.url}".',
            )


def _key_lengths(config: Config, abilities: Mapping[str, Abilities]) -> Iterator[Problem]:
    for name, store in config.stores.items():
        needed = longest_key(store)
        for erp in check_flows.back_offices(store):
            adapter = config.erps[erp].adapter
            can = abilities.get(adapter)
            if can is not None and needed > can.key_length:
                most = can.key_length - (needed - len(store.key))
                yield Problem(
                    ("stores", name, "key"),
                    f"{store.key!r} makes external keys of up to {needed} characters; "
                    f"{adapter} holds {can.key_length}",
                    f"Use a key of at most {most} characters."
                    if most > 0
                    else "Use another back office: no store key is short enough for this one.",
                )
                break


def _stages(config: Config, stage: str | None) -> Iterator[Problem]:
    if stage is None:
        return
    for table, connections in (("stores", config.stores), ("erps", config.erps)):
        for name, connection in connections.items():
            at: Path = (table, name)
            if connection.prod and stage != "prod":
                yield Problem(
                    (*at, "prod"),
                    f"{table}.{name} is live, and this stage is {stage!r}",
                    "Point this stage's file at a test system; only the stage prod may touch "
                    "live ones.",
                )
            if stage == "prod" and is_loopback(connection.url):
                yield Problem(
                    (*at, "url"),
                    f"{connection.url} is the machine that the function itself runs on",
                    f"Give the address at which {table}.{name} is reached from AWS.",
                    "warning",
                )


def _inside(config: Config) -> Iterator[Problem]:
    named: list[tuple[Path, str]] = []
    for name, store in config.stores.items():
        field, url = ("api_url", store.api_url) if store.api_url else ("url", store.url)
        named += [] if store.allow_private else [(("stores", name, field), url)]
    for name, erp in config.erps.items():
        named += [] if erp.allow_private else [(("erps", name, "url"), erp.url)]
    for at, url in named:
        if names_inside(url) and not is_loopback(url):  # which says so by itself
            yield Problem(
                at,
                f"{url} is an address of a network of your own",
                "If it is meant, write allow_private = true beside it; else nothing is sent there.",
            )


def _secrets(config: Config) -> Iterator[Problem]:
    holders: dict[str, Path] = {name.secret: ("erps", key) for key, name in config.erps.items()}
    for name, store in config.stores.items():
        holder = holders.setdefault(store.secret, ("stores", name))
        if holder != ("stores", name):
            yield Problem(
                ("stores", name, "secret"),
                f"{store.secret!r} is also the secret of {holder[0]}.{holder[1]}",
                "Give each connection a secret of its own: they hold different keys.",
            )


def _doubles(config: Config) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name, store in config.stores.items():
        other = first.setdefault(store.url.lower(), name)
        if other != name:
            yield Problem(
                ("stores", name, "url"),
                f"stores.{other} is the same shop",
                "Keep one of the two, or every order is posted under both keys.",
                "warning",
            )


def _unused(config: Config) -> Iterator[Problem]:
    used = {erp for store in config.stores.values() for erp in check_flows.back_offices(store)}
    for name in config.erps:
        if name not in used:
            yield Problem(
                ("erps", name),
                f"no store sends its orders to {name!r}",
                f'Set erp = "{name}" in a store or a route, or remove [erps.{name}].',
                "warning",
            )


def _statuses(at: Path, store: Store) -> Iterator[Problem]:
    if not store.orders.statuses:
        yield Problem(
            (*at, "orders", "statuses"),
            "no status is imported, so no order ever is",
            'Add at least processing = "sales_order".',
            "warning",
        )
    for status, make in store.orders.statuses.items():
        path = (*at, "orders", "statuses", status)
        if status.startswith("wc-"):
            yield Problem(
                path,
                f"the store never says {status!r}",
                f'Drop the "wc-": the store\'s interface calls it {status[3:]!r}.',
            )
        elif status in _NEVER_PLACED:
            yield Problem(
                path,
                f"an order in {status!r} was not placed, or was thrown away",
                "Remove the line: nothing was sold.",
            )
        elif status in _NOTHING_SOLD and make != "cancel":
            yield Problem(
                path,
                f"nothing is sold in {status!r}, so this line makes no document",
                "Remove the line: an order that is there already is cancelled or credited anyway, "
                "and import_closed says what becomes of one that is not.",
                "warning",
            )
        elif status not in CORE_STATUSES:
            meant = nearest(status, CORE_STATUSES)
            yield Problem(
                path,
                f"{status!r} is not a status of WooCommerce itself",
                (f"Did you mean {meant!r}? If not, check" if meant else "Check")
                + " that a plugin of the store registers it.",
                "warning",
            )


def _codes(at: Path, store: Store) -> Iterator[Problem]:
    mappings = store.mappings
    tables: dict[str, Collection[str]] = {
        "classes": mappings.classes,
        "items": mappings.items,
        "taxes": mappings.taxes,
        "shipping": mappings.shipping,
        "fees": mappings.fees,
        "payments": mappings.payments,
    }
    for table, codes in tables.items():
        for code in codes:
            if code != code.strip():
                yield Problem(
                    (*at, "mappings", table, code),
                    f"{code!r} begins or ends with a space, so no order ever names it",
                    f"Write {code.strip()!r}.",
                )


def _taxes(at: Path, store: Store) -> Iterator[Problem]:
    for key in store.mappings.taxes:
        if plain := check_rules.plain_percent(key):
            yield Problem(
                (*at, "mappings", "taxes", key),
                f"{key!r} matches no rate",
                f'Write the percent as a plain number: "{plain}".',
            )


def _payments(at: Path, store: Store) -> Iterator[Problem]:
    for method, rule in store.mappings.payments.items():
        key = "account" if rule.account else "refund_account" if rule.refund_account else None
        if key and not rule.record:
            yield Problem(
                (*at, "mappings", "payments", method, key),
                "the account is not used while record = false",
                "Set record = true to book the money there, or remove the account.",
                "warning",
            )


def _gaps(at: Path, store: Store) -> Iterator[Problem]:
    """What will make orders wait, or go to a person, from the first day on."""
    mappings = store.mappings
    if mappings.rounding is None:
        yield Problem(
            (*at, "mappings"),
            "nothing says where rounding goes, so an order that is a cent off waits for a person",
            'Add rounding = { item = "…" } or rounding = { account = "…" }.',
            "warning",
        )
    if mappings.refund_amount is None:
        yield Problem(
            (*at, "mappings"),
            "nothing says where an amount goes that is refunded without lines, so it will wait",
            'Add refund_amount = { item = "…" } or refund_amount = { account = "…" }.',
            "warning",
        )
    lacking = {
        "taxes": (mappings.taxes, "taxed order", '"20" = "…"'),
        "shipping": (mappings.shipping, "order with shipping", '"*" = { item = "…" }'),
        "payments": (mappings.payments, "order", '"*" = { record = false }'),
    }
    for table, (codes, order, example) in lacking.items():
        if not codes:
            yield Problem(
                (*at, "mappings"),
                f"no {table} are mapped: every {order} will wait for it",
                f"Add {example} under [{'.'.join(map(str, at))}.mappings.{table}].",
                "warning",
            )
    if not mappings.items and not mappings.items_same_code:
        yield Problem(
            (*at, "mappings", "items_same_code"),
            "no SKU is mapped, and SKUs are not item codes: every order will wait",
            "Fill [items], or set items_same_code = true.",
            "warning",
        )
