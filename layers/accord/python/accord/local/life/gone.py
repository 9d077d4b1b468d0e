"""What must hold of an order that was deleted for good in the store, of which it tells nobody."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accord.local.life.known import order_ref, sales_of, standing
from accord.local.life.people import People
from accord.local.world import World
from accord.model.documents import SalesOrder
from accord.ports.state import Item, Link
from accord.rules.config import Store

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Gone:
    """What the back office holds of it, and what a person is asked. ``order``: as it was last."""

    order: SalesOrder
    rules: Store
    paid: Decimal  # what the shopper had paid
    link: Link | None
    sales: list[Json]
    items: list[Item]

    @classmethod
    def of(cls, world: World, people: People, id_: str) -> "Gone":
        ref, sales = order_ref(world, id_), sales_of(world, id_)
        own = {str(ref), *(f"{world.rules.erp}:sales_order:{each['id']}" for each in sales)}
        return cls(
            world.store.order(people.gone[id_]),
            world.rules,
            people.paid.get(id_, Decimal(0)),
            world.links.get(ref),
            sales,
            [each for each in world.attention.open() if own & {each.subject, each.aggregate}],
        )

    def differences(self) -> Iterator[str]:
        """What stands, or was received, and nobody was told."""
        reasons = {item.reason for item in self.items}
        sale = standing(self.sales)
        if sale is not None and "deleted_after_posting" not in reasons:
            yield f"it is gone from the store, and {sale['number'] or sale['key']} stands"
        about_money = "paid_and_cancelled" if self._balance > 0 else "paid_back_too_much"
        if sale is None and self._balance and about_money not in reasons:
            yield f"it is gone from the store, and {self._balance} was not paid back"
        for key, count in Counter(each["key"] for each in self._payments if each["key"]).items():
            if count > 1:
                yield f"payment {key} is there {count} times"

    def untrue(self) -> Iterator[str]:
        """Items that say what is not so, though they were looked at just now."""
        for item in self.items:
            if item.reason in self._so and not self.is_needed(item):
                yield f"the item {item.reason} says what is not so: {item.message}"

    def is_needed(self, item: Item) -> bool:
        """Whether a person has to look at it."""
        return self._so.get(item.reason, False)

    @property
    def _so(self) -> dict[str, bool]:
        """Reason of an item → whether it is so."""
        sale = standing(self.sales)
        notes = [note for each in self.sales for note in each["credit_notes"]]
        by_hand = any(not note["key"] for note in notes)
        return {
            "deleted_after_posting": sale is not None,
            "paid_and_cancelled": sale is None and (self._balance > 0 or self._is_unbooked()),
            "paid_back_too_much": sale is None and self._balance < 0,
            "cancelled_in_erp": False,
            "credited_in_erp": by_hand,
            "credit_exceeds": by_hand,
        }

    @property
    def _payments(self) -> list[Json]:
        return [each for sale in self.sales for each in sale["payments"]]

    @property
    def _balance(self) -> Decimal:
        return sum((Decimal(each["amount"]) for each in self._payments), Decimal(0))

    def _is_unbooked(self) -> bool:
        """Money came, and none is in the books."""
        payments = self.rules.mappings.payments
        rule = payments.get(self.order.payment.method) or payments["*"]
        is_paid = self.paid > 0 and self.order.payment.paid_at is not None
        return rule.record and is_paid and not self._payments
