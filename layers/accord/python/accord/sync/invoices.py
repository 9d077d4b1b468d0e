"""The back office booked an invoice or a credit note: the store gets number, note and print."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar, Literal

from accord.model.documents import Kind, State
from accord.model.progress import Invoice, Progress
from accord.ports.state import Link
from accord.sync.from_erp import FromErp, Turn
from accord.sync.notes import fill
from accord.sync.outcome import Outcome, Skipped, Told
from accord.sync.sales import money
from accord.sync.settling import Settling


@dataclass(frozen=True, slots=True)
class Known:
    """What the store was told, as the order's link keeps it: ids, and the field of numbers."""

    ids: Collection[str]
    numbers: str = ""

    @classmethod
    def of(cls, link: Link) -> "Known":
        held = json.loads(link.facts.get("invoices") or "{}")
        return cls(tuple(held.get("told", ())), held.get("numbers", ""))

    def to_fact(self) -> str:
        if not self.ids and not self.numbers:
            return ""
        held = {"told": list(self.ids), "numbers": self.numbers}
        return json.dumps(held, separators=(",", ":"))


class Invoices(FromErp):
    """The flow of one store."""

    __slots__ = ()
    flow: ClassVar[str] = "invoices"

    def plan(self, link: Link, progress: Progress) -> str:
        """See ``FromErp.plan``."""
        known, now = Known.of(link), _now(progress)
        parts = [f"{self._word(each.kind)} {each.number}" for each in _fresh(known, progress)]
        if not parts and now.numbers != known.numbers:
            parts.append(f"the numbers {now.numbers or '-'}")
        return ", ".join(parts)

    def tell(self, link: Link, progress: Progress, turn: Turn) -> tuple[Outcome, Link]:
        """See ``FromErp.tell``. A number that was booked and then cancelled is taken off again."""
        known, now = Known.of(link), _now(progress)
        fact, said = now.to_fact(), self.plan(link, progress)
        if fact == link.facts.get("invoices", ""):
            return Skipped("the store knows of every invoice"), link
        if now.numbers != known.numbers:
            meta = {self.rules.invoices.number_field: now.numbers or None}
            link = self.put(link, link.facts.get("status", ""), meta=meta)
            turn.story.tell("step", f"invoice numbers {now.numbers or '-'}")
        for invoice in _fresh(known, progress):
            if not self._is_noted(link, invoice):
                self._note(link, invoice, turn)
        if link.erp is not None and money(link.facts.get("paid", "")) and _fresh(known, progress):
            adapter = self.erp(link.erp.system)
            Settling(adapter, turn.writer, turn.story).settle(link, now.ids)
        return Told(said or "an invoice was taken back"), self.save(link, invoices=fact)

    def _is_noted(self, link: Link, invoice: Invoice) -> bool:
        """It is the order's own document, whose note is there, or is still written by a pass that
        broke off; and nothing more is to be said."""
        rules, erp = self.rules.invoices, link.erp
        if rules.link or rules.note_to_customer or erp is None or invoice.kind is not Kind.INVOICE:
            return False
        is_it = self.erp(erp.system).capabilities.is_invoice and invoice.ref.id == erp.id
        confirmed = State.CONFIRMED.value
        return is_it and link.facts.get("done", confirmed) == confirmed

    def _word(self, kind: Literal[Kind.INVOICE, Kind.CREDIT_NOTE]) -> str:
        words = self.rules.words
        return words.invoice if kind is Kind.INVOICE else words.credit_note

    def _note(self, link: Link, invoice: Invoice, turn: Turn) -> None:
        rules = self.rules.invoices
        url = ""
        if rules.link:
            url = self.keep(link, invoice.ref, turn, days=rules.link_days)
        text = fill(
            rules.note,
            document=self._word(invoice.kind),
            number=invoice.number,
            total=str(invoice.totals.gross),
            date=invoice.issued_on.isoformat() if invoice.issued_on else "",
            url=url,
        ).strip()
        if url and url not in text:
            text = f"{text} {url}".strip()
        if not text:
            return
        told = turn.notes.tell(
            link.ref.id,
            f"{link.document_key}:{invoice.kind.value}:{invoice.ref.id}",
            text,
            to_customer=rules.note_to_customer,
            marker=invoice.number if invoice.number in text else None,
        )
        how = "" if told else "; it was not answered, and the shopper is not told twice"
        turn.story.tell("step", f"note on {self._word(invoice.kind)} {invoice.number}{how}")


def _fresh(known: Known, progress: Progress) -> list[Invoice]:
    return [each for each in progress.invoices if each.is_booked and each.ref.id not in known.ids]


def _now(progress: Progress) -> Known:
    """What the store should know. A credit note's number is no invoice's: it is in notes only."""
    booked = [each for each in progress.invoices if each.is_booked]
    numbers = [each.number for each in booked if each.kind is Kind.INVOICE]
    return Known(tuple(each.ref.id for each in booked), ", ".join(numbers))
