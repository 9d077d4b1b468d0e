"""What is kept of an order can be seen, and taken back."""

import datetime as dt
import json

import pytest
from typer.testing import CliRunner

from accord import bootstrap
from accord.cli import documents
from accord.cli.app import app
from accord.model.progress import Attachment
from accord.state.memory import MemoryDocuments

NOW = dt.datetime.now(dt.UTC)
PAGE = Attachment("invoice.pdf", "application/pdf", b"%PDF")
RUN = CliRunner()


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> MemoryDocuments:
    """Two invoices of order 30 and one of order 31."""
    held = MemoryDocuments()
    for name in ("uk:order:30/main:invoice:7", "uk:order:30/main:invoice:8"):
        held.put(name, PAGE, now=NOW, days=30)
    held.put("uk:order:31/main:invoice:9", PAGE, now=NOW, days=30)
    monkeypatch.setattr(bootstrap, "documents", lambda: held)
    monkeypatch.setattr(documents, "connect", lambda _: None)
    return held


def names(order: str) -> list[str]:
    found = RUN.invoke(app, ["documents", "list", "uk", order, "--json"])
    return [each["document"] for each in json.loads(found.stdout)]


def test_what_is_kept_of_an_order_is_listed(kept: MemoryDocuments) -> None:
    assert names("30") == ["main:invoice:7", "main:invoice:8"]


def test_a_list_never_shows_the_key_of_a_link(kept: MemoryDocuments) -> None:
    shown = RUN.invoke(app, ["documents", "list", "uk", "30"]).stdout

    assert not [each for each in kept.of("uk:order:30") if each.token in shown]


def test_one_document_is_taken_back(kept: MemoryDocuments) -> None:
    words = ["documents", "revoke", "uk", "30", "--document", "main:invoice:7", "--yes"]

    assert RUN.invoke(app, words).exit_code == 0
    assert (names("30"), names("31")) == (["main:invoice:8"], ["main:invoice:9"])


def test_nothing_is_taken_back_without_a_yes(kept: MemoryDocuments) -> None:
    assert RUN.invoke(app, ["documents", "revoke", "uk", "30"], input="n\n").exit_code == 1
    assert len(names("30")) == 2


def test_an_order_of_which_nothing_is_kept_is_said_so(kept: MemoryDocuments) -> None:
    result = RUN.invoke(app, ["documents", "revoke", "uk", "99", "--yes"])

    assert result.exit_code == 1
    assert "nothing of order 99 is kept" in result.stderr
