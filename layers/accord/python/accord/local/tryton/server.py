"""A real Tryton on this machine, as a process of its own."""

import json
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from accord.erp.tryton.client import Client
from accord.http import http_client
from accord.local.tryton import names
from accord.local.tryton.prepare import copy, prepare
from accord.ports.erp import Connection

CACHE = Path(".accord") / "cache"
"""Where the prepared database is kept, below the repository."""

_START_S = 120  # loading Tryton's modules takes two seconds; a loaded machine is slower
_STOP_S = 10


class NotStartedError(Exception):
    """Tryton did not start; the message holds the end of its log."""


class TrytonServer:
    """A Tryton server on a copy of the prepared database; it ends with the block that started it.

    ``url`` is there once it is started. Planned faults and counts: see ``accord.local.faults``.
    """

    database = names.DATABASE
    login = names.LOGIN
    password = names.PASSWORD
    admin_password = names.ADMIN_PASSWORD

    def __init__(self, prepared: Path, folder: Path | None = None, *, port: int = 0) -> None:
        self._prepared = prepared
        self._own = tempfile.TemporaryDirectory(prefix="tryton-") if folder is None else None
        self.folder = folder if folder is not None else Path(self._own.name if self._own else ".")
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._http: httpx.Client | None = None
        self._administrator: Client | None = None
        self.url = ""

    @classmethod
    def ready(cls, cache: Path, *, progress: Callable[[str], None], port: int = 0) -> Self:
        """A server on a database from ``cache``, made there first if need be; not started yet."""
        return cls(prepare(cache, progress=progress), port=port)

    def start(self) -> Self:
        """Copies the database, unless the folder holds one already, and waits for the server.

        Raises: NotStartedError: it ended, or did not answer in two minutes.
        """
        file = self.folder / f"{self.database}.sqlite"
        if not file.exists():
            copy(self._prepared, self.folder)
        command = [sys.executable, "-m", "accord.local.tryton.serve", "--database", str(file)]
        command += ["--port", str(self._port), "--faults", "--until-stdin-closes"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        try:
            port = self._ready_port()
        except BaseException:
            self.stop()
            raise
        self.url = f"http://127.0.0.1:{port}"
        return self

    def stop(self) -> None:
        """Ends the server's process, and no other. The work folder goes if it is our own."""
        http, self._http, self._administrator = self._http, None, None
        if http is not None:
            http.close()
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        if self._own is not None:
            self._own.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process while it runs."""
        return self._process.pid if self._process else None

    @property
    def options(self) -> dict[str, Any]:
        """The adapter's options for this server, as accord.toml would give them."""
        return {
            "database": self.database,
            "web_shop": names.WEB_SHOP,
            "warehouse": names.WAREHOUSE,
        }

    @property
    def secret(self) -> dict[str, str]:
        """The connector's credentials."""
        return {"login": self.login, "password": self.password}

    def connection(self, name: str = "main", *, timeout: str = "30") -> Connection:
        """A Connection of the started server for the adapter. ``timeout`` is in seconds."""
        return Connection(
            name=name,
            adapter="tryton",
            url=self.url,
            options=self.options,
            secret=self.secret,
            timeout=Decimal(timeout),
        )

    def administrator(self) -> Client:
        """A client that may do everything, for seeding and reading back; logged in once."""
        if self._administrator is None:
            self._http = http_client(self.url, timeout=300)
            self._administrator = Client(
                self._http,
                connection="tryton",
                database=self.database,
                login=names.ADMIN,
                password=self.admin_password,
            )
        return self._administrator

    def plan(self, **faults: Any) -> None:
        """Plans faults: the fields of ``faults.Plan``. Without any, clears the plan."""
        if faults:
            self._control("PUT", "faults", faults)
        else:
            self._control("DELETE", "faults")

    def down(self, down: bool = True) -> None:
        """Answers 503 to everything, or no longer does."""
        self._control("PUT", "down", {"down": down})

    def calls(self) -> dict[str, Any]:
        """What was asked since ``forget_calls``, by method, and which faults happened."""
        answer: dict[str, Any] = self._control("GET", "calls")
        return answer

    def forget_calls(self) -> None:
        self._control("DELETE", "calls")

    def _control(self, method: str, what: str, body: object = None) -> Any:
        url = f"{self.url}/_accord/{what}"
        response = httpx.request(method, url, json=body, timeout=30, trust_env=False)
        response.raise_for_status()
        return response.json()

    @property
    def _log(self) -> Path:
        return self.folder / "tryton.log"

    def _ready_port(self) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        until = time.monotonic() + _START_S
        while (left := until - time.monotonic()) > 0:
            readable, _, _ = select.select([self._process.stdout], [], [], left)
            line = self._process.stdout.readline() if readable else b""
            if not line:  # it ended, or time is up
                break
            if line.startswith(b'{"ready"'):
                return int(json.loads(line)["port"])
        end = self._log.read_text(errors="replace")[-2000:]
        raise NotStartedError(f"Tryton did not start; the end of {self._log}:\n{end}")
