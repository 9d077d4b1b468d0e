"""An operator leaves a connection alone, lets it go on, and sees how all of them stand."""

import datetime as dt
import json
import tomllib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from accord import bootstrap
from accord.cli import pauses
from accord.cli.app import app
from accord.errors import UnavailableError
from accord.local.place import REPO
from accord.model.change import Change, Ref
from accord.ports.limits import FAILURES, Board
from accord.ports.state import Parked
from accord.rules.config import Config, bears
from accord.state.memory import MemoryControl, MemoryJournal, MemoryWaiting
from accord.state.memory_limits import MemoryBreakers
from accord.sync.guard import Guard
from accord.sync.meter import Meter
from accord.sync.pause import Pauses

NOW = dt.datetime(2026, 7, 5, 9, 30, tzinfo=dt.UTC)  # a Sunday; 10:30 in London
MAIN = Ref("main", "connection", "main")
LIMITS = {"at_once": 3, "per_minute": 60, "per_day": 5000}
HOURS = [{"days": ["sun"], "from": "10:00", "to": "12:00"}]


class Desk:
    """What the commands work on."""

    def __init__(self) -> None:
        self.config = _config()
        self.control = MemoryControl()
        self.journal = MemoryJournal()
        self.waiting = MemoryWaiting()
        self.guard = Guard(
            board=Board(self.control, lambda: NOW),
            breakers=MemoryBreakers(lambda: NOW),
            meter=Meter(self.control, lambda: NOW, pause=lambda _: None, random=lambda: 0.5),
            bears=lambda name: bears(self.config, name),
            clock=lambda: NOW,
            new_holder=lambda: "somebody",
        )

    def set(self, **tables: Any) -> None:
        """Tables of the back office in accord.toml."""
        self.config = _config(**tables)

    def story(self) -> list[str]:
        return [entry.text for entry in self.journal.of(MAIN)]


def _config(**tables: Any) -> Config:
    text = (REPO / "accord.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text, parse_float=Decimal)
    data["erps"]["main"] |= tables
    return Config.model_validate(data)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    monkeypatch.setattr(pauses, "connect", lambda _: None)
    monkeypatch.setattr(bootstrap, "now", lambda: NOW)
    monkeypatch.setattr(bootstrap, "config", lambda: desk.config)
    monkeypatch.setattr(bootstrap, "guard", lambda: desk.guard)
    monkeypatch.setattr(bootstrap, "waiting", lambda: desk.waiting)
    monkeypatch.setattr(
        bootstrap, "pauses", lambda: Pauses(desk.guard.board, desk.journal, lambda: NOW)
    )
    monkeypatch.setenv("ACCORD_OPERATOR", "maria")
    return desk


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def status(name: str = "main") -> dict[str, Any]:
    found: Sequence[dict[str, Any]] = json.loads(run("status", "--json").stdout)
    (one,) = [each for each in found if each["name"] == name]
    return one


def test_a_connection_is_paused_until_somebody_resumes_it(desk: Desk) -> None:
    result = run("pause", "main", "--why", "new server")

    assert result.exit_code == 0
    assert "accord resume main" in result.stdout
    assert status()["paused"] == {
        "by": "maria",
        "at": NOW.isoformat(),
        "until": None,
        "why": "new server",
    }
    assert desk.story() == ["main was paused by maria: new server"]


def test_another_pause_is_not_replaced_without_a_word(desk: Desk) -> None:
    run("pause", "main", "--by", "otto", "--for", "1h", "--why", "stock take")
    result = run("pause", "main", "--for", "2h")

    assert "replaces" in result.stdout
    assert "paused by otto until 2026-07-05 10:30 UTC: stock take" in result.stdout
    assert status()["paused"] == {
        "by": "maria",
        "at": NOW.isoformat(),
        "until": "2026-07-05T11:30:00+00:00",
        "why": "stock take",
    }
    assert "before, it was paused by otto" in desk.story()[-1]


def test_a_pause_without_an_end_is_told_as_such_when_it_is_replaced(desk: Desk) -> None:
    run("pause", "main", "--by", "otto")

    assert "by otto (until it is resumed)" in run("pause", "main", "--for", "2h").stdout


def test_a_new_reason_replaces_the_old_one(desk: Desk) -> None:
    run("pause", "main", "--by", "otto", "--why", "stock take")
    run("pause", "main", "--why", "new server")

    assert status()["paused"]["why"] == "new server"


def test_a_pause_that_lapsed_is_not_replaced(desk: Desk) -> None:
    before = Pauses(desk.guard.board, desk.journal, lambda: NOW - dt.timedelta(hours=2))
    before.begin("main", by="otto", until=NOW - dt.timedelta(hours=1), why="stock take")
    result = run("pause", "main")

    assert "replaces" not in result.stdout
    assert status()["paused"]["why"] == ""


@pytest.mark.parametrize("paused", [True, False])
def test_resumed_within_hours_of_maintenance_it_goes_on_after_them(
    desk: Desk, paused: bool
) -> None:
    desk.set(maintenance=HOURS)
    if paused:
        run("pause", "main")

    assert "in maintenance until 2026-07-05 11:00 UTC" in run("resume", "main").stdout


def test_resumed_it_is_open(desk: Desk) -> None:
    run("pause", "main")
    result = run("resume", "main", "--by", "jo")

    assert result.exit_code == 0
    assert (status()["paused"], status()["open"]) == (None, True)
    assert desk.story()[-1] == "main was resumed by jo"


@pytest.mark.parametrize(
    ("words", "until"),
    [
        (["--for", "2h"], "2026-07-05T11:30:00+00:00"),
        (["--for", "30m"], "2026-07-05T10:00:00+00:00"),
        (["--until", "18:00"], "2026-07-05T17:00:00+00:00"),  # by the clock there
        (["--until", "06:00"], "2026-07-06T05:00:00+00:00"),  # tomorrow's
        (["--until", "2026-07-06"], "2026-07-05T23:00:00+00:00"),
        (["--until", "2026-12-24T18:00"], "2026-12-24T18:00:00+00:00"),
        (["--until", "2026-07-05T12:00Z"], "2026-07-05T12:00:00+00:00"),
    ],
)
def test_a_pause_may_have_an_end(desk: Desk, words: list[str], until: str) -> None:
    assert run("pause", "main", *words).exit_code == 0
    assert status()["paused"]["until"] == until


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pause", "mian"], "there is no 'mian'"),
        (["resume", "mian"], "accord.toml has uk, main"),
        (["pause", "main", "--for", "soon"], "soon"),
        (["pause", "main", "--until", "soon"], "write it like 18:00"),
        (["pause", "main", "--until", "2020-01-01"], "has passed"),
        (["pause", "main", "--until", "18:00", "--for", "2h"], "give one of them"),
    ],
)
def test_what_cannot_be_meant_is_refused(desk: Desk, words: list[str], said: str) -> None:
    result = run(*words)

    assert result.exit_code != 0
    assert said in result.stderr.replace("\n", " ")
    assert desk.story() == []


