"""What a simulation counts: of one shard, or of many together."""

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

from accord.model.change import Change
from accord.sync.worker import WAKE, Again, Finished

Path = Literal[
    "webhook",
    "redelivery",
    "wake",
    "poll_store",
    "refund sweep",
    "poll_erp",
    "reconcile",
    "replay",
]
_LATER = ("poll_store", "refund sweep", "reconcile", "redelivery", "wake", "replay")
_DOES = {
    "posted": "orders posted",
    "credited": "refunds credited",
    "advanced": "orders brought forward",
    "voided": "sales cancelled",
    "merged": "customers agreed",
    "archived": "customers archived",
    "told": "told to the store",
    "returned": "returns opened",
}
_LEFT = frozenset({"parked", "dismissed"})  # nobody has looked at both sides
_HANDED_ON = "another worker has it in hand"


def path_of(change: Change, receives: int, *, store: str) -> Path:
    """By which way the change came that was carried out: the last that mattered."""
    if change.replay == WAKE:
        return "wake"
    if change.replay:
        return "replay"
    if receives > 1:
        return "redelivery"
    said = change.correlation_id
    if said.startswith("reconcile"):
        return "reconcile"
    if said.startswith("poll") and change.ref.system == store:
        return "refund sweep" if change.ref.kind == "refund" else "poll_store"
    return "poll_erp" if said.startswith("poll") else "webhook"


@dataclass(slots=True)
class Tally:
    """Counts of one shard, or of many. ``agreed``: seconds of virtual time from an act until both
    sides had been looked at after it → how often. ``asked``: attention items that are open in the
    end, ``settled``: that were open and closed once somebody sent them through again; by reason.
    ``reported``: what the night's page alone tells a bookkeeper of, by reason.
    """

    orders: int = 0
    customers: int = 0
    messages: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)  # "what: by which path"
    agreed: Counter[int] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    reported: Counter[str] = field(default_factory=Counter)
    hours: float = 0.0  # of virtual time

    def add(self, other: Self) -> None:
        """``other``'s counts are counted here too."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            else:
                setattr(self, each.name, mine + theirs)

    def moment(self, share: float) -> int:
        """Seconds within which that share (0 to 1) of all acts was agreed on; 0 for none."""
        wanted, seen = share * self.agreed.total(), 0
        for seconds, count in sorted(self.agreed.items()):
            seen += count
            if seen >= wanted:
                return seconds
        return 0

    def recovered(self) -> Counter[str]:
        """What was not carried by the first receive of a webhook or of the back office's news."""
        return Counter({name: count for name, count in self.paths.items() if name.endswith(_LATER)})

    def to_json(self) -> dict[str, Any]:
        """For scripts; the moments as p50, p95 and max, in seconds."""
        held = {each.name: getattr(self, each.name) for each in fields(self)}
        del held["agreed"]
        return {**held, "agreement_seconds": self.agreement()}

    def agreement(self) -> dict[str, int]:
        """p50, p95, max, and of how many acts."""
        return {
            "p50": self.moment(0.5),
            "p95": self.moment(0.95),
            "max": max(self.agreed, default=0),
            "acts": self.agreed.total(),
        }


@dataclass(slots=True)
class Watch:
    """Follows one shard. ``acted`` is told of each act, ``ended`` of each message's end."""

    store: str
    tally: Tally
    _open: defaultdict[str, list[dt.datetime]] = field(default_factory=lambda: defaultdict(list))
    _handed: dict[str, dt.datetime] = field(default_factory=dict)

    def acted(self, who: str, at: dt.datetime) -> None:
        """Somebody changed ``who``, an order's or customer's id with its kind."""
        self._open[who].append(at)

    def ended(
        self,
        change: Change,
        end: Finished | Again,
        *,
        began: dt.datetime,
        now: dt.datetime,
        receives: int,
    ) -> None:
        """A worker is done with ``change``, or will try again."""
        self.tally.messages += 1
        if isinstance(end, Again):
            self.tally.outcomes["again"] += 1
            return
        self.tally.outcomes[end.outcome] += 1
        if end.outcome in _DOES:
            path = path_of(change, receives, store=self.store)
            self.tally.paths[f"{_DOES[end.outcome]}: {path}"] += 1
        of = change.aggregate or change.ref
        who = f"{of.kind} {of.id}"
        if end.outcome in _LEFT:
            return
        if _HANDED_ON in end.text:  # the one who has it goes round once more
            self._handed[who] = began
            return
        self._agreed(who, max(began, self._handed.pop(who, began)), now)

    def _agreed(self, who: str, until: dt.datetime, now: dt.datetime) -> None:
        acts = self._open.get(who)
        if not acts:
            return
        for at in acts:
            if at <= until:
                self.tally.agreed[round((now - at).total_seconds())] += 1
        self._open[who] = [at for at in acts if at > until]
