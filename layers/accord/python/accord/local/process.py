"""A server of ours as a process of its own: started, waited for, ended. See ``serving`` for it."""

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

_PACKAGE_ROOT = Path(__file__).parents[2]
_STOP_S = 10.0
_SHOWN = 2000  # bytes of the end of its log


class NotStartedError(RuntimeError):
    """It ended before it was ready, or took too long; the message holds the end of its log."""


class Process:
    """``python -m module`` with ``arguments``. However its starter ends, it ends with it.

    ``what`` names it to people. Its standard error goes to ``log``, or to a file that is gone when
    it ends. ``environment`` is all that it sees, or else what we see; ``accord`` is found either
    way. A key press that interrupts its starter does not reach it.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        what: str,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Nothing is started yet. ``folder`` is where it works, ours if not given."""
        self._command = [sys.executable, "-m", module, *arguments]
        self._what = what
        self._path = log
        self._environment = environment
        self._folder = folder
        self._log: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its number while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Returns at once; ``wait`` tells when it is ready."""
        seen = os.environ if self._environment is None else self._environment
        paths = filter(None, (str(_PACKAGE_ROOT), seen.get("PYTHONPATH")))
        if self._path is None:
            self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        else:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._log = self._path.open("a+b")
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env={**seen, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.PIPE,  # which closes with us, and that ends it
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )

    def wait(self, within_s: float) -> dict[str, Any]:
        """What its ready line says. Raises: NotStartedError: there was none; it is stopped then."""
        try:
            return self._ready(within_s)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends this process and no other; a second time does nothing."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        log, self._log = self._log, None
        if log is not None:
            log.close()

    def _ready(self, within_s: float) -> dict[str, Any]:
        if self._process is None or self._process.stdout is None:
            raise NotStartedError(f"{self._what} was not started")
        output = self._process.stdout.fileno()
        until = time.monotonic() + within_s
        said = b""
        why = f"it was not ready within {within_s:.0f} s"
        while (left := until - time.monotonic()) > 0:
            if not select.select([output], [], [], left)[0]:
                break
            # Not readline: half a line would be waited on for ever.
            piece = os.read(output, 65536)
            if not piece:
                why = "it ended"
                break
            *lines, said = (said + piece).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):
                    found = json.loads(line)
                    if isinstance(found, dict) and found.get("ready"):
                        return found
        raise NotStartedError(f"{self._what} did not start: {why}; {self._end_of_log()}")

    def _end_of_log(self) -> str:
        if self._log is None:
            return "it has no log"
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - _SHOWN))
        end = self._log.read().decode(errors="replace").strip()
        return f"the end of {self._path or 'its log'}:\n{end}"
