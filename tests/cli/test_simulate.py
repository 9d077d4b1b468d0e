"""`accord simulate` says what came of it, and fails with the command that plays it again."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from accord.cli.app import app
from accord.local.simulate import run as simulation
from accord.local.simulate.shard import Result
from accord.local.simulate.tally import Tally

RUN = CliRunner()


def test_a_small_run_agrees_and_is_told_for_people() -> None:
    ran = RUN.invoke(app, ["simulate", "--orders", "6", "--processes", "1"])

    assert ran.exit_code == 0
    for text in ("orders per second", "p95", "webhook lost", "differences"):
        assert text in ran.stdout


def test_scripts_get_every_figure() -> None:
    ran = RUN.invoke(app, ["simulate", "--orders", "6", "--processes", "1", "--json"])

    found = json.loads(ran.stdout)
    assert (found["orders"], found["failed"]) == (6, [])
    assert found["agreement_seconds"].keys() == {"p50", "p95", "max", "acts"}
    assert found["faults"]["webhook lost"] > 0


def test_a_difference_is_an_exit_code_and_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    done = simulation.Run(failed=[Result(77, 500, Tally(), ["order 1001: is there twice"])])
    monkeypatch.setattr(simulation, "run", lambda *_, **__: done)

    ran = RUN.invoke(app, ["simulate"])

    assert ran.exit_code == 1
    assert "order 1001: is there twice" in ran.stdout
    assert "again: accord simulate --shard 77 --orders 500" in ran.stderr


def test_one_shard_is_played_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []

    def run(_: object, shards: object, **__: object) -> simulation.Run:
        heard.append(shards)
        return simulation.Run()

    monkeypatch.setattr(simulation, "run", run)

    RUN.invoke(app, ["simulate", "--shard", "77", "--orders", "500"])

    assert heard == [[(77, 500)]]


def test_an_orders_story_is_told_of_its_shard() -> None:
    ran = RUN.invoke(app, ["simulate", "--shard", "1", "--orders", "2", "--story", "1001"])

    assert ran.exit_code == 0
    assert "placed as" in ran.stdout


def test_a_story_needs_its_shard() -> None:
    ran = RUN.invoke(app, ["simulate", "--story", "1001"])

    assert ran.exit_code == 2
    assert "name its --shard" in ran.stderr


def test_what_is_done_is_kept_in_a_file_and_counted_again(tmp_path: Path) -> None:
    command = ["simulate", "--orders", "4", "--keep", str(tmp_path / "kept"), "--json"]

    first, again = (json.loads(RUN.invoke(app, command).stdout) for _ in range(2))

    assert first.keys() == again.keys()
    same = first.keys() - {"seconds", "orders_per_second", "peak_mib", "processes"}
    assert {key: first[key] for key in same} == {key: again[key] for key in same}
    other = RUN.invoke(app, [*command, "--seed", "2"])
    assert other.exit_code != 0
    alone = RUN.invoke(app, [*command, "--shard", "2"])
    assert alone.exit_code == 2
    assert "leave it or --shard out" in alone.stderr


def test_a_part_is_played_and_the_rest_is_left_to_others(tmp_path: Path) -> None:
    command = ["simulate", "--orders", "255", "--keep", str(tmp_path / "kept"), "--json"]

    last = json.loads(RUN.invoke(app, [*command, "--part", "2-2"]).stdout)

    assert (last["orders"], last["shards"]) == (5, 1)
    again = RUN.invoke(app, [*command, "--part", "2-2", "--processes", "1"])
    assert json.loads(again.stdout)["messages"] == last["messages"]


@pytest.mark.parametrize("part", ["0-1", "1-3", "2-1", "2", "a-b", "-1", ""])
def test_a_part_that_the_run_does_not_have_is_refused(part: str) -> None:
    ran = RUN.invoke(app, ["simulate", "--orders", "255", f"--part={part}"])

    assert ran.exit_code == 2
    assert "it has 1-2" in " ".join(ran.stderr.replace("│", " ").split())


def test_a_part_is_of_a_whole_run() -> None:
    ran = RUN.invoke(app, ["simulate", "--shard", "2", "--orders", "5", "--part", "1-1"])

    assert ran.exit_code == 2
    assert "leave it or --shard out" in ran.stderr
