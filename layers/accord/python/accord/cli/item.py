"""One attention item whole, for people and for scripts."""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from rich.markup import escape

from accord import bootstrap
from accord.cli.acting import aged, count_of, open_for
from accord.cli.output import console
from accord.errors import BadInputError
from accord.ports.state import Entry, Item, Link
from accord.sync.acts import Target, is_mendable
from accord.sync.concerns import cause_of
from accord.sync.masking import MASK
from accord.sync.mends import impersonal
from accord.sync.remedies import remedy
from accord.sync.resolve import CONFLICT, PING_PONG

_WAITING = 20  # of those that wait for one cause that are named
_LAST = 10  # lines of the journal that are shown with an item


def story(item: Item) -> tuple[Sequence[Entry], Link | None]:
    """The last lines of its record's journal, and its link."""
    try:
        target = Target.of(item)
    except BadInputError:
        return (), None
    return bootstrap.journal().of(target.story)[-_LAST:], bootstrap.links().get(target.story)


def waiting_for(item: Item) -> list[str]:
    """The oldest of what waits for the item's cause, by ref: each can be mended by itself."""
    cause = cause_of(item)
    if cause is None:
        return []
    parked = bootstrap.waiting().of(cause)
    return [str(each.change.ref) for each in itertools.islice(parked, _WAITING)]


def item_json(item: Item) -> dict[str, object]:
    about = remedy(item.reason)
    now = bootstrap.now()
    return {
        "id": item.id,
        "subject": item.subject,
        "aggregate": item.aggregate or None,
        "owner": item.owner,
        "reason": item.reason,
        "message": item.message,
        "means": about.means,
        "remedy": about.do,
        "count": count_of(item),
        "waits": waiting_for(item),
        "age_s": round(open_for(item, now).total_seconds()),
        "opened_at": item.opened_at.isoformat(),
        "updated_at": item.updated_at.isoformat(),
        "payload": item.payload,
        "correlation_id": item.correlation_id,
        "acted": item.acted or None,
        "closed_at": item.closed_at.isoformat() if item.closed_at else None,
        "closed_by": item.closed_by,
        "closed_why": item.closed_why or None,
        "dismissed": bool(item.dismissed),
    }


def mended(link: Link | None, *, full: bool = False) -> list[dict[str, object]]:
    """The mends of a link as JSON; what may be personal data only where it is asked for."""
    return [
        {
            "field": each.path,
            "value": each.value if full or impersonal((each,)) else MASK,
            "by": each.by,
            "at": each.at.isoformat(),
            "why": each.why,
        }
        for each in (link.mends if link else ())
    ]


def entry_json(entry: Entry) -> dict[str, object]:
    return {"at": entry.at.isoformat(), "mark": entry.mark, "text": entry.text, **entry.details}


def next_commands(item: Item) -> Iterator[str]:
    """Commands that go on from here."""
    head = f"accord attention {{}} {item.id}"
    if item.subject.startswith("waiting:"):
        yield "accord waiting list"
        if item.reason == "unmapped":
            yield "accord config push FILE --why TEXT"
        return
    with contextlib.suppress(BadInputError):  # of what is no record, nothing can be sent again
        target = Target.of(item)
        yield f"accord trace {target.story.system} {target.story.id}"
        if item.reason in {CONFLICT, PING_PONG}:
            yield f"{head.format('resolve')} --take store|erp|VALUE"
        if is_mendable(target):
            yield f"{head.format('mend')} --set FIELD=VALUE --why TEXT"
        yield head.format("replay")
    if item.closed_at is None:
        yield f"{head.format('dismiss')} --why TEXT"


def print_item(
    item: Item, held: Any, entries: Sequence[Entry], link: Link | None, *, full: bool
) -> None:
    about = remedy(item.reason)
    count, age = count_of(item), aged(open_for(item, bootstrap.now()))
    stood = f"was open for {age}" if item.closed_at else f"open for {age}"
    _row("", f"{item.reason} · {item.owner} · {item.subject} · {stood} · {item.id}")
    _row("says", item.message)
    _row("means", about.means)
    _row("do", about.do)
    if waits := waiting_for(item):
        _row("waits", ", ".join(waits) + (", …" if count > len(waits) else ""))
    if count > 1:
        _row("concerns", f"{count:,}")
    if item.acted:
        _row("acted", item.acted)
    if item.closed_at:
        why = f": {item.closed_why}" if item.closed_why else ""
        _row("closed", f"{item.closed_at:%F %T} UTC by {item.closed_by}{why}")
    for each in mended(link, full=full):
        _row("mended", f"{each['field']} = {each['value']} by {each['by']} {each['why'] or ''}")
    if item.correlation_id:
        _row("trail", item.correlation_id)
    if held is not None:
        _row("held", "" if full else "personal data is masked; --full shows it")
        console.print_json(data=held)
    for entry in entries:
        _row("journal", f"{entry.at:%F %T} {entry.text}")
    for command in next_commands(item):
        _row("next", command)


def _row(name: str, text: str) -> None:
    console.print(f"[bold]{name:9}[/]{escape(text)}", highlight=False, soft_wrap=True)
