"""What is wrong with stock, prices, the catalogue and what the checkout may ask."""

from collections.abc import Iterator, Mapping, Sequence

from accord.model.documents import Kind
from accord.rules import check_rules
from accord.rules.config import Config, Store
from accord.rules.pricing import percents
from accord.rules.problem import Abilities, Path, Problem
from accord.rules.selling import FieldOwners, StockRule

_NEEDS: Mapping[str, Kind] = {"stock": Kind.STOCK, "prices": Kind.PRICE, "products": Kind.ITEM}
"""Flow → the kind of record whose changes it lives on."""


def abilities_of(
    at: Path,
    config: Config,
    store: Store,
    abilities: Mapping[str, Abilities],
    *,
    place: str | None = None,
) -> Iterator[Problem]:
    """What these flows ask of the store's own back office and its adapter cannot do.

    Orders may be routed elsewhere; what is sold is always of the store's own. ``place`` is what a
    back office of one place calls that.
    """
    adapter = config.erps[store.erp].adapter
    can = abilities.get(adapter)
    if can is None:
        return
    named = f"{adapter} ({store.erp})"
    led_by_store = store.catalogue.owner == "store"
    for flow, kind in _NEEDS.items():
        if getattr(store.flows, flow) == "off" or (flow == "products" and led_by_store):
            continue
        if kind not in can.tells:
            yield Problem(
                (*at, "flows", flow),
                f"{named} does not tell of a changed {kind.value}",
                f'Set {flow} = "off": with this back office the flow has nothing to go by.',
            )
    if store.flows.products != "off" and led_by_store and not can.items:
        yield Problem(
            (*at, "flows", "products"),
            f"{named} takes no items from a shop, and this shop leads",
            'Set products = "off", or owner = "erp" in the catalogue.',
        )
    if store.flows.stock != "off" and not can.recipes:
        yield from _builds(at, store, named)
    if store.flows.stock != "off" and can.one_place:
        yield from _places(at, store, named, place)
    if store.flows.prices != "off" and not can.price_lists:
        for path, name in _lists(store).items():
            if name is not None:
                yield Problem(
                    (*at, "prices", *path),
                    f"{named} has no price lists, only each item's own price",
                    "Remove it: without a list the regular price is the item's own.",
                )


def _places(at: Path, store: Store, named: str, place: str | None) -> Iterator[Problem]:
    """Exceptions may name the place too, as long as it is the same."""
    said: dict[Path, Sequence[str]] = {
        ("locations",): store.stock.locations,
        **{
            ("rule", n, "locations"): (*store.stock.locations[:1], *rule.locations)
            for n, rule in enumerate(store.stock.rule)
            if rule.locations
        },
    }
    for path, places in said.items():
        if len(set(places)) > 1:
            yield Problem(
                (*at, "stock", *path),
                f"{named} keeps one number of each item, wherever it lies",
                "Name one location, by the name that the back office's options give it.",
            )
        elif place is not None and (others := [each for each in places if each != place]):
            yield Problem(
                (*at, "stock", *path),
                f"{named} knows no place {others[0]!r}",
                f'Name {place!r} here, or give the back office location = "{others[0]}" in '
                f"[erps.{store.erp}.options].",
            )


def _builds(at: Path, store: Store, named: str) -> Iterator[Problem]:
    """Only what was written: the default asks for nothing that a back office must have."""
    said: dict[Path, str | None] = {
        ("rule", n, "build"): rule.build for n, rule in enumerate(store.stock.rule)
    }
    if "build" in store.stock.model_fields_set:
        said["build",] = store.stock.build
    for path, build in said.items():
        if build in ("kits", "all"):
            yield Problem(
                (*at, "stock", *path),
                f"{named} says nothing of kits or bills of materials",
                'Remove it, or write build = "none": only what is in stock will be sold.',
                "warning",
            )


def selling(at: Path, store: Store) -> Iterator[Problem]:
    """Problems of what the store at ``at`` sells."""
    yield from _stock(at, store)
    yield from _prices(at, store)
    yield from _catalogue(at, store)
    if store.availability.enabled and store.flows.stock == "off":
        yield Problem(
            (*at, "availability", "enabled"),
            "the checkout may ask what can be sold, and nothing is known of stock",
            'Set stock = "on" in the flows, or enabled = false.',
        )


# --- stock --------------------------------------------------------------------


