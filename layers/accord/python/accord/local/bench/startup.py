"""What a function's start costs the one who waits: CPU of its imports against a bare interpreter.

A ratio, because only that carries over from this machine to Lambda's.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from accord.errors import BadInputError
from accord.local.place import REPO

_LAYER = REPO / "layers" / "accord" / "python"
_BARE = "pass"
_HANDLER = "import handler"


def functions(repo: Path = REPO) -> list[str]:
    """The folder of every function."""
    return sorted(path.parent.name for path in (repo / "functions").glob("*/handler.py"))


def ratios(folders: Sequence[str], *, runs: int = 7) -> dict[str, float]:
    """Folder → median CPU of a fresh process that imports its handler, a bare one's being 1.

    Bytecode is there, as it is where the layer brings it; all kinds of process take turns, so that
    a busy minute of the machine falls on each.

    Raises: BadInputError: a handler cannot be imported.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ("", *folders)}
    with tempfile.TemporaryDirectory(prefix="bytecode-") as cache:
        for folder in seconds:  # writes the bytecode
            _cpu(folder, {"PYTHONPYCACHEPREFIX": cache})
        read_only = {"PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": "1"}
        for _ in range(runs):
            for folder, taken in seconds.items():
                taken.append(_cpu(folder, read_only))
    bare = statistics.median(seconds.pop(""))
    return {folder: statistics.median(taken) / bare for folder, taken in seconds.items()}


def _cpu(folder: str, bytecode: Mapping[str, str]) -> float:
    """Seconds of CPU of one process, with all that it did in the kernel."""
    path = os.pathsep.join((str(REPO / "functions" / folder), str(_LAYER)))
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": path if folder else "",
        **bytecode,
    }
    command = [sys.executable, "-c", _HANDLER if folder else _BARE]
    pid = os.posix_spawn(sys.executable, command, environment)
    _, status, used = os.wait4(pid, 0)
    if status != 0:
        raise BadInputError(f"functions/{folder}/handler.py cannot be imported; see above")
    return used.ru_utime + used.ru_stime
