"""One WooCommerce store over REST v3.

Keys go in the Authorization header and never in a query string: Basic over https; over http, which
is for loopback only, OAuth 1.0a, since WordPress takes Basic only when it believes in TLS.
Sources: WooCommerce REST API v3 docs, "Authentication over HTTP"; RFC 5849, 3.4; a WooCommerce
10.5.0 store as it was observed.
"""

import base64
import datetime as dt
import hashlib
import hmac
import html
import re
import secrets
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self
from urllib.parse import quote

import httpx

from accord.errors import BadInputError, DuplicateError, GoneError, RejectedError
from accord.http import http_client, json_of
from accord.model.documents import Refund, SalesOrder
from accord.model.money import Money
from accord.model.party import Profile
from accord.ports.store import Customer, Store
from accord.woo.admin import Admin
from accord.woo.api import MISSING, code_of, digest_of, encoded, path_id
from accord.woo.catalogue import Catalogue
from accord.woo.listing import Listing

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


class OAuth1(httpx.Auth):
    """Signs as WooCommerce checks it over plain http: one-legged, HMAC-SHA256.

    The signed address is the store's ``home``, with scheme http, whatever host and port the request
    really goes to. ``clock`` gives seconds since 1970, ``nonce`` a text never given before.
    """

    def __init__(
        self,
        home: str,
        key: str,
        secret: str,
        *,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = secrets.token_hex,
    ) -> None:
        self._home = "http://" + home.split("://", 1)[-1].rstrip("/")
        self._key = key
        self._secret = secret
        self._clock = clock
        self._nonce = nonce

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See ``httpx.Auth.auth_flow``."""
        oauth = {
            "oauth_consumer_key": self._key,
            "oauth_nonce": self._nonce(),
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_timestamp": str(int(self._clock())),
        }
        path = request.url.path
        url = self._home + path[path.index("/wp-json/") :]
        signed = [*request.url.params.multi_items(), *oauth.items()]
        oauth["oauth_signature"] = signature(request.method, url, signed, self._secret)
        request.headers["Authorization"] = "OAuth " + ", ".join(
            f'{name}="{quote(value, safe="~")}"' for name, value in oauth.items()
        )
        yield request


def signature(method: str, url: str, params: Sequence[tuple[str, str]], secret: str) -> str:
    """The OAuth 1.0a signature, HMAC-SHA256 in base64. There is no token, so the key ends in &."""
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in params)
    query = "&".join(f"{name}={value}" for name, value in pairs)
    text = "&".join(quote(part, safe="~") for part in (method.upper(), url, query))
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class WooStore(Listing, Catalogue, Admin, Store):
    """One store: orders and customers are here, lists of orders in ``Listing``, products in
    ``Catalogue``, set-up in ``Admin``."""

    def __init__(
        self,
        http: httpx.Client,
        *,
        name: str,
        settle: dt.timedelta = dt.timedelta(seconds=60),
        vat_keys: Sequence[str] = (),
        po_keys: Sequence[str] = (),
        on_call: Callable[[str], object] | None = None,
    ) -> None:
        super().__init__(http, name=name, on_call=on_call)
        self.settle = settle
        self._vat_keys = tuple(vat_keys)
        self._po_keys = tuple(po_keys)

    @classmethod
    def connect(
        cls,
        *,
        name: str,
        url: str,
        consumer_key: str,
        consumer_secret: str,
        api_url: str | None = None,
        timeout: float = 30.0,
        settle: dt.timedelta = dt.timedelta(seconds=60),
        vat_keys: Sequence[str] = (),
        po_keys: Sequence[str] = (),
        on_call: Callable[[str], object] | None = None,
        allow_private: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> Self:
        """The store at ``url``, its home, reached at ``api_url`` if that is elsewhere.

        Nothing is sent yet. ``timeout`` is in seconds, for one answer.
        """
        base = (api_url or url).rstrip("/")
        auth: httpx.Auth
        if base.startswith("https://"):
            auth = httpx.BasicAuth(consumer_key, consumer_secret)
        else:
            auth = OAuth1(url, consumer_key, consumer_secret)
        http = http_client(
            f"{base}/wp-json/wc/v3/",
            timeout=timeout,
            allow_private=allow_private,
            transport=transport,
            auth=auth,
        )
        return cls(
            http, name=name, settle=settle, vat_keys=vat_keys, po_keys=po_keys, on_call=on_call
        )

    def ping(self) -> None:
        """See Store.ping. Reads one order's id: what a key may not do, it says here."""
        json_of(self._send("GET", "orders?per_page=1&_fields=id"), self.name)

    def order(self, document: dict[str, Any]) -> SalesOrder:
        """See Store.order."""
        from accord.woo.mapping import from_wire

        return from_wire(document, store=self.name, vat_keys=self._vat_keys, po_keys=self._po_keys)

    def get_order(self, id_: str) -> tuple[dict[str, Any], str] | None:
        """See Store.get_order. A trashed order is answered, with status ``trash``."""
        return self._one(self._send("GET", f"orders/{path_id(id_)}"), id_, what="order")

    def put_order(
        self, id_: str, *, status: str | None = None, meta: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], str]:
        """See Store.put_order. Raises too when the answer does not show what was asked.

        A status brings an order back from the trash, and the store then sends no webhook. The
        digest is of the answer's bytes. A later delivery of the same state may order its custom
        fields otherwise, and then has another one.
        """
        body: dict[str, Any] = {"status": status} if status is not None else {}
        if meta:
            body["meta_data"] = [{"key": key, "value": value} for key, value in meta.items()]
        found = self._one(self._send("PUT", f"orders/{path_id(id_)}", json=body), id_, what="order")
        if found is None:
            raise GoneError(f"{self.name} has no order {id_} to change")
        lost = not_kept(found[0], status=status, meta=meta or {})
        if lost:
            raise RejectedError(
                f"{self.name} took a change of order {id_} and did not keep {', '.join(lost)}; "
                "look for a plugin that changes it",
                reason="not_kept",
                sent=body,
            )
        return found

    def refunds(self, order: SalesOrder) -> Sequence[Refund]:
        """See Store.refunds."""
        from accord.woo.refunds import refunds_from_wire

        return refunds_from_wire(
            list(self._pages(f"orders/{path_id(order.ref.id)}/refunds")), order
        )

    def create_refund(self, order: SalesOrder, amount: Money, *, reason: str) -> str:
        """See Store.create_refund."""
        if amount.currency != order.currency:
            raise BadInputError(f"a refund of {amount} on order {order.ref}, in {order.currency}")
        body = {
            "amount": f"{amount.amount:f}",
            "reason": reason,
            "api_refund": False,  # both are on unless they are said to be off
            "api_restock": False,
        }
        id_ = order.ref.id
        response = self._send("POST", f"orders/{path_id(id_)}/refunds", json=body)
        refund = self._object(response)
        if code_of(refund) in MISSING:
            raise GoneError(f"{self.name} has no order {id_} to refund")
        if "id" not in refund:
            raise self._something_else(f"a refund of order {id_}")
        return str(refund["id"])

    def find_note(self, order_id: str, marker: str) -> str | None:
        """See Store.find_note. None too when the order itself is gone."""
        response = self._send("GET", f"orders/{path_id(order_id)}/notes")
        notes = json_of(response, self.name)
        if code_of(notes) in MISSING:
            return None
        if not isinstance(notes, list):
            raise self._something_else(f"order {order_id}'s notes")
        for note in notes:
            # WordPress keeps some characters as entities: "→" is stored as "&rarr;", "&" as "&amp;"
            if marker in html.unescape(str(note.get("note", ""))):
                return str(note["id"])
        return None

    def add_note(self, order_id: str, text: str, *, to_customer: bool = False) -> str:
        """See Store.add_note."""
        body = {"note": text, "customer_note": to_customer}
        response = self._send("POST", f"orders/{path_id(order_id)}/notes", json=body)
        note = self._object(response)
        if code_of(note) in MISSING:
            raise GoneError(f"{self.name} has no order {order_id} to put a note on")
        if "id" not in note:
            raise self._something_else(f"a note on order {order_id}")
        return str(note["id"])

    # --- customers -----------------------------------------------------------

    def customer(self, document: dict[str, Any]) -> Customer:
        """See Store.customer."""
        from accord.woo.customers import customer_from_wire

        return customer_from_wire(document, store=self.name, vat_keys=self._vat_keys)

    def get_customer(self, id_: str) -> tuple[dict[str, Any], str] | None:
        """See Store.get_customer. Users who are no customers are answered too."""
        return self._one(self._send("GET", f"customers/{path_id(id_)}"), id_, what="customer")

    def find_customer(self, email: str) -> tuple[dict[str, Any], str] | None:
        """See Store.find_customer. Of any role; None too for what cannot be an e-mail address."""
        wanted = email.strip()
        if not _EMAIL.fullmatch(wanted):  # the store would refuse to look
            return None
        path = f"customers?email={quote(wanted, safe='')}&role=all&per_page=100"
        found = json_of(self._send("GET", path), self.name)
        if not isinstance(found, list):
            raise self._something_else("customers")
        for document in found:
            # A filter that a store does not know is ignored, and it then lists everyone.
            if str(document.get("email", "")).casefold() == wanted.casefold():
                return document, digest_of(encoded(document))
        return None

    def create_customer(self, profile: Profile) -> tuple[dict[str, Any], str]:
        """See Store.create_customer. The store makes up the user name and the password."""
        from accord.woo.customers import customer_to_wire

        fields = customer_to_wire(profile, vat_keys=self._vat_keys)
        if not fields.get("email"):
            raise RejectedError(
                f"a customer without e-mail address cannot have an account in {self.name}",
                reason="no_email",
                owner="support",
            )
        fields["billing"] = {**fields.get("billing", {}), "email": fields["email"]}
        created = self._one(self._send("POST", "customers", json=fields), None, what="customer")
        if created is None:
            raise self._something_else("a new customer")
        return created

    def put_customer(self, id_: str, changes: Profile) -> tuple[dict[str, Any], str]:
        """See Store.put_customer. The billing address keeps its own e-mail address."""
        from accord.woo.customers import customer_to_wire

        fields = customer_to_wire(changes, vat_keys=self._vat_keys)
        if not fields:  # an empty change would still move its time, and be told as one
            found = self.get_customer(id_)
            if found is None:
                raise self._no_customer(id_)
            return found
        try:
            response = self._send("PUT", f"customers/{path_id(id_)}", json=fields)
        except DuplicateError:
            # The account's own address in other letter case is refused like another's.
            if not changes.email or not self._has_email(id_, changes.email):
                raise
            return self.put_customer(id_, replace(changes, email=None))
        written = self._one(response, id_, what="customer")
        if written is None:
            raise self._no_customer(id_)
        return written

    def _no_customer(self, id_: str) -> RejectedError:
        return RejectedError(f"{self.name} has no customer {id_} to change", reason="gone")

    def _has_email(self, id_: str, email: str) -> bool:
        found = self.get_customer(id_)
        return found is not None and (
            str(found[0].get("email", "")).casefold() == email.strip().casefold()
        )