def _stock(at: Path, store: Store) -> Iterator[Problem]:
    if store.flows.stock != "off" and not store.stock.locations:
        yield Problem(
            (*at, "flows", "stock"),
            "no location is named whose stock the shop may sell",
            f'Add locations = ["…"] under [{_dotted(at)}.stock]: codes of your warehouses.',
        )
    if store.flows.stock != "off":
        yield from _unheard(at, store)
    for n, rule in enumerate(store.stock.rule):
        path: Path = (*at, "stock", "rule", n)
        yield from check_rules.classes_of((*path, "when"), rule.when, store)
        yield from _exception(path, rule)


def _unheard(at: Path, store: Store) -> Iterator[Problem]:
    """What is sold elsewhere must be heard of."""
    if store.flows.orders == "off":
        yield Problem(
            (*at, "flows", "orders"),
            "what the shop sells is not known until the back office has it, and is sold again",
            'Set orders = "on" or "shadow" too.',
            "warning",
        )
    elif store.flows.erp_changes == "off" and "quotation" in store.orders.statuses.values():
        yield Problem(
            (*at, "flows", "erp_changes"),
            "a quotation that somebody confirms in the back office goes on claiming its goods",
            'Set erp_changes = "on" too, or confirm quotations by paying the shop\'s order.',
            "warning",
        )


def _exception(at: Path, rule: StockRule) -> Iterator[Problem]:
    if rule.locations is not None and len(set(rule.locations)) < len(rule.locations):
        yield Problem(
            (*at, "locations"),
            "a location is named twice",
            "Name each once, or its stock counts twice.",
        )
    elif rule.locations == ():
        yield Problem(
            (*at, "locations"),
            "these are sold from nowhere, so the shop will never have any",
            "Name a location, or take `locations` out of the rule.",
            "warning",
        )
    if not rule.model_fields_set - {"name", "when"}:
        yield Problem(
            at,
            f"the rule {rule.name!r} says nothing",
            "Add what is different for these items: buffer, oversell, locations, build or "
            "backorders.",
            "warning",
        )


# --- prices -------------------------------------------------------------------


def _prices(at: Path, store: Store) -> Iterator[Problem]:
    rules = store.prices
    for path, name in _lists(store).items():
        if name is not None and not name.strip():
            yield Problem(
                (*at, "prices", *path),
                "this names no price list",
                "Write the list's name as the back office has it, or remove the line.",
            )
        elif name is not None and path != ("list",) and name == rules.list:
            yield Problem(
                (*at, "prices", *path),
                f"{name!r} gives the regular price already, so this price is never another",
                "Name another price list, or remove it.",
                "warning",
            )
    if store.flows.prices == "off":
        return
    if rules.currency is None:
        yield Problem(
            (*at, "flows", "prices"),
            "nothing says in which currency the shop's prices are",
            f'Add currency = "…" under [{_dotted(at)}.prices], such as currency = "GBP".',
        )
    if rules.include_tax and not percents(store.mappings):
        yield Problem(
            (*at, "prices", "include_tax"),
            "no percent is known of any tax, so a price without tax cannot be brought to one with",
            f'Add "20" = "…" under [{_dotted(at)}.mappings.taxes].',
            "warning",
        )


def _lists(store: Store) -> dict[Path, str | None]:
    """Where the store's prices may name a price list → the one that is named, from the prices."""
    rules = store.prices
    return {
        ("list",): rules.list,
        ("sale", "list"): rules.sale.list if rules.sale else None,
        ("clearance",): rules.clearance,
        **{("band", n, "list"): band.list for n, band in enumerate(rules.band)},
    }


# --- the catalogue ------------------------------------------------------------


def _catalogue(at: Path, store: Store) -> Iterator[Problem]:
    rules = store.catalogue
    path: Path = (*at, "catalogue")
    if rules.publish is not None:
        yield from check_rules.classes_of((*path, "publish"), rules.publish, store)
    if rules.owner == "erp":
        return
    if store.flows.prices != "off":
        yield Problem(
            (*at, "flows", "prices"),
            "the shop owns the catalogue, and its prices with it, so none come from the back "
            "office",
            'Set prices = "off", or owner = "erp" in the catalogue.',
        )
    # What is as usual may be written: it was hardly meant.
    unused: dict[Path, bool] = {
        ("fields", name): getattr(rules.fields, name) == "erp" != field.default
        for name, field in FieldOwners.model_fields.items()
    }
    unused["publish",] = rules.publish is not None
    unused["category_field",] = rules.category_field is not None
    unused["tax_classes",] = bool(rules.tax_classes)
    for below, is_said in unused.items():
        if is_said:
            yield Problem(
                (*path, *below),
                "the shop owns the catalogue, so its products get nothing from the back office",
                'Remove it, or set owner = "erp".',
                "warning",
            )


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))
