"""The wire of an Odoo over what it holds: JSON-RPC, and JSON-2 from 19 on.

Stands behind ``httpx.MockTransport`` (it is a callable) or, as a WSGI application, at an address.
"""

import datetime as dt
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx

from accord.local.odoo.faults import OdooError, access_denied
from accord.local.odoo.methods import ADMINISTRATOR, call
from accord.local.odoo.orm import Database, Row
from accord.local.odoo.schema import models

USER: Final = 6
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
_STATUSES: Final = {
    "odoo.exceptions.AccessDenied": 403,
    "odoo.exceptions.AccessError": 403,
    "odoo.exceptions.UserError": 422,
    "odoo.exceptions.ValidationError": 422,
    "odoo.exceptions.MissingError": 404,
    "odoo.exceptions.LockError": 409,
    "werkzeug.exceptions.Unauthorized": 401,
    "werkzeug.exceptions.NotFound": 404,
}


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class FakeOdoo:
    """One server with one database.

    ``hook`` is told of every call before it is done, as ``model.method``, and may answer in its
    place with a response, or raise; ``after``, when it was done, and may throw its answer away.
    """

    def __init__(
        self,
        *,
        version: int = 17,
        clock: Callable[[], dt.datetime] = _now,
        database: str = "shopdb",
        login: str = "connector",
        key: str = "an-api-key",
        administrator: str = "",
    ) -> None:
        """``administrator`` is the administrator's key; without one nobody is let in as that."""
        self.version = version
        self.name = database
        self.login = login
        self.key = key
        self.administrator = administrator
        self.database = Database(clock, models(version))
        self.database.tables["res.users"][USER] = {"id": USER, "login": login}
        self.calls: Counter[str] = Counter()
        self.hook: Callable[[str], httpx.Response | None] = lambda _: None
        self.after: Callable[[str], httpx.Response | None] = lambda _: None
        self.away = ""  # what is said of its database while that is away
        self._turn = threading.Lock()  # one call at a time, as rows are plain dictionaries

    def call(self, model: str, method: str, *args: Any, **named: Any) -> Any:
        """As a person's client calls it, with all rights."""
        with self._turn:
            return call(self.database, model, method, args, named)

    # --- the wire -------------------------------------------------------------

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        return self.answer(request.method, request.url.path, headers, request.read())

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The same as a WSGI application."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        response = self.answer(
            environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""), headers, body
        )
        data = response.content
        start_response(
            f"{response.status_code} {response.reason_phrase}",
            [*_JSON.items(), ("Content-Length", str(len(data)))],
        )
        return [data]

    def answer(self, method: str, path: str, headers: Row, body: bytes) -> httpx.Response:
        if method != "POST":
            return httpx.Response(405)
        if path == "/jsonrpc":
            return self._json_rpc(body)
        parts = path.strip("/").split("/")
        if self.version >= 19 and len(parts) == 4 and parts[:2] == ["json", "2"]:
            return self._json_2(parts[2], parts[3], headers, body)
        return httpx.Response(404, text="Not Found")

    def _json_rpc(self, body: bytes) -> httpx.Response:
        envelope = json.loads(body)
        params = envelope["params"]
        answer: Row = {"jsonrpc": "2.0", "id": envelope.get("id")}
        try:
            found = self._service(params["service"], params["method"], params["args"])
            if isinstance(found, httpx.Response):
                return found
            if found is not None:  # left out of the envelope where it is nothing
                answer["result"] = found
        except OdooError as error:
            answer["error"] = {
                "code": 0 if self.version >= 19 else 200,
                "message": "Odoo Server Error",
                "data": _told(error),
            }
        return httpx.Response(200, json=answer, headers=_JSON)

    def _service(self, service: str, method: str, args: list[Any]) -> Any:
        match service, method:
            case "common", "version":
                return {
                    "server_version": f"{self.version}.0",
                    "server_version_info": [self.version, 0, 0, "final", 0, ""],
                    "server_serie": f"{self.version}.0",
                    "protocol_version": 1,
                }
            case "common", "authenticate":
                self._check_database(args[0])
                return USER if args[1:3] == [self.login, self.key] else False
            case "object", "execute_kw":
                database, user, key, model, name, *rest = args
                self._check_database(database)
                keys = {USER: self.key, ADMINISTRATOR: self.administrator}
                if not key or key != keys.get(user):
                    raise access_denied()
                positional = rest[0] if rest else []
                named = rest[1] if len(rest) > 1 else {}
                return self._called(model, name, positional, dict(named), user)
        raise OdooError("builtins.KeyError", f"{service}.{method}")

    def _json_2(self, model: str, method: str, headers: Row, body: bytes) -> httpx.Response:
        try:
            if self.away or headers.get("x-odoo-database", self.name) != self.name:
                return httpx.Response(404, text="<!doctype html><title>404 Not Found</title>")
            if headers.get("authorization") != f"bearer {self.key}":
                raise OdooError("werkzeug.exceptions.Unauthorized", "Invalid apikey")
            found = self._called(model, method, [], json.loads(body))
        except OdooError as error:
            error = _of_json_2(error)
            status = _STATUSES.get(error.name, 500)
            return httpx.Response(status, json=_told(error), headers=_JSON)
        if isinstance(found, httpx.Response):
            return found
        return httpx.Response(200, content=json.dumps(found), headers=_JSON)

    def _called(
        self, model: str, method: str, args: list[Any], named: Row, user: int = USER
    ) -> Any:
        with self._turn:
            self.calls[f"{model}.{method}"] += 1
            instead = self.hook(f"{model}.{method}")
            if instead is not None:
                return instead
            found = call(self.database, model, method, args, named, user=user)
            return self.after(f"{model}.{method}") or found

    def _check_database(self, name: str) -> None:
        if self.away:
            raise OdooError("psycopg2.OperationalError", self.away)
        if name != self.name:
            message = (
                'connection to server at "db.example", port 5432 failed: FATAL:  database '
                f'"{name}" does not exist\n'
            )
            raise OdooError("psycopg2.OperationalError", message)


def _of_json_2(error: OdooError) -> OdooError:
    """What is not there is a page that was not found."""
    if error.name == "builtins.AttributeError":
        return OdooError("werkzeug.exceptions.NotFound", error.message)
    if error.message.startswith("Object ") and error.message.endswith(" doesn't exist"):
        model = error.message.split()[1]
        return OdooError("werkzeug.exceptions.NotFound", f"the model '{model}' does not exist")
    return error


def _told(error: OdooError) -> Row:
    return {
        "name": error.name,
        "debug": "<traceback text omitted>",
        "message": error.message,
        "arguments": [error.message],
        "context": {},
    }
