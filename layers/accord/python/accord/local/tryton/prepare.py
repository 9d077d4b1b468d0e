"""A ready Tryton database, made once and kept."""

import contextlib
import datetime as dt
import fcntl
import hashlib
import importlib.metadata
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from accord.local.tryton.names import DATABASE

_SCRIPTS = ("fill.py", "names.py")  # what decides the content beside the installed modules
_TIMEOUT_S = 900  # making it takes half a minute of one core; a loaded machine is slower


class NotPreparedError(Exception):
    """Tryton's database could not be made; the message holds the end of what was printed."""


def prepare(
    cache: Path, *, progress: Callable[[str], None], now: dt.datetime | None = None
) -> Path:
    """The ready database file in ``cache``, made there if it is not.

    Its name holds a hash of the installed Tryton packages' versions, of our own scripts and of
    the year (it brings last year's, this year's and next year's periods), so an upgrade makes a
    new one. Two processes that prepare at once make it once: the second waits for the first.

    Raises: NotPreparedError: making it failed.
    """
    year = (now or dt.datetime.now(dt.UTC)).year
    file = cache / f"tryton-{_key(year)}.sqlite"
    if file.exists():
        return file
    cache.mkdir(parents=True, exist_ok=True)
    with _lock(cache / "tryton.lock", progress):
        if not file.exists():
            with tempfile.TemporaryDirectory(dir=cache, prefix="making-") as folder:
                _make(Path(folder), year, progress)
                made = Path(folder) / f"{DATABASE}.sqlite"
                compact(made)
                made.replace(file)
            _forget_older(cache, file)
    return file


def compact(file: Path) -> None:
    """Makes ``file``, which nobody has open, one small file with no journal beside it."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("DELETE FROM ir_session")
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("VACUUM")


def copy(prepared: Path, folder: Path) -> Path:
    """A database in ``folder`` of its own, named as Tryton wants it."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(prepared, folder / f"{DATABASE}.sqlite"))


def _key(year: int) -> str:
    versions = sorted(
        f"{name}=={distribution.version}"
        for distribution in importlib.metadata.distributions()
        if (name := distribution.name.lower()).startswith(("trytond", "proteus"))
    )
    digest = hashlib.sha256("\n".join([*versions, str(year)]).encode())
    for script in _SCRIPTS:
        digest.update(Path(__file__).with_name(script).read_bytes())
    return digest.hexdigest()[:16]


def _make(folder: Path, year: int, progress: Callable[[str], None]) -> None:
    """Runs ``fill`` there; its lines are the progress. Tryton never runs in this process."""
    command = [sys.executable, "-m", "accord.local.tryton.fill", str(folder), str(year)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
    )
    said: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.rstrip())
            if not line.startswith((" ", "Traceback")):
                progress(line.rstrip())
        process.wait(_TIMEOUT_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if process.returncode:
        raise NotPreparedError("Tryton's database was not made:\n" + "\n".join(said[-15:]))


@contextlib.contextmanager
def _lock(file: Path, progress: Callable[[str], None]) -> Iterator[None]:
    """Held by one process at a time; the system frees it when its holder dies."""
    with file.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another process is preparing Tryton's database; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _forget_older(cache: Path, newest: Path) -> None:
    for file in cache.glob("tryton-*.sqlite"):
        if file != newest:
            file.unlink(missing_ok=True)
