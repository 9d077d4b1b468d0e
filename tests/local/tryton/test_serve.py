"""The server keeps its connections to the database, and no transaction gets one that is not clean.

Tryton is only ever imported in a process of its own.
"""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.erp.tryton.conftest import REPOSITORY

pytestmark = pytest.mark.tryton

BEGIN = """
import sys, threading
from trytond import config
config.set("database", "uri", "sqlite://")
config.set("database", "path", sys.argv[1])
from accord.local.tryton import serve
serve.keep_connections()
from trytond.backend.sqlite.database import Database

def begin():
    database = Database("accord").connect()
    return database, database.get_connection()

def end(taken):
    database, connection = taken
    database.put_connection(connection)
"""


def ran(folder: Path, script: str) -> None:
    """The script's own assertions hold."""
    file = folder / "accord.sqlite"
    with sqlite3.connect(file) as made:
        made.execute("CREATE TABLE IF NOT EXISTS numbers (number INTEGER)")
    made.close()
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + script, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(REPOSITORY / "layers/accord/python")},
    )
    assert done.returncode == 0, done.stderr


def test_what_was_given_back_is_used_again_by_another_thread(tmp_path: Path) -> None:
    ran(
        tmp_path,
        """
first = begin()
end(first)
second = []
thread = threading.Thread(target=lambda: second.append(begin()))
thread.start(); thread.join()
assert second[0][1] is first[1]
assert second[0][1].execute("SELECT 1").fetchone() == (1,)
""",
    )


def test_two_at_once_have_one_each(tmp_path: Path) -> None:
    ran(
        tmp_path,
        """
first, second = begin(), begin()
assert first[1] is not second[1]
end(first); end(second)
third, fourth = begin(), begin()
assert {id(third[1]), id(fourth[1])} == {id(first[1]), id(second[1])}
""",
    )


def test_what_its_cache_gives_back_is_still_the_transactions(tmp_path: Path) -> None:
    ran(
        tmp_path,
        """
database, connection = begin()
assert database.get_connection(autocommit=True) is connection
database.put_connection(connection)
assert begin()[1] is not connection
database.put_connection(connection)
assert begin()[1] is connection
""",
    )


def test_what_was_not_ended_is_not_used_again(tmp_path: Path) -> None:
    ran(
        tmp_path,
        """
database, connection = begin()
connection.execute("INSERT INTO numbers VALUES (1)")
database.put_connection(connection)
del database, connection
other = begin()[1]
assert not other.in_transaction
assert other.execute("SELECT COUNT(*) FROM numbers").fetchone() == (0,)
""",
    )


def test_what_an_error_ended_is_not_used_again(tmp_path: Path) -> None:
    ran(
        tmp_path,
        """
taken = begin()
try:
    raise ValueError
except ValueError:
    end(taken)
assert begin()[1] is not taken[1]
""",
    )
