"""Going through every item of a back office: when asked, in slices, and when its rules change.

Some changes tell no date: a stock count in some back offices, another location in the rules, a
record that was restored. So everything is read once in a while, and all that is computed from it is
compared; what is right already costs no write.

A value of ``control`` per back office and kind, ``sweep:{erp}:{kind}``. Whoever asks raises
``asked``; everything else is written by the one run that holds the kind's lease.
"""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from accord.errors import StaleVersionError
from accord.model.documents import Kind
from accord.ports.state import Control

_TRIES = 5  # of a write that another one came before


@dataclass(frozen=True, slots=True)
class Sweep:
    """``asked``, ``begun`` and ``done`` count sweeps: one runs while ``begun`` is above ``done``,
    another is due while ``asked`` is above ``begun``.

    ``after`` is the last item's id of the running one, ``since`` when it began. ``rules`` tell
    apart the rules that the last one was asked for under.
    """

    asked: int = 0
    begun: int = 0
    done: int = 0
    after: str = ""
    since: str = ""
    rules: str = ""

    @property
    def is_due(self) -> bool:
        """There is something to go on with."""
        return max(self.asked, self.begun) > self.done

    def went_on(self, now: dt.datetime) -> "Sweep":
        """The running one, or the one that was asked for, begun now."""
        if self.begun > self.done:
            return self
        return replace(self, begun=self.asked, after="", since=now.isoformat())


@dataclass(frozen=True, slots=True)
class Sweeps:
    """The sweeps of one back office."""

    erp_name: str
    control: Control
    clock: Callable[[], dt.datetime]

    def ask(self, kind: Kind, *, rules: str | None = None) -> Sweep:
        """A sweep of all items is due, after the one that runs, if one does."""
        return self._write(
            kind,
            lambda held: replace(
                held, asked=held.asked + 1, rules=held.rules if rules is None else rules
            ),
        )

    def get(self, kind: Kind, *, rules: str) -> Sweep:
        """How it stands. The first look asks for one, and so does the first one under new rules."""
        held = self.control.get(self._name(kind))
        sweep = _read(held)
        return sweep if held is not None and sweep.rules == rules else self.ask(kind, rules=rules)

    def save(self, kind: Kind, sweep: Sweep) -> Sweep:
        """How far it has come; what was asked for meanwhile stays asked for."""
        return self._write(kind, lambda held: replace(sweep, asked=held.asked, rules=held.rules))

    def _write(self, kind: Kind, change: Callable[[Sweep], Sweep]) -> Sweep:
        for left in reversed(range(_TRIES)):
            held = self.control.get(self._name(kind))
            sweep = change(_read(held))
            text = json.dumps(asdict(sweep), separators=(",", ":"))
            try:
                self.control.put(self._name(kind), text, version=held[1] if held else None)
            except StaleVersionError:
                if not left:
                    raise
                continue
            return sweep
        raise AssertionError("unreachable")

    def _name(self, kind: Kind) -> str:
        return f"sweep:{self.erp_name}:{kind.value}"


def _read(held: tuple[str, int] | None) -> Sweep:
    return Sweep(**json.loads(held[0])) if held is not None else Sweep()
