"""Shards over processes: the same seed is the same run, however many there are."""

import os
from pathlib import Path
from typing import Any

import pytest

from accord.errors import BadInputError, UnavailableError
from accord.local.place import REPO, toml_of
from accord.local.simulate import kept
from accord.local.simulate import run as simulation
from accord.local.simulate.kept import Kept
from accord.local.simulate.shard import Result, seeds
from accord.local.simulate.tally import Tally
from accord.rules.config import Config

RULES = Config.model_validate(toml_of(REPO / "accord.toml"))


def test_orders_are_shared_out_and_every_shard_has_a_seed_of_its_own() -> None:
    shared = seeds(1, 2500, 1000)

    assert [size for _, size in shared] == [1000, 1000, 500]
    assert len({seed for seed, _ in [*shared, *seeds(2, 2500, 1000)]}) == 6
    assert seeds(1, 900, 1000)[0][0] == shared[0][0]


def test_few_orders_make_small_shards_so_that_every_core_has_some() -> None:
    assert [size for _, size in simulation.shards_of(1, 600)] == [250, 250, 100]
    assert [size for _, size in simulation.shards_of(1, 4500)] == [1000] * 4 + [500]


def test_other_processes_come_to_the_same() -> None:
    shards, heard = [(5, 4), (6, 4)], list[int]()

    here = simulation.run(RULES, shards, processes=1, told=heard.append)
    apart = simulation.run(RULES, shards, processes=2)

    assert heard == list(range(1, 9))
    assert (here.processes, apart.processes) == (1, 2)
    assert here.tally == apart.tally
    assert here.shards == apart.shards == 2
    assert not here.failed
    assert not apart.failed
    assert apart.peak_mib > 0


def test_a_shard_that_differs_is_named_with_the_command_that_plays_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def differs(seed: int, size: int, *_: object) -> Result:
        return Result(seed, size, Tally(orders=size), [f"order {n}: differs" for n in range(30)])

    monkeypatch.setattr(simulation, "play_shard", differs)

    done = simulation.run(RULES, [(7, 50)], processes=1)

    (failed,) = done.to_json()["failed"]
    assert failed["again"] == "accord simulate --shard 7 --orders 50"
    assert failed["differences"][:1] == ["order 0: differs"]
    assert failed["differences"][-1] == "and 10 more"


def test_a_run_that_was_broken_off_goes_on_with_the_shards_that_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards, file, heard = [(5, 3), (6, 3), (7, 3)], tmp_path / "kept", list[int]()
    whole = simulation.run(RULES, shards, processes=1)

    class GoneError(BaseException):
        """The laptop is closed."""

    def gone(placed: int) -> None:
        if placed == 8:
            raise GoneError

    with pytest.raises(GoneError):
        simulation.run(RULES, shards, processes=1, told=gone, kept=_kept(file))
    file.write_text(file.read_text() + '{"result": {"seed": 7')
    again = simulation.run(RULES, shards, processes=2, told=heard.append, kept=_kept(file))

    assert heard == [6, 7, 8, 9]
    assert again.tally == whole.tally
    assert (again.shards, again.processes) == (3, 1)
    assert again.seconds >= _kept(file).wall_s > 0
    assert again.cpu_seconds > 0

    monkeypatch.setattr(simulation, "play_shard", None)  # there is nothing left to play
    assert simulation.run(RULES, shards, processes=2, kept=_kept(file)).tally == whole.tally


def test_what_differs_is_kept_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def differs(seed: int, size: int, *_: object) -> Result:
        return Result(seed, size, Tally(orders=size), ["order 1: differs"], "a trace")

    monkeypatch.setattr(simulation, "play_shard", differs)
    first = simulation.run(RULES, [(7, 50)], processes=1, kept=_kept(tmp_path / "kept"))
    again = simulation.run(RULES, [(7, 50)], processes=1, kept=_kept(tmp_path / "kept"))

    assert first.failed == again.failed != []


def test_shards_of_another_run_or_of_other_code_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kept"
    _kept(file)

    with pytest.raises(BadInputError, match=r"another run, or none \(seed\): name another file"):
        Kept(file, seed=2, orders=9, config=RULES)
    monkeypatch.setattr(kept, "version", lambda _: "other")
    with pytest.raises(BadInputError, match=r"\(version\)"):
        _kept(file)
    file.write_text("my notes\n")
    with pytest.raises(BadInputError, match=r"\(seed, orders, version\)"):
        _kept(file)
    assert file.read_text() == "my notes\n"


def _kept(file: Path) -> Kept:
    return Kept(file, seed=1, orders=9, config=RULES)


class _Deadly:
    """What ends the process that is handed it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (1,)


def test_a_process_that_dies_is_told_and_not_waited_for() -> None:
    with pytest.raises(UnavailableError, match="fewer --processes"):
        simulation.run(_Deadly(), [(1, 5), (2, 5)], processes=2)  # type: ignore[arg-type]