def test_resuming_what_is_not_paused_is_no_failure(desk: Desk) -> None:
    result = run("resume", "main")

    assert result.exit_code == 0
    assert "was not paused" in result.stdout


def test_a_store_can_be_paused_too(desk: Desk) -> None:
    run("pause", "uk")

    assert not status("uk")["open"]
    assert status("main")["open"]


def test_the_status_shows_limits_and_how_much_is_used(desk: Desk) -> None:
    desk.set(limits=LIMITS)
    until = NOW + dt.timedelta(minutes=1)
    with desk.guard.operation("orders", calls=7, holder="worker", until=until):
        desk.guard.call("main", "get", lambda: None)
        found = status()

    assert found["at_once"] == {"used": 1, "allowed": 3}
    assert found["per_minute"] == {"used": 7, "allowed": 60}
    assert found["per_day"] == {"used": 7, "allowed": 5000}


def test_the_status_shows_what_stands_in_the_way(desk: Desk) -> None:
    desk.set(maintenance=HOURS)
    assert status()["maintenance_until"] == "2026-07-05T11:00:00+00:00"

    desk.set()

    def away() -> None:
        raise UnavailableError("away", connection="main")

    for _ in range(FAILURES["outage"]):
        with pytest.raises(UnavailableError):
            desk.guard.call("main", "get", away)
    assert status()["breaker"] == {"trouble": "outage", "since": NOW.isoformat()}
    assert "away since 2026-07-05 09:30 UTC" in " ".join(run("status").stdout.split())


def test_the_status_shows_what_waits(desk: Desk) -> None:
    for n, cause in enumerate(("outage", "item:MUG")):
        placed = NOW - dt.timedelta(hours=n + 1)
        change = Change(Ref("uk", "order", str(n)), "order_created", NOW, "c")
        desk.waiting.park(Parked(change, "main", cause, "why", placed, NOW))

    found = status()
    assert found["waiting"] == 2
    assert found["oldest"] == (NOW - dt.timedelta(hours=2)).isoformat()


def test_the_status_is_a_table_for_people(desk: Desk) -> None:
    run("pause", "main", "--for", "2h", "--why", "new server")
    shown = " ".join(run("status").stdout.split())

    assert "paused by maria until 2026-07-05 11:30 UTC: new server" in shown
    assert "open" in shown
