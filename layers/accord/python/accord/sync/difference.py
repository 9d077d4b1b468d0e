"""What two sides say otherwise, in words that a bookkeeper can act on. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

from accord.errors import Owner

Kind = Literal["orders", "customers", "products", "items", "stock", "prices"]
KINDS: Final[tuple[Kind, ...]] = ("orders", "customers", "products", "items", "stock", "prices")

Reason = Literal[
    "missing_in_erp",
    "missing_in_store",
    "orphan",
    "double_document",
    "link_lost",
    "status_differs",
    "total_differs",
    "tax_differs",
    "payment_differs",
    "refund_not_credited",
    "credit_without_refund",
    "refund_differs",
    "party_missing",
    "customer_differs",
    "item_missing",
    "item_differs",
    "stock_differs",
    "price_differs",
    "unreadable",
]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reason says to people, and whose turn it is."""

    title: str
    owner: Owner
    remedy: str  # where no ordinary change mends it


REASONS: Final[Mapping[Reason, Meaning]] = {
    "missing_in_erp": Meaning(
        "In the store, not in the books",
        "finance",
        "Enter the document by hand, or cancel or refund the order in the store.",
    ),
    "missing_in_store": Meaning(
        "In the back office, not in the store",
        "commerce",
        "Make the product in the store with that SKU, or take the item out of sale.",
    ),
    "orphan": Meaning(
        "A document whose order is not in the store",
        "finance",
        "Find out who deleted the order; cancel or credit the document if nothing was sold.",
    ),
    "double_document": Meaning(
        "Booked twice",
        "finance",
        "Look at both, keep the one that is right and cancel or reverse the other.",
    ),
    "link_lost": Meaning(
        "Accord lost which document belongs to the order",
        "ops",
        "Tie the two together with `accord adopt`, once they agree.",
    ),
    "status_differs": Meaning(
        "Both have it, in another state",
        "commerce",
        "Bring the order or the document to where the other one stands.",
    ),
    "total_differs": Meaning(
        "Another total",
        "finance",
        "Mend the document in the back office, or change the order in the store.",
    ),
    "tax_differs": Meaning(
        "The same total with other tax in it",
        "finance",
        "Compare the tax codes of the lines, and mend the document or the mapping of taxes.",
    ),
    "payment_differs": Meaning(
        "Other money received",
        "finance",
        "Book what lacks in the back office, or take back what is too much.",
    ),
    "refund_not_credited": Meaning(
        "Refunded in the store, not credited in the books",
        "finance",
        "Book the credit note by hand.",
    ),
    "credit_without_refund": Meaning(
        "Credited in the books, not refunded in the store",
        "finance",
        "Refund it in the store, or take the credit note back.",
    ),
    "refund_differs": Meaning(
        "Refund and credit note of other amounts",
        "finance",
        "Compare the refunds with the credit notes, and book the difference.",
    ),
    "party_missing": Meaning(
        "A customer without a party",
        "commerce",
        "Make the party in the back office, or tie the two with `accord adopt`.",
    ),
    "customer_differs": Meaning(
        "Customer and party differ",
        "commerce",
        "Save the customer or the party once with what is right.",
    ),
    "item_missing": Meaning(
        "Sold in the store, unknown in the back office",
        "commerce",
        "Make the item there, or map the SKU under mappings.items.",
    ),
    "item_differs": Meaning(
        "Item and product differ", "commerce", "Mend the product in the store."
    ),
    "stock_differs": Meaning("Other stock", "warehouse", "Count, and correct the side that errs."),
    "price_differs": Meaning("Another price", "commerce", "Correct the price in the store."),
    "unreadable": Meaning(
        "The store's order cannot be read",
        "support",
        "See what the message names, and correct the order in the store.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that both sides do not say alike.

    ``subject`` names it for people, ``ref`` for Accord. ``store`` and ``erp`` are what each side
    says. ``repair`` says which ordinary change would mend it; without one, ``why`` says why only a
    person can, and the reason's remedy what to do. ``event``, ``target`` and ``aggregate`` are that
    change's, as texts of refs. ``day`` is the order's, in the company's calendar.
    """

    kind: Kind
    reason: Reason
    subject: str
    ref: str
    store: str
    erp: str
    repair: str = ""
    why: str = ""
    event: str = ""
    target: str = ""
    aggregate: str = ""
    day: str = ""
    repaired: bool = False

    @property
    def owner(self) -> Owner:
        return REASONS[self.reason].owner

    @property
    def can_be_repaired(self) -> bool:
        return bool(self.event)

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """The same difference, however often it is met."""
        return self.kind, self.reason, self.ref, self.erp

    def __str__(self) -> str:
        meaning = REASONS[self.reason]
        text = f"{self.subject}: {meaning.title[0].lower()}{meaning.title[1:]}. "
        return f"{text}Store: {self.store}; back office: {self.erp}."

    def to_json(self) -> dict[str, Any]:
        """Plain values, with what the reason means."""
        meaning = REASONS[self.reason]
        remedy = self.repair or meaning.remedy
        return {**asdict(self), "owner": self.owner, "title": meaning.title, "remedy": remedy}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{name: data[name] for name in cls.__dataclass_fields__ if name in data})


@dataclass(frozen=True, slots=True)
class InHand:
    """What differs, and is somebody's or Accord's already: no difference."""

    kind: Kind
    subject: str
    ref: str
    why: str
