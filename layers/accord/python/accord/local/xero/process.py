"""The stand-in for Xero as a process of its own, on the loopback address."""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx

from accord.errors import RejectedError
from accord.http import http_client
from accord.local.server import Server
from accord.local.xero.identity import CLIENT_ID, CLIENT_SECRET
from accord.local.xero.server import DESK, TENANT
from accord.ports.erp import Connection
from accord.ports.tokens import Access, AccessTokens, Tenant, TokenSet

_START_S = 60  # it takes half a second; a loaded machine is slower
_TOKEN = "local-access-token"
_ADMINISTRATOR = "local-administrator-key"
_STATES: Final = {
    **dict.fromkeys(("AUTHORISED", "PAID"), "confirmed"),
    **dict.fromkeys(("VOIDED", "DELETED"), "voided"),
}


@dataclass(frozen=True, slots=True)
class Held(AccessTokens):
    """One token that nobody renews."""

    token: str = field(repr=False)
    tenant: str

    def access(self) -> Access:
        """See ``AccessTokens.access``."""
        return Access(self.token, self.tenant)

    def renewed(self, refused: Access) -> Access:
        """See ``AccessTokens.renewed``: the same, which is refused again then."""
        return refused

    def another(self, refused: Access) -> Access | None:  # noqa: ARG002
        """See ``AccessTokens.another``: there is none."""
        return None


class XeroServer(Server):
    """A stand-in for Xero; it ends with the block that started it. New, it holds nothing: see
    ``Desk.furnish``.

    ``url`` is there once it is started. With ``limits`` it refuses what Xero's own limits refuse.
    Planned faults and counts: see ``accord.local.faults``.
    """

    tenant: Final = TENANT
    token: Final = _TOKEN

    def __init__(self, *, port: int = 0, limits: bool = False, log: Path | None = None) -> None:
        super().__init__(
            "Xero's stand-in",
            "accord.local.xero.serve",
            *("--port", str(port), "--tenant", TENANT, "--token", _TOKEN, "--faults"),
            *("--administrator", _ADMINISTRATOR, *(("--limits",) if limits else ())),
            within_s=_START_S,
            log=log,
        )
        self._http: httpx.Client | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The adapter's options for this server, as accord.toml would give them."""
        return {}

    @property
    def secret(self) -> dict[str, str]:
        """The app's credentials, as the connection's secret would give them."""
        return {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}

    def consent(self) -> TokenSet:
        """The tokens of a new consent, given without a browser: to be kept as its own."""
        given, now = self.do("consent"), dt.datetime.now(dt.UTC)
        return TokenSet(
            access=given["access_token"],
            refresh=given["refresh_token"],
            expires_at=now + dt.timedelta(seconds=given["expires_in"]),
            scopes=tuple(given["scope"].split()),
            tenant=Tenant(TENANT, ""),
            consented_at=now,
            renewed_at=now,
        )

    @property
    def access(self) -> AccessTokens:
        """For looking at the books."""
        return Held(_TOKEN, TENANT)

    def connection(self, name: str = "main", *, timeout: str = "30") -> Connection:
        """A Connection of the started server for the adapter. ``timeout`` is in seconds."""
        return Connection(
            name=name,
            adapter="xero",
            url=self.url,
            options=self.options,
            timeout=Decimal(timeout),
            tokens=self.access,
        )

    def renew(self, token: str) -> None:
        """From now on ``token`` is let in; those before are expired."""
        self.do("renew", token=token)

    def do(self, hand: str, /, **given: Any) -> Any:
        """What a person does there, see ``Hands``. Raises: RejectedError."""
        if self._http is None:
            self._http = http_client(self.url, timeout=60)
        response = self._http.post(
            DESK,
            json={"hand": hand, "given": given},
            headers={"x-administrator": _ADMINISTRATOR},
        )
        if response.status_code == 422:
            raise RejectedError(response.json()["message"])
        response.raise_for_status()
        return response.json()["result"]

    def sales(self) -> list[dict[str, Any]]:
        """Every invoice: its key, number, state, party, amounts as text, how many lines."""
        return [
            {
                "key": row["InvoiceNumber"],
                "number": row["InvoiceNumber"],
                "state": _STATES.get(row["Status"], "quotation"),
                "party": row["Contact"]["Name"],
                "currency": row["CurrencyCode"],
                "gross": f"{row['Total']:.2f}",
                "tax": f"{row['TotalTax']:.2f}",
                "lines": len(row["LineItems"]),
                "payments": len(row["Payments"]),
            }
            for row in self.do("rows", table="Invoices")
        ]

    def stop(self) -> None:
        """Ends the server's process, and no other."""
        http, self._http = self._http, None
        if http is not None:
            http.close()
        super().stop()
