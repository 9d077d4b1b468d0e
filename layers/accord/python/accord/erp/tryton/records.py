"""Tryton's records: asked for by id or by our key, made once, and called upon."""

from collections.abc import Sequence
from typing import Any

from accord.erp.tryton.client import Client, search
from accord.erp.tryton.credits import CREDIT_FIELDS, credit_record
from accord.erp.tryton.known import Shop
from accord.erp.tryton.mapping import SALE_FIELDS, return_record, sale_record
from accord.erp.tryton.masterdata import MasterData
from accord.erp.tryton.parties import PARTY_FIELDS, party_record
from accord.erp.tryton.payments import MOVE_FIELDS, move_record
from accord.erp.tryton.wire import Values
from accord.errors import DuplicateError, RejectedError, UnmappedError, UnsupportedError
from accord.model.change import Ref
from accord.model.documents import Kind, Record
from accord.ports.numbers import Numbered

_MODELS = {
    Kind.PARTY: ("party.party", PARTY_FIELDS, party_record),
    Kind.SALES_ORDER: ("sale.sale", SALE_FIELDS, sale_record),
    Kind.RETURN: ("sale.sale", SALE_FIELDS, return_record),
    Kind.PAYMENT: ("account.move", MOVE_FIELDS, move_record),
    Kind.CREDIT_NOTE: ("account.invoice", CREDIT_FIELDS, credit_record),
}
"""Kind → Tryton's model, what is read of it, and what makes a Record of that."""

_NUMBERED = 500  # sales that one question may find: a hundred numbers, each met a few times
_ALSO_INACTIVE = ["active", "in", [True, False]]  # which Tryton hides unless the domain names it


class Records:
    """The records of one company that are ours to make."""

    def __init__(self, client: Client, master: MasterData, connection: str) -> None:
        self._client = client
        self._master = master
        self.connection = connection

    def get(self, ref: Ref) -> Record | None:
        """The record, or None when it is not there. Of a merged party, the one that stayed."""
        if not ref.id.isdigit():
            return None
        kind, id_ = Kind(ref.kind), int(ref.id)
        if kind is Kind.PARTY:
            id_ = self._merged_into(id_)
        records = self._read(kind, [["id", "=", id_]])
        return records[0] if records else None

    def _merged_into(self, id_: int) -> int:
        """The party that stands for the party ``id_``: itself, or at the end of its merges."""
        met: set[int] = set()
        while id_ not in met:
            met.add(id_)
            domain = [["id", "=", id_], _ALSO_INACTIVE]
            for row in self.search("party.party", domain, ("replaced_by",)):
                id_ = row["replaced_by"] or id_
        return id_

    def again(self, record: Record) -> Record:
        """``record`` as it is now. Raises: RejectedError: it is gone."""
        now = self.get(record.ref)
        if now is None:
            raise RejectedError(f"{record.ref} is no longer in Tryton")
        return now

    def find(self, kind: Kind, key: str) -> tuple[Record, ...]:
        """Every record of ``kind`` under our external ``key``."""
        company = ["company", "=", self._master.context()["company"]]
        match kind:
            case Kind.SALES_ORDER | Kind.RETURN:
                of_shop = ["web_shop", "=", self._master.shop().web_shop]
                return self._read(kind, [of_shop, ["web_id", "=", key]])
            case Kind.PARTY:
                return self._read(kind, [["code", "=", key]])
            case Kind.CREDIT_NOTE:
                return self._read(kind, [company, ["type", "=", "out"], ["reference", "=", key]])
            case _:
                return self._read(kind, [company, ["description", "=", key]])

    def numbered(self, kind: Kind, numbers: Sequence[str]) -> list[Numbered]:
        """See ``Numbers.numbered``. Sales of any origin, not only the web shop's."""
        if kind is not Kind.SALES_ORDER:
            raise UnsupportedError(f"{self.connection} finds no {kind.value} by its number")
        wanted = [number for number in numbers if number]
        domain = [
            ["company", "=", self._master.context()["company"]],
            ["OR", ["number", "in", wanted], ["reference", "in", wanted]],
        ]
        fields = (*SALE_FIELDS, "reference", "sale_date")
        rows = self.search("sale.sale", domain, fields, limit=_NUMBERED)
        return [
            Numbered(sale_record(row, self.connection), row["reference"] or "", row["sale_date"])
            for row in rows
        ]

    def create_once(self, kind: Kind, values: Values, key: str) -> int:
        """The new record's id. Raises: DuplicateError: refused, and one with ``key`` is there."""
        try:
            (id_,) = self.call(f"model.{_MODELS[kind][0]}.create", [values])
        except RejectedError as error:
            # Tryton's message is in some language; whether the key is taken is asked instead.
            if self.find(kind, key):
                raise DuplicateError(str(error), body=error.body) from error
            raise
        return int(id_)

    def search(
        self,
        model: str,
        domain: list[Any],
        fields: tuple[str, ...] | list[str],
        *,
        limit: int = 100,
        order: list[Any] | None = None,
    ) -> list[Values]:
        """The rows of ``model``, with those fields."""
        return search(self.call, model, domain, fields, limit=limit, order=order)

    def one(self, model: str, id_: int, fields: tuple[str, ...] | list[str]) -> Values:
        """The row with that id. Raises: RejectedError: it is gone."""
        rows = self.search(model, [["id", "=", id_]], fields, limit=1)
        if not rows:
            raise RejectedError(f"{model} {id_} is no longer in Tryton")
        return rows[0]

    def receivable(self, party: Ref, shop: Shop) -> int:
        """The account that the party owes on: its own, else the company's default."""
        (row,) = self.call("model.party.party.read", [int(party.id)], ["account_receivable"])
        account = row["account_receivable"] or shop.receivable
        if account is None:
            raise UnmappedError(
                f"{self.connection}: neither party {party.id} nor the company has an "
                "account receivable; give it one in Tryton",
                connection=self.connection,
                causes=("account:receivable",),
            )
        return int(account)

    def wizard(self, name: str, form: tuple[str, str, Values], *, model: str, id_: int) -> None:
        """Runs a wizard on one record. ``form`` is (its state, what the button is called, data).

        A wizard that a crash left open changes nothing: Tryton keeps it until it is deleted.
        """
        state, button, values = form
        session = self.call(f"wizard.{name}.create")[0]
        self.call(
            f"wizard.{name}.execute",
            session,
            {state: values},
            button,
            active_id=id_,
            active_ids=[id_],
            active_model=model,
        )
        self.call(f"wizard.{name}.delete", session)

    def call(self, method: str, *args: Any, **context: Any) -> Any:
        """What ``method`` returns, called for our company. See ``Client.call``."""
        return self._client.call(method, *args, context={**self._master.context(), **context})

    def _read(self, kind: Kind, domain: list[Any]) -> tuple[Record, ...]:
        if kind not in _MODELS:
            raise UnsupportedError(f"{self.connection}: a {kind.value} is not kept as a record")
        model, fields, record = _MODELS[kind]
        if kind is Kind.PARTY:
            domain = [*domain, _ALSO_INACTIVE]
        rows = self.search(model, domain, fields)
        return tuple(record(row, self.connection) for row in rows)
