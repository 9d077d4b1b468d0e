"""The one way to send a request; other systems' answers become our errors.

A request goes to the client's own host and to no other; redirects are not followed. Messages name
the connection, the method and the path; never a query, a header or a body.
"""

import datetime as dt
import email.utils
import json as json_
import re
import socket
import ssl
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import httpx

from accord.errors import (
    AccordError,
    BadInputError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from accord.rules.hosts import is_inside, is_loopback

MAX_ANSWER = 32 * 1024 * 1024  # bytes of one answer; a store's page of 100 large orders is 15 MB
_KEPT = 4096  # characters of a refusal that are kept with the error
_CONNECT_S = 10.0  # a host that does not even accept is given up sooner
_LOOKED_UP_S = 60.0  # a name is looked up again after this long
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_SECRET_HEADER = re.compile(r"authorization|cookie|key|token|secret|signature|session", re.I)

_requests: Counter[str] = Counter()  # by connection, since the process began

Json = Any
Params = Mapping[str, str | int | float | bool]


@cache
def _tls() -> ssl.SSLContext:
    """One context per process: making it costs 20 ms, a client that is given one 0.3 ms."""
    return httpx.create_ssl_context(trust_env=False)


class _Bounded(httpx.BaseTransport):
    """``inner`` with an end: no answer takes longer than ``seconds`` or more than MAX_ANSWER.

    httpx's own time-out starts anew with each packet, so a trickle would never meet it.
    """

    def __init__(self, inner: httpx.BaseTransport, seconds: float) -> None:
        self._inner = inner
        self._seconds = seconds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        until = time.monotonic() + self._seconds
        response = self._inner.handle_request(request)
        stream = response.stream
        if isinstance(stream, httpx.SyncByteStream):  # always, for a synchronous transport
            response.stream = _BoundedStream(stream, until, request)
        return response

    def close(self) -> None:
        self._inner.close()


class _BoundedStream(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, until: float, request: httpx.Request) -> None:
        self._inner = inner
        self._until = until
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._inner:
            size += len(chunk)
            if size > MAX_ANSWER:
                raise httpx.ReadError("the answer is too large", request=self._request)
            if time.monotonic() > self._until:
                raise httpx.ReadTimeout("the answer trickles", request=self._request)
            yield chunk

    def close(self) -> None:
        self._inner.close()


class _Public(httpx.BaseTransport):
    """``inner``, for hosts that have public addresses only.

    Whoever rules a name can let it lead into our own network. TLS would still ask that host for
    the name's certificate; so this is the first of two doors, and tells what happened.
    """

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self._known: dict[tuple[str, int | None], float] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        key, now = (request.url.host, request.url.port), time.monotonic()
        is_old = now - self._known.get(key, -_LOOKED_UP_S) >= _LOOKED_UP_S
        if is_old and self._look_up(*key):
            self._known[key] = now
        return self._inner.handle_request(request)

    def _look_up(self, host: str, port: int | None) -> bool:
        """Whether it has addresses. Raises: BadInputError: one of them is inside."""
        try:
            found = socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
        except OSError:
            return False  # connecting will fail in the same way, and say so
        for *_, address in found:
            if is_inside(str(address[0])):
                raise BadInputError(
                    f"{host} leads to {address[0]}, which is no public address; if that is meant, "
                    "write allow_private = true into its table of accord.toml",
                    reason="private_address",
                )
        return bool(found)

    def close(self) -> None:
        self._inner.close()


def http_client(
    base_url: str,
    *,
    timeout: float,
    allow_private: bool = False,
    transport: httpx.BaseTransport | None = None,
    auth: httpx.Auth | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Client:
    """A client for one other system. Nothing is sent yet.

    It keeps its connections open (HTTP/1.1), follows no redirect and takes neither proxies nor
    credentials from the environment. ``timeout`` is in seconds, for one whole answer. Without
    ``allow_private`` nothing is sent to addresses that are not public, but plain http to this very
    machine, which says by itself that it is meant.
    """
    own = transport or httpx.HTTPTransport(verify=_tls(), trust_env=False)
    if transport is None and not (allow_private or is_loopback(base_url)):
        own = _Public(own)
    return httpx.Client(
        base_url=base_url,
        timeout=httpx.Timeout(timeout, connect=min(timeout, _CONNECT_S)),
        transport=_Bounded(own, timeout),
        auth=auth,
        headers={"User-Agent": "Accord", **(headers or {})},
        trust_env=False,
        follow_redirects=False,
    )


def send(
    client: httpx.Client,
    method: str,
    url: str,
    *,
    connection: str,
    json: Json = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    params: Params | None = None,
    also: Collection[int] = (),
    secrets: Collection[str] = (),
) -> httpx.Response:
    """The answer, read whole, if its status is 2xx or one of ``also``.

    ``url`` is relative to the client's base, or absolute on the same host. ``secrets`` are those in
    ``content``, which no error repeats; those in headers need no mention.

    Raises:
        UnauthorizedError: 401, 403. RateLimitedError: 429. UnavailableError: 408, 5xx, a time-out,
        no usable connection. RejectedError: 3xx and other 4xx. BadInputError: another host.
    """
    try:
        request = client.build_request(
            method, url, json=json, content=content, headers=headers, params=params
        )
    except httpx.InvalidURL as error:
        raise BadInputError(f"{connection}: {method} to something that is no address") from error
    if _origin(request.url) != _origin(client.base_url):
        raise BadInputError(
            f"{connection}: {method} to {request.url.host}, which is not its own host",
            reason="foreign_host",
        )
    _requests[connection] += 1
    try:
        response = client.send(request)
    except httpx.RequestError as error:
        sent = not isinstance(error, _NEVER_SENT)
        what = "did not answer in time" if isinstance(error, httpx.TimeoutException) else "is away"
        raise UnavailableError(
            f"{connection} {what}: {method} {request.url.path} ({type(error).__name__})",
            sent=sent,
            connection=connection,
        ) from error
    if response.status_code in also:
        return response
    if error_ := error_of(response, connection=connection, secrets=secrets):
        raise error_
    return response


def sent(connection: str) -> int:
    """Requests that this process has sent to ``connection`` so far, answered or not."""
    return _requests[connection]


def all_sent() -> Counter[str]:
    """The same of every connection."""
    return Counter(_requests)


def error_of(
    response: httpx.Response, *, connection: str, secrets: Collection[str] = ()
) -> AccordError | None:
    """What the status means for us: the error to raise, None for 2xx."""
    status = response.status_code
    if response.is_success:
        return None
    request = response.request
    what = f"{connection} answered {status} to {request.method} {request.url.path}"
    if status in {401, 403}:
        error = UnauthorizedError(
            f"{what}: check its credentials and rights", connection=connection
        )
        error.is_login = status == 401
        return error
    if status == 429:
        return RateLimitedError(what, retry_after=retry_after(response), connection=connection)
    if status == 408 or status >= 500:
        return UnavailableError(what, retry_after=retry_after(response), connection=connection)
    if response.is_redirect or 300 <= status < 400:
        what += ": redirects are not followed, so its address must be the final one"
    return RejectedError(what, body=body_of(response, secrets))


def json_of(
    response: httpx.Response, connection: str, *, limit: int = MAX_ANSWER, exact: bool = False
) -> Json:
    """The body, parsed. ``limit`` is in bytes, after decompression.

    ``exact``: numbers with a point are Decimals, digit for digit as they were written.

    Raises:
        UnavailableError: no JSON (a maintenance page, an answer cut short).
        RejectedError: above ``limit``, or nested too deeply to be read.
    """

    def what() -> str:
        request = response.request
        return f"{connection}'s answer to {request.method} {request.url.path}"

    if len(response.content) > limit:
        raise RejectedError(f"{what()} is larger than {limit} bytes", reason="too_large")
    try:
        number = Decimal if exact else None
        return json_.loads(response.content, parse_constant=_refuse, parse_float=number)
    except RecursionError as error:
        raise RejectedError(f"{what()} is nested too deeply", reason="too_large") from error
    except ValueError as error:
        raise UnavailableError(
            f"{what()} is not JSON ({response.headers.get('Content-Type', 'no type')})",
            retry_after=retry_after(response),
            connection=connection,
        ) from error


def body_of(response: httpx.Response, secrets: Collection[str] = ()) -> str:
    """What they said, for a person: 4 KB at most, without what we told them in secret."""
    text = response.text
    for secret in (*filter(None, secrets), *_secrets(response.request)):
        text = text.replace(secret, "[secret]")
    return text[:_KEPT]


def retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait, as they ask for; None when they do not.

    Source: RFC 9110, 10.2.3. A date is held against the answer's own date, not against our clock.
    """
    value = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", value):
        return float(value)
    until = _date(value)
    if until is None:
        return None
    now = _date(response.headers.get("Date", "")) or dt.datetime.now(dt.UTC)
    return max(0.0, (until - now).total_seconds())


def _date(text: str) -> dt.datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=dt.UTC)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _secrets(request: httpx.Request) -> list[str]:
    """The texts of the request that no log or attention item may show, longest first."""
    found = set()
    for name, value in request.headers.items():
        if not _SECRET_HEADER.search(name):
            continue
        scheme, _, rest = value.partition(" ")
        found |= {value, rest or scheme}
        if scheme.lower() == "basic":
            try:
                pair = b64decode(rest).decode()
            except ValueError:
                continue
            found |= {pair, *pair.split(":", 1)}
    return sorted((text for text in found if len(text) >= 6), key=len, reverse=True)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
