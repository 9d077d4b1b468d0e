"""What happens when a part beside the runner does not do its part."""

import contextlib
import http.server
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from accord.errors import BadInputError, UnavailableError
from accord.local.runner import assembly, stack
from accord.local.runner.sandbox import Sandbox
from accord.local.runner.synth import fingerprint
from accord.local.runner.wire import Wire


@pytest.fixture
def broken() -> Iterator[str]:
    """The endpoint of a server that answers 500."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(500)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"oops")

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_answer_that_is_an_error_is_unavailable(broken: str) -> None:
    wire = Wire(broken)

    with pytest.raises(
        UnavailableError, match=r"answered 500 to / AmazonSQS\.ReceiveMessage: oops"
    ):
        wire.sqs("ReceiveMessage", {}, key="k")
    wire.forget()


def test_nobody_listening_is_unavailable_and_surely_not_sent() -> None:
    with pytest.raises(UnavailableError, match="nobody listens") as caught:
        Wire("http://127.0.0.1:1").own("queues")

    assert caught.value.sent is False


def test_an_aws_stand_in_that_does_not_start_names_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "_MOTO", "accord.no_such_module")
    with (
        contextlib.closing(stack.LocalStack(tmp_path, work=tmp_path)) as local,
        pytest.raises(UnavailableError, match=r"(?s)did not start.*aws\.log.*no_such_module"),
    ):
        local._start_moto()


def test_a_process_that_cannot_be_started_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"no process for handler\.f"):
        Sandbox(
            "handler.f",
            cwd=tmp_path / "gone",
            environment=lambda _: {},
            on_line=lambda _: None,
        )


def test_a_functions_process_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text("def f(event, context): ...")
    script = f"""
        import pathlib, time
        from accord.local.runner.sandbox import Sandbox
        work = pathlib.Path({str(tmp_path)!r})
        sandbox = Sandbox(
            "handler.f", cwd=work, on_line=print,
            environment=lambda api: {{"AWS_LAMBDA_RUNTIME_API": api, "PYTHONPATH": str(work)}})
        assert sandbox.ready()
        print(sandbox.pid, flush=True)
        time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.send_signal(signal.SIGKILL)

    assert _gone(pid, 5.0)


def _gone(pid: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return True
            state = "?"
        if state == "Z":  # ended; nobody has asked for its code yet
            return True
        time.sleep(0.02)
    return False


# --- synthesis ---


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A checkout whose CDK app writes how often it ran."""
    app = """
        import pathlib, sys
        here = pathlib.Path(__file__).parent
        if (here / "broken").exists():
            sys.exit("the stack is wrong")
        out = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
        out.mkdir(parents=True)
        (out / "manifest.json").write_text("{}")
        count = here.parent / "count"
        count.write_text(count.read_text() + "x" if count.exists() else "x")
    """
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "app.py").write_text(textwrap.dedent(app))
    (tmp_path / "accord.toml").write_text("")
    local = tmp_path / "layers/accord/python/accord/local"
    local.mkdir(parents=True)
    (local / "a.py").write_text("")
    return tmp_path


def test_an_unchanged_checkout_is_synthesised_once(repo: Path) -> None:
    said: list[str] = []

    first = assembly(repo, progress=said.append)
    second = assembly(repo, progress=said.append)

    assert first == second
    assert (repo / "count").read_text() == "x"
    assert said == ["synthesising the dev stacks"]


def test_a_changed_checkout_is_synthesised_again(repo: Path) -> None:
    first = assembly(repo)
    (repo / "accord.toml").write_text("[stores]")

    assert assembly(repo) != first


def test_what_no_layer_holds_changes_nothing(repo: Path) -> None:
    before = fingerprint(repo)
    (repo / "layers/accord/python/accord/local/a.py").write_text("x = 1")

    assert fingerprint(repo) == before


def test_an_app_that_fails_says_what_it_said(repo: Path) -> None:
    (repo / "infra" / "broken").write_text("")

    with pytest.raises(
        BadInputError, match=r"(?s)python -m infra\.app.*failed:.*the stack is wrong"
    ):
        assembly(repo)
