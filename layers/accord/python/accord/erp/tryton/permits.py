"""What Tryton's user may write, asked by one call that writes nothing.

Source: trytond 8.2, ``ir.model.access.get_access``, which every user may call.
"""

from collections.abc import Collection
from typing import Any, Final

from accord.erp.tryton.records import Records
from accord.model.documents import Kind
from accord.ports.advice import Advice

_MODELS: Final = {
    Kind.SALES_ORDER: ("sale.sale", "sale.line"),
    Kind.RETURN: ("sale.sale", "sale.line"),
    Kind.PARTY: ("party.party", "party.address", "party.contact_mechanism"),
    Kind.CREDIT_NOTE: ("account.invoice", "account.invoice.line"),
    Kind.PAYMENT: ("account.move", "account.move.line"),
    Kind.ITEM: ("product.template", "product.product"),
}


class Permits:
    """Of the user in whose name all is written."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def lacks(self, kinds: Collection[Kind]) -> list[Advice]:
        """See ``advice.Permits.lacks``."""
        wanted = [model for kind in sorted(kinds) for model in _MODELS.get(kind, ())]
        if not (models := list(dict.fromkeys(wanted))):
            return []
        found: dict[str, dict[str, Any]] = self._records.call(
            "model.ir.model.access.get_access", models
        )
        return [
            Advice(
                "rights",
                model,
                f"its user may not {' or '.join(refused)} {model}",
                "put it into a group that may, in Tryton, Administration, Users",
            )
            for model in models
            if (refused := _refused(found.get(model, {})))
        ]


def _refused(access: dict[str, Any]) -> list[str]:
    return [each for each in ("create", "write") if access.get(each, True) in (False, 0)]
