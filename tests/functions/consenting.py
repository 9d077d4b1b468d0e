"""A back office on this machine that is allowed in a browser, and a browser."""

import base64
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from accord.bootstrap import tables
from accord.local.serving import listen
from accord.local.xero.server import FakeXero
from tests.functions.cloud import Room
from tests.functions.conftest import Handler

GRANTS: Mapping[str, frozenset[tuple[str, str]]] = {
    "authorize": frozenset(
        {
            *(("tokens", call) for call in ("GetItem", "PutItem", "UpdateItem")),
            *(("control", call) for call in ("GetItem", "PutItem")),
        }
    ),
    "refresh_tokens": frozenset(
        {
            *(("tokens", call) for call in ("GetItem", "UpdateItem")),
            ("waiting", "GetItem"),
            ("control", "GetItem"),
            *(
                ("attention", call)
                for call in ("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem")
            ),
            ("attention", "DeleteItem"),
        }
    ),
}
"""(table, action) of both: what the stack grants, and what their tests see them do."""

ERP = "books"
PUBLIC = "https://hooks.example"


@contextmanager
def answering(xero: FakeXero) -> Iterator[str]:
    """The address at which ``xero`` answers."""
    server = listen(xero.wsgi, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def request(
    path: str,
    query: Mapping[str, str] | None = None,
    cookies: Mapping[str, str] | None = None,
    *,
    erp: str = ERP,
    form: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """GET of ``/erps/{erp}/{path}``, or POST of a ``form``, as an HTTP API passes it on (payload
    format 2.0)."""
    method = "GET" if form is None else "POST"
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} /erps/{{erp}}/{path}",
        "rawPath": f"/erps/{erp}/{path}",
        "pathParameters": {"erp": erp},
        "requestContext": {"requestId": "r-1", "http": {"method": method}},
        "isBase64Encoded": form is not None,
    }
    if form is not None:
        made["body"] = base64.b64encode(urlencode(form).encode()).decode("ascii")
    if query:
        made["queryStringParameters"] = dict(query)
    if cookies:
        made["cookies"] = [f"{name}={value}" for name, value in cookies.items()]
    return made


class Browser:
    """A person's browser: it keeps cookies, and goes where it is sent."""

    def __init__(self, run: Handler, xero: FakeXero) -> None:
        self.run = run
        self.xero = xero
        self.cookies: dict[str, str] = {}
        self.seen: list[dict[str, Any]] = []

    def open(self, url: str) -> dict[str, Any]:
        """The answer of ours at ``url``."""
        found = urlsplit(url)
        assert f"{found.scheme}://{found.netloc}" == PUBLIC
        _, _, erp, path = found.path.split("/")
        return self._ask(request(path, dict(parse_qsl(found.query)), self.cookies, erp=erp))

    def begin(self, link: str) -> dict[str, Any]:
        """The answer to the button on the page at ``link``; the page where it has none."""
        page = self.open(link)
        button = re.search(
            r'<form method="post" action="(\w+)"><input type="hidden" name="link" value="([\w-]+)">',
            page["body"],
        )
        if button is None:
            return page
        _, _, erp, _ = urlsplit(link).path.split("/")
        path, value = button.groups()
        return self._ask(request(path, cookies=self.cookies, erp=erp, form={"link": value}))

    def _ask(self, event: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.run("authorize", event)
        for text in answer.get("cookies", ()):
            for name, morsel in SimpleCookie(text).items():
                self.cookies[name] = morsel.value
        self.seen.append(answer)
        return answer

    def consent(self, link: str, *, allow: bool = True, tenants: Any = ()) -> str:
        """The address that the consent page leads back to, for whoever opened ``link``."""
        answer = self.begin(link)
        assert answer["statusCode"] == 303, answer["body"]
        return self.xero.identity.decide(
            answer["headers"]["location"], allow=allow, tenants=tenants
        )


def record_calls(room: Room) -> set[tuple[str, str]]:
    """(table, action) of all that this process asks of DynamoDB from now on.

    The parts of a transaction are asked each by itself.
    """
    seen: set[tuple[str, str]] = set()
    names = {full: name for name, full in room.tables.items()}

    def hear(params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name == "TransactWriteItems":
            for write in params["TransactItems"]:
                ((kind, request),) = write.items()
                seen.add((names[request["TableName"]], f"{kind}Item"))
        elif model.name == "BatchGetItem":
            seen.update((names[full], model.name) for full in params["RequestItems"])
        else:
            seen.add((names[params["TableName"]], model.name))

    tables.client("dynamodb").meta.events.register("provide-client-params.dynamodb.*", hear)
    return seen
