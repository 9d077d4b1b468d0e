"""WooCommerce's REST API v3: one request, and what its answer means.

Sources: WooCommerce REST API v3 docs, "Errors"; a WooCommerce 10.5.0 store as it was observed.
"""

import hashlib
import json as json_
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from accord.errors import (
    AccordError,
    BadInputError,
    DuplicateError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from accord.http import body_of, error_of, json_of, retry_after, send

_NOT_AUTHENTICATED = "woocommerce_rest_authentication_error"
# Told with 404, 400 and, by the refunds, 500.
MISSING = frozenset(
    {
        "woocommerce_rest_shop_order_invalid_id",
        "woocommerce_rest_order_invalid_id",
        "woocommerce_rest_invalid_order_id",
        "wc_user_invalid_id",
        "woocommerce_rest_invalid_id",
        "woocommerce_rest_product_invalid_id",
        "woocommerce_rest_product_variation_invalid_id",
        "woocommerce_rest_shop_webhook_invalid_id",
    }
)
_EMAIL_TAKEN = frozenset(
    {
        "registration-error-email-exists",  # of a new account
        "woocommerce_rest_customer_invalid_email",  # of a change; WC_REST_Customers_V1_Controller
    }
)
# Refusals that come with a status of 5xx; trying again would only repeat them.
_REFUSED_FOR_GOOD = frozenset(
    {
        "woocommerce_rest_cannot_create_order_refund",
        "woocommerce_rest_invalid_order_refund",
        "woocommerce_rest_trash_not_supported",
    }
)
PAGE = 100  # entries; the store gives and takes no more
TOO_LARGE = "request_too_large"  # nothing took effect: fewer entries may go through
_MOST_PAGES = 50
# What they mean is in the body's code.
_LOOKED_AT = frozenset({400, 401, 403, 404, 413, *range(500, 600)})


class Api:
    """One store's REST API, by one request and its answer. What is asked of it is its children's.

    ``http`` is aimed at ``…/wp-json/wc/v3/`` and signs its own requests.

    ``on_call`` is told the method of each request before it is sent.
    """

    name: str

    def __init__(
        self, http: httpx.Client, *, name: str, on_call: Callable[[str], object] | None = None
    ) -> None:
        self.name = name
        self._http = http
        self._on_call = on_call

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Every entry of a list; nothing when what it is a part of is gone."""
        for page in range(1, _MOST_PAGES + 1):
            response = self._send("GET", f"{path}?per_page={PAGE}&page={page}")
            entries = json_of(response, self.name)
            if code_of(entries) in MISSING:
                return
            if not isinstance(entries, list):
                raise self._something_else(path)
            yield from entries
            if len(entries) < PAGE:
                return
        raise RejectedError(f"{self.name} lists more than {_MOST_PAGES * PAGE} {path}")

    def _one(
        self, response: httpx.Response, id_: str | None, *, what: str
    ) -> tuple[dict[str, Any], str] | None:
        """The object and its digest, None when it is gone. Without ``id_`` it is a new one."""
        document = self._object(response)
        if code_of(document) in MISSING:
            return None
        given = document.get("id")
        if given is None or (id_ is not None and str(given) != id_):
            raise self._something_else(f"{what} {id_}" if id_ else f"a new {what}")
        return document, digest_of(response.content)

    def _something_else(self, what: str) -> UnavailableError:
        return UnavailableError(
            f"{self.name} answered {what} with something else", connection=self.name
        )

    def _send(self, method: str, path: str, *, json: object = None) -> httpx.Response:
        """The answer: a success, or a refusal that says that the thing is gone."""
        if self._on_call:
            self._on_call(method)
        response = self._request(method, path, json)
        status = response.status_code
        if response.is_success:
            return response
        code = code_of(parsed(response))
        # Without the query: what is asked for may be a shopper's e-mail address.
        where = path.partition("?")[0]
        what = f"{self.name} answered {status} ({code or 'no code'}) to {method} {where}"
        if code in MISSING:
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
            error = UnauthorizedError(
                f"{what}: check the key, its secret and that it may read and write",
                connection=self.name,
            )
            # Whom it knows, it tells 403; but for a key that may only read, and writes.
            error.is_login = status == 401 and (method == "GET" or code != _NOT_AUTHENTICATED)
            raise error
        raise self._refusal(response, code, what)

    def _request(self, method: str, path: str, json: object) -> httpx.Response:
        """The answer as it came, of any status that is looked at."""
        return send(self._http, method, path, connection=self.name, json=json, also=_LOOKED_AT)

    def _refusal(self, response: httpx.Response, code: str | None, what: str) -> AccordError:
        """What the body's code means, where the status does not say it."""
        body = body_of(response)
        if code in _REFUSED_FOR_GOOD:
            return RejectedError(what, reason=code, body=body)
        if code in _EMAIL_TAKEN:
            return DuplicateError(f"{what}: that e-mail address has an account", body=body)
        if code == "term_exists":
            return DuplicateError(f"{what}: there is one of that name", body=body)
        if response.status_code == 413:  # the store's own limit, or that of the server before it
            return RejectedError(what, reason=TOO_LARGE, body=body)
        if statuses := _statuses_listed(parsed(response)):
            return RejectedError(
                f"{self.name} has no such order status; it has these: {statuses}. Register it in "
                "the store, or name another one in the store's rules ([stores.….fulfilment])",
                reason="no_such_status",
                owner="commerce",
                body=body,
            )
        if response.status_code == 400 and code:
            return RejectedError(what, body=body)
        return error_of(response, connection=self.name) or RejectedError(what, body=body)

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        answer = json_of(response, self.name)
        if not isinstance(answer, dict):
            raise self._something_else(response.request.url.path)
        code = code_of(answer)
        if code and code not in MISSING:  # an error inside a success
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


def digest_of(body: bytes) -> str:
    """By which equal bodies are known; the webhooks' is the same."""
    return hashlib.sha256(body).hexdigest()[:32]


def encoded(document: object) -> bytes:
    """The bytes that the store would answer for this one entry of a list."""
    return json_.dumps(document, separators=(",", ":")).replace("/", "\\/").encode()


def parsed(response: httpx.Response) -> object:
    """The body, None when it is no JSON."""
    try:
        return json_.loads(response.content)
    except (ValueError, RecursionError):
        return None


def path_id(text: str) -> str:
    """``text``, which becomes part of a path, so it must be what it says."""
    if not (text.isascii() and text.isdigit()):
        raise BadInputError(f"{text!r} is no WooCommerce id")
    return text


def _statuses_listed(refusal: object) -> str:
    """The statuses that a refused one is none of; empty for any other refusal."""
    try:
        message = str(refusal["data"]["params"]["status"])  # type: ignore[index]
    except (KeyError, TypeError):
        return ""
    return re.sub(r"^.* one of ", "", message).rstrip(".")
