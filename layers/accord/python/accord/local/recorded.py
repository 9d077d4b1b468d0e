"""Recorded deliveries: read from a folder, posted as they were, and what they refer to.

Each file is JSON: ``headers``, ``body`` (the exact text), ``secret`` (None for a ping), and where
known ``arrival_number``, ``topic``, ``what``.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from accord.errors import BadInputError, UnavailableError
from accord.local.store.deliveries import sign
from accord.woo.mapping import from_wire
from accord.woo.webhook import moment

_UNSENT = frozenset({"host", "connection", "content-length", "accept-encoding"})  # the client's own


@dataclass(frozen=True, slots=True)
class Recorded:
    """One delivery. ``name`` is its file's, without ending."""

    name: str
    headers: dict[str, str]
    body: str
    secret: str | None
    what: str = ""

    @property
    def topic(self) -> str:
        return self._header("x-wc-webhook-topic")

    @property
    def home(self) -> str:
        """The store's home address as the delivery names it, without the final slash."""
        return self._header("x-wc-webhook-source").rstrip("/")

    @property
    def order(self) -> dict[str, Any] | None:
        """The order in it, None when it holds none."""
        if not self.topic.startswith("order."):
            return None
        try:
            document = json.loads(self.body)
        except ValueError:
            return None
        is_order = isinstance(document, dict) and "line_items" in document
        return document if is_order else None

    def signed(self, secret: str) -> "Recorded":
        """The same body, signed with ``secret``."""
        kept = {k: v for k, v in self.headers.items() if k.lower() != "x-wc-webhook-signature"}
        signature = sign(self.body.encode(), secret)
        return replace(self, headers={**kept, "X-WC-Webhook-Signature": signature}, secret=secret)

    def forged(self) -> "Recorded":
        """With another body under the same signature."""
        body = self.body.replace('"total":"', '"total":"9', 1)
        return replace(self, name=f"{self.name} (forged)", body=body, what="its body was changed")

    def post(self, client: httpx.Client, url: str) -> int:
        """The status that ``url`` answers. Raises: UnavailableError: it does not answer."""
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _UNSENT}
        try:
            return client.post(url, content=self.body.encode(), headers=headers).status_code
        except httpx.HTTPError as error:
            raise UnavailableError(f"{url} does not answer: {error}") from error

    def _header(self, name: str) -> str:
        return next((v for k, v in self.headers.items() if k.lower() == name), "")


def read(path: Path) -> Recorded:
    """The delivery in one file. Raises: BadInputError: it is none; the message says what lacks."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Recorded(
            name=path.stem,
            headers=dict(data["headers"]),
            body=data["body"],
            secret=data.get("secret"),
            what=data.get("what", ""),
        )
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(
            f"{path} is no recorded delivery: {error!r}; it needs headers, body and secret"
        ) from error


def read_all(folder: Path) -> list[Recorded]:
    """Every delivery of ``folder``, in the order of arrival where that is recorded.

    Raises: BadInputError: there is none, or one cannot be read.
    """
    files = sorted(path for path in folder.glob("*.json") if path.name != "index.json")
    if not files:
        raise BadInputError(f"{folder} holds no recorded deliveries (*.json)")
    numbered = []
    for path in files:
        one = read(path)
        number = json.loads(path.read_text(encoding="utf-8")).get("arrival_number")
        numbered.append((number if isinstance(number, int) else 1 << 30, path.name, one))
    return [one for _, _, one in sorted(numbered, key=lambda each: each[:2])]


@dataclass(frozen=True, slots=True)
class References:
    """What a set of orders refers to, so that a back office can be made to hold it."""

    home: str
    secrets: tuple[str, ...]
    skus: dict[str, str] = field(default_factory=dict)  # SKU → name
    percents: tuple[Decimal, ...] = ()
    currencies: tuple[str, ...] = ()
    oldest: dt.datetime | None = None


def references(deliveries: Iterable[Recorded]) -> References:
    """Of everything in ``deliveries``; the home address is the one most of them name."""
    told = list(deliveries)
    homes = Counter(each.home for each in told if each.home)
    orders = [each.order for each in told if each.order is not None]
    skus: dict[str, str] = {}
    percents: set[Decimal] = set()
    for order in orders:
        for line in order["line_items"]:
            if sku := (line.get("sku") or "").strip():
                skus.setdefault(sku, line.get("name") or sku)
        percents.update(
            Decimal(str(each["rate_percent"]))
            for each in order.get("tax_lines", ())
            if each.get("rate_percent") is not None
        )
    placed = [at for order in orders if (at := moment(order.get("date_created_gmt")))]
    return References(
        home=homes.most_common(1)[0][0] if homes else "https://store.example",
        secrets=tuple(dict.fromkeys(each.secret for each in told if each.secret)),
        skus=skus,
        percents=tuple(sorted(percents)),
        currencies=tuple(sorted({order["currency"] for order in orders})),
        oldest=min(placed, default=None),
    )


def latest_orders(deliveries: Sequence[Recorded]) -> dict[str, dict[str, Any]]:
    """The newest state of each order by id: what its store would answer now."""
    newest: dict[str, dict[str, Any]] = {}
    for each in deliveries:
        order = each.order
        if order is None:
            continue
        held = newest.get(str(order["id"]))
        if held is None or held["date_modified_gmt"] <= order["date_modified_gmt"]:
            newest[str(order["id"])] = order
    return newest


def totals(order: dict[str, Any]) -> tuple[str, str, int]:
    """Total, tax and number of lines of the store's order, for showing beside the books'."""
    canonical = from_wire(order, store="store", vat_keys=(), po_keys=())
    total = f"{canonical.total.amount:.2f}"
    return total, f"{canonical.tax.amount:.2f}", len(canonical.lines)
