"""Sending everything again, though a store was told the same before.

After a flow was off, or what is remembered was restored, a store may show something else than it
was last told. What is forgotten here is what it was told; what is wanted stays.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from accord.ports.levels import Level, LevelKind, Levels, Sent

_KEPT = ("show", "images")  # of a picture the store would keep a second copy


def send_anew(
    levels: Levels, store: str, kind: LevelKind, skus: Sequence[str], *, now: dt.datetime
) -> int:
    """Has all that is wanted of ``skus`` sent as if for the first time; how many there are.

    Queue a flush afterwards.
    """
    known = levels.levels(store, kind, skus) if skus else {}
    wanted = {sku: level for sku, level in known.items() if level.wanted is not None}
    told = [
        # Of no version that there is: whatever else happens, it is still to be sent.
        Sent(sku, 0, _kept(kind, level), now, level.moved, overtaken=level.overtaken)
        for sku, level in wanted.items()
        if level.sent is not None
    ]
    if told:
        levels.sent(store, kind, told)
    if wanted:
        levels.resend(store, kind, list(wanted))
    return len(wanted)


def _kept(kind: LevelKind, level: Level) -> Mapping[str, Any]:
    """What it was told that is not to be sent twice, or to be taken back once it is not wanted."""
    sent, wanted = level.sent or {}, level.wanted or {}
    match kind:
        case "stock":
            return {}
        case "price":  # always sent whole, whatever was sent before
            return sent
        case "product":
            kept = {key: sent[key] for key in _KEPT if key in sent}
            if "text" in sent and sent["text"] != wanted.get("text"):
                kept["text"] = sent["text"]
            return kept
