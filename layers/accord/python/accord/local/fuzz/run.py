"""A million requests, one after another: what became of them, the slowest, and what went wrong."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from accord.local.fuzz import calls, keys, visits
from accord.local.fuzz.bodies import Bodies, Case
from accord.local.fuzz.checkouts import ask
from accord.local.fuzz.door import SLOWEST_S, Door, in_time, opened
from accord.local.fuzz.reading import Reader
from accord.local.recorded import Recorded
from accord.rules.config import Config

# One request in so many is a checkout's, and comes with a back office's call, a key that a store
# posts, and a visit of a browser that allows us in.
_CHECKOUTS = 10
_TOLD = 20  # findings that are kept
Told = Callable[[int, int], object]


@dataclass(slots=True)
class Result:
    """``answers`` are statuses; ``slowest_s`` is the CPU of the slowest, which is number
    ``slowest``. ``refused`` documents say nonsense, which was found out. ``findings`` must be none;
    ``found`` is how many there were."""

    seed: int
    bodies: int = 0
    checkouts: int = 0
    calls: int = 0
    keys: int = 0
    visits: int = 0
    queued: int = 0
    read: int = 0
    refused: int = 0
    found: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    slowest: int = 0
    slowest_how: str = ""
    answers: Counter[int] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.found


@dataclass(frozen=True, slots=True)
class _Run:
    bodies: Bodies
    door: Door
    calls: calls.Calls
    keys: keys.Keys
    visits: visits.Visits
    reader: Reader
    result: Result

    def one(self, number: int) -> None:
        """Request ``number``, and what was queued of it."""
        result = self.result
        result.bodies += 1
        rng = Random(number)
        if number % _CHECKOUTS == _CHECKOUTS - 1:
            result.checkouts += 1
            wrong, cpu = ask(rng)
            self._note(number, "a checkout's question", cpu, wrong)
            result.calls += 1
            wrong, cpu = self.calls.call(Random(number))
            self._note(number, "a back office's call", cpu, wrong)
            result.keys += 1
            wrong, cpu = self.keys.post(Random(number))
            self._note(number, "a store's key", cpu, wrong)
            result.visits += 1
            wrong, cpu = self.visits.pay(Random(number))
            self._note(number, "a browser's visit", cpu, wrong)
            return
        case = self.bodies.case(number)
        verdict = in_time(lambda: self.reader.read(self.door.take(case), Random(number)))
        result.answers[verdict.status] += 1
        if verdict.queued is not None:
            result.queued += 1
            result.read += verdict.queued.document is not None
            result.refused += verdict.refused
        self._note(number, _said(case), verdict.cpu_s, verdict.wrong)

    def _note(self, number: int, how: str, cpu: float, wrong: str) -> None:
        result = self.result
        if cpu > result.slowest_s:
            result.slowest_s, result.slowest, result.slowest_how = cpu, number, how
        if not wrong and cpu > SLOWEST_S:
            wrong = f"slow: {cpu:.2f} s"
        if wrong:
            result.found += 1
            if len(result.findings) < _TOLD:
                result.findings.append(f"body {number} ({how}): {wrong}")


def run(
    config: Config,
    recorded: Sequence[Recorded],
    count: int,
    *,
    seed: int,
    first: int = 0,
    told: Told = lambda *_: None,
) -> Result:
    """Requests ``first`` to ``first + count`` of ``seed``, made of ``recorded``."""
    result = Result(seed)
    began = time.monotonic()
    with (
        opened() as door,
        calls.opened(door.queues) as door_of_erps,
        keys.opened() as door_of_keys,
        visits.opened() as door_of_visits,
    ):
        one = _Run(
            Bodies(recorded, seed=seed),
            door,
            door_of_erps,
            door_of_keys,
            door_of_visits,
            Reader(config),
            result,
        ).one
        for number in range(first, first + count):
            one(number)
            if number % 1000 == 0:
                told(number - first, count)
    result.seconds = time.monotonic() - began
    return result


def _said(case: Case) -> str:
    body = case.event.get("body") or ""
    return f"{case.how}, {len(body):,} characters"
