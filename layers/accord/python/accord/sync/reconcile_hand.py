"""What is somebody's already, and therefore no difference: an order in work, waiting, or asked of a
person."""

import datetime as dt

from accord.model.change import Ref
from accord.ports.state import Attention, Link, Waiting
from accord.ports.store import ListedOrder
from accord.sync.pair import Pair
from accord.sync.turn import WRITING
from accord.sync.unanswered import MAKING, PAYING

LAG = dt.timedelta(minutes=10)
"""What was changed less long ago may be on its way: it is not looked at yet."""
_HALF_MADE = dt.timedelta(minutes=30)  # for so long a write that was begun is believed to go on


def in_hand(
    pair: Pair,
    listed: ListedOrder | None,
    *,
    now: dt.datetime,
    waiting: Waiting,
    attention: Attention,
) -> str:
    """Whose the order is at this moment, and why; empty for nobody's. ``listed`` is None where the
    store has none."""
    link = pair.link
    if link is not None and link.owner and link.leased_until and link.leased_until > now:
        return "it is being worked on this moment"
    if listed is not None and now - listed.modified_at < LAG:
        return "it was changed a moment ago"
    begun = _begun(link)
    if begun is not None and now - begun < _HALF_MADE:
        return "a write to the back office was begun a moment ago"
    refunds = pair.order.refund_ids if pair.order is not None else ()
    refs = [pair.ref, *(Ref(pair.ref.system, "refund", id_) for id_ in refunds)]
    for ref in refs:
        if parked := waiting.get(ref):
            return f"it waits ({parked.cause}): {parked.message}"
    refs += [each.record.ref for each in pair.sales]
    refs += [note.ref for sale in pair.sales for note in sale.credits]
    refs += [link.erp] if link is not None and link.erp is not None else []
    items = [item for ref in dict.fromkeys(refs) for item in attention.of(str(ref))]
    if items:
        reasons = ", ".join(dict.fromkeys(item.reason for item in items))
        return f"it is on the attention list ({reasons}), for {items[0].owner}"
    return ""


def _begun(link: Link | None) -> dt.datetime | None:
    """When a write was begun that nobody said the end of."""
    facts = link.facts if link is not None else {}
    times = []
    for name in (MAKING, WRITING, PAYING):
        try:
            times.append(dt.datetime.fromisoformat(facts.get(name, "").rpartition(" ")[2]))
        except ValueError:
            continue
    return max(times, default=None)
