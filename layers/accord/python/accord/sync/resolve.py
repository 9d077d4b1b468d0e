"""What a person is asked about a customer, and what becomes of the answer.

The item's payload shows each field in dispute: what both sides showed before, what they show now,
and when each side was written. It is personal data; it is emptied as soon as the item closes.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from accord.errors import BadInputError, Owner
from accord.model.change import Change, Ref
from accord.ports.queues import Queues
from accord.ports.state import Attention, Item, Link, Links, Payloads
from accord.sync import conflicts
from accord.sync.conflicts import Conflict, Decision
from accord.sync.in_hand import in_hand
from accord.sync.worker import item_id

CONFLICT = "conflict"
PING_PONG = "ping_pong"
FORGOTTEN = "forgotten"
ARCHIVED = "archived_party"
ASKED = frozenset({CONFLICT, PING_PONG, FORGOTTEN, ARCHIVED})
DECIDED = "decided"  # fact of a link: what a person settled, by field


@dataclass(frozen=True, slots=True)
class Asker:
    """Opens and closes the items of one customer. ``payloads`` hold what may not be in them."""

    attention: Attention
    payloads: Payloads
    clock: Callable[[], dt.datetime]

    def ask(
        self,
        customer: Ref,
        reason: str,
        message: str,
        *,
        payload: Mapping[str, Any] | None = None,
        correlation_id: str = "",
        owner: Owner = "commerce",
    ) -> None:
        """Opens the customer's item of ``reason``, or brings it up to date."""
        id_ = item_id(str(customer), reason)
        now = self.clock()
        kept = self.payloads.put(_payload_name(id_), payload) if payload else ""
        self.attention.put(
            Item(
                id=id_,
                subject=str(customer),
                reason=reason,
                owner=owner,
                message=message,
                opened_at=now,
                updated_at=self._after(),
                payload=kept,
                correlation_id=correlation_id,
                content=_content(payload) if payload else "",
            )
        )

    def close(self, subjects: Sequence[Ref], *, only: Collection[str] = ()) -> None:
        """Closes what is open for ``subjects``, or ``only`` such reasons; payloads are emptied."""
        for subject in subjects:
            for item in self.attention.of(str(subject)):
                if not only or item.reason in only:
                    emptied(item, self.payloads, self.clock())
                    self.attention.close(item.id, now=self.clock(), by="a later attempt")

    def renew(self, customer: Ref) -> None:
        """What still stands for the customer is as new as this turn, which closes older ones."""
        for item in self.attention.of(str(customer)):
            if item.reason in ASKED:
                self.attention.put(replace(item, updated_at=self._after()))

    def _after(self) -> dt.datetime:
        """After the turn that asks began, also where the clock is coarse."""
        return self.clock() + dt.timedelta(microseconds=1)


def emptied(item: Item, payloads: Payloads, now: dt.datetime) -> None:
    """Takes what it held out of the item's payload."""
    if item.payload:
        payloads.put(item.payload, {"removed_at": now.isoformat()})


