"""A person who is logged in to Tryton, with what every screen of the desktop client can do."""

from collections.abc import Callable
from typing import Any

from accord.erp.tryton.client import Client
from accord.erp.tryton.wire import Values
from accord.local.tryton.server import TrytonServer

_CONTEXT = {"company": 1, "language": "en"}


class Seat:
    """Asks and presses buttons, as the administrator. Warnings are clicked away."""

    def __init__(self, tryton: TrytonServer | Client) -> None:
        self._client = tryton.administrator() if isinstance(tryton, TrytonServer) else tryton

    def _wizard(
        self, name: str, model: str, id_: int, state: str, fill: Callable[[Values], Values]
    ) -> Any:
        """What the wizard answers to its one form.

        The form holds its defaults and, over them, what ``fill`` makes of them.
        """
        about = {"active_id": id_, "active_ids": [id_], "active_model": model}
        session, start, _ = self._call(f"wizard.{name}.create")
        form = self._call(f"wizard.{name}.execute", session, {}, start, **about)["view"]
        defaults = {key: each for key, each in form["defaults"].items() if not key.endswith(".")}
        values = {start: {**defaults, **fill(defaults)}}
        answer = self._call(f"wizard.{name}.execute", session, values, state, **about)
        self._call(f"wizard.{name}.delete", session)
        return answer

    def _search(self, model: str, domain: list[Any], fields: list[str]) -> list[Values]:
        rows: list[Values] = self._call(
            f"model.{model}.search_read", domain, 0, None, [["id", "ASC"]], fields
        )
        return rows

    def _do(self, method: str, *args: Any) -> Any:
        return self._call(f"model.{method}", *args)

    def _call(self, method: str, *args: Any, **context: Any) -> Any:
        return self._client.call(method, *args, context={**_CONTEXT, **context})
