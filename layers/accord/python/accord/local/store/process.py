"""The stand-in in a process of its own, started and ended by whoever needs it."""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx


class StoreServer:
    """A context manager: inside it the store answers at ``url`` and takes ``consumer_key``.

    ``control`` speaks to its ``/_accord/`` paths (see ``accord.local.store.app``).
    """

    def __init__(
        self,
        *,
        port: int = 0,
        home: str = "https://store.example",
        consumer_key: str = "ck_stand_in",
        consumer_secret: str = "cs_stand_in",
        cron: float = 0.0,
        start_within: float = 30.0,
    ) -> None:
        self.home = home
        self.consumer_key = consumer_key
        self.consumer_secret = consumer_secret
        self.url = ""
        self._start_within = start_within
        self._arguments = [
            *("--port", str(port), "--home", home, "--cron", str(cron)),
            *("--consumer-key", consumer_key, "--consumer-secret", consumer_secret),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Raises: RuntimeError: it did not start in time."""
        package = str(Path(__file__).parents[3])  # where accord lies, for a plain interpreter
        path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "accord.local.store.serve", *self._arguments],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        try:
            self.url = json.loads(self._first_line())["url"]
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def stop(self) -> None:
        """Ends the process that was started here, and no other."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()

    def control(self, method: str, path: str, json: object = None) -> Any:
        """The answer of ``/_accord/{path}``. Raises: httpx.HTTPError: refused or unreachable."""
        with httpx.Client(base_url=self.url, timeout=60, trust_env=False) as client:
            response = client.request(method, f"/_accord/{path}", json=json)
            response.raise_for_status()
            return response.json()

    def run_queue(self) -> int:
        """Sends the queued deliveries, and returns how many there were."""
        return int(self.control("POST", "run-queue")["sent"])

    def _first_line(self) -> bytes:
        process = self._process
        if process is None or process.stdout is None:
            raise RuntimeError("the store's stand-in is not running")
        until = time.monotonic() + self._start_within
        ready: list[Any] = []
        while not ready and time.monotonic() < until and process.poll() is None:
            ready, _, _ = select.select([process.stdout], [], [], 0.1)
        line = process.stdout.readline() if ready else b""
        if not line:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise RuntimeError("the store's stand-in did not start")
        return line
