"""The stand-in for Odoo as a process of its own, on the loopback address."""

import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from accord.erp.odoo.wire import Fault, Values, envelope, result
from accord.errors import RejectedError
from accord.http import http_client, json_of, send
from accord.local.odoo.methods import ADMINISTRATOR
from accord.local.server import Server
from accord.ports.erp import Connection

_START_S = 60  # it takes half a second; a loaded machine is slower
_DATABASE = "shopdb"
_USER = "connector"
_KEY = "local-connector-key"
_ADMINISTRATOR_KEY = "local-administrator-key"


class OdooServer(Server):
    """A stand-in for Odoo; it ends with the block that started it. New, it holds nothing: see
    ``Desk.furnish``.

    ``url`` is there once it is started. Planned faults and counts: see ``accord.local.faults``.
    """

    def __init__(self, *, port: int = 0, release: int = 17, log: Path | None = None) -> None:
        super().__init__(
            "Odoo's stand-in",
            "accord.local.odoo.serve",
            *("--port", str(port), "--release", str(release), "--faults"),
            *("--key", _KEY, "--administrator", _ADMINISTRATOR_KEY),
            within_s=_START_S,
            log=log,
        )
        self._numbers = itertools.count(1)
        self._http: httpx.Client | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The adapter's options for this server, as accord.toml would give them."""
        return {"database": _DATABASE, "user": _USER, "warehouse": "MAIN"}

    @property
    def secret(self) -> dict[str, str]:
        """The connector's credentials."""
        return {"key": _KEY}

    def connection(self, name: str = "main", *, timeout: str = "30") -> Connection:
        """A Connection of the started server for the adapter. ``timeout`` is in seconds."""
        return Connection(
            name=name,
            adapter="odoo",
            url=self.url,
            options=self.options,
            secret=self.secret,
            timeout=Decimal(timeout),
        )

    def call(self, model: str, method: str, *args: Any, **named: Any) -> Any:
        """As a person's client calls it, with all rights. Raises: RejectedError."""
        if self._http is None:
            self._http = http_client(self.url, timeout=60)
        who = (_DATABASE, ADMINISTRATOR, _ADMINISTRATOR_KEY)
        response = send(
            self._http,
            "POST",
            "/jsonrpc",
            connection="odoo",
            content=envelope(
                next(self._numbers),
                "object",
                "execute_kw",
                (*who, model, method, list(args), named),
            ),
            headers={"Content-Type": "application/json"},
        )
        answer = result(json_of(response, "odoo", exact=True))
        if isinstance(answer, Fault):
            raise RejectedError(answer.message)
        return answer

    def sales(self) -> list[dict[str, Any]]:
        """Every sales order: its key, number, state, party, amounts as text, how many lines."""
        fields = [
            *("client_order_ref", "name", "state", "partner_id", "currency_id"),
            *("amount_total", "amount_tax", "order_line"),
        ]
        rows: list[Values] = self.call("sale.order", "search_read", [], fields, order="id")
        return [
            {
                "key": row["client_order_ref"] or "",
                "number": row["name"],
                "state": {"sale": "confirmed", "cancel": "voided"}.get(row["state"], "quotation"),
                "party": row["partner_id"][1],
                "currency": row["currency_id"][1],
                "gross": f"{row['amount_total']:.2f}",
                "tax": f"{row['amount_tax']:.2f}",
                "lines": len(row["order_line"]),
                "payments": 0,
            }
            for row in rows
        ]

    def stop(self) -> None:
        """Ends the server's process, and no other."""
        http, self._http = self._http, None
        if http is not None:
            http.close()
        super().stop()
