"""A connection that somebody paused, and resumed."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from accord.model.change import Ref
from accord.ports.limits import CIRCUITS, Board
from accord.ports.state import Entry, Journal

PAUSED = "paused"  # table of the board, and the cause of what waits meanwhile
RESTS = "rests"  # table of the board: connection → until when it asked to be left alone


@dataclass(frozen=True, slots=True)
class Pause:
    """``by`` whom, since when, until when (None: until it is resumed), and why."""

    by: str
    at: dt.datetime
    until: dt.datetime | None = None
    why: str = ""

    def __str__(self) -> str:
        until = f" until {self.until:%F %H:%M} UTC" if self.until else ""
        why = f": {self.why}" if self.why else ""
        return f"was paused by {self.by}{until}{why}"

    @classmethod
    def of(
        cls, paused: Mapping[str, Mapping[str, str]], name: str, now: dt.datetime
    ) -> "Pause | None":
        """The pause of ``name`` that holds ``now``, None when there is none."""
        entry = paused.get(name)
        if entry is None:
            return None
        until = dt.datetime.fromisoformat(entry["until"]) if entry["until"] else None
        if until is not None and until <= now:
            return None
        at = dt.datetime.fromisoformat(entry["at"])
        return cls(entry["by"], at, until, entry["why"])


@dataclass(frozen=True, slots=True)
class Pauses:
    """Begins and ends them, and tells the journal by whom, under the connection's own name."""

    board: Board
    journal: Journal
    clock: Callable[[], dt.datetime]

    def begin(
        self, name: str, *, by: str, until: dt.datetime | None = None, why: str = ""
    ) -> tuple[Pause, Pause | None]:
        """The connection ``name`` is left alone from now on: how, and what held before.

        An earlier pause is replaced; without a ``why`` its reason holds on.
        """
        now = self.clock()
        replaced: list[Pause] = []

        def change(held: Any | None) -> dict[str, str]:
            before = Pause.of({name: held} if held else {}, name, now)
            replaced[:] = [before] if before else []
            return {
                "by": by,
                "at": now.isoformat(),
                "until": until.isoformat() if until else "",
                "why": why or (before.why if before else ""),
            }

        self.board.put(PAUSED, name, change)
        before = replaced[0] if replaced else None
        pause = Pause(by, now, until, why or (before.why if before else ""))
        self._tell(name, f"{name} {pause}" + (f"; before, it {before}" if before else ""), by)
        return pause, before

    def end(self, name: str, *, by: str) -> Pause | None:
        """The pause that is over now; None: there was none.

        What the connection asked for by itself, with a 429, is over as well, and credentials that
        it turned down are tried again: whoever resumes it knows better.
        """
        ended: list[Pause] = []

        def change(held: Any | None) -> None:
            pause = Pause.of({name: held} if held else {}, name, self.clock())
            ended[:] = [pause] if pause else []

        self.board.put(PAUSED, name, change)
        self.board.put(RESTS, name, lambda _: None)
        self.board.put(CIRCUITS, f"{name}:unauthorized", lambda _: None)
        if not ended:
            return None
        self._tell(name, f"{name} was resumed by {by}", by)
        return ended[0]

    def _tell(self, name: str, text: str, by: str) -> None:
        now = self.clock()
        ref = Ref(name, "connection", name)
        entry = Entry(ref, now, "step", text, f"operator-{now:%Y%m%dT%H%M%S}", {"by": by})
        self.journal.append([entry])