def _content(payload: Mapping[str, Any]) -> str:
    """Another where both sides show other values than when a person dismissed it."""
    text = json.dumps(payload.get("fields", []), sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


def _payload_name(id_: str) -> str:
    return f"attention/{id_}.json"


def described(
    customer: Ref,
    party: Ref,
    disputed: Sequence[Conflict],
    *,
    written: Mapping[str, dt.datetime | None],
) -> dict[str, Any]:
    """The payload of an item about ``disputed``. ``written``: when each side was, None: unknown."""
    return {
        "ref": str(customer),
        "party": str(party),
        "written_at": {side: at.isoformat() if at else None for side, at in written.items()},
        "fields": [
            {
                "field": each.field,
                "base": {"store": each.store_base, "erp": each.erp_base},
                "store": _shown(each.store),
                "erp": _shown(each.erp),
                "marks": {
                    "store": conflicts.mark(each.field, each.store),
                    "erp": conflicts.mark(each.field, each.erp),
                },
            }
            for each in disputed
        ],
    }


def _shown(value: conflicts.Value) -> object:
    return value if isinstance(value, str) else asdict(value)


def decisions_of(link: Link) -> dict[str, Decision]:
    """What a person settled and no merge has carried out yet, by field."""
    found: dict[str, Any] = json.loads(link.facts.get(DECIDED, "{}"))
    return {
        field: Decision(
            take=one["take"],
            store=one["store"],
            erp=one["erp"],
            value=conflicts.read(field, one.get("value") or _empty(field)),
        )
        for field, one in found.items()
        if field in conflicts.FIELDS
    }


def _empty(field: str) -> str:
    return "{}" if field in conflicts.ADDRESSES else ""


@dataclass(frozen=True, slots=True)
class Resolver:
    """Writes a person's decision on the customer's link and sends the customer through again."""

    links: Links
    attention: Attention
    payloads: Payloads
    queues: Queues
    clock: Callable[[], dt.datetime]

    def settle(self, id_: str, take: str, *, field: str | None = None, by: str) -> Sequence[str]:
        """The fields that ``take`` (``store``, ``erp`` or a value) was decided for.

        Raises: as ``check``; BusyError: the customer is being merged this moment.
        """
        customer, decided = self._decided(id_, take, field=field, by=by)
        self._remember(customer, decided, id_=id_, by=by)
        return tuple(decided)

    def check(self, id_: str, take: str, *, field: str | None = None) -> Sequence[str]:
        """The fields that ``settle`` would decide; nothing is written.

        Raises: BadInputError: no such item, nothing to settle, or a value for several fields.
        """
        _, decided = self._decided(id_, take, field=field, by="")
        return tuple(decided)

    def _decided(
        self, id_: str, take: str, *, field: str | None, by: str
    ) -> tuple[Ref, dict[str, dict[str, str]]]:
        item = self.attention.get(id_)
        if item is None or item.closed_at is not None:
            raise BadInputError(
                f"no item {id_} is open; `accord attention list` shows what is open"
            )
        held = self.payloads.get(item.payload) if item.payload else None
        disputed: list[dict[str, Any]] = (held or {}).get("fields", [])
        if item.reason not in {CONFLICT, PING_PONG} or not disputed:
            raise BadInputError(
                f"item {id_} ({item.reason}) holds no fields to choose for; mend what it says and "
                f"run `accord attention replay {id_}`"
            )
        chosen = [each for each in disputed if field in {None, each["field"]}]
        names = ", ".join(each["field"] for each in disputed)
        if not chosen:
            raise BadInputError(f"{field} is not in dispute in item {id_}; it is about {names}")
        kinds: dict[str, Literal["store", "erp"]] = {"store": "store", "erp": "erp"}
        kind: Literal["store", "erp", "value"] = kinds.get(take, "value")
        if kind == "value" and len(chosen) > 1:
            raise BadInputError(f"a value is for one field; name it with --field: {names}")
        decided = {each["field"]: _decision(each, kind, take, by) for each in chosen}
        return Ref.parse(item.subject), decided

    def _remember(self, customer: Ref, decided: Mapping[str, Any], *, id_: str, by: str) -> None:
        now = self.clock()
        with in_hand(self.links, customer, by=by, now=now, key=str(customer)) as link:
            before = json.loads(link.facts.get(DECIDED, "{}"))
            facts = {**link.facts, DECIDED: json.dumps({**before, **decided})}
            self.links.save(replace(link, facts=facts))
        again = Change(customer, "customer_changed", now, f"resolve-{id_}", replay=by)
        self.queues.put(again, sending=f"resolve:{customer}:{by}")


def _decision(
    disputed: Mapping[str, Any], kind: Literal["store", "erp", "value"], take: str, by: str
) -> dict[str, str]:
    decided = {"take": kind, **disputed["marks"], "by": by}
    if kind == "value":
        field = disputed["field"]
        try:
            conflicts.read(field, take or _empty(field))
        except ValueError as error:
            example = '{"street": "1 High Street", "city": "York", "country": "GB"}'
            raise BadInputError(
                f"{field}: {error}; write the address as JSON, such as {example}"
            ) from error
        decided["value"] = take
    return decided
