"""Credentials: renewed ones are used, and bad ones park what needs them. Which store is meant."""

import datetime as dt
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from accord import bootstrap
from accord.bootstrap import connections, tables
from accord.bootstrap import rules as wired
from accord.errors import (
    RejectedError,
    TransientError,
    UnauthorizedError,
    UnsupportedError,
)
from accord.model.change import Change, Ref
from accord.rules.config import Config
from accord.state.memory import MemoryRulesStore
from tests.sync.conftest import START, config


class Secrets:
    """Secrets Manager; ``asked`` counts."""

    def __init__(self) -> None:
        self.text = '{"password": "old"}'
        self.asked = 0
        self.refuses = False

    def get_secret(self, _: str) -> str:
        self.asked += 1
        if self.refuses:
            raise RejectedError("GetSecretValue: ResourceNotFoundException: no AWSCURRENT")
        return self.text


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    kept = Secrets()
    monkeypatch.setattr(connections, "aws_client", lambda: kept)
    monkeypatch.setattr(connections, "secret_name", lambda name: name)
    monkeypatch.setattr(connections, "_secrets", {})
    return kept


def test_a_secret_is_asked_for_once_in_a_while(secrets: Secrets) -> None:
    for _ in range(3):
        connections._secret("erp/main", connection="main")

    assert secrets.asked == 1


def test_a_renewed_secret_is_used_without_a_new_process(
    secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections._secret("erp/main", connection="main")
    secrets.text = '{"password": "new"}'
    monkeypatch.setattr(connections, "_SECRETS_KEPT_S", -1.0)

    assert connections._secret("erp/main", connection="main") == {"password": "new"}


@pytest.mark.parametrize("text", ["pass word", '"text"', "[]"])
def test_a_secret_that_is_no_object_waits_for_its_mend(secrets: Secrets, text: str) -> None:
    secrets.text = text
    with pytest.raises(UnauthorizedError) as caught:
        connections._secret("erp/main", connection="main")

    assert caught.value.connection == "main"
    assert "pass word" not in str(caught.value)


def test_a_secret_without_a_value_is_waited_for_by_all_together(secrets: Secrets) -> None:
    """As after a first deployment. Refused, each order would become a matter of its own."""
    secrets.refuses = True
    with pytest.raises(UnauthorizedError, match="secret erp/main cannot be read") as caught:
        connections._secret("erp/main", connection="main")

    assert caught.value.connection == "main"


# --- which store a change is about -----------------------------------------------


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stores of the back office main, of which the second keeps its customers alike."""

    def store(erp: str, customers: str) -> SimpleNamespace:
        return SimpleNamespace(erp=erp, flows=SimpleNamespace(customers=customers))

    tables = {"uk": store("main", "off"), "de": store("main", "on"), "us": store("other", "on")}
    monkeypatch.setattr(
        wired, "config", lambda: SimpleNamespace(stores=tables, erps={"main": None})
    )


def about(ref: str, aggregate: str | None = None) -> str:
    now = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    whole = Ref.parse(aggregate) if aggregate else None
    return bootstrap.store_of(Change(Ref.parse(ref), "any", now, "c", aggregate=whole))


@pytest.mark.usefixtures("stores")
@pytest.mark.parametrize(
    ("ref", "aggregate", "store"),
    [
        ("uk:order:30", None, "uk"),
        ("uk:refund:65", "uk:order:30", "uk"),
        ("main:shipment:1", "uk:order:30", "uk"),
        ("main:party:7", "uk:customer:2", "uk"),
        ("main:party:7", None, "de"),
        ("other:party:7", None, "us"),
        ("gone:order:30", None, "gone"),
    ],
)
def test_a_change_is_about_one_store(ref: str, aggregate: str | None, store: str) -> None:
    assert about(ref, aggregate) == store


def test_a_back_office_that_left_the_configuration_is_said_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wired, "_deployed", lambda: (SimpleNamespace(erps={}), ""))

    with pytest.raises(UnsupportedError, match="no back office named 'main'"):
        bootstrap.back_office("main")


def test_what_was_made_is_kept_until_it_would_be_made_of_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_made", {})
    made = [connections._kept("store", "uk", of, object) for of in ("a", "a", "b")]

    assert made[0] is made[1]
    assert made[1] is not made[2]


# --- the rules that hold ---------------------------------------------------------

UNFIT = {"stores": {"uk": {"gone": {}}}}


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> MemoryRulesStore:
    """Read anew at each use; nothing was read yet."""
    kept, deployed = MemoryRulesStore(), config()
    monkeypatch.setattr(wired, "live", wired._Rules())
    monkeypatch.setattr(wired, "_RULES_KEPT_S", -1.0)
    monkeypatch.setattr(wired, "_deployed", lambda: (deployed, "d1"))
    monkeypatch.setattr(tables, "rules_store", lambda: kept)
    return kept


def pushed(rules: MemoryRulesStore, content: dict[str, object], version: int) -> None:
    rules.push(content, version=version, now=START, by="ada", why="")


def test_rules_that_fit_no_more_hold_everything_back_and_lose_nothing(
    rules: MemoryRulesStore,
) -> None:
    pushed(rules, UNFIT, 1)
    with pytest.raises(TransientError, match="does not fit the deployed") as caught:
        bootstrap.config()

    assert caught.value.reason == "rules"
    assert bootstrap.rules_version() == "d1/1"  # what is parked meanwhile is parked by it
    assert about("uk:order:30") == "uk"


def test_rules_that_fit_again_are_taken(rules: MemoryRulesStore) -> None:
    pushed(rules, UNFIT, 1)
    with pytest.raises(TransientError):
        bootstrap.config()
    pushed(rules, {}, 2)

    assert isinstance(bootstrap.config(), Config)
    assert bootstrap.rules_version() == "d1/2"


def test_who_knows_rules_that_fit_goes_on_by_them(rules: MemoryRulesStore) -> None:
    before = bootstrap.config()
    pushed(rules, UNFIT, 1)

    assert bootstrap.config() == before
    assert bootstrap.rules_version() == "d1/0"


def test_what_a_consent_needs_is_loaded_by_those_alone_who_use_it() -> None:
    """Every function imports the rest with each of its starts."""
    needed = ("accord.oauth", "accord.sync.tokens", "accord.state.tokens", "accord.sync.consent")
    code = f"import sys, accord.bootstrap; print([m for m in {needed!r} if m in sys.modules])"

    found = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert found.stdout.strip() == "[]"
