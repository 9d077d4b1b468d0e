"""``python -m tests.erp.odoo.record FILE`` records a day at a real Odoo 19 (docs/real-odoo.md).

What comes of it is in ``recordings/19.0``, and the stand-in is held against it.
"""

import datetime as dt
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from accord.erp.odoo.adapter import Odoo
from accord.erp.odoo.wire import dumped, envelope, positional
from accord.local.odoo import Desk
from accord.local.odoo.schema import models
from accord.ports.erp import Connection
from tests.erp.odoo.conftest import OPTIONS
from tests.erp.odoo.day import ERRORS, Day
from tests.erp.odoo.real import RealOdoo, Where

FOLDER = Path(__file__).parent / "recordings" / "19.0"
APIS = ("json-2", "json-rpc")
_TRACEBACK = "<traceback text omitted>"
_SERVER = re.compile(r'server at \\"[^\\]*\\", port \d+')
_MANY = 50
_COUNTRIES = {"CA", "DE", "FR", "GB", "JP", "US"}
"""That are kept of a list of all."""

Exchange = dict[str, Any]


class Recorder(httpx.BaseTransport):
    """Keeps what goes to and fro."""

    def __init__(self, kept: list[Exchange]) -> None:
        self._inner = httpx.HTTPTransport()
        self._kept = kept

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        at, sent = _now(), request.read()
        response = self._inner.handle_request(request)
        body = response.read()
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        self._kept.append(
            {
                "at": at,
                "path": request.url.path,
                "key": request.headers.get("Authorization", ""),
                "database": request.headers.get("X-Odoo-Database", ""),
                "request": json.loads(sent),
                "status": response.status_code,
                "response": json.loads(body or b"null") if is_json else None,
            }
        )
        return httpx.Response(
            response.status_code,
            headers={"Content-Type": response.headers.get("Content-Type", "")},
            content=body,
        )


class Watched:
    """A person's calls, kept too."""

    def __init__(self, odoo: RealOdoo, kept: list[Exchange]) -> None:
        self._odoo, self._kept = odoo, kept

    def call(self, model: str, method: str, *args: Any, **named: Any) -> Any:
        at = _now()
        answer = self._odoo.call(model, method, *args, **named)
        kept = {"at": at, "desk": [model, method, list(args), named], "response": answer}
        self._kept.append(json.loads(json.dumps(kept, default=float)))
        return answer


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")


@contextmanager
def recorded(where: Where, api: str) -> Iterator[list[Exchange]]:
    """What was said in a day over ``api``, and then of what is refused."""
    kept: list[Exchange] = []
    with RealOdoo(where, where.template).copy() as real:
        options = {**OPTIONS, "database": real.database, "api": api}
        connection = Connection("main", "odoo", where.url, options, {"key": where.key})
        recorder = Recorder(kept)
        begin = dt.datetime.now(dt.UTC).replace(microsecond=0)
        time.sleep(1.1)
        Day(Odoo.connect(connection, transport=recorder), Desk(Watched(real, kept)), begin).live()
        _errors(where, real.database, api, recorder)
        yield [_trimmed(each, where, real.database) for each in kept]


def _errors(where: Where, database: str, api: str, recorder: Recorder) -> None:
    kind = {"Content-Type": "application/json"}
    http = httpx.Client(base_url=where.url, transport=recorder, timeout=300, headers=kind)

    def json_2(model: str, method: str, named: Exchange, key: str, of: str) -> None:
        headers = {"Authorization": f"bearer {key}", "X-Odoo-Database": of}
        http.post(f"/json/2/{model}/{method}", content=dumped(named), headers=headers)

    def service(name: str, method: str, *args: Any) -> Any:
        return http.post("/jsonrpc", content=envelope(1, name, method, args)).json().get("result")

    who = service("common", "authenticate", database, OPTIONS["user"], where.key, {})

    def json_rpc(model: str, method: str, named: Exchange, key: str, of: str) -> None:
        ids = named.get("ids")
        rest = {name: value for name, value in named.items() if name != "ids"}
        service("object", "execute_kw", of, who, key, model, method, *positional(method, ids, rest))

    ask = json_2 if api == "json-2" else json_rpc
    for model, method, named in ERRORS:
        ask(model, method, named, where.key, database)
    any_: Exchange = {"domain": [], "fields": ["name"]}
    ask("res.company", "search_read", any_, "wrong", database)
    ask("res.company", "search_read", any_, where.key, "nosuchdb")
    service("common", "version")
    service("common", "authenticate", database, OPTIONS["user"], "wrong", {})
    service("common", "authenticate", "nosuchdb", OPTIONS["user"], where.key, {})


def _trimmed(each: Exchange, where: Where, database: str) -> Exchange:
    """Without keys and names of this place; of fields, those that the stand-in has."""
    text = json.dumps(_cut(each))
    for what, by in (
        (where.key, "<api-key>"),
        (where.admin_key, "<admin>"),
        (f'"{database}"', '"shopdb"'),
        (where.url, "https://erp.example"),
    ):
        text = text.replace(what, by)
    text = _SERVER.sub(r'server at \\"db.example\\", port 5432', text)
    found: Exchange = json.loads(text)
    if "fields_get" in json.dumps([found.get("path"), found.get("desk"), found.get("request")]):
        _fewer(found)
    return found


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        texts = {"debug": _TRACEBACK}
        return {key: texts.get(key) or _cut(each) for key, each in value.items()}
    if isinstance(value, list):
        rows = [_cut(each) for each in value]
        is_of_all = len(rows) > _MANY and isinstance(rows[0], dict) and "code" in rows[0]
        return [row for row in rows if row["code"] in _COUNTRIES] if is_of_all else rows
    return value


def _fewer(each: Exchange) -> None:
    """The fields of an answer that the stand-in has as well."""
    names = {name for model in models(19).values() for name in model.fields}
    holder, key = (each, "response")
    if isinstance(each["response"], dict) and "jsonrpc" in each["response"]:
        holder, key = each["response"], "result"
    holder[key] = {name: of for name, of in holder[key].items() if name in names}


def fields(where: Where) -> dict[str, Any]:
    """Model → field → what Odoo says of it, of those that the stand-in has."""
    real = RealOdoo(where, where.template)
    attributes = ["type", "relation", "digits"]
    return {
        name: real.call(name, "fields_get", list(model.fields), attributes=attributes)
        for name, model in sorted(models(19).items())
    }


def main(where: Where) -> None:
    FOLDER.mkdir(exist_ok=True)
    lines = (f"{json.dumps(k)}: {json.dumps(v)}" for k, v in fields(where).items())
    (FOLDER / "fields.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    for api in APIS:
        with recorded(where, api) as kept:
            text = "".join(json.dumps(each) + "\n" for each in kept)
            (FOLDER / f"{api}.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Where.of(Path(sys.argv[1])))
