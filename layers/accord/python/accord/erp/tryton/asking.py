"""How items, stock and prices are asked for: archived records too, as far as modules reach."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from accord.erp.tryton.client import Client, search
from accord.erp.tryton.masterdata import MasterData
from accord.erp.tryton.wire import Values, related, truth
from accord.errors import UnmappedError

_OPTIONAL: Final = {
    "product.template": ("components", "weight"),
    "product.product": ("boms", "attributes"),
    "product.price_list": ("name",),
}
"""Model → fields that stand for a module that may not be activated."""

STATE_FIELDS: Final = ("code", "active", "template.active")


class Asking:
    """Reads of one company's catalogue."""

    def __init__(self, client: Client, master: MasterData, connection: str) -> None:
        self.master = master
        self.connection = connection
        self._client = client
        self._held: frozenset[tuple[str, str]] | None = None

    def call(self, method: str, *args: Any, **context: Any) -> Any:
        return self._client.call(method, *args, context={**self.master.context(), **context})

    def rows(
        self,
        model: str,
        domain: list[Any],
        fields: Iterable[str],
        *,
        limit: int | None = None,
        order: list[list[str]] | None = None,
        **context: Any,
    ) -> list[Values]:
        """The rows of ``model``, archived ones and archived parts too."""
        return search(
            self.call,
            model,
            domain,
            fields,
            limit=limit,
            order=order,
            active_test=False,
            **context,
        )

    def products(self, ids: Sequence[str], fields: Iterable[str], **context: Any) -> list[Values]:
        """Products with a code, in the order of ``ids``; those that are gone are left out.

        Codes of active products are unique; an archived one may share its code with an active one,
        which then stands for both.
        """
        wanted = [int(id_) for id_ in dict.fromkeys(ids) if id_.isdigit()]
        domain = [["id", "in", wanted], ["code", "!=", None]]
        names = dict.fromkeys((*STATE_FIELDS, *fields))
        found = {row["id"]: row for row in self.rows("product.product", domain, names, **context)}
        rows = [found[id_] for id_ in wanted if id_ in found]
        if archived := [row["code"] for row in rows if not is_active(row)]:
            domain = [["code", "in", archived], ["active", "=", True]]
            active = {row["code"] for row in self.rows("product.product", domain, ["code"])}
            return [row for row in rows if is_active(row) or row["code"] not in active]
        return rows

    def has(self, model: str, field: str) -> bool:
        """Whether the module that brings ``field`` is activated; asked once."""
        if self._held is None:
            names = sorted({name for fields in _OPTIONAL.values() for name in fields})
            rows = self.rows(
                "ir.model.field",
                [["model", "in", list(_OPTIONAL)], ["name", "in", names]],
                ["model", "name"],
            )
            self._held = frozenset((row["model"], row["name"]) for row in rows)
        return (model, field) in self._held

    def unmapped(self, causes: Sequence[str], remedy: str) -> UnmappedError:
        return UnmappedError(
            f"{self.connection} does not hold {', '.join(causes)}: {remedy}",
            connection=self.connection,
            causes=tuple(causes),
        )


def is_active(row: Values) -> bool:
    """Of a product read with STATE_FIELDS: neither it nor its template is archived."""
    return truth(row["active"]) and truth(related(row, "template")["active"])
