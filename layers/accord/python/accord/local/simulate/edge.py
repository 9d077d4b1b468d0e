"""The store's webhooks on their way: turned away, and switched off by the store for it."""

import datetime as dt
from dataclasses import dataclass, field
from random import Random

from accord.errors import AccordError
from accord.local.hooked import KilledError
from accord.local.life.mishaps import CALM, Mishaps
from accord.local.store.webhooks import Outbox, Webhook
from accord.local.world import SECRET, World
from accord.sync.poll_store import reread
from accord.sync.told import Told
from accord.sync.webhooks import Guarded, WebhookGuard

LOOKS = dt.timedelta(minutes=5)  # as the schedule of `guard_webhooks` has it
_URL = "https://accord.example/stores/{name}/webhooks"
_SHORT, _LONG = 60, 240  # seconds that nobody answers at the edge
_GONE = 0.004  # of each look: somebody deleted or paused one by hand


@dataclass(slots=True)
class Edge:
    """Between the store and the receiver. ``deaf`` are the times in which nobody answers there."""

    world: World
    mishaps: Mishaps
    rng: Random
    deaf: list[tuple[dt.datetime, dt.datetime]] = field(default_factory=list)
    _look_at: dt.datetime = field(init=False)

    def __post_init__(self) -> None:
        self._look_at = self.world.clock()

    @property
    def outbox(self) -> Outbox:
        return self.world.store.shop.outbox

    @property
    def is_peace(self) -> bool:
        """Nothing goes wrong any more."""
        return self.mishaps.odds is CALM

    def draw(self, begin: dt.datetime, length: dt.timedelta) -> None:
        """Two times at which the receiver does not answer, somewhere in ``length``."""
        for _ in range(2):
            since = begin + length * self.rng.random()
            for_ = dt.timedelta(seconds=self.rng.randrange(_SHORT, _LONG))
            self.deaf.append((since, since + for_))

    def hook_of(self, topic: str) -> Webhook | None:
        """The webhook that the store would send now."""
        return next(
            (
                hook
                for hook in self.outbox.webhooks.values()
                if hook.topic == topic and hook.status == "active"
            ),
            None,
        )

    def arrives(self, topic: str, id_: int) -> bool:
        """Whether a webhook gets through. What does not is a failure to the store, and the seventh
        in a row switches it off."""
        hook, now = self.hook_of(topic), self.world.clock()
        if hook is None:
            self.mishaps.count["webhook switched off"] += 1
            return False
        deaf = not self.is_peace and any(a <= now < b for a, b in self.deaf)
        self.outbox.answered(hook, id_, None if deaf else 200, now)
        if deaf:
            self.mishaps.count["webhook not answered"] += 1
            if hook.status == "disabled":
                self.mishaps.count["webhooks disabled by the store"] += 1
        return not deaf

    def look(self) -> Guarded | None:
        """What `guard_webhooks` does every five minutes; None when it is not time, or broke off."""
        now = self.world.clock()
        if now < self._look_at:
            return None
        self._look_at = now + LOOKS
        self._by_hand()
        try:
            found = self.guard().run()
        except (AccordError, KilledError):
            return None
        self.mishaps.count["webhooks made anew"] += found.missing
        return found

    def guard(self) -> WebhookGuard:
        """Over hooked ports."""
        world, name = self.world, self.world.store.name
        control = world.port("control")
        return WebhookGuard(
            name=name,
            rules=world.rules,
            shop=world.guarded_store(),
            control=control,
            journal=world.port("journal"),
            attention=world.port("attention"),
            clock=world.clock,
            url=_URL.format(name=name),
            stage="dev",
            secret=lambda: SECRET,
            reread=lambda since: reread(control, name, since),
            unheard=lambda since, until: Told(name, control).unheard(since, until),
        )

    def _by_hand(self) -> None:
        if self.is_peace or self.rng.random() >= _GONE or not self.outbox.webhooks:
            return
        hook = self.rng.choice(list(self.outbox.webhooks.values()))
        if self.rng.random() < 0.5:
            hook.status = "paused"
        else:
            del self.outbox.webhooks[hook.id]
        self.mishaps.count["webhook paused or deleted by hand"] += 1
