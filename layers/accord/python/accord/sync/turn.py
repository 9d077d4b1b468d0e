"""One change's turn at an order or a customer: the lease, the story, and who goes on after it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from accord.errors import AccordError, BusyError, PermanentError, WaitingError
from accord.model.change import Change, Ref
from accord.ports.queues import Queues
from accord.ports.state import Control, Entry, Journal, Link, Links, Mark, Seen
from accord.rules.table import Flow
from accord.sync.outcome import Done, Outcome

LEASE_OVERLAP = dt.timedelta(seconds=5)
EPOCH = "epoch"  # control value; while it is not "trusted", every create finds first
TRUSTED = "trusted"
WAITS = "order"  # the cause of what waits for its order
DISMISSED = "dismissed"  # the same, where a person dismissed what is the matter with the order
GOODS = "stock:"  # how the causes of what waits for goods begin; the item's code follows
WRITING = "writing"  # fact of a link: what the back office shows of the document is our own doing


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a worker: until when it may work, and which try this is."""

    id: str
    deadline: dt.datetime
    attempt: int = 1

    @property
    def lease_until(self) -> dt.datetime:
        """A killed worker's lease is free in a minute, a live one is never overtaken."""
        return self.deadline + LEASE_OVERLAP


@dataclass(slots=True)
class Story:
    """What is told of one change to the journal: gathered, then written at once.

    It is told of the change's aggregate, so that an order's story holds its refunds.
    """

    journal: Journal
    clock: Callable[[], dt.datetime]
    change: Change
    _told: list[Entry] = field(default_factory=list)

    def tell(self, mark: Mark, text: str, **details: Any) -> None:
        ref = self.change.aggregate or self.change.ref
        self._told.append(Entry(ref, self.clock(), mark, text, self.change.correlation_id, details))

    def flush(self) -> None:
        told, self._told[:] = list(self._told), []
        if told:
            self.journal.append(told)


def recovering(control: Control) -> bool:
    """Our records may be younger than the other side's: look there before anything is made."""
    held = control.get(EPOCH)
    return held is None or held[0] != TRUSTED


def waits_for_flow(flow: Flow, change: Change, *, store: str, name: str) -> None:
    """Raises: WaitingError: it waits, or a person asked for it, and the flow is not on.

    Neither may be forgotten.
    """
    if flow != "on" and change.replay:
        raise WaitingError(
            f"the {name} flow of {store} is {flow}, so {change.ref} goes on waiting; set "
            f'{name} = "on" in [stores.{store}.flows]',
            connection=store,
            causes=(f"flow:{name}",),
        )


@dataclass(frozen=True, slots=True)
class Asides:
    """Turns of flows that are not the order's own, under the order's lease.

    While they hold it, what the store tells of the order marks the link dirty and is called done.
    So whoever gives the lease back queues the order once more if it was marked.
    """

    links: Links
    journal: Journal
    queues: Queues
    clock: Callable[[], dt.datetime]

    def take(
        self, change: Change, run: Invocation, work: Callable[[Link, Story], tuple[Outcome, Link]]
    ) -> Done:
        """What ``work`` came to. It gets the order's link, held, and gives it back as it saved it.

        Raises: BusyError: another worker holds it. AccordError: whatever ``work`` raised; the lease
        is given up, and what was told meanwhile is queued.
        """
        order = change.aggregate
        assert order is not None, "a change of an order's part names the order"
        known = self.links.get(order)
        if known is None:
            raise BusyError(f"{order} is not linked yet")
        link = self.links.acquire(
            order,
            key=known.key,
            owner=run.id,
            now=self.clock(),
            until=run.lease_until,
            seen=known.seen or Seen(None),
        )
        if link is None:
            raise BusyError(f"{order} is held by another worker")
        story = Story(self.journal, self.clock, change)
        try:
            outcome = self._tell(link, story, run, work)
        except AccordError:  # of the journal too
            self._give_back(order, change, run)
            raise
        self._give_back(order, change, run)
        return Done(outcome, settles=True)

    @staticmethod
    def _tell(
        link: Link,
        story: Story,
        run: Invocation,
        work: Callable[[Link, Story], tuple[Outcome, Link]],
    ) -> Outcome:
        """What ``work`` came to, told to the journal before the lease goes."""
        try:
            story.tell("begun", story.change.event, attempt=run.attempt)
            outcome, _ = work(link, story)
            story.tell("ended", str(outcome))
        except AccordError as error:
            whose = f"for {error.owner}" if isinstance(error, PermanentError) else "not now"
            story.tell("ended", f"{error.reason}: {whose}")
            raise
        finally:
            story.flush()
        return outcome

    def _give_back(self, order: Ref, change: Change, run: Invocation) -> None:
        link = self.links.get(order)
        if link is None or link.owner != run.id:
            return
        marked = self.links.release(link, handled=())
        # A try before this one may have taken the mark off and died.
        owes = marked is not None or run.attempt > 1
        while owes:
            again = replace(
                change.without_document(),
                ref=order,
                aggregate=None,
                event="order_updated",
                modified_at=None,
                seen_at=self.clock(),
                replay="",
            )
            version = marked.version if marked is not None else run.attempt
            self.queues.put(again, sending=f"aside:{order}:{run.id}:{version}")
            marked = self.links.release(marked, handled=()) if marked is not None else None
            owes = marked is not None
