"""The back office shipped: the store's order gets tracking, status and a note.

Tracking goes into one custom field, a list of parcels in the form that WooCommerce Shipment
Tracking and its kin keep there: tracking_provider (one of the plugin's own list, so empty here),
custom_tracking_provider, custom_tracking_link, tracking_number, date_shipped (seconds since 1970,
as text), tracking_id (a hash that names the entry).

Others may put parcels into that field at any time, and the store replaces it as a whole; so the
order is read just before it is written, and what is not ours is written back as it was. The same
reading tells the status that the order has now: one that was cancelled a minute ago is not
completed.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from accord.errors import PermanentError, RejectedError
from accord.model.change import Ref
from accord.model.documents import SalesOrder
from accord.model.progress import Progress, Shipment
from accord.ports.state import Link
from accord.ports.store import Json
from accord.sync.decide import CLOSED
from accord.sync.from_erp import FromErp, Turn
from accord.sync.notes import fill
from accord.sync.outcome import Outcome, Skipped, Told
from accord.sync.reading import order_of

_NO_STATUS = "no_such_status"  # the reason of a store's refusal
_UNPAID = frozenset({"pending", "on-hold", "checkout-draft"})


@dataclass(frozen=True, slots=True)
class Known:
    """What the store was told, as the order's link keeps it.

    ``shipments``: id → what was said of it, and the version that the back office then told of.
    ``complete``: the order got the status of one that was shipped as a whole.
    """

    shipments: Mapping[str, tuple[str, str]]
    complete: bool = False

    @classmethod
    def of(cls, link: Link) -> "Known":
        held = json.loads(link.facts.get("shipments") or "{}")
        told = {id_: (said[0], said[1]) for id_, said in held.get("told", {}).items()}
        return cls(told, held.get("complete", False))

    def to_fact(self) -> str:
        if not self.shipments and not self.complete:
            return ""
        held = {"told": self.shipments, "complete": self.complete}
        return json.dumps(held, separators=(",", ":"))


def short(text: str) -> str:
    """Eight characters that stand for ``text``."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class _Due:
    fresh: tuple[Shipment, ...]
    withdrawn: tuple[str, ...]  # ids
    done: tuple[Shipment, ...]
    complete: bool


