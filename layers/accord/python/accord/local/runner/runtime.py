"""Functions: each a few processes, made when needed and used again, as Lambda does."""

import datetime as dt
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from accord.local.runner.environment import Workshop
from accord.local.runner.metrics import Metrics
from accord.local.runner.resources import FunctionSpec
from accord.local.runner.sandbox import Answer, Invocation, NotStartedError, Sandbox


@dataclass(slots=True)
class Counts:
    """What became of a function's invocations. ``seconds`` is their sum; ``cold`` new processes."""

    invocations: int = 0
    errors: int = 0
    timeouts: int = 0
    crashes: int = 0
    throttles: int = 0
    cold: int = 0
    seconds: float = 0.0


class Log:
    """One function's lines: kept in a file, searched for metrics, shown on request."""

    def __init__(self, path: Path, metrics: Metrics, show: Callable[[str], None] | None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.metrics = metrics
        self._file: BinaryIO = path.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._show = show

    def __call__(self, line: bytes) -> None:
        """Takes one line, without its end."""
        self.metrics.feed(line, at=time.monotonic())
        with self._lock:
            if not self._file.closed:
                self._file.write(line + b"\n")
        if self._show is not None:
            self._show(f"{self.path.stem}: {line.decode('utf-8', 'replace')}")

    def close(self) -> None:
        """Lines after this are lost."""
        with self._lock:
            self._file.close()


@dataclass(slots=True)
class _Pool:
    """Idle processes, the last used first; ``size`` counts the busy ones too."""

    idle: list[Sandbox] = field(default_factory=list)
    all: set[Sandbox] = field(default_factory=set)
    size: int = 0
    busy: int = 0
    closed: bool = False


class Function:
    """One function of the templates. Safe to invoke from many threads."""

    def __init__(
        self, spec: FunctionSpec, workshop: Workshop, log: Log, *, concurrency: int
    ) -> None:
        self.spec = spec
        self.log = log
        self.counts = Counts()
        self._workshop = workshop
        self._limit = concurrency if spec.reserved is None else min(concurrency, spec.reserved)
        self._pool = _Pool()
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        """How many processes it may have at once."""
        return self._limit

    @property
    def in_flight(self) -> int:
        """Invocations that have not ended, those that wait for a process included."""
        return self._pool.busy

    def invoke(self, event: bytes, *, wait_s: float = 30.0) -> Answer:
        """How one invocation with ``event`` (JSON) ended.

        ``wait_s``: how long it may wait for a process; then it is "throttled".
        """
        now = dt.datetime.now(dt.UTC)
        root = f"1-{int(now.timestamp()):08x}-{secrets.token_hex(12)}"
        invocation = Invocation(
            request_id=str(uuid.uuid4()),
            trace_id=f"Root={root};Parent={secrets.token_hex(8)};Sampled=0",
            arn=self.spec.arn,
            event=event,
            timeout_s=self.spec.timeout_s,
        )
        with self._changed:
            self._pool.busy += 1
        try:
            answer = self._run(invocation, wait_s)
        finally:
            with self._changed:
                self._pool.busy -= 1
        self._count(answer)
        return answer

    def _run(self, invocation: Invocation, wait_s: float) -> Answer:
        while (sandbox := self._take(wait_s)) is not None:
            try:
                return sandbox.invoke(invocation)
            except NotStartedError:
                continue  # it died in its sleep; the next one is alive or new
            finally:
                self._give_back(sandbox)
        return Answer("throttled", b'{"errorType": "TooManyRequests"}', invocation.request_id, 0.0)

    def _take(self, wait_s: float) -> Sandbox | None:
        deadline = time.monotonic() + wait_s
        with self._changed:
            while True:
                if self._pool.closed:
                    return None
                while self._pool.idle:
                    sandbox = self._pool.idle.pop()
                    if sandbox.alive:
                        return sandbox
                    self._forget(sandbox)
                if self._pool.size < self._limit:
                    break
                if not self._changed.wait(deadline - time.monotonic()):
                    return None
            self._pool.size += 1
        return self._spawn()

    def _spawn(self) -> Sandbox:
        try:
            sandbox = Sandbox(
                self.spec.handler,
                cwd=self._workshop.copy(self.spec.code),
                environment=lambda api: self._workshop.environment(self.spec, runtime_api=api),
                on_line=self.log,
            )
        except BaseException:
            with self._changed:
                self._pool.size -= 1
                self._changed.notify()
            raise
        with self._changed:
            self._pool.all.add(sandbox)
            self.counts.cold += 1
            closed = self._pool.closed
        if closed:
            sandbox.kill()
        return sandbox

    def _give_back(self, sandbox: Sandbox) -> None:
        with self._changed:
            if sandbox.alive and not self._pool.closed:
                self._pool.idle.append(sandbox)
            else:
                self._forget(sandbox)
            self._changed.notify()

    def _forget(self, sandbox: Sandbox) -> None:
        self._pool.size -= 1
        if not self._pool.closed:
            self._pool.all.discard(sandbox)

    def _count(self, answer: Answer) -> None:
        with self._changed:
            self.counts.invocations += answer.kind != "throttled"
            self.counts.throttles += answer.kind == "throttled"
            self.counts.errors += answer.kind in ("error", "timeout", "crash")
            self.counts.timeouts += answer.kind == "timeout"
            self.counts.crashes += answer.kind == "crash"
            self.counts.seconds += answer.seconds
        failed = answer.kind in ("error", "timeout", "crash")
        told = {"Throttles": 1} if answer.kind == "throttled" else {"Invocations": 1}
        for name, value in {**told, "Errors": int(failed)}.items():
            dimensions = {"FunctionName": self.spec.name}
            self.log.metrics.put("AWS/Lambda", name, value, dimensions, at=time.monotonic())
        if answer.kind in ("timeout", "crash"):
            self.log(str(answer.json()["errorMessage"]).encode())

    def prewarm(self, count: int = 1) -> bool:
        """Has ``count`` processes ready; False when one could not import its handler."""
        wanted = min(count, self._limit)
        taken: list[Sandbox] = []
        while len(taken) < wanted and (sandbox := self._take(0.0)) is not None:
            taken.append(sandbox)
        ready = [sandbox.ready() for sandbox in taken]
        for sandbox in taken:
            self._give_back(sandbox)
        return all(ready)

    def flush(self) -> None:
        """Waits until what the processes have printed was read."""
        with self._changed:
            sandboxes = list(self._pool.all)
        for sandbox in sandboxes:
            sandbox.flush()

    def close(self) -> None:
        """Ends every process; invocations under way end as crashes, new ones as throttled."""
        with self._changed:
            self._pool.closed = True
            sandboxes = list(self._pool.all)
            self._changed.notify_all()
        for sandbox in sandboxes:
            sandbox.kill()
        for sandbox in sandboxes:
            sandbox.join()
        self.log.close()
