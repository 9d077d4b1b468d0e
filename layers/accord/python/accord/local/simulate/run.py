"""Shard after shard, over as many processes as there are cores, in bounded memory."""

import gc
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from accord.errors import UnavailableError
from accord.local.simulate.kept import Kept, Played
from accord.local.simulate.shard import Result, play_shard, seeds
from accord.local.simulate.tally import Tally
from accord.rules.config import Config

_LARGE, _SMALL = 1000, 250
_MANY = 4000  # orders from which on shards are large: the hours in which all heals are the same
_LOOK_S = 0.25
_AHEAD = 2  # shards of a process that are asked for at once
_RARELY = (100_000, 20, 20)  # garbage is looked for: a shard keeps nearly all that it makes
_TOLD = 20  # differences of one shard; what one fault does to a thousand orders, it does alike

_placed: "Synchronized[int] | None" = None
_config: Config | None = None


@dataclass(slots=True)
class Run:
    """What all shards came to together. ``failed`` are those that differ, with their seeds.

    ``seconds`` are of the wall, ``cpu_seconds`` of all processes: what other work on the machine
    does not change.
    """

    tally: Tally = field(default_factory=Tally)
    shards: int = 0
    failed: list[Result] = field(default_factory=list)
    processes: int = 1
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0  # of the largest process

    @property
    def orders_per_second(self) -> float:
        return self.tally.orders / self.seconds if self.seconds else 0.0

    @property
    def orders_per_cpu_second(self) -> float:
        return self.tally.orders / self.cpu_seconds if self.cpu_seconds else 0.0

    def add(self, played: Played) -> None:
        """A shard is counted."""
        self.shards += 1
        self.tally.add(played.result.tally)
        self.cpu_seconds += played.cpu_s
        self.peak_mib = max(self.peak_mib, played.peak_mib)
        if played.result.differences:
            self.failed.append(played.result)

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            **self.tally.to_json(),
            "recovered": dict(self.tally.recovered()),
            "shards": self.shards,
            "processes": self.processes,
            "seconds": round(self.seconds, 1),
            "orders_per_second": round(self.orders_per_second, 1),
            "cpu_seconds": round(self.cpu_seconds, 1),
            "orders_per_cpu_second": round(self.orders_per_cpu_second, 1),
            "peak_mib": round(self.peak_mib),
            "failed": [
                {
                    "shard": each.seed,
                    "orders": each.size,
                    "differences": each.differences,
                    "again": again(each),
                    **({"trace": each.trace} if each.trace else {}),
                }
                for each in self.failed
            ],
        }


def shards_of(seed: int, orders: int) -> list[tuple[int, int]]:
    """The (seed, orders) of each shard: enough for dense traffic, few enough for little memory."""
    return seeds(seed, orders, _LARGE if orders >= _MANY else _SMALL)


def again(result: Result) -> str:
    """The command that plays that shard alone once more."""
    return f"accord simulate --shard {result.seed} --orders {result.size}"


def run(
    config: Config,
    shards: list[tuple[int, int]],
    *,
    processes: int,
    told: Callable[[int], object] = lambda _: None,
    kept: Kept | None = None,
) -> Run:
    """All ``shards`` (seed, orders). ``told`` hears how many orders were placed so far.

    Those of them that ``kept`` holds are not played again; each that is played is kept there.

    Raises: UnavailableError: a process was ended by the system, which had no memory left, say.
    """
    begun, before = time.monotonic(), kept.wall_s if kept else 0.0
    done, had, wanted = Run(), set[int](), {seed for seed, _ in shards}
    for played in kept.played if kept else ():
        if played.result.seed in wanted:
            done.add(played)
            had.add(played.result.seed)
    shards = [each for each in shards if each[0] not in had]
    done.processes = max(1, min(processes, len(shards)))
    lived = done.tally.orders

    def heard(placed: int) -> None:
        told(lived + placed)

    if lived:
        heard(0)
    play = _here if done.processes == 1 else partial(_apart, processes=done.processes)
    for played in play(config, shards, told=heard):
        if kept:
            kept.add(replace(played, wall_s=before + time.monotonic() - begun))
        done.add(played)
    done.seconds = before + time.monotonic() - begun
    return done


def _here(
    config: Config, shards: list[tuple[int, int]], *, told: Callable[[int], object]
) -> Iterator[Played]:
    placed = 0

    def heard() -> None:
        nonlocal placed
        placed += 1
        told(placed)

    before = gc.get_threshold()
    gc.set_threshold(*_RARELY)
    try:
        for seed, size in shards:
            yield _played(seed, size, config, heard)
    finally:
        gc.set_threshold(*before)


def _apart(
    config: Config,
    shards: list[tuple[int, int]],
    *,
    processes: int,
    told: Callable[[int], object],
) -> Iterator[Played]:
    context = multiprocessing.get_context("spawn")  # nothing is shared by accident
    placed: Synchronized[int] = context.Value("q", 0)
    left, running = iter(shards), set[Future[Played]]()
    with ProcessPoolExecutor(
        processes, mp_context=context, initializer=_begin, initargs=(config, placed)
    ) as pool:
        try:
            while True:
                while len(running) < _AHEAD * processes and (shard := next(left, None)):
                    running.add(pool.submit(_work, *shard))
                if not running:
                    break
                over, running = wait(running, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
                told(placed.value)
                yield from (each.result() for each in over)
        except BrokenProcessPool as error:
            raise UnavailableError(
                "a process of the simulation was ended from outside, for want of memory perhaps; "
                "run fewer --processes"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin(config: Config, placed: "Synchronized[int]") -> None:
    """The beginning of a process."""
    global _config, _placed
    _config, _placed = config, placed
    gc.set_threshold(*_RARELY)


def _work(seed: int, size: int) -> Played:
    counter, config = _placed, _config
    assert counter is not None
    assert config is not None

    def heard() -> None:
        with counter.get_lock():
            counter.value += 1

    return _played(seed, size, config, heard)


def _played(seed: int, size: int, config: Config, heard: Callable[[], object]) -> Played:
    begun = time.process_time()
    result = play_shard(seed, size, config, heard)
    gc.collect()  # a shard is full of circles, and the next one needs its memory
    kept = result.differences[:_TOLD]
    if left := len(result.differences) - len(kept):
        kept.append(f"and {left} more")
    result = Result(seed, size, result.tally, kept, result.trace)
    return Played(result, _peak_mib(), time.process_time() - begun)


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
