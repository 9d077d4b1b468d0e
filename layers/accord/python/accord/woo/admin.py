"""What those who run a WooCommerce store want to know of it: everything it holds, and its settings.

Sources: WooCommerce REST API v3 docs, "List all orders", "Tax rates", "Shipping zone methods",
"Payment gateways", "System status", "Setting options"; answers recorded on WooCommerce 10.5.0;
WC_Tax::get_rate_code and WC_REST_Controller::batch_items, as read.
"""

import contextlib
import datetime as dt
import email.utils
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

import httpx

from accord.errors import UnauthorizedError
from accord.http import json_of
from accord.model.documents import TaxRate
from accord.model.item import Product
from accord.model.shop import Hook, Method, Setup, ShopRate
from accord.ports.shop import Listed
from accord.woo.api import PAGE, Api, code_of, digest_of, encoded, parsed, path_id

Json = dict[str, Any]
_SECOND = dt.timedelta(seconds=1)


class Admin(Api):
    """See ``ports.shop.Shop`` and ``ports.shop.Webhooks``."""

    def list_orders(self, *, modified_from: dt.datetime, page: int = 1) -> Listed:
        """See Shop.list_orders. The store leaves out the very second that it is given."""
        utc = modified_from.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None) - _SECOND
        # UTC is said by the flag alone; a "Z" beside it would be shifted twice.
        since = f"modified_after={quote(utc.isoformat(), safe='')}&dates_are_gmt=true"
        return self._listed(f"orders?status=any&{since}&orderby=modified&order=asc", page)

    def list_customers(self, *, page: int = 1) -> Listed:
        """See Shop.list_customers."""
        return self._listed("customers?role=all&orderby=id&order=asc", page)

    def orders_of(self, ids: Sequence[str]) -> Sequence[tuple[Json, str]]:
        """See Shop.orders_of."""
        wanted = list(dict.fromkeys(path_id(id_) for id_ in ids))
        if not wanted:
            return ()
        listed = self._listed(f"orders?status=any&include={','.join(wanted)}", 1)
        return [entry for entry in listed.entries if str(entry[0].get("id")) in wanted]

    def orders_by_number(self, number: str) -> Sequence[tuple[Json, str]]:
        """See Shop.orders_by_number. A store knows no search by number: it searches for the text
        everywhere, and a plugin that gives numbers has it look at them too."""
        found = self._listed(f"orders?status=any&search={quote(number, safe='')}", 1)
        return [entry for entry in found.entries if str(entry[0].get("number")) == number]

    def list_variations(self, *, page: int = 1) -> Sequence[Product] | None:
        """See Shop.list_variations. Stores before WooCommerce 9 have no such list."""
        from accord.woo.products import product_from_wire

        path = f"variations?orderby=id&order=asc&per_page={PAGE}&page={page}"
        response = self._request("GET", path, None)
        if response.status_code == 404 and code_of(parsed(response)) == "rest_no_route":
            return None
        return [
            product_from_wire(document, store=self.name, parent=str(document.get("parent_id") or 0))
            for document in self._entries(path, response)
        ]

    def setup(self, *, now: dt.datetime) -> Setup:
        """See Shop.setup."""
        response = self._send("GET", "system_status?_fields=environment,settings,security")
        status = self._object(response)
        environment, settings = _table(status, "environment"), _table(status, "settings")
        decimals = settings.get("number_of_decimals")
        return Setup(
            home=str(environment.get("home_url") or ""),
            version=str(environment.get("version") or ""),
            currency=str(settings.get("currency") or ""),
            decimals=int(decimals) if decimals is not None else None,
            prices_include_tax=self._includes_tax(),
            is_secure=_truth(_table(status, "security").get("secure_connection")),
            visits_run_jobs=_truth(environment.get("wp_cron")),
            clock=_date(response),
            asked_at=now,
            may_write=self._may_write(),
            rates=tuple(_rate(entry) for entry in self._pages("taxes")),
            tax_classes=tuple(str(it.get("slug")) for it in self._entries("taxes/classes")),
            shipping=tuple(self._shipping()),
            payments=tuple(
                Method(str(it["id"]), str(it.get("title") or it.get("method_title") or ""))
                for it in self._entries("payment_gateways")
                if it.get("enabled") is True
            ),
            hooks=tuple(_hook(entry) for entry in self._pages("webhooks")),
        )

    # --- webhooks ----------------------------------------------------------------

    def hooks(self) -> Sequence[Hook]:
        """See Webhooks.hooks."""
        return [_hook(entry) for entry in self._pages("webhooks")]

    def create_hook(self, *, name: str, topic: str, url: str, secret: str) -> Hook:
        """See Webhooks.create_hook."""
        body = {"name": name, "topic": topic, "delivery_url": url, "secret": secret}
        entry = self._object(self._send("POST", "webhooks", json=body))
        if entry.get("topic") != topic or "id" not in entry:
            raise self._something_else(f"a new webhook for {topic}")
        return _hook(entry)

    def delete_hook(self, id_: str) -> None:
        """See Webhooks.delete_hook. There is no trash for webhooks."""
        self._send("DELETE", f"webhooks/{path_id(id_)}?force=true")

    # --- how ---------------------------------------------------------------------

    def _listed(self, path: str, page: int) -> Listed:
        response = self._send("GET", f"{path}&per_page={PAGE}&page={page}")
        entries = self._entries(path, response)
        total = response.headers.get("X-WP-Total", "")
        known = int(total) if total.isascii() and total.isdigit() else len(entries)
        return Listed(tuple((it, digest_of(encoded(it))) for it in entries), known, PAGE)

    def _entries(self, path: str, response: httpx.Response | None = None) -> list[Json]:
        answer = json_of(response or self._send("GET", path), self.name)
        if not isinstance(answer, list) or not all(isinstance(it, dict) for it in answer):
            raise self._something_else(path.partition("?")[0])
        return answer

    def _shipping(self) -> Iterator[Method]:
        for zone in self._entries("shipping/zones"):
            for it in self._entries(f"shipping/zones/{int(zone['id'])}/methods"):
                if it.get("enabled") is True:
                    id_ = f"{it['method_id']}:{it['instance_id']}"
                    yield Method(id_, str(it.get("title") or ""), str(zone.get("name") or ""))

    def _includes_tax(self) -> bool | None:
        values = {it.get("id"): it.get("value") for it in self._entries("settings/tax")}
        found = values.get("woocommerce_prices_include_tax")
        return None if found is None else found == "yes"

    def _may_write(self) -> bool:
        """Whether the key is taken for a write: a batch of nothing, which changes nothing.

        The store checks the key by the method before it looks at what is asked.
        """
        try:
            self._send("POST", "orders/batch", json={})
        except UnauthorizedError:
            return False
        return True


def _rate(entry: Mapping[str, Any]) -> ShopRate:
    parts = [entry.get("country"), entry.get("state"), entry.get("name") or "TAX"]
    parts.append(str(max(1, int(entry.get("priority") or 1))))
    code = "-".join(str(part) for part in parts if part).upper()
    percent = Decimal("NaN")
    with contextlib.suppress(InvalidOperation):
        percent = Decimal(str(entry.get("rate")))
    rate = TaxRate(
        id=str(entry["id"]),
        code=code,
        label=str(entry.get("name") or ""),
        percent=percent,
        compound=entry.get("compound") is True,
    )
    return ShopRate(rate, str(entry.get("class") or "standard"))


def _hook(entry: Mapping[str, Any]) -> Hook:
    names = ("id", "name", "topic", "status", "delivery_url")
    return Hook(*(str(entry.get(name) or "") for name in names))


def _table(status: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = status.get(name)
    return found if isinstance(found, Mapping) else {}


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _date(response: httpx.Response) -> dt.datetime | None:
    """When the store's machine answered, by its own clock."""
    try:
        return email.utils.parsedate_to_datetime(response.headers["Date"]).astimezone(dt.UTC)
    except (KeyError, ValueError):
        return None
