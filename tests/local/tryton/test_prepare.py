"""The prepared database is made once, whoever asks, and never half."""

import datetime as dt
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from accord.local.tryton import NotPreparedError, prepare
from accord.local.tryton.names import DATABASE

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
# The package gives the function the module's name.
MODULE = sys.modules["accord.local.tryton.prepare"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders in which a database was made; it is a small one here."""
    folders: list[Path] = []

    def make(folder: Path, year: int, progress: Callable[[str], None]) -> None:
        folders.append(folder)
        with sqlite3.connect(folder / f"{DATABASE}.sqlite") as connection:
            connection.execute("CREATE TABLE ir_session (id INTEGER)")
        connection.close()
        progress("made")

    monkeypatch.setattr(MODULE, "_make", make)
    return folders


def nobody(_text: str) -> None:
    """Takes the progress and says nothing."""


def test_what_is_made_is_kept(tmp_path: Path, made: list[Path]) -> None:
    first = prepare(tmp_path, progress=nobody, now=NOW)

    assert prepare(tmp_path, progress=nobody, now=NOW) == first
    assert len(made) == 1


def test_a_new_year_needs_new_periods(tmp_path: Path, made: list[Path]) -> None:
    prepare(tmp_path, progress=nobody, now=NOW)
    prepare(tmp_path, progress=nobody, now=NOW.replace(year=2027))

    assert len(made) == 2


def test_an_older_one_is_thrown_away(tmp_path: Path, made: list[Path]) -> None:
    old = prepare(tmp_path, progress=nobody, now=NOW)
    prepare(tmp_path, progress=nobody, now=NOW.replace(year=2027))

    assert not old.exists()


def test_another_version_of_tryton_makes_another(
    tmp_path: Path, made: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(tmp_path, progress=nobody, now=NOW)
    monkeypatch.setattr(MODULE.importlib.metadata, "distributions", list)

    prepare(tmp_path, progress=nobody, now=NOW)

    assert len(made) == 2


def test_two_at_once_make_it_once(tmp_path: Path, made: list[Path]) -> None:
    def ask() -> None:
        prepare(tmp_path, progress=nobody, now=NOW)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> subprocess.Popen[str]:
        return popen([sys.executable, "-c", "print('no'); raise SystemExit(3)"],
                     stdout=subprocess.PIPE, text=True)  # fmt: skip

    popen = subprocess.Popen
    monkeypatch.setattr(MODULE.subprocess, "Popen", fail)

    with pytest.raises(NotPreparedError, match="no"):
        prepare(tmp_path, progress=nobody, now=NOW)

    assert [file.name for file in tmp_path.iterdir()] == ["tryton.lock"]
