"""What is common to the servers that stand on this machine for other systems."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from accord.local.process import Process

_ANSWER_S = 60.0


class Server:
    """A context manager: inside it a process of its own answers at ``url``, on loopback.

    Planned faults and counts: see ``accord.local.faults``.
    """

    def __init__(
        self, what: str, module: str, *arguments: str, within_s: float, log: Path | None = None
    ) -> None:
        """Nothing is started yet. ``within_s`` is how long it may take to be ready."""
        self.url = ""
        self._within_s = within_s
        self._process = Process(module, *arguments, "--until-stdin-closes", what=what, log=log)

    def start(self) -> Self:
        """Waits until it answers. Raises: NotStartedError: it ended, or was not ready in time."""
        self._process.start()
        port = self._process.wait(self._within_s)["port"]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def stop(self) -> None:
        """Ends the process that was started here, and no other."""
        self._process.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """Its process while it runs."""
        return self._process.pid

    def plan(self, **faults: Any) -> None:
        """Plans faults: the fields of ``faults.Plan``. Without any, clears the plan."""
        if faults:
            self.control("PUT", "faults", faults)
        else:
            self.control("DELETE", "faults")

    def down(self, down: bool = True) -> None:
        """Answers 503 to everything, or no longer does."""
        self.control("PUT", "down", {"down": down})

    def calls(self) -> dict[str, Any]:
        """What was asked since ``forget_calls``, by method, and which faults happened."""
        answer: dict[str, Any] = self.control("GET", "calls")
        return answer

    def forget_calls(self) -> None:
        """Counts from nothing."""
        self.control("DELETE", "calls")

    def control(self, method: str, path: str, json: object = None) -> Any:
        """The answer of ``/_accord/{path}``. Raises: httpx.HTTPError: refused or unreachable."""
        url = f"{self.url}/_accord/{path}"
        # Plain HTTP on loopback: to read the certificates of the world would take 20 ms a call.
        response = httpx.request(
            method, url, json=json, timeout=_ANSWER_S, trust_env=False, verify=False
        )
        response.raise_for_status()
        return response.json()
