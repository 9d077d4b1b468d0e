"""Workers that die: a real handler in a process of its own, which ends after its n-th call.

``python -m tests.journeys.mortal`` reads one job a line (JSON) from standard input, forks, runs the
handler there, and prints what became of it. It has no threads, so a fork is a whole worker.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import httpx

KILLED = 137  # what a shell says of a process that SIGKILL ended
_REPO = Path(__file__).parents[2]
_FUNCTIONS = _REPO / "functions"


@dataclass(frozen=True, slots=True)
class Death:
    """How one run ended: its exit code, the calls it made in order, its answer if it lived."""

    code: int
    calls: tuple[str, ...]
    answer: Any

    @property
    def done(self) -> bool:
        """Whether the function reported the message as handled."""
        return self.code == 0 and self.answer == {"batchItemFailures": []}


class Mortal:
    """A context manager: inside it ``run`` gives a job to a new worker."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.mortal"],
            cwd=_REPO,
            env={**os.environ, "PYTHONPATH": str(_REPO / "layers" / "accord" / "python")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process = self._process
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def run(self, **job: Any) -> Death:
        """See ``_Job``."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        told = json.loads(process.stdout.readline())
        return Death(told["code"], tuple(told["calls"]), told["answer"])


@dataclass(frozen=True, slots=True)
class _Job:
    """``function`` run on ``event``; dead after ``dies_after`` calls, 0 before the first.

    None: it lives. ``left_ms`` is what the context says is left of its time.
    """

    function: str
    event: dict[str, Any]
    environment: dict[str, str]
    left_ms: int
    dies_after: int | None = None


# --- inside the process -----------------------------------------------------------


def main() -> None:
    """Runs jobs until standard input is closed."""
    told = os.fdopen(os.dup(1), "w")
    os.dup2(
        os.open(os.environ.get("MORTAL_LOG", os.devnull), os.O_WRONLY | os.O_APPEND | os.O_CREAT), 1
    )  # the functions' log
    _warm_up()
    for line in sys.stdin:
        told.write(json.dumps(_forked(_Job(**json.loads(line)))) + "\n")
        told.flush()


def _warm_up() -> None:
    """What every worker imports anyway. Nothing is read or opened."""
    import encodings.idna  # noqa: F401 - as those below
    import importlib

    import boto3

    for each in ("httpcore", "accord.consumer", "accord.erp.tryton.adapter", "accord.woo.mapping"):
        importlib.import_module(each)
    from accord.http import _tls

    _tls()
    for service in ("dynamodb", "sqs", "s3"):
        boto3.client(
            service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
        )


def _forked(job: _Job) -> dict[str, Any]:
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        _live(job, writes)
    os.close(writes)
    with os.fdopen(reads, encoding="utf-8") as pipe:
        lines = [json.loads(line) for line in pipe]
    _, status = os.waitpid(child, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "calls": [line["call"] for line in lines if "call" in line],
        "answer": next((line["answer"] for line in lines if "answer" in line), None),
    }


def _live(job: _Job, writes: int) -> None:
    """A worker's whole life. Never returns: a dead process runs no ``finally``."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(job.environment)
        count = _Count(job.dies_after, writes)
        _watch(count)
        handler = _handler(job.function)
        answer = handler(job.event, _Context(job.left_ms))
        _say(writes, answer=answer)
        code = 0
    except BaseException:  # noqa: BLE001 - told, as Lambda would
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


class _Count:
    """Counts calls to the outside, and ends the process after the last one it may make."""

    def __init__(self, dies_after: int | None, writes: int) -> None:
        self._left = dies_after
        self._writes = writes
        self._die_if_due()

    def around(self, name: str, call: Callable[[], Any]) -> Any:
        _say(self._writes, call=name)
        answer = call()
        if self._left is not None:
            self._left -= 1
        self._die_if_due()
        return answer

    def _die_if_due(self) -> None:
        if self._left == 0:
            os._exit(KILLED)


def _watch(count: _Count) -> None:
    """Every way out of the process leads through ``count``."""
    import httpx
    from botocore.httpsession import URLLib3Session

    from accord.aws import _Service

    request, send, exchange = (
        httpx.HTTPTransport.handle_request,
        URLLib3Session.send,
        _Service._exchange,
    )

    def handle_request(self: Any, asked: httpx.Request) -> httpx.Response:
        answer: httpx.Response = count.around(_name(asked), lambda: request(self, asked))
        return answer

    httpx.HTTPTransport.handle_request = handle_request  # type: ignore[method-assign]
    URLLib3Session.send = lambda self, asked: count.around(  # type: ignore[method-assign]
        _aws_name(asked), lambda: send(self, asked)
    )
    _Service._exchange = lambda self, target, *rest: count.around(  # type: ignore[method-assign]
        target, lambda: exchange(self, target, *rest)
    )


def _name(request: "httpx.Request") -> str:
    try:
        return str(json.loads(request.content)["method"])  # Tryton's
    except (ValueError, KeyError, TypeError):
        return f"{request.method} {request.url.path.rpartition('/')[2]}"


def _aws_name(request: Any) -> str:
    target = request.headers.get("X-Amz-Target", b"")
    name = target.decode() if isinstance(target, bytes) else str(target)
    body = json.loads(request.body or b"{}") if name else {}
    what = body.get("TableName") or ",".join(
        f"{word} {part['TableName']} {_key(part)}"
        for item in body.get("TransactItems", ())
        for word, part in item.items()
    )
    return f"{name.rpartition('.')[2] or request.method} {what} {_key(body)}".strip()


def _key(body: dict[str, Any]) -> str:
    key = body.get("Key") or body.get("Item") or {}
    return str(key.get("pk", {}).get("S", ""))


def _handler(function: str) -> Any:
    import importlib.util

    path = _FUNCTIONS / function / "handler.py"
    spec = importlib.util.spec_from_file_location(f"handler_of_{function}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.lambda_handler


class _Context:
    """What a function is told of its invocation."""

    function_name = "order_created"
    function_version = "1"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:order_created"

    def __init__(self, left_ms: int) -> None:
        self._left_ms = left_ms
        self.aws_request_id = os.urandom(8).hex()

    def get_remaining_time_in_millis(self) -> int:
        return self._left_ms


def _say(writes: int, **what: Any) -> None:
    os.write(writes, (json.dumps(what) + "\n").encode())


if __name__ == "__main__":
    main()
