"""The HTTP API: requests in payload format 2.0 to functions, and their answers back.

Source: Amazon API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs" and
"Quotas for configuring and running an HTTP API".
"""

import base64
import datetime as dt
import http.server
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from accord.errors import UnavailableError
from accord.local.runner.metrics import Metrics
from accord.local.runner.resources import ACCOUNT, API_ID
from accord.local.runner.runtime import Function
from accord.local.runner.sandbox import Answer

_MAX_BODY = 10 * 1024 * 1024
_MAX_EVENT = 6 * 1024 * 1024  # of a synchronous invocation
_THROTTLE_S = 5.0
_JSON = "application/json"
# Everything else arrives encoded, form posts included.
_TEXT = re.compile(r"text/|application/(json|xml|javascript)\b|application/[^;]+\+(json|xml)\b")
_PARAMETER = re.compile(r"\\\{(\w+)(\\\+)?\\\}")


@dataclass(frozen=True, slots=True)
class Route:
    """``key`` like ``POST /stores/{store}/webhooks``, or ``$default``."""

    key: str
    function: Function
    timeout_s: float = 30.0

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The path's parameters, or None when the request is not for this route."""
        if self.key == "$default":
            return {}
        wanted, _, pattern = self.key.partition(" ")
        if wanted not in (method, "ANY"):
            return None
        regex = _PARAMETER.sub(
            lambda found: f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})", re.escape(pattern)
        )
        found = re.fullmatch(regex, path)
        return None if found is None else found.groupdict()


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back to the client."""

    status: int
    body: bytes
    headers: Sequence[tuple[str, str]] = (("content-type", _JSON),)


def message(status: int, text: str) -> Reply:
    """The gateway's own answer."""
    return Reply(status, json.dumps({"message": text}).encode())


def event(
    route: Route,
    *,
    method: str,
    target: str,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    source_ip: str,
    parameters: Mapping[str, str],
    now: dt.datetime,
    host: str,
) -> dict[str, Any]:
    """One request as a function is given it. ``target`` is path and query as they were sent."""
    path, _, query = target.partition("?")
    merged: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in headers:
        low = name.lower()
        if low == "cookie":
            cookies += [each.strip() for each in value.split(";")]
        else:
            merged[low] = f"{merged[low]},{value}" if low in merged else value
    merged.setdefault("x-forwarded-for", source_ip)
    merged.setdefault("x-forwarded-proto", "http")
    merged.setdefault("x-forwarded-port", host.rpartition(":")[2])
    queries: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        queries[name] = f"{queries[name]},{value}" if name in queries else value
    built: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": unquote(path),
        "rawQueryString": query,
        "headers": merged,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API_ID,
            "domainName": host,
            "domainPrefix": "local",
            "http": {
                "method": method,
                "path": unquote(path),
                "protocol": "HTTP/1.1",
                "sourceIp": source_ip,
                "userAgent": merged.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": route.key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        built["cookies"] = cookies
    if queries:
        built["queryStringParameters"] = queries
    if parameters:
        built["pathParameters"] = dict(parameters)
    if body:
        built["body"], built["isBase64Encoded"] = _body(body, merged.get("content-type", ""))
    return built


def _body(body: bytes, content_type: str) -> tuple[str, bool]:
    if _TEXT.match(content_type.strip().lower()):
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass  # not what its header says; no byte may be lost
    return base64.b64encode(body).decode(), True


def reply(answer: Answer) -> Reply:
    """What the function's answer becomes for the client."""
    if answer.kind == "throttled":
        return message(503, "Service Unavailable")
    if not answer.ok:
        return message(500, "Internal Server Error")
    found = answer.json()
    if not isinstance(found, dict) or "statusCode" not in found:
        return Reply(200, json.dumps(found).encode())
    try:
        content = found.get("body") or ""
        text = content if isinstance(content, str) else json.dumps(content)
        body = base64.b64decode(text) if found.get("isBase64Encoded") else text.encode()
        headers = [(str(key), str(value)) for key, value in (found.get("headers") or {}).items()]
        headers += [("set-cookie", str(cookie)) for cookie in found.get("cookies") or []]
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("content-type", "text/plain;charset=UTF-8"))
        return Reply(int(found["statusCode"]), body, tuple(headers))
    except (ValueError, TypeError, AttributeError):
        return message(500, "Internal Server Error")