def not_kept(
    document: Mapping[str, Any], *, status: str | None, meta: Mapping[str, Any]
) -> list[str]:
    """What was asked of an order and its JSON does not show: names, never values.

    Simultaneous writes may leave two entries of one key; one of them is enough.
    """
    lost = ["its status"] if status is not None and document.get("status") != status else []
    found: dict[str, list[Any]] = {}
    for entry in document.get("meta_data") or []:
        found.setdefault(str(entry.get("key")), []).append(entry.get("value"))
    for key, value in meta.items():
        values = found.get(key, [])
        if values if value is None else not any(_alike(value, it) for it in values):
            lost.append(f"the field {key}")
    return lost


def _alike(asked: Any, found: Any) -> bool:
    """Whether ``found`` is what the store makes of ``asked``: numbers and truths become text."""
    if isinstance(asked, Mapping):
        if not asked:
            return found in ({}, [])  # PHP knows one empty array
        return (
            isinstance(found, Mapping)
            and asked.keys() == found.keys()
            and all(_alike(value, found[key]) for key, value in asked.items())
        )
    if isinstance(asked, list | tuple):
        return (
            isinstance(found, list) and len(asked) == len(found) and all(map(_alike, asked, found))
        )
    return _as_text(asked) == _as_text(found)


def _as_text(value: Any) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return "1"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return html.unescape(str(value)).strip()
