"""`accord audit verify` says whether the journal is what was written, and where it is not."""

import datetime as dt
import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from accord import bootstrap
from accord.cli import audit, customers
from accord.cli.app import app
from accord.state.memory import MemorySeals
from accord.sync.audit import Auditor
from tests.sync.shoppers import ADA, Shoppers
from tests.sync.test_audit import KEPT, Archive

RUN = CliRunner()


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Archive:
    there = Archive()
    monkeypatch.setattr(audit, "connect", lambda _: None)
    monkeypatch.setattr(bootstrap, "now", lambda: there.now)
    monkeypatch.setattr(bootstrap, "config", lambda: Shoppers().config)
    monkeypatch.setattr(
        bootstrap, "auditor", lambda: Auditor(there.journal, there.seals, lambda: there.now, KEPT)
    )
    return there


def test_what_is_as_it_was_written_is_said_so(archive: Archive) -> None:
    result = RUN.invoke(app, ["audit", "verify"])

    assert result.exit_code == 0
    assert "3 stories in 12 pages" in result.output
    assert "all as written" in result.output
    assert "3 pages are of days that are not sealed yet" in result.output


def test_a_change_is_named_and_fails_the_command(archive: Archive) -> None:
    chain = archive.chain(1)
    chain[1] = replace(chain[1], text="[]")

    result = RUN.invoke(app, ["audit", "verify"])

    assert result.exit_code == 1
    assert "uk:order:1, page 2" in result.output


def test_json_is_for_scripts(archive: Archive) -> None:
    archive.chain(1).pop(1)

    result = RUN.invoke(app, ["audit", "verify", "--json", "--ref", "uk:order:1"])

    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["stories"] == 1
    assert {"fault": "missing", "where": "uk:order:1, page 2", "what": "taken away"} in told[
        "findings"
    ]


def test_another_story_is_not_looked_at(archive: Archive) -> None:
    archive.chain(1).pop(1)

    assert RUN.invoke(app, ["audit", "verify", "--ref", "uk:order:2"]).exit_code == 0


@pytest.mark.parametrize("ref", ["bad:order:1", "uk:order:77777"])
def test_a_story_that_nobody_told_gets_no_clean_bill(archive: Archive, ref: str) -> None:
    result = RUN.invoke(app, ["audit", "verify", "--ref", ref])

    assert result.exit_code == 1
    assert f"nothing is known of {ref}" in result.output
    assert "all as written" not in result.output


def test_beside_one_that_is_known_it_fails_all_the_same(archive: Archive) -> None:
    refs = ("--ref", "uk:order:1", "--ref", "uk:order:77777")
    result = RUN.invoke(app, ["audit", "verify", *refs, "--json"])

    told = json.loads(result.stdout)
    assert (result.exit_code, told["stories"], told["unknown"]) == (1, 1, ["uk:order:77777"])


def test_a_story_that_was_taken_away_whole_is_a_fault_and_not_unknown(archive: Archive) -> None:
    archive.chain(1).clear()

    result = RUN.invoke(app, ["audit", "verify", "--ref", "uk:order:1", "--json"])

    told = json.loads(result.stdout)
    assert (result.exit_code, told["unknown"]) == (1, [])
    assert "missing" in {each["fault"] for each in told["findings"]}


def test_one_is_said_as_one(archive: Archive) -> None:
    result = RUN.invoke(app, ["audit", "verify", "--ref", "uk:order:1"])
    archive.chain(1).pop(1)
    broken = RUN.invoke(app, ["audit", "verify", "--ref", "uk:order:1"])

    assert "1 story in 4 pages" in result.output
    assert "1 page is of days that are not sealed yet" in result.output
    assert "1 stories" not in broken.output


@pytest.mark.parametrize("about", [["--since", "yesterday"], ["--ref", "order 1"]])
def test_what_cannot_be_meant_is_refused(archive: Archive, about: list[str]) -> None:
    result = RUN.invoke(app, ["audit", "verify", *about])

    assert result.exit_code == 1
    assert result.exception is not None
    assert "write it like" in str(result.exception)


def test_a_shopper_who_was_forgotten_breaks_no_chain(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal holds nothing of theirs, so nothing of it has to go."""
    there = Shoppers()
    there.store.add_customer(**ADA)
    there.settle()
    archive.journal, archive.seals = there.journal, MemorySeals()
    archive.now = there.clock() + dt.timedelta(days=1, hours=2)
    before = {ref: list(there.journal.pages(ref)) for ref in there.journal.refs()}
    archive.seal()
    monkeypatch.setattr(customers, "connect", lambda _: None)
    for name, port in (
        ("links", there.links),
        ("attention", there.attention),
        ("payloads", there.payloads),
        ("waiting", there.waiting),
        ("documents", there.documents),
        ("journal", there.journal),
        ("config", there.config),
    ):
        monkeypatch.setattr(bootstrap, name, lambda port=port: port)
    monkeypatch.setattr(bootstrap, "store", lambda _: there.store)
    assert RUN.invoke(app, ["forget", "ada@example.com", "--yes"]).exit_code == 0

    assert before
    for ref, pages in before.items():
        assert list(there.journal.pages(ref))[: len(pages)] == pages
        assert "ada" not in "".join(page.text for page in pages).casefold()
    assert RUN.invoke(app, ["audit", "verify"]).exit_code == 0
