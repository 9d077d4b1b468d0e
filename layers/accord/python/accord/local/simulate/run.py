"""Shard after shard, over as many processes as there are cores, in bounded memory."""

import gc
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from accord.errors import UnavailableError
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
    """What all shards came to together. ``failed`` are those that differ, with their seeds."""

    tally: Tally = field(default_factory=Tally)
    shards: int = 0
    failed: list[Result] = field(default_factory=list)
    processes: int = 1
    seconds: float = 0.0
    peak_mib: float = 0.0  # of the largest process

    @property
    def orders_per_second(self) -> float:
        return self.tally.orders / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            **self.tally.to_json(),
            "recovered": dict(self.tally.recovered()),
            "shards": self.shards,
            "processes": self.processes,
            "seconds": round(self.seconds, 1),
            "orders_per_second": round(self.orders_per_second, 1),
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
) -> Run:
    """All ``shards`` (seed, orders). ``told`` hears how many orders were placed so far.

    Raises: UnavailableError: a process was ended by the system, which had no memory left, say.
    """
    begun, processes = time.monotonic(), max(1, min(processes, len(shards)))
    done = Run(processes=processes)
    played = (
        _here(config, shards, told) if processes == 1 else _apart(config, shards, processes, told)
    )
    for result, peak_mib in played:
        done.shards += 1
        done.tally.add(result.tally)
        done.peak_mib = max(done.peak_mib, peak_mib)
        if result.differences:
            done.failed.append(result)
    done.seconds = time.monotonic() - begun
    return done


def _here(
    config: Config, shards: list[tuple[int, int]], told: Callable[[int], object]
) -> Iterator[tuple[Result, float]]:
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
    config: Config, shards: list[tuple[int, int]], processes: int, told: Callable[[int], object]
) -> Iterator[tuple[Result, float]]:
    context = multiprocessing.get_context("spawn")  # nothing is shared by accident
    placed: Synchronized[int] = context.Value("q", 0)
    left, running = iter(shards), set[Future[tuple[Result, float]]]()
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


def _work(seed: int, size: int) -> tuple[Result, float]:
    counter, config = _placed, _config
    assert counter is not None
    assert config is not None

    def heard() -> None:
        with counter.get_lock():
            counter.value += 1

    return _played(seed, size, config, heard)


def _played(
    seed: int, size: int, config: Config, heard: Callable[[], object]
) -> tuple[Result, float]:
    result = play_shard(seed, size, config, heard)
    gc.collect()  # a shard is full of circles, and the next one needs its memory
    kept = result.differences[:_TOLD]
    if left := len(result.differences) - len(kept):
        kept.append(f"and {left} more")
    return Result(seed, size, result.tally, kept, result.trace), _peak_mib()


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
