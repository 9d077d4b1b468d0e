"""Going through every item of a back office: when asked, in slices, and when its rules change.

Some changes tell no date: a stock count in some back offices, another location in the rules, a
record that was restored. So everything is read once in a while, and all that is computed from it is
compared; what is right already costs no write.

A store whose flow was switched on is sent everything with the next sweep: what it showed while the
flow was not on, nobody knows.

A value of ``control`` per back office and kind, ``sweep:{erp}:{kind}``. Whoever asks raises
``asked``; everything else is written by the one run that holds the kind's lease.
"""

import datetime as dt
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace

from accord.errors import StaleVersionError
from accord.model.documents import Kind
from accord.ports.state import Control

_TRIES = 5  # of a write that another one came before


@dataclass(frozen=True, slots=True)
class Sweep:
    """``asked``, ``begun`` and ``done`` count sweeps: one runs while ``begun`` is above ``done``,
    another is due while ``asked`` is above ``begun``.

    ``after`` is the last item's id of the running one, ``since`` when it began. ``rules`` tell
    apart the rules that the last one was asked for under. ``on`` are the stores that were written
    to when anybody last looked, None before; ``anew`` those that everything is sent to, each with
    the sweep that ends that.
    """

    asked: int = 0
    begun: int = 0
    done: int = 0
    after: str = ""
    since: str = ""
    rules: str = ""
    on: Collection[str] | None = None
    anew: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_due(self) -> bool:
        """There is something to go on with."""
        return max(self.asked, self.begun) > self.done

    def went_on(self, now: dt.datetime) -> "Sweep":
        """The running one, or the one that was asked for, begun now."""
        if self.begun > self.done:
            return self
        return replace(self, begun=self.asked, after="", since=now.isoformat())

    def over(self) -> "Sweep":
        """The running one has gone through everything."""
        anew = {store: until for store, until in self.anew.items() if until > self.begun}
        return replace(self, done=self.begun, after="", anew=anew)

    def switched(self, rules: str, on: Collection[str]) -> "Sweep":
        """Under ``rules``, with those stores ``on``: one is asked for if that is new."""
        more = [store for store in on if self.on is not None and store not in self.on]
        asked = self.asked + (rules != self.rules or bool(more))
        anew = {**self.anew, **dict.fromkeys(more, asked)}
        return replace(self, asked=asked, rules=rules, on=sorted(on), anew=anew)


@dataclass(frozen=True, slots=True)
class Sweeps:
    """The sweeps of one back office."""

    erp_name: str
    control: Control
    clock: Callable[[], dt.datetime]

    def ask(self, kind: Kind) -> Sweep:
        """A sweep of all items is due, after the one that runs, if one does."""
        return self._write(kind, lambda held: replace(held, asked=held.asked + 1))

    def get(self, kind: Kind, *, rules: str, on: Collection[str]) -> Sweep:
        """How it stands. The first look asks for one, and so do the first under new ``rules`` and
        the first after a store's flow was switched on."""
        held = self.control.get(self._name(kind))
        sweep = _read(held)
        if held is None:
            return self._write(kind, lambda held: replace(held, asked=1).switched(rules, on))
        same = sweep.rules == rules and sweep.on is not None and set(sweep.on) == set(on)
        return sweep if same else self._write(kind, lambda held: held.switched(rules, on))

    def off(self, kind: Kind) -> None:
        """No store's flow is on. Nothing is kept before the first sweep."""
        held = self.control.get(self._name(kind))
        if held is not None and _read(held).on:
            self._write(kind, lambda held: replace(held, on=[]))

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
    """What a later release keeps besides is passed over."""
    known = {field.name for field in fields(Sweep)}
    value = json.loads(held[0]) if held is not None else {}
    return Sweep(**{name: each for name, each in value.items() if name in known})
