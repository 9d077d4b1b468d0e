"""Death of a function's process at any call it makes, while the plan is there.

Run by path in that process before its handler is imported, and imports nothing of the package. In
the folder that ``LOCAL_DEATHS`` names: ``plan`` is JSON, ``{"seed": 1, "rate": 0.01}``, and gone in
peace; ``births`` has one byte for each process; ``deaths`` one line for each that died.
"""

import json
import os
import random
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_REQUEST = (b"POST ", b"GET ", b"PUT ", b"DELETE ", b"HEAD ", b"PATCH ")
_MOMENTS = ("before a call", "unanswered", "answered")


class _Fate:
    """Draws, for each request that leaves, whether the process dies of it, and when."""

    def __init__(self, folder: Path) -> None:
        self._plan = folder / "plan"
        self._deaths = folder / "deaths"
        self._name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self._birth = _birth(folder / "births")
        self._random: random.Random | None = None
        self._due = threading.local()  # the moment at which the request under way kills

    def leaves(self, data: Any) -> None:
        """Told of what is sent, before it is."""
        if not bytes(data[:8]).startswith(_REQUEST):
            return
        self._due.moment = ""
        try:
            plan = json.loads(self._plan.read_bytes())
        except (OSError, ValueError):
            return  # in peace
        if self._random is None:
            self._random = random.Random(f"{plan['seed']} {self._name} {self._birth}")
        draw, moment = self._random.random(), self._random.choice(_MOMENTS)
        if draw < plan["rate"]:
            self._due.moment = moment
            self._die_if(_MOMENTS[0])

    def waits(self) -> None:
        """All was sent, nothing was heard."""
        self._die_if(_MOMENTS[1])

    def heard(self) -> None:
        """The answer began to arrive."""
        self._die_if(_MOMENTS[2])

    def _die_if(self, moment: str) -> None:
        if getattr(self._due, "moment", "") == moment:
            _append(self._deaths, f"{self._name} {moment}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)


def _birth(path: Path) -> int:
    """The how-manieth process this is."""
    return _append(path, b".")


def _append(path: Path, data: bytes) -> int:
    """Where the file ends after it."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, data)
        return os.lseek(file, 0, os.SEEK_CUR)
    finally:
        os.close(file)


def watch(fate: _Fate) -> None:
    """Every way out of the process in Python is a socket; the runtime's own client is not one."""

    def sends(name: str) -> Callable[..., Any]:
        send = getattr(socket.socket, name)

        def sent(self: socket.socket, data: Any, *rest: Any) -> Any:
            fate.leaves(data)
            return send(self, data, *rest)

        return sent

    def receives(name: str) -> Callable[..., Any]:
        receive = getattr(socket.socket, name)

        def received(self: socket.socket, *rest: Any) -> Any:
            fate.waits()
            answer = receive(self, *rest)
            fate.heard()
            return answer

        return received

    for name in ("send", "sendall"):
        setattr(socket.socket, name, sends(name))
    for name in ("recv", "recv_into"):
        setattr(socket.socket, name, receives(name))


if __name__ == "__main__":
    watch(_Fate(Path(os.environ["LOCAL_DEATHS"])))
