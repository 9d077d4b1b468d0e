"""One back office, as the flows see it."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Literal, Protocol, Self

from accord.model.change import Ref
from accord.model.documents import (
    CreditDocument,
    Document,
    Kind,
    Record,
    SalesDocument,
    State,
    Totals,
)
from accord.model.item import Item, ItemDocument, ItemPrices
from accord.model.party import CUSTOMER_TERMS, Address, Party, Profile
from accord.model.progress import Attachment, News, Progress
from accord.model.sale import Sale
from accord.model.stock import Recipe, Snapshot
from accord.ports.tokens import AccessTokens, OAuth
from accord.rules.limits import Usual

Duplicates = Literal["refused", "same_answer", "possible"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one back office can do. Every field is read by a flow; none is decoration.

    ``duplicates`` says, per kind it can hold, what a second create with the same key does: is
    refused, answers like the first, or makes a second record. ``settle`` is how long an unanswered
    create may still take effect, ``search_lag`` how long a record may stay unseen by ``find``.
    ``states`` are those that an order can have; where DRAFT is not among them, it has its number
    and its totals from the beginning, so ``create`` and ``amend`` answer with a quotation.
    ``key_length`` is the longest external key its field takes. ``amends`` are the states in which
    an order can be changed as a whole. ``tells`` are the kinds of which ``changes`` knows, and
    ``overlap`` how long a change may appear after others of a later time. ``swept`` are those of
    STOCK, PRICE and ITEM of whose changes it tells nothing that can be relied on, so that each look
    reads all of it: ``item_ids`` and what is read by those ids then cost next to nothing.
    ``revenue``: a line of an item may name another revenue account than the item's own.
    ``reconciles``: payments can be set against invoices, by ``reconcile``. ``recipes``: it knows
    kits or bills of materials. ``price_lists``: an item may have other prices beside its own.
    ``one_place``: it has one stock of an item, wherever that lies; its options call that place
    ``location``. ``is_invoice``: a confirmed
    order is the booked invoice itself. Money is then of that invoice, or of a credit note of it,
    and none of both can be cancelled. ``credits_goods``: a credit note brings the pieces that its
    lines say are ``returned`` back to stock; else it moves no goods, whatever its lines say.
    ``delivery_notes``: ``document`` prints those of shipments. ``customer_terms``: which of a
    party's price group and payment terms are kept in its profile. ``digits``: so many behind the
    point has every amount there, whatever its currency; None: as many as its currency. ``url``:
    everybody's address, where all have the same. ``usual``: the limits that its maker sets, which
    hold where accord.toml names none, and the calls of a look.
    """

    duplicates: Mapping[Kind, Duplicates]
    states: frozenset[State]
    settle: dt.timedelta
    search_lag: dt.timedelta
    key_length: int
    amends: frozenset[State] = frozenset()
    tells: frozenset[Kind] = frozenset()
    swept: frozenset[Kind] = frozenset()
    overlap: dt.timedelta = dt.timedelta(minutes=2)
    revenue: bool = False
    reconciles: bool = False
    recipes: bool = False
    price_lists: bool = True
    one_place: bool = False
    is_invoice: bool = False
    credits_goods: bool = False
    delivery_notes: bool = True
    customer_terms: frozenset[str] = CUSTOMER_TERMS
    digits: int | None = None
    url: str = ""
    usual: Usual = field(default_factory=Usual)

    def can(self, kind: Kind) -> bool:
        return kind in self.duplicates

    @property
    def watched(self) -> frozenset[Kind]:
        """The kinds whose changes become known at all, told of or looked for."""
        return self.tells | self.swept


