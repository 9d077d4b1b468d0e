"""A real Tryton on this machine, as a process of its own."""

import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import httpx

from accord.erp.tryton.client import Client
from accord.http import http_client
from accord.local.process import NotStartedError
from accord.local.server import Server
from accord.local.tryton import names
from accord.local.tryton.prepare import copy, prepare
from accord.ports.erp import Connection

__all__ = ["CACHE", "NotStartedError", "TrytonServer"]

CACHE = Path(".accord") / "cache"
"""Where the prepared database is kept, below the repository."""

_START_S = 120  # loading Tryton's modules takes two seconds; a loaded machine is slower


class TrytonServer(Server):
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
        self._file = self.folder / f"{self.database}.sqlite"
        super().__init__(
            "Tryton",
            "accord.local.tryton.serve",
            *("--database", str(self._file), "--port", str(port), "--faults"),
            within_s=_START_S,
            log=self.folder / "tryton.log",
        )
        self._http: httpx.Client | None = None
        self._administrator: Client | None = None

    @classmethod
    def ready(cls, cache: Path, *, progress: Callable[[str], None], port: int = 0) -> Self:
        """A server on a database from ``cache``, made there first if need be; not started yet."""
        return cls(prepare(cache, progress=progress), port=port)

    def start(self) -> Self:
        """Copies the database, unless the folder holds one already, and waits for the server.

        Raises: NotStartedError: it ended, or did not answer in two minutes.
        """
        if not self._file.exists():
            copy(self._prepared, self.folder)
        try:
            return super().start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server's process, and no other. The work folder goes if it is our own."""
        http, self._http, self._administrator = self._http, None, None
        if http is not None:
            http.close()
        super().stop()
        if self._own is not None:
            self._own.cleanup()

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
                confirms_all=True,
            )
        return self._administrator
