"""What there is of one shopper, what goes away of it and what stays, in words for people."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from accord.model.change import Ref
from accord.ports.state import Item, Kept, Link, Parked

REMOVED = "removed at the shopper's request"
REPLAY = f"{REMOVED}; `accord attention replay ID` tells what is the matter anew"
_PERSON = frozenset({"customer", "party"})
_ERASE = "erase it there (Tools, Erase personal data)"


@dataclass(slots=True)
class Plan:
    """What is there of one shopper. Nothing of it is personal data itself, so it may be printed."""

    keys: list[Ref] = field(default_factory=list)  # the address's hash, for each back office
    accounts: list[Link] = field(default_factory=list)  # to be emptied
    claims: list[Link] = field(default_factory=list)  # to be marked
    marked: list[Link] = field(default_factory=list)  # accounts and claims, done before
    mended: list[Link] = field(default_factory=list)  # orders whose mends may name the shopper
    items: list[Item] = field(default_factory=list)  # open
    closed: list[Item] = field(default_factory=list)
    payloads: list[str] = field(default_factory=list)  # that no item has any more
    waiting: list[Parked] = field(default_factory=list)
    documents: list[Kept] = field(default_factory=list)
    in_stores: list[Ref] = field(default_factory=list)  # accounts that are in a store now
    orders: list[Ref] = field(default_factory=list)  # found in the stores, or named
    unknown: list[Ref] = field(default_factory=list)  # named, and neither there nor known to us
    unread: dict[str, str] = field(default_factory=dict)  # a store that was not asked to the end
    blank: list[str] = field(default_factory=list)  # stores that show nothing of the shopper
    held: list[Link] = field(default_factory=list)  # as ``mended``, of a store that is ``unread``
    elsewhere: int = 0  # orders of the account that are billed to another e-mail address

    @property
    def is_empty(self) -> bool:
        """Nothing of ours is to be changed."""
        return not self.removed()

    @property
    def is_complete(self) -> bool:
        """Whether every store could be asked."""
        return not self.unread

    @property
    def is_known(self) -> bool:
        """Whether anything leads to the shopper, in what we keep or in a store."""
        return bool(self.marked or self.in_stores or self.orders or self.removed())

    @property
    def parties(self) -> list[Ref]:
        """Who the shopper is in the back offices."""
        links = (*self.accounts, *self.claims, *self.marked)
        return sorted({link.erp for link in links if link.erp is not None})

    def touched(self) -> list[Ref]:
        """Whose stories tell of it: the address's hash, and each account and order that changes."""
        links = (*self.accounts, *self.claims, *self.mended)
        found = {*self.keys, *(link.ref for link in links)}
        texts = [item.aggregate or item.subject for item in (*self.items, *self.closed)]
        texts += [kept.object_name.partition("/")[0] for kept in self.documents]
        texts += [str(parked.change.aggregate or parked.change.ref) for parked in self.waiting]
        for text in texts:
            if text.count(":") == 2 and text.split(":")[1] in {"order", "customer"}:
                found.add(Ref.parse(text))
        return sorted(found)

    def removed(self) -> list[tuple[str, str]]:
        """Where, and what goes away there."""
        return [
            *(
                (f"link {link.ref}", "what both sides last showed, and what waits to be written")
                for link in self.accounts
            ),
            *(
                ("hash of the e-mail address", f"what {link.ref.system} knows by it; it is marked")
                for link in self.claims
            ),
            *(
                (f"mends of {link.ref}", "those of the address, the e-mail address and the like")
                for link in self.mended
            ),
            *(
                (
                    f"attention {item.id}",
                    "its message and its payload; it stays open"
                    if stays_open(item)
                    else "its message and its payload; it is closed",
                )
                for item in self.items
            ),
            *(
                (f"attention {item.id}", "its message and its payload; it is closed already")
                for item in self.closed
            ),
            *((f"payload {name}", "what was sent and answered") for name in self.payloads),
            *(
                (
                    f"waiting {parked.change.ref}",
                    "its change, which may carry a document"
                    if parked.change.ref.kind in _PERSON
                    else "the document that its change carries; it waits on",
                )
                for parked in self.waiting
            ),
            *((f"document {kept.object_name}", "the file and its link") for kept in self.documents),
        ]

    def remains(self) -> list[tuple[str, str]]:
        """Where something stays, and why, or what removes it."""
        return [
            *(
                (f"mends and items of orders in {name}", f"{why}; run this again, or name --order")
                for name, why in self.unread.items()
            ),
            *(
                (f"mends of {link.ref}", "without the store its document would be made anew; later")
                for link in self.held
            ),
            *((str(ref), "nothing is known of it; is it named rightly?") for ref in self.unknown),
            *(
                (
                    f"mends and items of orders in {name}",
                    "it shows neither account nor order: if they were erased there, name --order",
                )
                for name in self.blank
            ),
            *self._elsewhere(),
            *(
                (f"party {party}", "its documents are in the books, which the law keeps for years")
                for party in self.parties
            ),
            *((f"account {ref}", f"it is the store's: {_ERASE}") for ref in self.in_stores),
            *self._orders(),
            *(
                (f"link {link.ref}", "ids and fingerprints, so that no second party is made")
                for link in (*self.accounts, *self.marked)
                if link.ref.kind == "customer"
            ),
            *(
                (f"document of {link.ref}", "it keeps what was mended: correct it there")
                for link in (*self.mended, *self.held)
                if link.erp is not None
            ),
            *self._hashes(),
            *self._lapsing(),
        ]

    def _elsewhere(self) -> Iterator[tuple[str, str]]:
        if self.elsewhere:
            yield (
                "hashes of other e-mail addresses",
                f"{self.elsewhere} of the account's orders are billed to them: run this for each",
            )

    def _orders(self) -> Iterator[tuple[str, str]]:
        for name in sorted({ref.system for ref in self.orders}):
            count = sum(ref.system == name for ref in self.orders)
            yield f"orders in {name}: {count}", f"what they show is the store's: {_ERASE}"

    def _hashes(self) -> Iterator[tuple[str, str]]:
        if self.claims or any(link.ref.kind == "party_key" for link in self.marked):
            why = "marked, so that a later change is put before a person"
            yield "hash of the e-mail address", why

    def _lapsing(self) -> Iterator[tuple[str, str]]:
        yield (
            "mends and items of orders not named",
            "of orders that the store shows under this address no more: name each with --order",
        )
        yield "queues, dead-letter queues", "changes under way carry documents, for 14 days at most"
        yield "backups and earlier versions", "they lapse by themselves, within 35 days"


def stays_open(item: Item) -> bool:
    """Whether the trouble goes on without its words: an order still has to be booked."""
    head, _, rest = item.subject.partition(":")
    return head != "message" and rest.partition(":")[0] not in _PERSON
