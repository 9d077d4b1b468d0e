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
import json
import secrets
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any, Self
from urllib.parse import quote

import httpx

from accord.errors import (
    BadInputError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from accord.http import body_of, error_of, http_client, json_of, retry_after, send
from accord.model.documents import SalesOrder
from accord.ports.store import Store

_MISSING_ORDER = frozenset(
    {"woocommerce_rest_shop_order_invalid_id", "woocommerce_rest_order_invalid_id"}
)
# Refusals that come with a status of 5xx; trying again would only repeat them.
_REFUSED_FOR_GOOD = frozenset(
    {
        "woocommerce_rest_cannot_create_order_refund",
        "woocommerce_rest_invalid_order_refund",
        "woocommerce_rest_trash_not_supported",
    }
)
_LOOKED_AT = frozenset({401, 403, 404, *range(500, 600)})  # what they mean is in the body's code


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


class WooStore(Store):
    """One store. ``http`` is aimed at ``…/wp-json/wc/v3/`` and signs its own requests.

    ``on_call`` is told the method of each request before it is sent.
    """

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
        self.settle = settle
        self._http = http
        self.name = name
        self._vat_keys = tuple(vat_keys)
        self._po_keys = tuple(po_keys)
        self._on_call = on_call

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
            f"{base}/wp-json/wc/v3/", timeout=timeout, transport=transport, auth=auth
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
        response = self._send("GET", f"orders/{_id(id_)}")
        document = self._object(response)
        if code_of(document) in _MISSING_ORDER:
            return None
        if str(document.get("id")) != id_:
            raise UnavailableError(
                f"{self.name} answered order {id_} with something else", connection=self.name
            )
        return document, hashlib.sha256(response.content).hexdigest()[:32]

    def find_note(self, order_id: str, marker: str) -> str | None:
        """See Store.find_note. None too when the order itself is gone."""
        response = self._send("GET", f"orders/{_id(order_id)}/notes")
        notes = json_of(response, self.name)
        if code_of(notes) in _MISSING_ORDER:
            return None
        if not isinstance(notes, list):
            raise UnavailableError(
                f"{self.name} answered order {order_id}'s notes with something else",
                connection=self.name,
            )
        for note in notes:
            # WordPress keeps some characters as entities: "→" is stored as "&rarr;", "&" as "&amp;"
            if marker in html.unescape(str(note.get("note", ""))):
                return str(note["id"])
        return None

    def add_note(self, order_id: str, text: str, *, to_customer: bool = False) -> str:
        """See Store.add_note. Raises: RejectedError: the order is gone."""
        body = {"note": text, "customer_note": to_customer}
        response = self._send("POST", f"orders/{_id(order_id)}/notes", json=body)
        note = self._object(response)
        if code_of(note) in _MISSING_ORDER:
            raise RejectedError(
                f"{self.name} has no order {order_id} to put a note on", body=body_of(response)
            )
        if "id" not in note:
            raise UnavailableError(
                f"{self.name} answered a note on order {order_id} with something else",
                connection=self.name,
            )
        return str(note["id"])

    def _send(self, method: str, path: str, *, json: object = None) -> httpx.Response:
        """The answer: a success, or a 404 that says an order is gone."""
        if self._on_call:
            self._on_call(method)
        response = send(self._http, method, path, connection=self.name, json=json, also=_LOOKED_AT)
        status = response.status_code
        if response.is_success:
            return response
        code = code_of(_parsed(response))
        what = f"{self.name} answered {status} ({code or 'no code'}) to {method} {path}"
        if status == 404 and code in _MISSING_ORDER:
            return response
        if status == 404 and code in {None, "rest_no_route"}:
            # Not one order's trouble: the whole API is away, and comes back as a whole.
            raise UnavailableError(
                f"{what}: is WooCommerce active, with permalinks on, at that address?",
                retry_after=retry_after(response),
                connection=self.name,
            )
        if status in {401, 403}:
            # No key, an unknown key and Basic without TLS are all "cannot_view"; a wrong secret
            # and a key that may only read are "authentication_error".
            raise UnauthorizedError(
                f"{what}: check the key, its secret and that it may read and write",
                connection=self.name,
            )
        if code in _REFUSED_FOR_GOOD:
            raise RejectedError(what, reason=code, body=body_of(response))
        raise error_of(response, connection=self.name) or RejectedError(what)

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        answer = json_of(response, self.name)
        if not isinstance(answer, dict):
            raise UnavailableError(
                f"{self.name} answered {response.request.url.path} with something else",
                connection=self.name,
            )
        code = code_of(answer)
        if code and code not in _MISSING_ORDER:  # an error inside a success
            raise RejectedError(
                f"{self.name} answered 200 with the error {code}", body=body_of(response)
            )
        return answer


def code_of(answer: object) -> str | None:
    """The code of WordPress's error object, None for anything else.

    Decide on it, not on the message, which follows the shop's language.
    """
    if isinstance(answer, dict) and "message" in answer and "id" not in answer:
        return str(answer.get("code"))
    return None


def _parsed(response: httpx.Response) -> object:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _id(text: str) -> str:
    """``text``, which becomes part of a path, so it must be what it says."""
    if not (text.isascii() and text.isdigit()):
        raise BadInputError(f"{text!r} is no WooCommerce id")
    return text
