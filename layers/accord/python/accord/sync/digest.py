"""The daily mail to each desk: what is open for it, how old, and what to do about the oldest.

It goes through mail servers, so it names records and reasons only: no message of an item, which may
name a shopper.
"""

import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from accord.errors import AccordError, Owner, StaleVersionError
from accord.model.words import number_of
from accord.ports.notices import Notices
from accord.ports.state import Attention, Control, Item
from accord.sync.concerns import cause_of
from accord.sync.remedies import remedy

OWNERS: tuple[Owner, ...] = get_args(Owner)
_SHOWN = 10
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Mail:
    """One line, and plain text."""

    subject: str
    text: str


def digest(
    owner: Owner, items: Sequence[Item], now: dt.datetime, *, stage: str, when_empty: bool = False
) -> Mail | None:
    """What is open for ``owner``, whose ``items`` come oldest first; None for nothing, unless
    wanted."""
    if not items:
        if not when_empty:
            return None
        return Mail(
            f"Accord {stage}: nothing is open for {owner}",
            f"Nothing waits for {owner} in Accord ({stage}).\n",
        )
    count = number_of(len(items), "thing")
    oldest = age(now - items[0].opened_at)
    need = "needs" if len(items) == 1 else "need"
    subject = f"Accord {stage}: {count} {need} {owner}, the oldest for {oldest}"
    return Mail(subject[:99], "\n".join(_lines(owner, items, now, stage)) + "\n")


def _lines(owner: Owner, items: Sequence[Item], now: dt.datetime, stage: str) -> Iterator[str]:
    count = number_of(len(items), "thing")
    yield f"Good morning. In Accord ({stage}) {count} cannot go on without {owner}."
    aged = [
        f"{number_of(sum(now - item.opened_at >= days * _DAY for item in items), 'thing')} {what}"
        for days, what in ((7, "open for a week or more"), (1, "open for a day or more"))
        if any(now - item.opened_at >= days * _DAY for item in items)
    ]
    if aged:
        yield f"Of these: {'; '.join(aged)}."
    yield ""
    yield "By reason:"
    for reason, number in Counter(item.reason for item in items).most_common():
        oldest = next(item for item in items if item.reason == reason)
        since = age(now - oldest.opened_at)
        yield f"  {number:4}  {remedy(reason).means} [{reason}, oldest {since}]"
    yield ""
    shown = items[:_SHOWN]
    yield "The oldest:" if len(items) > len(shown) else "Each of them:"
    for number, item in enumerate(shown, start=1):
        yield f"{number:3}. {_what(item)}, for {age(now - item.opened_at)}"
        yield f"     {remedy(item.reason).means}"
        yield f"     {remedy(item.reason).do.replace(' ID', f' {item.id}')}"
        yield f"     accord attention show {item.id} --stage {stage}"
    yield ""
    yield f"All of it: accord attention list --owner {owner} --stage {stage}"


def _what(item: Item) -> str:
    """What it is about, by its ref."""
    if (waits := cause_of(item)) is not None:
        # A fee's name is free text of the shop.
        cause = "a fee" if waits.cause.startswith("fee:") else waits.cause
        return f"{number_of(item.count, 'change')} waiting at {waits.connection} for {cause}"
    return f"{item.subject} of {item.aggregate}" if item.aggregate else item.subject


def age(since: dt.timedelta) -> str:
    """In words: 3 days, 5 hours, 10 minutes."""
    if since >= 2 * _DAY:
        return f"{since.days} days"
    hours, minutes = divmod(int(since.total_seconds()) // 60, 60)
    if hours >= 2:
        return f"{hours} hours"
    return number_of(hours * 60 + minutes, "minute")


@dataclass(frozen=True, slots=True)
class Digester:
    """Sends each desk its mail, once a day however often it runs."""

    attention: Attention
    control: Control
    notices: Notices
    clock: Callable[[], dt.datetime]
    stage: str
    when_empty: bool = False

    def run(self) -> Sequence[Owner]:
        """Who was sent one.

        Raises: AccordError: one could not be sent; the others were, and a further run sends it.
        """
        now = self.clock()
        items = self.attention.open()
        sent: list[Owner] = []
        failed: AccordError | None = None
        for owner in OWNERS:
            theirs = [item for item in items if item.owner == owner]
            mail = digest(owner, theirs, now, stage=self.stage, when_empty=self.when_empty)
            if mail is None:
                continue
            try:
                if self._send(owner, mail, now):
                    sent.append(owner)
            except AccordError as error:  # it must not keep the other desks from theirs
                failed = error
        if failed is not None:
            raise failed
        return sent

    def _send(self, owner: Owner, mail: Mail, now: dt.datetime) -> bool:
        """Whether it was sent now. Marked afterwards: twice is better than never."""
        name, today = f"digest:{owner}", f"{now:%F}"
        held = self.control.get(name)
        if held is not None and held[0] == today:
            return False
        self.notices.publish(owner, mail.subject, mail.text)
        with contextlib.suppress(StaleVersionError):  # another run of this morning sent it too
            self.control.put(name, today, version=held[1] if held else None)
        return True
