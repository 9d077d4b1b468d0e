"""What new credentials open: told kind by kind, and a consent that is waited for."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from accord.erp.memory.adapter import Memory
from accord.erp.memory.ledger import Ledger
from accord.errors import (
    AccordError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedError,
)
from accord.model.documents import Kind
from accord.ports.advice import Advice
from accord.ports.tokens import OAuth, Tenant, TokenSet
from accord.sync.connecting import consented, rights, scopes

NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
TOKENS = TokenSet(
    access="a",
    refresh="r",
    expires_at=NOW + 30 * MINUTE,
    scopes=("one", "two"),
    tenant=Tenant("t1", "Demo Shop"),
    consented_at=NOW,
    renewed_at=NOW,
)
PROVIDER = OAuth(
    title="Books",
    authorize_url="https://books.example/authorize",
    token_url="https://books.example/token",
    scopes=("one", "two", "three"),
    lapses=dt.timedelta(days=60),
)


class Advising(Memory):
    """A ledger whose settings could be better, or cannot be read."""

    def __init__(self, error: AccordError | None = None) -> None:
        ledger: Ledger = Memory.ledger(clock=lambda: NOW)
        super().__init__(ledger.call, "main")
        self.error = error

    def advice(self) -> Sequence[Advice]:
        if self.error is not None:
            raise self.error
        return (Advice("prices", "Product Price", "prices are rounded", "keep more digits"),)


class Refusing(Memory):
    """A ledger of which some kinds may not be read."""

    def __init__(self, refused: dict[Kind, AccordError]) -> None:
        ledger: Ledger = Memory.ledger(clock=lambda: NOW)
        super().__init__(ledger.call, "main")
        self.refused = refused
        self.asked: list[tuple[Kind, dt.datetime, int]] = []

    def changes(
        self, kind: Kind, since: dt.datetime, *, after: str = "", limit: int = 100
    ) -> Sequence[Any]:
        self.asked.append((kind, since, limit))
        if kind in self.refused:
            raise self.refused[kind]
        return super().changes(kind, since, after=after, limit=limit)


def test_every_kind_that_it_tells_of_is_tried_once_and_little_is_read() -> None:
    adapter = Refusing({})

    open_, found = rights("main", adapter, now=NOW)

    assert set(open_) == adapter.capabilities.tells
    assert found == []
    assert [kind for kind, _, _ in adapter.asked] == sorted(adapter.capabilities.tells)
    assert {(since, limit) for _, since, limit in adapter.asked} == {(NOW - 60 * MINUTE, 1)}


@pytest.mark.parametrize(
    ("error", "severity", "remedy"),
    [
        (UnauthorizedError("no", connection="main"), "error", "the right to read it"),
        (RejectedError("no"), "warning", "[erps.main.options]"),
        (UnsupportedError("no"), "warning", "[erps.main.options]"),
        (UnavailableError("no"), "warning", "run this once more"),
    ],
)
def test_what_may_not_be_read_is_a_finding_and_the_others_are_tried(
    error: AccordError, severity: str, remedy: str
) -> None:
    open_, (found,) = rights("main", Refusing({Kind.SALES_ORDER: error}), now=NOW)

    assert (found.severity, found.topic, found.subject) == (severity, "rights", "sales order")
    assert remedy in found.remedy
    assert Kind.SALES_ORDER not in open_
    assert Kind.PARTY in open_


def test_one_that_does_not_answer_at_all_is_an_error() -> None:
    adapter = Refusing({})
    adapter.ping = lambda: (_ for _ in ()).throw(UnavailableError("off"))  # type: ignore[method-assign]

    with pytest.raises(UnavailableError):
        rights("main", adapter, now=NOW)
    assert adapter.asked == []


def test_a_scope_that_lacks_is_named_for_whom_and_with_a_remedy() -> None:
    (found,) = scopes(PROVIDER, TOKENS)

    assert (found.severity, found.subject) == ("error", "three")
    assert "Demo Shop" in found.what
    assert "app at Books" in found.remedy


def test_a_provider_that_does_not_say_gave_all_that_was_asked() -> None:
    assert scopes(PROVIDER, replace(TOKENS, scopes=())) == []


FORMER = replace(TOKENS, consented_at=NOW - dt.timedelta(hours=1))


class Waiting:
    """A person who allows it after a while; each pause is a minute."""

    former: TokenSet | None = None

    def __init__(self, *answers: TokenSet | AccordError | None) -> None:
        self.answers = list(answers)
        self.now = NOW
        self.pauses = 0

    def connected(self) -> TokenSet | None:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, AccordError):
            raise answer
        return answer

    def pause(self, seconds: float) -> None:
        assert 0 < seconds <= 5
        self.pauses += 1
        self.now += MINUTE

    def wait(self, connected: Callable[[], TokenSet | None] | None = None) -> TokenSet | None:
        return consented(
            connected or self.connected,
            former=self.former,
            until=NOW + 5 * MINUTE,
            clock=lambda: self.now,
            pause=self.pause,
        )


def test_a_consent_is_taken_as_soon_as_it_is_there() -> None:
    person = Waiting(None, UnavailableError("the table does not answer"), TOKENS)

    assert person.wait() is TOKENS
    assert person.pauses == 2


def test_no_clocks_are_compared() -> None:
    person = Waiting(FORMER, replace(TOKENS, consented_at=NOW - 10 * MINUTE))
    person.former = FORMER

    assert person.wait() is not None


@pytest.mark.parametrize(
    "kept",
    [
        None,
        FORMER,
        replace(TOKENS, refused_at=NOW),
    ],
    ids=["none", "an earlier one", "one that lapsed"],
)
def test_what_is_no_new_consent_is_waited_out(kept: TokenSet | None) -> None:
    person = Waiting(kept)
    person.former = FORMER

    assert person.wait() is None
    assert person.now == NOW + 5 * MINUTE


def test_what_would_be_better_there_is_told_beside() -> None:
    _, found = rights("main", Advising(), now=NOW)

    (advice,) = found
    assert (advice.severity, advice.subject) == ("warning", "Product Price")
    assert advice.remedy == "keep more digits"


def test_settings_that_cannot_be_read_stop_nothing() -> None:
    open_, found = rights("main", Advising(UnavailableError("main is away")), now=NOW)

    assert open_
    assert [(each.severity, each.topic, each.what) for each in found] == [
        ("warning", "settings", "main is away")
    ]
