"""Recorded deliveries: read from a folder, posted as they were, and what they refer to.

Each file is JSON: ``headers``, ``body`` (the exact text), ``secret`` (None for a ping), and where
known ``arrival_number``, ``topic``, ``what``; ``erp`` of a call of a back office.
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
from accord.model.documents import SalesOrder
from accord.woo.mapping import from_wire
from accord.woo.webhook import host_of, moment

_UNSENT = frozenset({"host", "connection", "content-length", "accept-encoding"})  # the client's own


@dataclass(frozen=True, slots=True)
class Recorded:
    """One delivery. ``name`` is its file's, without ending; ``erp`` is the back office that calls,
    by its name in accord.toml, empty where it is a store."""

    name: str
    headers: dict[str, str]
    body: str
    secret: str | None
    what: str = ""
    erp: str = ""

    @property
    def topic(self) -> str:
        return self.header("x-wc-webhook-topic")

    @property
    def home(self) -> str:
        """The store's home address as the delivery names it, without the final slash."""
        return self.header("x-wc-webhook-source").rstrip("/")

    def is_of(self, home: str) -> bool:
        """Whether the shop at ``home`` sent it, as the receiver finds out; a copy did not."""
        try:
            named = str(json.loads(self.body)["_links"]["self"][0]["href"])
        except (ValueError, KeyError, IndexError, TypeError):
            named = self.home
        return not named or host_of(named) == host_of(home)

    @property
    def order(self) -> dict[str, Any] | None:
        """The order in it, None when it holds none that can be read."""
        if not self.topic.startswith("order."):
            return None
        try:
            document = json.loads(self.body)
            if not isinstance(document, dict) or "line_items" not in document:
                return None
            _canonical(document)
        except (ValueError, BadInputError):
            return None
        return document

    def signed(self, secret: str) -> "Recorded":
        """The same body, signed with ``secret``: all that sign do so in the same way."""
        named = [name for name in self.headers if name.lower().endswith("-signature")]
        header = named[0] if named else "X-WC-Webhook-Signature"
        signature = sign(self.body.encode(), secret)
        return replace(self, headers={**self.headers, header: signature}, secret=secret)

    def again(self, how: str, **headers: str) -> "Recorded":
        """The same delivery once more, with some of its headers changed."""
        name = f"{self.name} ({how})"
        return replace(self, name=name, headers={**self.headers, **headers})

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

    def header(self, name: str) -> str:
        """The header of that name, which is given in lower case; empty when it has none."""
        return next((v for k, v in self.headers.items() if k.lower() == name), "")


def read(path: Path) -> Recorded:
    """The delivery in one file. Raises: BadInputError: it is none; the message says what lacks."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise BadInputError(f"{path} is no recorded delivery: it is no JSON ({error})") from error
    lacks = _lacks(data)
    if lacks:
        raise BadInputError(
            f"{path} is no recorded delivery: {lacks}; events/receive_store_webhook has examples"
        )
    return Recorded(
        name=path.stem,
        headers=data["headers"],
        body=data["body"],
        secret=data.get("secret"),
        what=str(data.get("what", "")),
        erp=str(data.get("erp", "")),
    )


def _lacks(data: object) -> str:
    """What a recorded delivery must have and ``data`` has not; empty when it is one."""
    if not isinstance(data, dict):
        return "it is no JSON object"
    headers = data.get("headers")
    if not isinstance(headers, dict) or not all(isinstance(v, str) for v in headers.values()):
        return "headers must be an object of texts"
    if not isinstance(data.get("body"), str):
        return "body must be the exact text that was sent"
    if not isinstance(data.get("secret"), str | None):
        return "secret must be a text, or null for a ping"
    return ""


def read_all(folder: Path) -> list[Recorded]:
    """Every delivery of ``folder``, in the order of arrival where that is recorded.

    Raises: BadInputError: there is none, or one cannot be read.
    """
    if not folder.is_dir():
        raise BadInputError(f"{folder} is no folder")
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
    canonical = _canonical(order)
    total = f"{canonical.total.amount:.2f}"
    return total, f"{canonical.tax.amount:.2f}", len(canonical.lines)


def _canonical(order: dict[str, Any]) -> SalesOrder:
    return from_wire(order, store="store", vat_keys=(), po_keys=())
