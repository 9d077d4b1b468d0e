"""What becomes of an order in a shop on a busy day: mostly the usual, sometimes anything."""

import datetime as dt
import math
from dataclasses import dataclass
from random import Random

from accord.local.life.people import CUSTOMER_ACTS, ERP_ACTS, STORE_ACTS

_MINUTE = 60.0
_WAVE_S = 20 * _MINUTE
_GAP_S = 4.0  # between two orders, on average
_WILD = 0.04  # of the orders: anything is done to them
_NOT_WILD = frozenset({"close the month", "save"})  # a closed month is the whole shop's
_ANYTHING = tuple(sorted((STORE_ACTS.keys() | ERP_ACTS.keys()) - _NOT_WILD))

Due = tuple[float, str]
"""Seconds after the act before, and the act's name."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A way that orders go: the status that they are placed in, and each act with the minutes, at
    least and at most, that pass before it."""

    share: int
    status: str
    acts: tuple[tuple[str, float, float], ...] = ()

    def drawn(self, rng: Random) -> list[Due]:
        """One order's acts."""
        return [(rng.uniform(least, most) * _MINUTE, name) for name, least, most in self.acts]


_SENT = (("ship", 2, 30), ("ship", 0.2, 10), ("ship", 0.2, 10), ("post the invoice", 0.2, 20))
PLANS = (
    Plan(24, "processing", _SENT),
    Plan(10, "processing", (("post the invoice", 1, 10), *_SENT[:3])),
    Plan(14, "on-hold", (("pay", 0.1, 30), *_SENT)),
    Plan(6, "pending", (("pay", 0.05, 5), *_SENT)),
    Plan(6, "completed", _SENT),
    Plan(4, "processing", (("edit an address", 0.1, 5), *_SENT)),
    Plan(4, "processing", (("edit a line", 0.1, 10), *_SENT)),
    Plan(4, "on-hold", (("edit a line", 0.1, 10), ("edit the note", 0, 2), ("pay", 0.1, 10))),
    Plan(5, "on-hold", (("cancel", 0.1, 30),)),
    Plan(1, "on-hold", (("delete by hand", 0.5, 20), ("pay", 0.1, 30), *_SENT)),
    Plan(1, "on-hold", (("confirm by hand", 0.5, 20), ("pay", 0.1, 30), *_SENT)),
    Plan(3, "processing", (("cancel", 0.1, 10),)),
    Plan(2, "pending", (("cancel", 1, 60),)),
    Plan(1, "failed", (("pay", 0.1, 10), *_SENT)),
    Plan(6, "processing", (*_SENT, ("refund lines", 1, 30))),
    Plan(3, "processing", (*_SENT, ("refund an amount", 1, 30), ("refund lines", 0, 10))),
    Plan(3, "processing", (("refund lines", 0.1, 10), *_SENT)),
    Plan(2, "processing", (("refund all", 0.1, 20),)),
    Plan(1, "processing", (("to the trash", 0.1, 20), ("out of the trash", 0.1, 20), *_SENT)),
    Plan(1, "processing", (("to the trash", 0.1, 20), ("delete for good", 0.1, 60))),
    Plan(1, "on-hold", (("delete for good", 0, 20),)),
    Plan(2, "processing"),
)
_SHARES = [plan.share for plan in PLANS]


def life(rng: Random) -> tuple[str, list[Due]]:
    """The status that an order is placed in, and what is done to it."""
    plan = rng.choices(PLANS, _SHARES)[0]
    acts = plan.drawn(rng)
    if rng.random() < _WILD:
        count = rng.randint(2, 6)
        acts += [(rng.expovariate(1 / 120), rng.choice(_ANYTHING)) for _ in range(count)]
        rng.shuffle(acts)
    return plan.status, acts


def account(rng: Random) -> list[Due]:
    """What is done to a new customer's account."""
    acts = [name for name in CUSTOMER_ACTS if rng.random() < 0.3]
    rng.shuffle(acts)
    return [(rng.uniform(0.1, 30) * _MINUTE, name) for name in acts]


def gap(rng: Random, at: dt.datetime) -> dt.timedelta:
    """Until the next order: they come in waves."""
    wave = 1 + 0.9 * math.sin(2 * math.pi * at.timestamp() / _WAVE_S)
    return dt.timedelta(seconds=rng.expovariate(1) * _GAP_S / max(wave, 0.1))
