"""What a person does in Xero: stocks up, approves, takes money, credits, voids, locks the books.

For demos and tests; ``furnish`` fills a new organisation first.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol


class Caller(Protocol):
    """Lets a person act: the stand-in itself, or what speaks to one at an address."""

    def do(self, hand: str, /, **given: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Furniture:
    """What a new organisation holds.

    ``taxes``: tax type → percent. ``items`` are tracked, with ``on_hand`` of each; ``services`` are
    not. ``accounts`` are of revenue, ``banks`` are banks: code → name. ``tracking``: category →
    its options.
    """

    currency: str = "GBP"
    country: str = "GB"
    version: str = "UK"
    currencies: Sequence[str] = ("EUR", "USD", "JPY")
    taxes: Mapping[str, Decimal] = field(default_factory=dict)
    items: Sequence[str] = ()
    on_hand: int = 100_000
    services: Sequence[str] = ()
    accounts: Mapping[str, str] = field(default_factory=dict)
    banks: Mapping[str, str] = field(default_factory=dict)
    tracking: Mapping[str, Sequence[str]] = field(default_factory=dict)
    themes: Sequence[str] = ()


SALES = "200"
ROUNDING = "860"
BANK = "090"


class Desk:
    """One person at a Xero. Documents and contacts are named by their id, an item by its code."""

    def __init__(self, xero: Caller) -> None:
        self._do = xero.do

    # --- a new organisation --------------------------------------------------------

    def furnish(self, furniture: Furniture) -> None:
        """An organisation, and what it needs to trade: accounts as Xero itself makes them."""
        do = self._do
        words = {"country": furniture.country, "version": furniture.version}
        do("open", name="Maple Trading Ltd", currency=furniture.currency, **words)
        for rate, code in enumerate(dict.fromkeys((furniture.currency, *furniture.currencies)), 1):
            do("add_currency", code=code, rate=str(rate))
        for code, percent in {"NONE": Decimal(0), **furniture.taxes}.items():
            name = "No VAT" if code == "NONE" else f"{percent}% ({code})"
            do("add_tax_rate", code=code, name=name, percent=str(percent))
        usual = next(iter(furniture.taxes), "NONE")
        for code, name, type_ in ((SALES, "Sales", "REVENUE"), ("260", "Other Revenue", "REVENUE")):
            do("add_account", code=code, name=name, type=type_, tax=usual)
        do("add_account", code="310", name="Cost of Goods Sold", type="DIRECTCOSTS")
        do("add_account", code="630", name="Inventory", type="INVENTORY")
        debtors = {"type": "CURRENT", "system": "DEBTORS"}
        do("add_account", code="610", name="Accounts Receivable", **debtors)
        do("add_account", code="820", name="VAT", type="CURRLIAB", system="GST")
        rounding = {"type": "EXPENSE", "system": "ROUNDING"}
        do("add_account", code=ROUNDING, name="Rounding", **rounding)
        for code, name in {BANK: "Business Bank Account", **furniture.banks}.items():
            do("add_account", code=code, name=name, type="BANK")
        for code, name in furniture.accounts.items():
            do("add_account", code=code, name=name, type="REVENUE", tax=usual)
        for name, options in furniture.tracking.items():
            do("add_tracking", name=name, options=list(options))
        for name in furniture.themes:
            do("add_theme", name=name)
        self.add_items(furniture.items, on_hand=furniture.on_hand)
        self.add_items(furniture.services, tracked=False)

    def add_account(self, code: str, name: str, **more: Any) -> None:
        """Of revenue, unless ``type`` says another; ``payments``: money may be booked on it."""
        self._do("add_account", code=code, name=name, **{"type": "REVENUE", **more})

    def archive_account(self, code: str) -> None:
        self._do("archive_account", code=code)

    def add_tax_rate(self, code: str, percent: Decimal | int | str) -> None:
        self._do("add_tax_rate", code=code, name=f"{percent}% ({code})", percent=str(percent))

    def remove_tax_rate(self, code: str) -> None:
        self._do("remove_tax_rate", code=code)

    def add_tracking(self, name: str, options: Iterable[str]) -> None:
        self._do("add_tracking", name=name, options=list(options))

    def set_organisation(self, **fields: Any) -> None:
        """Writes fields by Xero's own names: DefaultSalesTax, Class, Timezone."""
        self._do("set_organisation", **fields)

    def lock_until(self, day: dt.date | None, *, end_of_year: bool = False) -> None:
        """Nothing is booked on that day or before; None unlocks."""
        name = "EndOfYearLockDate" if end_of_year else "PeriodLockDate"
        self._do("lock", field=name, day=day.isoformat() if day else None)

    def limit_plan(self, invoices: int | None) -> None:
        """The plan lets so many invoices be approved in a month; None: any number."""
        self._do("limit_plan", invoices=invoices)

    # --- items and stock -------------------------------------------------------------

    def add_items(
        self,
        codes: Iterable[str],
        *,
        price: Decimal | int | str | None = None,
        tracked: bool = True,
        on_hand: Decimal | int | str = 0,
        account: str = SALES,
        tax: str | None = None,
    ) -> None:
        """New items; tracked ones are kept in stock."""
        for code in codes:
            self._do(
                "add_item",
                code=code,
                name=f"Item {code}",
                price=None if price is None else str(price),
                tracked=tracked,
                account=account,
                tax=tax,
                on_hand=str(on_hand),
            )

    def edit_item(self, code: str, **fields: Any) -> None:
        """Writes fields by Xero's own names."""
        self._do("edit_item", code=code, fields=fields)

    def remove_item(self, code: str) -> None:
        """Xero has no archive for items: it is deleted."""
        self._do("remove_item", code=code)

    def set_price(self, code: str, price: Decimal) -> None:
        self._do("set_price", code=code, price=str(price))

    def receive(self, code: str, quantity: Decimal | int | str) -> None:
        """So many come in."""
        self._do("receive", code=code, quantity=str(quantity))

    def count(self, code: str, quantity: Decimal | int | str) -> None:
        """So many are there, whatever the books said."""
        self._do("count", code=code, quantity=str(quantity))

    # --- contacts --------------------------------------------------------------------

    def add_contact(self, name: str, **fields: Any) -> str:
        return str(self._do("add_contact", fields={"Name": name, **fields}))

    def edit_contact(self, id_: str, **fields: Any) -> None:
        """Writes fields by Xero's own names."""
        self._do("edit_contact", id=id_, fields=fields)

    def archive_contact(self, id_: str) -> None:
        self.edit_contact(id_, ContactStatus="ARCHIVED")

    def merge_contact(self, id_: str, into: str) -> None:
        """Its documents are the other's then, and it is archived."""
        self._do("merge_contact", id=id_, into=into)

    # --- documents -------------------------------------------------------------------

    def write_invoice(self, **fields: Any) -> str:
        """A person's own invoice, by Xero's own names; amounts are text. Its id."""
        return str(self._do("write_invoice", fields={"Type": "ACCREC", **fields}))

    def edit_invoice(self, id_: str, **fields: Any) -> None:
        self._do("edit_invoice", id=id_, fields=fields)

    def write_credit_note(self, **fields: Any) -> str:
        """The same of a credit note."""
        return str(self._do("write_credit_note", fields={"Type": "ACCRECCREDIT", **fields}))

    def edit_credit_note(self, id_: str, **fields: Any) -> None:
        self._do("edit_credit_note", id=id_, fields=fields)

    def approve(self, invoice: str) -> None:
        self._do("approve_invoice", id=invoice)

    def void(self, invoice: str) -> None:
        """Voided, or deleted where it is a draft; what was paid of it is taken back first."""
        self._do("void_invoice", id=invoice)

    def pay(self, invoice: str, *, account: str = BANK, amount: Decimal | None = None) -> str:
        """All that is open, or ``amount``. The payment's id."""
        given = None if amount is None else str(amount)
        return str(self._do("pay_invoice", id=invoice, account=account, amount=given))

    def undo_payment(self, payment: str) -> None:
        self._do("undo_payment", id=payment)

    def reconcile(self, payment: str) -> None:
        """It is found on the bank's statement, and cannot be deleted any more."""
        self._do("reconcile_payment", id=payment)

    def credit(self, invoice: str, *, allocate: bool = True) -> str:
        """All of it taken back; where it is still open the credit is set against it. The id."""
        return str(self._do("credit_invoice", id=invoice, allocate=allocate))

    # --- looking ---------------------------------------------------------------------

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Everything of a resource as Xero shows it, oldest first: Invoices, Payments, Contacts."""
        found: list[dict[str, Any]] = self._do("rows", table=table)
        return found