@dataclass(frozen=True, slots=True)
class Connection:
    """One back office of accord.toml with its credentials.

    ``options`` are the adapter's own settings (database, company, web_shop …), checked by its
    ``Options`` model; ``secret`` holds credentials, so neither is in the repr. ``tokens`` are there
    where the back office lets us in by OAuth.
    """

    name: str
    adapter: str
    url: str
    options: Mapping[str, Any] = field(default_factory=dict)
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: Decimal = Decimal(30)  # seconds, for one call
    allow_private: bool = False  # it may be at an address that is not public
    clock: Callable[[], dt.datetime] = field(default=lambda: dt.datetime.now(dt.UTC), repr=False)
    tokens: AccessTokens | None = field(default=None, repr=False)


class ErpAdapter(Protocol):
    """One back office. Adapters subclass this, so mypy checks each of them against it.

    Every method raises only ``accord.errors``; no vendor exception leaves an adapter. A code that
    the back office does not hold (an item, a tax) is an ``UnmappedError`` that names all of them.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    oauth: ClassVar[OAuth | None] = None  # None: a key or a password lets us in
    credentials: ClassVar[Mapping[str, str]] = {}
    """What the secret of a connection holds, and what each is, for whoever is asked for it; empty
    where there is no secret, or only an OAuth app's."""

    @classmethod
    def connect(cls, connection: Connection) -> Self:
        """An adapter for ``connection``; nothing is sent yet."""
        ...

    def ping(self) -> None:
        """Returns if it answers us. Raises: UnavailableError, UnauthorizedError."""
        ...

    def get(self, ref: Ref) -> Record | None:
        """The record, or None when it is not there. Of a party that was merged into another, the
        other's."""
        ...

    def find(self, kind: Kind, key: str) -> tuple[Record, ...]:
        """Every record of ``kind`` under our external ``key``, voided ones too."""
        ...

    def match(self, party: Party, by: Literal["email", "vat_number"]) -> tuple[Record, ...]:
        """Parties that are this shopper by that natural key; at most three are returned."""
        ...

    def preview(self, document: SalesDocument | CreditDocument) -> Totals:
        """What this back office will compute for ``document``; asks for no more than it must."""
        ...

    def create(self, document: Document | ItemDocument, *, key: str) -> Record:
        """Makes it, in the first of its states: see ``Capabilities.states``.

        Raises:
            DuplicateError: one with ``key`` is there already.
            RejectedError: refused; nothing took effect.
            UnavailableError: no answer; ``sent`` tells whether it may have taken effect.
        """
        ...

    def advance(self, record: Record, to: State) -> Record:
        """At least as far as ``to``: QUOTATION numbers and totals it, CONFIRMED makes it binding.

        A payment is created confirmed; one that a crash left a draft is confirmed by this. A credit
        note is created a draft with its totals, and booked by CONFIRMED. A return of goods is
        created a draft and opened by CONFIRMED, for the warehouse to receive.
        Already there or past is success. The answer to QUOTATION carries number and totals.
        """
        ...

    def amend(self, record: Record, document: SalesDocument) -> Record:
        """The same order, saying what ``document`` says, as it was made; ``advance`` brings it on.

        For the states of ``Capabilities.amends``; key and number stay. Writing the same twice is
        the same as once. Raises: RejectedError: it is in another state by now.
        """
        ...

    def void(self, record: Record) -> Record:
        """The order cancelled, with what hangs on it and has not happened: shipments, drafts.

        Cancelled already is success. Money that was recorded stays as it is.

        Raises: DisagreementError: ``goods_left`` (owner warehouse) or ``invoiced`` (finance); the
            order then stands as it did.
        """
        ...

    def reconcile(self, order: Ref, payments: Sequence[Ref]) -> None:
        """Sets what was received and paid back for the order against its booked invoices and
        credit notes, as far as amounts allow; what is set against each other already stays.

        Same whoever asks and how often. Only where ``Capabilities.reconciles``.
        """
        ...

    def add_address(self, party: Ref, address: Address) -> str:
        """The id of ``address`` at the party, found there or added."""
        ...

    def progress(self, order: Ref) -> Progress | None:
        """How far the sales order has come, None when it is not there. As few calls as can be."""
        ...

    def changes(
        self, kind: Kind, since: dt.datetime, *, after: str = "", limit: int = 100
    ) -> Sequence[News]:
        """Records of ``kind`` that changed later than ``since``, by (time, id), oldest first.

        Those of exactly ``since`` whose id comes behind ``after`` are among them, so the last
        one's ``at`` and id are where to go on. Fewer than ``limit`` are all there is. Invoices and
        credit notes are both told of as INVOICE; drafts of either are left out.
        """
        ...

    def open_day(self, kind: Kind, on: dt.date) -> dt.date | None:
        """The first day not before ``on`` that a document of ``kind`` can be booked on.

        None when no later period is open.
        """
        ...

    def document(self, ref: Ref) -> Attachment | None:
        """The printed invoice, credit note or delivery note; None when there is none."""
        ...

    def profile(self, party: Ref) -> tuple[Profile, str] | None:
        """What is kept of the party, and its version; None when it is not there.

        Archived ones are answered too.
        """
        ...

    def update_profile(self, party: Ref, changes: Profile, *, version: str) -> tuple[Profile, str]:
        """Writes the fields that are not None; the party as it then is, and its version.

        Raises: StaleVersionError: someone wrote since ``version``; RejectedError.
        """
        ...

    def archive(self, party: Ref) -> None:
        """Hidden from those who choose a party; its documents stay. Done already is success."""
        ...

    # --- what stands under our keys: in bulk, to be compared ------------------------

    def sales(
        self, prefix: str, since: dt.date, *, after: str = "", limit: int = 100
    ) -> Sequence[Sale]:
        """Sales orders whose key begins with ``prefix``, in any state, of the day ``since`` or a
        later one, by (day, id) behind ``after``, which is a ``Sale.place``.

        Fewer than ``limit`` are all there is. What has no day is left out.
        """
        ...

    def sales_of(self, keys: Sequence[str]) -> Sequence[Sale]:
        """Those of the orders with these ``keys`` (100 at the most), each one's every generation,
        of any day or none."""
        ...

    def profiles(self, parties: Sequence[Ref]) -> Mapping[Ref, Profile]:
        """What is kept of each; those that are gone are left out. Archived ones are answered."""
        ...

    # --- items, stock and prices: in bulk, never one call per item ------------------

    # ``changes`` tells of ITEM, STOCK and PRICE by refs of kind ``item``, whose ids these methods
    # take; a News whose ref is of another kind (a price list, say) means that any item may be
    # meant. RECIPE is told of by refs of kind ``recipe``.

    def item_ids(self, *, after: str = "", limit: int = 100) -> Sequence[str]:
        """Ids of items with a code, archived ones too, in the order of their ids behind ``after``.

        Fewer than ``limit`` are all there is.
        """
        ...

    def find_items(self, codes: Sequence[str]) -> Mapping[str, str]:
        """Those of ``codes`` that are there → their ids. A code that two share names neither."""
        ...

    def items(self, ids: Sequence[str]) -> Sequence[Item]:
        """What they are; those that are gone are left out."""
        ...

    def stock(self, ids: Sequence[str], locations: Sequence[str]) -> Sequence[Snapshot]:
        """What is free of each at every one of ``locations``. Services are left out.

        ``as_of`` is the ``Connection``'s clock before the first call. What was sold and confirmed
        is not free, whether or not the back office has got round to reserving it.
        Raises: UnmappedError: it holds no such location.
        """
        ...

    def prices(
        self, ids: Sequence[str], lists: Sequence[str], *, currency: str
    ) -> Sequence[ItemPrices]:
        """The list price and the price by each of ``lists``, of one piece.

        Raises: UnmappedError: it holds no such price list or currency.
        """
        ...

    def recipes(self) -> Sequence[Recipe]:
        """Every kit and every bill of materials of an active item, each item's own first one."""
        ...

    def update_item(self, id_: str, document: ItemDocument) -> Item:
        """Writes the fields that are not None, and ``name`` and ``goods``; the item as it is.

        ``create`` takes an ItemDocument too. Raises: RejectedError.
        """
        ...
