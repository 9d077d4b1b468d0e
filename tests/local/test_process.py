"""A server of ours as a process: ready when it says so, ended with whoever started it."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from accord.local.process import NotStartedError, Process
from accord.local.server import Server
from accord.local.store import StoreServer

Make = Callable[[str], Process]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A process that runs the given text; it works in a folder of its own."""
    made: list[Process] = []

    def make_(text: str) -> Process:
        (tmp_path / "program.py").write_text(textwrap.dedent(text))
        log = tmp_path / "program.log"
        made.append(Process("program", what="the program", log=log, folder=tmp_path))
        made[-1].start()
        return made[-1]

    yield make_
    for process in made:
        process.stop()


def is_gone(pid: int, within_s: float = 5.0) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":  # ended; nobody has asked for its code yet
            return True
        time.sleep(0.02)
    return False


READY = 'import sys; print(\'{"ready": true, "port": 7}\', flush=True); sys.stdin.read()'


def test_it_is_ready_when_it_says_so(make: Make) -> None:
    assert make(READY).wait(30)["port"] == 7


def test_what_it_says_before_it_is_ready_is_passed_over(make: Make) -> None:
    process = make(f"print('[1]'); print('hello'); {READY}")

    assert process.wait(30)["port"] == 7


def test_one_that_ends_shows_the_end_of_its_log(make: Make) -> None:
    with pytest.raises(NotStartedError, match=r"(?s)the program did not start: it ended.*oh dear"):
        make("import sys; sys.exit('oh dear')").wait(30)


def test_one_that_says_nothing_is_given_up(make: Make) -> None:
    process = make("import sys; sys.stdin.read()")
    with pytest.raises(NotStartedError, match="not ready within"):
        process.wait(0.2)

    assert process.pid is None


def test_half_a_line_is_not_waited_on_for_ever(make: Make) -> None:
    process = make("import sys; print('{', end='', flush=True); sys.stdin.read()")

    with pytest.raises(NotStartedError):
        process.wait(0.5)


def test_one_that_was_not_started_is_not_waited_for() -> None:
    with pytest.raises(NotStartedError, match="was not started"):
        Process("program", what="the program").wait(1)


def test_a_stopped_one_is_gone_and_may_be_stopped_again(make: Make) -> None:
    process = make(READY)
    process.wait(30)
    pid = process.pid
    process.stop()
    process.stop()

    assert pid is not None
    assert is_gone(pid, 0.5)


def test_a_server_ends_when_its_starter_is_killed() -> None:
    script = """
        import time
        from accord.local.store import StoreServer
        server = StoreServer().start()
        print(server.pid, flush=True)
        time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.kill()

    assert is_gone(pid)


def test_what_a_server_prints_is_in_its_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "store.log"
    with StoreServer(log=log) as server:
        httpx.get(f"{server.url}/%00/", timeout=10, trust_env=False)

    assert log.exists()


def test_a_server_without_plan_of_faults_says_what_it_was_asked() -> None:
    with StoreServer() as server:
        server.forget_calls()
        httpx.get(f"{server.url}/wp-json/wc/v3/orders", timeout=10, trust_env=False)
        server.plan()

        assert isinstance(server, Server)
        assert server.calls()["total"] == 1


def test_a_pid_is_there_while_it_runs() -> None:
    server = StoreServer()
    assert server.pid is None
    with server:
        assert server.pid is not None
        os.kill(server.pid, 0)
    assert server.pid is None
