"""What Odoo's user may write, and how long its keys open anything. Nothing is written to ask.

Calls: one for the user, and two for each model that is asked about; for the keys one.

Source: Odoo source 16 to 19, ``BaseModel.check_access_rights`` (up to 17), ``BaseModel.has_access``
and ``res.users.apikeys`` (from 18 on); Odoo 19.0 itself.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable
from typing import Final

from accord.erp.odoo.client import Client
from accord.erp.odoo.invoices import MOVE, PAYMENT
from accord.erp.odoo.listing import MODEL as PRODUCT
from accord.erp.odoo.listing import TEMPLATE
from accord.erp.odoo.masterdata import MasterData
from accord.erp.odoo.people import MODEL as PARTNER
from accord.erp.odoo.selling import LINE
from accord.erp.odoo.selling import MODEL as ORDER
from accord.erp.odoo.wire import text
from accord.model.documents import Kind
from accord.ports.advice import Advice, Ending

_USERS: Final = "res.users"
_KEYS: Final = "res.users.apikeys"
_ENDS: Final = "expiration_date"
_OPENS: Final = ["scope", "in", [False, "rpc"]]  # those of a browser session open nothing to us
_MODELS: Final = {
    Kind.SALES_ORDER: (ORDER, LINE),
    Kind.PARTY: (PARTNER,),
    Kind.CREDIT_NOTE: (MOVE,),
    Kind.PAYMENT: (PAYMENT,),
    Kind.ITEM: (PRODUCT, TEMPLATE),
}
_POSTS: Final = {Kind.SALES_ORDER, Kind.CREDIT_NOTE, Kind.PAYMENT}


class Permits:
    """Of the user ``name``, in whose name all is written."""

    def __init__(
        self, client: Client, master: MasterData, name: str, clock: Callable[[], dt.datetime]
    ) -> None:
        self._client = client
        self._master = master
        self._name = name
        self._clock = clock

    def lacks(self, kinds: Collection[Kind]) -> list[Advice]:
        """See ``advice.Permits.lacks``."""
        found = [] if _POSTS.isdisjoint(kinds) or self._has_email() else [self._without_email()]
        models = (model for kind in sorted(kinds) for model in _MODELS.get(kind, ()))
        return found + [
            Advice(
                "rights",
                model,
                f"{self._name} may not {' or '.join(refused)} {model}",
                f"give {self._name} the right to in Odoo, Settings, Users",
            )
            for model in dict.fromkeys(models)
            if (refused := self._refused(model, ("create", "write")))
        ]

    def ends(self) -> Ending | None:
        """See ``advice.Ends.ends``. Odoo shows no key itself, so nobody sees which one is ours: of
        several, the first that will end."""
        if not self._master.has(_KEYS, _ENDS):
            return None
        now = self._clock().astimezone(dt.UTC)
        later = [_ENDS, ">", f"{now:%Y-%m-%d %H:%M:%S}"]
        named = [["user_id.login", "=", self._name], later, _OPENS]
        rows = self._client.search_read(_KEYS, named, ["name", _ENDS], order=_ENDS, limit=1)
        if not rows:
            return None
        at = dt.datetime.fromisoformat(rows[0][_ENDS]).replace(tzinfo=dt.UTC)
        remedy = (
            f"make another in Odoo as {self._name} (Preferences, Account Security, New API Key), "
            f"give it with `accord connect {self._client.connection}`, then delete the old one"
        )
        return Ending(text(rows[0]["name"]), at, remedy)

    def _has_email(self) -> bool:
        rows = self._client.search_read(_USERS, [["login", "=", self._name]], ["email"], limit=1)
        return not rows or bool(rows[0]["email"])  # one whom it does not show is not judged

    def _without_email(self) -> Advice:
        return Advice(
            "rights",
            self._name,
            f"{self._name} has no e-mail address, and Odoo refuses each payment, credit note and "
            "whatever else it must write a message for",
            f"give {self._name} an e-mail address in Odoo, Settings, Users",
        )

    def _refused(self, model: str, operations: Iterable[str]) -> list[str]:
        return [each for each in operations if not self._may(model, each)]

    def _may(self, model: str, operation: str) -> bool:
        if self._master.has(_KEYS, _ENDS):  # 18 brought both
            return bool(self._client.call(model, "has_access", [], operation=operation))
        return bool(
            self._client.call(
                model, "check_access_rights", operation=operation, raise_exception=False
            )
        )