class Gateway:
    """Listens on a loopback ``port``; routes come once the functions are known."""

    def __init__(self, metrics: Metrics, *, port: int = 0) -> None:
        """Raises: UnavailableError: the port is taken."""
        self.routes: Sequence[Route] = ()
        self.own: dict[str, Callable[[], Any]] = {}  # what the runner itself tells, by path
        self._metrics = metrics
        self._active = 0
        self._lock = threading.Lock()
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise UnavailableError(
                f"port {port} cannot be listened on ({error.strerror}); choose another with --port",
                sent=False,
            ) from error
        self._server.gateway = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def in_flight(self) -> int:
        """Requests that are not answered yet."""
        return self._active

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stops listening."""
        if self._thread.ident is not None:
            self._server.shutdown()
            self._thread.join(3)
        self._server.server_close()

    def handle(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        source_ip: str,
    ) -> Reply:
        """The reply to one request."""
        if method == "GET" and target in self.own:
            body = json.dumps(self.own[target]()).encode()
            return Reply(200, body, (("content-type", "application/json"),))
        with self._lock:
            self._active += 1
        try:
            answer = self._handle(method, target, headers, body, source_ip)
            kind = {4: "4xx", 5: "5xx"}.get(answer.status // 100)
            for name in filter(None, ("Count", kind)):
                self._metrics.put("AWS/ApiGateway", name, 1, {"ApiId": API_ID}, at=time.monotonic())
            return answer
        finally:
            with self._lock:
                self._active -= 1

    def _handle(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        source_ip: str,
    ) -> Reply:
        path = unquote(target.partition("?")[0])
        for route in self.routes:
            parameters = route.match(method, path)
            if parameters is not None:
                break
        else:
            return message(404, "Not Found")
        made = event(
            route,
            method=method,
            target=target,
            headers=headers,
            body=body,
            source_ip=source_ip,
            parameters=parameters,
            now=dt.datetime.now(dt.UTC),
            host=self.url.removeprefix("http://"),
        )
        payload = json.dumps(made).encode()
        if len(payload) > _MAX_EVENT:
            return message(413, "Request Entity Too Large")
        started = time.monotonic()
        answer = route.function.invoke(payload, wait_s=_THROTTLE_S)
        if answer.kind != "throttled" and time.monotonic() - started > route.timeout_s:
            return message(504, "Gateway Timeout")
        return reply(answer)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True
    gateway: Gateway


class _Handler(http.server.BaseHTTPRequestHandler):
    """HTTP/1.1 with kept connections, bodies by length or chunked."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 75  # an idle connection, as long as API Gateway keeps one
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: the functions' own lines are the log."""

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            self.close_connection = True  # the rest of it was not read
            answer = message(413, "Request Entity Too Large")
        else:
            answer = self.server.gateway.handle(
                self.command, self.path, self.headers.items(), body, self.client_address[0]
            )
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("apigw-requestid", uuid.uuid4().hex[:16])
        if answer.status not in (204, 304):
            self.send_header("content-length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        if self.command != "HEAD" and answer.status not in (204, 304):
            self.wfile.write(answer.body)

    def __getattr__(self, name: str) -> Any:
        """Every method, ``do_GET`` and the rest, is served alike."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _body(self) -> bytes | None:
        """The request's body; None when it is too large."""
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self._chunks()
        length = int(self.headers.get("content-length") or 0)
        return None if length > _MAX_BODY else self.rfile.read(length)

    def _chunks(self) -> bytes | None:
        found = b""
        while size := int(self.rfile.readline().partition(b";")[0].strip() or b"0", 16):
            found += self.rfile.read(size)
            self.rfile.readline()
            if len(found) > _MAX_BODY:
                return None
        while self.rfile.readline().strip():
            pass  # trailers
        return found
