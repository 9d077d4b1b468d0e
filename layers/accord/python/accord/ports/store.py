"""One store, as the flows see it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from accord.model.change import Ref
from accord.model.documents import Refund, SalesOrder
from accord.model.item import Product
from accord.model.money import Money
from accord.model.party import Profile

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """An order as a list shows it: its JSON and digest, as ``Store.get_order`` has them.

    The JSON names each refund with its id and total. Both times have whole seconds.
    """

    ref: Ref
    document: Json
    digest: str
    modified_at: dt.datetime
    placed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Some orders in the order of their key. ``is_last``: there are none behind them now.

    It may hold fewer than were asked for; one that is not the last may even hold none, where all
    were drafts of the checkout. ``reached`` is the key (time, id) behind which to go on, if that is
    not the last order's.
    """

    orders: tuple[ListedOrder, ...]
    is_last: bool
    reached: tuple[dt.datetime, str] | None = None


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Some products or variations in the order of their key; see ``OrderPage``."""

    products: tuple[Product, ...]
    is_last: bool


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer's account in the store."""

    ref: Ref
    profile: Profile
    modified_at: dt.datetime
    role: str = "customer"


@dataclass(frozen=True, slots=True)
class Written:
    """What one entry of a batch came to: the product as it now is, or the refusal.

    ``code`` is the store's word for why; ``holder`` the id of the product that has the SKU or GTIN
    already, where that is why.
    """

    product: Product | None
    code: str = ""
    message: str = ""
    holder: str = ""


class Store(Protocol):
    """One store. Every method raises only ``accord.errors``."""

    name: str
    settle: dt.timedelta  # how long an unanswered write may still take effect

    def ping(self) -> None:
        """Returns if it answers us. Raises: UnavailableError, UnauthorizedError."""
        ...

    def order(self, document: Json) -> SalesOrder:
        """The canonical order in the store's own JSON. No I/O. Raises: BadInputError."""
        ...

    def get_order(self, id_: str) -> tuple[Json, str] | None:
        """The order's JSON and its digest, None when it is gone for good."""
        ...

    def orders_since(
        self,
        *,
        by: Literal["modified", "placed"],
        since: dt.datetime,
        after: str = "",
        limit: int = 100,
        trashed: bool = False,
    ) -> OrderPage:
        """At most ``limit`` (100) orders by (time, id), oldest first: those of ``since`` (whole
        seconds) or later, and of that very second only those with an id behind ``after``. To go
        on, give the last one's time and id, or what was ``reached``.

        In any status but the trash, or only those in the trash; never drafts of the checkout.
        """
        ...

    def orders_in(self, ids: Sequence[str]) -> Sequence[ListedOrder]:
        """Those of ``ids`` (100 at the most) that are there, the trashed ones too, in no order."""
        ...

    def orders_by(
        self, *, email: str = "", customer: str = "", page: int, trashed: bool = False
    ) -> OrderPage:
        """Page ``page`` (1 …, of 100) of the orders that are billed to ``email``, or else of those
        of the account ``customer``, by id. In any status but the trash, or only those in it.

        Those that the store lists and that are another's are left out, so a page may hold fewer.
        """
        ...

    def put_order(
        self, id_: str, *, status: str | None = None, meta: Mapping[str, Any] | None = None
    ) -> tuple[Json, str]:
        """Sets status and custom fields in one call, and leaves the rest; the order as it then is.

        Writing the same twice is the same as once. A field of None is removed.

        Raises: GoneError. RejectedError: the store has no such status.
        """
        ...

    def refunds(self, order: SalesOrder) -> Sequence[Refund]:
        """Every refund of the order, oldest first; none when the order is gone."""
        ...

    def create_refund(self, order: SalesOrder, amount: Money, *, reason: str) -> str:
        """The new refund's id. No money is sent and no stock put back; the shopper gets an e-mail.

        The store makes two of two calls: look at ``refunds`` for ``reason`` before repeating.
        Raises: GoneError. RejectedError: more than is left.
        """
        ...

    def find_note(self, order_id: str, marker: str) -> str | None:
        """The id of the order's note that holds ``marker``."""
        ...

    def add_note(self, order_id: str, text: str, *, to_customer: bool = False) -> str:
        """The new note's id. The store makes two of two calls: look before repeating.

        Raises: GoneError.
        """
        ...

    # --- customers -----------------------------------------------------------

    def customer(self, document: Json) -> Customer:
        """The customer in the store's own JSON. No I/O. Raises: BadInputError."""
        ...

    def get_customer(self, id_: str) -> tuple[Json, str] | None:
        """The customer's JSON and its digest, None when it is gone."""
        ...

    def find_customer(self, email: str) -> tuple[Json, str] | None:
        """The account with that e-mail address, which the store keeps only once."""
        ...

    def create_customer(self, profile: Profile) -> tuple[Json, str]:
        """A new account; the store sends its e-mails. Raises: DuplicateError: the e-mail is taken.

        A profile without e-mail address cannot be an account: RejectedError.
        """
        ...

    def put_customer(self, id_: str, changes: Profile) -> tuple[Json, str]:
        """Writes the fields that are not None; the customer as it then is.

        Raises: RejectedError: it is gone; DuplicateError: another has that e-mail address.
        """
        ...

    # --- products ------------------------------------------------------------

    def product(self, document: Json) -> Product:
        """The product or variation in the store's own JSON. No I/O. Raises: BadInputError."""
        ...

    def get_product(self, id_: str) -> tuple[Json, str] | None:
        """The JSON of a product or variation and its digest, None when it is gone."""
        ...

    def products_by_sku(self, skus: Sequence[str]) -> Mapping[str, Product]:
        """Those of ``skus`` (100 at the most) that the store has, variations too. One call.

        The store ignores letter case; an answer whose SKU differs in it is under its own spelling.
        """
        ...

    def products_of(self, ids: Sequence[str], *, parent: str = "") -> Sequence[Product]:
        """Those of ``ids`` (100 at the most) that are there: products, or ``parent``'s variations.
        One call."""
        ...

    def list_products(
        self, *, page: int, parent: str = "", modified_after: dt.datetime | None = None
    ) -> Sequence[Product]:
        """A page of 100, by id: every product in any status but the trash, without variations; or
        ``parent``'s variations. Fewer are the last."""
        ...

    def products_since(
        self, *, since: dt.datetime, after: str = "", limit: int = 100, variations: bool = False
    ) -> ProductPage:
        """At most ``limit`` (100) products, or variations of all of them, by (time of change, id),
        oldest first; see ``orders_since``. In any status but the trash."""
        ...

    def write_products(self, entries: Sequence[Json], *, parent: str = "") -> Sequence[Written]:
        """One batch of at most 100: those with an ``id`` are changed, the others made, of the store
        or of ``parent``'s variations. What became of each, in order.

        The store's batch does not check what it stores: send nothing that ``rules`` did not check.
        Raises: UnavailableError: unanswered; it may have taken effect.
        """
        ...

    def categories(self, paths: Sequence[tuple[str, ...]]) -> Mapping[tuple[str, ...], str]:
        """Paths of product categories → ids; a level that lacks is made."""
        ...