class Fulfilment(FromErp):
    """The flow of one store."""

    __slots__ = ()
    flow: ClassVar[str] = "fulfilment"

    def plan(self, link: Link, progress: Progress) -> str:
        """See ``FromErp.plan``."""
        known = Known.of(link)
        due = _due(known, progress)
        parts = [f"shipment {shipment.number}" for shipment in due.fresh]
        parts += [f"shipment {id_} taken back" for id_ in due.withdrawn]
        if due.complete != known.complete:
            parts.append("all shipped" if due.complete else "no longer all shipped")
        return ", ".join(parts)

    def tell(self, link: Link, progress: Progress, turn: Turn) -> tuple[Outcome, Link]:
        """See ``FromErp.tell``. Raises: PermanentError: ``shipment_withdrawn``, no such status."""
        known = Known.of(link)
        due = _due(known, progress)
        said = self.plan(link, progress)
        if not due.fresh and not due.withdrawn and due.complete == known.complete:
            link = self._remember(link, known, due, turn, complete=known.complete)
            return Skipped("the store knows of every shipment"), link
        answer = self.store.get_order(link.ref.id)
        if answer is None:
            return self.gone(link), link
        document, _ = answer
        order = order_of(self.store, document, link)
        status = self._status(order, due, turn)
        meta = self._tracking(link, document, known, due)
        if status is not None or meta:
            link = self._put(link, order, status, meta)
            turn.story.tell(
                "step", f"tracking of {len(due.done)} shipments, status {status or '-'}"
            )
        for shipment in due.fresh:
            self._note(link, shipment, turn)
        rule = self.rules.fulfilment.shipped
        doubtful = known.complete and not due.complete and rule == order.status
        complete = doubtful or (due.complete and rule in {None, order.status, status})
        link = self._remember(link, known, due, turn, complete=complete)
        if doubtful:
            raise PermanentError(
                f"order {order.number} is {order.status} in the store, but "
                f"{link.number or link.document_key} is no longer shipped as a whole in "
                f"{progress.order.ref.system}: a shipment was cancelled or opened again. Ship it "
                "there, or set the order back in the store, then replay",
                reason="shipment_withdrawn",
                owner="warehouse",
            )
        return Told(said), link

    # --- what the store's order becomes --------------------------------------

    def _status(self, order: SalesOrder, due: _Due, turn: Turn) -> str | None:
        """The status to set, None to leave it: an order is never moved back."""
        rules = self.rules.fulfilment
        target = rules.shipped if due.complete else rules.part_shipped
        if target is None or not due.done or order.status in {target, rules.shipped}:
            return None
        if order.status in CLOSED | {"completed"}:
            return None
        if order.status in _UNPAID and order.payment.paid_at is None:
            # The store takes an order that it completes for paid.
            turn.story.tell("step", f"the order stays {order.status}: it is not paid")
            return None
        return target

    def _tracking(self, link: Link, document: Json, known: Known, due: _Due) -> dict[str, Any]:
        """The custom field as it should be; nothing if that is how it is."""
        field = self.rules.fulfilment.tracking_field
        held = _entries(document, field)
        told = {*known.shipments, *(shipment.ref.id for shipment in due.done)}
        ours = {_tracking_id(link, id_) for id_ in told}
        before = {entry.get("tracking_id"): entry for entry in held}
        entries = [entry for entry in held if entry.get("tracking_id") not in ours]
        for shipment in due.done:
            if shipment.tracking or shipment.tracking_url:
                id_ = _tracking_id(link, shipment.ref.id)
                entries.append(self._entry(shipment, id_, before.get(id_, {})))
        if entries == held:
            return {}
        return {field: entries or None}

    def _entry(self, shipment: Shipment, id_: str, before: Mapping[str, Any]) -> dict[str, str]:
        if shipment.shipped_on is not None:
            midnight = dt.datetime.combine(shipment.shipped_on, dt.time(), dt.UTC)
            shipped = str(int(midnight.timestamp()))
        else:
            shipped = str(before.get("date_shipped") or int(self.clock().timestamp()))
        return {
            "tracking_provider": "",
            "custom_tracking_provider": shipment.carrier,
            "custom_tracking_link": shipment.tracking_url,
            "tracking_number": shipment.tracking,
            "date_shipped": shipped,
            "tracking_id": id_,
        }

    def _put(
        self, link: Link, order: SalesOrder, status: str | None, meta: Mapping[str, Any]
    ) -> Link:
        try:
            return self.put(link, order.status, status=status, meta=meta or None)
        except RejectedError as error:
            if error.reason != _NO_STATUS:
                raise
            rule = "shipped" if status == self.rules.fulfilment.shipped else "part_shipped"
            raise PermanentError(
                f"{self.name} has no status {status!r}; set {rule} in "
                f"[stores.{self.name}.fulfilment] to one that it has, then replay",
                reason=_NO_STATUS,
                owner="commerce",
                sent={"status": status},
                body=error.body,
            ) from error

    # --- notes ----------------------------------------------------------------

    def _note(self, link: Link, shipment: Shipment, turn: Turn) -> None:
        rules = self.rules.fulfilment
        text = fill(
            rules.note,
            date=shipment.shipped_on.isoformat() if shipment.shipped_on else "",
            carrier=shipment.carrier,
            tracking=shipment.tracking,
            url=shipment.tracking_url,
            number=shipment.number,
            items=", ".join(f"{count.normalize():f} × {code}" for code, count in shipment.lines),
        ).strip()
        key = f"{link.document_key}:shipment:{shipment.ref.id}"
        if text:
            told = turn.notes.tell(
                link.ref.id,
                f"{key}:{short(text)}",
                text,
                to_customer=rules.note_to_customer,
                marker=next(
                    (m for m in (shipment.tracking, shipment.number) if m and m in text), None
                ),
            )
            how = "" if told else "; it was not answered, and the shopper is not told twice"
            turn.story.tell("step", f"note on shipment {shipment.number}{how}")
        if rules.delivery_note:
            url = self.keep(link, shipment.ref, turn, days=self.rules.invoices.link_days)
            if url:
                words = f"{self.rules.words.delivery_note} {shipment.number}: {url}"
                turn.notes.tell(link.ref.id, f"{key}:delivery", words)

    # --- memory ---------------------------------------------------------------

    def _remember(self, link: Link, known: Known, due: _Due, turn: Turn, *, complete: bool) -> Link:
        """The link, saved if it says something new. The change has its own shipment's version."""
        told = {}
        for shipment in due.done:
            id_ = shipment.ref.id
            version = known.shipments.get(id_, ("", ""))[1]
            if turn.change.ref == Ref(shipment.ref.system, turn.change.ref.kind, id_):
                version = short(turn.change.digest)
            told[id_] = (print_of(shipment), version)
        fact = Known(told, complete).to_fact()
        if fact == link.facts.get("shipments", ""):
            return link
        return self.save(link, shipments=fact)


def print_of(shipment: Shipment) -> str:
    """Of all that the store is told of a shipment."""
    return short(
        json.dumps(
            [
                shipment.number,
                str(shipment.shipped_on),
                shipment.carrier,
                shipment.tracking,
                shipment.tracking_url,
            ]
        )
    )


def _due(known: Known, progress: Progress) -> _Due:
    done = tuple(each for each in progress.shipments if each.state == "done")
    ids: Collection[str] = {each.ref.id for each in done}
    return _Due(
        fresh=tuple(
            each for each in done if known.shipments.get(each.ref.id, ("",))[0] != print_of(each)
        ),
        withdrawn=tuple(id_ for id_ in known.shipments if id_ not in ids),
        done=done,
        complete=progress.shipped == "all" and bool(done),
    )


def _entries(document: Json, field: str) -> list[dict[str, Any]]:
    """The parcels in the order's custom field.

    A field may be there twice. PHP's list with a gap arrives as an object.
    """
    found: list[dict[str, Any]] = []
    for meta in document.get("meta_data") or ():
        if meta.get("key") != field:
            continue
        value = meta.get("value")
        values = value.values() if isinstance(value, dict) else value
        if isinstance(values, str) or values is None:
            continue
        found.extend(each for each in values if isinstance(each, dict) and each not in found)
    return found


def _tracking_id(link: Link, shipment: str) -> str:
    text = f"{link.document_key}:{shipment}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
